"""What community detection returns, and how good it is by the graph alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax.graph import Graph, Labels, Vocab, adjacency
from cleora_jax.graph.hyperedges import frozen
from cleora_jax.stats.components import by_size


@dataclass(frozen=True, eq=False, repr=False)
class Communities:
    """A partition of entities; the largest community is 0, among equals the one whose first entity comes first.

    Args:
        codes: int64[n], the community of each entity.
        vocab: of the n entities.
        modularity: of the partition in its graph; None where there is no graph.
    """

    codes: np.ndarray
    vocab: Vocab
    modularity: float | None = None

    def __post_init__(self) -> None:
        frozen(self.codes)

    @classmethod
    def of(cls, membership: Any, vocab: Vocab, matrix: sp.csr_array | None = None) -> Communities:
        """From any numbers of communities, int[n]; renumbered by size."""
        codes = by_size(np.asarray(membership, np.int64))
        return cls(codes, vocab, None if matrix is None else matrix_modularity(matrix, codes))

    @property
    def sizes(self) -> np.ndarray:
        """int64[c], entities of each, falling."""
        return np.bincount(self.codes).astype(np.int64)

    def __len__(self) -> int:
        return int(self.codes.max()) + 1

    def __repr__(self) -> str:
        told = "" if self.modularity is None else f", modularity {self.modularity:.3f}"
        return f"Communities({len(self):,} of {len(self.codes):,} entities, the largest {self.sizes[0]:,}{told})"

    def members(self, community: int) -> list[str]:
        """The ids of one community. Raises ValueError: no such community."""
        community = checks.integer("community", community, low=0, high=len(self) - 1)
        return self.vocab.take(np.flatnonzero(self.codes == community)).ids.to_pylist()

    def to_labels(self) -> Labels:
        """The same as `Labels`, for what wants classes."""
        count = len(self.codes)
        matrix = sp.csr_array((np.ones(count, bool), self.codes, np.arange(count + 1)), shape=(count, len(self)))
        return Labels(tuple(map(str, range(len(self)))), matrix)


def modularity(graph: Graph, communities: Any, *, weighted: bool = True, resolution: float = 1.0) -> float:
    """The share of edges within communities, less what would be expected if the same degrees were wired at random.

    Σ_c (inner_c / m − γ (degree_c / 2m)²), m the weight of all edges. Hyperedges count as their cliques.

    Args:
        graph: n entities.
        communities: `Communities`, `Labels` with one class each, or numbers int[n].
        weighted: Default: True.
        resolution: γ, at least 0; more asks for smaller communities. Default: 1.

    Raises:
        ValueError: numbers that do not fit the entities, or a graph without edges.

    Example:
        >>> import cleora_jax as cj
        >>> two = cj.from_edges(["a", "b", "c", "d"], ["b", "c", "a", "e"])
        >>> round(cj.community.modularity(two, [0, 0, 0, 1, 1]), 3)
        0.375

    Reference: Newman and Girvan, Finding and evaluating community structure in networks, 2004; the resolution as in
    Reichardt and Bornholdt, 2006.
    """
    codes = communities.codes if isinstance(communities, (Communities, Labels)) else _one_each(communities)
    if codes.shape != (graph.num_entities,):
        raise checks.OptionError(
            f"`communities` must be one per entity ({graph.num_entities:,}), got shape {codes.shape}."
        )
    matrix = adjacency(graph, weighted=weighted)
    if not matrix.nnz:
        raise checks.OptionError("`graph` must have an edge.")
    return matrix_modularity(matrix, by_size(codes), checks.real("resolution", resolution, low=0))


def _one_each(communities: Any) -> np.ndarray:
    try:
        codes = np.asarray(communities)
    except ValueError as error:  # lists of members, of different lengths
        raise checks.OptionError(
            "`communities` must be one per entity, in their order, not lists of members."
        ) from error
    if codes.dtype.kind == "f" and np.isnan(codes).any():
        raise checks.OptionError("`communities` must be one per entity, got NaN.")
    return codes


def matrix_modularity(matrix: sp.csr_array, codes: np.ndarray, resolution: float = 1.0) -> float:
    """`modularity` by a symmetric adjacency matrix; 0 where it has no edge."""
    degree = np.asarray(matrix.sum(axis=1, dtype=np.float64)).reshape(-1)
    total = degree.sum()
    if total == 0:
        return 0.0
    row = np.repeat(codes, np.diff(matrix.indptr))
    inner = matrix.data[row == codes[matrix.indices]].sum(dtype=np.float64)
    expected = ((np.bincount(codes, degree) / total) ** 2).sum()
    return float(inner / total - resolution * expected)
