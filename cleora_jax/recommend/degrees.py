"""Degrees of users and items, and their powers: what filters over interactions are normalised by."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from cleora_jax.sparse.from_graph import row_sums, scaled


def user_degrees(matrix: sp.csr_array) -> np.ndarray:
    """float64[u]: sums of rows."""
    return row_sums(matrix)


def item_degrees(matrix: sp.csr_array) -> np.ndarray:
    """float64[i]: sums of columns."""
    return np.bincount(matrix.indices, matrix.data.astype(np.float64), minlength=matrix.shape[1])


def power(degree: np.ndarray, exponent: float) -> np.ndarray:
    """degree^exponent, 0 where the degree is 0.

    Example:
        >>> power(np.array([0.0, 4.0]), -0.5)
        array([0. , 0.5])
    """
    return np.power(degree, exponent, out=np.zeros(len(degree)), where=degree > 0)


def normalised(matrix: sp.csr_array, users: float, items: float) -> sp.csr_array:
    """D_U^−users R D_I^−items, float32.

    Args:
        matrix: R, float32[u, i] CSR.
        users, items: exponents; ½ and ½ give the symmetric normalisation.
    """
    return scaled(matrix, power(user_degrees(matrix), -users), power(item_degrees(matrix), -items))
