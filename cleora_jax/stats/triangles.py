"""Triangles and clustering coefficients, by sparse products over edges that lead from low to high degree."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from cleora_jax.graph import Graph, adjacency
from cleora_jax.graph.build import check_graph

BLOCK_ENTRIES = 1 << 22  # entries of a product at once, at most (but for a single row)


class Clustering(NamedTuple):
    """How often two neighbours of an entity are neighbours themselves.

    Args:
        triangles: int64[n], those that each entity stands in.
        local: float64[n], of the pairs of its neighbours those that are an edge; 0 where it has fewer than two.
        average: mean of `local` over all entities.
        transitivity: three times the triangles by the pairs of edges that meet, of the whole graph.
    """

    triangles: np.ndarray
    local: np.ndarray
    average: float
    transitivity: float


def clustering(graph: Graph) -> Clustering:
    """Triangles of each entity and clustering coefficients, exactly.

    Weights do not count; hyperedges are their cliques.

    Time follows the sum over edges of the smaller degree of both ends, not the square of the largest degree.

    Example:
        >>> import cleora_jax as cj
        >>> found = cj.stats.clustering(cj.from_edges(["a", "a", "b", "c"], ["b", "c", "c", "d"]))
        >>> found.triangles.tolist(), round(found.average, 3), round(found.transitivity, 3)
        ([1, 1, 1, 0], 0.583, 0.6)

    Reference: Watts and Strogatz, Nature 393, 1998 (local); Newman, SIAM Review 45, 2003 (transitivity).
    """
    check_graph(graph)
    matrix = adjacency(graph, weighted=False)
    degree = np.diff(matrix.indptr).astype(np.int64)
    triangles = _triangles(matrix, degree)
    pairs = degree * (degree - 1) / 2
    local = np.divide(triangles, pairs, out=np.zeros(len(pairs)), where=pairs > 0)
    open_and_closed = pairs.sum()
    return Clustering(triangles, local, float(local.mean()), float(triangles.sum() / max(open_and_closed, 1)))


def _triangles(matrix: sp.csr_array, degree: np.ndarray) -> np.ndarray:
    """int64[n]. Each triangle is found once, as u → v → w with u → w; all three count it."""
    rank = np.empty(len(degree), np.int64)
    rank[np.lexsort((np.arange(len(degree)), degree))] = np.arange(len(degree))
    entries = matrix.tocoo()
    row, column = entries.coords
    up = rank[row] < rank[column]
    ones = np.ones(int(up.sum()), np.int32)
    out = sp.csr_array((ones, (row[up], column[up])), shape=matrix.shape)
    found = np.zeros(len(degree), np.int64)
    for block in _row_blocks(out):
        rows = out[block]
        closed = (rows @ out).multiply(rows).tocoo()  # at u, w: the v between
        found[block] += np.asarray(closed.sum(axis=1)).reshape(-1)
        found += np.bincount(closed.coords[1], weights=closed.data, minlength=len(degree)).astype(np.int64)
    back = sp.csr_array(out.T)
    for block in _row_blocks(out, back):
        rows = out[block]
        closed = (back[block] @ out).multiply(rows)  # at v, w: the u that lead to both
        found[block] += np.asarray(closed.sum(axis=1)).reshape(-1)
    return found


def _row_blocks(out: sp.csr_array, first: sp.csr_array | None = None) -> list[slice]:
    """Blocks of rows of first @ out (or out @ out) that hold about `BLOCK_ENTRIES` terms each."""
    first = out if first is None else first
    size = np.diff(out.indptr).astype(np.int64)
    terms = np.concatenate([[0], np.cumsum(size[first.indices])])[first.indptr]
    wanted = np.arange(0, terms[-1], BLOCK_ENTRIES)
    edges = np.unique(np.concatenate([np.searchsorted(terms, wanted, side="right") - 1, [0, out.shape[0]]]))
    return [slice(int(begin), int(end)) for begin, end in pairwise(edges)]
