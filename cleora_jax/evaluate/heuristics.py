"""Link heuristics: scores of pairs from the training graph alone, beside which any embedding must be seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax.graph.adjacency_matrix import adjacency
from cleora_jax.graph.build import Graph, check_graph
from cleora_jax.learn.pairs import checked_rows
from cleora_jax.sparse.from_graph import inverse

BLOCK_ENTRIES = 1 << 21  # neighbours gathered at once: bounds memory whatever the degrees


def _ones(degree: np.ndarray) -> np.ndarray:
    return np.ones(len(degree))


def _per_log(degree: np.ndarray) -> np.ndarray:
    large = degree > 1  # whoever two entities have in common has two neighbours
    return np.divide(1.0, np.log(degree, where=large, out=np.ones(len(degree))), where=large, out=np.zeros(len(degree)))


@dataclass(frozen=True, eq=False)
class Shared:
    """Score of a pair: a weight for each neighbour that both have, added up.

    Args:
        neighbours: 0/1 CSR float64[n, n], symmetric, no diagonal.
        weight: float64[n], of being shared.
    """

    neighbours: sp.csr_array
    weight: np.ndarray

    def pairs(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """float64[m], scores of m pairs of rows; in blocks."""
        degree = np.diff(self.neighbours.indptr)
        found = [
            self.neighbours[left[part]].multiply(self.neighbours[right[part]]) @ self.weight
            for part in _blocks(degree[left] + degree[right])
        ]
        return np.concatenate(found) if found else np.zeros(0)

    def grid(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """float64[len(left), len(right)], scores of all pairs, bit for bit those of `pairs`."""
        near, other = self.neighbours[left], self.neighbours[right]
        weighted = sp.csr_array((self.weight[near.indices], near.indices, near.indptr), shape=near.shape)
        scores: np.ndarray = (weighted @ sp.csr_array(other.T)).toarray()
        return scores


@dataclass(frozen=True, eq=False)
class DegreeProduct:
    """Score of a pair: the product of both degrees.

    Args:
        degree: float64[n].
    """

    degree: np.ndarray

    def pairs(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """float64[m], scores of m pairs of rows."""
        return self.degree[left] * self.degree[right]

    def grid(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """float64[len(left), len(right)], scores of all pairs."""
        return self.degree[left][:, None] * self.degree[right]


Heuristic = Shared | DegreeProduct

HEURISTICS: dict[str, Callable[[sp.csr_array, np.ndarray], Heuristic]] = {
    "common neighbours": lambda near, degree: Shared(near, _ones(degree)),
    "Adamic–Adar": lambda near, degree: Shared(near, _per_log(degree)),
    "resource allocation": lambda near, degree: Shared(near, inverse(degree)),
    "preferential attachment": lambda near, degree: DegreeProduct(degree),
}


def heuristic(name: str, graph: Graph) -> Heuristic:
    """A heuristic of `HEURISTICS`, of the neighbours in a graph: undirected, unweighted, without loops."""
    checks.one_of("name", name, tuple(HEURISTICS))
    check_graph(graph)
    near = adjacency(graph, weighted=False).astype(np.float64)
    return HEURISTICS[name](near, np.diff(near.indptr).astype(np.float64))


def common_neighbours(graph: Graph, pairs: Any) -> np.ndarray:
    """How many neighbours both entities of each pair have, float64[m].

    Args:
        graph: n entities; two are neighbours where `adjacency` has an entry, in either direction.
        pairs: int[m, 2], rows.

    Raises:
        ValueError: rows that do not exist, or what is no pairs.

    Example:
        >>> import cleora_jax as cj
        >>> square = cj.from_edges([0, 1, 2, 3], [1, 2, 3, 0])
        >>> common_neighbours(square, [[0, 2], [0, 1]]).tolist()
        [2.0, 0.0]
    """
    return _scores("common neighbours", graph, pairs)


def adamic_adar(graph: Graph, pairs: Any) -> np.ndarray:
    """Σ 1 / log(degree) over the neighbours that both entities of each pair have, float64[m]; see `common_neighbours`.

    Reference: Adamic and Adar, Friends and neighbors on the Web, 2003.

    Example:
        >>> import cleora_jax as cj
        >>> adamic_adar(cj.from_edges([0, 1, 2, 3], [1, 2, 3, 0]), [[0, 2]]).round(3).tolist()  # 2 / log 2
        [2.885]
    """
    return _scores("Adamic–Adar", graph, pairs)


def resource_allocation(graph: Graph, pairs: Any) -> np.ndarray:
    """Σ 1 / degree over the neighbours that both entities of each pair have, float64[m]; see `common_neighbours`.

    Reference: Zhou, Lü and Zhang, Predicting missing links via local information, 2009.

    Example:
        >>> import cleora_jax as cj
        >>> resource_allocation(cj.from_edges([0, 1, 2, 3], [1, 2, 3, 0]), [[0, 2]]).tolist()
        [1.0]
    """
    return _scores("resource allocation", graph, pairs)


def preferential_attachment(graph: Graph, pairs: Any) -> np.ndarray:
    """Product of the degrees of both entities of each pair, float64[m]; see `common_neighbours`.

    Reference: Barabási and Albert, 1999; Liben-Nowell and Kleinberg, 2003, as a predictor of links.

    Example:
        >>> import cleora_jax as cj
        >>> preferential_attachment(cj.from_edges([0, 0, 0], [1, 2, 3]), [[0, 1], [1, 2]]).tolist()
        [3.0, 1.0]
    """
    return _scores("preferential attachment", graph, pairs)


def _scores(name: str, graph: Graph, pairs: Any) -> np.ndarray:
    judge = heuristic(name, graph)
    rows = checked_rows("pairs", np.asarray(pairs), graph.num_entities)
    return judge.pairs(rows[:, 0], rows[:, 1])


def _blocks(cost: np.ndarray) -> Iterator[slice]:
    """Slices of consecutive entries whose costs add up to at most BLOCK_ENTRIES, or of one entry."""
    total, start = np.cumsum(cost), 0
    while start < len(cost):
        spent = total[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(total, spent + BLOCK_ENTRIES, side="right")))
        yield slice(start, stop)
        start = stop
