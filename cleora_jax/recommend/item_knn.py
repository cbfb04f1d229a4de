"""k nearest items by the cosine of who took them: the oldest of these methods, and hard to beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress, no_progress
from cleora_jax.recommend.neighbours import Neighbours, strongest, summed
from cleora_jax.sparse.from_graph import row_sums

ROWS = 2048  # items whose similarities to all are held at once


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
        unit = _units(matrix)
        data = np.ldexp(matrix.data, -unit[matrix.indices])  # up to 1 in each column: squares stay in float32
        matrix = sp.csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)
        by_item = sp.csr_array(matrix.T.tocsr())
        norm = np.sqrt(row_sums(by_item.power(2)))
        parts = []
        for start in range(0, len(norm), ROWS):
            block = by_item[start : start + ROWS] @ matrix
            parts.append(strongest(self._similar(block, start, norm, unit), self.neighbours))
            progress("neighbours", min(start + ROWS, len(norm)), len(norm))
        return Neighbours(sp.csr_array(sp.vstack(parts, format="csr")))

    def _similar(self, block: sp.csr_array, start: int, norm: np.ndarray, unit: np.ndarray) -> sp.csr_array:
        """Common users of the items from `start` on with all, as cosines; none of an item with itself.

        Cosines know no unit, but `shrink` is in that of the weights, so it is brought to that of both columns.
        """
        own = start + np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
        shrink = np.ldexp(self.shrink, -(unit[own] + unit[block.indices]))
        value = block.data / (norm[own] * norm[block.indices] + shrink)
        value[own == block.indices] = 0
        return sp.csr_array((value.astype(np.float32), block.indices, block.indptr), shape=block.shape)

    def scores(self, state: Neighbours, block: sp.csr_array) -> np.ndarray:
        """float32[b, i]."""
        return summed(block, state.similarity)


def _units(matrix: sp.csr_array) -> np.ndarray:
    """int[i]: the power of two above the largest weight of each column. Scaling by powers of two rounds nothing."""
    most = np.zeros(matrix.shape[1], np.float32)
    np.maximum.at(most, matrix.indices, matrix.data)
    return np.frexp(most)[1]
