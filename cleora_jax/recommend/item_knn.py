"""k nearest items by the cosine of who took them: the oldest of these methods, and hard to beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress, no_progress
from cleora_jax.recommend.neighbours import Neighbours, neighbours_of, summed
from cleora_jax.recommend.top import best
from cleora_jax.sparse.from_graph import row_sums

ROWS = 512  # items whose similarities to all are held at once


@dataclass(frozen=True)
class ItemKNN:
    """Items that were taken by the same users: cosines of columns, of the nearest items only.

    sim(i, j) = r_i · r_j / (|r_i| |r_j| + shrink); the score of i is Σ sim(i, j) over the items j taken that are among
    its nearest.

    Args:
        neighbours: of each item. Default: 100.
        shrink: at least 0, so that few common users count less. Default: 0.

    Reference: Deshpande and Karypis, Item-based top-N recommendation algorithms, TOIS 2004.
    """

    neighbours: int = 100
    shrink: float = 0.0
    State: ClassVar[type[Any]] = Neighbours

    def __post_init__(self) -> None:
        checks.keep_integers(self, neighbours=1)
        checks.keep(self, shrink=checks.real("shrink", self.shrink, low=0))

    def fit(self, matrix: sp.csr_array, *, progress: Progress = no_progress) -> Neighbours:
        """The neighbours, from block after block of rows of RᵀR."""
        by_item = sp.csr_array(matrix.T.tocsr())
        items = len(norm := np.sqrt(row_sums(by_item.power(2))))
        parts = []
        for start in range(0, items, ROWS):
            block = by_item[start : start + ROWS]
            own = np.arange(start, start + block.shape[0])
            similar = (block @ matrix).toarray()
            below = norm[own, None] * norm + self.shrink
            similar /= np.where(below > 0, below, 1).astype(np.float32)
            similar[np.arange(len(own)), own] = 0
            parts.append(neighbours_of(*best(similar, self.neighbours), items))
            progress("neighbours", start + len(own), items)
        return Neighbours(sp.csr_array(sp.vstack(parts, format="csr")))

    def scores(self, state: Neighbours, block: sp.csr_array) -> np.ndarray:
        """float32[b, i]."""
        return summed(block, state.similarity)
