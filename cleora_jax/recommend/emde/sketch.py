"""Sketches: a histogram of items over the parts of every partition. They add up: a user is the sum of items."""

from __future__ import annotations

from typing import Literal

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax.graph.hyperedges import index_array

Norm = Literal["l2", "l1"]
NORMS = ("l2", "l1")


def code_matrix(codes: np.ndarray, width: int) -> sp.csr_array:
    """C, the sketches of single items: float64 CSR [n, depth · width], 1 in one part of each depth.

    Part c of depth k is column c + k · width.

    Args:
        codes: int32[n, depth], each in [0, width).
        width: W.

    Example:
        >>> code_matrix(np.array([[1, 0]], np.int32), 2).todense().tolist()
        [[0.0, 1.0, 1.0, 0.0]]
    """
    table = check_codes(codes, width)
    count, depth = table.shape
    columns = index_array(np.append((table + np.arange(depth, dtype=np.int64) * width).ravel(), depth * width))[:-1]
    offset = np.arange(count + 1, dtype=np.int64) * depth
    return sp.csr_array((np.ones(count * depth), columns, offset), shape=(count, depth * width))


def sketches(histories: sp.csr_array, codes: np.ndarray, width: int) -> sp.csr_array:
    """H C, what weighted sets of items amount to: float64 CSR [h, depth · width], sorted.

    Linear: the sketch of two histories together is the sum of theirs, and what is old may be multiplied by a decay
    before the new is added, so that users are kept up to date without their past.

    A product of two sparse matrices, by SciPy: a history touches `depth` columns for each of its items, so that even
    its sketch is sparse, and code by dense blocks would do `width` times the work.

    Args:
        histories: CSR [h, n] of weights ≥ 0 (amounts, durations, decay); see `Histories.weights`.
        codes: int32[n, depth].
        width: W.

    Example:
        >>> codes = np.array([[1, 0], [1, 1]], np.int32)
        >>> day1, day2 = (sp.csr_array(np.array([taken])) for taken in ([1.0, 0], [0, 2.0]))
        >>> (0.5 * sketches(day1, codes, 2) + sketches(day2, codes, 2)).todense().tolist()
        [[0.0, 2.5, 0.5, 2.0]]
    """
    if not sp.issparse(histories):
        raise TypeError(f"`histories` must be a SciPy sparse matrix [h, n], got {type(histories).__name__}.")
    if histories.shape[1] != len(codes):
        raise checks.OptionError(f"`histories` must have a column per item ({len(codes):,}), got {histories.shape}.")
    weights = sp.csr_array(histories).astype(np.float64)
    if not (np.isfinite(weights.data).all() and (weights.data >= 0).all()):
        raise checks.OptionError("`histories` must hold finite weights of at least 0.")
    found = sp.csr_array(weights @ code_matrix(codes, width))
    found.sort_indices()
    return found


def normalised(sketch: sp.csr_array, width: int, norm: Norm = "l2") -> sp.csr_array:
    """Sketches in which each depth of each row has norm 1, or stays zero.

    Args:
        sketch: CSR [h, depth · width].
        width: W.
        norm: "l2", for the input of a net; "l1", so that each depth is a distribution.
    """
    checks.one_of("norm", norm, NORMS)
    scaled = sp.csr_array(sketch, dtype=np.float64, copy=True)
    depth = scaled.shape[1] // width
    row = np.repeat(np.arange(scaled.shape[0]), np.diff(scaled.indptr))
    group = row * depth + scaled.indices // width
    mass = np.abs(scaled.data) if norm == "l1" else scaled.data**2
    size = np.bincount(group, weights=mass, minlength=scaled.shape[0] * depth)
    size = size if norm == "l1" else np.sqrt(size)
    scaled.data /= np.where(size > 0, size, 1)[group]
    return scaled


def check_codes(codes: np.ndarray, width: int) -> np.ndarray:
    """The codes, or OptionError unless they are int32[n, depth] in [0, width)."""
    table = np.asarray(codes)
    checks.integer("width", width, low=1)
    if table.ndim != 2 or table.dtype.kind not in "iu" or not table.shape[1]:
        raise checks.OptionError(f"`codes` must be integers [n, depth], got {table.dtype}{list(table.shape)}.")
    if table.size and (table.min() < 0 or table.max() >= width):
        raise checks.OptionError(f"`codes` must be in [0, {width}), got {table.min()} … {table.max()}.")
    return table
