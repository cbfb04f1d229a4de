"""Typed graphs: several relations over one vocabulary, each with a name, hyperedges and a weight of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import Any

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax.graph.build import Graph, check_weights, counting_isolated, distinct_ids, in_turn, pairs_of
from cleora_jax.graph.columns import MAX_COLUMNS
from cleora_jax.graph.counts import placed, times
from cleora_jax.graph.edit import added_reports
from cleora_jax.graph.hyperedges import Relation
from cleora_jax.graph.vocab import Vocab


def from_relations(relations: Mapping[str, Graph]) -> Graph:
    """One graph of several relations, each given as a graph of its own.

    Entities are matched by column and id, so that author `1` of one relation is author `1` of another, and no paper.
    Rows are by first appearance over the relations in the order given.

    Args:
        relations: for each name a graph of one relation, from any reader or function. Name its columns by type:
            `from_edges(…, column="author")`, `from_hyperedges(…, "author paper")`.

    Returns:
        A graph of those relations. Each has its own hyperedges (`Graph.num_hyperedges` adds them up) and mass: see
        `reweighted`.

    Raises:
        ValueError: no relation, a graph of several, a column that is transient in one graph and not in another, or more
            than 255 columns.

    Example:
        >>> import cleora_jax as cj
        >>> from cleora_jax.graph import from_relations
        >>> from_relations({
        ...     "writes": cj.from_hyperedges(["ann\\tp1", "bob\\tp1", "bob\\tp2"], "author paper"),
        ...     "cites": cj.from_edges(["p2"], ["p1"], column="paper"),
        ... })
        Graph(4 entities, 4 hyperedges; author: 2, paper: 2; relations writes, cites)
    """
    graphs = _checked_graphs(relations)
    vocab = reduce(lambda known, graph: known.joined(graph.vocab)[0], graphs[1:], graphs[0].vocab)
    parts = tuple(
        replace(relation, name=name)
        for name, graph in relations.items()
        for relation in placed(graph.relations, vocab.rows_of(graph.vocab), len(vocab))
    )
    transient = tuple(name for name in vocab.columns if any(name in graph.transient for graph in graphs))
    report = added_reports([graph.report for graph in graphs])
    return counting_isolated(Graph(vocab, parts, transient, report))


def from_triples(
    head: Sequence[Any] | np.ndarray,
    relation: Sequence[Any] | np.ndarray,
    tail: Sequence[Any] | np.ndarray,
    weight: Sequence[float] | np.ndarray | None = None,
    *,
    column: str = "entity",
) -> Graph:
    """A graph of (head, relation, tail) triples: each relation has its edges, from head to tail, as in `from_edges`.

    Args:
        head, relation, tail: [T] each; strings or integers. Entities and relations are by first appearance.
        weight: float[T] ≥ 0; default all ones.
        column: name of the only column.

    Raises:
        ValueError: lengths that differ, no triple, an empty id, or a negative, NaN or infinite weight (its place is
            named).

    Example:
        >>> from cleora_jax.graph import from_triples
        >>> from_triples(["rome", "bern", "rome"], ["capital", "capital", "near"], ["italy", "swiss", "bern"])
        Graph(4 entities, 3 hyperedges; entity: 4; relations capital, near)
    """
    member = in_turn(("head", "tail"), head, tail, "triple")
    count = len(member) // 2
    kind = np.asarray(relation)
    if kind.shape != (count,):
        raise checks.OptionError(f"`relation` must have one entry per triple ({count}), got shape {kind.shape}.")
    weights = None if weight is None else check_weights(np.asarray(weight), count, "`weight`, triple {}".format)
    names, code = distinct_ids(("relation",), kind, "triple")
    ids, rows = distinct_ids(("head", "tail"), member, "triple")
    order = np.argsort(code, kind="stable")
    ends = np.cumsum(np.bincount(code))[:-1]
    parts = tuple(
        Relation(name, side, side, None if weights is None else weights[own])
        for name, own in zip(names.to_pylist(), np.split(order, ends), strict=True)
        for side in [pairs_of(rows.reshape(-1, 2)[own].ravel())]
    )
    return counting_isolated(Graph(Vocab.of(ids, column), parts))


def reweighted(graph: Graph, weights: Mapping[str, float]) -> Graph:
    """The graph with all weights of some relations multiplied, so that a joint walk leans towards these, or away.

    Args:
        graph: stays as it is.
        weights: for each name of a relation a factor, finite and ≥ 0; relations not named keep their weight. The graph
            remembers it: hyperedges that are added later, or transformed, are multiplied as well (see `factor` of
            `Relation`), unless they were reweighted themselves.

    Raises:
        ValueError: an unknown name, or a factor that cannot be.

    Example:
        >>> from cleora_jax.graph import from_triples, reweighted
        >>> graph = from_triples(["a", "a"], ["likes", "knows"], ["b", "c"])
        >>> reweighted(graph, {"likes": 3}).counts().toarray()[0].tolist()
        [1.0, 0.75, 0.25]
    """
    known = [relation.name for relation in graph.relations]
    unknown = [name for name in weights if name not in known]
    if unknown:
        raise checks.OptionError(f"`weights` must name relations of the graph ({checks.listed(known)}), got {unknown}.")
    factors = {name: checks.real(f"weights[{name!r}]", factor, low=0) for name, factor in weights.items()}
    relations = tuple(times(relation, factors.get(relation.name, 1.0)) for relation in graph.relations)
    return counting_isolated(replace(graph, relations=relations))


def _checked_graphs(relations: Mapping[str, Graph]) -> list[Graph]:
    if not isinstance(relations, Mapping) or not relations:
        raise checks.OptionError(f"`relations` must map at least one name to a graph, got {relations!r:.100}.")
    for name, graph in relations.items():
        if not isinstance(name, str) or not isinstance(graph, Graph):
            raise TypeError(f"`relations` must map names to graphs, got {name!r}: {graph!r:.100}.")
        if len(graph.relations) != 1:
            names = checks.listed(relation.name for relation in graph.relations)
            raise checks.OptionError(f"`relations[{name!r}]` must be a graph of one relation, got {names}.")
    graphs = list(relations.values())
    columns = {column for graph in graphs for column in graph.vocab.columns}
    for column in columns:
        if len({column in graph.transient for graph in graphs if column in graph.vocab.columns}) > 1:
            raise checks.OptionError(f"`relations`: column {column!r} is transient in one graph and not in another.")
    if len(columns) > MAX_COLUMNS:
        raise checks.OptionError(f"`relations` have {len(columns)} columns; at most {MAX_COLUMNS} are possible.")
    return graphs
