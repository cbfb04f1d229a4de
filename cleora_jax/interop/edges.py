"""A graph as a list of edges, which is what other libraries know; and what comes back from them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax.graph import Graph, Vocab, adjacency
from cleora_jax.graph.attributes import attributes_of
from cleora_jax.graph.build import check_graph, check_weights, counting_isolated, pairs_of
from cleora_jax.graph.columns import MAX_COLUMNS
from cleora_jax.graph.hyperedges import Incidence, Relation, masses

LOSSY = ({date, datetime}, {bytes, str})  # types that Arrow puts under one at a loss


class MixedTypesWarning(UserWarning):
    """An attribute whose values no Arrow type holds together was made text."""


class Edges(NamedTuple):
    """Edges between rows.

    Args:
        source, target: int64[m].
        weight: float64[m].
    """

    source: np.ndarray
    target: np.ndarray
    weight: np.ndarray


class Imported(NamedTuple):
    """What another library's graph held.

    Args:
        graph: its edges in their order, each from source to target, parallel ones kept apart.
        attributes: of the entities, one row each; no columns where there were none.
        directed: whether it was.
    """

    graph: Graph
    attributes: pa.Table
    directed: bool


def check_foreign(name: str, value: Any, kind: str, *has: str) -> None:
    """Raise TypeError unless a value has what is read of another library's."""
    if not all(hasattr(value, each) for each in has):
        raise TypeError(f"`{name}` must be {kind}, got {type(value).__name__}.")


def edges_of(graph: Graph, *, directed: bool) -> Edges:
    """The edges as they are where all hyperedges of the only relation are pairs; else those of the cliques.

    Args:
        directed: of cliques, arcs from earlier to later members.
    """
    relation = graph.relations[0]
    side = relation.left if len(graph.relations) == 1 and relation.reflexive else None
    if side is not None and (side.size == 2).all():
        source, target = side.member.reshape(-1, 2).T.astype(np.int64)
        return Edges(source, target, masses(relation).astype(np.float64))
    matrix = adjacency(graph, directed=directed)
    entries = (matrix if directed else sp.triu(matrix)).tocoo()
    source, target = (coordinate.astype(np.int64) for coordinate in entries.coords)
    return Edges(source, target, entries.data.astype(np.float64))


def imported(
    keys: Sequence[Any], edges: Edges, attributes: Mapping[str, Any], directed: bool, column: str = "node"
) -> Imported:  # fmt: skip
    """A graph of what another library held; names are made strings, pairs (column, id) of strings become columns.

    Raises:
        ValueError: two names that are the same string, no edges, or a weight that is not finite and ≥ 0.
    """
    if not len(edges.source):
        raise checks.OptionError("`graph` has no edges.")
    vocab = _vocab_of(keys, column)
    weight = check_weights(edges.weight, len(edges.source), "edge {}".format)
    relation = _relation(vocab, edges, None if (weight == 1).all() else weight)
    return Imported(counting_isolated(Graph(vocab, (relation,))), attribute_table(attributes, len(keys)), directed)


def _relation(vocab: Vocab, edges: Edges, weight: np.ndarray | None) -> Relation:
    """Edges that all lead from one of two columns to the other relate these; others relate all entities."""
    name, code = "-".join(vocab.columns), vocab.column_of
    if len(vocab.columns) == 2 and (code[edges.source] != code[edges.target]).all():
        swapped = code[edges.source] == 1
        ends = np.where(swapped, edges.target, edges.source), np.where(swapped, edges.source, edges.target)
        one, other = (Incidence(np.arange(len(end) + 1), end.astype(np.int32)) for end in ends)
        return Relation(name, one, other, weight)
    side = pairs_of(np.stack([edges.source, edges.target], axis=1).ravel())
    return Relation(name, side, side, weight)


def _vocab_of(keys: Sequence[Any], column: str) -> Vocab:
    typed = len(keys) > 0 and all(
        isinstance(key, tuple) and len(key) == 2 and all(isinstance(part, str) for part in key) for key in keys
    )
    if not typed:
        return Vocab.of([str(key) for key in keys], column)
    if len(set(keys)) < len(keys):
        raise checks.OptionError("`graph` has two nodes of one column and id.")
    names = {name: at for at, name in enumerate(dict.fromkeys(name for name, _ in keys))}
    if len(names) > MAX_COLUMNS:
        raise checks.OptionError(f"`graph` must have at most {MAX_COLUMNS} columns, got {len(names)}.")
    ids = pa.array([entity for _, entity in keys], pa.large_string())
    return Vocab(ids, tuple(names), np.array([names[name] for name, _ in keys], np.uint8))


def attribute_table(attributes: Mapping[str, Any], rows: int) -> pa.Table:
    """Attributes as columns, None as null. Those that no Arrow type holds are written as text, with a warning.

    Raises:
        ValueError: two attributes whose names are the same string.
    """
    columns = {str(name): _typed(str(name), values) for name, values in attributes.items()}
    if len(columns) < len(attributes):
        raise checks.OptionError(f"`graph` has attributes of the same name: {checks.listed(map(repr, attributes))}.")
    return pa.table(columns) if columns else pa.table({"": pa.nulls(rows)}).drop_columns([""])


def _typed(name: str, values: Sequence[Any]) -> pa.Array:
    """Values in one type that loses nothing: integers and floats are floats, NaN among what is no number is null."""
    kinds = {type(value) for value in values if value is not None}
    tries: list[dict[str, Any]] = [{}, {"from_pandas": True}]
    if all(issubclass(kind, (int, np.integer)) and kind is not bool for kind in kinds):
        tries.append({"type": pa.uint64()})  # beyond 2⁶³, as hashes are
    for options in tries if not any(pair <= kinds for pair in LOSSY) else ():
        with contextlib.suppress(pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
            return pa.array(values, **options)
    held = " and ".join(sorted(kind.__name__ for kind in kinds))
    checks.warn(f"the attribute {name!r} holds {held}, which no Arrow type does: it becomes text.", MixedTypesWarning)
    return pa.array([None if value is None else str(value) for value in values])


def columns_of(attributes: Any, vocab: Vocab) -> dict[str, list[Any]]:
    """Attributes by name, one list each, in the order of the entities. Errors as `attributes_of`."""
    table = attributes_of(attributes, vocab)
    return {} if table is None else {name: table.column(name).to_pylist() for name in table.column_names}


def edge_table(graph: Graph, *, directed: bool = False) -> pa.Table:
    """Edges as an Arrow table: `source`, `target`, `weight`. `.to_pandas()`, or `polars.from_arrow`, take it on.

    Edges as they are where all hyperedges are pairs; else those of the cliques, see `adjacency`. Isolated entities are
    not in it. `from_edges` takes its columns back.

    Args:
        graph: of one column; of several, ids do not tell them apart.
        directed: of cliques, arcs from earlier to later members. Default: False.

    Example:
        >>> import cleora_jax as cj
        >>> cj.interop.edge_table(cj.from_edges(["a", "b"], ["b", "c"], [1.0, 0.5])).to_pydict()
        {'source': ['a', 'b'], 'target': ['b', 'c'], 'weight': [1.0, 0.5]}
    """
    check_graph(graph)
    edges = edges_of(graph, directed=directed)
    ends = [graph.vocab.ids.take(pa.array(rows)) for rows in (edges.source, edges.target)]
    return pa.table({"source": ends[0], "target": ends[1], "weight": edges.weight})
