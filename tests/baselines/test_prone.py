"""ProNE against its formulas: the factorised matrix, the filter and the kernel it approximates, both endings."""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse as sp

import cleora_jax as cj
from cleora_jax.baselines.prone import filtered, logarithms
from tests import dense
from tests.baselines import literature as lit

GRAPH, A = lit.graph_and_matrix(150, 500, weighted=True, hubs=0.6)
BLOCKS, B = lit.communities(150, 4)
START = lit.rown(np.random.default_rng(3).standard_normal((150, 12))).astype(np.float32)


def silent(*_) -> None:
    """No progress."""


def through(by: cj.Filter, a: np.ndarray = A, start: np.ndarray = START) -> np.ndarray:
    return np.asarray(filtered(sp.csr_array(a.astype(np.float32)), jnp.asarray(start), by, silent))


def test_the_matrix_of_logarithms():
    found = logarithms(sp.csr_array(A.astype(np.float32))).toarray()
    np.testing.assert_allclose(found, lit.prone_matrix(A), atol=2e-6)


def test_first_stage():
    found = cj.ProNE(dim=4, filter=None)(BLOCKS)[0]
    expected = lit.rown(lit.root_svd(lit.prone_matrix(B), 4))
    assert dense.gram_error(found, expected) < 1e-3


def test_first_stage_of_all_dimensions():
    """Nothing is left to chance or to power iterations."""
    found = cj.ProNE(dim=150, filter=None)(GRAPH)[0]
    assert dense.gram_error(found, lit.rown(lit.root_svd(lit.prone_matrix(A), 150))) < 1e-5


FILTERS = [
    cj.Filter(),
    cj.Filter(num_terms=2),
    cj.Filter(num_terms=3, theta=2.0),
    cj.Filter(num_terms=10, mu=-4),
    cj.Filter(num_terms=20, mu=-4),
    cj.Filter(num_terms=10, mu=2.5, theta=1.0),
    cj.Filter(theta=0),
]


@pytest.mark.parametrize("by", FILTERS, ids=repr)
@pytest.mark.parametrize("ending", ["svd", "none"])
def test_filter_equals_the_truncated_series(by, ending):
    expected = lit.chebyshev(A, START.astype(float), by.num_terms, by.mu, by.theta)
    if by.theta == 0:  # I_0 = 1, all others 0: nothing passes
        np.testing.assert_allclose(expected, 0, atol=1e-12)
        assert not through(replace(by, ending=ending)).any()
        return
    if ending == "svd":
        left, values, _ = np.linalg.svd(expected, full_matrices=False)
        expected = left * np.sqrt(values)
    assert dense.gram_error(through(replace(by, ending=ending)), lit.rown(expected)) < 2e-5


@pytest.mark.parametrize(("mu", "theta"), [(0.2, 0.5), (1.0, 2.0), (2.0, 0.5), (0.0, 4.0)])
def test_many_terms_tend_to_the_kernel(mu, theta):
    found = through(cj.Filter(num_terms=25, mu=mu, theta=theta, ending="none"))
    assert dense.gram_error(found, lit.rown(lit.kernel(A, START.astype(float), mu, theta))) < 1e-5


def test_one_term_filters_nothing():
    np.testing.assert_array_equal(through(cj.Filter(num_terms=1)), START)
    one = cj.ProNE(dim=8, filter=cj.Filter(num_terms=1))(GRAPH)[0]
    np.testing.assert_array_equal(one, cj.ProNE(dim=8, filter=None)(GRAPH)[0])


def test_low_pass_is_accurate_on_hubs_in_float32():
    """μ = −4 leaves the series' interval: polynomials of degree 18 reach 1e13 and cancel, yet rows keep five digits."""
    _, a = lit.graph_and_matrix(600, 1500, hubs=1.0)
    start = lit.rown(np.random.default_rng(0).standard_normal((600, 32))).astype(np.float32)
    for ending in ("none", "svd"):
        expected = lit.chebyshev(a, start.astype(float), 10, -4, 0.5)
        if ending == "svd":
            left, values, _ = np.linalg.svd(expected, full_matrices=False)
            expected = left * np.sqrt(values)
        expected = lit.rown(expected)
        found = through(cj.Filter(mu=-4, ending=ending), a, start).astype(float)
        assert np.abs(found @ found.T - expected @ expected.T).max() < 5e-5


