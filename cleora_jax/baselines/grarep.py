"""GraRep: a log matrix for each number of steps, factorised one by one."""

from __future__ import annotations

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress
from cleora_jax.baselines.dense import factorised, no_dense, stored
from cleora_jax.baselines.method import FLOAT, Baseline
from cleora_jax.baselines.walk_matrix import COLUMNS
from cleora_jax.sparse.from_graph import from_csr
from cleora_jax.sparse.normalized import transition
from cleora_jax.sparse.spectral import linear
from cleora_jax.vectors.search import unit_rows


@dataclass(frozen=True)
class GraRep(Baseline):
    """Log matrices of 1 … K steps, factorised one by one, side by side.

    For k = 1 … K, U √Σ of max(0, log(P^k_ij / Σ_i P^k_ij) − log β), β = 1/n, rows at unit length; side by side.

    Args:
        dim, weighted, seed: as of all baselines; `dim` is of all steps together.
        num_steps: K.

    How it differs from the authors' code: their `dim` is of each step, and isolated entities get ones.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.from_edges([0, 0, 1, 3, 3, 4, 2], [1, 2, 2, 4, 5, 5, 3])
        >>> cj.embed(graph, GraRep(dim=4, num_steps=2)).vectors.shape
        (6, 4)

    Reference: Cao, Lu and Xu, GraRep: learning graph representations with global structural information, CIKM 2015.
    """

    num_steps: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, num_steps=checks.integer("num_steps", self.num_steps, low=1, high=self.dim))

    @property
    def instead(self) -> str:
        """What does not make tables of all pairs."""
        return "ProNE and SketchNE make none."

    def bytes_needed(self, num_entities: int, num_entries: int) -> int:
        """Two tables of all pairs, one of them handed over, and its columns while they are multiplied."""
        return FLOAT * (4 * num_entities**2 + 4 * num_entities * (COLUMNS + self.dim) + 8 * num_entries)

    def vectors(self, matrix: sp.csr_array, progress: Progress) -> np.ndarray:
        """See `Baseline`."""
        count = matrix.shape[0]
        no_dense(self, count)
        walk = linear(from_csr(transition(matrix), adjoint=False))
        power, parts = np.eye(count, dtype=np.float32), []
        for step in range(self.num_steps):
            logs = np.empty_like(power)
            for first in range(0, count, COLUMNS):
                block = slice(first, first + COLUMNS)
                power[:, block] = walk.forward(jnp.asarray(power[:, block]))
                logs[:, block] = positive_logs(power[:, block])
            size = self.dim // self.num_steps + (step < self.dim % self.num_steps)
            part = factorised(stored(logs), size, self.seed + step, progress)
            parts.append(np.pad(unit_rows(part, "vectors"), ((0, 0), (0, size - part.shape[1]))))
            progress("steps", step + 1, self.num_steps)
        return np.concatenate(parts, axis=1)


def positive_logs(columns: np.ndarray) -> np.ndarray:
    """max(0, log(n P_ij / Σ_i P_ij)) of whole columns, float32[n, c]; 0 where P_ij is."""
    mass = columns.sum(axis=0, dtype=np.float64)
    ratio = columns * np.divide(len(columns), mass, out=np.zeros_like(mass), where=mass > 0)
    return np.log(np.maximum(ratio, 1)).astype(np.float32)
