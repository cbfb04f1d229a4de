"""Truncated singular values and eigenvalues of matrices that are known by their products with tables alone.

The small problems are solved in float64 on the host, all that is tall is products in float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress, no_progress
from cleora_jax.sparse.operator import Operator, apply, apply_adjoint
from cleora_jax.vectors.orthogonal import eigh, gram, orthonormal, svd, times
from cleora_jax.vectors.rows import join_columns, split_columns

GROWTH = 1e3  # of the largest eigenvalue over those held down, in one round: float32 bears it
MAX_DEGREE = 60

Product = Callable[[jax.Array], jax.Array]


class ConvergenceWarning(UserWarning):
    """An iteration ended before it met its tolerance."""


class Linear(NamedTuple):
    """A matrix M, n × m, by its products.

    Args:
        shape: (n, m).
        forward: float32[m, l] -> M Z.
        adjoint: float32[n, l] -> Mᵀ Z.
    """

    shape: tuple[int, int]
    forward: Product
    adjoint: Product


class Svd(NamedTuple):
    """M ≈ U diag(s) Vᵀ: float32[n, k], float64[k] descending, float32[m, k]."""

    left: jax.Array
    values: np.ndarray
    right: jax.Array

    @property
    def sources(self) -> jax.Array:
        """U √Σ, float32[n, k]."""
        return self.left * jnp.asarray(np.sqrt(self.values), jnp.float32)

    @property
    def targets(self) -> jax.Array:
        """V √Σ, float32[m, k]."""
        return self.right * jnp.asarray(np.sqrt(self.values), jnp.float32)


class Eigen(NamedTuple):
    """M ≈ U diag(λ) Uᵀ: float64[k] and float32[n, k]."""

    values: np.ndarray
    vectors: jax.Array


def linear(op: Operator) -> Linear:
    """An operator by its products."""
    return Linear(op.shape, lambda z: _forward(op, z), lambda z: _adjoint(op, z))


@jax.jit
def _forward(op: Operator, z: jax.Array) -> jax.Array:
    return apply(op, z)


@jax.jit
def _adjoint(op: Operator, z: jax.Array) -> jax.Array:
    return join_columns([apply_adjoint(op, block) for block in split_columns(z)])


def randomized_svd(
    matrix: Linear,
    rank: int,
    *,
    oversampling: int = 10,
    power: int = 5,
    seed: int = 0,
    progress: Progress = no_progress,
) -> Svd:
    """The leading singular values and vectors, by a random sketch and power iterations.

    Args:
        matrix: M, n × m.
        rank: k, at most min(n, m).
        oversampling: more columns that the sketch has.
        power: iterations Q ← orth(M orth(Mᵀ Q)); the error shrinks by (s_{l+1} / s_k)² with each.
        seed: of the sketch.
        progress: called after every product.

    Reference: Halko, Martinsson and Tropp, Finding structure with randomness, 2011, algorithms 4.4 and 5.1.
    """
    width = _width(matrix, rank, oversampling)
    steps = 2 * power + 2
    q = orthonormal(matrix.forward(gaussian(seed, matrix.shape[1], width)))
    progress("singular values", 1, steps)
    for turn in range(power):
        q = orthonormal(matrix.adjoint(q))
        progress("singular values", 2 * turn + 2, steps)
        q = orthonormal(matrix.forward(q))
        progress("singular values", 2 * turn + 3, steps)
    back = matrix.adjoint(q)  # Mᵀ Q = P R, so that M ≈ Q Rᵀ Pᵀ
    p = orthonormal(back)
    left, values, right = svd(gram(p, back).T)
    progress("singular values", steps, steps)
    return Svd(times(q, left[:, :rank]), values[:rank], times(p, right[:, :rank]))


def randomized_eigh(
    matrix: Linear,
    rank: int,
    *,
    by: Literal["algebraic", "magnitude"] = "algebraic",
    oversampling: int = 20,
    power: int = 10,
    seed: int = 0,
    progress: Progress = no_progress,
) -> Eigen:
    """The leading eigenvalues, descending, and eigenvectors of a symmetric matrix, by power iterations of M².

    Args:
        matrix: M, n × n.
        rank: k, at most n.
        by: which count as leading: the largest, or those of largest magnitude. Both are chosen among the rank +
            oversampling of largest magnitude, so that with many negative ones the last may not be the largest.
        oversampling: more columns that are iterated.
        power: iterations Q ← orth(M² Q).
        seed: of the first columns.
        progress: called after every iteration.

    Reference: Xie, Dong, Qiu, Yu, Feng and Tang, SketchNE, TKDE 2023, algorithm 2.
    """
    width = _width(matrix, rank, oversampling)
    q = orthonormal(matrix.forward(gaussian(seed, matrix.shape[0], width)))
    for turn in range(power):
        q = orthonormal(matrix.forward(matrix.forward(q)))
        progress("eigenvalues", turn + 1, power)
    values, turned = eigh(gram(q, matrix.forward(q)))
    order = np.argsort(-(np.abs(values) if by == "magnitude" else values), kind="stable")[:rank]
    return Eigen(values[order], times(q, turned[:, order]))


def gaussian(seed: int, rows: int, columns: int) -> jax.Array:
    """Normal numbers, float32[rows, columns]; drawn on the host, which takes less time than compiling it."""
    rng = np.random.default_rng(seed % 2**64)
    return jnp.asarray(rng.standard_normal((rows, columns), np.float32))


def _width(matrix: Linear, rank: int, oversampling: int) -> int:
    low = min(matrix.shape)
    rank = checks.integer("rank", rank, low=1, high=low)
    return min(rank + checks.integer("oversampling", oversampling, low=0), low)


def largest_eigh(
    matrix: Linear,
    rank: int,
    *,
    lower: float,
    tolerance: float = 1e-4,
    oversampling: int = 20,
    max_rounds: int = 100,
    seed: int = 0,
    progress: Progress = no_progress,
) -> Eigen:
    """The largest eigenvalues, descending, and eigenvectors of a symmetric matrix, to a tolerance.

    Subspace iteration, each round by the Chebyshev polynomial that holds down what lies between `lower` and the
    smallest Ritz value, of a degree at which the largest does not drown the others in float32.

    Args:
        matrix: M, n × n.
        rank: k, at most n.
        lower: a lower bound of the eigenvalues.
        tolerance: of the residuals ‖M u − λ u‖, in units of the spectrum's width.
        oversampling: more columns that are iterated.
        max_rounds: after which what there is is given, with a `ConvergenceWarning`.
        seed: of the first columns.
        progress: called after every round, and at the end as after the last.

    Reference: Zhou, Saad, Tiago and Chelikowsky, Self-consistent-field calculations using Chebyshev-filtered subspace
    iteration, 2006.
    """
    q = orthonormal(gaussian(seed, matrix.shape[0], _width(matrix, rank, oversampling)))
    for turn in range(max_rounds):
        product = matrix.forward(q)
        above, turned = eigh(gram(q, product) - lower * gram(q))  # so that columns of zeros come last
        values, wide = above + lower, above[0]
        q, product = times(q, turned), times(product, turned)
        residual = np.sqrt(np.diag(gram(_residual(q, product, jnp.asarray(values, jnp.float32)))))
        progress("eigenvalues", turn + 1, max_rounds)
        if wide <= 0 or residual[:rank].max() <= tolerance * wide:
            break
        cut = max(values[-1], lower + 1e-3 * wide)
        q = orthonormal(_chebyshev(matrix.forward, q, lower, cut, values[0]))
    else:
        checks.warn(
            f"after {max_rounds} rounds the residual of an eigenvector is {residual[:rank].max() / wide:.1e} of the "
            f"spectrum's width, above the tolerance {tolerance:.1e}.",
            ConvergenceWarning,
        )
    progress("eigenvalues", max_rounds, max_rounds)
    return Eigen(values[:rank], q[:, :rank])


@jax.jit
def _residual(q: jax.Array, product: jax.Array, values: jax.Array) -> jax.Array:
    return product - q * values


def _chebyshev(forward: Product, q: jax.Array, low: float, high: float, top: float) -> jax.Array:
    """T_m((2 M − low − high) / (high − low)) q, m such that T_m is at most GROWTH at the eigenvalue `top`."""
    centre, half = np.float32((high + low) / 2), np.float32((high - low) / 2)
    beyond = max(float((top - centre) / half), 1 + 1e-6)
    degree = min(max(1, int(math.acosh(GROWTH) / math.acosh(beyond))), MAX_DEGREE)
    before, now = q, _shifted(forward(q), q, centre, half)
    for _ in range(degree - 1):
        before, now = now, _recurrence(forward(now), now, before, centre, half)
    return now


@jax.jit
def _shifted(product: jax.Array, q: jax.Array, centre: jax.Array, half: jax.Array) -> jax.Array:
    return (product - centre * q) / half


@jax.jit
def _recurrence(product: jax.Array, now: jax.Array, before: jax.Array, centre: jax.Array, half: jax.Array) -> jax.Array:
    return 2 * (product - centre * now) / half - before
