"""Row normalisation, covariance and rank-safe whitening (SEMANTICS §4, §7).

Whitening is kept as a pending affine map x = (z − shift) M of the table z that is stored: the next step multiplies the
sparse matrix with z and applies the map afterwards, chunk by chunk, which saves one pass over the table each step.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from cleora_jax._blas import one_blas_thread
from cleora_jax.vectors.rows import CHUNK_ROWS, fold_rows, get_rows, put_rows, sum_rows, two_sum

Normalization = Literal["l2", "l1", "none"]
NORMALIZATIONS = ("l2", "l1", "none")
# Rows of one Gram product. At most this many, from a left factor stored transposed, are summed in one order on any
# number of threads; longer products, or a transpose folded into the product, are not (see test_determinism.py).
GRAM_ROWS = 256
GRAM_GROUP = 16  # Gram products summed plainly before a compensated addition
ENTITIES_PER_DIRECTION = 16  # k(n) = n / 16: evidence in docs/design.md
TINY = 1e-30


class Affine(NamedTuple):
    """x = (z − shift) matrix on rows that are not isolated."""

    shift: jax.Array
    matrix: jax.Array


class Spectrum(NamedTuple):
    """What a whitening saw: eigenvalues of the covariance, descending, and how many directions it kept."""

    values: jax.Array
    kept: jax.Array


def normalize_rows(x: jax.Array, normalization: Normalization) -> jax.Array:
    """Rows divided by their L2 or L1 norm; zero rows stay zero."""
    if normalization == "none":
        return x
    size = jnp.abs(x).sum(axis=1) if normalization == "l1" else jnp.sqrt((x * x).sum(axis=1))
    return x / jnp.maximum(size, TINY)[:, None]


def transform_rows(
    table: jax.Array, reach: jax.Array, affine: Affine | None, normalization: Normalization
) -> jax.Array:
    """Apply a pending map to the rows of M z, then normalise them, chunk by chunk in place.

    With x = (z − 1 shiftᵀ) A, where 1 indicates the rows that are alive, M x = (M z − reach shiftᵀ) A with reach = M 1:
    so the map may follow the product.
    """
    if affine is None and normalization == "none":
        return table
    offset = None if affine is None else affine.shift @ affine.matrix

    def body(table: jax.Array, start: jax.Array | int, size: int) -> jax.Array:
        rows = get_rows(table, start, size)
        if affine is not None and offset is not None:
            rows = rows @ affine.matrix - get_rows(reach, start, size) * offset
        return put_rows(table, normalize_rows(rows, normalization), start)

    return fold_rows(body, table, table.shape[0], CHUNK_ROWS)


def cross_covariance(
    first: jax.Array, first_mean: jax.Array, second: jax.Array, second_mean: jax.Array, alive: jax.Array
) -> jax.Array:
    """(x − μ)ᵀ (y − ν) / (n − 1) over rows where `alive` is 1: blocked in a fixed order, sums compensated.

    Bits do not depend on the number of threads: a product over at most GRAM_ROWS rows is summed by one thread.
    """
    same = first is second
    dim = first.shape[1]

    def product(total: jax.Array, start: jax.Array | int, size: int) -> jax.Array:
        mask = get_rows(alive, start, size)
        left = (get_rows(first, start, size) - first_mean) * mask
        right = left if same else (get_rows(second, start, size) - second_mean) * mask
        return total + jax.lax.optimization_barrier(left.T) @ right  # else XLA folds the transpose; see GRAM_ROWS

    def group(carry: tuple[jax.Array, jax.Array], start: jax.Array | int, size: int) -> tuple[jax.Array, jax.Array]:
        plain = jnp.zeros((dim, dim), jnp.float32)
        plain = fold_rows(lambda held, inner, rows: product(held, start + inner, rows), plain, size, GRAM_ROWS)
        return two_sum(*carry, plain)

    total, lost = fold_rows(group, (jnp.zeros((dim, dim), jnp.float32),) * 2, first.shape[0], GRAM_ROWS * GRAM_GROUP)
    return (total + lost) / jnp.maximum(alive.sum() - 1, 1)


def covariance(table: jax.Array, mean: jax.Array, alive: jax.Array) -> jax.Array:
    """Covariance of the rows that are alive, float32[d, d]."""
    return cross_covariance(table, mean, table, mean, alive)


def whitening(cov: jax.Array, rank: int, alpha: float, floor: jax.Array | float) -> tuple[jax.Array, Spectrum]:
    """M = V diag(λ^(−α/2)) on at most `rank` leading directions, zero columns for the rest.

    Directions with λ ≤ d ε λ_max, or not above `floor`, are null: amplified they would be noise. Each column of V has
    its entry of largest magnitude positive, so the result is unique.

    Args:
        cov: float32[d, d].
        rank: k.
        alpha: softness in [0, 1]; 1 whitens fully, 0 only rotates.
        floor: variance below which everything is rounding.

    Reference: Kessy, Lewin and Strimmer, Optimal whitening and decorrelation, 2018 (PCA form).
    """
    values, vectors = jnp.linalg.eigh(cov)
    values, vectors = values[::-1], vectors[:, ::-1]
    largest = jnp.take_along_axis(vectors, jnp.argmax(jnp.abs(vectors), axis=0)[None], axis=0)
    vectors = jnp.where(largest < 0, -vectors, vectors)
    dim = cov.shape[0]
    limit = jnp.maximum(dim * jnp.finfo(jnp.float32).eps * values[0], floor)
    keep = (values > limit) & (jnp.arange(dim) < rank)
    scale = jnp.where(keep, jnp.where(keep, values, 1.0) ** (-alpha / 2), 0.0)
    return vectors * scale, Spectrum(values, keep.sum())


def noise_floor(second_moment: jax.Array) -> jax.Array:
    """Variance that rounding of float32 rows of this mean square size may show."""
    return (4 * jnp.finfo(jnp.float32).eps) ** 2 * second_moment


def whitening_rank(num_entities: int, dim: int) -> int:
    """k(n), the directions a whitening may keep: n / 16 of them, at least 2, at most dim.

    Whitening onto as many directions as there are entities makes all points equidistant; see docs/design.md for the
    evidence behind 16.

    Example:
        >>> whitening_rank(34, 256), whitening_rank(1_000_000, 256)
        (3, 256)
    """
    return min(dim, max(2, -(-num_entities // ENTITIES_PER_DIRECTION)))


def whiten(x: np.ndarray, *, alpha: float = 1.0, rank: int | None = None) -> np.ndarray:
    """Rotate and scale the columns of a table so that their covariance is the identity (PCA whitening), rank-safe.

    Args:
        x: float32[n, d]; rows of zeros are isolated entities and stay zero.
        alpha: softness in [0, 1].
        rank: directions kept; default k(n), see `whitening_rank`.

    Returns:
        float32[n, d]; columns past the kept directions are zero.
    """
    table = jnp.asarray(x, jnp.float32)
    alive = (table != 0).any(axis=1)
    directions = whitening_rank(int(alive.sum()), x.shape[1]) if rank is None else rank
    with one_blas_thread():
        return np.asarray(_whiten(table, alive.astype(jnp.float32), directions, alpha))


def _whiten(table: jax.Array, alive: jax.Array, rank: int, alpha: float) -> jax.Array:
    affine, _ = whitening_map(table, alive, rank, alpha)
    return transform_rows(table, alive, affine, "none")


def whitening_map(table: jax.Array, alive: jax.Array, rank: int, alpha: float) -> tuple[Affine, Spectrum]:
    """The map that whitens the rows that are alive; the others must be zero."""
    mean = mean_row(table, alive)
    cov = covariance(table, mean, alive)
    matrix, spectrum = whitening(cov, rank, alpha, noise_floor(jnp.trace(cov) + (mean * mean).sum()))
    return Affine(mean, matrix), spectrum


def mean_row(table: jax.Array, alive: jax.Array) -> jax.Array:
    """μ over the rows that are alive; the others must be zero."""
    return sum_rows(table) / jnp.maximum(alive.sum(), 1)
