"""Cleora vectors of items: each user is a hyperedge of the items taken, so that no user needs a vector."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from cleora_jax._progress import Progress
from cleora_jax.cleora.method import Cleora
from cleora_jax.cleora.verb import embed
from cleora_jax.graph.build import of_members
from cleora_jax.graph.hyperedges import Incidence
from cleora_jax.graph.vocab import Vocab


def item_vectors(matrix: sp.csr_array, cleora: Cleora, progress: Progress) -> np.ndarray:
    """float32[i, dim], in the order of the columns; weights of interactions are not looked at.

    Args:
        matrix: float32[u, i] CSR.
        cleora: the method of embedding. Items are known by their row numbers, of which first vectors are hashes.
    """
    side = Incidence(matrix.indptr.astype(np.int64), matrix.indices.astype(np.int32))
    items = Vocab.of([str(row) for row in range(matrix.shape[1])], "item")
    return embed(of_members(side, items), cleora, progress=progress).vectors


def summed_vectors(block: sp.csr_array, vectors: np.ndarray) -> np.ndarray:
    """Sums of the vectors of the items of each row, weighted, float32[b, dim]: a user's direction."""
    return np.asarray(block @ vectors, np.float32)
