"""Pairs and vectors as training wants them: a table of the rows that may occur, and pairs split for validation."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax.learn.pairs import check_apart, hold_out, pair_rows
from cleora_jax.learn.refinement.batches import PairRows
from cleora_jax.learn.refinement.method import Refine
from cleora_jax.learn.refinement.negatives import Known
from cleora_jax.learn.refinement.training import Data
from cleora_jax.vectors.embedding import Embedding
from cleora_jax.vectors.search import unit_rows

STRANGERS = 16_384  # entities of no pair, at most, that may be drawn as negatives: they bound the table
HELD_NEGATIVES = 1_000  # at least so many pairs are drawn that validation compares the positive ones with


class Problem(NamedTuple):
    """What to train on.

    Args:
        data: in rows of a table of r entities.
        rows: int64[r], which row of the embedding each of them is.
        rng: for what is drawn from now on.
    """

    data: Data
    rows: np.ndarray
    rng: np.random.Generator


def problem_of(embedding: Embedding, positive: Any, negative: Any, method: Refine) -> Problem:
    """Look the pairs up, hold some out, and gather the rows that stand in pairs or may be drawn as negatives.

    Raises:
        NotFoundError: unknown ids or columns.
        ValueError: no positive pair, pairs that cannot be, a pair both positive and negative, or NaN or infinity.
        TypeError: pairs of something else.
    """
    vocab, rng = embedding.vocab, np.random.default_rng(method.seed % 2**64)
    together = pair_rows("positive", positive, vocab)
    apart = pair_rows("negative", () if negative is None else negative, vocab)
    if not len(together):
        raise checks.OptionError("`positive` must hold at least one pair, got none.")
    check_apart(together, apart, vocab)
    rows = _rows_of_table(len(vocab), np.concatenate([together, apart]), rng)
    together, apart = np.searchsorted(rows, together), np.searchsorted(rows, apart)
    known = Known(together, vocab.column_of[rows].astype(np.int64))
    train, held = _split(together, apart, known, method, rng)
    table = unit_rows(embedding.vectors[rows], "embedding").astype(np.float32)
    return Problem(Data(table, known, train, held), rows, rng)


def _split(
    together: np.ndarray, apart: np.ndarray, known: Known, method: Refine, rng: np.random.Generator
) -> tuple[PairRows, PairRows]:
    """Pairs to train on, and pairs held out; no positive ones where there would be nothing to compare them with."""
    apart, held_apart = hold_out(apart, method.validation, len(known.column), rng)
    share = method.validation if len(held_apart) or method.num_negatives else 0.0
    together, held_together = hold_out(together, share, len(known.column), rng)
    if len(held_together) and method.num_negatives:
        held_apart = np.concatenate([held_apart, _random_pairs(known, held_together, rng)])
    both = (together, apart), (held_together, held_apart)
    train, held = (PairRows(*(pairs.astype(np.int32) for pairs in side)) for side in both)
    return train, held


def _rows_of_table(count: int, pairs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The rows that stand in pairs and, of the others, all or a sample, int64[r], in order."""
    wanted = np.zeros(count, bool)
    wanted[pairs.ravel()] = True
    strangers = np.flatnonzero(~wanted)
    if len(strangers) > STRANGERS:
        strangers = rng.choice(strangers, STRANGERS, replace=False)
    wanted[strangers] = True
    return np.flatnonzero(wanted)


def _random_pairs(known: Known, like: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pairs of two entities that are no positive pair, int64[·, 2], of the columns that positive pairs have."""
    model = known.column[np.resize(like, (max(len(like), HELD_NEGATIVES), 2))]
    left, right = (known.draw(rng, column) for column in model.T)
    apart = (left != right) & ~known.partners(left, right)
    pairs: np.ndarray = np.stack([left, right], axis=1)[apart]
    return pairs
