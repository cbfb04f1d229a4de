"""Connected components, and how far apart entities are; SciPy's csgraph does the work."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.sparse import csgraph

from cleora_jax import _checks as checks
from cleora_jax._random import generator
from cleora_jax.graph import Graph, adjacency
from cleora_jax.graph.build import check_graph
from cleora_jax.graph.hyperedges import distinct_sides, index_array, sides


class Components(NamedTuple):
    """Which entities can reach each other.

    Args:
        label: int32[n], the component of each entity, the largest component being 0, the next 1, …; among equals the
            one that appears first.
        size: int64[c], entities of each, falling.
    """

    label: np.ndarray
    size: np.ndarray


def connected_components(graph: Graph) -> Components:
    """The connected components; an isolated entity is one by itself. Direction does not count.

    Hyperedges are not expanded: time and memory follow Σ|e|.

    Example:
        >>> import cleora_jax as cj
        >>> found = cj.stats.connected_components(cj.from_hyperedges(["dan eve", "ann bob cid"]))
        >>> found.label.tolist(), found.size.tolist()
        ([1, 1, 0, 0, 0], [3, 2])
    """
    check_graph(graph)
    _, label = csgraph.connected_components(_links(graph), directed=False)
    label = by_size(label[: graph.num_entities])  # the others are of hyperedges
    return Components(label.astype(np.int32), np.bincount(label))


def by_size(group: np.ndarray) -> np.ndarray:
    """Numbers int64[n] of groups, the largest 0; among equals the one that appears first."""
    _, first, code, size = np.unique(group, return_index=True, return_inverse=True, return_counts=True)
    order = np.lexsort((first, -size))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank[code]


def _links(graph: Graph) -> sp.csr_array:
    """Entities and, after them, the hyperedges of each relation, n + ΣE rows.

    Those of positive weight that relate something are linked with what they hold; entities as a given matrix has it.
    """
    size, parts = graph.num_entities, []
    for relation in graph.relations:
        if relation.counts is not None:
            parts.append(relation.counts.tocoo().coords)
            continue
        left, right = sides(relation)
        live = (left.size > 0) & (right.size > 0)
        if relation.weight is not None:
            live &= relation.weight > 0
        for side in distinct_sides([relation]):
            line = np.repeat(np.arange(len(side)), side.size)
            parts.append((side.member[live[line]], size + line[live[line]]))
        size += len(left)
    row, column = (np.concatenate([part[end] for part in parts]) for end in (0, 1))
    matrix = sp.coo_array((np.ones(len(row), bool), (row, column)), shape=(size, size)).tocsr()
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int32, copy=False), index_array(matrix.indptr)
    return matrix


def diameter(graph: Graph, *, rounds: int = 4, seed: int = 0) -> int:
    """A lower bound of the largest distance within the largest component, by double sweeps; nearly always the diameter.

    A sweep goes from an entity to one of those farthest from it, and from there to the farthest again.

    Args:
        graph: hyperedges count as their cliques.
        rounds: sweeps, each from another entity drawn at random. Default: 4.
        seed: of the draw. Default: 0.

    Returns:
        Edges of the longest shortest path that was found.

    Raises:
        ValueError: rounds below 1.

    Example:
        >>> import cleora_jax as cj
        >>> cj.stats.diameter(cj.from_edges([0, 1, 2, 3], [1, 2, 3, 4], num_entities=5))
        4

    Reference: Magnien, Latapy and Habib, Fast computation of empirically tight bounds for the diameter of massive
    graphs, ACM Journal of Experimental Algorithmics 13, 2009.
    """
    check_graph(graph)
    rounds = checks.integer("rounds", rounds, low=1)
    rng = generator(seed)
    matrix = adjacency(graph, weighted=False)
    inside = np.flatnonzero(connected_components(graph).label == 0)
    longest = 0
    for start in rng.choice(inside, rounds):
        for _ in range(2):
            distance = _distances(matrix, int(start))
            start = int(np.argmax(distance))
            longest = max(longest, int(distance[start]))
    return longest


def _distances(matrix: sp.csr_array, start: int) -> np.ndarray:
    """Edges int64[n] from one entity to each; −1 where there is no way."""
    order, before = csgraph.breadth_first_order(matrix, start, directed=False)
    distance = np.full(matrix.shape[0], -1)
    place = np.empty(matrix.shape[0], np.int64)
    place[order] = np.arange(len(order))
    parent = place[before[order[1:]]]  # rises along the order, so that levels are runs of it
    depth = np.zeros(len(order), np.int64)
    begin, end = 0, 1
    while end < len(order):
        following = int(np.searchsorted(parent, end)) + 1  # those whose parent stands before `end`
        depth[end:following] = depth[begin] + 1
        begin, end = end, following
    distance[order] = depth
    return distance
