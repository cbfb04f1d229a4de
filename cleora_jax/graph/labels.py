"""Labels: the classes of entities, as numbers; names of entities and classes end here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax.graph.hyperedges import frozen
from cleora_jax.graph.vocab import Vocab


@dataclass(frozen=True, eq=False, repr=False)
class Labels:
    """Classes of the n entities of a vocabulary: none, one or several each.

    Args:
        classes: names of the c classes.
        matrix: bool[n, c] CSR, sorted: the classes of each entity.
    """

    classes: tuple[str, ...]
    matrix: sp.csr_array

    def __post_init__(self) -> None:
        frozen(self.matrix.data), frozen(self.matrix.indices), frozen(self.matrix.indptr)

    def __len__(self) -> int:
        return int(self.matrix.shape[0])

    def __repr__(self) -> str:
        kind = "" if self.single else ", several for some"
        return f"Labels({len(self.labelled):,} of {len(self):,} entities, {len(self.classes)} classes{kind})"

    @cached_property
    def counts(self) -> np.ndarray:
        """int64[n]: how many classes each entity has."""
        return frozen(np.diff(self.matrix.indptr).astype(np.int64))

    @cached_property
    def labelled(self) -> np.ndarray:
        """int64: rows of the entities that have a class."""
        return frozen(np.flatnonzero(self.counts))

    @property
    def single(self) -> bool:
        """No entity has more than one class."""
        return bool(self.counts.max(initial=0) <= 1)

    @cached_property
    def codes(self) -> np.ndarray:
        """int32[n]: the class of each entity, −1 for none. Raises ValueError where an entity has several."""
        if not self.single:
            row = int(np.argmax(self.counts))
            raise checks.OptionError(f"entity {row} has {self.counts[row]} classes; at most one is wanted here.")
        codes = np.full(len(self), -1, np.int32)
        codes[self.labelled] = self.matrix.indices
        return frozen(codes)

    def take(self, rows: np.ndarray) -> Labels:
        """Of the entities at `rows`, in that order; classes stay, even those that nobody has any more."""
        return Labels(self.classes, sp.csr_array(self.matrix[rows]))


def labels_of(vocab: Vocab, given: Any, column: str | None = None) -> Labels:
    """Look labels up.

    Args:
        vocab: of n entities.
        given: a mapping from ids to a label or several; pairs (id, label), one for each label; labels of all n entities
            in order, None or −1 for none; or bool[n, c]. Labels are strings or integers.
        column: of the ids, where they stand in several.

    Returns:
        Labels; classes in sorted order, integers as numbers before strings.

    Raises:
        NotFoundError: unknown ids; all are named.
        ValueError: another number of labels than entities.
        TypeError: labels of another kind.

    Example:
        >>> import cleora_jax as cj
        >>> vocab = cj.Vocab.of(["ann", "bob", "cid"])
        >>> labels = labels_of(vocab, {"ann": "red", "bob": ["red", "blue"]})
        >>> labels, labels.classes
        (Labels(2 of 3 entities, 2 classes, several for some), ('blue', 'red'))
        >>> labels_of(vocab, [1, 0, -1]).codes.tolist()
        [1, 0, -1]
    """
    if isinstance(given, Labels):
        return _as_many(given, len(vocab))
    if isinstance(given, Mapping):
        each = [_listed(label) for label in given.values()]
        rows = np.repeat(vocab.indices(list(given), column), [len(some) for some in each])
        return _labels(len(vocab), rows, [label for some in each for label in some])
    if isinstance(given, np.ndarray) and given.ndim == 2 and given.dtype == bool:
        return _as_many(Labels(tuple(map(str, range(given.shape[1]))), sp.csr_array(given)), len(vocab))
    listed = given.tolist() if isinstance(given, np.ndarray) else list(given)
    if listed and isinstance(listed[0], (tuple, list)):
        ids, found = zip(*listed, strict=True)
        return _labels(len(vocab), vocab.indices([str(entity) for entity in ids], column), list(found))
    _as_many(listed, len(vocab))
    rows = np.array([row for row, label in enumerate(listed) if label is not None and label != -1], np.int64)
    return _labels(len(vocab), rows, [listed[row] for row in rows])


def leading(scores: np.ndarray, count: np.ndarray) -> np.ndarray:
    """bool[n, c]: the `count` columns of largest score in each row, the lower column first among equals.

    Args:
        scores: float[n, c].
        count: int[n].
    """
    order = np.argsort(-scores, axis=1, kind="stable")
    chosen = np.zeros(scores.shape, bool)
    np.put_along_axis(chosen, order, np.arange(scores.shape[1]) < count[:, None], axis=1)
    return chosen


def _as_many(labels: Any, count: int) -> Any:
    if len(labels) != count:
        raise checks.OptionError(f"`labels` must be one per entity ({count:,}), got {len(labels):,}.")
    return labels


def _listed(label: Any) -> Sequence[Any]:
    return list(label) if isinstance(label, (list, tuple, set, frozenset, np.ndarray)) else [label]


def _labels(count: int, rows: np.ndarray, names: list[Any]) -> Labels:
    for name in names:
        if isinstance(name, bool) or not isinstance(name, (str, int, np.integer)):
            raise TypeError(f"`labels` must be strings or integers, got {name!r:.100}.")
    kinds = [name if isinstance(name, str) else int(name) for name in names]
    classes = sorted(set(kinds), key=lambda name: (isinstance(name, str), name))
    code = {name: at for at, name in enumerate(classes)}
    shape = (count, len(classes))
    matrix = sp.csr_array((np.ones(len(kinds), bool), (rows, [code[name] for name in kinds])), shape=shape)
    matrix.sum_duplicates()
    matrix.data[:] = True
    return Labels(tuple(map(str, classes)), matrix)
