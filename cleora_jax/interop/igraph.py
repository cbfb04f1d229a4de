"""igraph."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._extras import library
from cleora_jax.graph import Graph
from cleora_jax.graph.build import check_graph
from cleora_jax.interop.edges import Edges, Imported, check_foreign, columns_of, edges_of, imported

OWN = ("name", "column")  # vertex attributes that say which entity it is


def to_igraph(graph: Graph, *, directed: bool = False, attributes: Any = None) -> Any:
    """An `igraph.Graph`: vertex attributes `name` and `column`, edge attribute `weight`.

    Edges as they are, parallel ones apart, where all hyperedges are pairs; else those of the cliques, see `adjacency`.
    Isolated entities stay.

    Args:
        graph: n entities.
        directed: edges lead from source to target. Default: False.
        attributes: of the vertices, a table or frame: see `graph.attributes_of`. Default: none.

    Raises:
        ValueError: attributes that do not fit, or are called `name` or `column`.
        ModuleNotFoundError: igraph is not installed.

    Example:
        >>> import cleora_jax as cj
        >>> found = cj.interop.to_igraph(cj.from_edges(["ann", "bob"], ["bob", "cid"], [1.0, 2.0]))
        >>> found.vs["name"], found.es["weight"]
        (['ann', 'bob', 'cid'], [1.0, 2.0])
    """
    check_graph(graph)
    found = _igraph(edges_of(graph, directed=directed), graph.num_entities, directed, "`to_igraph`")
    found.vs["name"] = graph.vocab.ids.to_pylist()
    found.vs["column"] = [graph.vocab.columns[code] for code in graph.vocab.column_of.tolist()]
    for name, values in columns_of(attributes, graph.vocab).items():
        if name in OWN:
            raise checks.OptionError(f"`attributes` must not be called {name!r}: the vertices' own {name} is.")
        found.vs[name] = values
    return found


def from_igraph(graph: Any, *, weight: str | None = "weight", column: str = "node") -> Imported:
    """A graph of igraph's vertices and edges; isolated vertices, direction and vertex attributes are kept.

    Args:
        graph: vertices are named by their attribute `name`, or by number; `column`, if any, is their column.
        weight: the edge attribute that is the weight; edges weigh 1 where there is none, and with None. Default:
            "weight".
        column: name of the only column. Default: "node".

    Raises:
        ValueError: no edges, vertices of the same name or with none, a weight that is not finite and ≥ 0, or one named
            that no edge has.

    Example:
        >>> import igraph
        >>> import cleora_jax as cj
        >>> cj.interop.from_igraph(igraph.Graph.Ring(5)).graph
        Graph(5 entities, 5 hyperedges; node: 5)
    """
    check_foreign("graph", graph, "an igraph graph", "vs", "es", "get_edgelist")
    known = graph.vs.attributes()
    if weight not in ("weight", None, *graph.es.attributes()):
        raise checks.OptionError(f"`weight`: no edge has the attribute {weight!r}; None stands for no weights.")
    if "name" in known and None in graph.vs["name"]:
        raise checks.OptionError(f"`graph`: vertex {graph.vs['name'].index(None)} has no name, others have one.")
    names = [str(name) for name in graph.vs["name"]] if "name" in known else list(map(str, range(graph.vcount())))
    columns = graph.vs["column"] if "column" in known else []
    if len(set(columns)) > 1:
        names = list(zip(columns, names, strict=True))  # type: ignore[arg-type]
    source, target = np.array(graph.get_edgelist(), np.int64).reshape(-1, 2).T
    heavy = np.array(graph.es[weight] if weight in graph.es.attributes() else np.ones(len(source)), np.float64)
    attributes = {name: graph.vs[name] for name in known if name not in OWN}
    only = columns[0] if len(set(columns)) == 1 else column
    return imported(names, Edges(source, target, heavy), attributes, graph.is_directed(), only)


def matrix_to_igraph(matrix: sp.csr_array, directed: bool, purpose: str) -> Any:
    """An igraph of an adjacency matrix, edge attribute `weight`; ModuleNotFoundError says what wanted it."""
    entries = (matrix if directed else sp.triu(matrix)).tocoo()
    return _igraph(
        Edges(entries.coords[0], entries.coords[1], entries.data.astype(np.float64)), matrix.shape[0], directed, purpose
    )


def _igraph(edges: Edges, count: int, directed: bool, purpose: str) -> Any:
    igraph = library("igraph", "graph", purpose)
    found = igraph.Graph(n=count, directed=directed)
    found.add_edges(np.stack([edges.source, edges.target], axis=1))
    found.es["weight"] = edges.weight.tolist()
    return found
