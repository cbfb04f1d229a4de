"""Pairs of entities as pairs of rows: looked up once at the door, split into training and validation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax.graph.vocab import Vocab
from cleora_jax.vectors.embedding import Key

Pairs = Sequence[tuple[Key, Key]] | np.ndarray


def pair_rows(name: str, pairs: Any, vocab: Vocab) -> np.ndarray:
    """Rows of pairs of entities, int64[m, 2].

    Args:
        name: of the argument, for messages.
        pairs: m pairs of ids or of (column, id), in a list or an array; or of row numbers, integers [m, 2].
        vocab: whose rows.

    Raises:
        NotFoundError: unknown ids or columns.
        ValueError: no pairs of two, a row that does not exist, or an entity paired with itself.
        TypeError: what is neither an id nor a row number.
    """
    listed = np.asarray(pairs) if hasattr(pairs, "__array__") else list(pairs)
    if not len(listed):
        return np.zeros((0, 2), np.int64)
    if _of_numbers(listed):
        rows = checked_rows(name, np.asarray(listed), len(vocab))
    else:
        rows = _looked_up(name, listed, vocab)
    same = np.flatnonzero(rows[:, 0] == rows[:, 1])
    if len(same):
        raise checks.OptionError(f"`{name}` pairs {vocab[rows[same[0], 0]]!r} with itself, at place {same[0]}.")
    return rows


def pair_keys(rows: np.ndarray, count: int) -> np.ndarray:
    """A number for each pair of rows below `count`, whichever of the two comes first, int64[m]."""
    keys: np.ndarray = rows.min(axis=1) * count + rows.max(axis=1)
    return keys


def check_apart(positive: np.ndarray, negative: np.ndarray, vocab: Vocab) -> None:
    """Raise ValueError where a pair is positive and negative."""
    both = np.flatnonzero(np.isin(pair_keys(negative, len(vocab)), pair_keys(positive, len(vocab))))
    if len(both):
        left, right = (vocab[row] for row in negative[both[0]])
        raise checks.OptionError(f"the pair of {left!r} and {right!r} is in `positive` and in `negative`.")


def hold_out(rows: np.ndarray, share: float, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Pairs to train on and pairs held out, int64[·, 2] both; all copies of a pair are on one side.

    Args:
        rows: pairs of rows below `count`, int64[m, 2].
        share: of the distinct pairs, to be held out, in [0, 1); rounded down.
        count: entities.
        rng: says which.
    """
    _, place = np.unique(pair_keys(rows, count), return_inverse=True)
    distinct = int(place.max(initial=-1)) + 1
    held = np.zeros(distinct, bool)
    held[rng.permutation(distinct)[: int(share * distinct)]] = True
    return rows[~held[place]], rows[held[place]]


def _of_numbers(listed: Any) -> bool:
    """Whether pairs are of row numbers; an array of any other numbers is told from ids by `_looked_up`."""
    if isinstance(listed, np.ndarray):
        return bool(np.issubdtype(listed.dtype, np.integer))
    first = listed[0]
    return isinstance(first, (tuple, list, np.ndarray)) and all(isinstance(part, (int, np.integer)) for part in first)


def checked_rows(name: str, rows: np.ndarray, count: int) -> np.ndarray:
    """Pairs of rows below `count`, int64[m, 2]; ValueError where they are of another form, or a row does not exist."""
    if rows.ndim != 2 or rows.shape[1] != 2 or not np.issubdtype(rows.dtype, np.integer):
        raise checks.OptionError(f"`{name}` must be pairs of integers, [m, 2], got {rows.dtype}{list(rows.shape)}.")
    wrong = np.flatnonzero((rows < 0) | (rows >= count))
    if len(wrong):
        raise checks.OptionError(
            f"`{name}` must hold row numbers from 0 to {count - 1}, got {rows.flat[wrong[0]]} at place {wrong[0] // 2}."
        )
    return rows.astype(np.int64)


def _looked_up(name: str, listed: Any, vocab: Vocab) -> np.ndarray:
    """Rows of pairs of keys; one look-up a column, so that all ids which it does not know are named."""
    if set(map(type, listed)) <= {tuple, list} and set(map(len, listed)) == {2}:
        flat = list(chain.from_iterable(listed))
        if set(map(type, flat)) == {str}:
            return vocab.indices(flat).reshape(-1, 2)
    places: dict[str | None, list[int]] = defaultdict(list)
    entities: dict[str | None, list[str]] = defaultdict(list)
    for place, pair in enumerate(listed):
        if isinstance(pair, str) or not isinstance(pair, (Sequence, np.ndarray)) or len(pair) != 2:
            raise checks.OptionError(f"`{name}` must be pairs of two entities, got {pair!r:.100} at place {place}.")
        for end, key in enumerate(pair):
            column, entity = _column_and_id(name, key)
            places[column].append(2 * place + end)
            entities[column].append(entity)
    rows = np.empty(2 * len(listed), np.int64)
    for column, where in places.items():
        rows[where] = vocab.indices(entities[column], column)
    return rows.reshape(-1, 2)


def _column_and_id(name: str, key: Any) -> tuple[str | None, str]:
    if isinstance(key, str):
        return None, key
    if isinstance(key, tuple) and len(key) == 2 and all(isinstance(part, str) for part in key):
        return key
    raise TypeError(f"`{name}` must be pairs of ids, of (column, id), or of row numbers, got {key!r:.100}.")
