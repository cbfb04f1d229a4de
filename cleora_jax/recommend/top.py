"""The best items of rows of scores: one loop over blocks of users, ties by the order of items."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress, no_progress
from cleora_jax.recommend.method import RecommenderMethod
from cleora_jax.vectors.search import TopK

BLOCK = 64  # users whose scores of all items are held at once: 10 MB at 41,000 items, for caches and sparse products
GROUP = 64  # columns: of 41,000 some 640 maxima are left, and 1,280 columns in the 20 groups looked into


def top_items(
    method: RecommenderMethod,
    state: Any,
    rows: sp.csr_array,
    k: int,
    *,
    unwanted: sp.csr_array | None = None,
    allowed: np.ndarray | None = None,
    progress: Progress = no_progress,
) -> TopK:
    """The k items of largest score for each row of interactions; equal scores in the order of items.

    Args:
        method, state: what gives scores.
        rows: float32[b, i] CSR, rows of interactions, of users known or not.
        k: at least 1; more than there are items gives them all.
        unwanted: [b, i], whose stored entries are items that a row does not get. Default: none.
        allowed: bool[i], items that may be given. Default: all.

    Returns:
        Items int64[b, k], −1 at the end where there are fewer, and scores float64[b, k], −inf there.

    Raises:
        InputError: see `score_blocks`.
    """
    count, items = rows.shape
    k = min(k, items)
    found = TopK(np.full((count, k), -1, np.int64), np.full((count, k), -np.inf))
    for start, scores in score_blocks(method, state, rows):
        part = slice(start, start + len(scores))
        if unwanted is not None:
            some = unwanted[part]
            scores[np.repeat(np.arange(len(scores)), np.diff(some.indptr)), some.indices] = -np.inf
        if allowed is not None:
            scores[:, ~allowed] = -np.inf
        found.rows[part], found.scores[part] = best(scores, k)
        progress("recommending", min(start + len(scores), count), count)
    return found


def score_blocks(method: RecommenderMethod, state: Any, rows: sp.csr_array) -> Iterator[tuple[int, np.ndarray]]:
    """Scores float32[b, i], to be written to, of blocks of rows, each with the row that it begins at.

    Blocks are of few sizes, since each is compiled for: the last is filled up with empty rows.

    Raises:
        InputError: scores that are no numbers or +∞, as of weights near the end of float32's range.
    """
    for start in range(0, rows.shape[0], BLOCK):
        block = rows[start : start + BLOCK]
        count = block.shape[0]
        scores = np.array(method.scores(state, _filled(block)), np.float32, order="C")[:count]
        if not scores.max(initial=-np.inf) < np.inf:
            name = type(method).__name__
            raise checks.InputError(f"{name} gives scores that are not finite: its state or the weights are too large.")
        yield start, scores


def _filled(block: sp.csr_array) -> sp.csr_array:
    """With empty rows up to the next power of two."""
    count = 1 << (block.shape[0] - 1).bit_length()
    offset = np.concatenate([block.indptr, np.full(count - block.shape[0], block.indptr[-1], block.indptr.dtype)])
    return sp.csr_array((block.data, block.indices, offset), shape=(count, block.shape[1]))


def best(scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Columns int64[b, k] of the k largest scores of each row, best first, equal ones in order of columns; and these.

    −1 where only −inf is left. Of many columns only k groups of neighbours are looked into, those of the largest
    maxima, the earlier among equals: whatever stands in another group comes after a column of each of these.

    Example:
        >>> best(np.array([[1, 3, 3, 2], [0, -np.inf, 0, -np.inf]], np.float32), 3)[0]
        array([[ 1,  2,  3],
               [ 0,  2, -1]])
    """
    count, items = scores.shape
    k = min(k, items)
    if items <= 2 * k * GROUP:
        return _sifted(scores, k)
    highest = np.maximum.reduceat(scores, np.arange(0, items, GROUP), axis=1)
    group = np.sort(best(highest, k)[0], axis=1)
    column = (group[:, :, None] * GROUP + np.arange(GROUP)).reshape(count, k * GROUP)
    outside = (column < 0) | (column >= items)  # of a group that is none, or beyond the end of the last one
    column[outside] = 0
    some = np.take_along_axis(scores, column, axis=1)
    some[outside] = -np.inf
    place, value = _sifted(some, k)
    return np.where(place < 0, -1, np.take_along_axis(column, place, axis=1)), value


def _sifted(scores: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """What `best` gives, by a partition of whole rows."""
    count, items = scores.shape
    least = np.partition(scores, items - k, axis=1)[:, items - k, None]
    chosen = scores >= least
    tied = np.flatnonzero(chosen.sum(axis=1) > k)
    if len(tied):  # of those level with the last, only the first that still fit
        above, level = scores[tied] > least[tied], scores[tied] == least[tied]
        room = k - above.sum(axis=1, keepdims=True)
        chosen[tied] = above | (level & (np.cumsum(level, axis=1) <= room))
    column = np.nonzero(chosen)[1].reshape(count, k)
    value = np.take_along_axis(scores, column, axis=1)
    order = np.argsort(-value, axis=1, kind="stable")
    column, value = (np.take_along_axis(part, order, axis=1) for part in (column, value))
    return np.where(np.isneginf(value), -1, column), value
