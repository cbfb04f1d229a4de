"""What all baselines share: the graph as they want it, isolated entities aside, memory checked before the work."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._blas import one_blas_thread
from cleora_jax._memory import check_fits
from cleora_jax._progress import Progress, no_progress
from cleora_jax.graph.adjacency_matrix import adjacency
from cleora_jax.graph.build import Graph

MAX_DIM = 65_536
FLOAT = 4  # bytes


@dataclass(frozen=True)
class Baseline(ABC):
    """A method of the literature. A subclass gives the vectors of a graph without isolated entities.

    Args:
        dim: d, columns of the result. Where fewer directions exist than that, the last are zero.
        weighted: edge weights count; False takes every edge as 1.
        seed: of random numbers.
    """

    dim: int = 128
    weighted: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        self._keep(dim=checks.integer("dim", self.dim, low=1, high=MAX_DIM))
        self._keep(seed=checks.integer("seed", self.seed, low=-(2**63), high=2**64 - 1))
        self._keep_bool("weighted")

    def _keep(self, **values: Any) -> None:
        """Replace a setting by its checked value, so that NumPy's numbers become Python's."""
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _keep_bool(self, name: str) -> None:
        value = getattr(self, name)
        if not isinstance(value, (bool, np.bool_)):
            raise TypeError(f"`{name}` must be True or False, got {value!r}.")
        self._keep(**{name: bool(value)})

    def __call__(self, graph: Graph, *, init: Any = None, progress: Progress = no_progress) -> tuple[np.ndarray, None]:
        """Vectors float32[n, d] of all entities, zero for isolated ones; and no trace."""
        if init is not None:
            raise checks.OptionError(f"`init` does not go with {type(self).__name__}: it has no first vectors.")
        matrix = adjacency(graph, directed=self.is_directed, weighted=self.weighted)
        touched = np.flatnonzero(np.diff(matrix.indptr) + np.bincount(matrix.indices, minlength=matrix.shape[0]))
        out = np.zeros((matrix.shape[0], self.dim), np.float32)
        if len(touched):
            among = matrix if len(touched) == len(out) else sp.csr_array(matrix[touched][:, touched])
            check_fits(repr(self), self.bytes_needed(among.shape[0], among.nnz), self.instead)
            with one_blas_thread():
                vectors = self.vectors(among, progress)
            if not np.isfinite(vectors).all():
                raise checks.OptionError(f"{self!r} left the range of float32 on this graph: too large weights?")
            out[touched, : vectors.shape[1]] = vectors
        return out, None

    @property
    def is_directed(self) -> bool:
        """Whether arcs are followed one way."""
        return False

    @property
    def instead(self) -> str:
        """What to do where memory does not suffice."""
        return "A smaller `dim` needs less."

    @abstractmethod
    def bytes_needed(self, num_entities: int, num_entries: int) -> int:
        """Bytes at most held at a time, for n entities and m entries of the adjacency matrix."""

    @abstractmethod
    def vectors(self, matrix: sp.csr_array, progress: Progress) -> np.ndarray:
        """float32[n, ≤ dim] for an adjacency matrix float32[n, n] without empty rows (and columns both)."""


def fetched(table: jax.Array) -> np.ndarray:
    """A table of JAX as NumPy's, waited for."""
    return np.asarray(jax.device_get(table))
