"""The adjacency matrix that methods of the literature start from: edges alone, no self-pairs, nothing normalised."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from cleora_jax.graph.build import Graph, check_graph
from cleora_jax.graph.counts import added, check_counts, neighbour_counts, ordered_counts
from cleora_jax.graph.hyperedges import index_array


def adjacency(graph: Graph, *, directed: bool = False, weighted: bool = True) -> sp.csr_array:
    """A, the adjacency matrix of a graph: n × n CSR float32, sorted, without duplicates, self-loops or stored zeros.

    An edge of weight w gives A_ij = A_ji = w; parallel edges add up. A hyperedge of one column is its clique, of weight
    w / (|e| − 1) a pair, so that each member has degree w by it; over two columns it is a biclique of weight
    w / (|e_a| |e_b|) a pair. Several relations add up. It differs from `Graph.counts`, W, in that a walk by W may stay
    where it is.

    Args:
        graph: n entities.
        directed: A_ij for arcs from i to j only: from earlier to later members of a hyperedge, w split evenly over
            its pairs. Default: both ways; of a given matrix that is not symmetric max(A, Aᵀ).
        weighted: False gives 1 for every entry, however often and heavily its pair occurs.

    Example:
        >>> import cleora_jax as cj
        >>> adjacency(cj.from_edges([0, 0, 2], [1, 2, 2], [1, 3, 5], num_entities=4)).todense().tolist()
        [[0.0, 1.0, 3.0, 0.0], [1.0, 0.0, 0.0, 0.0], [3.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """
    check_graph(graph)
    one = ordered_counts if directed else neighbour_counts
    total = added(one(relation, graph.num_entities).astype(np.float64) for relation in graph.relations)
    if not directed and any(relation.counts is not None for relation in graph.relations):
        total = total.maximum(total.T.tocsr())
    return _edges(sp.csr_array(total), weighted)


def _edges(matrix: sp.csr_array, weighted: bool) -> sp.csr_array:
    """The entries off the diagonal that are not zero."""
    row = np.repeat(np.arange(matrix.shape[0], dtype=np.int32), np.diff(matrix.indptr))
    with np.errstate(over="ignore"):  # too large becomes infinite, and that is an error
        value = matrix.data.astype(np.float32)
    kept = (row != matrix.indices) & (value != 0)
    indptr = np.zeros(len(matrix.indptr), np.int64)
    np.cumsum(np.bincount(row[kept], minlength=matrix.shape[0]), out=indptr[1:])
    data = value[kept] if weighted else np.ones(int(kept.sum()), np.float32)
    check_counts(data)
    edges = sp.csr_array((data, matrix.indices[kept].astype(np.int32), index_array(indptr)), shape=matrix.shape)
    edges.sort_indices()
    return edges
