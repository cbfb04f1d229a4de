"""The most popular items, the same for everybody: what any recommender must be better than."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import scipy.sparse as sp

from cleora_jax._progress import Progress, no_progress
from cleora_jax.recommend.degrees import item_degrees


class PopularityState(NamedTuple):
    """Weight of each item over all users, float32[i]."""

    weight: np.ndarray


@dataclass(frozen=True)
class Popularity:
    """Items by how much they were taken, whoever asks."""

    State: ClassVar[type[Any]] = PopularityState

    def fit(self, matrix: sp.csr_array, *, progress: Progress = no_progress) -> PopularityState:
        """Sums of columns."""
        return PopularityState(item_degrees(matrix).astype(np.float32))

    def scores(self, state: PopularityState, block: sp.csr_array) -> np.ndarray:
        """float32[b, i]."""
        return np.broadcast_to(state.weight, block.shape)
