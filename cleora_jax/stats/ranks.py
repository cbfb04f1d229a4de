"""Measures of how central an entity is; igraph computes them."""

from __future__ import annotations

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._random import generator
from cleora_jax.graph import Graph, adjacency
from cleora_jax.graph.build import check_graph
from cleora_jax.interop.igraph import matrix_to_igraph


def pagerank(graph: Graph, *, damping: float = 0.85, weighted: bool = True, directed: bool = False) -> np.ndarray:
    """PageRank: how often a walk that now and then starts anew anywhere stands at each entity.

    Args:
        graph: hyperedges count as their cliques, see `adjacency`.
        damping: probability to go on, in [0, 1). Default: 0.85.
        weighted: edges are followed as often as they weigh. Default: True.
        directed: from earlier to later members alone; an entity that leads nowhere starts anew. Default: False.

    Returns:
        float64[n], in sum 1.

    Raises:
        ValueError: `damping` out of range.
        ModuleNotFoundError: igraph is not installed.

    Example:
        >>> import cleora_jax as cj
        >>> cj.stats.pagerank(cj.from_edges(["hub"] * 3, ["a", "b", "c"])).round(3).tolist()
        [0.48, 0.173, 0.173, 0.173]

    Reference: Brin and Page, The anatomy of a large-scale hypertextual Web search engine, 1998.
    """
    check_graph(graph)
    damping = checks.real("damping", damping, low=0, high=1, open_high=True)
    matrix = adjacency(graph, directed=directed, weighted=weighted)
    found = matrix_to_igraph(matrix, directed, "`pagerank`").pagerank(damping=damping, weights="weight")
    return np.asarray(found, np.float64)


def core_numbers(graph: Graph) -> np.ndarray:
    """int64[n]: the largest k for which an entity stands in a part of the graph where all have at least k neighbours.

    Raises:
        ModuleNotFoundError: igraph is not installed.

    Example:
        >>> import cleora_jax as cj
        >>> cj.stats.core_numbers(cj.from_edges(["a", "a", "b", "c"], ["b", "c", "c", "d"])).tolist()
        [2, 2, 2, 1]

    Reference: Batagelj and Zaversnik, An O(m) algorithm for cores decomposition of networks, 2003.
    """
    check_graph(graph)
    return np.asarray(matrix_to_igraph(adjacency(graph, weighted=False), False, "`core_numbers`").coreness(), np.int64)


def betweenness(graph: Graph, *, samples: int | None = 200, seed: int = 0) -> np.ndarray:
    """The number of shortest paths between others that lead through each entity, estimated from some of them.

    Args:
        graph: hyperedges count as their cliques; weights do not count.
        samples: entities that paths begin at, drawn at random; the sum is scaled up. None begins at all: exact, and as
            many times slower. Default: 200.
        seed: of the draw. Default: 0.

    Returns:
        float64[n]; each unordered pair of others counts once.

    Raises:
        ValueError: samples below 1.
        ModuleNotFoundError: igraph is not installed.

    Example:
        >>> import cleora_jax as cj
        >>> cj.stats.betweenness(cj.from_edges(["a", "b", "c"], ["b", "c", "d"]), samples=None).tolist()
        [0.0, 2.0, 2.0, 0.0]

    Reference: Brandes, A faster algorithm for betweenness centrality, 2001; Brandes and Pich, Centrality estimation in
    large networks, 2007.
    """
    check_graph(graph)
    count = graph.num_entities
    whole = matrix_to_igraph(adjacency(graph, weighted=False), False, "`betweenness`")
    if samples is None or checks.integer("samples", samples, low=1) >= count:
        return np.asarray(whole.betweenness(directed=False), np.float64)
    begin = generator(seed).choice(count, samples, replace=False)
    found = whole.betweenness(directed=False, sources=begin.tolist(), targets=list(range(count)))
    return np.asarray(found, np.float64) * (count / samples)  # igraph has halved it: each pair from both ends
