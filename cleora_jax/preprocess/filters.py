"""What is too seldom, too often, twice or apart is left out; compare the reports before and after."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax.graph import Graph
from cleora_jax.graph.build import check_graph
from cleora_jax.graph.hyperedges import Incidence, Relation, drop_lines, line_groups, ranges, with_sides
from cleora_jax.graph.lines import line_codes
from cleora_jax.preprocess.restrict import checked, line_sizes, restrict
from cleora_jax.stats.components import connected_components
from cleora_jax.stats.popularity import hyperedge_shares, hyperedges_of_each, members_of_lines


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
    check_graph(graph)
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
    check_graph(graph)
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
        _, line, _ = members_of_lines(once)
        size = np.bincount(line, minlength=once[0].num_hyperedges)  # the same entity may stand in two columns
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
    check_graph(graph)
    least = checks.integer("least", least, low=0)
    min_size = checks.integer("min_size", min_size, low=0)
    everyone = np.ones(graph.num_entities, bool)
    if most is not None:
        everyone = hyperedges_of_each(graph)[0] <= checks.integer("most", most, low=max(least, 1))
    graph = _kept(graph, everyone, "most", min_size)  # and no hyperedge that is too small from the beginning
    while not (keep := _often(graph, least, min_size)).all():
        graph = _kept(graph, keep, "least", min_size)
    return graph


def _kept(graph: Graph, keep: np.ndarray, name: str, min_size: int) -> Graph:
    """`restrict`, with an error that names the argument that left nothing."""
    if not keep.any():
        raise checks.OptionError(f"`{name}` leaves no entity of the graph.")
    return restrict(graph, keep, min_size=min_size)


def _often(graph: Graph, least: int, min_size: int) -> np.ndarray:
    """bool[n]: what is left when entities in fewer than `least` hyperedges go, and too small hyperedges, and so on.

    Each goes once: time follows the members, whatever the number of rounds.
    """
    held, _ = hyperedges_of_each(graph)
    keep, first = np.ones(graph.num_entities, bool), 0
    pairs, size = [], []
    for group in line_groups(graph.relations):
        relations = [graph.relations[at] for at in group]
        if relations[0].counts is None:
            member, line, times = members_of_lines(relations)
            pairs.append((member, line + first, times))
            size.append(line_sizes(relations))
            first += relations[0].num_hyperedges
    if not pairs:
        return held >= least
    member, line, times = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    by_member = sp.csr_array((times, (member, line)), shape=(len(keep), first))
    by_line, left = sp.csr_array(by_member.T), np.concatenate(size)
    gone = np.flatnonzero(held < least)
    alive = np.ones(first, bool)
    while len(gone):
        keep[gone] = False
        places = ranges(by_member.indptr[gone], by_member.indptr[gone + 1] - by_member.indptr[gone])
        touched = by_member.indices[places]
        np.subtract.at(left, touched, by_member.data[places])
        dead = np.unique(touched[(left[touched] < min_size) & alive[touched]])
        alive[dead] = False
        losing = by_line.indices[ranges(by_line.indptr[dead], by_line.indptr[dead + 1] - by_line.indptr[dead])]
        np.subtract.at(held, losing, 1)
        gone = np.unique(losing[keep[losing] & (held[losing] < least)])
    return keep


def largest_component(graph: Graph) -> Graph:
    """The entities of the largest connected component, and their hyperedges.

    Example:
        >>> import cleora_jax as cj
        >>> cj.preprocess.largest_component(cj.from_hyperedges(["dan eve", "ann bob cid"])).vocab.ids.to_pylist()
        ['ann', 'bob', 'cid']
    """
    check_graph(graph)
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
    check_graph(graph)
    share = checks.real("share", share, low=0, high=1, open_low=True)
    return _kept(graph, hyperedge_shares(graph) <= share, "share", 2)
