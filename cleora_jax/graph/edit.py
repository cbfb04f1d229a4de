"""Adding and removing hyperedges: a new graph, equal to one built anew, in which no old hyperedge is expanded again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np
import scipy.sparse as sp

from cleora_jax._checks import InputError, OptionError, listed
from cleora_jax.graph.assemble import BAD_EXAMPLES
from cleora_jax.graph.build import BuildReport, Graph, counting_isolated, knowing, occurrences_in
from cleora_jax.graph.counts import (
    added,
    counts_among,
    joint_counts,
    moved,
    placed,
    replaced_among,
    rounded,
    times,
    widened,
)
from cleora_jax.graph.hyperedges import (
    Relation,
    distinct_sides,
    drop_lines,
    line_groups,
    masses,
    sides,
    take_lines,
    with_rows,
    with_sides,
)
from cleora_jax.graph.lines import find_lines
from cleora_jax.graph.vocab import Vocab

SHOWN_IDS = 10


def add_hyperedges(graph: Graph, more: Graph) -> Graph:
    """The graph with the hyperedges of another one added: what reading all lines at once, the old ones first, gives.

    Known entities (matched by column and id) keep their rows, new ones follow in their order in `more`. Where the graph
    has its counts at hand (`Graph.counted`), those of `more` are added to them: no old hyperedge is expanded again.

    Args:
        graph: stays as it is.
        more: built by any reader or function with the same columns and relations, over its own vocabulary. Relations
            that have lines of their own (see `from_relations`) may be lacking. Relations weigh what those of the graph
            do, where it is `reweighted`. Matrices, where both were given as such, are added up. With `group_by`, the
            groups of `more` are hyperedges of their own.

    Returns:
        The new graph. In its report the sources follow each other and numbers are added up.

    Raises:
        ValueError: `more` has a column or relation that the graph lacks, or other transient columns, or relates the
            columns of a line in another way, or has hyperedges where the graph was given a matrix, or the reverse.

    Example:
        >>> import cleora_jax as cj
        >>> from cleora_jax.graph import add_hyperedges
        >>> graph = cj.from_hyperedges(["alice laptop", "bob keyboard"])
        >>> add_hyperedges(graph, cj.from_hyperedges(["alice mouse"])).vocab.ids.to_pylist()
        ['alice', 'laptop', 'bob', 'keyboard', 'mouse']
    """
    more = proportioned("more", graph, more)
    found = _matched("more", graph, more)
    vocab, rows = graph.vocab.joined(more.vocab)
    relations = _appended(graph.relations, placed(found, rows, len(vocab)), len(vocab))
    whole = graph.whole_input
    if whole is not None or more.whole_input is not None:
        whole = np.zeros(len(vocab), np.int64)
        whole[: graph.num_entities] = graph.occurrences
        whole[rows] += more.occurrences
    report = added_reports([graph.report, more.report])
    result = counting_isolated(Graph(vocab, relations, graph.transient, report, whole))
    if graph.known_counts is None or not result.clique_pays:
        return result
    new = moved(joint_counts(more.relations, more.num_entities, np.float64), rows, len(vocab))
    return knowing(result, widened(graph.known_counts, len(vocab)) + new)


def remove_hyperedges(graph: Graph, gone: Graph, *, every_copy: bool = False) -> Graph:
    """The graph without some hyperedges: what building anew from the lines that are left gives, all entities kept.

    Those left without a hyperedge become isolated, so that rows and vectors of the others keep their place. Hyperedges
    are equal as lines are: the same entities in the same order in every column, and where `gone` has weights, the same
    weight. Where the graph has its counts at hand (`Graph.counted`), only those among the entities of removed
    hyperedges are counted anew.

    Args:
        graph: stays as it is.
        gone: for each of its hyperedges one of the graph's goes, the oldest of those that are equal. Its columns and
            relations are as in `add_hyperedges`; the order of its vocabulary does not matter.
        every_copy: all hyperedges that are equal to one of `gone` go.

    Returns:
        The new graph. Its report tells what was read, as before, but for the isolated entities.

    Raises:
        InputError: hyperedges of `gone` are not in the graph, or not so often: the first is named, and how many.
        ValueError: `gone` does not fit (see `add_hyperedges`), is a matrix, or holds everything.

    Example:
        >>> import cleora_jax as cj
        >>> from cleora_jax.graph import remove_hyperedges
        >>> graph = cj.from_hyperedges(["alice laptop", "alice mouse", "bob keyboard"])
        >>> remove_hyperedges(graph, cj.from_hyperedges(["alice mouse"]))
        Graph(5 entities, 2 hyperedges; node: 5; 1 isolated)
    """
    found = _matched("gone", graph, gone)
    wanted = with_rows(found, graph.vocab.rows_of(gone.vocab))
    groups = [group for group in line_groups(graph.relations) if wanted[group[0]].num_hyperedges]
    drops: list[np.ndarray] = []
    absent: list[tuple[list[Relation], int]] = []
    for group in groups:
        lines, sought, named = ([relations[at] for at in group] for relations in (graph.relations, wanted, found))
        if lines[0].counts is not None:
            raise OptionError(f"`gone`: relation {lines[0].name!r} was given as a matrix and holds no hyperedges.")
        drop, missing = find_lines(lines, sought, graph.num_entities, every_copy=every_copy)
        drops.append(drop)
        absent += [(named, row) for row in missing.tolist()]
    if absent:
        raise InputError(
            f"`gone`: {len(absent)} of its hyperedges not in the graph, or not so often; "
            f"the first is {_shown(gone.vocab, *absent[0])} (in this order)."
        )
    return _without(graph, groups, drops)


def added_reports(reports: Sequence[BuildReport]) -> BuildReport:
    """One report of several readings: sources in turn, numbers added up; isolated entities are yet to be counted."""
    numbers = [field.name for field in fields(BuildReport) if field.type == "int"]
    return BuildReport(
        sources=tuple(source for report in reports for source in report.sources),
        format="+".join(sorted({form for report in reports for form in report.format.split("+")})),
        bad_examples=tuple(example for report in reports for example in report.bad_examples)[:BAD_EXAMPLES],
        **{name: sum(getattr(report, name) for report in reports) for name in numbers},
    )


def _matched(name: str, graph: Graph, other: Graph) -> list[Relation]:
    """For each relation of the graph that of `other`, one without hyperedges where it has none; or OptionError."""
    if not isinstance(other, Graph):
        raise TypeError(f"`{name}` must be a Graph, got {other!r:.100}.")
    _check_known(name, "columns", other.vocab.columns, graph.vocab.columns)
    by_name = {relation.name: relation for relation in other.relations}
    _check_known(name, "relations", tuple(by_name), tuple(relation.name for relation in graph.relations))
    if set(other.transient) != set(other.vocab.columns).intersection(graph.transient):
        raise OptionError(
            f"`{name}` must have the transient columns of the graph, {graph.transient}, got {other.transient}."
        )
    pairs = [(mine, by_name[mine.name]) for mine in graph.relations if mine.name in by_name]
    for mine, theirs in pairs:
        if (mine.counts is None) != (theirs.counts is None):
            kinds = ("a matrix", "hyperedges") if theirs.counts is not None else ("hyperedges", "a matrix")
            raise OptionError(f"`{name}`: relation {mine.name!r} is of {kinds[0]}, and of {kinds[1]} in the graph.")
    present = {mine.name for mine, _ in pairs}
    groups = [{graph.relations[position].name for position in group} for group in line_groups(graph.relations)]
    if not _same_cells(pairs) or any(0 < len(group & present) < len(group) for group in groups):
        raise OptionError(
            f"`{name}` must have the relations that are of the same lines in the graph, and from the same lines: "
            f"{'; '.join(', '.join(sorted(group)) for group in groups if len(group) > 1) or 'none'}."
        )
    return [by_name.get(relation.name) or _none_of(relation, len(other.vocab)) for relation in graph.relations]


def proportioned(name: str, graph: Graph, other: Graph) -> Graph:
    """`other`, with relations as heavy as the graph's (see `reweighted`); OptionError unless it could be added."""
    _matched(name, graph, other)
    wanted = {relation.name: relation.factor for relation in graph.relations}
    for relation in other.relations:
        factor = wanted[relation.name]
        if relation.factor == 0 < factor:
            raise OptionError(f"`{name}`: relation {relation.name!r} has the weight 0, and {factor:g} in the graph.")
    relations = tuple(times(each, wanted[each.name] / (each.factor or 1)) for each in other.relations)
    return other if relations == other.relations else replace(other, relations=relations)


