"""The one step of the one loop: x ← whiten(normalise((1 − r) M x + r x)). Every mode is a substitution in it.

The table z is stored unwhitened, with the affine map that whitens it pending (see `vectors.scale`): x = (z − μ) A.
`advance` is the step compiled between two tables, for `run.py`; `one_step` itself is pure and can be scanned, mapped
and differentiated, for `differentiable.py` and `sweeps.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from cleora_jax.sparse.attention import attention
from cleora_jax.sparse.operator import Operator, Weighted
from cleora_jax.vectors.passes import (
    Affine,
    Moments,
    Normalization,
    dim_of,
    measure,
    square_sum,
    trace,
    transform,
    transform_and_measure,
)  # fmt: skip
from cleora_jax.vectors.rows import Blocks, Scalar
from cleora_jax.vectors.scale import Whitening, effective_rank, principal, triangular


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


class Numbers(NamedTuple):
    """Settings that may be traced: mapped over, differentiated, changed without compiling anew. Scalars float32.

    Args:
        residual_weight: r.
        alpha: softness of the whitening.
        temperature: of attention.
        rank: directions that a whitening keeps at most; a whole number.
    """

    residual_weight: Scalar
    alpha: Scalar
    temperature: Scalar
    rank: Scalar


class Walk(NamedTuple):
    """What every step multiplies with.

    Args:
        op: n × n.
        alive: float32[n], 0 for isolated entities.
        reach: float32[n], M alive: what a constant vector on the alive becomes.
        rows: int[m], the row of each entry where attention needs it, else None.
    """

    op: Operator | Weighted
    alive: jax.Array
    reach: jax.Array
    rows: jax.Array | None = None


@dataclass(frozen=True)
class Step:
    """What is fixed when a step is compiled.

    Args:
        normalization: of rows.
        whiten: whether a whitening follows.
        residual: whether the residual is mixed in.
        triangular: the whitening may be any that is right but for a rotation; then its rank is d and alpha 1.
        attention: whether weights follow the vectors.
    """

    normalization: Normalization
    whiten: bool
    residual: bool
    triangular: bool
    attention: bool = False


@partial(jax.jit, static_argnames="step", donate_argnames="spare", keep_unused=True)
def advance(walk: Walk, numbers: Numbers, state: State, spare: Blocks, *, step: Step) -> tuple[State, Seen | None]:
    """`one_step`, compiled; `spare` is a table given up for the new state's memory: two serve any number of steps."""
    return one_step(walk, numbers, state, step)


class Passes(NamedTuple):
    """The passes over whole tables that a step is made of: these are in memory, `striped` has others."""

    dim: Callable[[Any], int]
    product: Callable[..., Any]
    transform: Callable[..., Any]
    transform_and_measure: Callable[..., Any]


def product(op: Operator | Weighted, table: Blocks, residual: Scalar | None) -> Blocks:
    """(1 − r) M z + r z; M z where r is None."""
    return tuple(mixed(op @ block, block, residual) for block in table)


@jax.jit
def mixed(new: jax.Array, old: jax.Array, residual: Scalar | None) -> jax.Array:
    """The residual r mixed in; nothing where it is None."""
    return new if residual is None else (1 - residual) * new + residual * old


IN_MEMORY = Passes(dim_of, product, transform, transform_and_measure)


def one_step(
    walk: Walk, numbers: Numbers, state: State, step: Step, passes: Passes = IN_MEMORY
) -> tuple[State, Seen | None]:
    """One step: the new state, and what its whitening saw, or None; in memory the state before is left as it is."""
    op, alive, reach, rows = walk
    if step.attention:
        assert rows is not None and isinstance(op, Operator)
        state = State(settled(alive, state), None)
        op = attention(op, rows, state.table, numbers.temperature)
    residual = numbers.residual_weight if step.residual else None
    table, reach = passes.product(op, state.table, residual), mixed(reach, alive, residual)
    pending = state.pending
    if not step.whiten:
        return State(passes.transform(table, reach, pending and pending.affine, step.normalization), None), None
    pending = pending or Pending.nothing(passes.dim(table), triangular=step.triangular)
    table, moments = passes.transform_and_measure(table, alive, reach, pending.affine, step.normalization)
    pending, seen = whitening_of(moments, numbers.alpha, numbers.rank, in_triangle=step.triangular)
    return State(table, pending), seen


