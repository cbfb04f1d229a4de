"""What is lost when new entities are transformed instead of embedding everything anew?

A tenth of the entities is hidden with all its hyperedges; the rest is fitted. Then the hidden ones come back: by
`transform` (nothing else moves), by `update` (a few warm steps), by the mean of their neighbours' final vectors (what
Cleora's users are told to do), and by embedding everything anew, which the others are measured by. Beside them stands
the same embedding anew from another seed: what chance alone changes.

python -m experiments.inductive.run            # about ten minutes on 2 cores; needs the real data sets
python -m experiments.inductive.run --smoke    # the karate club, in seconds
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import networkx as nx
import numpy as np
from sklearn.linear_model import LogisticRegression

import cleora_jax as cj
from experiments.record import arguments, table, write


@dataclass(frozen=True)
class Source:
    """Edges, labels where there are some, and how they are embedded."""

    name: str
    pairs: np.ndarray
    spec: str
    method: cj.Cleora
    labels: dict[str, str] | None
    seeds: tuple[int, ...] = (0, 1, 2)
    hidden: float = 0.1
    shown: int = 2000  # hidden entities whose neighbours are compared


def main() -> None:
    """One JSON line per source, seed and way."""
    warnings.simplefilter("ignore")
    args = arguments(__file__, __doc__)
    sources = (karate(),) if args.smoke else (cora(), gowalla())
    write(args.output, (line for source in sources for seed in source.seeds for line in compare(source, seed)))


def karate() -> Source:
    """Bundled."""
    club = nx.karate_club_graph()
    pairs = np.array(club.edges).astype(str)
    labels = {str(node): club.nodes[node]["club"] for node in club}
    return Source("karate", pairs, "complex::reflexive::node", cj.Cleora(dim=8), labels, seeds=(0,))


def cora() -> Source:
    """Papers and citations, labelled."""
    labels = dict(table("cora", "labels.tsv.gz")[:, :2])
    return Source("cora", table("cora", "edges.tsv.gz"), "complex::reflexive::node", cj.Cleora(dim=128), labels)


def gowalla() -> Source:
    """Users and places; no labels."""
    method = cj.Cleora(dim=128, residual_weight=0.5)
    return Source("gowalla", table("gowalla", "train.tsv.gz"), "user item", method, None)


def graph_of(source: Source, pairs: np.ndarray) -> cj.Graph:
    """Lines as they are."""
    separator = " " if len(source.spec.split()) == 1 else "\t"
    return cj.from_hyperedges([separator.join(pair) for pair in pairs], source.spec)


def compare(source: Source, seed: int) -> Iterator[dict[str, Any]]:
    """All ways for one draw of hidden entities."""
    rng = np.random.default_rng(seed)
    method = replace(source.method, seed=seed)
    columns = [np.unique(source.pairs)] if len(source.spec.split()) == 1 else list(map(np.unique, source.pairs.T))
    hidden = [rng.choice(ids, int(len(ids) * source.hidden), replace=False) for ids in columns]
    touched = sum(np.isin(source.pairs[:, end], hidden[end % len(hidden)]) for end in (0, 1)) > 0
    known, new = (graph_of(source, source.pairs[some]) for some in (~touched, touched))
    fitted = cj.fit(known, method)

    start = time.perf_counter()
    transformed = cj.transform(fitted, new)
    seconds = time.perf_counter() - start
    whole = graph_of(source, np.concatenate([source.pairs[~touched], source.pairs[touched]]))
    ways = {
        "anew": cj.embed(whole, method),
        "another seed": cj.embed(whole, replace(method, seed=seed + 1000)),
        "mean of neighbours": joined(fitted.embedding, mean_of_neighbours(fitted, new, transformed)),
        "transform": joined(fitted.embedding, transformed),
        **{f"update {n}": cj.update(fitted, new, num_iterations=n).embedding for n in (1, 3, 5, 10)},
    }
    some = rng.choice(len(transformed), min(source.shown, len(transformed)), replace=False)
    queries = [(transformed.vocab.columns[transformed.vocab.column_of[row]], transformed.vocab[row]) for row in some]
    nearest = {way: neighbours(embedding, queries) for way, embedding in ways.items()}
    for way, embedding in ways.items():
        same = [len(a & b) / 10 for a, b in zip(nearest[way], nearest["anew"], strict=True)]
        line = {"source": source.name, "seed": seed, "way": way, "hidden": len(transformed), "overlap": np.mean(same)}
        if source.labels is not None:
            line["accuracy"] = accuracy(embedding, fitted.embedding.vocab, transformed.vocab, source.labels)
        yield line | {"seconds": seconds if way == "transform" else None, "method": asdict(method)}


def mean_of_neighbours(fitted: cj.Fitted, new: cj.Graph, transformed: cj.Embedding) -> cj.Embedding:
    """Final vectors averaged over known neighbours, unit length."""
    rows = fitted.embedding.vocab.rows_of(new.vocab)
    vectors = np.where((rows >= 0)[:, None], fitted.embedding.vectors[rows], 0)
    mean = (new.counts() @ vectors)[new.vocab.rows_of(transformed.vocab)]
    return cj.Embedding(mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-30), transformed.vocab)


def joined(known: cj.Embedding, new: cj.Embedding) -> cj.Embedding:
    """Known entities, then new ones."""
    return cj.Embedding(np.concatenate([known.vectors, new.vectors]), known.vocab.joined(new.vocab)[0])


def neighbours(embedding: cj.Embedding, queries: list[tuple[str, str]]) -> list[set[Any]]:
    """The ten nearest of each query."""
    rows = np.array([embedding.vocab.find(entity, column) for column, entity in queries])
    found = embedding.most_similar(embedding.vectors[rows], k=11)
    return [{key for key, _ in each} - {query, query[1]} for each, query in zip(found, queries, strict=True)]


def accuracy(embedding: cj.Embedding, known: cj.Vocab, new: cj.Vocab, labels: dict[str, str]) -> float:
    """Of logistic regression on unit rows: fitted to known entities, asked of new ones."""
    sides = [(embedding.rows(ids), [labels[i] for i in ids]) for ids in (known.ids.to_pylist(), new.ids.to_pylist())]
    (x, y), (new_x, new_y) = ((v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-30), y) for v, y in sides)
    return float(LogisticRegression(max_iter=2000, C=10).fit(x, y).score(new_x, new_y))


if __name__ == "__main__":
    main()
