"""Rows in an order that keeps neighbours near: a product gathers rows, and near ones are in cache.

The reverse Cuthill–McKee order of a grid-like graph makes its product several times faster; a graph without such an
order (a random or power-law one) gains nothing and is left as it is. Vectors change by rounding only.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import reverse_cuthill_mckee

from cleora_jax.sparse.operator import Csr, Operator

MIN_ENTITIES = 1 << 17  # below, a table is near the size of the cache anyway
MIN_GAIN = 8.0  # how many times nearer neighbours must come for the reordering to pay


def locality_order(matrix: sp.csr_array) -> np.ndarray | None:
    """A permutation (new row → old row) that brings neighbours at least MIN_GAIN times nearer, or None.

    Args:
        matrix: n × n CSR; its pattern is taken as symmetric.

    Reference: Cuthill and McKee, Reducing the bandwidth of sparse symmetric matrices, 1969.
    """
    order = reverse_cuthill_mckee(sp.csr_matrix(matrix), symmetric_mode=True)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    before = np.abs(rows - matrix.indices).mean()
    after = np.abs(place[rows] - place[matrix.indices]).mean()
    return order if before > MIN_GAIN * after else None


def reordered(op: Operator) -> tuple[Operator, np.ndarray | None]:
    """The operator in an order of rows that keeps neighbours near, and that order; or as it was, and None.

    Only the clique form is reordered: a factored one has no pattern of neighbours to look at.
    """
    if len(op.factors) != 1 or op.num_entities < MIN_ENTITIES:
        return op, None
    order = locality_order(_to_scipy(op.factors[0]))
    return (op, None) if order is None else (permuted(op, order), order)


def permuted(op: Operator, order: np.ndarray) -> Operator:
    """An operator in clique form with its rows and columns in another order (new row → old row)."""
    return Operator(
        tuple(_permuted(factor, order) for factor in op.factors),
        op.row_sum[order],
        None if op.similarity is None else op.similarity[order],
        None if op.adjoint is None else tuple(_permuted(factor, order) for factor in op.adjoint),
    )


def _to_scipy(matrix: Csr) -> sp.csr_array:
    arrays = (np.asarray(matrix.data), np.asarray(matrix.indices), np.asarray(matrix.indptr))
    return sp.csr_array(arrays, shape=matrix.shape)


def _permuted(matrix: Csr, order: np.ndarray) -> Csr:
    moved = sp.csr_array(sp.csr_matrix(_to_scipy(matrix))[order][:, order])
    moved.sort_indices()
    return Csr.of(moved)