def _check_known(name: str, what: str, names: tuple[str, ...], known: tuple[str, ...]) -> None:
    if not set(names) <= set(known):
        raise OptionError(f"`{name}` must have {what} of the graph, which are {listed(known)}; got {listed(names)}.")


def _same_cells(pairs: Sequence[tuple[Relation, Relation]]) -> bool:
    """Relations share their sides in the same way: to each side of one belongs one of the other."""
    both = {
        (id(cell), id(other))
        for mine, theirs in pairs
        if mine.counts is None
        for cell, other in zip(sides(mine), sides(theirs), strict=True)
    }
    return all(len({pair[end] for pair in both}) == len(both) for end in (0, 1))


def _none_of(relation: Relation, num_entities: int) -> Relation:
    """No hyperedge of a relation, or no entry of its matrix."""
    if relation.counts is not None:
        return replace(relation, counts=sp.csr_array((num_entities, num_entities), dtype=np.float32))
    return take_lines([relation], np.zeros(0, np.int64))[0]


def _appended(relations: Sequence[Relation], batch: Sequence[Relation], num_entities: int) -> tuple[Relation, ...]:
    """The relations followed by those of a batch, over the same entities."""
    following = {
        id(cell): other
        for old, new in zip(relations, batch, strict=True)
        if old.counts is None
        for cell, other in zip(sides(old), sides(new), strict=True)
    }
    longer = with_sides(relations, lambda side: side.followed_by(following[id(side)]))
    return tuple(
        replace(relation, weight=_masses_of_both(old, new), counts=_counts_of_both(old, new, num_entities))
        for relation, old, new in zip(longer, relations, batch, strict=True)
    )


