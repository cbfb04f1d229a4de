"""`classify`, the verb: one call for every learner of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress, no_progress
from cleora_jax.graph.adjacency_matrix import adjacency
from cleora_jax.graph.build import Graph, check_graph
from cleora_jax.graph.labels import Labels
from cleora_jax.learn.classifiers.features import feature_table
from cleora_jax.learn.classifiers.problem import Known, Method, Problem
from cleora_jax.learn.classifiers.result import Classified
from cleora_jax.learn.classifiers.scores import score_of
from cleora_jax.vectors.embedding import Embedding

PARTS = ("train", "validation", "test")


def classify(
    labels: Labels,
    method: Method,
    *,
    features: Any = None,
    graph: Graph | None = None,
    split: Sequence[Any],
    progress: Progress = no_progress,
) -> Classified:
    """Learn the classes of entities from some of them, and tell those of all.

    Classes of training entities are learned from; those of validation entities decide when to stop and which settings
    to take; those of test entities are looked at once, at the end, for `Classified.test`.

    Args:
        labels: of n entities, see `labels_of`. Which classes there are is taken from it; of entities in no part of
            `split` nothing else is looked at.
        method: `LogisticRegression()`, `MLP()`, `GCN()`, `SGC()` or `LabelPropagation()`. Its `needs` say which of the
            next two it wants; the other must not be given.
        features: an `Embedding`, float[n, f], or a SciPy sparse matrix n × f, rows as in `labels`.
        graph: of the n entities in the same order; edges are those of `adjacency`.
        split: rows of the training, validation and test entities, each int[m] or bool[n], without common rows; the
            latter two may be empty.
        progress: called after every epoch; see `progress_bar`.

    Raises:
        ValueError: sizes that do not fit, features or a graph missing or not wanted, a split that cannot be (rows out
            of range, twice or without a class, no training entities), or NaN or infinity in features.
        TypeError: arguments of another kind.

    Example:
        >>> import cleora_jax as cj
        >>> from cleora_jax.learn.classifiers import LabelPropagation
        >>> graph = cj.from_edges(["ann", "bob", "dan", "eve"], ["bob", "cid", "eve", "fay"])
        >>> labels = cj.labels_of(graph.vocab, {"ann": "red", "cid": "red", "dan": "blue", "fay": "blue"})
        >>> rows = graph.vocab.indices(["ann", "dan"]), [], graph.vocab.indices(["cid", "fay"])
        >>> found = classify(labels, LabelPropagation(), graph=graph, split=rows)
        >>> found
        Classified(6 entities, 2 classes by LabelPropagation; test accuracy 1.0000; ... iterations, last change ...)
        >>> [found.classes[code] for code in found.codes]
        ['red', 'red', 'red', 'blue', 'blue', 'blue']
    """
    if not isinstance(labels, Labels):
        raise TypeError(f"`labels` must be Labels (see `labels_of`), got {labels!r:.100}.")
    _check_needs(method, features=features, graph=graph)
    train, validation, test = _known_parts(labels, split)
    single = all((part.target.sum(axis=1) == 1).all() for part in (train, validation))
    problem = Problem(
        len(labels), single, train, validation,
        None if features is None else feature_table(features, len(labels)),
        None if graph is None else _edges_of(graph, features, len(labels)),
    )  # fmt: skip
    scores, history, best = method(problem, progress=progress)
    held, judged = score_of(scores, validation), score_of(scores, test)
    return Classified(scores, labels.classes, single, held, judged, history, best, method)


def _check_needs(method: Any, **given: Any) -> None:
    """Raise unless what the method wants is given, and nothing else: what it would ignore would mislead."""
    if not callable(method) or isinstance(method, type) or not hasattr(method, "needs"):
        raise TypeError(f"`method` must be a learner such as LabelPropagation(), got {method!r:.100}.")
    name = type(method).__name__
    for argument, value in given.items():
        if argument in method.needs and value is None:
            raise checks.OptionError(f"`{argument}` must be given: {name} learns from it.")
        if argument not in method.needs and value is not None:
            raise checks.OptionError(f"`{argument}` must not be given: {name} does not look at it.")


def _known_parts(labels: Labels, split: Any) -> list[Known]:
    """Rows and classes of the three parts, checked."""
    if isinstance(split, str) or not isinstance(split, Sequence) or len(split) != len(PARTS):
        raise TypeError(f"`split` must be three arrays of rows (train, validation, test), got {split!r:.100}.")
    parts = [_rows(name, given, len(labels)) for name, given in zip(PARTS, split, strict=True)]
    if not len(parts[0]):
        raise checks.OptionError("`split`: there must be at least one training entity, got none.")
    every = np.concatenate(parts)
    row, count = np.unique(every, return_counts=True)
    if (count > 1).any():
        raise checks.OptionError(
            f"`split`: each row may stand once, in one part; row {row[count > 1][0]} stands twice."
        )
    bare = every[labels.counts[every] == 0]
    if len(bare):
        raise checks.OptionError(
            f"`split`: every entity must have a class; {len(bare):,} have none, such as row {bare[0]}."
        )
    return [Known(rows, labels.matrix[rows].toarray().astype(bool)) for rows in parts]


def _rows(name: str, given: Any, count: int) -> np.ndarray:
    """Rows int64[m] of one part, from rows or a mask."""
    rows = np.asarray(given)
    if rows.dtype == bool and rows.shape == (count,):
        return np.flatnonzero(rows)
    if rows.ndim != 1 or (len(rows) and rows.dtype.kind not in "iu"):
        raise TypeError(
            f"`split`: {name} must be rows int[m] or a mask bool[{count}], got {rows.dtype}{list(rows.shape)}."
        )
    outside = rows[(rows < 0) | (rows >= count)]
    if len(outside):
        raise checks.OptionError(f"`split`: {name} must hold rows from 0 to {count - 1}, got {outside[0]}.")
    return rows.astype(np.int64)


def _edges_of(graph: Any, features: Any, count: int) -> Any:
    check_graph(graph)
    if graph.num_entities != count:
        raise checks.OptionError(f"`graph` must have one entity per label ({count:,}), got {graph!r}.")
    if isinstance(features, Embedding) and features.vocab != graph.vocab:
        raise checks.OptionError("`features` must be of the graph's entities, in its order; the embedding has others.")
    return adjacency(graph)
