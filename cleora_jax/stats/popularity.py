"""Entities that stand in so many hyperedges that they tell nothing, as the shopping bag does in baskets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax.graph import Graph
from cleora_jax.graph.build import check_graph
from cleora_jax.graph.hyperedges import Relation, distinct_sides, line_groups


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
    check_graph(graph)
    above = checks.real("above", above, low=0, high=1)
    share = hyperedge_shares(graph)
    rows = np.flatnonzero(share > above)
    rows = rows[np.argsort(-share[rows], kind="stable")]
    return Popular(rows, share[rows])


def hyperedge_shares(graph: Graph) -> np.ndarray:
    """float64[n]: of the hyperedges of a graph, or the rows of a matrix, the share that each entity stands in."""
    held, lines = hyperedges_of_each(graph)
    return held / max(lines, 1)


def hyperedges_of_each(graph: Graph) -> tuple[np.ndarray, int]:
    """How many hyperedges each entity stands in, once or more, int64[n], and how many there are.

    Of a given matrix, the entries of its row, and how many rows there are.
    """
    held, lines = np.zeros(graph.num_entities, np.int64), 0
    for group in line_groups(graph.relations):
        relations = [graph.relations[at] for at in group]
        counts = relations[0].counts
        if counts is not None:
            held += np.diff(counts.indptr)
            lines += graph.num_entities
            continue
        member, _, _ = members_of_lines(relations)
        held += np.bincount(member, minlength=graph.num_entities)
        lines += relations[0].num_hyperedges
    return held, lines


def members_of_lines(relations: Sequence[Relation]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Members, the lines they stand in, and how often, int64[m] each; each pair once, over all columns, by member."""
    sides = distinct_sides(relations)
    member = np.concatenate([side.member for side in sides]).astype(np.int64)
    line = np.concatenate([np.repeat(np.arange(len(side)), side.size) for side in sides])
    order = np.lexsort((line, member))
    member, line = member[order], line[order]
    new = (np.diff(member, prepend=-1) != 0) | (np.diff(line, prepend=-1) != 0)
    times = np.diff(np.append(np.flatnonzero(new), len(member)))
    return member[new], line[new], times
