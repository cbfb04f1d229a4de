"""Some entities, some hyperedges."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._random import generator
from cleora_jax.graph import Graph
from cleora_jax.graph.build import check_graph, counting_isolated
from cleora_jax.graph.hyperedges import line_groups, take_lines

By = Literal["uniform", "occurrences"]
BYS = ("uniform", "occurrences")


def draw_entities(graph: Graph, count: int, *, by: By = "uniform", seed: int = 0) -> np.ndarray:
    """Rows of some entities, without replacement, rising.

    Args:
        graph: n entities.
        count: at most n; by occurrences at most those that occur.
        by: all alike, or an entity the likelier, the more often it stands in a hyperedge. Default: "uniform".
        seed: Default: 0.

    Returns:
        int64[count].

    Raises:
        ValueError: a count or a way that cannot be.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.from_hyperedges(["ann bob cid dan eve"])
        >>> rows = cj.sampling.draw_entities(graph, 3)
        >>> keep = np.zeros(graph.num_entities, bool)
        >>> keep[rows] = True
        >>> cj.preprocess.restrict(graph, keep)
        Graph(3 entities, 1 hyperedges; node: 3)
    """
    check_graph(graph)
    checks.one_of("by", by, BYS)
    if by == "uniform":
        count = checks.integer("count", count, low=0, high=graph.num_entities)
        chosen = generator(seed).choice(graph.num_entities, count, replace=False, shuffle=False)
        return np.sort(chosen).astype(np.int64)
    weight = graph.occurrences
    if not weight.any():
        raise checks.OptionError("`by='occurrences'` needs hyperedges; a graph given as a matrix has none.")
    count = checks.integer("count", count, low=0, high=int((weight > 0).sum()))
    with np.errstate(divide="ignore"):  # Efraimidis and Spirakis: the largest of log(u) / w are drawn by weight
        order = np.argpartition(-np.log(generator(seed).random(len(weight))) / weight, count - 1)[:count]
    return np.sort(order) if count else np.zeros(0, np.int64)


def draw_hyperedges(graph: Graph, count: int, *, seed: int = 0) -> Graph:
    """The graph of some of its hyperedges, drawn without replacement, all alike; in their order, entities stay.

    Args:
        graph: of hyperedges of the same lines: one relation, or several of one column spec.
        count: between 1 and all.
        seed: Default: 0.

    Raises:
        ValueError: a count that cannot be; a graph of several kinds of lines, or given as a matrix.

    Example:
        >>> import cleora_jax as cj
        >>> cj.sampling.draw_hyperedges(cj.from_edges([0, 1, 2], [1, 2, 3], num_entities=4), 2).num_hyperedges
        2
    """
    check_graph(graph)
    if len(line_groups(graph.relations)) > 1 or graph.relations[0].counts is not None:
        raise checks.OptionError(
            "`graph` must be of hyperedges that are lines of one kind, no matrix: take one `relation` of it."
        )
    count = checks.integer("count", count, low=1, high=graph.num_hyperedges)
    rows = np.sort(generator(seed).choice(graph.num_hyperedges, count, replace=False, shuffle=False))
    return counting_isolated(replace(graph, relations=take_lines(graph.relations, rows), whole_input=None))
