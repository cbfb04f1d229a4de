"""k nearest items or users by cosines of Cleora vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress, no_progress
from cleora_jax.cleora.method import Cleora
from cleora_jax.recommend.cleora_items import item_vectors, summed_vectors
from cleora_jax.recommend.neighbours import neighbours_of, summed
from cleora_jax.vectors.search import top_k

SIDES = ("items", "users")


class CleoraKNNState(NamedTuple):
    """What the chosen side needs; the rest is empty.

    Args:
        similarity: float32[i, i] CSR, of the items' neighbours.
        vectors: float32[i, dim], of items.
        users: float32[u, dim], of the users to be neighbours.
        taken: float32[u, i] CSR, what these took.
    """

    similarity: sp.csr_array
    vectors: np.ndarray
    users: np.ndarray
    taken: sp.csr_array


@dataclass(frozen=True)
class CleoraKNN:
    """Nearest items, or nearest users, by cosines of Cleora vectors, which see beyond common users.

    Items are embedded with each user as a hyperedge; a user's vector is the sum of those of the items taken, for known
    users and baskets alike.

    Args:
        side: "items": Σ cosine over the items taken that are among the nearest of the item that is scored; "users": Σ
            cosine over the nearest users who took it.
        neighbours: how many. Default: 100.
        dim: columns of the vectors. Default: 256.
        iterations: steps of Cleora. Default: 4, as many steps make vectors of items too alike.
        seed: of its first vectors.

    Reference: Rychalska et al., Cleora: A Simple, Strong and Scalable Graph Embedding Scheme, 2021.
    """

    side: Literal["items", "users"] = "items"
    neighbours: int = 100
    dim: int = 256
    iterations: int = 4
    seed: int = 0
    State: ClassVar[type[Any]] = CleoraKNNState

    def __post_init__(self) -> None:
        checks.one_of("side", self.side, SIDES)
        checks.keep_integers(self, neighbours=1, dim=1, iterations=1)
        checks.keep(self, seed=checks.seed(self.seed))

    def fit(self, matrix: sp.csr_array, *, progress: Progress = no_progress) -> CleoraKNNState:
        """Vectors, and the neighbours of items where these are what counts."""
        cleora = Cleora(dim=self.dim, num_iterations=self.iterations, seed=self.seed)
        vectors = item_vectors(matrix, cleora, progress)
        items = matrix.shape[1]
        if self.side == "users":
            none = sp.csr_array((0, items), dtype=np.float32)
            return CleoraKNNState(none, vectors, summed_vectors(matrix, vectors), matrix)
        found = top_k(vectors, vectors, self.neighbours, exclude=np.arange(items))
        similarity = neighbours_of(found.rows, found.scores, items)
        no_rows = np.zeros((0, vectors.shape[1]), np.float32)
        return CleoraKNNState(similarity, no_rows, no_rows, sp.csr_array((0, items), dtype=np.float32))

    def scores(self, state: CleoraKNNState, block: sp.csr_array) -> np.ndarray:
        """float32[b, i]."""
        if self.side == "items":
            return summed(block, state.similarity)
        found = top_k(state.users, summed_vectors(block, state.vectors), self.neighbours)
        return (neighbours_of(found.rows, found.scores, len(state.users)) @ state.taken).toarray()
