"""Graphs at the edges of what a graph may be, small: most share their number of entities and of pairs, and with these
what is compiled for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import scipy.sparse as sp

import cleora_jax as cj

COUNT, DIM = 12, 4
NAMES = [f"e{row}" for row in range(COUNT)]
TREE = [(row, (row - 1) // 2) for row in range(1, COUNT)]  # 11 edges, as many as a star has
SPREAD = np.logspace(-15, 15, len(TREE))[np.random.default_rng(3).permutation(len(TREE))]
EXTREME = (SPREAD / SPREAD.max() * 3e38).astype(np.float32)  # the sums are more than float32 holds


class Case:
    """A graph, and what is made of it for the functions that want more than a graph.

    Args:
        name: in `GRAPHS`.
        build: makes the graph.
    """

    def __init__(self, name: str, build: Callable[[], cj.Graph]) -> None:
        self.name, self.build = name, build

    def __repr__(self) -> str:
        return self.name

    @cached_property
    def graph(self) -> cj.Graph:
        return self.build()

    @cached_property
    def embedding(self) -> cj.Embedding:
        """Of the default way, or, where there is nothing to embed, vectors that are given."""
        if len(self.graph.vocab) < 2:
            return cj.Embedding(np.ones((len(self.graph.vocab), DIM), np.float32), self.graph.vocab)
        (found,) = cj.embed_apart(self.graph, cj.Cleora(dim=DIM, num_iterations=3)).values()
        return found

    @cached_property
    def labels(self) -> cj.Labels:
        """Of two classes in turn."""
        return cj.labels_of(self.graph.vocab, [row % 2 for row in range(len(self.graph.vocab))])

    @cached_property
    def split(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A third of the entities each for training, validation and test."""
        rows = np.arange(len(self.graph.vocab))
        third = max(1, len(rows) // 3)
        return rows[:third], rows[third : 2 * third], rows[2 * third :]

    @property
    def ids(self) -> list[str]:
        return self.graph.vocab.ids.to_pylist()

    @cached_property
    def pairs(self) -> np.ndarray:
        """Distinct edges, int[m, 2], rows of the graph."""
        return np.stack(sp.triu(cj.adjacency(self.graph), 1).tocoo().coords, axis=1)


def edges(pairs: Sequence[tuple[int, int]], weight=None, repeat: int = 1) -> Callable[[], cj.Graph]:
    source, target = np.tile(np.transpose(pairs), repeat)
    weight = None if weight is None else np.tile(weight, repeat)
    return lambda: cj.from_edges(source, target, weight, ids=NAMES)


def period_two() -> cj.Graph:
    """The tree as a matrix, without loops: the walk changes sides at every step."""
    source, target = np.transpose(TREE)
    half = sp.coo_array((np.ones(len(TREE)), (source, target)), shape=(COUNT, COUNT)).tocsr()
    return cj.from_scipy(half + half.T, NAMES)


GRAPHS = {
    case.name: case
    for case in (
        Case("one entity", lambda: cj.from_hyperedges(["a"])),
        Case("one pair", lambda: cj.from_hyperedges(["a b"])),
        Case("one hyperedge of all", lambda: cj.from_hyperedges([NAMES])),
        Case("complete", edges([(i, j) for i in range(COUNT) for j in range(i)])),
        Case("star", edges([(0, leaf) for leaf in range(1, COUNT)])),
        Case("pairs", edges([(2 * at, 2 * at + 1) for at in range(COUNT // 2)])),
        Case("repeated lines", edges(TREE, repeat=1000)),
        Case("weights of 30 orders", edges(TREE, SPREAD)),
        Case("tiny weights", edges(TREE, np.full(len(TREE), 1e-15))),
        Case("huge weights", edges(TREE, np.full(len(TREE), 1e15))),
        Case("extreme weights", edges(TREE, EXTREME)),
        Case("no weight", edges(TREE, np.zeros(len(TREE)))),
        Case(
            "two sides", lambda: cj.from_hyperedges([f"u{(at + 1) // 2}\tv{at // 2}" for at in range(11)], "user item")
        ),
        Case("period 2", period_two),
    )
}
