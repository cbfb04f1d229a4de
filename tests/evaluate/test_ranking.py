"""Metrics of recommendation against loops over users, and against scikit-learn's NDCG."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from cleora_jax.evaluate import ranking_metrics

ITEMS = 7
users = st.lists(
    st.tuples(st.permutations(range(ITEMS)), st.integers(0, ITEMS), st.sets(st.integers(0, ITEMS - 1))),
    min_size=1,
    max_size=6,
)


def by_hand(lists: list[list[int]], relevant: list[set[int]], k: int) -> dict[str, float]:
    rows = []
    for items, wanted in zip(lists, relevant, strict=True):
        if not wanted:
            continue
        hits = [item in wanted for item in items[:k]]
        at = [place for place, hit in enumerate(hits, 1) if hit]
        ideal = sum(1 / math.log2(place + 1) for place in range(1, min(k, len(wanted)) + 1))
        rows.append({
            "precision": len(at) / k,
            "recall": len(at) / len(wanted),
            "hit_rate": float(bool(at)),
            "map": sum((number + 1) / place for number, place in enumerate(at)) / min(k, len(wanted)),
            "ndcg": sum(1 / math.log2(place + 1) for place in at) / ideal,
            "mrr": 1 / at[0] if at else 0.0,
        })  # fmt: skip
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    return means | {"coverage": len({item for items in lists for item in items[:k]}) / ITEMS}


@given(users, st.integers(1, ITEMS + 2))
@settings(deadline=None)
def test_equal_to_loops_over_users(found, k):
    lists = [list(order[:length]) for order, length, _ in found]
    relevant = [wanted for *_, wanted in found]
    table = np.full((len(lists), ITEMS), -1)
    truth = np.zeros((len(lists), ITEMS))
    for user, (items, wanted) in enumerate(zip(lists, relevant, strict=True)):
        table[user, : len(items)] = items
        truth[user, list(wanted)] = 1
    if not truth.any():
        with pytest.raises(ValueError, match="`relevant` must hold a relevant item"):
            ranking_metrics(table, sp.csr_array(truth), k)
        return
    result = ranking_metrics(table, sp.csr_array(truth), k)
    expected = by_hand(lists, relevant, k)
    assert set(result) == {f"{name}@{k}" for name in expected}
    for name, value in expected.items():
        assert result[f"{name}@{k}"] == pytest.approx(value, abs=1e-12), name


def test_ndcg_as_scikit_learn():
    rng = np.random.default_rng(0)
    truth = (rng.random((30, 40)) < 0.2).astype(float)
    truth[:, 0] = 1
    scores = rng.random((30, 40))
    result = ranking_metrics(np.argsort(-scores, axis=1), sp.csr_array(truth), [5, 40])
    for k in (5, 40):
        assert result[f"ndcg@{k}"] == pytest.approx(ndcg_score(truth, scores, k=k))


def test_best_lists_score_one_and_random_ones_the_share():
    rng = np.random.default_rng(1)
    truth = rng.random((500, 50)) < 0.1
    truth[:, 0] = True
    best = ranking_metrics(np.argsort(~truth, axis=1, kind="stable"), sp.csr_array(truth), 50)
    assert all(
        best[f"{name}@50"] == pytest.approx(1) for name in ("recall", "hit_rate", "map", "ndcg", "mrr", "coverage")
    )
    chance = ranking_metrics(rng.permuted(np.tile(np.arange(50), (500, 1)), axis=1), sp.csr_array(truth), 10)
    assert chance["recall@10"] == pytest.approx(0.2, abs=0.02)
    assert chance["precision@10"] == pytest.approx(truth.mean(), abs=0.01)


def test_stored_zeros_and_duplicates_of_the_matrix_do_not_count():
    messy = sp.coo_array(([1, 1, 0], ([0, 0, 0], [2, 2, 1])), shape=(1, 3))
    assert ranking_metrics([[2, 1]], messy, 1)["recall@1"] == 1


@pytest.mark.parametrize(
    ("ranked", "message"),
    [
        ([[0, 3], [0, 1]], "neither −1 nor below 3 in the list of user 0"),
        ([[0, 1], [-1, 2]], "an item after −1 in the list of user 1"),
        ([[0, 1], [2, 2]], "an item twice in the list of user 1"),
        ([[0, 1]], r"must be \[2, length\]"),
        (np.zeros((2, 0), int), "length"),
        ([[0.5], [1.0]], "must be integers"),
    ],
)
def test_lists_that_cannot_be_raise(ranked, message):
    with pytest.raises((ValueError, TypeError), match=message):
        ranking_metrics(ranked, sp.csr_array(np.ones((2, 3))), 2)


def test_arguments_that_cannot_be_raise():
    with pytest.raises(TypeError, match="SciPy sparse"):
        ranking_metrics([[0]], np.ones((1, 1)), 1)
    with pytest.raises(ValueError, match="`k` must be at least 1"):
        ranking_metrics([[0]], sp.csr_array(np.ones((1, 1))), 0)
