"""Entities that stand in so many hyperedges that they tell nothing, as the shopping bag does in baskets."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax.graph import Graph
from cleora_jax.graph.hyperedges import distinct_sides


class Popular(NamedTuple):
    """Entities by the share of hyperedges that they stand in, the largest first.

    Args:
        rows: int64[k], of the graph.
        share: float64[k], in (0, 1].
    """

    rows: np.ndarray
    share: np.ndarray


def popular(graph: Graph, *, above: float = 0.05) -> Popular:
    """The entities that stand in more than a share of all hyperedges; in a given matrix, of the rows.

    Args:
        graph: n entities.
        above: in [0, 1]. Default: 0.05.

    Raises:
        ValueError: `above` out of range.

    Example:
        >>> import cleora_jax as cj
        >>> baskets = cj.from_hyperedges(["bag tea milk", "bag tea", "bag milk jam", "bag bag rum"])
        >>> rows, share = cj.stats.popular(baskets, above=0.6)
        >>> [baskets.vocab[row] for row in rows], share.tolist()
        (['bag'], [1.0])
    """
    above = checks.real("above", above, low=0, high=1)
    share = hyperedge_shares(graph)
    rows = np.flatnonzero(share > above)
    rows = rows[np.argsort(-share[rows], kind="stable")]
    return Popular(rows, share[rows])


def hyperedge_shares(graph: Graph) -> np.ndarray:
    """float64[n]: of the hyperedges of a graph, those that each entity stands in (once or more)."""
    held = np.zeros(graph.num_entities)
    for side in distinct_sides(graph.relations):
        line = np.repeat(np.arange(len(side)), side.size)
        order = np.lexsort((line, side.member))
        member, line = side.member[order], line[order]
        new = (np.diff(member, prepend=-1) != 0) | (np.diff(line, prepend=-1) != 0)
        held += np.bincount(member[new], minlength=graph.num_entities)
    lines = graph.num_hyperedges
    for relation in graph.relations:
        if relation.counts is not None:
            held += np.bincount(relation.counts.indices, minlength=graph.num_entities)
            lines += graph.num_entities - relation.counts.nnz
    return held / max(lines, 1)
