"""Propagation as a differentiable function of start features, hop weights, residual, temperature, relation weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import isqrt
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from cleora_jax import _checks as checks
from cleora_jax.cleora.loop import Numbers, Pending, State, Step, Walk, one_step, settled
from cleora_jax.sparse.attention import MIN_TEMPERATURE
from cleora_jax.sparse.operator import Operator, Weighted, entry_rows
from cleora_jax.vectors.passes import NORMALIZATIONS, Affine, Normalization, measure, transform
from cleora_jax.vectors.rows import Blocks, join_columns, split_columns
from cleora_jax.vectors.scale import triangular

KEPT = ("roots", "all")
SCHEDULES = ("off", "last", "every")
Carry: TypeAlias = tuple[State, Blocks | None]  # where the walk stands, and the sum over hops where one is wanted


def propagate(
    op: Operator | Weighted,
    x: jax.Array,
    *,
    num_iterations: int | None = None,
    hop_weights: jax.Array | None = None,
    residual_weight: float | jax.Array = 0.0,
    attention_temperature: float | jax.Array | None = None,
    normalization: Normalization = "l2",
    whiten: Literal["off", "last", "every"] = "off",
    keep: Literal["roots", "all"] = "roots",
) -> jax.Array:
    """k steps of the loop, x ← normalise((1 − r) M x + r x), under jit, vmap and grad, in the native kernel.

    With x₀ the start (rows normalised) and x_t after step t, the result is x_k, or Σ_t a_t x_t with hop weights a.
    Gradients reach every array: `x`, `hop_weights`, `residual_weight`, `attention_temperature`, and through
    `mix(mixture, weights)` as `op` the weights of relations.

    Args:
        op: n × n, from `markov` (directed ones with `differentiable=True`), `metapath` or `mix`. Pass it to jit as an
            argument, never by closure.
        x: float32[n, d].
        num_iterations: k; default as many as `hop_weights` has after the first.
        hop_weights: float32[k + 1]: of the start and of each step. Default: the last step alone. Not with "every".
        residual_weight: r in [0, 1).
        attention_temperature: T, as in `Cleora`, from the second step on; default none. Gradients with it need an
            operator with a diagonal similarity, "left" or "symmetric". Traced, T below 0.05 counts as 0.05.
        normalization: of rows: "l2", "l1" or "none".
        whiten: "off", "last" (what comes out) or "every" step; right up to a rotation, which is smooth. No direction is
            cut off but null ones, so n must be well above d.
        keep: which states wait for the backward pass: "roots", one in √k, the steps between computed again (memory of
            about 2 √k tables), or "all" (k tables and what each step needs; a third faster).

    Returns:
        float32[n, d].

    Raises:
        ValueError: an unknown option, or lengths that do not fit.

    Example:
        >>> import cleora_jax as cj, jax, jax.numpy as jnp
        >>> op = cj.markov(cj.from_edges([0, 0, 2], [1, 2, 3]))
        >>> def spread(weights, op, x):
        ...     return cj.propagate(op, x, hop_weights=weights).std()
        >>> jax.grad(spread)(jnp.array([1.0, 0.5, 0.25]), op, jnp.eye(4)).shape
        (3,)

    Reference: Griewank and Walther, Algorithm 799: revolve (2000), for the idea of `keep`; Chien et al., Adaptive
    universal generalized PageRank graph neural network (ICLR 2021), for learned hop weights.
    """
    if not isinstance(op, (Operator, Weighted)):
        raise TypeError(f"`op` must be an operator (`markov(graph)`, `metapath`, `mix`), got {op!r:.100}.")
    if np.ndim(x) != 2 or np.shape(x)[0] != op.num_entities:
        raise checks.OptionError(f"`x` must have shape ({op.num_entities}, d), got {np.shape(x)}.")
    checks.one_of("normalization", normalization, NORMALIZATIONS)
    checks.one_of("whiten", whiten, SCHEDULES)
    checks.one_of("keep", keep, KEPT)
    if not isinstance(residual_weight, jax.Array):  # arrays may be traced, and are taken as they are
        checks.real("residual_weight", residual_weight, low=0, high=1, open_high=True)
    if attention_temperature is not None and not isinstance(attention_temperature, jax.Array):
        checks.real("attention_temperature", attention_temperature, low=MIN_TEMPERATURE)
    steps = _number_of_steps(num_iterations, hop_weights)
    if whiten == "every" and hop_weights is not None:
        raise checks.OptionError("`hop_weights` does not go with `whiten='every'`: each step turns the columns anew.")
    attends = attention_temperature is not None
    walk = _walk(op, attends)
    numbers = Numbers(
        jnp.asarray(residual_weight, jnp.float32),
        jnp.float32(1),
        jnp.asarray(1.0 if attention_temperature is None else attention_temperature, jnp.float32),
        jnp.float32(x.shape[1]),
    )
    step = Step(normalization, whiten == "every", True, True)
    start = transform(split_columns(x * walk.alive[:, None]), walk.alive, None, normalization)
    pending = Pending.nothing(x.shape[1], triangular=True) if step.whiten else None

    def hop(carry: Carry, weight: jax.Array, *, attention: bool) -> tuple[Carry, None]:
        state, total = carry
        state = one_step(walk, numbers, state, replace(step, attention=attention))[0]
        return (state, None if total is None else _sum(total, weight, state.table)), None

    weights = jnp.zeros(steps + 1) if hop_weights is None else jnp.asarray(hop_weights, jnp.float32)
    total = None if hop_weights is None else tuple(weights[0] * block for block in start)
    carry: Carry = State(start, pending), total
    first = 1 if attends and steps else 0  # the first step of attention is plain
    if first:
        carry, _ = jax.checkpoint(partial(hop, attention=False))(carry, weights[1])
    state, total = _hops(partial(hop, attention=attends), carry, weights[1 + first :], keep)
    found = settled(walk.alive, state) if total is None else total
    return join_columns(_whitened(found, walk.alive) if whiten == "last" else found)


def _walk(op: Operator | Weighted, attends: bool) -> Walk:
    if attends and not isinstance(op, Operator):
        raise checks.OptionError(
            "`attention_temperature` needs an operator from `markov`; `mix` has weights of its own."
        )
    alive = (op.row_sum > 0).astype(jnp.float32)
    rows = entry_rows(op.factors[0]) if attends and isinstance(op, Operator) else None
    return Walk(op, alive, (op @ alive[:, None])[:, 0], rows)


def _number_of_steps(num_iterations: int | None, hop_weights: Any) -> int:
    if num_iterations is None and hop_weights is None:
        raise checks.OptionError("give `num_iterations` or `hop_weights`.")
    if hop_weights is None:
        return checks.integer("num_iterations", num_iterations, low=0)
    shape = np.shape(hop_weights)
    wanted = shape[0] - 1 if num_iterations is None and shape else num_iterations
    if len(shape) != 1 or wanted is None or shape[0] != wanted + 1 or shape[0] < 1:
        raise checks.OptionError(
            f"`hop_weights` must have one entry for the start and one per step, got shape {shape}."
        )
    return wanted


def _sum(total: Blocks, weight: jax.Array, table: Blocks) -> Blocks:
    return tuple(old + weight * new for old, new in zip(total, table, strict=True))


def _hops(body: Callable[..., Any], carry: Carry, weights: jax.Array, keep: str) -> Carry:
    """A scan over hops that keeps few states for the backward pass."""
    count = len(weights)
    if keep == "all" or count < 2:
        return jax.lax.scan(body, carry, weights)[0]
    each, size = jax.checkpoint(body), isqrt(count)

    @jax.checkpoint
    def segment(held: Any, some: jax.Array) -> tuple[Any, None]:
        return jax.lax.scan(each, held, some)[0], None

    whole = count - count % size
    carry = jax.lax.scan(segment, carry, weights[:whole].reshape(-1, size))[0]
    return segment(carry, weights[whole:])[0] if count % size else carry


def _whitened(table: Blocks, alive: jax.Array) -> Blocks:
    moments = measure(table, alive)
    return transform(table, alive, Affine.of(moments.mean, triangular(moments).matrix, triangular=True), "none")
