"""What a recommender is: settings that are fitted to a matrix of interactions, and scores of rows by what is fitted."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol

import jax
import scipy.sparse as sp

from cleora_jax._progress import Progress, no_progress


class RecommenderMethod(Protocol):
    """A frozen dataclass of settings. Both functions are pure.

    A row of interactions is all that scores know of a user, so known users, new ones and baskets are one case.

    Attributes:
        State: NamedTuple class of what is fitted: NumPy and JAX arrays, CSR arrays, operators of one factor.
    """

    State: ClassVar[type[Any]]

    def fit(self, matrix: sp.csr_array, *, progress: Progress = no_progress) -> Any:
        """A `State`, of float32[u, i] CSR."""

    def scores(self, state: Any, block: sp.csr_array) -> jax.Array | Any:
        """Scores float32[b, i] of all items, for rows of interactions float32[b, i] CSR; not NaN, not +∞."""
