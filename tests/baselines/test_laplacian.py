"""Laplacian eigenmaps against the generalised eigenproblem in dense float64, scikit-learn's, and what they promise."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import scipy.linalg
import scipy.sparse as sp
from sklearn.manifold import spectral_embedding

import cleora_jax as cj
from cleora_jax.sparse.from_graph import from_csr
from cleora_jax.sparse.normalized import symmetric
from cleora_jax.sparse.spectral import largest_eigh, linear
from tests.baselines import literature as lit

GRAPH, A = lit.graph_and_matrix(150, 220, weighted=True, hubs=0.6)
DEGREE = A.sum(1)


def eigenmaps(a: np.ndarray, dim: int) -> np.ndarray:
    """Columns y of L y = λ D y, L = D − A, but for the first."""
    degree = np.diag(a.sum(1))
    values, vectors = scipy.linalg.eigh(degree - a, degree)
    assert (np.diff(values[1 : dim + 2]) > 1e-4).all(), "no gaps: the oracle is not unique"
    return vectors[:, 1 : dim + 1]


def up_to_signs(found: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """`found` with each column turned to the side of the expected one."""
    return found * np.sign((found * expected).sum(0))


def test_equals_the_generalised_eigenproblem():
    expected = eigenmaps(A, 12)
    found = up_to_signs(cj.LaplacianEigenmaps(dim=12, tolerance=1e-6)(GRAPH)[0].astype(float), expected)
    np.testing.assert_allclose(found, expected, atol=2e-3 * np.abs(expected).max())


def test_default_tolerance_gives_the_eigenvalues():
    """Whose error is the square of the residual's."""
    y = cj.LaplacianEigenmaps(dim=12)(GRAPH)[0].astype(float)
    quotients = np.einsum("id,ij,jd->d", y, np.diag(DEGREE) - A, y)
    expected = scipy.linalg.eigh(np.diag(DEGREE) - A, np.diag(DEGREE), eigvals_only=True)[1:13]
    np.testing.assert_allclose(quotients, expected, atol=1e-5)


def test_columns_are_orthonormal_by_degree_and_to_the_constant():
    y = cj.LaplacianEigenmaps(dim=20)(GRAPH)[0].astype(float)
    np.testing.assert_allclose(y.T @ (DEGREE[:, None] * y), np.eye(20), atol=1e-4)
    np.testing.assert_allclose(DEGREE @ y, 0, atol=1e-3)


def test_equals_sklearn():
    """Whose columns differ by a factor, and whose first is kept here."""
    expected = spectral_embedding(sp.csr_matrix(A), n_components=4, drop_first=True, random_state=0, eigen_tol=1e-10)
    found = cj.LaplacianEigenmaps(dim=4, tolerance=1e-6)(GRAPH)[0].astype(float)
    cosine = np.abs((found * expected).sum(0)) / np.linalg.norm(found, axis=0) / np.linalg.norm(expected, axis=0)
    np.testing.assert_allclose(cosine, 1, atol=1e-4)


def test_components_are_told_apart_by_the_first_columns():
    parts = [nx.complete_graph(7), nx.cycle_graph(9), nx.star_graph(5)]
    a = sp.block_diag([nx.to_numpy_array(part) for part in parts]).toarray()
    y = cj.LaplacianEigenmaps(dim=2, tolerance=1e-6)(cj.from_edges(*np.nonzero(np.triu(a)), num_entities=len(a)))[0]
    for rows in np.split(y, np.cumsum([7, 9])):
        np.testing.assert_allclose(rows, np.broadcast_to(rows[:1], rows.shape), atol=1e-4)
    assert np.linalg.matrix_rank(y[[0, 8, -1]] - y.mean(0), tol=1e-2) == 2


def test_all_dimensions_give_the_resistance_between_entities():
    """‖y_i/√λ − y_j/√λ‖² summed over columns is the effective resistance, which networkx finds by the pseudo-inverse."""
    graph, a = lit.graph_and_matrix(30, 40, seed=3)
    y = cj.LaplacianEigenmaps(dim=29, tolerance=1e-6)(graph)[0].astype(float)
    values = np.einsum("id,ij,jd->d", y, np.diag(a.sum(1)) - a, y)
    scaled = y / np.sqrt(values)
    for i, j in ((0, 1), (3, 20), (11, 29)):
        expected = nx.resistance_distance(nx.from_numpy_array(a), i, j, weight="weight", invert_weight=False)
        assert np.sum((scaled[i] - scaled[j]) ** 2) == pytest.approx(expected, rel=1e-3)


def test_rounds_that_do_not_suffice_are_told():
    """A long path's eigenvalues are near one another."""
    path = symmetric(sp.csr_array(sp.diags_array([1.0, 1.0], offsets=[-1, 1], shape=(3000, 3000), dtype=np.float32)))
    matrix = linear(from_csr(path, symmetric=True))
    with pytest.warns(cj.ConvergenceWarning, match="after 2 rounds .* above the tolerance 1.0e-06"):
        largest_eigh(matrix, 6, lower=-1, tolerance=1e-6, max_rounds=2)
