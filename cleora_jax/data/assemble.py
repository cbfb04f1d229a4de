"""Tables of ids become a `Dataset` of rows: a graph by the kind of the set, and labels, features, splits that align."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cleora_jax._checks import InputError
from cleora_jax.data.dataset import Dataset, Interactions, Sequences, Sessions, Split, Triples
from cleora_jax.data.info import DatasetInfo
from cleora_jax.data.tables import FEATURES, TRIPLES, Tables
from cleora_jax.graph import Graph, Labels, Vocab, from_edges, from_triples, labels_of
from cleora_jax.graph.build import counting_isolated
from cleora_jax.graph.hyperedges import Incidence, Relation, group_rows


def assembled(info: DatasetInfo, tables: Tables) -> Dataset:
    """The data set of a kind, from its tables."""
    return KINDS_OF[info.kind](info, tables)


class Numbering:
    """Rows of ids that are numbers, in the order of the numbers.

    Args:
        seen: the ids that occur, in arrays.
        count: n; where all ids lie in 0 … n−1 these are the ids, occurring or not.

    Example:
        >>> Numbering([np.array([7, 3])], 2).rows(np.array([3, 7, 7]))
        array([0, 1, 1])
        >>> Numbering([np.array([0, 2])], 4).ids
        array([0, 1, 2, 3])
    """

    def __init__(self, seen: Sequence[np.ndarray], count: int | None = None) -> None:
        if count is not None and all(ids.min() >= 0 and ids.max() < count for ids in seen):
            self.ids = np.arange(count)
        else:
            ordered = np.sort(np.concatenate(seen))  # np.unique hashes first: six times as slow on millions
            self.ids = ordered[np.append(True, ordered[1:] != ordered[:-1])]

    def rows(self, ids: np.ndarray) -> np.ndarray:
        """int64: the row of each id; InputError where one is not among them."""
        at = np.searchsorted(self.ids, ids)
        wrong = self.ids[np.minimum(at, len(self.ids) - 1)] != ids
        if wrong.any():
            raise InputError(f"id {ids[np.argmax(wrong)]} is not an id of the graph.")
        return at

    def strings(self) -> pa.LargeStringArray:
        """The ids as words."""
        return pa.array(self.ids).cast(pa.large_string())


def _of_edges(info: DatasetInfo, tables: Tables) -> Dataset:
    source, target, *weight = tables["edges.tsv.gz"]
    nodes = Numbering([source, target, *_labelled(tables)], _count(info, "nodes"))
    ends = nodes.rows(source), nodes.rows(target)
    graph = from_edges(*ends, *weight, ids=nodes.strings().to_pylist())
    return _with_classes(info, tables, graph, nodes)


def _of_hyperedges(info: DatasetInfo, tables: Tables) -> Dataset:
    group, member = tables["hyperedges.tsv.gz"]
    nodes = Numbering([member, *_labelled(tables)], _count(info, "nodes"))
    graph = _hypergraph(nodes, _grouped(group, nodes.rows(member))[1], "node")
    return _with_classes(info, tables, graph, nodes)


def _with_classes(info: DatasetInfo, tables: Tables, graph: Graph, nodes: Numbering) -> Dataset:
    """The data set of a graph of one column, with what else is known of its nodes."""
    features = tables.get(FEATURES)
    if features is not None and features.shape[0] != graph.num_entities:
        raise InputError(f"{info.name}: {features.shape[0]:,} rows of features for {graph.num_entities:,} entities.")
    columns = tables.get("feature_names.tsv.gz")
    return Dataset(
        info.name,
        graph,
        info,
        labels=_labels(graph.vocab, tables.get("labels.tsv.gz")),
        features=features,
        feature_names=None if columns is None else tuple(columns[1].to_pylist()),
        splits=_splits(tables, nodes),
        names=_names(nodes, tables.get("names.tsv.gz")),
    )


def _of_interactions(info: DatasetInfo, tables: Tables) -> Dataset:
    train, test = tables["train.tsv.gz"], tables["test.tsv.gz"]
    users = Numbering([train[0], test[0]], _count(info, "users"))
    items = Numbering([train[1], test[1]], _count(info, "items"))
    shift = len(users.ids)
    pairs = [np.stack([users.rows(user), shift + items.rows(item)], axis=1) for user, item, *_ in (train, test)]
    column_of = np.repeat(np.array([0, 1], np.uint8), [shift, len(items.ids)])
    vocab = Vocab(pa.concat_arrays([users.strings(), items.strings()]), ("user", "item"), column_of)
    one_each = np.arange(len(pairs[0]) + 1)
    left, right = (Incidence(one_each, np.ascontiguousarray(side, np.int32)) for side in pairs[0].T)
    graph = counting_isolated(Graph(vocab, (Relation("user-item", left, right),)))
    return Dataset(info.name, graph, info, interactions=Interactions(*pairs))


def _of_sequences(info: DatasetInfo, tables: Tables) -> Dataset:
    """Sessions of clicks; baskets of users, which have a third column in train: the number of the user's basket."""
    train, test = tables["train.tsv.gz"], tables["test.tsv.gz"]
    items = Numbering([train[1], test[1]], _count(info, "items"))
    sequences = Sessions(*(_sequences(*columns, items=items) for columns in (train, test)))
    return Dataset(info.name, _hypergraph(items, sequences.train.items, "item"), info, sessions=sequences)