def _masses_of_both(old: Relation, new: Relation) -> np.ndarray | None:
    return None if old.weight is None and new.weight is None else np.concatenate([masses(old), masses(new)])


def _counts_of_both(old: Relation, new: Relation, num_entities: int) -> sp.csr_array | None:
    if old.counts is None or new.counts is None:
        return None
    return rounded(widened(old.counts, num_entities) + new.counts)


def _without(graph: Graph, groups: Sequence[Sequence[int]], drops: Sequence[np.ndarray]) -> Graph:
    """The graph without some lines of some groups of relations; its counts, where known, brought up to date."""
    relations = list(graph.relations)
    dropped: list[Relation] = []
    for group, drop in zip(groups, drops, strict=True):
        lines = [relations[at] for at in group]
        dropped += take_lines(lines, drop)
        for at, relation in zip(group, drop_lines(lines, drop), strict=True):
            relations[at] = relation
    if not any(relation.num_hyperedges for relation in relations):
        raise OptionError("`gone` holds every hyperedge of the graph, which needs at least one.")
    whole = graph.whole_input
    if whole is not None:
        whole = whole - occurrences_in(dropped, graph.num_entities)
    result = counting_isolated(replace(graph, relations=tuple(relations), whole_input=whole))
    if graph.known_counts is None or not result.clique_pays:
        return result
    return knowing(result, _recounted(graph.known_counts, relations, dropped))


def _recounted(counts: sp.csr_array, relations: Sequence[Relation], dropped: Sequence[Relation]) -> sp.csr_array:
    """Counts after hyperedges were dropped. Counted anew among their entities, not subtracted: a pair that no hyperedge
    holds any more leaves no residue.
    """
    touched = np.zeros(counts.shape[0], bool)
    for side in distinct_sides(dropped):
        touched[side.member] = True
    return replaced_among(counts, touched, added(counts_among(relation, touched) for relation in relations))


def _shown(vocab: Vocab, relations: Sequence[Relation], row: int) -> str:
    """A line as people read it: ids, and where there are several columns these by name."""
    cells = []
    for side in distinct_sides(take_lines(relations, np.array([row]))):
        ids = [repr(vocab[at]) for at in side.member[:SHOWN_IDS]] + ["…"] * (len(side.member) > SHOWN_IDS)
        column = vocab.columns[vocab.column_of[side.member[0]]] if len(side.member) else "nothing"
        cells.append((f"{column}: " if len(vocab.columns) > 1 else "") + ", ".join(ids))
    return "; ".join(cells)
