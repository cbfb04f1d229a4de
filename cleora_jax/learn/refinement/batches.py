"""Batches of pairs, and negatives drawn on the host: compiling random numbers takes longer than drawing them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from cleora_jax.learn.refinement.losses import DRAWING, Array
from cleora_jax.learn.refinement.method import Refine
from cleora_jax.learn.refinement.negatives import Known

TOGETHER = 64  # batches of one compiled scan, at most: bounds what is held of their masks
SERVED = 4  # pairs for each entity drawn: mapping rows is most of the work, and so few are enough


class PairRows(NamedTuple):
    """Positive and negative pairs of rows, int32[m, 2] and int32[c, 2]."""

    positive: np.ndarray
    negative: np.ndarray


class Batch(NamedTuple):
    """Pairs, and the negatives of their entities. Weights are 1 or, for padding, 0.

    Args:
        positive, weight: int32[b, 2] and float32[b].
        negative, apart_weight: int32[c, 2] and float32[c], pairs given as negative.
        drawn: int32[p], entities that serve all pairs in turn; or none, [0], where the partners in other pairs are the
            negatives.
        counts: bool[2, b, k], for the two entities of a pair, each as the anchor, which of its k others are negatives.
            The others of pair i are those drawn at i, i + 1, … (after the last comes the first), or all b partners.
    """

    positive: Array
    weight: Array
    negative: Array
    apart_weight: Array
    drawn: Array
    counts: Array


def batches_of(rng: np.random.Generator, known: Known, pairs: PairRows, method: Refine) -> Iterator[Batch]:
    """All pairs, shuffled, in batches along a first axis, so many together; each has its share of the negative pairs.

    All that is yielded has one shape: sizes are made even, so that only the last batches may hold padding.
    """
    wanted = -(-len(pairs.positive) // method.batch_size)
    groups = -(-wanted // TOGETHER)
    each = -(-wanted // groups)
    positive, negative = (_dealt(rng, side, groups, each) for side in pairs)
    for part in zip(*positive, *negative, strict=True):
        if method.loss in DRAWING:
            found = _sampled(rng, known, part[0], method.num_negatives)
        else:
            found = np.zeros((each, 0), np.int32), _in_batch(known, *part[:2])
        yield Batch(*part, *found)


def _dealt(rng: np.random.Generator, pairs: np.ndarray, *counts: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs int32[*counts, size, 2] with their weights float32[*counts, size]."""
    size = -(-len(pairs) // int(np.prod(counts)))
    dealt = np.zeros((int(np.prod(counts)) * size, 2), np.int32)
    dealt[: len(pairs)] = rng.permutation(pairs)
    weight = (np.arange(len(dealt)) < len(pairs)).astype(np.float32)
    return dealt.reshape(*counts, size, 2), weight.reshape(*counts, size)


def _sampled(rng: np.random.Generator, known: Known, pairs: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Entities for each batch, of the columns that its first pairs have, by a fair coin; and which count for which."""
    size = min(max(count, -(-pairs.shape[1] // SERVED)), pairs.shape[1])
    heads = rng.random((len(pairs), size)) < 0.5
    drawn = known.draw(rng, known.column[np.where(heads, *np.moveaxis(pairs[:, :size], -1, 0))]).astype(np.int32)
    other = drawn[:, (np.arange(pairs.shape[1])[:, None] + np.arange(count)) % size]
    sides = [known.may_replace(pairs[..., end, None], pairs[..., 1 - end, None], other) for end in (0, 1)]
    return drawn, np.stack(sides, axis=1)


def _in_batch(known: Known, pairs: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """bool[·, 2, b, b]: whether the partner in pair j is a negative of the anchor in pair i."""
    counts = np.empty((len(pairs), 2, *(pairs.shape[1],) * 2), bool)
    for batch, real, into in zip(pairs, weight > 0, counts, strict=True):
        for end in (0, 1):
            anchor, partner = batch[:, end, None], batch[:, 1 - end]
            into[end] = known.may_replace(anchor, partner[:, None], partner) & real
    return counts
