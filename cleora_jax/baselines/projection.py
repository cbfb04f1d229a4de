"""RandNE and FastRP: powers of a matrix applied to random projections; nothing is trained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress
from cleora_jax.baselines.method import FLOAT, DirectedBaseline, fetched
from cleora_jax.sparse.from_graph import from_csr
from cleora_jax.sparse.normalized import transition
from cleora_jax.sparse.operator import Operator
from cleora_jax.sparse.spectral import gaussian
from cleora_jax.vectors.orthogonal import gram, orthonormal
from cleora_jax.vectors.passes import Normalization, normalize_rows, raised

MATRICES = ("transition", "adjacency")
CONSTANT = 1e-6  # a column that varies by less than this share of its mean is rounding
SCALINGS = ("l2", "standard", "none")


@dataclass(frozen=True)
class RandNE(DirectedBaseline):
    """Powers of a matrix applied to random vectors, added up with weights.

    E = Σ a_i S^i R with R normal numbers of orthogonal columns.

    Args:
        dim, weighted, seed, directed: as of all such baselines.
        matrix: S: "transition" P = D⁻¹ A, with rising weights (classification), or "adjacency" A, with falling ones
            (link prediction).
        weights: a_0, a_1, …; choose them on validation data. Default: (1, 100, 10,000, 100,000), the authors' for
            classification.
        scaling: of the result: rows at unit length ("l2"), columns to mean 0 and variance 1 ("standard"), or "none",
            which dot products want.

    Reference: Zhang, Cui, Li, Wang and Zhu, Billion-scale network embedding with iterative random projection,
    ICDM 2018.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.from_edges([0, 0, 1, 3, 3, 4, 2], [1, 2, 2, 4, 5, 5, 3])
        >>> cj.embed(graph, RandNE(dim=4)).vectors.shape
        (6, 4)
    """

    matrix: Literal["transition", "adjacency"] = "transition"
    weights: Sequence[float] = (1.0, 1e2, 1e4, 1e5)
    scaling: Literal["l2", "standard", "none"] = "l2"

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.one_of("matrix", self.matrix, MATRICES)
        checks.one_of("scaling", self.scaling, SCALINGS)
        checks.keep(self, weights=_weights(self.weights))

    def bytes_needed(self, num_entities: int, num_entries: int) -> int:
        """Five tables and two matrices."""
        return FLOAT * (5 * num_entities * self.dim + 8 * num_entries)

    def vectors(self, matrix: sp.csr_array, progress: Progress) -> np.ndarray:
        """See `Baseline`."""
        first = gaussian(self.seed, matrix.shape[0], self.dim) / np.float32(np.sqrt(self.dim))
        first = orthonormal(first) * jnp.asarray(np.sqrt(np.diag(gram(first))), jnp.float32)
        op = from_csr(transition(matrix) if self.matrix == "transition" else matrix, adjoint=False)
        return fetched(_scaled(powers(op, first, self.weights, "none", progress), self.scaling))


@dataclass(frozen=True)
class FastRP(DirectedBaseline):
    """Steps of a random walk applied to very sparse random vectors, hubs held back.

    E = Σ w_k P^k diag(deg^β) R over k ≥ 1, with R very sparse.

    Args:
        dim, weighted, seed, directed: as of all such baselines.
        weights: w_1, w_2, …; choose them on validation data. Default: (0, 0, 7.81, 45.28), the authors' for
            BlogCatalog.
        degree_power: β of (incoming) degrees; below 0 holds hubs back. Default: −0.63.
        normalize_steps: rows of each power at unit length before they are added up.

    Columns of the result have mean 0 and variance 1. The authors found their weights by trials on the labels that they
    tested with.

    Reference: Chen, Sultan, Tian, Chen and Skiena, Fast and accurate network embeddings via very sparse random
    projection, CIKM 2019.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.from_edges([0, 0, 1, 3, 3, 4, 2], [1, 2, 2, 4, 5, 5, 3])
        >>> cj.embed(graph, FastRP(dim=4)).vectors.shape
        (6, 4)
    """

    weights: Sequence[float] = (0.0, 0.0, 7.81, 45.28)
    degree_power: float = -0.63
    normalize_steps: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, weights=_weights(self.weights))
        checks.keep(self, degree_power=checks.real("degree_power", self.degree_power, low=-np.inf))
        checks.keep(self, normalize_steps=checks.boolean("normalize_steps", self.normalize_steps))

    def bytes_needed(self, num_entities: int, num_entries: int) -> int:
        """Five tables and two matrices."""
        return FLOAT * (5 * num_entities * self.dim + 8 * num_entries)

    def vectors(self, matrix: sp.csr_array, progress: Progress) -> np.ndarray:
        """See `Baseline`."""
        first = very_sparse(self.seed, *(matrix.shape[0], self.dim))
        start = jnp.asarray(degree_powers(matrix, self.degree_power)[:, None] * first)
        rows: Normalization = "l2" if self.normalize_steps else "none"
        op = from_csr(transition(matrix), adjoint=False)
        return fetched(_scaled(powers(op, start, (0.0, *self.weights), rows, progress), "standard"))


def powers(
    op: Operator, first: jax.Array, weights: Sequence[float], rows: Normalization, progress: Progress
) -> jax.Array:
    """Σ a_i S^i R, float32[n, d]; each power's rows normalised where it is added, not where it is multiplied on.

    Args:
        op: S.
        first: R, float32[n, d].
        weights: a_0, a_1, ….
        rows: of each power.
        progress: called after every product.
    """
    total, now = weights[0] * first, first
    for step, weight in enumerate(weights[1:], 1):
        now = op @ now
        if weight:
            total = total + weight * normalize_rows([now if rows == "none" else raised(now)], rows)[0]
        progress("powers", step, len(weights) - 1)
    return total


def degree_powers(matrix: sp.csr_array, exponent: float) -> np.ndarray:
    """float32[n]: incoming degrees to a power, over the largest of these (so that none is infinite); 0 stays 0."""
    degree = np.bincount(matrix.indices, weights=matrix.data, minlength=matrix.shape[1])
    logs = exponent * np.log(degree, out=np.zeros_like(degree), where=degree > 0)
    return np.where(degree > 0, np.exp(logs - logs[degree > 0].max()), 0).astype(np.float32)


def very_sparse(seed: int, rows: int, columns: int) -> np.ndarray:
    """float32[rows, columns]: ±√(s/d), each with probability 1/(2s), s = √rows; else 0.

    Reference: Li, Hastie and Church, Very sparse random projections, 2006.
    """
    rng = np.random.default_rng(seed % 2**64)
    sparsity = np.sqrt(rows)
    drawn = rng.random((rows, columns), np.float32) * (2 * sparsity)
    signs = (drawn < 1).astype(np.float32) - ((drawn >= 1) & (drawn < 2))
    out: np.ndarray = signs * np.float32(np.sqrt(sparsity / columns))
    return out


def _scaled(table: jax.Array, scaling: str) -> jax.Array:
    if scaling == "standard":
        return standard(table)
    return normalize_rows([table], scaling)[0]  # type: ignore[arg-type]


def standard(table: jax.Array) -> jax.Array:
    """Columns to mean 0 and variance 1; constant ones become 0."""
    ones = jnp.ones((len(table), 1), jnp.float32)
    mean = gram(ones, table)[0] / len(table)
    centred = table - jnp.asarray(mean, jnp.float32)
    spread = np.sqrt(np.diag(gram(centred)) / len(table))
    varies = spread > CONSTANT * np.abs(mean)
    return centred * jnp.asarray(np.divide(1, spread, out=np.zeros_like(spread), where=varies), jnp.float32)


def _weights(given: Any) -> tuple[float, ...]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"`weights` must be a sequence of numbers, got {given!r}.")
    weights = tuple(checks.real("weights", weight, low=-np.inf) for weight in given)
    if not any(weights):
        raise checks.OptionError(f"`weights` must hold a number other than 0, got {weights}.")
    return weights
