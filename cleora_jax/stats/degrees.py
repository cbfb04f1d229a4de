"""Degrees: how many others an entity meets, or how heavily."""

from __future__ import annotations

import numpy as np

from cleora_jax.graph import Graph, adjacency
from cleora_jax.graph.build import check_graph


def degrees(graph: Graph, *, weighted: bool = False, directed: bool = False) -> np.ndarray:
    """The number of other entities that each entity meets, or the sum of the weights of its edges.

    Hyperedges count as their cliques, see `adjacency`; pairs of an entity with itself do not count.

    Args:
        graph: n entities.
        weighted: sums of weights: in a hyperedge of weight w each member has w by it. Default: False.
        directed: outgoing arcs alone, from earlier to later members. Default: False.

    Returns:
        float64[n] where weighted, else int64[n].

    Example:
        >>> import cleora_jax as cj
        >>> cj.stats.degrees(cj.from_hyperedges(["ann bob cid", "ann bob"])).tolist()
        [2, 2, 2]
        >>> cj.stats.degrees(cj.from_hyperedges(["ann bob cid", "ann bob"]), weighted=True).tolist()
        [2.0, 2.0, 1.0]
    """
    check_graph(graph)
    matrix = adjacency(graph, directed=directed, weighted=weighted)
    if not weighted:
        return np.diff(matrix.indptr).astype(np.int64)
    return np.asarray(matrix.sum(axis=1, dtype=np.float64)).reshape(-1)
