"""HOPE: source and target vectors whose products are Katz proximities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress
from cleora_jax.baselines.method import FLOAT, DirectedBaseline, fetched
from cleora_jax.sparse.from_graph import from_csr
from cleora_jax.sparse.normalized import in_fit_unit
from cleora_jax.sparse.spectral import ConvergenceWarning, Linear, Product, linear, randomized_eigh, randomized_svd
from cleora_jax.vectors.orthogonal import times
from cleora_jax.vectors.search import unit_rows

TRIALS, SETTLED = 1_000, 1e-6  # of power iterations for ρ and σ_max
SMALL = 500  # entities up to which all eigenvalues are found
LONGEST, ROUNDING = 10_000, 1e-7  # terms of a series, and what share of it the last may be
GROWN = 1e3  # what a power of β A may make of a vector's length
POWER = 8


@dataclass(frozen=True)
class HOPE(DirectedBaseline):
    """Source and target vectors whose products are Katz proximities.

    U √Σ and V √Σ, side by side, of the Katz matrix S = Σ_{k ≥ 1} (β A)^k: half of the columns each.

    Args:
        dim, weighted, seed, directed: as of all such baselines; `dim` must be even. Where arcs make no cycle, or next
            to none, ρ says nothing, and β is `decay` over the largest singular value.
        decay: β ρ(A) in (0, 1), ρ the spectral radius.
        scaling: "l2" gives both halves of a row unit length, which a classifier wants (raw rows are tiny); "none"
            leaves them, so that the product of i's first half with j's second is S_ij.

    Undirected, S has A's eigenvectors, so one eigenproblem gives both halves; directed, its products are those terms of
    the series that are not rounding. How it differs from the authors': they use Jacobi–Davidson's generalised singular
    values.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.from_edges([0, 0, 1, 3, 3, 4, 2], [1, 2, 2, 4, 5, 5, 3])
        >>> cj.embed(graph, HOPE(dim=4)).vectors.shape
        (6, 4)

    Reference: Ou, Cui, Pei, Zhang and Zhu, Asymmetric transitivity preserving graph embedding, KDD 2016.
    """

    decay: float = 0.5
    scaling: Literal["l2", "none"] = "l2"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.dim % 2:
            raise checks.OptionError(f"`dim` must be even, half for sources and half for targets; got {self.dim}.")
        checks.keep(self, decay=checks.real("decay", self.decay, low=1e-6, high=1, open_high=True))
        checks.one_of("scaling", self.scaling, ("l2", "none"))

    def bytes_needed(self, num_entities: int, num_entries: int) -> int:
        """Five tables and three matrices."""
        return FLOAT * (5 * num_entities * (self.dim + 20) + 12 * num_entries)

    def vectors(self, matrix: sp.csr_array, progress: Progress) -> np.ndarray:
        """See `Baseline`."""
        rank, half = min(self.dim // 2, matrix.shape[0]), self.dim // 2
        solve = self._arcs if self.directed else self._edges
        sides = [np.pad(side, ((0, 0), (0, half - rank))) for side in solve(matrix, rank, progress)]
        return np.concatenate(
            sides if self.scaling == "none" else [unit_rows(side, "vectors") for side in sides], axis=1
        )

    def _edges(self, matrix: sp.csr_array, rank: int, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
        """From the eigenpairs of A, more than are wanted: S orders negative ones after positive ones of their size."""
        op, count = from_csr(in_fit_unit(matrix), symmetric=True), matrix.shape[0]
        for more in (min(2 * rank, count), min(4 * rank, count)):
            found = randomized_eigh(linear(op), more, by="magnitude", power=POWER, seed=self.seed, progress=progress)
            scaled = found.values * self.decay / np.abs(found.values).max()
            katz = scaled / (1 - scaled)
            leading = np.argsort(-np.abs(katz), kind="stable")[:rank]
            unseen = np.abs(scaled).min()  # what was not found is no larger
            if np.abs(katz[leading[-1]]) >= unseen / (1 - unseen):
                break
        root = np.zeros((more, rank))
        root[leading, np.arange(rank)] = np.sqrt(np.abs(katz[leading]))
        return fetched(times(found.vectors, root)), fetched(times(found.vectors, root * np.sign(katz[leading])))

    def _arcs(self, matrix: sp.csr_array, rank: int, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
        beta, terms = katz_decay(matrix, self.decay)
        op = from_csr(sp.csr_array((matrix.data * beta, matrix.indices, matrix.indptr), shape=matrix.shape))
        found = randomized_svd(katz_series(linear(op), terms), rank, power=POWER, seed=self.seed, progress=progress)
        return fetched(found.sources), fetched(found.targets)


def katz_series(matrix: Linear, terms: int) -> Linear:
    """Σ_{k=1}^{terms} M^k by Horner's rule."""

    def series(product: Product) -> Product:
        def applied(z: jax.Array) -> jax.Array:
            total = jnp.zeros_like(z)
            for _ in range(terms):
                total = product(z + total)
            return total

        return applied

    return Linear(matrix.shape, series(matrix.forward), series(matrix.adjoint))


