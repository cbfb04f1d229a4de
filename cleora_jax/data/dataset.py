"""A data set in memory: its graph, and what publications measure methods with. Names end here: all else is rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from cleora_jax.data.info import DatasetInfo
from cleora_jax.graph import Graph, Labels
from cleora_jax.graph.hyperedges import Incidence, frozen


@dataclass(frozen=True, eq=False)
class Split:
    """Rows of the graph to train on, to choose by, and to test with; all int64, as the publisher gave them.

    Args:
        train, val, test: rows; none in `val` where the publisher has none. Entities may be in none of them.
    """

    train: np.ndarray
    val: np.ndarray
    test: np.ndarray

    def __post_init__(self) -> None:
        frozen(self.train), frozen(self.val), frozen(self.test)


@dataclass(frozen=True, eq=False)
class Interactions:
    """Who took what: each interaction is the row of a user and the row of an item of the graph.

    Args:
        train: int64[m, 2]; the graph is made of these.
        test: int64[k, 2]; the graph knows the users and items, but none of these pairs.
    """

    train: np.ndarray
    test: np.ndarray

    def __post_init__(self) -> None:
        frozen(self.train), frozen(self.test)


@dataclass(frozen=True, eq=False)
class Sequences:
    """Lists of entities: clicks of sessions in their order, or the baskets of users, one after the other.

    Args:
        owner: int64[s], the number of the session, or of the user whose basket it is.
        items: the s lists, rows of the graph.

    Example:
        >>> lists = Sequences(np.array([7, 8]), Incidence(np.array([0, 2, 3]), np.array([4, 1, 4], np.int32)))
        >>> len(lists), lists[0].tolist()
        (2, [4, 1])
    """

    owner: np.ndarray
    items: Incidence

    def __post_init__(self) -> None:
        frozen(self.owner)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, at: int) -> np.ndarray:
        if not -len(self) <= at < len(self):
            raise IndexError(f"list {at} of {len(self):,}.")
        at %= len(self)
        return self.items.member[self.items.offset[at] : self.items.offset[at + 1]]


@dataclass(frozen=True, eq=False)
class Sessions:
    """Sessions, or baskets in the order bought: `train`, of which the graph is made, and `test`."""

    train: Sequences
    test: Sequences


@dataclass(frozen=True, eq=False)
class Triples:
    """(head, relation, tail): rows of the graph, and for the relation its position in `relations`.

    Args:
        relations: names.
        train: int64[m, 3]; the graph is made of these.
        valid, test: int64[k, 3]; the graph knows their entities, though some may be isolated.
    """

    relations: tuple[str, ...]
    train: np.ndarray
    valid: np.ndarray
    test: np.ndarray

    def __post_init__(self) -> None:
        frozen(self.train), frozen(self.valid), frozen(self.test)


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """A data set, as `load_dataset` gives it. What it does not have is None or empty.

    Args:
        name: e.g. "cora".
        graph: of n entities. Where their ids are numbers, rows are in the order of these, and where the ids are
            0 … n−1, row i is entity i, isolated ones included. Held-out parts are not in it.
        info: licence, source, what to cite, counts.
        labels: classes of the n entities.
        features: float32[n, f] CSR; row i is of entity i.
        feature_names: names of the f features.
        splits: of entities: one of Planetoid, ten of HyperGCN.
        interactions: of users and items, train and test.
        sessions: sessions or successive baskets, train and test.
        triples: of a knowledge graph, train, valid and test.
        names: names of the n entities, where ids are numbers and names are known.
    """

    name: str
    graph: Graph
    info: DatasetInfo
    labels: Labels | None = None
    features: sp.csr_array | None = None
    feature_names: tuple[str, ...] | None = None
    splits: tuple[Split, ...] = ()
    interactions: Interactions | None = None
    sessions: Sessions | None = None
    triples: Triples | None = None
    names: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.features is not None:
            frozen(self.features.data), frozen(self.features.indices), frozen(self.features.indptr)

    def __repr__(self) -> str:
        parts = [repr(self.graph) if self.triples is None else self._many_relations()]
        if self.labels is not None:
            parts.append(repr(self.labels))
        if self.features is not None:
            parts.append(f"{self.features.shape[1]:,} features")
        if self.splits:
            parts.append(f"{len(self.splits)} split{'s' if len(self.splits) > 1 else ''}")
        if self.interactions is not None:
            parts.append(f"{len(self.interactions.test):,} test interactions")
        if self.sessions is not None:
            parts.append(f"{len(self.sessions.test):,} test lists")
        if self.triples is not None:
            parts.append(f"{len(self.triples.test):,} test triples")
        return f"Dataset({self.name}: {', '.join(parts)})"

    def _many_relations(self) -> str:
        """The graph of a knowledge graph, whose hundreds of relations are not named."""
        counts = f"{self.graph.num_entities:,} entities, {self.graph.num_hyperedges:,} triples"
        return f"Graph({counts} of {len(self.graph.relations)} relations)"
