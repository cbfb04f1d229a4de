"""Negatives: entities drawn in place of a partner, and which of them count."""

from __future__ import annotations

from functools import cached_property

import numpy as np

SPREAD = np.uint64(0x9E3779B97F4A7C15)  # odd; its multiples differ in their high bits (Knuth's multiplicative hashing)
SLOTS_PER_PAIR = 16


class Known:
    """Which of r entities are partners, and of which column each is.

    Args:
        positive: all positive pairs, int[m, 2], whether to train on or held out.
        column: int[r].
    """

    def __init__(self, positive: np.ndarray, column: np.ndarray) -> None:
        self.column = column
        self._keys = np.unique(np.concatenate([self._key(*positive.T), self._key(*positive.T[::-1])]))

    def draw(self, rng: np.random.Generator, column: np.ndarray) -> np.ndarray:
        """An entity of each column asked for, uniform, int64[b]."""
        order, start, size = self._by_column
        drawn: np.ndarray = order[start[column] + rng.integers(size[column])]
        return drawn

    def may_replace(self, anchor: np.ndarray, partner: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Whether `other` is a negative of `anchor` in `partner`'s place: of its column, no known partner, not itself.

        Args:
            anchor, partner, other: int, of shapes that broadcast.
        """
        stranger = (other != anchor) & (self.column[other] == self.column[partner])
        return stranger & ~self.partners(anchor, other)

    def partners(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Whether two entities are a positive pair, in either order.

        Nearly all are not, and a look at a table of bits says so; only for the rest the keys are searched.
        """
        keys = np.asarray(self._key(left, right))
        bits, shift = self._bits
        found = bits[_hashed(keys, shift)]
        likely = np.nonzero(found)
        place = np.searchsorted(self._keys, keys[likely])
        found[likely] = self._keys[np.minimum(place, len(self._keys) - 1)] == keys[likely]
        return found

    def _key(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        key: np.ndarray = left.astype(np.int64) * len(self.column) + right
        return key

    @cached_property
    def _bits(self) -> tuple[np.ndarray, int]:
        """bool[2^b], true where the hash of a key lies; and the shift of the hash, 64 − b."""
        width = (SLOTS_PER_PAIR * len(self._keys)).bit_length()
        bits = np.zeros(1 << width, bool)
        bits[_hashed(self._keys, 64 - width)] = True
        return bits, 64 - width

    @cached_property
    def _by_column(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The entities by column, where each column begins, and its size."""
        size = np.bincount(self.column)
        return np.argsort(self.column, kind="stable"), np.cumsum(size) - size, size


def _hashed(keys: np.ndarray, shift: int) -> np.ndarray:
    return (keys.astype(np.uint64) * SPREAD) >> np.uint64(shift)
