"""HOPE: source and target vectors whose products are Katz proximities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress
from cleora_jax.baselines.method import FLOAT, Baseline, fetched
from cleora_jax.sparse.from_graph import from_csr
from cleora_jax.sparse.spectral import Linear, linear, randomized_eigh, randomized_svd
from cleora_jax.vectors.orthogonal import times
from cleora_jax.vectors.search import unit_rows

TERMS = 24  # of the Katz series: with β ρ = ½ the rest is 6e-8
TRIALS, SETTLED = 1_000, 1e-7  # of the power iteration for ρ
POWER = 8
VANISHED = 1e-3  # ρ below this share of σ_max counts as 0: the graph has next to no cycle


@dataclass(frozen=True)
class HOPE(Baseline):
    """Source and target vectors whose products are Katz proximities.

    U √Σ and V √Σ, side by side, of the Katz matrix S = Σ_{k ≥ 1} (β A)^k: half of the columns each.

    Args:
        dim, weighted, seed: as of all baselines; `dim` must be even.
        decay: β ρ(A) in (0, 1), ρ the spectral radius.
        scaling: "l2" gives both halves of a row unit length, which a classifier wants (raw rows are tiny); "none"
            leaves them, so that the product of i's first half with j's second is S_ij.
        directed: arcs are followed from source to target only. Where they make no cycle, ρ = 0, and β is `decay` over
            the largest singular value.

    Undirected, S has A's eigenvectors, so one eigenproblem gives both halves; directed, its products are 24 terms of
    the series. How it differs from the authors': they use Jacobi–Davidson's generalised singular values.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.from_edges([0, 0, 1, 3, 3, 4, 2], [1, 2, 2, 4, 5, 5, 3])
        >>> cj.embed(graph, HOPE(dim=4)).vectors.shape
        (6, 4)

    Reference: Ou, Cui, Pei, Zhang and Zhu, Asymmetric transitivity preserving graph embedding, KDD 2016.
    """

    decay: float = 0.5
    scaling: Literal["l2", "none"] = "l2"
    directed: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.dim % 2:
            raise checks.OptionError(f"`dim` must be even, half for sources and half for targets; got {self.dim}.")
        self._keep(decay=checks.real("decay", self.decay, low=1e-6, high=1, open_high=True))
        checks.one_of("scaling", self.scaling, ("l2", "none"))

    @property
    def is_directed(self) -> bool:
        """As `directed` says."""
        return self.directed

    def bytes_needed(self, num_entities: int, num_entries: int) -> int:
        """Six tables and three matrices."""
        return FLOAT * (6 * num_entities * (self.dim + 20) + 12 * num_entries)

    def vectors(self, matrix: sp.csr_array, progress: Progress) -> np.ndarray:
        """See `Baseline`."""
        rank, half = min(self.dim // 2, matrix.shape[0]), self.dim // 2
        solve = self._arcs if self.directed else self._edges
        sides = [np.pad(side, ((0, 0), (0, half - rank))) for side in solve(matrix, rank, progress)]
        return np.concatenate(
            sides if self.scaling == "none" else [unit_rows(side, "vectors") for side in sides], axis=1
        )

    def _edges(self, matrix: sp.csr_array, rank: int, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
        """From the eigenpairs of A: twice as many as wanted, since S orders them by other magnitudes."""
        op = from_csr(matrix, symmetric=True)
        more = min(2 * rank, matrix.shape[0])
        found = randomized_eigh(linear(op), more, by="magnitude", power=POWER, seed=self.seed, progress=progress)
        scaled = found.values * self.decay / np.abs(found.values).max()
        katz = scaled / (1 - scaled)
        leading = np.argsort(-np.abs(katz), kind="stable")[:rank]
        root = np.zeros((more, rank))
        root[leading, np.arange(rank)] = np.sqrt(np.abs(katz[leading]))
        return fetched(times(found.vectors, root)), fetched(times(found.vectors, root * np.sign(katz[leading])))

    def _arcs(self, matrix: sp.csr_array, rank: int, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
        beta = self.decay / radius(matrix)
        op = from_csr((matrix * np.float32(beta)).tocsr())
        found = randomized_svd(katz_series(linear(op)), rank, power=POWER, seed=self.seed, progress=progress)
        root = np.diag(np.sqrt(found.values))
        return fetched(times(found.left, root)), fetched(times(found.right, root))


def katz_series(matrix: Linear) -> Linear:
    """Σ_{k=1}^{24} M^k by Horner's rule."""

    def series(product: object) -> object:
        def applied(z: jax.Array) -> jax.Array:
            total = jnp.zeros_like(z)
            for _ in range(TERMS):
                total = product(z + total)  # type: ignore[operator]
            return total

        return applied

    return Linear(matrix.shape, series(matrix.forward), series(matrix.adjoint))  # type: ignore[arg-type]


def radius(matrix: sp.csr_array) -> float:
    """ρ, the spectral radius of a matrix without negative entries; σ_max where it is next to 0 (no cycles)."""
    largest = np.sqrt(_growth(lambda x: matrix.T @ (matrix @ x), matrix.shape[0]))
    rho = _growth(lambda x: matrix @ x, matrix.shape[0])
    return float(rho if rho > VANISHED * largest else largest)


def _growth(product: object, count: int) -> float:
    """By how much a vector grows with each product, in the end."""
    x, before = np.full(count, 1 / np.sqrt(count)), 0.0
    for _ in range(TRIALS):
        y = product(x)  # type: ignore[operator]
        size = float(np.linalg.norm(y))
        if size == 0 or abs(size - before) <= SETTLED * size:
            return size
        x, before = y / size, size
    return before
