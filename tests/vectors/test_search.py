"""Blocked top-k against the dense definition in float64."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleora_jax.vectors import search
from cleora_jax.vectors.search import top_k


def unit(x):
    x = np.asarray(x, np.float64)
    size = np.linalg.norm(x, axis=1, keepdims=True)
    return x / np.where(size > 0, size, 1)


def dense(vectors, queries, k, exclude=None, mask=None):
    """All cosines at once, sorted by (−cosine, row)."""
    scores = unit(queries) @ unit(vectors).T
    answers = []
    for query, row in enumerate(scores):
        allowed = set(range(len(vectors)) if mask is None else np.flatnonzero(mask).tolist())
        allowed -= set() if exclude is None else {int(exclude[query])}
        answers.append([(i, row[i]) for i in sorted(allowed, key=lambda i: (-row[i], i))[:k]])
    return answers


def pairs(found):
    return [[(r, s) for r, s in zip(rows, scores, strict=True) if r >= 0] for rows, scores in zip(*found, strict=True)]


def assert_same(found, expected, atol=1e-12):
    """The same cosines; the same rows but where cosines are equal."""
    for got, want in zip(pairs(found), expected, strict=True):
        assert len(got) == len(want)
        np.testing.assert_allclose([s for _, s in got], [s for _, s in want], atol=atol)
        assert [s for _, s in got] == sorted((s for _, s in got), reverse=True)


@pytest.mark.parametrize("row_block", [1, 7, 64, 10_000])
@pytest.mark.parametrize("query_block", [3, 1024])
@pytest.mark.parametrize("masked", [False, True])
def test_blocked_equals_dense(monkeypatch, row_block, query_block, masked):
    monkeypatch.setattr(search, "ROW_BLOCK", row_block)
    monkeypatch.setattr(search, "QUERY_BLOCK", query_block)
    rng = np.random.default_rng(row_block)
    vectors = rng.standard_normal((200, 12)).astype(np.float32)
    vectors[::9] = 0
    exclude = rng.integers(-1, 200, 11)
    mask = rng.random(200) < 0.3 if masked else None
    for k in (1, 10, 500):
        found = top_k(vectors, vectors[:11], k, exclude, mask)
        expected = dense(vectors, vectors[:11], k, exclude, mask)
        assert_same(found, expected)
        if row_block == 7 and k == 10:  # without ties (the queries that are not zero), the very same rows
            for query in np.flatnonzero(np.linalg.norm(vectors[:11], axis=1)):
                assert [r for r, _ in pairs(found)[query]] == [r for r, _ in expected[query]]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 5), st.integers(1, 50), st.integers(0, 2**32 - 1), st.integers(1, 16))
def test_small_whole_numbers_with_many_ties(n, d, k, seed, block):
    """Equal rows stand in row order, however the rows fall into blocks."""
    rng = np.random.default_rng(seed)
    vectors = rng.integers(-1, 2, (n, d)).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "ROW_BLOCK", block)
        found = top_k(vectors, vectors[:4], k, np.arange(min(4, n)))
    assert_same(found, dense(vectors, vectors[:4], k, np.arange(min(4, n))))
    for query, answer in enumerate(pairs(found)):
        assert query not in [row for row, _ in answer]
        for (row, score), (later, other) in pairwise(answer):
            assert score > other or row < later


def test_equal_rows_come_in_row_order_at_the_cut():
    vectors = np.tile(np.random.default_rng(0).standard_normal(33).astype(np.float32), (20_011, 1))
    found = top_k(vectors, vectors[:2], 5, np.array([0, 1]))
    assert found.rows.tolist() == [[1, 2, 3, 4, 5], [0, 2, 3, 4, 5]]
    assert (found.scores == found.scores[0, 0]).all()


def test_zero_rows_have_cosine_zero():
    vectors = np.array([[0, 0], [1, 0], [-1, 0]], np.float32)
    found = top_k(vectors, vectors, 3)
    assert found.rows.tolist() == [[0, 1, 2], [1, 0, 2], [2, 0, 1]]
    assert found.scores.tolist() == [[0, 0, 0], [1, 0, -1], [1, 0, -1]]


@pytest.mark.parametrize("scale", [1e-44, 1e-30, 1e30, 3e38])
def test_extreme_lengths(scale):
    vectors = (np.array([[1, 0], [1, 1], [0, 1], [-1, 0]]) * scale).astype(np.float32)
    found = top_k(vectors, np.array([[1.0, 0.0]]), 4)
    assert found.rows.tolist() == [[0, 1, 2, 3]]
    np.testing.assert_allclose(found.scores, [[1, np.sqrt(0.5), 0, -1]], atol=0.01)


def test_wrong_arguments():
    x = np.ones((3, 2), np.float32)
    bad = x.copy()
    bad[1, 1] = np.nan
    for arguments, message in [
        ((x, np.ones((1, 3)), 1), "queries"),
        ((x, x, 0), "`k`"),
        ((bad, x, 1), "row 1"),
        ((x, bad, 1), "finite"),
        ((x, x, 1, np.zeros(2, int)), "exclude"),
        ((x, x, 1, None, np.ones(2, bool)), "mask"),
    ]:
        with pytest.raises(ValueError, match=message):
            top_k(*arguments)


def test_nothing_to_choose_from():
    x = np.ones((2, 2), np.float32)
    assert top_k(x, x, 3, mask=np.zeros(2, bool)).rows.shape == (2, 0)
    assert top_k(x[:0], x, 3).rows.shape == (2, 0)
    assert top_k(x, x[:0], 1).rows.shape == (0, 1)
    assert top_k(x[:1], x[:1], 1, np.array([0])).rows.tolist() == [[-1]]
