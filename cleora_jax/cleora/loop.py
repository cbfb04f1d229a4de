"""The one loop: x ← whiten(normalise((1 − r) M x + r x)), as one compiled step between two tables.

The table z is stored unwhitened, with the affine map that whitens it pending (see `vectors.scale`): x = (z − μ) A.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from cleora_jax.sparse.operator import Operator, apply
from cleora_jax.vectors.rows import Blocks
from cleora_jax.vectors.scale import Whitening, effective_rank, principal, triangular
from cleora_jax.vectors.sweep import Affine, Moments, Normalization, measure, sweep, transform


class Pending(NamedTuple):
    """A whitening still to be applied: x = (z − μ) A, and the moments of z that A was made from."""

    affine: Affine
    moments: Moments

    @classmethod
    def nothing(cls, dim: int, *, triangular: bool) -> Pending:
        """A map that changes no bit, so that the first step is compiled as all others are."""
        moments = Moments(np.zeros(dim, np.float32), np.zeros((dim, dim), np.float32), np.float32(0))  # type: ignore
        return jax.device_put(cls(Affine.identity(dim, triangular=triangular), moments))


class State(NamedTuple):
    """Where the loop stands.

    Args:
        table: float32[n, d], z, in column blocks.
        pending: the whitening of z, or None where x is z.
    """

    table: Blocks
    pending: Pending | None


class Seen(NamedTuple):
    """What a whitening saw: how many directions it kept, and the effective rank before it."""

    kept: jax.Array
    effective_rank: jax.Array


@dataclass(frozen=True)
class Step:
    """What is fixed when a step is compiled.

    Args:
        normalization: of rows.
        whiten: whether a whitening follows.
        rank, alpha: of the whitening.
        residual: whether the residual is mixed in.
        triangular: the whitening may be any that is right but for a rotation; then rank is d and alpha 1.
    """

    normalization: Normalization
    whiten: bool
    rank: int
    alpha: float
    residual: bool
    triangular: bool


@partial(jax.jit, static_argnames="step", donate_argnames="spare", keep_unused=True)
def advance(
    op: Operator,
    alive: jax.Array,
    reach: jax.Array,
    residual_weight: jax.Array,
    state: State,
    spare: Blocks,
    *,
    step: Step,
) -> tuple[State, Seen | None]:
    """One step.

    Args:
        op: n × n.
        alive: float32[n], 0 for isolated entities.
        reach: float32[n], M alive: what a constant vector on the alive becomes.
        residual_weight: r, a scalar.
        state: the state before; left as it is.
        spare: a table that is given up, for the new state's memory: two tables serve any number of steps.
        step: what is compiled in.
    """
    table = tuple(apply(op, block) for block in state.table)
    if step.residual:
        mixed = zip(table, state.table, strict=True)
        table = tuple((1 - residual_weight) * new + residual_weight * old for new, old in mixed)
        reach = (1 - residual_weight) * reach + residual_weight * alive
    pending = state.pending
    if not step.whiten:
        return State(transform(table, reach, pending and pending.affine, step.normalization), None), None
    dim = sum(block.shape[1] for block in table)
    pending = pending or Pending.nothing(dim, triangular=step.triangular)
    table, moments = sweep(table, alive, reach, pending.affine, step.normalization)
    whitening = triangular(moments) if step.triangular else principal(moments, step.rank, step.alpha)
    affine = Affine.of(moments.mean, whitening.matrix, triangular=step.triangular)
    return State(table, Pending(affine, moments)), Seen(whitening.kept, effective_rank(moments))


@partial(jax.jit, static_argnames=("rank", "alpha"))
def settle(alive: jax.Array, table: Blocks, *, rank: int, alpha: float) -> tuple[Pending, Seen]:
    """The whitening of a table that no step has whitened."""
    moments = measure(table, alive)
    whitening = principal(moments, rank, alpha)
    return Pending(Affine.of(moments.mean, whitening.matrix), moments), Seen(whitening.kept, effective_rank(moments))


@partial(jax.jit, static_argnames=("rank", "alpha"), donate_argnames="table")
def finish(alive: jax.Array, table: Blocks, pending: Pending | None, *, rank: int, alpha: float) -> Blocks:
    """x: the pending whitening applied in its principal form, isolated entities zero; the table is given up."""
    if pending is None:
        return table
    moments = pending.moments
    affine = Affine.of(moments.mean, principal(moments, rank, alpha).matrix)
    return transform(table, alive, affine, "none")


@partial(jax.jit, static_argnames="rank")
def subspace_change(alive: jax.Array, old: State, new: State, *, rank: int) -> jax.Array:
    """How far the column space of x moved: root mean square sine of the principal angles, in [0, 1].

    Both column spaces are those of the centred, rank-safe whitened tables; invariant to any rotation or scaling within.
    Reference: Björck and Golub, Numerical methods for computing angles between linear subspaces, 1973.
    """
    joint = measure(old.table + new.table, alive)
    dim = len(joint.mean) // 2
    first = _basis(old, joint.cov[:dim, :dim], rank)
    second = _basis(new, joint.cov[dim:, dim:], rank)
    cosines = first.matrix.T @ joint.cov[:dim, dim:] @ second.matrix
    kept = jnp.maximum(jnp.maximum(first.kept, second.kept), 1)
    return jnp.sqrt(jnp.clip(1 - (cosines**2).sum() / kept, 0, 1))


def _basis(state: State, cov: jax.Array, rank: int) -> Whitening:
    """A with (z − μ) A orthonormal (in covariance) over the column space of x, and its dimension."""
    matrix = jnp.eye(len(cov), dtype=jnp.float32) if state.pending is None else state.pending.affine.matrix
    of_x = matrix.T @ cov @ matrix
    inner = principal(Moments(jnp.zeros(len(cov)), of_x, jnp.trace(of_x)), rank, 1.0)
    return Whitening(matrix @ inner.matrix, inner.kept)
