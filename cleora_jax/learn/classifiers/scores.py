"""How well scores name the classes of some entities: accuracy, F1 and loss, in float64 on the host."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cleora_jax.graph.labels import leading
from cleora_jax.learn.classifiers.problem import Known

FLOOR = 1e-12  # of a probability, so that a class held impossible costs much, not infinitely much


class Score(NamedTuple):
    """How well the classes of some entities were told.

    Args:
        accuracy: share of entities whose classes are all right.
        micro_f1: F1 over all pairs of entity and class.
        macro_f1: mean over classes of their F1; 0 for one that neither is predicted nor true.
    """

    accuracy: float
    micro_f1: float
    macro_f1: float


def top_classes(scores: np.ndarray, count: np.ndarray) -> np.ndarray:
    """bool[m, c]: the `count` classes of largest score of each row, ties by order of classes; none of score 0.

    Args:
        scores: float[m, c], at least 0.
        count: int[m].
    """
    return leading(scores, count) & (scores > 0)


def score_of(scores: np.ndarray, known: Known) -> Score | None:
    """The score of entities that are known; None where there are none.

    For an entity of k classes the k of largest score are predicted, as in DeepWalk and node2vec: with several classes,
    that is told how many there are.

    Args:
        scores: float[n, c].
        known: of the n entities.
    """
    if not len(known.rows):
        return None
    truth = known.target
    guess = top_classes(scores[known.rows], truth.sum(axis=1))
    both = (truth & guess).sum(axis=0)
    either = truth.sum(axis=0) + guess.sum(axis=0)
    f1 = np.divide(2 * both, either, out=np.zeros(len(both)), where=either > 0)
    exact = (truth == guess).all(axis=1)
    return Score(float(exact.mean()), float(2 * both.sum() / either.sum()), float(f1.mean()))


def loss_of(scores: np.ndarray, known: Known, single: bool) -> float:
    """Mean cross-entropy of probabilities: over entities or, with several classes, over all pairs; NaN for none.

    Args:
        scores: float[m, c], of the known entities alone.
        known: m entities.
        single: rows are one distribution each; else each entry is a probability of its own.
    """
    if not len(known.rows):
        return np.nan
    found = scores.astype(np.float64)
    if single:
        return float(-np.log(np.maximum(found[known.target], FLOOR)).mean())
    right = np.where(known.target, found, 1 - found)
    return float(-np.log(np.maximum(right, FLOOR)).mean())


def merit(scores: np.ndarray, known: Known, single: bool) -> tuple[float, float]:
    """What is chosen by, the larger the better: micro-F1 of the validation entities, then the loss, negated.

    Args:
        scores: float[m, c], of the known entities alone.
        known: m ≥ 1 entities.
        single: as of `loss_of`.
    """
    score = score_of(scores, Known(np.arange(len(known.rows)), known.target))
    return (np.nan if score is None else score.micro_f1), -loss_of(scores, known, single)
