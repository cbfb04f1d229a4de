"""Cleora for labels: its step from better first vectors, at several depths at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress
from cleora_jax.baselines.method import FLOAT, Baseline, fetched
from cleora_jax.sparse.from_graph import from_csr, row_sums, scaled
from cleora_jax.sparse.normalized import transition
from cleora_jax.sparse.operator import Operator, apply
from cleora_jax.sparse.spectral import linear, randomized_eigh
from cleora_jax.vectors.orthogonal import eigh, gram, times
from cleora_jax.vectors.passes import normalize_rows, unit
from cleora_jax.vectors.stable import product_over_rows

OVERSAMPLING, POWER = 20, 12
MAX_DEPTH = 10_000


@dataclass(frozen=True)
class SpectralCleora(Baseline):
    """Eigenvectors of log-weighted edges, smoothed at several depths: the setting to begin with for labels.

    First, F_ij = ln(1 + k̄ A_ij / √(d_i d_j)) on the edges alone, d the row sums of A and k̄ the mean number of
    neighbours; E_0 has the rows of U |Λ|^power at unit length, U Λ Uᵀ the d eigenpairs of F of largest magnitude. Then
    steps E ← ½ (E + D⁻¹ A E), less the mean of its rows, rows at unit length. Last, the tables at `depths` stand side
    by side, and their leading principal axes, `dim` of them, are the result, rows at unit length: so the scalar
    products of two entities are, as nearly as can be, the mean over depths.

    Args:
        dim, weighted, seed: as of all baselines.
        depths: after how many steps vectors are taken; 0 is the eigenvectors themselves. Where neighbours are alike
            deep ones tell more, and where they are not, shallow ones.
        power: of the eigenvalues.

    The defaults were chosen among 28 settings on half of the labels of six data sets at once, see docs/experiments.md.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.from_edges([0, 0, 1, 3, 3, 4, 2], [1, 2, 2, 4, 5, 5, 3])
        >>> embedding = cj.embed(graph, SpectralCleora(dim=4))
        >>> embedding.cosine("0", "1") > embedding.cosine("0", "5")
        True
    """

    depths: Sequence[int] = (0, 1, 2, 4, 8, 16, 32)
    power: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, depths=_depths(self.depths), power=checks.real("power", self.power, low=0))

    def bytes_needed(self, num_entities: int, num_entries: int) -> int:
        """A table for each depth twice, four more, and three matrices."""
        tables = (2 * len(self.depths) * self.dim + 4 * (self.dim + OVERSAMPLING)) * num_entities
        return FLOAT * (tables + 12 * num_entries)

    def vectors(self, matrix: sp.csr_array, progress: Progress) -> np.ndarray:
        """See `Baseline`."""
        op, rank = from_csr(log_weights(matrix), symmetric=True), min(self.dim, matrix.shape[0])
        found = randomized_eigh(
            linear(op), rank, by="magnitude", oversampling=OVERSAMPLING, power=POWER, seed=self.seed, progress=progress
        )
        size = np.abs(found.values)
        scale = (size / size.max()) ** self.power
        start = unit(found.vectors * jnp.asarray(scale, jnp.float32))
        return fetched(unit(principal_part(self._at_depths(matrix, start, progress), rank)))

    def _at_depths(self, matrix: sp.csr_array, now: jax.Array, progress: Progress) -> jax.Array:
        """The tables at all depths side by side."""
        op, parts = from_csr(transition(matrix), adjoint=False), [now] if self.depths[0] == 0 else []
        for step in range(1, self.depths[-1] + 1):
            now = _smoothed(op, now)
            if step in self.depths:
                parts.append(now)
            progress("steps", step, self.depths[-1])
        return jnp.concatenate(parts, axis=1)


def log_weights(matrix: sp.csr_array) -> sp.csr_array:
    """F_ij = ln(1 + k̄ A_ij / √(d_i d_j)) on the entries of A, whatever the unit of its weights."""
    root = 1 / np.sqrt(row_sums(matrix))
    found = scaled(matrix, root, root)
    neighbours = matrix.nnz / matrix.shape[0]
    return sp.csr_array((np.log1p(neighbours * found.data), found.indices, found.indptr), shape=found.shape)


def principal_part(table: jax.Array, rank: int) -> jax.Array:
    """X V, float32[n, rank], V the leading eigenvectors of XᵀX: the nearest to X of so few columns."""
    return times(table, eigh(gram(table))[1][:, :rank])


@jax.jit
def _smoothed(op: Operator, now: jax.Array) -> jax.Array:
    """½ (E + P E), less the mean of its rows, rows at unit length."""
    rows = (now + apply(op, now)) / 2
    mean = product_over_rows(jnp.full((len(rows), 1), 1 / len(rows), jnp.float32), rows)
    return normalize_rows([rows - mean], "l2")[0]


def _depths(given: Any) -> tuple[int, ...]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"`depths` must be a sequence of numbers of steps, got {given!r}.")
    depths = checks.rising("depths", given, low=0, high=MAX_DEPTH)
    if not depths:
        raise checks.OptionError("`depths` must hold at least one, got none.")
    return depths
