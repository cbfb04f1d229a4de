"""Metrics of classification against scikit-learn and counts written out."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score

from cleora_jax.evaluate import accuracy, f1, one_hot, top_k_labels

RNG = np.random.default_rng(3)
tables = st.integers(1, 5).flatmap(
    lambda c: st.lists(st.tuples(*[st.lists(st.booleans(), min_size=c, max_size=c)] * 2), min_size=1, max_size=12)
)


def counted(truth: np.ndarray, predicted: np.ndarray, average: str) -> float:
    """F1 from its definition, class by class."""
    hit = [int(sum(a and b for a, b in zip(*both, strict=True))) for both in zip(truth.T, predicted.T, strict=True)]
    size = [int(a.sum() + b.sum()) for a, b in zip(truth.T, predicted.T, strict=True)]
    if average == "micro":
        return 2 * sum(hit) / sum(size) if sum(size) else 0.0
    each = [2 * h / s if s else 0.0 for h, s in zip(hit, size, strict=True)]
    weight = truth.sum(axis=0) if average == "weighted" else np.ones(truth.shape[1])
    return float(np.dot(each, weight) / weight.sum()) if weight.sum() else 0.0


@given(tables, st.sampled_from(["micro", "macro", "weighted"]))
@settings(deadline=None)
def test_f1_is_its_definition(rows, average):
    truth, predicted = (np.array(side, bool) for side in zip(*rows, strict=True))
    assert f1(truth, predicted, average) == pytest.approx(counted(truth, predicted, average), abs=1e-12)
    assert f1(sp.csr_array(truth), sp.csc_array(predicted), average) == f1(truth, predicted, average)


def test_of_single_labels_as_scikit_learn_with_all_classes():
    truth, predicted = RNG.integers(0, 5, 200), RNG.integers(0, 5, 200)
    for average in ("micro", "macro", "weighted"):
        expected = f1_score(truth, predicted, labels=np.arange(8), average=average, zero_division=0)
        assert f1(one_hot(truth, 8), one_hot(predicted, 8), average) == pytest.approx(expected)
    assert accuracy(truth, predicted) == accuracy_score(truth, predicted)
    assert f1(one_hot(truth, 8), one_hot(predicted, 8)) == pytest.approx(accuracy(truth, predicted))


def test_macro_counts_empty_classes_as_zero():
    truth = one_hot([0, 1], 2)
    assert f1(truth, truth, "macro") == 1
    assert f1(one_hot([0, 1], 4), one_hot([0, 1], 4), "macro") == 0.5


def test_top_k_takes_as_many_as_are_true_and_the_first_of_ties():
    scores = np.array([[0.0, 0.0, 0.0], [1.0, 2.0, 3.0], [-np.inf, np.inf, 0.0], [0.0, 1.0, 2.0]])
    found = top_k_labels(scores, [2, 1, 2, 0])
    assert found.tolist() == [[True, True, False], [False, False, True], [False, True, True], [False] * 3]


def test_top_k_of_random_scores_is_at_chance():
    truth = RNG.random((4000, 20)) < 0.1
    predicted = top_k_labels(RNG.random(truth.shape), truth.sum(axis=1))
    np.testing.assert_array_equal(predicted.sum(axis=1), truth.sum(axis=1))
    share = (truth.sum(axis=1) ** 2).sum() / truth.sum() / 20  # k of 20 are drawn, k of them true: k²/20 hits
    assert f1(truth, predicted) == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: top_k_labels([[np.nan, 1.0]], [1]), r"`scores` must not be NaN, got it at place \[0, 0\]"),
        (lambda: top_k_labels([[0.0, 1.0]], [3]), "at most the 2 classes, got 3"),
        (lambda: top_k_labels([[0.0, 1.0]], [1, 1]), "one row per count"),
        (lambda: accuracy([0, 1], [0]), "same shape"),
        (lambda: accuracy([], []), "not be empty"),
        (lambda: accuracy([-1], [0]), "at least 0, got -1"),
        (lambda: f1(np.zeros((2, 0), bool), np.zeros((2, 0), bool)), "at least one of each"),
        (lambda: f1(np.ones((2, 1), bool), np.ones((2, 2), bool)), "same shape"),
        (lambda: f1(np.ones((2, 1), bool), np.ones((2, 1), bool), "mean"), "`average` must be one of"),
        (lambda: f1([0, 1], [0, 1]), "must be bool"),
        (lambda: one_hot([3], 3), "below `num_classes`"),
    ],
)
def test_what_cannot_be_raises(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()
