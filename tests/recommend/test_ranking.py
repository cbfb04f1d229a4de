"""Ranks, metrics and lists against slow references; ties, and what is never recommended."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

import cleora_jax as cj
from cleora_jax._checks import OptionError
from cleora_jax.evaluate.links import ranks as link_ranks
from cleora_jax.recommend.sessions import ranking
from cleora_jax.recommend.sessions.histories import Cases, Histories
from cleora_jax.recommend.sessions.popularity import SessionPopularity
from cleora_jax.recommend.sessions.ranking import next_item_metrics, target_ranks, top_lists

N = 9
SCORES = st.lists(
    st.lists(st.sampled_from([-np.inf, 0.0, 0.5, 1.0, 2.0]), min_size=N, max_size=N), min_size=1, max_size=9
)


def scorer_of(table: np.ndarray):
    """Scores of history [row]: that row of a table."""
    return lambda histories: table[histories.item]


@given(SCORES, st.integers(0, N - 1), st.integers(1, 40))
def test_ranks_are_those_of_link_prediction(scores, column, rows):
    table = np.array(scores)
    cases = Cases(Histories.of([[row] for row in range(len(table))]), np.full(len(table), column))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranking, "BLOCK_BYTES", rows * 4 * N)
        found = target_ranks(scorer_of(table), cases, N)
    for rank, row in zip(found, table, strict=True):
        if row[column] == -np.inf:
            assert rank == np.inf
        else:
            others = np.delete(row, column)
            others[others == -np.inf] = -1.0
            assert rank == link_ranks([row[column]], others[None])[0]


@given(SCORES, st.integers(1, 12))
def test_lists_are_those_of_a_sort(scores, k):
    table = np.array(scores)
    found = top_lists(scorer_of(table), Histories.of([[row] for row in range(len(table))]), N, k)
    for one, row in zip(found, table, strict=True):
        order = [column for column in np.argsort(-row, kind="stable") if row[column] > -np.inf][:k]
        assert one.tolist() == order + [-1] * (min(k, N) - len(order))


def test_metrics_agree_with_those_of_lists():
    """Where no scores are equal, ranks and lists tell the same."""
    rng = np.random.default_rng(0)
    table, target = rng.random((50, N)), rng.integers(0, N, 50)
    histories = Histories.of([[row] for row in range(50)])
    by_rank = next_item_metrics(target_ranks(scorer_of(table), Cases(histories, target), N), [1, 3, 9])
    relevant = sp.csr_array((np.ones(50), (np.arange(50), target)), shape=(50, N))
    by_list = cj.evaluate.ranking_metrics(top_lists(scorer_of(table), histories, N, 9), relevant, [1, 3, 9])
    for name, value in by_rank.items():
        assert value == pytest.approx(by_list[name], abs=1e-15)


def test_faults_of_a_scorer_are_told():
    cases = Cases(Histories.of([[0]]), np.array([1]))
    with pytest.raises(OptionError, match="scores \\[1, 3\\]"):
        target_ranks(lambda histories: np.zeros((1, 2)), cases, 3)
    with pytest.raises(OptionError, match="NaN"):
        target_ranks(lambda histories: np.full((1, 3), np.nan), cases, 3)
    with pytest.raises(OptionError, match="`ranks`"):
        next_item_metrics(np.zeros(0))


def test_popularity_counts_the_session_first():
    past = Histories.of([[0, 1, 1], [1, 2], [3]])
    scores = SessionPopularity(decay=0.5)(past, 5)(Histories.of([[2, 4, 2, 0], []]))
    wanted = np.array([1, 3, 1, 1, 0]) / 6
    np.testing.assert_allclose(scores[1], wanted)
    np.testing.assert_allclose(scores[0], wanted + 1000 * np.array([1, 0, 0.125 + 0.5, 0, 0.25]))
