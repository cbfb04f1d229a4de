"""The adjacency matrix that is sampled from, and neighbours of many entities at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax.graph import Graph, adjacency
from cleora_jax.graph.hyperedges import ranges


def matrix_of(graph: Graph | sp.csr_array) -> sp.csr_array:
    """The adjacency of a graph, or a matrix as given: whoever samples often makes it once."""
    if isinstance(graph, Graph):
        return adjacency(graph)
    if not isinstance(graph, sp.csr_array) or graph.shape[0] != graph.shape[1] or not graph.has_canonical_format:
        raise TypeError(
            f"`graph` must be a Graph, or what `adjacency` returns (a square CSR, sorted), got {type(graph).__name__}."
        )
    return graph


def rows_of(name: str, rows: Any, count: int) -> np.ndarray:
    """Row numbers int64[k] of a graph of n entities, checked."""
    found = np.atleast_1d(np.asarray(rows))
    found = found.astype(np.int64) if not found.size else found
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise TypeError(f"`{name}` must be row numbers, got {found.dtype} of shape {found.shape}.")
    if len(found) and (found.min() < 0 or found.max() >= count):
        raise checks.OptionError(f"`{name}` must be rows of the graph, 0 to {count - 1:,}.")
    return found.astype(np.int64)


def neighbours(matrix: sp.csr_array, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Entries of some rows: which of the rows each belongs to, and where it stands in the matrix, int64[m] both."""
    size = degrees_of(matrix, rows)
    return np.repeat(np.arange(len(rows)), size), ranges(matrix.indptr[rows].astype(np.int64), size)


def degrees_of(matrix: sp.csr_array, rows: np.ndarray) -> np.ndarray:
    """Entries of some rows, int64[k], without looking at the others."""
    return (matrix.indptr[rows + 1] - matrix.indptr[rows]).astype(np.int64)


def some_neighbours(
    matrix: sp.csr_array, rows: np.ndarray, most: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """As `neighbours`, at most so many of each row, drawn without replacement, each set of them as likely."""
    owner, place = neighbours(matrix, rows)
    keep = some_of_each(owner, np.full(len(rows), most), rng)
    return owner[keep], place[keep]


def some_of_each(owner: np.ndarray, most: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Places of at most `most[o]` things of each owner o, rising; each set of them as likely.

    Args:
        owner: int64[m], of each thing, rising.
        most: int64[owners].
        rng: draws one number for each thing.
    """
    order = np.lexsort((rng.random(len(owner)), owner))
    rank = np.arange(len(owner)) - np.searchsorted(owner, owner)
    return np.sort(order[rank < most[owner]])
