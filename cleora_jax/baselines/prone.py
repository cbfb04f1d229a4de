"""ProNE: a factorised log matrix of the edges, then a band-pass filter of the graph's spectrum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp
from scipy.special import iv

from cleora_jax import _checks as checks
from cleora_jax._blas import one_blas_thread
from cleora_jax._memory import check_fits
from cleora_jax._progress import Progress, no_progress
from cleora_jax.baselines.method import FLOAT, Baseline, fetched, without_isolated
from cleora_jax.graph.adjacency_matrix import adjacency
from cleora_jax.graph.build import Graph, check_graph
from cleora_jax.sparse.from_graph import from_csr, row_sums, scaled
from cleora_jax.sparse.normalized import transition, with_loops
from cleora_jax.sparse.operator import Operator, apply
from cleora_jax.sparse.spectral import linear, randomized_svd
from cleora_jax.vectors.embedding import Embedding, check_embedding
from cleora_jax.vectors.orthogonal import gram, orthonormal, svd, times
from cleora_jax.vectors.passes import raised, unit

OVERSAMPLING, POWER = 10, 5  # of the authors' code
MAX_TERMS = 1_000
LARGEST_TERM, LARGEST_SUM = 1e34, 1e16  # of a series in float32 whose rows are squared in the end
Ending = Literal["svd", "none"]
ENDINGS = ("svd", "none")


@dataclass(frozen=True)
class Filter:
    """The band-pass filter exp(−½ θ ((L − μ)² − 1)) of a graph, by a Chebyshev series of so many terms.

    Args:
        num_terms: k ≥ 1; with 1 nothing is filtered.
        mu: μ, the middle of the band that passes; −4 passes what is low.
        theta: θ, how narrow it is.
        ending: "svd" orthogonalises the columns at the end, as the authors do; "none" does not, and tells more
            links from other pairs.

    Reference: Zhang, Dong, Wang, Tang and Ding, ProNE: fast and scalable network representation learning, 2019.
    """

    num_terms: int = 10
    mu: float = 0.2
    theta: float = 0.5
    ending: Ending = "svd"

    def __post_init__(self) -> None:
        checks.keep(
            self,
            num_terms=checks.integer("num_terms", self.num_terms, low=1, high=MAX_TERMS),
            mu=checks.real("mu", self.mu, low=-np.inf),
            theta=checks.real("theta", self.theta, low=0),
        )
        checks.one_of("ending", self.ending, ENDINGS)
        self._check_range()

    def _check_range(self) -> None:
        """Raise where Chebyshev polynomials, which grow fast where L − μ is beyond 2, would leave float32."""
        farthest = max(abs(self.mu), abs(2 - self.mu), 2)  # eigenvalues of L are in [0, 2]
        with np.errstate(over="ignore", invalid="ignore"):
            terms = np.cosh(np.arange(self.num_terms) * np.arccosh(farthest**2 / 2 - 1))
            total = 2 * np.sum(iv(np.arange(self.num_terms), self.theta) * terms)
        if not (terms[-1] < LARGEST_TERM and total < LARGEST_SUM):
            raise checks.OptionError(
                f"{self!r} leaves float32: `num_terms` or `theta` must be smaller, or `mu` nearer to [0, 2]."
            )


def filter_of(given: Filter | Mapping[str, Any] | None) -> Filter | None:
    """A filter, also from its settings as they are saved."""
    if given is None or isinstance(given, Filter):
        return given
    if not isinstance(given, Mapping):
        raise TypeError(f"`filter` must be a Filter, such as Filter(mu=0.2), its settings, or None, got {given!r}.")
    return Filter(**given)


@dataclass(frozen=True)
class ProNE(Baseline):
    """The edges' log matrix factorised, then a filter of the graph's spectrum.

    First, F = ln p_ij − ln c_j on the edges alone, where p = D⁻¹ A and c_j ∝ (Σ_i p_ij)^¾ of sum 1; its truncated
    singular value decomposition gives U √Σ, rows at unit length. Then `Filter`: with L = I − P̃, M = L − μ and Bessel
    functions I_i, C = I_0 T_0 + 2 Σ (−1)^i I_i(θ) T_i, T_i the Chebyshev series of ½ M² − 1; E = (I + A) (E_0 − C).

    Args:
        dim, weighted, seed: as of all baselines.
        filter: the second stage; None leaves it out ("ProNE-SMF").

    How it differs from the authors' code: isolated entities are left out instead of being rows of zeros all the way.
    Like that code, and unlike the paper, the last product is by I + A, not normalised.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.from_edges([0, 0, 1, 3, 3, 4, 2], [1, 2, 2, 4, 5, 5, 3])
        >>> embedding = cj.embed(graph, ProNE(dim=4))
        >>> embedding.cosine("0", "1") > embedding.cosine("0", "5")
        True

    Reference: Zhang, Dong, Wang, Tang and Ding, ProNE: fast and scalable network representation learning, IJCAI 2019.
    """

    filter: Filter | None = Filter()

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, filter=filter_of(self.filter))

    def bytes_needed(self, num_entities: int, num_entries: int) -> int:
        """Nine tables and three matrices."""
        return FLOAT * (9 * num_entities * (self.dim + OVERSAMPLING) + 12 * num_entries)

    def vectors(self, matrix: sp.csr_array, progress: Progress) -> np.ndarray:
        """See `Baseline`."""
        op = from_csr(logarithms(matrix))
        rank = min(self.dim, matrix.shape[0])
        found = randomized_svd(
            linear(op), rank, oversampling=OVERSAMPLING, power=POWER, seed=self.seed, progress=progress
        )
        start = unit(found.sources)
        return fetched(start if self.filter is None else filtered(matrix, start, self.filter, progress))


def logarithms(matrix: sp.csr_array) -> sp.csr_array:
    """F: ln p_ij − ln c_j on the entries of A."""
    walk = transition(matrix)
    mass = row_sums(sp.csr_array(walk.T.tocsr())) ** 0.75
    share = np.log(np.maximum(mass, np.finfo(float).tiny)) - np.log(mass.sum())
    data = np.log(walk.data.astype(np.float64)) - share[walk.indices]
    return sp.csr_array((data.astype(np.float32), walk.indices, walk.indptr), shape=walk.shape)


def filtered(matrix: sp.csr_array, start: jax.Array, by: Filter, progress: Progress) -> jax.Array:
    """Vectors, float32[n, d], after the filter; rows at unit length.

    Args:
        matrix: A.
        start: float32[n, d].
        by: which filter.
        progress: called after every term.
    """
    if by.num_terms == 1:
        return start
    looped = with_loops(matrix)
    degree = row_sums(looped)
    op = from_csr(scaled(looped, 1 / degree, None), adjoint=False)
    bessel = iv(np.arange(by.num_terms), by.theta)
    shift = jnp.float32(1 - by.mu)
    before, now = start, _half_square(op, start, shift) - start
    total = bessel[0] * start - 2 * bessel[1] * now
    for term in range(2, by.num_terms):
        before, now = now, _next_term(op, before, now, shift)
        total = total + (2 * (-1) ** term * bessel[term]) * now
        progress("filtering", term, by.num_terms - 1)
    ended = jnp.asarray(degree / degree.max(), jnp.float32)[:, None] * (op @ (start - total))
    return unit(raised(ended if by.ending == "none" else _orthogonalised(ended)))


@jax.jit
def _half_square(op: Operator, x: jax.Array, shift: jax.Array) -> jax.Array:
    """½ M² x, with M = (1 − μ) I − P̃."""
    once = shift * x - apply(op, x)
    return (shift * once - apply(op, once)) / 2


@jax.jit
def _next_term(op: Operator, before: jax.Array, now: jax.Array, shift: jax.Array) -> jax.Array:
    """2 (½ M² − 1) T_{i−1} − T_{i−2}."""
    return 2 * (_half_square(op, now, shift) - now) - before


def _orthogonalised(table: jax.Array) -> jax.Array:
    """U √Σ of a table."""
    q = orthonormal(table)
    left, values, _ = svd(gram(q, table))
    return times(q, left * np.sqrt(values))


def spectral_propagation(
    graph: Graph, embedding: Embedding, by: Filter | None = None, *, progress: Progress = no_progress
) -> Embedding:
    """An embedding of any method after ProNE's second stage, see `Filter`.

    Args:
        graph: n entities.
        embedding: of these n entities.
        by: default `Filter()`.
        progress: called after every term.

    Raises:
        ValueError: an embedding of other entities.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.from_edges([0, 0, 1, 3, 3, 4, 2], [1, 2, 2, 4, 5, 5, 3])
        >>> spectral_propagation(graph, cj.embed(graph, cj.ProNE(dim=4, filter=None)))
        Embedding(6 × 4 float32, 96 bytes; node: 6; settings: method='ProNE', dim=4, ...)
    """
    check_graph(graph)
    check_embedding(embedding)
    if embedding.vocab != graph.vocab:
        raise checks.OptionError("`embedding` must be of the entities of `graph`, in their order.")
    by = filter_of(by) or Filter()
    rows, among = without_isolated(adjacency(graph))
    vectors = np.zeros_like(embedding.vectors)
    if len(rows):
        check_fits("spectral_propagation", FLOAT * (8 * vectors.size + 12 * among.nnz), "Fewer columns need less.")
        with one_blas_thread():
            vectors[rows] = fetched(filtered(among, jnp.asarray(embedding.vectors[rows]), by, progress))
    return Embedding(vectors, embedding.vocab, embedding.settings | {"filter": asdict(by)}, embedding.trace)
