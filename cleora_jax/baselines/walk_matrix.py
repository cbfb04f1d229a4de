"""The matrix that DeepWalk factorises in the limit of endless walks: by blocks of columns, or from few eigenpairs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp

from cleora_jax._progress import Progress
from cleora_jax.sparse.from_graph import from_csr, row_sums
from cleora_jax.sparse.normalized import in_fit_unit, symmetric
from cleora_jax.sparse.operator import Operator, apply
from cleora_jax.sparse.spectral import linear, randomized_eigh

COLUMNS = 512  # of a block


def walk_columns(matrix: sp.csr_array, window: int, negatives: float) -> Iterator[tuple[slice, np.ndarray]]:
    """Blocks of columns, float32[n, ≤ COLUMNS], of M = vol / (b T) · D^-½ (Σ_{r ≤ T} X^r) D^-½.

    Args:
        matrix: A.
        window: T.
        negatives: b.
    """
    matrix = in_fit_unit(matrix)
    degree = row_sums(matrix)
    root = jnp.asarray(1 / np.sqrt(degree), jnp.float32)
    op, scale = from_csr(symmetric(matrix), symmetric=True), np.float32(degree.sum() / (negatives * window))
    for first in range(0, len(degree), COLUMNS):
        size = min(COLUMNS, len(degree) - first)
        block = scale * _walked(op, root, first + jnp.arange(COLUMNS), window)
        yield slice(first, first + size), np.asarray(block)[:, :size]


@partial(jax.jit, static_argnames="window")
def _walked(op: Operator, root: jax.Array, columns: jax.Array, window: int) -> jax.Array:
    """D^-½ (Σ X^r) D^-½ at some columns; those past the end are zero."""
    start = jnp.zeros((len(root), len(columns)), jnp.float32)
    start = start.at[columns, jnp.arange(len(columns))].set(root[columns], mode="drop")

    def step(carry: tuple[jax.Array, jax.Array], _: None) -> tuple[tuple[jax.Array, jax.Array], None]:
        now, total = carry
        now = apply(op, now)
        return (now, total + now), None

    (_, total), _ = jax.lax.scan(step, (start, jnp.zeros_like(start)), length=window)
    return root[:, None] * total


class LowRank(NamedTuple):
    """M ≈ scale · F Fᵀ: F float32[n, h]."""

    factor: jax.Array
    scale: float


def low_rank(
    matrix: sp.csr_array, window: int, negatives: float, rank: int, power: int, seed: int, progress: Progress
) -> LowRank:
    """M from the h largest eigenvalues of X: F = D^-½ U √f(Λ), f(λ) = (1/T) Σ_{r ≤ T} λ^r where positive.

    Args:
        matrix: A.
        window: T.
        negatives: b.
        rank: h, at most n.
        power: iterations of the eigensolver.
        seed: of its start.
        progress: called after each of them.
    """
    matrix = in_fit_unit(matrix)
    degree = row_sums(matrix)
    op = from_csr(symmetric(matrix), symmetric=True)
    found = randomized_eigh(linear(op), rank, power=power, seed=seed, progress=progress)
    scale = jnp.asarray(np.sqrt(mean_powers(found.values, window)), jnp.float32)
    return LowRank(found.vectors * scale / jnp.asarray(np.sqrt(degree), jnp.float32)[:, None], degree.sum() / negatives)


def mean_powers(values: np.ndarray, window: int) -> np.ndarray:
    """f(λ) = (1/T) Σ_{r ≤ T} λ^r, 0 where negative.

    Example:
        >>> mean_powers(np.array([1.0, 0.5, -0.5]), 2).tolist()
        [1.0, 0.375, 0.0]
    """
    mean: np.ndarray = np.mean([values**r for r in range(1, window + 1)], axis=0)
    return np.maximum(mean, 0)
