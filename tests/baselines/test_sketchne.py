"""SketchNE against the exact factorisation of what it sketches."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse as sp

import cleora_jax as cj
from cleora_jax.baselines import sketchne
from cleora_jax.baselines.sketchne import hit_rows, sketched, sparse_signs
from tests import dense
from tests.baselines import literature as lit

GRAPH, A = lit.graph_and_matrix(150, 500, hubs=0.6)


@pytest.mark.parametrize("alpha", [0.5, 0.35, 0.0, 1.0])
@pytest.mark.parametrize("window", [1, 5])
def test_factors(alpha, window):
    """All eigenvalues: F C is NetMF's matrix itself, unless α = ½ holds negative ones at 0."""
    method = cj.SketchNE(alpha=alpha, window=window, rank=150, negatives=2.0)
    left, right = method._factors(sp.csr_array(A.astype(np.float32)), lambda *_: None)
    found = np.asarray(left, float) @ np.asarray(right, float).T
    exact = lit.netmf_matrix(A, window, 2.0) if alpha != 0.5 else lit.low_rank_matrix(A, window, 2.0, 150)
    assert np.linalg.norm(found - exact) < 1e-3 * np.linalg.norm(exact)
    if alpha != 0.5:
        np.testing.assert_allclose(lit.sketchne_matrix(A, window, 2.0, alpha, 150), exact, atol=1e-6 * exact.max())


def test_factors_of_few_eigenvalues():
    method = cj.SketchNE(alpha=0.35, window=4, rank=10, power=60)
    left, right = method._factors(sp.csr_array(A.astype(np.float32)), lambda *_: None)
    expected = lit.sketchne_matrix(A, 4, 1.0, 0.35, 10)
    assert np.linalg.norm(np.asarray(left) @ np.asarray(right).T - expected) < 5e-3 * np.linalg.norm(expected)


@pytest.mark.parametrize("alpha", [0.5, 0.35])
def test_small_graphs_are_factorised_exactly(alpha):
    """Sketches no smaller than the graph are no sketches."""
    found = cj.SketchNE(dim=150, alpha=alpha, rank=150, window=3, scaling="none")(GRAPH)[0]
    matrix = lit.low_rank_matrix(A, 3, 1.0, 150) if alpha == 0.5 else lit.sketchne_matrix(A, 3, 1.0, alpha, 150)
    assert dense.gram_error(found, lit.root_svd(lit.log_of_more(matrix), 150)) < 1e-3


@pytest.mark.parametrize("alpha", [0.5, 0.4])
def test_sketches(monkeypatch, alpha):
    """Of 900 entities by 112 and 512 columns: as the formulas say, and near the best that 12 directions can do."""
    monkeypatch.setattr(sketchne, "SECOND", 500)
    _, a = lit.communities(900, 12, 0.15, 0.002)
    method = cj.SketchNE(dim=12, rank=60, window=5, alpha=alpha)
    left, right = method._factors(sp.csr_array(a.astype(np.float32)), lambda *_: None)
    found = np.asarray(sketched(left, right, 12, 3), float)
    logs = lit.log_of_more(np.asarray(left, float) @ np.asarray(right, float).T)
    rng = np.random.default_rng(3)
    signs = [sparse_signs(rng, 900, columns).toarray() for columns in (112, 512)]
    assert dense.gram_error(found, lit.sketched(logs, *signs, 12)) < 1e-3
    u = np.linalg.qr(found)[0]
    best = np.sqrt((np.linalg.svd(logs, compute_uv=False)[12:] ** 2).sum())
    assert best < np.linalg.norm(logs - u @ (u.T @ logs)) < 1.3 * best


def test_sketch_of_a_matrix_of_low_rank_is_exact():
    """g is 0 nowhere and the log matrix has rank 3, so that any sketch tells it."""
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 3, 2000)
    table = np.array([[3.0, 0.5, 0.1], [0.5, 2.0, 0.2], [0.1, 0.2, 4.0]])
    left, right = np.eye(3)[kinds], np.eye(3)[kinds] @ table
    found = np.asarray(sketched(jnp.asarray(left, jnp.float32), jnp.asarray(right, jnp.float32), 8, 1))
    logs = np.log1p(table)[np.ix_(kinds, kinds)]
    values, vectors = np.linalg.eigh(logs)
    top = np.argsort(-np.abs(values))[:3]
    assert dense.gram_error(found, vectors[:, top] * np.sqrt(np.abs(values[top]))) < 1e-3
    assert np.abs(found[:, 3:]).max() < 1e-2 * np.abs(found).max()


def test_signs():
    rng = np.random.default_rng(0)
    signs = sparse_signs(rng, 1000, 50)
    assert signs.shape == (50, 1000) and signs.nnz == 400 and set(signs.data) == {-1, 1}
    assert (np.diff(signs.indptr) == 8).all() and all(len(set(row)) == 8 for row in signs.indices.reshape(50, 8))
    np.testing.assert_array_equal(sparse_signs(rng, 30, 30).toarray(), np.eye(30))


@pytest.mark.parametrize(("rows", "columns"), [(1000, 50), (60, 50)])
def test_as_many_rows_whatever_the_seed(rows, columns):
    for seed in range(3):
        signs = sparse_signs(np.random.default_rng(seed), rows, columns)
        hit = hit_rows(signs)
        assert len(hit) == min(rows, 8 * columns) == len(np.unique(hit))
        assert np.isin(signs.indices, hit).all()


def test_filter_follows():
    plain = cj.embed(GRAPH, cj.SketchNE(dim=8))
    both = cj.embed(GRAPH, cj.SketchNE(dim=8, filter=cj.Filter()))
    np.testing.assert_array_equal(both.vectors, cj.spectral_propagation(GRAPH, plain, cj.Filter()).vectors)
