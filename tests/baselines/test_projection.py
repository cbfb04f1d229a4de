"""RandNE and FastRP against their polynomials, from the same random start."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

import cleora_jax as cj
from cleora_jax.baselines.projection import standard, very_sparse
from cleora_jax.sparse.spectral import gaussian
from cleora_jax.vectors.orthogonal import gram, orthonormal
from tests.baselines import literature as lit

GRAPH, A = lit.graph_and_matrix(200, 700, weighted=True, hubs=0.5)
ARCS, OUT = lit.graph_and_matrix(200, 700, seed=1, directed=True)


def randne_start(count: int, dim: int, seed: int = 0) -> np.ndarray:
    """R with orthogonal columns, each of the length it was drawn with."""
    drawn = gaussian(seed, count, dim) / np.float32(np.sqrt(dim))
    return np.asarray(orthonormal(drawn), float) * np.linalg.norm(np.asarray(drawn, float), axis=0)


def test_randne_start_spans_what_was_drawn_and_is_orthogonal():
    start, drawn = randne_start(200, 16), np.asarray(gaussian(0, 200, 16), float) / 4
    product = start.T @ start
    np.testing.assert_allclose(product, np.diag(np.diag(product)), atol=1e-5)
    q = np.linalg.qr(drawn)[0]
    np.testing.assert_allclose(q @ (q.T @ start), start, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(start, axis=0), np.linalg.norm(drawn, axis=0), rtol=1e-5)


@pytest.mark.parametrize("scaling", ["l2", "standard", "none"])
@pytest.mark.parametrize(
    ("matrix", "weights"),
    [("transition", (1, 1e2, 1e4, 1e5)), ("adjacency", (1, 1, 0.01)), ("transition", (0, 0, 3)), ("adjacency", (2,))],
)
@pytest.mark.parametrize("directed", [False, True])
def test_randne(matrix, weights, scaling, directed):
    graph, a = (ARCS, OUT) if directed else (GRAPH, A)
    method = cj.RandNE(dim=16, matrix=matrix, weights=weights, scaling=scaling, directed=directed, seed=4)
    s = lit.transition(a) if matrix == "transition" else a
    expected = lit.powers(s, randne_start(200, 16, 4), weights)
    expected = {"l2": lit.rown, "standard": lit.standard, "none": np.asarray}[scaling](expected)
    np.testing.assert_allclose(method(graph)[0], expected, atol=2e-5 * np.abs(expected).max())


@pytest.mark.parametrize(
    ("weights", "power", "rows"),
    [((0, 0, 7.81, 45.28), -0.63, True), ((1, 1), 0.0, False), ((0, -2, 1), 1.5, True), ((0, -2, 1), 1.5, False)],
)
def test_fastrp(weights, power, rows):
    method = cj.FastRP(dim=24, weights=weights, degree_power=power, normalize_steps=rows, seed=2)
    start = A.sum(1, keepdims=True) ** power * very_sparse(2, 200, 24)
    expected = lit.standard(lit.powers(lit.transition(A), start, (0, *weights), rows))
    np.testing.assert_allclose(method(GRAPH)[0], expected, atol=1e-4)


def test_fastrp_follows_arcs_and_weighs_them_by_incoming_degrees():
    """Targets that point to nothing must count: by their outgoing degree, 0, all of these sources would be zero."""
    method = cj.FastRP(dim=24, weights=(1.0,), directed=True)
    start = OUT.sum(0)[:, None] ** -0.63 * very_sparse(0, 200, 24)
    expected = lit.standard(lit.powers(lit.transition(OUT), start, (0, 1), True))
    np.testing.assert_allclose(method(ARCS)[0], expected, atol=1e-4)
    away = cj.from_edges([0, 0, 1, 2, 3] * 2, [5, 6, 7, 8, 9] * 2)
    assert cj.FastRP(dim=64, weights=(1.0,), directed=True)(away)[0].any()


@pytest.mark.parametrize("power", [-300.0, -5.0, 5.0, 300.0])
def test_fastrp_of_any_power_stays_finite(power):
    assert np.isfinite(cj.FastRP(dim=8, degree_power=power)(GRAPH)[0]).all()


def test_very_sparse_has_the_moments_of_its_definition():
    drawn = very_sparse(0, 10_000, 64)
    assert set(np.unique(drawn)) == {np.float32(x) for x in (-np.sqrt(100 / 64), 0, np.sqrt(100 / 64))}
    assert abs((drawn > 0).mean() * 200 - 1) < 0.05 and abs((drawn < 0).mean() * 200 - 1) < 0.05
    np.testing.assert_array_equal(drawn, very_sparse(0, 10_000, 64))
    assert (very_sparse(1, 10, 4) != very_sparse(2, 10, 4)).any()


@pytest.mark.parametrize("rows", [3, 1024, 3000])
def test_standard(rows):
    x = np.random.default_rng(0).standard_normal((rows, 5)).astype(np.float32) * 7 + 3
    np.testing.assert_allclose(standard(jnp.asarray(x)), lit.standard(x.astype(float)), atol=1e-5)


def test_constant_columns_become_zero_and_small_ones_do_not():
    """Each column is judged by itself: a large one next to it says nothing about it."""
    rng = np.random.default_rng(0)
    columns = [np.full(3000, 0.1), np.zeros(3000), 1e9 + 1e7 * rng.standard_normal(3000), rng.standard_normal(3000)]
    found = np.asarray(standard(jnp.asarray(np.stack([*columns, 1e-12 * columns[3]], 1), jnp.float32)))
    assert not found[:, :2].any()
    np.testing.assert_allclose(found[:, 2:].std(0), 1, atol=1e-3)
    np.testing.assert_allclose(found[:, 3], found[:, 4], atol=1e-4)


def test_projection_keeps_distances():
    """Johnson–Lindenstrauss: Gram matrices of RandNE tend to that of the polynomial itself."""
    polynomial = 0.5 * np.eye(200) + lit.transition(A)
    found = cj.RandNE(dim=1000, weights=(0.5, 1.0), scaling="none")(GRAPH)[0]
    drawn = np.asarray(gram(jnp.asarray(found.T)))
    expected = polynomial @ polynomial.T
    drawn, expected = drawn / np.trace(drawn), expected / np.trace(expected)
    assert np.linalg.norm(drawn - expected) < 0.15 * np.linalg.norm(expected)
