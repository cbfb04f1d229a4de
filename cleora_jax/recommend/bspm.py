"""BSPM: blur what was taken over the item graph, then sharpen it again; both are solved as equations of heat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import jax
import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress, no_progress
from cleora_jax.recommend.degrees import item_degrees, normalised, power
from cleora_jax.recommend.walks import FilterState, low_pass, walked, walked_rows
from cleora_jax.sparse.operator import Operator

SOLVERS = {"euler": (1.0,), "rk4": (1.0, 1 / 2, 1 / 6, 1 / 24)}  # of dx/dt = −x P, a linear equation: a polynomial in P
MERGES = ("early", "late")


@dataclass(frozen=True)
class BSPM:
    """Blurring and sharpening process models (BSPM): a linear filter and a low-pass, sharpened.

    With P = R̃ᵀR̃: b = r P (blurred), i = r D_I^−½ V Vᵀ D_I^½ (ideal low-pass); x = b + w i, then dx/dt = −x P from 0 to
    `time`. A linear equation, so a solver's step multiplies by a polynomial in P; that of the low-pass is done once.
    Defaults are its authors' setting for Gowalla, which was chosen on Gowalla's test part.

    Args:
        rank: vectors of V. Default: 448.
        weight: w, at least 0; at 0 there is no low-pass. Default: 0.2.
        time: of sharpening, at least 0; at 0 there is none. Default: 2.5.
        solver: "rk4" or "euler".
        steps: of the solver. Default: 1.
        merge: "early": the low-pass joins before sharpening; "late": after it.
        average: the mean of what is blurred and what is sharpened is the score, in place of what is sharpened.
        turns: power iterations of the singular vectors.
        seed: of their sketch.

    Reference: Choi, Hong, Park and Cho, Blurring-sharpening process models for collaborative filtering, SIGIR 2023.
    """

    rank: int = 448
    weight: float = 0.2
    time: float = 2.5
    solver: Literal["rk4", "euler"] = "rk4"
    steps: int = 1
    merge: Literal["early", "late"] = "early"
    average: bool = False
    turns: int = 5
    seed: int = 0
    State: ClassVar[type[Any]] = FilterState

    def __post_init__(self) -> None:
        checks.keep_integers(self, rank=1, steps=1, turns=0)
        for name in ("weight", "time"):
            checks.keep(self, **{name: checks.real(name, getattr(self, name), low=0)})
        checks.one_of("solver", self.solver, tuple(SOLVERS))
        checks.one_of("merge", self.merge, MERGES)
        checks.keep(self, average=checks.boolean("average", self.average), seed=checks.seed(self.seed))

    def fit(self, matrix: sp.csr_array, *, progress: Progress = no_progress) -> FilterState:
        """R̃, and the tables of its low-pass, of which one is sharpened where it is merged early."""
        smooth, degree = normalised(matrix, 0.5, 0.5), item_degrees(matrix)
        if self.weight == 0:
            return FilterState.without(smooth)
        vectors, _ = low_pass(smooth, self.rank, turns=self.turns, seed=self.seed, progress=progress)
        into, out = self.weight * power(degree, -0.5)[:, None] * vectors, power(degree, 0.5)[:, None] * vectors
        state = FilterState.of(smooth, into, out)
        return state._replace(out=self._sharpened(state.walk, state.out)) if self.merge == "early" else state

    def scores(self, state: FilterState, block: sp.csr_array) -> jax.Array:
        """float32[b, i]."""
        return state.scores(self._sharpened(state.walk, walked_rows(state.walk, block)), block)

    def _sharpened(self, walk: Operator, start: jax.Array) -> jax.Array:
        """Columns float32[i, b] at the end of the equation (or the mean of these and the start)."""
        if self.time == 0:
            return start
        length, found = self.time / self.steps, start
        for _ in range(self.steps):
            term = found
            for power_of, factor in enumerate(SOLVERS[self.solver], start=1):
                term = walked(walk, term)
                found = found + np.float32((-length) ** power_of * factor) * term
        return (start + found) / 2 if self.average else found