def katz_decay(matrix: sp.csr_array, decay: float) -> tuple[float, int]:
    """β and the number of terms of Σ (β A)^k after which the rest is rounding.

    β ρ(A) = decay; but β σ_max(A) = decay where there is no cycle, so that ρ = 0, or where cycles are so few that
    powers of β A would grow a thousandfold before they fall.
    """
    wide = matrix.astype(np.float64)
    rho = radius(wide)
    if rho > 0:
        scaled = wide * (decay / rho)
        terms = max(series_terms(scaled), series_terms(scaled.T))
        if terms < np.inf:
            return decay / rho, int(terms)
    sigma = largest_singular_value(wide)
    scaled = wide * (decay / sigma)
    return decay / sigma, int(max(series_terms(scaled), series_terms(scaled.T)))


def series_terms(matrix: sp.csr_array) -> float:
    """Terms of Σ M^k 1 until they are rounding; infinite where they grow too much before.

    Raises:
        OptionError: they would not settle in a sensible number of terms.
    """
    x, total = np.full(matrix.shape[0], 1 / np.sqrt(matrix.shape[0])), 0.0
    for term in range(1, LONGEST):
        x = matrix @ x
        size = float(np.linalg.norm(x))
        total += size
        if size > GROWN:
            return np.inf
        if size <= ROUNDING * total:
            return term
    raise checks.OptionError(f"`decay` must be further from 1: the Katz series does not settle in {LONGEST:,} terms.")


def radius(matrix: sp.csr_array) -> float:
    """ρ, the spectral radius of a matrix float64[n, n] without negative entries, that of its largest strong component.

    By power iteration of A + c, c the growth so far, among entries within strong components: all others change no
    eigenvalue but slow it down, and without c it would not settle where all cycles have a common factor of length.
    """
    _, part = connected_components(matrix, connection="strong")
    row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    cyclic = part[row] == part[matrix.indices]
    if not cyclic.any():
        return 0.0
    inner = sp.csr_array((matrix.data[cyclic], (row[cyclic], matrix.indices[cyclic])), shape=matrix.shape)
    x = np.full(matrix.shape[0], 1 / np.sqrt(matrix.shape[0]))
    for _ in range(TRIALS):
        y = inner @ x
        size = float(np.linalg.norm(y))
        if np.linalg.norm(y - size * x) <= SETTLED * size:
            break
        x = y + size * x
        x /= np.linalg.norm(x)
    else:
        if len(x) <= SMALL:
            return float(np.abs(np.linalg.eigvals(inner.toarray())).max())
        checks.warn(
            f"the spectral radius of the arcs was not found to {SETTLED:g} in {TRIALS:,} steps; `decay` is relative to "
            f"{size:.3g}.",
            ConvergenceWarning,
        )
    return size


def largest_singular_value(matrix: sp.csr_array) -> float:
    """σ_max of a matrix float64[n, n] without negative entries."""
    x, before = np.full(matrix.shape[0], 1 / np.sqrt(matrix.shape[0])), 0.0
    for _ in range(TRIALS):
        x = matrix.T @ (matrix @ x)
        size = float(np.linalg.norm(x))
        if abs(size - before) <= SETTLED * size:
            break
        x, before = x / size, size
    return float(np.sqrt(size))
