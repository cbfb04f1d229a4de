"""Rank-safe whitening: which map whitens a table of a given mean and covariance.

Whitening is kept as a pending affine map x = (z − μ) A of the table z that is stored: the next step multiplies the
sparse matrix with z and applies the map afterwards, in the pass that normalises and measures (`vectors.passes`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.custom_batching import sequential_vmap

from cleora_jax import _checks as checks
from cleora_jax._blas import one_blas_thread
from cleora_jax.vectors.passes import Affine, Moments, measure, square_sum, trace, transform
from cleora_jax.vectors.rows import Scalar, join_columns, split_columns

ENTITIES_PER_DIRECTION = 16  # k(n) = n / 16: evidence in docs/design.md
ROUNDING = (4 * 2.0**-23) ** 2  # mean square that rounding of float32 rows of unit size may show
NEAR_EIGENVALUES = 1e-5  # eigenvalues so near each other, relative to the largest, count as equal in derivatives


class Whitening(NamedTuple):
    """A map A that whitens up to a rotation, and how many directions it keeps."""

    matrix: jax.Array
    kept: jax.Array


def _one_at_a_time(
    whitening: Callable[..., Whitening], slope: Callable[..., jax.Array] | None = None
) -> Callable[..., Whitening]:
    """Under `vmap`, one after another: batched LAPACK calls that do not depend on each other can wait for each other's
    threads for ever (jaxlib 0.10), and a `cond` would take both branches for all. Differentiable in the matrix, whose
    derivative is that of `slope`, where this is given.
    """
    matrix_of = slope or (lambda *given: whitening(*given).matrix)

    def backward(args: Any, cotangent: Whitening) -> Any:
        def pulled(args: Any, matrix: jax.Array) -> Any:
            return jax.vjp(matrix_of, *args)[1](matrix)

        return sequential_vmap(pulled)(args, cotangent.matrix)

    mapped = sequential_vmap(whitening)
    rule = jax.custom_vjp(mapped)
    rule.defvjp(lambda *args: (mapped(*args), args), backward)
    return rule


def principal(moments: Moments, rank: Scalar, alpha: Scalar) -> Whitening:
    """A = V diag(λ^(−α/2)) on at most `rank` leading directions, zero columns for the rest: the definition.

    Directions with λ ≤ d ε λ_max, or of no more variance than rounding may show, are null: amplified they would be
    noise. Each column of V has its entry of largest magnitude positive, so the result is unique.

    Args:
        moments: of the table, float32[n, d].
        rank: k; it may be traced, so that graphs of other sizes share a compilation.
        alpha: softness in [0, 1]; 1 whitens fully, 0 only rotates.

    Reference: Kessy, Lewin and Strimmer, Optimal whitening and decorrelation, 2018 (PCA form).
    """
    return _one_at_a_time(_principal)(moments, jnp.asarray(rank, jnp.float32), jnp.asarray(alpha, jnp.float32))


def _principal(moments: Moments, rank: Scalar, alpha: Scalar) -> Whitening:
    values, vectors = eigh(moments.cov)
    values, vectors = values[::-1], vectors[:, ::-1]
    largest = jnp.take_along_axis(vectors, jnp.argmax(jnp.abs(vectors), axis=0)[None], axis=0)
    vectors = jnp.where(largest < 0, -vectors, vectors)
    keep = (values > null_variance(moments, values[0])) & (jnp.arange(len(values)) < rank)
    scale = jnp.where(keep, jnp.where(keep, values, 1.0) ** (-alpha / 2), 0.0)
    return Whitening(vectors * scale, keep.sum(dtype=jnp.int32))


@jax.custom_jvp
def eigh(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Eigenvalues, ascending, and eigenvectors of a symmetric matrix, float32[d, d].

    Its derivative stays finite where eigenvalues (nearly) meet: the vectors then turn within their common space, and
    what depends on that turn alone has no meaning. The factor 1 / (λⱼ − λᵢ) becomes Δ / (Δ² + (ε λ_max)²).
    """
    values, vectors = jnp.linalg.eigh(matrix)
    return values, vectors


@eigh.defjvp
def _eigh_jvp(primals: tuple[jax.Array], tangents: tuple[jax.Array]) -> tuple[Any, Any]:
    values, vectors = eigh(*primals)
    turned = vectors.T @ (tangents[0] + tangents[0].T) @ vectors / 2
    gap = values[None, :] - values[:, None]
    floor = NEAR_EIGENVALUES * jnp.abs(values).max()
    quotient = gap / jnp.maximum(gap * gap + floor * floor, jnp.finfo(jnp.float32).tiny)
    return (values, vectors), (jnp.diagonal(turned), vectors @ (quotient * turned))


def triangular(moments: Moments) -> Whitening:
    """An upper triangular A with Aᵀ C A = I on all directions that are not null: `principal` but for a rotation.

    From the Cholesky factor where no direction is null, which is surely so where 1 / ‖A‖² (Frobenius), a lower bound
    of the smallest eigenvalue, is above what counts as null; else the principal form, turned triangular.
    """
    return _one_at_a_time(_triangular, _triangular_slope)(moments)


