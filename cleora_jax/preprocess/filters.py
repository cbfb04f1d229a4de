"""What is too seldom, too often, twice or apart is left out; compare the reports before and after."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax.graph import Graph
from cleora_jax.graph.hyperedges import Incidence, Relation, distinct_sides, drop_lines, line_groups, with_sides
from cleora_jax.graph.lines import line_codes
from cleora_jax.preprocess.restrict import checked, restrict
from cleora_jax.stats.components import connected_components
from cleora_jax.stats.popularity import hyperedge_shares


def dedupe(graph: Graph, *, ordered: bool = False) -> Graph:
    """Of hyperedges that are equal the first alone stays, with its own weight. Entities stay, and given matrices.

    Args:
        graph: stays as it is.
        ordered: equal only where members stand in the same order. Default: False.

    Example:
        >>> import cleora_jax as cj
        >>> cj.preprocess.dedupe(cj.from_hyperedges(["tea milk", "milk tea", "tea jam"])).num_hyperedges
        2
    """
    ordered = checks.boolean("ordered", ordered)

    def repeats(lines: list[Relation]) -> np.ndarray:
        codes = line_codes(lines, ordered=ordered)
        first = np.unique(codes, return_index=True)[1]
        return np.setdiff1d(np.arange(len(codes)), first)

    relations = list(graph.relations)
    for group in line_groups(relations):
        lines = [relations[at] for at in group]
        if lines[0].counts is None:
            for at, relation in zip(group, drop_lines(lines, repeats(lines)), strict=True):
                relations[at] = relation
    return checked(replace(graph, relations=tuple(relations), whole_input=None))


def without_self_loops(graph: Graph) -> Graph:
    """No entity twice in a hyperedge, no hyperedge of one entity, no diagonal of a given matrix. Entities stay.

    Raises:
        ValueError: nothing is left.

    Example:
        >>> import cleora_jax as cj
        >>> cj.preprocess.without_self_loops(cj.from_edges(["a", "a"], ["a", "b"])).num_hyperedges
        1
    """
    relations = list(graph.relations)
    for group in line_groups(relations):
        lines = [relations[at] for at in group]
        counts = lines[0].counts
        if counts is not None:
            entries = counts.tocoo()
            off = entries.coords[0] != entries.coords[1]
            kept = (entries.data[off], tuple(coordinate[off] for coordinate in entries.coords))
            relations[group[0]] = replace(lines[0], counts=sp.csr_array(sp.coo_array(kept, shape=counts.shape)))
            continue
        once = with_sides(lines, _once)
        size = np.sum([side.size for side in distinct_sides(once)], axis=0)
        for at, relation in zip(group, drop_lines(once, np.flatnonzero(size < 2)), strict=True):
            relations[at] = relation
    return checked(replace(graph, relations=tuple(relations), whole_input=None))


def _once(side: Incidence) -> Incidence:
    """Each member of a hyperedge at its first place alone."""
    line = np.repeat(np.arange(len(side)), side.size)
    order = np.lexsort((side.member, line))
    again = (np.diff(line[order], prepend=-1) == 0) & (np.diff(side.member[order], prepend=-1) == 0)
    keep = np.ones(len(line), bool)
    keep[order[again]] = False
    return side.where(keep)


def filter_degrees(graph: Graph, *, least: int = 1, most: int | None = None, min_size: int = 2) -> Graph:
    """Entities that stand in `least` to `most` hyperedges, and hyperedges of at least `min_size` of them.

    What is too seldom is taken out again and again, until all that are left are often enough (the core that
    recommendation data are cut to); what is too often once, before, by the hyperedges that there were.

    Args:
        graph: of hyperedges, or a given matrix, whose rows are counted by their entries.
        least: at least 0. Default: 1.
        most: at least `least`. Default: no bound.
        min_size: members that a hyperedge must keep. Default: 2.

    Raises:
        ValueError: numbers that cannot be, or nothing is left.

    Example:
        >>> import cleora_jax as cj
        >>> baskets = cj.from_hyperedges(["tea milk", "tea milk jam", "rum tea"])
        >>> cj.preprocess.filter_degrees(baskets, least=2).vocab.ids.to_pylist()
        ['tea', 'milk']
    """
    least = checks.integer("least", least, low=0)
    if most is not None:
        most = checks.integer("most", most, low=max(least, 1))
        keep = _times(graph) <= most
        graph = graph if keep.all() else restrict(graph, keep, min_size=min_size)
    while True:
        keep = _times(graph) >= least
        if keep.all():
            return graph
        graph = restrict(graph, keep, min_size=min_size)


def _times(graph: Graph) -> np.ndarray:
    """int64[n]: hyperedges that each entity stands in, or entries of its row."""
    lines = sum(
        graph.num_entities if relation.counts is not None else relation.num_hyperedges
        for relation in (graph.relations[group[0]] for group in line_groups(graph.relations))
    )
    return np.rint(hyperedge_shares(graph) * lines).astype(np.int64)


def largest_component(graph: Graph) -> Graph:
    """The entities of the largest connected component, and their hyperedges.

    Example:
        >>> import cleora_jax as cj
        >>> cj.preprocess.largest_component(cj.from_hyperedges(["dan eve", "ann bob cid"])).vocab.ids.to_pylist()
        ['ann', 'bob', 'cid']
    """
    return restrict(graph, connected_components(graph).label == 0, min_size=1)


def cap_popularity(graph: Graph, share: float = 0.1) -> Graph:
    """The graph without the entities that stand in more than a share of the hyperedges; `stats.popular` names them.

    Args:
        graph: stays as it is.
        share: in (0, 1]. Default: 0.1.

    Raises:
        ValueError: a share out of range, or nothing is left.

    Example:
        >>> import cleora_jax as cj
        >>> baskets = cj.from_hyperedges(["bag tea milk", "bag tea jam", "bag milk rum"])
        >>> cj.preprocess.cap_popularity(baskets, 0.9).vocab.ids.to_pylist()
        ['tea', 'milk', 'jam', 'rum']
    """
    if checks.real("share", share, low=0, high=1) == 0:
        raise checks.OptionError("`share` must be above 0, got 0.")
    return restrict(graph, hyperedge_shares(graph) <= share)
