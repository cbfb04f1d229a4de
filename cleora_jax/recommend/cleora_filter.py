"""A filter that is Cleora's own: vectors propagated over the hypergraph of users and whitened, multiplied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import jax
import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress, no_progress
from cleora_jax.cleora.method import Cleora
from cleora_jax.recommend.cleora_items import item_vectors
from cleora_jax.recommend.degrees import item_degrees, power
from cleora_jax.recommend.walks import as_rows, combined, coordinates


class CleoraFilterState(NamedTuple):
    """D_I^−a X and D_I^b X, float32[i, dim]."""

    into: np.ndarray
    out: jax.Array


@dataclass(frozen=True)
class CleoraFilter:
    """Cleora vectors of items, whitened: s = r D_I^−a X Xᵀ D_I^b.

    Whitened vectors have X Xᵀ near to a projection on the space that the walk over users keeps longest: an ideal
    low-pass, with no singular vectors computed.

    Args:
        dim: columns of X. Default: 512.
        iterations: steps of Cleora, each whitened. Default: 10.
        source: a, in [0, 1]: of what was taken, popular items tell less. Default: 0.5.
        target: b, in [0, 1]: popular items are given more. Default: 0.5.
        seed: of the first vectors.
    """

    dim: int = 512
    iterations: int = 10
    source: float = 0.5
    target: float = 0.5
    seed: int = 0
    State: ClassVar[type[Any]] = CleoraFilterState

    def __post_init__(self) -> None:
        checks.keep_integers(self, dim=1, iterations=1)
        for name in ("source", "target"):
            checks.keep(self, **{name: checks.real(name, getattr(self, name), low=0, high=1)})
        checks.keep(self, seed=checks.seed(self.seed))

    def fit(self, matrix: sp.csr_array, *, progress: Progress = no_progress) -> CleoraFilterState:
        """The vectors, scaled for both sides."""
        cleora = Cleora(dim=self.dim, num_iterations=self.iterations, seed=self.seed)
        vectors, degree = item_vectors(matrix, cleora, progress), item_degrees(matrix)
        into, out = (power(degree, by)[:, None] * vectors for by in (-self.source, self.target))
        return CleoraFilterState(into.astype(np.float32), jax.device_put(out.astype(np.float32)))

    def scores(self, state: CleoraFilterState, block: sp.csr_array) -> jax.Array:
        """float32[b, i]."""
        return as_rows(combined(state.out, coordinates(block, state.into)))
