"""NetMF against its matrix, exact and from few eigenvalues, stored and never stored."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse as sp

import cleora_jax as cj
from cleora_jax.baselines import dense as tables
from cleora_jax.baselines import netmf
from cleora_jax.baselines.walk_matrix import LowRank, low_rank, walk_columns
from tests import dense
from tests.baselines import literature as lit

GRAPH, A = lit.graph_and_matrix(100, 260, weighted=True, hubs=0.6)
BLOCKS, B = lit.communities(200, 6)
S = sp.csr_array(A.astype(np.float32))


def silent(*_) -> None:
    """No progress."""


@pytest.mark.parametrize(("window", "negatives"), [(1, 1.0), (2, 5.0), (10, 1.0)])
@pytest.mark.parametrize("columns", [512, 64])
def test_columns_of_the_walk_matrix(monkeypatch, window, negatives, columns):
    monkeypatch.setattr("cleora_jax.baselines.walk_matrix.COLUMNS", columns)
    found = np.zeros_like(A)
    for block, part in walk_columns(S, window, negatives):
        found[:, block] = part
    expected = lit.netmf_matrix(A, window, negatives)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * expected.max())


@pytest.mark.parametrize("window", [1, 10])
def test_exact(window):
    found = cj.NetMF(dim=100, window=window)(GRAPH)[0]
    logs = lit.log_plus(lit.netmf_matrix(A, window, 1.0))
    assert dense.gram_error(found, lit.root_svd(logs, 100)) < 1e-4


def test_exact_of_few_dimensions():
    expected = lit.root_svd(lit.log_plus(lit.netmf_matrix(B, 10, 2.0)), 6)
    assert dense.gram_error(cj.NetMF(dim=6, negatives=2.0)(BLOCKS)[0], expected) < 2e-3


def test_window_one_is_line():
    """log (A_ij vol / (D_i D_j)) of edges, where positive."""
    degree = A.sum(1)
    line = lit.log_plus(A * A.sum() / np.outer(degree, degree))
    assert dense.gram_error(cj.NetMF(dim=100, window=1)(GRAPH)[0], lit.root_svd(line, 100)) < 1e-4


@pytest.mark.parametrize(("a", "rank", "window"), [(A, 100, 1), (A, 100, 10), (B, 6, 1), (B, 6, 10)])
def test_few_eigenvalues(a, rank, window):
    few = low_rank(sp.csr_array(a.astype(np.float32)), window, 1.0, rank, 20, 0, silent)
    found = few.scale * np.asarray(few.factor, float) @ np.asarray(few.factor, float).T
    expected = lit.low_rank_matrix(a, window, 1.0, rank)
    assert np.linalg.norm(found - expected) < 1e-3 * np.linalg.norm(expected)


def test_few_eigenvalues_embed():
    found = cj.NetMF(dim=100, rank=100)(GRAPH)[0]
    expected = lit.root_svd(lit.log_plus(lit.low_rank_matrix(A, 10, 1.0, 100)), 100)
    assert dense.gram_error(found, expected) < 1e-3


@pytest.mark.parametrize("components", [1, 3])
def test_eigenvalue_one_counts_whole(components):
    """f(1) = 1, once for every component."""
    edges = [(c * 10 + i, c * 10 + j) for c in range(components) for i in range(10) for j in range(i)]
    matrix = np.zeros((10 * components,) * 2)
    for i, j in edges:
        matrix[i, j] = matrix[j, i] = 1
    few = low_rank(sp.csr_array(matrix.astype(np.float32)), 10, 1.0, components, 10, 0, silent)
    expected = np.kron(np.eye(components), np.ones((10, 10)) / 90) * matrix.sum()
    np.testing.assert_allclose(few.scale * np.asarray(few.factor) @ np.asarray(few.factor).T, expected, atol=1e-4)


def test_never_stored_equals_stored(monkeypatch):
    stored = cj.NetMF(dim=6, rank=40)(BLOCKS)[0]
    monkeypatch.setattr(netmf, "MAX_DENSE", 100)
    assert dense.gram_error(cj.NetMF(dim=6, rank=40)(BLOCKS)[0], stored.astype(float)) < 1e-4


@pytest.mark.parametrize("count", [50, 1024, 2500])
def test_products_of_what_is_never_stored(count):
    rng = np.random.default_rng(0)
    factor, z = rng.standard_normal((count, 7)), rng.standard_normal((count, 3))
    few = LowRank(jnp.asarray(factor, jnp.float32), 4.0)
    expected = lit.log_plus(4 * factor @ factor.T) @ z
    found = netmf.unstored(few)
    np.testing.assert_allclose(found.forward(jnp.asarray(z, jnp.float32)), expected, atol=2e-5 * np.abs(expected).max())
    assert found.shape == (count, count)


def test_no_table_of_all_pairs_is_made():
    factor, z = jnp.zeros((8000, 16)), jnp.zeros((8000, 8))
    compiled = tables.entrywise_product.lower(netmf.log_above_one, factor, factor, z).compile()
    assert compiled.memory_analysis().temp_size_in_bytes < 8000 * 8000 * 4 / 10


@pytest.mark.parametrize("shape", [(40, 40), (1500, 1500), (1100, 30)])
def test_products_of_stored_tables(shape):
    rng = np.random.default_rng(0)
    table = rng.standard_normal(shape).astype(np.float32)
    for product, whole in ((tables._product, table), (tables._transposed_product, table.T)):
        z = rng.standard_normal((whole.shape[1], 5)).astype(np.float32)
        np.testing.assert_allclose(product(jnp.asarray(table), jnp.asarray(z)), whole @ z, atol=5e-4)


def test_factorised_equals_svd():
    rng = np.random.default_rng(0)
    table = (rng.standard_normal((90, 20)) * np.geomspace(10, 0.01, 20)) @ rng.standard_normal((20, 90))
    found = tables.factorised(tables.stored(table.astype(np.float32)), 5, 0, silent)
    assert dense.gram_error(found, lit.root_svd(table, 5)) < 1e-4


@pytest.mark.parametrize("weight", [1e-20, 1e20])
def test_size_of_weights_does_not_matter(weight):
    ends = np.nonzero(np.triu(A))
    scaled = cj.from_edges(*ends, A[ends] * weight, num_entities=100)
    assert dense.gram_error(cj.NetMF(dim=6)(scaled)[0], cj.NetMF(dim=6)(GRAPH)[0].astype(float)) < 1e-3
