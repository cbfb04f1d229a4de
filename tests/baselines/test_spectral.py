"""The randomised solvers against SciPy's and NumPy's, and their two routes through the native kernel."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import eigsh, svds

from cleora_jax.sparse.from_graph import from_csr
from cleora_jax.sparse.spectral import (
    Linear,
    _adjoint,
    _forward,
    gaussian,
    largest_eigh,
    linear,
    randomized_eigh,
    randomized_svd,
)
from tests.baselines.literature import graph_and_matrix

NATIVE = "cpu_csr_sparse_dense_ffi"
RNG = np.random.default_rng(0)


def dense_linear(matrix: np.ndarray) -> Linear:
    held = jnp.asarray(matrix, jnp.float32)
    return Linear(matrix.shape, lambda z: held @ z, lambda z: held.T @ z)


def sparse(count=500, entries=5000, seed=0) -> sp.csr_array:
    """Heavy rows and columns, so that singular values fall and the leading ones are apart."""
    rng = np.random.default_rng(seed)
    ends = rng.integers(0, count, (2, entries))
    size = rng.random(entries) / np.sqrt((1 + ends[0]) * (1 + ends[1]))
    return sp.csr_array((size.astype(np.float32), tuple(ends)), shape=(count, count))


def test_singular_values_and_vectors_equal_svds():
    matrix = sparse()
    found = randomized_svd(linear(from_csr(matrix)), 5, power=20)
    left, values, right = svds(matrix.astype(float), 5, solver="arpack")
    np.testing.assert_allclose(found.values, values[::-1], rtol=1e-5)
    product = np.asarray(found.left) * found.values @ np.asarray(found.right).T
    np.testing.assert_allclose(product, left * values @ right, atol=2e-4)


def test_default_power_finds_values_to_a_percent():
    matrix = sparse()
    found = randomized_svd(linear(from_csr(matrix)), 30)
    expected = svds(matrix.astype(float), 30, return_singular_vectors=False)
    np.testing.assert_allclose(found.values, np.sort(expected)[::-1], rtol=0.03)
    assert (found.values <= np.sort(expected)[::-1] * 1.0001).all()  # a projection never adds


@pytest.mark.parametrize("shape", [(40, 17), (17, 40), (9, 9)])
def test_whole_rank_is_exact(shape):
    matrix = RNG.standard_normal(shape)
    found = randomized_svd(dense_linear(matrix), min(shape))
    np.testing.assert_allclose(found.values, np.linalg.svd(matrix, compute_uv=False), rtol=1e-5)
    np.testing.assert_allclose(np.asarray(found.left) * found.values @ np.asarray(found.right).T, matrix, atol=1e-5)


def test_deficient_rank_gives_zeros():
    matrix = RNG.standard_normal((300, 4)) @ RNG.standard_normal((4, 300))
    found = randomized_svd(dense_linear(matrix), 12)
    assert not found.values[4:].any() and (found.values[:4] > 1).all()
    np.testing.assert_allclose(np.asarray(found.left) * found.values @ np.asarray(found.right).T, matrix, atol=1e-4)


@pytest.mark.parametrize("by", ["algebraic", "magnitude"])
def test_eigenpairs_equal_eigsh(by):
    matrix = sparse()
    matrix = sp.csr_array(matrix + matrix.T)
    found = randomized_eigh(linear(from_csr(matrix, symmetric=True)), 4, by=by, power=30, oversampling=40)
    values, vectors = eigsh(matrix.astype(float), 4, which={"algebraic": "LA", "magnitude": "LM"}[by])
    order = np.argsort(-(values if by == "algebraic" else abs(values)))
    np.testing.assert_allclose(found.values, values[order], rtol=1e-4)
    ours = np.asarray(found.vectors) * found.values @ np.asarray(found.vectors).T
    np.testing.assert_allclose(ours, vectors * values @ vectors.T, atol=2e-3 * abs(values).max())


def test_eigenvalues_far_below_the_largest_are_found():
    """A hub of 10,000 leaves (100) beside a triangle (2) and a pair (1): the rest of a graph must not vanish."""
    hub = np.stack([np.zeros(10_000, int), np.arange(1, 10_001)])
    rest = np.array([[10_001, 10_002, 10_001, 10_004], [10_002, 10_003, 10_003, 10_005]])
    row, column = np.concatenate([hub, rest], 1)
    half = sp.coo_array((np.ones(len(row), np.float32), (row, column)), shape=(10_006, 10_006))
    found = randomized_eigh(linear(from_csr(sp.csr_array(half + half.T), symmetric=True)), 4)
    np.testing.assert_allclose(found.values[:3], [100, 2, 1], rtol=1e-3)


def test_a_whole_spectrum():
    _, a = graph_and_matrix(30, 60)
    found = randomized_eigh(dense_linear(a), 30)
    np.testing.assert_allclose(found.values, np.linalg.eigvalsh(a)[::-1], atol=1e-4)


@pytest.mark.parametrize("solve", [randomized_svd, randomized_eigh])
def test_bad_ranks(solve):
    matrix = dense_linear(np.eye(4))
    for rank in (0, 5):
        with pytest.raises(ValueError, match="`rank` must be between 1 and 4"):
            solve(matrix, rank)
    with pytest.raises(ValueError, match="`oversampling`"):
        solve(matrix, 2, oversampling=-1)


def test_seeds():
    assert (np.asarray(gaussian(0, 5, 5)) != np.asarray(gaussian(1, 5, 5))).any()
    np.testing.assert_array_equal(gaussian(-1, 5, 5), gaussian(2**64 - 1, 5, 5))
    drawn = np.asarray(gaussian(0, 2000, 50))
    assert drawn.dtype == np.float32 and abs(drawn.mean()) < 0.02 and abs(drawn.std() - 1) < 0.02


@pytest.mark.parametrize("width", [64, 276])
@pytest.mark.parametrize("symmetric", [True, False])
def test_products_stay_in_the_native_kernel(width, symmetric):
    matrix = sparse(2000, 40_000)
    op = from_csr(sp.csr_array(matrix + matrix.T) if symmetric else matrix, symmetric=symmetric)
    z = jnp.asarray(RNG.standard_normal((2000, width)), jnp.float32)
    for product, expected in ((_forward, matrix), (_adjoint, matrix.T)):
        compiled = product.lower(op, z).compile()
        assert NATIVE in compiled.as_text() and "scatter" not in compiled.as_text()
        assert compiled.memory_analysis().temp_size_in_bytes < 4 * z.nbytes < op.num_entries * width * 4
        wanted = (matrix + matrix.T if symmetric else expected) @ np.asarray(z)
        np.testing.assert_allclose(compiled(op, z), wanted, atol=1e-4)


def test_progress_is_told_to_the_end():
    told = []
    randomized_svd(dense_linear(np.eye(6)), 2, power=2, progress=lambda *a: told.append(a))
    assert [step for _, step, _ in told] == [1, 2, 3, 4, 5, 6] and {total for *_, total in told} == {6}


def test_largest_eigenvalues_of_a_matrix_that_is_zero_in_most_directions():
    """They are not lost with what a product with it loses."""
    direction = np.full(50, 50**-0.5)
    matrix = Linear((50, 50), *[lambda z: -jnp.outer(direction, direction @ z).astype(jnp.float32)] * 2)
    found = largest_eigh(matrix, 5, lower=-1)
    np.testing.assert_allclose(found.values, 0, atol=1e-6)
    np.testing.assert_allclose(found.vectors.T @ found.vectors, np.eye(5), atol=1e-5)
    np.testing.assert_allclose(direction @ found.vectors, 0, atol=1e-5)
