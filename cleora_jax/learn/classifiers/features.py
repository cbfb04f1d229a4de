"""Matrix as learners take them: float32, dense or in compressed rows, finite, rows scaled as the method says."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax.learn.classifiers.problem import Matrix
from cleora_jax.vectors.embedding import Embedding
from cleora_jax.vectors.passes import Normalization
from cleora_jax.vectors.stored import first_not_finite


def feature_table(given: Any, num_entities: int) -> Matrix:
    """float32[n, f], C-ordered or CSR (sorted, no duplicates), of an `Embedding`, an array or a SciPy sparse matrix.

    Raises:
        ValueError: another number of rows than entities, no columns, NaN or infinity (its place is named).
        TypeError: features of another kind.
    """
    values = given.vectors if isinstance(given, Embedding) else given
    if not isinstance(values, np.ndarray) and not sp.issparse(values):
        raise TypeError(
            f"`features` must be an Embedding, an array or a SciPy sparse matrix, got {type(given).__name__}."
        )
    if values.dtype.kind not in "biuf":
        raise TypeError(f"`features` must be numbers, got {values.dtype}.")
    if values.ndim != 2 or values.shape[0] != num_entities or not values.shape[1]:
        raise checks.OptionError(
            f"`features` must have one row per entity ({num_entities:,}) and at least one column, "
            f"got shape {values.shape}."
        )
    with np.errstate(over="ignore"):  # numbers beyond float32 become infinite, and are named below
        table: Matrix = _compressed(values) if sp.issparse(values) else np.ascontiguousarray(values, np.float32)
    _check_finite(table)
    return table


def _compressed(values: Any) -> sp.csr_array:
    table = sp.csr_array(values, dtype=np.float32, copy=True)  # a copy: the caller's own keeps its order
    table.sum_duplicates()
    return table


def _check_finite(table: Matrix) -> None:
    place = _first_wrong_entry(table) if sp.issparse(table) else first_not_finite(table)
    if place is not None:
        row, column = place
        raise checks.InputError(
            f"`features` must be finite (in float32), got {table[row, column]} at row {row}, column {column}."
        )


def _first_wrong_entry(table: sp.csr_array) -> tuple[int, int] | None:
    wrong = np.flatnonzero(~np.isfinite(table.data))
    if not len(wrong):
        return None
    return int(np.searchsorted(table.indptr, wrong[0], side="right")) - 1, int(table.indices[wrong[0]])


def scaled_rows(table: Matrix, normalization: Normalization) -> Matrix:
    """Rows divided by their L2 or L1 norm; rows of zeros stay zero.

    Args:
        table: float32[n, f].
        normalization: "l2", "l1" or "none".
    """
    if normalization == "none":
        return table
    size = row_sizes(table, normalization)
    scale = np.divide(1.0, size, out=np.zeros_like(size), where=size > 0)
    if sp.issparse(table):
        data = (table.data * np.repeat(scale, np.diff(table.indptr))).astype(np.float32)
        return sp.csr_array((data, table.indices, table.indptr), shape=table.shape)
    return (table * scale[:, None]).astype(np.float32)


def row_sizes(table: Matrix, normalization: Normalization) -> np.ndarray:
    """float64[n]: L2 or L1 norms of rows."""
    wide = table.astype(np.float64)
    size = abs(wide) if normalization == "l1" else wide * wide
    total = np.asarray(size.sum(axis=1), np.float64).ravel()
    return total if normalization == "l1" else np.sqrt(total)
