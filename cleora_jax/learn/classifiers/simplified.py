"""`SGC`: logistic regression of features that were smoothed over a graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import jax
import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress
from cleora_jax.learn.classifiers.features import scaled_rows
from cleora_jax.learn.classifiers.logistic import checked_strengths, fit_linear
from cleora_jax.learn.classifiers.problem import Fitted, Matrix, Problem
from cleora_jax.sparse.from_graph import from_csr
from cleora_jax.sparse.normalized import smoothing
from cleora_jax.sparse.operator import apply
from cleora_jax.vectors.passes import NORMALIZATIONS, Normalization


@dataclass(frozen=True)
class SGC:
    """Simple graph convolution: logistic regression of S^k X, S = D̃^-½ (A + I) D̃^-½.

    Differs from the paper in that the penalised loss is minimised, not stopped after 100 epochs of Adam: so nothing is
    random. A weight decay of λ in the paper is C = 1 / (λ m), m training entities.

    Args:
        num_steps: k; 0 is plain logistic regression.
        C: as of `LogisticRegression`.
        normalization: of rows of features first: "l1" (as in the paper), "l2" or "none".

    Reference: Wu et al., Simplifying graph convolutional networks, ICML 2019.
    """

    num_steps: int = 2
    C: float | Sequence[float] = (1.0, 10.0, 100.0, 1000.0, 10_000.0)
    normalization: Normalization = "l1"

    needs: ClassVar[tuple[str, ...]] = ("features", "graph")

    def __post_init__(self) -> None:
        checks.keep(self, num_steps=checks.integer("num_steps", self.num_steps, low=0))
        checks.keep(self, C=checked_strengths(self.C))
        checks.one_of("normalization", self.normalization, NORMALIZATIONS)

    def __call__(self, problem: Problem, *, progress: Progress) -> Fitted:
        """Smooth, fit once for each C, and score all entities with the best."""
        assert problem.adjacency is not None
        table = scaled_rows(problem.features, self.normalization)
        return fit_linear(smoothed(smoothing(problem.adjacency), table, self.num_steps), problem, self.C, progress)


def smoothed(matrix: sp.csr_array, features: Matrix, num_steps: int) -> Matrix:
    """S^k X, float32[n, f]; sparse features stay sparse, and fill as far as their entries spread.

    Args:
        matrix: S, n × n, symmetric.
        features: X, float32[n, f].
        num_steps: k.
    """
    if sp.issparse(features):
        for _ in range(num_steps):
            features = sp.csr_array(matrix @ features)
        features.sort_indices()
        return features
    op, x = from_csr(matrix, symmetric=True), jax.device_put(features)
    for _ in range(num_steps):
        x = apply(op, x)
    return np.asarray(x)
