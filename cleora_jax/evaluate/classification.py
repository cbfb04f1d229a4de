"""Metrics of classification: accuracy, F1 over all classes, and the top-k rule of the multi-label literature."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax.evaluate import arrays
from cleora_jax.graph.labels import leading

Average = Literal["micro", "macro", "weighted"]
AVERAGES = ("micro", "macro", "weighted")


def accuracy(truth: Any, predicted: Any) -> float:
    """Share of entities whose class is the predicted one.

    Args:
        truth, predicted: int[n], codes of classes.

    Raises:
        ValueError: lengths that differ, no entities, negative codes.

    Example:
        >>> accuracy([0, 1, 1, 2], [0, 1, 2, 2])
        0.75
    """
    truth, predicted = arrays.codes("truth", truth), arrays.codes("predicted", predicted)
    arrays.as_many("truth", truth, "predicted", predicted)
    return float(np.mean(truth == predicted))


def f1(truth: Any, predicted: Any, average: Average = "micro") -> float:
    """F1 = 2 tp / (2 tp + fp + fn) over all c classes; a class that nobody has, and nobody is given, counts as 0.

    Args:
        truth, predicted: bool[n, c], the classes of each entity, dense or SciPy sparse (see `one_hot` for codes).
        average: "micro", of the counts of all classes added up (with one class each, the accuracy); "macro", the mean
            over all c classes; "weighted", that mean weighted by how many entities have a class.

    Raises:
        ValueError: shapes that differ, no entities or classes, an unknown average.
        TypeError: not bool.

    Example:
        >>> truth = one_hot([0, 0, 1], 3)
        >>> round(f1(truth, one_hot([0, 1, 1], 3), "macro"), 3)  # 2/3, 2/3, 0
        0.444
    """
    from sklearn.metrics import f1_score

    checks.one_of("average", average, AVERAGES)
    truth, predicted = _indicator("truth", truth), _indicator("predicted", predicted)
    arrays.as_many("truth", truth, "predicted", predicted)
    if truth.shape[1] == 1:  # a column of two values would be read as two classes
        truth, predicted = (np.pad(side, ((0, 0), (0, 1))) for side in (truth, predicted))
        average = "micro"
    return float(f1_score(truth.astype(np.int8), predicted.astype(np.int8), average=average, zero_division=0))


def one_hot(codes: Any, num_classes: int) -> np.ndarray:
    """bool[n, c] from codes int[n] of classes, each below `num_classes`.

    Example:
        >>> one_hot([1, 0], 2).tolist()
        [[False, True], [True, False]]
    """
    codes = arrays.codes("codes", codes)
    if codes.max() >= num_classes:
        raise checks.OptionError(f"`codes` must be below `num_classes` ({num_classes}), got {codes.max()}.")
    hot: np.ndarray = codes[:, None] == np.arange(num_classes)
    return hot


def top_k_labels(scores: Any, counts: Any) -> np.ndarray:
    """The `counts[i]` classes of highest score for entity i: the literature's rule for several labels.

    The true number of labels is given to it, so that only their order is judged: an oracle, to be named in a report.
    Among equal scores the class of the lower column comes first.

    Args:
        scores: float[n, c]; infinite ones may be, NaN not.
        counts: int[n] in 0 … c.

    Returns:
        bool[n, c] with `counts[i]` classes in row i.

    Raises:
        ValueError: NaN in `scores`, or shapes or counts that do not fit.

    Reference: Perozzi, Al-Rfou and Skiena, DeepWalk, 2014, section 5 (after Tang and Liu, 2009).

    Example:
        >>> top_k_labels([[0.2, 0.9, 0.5], [0.1, 0.1, 0.0]], [2, 1]).tolist()
        [[False, True, True], [True, False, False]]
    """
    table, number = np.asarray(scores, np.float64), arrays.codes("counts", counts)
    if table.ndim != 2 or len(table) != len(number):
        raise checks.OptionError(f"`scores` must be [{len(number)}, c], one row per count, got shape {table.shape}.")
    if np.isnan(table).any():
        raise checks.OptionError(
            f"`scores` must not be NaN, got it at place {np.argwhere(np.isnan(table))[0].tolist()}."
        )
    if number.max() > table.shape[1]:
        raise checks.OptionError(f"`counts` must be at most the {table.shape[1]} classes, got {number.max()}.")
    return leading(table, number)


def _indicator(name: str, values: Any) -> np.ndarray:
    table = values.toarray() if sp.issparse(values) else np.asarray(values)
    if table.dtype != bool:
        raise TypeError(f"`{name}` must be bool[n, c], got {table.dtype}; see `one_hot` for codes of classes.")
    if table.ndim != 2 or 0 in table.shape:
        raise checks.OptionError(f"`{name}` must be bool[n, c] of at least one of each, got shape {table.shape}.")
    return table
