"""Skip-gram with negative sampling on batches of walks, in dense products.

Taken pair by pair, skip-gram moves a row of memory for every product it computes. Here the rows of some walks are
gathered once, all pairs of a window come from one product, noise is shared by the centres of a walk, and each row is
written once. What a batch sums up for one node is held back by its curvature, so that repeated nodes do no harm.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from cleora_jax.baselines.alias import Alias, below, coins, kept

CENTRES = 16  # centres of a piece of a walk, which meet CENTRES + 2 window contexts in one product
NOISE = 64  # noise nodes drawn for a walk
# Directions that a row's curvature is taken to be spread over. Tried: 1, 2, 4, 16, 64. With 1 BlogCatalog's hubs learn
# too slowly (Micro-F1 at 10 % 31.7 with 32 noise nodes and the plain Hessian; 34 from 4 on); with 16 Cora's walks,
# which see the same few nodes over and over, blow up (accuracy 75.5 against 81).
SPREAD = 2
LOWEST_RATE = 1e-4  # where the learning rate ends, as in word2vec


class Tables(NamedTuple):
    """What is trained, and scratch space.

    Args:
        centre, context: float32[n, d].
        curvature: float32[n], zero between steps.
        state: of the optimiser; None without one.
    """

    centre: jax.Array
    context: jax.Array
    curvature: jax.Array
    state: Any = None


class Rows(NamedTuple):
    """What a step looks at: the centres of b walks of L nodes, their contexts, and k noise contexts for each walk.

    Args:
        centre, context: float32[b, L, d].
        noise: float32[b, k, d].
    """

    centre: jax.Array
    context: jax.Array
    noise: jax.Array


def first_tables(nodes: int, dim: int, rng: np.random.Generator, optimizer: Any = None) -> Tables:
    """Centres uniform in ±1/(2 dim), contexts zero, as in word2vec."""
    centre = jnp.asarray((rng.random((nodes, dim), np.float32) - np.float32(0.5)) / np.float32(dim))
    context, curvature = jnp.zeros((nodes, dim)), jnp.zeros(nodes)
    return Tables(centre, context, curvature, optimizer and optimizer.init((centre, context)))


@partial(jax.jit, static_argnames=("window", "negatives", "optimizer"), donate_argnames="tables")
def train(
    tables: Tables, walks: jax.Array, rates: jax.Array, noise: Alias, key: jax.Array, window: int, negatives: int,
    optimizer: optax.GradientTransformation | None = None,
) -> tuple[Tables, jax.Array]:  # fmt: skip
    """A step for each group of walks, in order.

    Pairs at distance o weigh (window − o + 1) / window: what word2vec's random window gives on average. A positive pair
    of weight ω comes with noise pairs of weight ω · negatives in all, with nodes drawn for its walk.

    Args:
        tables: given up to the call.
        walks: int32[s, b, L], negative where there is no node.
        rates: float32[s], learning rates; an optimiser brings its own.
        noise: alias tables of n entries.
        key: of the noise.
        window: largest distance of a pair.
        negatives: noise pairs of a positive one.
        optimizer: of optax, for gradients of whole tables, so that each step takes n d time. Default: rows move by
            rate / (1 + rate · curvature / SPREAD) times their gradient: where these are small, plain gradient descent.

    Returns:
        The tables, and float32[s, 2]: the loss of all positive pairs with their noise, and the weight of these pairs.
    """

    def step(held: Tables, given: tuple[jax.Array, ...]) -> tuple[Tables, jax.Array]:
        nodes, rate, number = given
        there = nodes >= 0
        nodes = jnp.where(there, nodes, 0)
        drawn = _drawn(noise, jax.random.fold_in(key, number), len(nodes))
        rows = Rows(held.centre[nodes], held.context[nodes], held.context[drawn])
        up, bend, loss = ascent(rows, there, window, negatives)
        contexts = jnp.concatenate([nodes, drawn], axis=1)
        if optimizer is not None:
            return _optimized(held, optimizer, nodes, contexts, up), loss
        return _damped(held, nodes, contexts, up, bend, rate), loss

    return jax.lax.scan(step, tables, (walks, rates, jnp.arange(len(walks))))


def _drawn(noise: Alias, key: jax.Array, count: int) -> jax.Array:
    """Noise nodes int32[count, NOISE]."""
    slot, coin = jax.random.bits(key, (2, count, NOISE))
    return kept(noise, below(slot, jnp.int32(noise.other.shape[0])), coins(coin))


def ascent(rows: Rows, there: jax.Array, window: int, negatives: int) -> tuple[Rows, Rows, jax.Array]:
    """Ascent directions of the log-likelihood for each row (float32[b, ·, d]), their curvatures (float32[b, ·]), and
    the loss of all positive pairs, with their weight.

    The curvature of a row is Σ ω r / (2 + |s|) |other row|² over its pairs of score s and residual r = 1 − σ(s), or
    σ(s) for noise. At s = 0 that is the trace of its Hessian; where a pair is badly wrong, and the Hessian vanishes, it
    is that of a secant, so that steps do not run away.

    Args:
        rows: gathered.
        there: bool[b, L], where a walk has a node.
        window, negatives: see `train`.
    """
    near, far = Pieces(rows.centre.shape[1], window), there.astype(jnp.float32)
    weight = near.of_centres(far)[..., None] * near.of_contexts(far)[:, :, None] * near.weights()
    centre, context = near.of_centres(rows.centre), near.of_contexts(rows.context)
    score = jnp.einsum("bpcd,bpkd->bpck", centre, context)
    right = jax.nn.sigmoid(score)
    pull = weight * (1 - right)
    bend = pull / (2 + abs(score))

    pairs = near.to_centres(weight.sum(3))
    noise_score = jnp.einsum("bld,bkd->blk", rows.centre, rows.noise)
    wrong = jax.nn.sigmoid(noise_score)
    noise_weight = pairs[..., None] * (negatives / NOISE)
    push = noise_weight * wrong
    noise_bend = push / (2 + abs(noise_score))

    up = Rows(
        near.to_centres(jnp.einsum("bpck,bpkd->bpcd", pull, context)) - jnp.einsum("blk,bkd->bld", push, rows.noise),
        near.to_contexts(jnp.einsum("bpck,bpcd->bpkd", pull, centre)),
        -jnp.einsum("blk,bld->bkd", push, rows.centre),
    )
    size, noise_size = (rows.centre**2).sum(2), (rows.noise**2).sum(2)
    curvature = Rows(
        near.to_centres((bend * (context**2).sum(3)[:, :, None]).sum(3)) + (noise_bend * noise_size[:, None]).sum(2),
        near.to_contexts((bend * near.of_centres(size)[..., None]).sum(2)),
        (noise_bend * size[..., None]).sum(1),
    )
    loss = (weight * jax.nn.softplus(-score)).sum((2, 3)).sum(1) + (noise_weight * jax.nn.softplus(noise_score)).sum(
        (1, 2)
    )
    return up, curvature, jnp.stack([loss.sum(), pairs.sum()])


class Pieces(NamedTuple):
    """Walks of `length` nodes cut into pieces of CENTRES centres, with the contexts within `window` of any of them."""

    length: int
    window: int

    @property
    def starts(self) -> range:
        """The first centre of each piece."""
        return range(0, self.length, CENTRES)

    def weights(self) -> jax.Array:
        """Of pairs, by distance: float32[CENTRES, CENTRES + 2 window]."""
        apart = abs(jnp.arange(CENTRES)[:, None] + self.window - jnp.arange(CENTRES + 2 * self.window))
        return jnp.where(apart > 0, jnp.maximum(self.window + 1 - apart, 0) / self.window, 0)

    def of_centres(self, x: jax.Array) -> jax.Array:
        """[b, length, …] as [b, pieces, CENTRES, …]."""
        return x.reshape(len(x), -1, CENTRES, *x.shape[2:])

    def to_centres(self, x: jax.Array) -> jax.Array:
        """And back."""
        return x.reshape(len(x), self.length, *x.shape[3:])

    def of_contexts(self, x: jax.Array) -> jax.Array:
        """[b, length, …] as [b, pieces, CENTRES + 2 window, …], zero past the ends."""
        x = jnp.pad(x, ((0, 0), (self.window, self.window), *((0, 0),) * (x.ndim - 2)))
        return jnp.stack([x[:, start : start + CENTRES + 2 * self.window] for start in self.starts], axis=1)

    def to_contexts(self, x: jax.Array) -> jax.Array:
        """And back: what pieces say of one context adds up."""
        rest = ((0, 0),) * (x.ndim - 3)
        ends = [(start, self.length - CENTRES - start) for start in self.starts]
        whole = sum(jnp.pad(x[:, piece], ((0, 0), end, *rest)) for piece, end in enumerate(ends))
        return jnp.asarray(whole)[:, self.window : self.window + self.length]


def _damped(
    held: Tables, nodes: jax.Array, contexts: jax.Array, up: Rows, bend: Rows, rate: jax.Array
) -> Tables:  # fmt: skip
    """Every row moved by what its occurrences sum up to.

    An implicit step would be (I + rate · Hessian)⁻¹ · rate · gradient. The trace in place of the Hessian would never go
    further, however often a node is repeated, but hold back directions that need no such care; see SPREAD.
    """
    curvature = held.curvature

    def moved(table: jax.Array, rows: jax.Array, up: jax.Array, bend: jax.Array) -> jax.Array:
        nonlocal curvature
        total = curvature.at[rows].add(bend)
        step = rate / (1 + rate * total[rows] / SPREAD)
        curvature = total.at[rows].set(0)
        return table.at[rows].add(step[..., None] * up)

    centre = moved(held.centre, nodes, up.centre, bend.centre)
    joined = (jnp.concatenate([pair.context, pair.noise], axis=1) for pair in (up, bend))
    context = moved(held.context, contexts, *joined)
    return held._replace(centre=centre, context=context, curvature=curvature)


def _optimized(
    held: Tables, optimizer: optax.GradientTransformation, nodes: jax.Array, contexts: jax.Array, up: Rows
) -> Tables:  # fmt: skip
    """Both tables moved by an optimiser, which sees the gradient of the sum."""
    tables = held.centre, held.context
    both = jnp.concatenate([up.context, up.noise], axis=1)
    slopes = [jnp.zeros_like(held.centre).at[at].add(-rows) for at, rows in ((nodes, up.centre), (contexts, both))]
    updates, state = optimizer.update(tuple(slopes), held.state, tables)
    centre, context = optax.apply_updates(tables, updates)
    return held._replace(centre=centre, context=context, state=state)
