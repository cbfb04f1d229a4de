"""SketchNE: NetMF's matrix by few eigenpairs, its logarithm factorised from sketches of it."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress
from cleora_jax.baselines.dense import entrywise_product
from cleora_jax.baselines.method import FLOAT, Baseline, fetched
from cleora_jax.baselines.prone import Filter, filter_of, filtered
from cleora_jax.baselines.walk_matrix import mean_powers
from cleora_jax.sparse.from_graph import from_csr, inverse, row_sums, scaled
from cleora_jax.sparse.normalized import in_fit_unit
from cleora_jax.sparse.spectral import linear, randomized_eigh
from cleora_jax.vectors.orthogonal import gram, orthonormal, svd, times
from cleora_jax.vectors.passes import normalize_rows

NO_DIRECTION = 1e-10  # singular values of Ω₂ᵀ Q below this share belong to columns of Q that are zero
ENTRIES = 8  # of a column of a sketch
FIRST, SECOND = 100, 1000  # more columns than dim that the two sketches have


@dataclass(frozen=True)
class SketchNE(Baseline):
    """NetMF for large graphs: its matrix from few eigenpairs, the logarithm factorised from sketches.

    U √Σ of g(F C), g(x) = log(1 + x) where positive, else 0, with F C ≈ NetMF's matrix, never stored.

    Args:
        dim, weighted, seed: as of all baselines.
        window: T.
        negatives: b.
        rank: h, eigenvalues of D^-α A D^-α.
        alpha: α; ½ is NetMF's, lower ones suit graphs of heavy hubs (0.35 for YouTube in the paper).
        power: iterations of the eigensolver; the authors use 20 to 30, 5 are as good.
        scaling: rows at unit length ("l2") or as they are ("none").
        filter: ProNE's filter afterwards; None leaves it out.

    With Ω₁ and Ω₂ sparse signs, Q = orth(g(F C) Ω₁), B = (Ω₂ᵀ Q)⁺ Ω₂ᵀ g(F C) Ω₂ ((Ω₂ᵀ Q)⁺)ᵀ = U_c Σ Vᵀ; U = Q U_c.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.from_edges([0, 0, 1, 3, 3, 4, 2], [1, 2, 2, 4, 5, 5, 3])
        >>> embedding = cj.embed(graph, SketchNE(dim=4))
        >>> embedding.cosine("0", "1") > embedding.cosine("0", "5")
        True

    Reference: Xie, Dong, Qiu, Yu, Feng and Tang, SketchNE: embedding billion-scale networks accurately in one hour,
    TKDE 2023.
    """

    window: int = 10
    negatives: float = 1.0
    rank: int = 256
    alpha: float = 0.5
    power: int = 5
    scaling: str = "l2"
    filter: Filter | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("window", "rank", "power"):
            checks.keep(self, **{name: checks.integer(name, getattr(self, name), low=1)})
        checks.keep(self, negatives=checks.real("negatives", self.negatives, low=1e-6))
        checks.keep(self, alpha=checks.real("alpha", self.alpha, low=0, high=1))
        checks.one_of("scaling", self.scaling, ("l2", "none"))
        checks.keep(self, filter=filter_of(self.filter))

    def bytes_needed(self, num_entities: int, num_entries: int) -> int:
        """Tables of h columns, of d + 100, some rows of the log matrix, and the second sketch's core."""
        hit = [min(ENTRIES * (self.dim + more), num_entities) for more in (FIRST, SECOND)]
        tables = num_entities * (4 * (self.rank + 20) + 3 * (self.dim + FIRST)) + 8 * num_entries
        return FLOAT * (tables + 2 * hit[1] ** 2 + num_entities * (self.dim + FIRST))

    def vectors(self, matrix: sp.csr_array, progress: Progress) -> np.ndarray:
        """See `Baseline`."""
        left, right = self._factors(matrix, progress)
        table = sketched(left, right, self.dim, self.seed)
        if self.scaling == "l2":
            table = normalize_rows([table], "l2")[0]
        return fetched(table if self.filter is None else filtered(matrix, table, self.filter, progress))

    def _factors(self, matrix: sp.csr_array, progress: Progress) -> tuple[jax.Array, jax.Array]:
        """F and Cᵀ, float32[n, h] both, with F C ≈ M."""
        matrix = in_fit_unit(matrix)
        degree = row_sums(matrix)
        root = inverse(degree**self.alpha)
        op, rank = from_csr(scaled(matrix, root, root), symmetric=True), min(self.rank, len(degree))
        found = randomized_eigh(linear(op), rank, power=self.power, seed=self.seed, progress=progress)
        left = found.vectors * jnp.asarray(degree ** (self.alpha - 1), jnp.float32)[:, None]
        between = self._between(found.values, found.vectors, degree)
        return left, times(left, degree.sum() / self.negatives * between.T)

    def _between(self, values: np.ndarray, vectors: jax.Array, degree: np.ndarray) -> np.ndarray:
        """(1/T) Λ Σ_{i < T} K^i, K = Uᵀ D^(2α−1) U Λ; diagonal for α = ½, and there held at 0 where negative."""
        if self.alpha == 0.5:
            return np.diag(mean_powers(values, self.window))
        weighted = vectors * jnp.asarray(degree ** (2 * self.alpha - 1), jnp.float32)[:, None]
        step, power, total = gram(vectors, weighted) * values, np.eye(len(values)), np.zeros((len(values),) * 2)
        for _ in range(self.window):
            total, power = total + power, power @ step
        between: np.ndarray = values[:, None] * total / self.window
        return between


