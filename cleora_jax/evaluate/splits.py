"""Links held out for validation and test, with negatives: what a method may see, and what it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax.evaluate.non_edges import draw_like, keys_of
from cleora_jax.evaluate.parts import (
    PARTS,
    TRAIN,
    by_pair,
    by_stamp,
    lines_of,
    links_of,
    of_part,
    random_parts,
    widest,
)
from cleora_jax.graph.adjacency_matrix import adjacency
from cleora_jax.graph.build import Graph, check_graph
from cleora_jax.graph.hyperedges import frozen


@dataclass(frozen=True, eq=False, repr=False)
class HeldOut:
    """Pairs of rows that a method has not seen, int64[m, 2] each.

    Args:
        positive: links of the full graph.
        uniform: as many pairs without a link, ends drawn uniformly.
        matched: as many, both ends drawn in proportion to their training degree, so that degrees alone tell little.
    """

    positive: np.ndarray
    uniform: np.ndarray
    matched: np.ndarray

    def __post_init__(self) -> None:
        frozen(self.positive), frozen(self.uniform), frozen(self.matched)

    def __len__(self) -> int:
        return len(self.positive)

    def __repr__(self) -> str:
        return f"HeldOut({len(self):,} links, as many uniform and as many degree-matched negatives)"


@dataclass(frozen=True, eq=False, repr=False)
class EdgeSplit:
    """A graph to train on, and the links that it lacks.

    Args:
        graph: the training graph, over the whole vocabulary: entities that lost all their links stay, isolated.
        train: int64[·, 2], its links, each once; the lower row first, or from source to target where `directed`.
        train_negative: int64[·, 2], pairs without a link in the training graph, ends drawn uniformly. Nothing of the
            held-out links was looked at to draw them, so held-out links, like held-out negatives, may be among them:
            were one kind left out, what is fitted to them would tell it by that.
        validation, test: what is held out.
        known: CSR bool[n, n], all links of the full graph, both ways unless `directed`.
        directed: pairs have a source and a target.
        seed: what drew all this.
    """

    graph: Graph
    train: np.ndarray
    train_negative: np.ndarray
    validation: HeldOut
    test: HeldOut
    known: sp.csr_array
    directed: bool
    seed: int

    def __post_init__(self) -> None:
        frozen(self.train), frozen(self.train_negative)

    @property
    def isolated_share(self) -> float:
        """Of the entities that have a link in the full graph, the share that has none in the training graph."""
        linked = np.zeros(self.known.shape[0], bool)
        linked[np.concatenate(self.known.nonzero())] = True
        seen = np.zeros_like(linked)
        seen[self.train] = True
        return float(1 - seen[linked].mean())

    def __repr__(self) -> str:
        return (
            f"EdgeSplit({len(self.train):,} training, {len(self.validation):,} validation and {len(self.test):,} test "
            f"links; {self.isolated_share:.1%} of the linked entities isolated in training)"
        )


def split_edges(
    graph: Graph,
    validation: float = 0.05,
    test: float = 0.15,
    seed: int = 0,
    *,
    stamps: Any = None,
    directed: bool = False,
) -> EdgeSplit:
    """Hold out links of a graph of edges.

    What is split are the distinct pairs of `adjacency(graph)`: all edges between two entities, parallel or reverse,
    in whichever relation, go to the same part. Nothing keeps the training graph connected (see `isolated_share`).

    Negatives are no links of the *full* graph, distinct, no self-pairs, of the same columns as the links they stand
    against, and among entities that have a link. With the same seed all methods get the same.

    Args:
        graph: of hyperedges of one or two entities, or a given matrix. For larger ones see `split_hyperedges`.
        validation, test: shares of the pairs (of the edges, where `stamps` are given), each at least 0, together below
            1; rounded.
        seed: draws the parts (where no `stamps` are given) and the negatives.
        stamps: float[E], when each edge was seen: the latest are the test part, those before them the validation part,
            edges of equal stamp together. A link counts as of its first edge; later edges of a known pair are dropped.
            Default: parts are drawn.
        directed: links are arcs, from source to target; both arcs between two entities are still in one part.
            Degree-matched negatives then follow out- and in-degrees.

    Raises:
        ValueError: shares or stamps that do not fit, a part without links, hyperedges of more than two entities, or a
            graph too dense for negatives.

    Example:
        >>> import cleora_jax as cj
        >>> rng = np.random.default_rng(0)
        >>> graph = cj.from_edges(rng.integers(0, 50, 200), rng.integers(0, 50, 200), num_entities=50)
        >>> split = split_edges(graph)
        >>> split
        EdgeSplit(141 training, 9 validation and 27 test links; 0.0% of the linked entities isolated in training)
        >>> split.test
        HeldOut(27 links, as many uniform and as many degree-matched negatives)
    """
    shares, seed = _check(graph, validation, test, seed)
    lines = lines_of(graph)
    if any(widest(group) > 2 for group in lines):
        raise checks.OptionError("`graph` has hyperedges of more than two entities: use `split_hyperedges`.")
    if stamps is not None:
        return _split(graph, by_stamp(lines, stamps, shares), shares, seed, directed)
    pairs = links_of(graph, False)
    parts = random_parts(np.random.default_rng([seed, 0]), len(pairs), shares)
    return _split(graph, by_pair(graph, lines, pairs, parts), shares, seed, directed)


def split_hyperedges(
    graph: Graph, validation: float = 0.05, test: float = 0.15, seed: int = 0, *, stamps: Any = None
) -> EdgeSplit:
    """Hold out whole hyperedges; links to be found are their pairs that no training hyperedge holds.

    Splitting pairs of a hyperedge would leave its other pairs in training, which give the held-out ones away. Links of
    the test part are in no validation hyperedge, either. Negatives are as in `split_edges`.

    Args:
        graph: of hyperedges; all relations of a line go with it.
        validation, test: shares of the hyperedges, each at least 0, together below 1; rounded.
        seed: draws the parts (where no `stamps` are given) and the negatives.
        stamps: float[E], when each hyperedge was seen, as in `split_edges`. Default: parts are drawn.

    Raises:
        ValueError: as `split_edges`; or a relation that was given as a matrix.

    Example:
        >>> import cleora_jax as cj
        >>> rng = np.random.default_rng(0)
        >>> graph = cj.from_hyperedges([[f"i{i}" for i in rng.choice(60, 3, replace=False)] for _ in range(100)])
        >>> split_hyperedges(graph)
        EdgeSplit(218 training, 13 validation and 41 test links; 0.0% of the linked entities isolated in training)
    """
    shares, seed = _check(graph, validation, test, seed)
    lines = lines_of(graph)
    if any(group[0].counts is not None for group in lines):
        raise checks.OptionError("`graph` was given as a matrix and holds no hyperedges: use `split_edges`.")
    if stamps is not None:
        return _split(graph, by_stamp(lines, stamps, shares), shares, seed, directed=False)
    counts = [group[0].num_hyperedges for group in lines]
    parts = random_parts(np.random.default_rng([seed, 0]), sum(counts), shares)
    return _split(graph, np.split(parts, np.cumsum(counts)[:-1]), shares, seed, directed=False)


def _check(graph: Graph, validation: float, test: float, seed: int) -> tuple[tuple[float, float], int]:
    check_graph(graph)
    shares = checks.real("validation", validation, low=0, high=1), checks.real("test", test, low=0, high=1)
    if sum(shares) >= 1:
        raise checks.OptionError(f"`validation` + `test` must be below 1, got {validation} + {test}.")
    return shares, checks.integer("seed", seed, low=0)


def _split(graph: Graph, parts: list[np.ndarray], shares: tuple[float, float], seed: int, directed: bool) -> EdgeSplit:
    """The split of a graph, given the part of each line of each group."""
    graphs = [of_part(graph, parts, part) for part in PARTS]
    train, validation, test = _apart([links_of(one, directed) for one in graphs], graph.num_entities)
    for name, pairs, share in (("train", train, 1), ("validation", validation, shares[0]), ("test", test, shares[1])):
        if share and not len(pairs):
            raise checks.OptionError(f"`graph` is too small: no link is left for the {name} part.")
    rng = np.random.default_rng([seed, 1])
    train_negative = _train_negatives(rng, graph, train, directed)
    links, wanted, cut = links_of(graph, directed), np.concatenate([validation, test]), len(validation)
    taken = keys_of(links, graph.num_entities, directed)
    uniform, matched = _held_out_negatives(rng, graph, wanted, train, taken, directed)
    return EdgeSplit(
        graphs[TRAIN],
        train,
        train_negative,
        HeldOut(validation, uniform[:cut].copy(), matched[:cut].copy()),
        HeldOut(test, uniform[cut:].copy(), matched[cut:].copy()),
        _known(graph, directed),
        directed,
        seed,
    )


def _apart(links: Sequence[np.ndarray], count: int) -> list[np.ndarray]:
    """The links of each part whose pair, in either direction, is in no part before."""
    before = np.zeros(0, np.int64)
    found = []
    for pairs in links:
        keys = keys_of(pairs, count, directed=False)
        found.append(pairs[~np.isin(keys, before)])
        before = np.concatenate([before, keys])
    return found


def _known(graph: Graph, directed: bool) -> sp.csr_array:
    known = adjacency(graph, directed=directed, weighted=False).astype(bool)
    frozen(known.data), frozen(known.indices), frozen(known.indptr)
    return known


def _train_negatives(rng: np.random.Generator, graph: Graph, train: np.ndarray, directed: bool) -> np.ndarray:
    """As many as there are training links, or half of the pairs there are.

    Only the training links say what a pair without a link is, and which entities have one.
    """
    linked = _degree(train, graph.num_entities, range(2)) > 0
    taken = np.sort(keys_of(train, graph.num_entities, directed))
    return draw_like(rng, train, graph.vocab.column_of, (linked, linked), taken, directed, spare=True)


def _held_out_negatives(
    rng: np.random.Generator, graph: Graph, wanted: np.ndarray, train: np.ndarray, taken: np.ndarray, directed: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Uniform and degree-matched negatives for the links `wanted`; keys of all links are `taken`."""
    linked = _degree(np.concatenate([train, wanted]), graph.num_entities, range(2)) > 0
    ends = ([0], [1]) if directed else (range(2), range(2))
    degree = [_degree(train, graph.num_entities, end) for end in ends]
    column, taken = graph.vocab.column_of, np.sort(taken)
    uniform = draw_like(rng, wanted, column, (linked, linked), taken, directed)
    matched = draw_like(rng, wanted, column, (degree[0], degree[1]), taken, directed)
    return uniform, matched


def _degree(pairs: np.ndarray, count: int, ends: Sequence[int]) -> np.ndarray:
    """int64[n]: in how many pairs each entity stands, at one end or either."""
    return np.bincount(pairs[:, list(ends)].ravel(), minlength=count)
