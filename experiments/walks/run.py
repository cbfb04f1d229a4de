"""Are our walks and our skip-gram as good as the peers', and how fast are they?

Walks per second beside PecanPy's (numba), tokens per second and Micro-F1 beside gensim's Word2Vec on the same walks,
all on the same machine in turn. Compilation is left out on both sides. A peer that is not installed is left out, and
said so.

python -m experiments.walks.run            # about an hour on 2 cores, most of it gensim's
python -m experiments.walks.run --smoke    # the karate club, in seconds

PecanPy asks for an older NumPy: give the interpreter of a virtual environment of its own, which has it, as
CLEORA_JAX_PECANPY.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from statistics import median
from typing import Any

import networkx as nx
import numpy as np

import cleora_jax as cj
from cleora_jax.baselines import Node2Vec
from cleora_jax.baselines.corpus import Corpus
from cleora_jax.graph import adjacency
from experiments.record import arguments, table, write
from experiments.walks.peers import pecanpy_walks, word2vec
from experiments.walks.score import labels_of, micro_f1


@dataclass(frozen=True)
class Source:
    """A graph, walks and their biases, and what is measured on it."""

    name: str
    method: Node2Vec
    biases: tuple[tuple[float, float], ...] = ((1, 1), (0.25, 0.25), (0.25, 4), (4, 0.25))
    shares: tuple[float, ...] = ()  # of labelled nodes that train the classifier
    splits: int = 3
    timings: int = 3
    tables: bool = False  # whether PecanPy's alias tables for each arc fit into memory


SOURCES = [
    Source("ppi", Node2Vec(weighted=False), shares=(0.1, 0.5, 0.9), tables=True),
    Source("blogcatalog", Node2Vec(weighted=False, num_walks=2)),
    Source("email-enron", Node2Vec(weighted=False, num_walks=1)),
    Source("ego-twitter", Node2Vec(weighted=False, num_walks=1), ((1, 1), (0.25, 4))),
]
SMOKE = [Source("karate", Node2Vec(dim=8, num_walks=2, walk_length=10, window=3), ((1, 1), (0.5, 2)), (0.5,), 1, 1)]


def main() -> None:
    args = arguments(__file__, __doc__)
    for peer, there in (("gensim", find_spec("gensim")), ("PecanPy", os.environ.get("CLEORA_JAX_PECANPY"))):
        if not there:
            print(f"{peer} is not installed (see above): left out", file=sys.stderr)
    write(args.output, (line for source in (SMOKE if args.smoke else SOURCES) for line in lines_of(source)))


def lines_of(source: Source) -> Iterator[dict[str, Any]]:
    """Lines of the walks for each bias, then of the training."""
    edges = edges_of(source.name)
    graph = cj.from_edges(*edges.T, num_entities=int(edges.max()) + 1)
    for p, q in source.biases:
        yield {"kind": "walks", "source": source.name, "p": p, "q": q} | walk_speed(source, graph, edges, p, q)
    yield from training(source, graph)


def edges_of(name: str) -> np.ndarray:
    """int[m, 2], without loops."""
    if name == "karate":
        return np.array(nx.karate_club_graph().edges)
    found = table(name, "edges.tsv.gz")[:, :2].astype(np.int64)
    return found[found[:, 0] != found[:, 1]]


def walk_speed(source: Source, graph: cj.Graph, edges: np.ndarray, p: float, q: float) -> dict[str, Any]:
    """Walks per second of each engine, medians; and PecanPy's preparation, which ours has none of."""
    method = source.method
    bias = Node2Vec(p=p, q=q).bias
    corpus = Corpus(adjacency(graph, weighted=False), bias, method.num_walks, method.walk_length, seed=0)
    corpus.walks(0)
    seconds = [timed(lambda: [corpus.walks(batch) for batch in range(corpus.batches)]) for _ in range(source.timings)]
    found: dict[str, Any] = {"ours": corpus.total / median(seconds)}
    peers = pecanpy_walks(edges, p, q, method, source.timings, source.tables)
    for kind, told in peers.items():
        found[kind] = told["walks"] / median(told["seconds"])
        found[f"{kind} prepares, seconds"] = told["prepare"]
        found[f"{kind} over ours, time"] = found["ours"] / found[kind]
    return found


def training(source: Source, graph: cj.Graph) -> Iterator[dict[str, Any]]:
    """Engines in turn: tokens per second (walks included for ours), and Micro-F1."""
    runs: dict[str, Callable[[], np.ndarray]] = {"ours": lambda: cj.embed(graph, source.method).vectors}
    if find_spec("gensim"):
        runs["gensim"] = word2vec(source.method, graph)
    tokens = cj.embed(graph, source.method).trace.walks * source.method.walk_length  # warm, too
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    vectors: dict[str, np.ndarray] = {}
    for _ in range(source.timings):
        for name, run in runs.items():
            start = time.perf_counter()
            vectors[name] = run()
            seconds[name].append(time.perf_counter() - start)
    for name in runs:
        speed = {"tokens per second": tokens / median(seconds[name]), "seconds": seconds[name]}
        yield {"kind": "training", "source": source.name, "engine": name} | speed | scores(source, vectors[name])


def scores(source: Source, vectors: np.ndarray) -> dict[str, float]:
    """Mean Micro-F1 over splits for each share."""
    if not source.shares:
        return {}
    truth = labels_of(source.name, len(vectors))
    return {f"micro_f1 {share:g}": micro_f1(vectors, truth, share, source.splits) for share in source.shares}


def timed(run: Callable[[], Any]) -> float:
    """Seconds."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