def sketched(left: jax.Array, right: jax.Array, dim: int, seed: int) -> jax.Array:
    """U √Σ of g(left rightᵀ), float32[n, ≤ dim], from two sketches.

    Args:
        left, right: float32[n, h].
        dim: columns wanted.
        seed: of the sketches.
    """
    count, rng = len(left), np.random.default_rng(seed % 2**64)
    rank = min(dim, count)
    first, second = (sparse_signs(rng, count, min(rank + more, count)) for more in (FIRST, SECOND))
    rows = hit_rows(first)
    q = orthonormal(entrywise_product(log_of_more, left, right[rows], jnp.asarray(first[:, rows].T.todense())))
    rows = hit_rows(second)
    signs = second[:, rows]
    held = signs @ np.asarray(q[rows], np.float64)  # Ω₂ᵀ Q
    core = signs @ (signs @ np.asarray(_logs(left[rows], right[rows])).T).T.astype(np.float64)  # Ω₂ᵀ g Ω₂
    inverse_of = np.linalg.pinv(held, rcond=NO_DIRECTION)
    turned, values, _ = svd(inverse_of @ core @ inverse_of.T)
    return times(q, turned[:, :rank] * np.sqrt(values[:rank]))


def sparse_signs(rng: np.random.Generator, rows: int, columns: int) -> sp.csr_array:
    """Ωᵀ, float32[columns, rows] CSR: in each of its rows ±1 at 8 places; the identity where that is no larger."""
    if columns >= rows:
        return sp.eye_array(rows, dtype=np.float32, format="csr")
    each = min(ENTRIES, rows)
    places = np.stack([rng.choice(rows, each, replace=False) for _ in range(columns)])
    signs = rng.choice(np.array([-1, 1], np.float32), places.size)
    return sp.csr_array((signs, places.ravel(), np.arange(columns + 1) * each), shape=(columns, rows))


def hit_rows(signs: sp.csr_array) -> np.ndarray:
    """The columns of Ωᵀ with an entry, and others to make up for those hit twice: their number tells shapes, for which
    XLA compiles, so it should not depend on the seed."""
    hit = np.unique(signs.indices)
    spared = np.setdiff1d(np.arange(signs.shape[1], dtype=hit.dtype), hit, assume_unique=True)
    return np.sort(np.concatenate([hit, spared[: len(signs.indices) - len(hit)]]))


def log_of_more(entries: jax.Array) -> jax.Array:
    """g(x) = log(1 + x) where positive, else 0."""
    return jnp.log1p(jnp.maximum(entries, 0))


@jax.jit
def _logs(left: jax.Array, right: jax.Array) -> jax.Array:
    return log_of_more(left @ right.T)
