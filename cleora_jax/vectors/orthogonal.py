"""Tall tables orthonormalised by their Gram matrix: only products over rows, in an order fixed by the data."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from cleora_jax._blas import one_blas_thread
from cleora_jax.vectors.rows import Window, fold_rows, fresh_rows, get_rows
from cleora_jax.vectors.stable import stored

DEPENDENT = 1e-6  # a direction this much shorter than the longest is rounding (float32), and left out


def gram(left: jax.Array, right: jax.Array | None = None) -> np.ndarray:
    """LᵀR (LᵀL by default), float64[l, m]: multiplied in float64, since a square in float32 hides all that is 3,000
    times shorter than the longest column.

    Args:
        left, right: float32[n, l] and float32[n, m].

    Example:
        >>> gram(jnp.array([[1.0, 2.0], [0.0, 1.0]]))
        array([[1., 2.],
               [2., 5.]])
    """
    with jax.enable_x64(True):
        found: np.ndarray = jax.device_get(_gram(left, left if right is None else right))
    return found


@jax.jit
def _gram(left: jax.Array, right: jax.Array) -> jax.Array:
    def body(total: jax.Array, window: Window) -> jax.Array:
        turned = stored(fresh_rows(left, window).T.astype(jnp.float64))
        return total + turned @ get_rows(right, window).astype(jnp.float64)

    return fold_rows(body, jnp.zeros((left.shape[1], right.shape[1]), jnp.float64), len(left))


def orthonormal(table: jax.Array) -> jax.Array:
    """Q, float32[n, l], with QᵀQ = I and the columns of the table in its span; columns that depend on others are zero.

    From Y = Q S Vᵀ, with V and S of YᵀY; twice, since the product with V S⁻¹ rounds in float32. As accurate as a QR
    decomposition in float32, and made of products alone.

    Args:
        table: Y, float32[n, l].

    Example:
        >>> q = orthonormal(jnp.array([[3.0, 1.0], [0.0, 1.0], [4.0, 1.0]]))
        >>> bool(np.allclose(q.T @ q, np.eye(2), atol=1e-6))
        True
    """
    for _ in range(2):
        values, vectors = eigh(gram(table))
        size = np.sqrt(np.maximum(values, 0))
        kept = size > DEPENDENT * size.max(initial=0)
        inverse = np.divide(1, size, out=np.zeros_like(size), where=kept)
        table = times(table, vectors * inverse)
    return table


def times(table: jax.Array, matrix: np.ndarray) -> jax.Array:
    """A tall table float32[n, l] by a small matrix float[l, m]."""
    return _times(table, jnp.asarray(matrix, jnp.float32))


@jax.jit
def _times(table: jax.Array, matrix: jax.Array) -> jax.Array:
    return table @ matrix


def eigh(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues, descending, and eigenvectors of a symmetric float64[l, l]; signs fixed by `upright`."""
    with one_blas_thread():
        values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return values[::-1], upright(vectors[:, ::-1])


def svd(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """U, s and V (not transposed) of a small float64[l, m]."""
    with one_blas_thread():
        left, values, right = np.linalg.svd(matrix, full_matrices=False)
    return left, values, right.T


def upright(vectors: np.ndarray) -> np.ndarray:
    """Each column with the sign that makes its entry of largest magnitude positive."""
    largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])]
    return vectors * np.where(largest < 0, -1, 1)