def settled(alive: jax.Array, state: State) -> Blocks:
    """x as the step left it: the pending whitening applied, up to a rotation where it is triangular."""
    affine = None if state.pending is None else state.pending.affine
    return transform(state.table, alive, affine, "none")


@jax.jit
def whiten_last(alive: jax.Array, table: Blocks, alpha: Scalar, rank: Scalar) -> tuple[Pending, Seen]:
    """The whitening of a table that no step has whitened."""
    return whitening_of(measure(table, alive), alpha, rank)


@partial(jax.jit, static_argnames="in_triangle")  # for those who call it between passes; else it is part of theirs
def whitening_of(moments: Moments, alpha: Scalar, rank: Scalar, *, in_triangle: bool = False) -> tuple[Pending, Seen]:
    """The whitening of a table of such moments, in its principal form, or one that is right but for a rotation."""
    whitening = triangular(moments) if in_triangle else principal(moments, rank, alpha)
    affine = Affine.of(moments.mean, whitening.matrix, triangular=in_triangle)
    return Pending(affine, moments), Seen(whitening.kept, effective_rank(moments))


@jax.jit
def principal_map(pending: Pending, alpha: Scalar, rank: Scalar) -> Affine:
    """The pending whitening in its principal form: what the definition asks of a result."""
    return Affine.of(pending.moments.mean, principal(pending.moments, rank, alpha).matrix)


def whitened(alive: jax.Array, table: Blocks, pending: Pending | None, alpha: Scalar, rank: Scalar) -> Blocks:
    """x, the pending whitening applied in its principal form, isolated entities zero."""
    if pending is None:
        return table
    return transform(table, alive, principal_map(pending, alpha, rank), "none")


snapshot = jax.jit(whitened)
finish = jax.jit(whitened, donate_argnames="table")  # the table is given up


@partial(jax.jit, static_argnames="step")
def last_step(
    walk: Walk, numbers: Numbers, old: State, state: State, *, step: Step
) -> tuple[Blocks, Affine | None, Moments]:
    """What made a state of the one before, in a form that other rows can be put through.

    Returns:
        x before the step, float32[n, d]; the map that follows its normalisation, x = (y − shift) A, where A is what
        `whitened` applies to `state` (None where nothing follows); and the joint moments of y and of x before the step,
        [2 d] columns.
    """
    previous = settled(walk.alive, old)
    if state.pending is None:
        return previous, None, measure(state.table + previous, walk.alive)
    plain = Step(step.normalization, False, step.residual, False)
    normalised, _ = one_step(walk, numbers, State(previous, None), plain)
    joint = measure(normalised.table + previous, walk.alive)
    panels = principal_map(state.pending, numbers.alpha, numbers.rank).panels
    return previous, Affine(joint.mean[: len(joint.mean) // 2], panels), joint


@jax.jit
def subspace_change(alive: jax.Array, old: State, new: State, rank: Scalar) -> jax.Array:
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
    return jnp.sqrt(jnp.clip(1 - square_sum(cosines) / kept, 0, 1))


def _basis(state: State, cov: jax.Array, rank: Scalar) -> Whitening:
    """A with (z − μ) A orthonormal (in covariance) over the column space of x, and its dimension."""
    matrix = jnp.eye(len(cov), dtype=jnp.float32) if state.pending is None else state.pending.affine.matrix
    of_x = matrix.T @ cov @ matrix
    inner = principal(Moments(jnp.zeros(len(cov)), of_x, trace(of_x)), rank, 1.0)
    return Whitening(matrix @ inner.matrix, inner.kept)
