"""Counts weighed by how surprising they are. The graphs that come back are matrices: no hyperedges any more."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax.graph import Graph
from cleora_jax.graph.build import check_graph, counting_isolated
from cleora_jax.graph.counts import check_counts
from cleora_jax.graph.hyperedges import Relation
from cleora_jax.stats.popularity import hyperedges_of_each


def tfidf(graph: Graph) -> Graph:
    """Counts in which an entity weighs the less, the more hyperedges it stands in: W_ij idf_i idf_j.

    idf_i = 1 + ln((1 + E) / (1 + E_i)) with E hyperedges, of which E_i hold i (scikit-learn's smooth
    formula); of a given matrix E rows, of which i has E_i entries.

    Args:
        graph: its relations are added up, see `Graph.counts`.

    Example:
        >>> import cleora_jax as cj
        >>> np.round(cj.preprocess.tfidf(cj.from_hyperedges(["bag tea", "bag jam"])).counts().toarray(), 2)
        array([[0.5 , 0.35, 0.35],
               [0.35, 0.49, 0.  ],
               [0.35, 0.  , 0.49]], dtype=float32)
    """
    check_graph(graph)
    held, lines = hyperedges_of_each(graph)
    idf = 1 + np.log((1 + lines) / (1 + held))
    entries = graph.counts().tocoo()
    row, column = entries.coords
    return _given(graph, row, column, entries.data * idf[row] * idf[column])


def ppmi(graph: Graph, *, shift: float = 0.0) -> Graph:
    """Positive pointwise mutual information: max(0, ln(W_ij · ΣW / (r_i c_j)) − shift), r and c the marginal sums.

    Args:
        graph: its relations are added up, see `Graph.counts`.
        shift: ln k, where k negative samples would have been drawn; at least 0. Default: 0.

    Raises:
        ValueError: a shift below 0, or nothing is left.

    Example:
        >>> import cleora_jax as cj
        >>> np.round(cj.preprocess.ppmi(cj.from_hyperedges(["bag tea", "bag jam"])).counts().toarray(), 2)
        array([[0.  , 0.  , 0.  ],
               [0.  , 0.69, 0.  ],
               [0.  , 0.  , 0.69]], dtype=float32)

    Reference: Levy and Goldberg, Neural word embedding as implicit matrix factorization, NeurIPS 2014.
    """
    check_graph(graph)
    shift = checks.real("shift", shift, low=0)
    counts = graph.counts().astype(np.float64)
    entries = counts.tocoo()
    row, column = entries.coords
    by_row, by_column = (np.asarray(counts.sum(axis=axis)).reshape(-1) for axis in (1, 0))
    found = np.log(entries.data * by_row.sum() / (by_row[row] * by_column[column])) - shift
    keep = found > 0
    if not keep.any():
        raise checks.OptionError(f"`shift` must leave an entry, and {shift:g} leaves none.")
    return _given(graph, row[keep], column[keep], found[keep])


def _given(graph: Graph, row: np.ndarray, column: np.ndarray, data: np.ndarray) -> Graph:
    """The same entities with counts given as a matrix."""
    size = graph.num_entities
    with np.errstate(over="ignore"):
        check_counts(data.astype(np.float32))
    counts = sp.coo_array((data.astype(np.float32), (row, column)), shape=(size, size)).tocsr()
    relation = Relation("+".join(relation.name for relation in graph.relations), counts=sp.csr_array(counts))
    return counting_isolated(replace(graph, relations=(relation,), whole_input=graph.occurrences))
