"""networkx."""

from __future__ import annotations

from typing import Any

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._extras import library
from cleora_jax.graph import Graph
from cleora_jax.graph.build import check_graph
from cleora_jax.interop.edges import Edges, Imported, check_foreign, columns_of, edges_of, imported


def to_networkx(
    graph: Graph, *, directed: bool = False, multigraph: bool = False, attributes: Any = None
) -> Any:  # fmt: skip
    """A networkx graph: nodes are ids, or (column, id) where there are several columns; edges have `weight`.

    Edges as they are where all hyperedges are pairs; else those of the cliques, see `adjacency`.
    Isolated entities stay.

    Args:
        graph: n entities.
        directed: edges lead from source to target. Default: False.
        multigraph: parallel edges stay apart; else their weights add up. Default: False.
        attributes: of the nodes, a table or frame: see `graph.attributes_of`; nulls are left out. Default: none.

    Raises:
        ModuleNotFoundError: networkx is not installed.

    Example:
        >>> import cleora_jax as cj
        >>> found = cj.interop.to_networkx(cj.from_edges(["ann", "ann"], ["bob", "bob"], [1.0, 2.0]))
        >>> list(found.edges(data="weight"))
        [('ann', 'bob', 3.0)]
    """
    check_graph(graph)
    nx = library("networkx", "interop", "`to_networkx`")
    kinds = {
        (False, False): nx.Graph,
        (True, False): nx.DiGraph,
        (False, True): nx.MultiGraph,
        (True, True): nx.MultiDiGraph,
    }
    found = kinds[directed, multigraph]()
    keys = graph.vocab.keys()
    columns = columns_of(attributes, graph.vocab)
    for row, key in enumerate(keys):
        found.add_node(key, **{name: values[row] for name, values in columns.items() if values[row] is not None})
    for source, target, weight in zip(*(part.tolist() for part in edges_of(graph, directed=directed)), strict=True):
        one, two = keys[source], keys[target]
        if not multigraph and found.has_edge(one, two):
            found[one][two]["weight"] += weight
        else:
            found.add_edge(one, two, weight=weight)
    return found


def from_networkx(graph: Any, *, weight: str | None = "weight", column: str = "node") -> Imported:
    """A graph of networkx's nodes and edges, isolated nodes, direction and node attributes included.

    Args:
        graph: any of its four kinds. Nodes are named by `str`; pairs of strings are (column, id).
        weight: the edge attribute that is the weight; edges without it weigh 1, as all do with None. Default: "weight".
        column: name of the only column. Default: "node".

    Raises:
        ValueError: no edges, nodes of the same name, a weight that is not finite and ≥ 0, or one named that none has.

    Warns:
        MixedTypesWarning: values of an attribute, such as numbers and texts, that have no type in common become text.

    Example:
        >>> import networkx as nx
        >>> import cleora_jax as cj
        >>> found = cj.interop.from_networkx(nx.karate_club_graph())
        >>> found.graph, found.attributes.column_names
        (Graph(34 entities, 78 hyperedges; node: 34), ['club'])
    """
    check_foreign("graph", graph, "a networkx graph", "nodes", "edges", "is_directed")
    nodes = list(graph.nodes)
    row = {node: at for at, node in enumerate(nodes)}
    if weight not in ("weight", None) and not any(weight in data for *_, data in graph.edges(data=True)):
        raise checks.OptionError(f"`weight`: no edge has the attribute {weight!r}; None stands for no weights.")
    listed = [(row[one], row[two], data.get(weight, 1.0)) for one, two, data in graph.edges(data=True)]
    source, target, heavy = (np.array(part) for part in zip(*listed, strict=True)) if listed else 3 * (np.zeros(0),)
    names = list(dict.fromkeys(name for _, data in graph.nodes(data=True) for name in data))
    attributes = {name: [graph.nodes[node].get(name) for node in nodes] for name in names}
    return imported(nodes, Edges(source, target, heavy), attributes, graph.is_directed(), column)