def _triangular(moments: Moments) -> Whitening:
    dim = moments.cov.shape[0]
    inverse = _cholesky_inverse(moments)
    sure = _no_null(moments, inverse)

    def turned() -> Whitening:
        exact = _principal(moments, dim, jnp.float32(1))
        right = jnp.linalg.qr(exact.matrix.T[:, ::-1], mode="r")  # A = U Q by the QR of Aᵀ, rows and columns reversed
        return Whitening(right.T[::-1, ::-1], exact.kept)

    return jax.lax.cond(sure, lambda: Whitening(inverse.T, jnp.int32(dim)), turned)


def _triangular_slope(moments: Moments) -> jax.Array:
    """The same matrix for derivatives: the factor that a null direction makes NaN is not differentiated, nor is the
    turn that makes the principal form triangular, since nothing that comes after sees it."""
    held = jax.lax.stop_gradient(moments)

    def turned(moments: Moments) -> jax.Array:
        exact = _principal(moments, moments.cov.shape[0], jnp.float32(1)).matrix
        turn, _ = jnp.linalg.qr(jax.lax.stop_gradient(exact).T[:, ::-1])
        return exact @ turn[:, ::-1]

    sure = _no_null(held, _cholesky_inverse(held))
    return jax.lax.cond(sure, lambda moments: _cholesky_inverse(moments).T, turned, moments)


def _cholesky_inverse(moments: Moments) -> jax.Array:
    """L⁻¹ with L Lᵀ = C; NaN where C is not positive definite."""
    factor = jnp.linalg.cholesky(moments.cov, symmetrize_input=False)
    eye = jnp.eye(len(factor), dtype=jnp.float32)
    return jax.lax.linalg.triangular_solve(factor, eye, left_side=True, lower=True)


def _no_null(moments: Moments, inverse: jax.Array) -> jax.Array:
    """Whether surely no direction is null; False where the inverse has NaN."""
    return square_sum(inverse) * null_variance(moments, trace(moments.cov)) < 1


def null_variance(moments: Moments, largest: jax.Array) -> jax.Array:
    """The variance up to which a direction counts as null, given the largest eigenvalue (or a bound of it)."""
    eps = jnp.finfo(jnp.float32).eps
    return jnp.maximum(len(moments.mean) * eps * largest, ROUNDING * moments.square)


def effective_rank(moments: Moments) -> jax.Array:
    """(tr C)² / tr C²: the number of equal eigenvalues that would spread as much (participation ratio)."""
    cov = moments.cov
    return trace(cov) ** 2 / jnp.maximum(square_sum(cov), jnp.finfo(jnp.float32).tiny)


def whitening_rank(num_entities: int, dim: int) -> int:
    """k(n), the directions a whitening may keep: n / 16 of them, at least 2, at most n − 2 and dim (but at least 1).

    Whitening onto as many directions as there are entities makes all points equidistant; see docs/design.md for the
    evidence behind 16.

    Example:
        >>> whitening_rank(34, 256), whitening_rank(1_000_000, 256)
        (3, 256)
    """
    wanted = max(2, -(-num_entities // ENTITIES_PER_DIRECTION))
    return max(1, min(dim, wanted, num_entities - 2))  # n − 1 directions make n points equidistant


def whiten(x: np.ndarray, *, alpha: float = 1.0, rank: int | None = None) -> np.ndarray:
    """Rotate and scale the columns of a table so that their covariance is the identity (PCA whitening), rank-safe.

    Args:
        x: float32[n, d]; rows of zeros are isolated entities and stay zero.
        alpha: softness in [0, 1].
        rank: directions kept, at most d; default k(n), see `whitening_rank`.

    Returns:
        float32[n, d]; columns past the kept directions are zero.

    Raises:
        ValueError: no matrix, or an option out of range.
        InputError: NaN or infinity (its place is named).

    Example:
        >>> x = np.random.default_rng(0).normal(size=(100, 3)) * [1, 2, 3]
        >>> bool(np.allclose(np.cov(whiten(x).T), np.eye(3), atol=1e-5))
        True
    """
    checks.no_embedding("x", x)
    table = np.asarray(x, np.float32)
    if table.ndim != 2 or table.size == 0:
        raise checks.OptionError(f"`x` must be a matrix with at least one row and column, got shape {table.shape}.")
    if not np.isfinite(table).all():
        row, column = np.argwhere(~np.isfinite(table))[0]
        raise checks.InputError(f"`x`: {table[row, column]} at row {row}, column {column}.")
    alpha, dim = checks.real("alpha", alpha, low=0, high=1), table.shape[1]
    alive = (table != 0).any(axis=1)
    directions = (
        whitening_rank(int(alive.sum()), dim) if rank is None else checks.integer("rank", rank, low=1, high=dim)
    )
    with one_blas_thread():
        return np.asarray(_whiten(jnp.asarray(table), jnp.asarray(alive, jnp.float32), directions, alpha))


@jax.jit
def _whiten(table: jax.Array, alive: jax.Array, rank: int, alpha: float) -> jax.Array:
    blocks = split_columns(table)
    moments = measure(blocks, alive)
    affine = Affine.of(moments.mean, principal(moments, rank, alpha).matrix)
    return join_columns(transform(blocks, alive, affine, "none"))