def test_columns_after_the_svd_are_orthogonal_before_rows_are_scaled():
    """U √Σ, up to rows' scale: the Gram matrix of a table of full rank is U Σ Uᵀ."""
    expected = lit.chebyshev(A, START.astype(float), 10, 0.2, 0.5)
    left, values, _ = np.linalg.svd(expected, full_matrices=False)
    np.testing.assert_allclose(
        np.abs(through(cj.Filter())), np.abs(lit.rown(left * np.sqrt(values))), atol=1e-3, rtol=0
    )


@pytest.mark.parametrize(
    "options",
    [{"mu": 1e6}, {"mu": -4, "num_terms": 60}, {"theta": 1e4}, {"theta": 100.0}, {"mu": -40, "theta": 3.0}],
    ids=repr,
)
def test_filters_that_leave_float32_are_refused(options):
    with pytest.raises(cj.OptionError, match=r"leaves float32.*num_terms.*mu"):
        cj.Filter(**options)


@pytest.mark.parametrize("options", [{"mu": -4, "num_terms": 23}, {"theta": 35.0}, {"mu": -20}], ids=repr)
def test_filters_just_allowed_stay_finite(options):
    found = through(cj.Filter(**options))
    assert np.isfinite(found).all() and found.any(axis=1).all()


class TestSpectralPropagation:
    def test_it_is_the_second_stage(self):
        first = cj.embed(GRAPH, cj.ProNE(dim=8, filter=None))
        found = cj.spectral_propagation(GRAPH, first, cj.Filter(mu=0.5))
        np.testing.assert_array_equal(found.vectors, cj.embed(GRAPH, cj.ProNE(dim=8, filter=cj.Filter(mu=0.5))).vectors)
        assert found.settings["filter"] == {"num_terms": 10, "mu": 0.5, "theta": 0.5, "ending": "svd"}
        assert found.vocab == first.vocab

    def test_isolated_entities_and_the_default(self):
        graph = cj.from_edges([0, 1, 2], [1, 2, 3], num_entities=6)
        vectors = np.random.default_rng(0).standard_normal((6, 3)).astype(np.float32)
        found = cj.spectral_propagation(graph, cj.Embedding(vectors, graph.vocab)).vectors
        assert not found[4:].any()
        a = cj.Graph.counts(graph).toarray()[:4, :4].astype(float)
        a = (a > 0) * (1.0 - np.eye(4))
        left, values, _ = np.linalg.svd(lit.chebyshev(a, vectors[:4].astype(float), 10, 0.2, 0.5), full_matrices=False)
        assert dense.gram_error(found[:4], lit.rown(left * np.sqrt(values))) < 1e-5

    def test_no_edges(self):
        graph = cj.from_edges([0], [0], num_entities=3)
        found = cj.spectral_propagation(graph, cj.Embedding(np.ones((3, 2), np.float32), graph.vocab))
        assert not found.vectors.any()

    def test_bad_input(self):
        other = cj.embed(cj.from_edges([0, 5], [1, 6]), cj.ProNE(dim=2))
        with pytest.raises(cj.OptionError, match="`embedding` must be of the entities"):
            cj.spectral_propagation(GRAPH, other)
        with pytest.raises(TypeError, match="`filter` must be a Filter"):
            cj.spectral_propagation(GRAPH, cj.embed(GRAPH, cj.ProNE(dim=2)), 0.2)
        with pytest.raises(TypeError, match="`embedding` must be an Embedding"):
            cj.spectral_propagation(GRAPH, START)
        with pytest.raises(TypeError, match="`graph` must be a Graph"):
            cj.spectral_propagation(A, cj.embed(GRAPH, cj.ProNE(dim=2)))
