"""Products with Mᵀ M, the walk from items over users to items, for blocks of users; never an array of items²."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp

from cleora_jax._progress import Progress, no_progress
from cleora_jax.sparse.from_graph import from_csr
from cleora_jax.sparse.operator import Csr, Operator, apply_adjoint, apply_block
from cleora_jax.sparse.spectral import linear, randomized_svd
from cleora_jax.vectors.rows import join_columns, split_columns


@jax.jit
def walked(op: Operator, x: jax.Array) -> jax.Array:
    """Mᵀ M x, float32[i, b]: two sparse products for each block of columns."""
    return join_columns([apply_adjoint(op, apply_block(op, part)) for part in split_columns(x)])


def walked_rows(op: Operator, block: sp.csr_array) -> jax.Array:
    """Mᵀ M Bᵀ, float32[i, b], of rows of interactions B: M Bᵀ is of two sparse matrices, and takes next to no time.

    Of few rows the whole is: users who took the same items took few of all items.
    """
    (there,), (back,) = op.factors, op.adjoint or ()
    reached = block @ as_scipy(back)
    few = block.shape[0] <= FEW
    columns = sp.csr_array((reached @ as_scipy(there) if few else reached).T.tocsr()).toarray()
    return jax.device_put(columns) if few else _back(op, jax.device_put(columns))


FEW = 8  # rows, from which on the product with an array takes less time


def as_scipy(csr: Csr) -> sp.csr_array:
    """The same matrix on the host; on a CPU nothing is copied."""
    return sp.csr_array((np.asarray(csr.data), np.asarray(csr.indices), np.asarray(csr.indptr)), shape=csr.shape)


@jax.jit
def _back(op: Operator, x: jax.Array) -> jax.Array:
    return join_columns([apply_adjoint(op, part) for part in split_columns(x)])


class FilterState(NamedTuple):
    """What a linear filter with a low-pass is fitted to.

    Args:
        walk: W of the walk P = WᵀW.
        into, out: float32[i, k], the tables of the low-pass, r `into` `out`ᵀ; k is 0 where there is none.
    """

    walk: Operator
    into: np.ndarray
    out: jax.Array

    @classmethod
    def of(cls, walk: sp.csr_array, into: np.ndarray, out: np.ndarray) -> FilterState:
        """Of a matrix, and of tables of any float."""
        return cls(from_csr(walk), into.astype(np.float32), jax.device_put(out.astype(np.float32)))

    @classmethod
    def without(cls, walk: sp.csr_array) -> FilterState:
        """The walk alone."""
        none = np.zeros((walk.shape[1], 0))
        return cls.of(walk, none, none)

    def scores(self, columns: jax.Array, block: sp.csr_array) -> jax.Array:
        """float32[b, i]: what the walk came to, float32[i, b], and the low-pass of the same rows."""
        if self.into.shape[1]:
            columns = columns + combined(self.out, coordinates(block, self.into))
        return as_rows(columns)


class LowPass(NamedTuple):
    """The k leading right singular vectors and values of a matrix users × items: float32[i, k] and float32[k]."""

    vectors: np.ndarray
    values: np.ndarray


def low_pass(matrix: sp.csr_array, rank: int, *, turns: int, seed: int, progress: Progress = no_progress) -> LowPass:
    """By a random sketch and `turns` power iterations, see `randomized_svd`; rank at most what there is."""
    rank = min(rank, *matrix.shape)
    found = randomized_svd(
        linear(from_csr(matrix)), rank, oversampling=OVERSAMPLING, power=turns, seed=seed, progress=progress
    )
    return LowPass(np.asarray(found.right), found.values.astype(np.float32))


OVERSAMPLING = 32  # columns of the sketch beyond the rank: singular values of interactions fall slowly


def coordinates(block: sp.csr_array, table: np.ndarray) -> jax.Array:
    """Bᵀ-wise sums of a table's rows, float32[k, b]: what the rows of interactions are in terms of its columns."""
    return jax.device_put(np.ascontiguousarray(np.asarray(block @ table, np.float32).T))


@jax.jit
def combined(table: jax.Array, weights: jax.Array) -> jax.Array:
    """A table float32[i, k] by weights float32[k, b]."""
    return jnp.asarray(table) @ weights


@jax.jit
def as_rows(columns: jax.Array) -> jax.Array:
    """Scores by item as scores by user, float32[b, i]."""
    return columns.T
