"""Orthonormal columns against QR in float64, on tables that are ill-conditioned, deficient, graded, tiny or huge."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleora_jax.vectors.orthogonal import eigh, gram, orthonormal, svd, times, upright

RNG = np.random.default_rng(0)


def spectrum(rows: int, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A table of these singular values, float32, and its left singular vectors."""
    left = np.linalg.qr(RNG.standard_normal((rows, len(values))))[0]
    right = np.linalg.qr(RNG.standard_normal((len(values), len(values))))[0]
    return (left * values @ right.T).astype(np.float32), left


def check_orthonormal(q: np.ndarray, count: int) -> None:
    """Columns of unit length, orthogonal; others exactly zero."""
    wide = q.astype(float)
    there = wide.any(axis=0)
    assert there.sum() == count
    np.testing.assert_allclose(wide.T @ wide, np.diag(there.astype(float)), atol=1e-6)


@pytest.mark.parametrize("rows", [60, 300, 1024, 1025, 5000])
@pytest.mark.parametrize("lowest", [1, 1e-2, 1e-4, 1e-5])
def test_ill_conditioned_tables_keep_their_span(rows, lowest):
    """As accurate as QR: what a direction of relative length s loses is rounding (1e-7) over s."""
    values = np.geomspace(1, lowest, 50)
    table, left = spectrum(rows, values)
    q = np.asarray(orthonormal(jnp.asarray(table)))
    check_orthonormal(q, 50)
    lost = np.linalg.norm(left - q @ (q.T @ left), axis=0)
    assert (lost < 3e-7 / values + 1e-6).all()


@pytest.mark.parametrize("rank", [0, 1, 20])
def test_dependent_columns_are_zero(rank):
    table = RNG.standard_normal((3000, rank)) @ RNG.standard_normal((rank, 50))
    q = np.asarray(orthonormal(jnp.asarray(table, jnp.float32)))
    check_orthonormal(q, rank)
    np.testing.assert_allclose(q @ (q.T @ table), table, atol=1e-4)


@pytest.mark.parametrize("scale", [1e-15, 1e15])
def test_scale_does_not_matter(scale):
    table, _ = spectrum(500, np.geomspace(1, 1e-3, 20))
    q = orthonormal(jnp.asarray(table * np.float32(scale)))
    check_orthonormal(np.asarray(q), 20)


def test_columns_of_very_different_lengths_all_count():
    """A power iteration makes such: its columns are nearly orthogonal and differ by powers of eigenvalues."""
    left = np.linalg.qr(RNG.standard_normal((4000, 12)))[0] * np.geomspace(1, 1e-5, 12)
    check_orthonormal(np.asarray(orthonormal(jnp.asarray(left, jnp.float32))), 12)


def test_more_columns_than_rows():
    q = np.asarray(orthonormal(jnp.asarray(RNG.standard_normal((5, 9)), jnp.float32)))
    check_orthonormal(q, 5)


@given(st.integers(1, 2100), st.integers(1, 5), st.integers(0, 9))
@settings(max_examples=15, deadline=None)
def test_gram_of_any_number_of_rows(rows, columns, seed):
    """Where the last window overlaps the one before, no row counts twice."""
    rng = np.random.default_rng(seed)
    left, right = rng.standard_normal((rows, columns)), rng.standard_normal((rows, 3))
    left, right = left.astype(np.float32), right.astype(np.float32)
    found = gram(jnp.asarray(left), jnp.asarray(right))
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, left.T.astype(float) @ right, rtol=1e-12, atol=1e-11)


def test_gram_sees_what_float32_would_not():
    column = np.full(5000, 1, np.float32)
    column[1::2] = -1
    table = np.stack([column, column * np.float32(1e-6)], 1)
    found = gram(jnp.asarray(table))
    np.testing.assert_allclose(found[1, 1], (table[:, 1].astype(float) ** 2).sum(), rtol=1e-14)


def test_small_problems_are_in_order_and_signs_are_fixed():
    matrix = RNG.standard_normal((9, 9))
    values, vectors = eigh(matrix + matrix.T)
    assert (np.diff(values) <= 0).all()
    np.testing.assert_allclose(vectors * values @ vectors.T, matrix + matrix.T, atol=1e-12)
    assert (vectors[np.abs(vectors).argmax(0), range(9)] > 0).all()
    left, sizes, right = svd(matrix[:, :4])
    np.testing.assert_allclose(left * sizes @ right.T, matrix[:, :4], atol=1e-12)
    assert (np.diff(sizes) <= 0).all()


def test_upright_leaves_zero_columns():
    np.testing.assert_array_equal(upright(np.array([[0.0, -2.0, 1.0], [0.0, 1.0, 3.0]])), [[0, 2, 1], [0, -1, 3]])


def test_times():
    table, matrix = RNG.standard_normal((7, 3)).astype(np.float32), RNG.standard_normal((3, 2))
    found = times(jnp.asarray(table), matrix)
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, table @ matrix, atol=1e-6)