def _sequences(owner: np.ndarray, item: np.ndarray, number: np.ndarray | None = None, *, items: Numbering) -> Sequences:
    if number is None:
        owners, lists = _grouped(owner, items.rows(item))
        return Sequences(owners, lists)
    width = int(number.max(initial=0)) + 1
    key, lists = _grouped(owner * width + number, items.rows(item))
    return Sequences(key // width, lists)


def _of_baskets(info: DatasetInfo, tables: Tables) -> Dataset:
    return (_of_hyperedges if "hyperedges.tsv.gz" in tables else _of_sequences)(info, tables)


def _of_triples(info: DatasetInfo, tables: Tables) -> Dataset:
    parts = [tables[name] for name in TRIPLES]
    graph = from_triples(*(column.to_numpy(zero_copy_only=False) for column in parts[0]))
    later = pa.concat_arrays([column for head, _, tail in parts[1:] for column in (head, tail)])
    vocab, _ = graph.vocab.joined(Vocab.of(pc.unique(later), graph.vocab.columns[0]))
    names = [relation.name for relation in graph.relations]
    unseen = pc.unique(pa.concat_arrays([kind for _, kind, _ in parts])).to_pylist()[len(names) :]
    relations = tuple(names + unseen)
    known = pa.array(relations, pa.large_string())
    coded = [
        np.stack([_places(head, vocab.ids), _places(kind, known), _places(tail, vocab.ids)], axis=1)
        for head, kind, tail in parts
    ]
    graph = counting_isolated(Graph(vocab, graph.relations))
    return Dataset(info.name, graph, info, triples=Triples(relations, *coded))


def _places(values: pa.LargeStringArray, among: pa.LargeStringArray) -> np.ndarray:
    places: np.ndarray = pc.index_in(values, value_set=among).to_numpy().astype(np.int64)
    return places


KINDS_OF: dict[str, Callable[[DatasetInfo, Tables], Dataset]] = {
    "graph": _of_edges,
    "directed graph": _of_edges,
    "hypergraph": _of_hyperedges,
    "interactions": _of_interactions,
    "sessions": _of_sequences,
    "baskets": _of_baskets,
    "knowledge graph": _of_triples,
}


def _count(info: DatasetInfo, what: str) -> int | None:
    count = info.counts.get(what)
    return int(count) if count is not None else None


def _labelled(tables: Tables) -> list[np.ndarray]:
    """The ids of labelled nodes, which are nodes even where nothing touches them."""
    return [tables["labels.tsv.gz"][0]] if "labels.tsv.gz" in tables else []


def _hypergraph(nodes: Numbering, hyperedges: Incidence, column: str) -> Graph:
    vocab = Vocab.of(nodes.strings(), column)
    return counting_isolated(Graph(vocab, (Relation(column, hyperedges, hyperedges),)))


def _grouped(group: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, Incidence]:
    """The numbers of the groups, ascending, and the rows of each in the order read."""
    numbers, key = np.unique(group, return_inverse=True)
    one_each = Incidence(np.arange(len(rows) + 1), rows.astype(np.int32))
    return numbers, group_rows(key, one_each, len(numbers))


def _labels(vocab: Vocab, columns: Any) -> Labels | None:
    """Labels by id; those that are all numbers are sorted as numbers."""
    if columns is None:
        return None
    nodes, names = columns[0].astype(str).tolist(), columns[1].to_pylist()
    if all(name.isdecimal() and name == str(int(name)) for name in names):
        names = [int(name) for name in names]
    return labels_of(vocab, list(zip(nodes, names, strict=True)))


def _splits(tables: Tables, nodes: Numbering) -> tuple[Split, ...]:
    if "split.tsv.gz" in tables:
        ids, part = tables["split.tsv.gz"]
        rows, parts = nodes.rows(ids), np.array(part.to_pylist())
        return (Split(*(rows[parts == name] for name in ("train", "val", "test"))),)
    if "train_splits.tsv.gz" in tables:  # all other labelled nodes are test nodes
        numbers, ids = tables["train_splits.tsv.gz"]
        labelled = np.unique(nodes.rows(tables["labels.tsv.gz"][0]))
        trains = [nodes.rows(ids[numbers == number]) for number in np.unique(numbers)]
        return tuple(Split(train, train[:0].copy(), np.setdiff1d(labelled, train)) for train in trains)
    return ()


def _names(nodes: Numbering, columns: Any) -> tuple[str, ...] | None:
    if columns is None:
        return None
    named = dict(zip(nodes.rows(columns[0]).tolist(), columns[1].to_pylist(), strict=True))
    return tuple(named.get(row, "") for row in range(len(nodes.ids)))
