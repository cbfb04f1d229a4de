"""Losses as functions of cosines."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from cleora_jax.vectors.stable import product

Loss = Literal["triplet", "in-batch", "hard", "contrastive"]
LOSSES = ("triplet", "in-batch", "hard", "contrastive")
DRAWING = ("triplet", "contrastive")  # those whose negatives are drawn; of the others they stand in the batch

Array = Any  # of NumPy on the host, of JAX inside jit


class Scores(NamedTuple):
    """Cosines of one batch.

    Args:
        positive: [b], of positive pairs (a, p).
        negative: [2, b, k], of each of the two, as the anchor, with k others in place of its partner.
        counts: bool[2, b, k], which of those are negatives.
        apart: [c], of pairs given as negative.
    """

    positive: Array
    negative: Array
    counts: Array
    apart: Array


def pair_losses(scores: Scores, margin: jax.Array | float, loss: Loss) -> jax.Array:
    """Loss of each positive pair, [b]: over both anchors the mean of h(a), the mean or max over n of its hinges.

        hinge(a, n) = max(0, margin + cos(a, n) − cos(a, p)), or for "contrastive" max(0, cos(a, n) − margin)

    The largest for "hard", else the mean; 0 for an anchor without a negative. "contrastive": 1 − cos(a, p) and the sum
    over both anchors, since each end is pushed from negatives of its own.
    """
    bar = margin if loss == "contrastive" else scores.positive[None, :, None] - margin
    hinges = jnp.maximum(0, scores.negative - bar) * scores.counts
    if loss == "hard":
        return hinges.max(axis=2).mean(axis=0)
    apart = (hinges.sum(axis=2) / jnp.maximum(scores.counts.sum(axis=2), 1)).mean(axis=0)
    return 1 - scores.positive + 2 * apart if loss == "contrastive" else apart


def apart_losses(scores: Scores, weight: jax.Array, margin: jax.Array | float, loss: Loss) -> jax.Array:
    """Loss of each pair given as negative, [c]: the mean over positive pairs of max(0, margin + cos⁻ − cos⁺).

    It needs no anchor in common: given negatives rank below the positive pairs of their batch by the margin. For
    "contrastive" they rank below the margin: max(0, cos⁻ − margin).

    Args:
        scores: of the batch.
        weight: [b], 1 for a positive pair and 0 for padding.
        margin: at least 0.
        loss: which.
    """
    if loss == "contrastive":
        return jnp.maximum(0, scores.apart - margin)
    ones = jnp.ones_like(scores.apart)[:, None]
    hinges = jnp.maximum(0, margin + scores.apart[:, None] - product(ones, scores.positive[None]))
    return product(hinges, weight[:, None])[:, 0] / jnp.maximum(weight.sum(), 1)


def unit(x: jax.Array) -> jax.Array:
    """Rows at unit length; rows of zeros stay zero, and get no gradient."""
    square = (x * x).sum(axis=1, keepdims=True)
    return x * jnp.where(square > 0, jax.lax.rsqrt(jnp.where(square > 0, square, 1)), 0)
