"""EASE: a linear model of items by items, in closed form; a dense array of items × items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.linalg import lapack

from cleora_jax import _checks as checks
from cleora_jax._blas import one_blas_thread
from cleora_jax._memory import check_fits
from cleora_jax._progress import Progress, no_progress

TABLES = 2  # items × items: the one in whose place all is done, and as much again for blocks of it
ROWS = 1024  # of it that are filled at once


class EASEState(NamedTuple):
    """B, float32[i, i], with zeros on the diagonal."""

    weights: np.ndarray


@dataclass(frozen=True)
class EASE:
    """Ridge regression of each item on all others (EASE): scores r B, B = I − P / diag(P), P = (RᵀR + λI)⁻¹.

    Memory grows with the square of the items, time with the cube: 41,000 items take 13 GB, and 7e13 operations by one
    thread (for the same bits on any number of cores).

    Args:
        regularisation: λ, above 0. Default: 100.

    Raises (when it is fitted):
        NeedsMemoryError: two arrays of items × items do not fit: one, and what its blocks are filled from.

    Reference: Steck, Embarrassingly shallow autoencoders for sparse data, WWW 2019.
    """

    regularisation: float = 100.0
    State: ClassVar[type[Any]] = EASEState

    def __post_init__(self) -> None:
        checks.keep(self, regularisation=checks.real("regularisation", self.regularisation, low=0, open_low=True))

    def fit(self, matrix: sp.csr_array, *, progress: Progress = no_progress) -> EASEState:
        """B."""
        items = matrix.shape[1]
        check_fits(
            f"EASE of {items:,} items", TABLES * 4 * items**2, "GFCF and GraphFilter need no array of items × items."
        )
        gram = np.zeros((items, items), np.float32, order="F")
        for start in range(0, items, ROWS):
            gram[:, start : start + ROWS] = (matrix.T @ matrix[:, start : start + ROWS]).toarray()
        gram[np.diag_indices(items)] += np.float32(self.regularisation)
        progress("EASE", 1, 3)
        weights = _inverted(gram).T  # symmetric to the bit, so this is the same, row after row
        progress("EASE", 2, 3)
        weights /= -np.diag(weights)
        weights[np.diag_indices(items)] = 0
        progress("EASE", 3, 3)
        return EASEState(weights)

    def scores(self, state: EASEState, block: sp.csr_array) -> np.ndarray:
        """float32[b, i]."""
        return np.asarray(block @ state.weights)


def _inverted(gram: np.ndarray) -> np.ndarray:
    """The inverse of a positive definite float32[i, i] in Fortran order, in its place, by Cholesky's decomposition."""
    with one_blas_thread():
        factor, failed = lapack.spotrf(gram, lower=1, overwrite_a=1)
        if not failed:
            factor, failed = lapack.spotri(factor, lower=1, overwrite_c=1)
    if failed:
        raise checks.OptionError("`regularisation` is too small for these interactions in float32: try a larger one.")
    for start in range(0, len(factor), ROWS):  # the upper triangle from the lower
        part = slice(start, start + ROWS)
        factor[part, start + ROWS :] = factor[start + ROWS :, part].T
        square = np.tril(factor[part, part])
        factor[part, part] = square + np.tril(square, -1).T
    return factor
