"""What all baselines share: the graph as they want it, isolated entities aside, memory checked before the work."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
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
Vectors = tuple[np.ndarray, Any]  # float32[n, ≤ dim] and a trace


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
        checks.keep(self, dim=checks.integer("dim", self.dim, low=1, high=MAX_DIM), seed=checks.seed(self.seed))
        checks.keep(self, weighted=checks.boolean("weighted", self.weighted))

    def __call__(self, graph: Graph, *, init: Any = None, progress: Progress = no_progress) -> Vectors:
        """Vectors float32[n, d] of all entities, zero for isolated ones; and no trace."""
        return self.placed(graph, init, lambda matrix: (self.vectors(matrix, progress), None))

    def placed(self, graph: Graph, init: Any, run: Callable[[sp.csr_array], Vectors]) -> Vectors:
        """What `run` gives of the adjacency matrix without isolated entities, put where these entities stand."""
        if init is not None:
            raise checks.OptionError(
                f"`init` does not go with {type(self).__name__}, which has first vectors of its own."
            )
        matrix = adjacency(graph, directed=self.is_directed, weighted=self.weighted)
        rows, among = without_isolated(matrix)
        out, trace = np.zeros((graph.num_entities, self.dim), np.float32), None
        if len(rows):
            check_fits(repr(self), self.bytes_needed(among.shape[0], among.nnz), self.instead)
            with one_blas_thread():
                vectors, trace = run(among)
            if not np.isfinite(vectors).all():
                raise checks.OptionError(f"{self!r} left the range of float32 on this graph: too large weights?")
            out[rows, : vectors.shape[1]] = vectors
        return out, trace

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


@dataclass(frozen=True)
class DirectedBaseline(Baseline):
    """A baseline that may follow arcs one way.

    Args:
        dim, weighted, seed: as of all baselines.
        directed: arcs are followed from source to target only. Default: both ways.
    """

    directed: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, directed=checks.boolean("directed", self.directed))

    @property
    def is_directed(self) -> bool:
        """As `directed` says."""
        return self.directed


def without_isolated(matrix: sp.csr_array) -> tuple[np.ndarray, sp.csr_array]:
    """Rows of the entities that have an entry in their row or column, int64[k], and the matrix of these, k × k."""
    rows = np.flatnonzero(np.diff(matrix.indptr) + np.bincount(matrix.indices, minlength=matrix.shape[0]))
    return rows, matrix if len(rows) == matrix.shape[0] else sp.csr_array(matrix[rows][:, rows])


def fetched(table: jax.Array) -> np.ndarray:
    """A table of JAX as NumPy's, waited for."""
    return np.asarray(jax.device_get(table))
