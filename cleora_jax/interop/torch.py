"""PyTorch Geometric and DGL. Neither PyTorch nor they are wanted for anything else."""

from __future__ import annotations

from typing import Any

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._extras import library
from cleora_jax.graph import Graph
from cleora_jax.graph.build import check_graph
from cleora_jax.interop.edges import Edges, Imported, check_foreign, edges_of, imported
from cleora_jax.vectors.embedding import Embedding


def to_pyg(graph: Graph, *, directed: bool = False, embedding: Embedding | None = None) -> Any:
    """A `torch_geometric.data.Data`: `edge_index` int64[2, m], `edge_weight` float32[m], `num_nodes`, `ids`.

    Args:
        graph: n entities; edges as they are where all hyperedges are pairs, else those of the cliques.
        directed: each edge once, from source to target; else both ways (a loop once), as PyG wants undirected ones.
            Default: False.
        embedding: vectors of the same entities, which become `x`. Default: none.

    Raises:
        ValueError: an embedding of other entities.
        ModuleNotFoundError: torch_geometric is not installed.
    """
    check_graph(graph)
    torch, pyg = (library(name, "pyg", "`to_pyg`") for name in ("torch", "torch_geometric.data"))
    edges = edges_of(graph, directed=directed) if directed else _both_ways(edges_of(graph, directed=False))
    data = pyg.Data(
        edge_index=torch.from_numpy(np.stack([edges.source, edges.target])),
        edge_weight=torch.from_numpy(edges.weight.astype(np.float32)),
        num_nodes=graph.num_entities,
    )
    data.ids = graph.vocab.keys()
    if embedding is not None:
        data.x = torch.from_numpy(_matching(graph, embedding))
    return data


def from_pyg(data: Any, *, directed: bool | None = None, column: str = "node") -> Imported:
    """A graph of PyG's `Data`: `edge_index`, and `edge_weight`, `num_nodes` and `ids` where it has them.

    Args:
        data: homogeneous.
        directed: None: undirected where each edge stands there both ways with one weight. Of undirected ones
            each is taken once. Default: None.
        column: name of the only column. Default: "node".

    Raises:
        ValueError: no edges, or a weight that is not finite and ≥ 0.
    """
    check_foreign("data", data, "a homogeneous `Data` of PyG", "edge_index", "num_nodes")
    source, target = data.edge_index.cpu().numpy().astype(np.int64)
    weight = getattr(data, "edge_weight", None)
    heavy = np.ones(len(source)) if weight is None else weight.cpu().numpy().astype(np.float64)
    names = getattr(data, "ids", None) or list(range(int(data.num_nodes)))
    edges = Edges(source, target, heavy)
    undirected = _symmetric(edges) if directed is None else not directed
    return imported(names, _one_way(edges) if undirected else edges, {}, not undirected, column)


def to_dgl(graph: Graph, *, directed: bool = False, embedding: Embedding | None = None) -> Any:
    """A DGL graph, edge data `weight`, node data `x` where an embedding is given.

    Args:
        graph, directed, embedding: as of `to_pyg`.

    Raises:
        ValueError: an embedding of other entities.
        ModuleNotFoundError: dgl is not installed.
    """
    check_graph(graph)
    torch, dgl = (library(name, "dgl", "`to_dgl`") for name in ("torch", "dgl"))
    edges = edges_of(graph, directed=directed) if directed else _both_ways(edges_of(graph, directed=False))
    ends = torch.from_numpy(edges.source), torch.from_numpy(edges.target)
    found = dgl.graph(ends, num_nodes=graph.num_entities)
    found.edata["weight"] = torch.from_numpy(edges.weight.astype(np.float32))
    if embedding is not None:
        found.ndata["x"] = torch.from_numpy(_matching(graph, embedding))
    return found


def from_dgl(graph: Any, *, directed: bool = True, ids: list[str] | None = None, column: str = "node") -> Imported:
    """A graph of DGL's nodes and edges; edge data `weight` where there is one.

    Args:
        graph: homogeneous.
        directed: False takes edges that stand there both ways with one weight once. Default: True.
        ids: names of the nodes. Default: their numbers.
        column: name of the only column. Default: "node".

    Raises:
        ValueError: no edges, another number of names than nodes, or a weight that is not finite and ≥ 0.
    """
    check_foreign("graph", graph, "a graph of DGL", "edges", "edata", "num_nodes")
    source, target = (end.cpu().numpy().astype(np.int64) for end in graph.edges())
    heavy = graph.edata["weight"].cpu().numpy() if "weight" in graph.edata else np.ones(len(source))
    names = list(range(graph.num_nodes())) if ids is None else list(ids)
    if len(names) != graph.num_nodes():
        raise checks.OptionError(f"`ids` must be one per node ({graph.num_nodes():,}), got {len(names):,}.")
    edges = Edges(source, target, heavy.astype(np.float64))
    return imported(names, edges if directed else _one_way(edges), {}, directed, column)


def _both_ways(edges: Edges) -> Edges:
    """Each edge and its reverse; loops once."""
    back = edges.source != edges.target
    pairs = ((edges.source, edges.target[back]), (edges.target, edges.source[back]), (edges.weight, edges.weight[back]))
    return Edges(*(np.concatenate(pair) for pair in pairs))


def _symmetric(edges: Edges) -> bool:
    """Each edge stands there both ways, with one weight, as often."""
    ahead = np.lexsort((edges.weight, edges.target, edges.source))
    back = np.lexsort((edges.weight, edges.source, edges.target))
    one = edges.source[ahead], edges.target[ahead], edges.weight[ahead]
    other = edges.target[back], edges.source[back], edges.weight[back]
    return all(np.array_equal(*pair) for pair in zip(one, other, strict=True))


def _one_way(edges: Edges) -> Edges:
    """Of edges that stand there both ways with one weight the one from the lower row; all others as they are."""
    low, high = np.minimum(edges.source, edges.target), np.maximum(edges.source, edges.target)
    pairs = np.stack([low, high, edges.weight])
    _, group = np.unique(pairs, axis=1, return_inverse=True)
    group = group.reshape(-1)
    back = edges.source > edges.target
    order = np.lexsort((np.arange(len(back)), back, group))
    forward = np.bincount(group[(~back) & (edges.source != edges.target)], minlength=group.max(initial=-1) + 1)
    first = np.searchsorted(group[order], group[order])
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - first  # forward ones come first
    loops = np.bincount(group[edges.source == edges.target], minlength=len(forward))
    cancelled = back & (rank - forward[group] - loops[group] < forward[group])
    return Edges(*(part[~cancelled] for part in edges))


def _matching(graph: Graph, embedding: Embedding) -> np.ndarray:
    if embedding.vocab != graph.vocab:
        raise checks.OptionError("`embedding` must be of the entities of `graph`, in their order.")
    return embedding.to_numpy()
