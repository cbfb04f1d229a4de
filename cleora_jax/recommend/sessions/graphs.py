"""Histories as graphs over all items: those of one history together, or each with the next."""

from __future__ import annotations

import numpy as np

from cleora_jax.graph.build import Graph, from_edges, of_members
from cleora_jax.graph.vocab import Vocab
from cleora_jax.recommend.sessions.histories import Histories, check_rows


def history_graph(histories: Histories, vocab: Vocab) -> Graph:
    """Each history a hyperedge of its items; items in none are isolated.

    Args:
        histories: of rows of `vocab`.
        vocab: the n items.

    Example:
        >>> history_graph(Histories.of([[0, 1, 2], [1]]), Vocab.of(["tea", "cup", "pot", "jug"], "item"))
        Graph(4 entities, 2 hyperedges; item: 4; 1 isolated)
    """
    check_rows(histories, len(vocab))
    return of_members(histories.incidence(), vocab)


def step_graph(histories: Histories, vocab: Vocab) -> Graph:
    """Each step from an item to the next one of its history as an edge in that direction; the same item twice is none.

    For `Cleora(propagation="directed-both")`: what leads to what, and what comes from where.

    Raises:
        ValueError: there is no such step.

    Example:
        >>> step_graph(Histories.of([[0, 1, 1, 2], [1]]), Vocab.of(["tea", "cup", "pot", "jug"], "item"))
        Graph(4 entities, 2 hyperedges; item: 4; 1 isolated)
    """
    check_rows(histories, len(vocab))
    inside = np.ones(max(len(histories.item) - 1, 0), bool)
    ends = histories.offset[1:-1] - 1
    inside[ends[(ends >= 0) & (ends < len(inside))]] = False
    first, second = histories.item[:-1][inside], histories.item[1:][inside]
    other = first != second
    return from_edges(first[other], second[other], ids=vocab.ids.to_pylist(), column=vocab.columns[0])
