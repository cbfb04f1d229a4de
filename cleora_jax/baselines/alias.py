"""Alias tables: a draw with any weights in constant time, for the entries of each row of a sparse matrix."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class Alias(NamedTuple):
    """For each entry, the chance that it stays itself once it was picked, and the entry that it gives way to.

    Args:
        chance: float32[m].
        other: int32[m], an entry of the same row.
    """

    chance: jax.Array | np.ndarray
    other: jax.Array | np.ndarray


def alias_tables(weights: np.ndarray, indptr: np.ndarray) -> Alias:
    """Tables of all rows at once: a uniform entry of a row, then `kept`, gives each entry in proportion to its weight.

    Scaled to mean 1, light entries (below 1) lack something and heavy ones have too much, in each row as much as the
    other. Lined up in order, a light entry gives way to the heavy one in whose stretch of surplus its want begins; a
    heavy one whose surplus ends within such a want is light itself by then, and gives way to the next. So two running
    sums and a search say what Vose's loop over entries would.

    Args:
        weights: float64[m] > 0.
        indptr: int[rows + 1].

    Example:
        >>> alias_tables(np.array([1.0, 3.0]), np.array([0, 2]))
        Alias(chance=array([0.5, 1. ], dtype=float32), other=array([1, 1], dtype=int32))

    Reference: Walker, 1977; Vose, 1991; the running sums as in Hübschle-Schneider and Sanders, 2019.
    """
    size = np.diff(indptr)
    row = np.repeat(np.arange(len(size)), size)
    total, top = np.bincount(row, weights, len(size)), np.zeros(len(size))
    np.maximum.at(top, row, weights)
    scaled = weights * (size / np.maximum(total, np.finfo(float).tiny))[row]
    is_heavy = (scaled >= 1) | (weights == top[row])  # rounding must not leave a row without any
    light, heavy = np.flatnonzero(~is_heavy), np.flatnonzero(is_heavy)
    want, surplus = np.cumsum(1 - scaled[light]), np.cumsum(np.maximum(scaled[heavy] - 1, 0))
    chance, other = np.minimum(scaled, 1), np.arange(len(weights))

    last = np.searchsorted(heavy, indptr[1:]) - 1  # the last heavy entry of each row: rounding must not pass it
    first = np.searchsorted(heavy, indptr[:-1])
    begins = np.searchsorted(surplus, np.append(0, want)[:-1], side="right")  # the very numbers that `ends` compares
    other[light] = heavy[np.clip(begins, first[row[light]], last[row[light]])]

    ends = np.searchsorted(want, surplus)  # the want within which a surplus ends
    follows = np.flatnonzero(row[heavy[1:]] == row[heavy[:-1]])
    inside = follows[ends[follows] < np.searchsorted(light, indptr[1:])[row[heavy[follows]]]]
    chance[heavy[inside]] = np.clip(1 + surplus[inside] - want[ends[inside]], 0, 1)
    other[heavy[inside]] = heavy[inside + 1]
    return Alias(chance.astype(np.float32), other.astype(np.int32))


def kept(table: Alias, entry: jax.Array, coin: jax.Array) -> jax.Array:
    """The entries that were picked uniformly, or those that they give way to, by coins in [0, 1)."""
    return jnp.where(coin < table.chance[entry], entry, table.other[entry])


def below(bits: jax.Array, size: jax.Array) -> jax.Array:
    """⌊bits · size / 2³²⌋: 32 random bits as an integer below a size, off uniform by no more than size / 2³².

    Args:
        bits: uint32[k].
        size: int32[k] or a number.

    Example:
        >>> below(jnp.array([0, 2**31, 2**32 - 1], jnp.uint32), jnp.array([10, 10, 10])).tolist()
        [0, 5, 9]
    """
    size = jnp.asarray(size).astype(jnp.uint32)
    high, low = bits >> 16, bits & 0xFFFF
    wide, narrow = size >> 16, size & 0xFFFF
    cross = low * wide
    middle = high * narrow + (low * narrow >> 16)  # stays below 2³²
    carry = (middle & 0xFFFF) + (cross & 0xFFFF) >> 16
    return (high * wide + (middle >> 16) + (cross >> 16) + carry).astype(jnp.int32)


def coins(bits: jax.Array) -> jax.Array:
    """32 random bits as a float32 in [0, 1), of its 24 leading ones."""
    return (bits >> 8).astype(jnp.float32) * np.float32(2**-24)
