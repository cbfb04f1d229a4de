"""Nearest items of each item, as a sparse matrix: what all k-NN of items score by."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from cleora_jax.graph.hyperedges import index_array, offsets_of


class Neighbours(NamedTuple):
    """float32[i, i] CSR: row i holds the similarities of item i to its neighbours."""

    similarity: sp.csr_array


def neighbours_of(rows: np.ndarray, scores: np.ndarray, columns: int) -> sp.csr_array:
    """Lists of neighbours as a sparse matrix; −1 and what is not above 0 are left out.

    Args:
        rows: int64[q, k], neighbours of each of q.
        scores: float[q, k], their similarities.
        columns: how many may be neighbours.
    """
    kept = (rows >= 0) & (scores > 0)
    parts = (scores[kept].astype(np.float32), rows[kept].astype(np.int32), index_array(offsets_of(kept.sum(axis=1))))
    found = sp.csr_array(parts, shape=(len(rows), columns))
    found.sort_indices()
    return found


def strongest(matrix: sp.csr_array, count: int) -> sp.csr_array:
    """Of each row the `count` largest entries above 0, the earlier column among equals.

    Example:
        >>> strongest(sp.csr_array(np.array([[1.0, 3.0, 3.0, 0.0], [0.0, 0.0, -1.0, 2.0]])), 2).toarray()
        array([[0., 3., 3., 0.],
               [0., 0., 0., 2.]])
    """
    row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    order = np.lexsort((matrix.indices, -matrix.data, row))  # rows stay where they are
    place = np.arange(len(row)) - matrix.indptr[row]
    kept = order[(place < count) & (matrix.data[order] > 0)]
    return sp.csr_array((matrix.data[kept], (row[kept], matrix.indices[kept])), shape=matrix.shape)


def summed(block: sp.csr_array, similarity: sp.csr_array) -> np.ndarray:
    """Σ over the items of each row of how similar each item is to them, counting them as its neighbours: float32[b, i].

    The lists are those of the item that is scored, as is usual: an item near to everything does not gain by it.
    """
    return (similarity @ block.T.tocsr()).toarray().T  # the small one is transposed, not the similarities of all items
