"""EMDE without training: who took what as a histogram over the parts of a space of vectors, read off item by item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress, no_progress
from cleora_jax.cleora.method import Cleora
from cleora_jax.recommend.cleora_items import item_vectors
from cleora_jax.recommend.degrees import item_degrees
from cleora_jax.recommend.emde.coder import DLSH, THRESHOLDS, Thresholds, codes_of, fit_coder, random_codes
from cleora_jax.recommend.emde.decode import Decoder, decoder, popularity_bias
from cleora_jax.recommend.emde.sketch import normalised
from cleora_jax.recommend.walks import as_scipy
from cleora_jax.sparse.operator import Operator


class EMDEState(NamedTuple):
    """The parts in which items lie, and what corrects for popularity.

    Args:
        parts: C / N, [i, N · width]: of each depth 1 / N in one part.
        bias: float32[i].
    """

    parts: Operator
    bias: np.ndarray


@dataclass(frozen=True)
class EMDE:
    """Efficient manifold density estimator (EMDE), not trained: items by the mass of a user's sketch where they lie.

    A sketch is the sum of the items taken, each one part of N partitions of the space of Cleora vectors, so that it is
    kept up to date by adding. Each depth scaled to sum to 1, it is decoded by

        score(i) = 1/N (Σ_k log(ε + s[k, c_k(i)]) + prior · log p_i − mass · Σ_k log(ε + π_k(c_k(i))))

    p and π are the shares of items and the sketch of what all took; without them it is the geometric mean alone.

    Args:
        depth: partitions of the space. Default: 64.
        random: more depths, of random codes, which tell apart items that the vectors confuse; 0 for none. Default: 16.
        width: parts of each, a power of two. Default: 128.
        thresholds: "median" or "quantile", see `emde.DLSH`.
        epsilon: ε, above 0: the larger, the less one missing depth counts. Default: 0.1.
        prior, mass: at least 0. Default: 1 both, a naive Bayes.
        dim, iterations: of Cleora's vectors. Default: 256 and 4.
        seed: of first vectors, of directions and of random codes.

    Reference: Dąbrowski et al., An efficient manifold density estimator for all recommendation systems, 2021 (arXiv
    2006.01894).
    """

    depth: int = 64
    random: int = 16
    width: int = 128
    thresholds: Thresholds = "median"
    epsilon: float = 0.1
    prior: float = 1.0
    mass: float = 1.0
    dim: int = 256
    iterations: int = 4
    seed: int = 0
    State: ClassVar[type[Any]] = EMDEState

    def __post_init__(self) -> None:
        checks.keep_integers(self, depth=1, random=0, dim=1, iterations=1)
        checks.keep(self, width=DLSH(width=self.width).width)
        checks.one_of("thresholds", self.thresholds, THRESHOLDS)
        checks.keep(self, epsilon=checks.real("epsilon", self.epsilon, low=0, open_low=True))
        for name in ("prior", "mass"):
            checks.keep(self, **{name: checks.real(name, getattr(self, name), low=0)})
        checks.keep(self, seed=checks.seed(self.seed))

    def fit(self, matrix: sp.csr_array, *, progress: Progress = no_progress) -> EMDEState:
        """Vectors, codes of them, and how popular all parts are."""
        codes = self._codes(matrix, progress)
        weight, options = item_degrees(matrix), {"prior": self.prior, "mass": self.mass, "epsilon": self.epsilon}
        bias = popularity_bias(weight, codes, self.width, **options)
        found = decoder(codes, self.width, bias=bias, epsilon=self.epsilon)
        return EMDEState(found.op, found.bias)

    def _codes(self, matrix: sp.csr_array, progress: Progress) -> np.ndarray:
        """int32[i, depth + random]."""
        vectors = item_vectors(matrix, Cleora(dim=self.dim, num_iterations=self.iterations, seed=self.seed), progress)
        known = codes_of(fit_coder(vectors, DLSH(self.depth, self.width, self.thresholds, self.seed)), vectors)
        if not self.random:
            return known
        named = random_codes(len(vectors), DLSH(self.random, self.width, seed=self.seed))
        return np.concatenate([known, named], axis=1)

    def scores(self, state: EMDEState, block: sp.csr_array) -> np.ndarray:
        """float32[b, i]."""
        sketch = normalised(sp.csr_array(block @ as_scipy(state.parts.factors[0])), self.width, "l1")
        return Decoder(state.parts, state.bias, self.epsilon)(sketch)
