"""HOPE against the Katz matrix; ρ of graphs that power iterations find hard; series that do not settle."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp

import cleora_jax as cj
from cleora_jax.baselines.hope import katz_decay, largest_singular_value, radius
from tests.baselines import literature as lit

GRAPH, A = lit.graph_and_matrix(120, 300, weighted=True, hubs=0.8)
ARCS, OUT = lit.graph_and_matrix(120, 300, seed=2, directed=True, hubs=0.5)


def csr(matrix: np.ndarray) -> sp.csr_array:
    return sp.csr_array(np.asarray(matrix, float))


def rho(matrix: np.ndarray) -> float:
    return float(np.abs(np.linalg.eigvals(matrix)).max())


def product(method: cj.HOPE, graph: cj.Graph) -> np.ndarray:
    """Sources by targets."""
    vectors = method(graph)[0].astype(float)
    half = method.dim // 2
    return vectors[:, :half] @ vectors[:, half:].T


@pytest.mark.parametrize("decay", [0.1, 0.5, 0.95])
def test_undirected_products_are_the_katz_matrix(decay):
    expected = lit.katz(A, decay / rho(A))
    found = product(cj.HOPE(dim=240, decay=decay, scaling="none"), GRAPH)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("decay", [0.1, 0.5, 0.95])
def test_directed_products_are_the_katz_matrix(decay):
    expected = lit.katz(OUT, decay / rho(OUT))
    found = product(cj.HOPE(dim=240, decay=decay, scaling="none", directed=True), ARCS)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("directed", [False, True])
def test_few_dimensions_are_the_best_approximation(directed):
    graph, a = (ARCS, OUT) if directed else (GRAPH, A)
    katz = lit.katz(a, 0.5 / rho(a))
    left, values, right = np.linalg.svd(katz)
    best = (left[:, :8] * values[:8]) @ right[:8]
    found = product(cj.HOPE(dim=16, scaling="none", directed=directed), graph)
    assert np.linalg.norm(found - katz) < 1.005 * np.linalg.norm(best - katz)


def test_halves_are_balanced_and_of_unit_length_if_wanted():
    raw, unit = (cj.HOPE(dim=12, scaling=scaling)(GRAPH)[0] for scaling in ("none", "l2"))
    np.testing.assert_allclose(np.linalg.norm(raw[:, :6], axis=0), np.linalg.norm(raw[:, 6:], axis=0), rtol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(unit.reshape(120, 2, 6), axis=2), 1, atol=1e-5)
    np.testing.assert_allclose(unit[:, :6], lit.rown(raw[:, :6].astype(float)), atol=1e-5)


def ring(count: int, spread: float) -> sp.csr_array:
    """Arcs to the next two, of unequal weights: eigenvalues crowd around the largest."""
    weight = np.random.default_rng(0).lognormal(0, spread, (2, count))
    here = np.arange(count)
    ends = np.tile(here, 2), np.concatenate([here + 1, here + 2]) % count
    return sp.csr_array((weight.ravel(), ends), (count, count))


def test_radius_where_power_iterations_are_slow():
    matrix = ring(400, 1.5)
    assert radius(matrix) == pytest.approx(rho(matrix.toarray()), rel=1e-5)


def test_a_radius_that_is_not_found_is_told():
    with pytest.warns(cj.ConvergenceWarning, match="spectral radius"):
        assert radius(ring(700, 1.5)) > 0


def test_katz_centrality_is_the_row_sum():
    """Of networkx, which follows arcs into an entity and adds 1."""
    graph, a = lit.graph_and_matrix(40, 80, seed=5)
    beta = 0.5 / rho(a)
    simple = nx.from_numpy_array(a)
    centrality = nx.katz_centrality_numpy(simple, alpha=beta, normalized=False, weight="weight")
    found = product(cj.HOPE(dim=80, scaling="none"), graph).sum(1) + 1
    np.testing.assert_allclose(found, [centrality[i] for i in range(40)], rtol=1e-4)


def test_negative_eigenvalues_do_not_push_out_positive_ones():
    """Sides of a complete 8-partite graph have seven times −10; three cliques have +9, which Katz ranks first."""
    parts = np.kron(1 - np.eye(8), np.ones((10, 10)))
    a = sp.block_diag([parts, *[np.ones((10, 10)) - np.eye(10)] * 3]).toarray()
    graph = cj.from_edges(*np.nonzero(np.triu(a)), num_entities=len(a))
    katz = lit.katz(a, 0.5 / 70)
    values = np.linalg.svd(katz, compute_uv=False)
    found = product(cj.HOPE(dim=8, scaling="none"), graph)
    assert np.linalg.norm(found - katz) < 1.001 * np.sqrt((values[4:] ** 2).sum())


class TestRadius:
    CASES = {
        "undirected": A,
        "directed": OUT,
        "path": np.diag(np.ones(9), 1) + np.diag(np.ones(9), -1),
        "star": np.pad(np.ones((1, 30)), ((0, 30), (1, 0))) + np.pad(np.ones((1, 30)), ((0, 30), (1, 0))).T,
        "bipartite": np.kron([[0, 1], [1, 0]], np.ones((5, 5))),
        "one cycle": np.roll(np.eye(12), 1, axis=1),
        "cycle of unequal weights": np.roll(np.diag([1.0, 9, 1, 4, 25]), 1, axis=1),
        "two periods": np.kron([[0, 5], [0.2, 0]], np.ones((3, 3))),
        "cycles in a row": np.kron(np.eye(4), np.roll(np.eye(3), 1, axis=1)) + np.eye(12, k=3),
        "a loop of two in a long path": np.eye(40, k=1) + np.pad([[1.0]], ((20, 19), (19, 20))),
        "two components": sp.block_diag([np.ones((4, 4)) - np.eye(4), np.ones((6, 6)) - np.eye(6)]).toarray(),
    }

    @pytest.mark.parametrize("name", CASES)
    def test_it_is_the_largest_eigenvalue(self, name):
        matrix = self.CASES[name]
        assert radius(csr(matrix)) == pytest.approx(rho(matrix), rel=1e-4)

    @pytest.mark.parametrize("scale", [1e-30, 1e30])
    def test_of_any_scale(self, scale):
        assert radius(csr(OUT * scale)) == pytest.approx(rho(OUT) * scale, rel=1e-4)

    @pytest.mark.parametrize("name", CASES)
    def test_largest_singular_value(self, name):
        matrix = self.CASES[name]
        assert largest_singular_value(csr(matrix)) == pytest.approx(np.linalg.norm(matrix, 2), rel=1e-4)

    def test_without_a_cycle_it_is_zero(self):
        assert radius(csr(np.triu(np.ones((30, 30)), 1))) == 0


def test_graphs_without_cycles_use_the_largest_singular_value():
    rng = np.random.default_rng(0)
    a = np.triu(rng.random((60, 60)) < 0.2, 1).astype(float)
    a[np.arange(59), np.arange(1, 60)] = 1
    found = product(cj.HOPE(dim=120, scaling="none", directed=True), cj.from_edges(*np.nonzero(a), num_entities=len(a)))
    expected = lit.katz(a, 0.5 / np.linalg.norm(a, 2))
    np.testing.assert_allclose(found, expected, atol=1e-4 * expected.max())


def test_next_to_no_cycle_is_no_cycle():
    """One pair of arcs back and forth (ρ = 1) in a dense graph without others (σ = 60): powers of A/2 would overflow."""
    a = np.triu(np.ones((100, 100)), 1)
    a[99, 98] = 1
    beta, terms = katz_decay(csr(a), 0.5)
    assert beta == pytest.approx(0.5 / np.linalg.norm(a, 2), rel=1e-4) and terms < 30
    found = product(cj.HOPE(dim=200, scaling="none", directed=True), cj.from_edges(*np.nonzero(a), num_entities=len(a)))
    np.testing.assert_allclose(found, lit.katz(a, beta), atol=1e-4)


def test_terms_suffice():
    """What is left out is rounding, for any decay, and where eigenvalues are defective."""
    chain = TestRadius.CASES["cycles in a row"]
    for a, decay in ((OUT, 0.5), (OUT, 0.99), (chain, 0.9)):
        beta, terms = katz_decay(csr(a), decay)
        total, power = np.zeros(len(a)), np.ones(len(a))
        for _ in range(terms):
            power = beta * a @ power
            total += power
        expected = lit.katz(a, beta).sum(1)
        assert np.linalg.norm(total - expected) < 3e-5 * np.linalg.norm(expected)
    assert katz_decay(csr(OUT), 0.5)[1] <= 25  # half of the radius: 24 terms leave 6e-8


def test_bad_options():
    with pytest.raises(cj.OptionError, match="`dim` must be even"):
        cj.HOPE(dim=7)
    with pytest.raises(cj.OptionError, match="`decay` must be further from 1"):
        cj.HOPE(dim=4, decay=0.99999, directed=True)(ARCS)
