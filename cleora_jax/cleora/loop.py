"""The one loop: x ← whiten(normalise((1 − r) M x + r x)), as one compiled step between two tables.

The table z is stored unwhitened, with the affine map that whitens it pending (see `vectors.scale`): x = (z − μ) A.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from cleora_jax.sparse.operator import Operator, apply
from cleora_jax.vectors.scale import (
    Affine,
    Normalization,
    Spectrum,
    cross_covariance,
    mean_row,
    noise_floor,
    transform_rows,
    whitening,
    whitening_map,
)  # fmt: skip


class State(NamedTuple):
    """Where the loop stands: x = (table − pending.shift) pending.matrix on rows that are not isolated.

    Args:
        table: float32[n, d], z.
        pending: the map still to be applied, or None.
    """

    table: jax.Array
    pending: Affine | None


@dataclass(frozen=True)
class Step:
    """The numbers of a step that are fixed when it is compiled."""

    normalization: Normalization
    whiten: bool
    rank: int
    alpha: float
    residual: bool


@partial(jax.jit, static_argnames="step", donate_argnames="spare", keep_unused=True)
def advance(
    op: Operator,
    alive: jax.Array,
    reach: jax.Array,
    residual_weight: jax.Array,
    state: State,
    spare: jax.Array,
    *,
    step: Step,
) -> tuple[State, Spectrum | None]:
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
    table = apply(op, state.table)
    if step.residual:
        table = (1 - residual_weight) * table + residual_weight * state.table
        reach = (1 - residual_weight) * reach + residual_weight * alive
    table = transform_rows(table, reach, state.pending, step.normalization)
    if not step.whiten:
        return State(table, None), None
    pending, spectrum = whitening_map(table, alive, step.rank, step.alpha)
    return State(table, pending), spectrum


@partial(jax.jit, donate_argnames="table")
def finish(alive: jax.Array, table: jax.Array, pending: Affine | None) -> jax.Array:
    """x: the pending map applied, isolated entities zero; the table is given up."""
    return table if pending is None else transform_rows(table, alive, pending, "none")


@partial(jax.jit, static_argnames="rank")
def subspace_change(alive: jax.Array, old: State, new: State, *, rank: int) -> jax.Array:
    """How far the column space of x moved: root mean square sine of the principal angles, in [0, 1].

    Both column spaces are those of the centred, rank-safe whitened tables; invariant to any rotation or scaling within.
    Reference: Björck and Golub, Numerical methods for computing angles between linear subspaces, 1973.
    """
    means = mean_row(old.table, alive), mean_row(new.table, alive)
    bases = [_basis(alive, state, mean, rank) for state, mean in zip((old, new), means, strict=True)]
    cross = cross_covariance(old.table, means[0], new.table, means[1], alive)
    cosines = bases[0][0].T @ cross @ bases[1][0]
    kept = jnp.maximum(jnp.maximum(bases[0][1], bases[1][1]), 1)
    return jnp.sqrt(jnp.clip(1 - (cosines**2).sum() / kept, 0, 1))


def _basis(alive: jax.Array, state: State, mean: jax.Array, rank: int) -> tuple[jax.Array, jax.Array]:
    """A with (z − μ) A orthonormal (in covariance) over the column space of x, and its dimension."""
    cov = cross_covariance(state.table, mean, state.table, mean, alive)
    pending = jnp.eye(cov.shape[0], dtype=jnp.float32) if state.pending is None else state.pending.matrix
    inner = pending.T @ cov @ pending
    matrix, spectrum = whitening(inner, rank, 1.0, noise_floor(jnp.trace(inner)))
    return pending @ matrix, spectrum.kept
