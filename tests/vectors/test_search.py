"""Blocked top-k against the dense definition in float64."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from cleora_jax.vectors import search
from cleora_jax.vectors.search import top_k


def unit(x):
    x = np.asarray(x, np.float64)
    size = np.linalg.norm(x, axis=1, keepdims=True)
    return x / np.where(size > 0, size, 1)


def forbidden(exclude, query):
    """The rows that a query must not get."""
    if exclude is None:
        return []
    if sp.issparse(exclude):
        listed = exclude.tocoo()
        return listed.col[listed.row == query].tolist()
    return [int(exclude[query])] if exclude[query] >= 0 else []


def dense(vectors, queries, k, exclude=None, mask=None):
    """All cosines at once, sorted by (−cosine, row)."""
    scores = unit(queries) @ unit(vectors).T
    answers = []
    for query, row in enumerate(scores):
        allowed = set(range(len(vectors)) if mask is None else np.flatnonzero(mask).tolist())
        allowed -= set(forbidden(exclude, query))
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


def assert_exact(found, vectors, queries, k, exclude=None, mask=None, atol=4e-15):
    """To the rounding of float64: every cosine, that none left out is larger, and that equal rows are in row order."""
    scores = unit(queries) @ unit(vectors).T
    for query, answer in enumerate(pairs(found)):
        left = np.ones(len(vectors), bool) if mask is None else mask.copy()
        left[forbidden(exclude, query)] = False
        rows = np.array([row for row, _ in answer], int)
        assert len(set(rows)) == len(rows) == min(k, np.count_nonzero(left)) and left[rows].all()
        np.testing.assert_allclose([score for _, score in answer], scores[query, rows], atol=atol, rtol=0)
        left[rows] = False
        for place, row in enumerate(rows):
            better = np.concatenate([rows[place + 1 :], np.flatnonzero(left)])
            assert (scores[query, better] <= scores[query, row] + atol).all()
            assert not ((vectors[better] == vectors[row]).all(axis=1) & (better < row)).any()


def adversarial(rng, n, d):
    """Rows that float32 products cannot order: at cosines 1 − 1e-9 … 1 − 1e-6, with equal, scaled and zero ones."""
    vectors = np.tile(rng.standard_normal(d), (n, 1)) + 10 ** rng.uniform(-5, -3, (n, 1)) * rng.standard_normal((n, d))
    vectors[rng.random(n) < 0.2] = vectors[0]
    vectors *= np.exp2(rng.integers(-3, 4, (n, 1)))
    vectors[rng.random(n) < 0.1] = 0
    return vectors.astype(np.float32)


def test_the_best_of_many_nearly_equal_rows():
    vectors = np.tile([1, 6e-4], (61, 1)).astype(np.float32)  # at cosine 1 − 1.8e-7, but the last
    vectors[60] = [1, 0]
    found = top_k(vectors, vectors[60:], 1)
    assert (found.rows.tolist(), found.scores.tolist()) == ([[60]], [[1]])


@pytest.mark.parametrize("row_block", [7, 64, 10_000])
@pytest.mark.parametrize(("n", "d"), [(60, 1), (300, 2), (500, 24), (400, 257)])
def test_exact_among_nearly_equal_rows(monkeypatch, row_block, n, d):
    monkeypatch.setattr(search, "ROW_BLOCK", row_block)
    for name, size in (("REDO_QUERIES", 3), ("REDO_ROWS", 50), ("PAIR_BLOCK", 5)):
        monkeypatch.setattr(search, name, size)
    rng = np.random.default_rng(n + row_block)
    vectors = adversarial(rng, n, d)
    queries = np.concatenate([vectors[:6], unit(vectors[6:8]) + 1e-4 * rng.standard_normal((2, d))])
    for k in (1, 10, n - 3, n + 5):
        for exclude in (None, np.array([0, 1, 2, 3, 4, 5, -1, -1])):
            for mask in (None, rng.random(n) < 0.4, np.arange(n) > n - 30):
                assert_exact(top_k(vectors, queries, k, exclude, mask), vectors, queries, k, exclude, mask)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 80), st.integers(1, 40), st.integers(1, 90), st.integers(0, 2**32 - 1))
def test_exact_whatever_the_rows(n, d, k, seed):
    vectors = adversarial(np.random.default_rng(seed), n, d)
    exclude = np.arange(min(n, 5))
    assert_exact(top_k(vectors, vectors[:5], k, exclude), vectors, vectors[:5], k, exclude)


@pytest.mark.parametrize("d", [1, 3, 64, 1000])
def test_float32_scores_are_within_the_bound(d):
    rng = np.random.default_rng(d)
    vectors = (rng.standard_normal((500, d)) * 10 ** rng.uniform(-20, 20, (500, 1))).astype(np.float32)
    vectors[::2] = np.abs(vectors[::2])  # cosines near 1: rounding errors at their largest
    wide = search.unit_rows(vectors, "vectors")
    for part in search._row_blocks(vectors, None, None):
        scores = search._scores(wide[:50].astype(np.float32), part, search._excluded(None, 50, 500).tocsc())
        assert np.abs(scores - wide[:50] @ wide.T).max() < search._noise(d, np.float32)


def test_without_near_ties_nothing_is_done_again(monkeypatch):
    monkeypatch.setattr(search, "_redone", None)
    vectors = np.random.default_rng(3).standard_normal((3000, 32)).astype(np.float32)
    vectors[::5] = 0
    queries = np.concatenate([vectors[:40], np.zeros((1, 32))])
    assert_exact(top_k(vectors, queries, 10), vectors, queries, 10)


def random_exclude(rng, queries, rows, density):
    """Stored entries of any value, zeros and repeats among them."""
    count = rng.poisson(density * queries * rows)
    pairs = rng.integers(0, queries, count), rng.integers(0, rows, count)
    return sp.coo_array((rng.integers(0, 2, count), pairs), shape=(queries, rows))


@pytest.mark.parametrize("kind", ["csr_array", "csc_array", "coo_array", "csr_matrix"])
def test_many_forbidden_rows_in_any_format(kind):
    rng = np.random.default_rng(4)
    vectors = rng.standard_normal((90, 5)).astype(np.float32)
    exclude = getattr(sp, kind)(random_exclude(rng, 90, 90, 0.3))
    mask = rng.random(90) < 0.5
    assert_exact(top_k(vectors, vectors, 7, exclude, mask), vectors, vectors, 7, exclude, mask)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 80), st.integers(1, 20), st.integers(1, 90), st.floats(0, 2), st.integers(0, 2**32 - 1))
def test_exact_whatever_is_forbidden(n, d, k, density, seed):
    rng = np.random.default_rng(seed)
    vectors = adversarial(rng, n, d)
    exclude = random_exclude(rng, min(n, 9), n, density).tocsr()
    mask = None if seed % 2 else rng.random(n) < 0.7
    with pytest.MonkeyPatch.context() as patch:
        for name, size in (("ROW_BLOCK", 16), ("QUERY_BLOCK", 4), ("REDO_QUERIES", 2), ("REDO_ROWS", 5)):
            patch.setattr(search, name, size)
        found = top_k(vectors, vectors[:9], k, exclude, mask)
    assert_exact(found, vectors, vectors[:9], k, exclude, mask)


def test_one_forbidden_row_is_a_matrix_with_one_entry_a_row():
    rng = np.random.default_rng(5)
    vectors, exclude = adversarial(rng, 200, 6), rng.integers(-1, 200, 40)
    query = np.flatnonzero(exclude >= 0)
    matrix = sp.csr_array((np.zeros(len(query)), (query, exclude[query])), shape=(40, 200))
    for one, other in zip(
        top_k(vectors, vectors[:40], 9, exclude), top_k(vectors, vectors[:40], 9, matrix), strict=True
    ):
        np.testing.assert_array_equal(one, other)


def test_forbidden_rows_take_no_candidates(monkeypatch):
    """However many of the best are forbidden, the next are found at once; a query may have no row left."""
    monkeypatch.setattr(search, "_redone", None)
    vectors = np.random.default_rng(6).standard_normal((3000, 16)).astype(np.float32)
    best = top_k(vectors, vectors[:3], 3000)
    pairs = np.repeat([0, 1], [900, 3000]), np.concatenate([best.rows[0, :900], best.rows[1]])
    exclude = sp.csr_array((np.ones(3900), pairs), shape=(3, 3000))
    found = top_k(vectors, vectors[:3], 10, exclude)
    np.testing.assert_array_equal(found.rows[[0, 2]], [best.rows[0, 900:910], best.rows[2, :10]])
    np.testing.assert_array_equal(found.scores[[0, 2]], [best.scores[0, 900:910], best.scores[2, :10]])
    assert (found.rows[1] == -1).all() and (found.scores[1] == -np.inf).all()


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
        ((x, x, 1, sp.csr_array((3, 4))), "exclude"),
        ((x, x, 1, sp.csr_array((2, 3))), "exclude"),
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
