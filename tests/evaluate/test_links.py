"""Metrics of link prediction against scikit-learn and OGB's formulas, written out; ties, and scores at chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleora_jax.evaluate import average_precision, hits_at_k, hits_within, mean_reciprocal_rank, ranks, roc_auc

RNG = np.random.default_rng(5)
scores = st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=12)  # few values: many ties


@given(scores, scores)
@settings(deadline=None)
def test_auc_counts_pairs_and_ties_half(positive, negative):
    wins = np.mean([(p > n) + (p == n) / 2 for p in positive for n in negative])
    assert roc_auc(positive, negative) == pytest.approx(wins, abs=1e-12)


@given(scores, scores)
@settings(deadline=None)
def test_average_precision_adds_up_over_distinct_thresholds(positive, negative):
    total, before = 0.0, 0
    for cut in sorted({*positive, *negative}, reverse=True):
        hit, listed = sum(p >= cut for p in positive), sum(s >= cut for s in positive + negative)
        total += (hit - before) / len(positive) * hit / listed
        before = hit
    assert average_precision(positive, negative) == pytest.approx(total, abs=1e-12)


@given(scores, scores, st.integers(1, 14))
@settings(deadline=None)
def test_hits_at_k_as_ogb(positive, negative, k):
    expected = 1.0 if len(negative) < k else np.mean(np.array(positive) > sorted(negative)[-k])
    assert hits_at_k(positive, negative, k) == expected


@given(st.integers(1, 6).flatmap(lambda c: st.lists(st.tuples(st.integers(0, 3), st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=c, max_size=c)), min_size=1, max_size=5)))  # fmt: skip
@settings(deadline=None)
def test_ranks_as_ogb_and_filtered(rows):
    positive = np.array([row[0] for row in rows], float)
    negative = np.array([[score for score, _ in row[1]] for row in rows], float)
    ignore = np.array([[hidden for _, hidden in row[1]] for row in rows])
    above, level = (negative > positive[:, None]).sum(1), (negative >= positive[:, None]).sum(1)
    np.testing.assert_array_equal(ranks(positive, negative), 0.5 * (above + level) + 1)
    if ignore.all(axis=1).any():
        with pytest.raises(ValueError, match=f"no candidate to positive {int(ignore.all(axis=1).argmax())}"):
            ranks(positive, negative, ignore)
        return
    each = [ranks(p[None], n[~i][None])[0] for p, n, i in zip(positive, negative, ignore, strict=True)]
    np.testing.assert_array_equal(ranks(positive, negative, ignore), each)


def test_mrr_and_hits_of_ranks():
    found = [1, 2.5, 10, 10.5]
    assert mean_reciprocal_rank(found) == pytest.approx((1 + 0.4 + 0.1 + 1 / 10.5) / 4)
    assert hits_within(found, 10) == 0.75 and hits_within(found, 1) == 0.25


def test_constant_scores_win_nothing():
    """Leak list 8: optimistic ranking would give 1.0."""
    same = np.zeros(50)
    assert roc_auc(same, same) == 0.5 and average_precision(same, same) == 0.5
    assert hits_at_k(same, same, 10) == 0
    found = ranks(same, np.zeros((50, 1000)))
    assert mean_reciprocal_rank(found) == 1 / 501 and hits_within(found, 10) == 0


def test_random_scores_are_at_chance():
    positive, negative = RNG.random(4000), RNG.random((4000, 100))
    assert roc_auc(positive, negative[:, 0]) == pytest.approx(0.5, abs=0.02)
    assert average_precision(positive, negative[:, 0]) == pytest.approx(0.5, abs=0.03)
    found = ranks(positive, negative)
    assert found.mean() == pytest.approx(51, abs=2) and hits_within(found, 10) == pytest.approx(10 / 101, abs=0.02)
    assert mean_reciprocal_rank(found) == pytest.approx((1 / np.arange(1, 102)).mean(), abs=0.01)


@pytest.mark.parametrize("metric", [roc_auc, average_precision, lambda a, b: hits_at_k(a, b, 1)])
def test_what_is_no_score_raises(metric):
    for wrong in (np.nan, np.inf):
        with pytest.raises(ValueError, match=r"`negative` must be finite, got (nan|inf) at place \[1\]"):
            metric([1.0], [0.0, wrong])
    with pytest.raises(ValueError, match="`positive` must have 1 axes and not be empty"):
        metric(np.zeros(0), [1.0])
    with pytest.raises(TypeError, match="must be numbers"):
        metric(["a"], [1.0])


def test_ranks_that_cannot_be_raise():
    with pytest.raises(ValueError, match="a row for each positive"):
        ranks([1.0, 2.0], [[1.0]])
    with pytest.raises(ValueError, match="`ignore` must be bool"):
        ranks([1.0], [[1.0]], [[0]])
    with pytest.raises(ValueError, match="must be finite, got nan"):
        ranks([1.0], [[np.nan]])
    with pytest.raises(ValueError, match="at least 1, got 0"):
        mean_reciprocal_rank([0.0])
    with pytest.raises(ValueError, match="`k` must be at least 1"):
        hits_within([1.0], 0)
