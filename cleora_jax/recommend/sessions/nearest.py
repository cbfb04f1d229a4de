"""The items nearest to what a history holds, by vectors of items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
import numpy as np

from cleora_jax import _checks as checks
from cleora_jax.recommend.sessions.histories import Histories
from cleora_jax.vectors.search import unit_table
from cleora_jax.vectors.stable import all_products


@dataclass(frozen=True)
class VectorNeighbours:
    """Items by the cosine between their vector and the history's, Σ decay^age of its items' unit vectors.

    Args:
        decay: in (0, 1], for a step or a unit of time; next to 0 is the last item alone.

    Called on vectors float[n, d] it gives a `Scorer`.

    Example:
        >>> vectors = np.array([[1, 0], [0, 1], [1, 1]], np.float32)
        >>> VectorNeighbours(decay=0.5)(vectors)(Histories.of([[1, 0]])).round(2).tolist()
        [[0.8899999856948853, 0.44999998807907104, 0.949999988079071]]
    """

    decay: float = 0.7

    def __post_init__(self) -> None:
        checks.keep(self, decay=checks.real("decay", self.decay, low=0, high=1, open_low=True))

    def __call__(self, vectors: np.ndarray) -> Nearest:
        """Scale the vectors."""
        return Nearest(self, unit_table(np.asarray(vectors), "vectors"))


class Nearest(NamedTuple):
    """Unit vectors, float32[n, d], and how histories count."""

    method: VectorNeighbours
    unit: np.ndarray

    def __call__(self, histories: Histories) -> np.ndarray:
        """float32[b, n], cosines."""
        sums = histories.weights(len(self.unit), self.method.decay) @ self.unit.astype(np.float64)
        return np.asarray(_cosines(unit_table(sums, "vectors"), self.unit))


_cosines = jax.jit(all_products)
