"""GF-CF: collaborative filtering by graph filters, without training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress, no_progress
from cleora_jax.recommend.degrees import item_degrees, normalised, power
from cleora_jax.recommend.walks import FilterState, low_pass, walked_rows


@dataclass(frozen=True)
class GFCF:
    """A linear filter and an ideal low-pass of the item graph (GF-CF): s = r R̃ᵀR̃ + w · r D_I^−½ V Vᵀ D_I^½.

    R̃ = D_U^−½ R D_I^−½, V its leading right singular vectors.

    Args:
        rank: k, vectors of the low-pass. Default: 256.
        weight: w of the low-pass, at least 0; at 0 it is not computed. Default: 0.3.
        turns: power iterations of the singular vectors.
        seed: of their sketch.

    Reference: Shen, Wu, Zhang, Shan, Zhang, Letaief and Li, How powerful is graph convolution for recommendation?,
    CIKM 2021.
    """

    rank: int = 256
    weight: float = 0.3
    turns: int = 5
    seed: int = 0
    State: ClassVar[type[Any]] = FilterState

    def __post_init__(self) -> None:
        checks.keep_integers(self, rank=1, turns=0)
        checks.keep(self, weight=checks.real("weight", self.weight, low=0), seed=checks.seed(self.seed))

    def fit(self, matrix: sp.csr_array, *, progress: Progress = no_progress) -> FilterState:
        """R̃, and the tables D_I^−½ V and D_I^½ V of the low-pass."""
        smooth, degree = normalised(matrix, 0.5, 0.5), item_degrees(matrix)
        if self.weight == 0:
            return FilterState.without(smooth)
        vectors, _ = low_pass(smooth, self.rank, turns=self.turns, seed=self.seed, progress=progress)
        into, out = self.weight * power(degree, -0.5)[:, None] * vectors, power(degree, 0.5)[:, None] * vectors
        return FilterState.of(smooth, into, out)

    def scores(self, state: FilterState, block: sp.csr_array) -> jax.Array:
        """float32[b, i]."""
        return state.scores(walked_rows(state.walk, block), block)
