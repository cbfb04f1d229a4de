"""Does refinement find pairs that it was not shown, better than pycleora's, and how much faster?

Edges of real graphs are split: a tenth to test, a tenth to choose settings by, some to refine with, and the rest to
embed. Cosines must tell the held-out ones from as many pairs that are no edges at all. Both engines get the same
vectors and pairs, and the settings that validation prefers.

python -m experiments.refine.run            # about half an hour on 2 cores, nearly all of it pycleora's
python -m experiments.refine.times          # then: how long the default and the chosen settings take, in turn
python -m experiments.refine.run --smoke    # the karate club, in seconds
"""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from itertools import product
from types import SimpleNamespace
from typing import Any, NamedTuple

import networkx as nx
import numpy as np
import pycleora
from sklearn.metrics import roc_auc_score

import cleora_jax as cj
from experiments.record import arguments, table, write

Options = dict[str, Any]
TRIPLET: Options = {"loss": "triplet", "margin": 0.5, "learning_rate": 0.05}  # our default
CONTRASTIVE: Options = {"loss": "contrastive", "margin": 0.0, "learning_rate": 0.01, "patience": 4}  # slow steps
HEADS = (TRIPLET, TRIPLET | {"margin": 0.3, "learning_rate": 0.2}, CONTRASTIVE, None)
VECTORS = (None, TRIPLET, CONTRASTIVE | {"learning_rate": 0.05}, CONTRASTIVE | {"margin": 0.5, "learning_rate": 0.2})


@dataclass(frozen=True)
class Source:
    """Edges, how many are pairs to refine with, how the rest is embedded, and what is tried: pycleora's learning rates,
    our settings of a head and of vectors after it (None: not fitted). Defaults stand first."""

    name: str
    pairs: int
    cleora: cj.Cleora
    seeds: tuple[int, ...] = (0, 1, 2)
    rates: tuple[float, ...] = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
    heads: tuple[Options | None, ...] = HEADS
    vectors: tuple[Options | None, ...] = VECTORS


WAYS = (cj.Cleora(), cj.Cleora(num_iterations=4, whiten="off"))
SOURCES = [Source(name, pairs, way) for name, pairs in (("ego-facebook", 10_000), ("ca-grqc", 4_000)) for way in WAYS]
SMOKE = [Source("karate", 20, cj.Cleora(dim=8), (0,), (0.01, 0.1), (TRIPLET, None), (None, CONTRASTIVE))]


class Split(NamedTuple):
    """The embedding; pairs to refine with, as ids; and held-out pairs of rows with as many that are no edges."""

    embedding: cj.Embedding
    pairs: list[tuple[str, str]]
    validation: tuple[np.ndarray, np.ndarray]
    test: tuple[np.ndarray, np.ndarray]


def main() -> None:
    warnings.simplefilter("ignore", cj.RankWarning)
    args = arguments(__file__, __doc__)
    sources = SMOKE if args.smoke else SOURCES
    write(args.output, (line for source in sources for seed in source.seeds for line in compare(source, seed)))


def compare(source: Source, seed: int) -> list[Options]:
    """A line for each setting; "chosen" is the one of each engine that the validation pairs prefer."""
    split, lines = split_of(source, seed), []
    for engine, settings in tries(source):
        vectors = refined(split, engine, settings, seed)
        scores = {name: separation(vectors, *getattr(split, name)) for name in ("validation", "test")}
        lines.append(
            {**config(source), "kind": "score", "split": seed, "engine": engine, "settings": settings, **scores}
        )
    best = {line["engine"]: place for place, line in sorted(enumerate(lines), key=lambda one: one[1]["validation"])}
    return [line | {"chosen": place in best.values()} for place, line in enumerate(lines)]


def config(source: Source) -> Options:
    return {"name": source.name, "pairs": source.pairs, "cleora": asdict(source.cleora)}


def tries(source: Source) -> list[tuple[str, Options]]:
    """Engines and settings; each engine's default before its others."""
    theirs = [("pycleora", {"learning_rate": rate}) for rate in source.rates]
    both = [{"head": head, "vectors": vectors} for head, vectors in product(source.heads, source.vectors)]
    return [("plain", {}), *theirs, *(("cleora_jax", settings) for settings in both if any(settings.values()))]


def split_of(source: Source, seed: int) -> Split:
    """Test and validation first, then pairs; what is left is embedded."""
    listed = table(source.name, "edges.tsv.gz") if source.name != "karate" else np.array(nx.karate_club_graph().edges)
    ids, rows = np.unique(listed[:, :2], return_inverse=True)
    edges = np.unique(np.sort(rows.reshape(-1, 2)[np.diff(rows.reshape(-1, 2)).ravel() != 0]), axis=0)
    rng, tenth = np.random.default_rng(seed), len(edges) // 10
    test, validation, pairs, graph = np.split(rng.permutation(edges), [tenth, 2 * tenth, 2 * tenth + source.pairs])
    drawn = np.sort(rng.integers(len(ids), size=(10 * tenth + 100, 2)))
    strangers = drawn[(np.diff(drawn).ravel() != 0) & ~np.isin(drawn @ [len(ids), 1], edges @ [len(ids), 1])]
    embedding = cj.embed(cj.from_edges(*graph.T, num_entities=len(ids)), source.cleora)
    named = [(str(a), str(b)) for a, b in pairs]
    return Split(embedding, named, (validation, strangers[:tenth]), (test, strangers[tenth : 2 * tenth]))


def refined(split: Split, engine: str, settings: Options, seed: int) -> np.ndarray:
    """Vectors refined by an engine; of "plain", as they are."""
    if engine == "cleora_jax":
        return ours(split, settings, seed)
    return theirs(split, **settings) if engine == "pycleora" else split.embedding.vectors


def theirs(split: Split, learning_rate: float) -> np.ndarray:
    """Vectors refined by pycleora: 50 epochs, margin 0.5, 5 negatives. Of a graph it asks two things alone."""
    graph = SimpleNamespace(num_entities=len(split.embedding), entity_ids=split.embedding.vocab.ids.to_pylist())
    return pycleora.supervised_refine(graph, split.embedding.vectors, split.pairs, learning_rate=learning_rate)


def ours(split: Split, settings: Options, seed: int) -> np.ndarray:
    """Vectors refined by us, a head first and then the vectors; a tenth of the pairs says when to stop."""
    embedding = split.embedding
    for target, options in settings.items():
        if options is not None:
            method = cj.Refine(target=target, seed=seed, **options)  # type: ignore[arg-type]
            embedding = cj.refine(embedding, split.pairs, method=method).embedding
    return embedding.vectors


def separation(vectors: np.ndarray, edges: np.ndarray, strangers: np.ndarray) -> float:
    """AUC of cosines."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-30)
    ends = np.concatenate([edges, strangers])
    labels = np.repeat([1, 0], [len(edges), len(strangers)])
    return float(roc_auc_score(labels, np.vecdot(unit[ends[:, 0]], unit[ends[:, 1]])))


if __name__ == "__main__":
    main()
