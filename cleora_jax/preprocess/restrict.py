"""Some entities of a graph, and what of its hyperedges is left among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax.graph import Graph
from cleora_jax.graph.build import counting_isolated
from cleora_jax.graph.hyperedges import Incidence, Relation, distinct_sides, drop_lines, line_groups, sides, with_sides


def restrict(graph: Graph, keep: np.ndarray, *, min_size: int = 2) -> Graph:
    """The graph of some of its entities: the others leave their hyperedges, which keep their weights.

    Args:
        graph: n entities.
        keep: bool[n].
        min_size: hyperedges that are left with fewer members are dropped, and so are those that relate two columns and
            are left with one of them. Default: 2.

    Returns:
        The entities kept, in their order; occurrences are counted anew.

    Raises:
        ValueError: `keep` of another length, nothing kept, or no hyperedge left.
        TypeError: `keep` of another kind.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.from_hyperedges(["ann bob cid", "cid dan"])
        >>> cj.preprocess.restrict(graph, np.array([True, True, True, False]))
        Graph(3 entities, 1 hyperedges; node: 3)
    """
    keep = np.asarray(keep)
    if keep.dtype != bool:
        raise TypeError(f"`keep` must be a mask of bool, got {keep.dtype}.")
    if keep.shape != (graph.num_entities,):
        raise checks.OptionError(f"`keep` must be one per entity ({graph.num_entities:,}), got shape {keep.shape}.")
    min_size = checks.integer("min_size", min_size, low=0)
    if not keep.any():
        raise checks.OptionError("`keep` must hold at least one entity, got none.")
    rows = np.cumsum(keep) - 1
    relations = list(graph.relations)
    for group in line_groups(relations):
        left = _restricted([relations[at] for at in group], keep, rows, min_size)
        for at, relation in zip(group, left, strict=True):
            relations[at] = relation
    vocab = graph.vocab.take(np.flatnonzero(keep))
    return checked(replace(graph, vocab=vocab, relations=tuple(relations), whole_input=None))


def checked(graph: Graph) -> Graph:
    """A graph whose isolated entities are counted; OptionError where it holds no hyperedge any more."""
    if not graph.num_hyperedges:
        raise checks.OptionError("no hyperedge is left of the graph.")
    return counting_isolated(graph)


def _restricted(lines: Sequence[Relation], keep: np.ndarray, rows: np.ndarray, min_size: int) -> Sequence[Relation]:
    counts = lines[0].counts
    if counts is not None:
        return [replace(lines[0], counts=sp.csr_array(counts[keep][:, keep]))]
    left = with_sides(lines, lambda side: _renumbered(side.where(keep[side.member]), rows))
    return drop_lines(left, np.flatnonzero((line_sizes(left) < min_size) | ~relating(left)))


def line_sizes(lines: Sequence[Relation]) -> np.ndarray:
    """int64[E]: members of each line over all its columns, repeats counted."""
    total: np.ndarray = np.sum([side.size for side in distinct_sides(lines)], axis=0)
    return total


def relating(lines: Sequence[Relation]) -> np.ndarray:
    """bool[E]: some relation of the line has members on both its sides."""
    both = [np.minimum(*(side.size for side in sides(relation))) > 0 for relation in lines]
    return np.logical_or.reduce(both)


def _renumbered(side: Incidence, rows: np.ndarray) -> Incidence:
    return Incidence(side.offset, rows[side.member].astype(np.int32))
