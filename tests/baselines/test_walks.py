"""Walks: their transitions, counted, against the exact chances of a second-order step; and where they end."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse as sp
from scipy.stats import chi2

from cleora_jax.baselines.walks import NOBODY, Arcs, Bias, random_walks

LENGTH, WALKERS = 30, 3000


def graph(directed: bool, weighted: bool) -> np.ndarray:
    """Ten nodes: a hub (0), a leaf (8) that hangs on it, a triangle, and an isolated node (9); weights over two decades."""
    rng = np.random.default_rng(4)
    dense = (rng.random((10, 10)) < (0.6 if directed else 0.35)) * (
        10 ** rng.uniform(-1, 1, (10, 10)) if weighted else 1.0
    )
    dense[0, 1:8] = 1.0
    dense[8], dense[:, 8] = 0, 0
    dense[0, 8] = dense[8, 0] = 3.0 if weighted else 1.0
    dense[9], dense[:, 9] = 0, 0
    np.fill_diagonal(dense, 0)
    return dense if directed else np.maximum(dense, dense.T)


def exact_step(dense: np.ndarray, last: int, node: int, p: float, q: float) -> np.ndarray:
    """Chances of the next node, by definition."""
    bias = np.where(dense[:, last] > 0, 1.0, 1 / q)  # does x have an arc to `last`?
    bias[last] = 1 / p
    weight = dense[node] * bias
    return weight / weight.sum()


def walks_of(dense: np.ndarray, p: float, q: float, seed: int = 0) -> np.ndarray:
    matrix = sp.csr_array(dense.astype(np.float32))
    starts = np.resize(np.flatnonzero(dense.any(1)), WALKERS).astype(np.int32)
    bias = Bias(p, q)
    return np.asarray(random_walks(Arcs.of(matrix, bias), jnp.asarray(starts), jax.random.key(seed), LENGTH, bias))


def p_value(counts: np.ndarray, chances: np.ndarray) -> tuple[float, int]:
    """χ² and its degrees of freedom; what has no chance must not occur."""
    assert not counts[chances == 0].any()
    there = chances > 0
    expected = counts.sum() * chances[there]
    return float(((counts[there] - expected) ** 2 / expected).sum()), int(there.sum() - 1)


PQ = [(1, 1), (0.25, 0.25), (0.25, 4), (4, 0.25), (4, 1), (0.5, 2), (2, 0.5), (0.1, 0.2)]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize(("p", "q"), PQ)
def test_transitions_are_those_of_the_definition(p, q, directed, weighted):
    dense = graph(directed, weighted)
    walks = walks_of(dense, p, q)
    counts = np.zeros((10, 10, 10))
    triples = np.stack([walks[:, :-2].ravel(), walks[:, 1:-1].ravel(), walks[:, 2:].ravel()], 1)
    np.add.at(counts, tuple(triples[triples[:, 2] >= 0].T), 1)
    total, freedom = 0.0, 0
    for last, node in np.argwhere(counts.sum(2) >= 200):
        value, more = p_value(counts[last, node], exact_step(dense, last, node, p, q))
        total, freedom = total + value, freedom + more
    assert freedom > 50
    assert chi2.sf(total, freedom) > 1e-4, f"χ² {total:.1f} for {freedom} degrees of freedom"


@pytest.mark.parametrize(("p", "q"), [(1, 1), (0.25, 4), (4, 0.25)])
def test_the_first_step_is_by_weight_alone(p, q):
    dense = graph(directed=False, weighted=True)
    walks = walks_of(dense, p, q)
    value, freedom = 0.0, 0
    for node in range(9):
        first = walks[walks[:, 0] == node, 1]
        one, more = p_value(np.bincount(first, minlength=10), dense[node] / dense[node].sum())
        value, freedom = value + one, freedom + more
    assert chi2.sf(value, freedom) > 1e-4


def test_the_test_can_fail():
    """Walks of another bias are told apart."""
    dense = graph(directed=False, weighted=True)
    walks = walks_of(dense, 1, 1)
    triples = np.stack([walks[:, :-2].ravel(), walks[:, 1:-1].ravel(), walks[:, 2:].ravel()], 1)
    last, node = 0, int(np.flatnonzero(dense[0])[0])
    counts = np.bincount(triples[(triples[:, 0] == last) & (triples[:, 1] == node), 2], minlength=10)
    assert chi2.sf(*p_value(counts, exact_step(dense, last, node, 0.5, 1))) < 1e-4


def test_first_and_second_order_agree_where_p_and_q_are_one():
    """Second order with p = q = 1 − ε, which takes the other code."""
    dense = graph(directed=False, weighted=True)
    counts = []
    for bias in (1, 1 - 1e-6):
        walks = walks_of(dense, bias, bias)
        found = np.zeros((10, 10))
        np.add.at(found, (walks[:, :-1].ravel(), walks[:, 1:].ravel()), 1)
        counts.append(found[dense > 0])
    one, other = counts
    value = ((one - other) ** 2 / (one + other)).sum()
    assert chi2.sf(value, (dense > 0).sum() - 9) > 1e-4


@pytest.mark.parametrize(("p", "q"), [(1, 1), (0.3, 2), (3, 0.5)])
def test_sinks_end_walks_and_nobody_stays_nobody(p, q):
    dense = np.zeros((4, 4))
    dense[0, 1] = dense[1, 2] = 1
    bias = Bias(p, q)
    starts = jnp.array([0, 1, 2, 3, NOBODY])
    walks = random_walks(Arcs.of(sp.csr_array(dense.astype(np.float32)), bias), starts, jax.random.key(0), 4, bias)
    assert walks.tolist() == [[0, 1, 2, -1], [1, 2, -1, -1], [2, -1, -1, -1], [3, -1, -1, -1], [-1, -1, -1, -1]]


@pytest.mark.parametrize(("p", "q"), [(1, 1), (4, 0.25), (0.25, 4)])
def test_a_pair_apart_goes_back_and_forth(p, q):
    dense = np.array([[0, 1], [1, 0]])
    walks = walks_of(dense, p, q)
    assert (walks[:, ::2] == walks[:, :1]).all() and (walks[:, 1::2] == 1 - walks[:, :1]).all()


def test_seeds():
    dense = graph(directed=False, weighted=False)
    np.testing.assert_array_equal(walks_of(dense, 0.5, 2), walks_of(dense, 0.5, 2))
    assert (walks_of(dense, 0.5, 2) != walks_of(dense, 0.5, 2, seed=1)).any()


def test_walks_of_one_node():
    assert random_walks(
        Arcs.of(sp.csr_array(np.ones((2, 2), np.float32))), jnp.array([1]), jax.random.key(0), 1
    ).tolist() == [[1]]


def test_compiled_once_for_all_p_and_q():
    from cleora_jax.baselines import walks

    dense = graph(directed=False, weighted=False)
    walks_of(dense, 2, 0.5)
    before = walks._second_order._cache_size()
    walks_of(dense, 3, 0.7)
    assert walks._second_order._cache_size() == before
