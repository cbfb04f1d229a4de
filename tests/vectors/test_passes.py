"""The pass over rows: means and covariances against float64, maps against their formula, and nothing table-sized held."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cleora_jax.vectors.passes import Affine, Moments, measure, transform, transform_and_measure
from cleora_jax.vectors.rows import CHUNK_ROWS, join_columns, split_columns
from cleora_jax.vectors.scale import principal, triangular

RNG = np.random.default_rng(11)
ROWS = [5, CHUNK_ROWS, CHUNK_ROWS + 1, 3 * CHUNK_ROWS - 77]
WIDTHS = [1, 128, 300]
ROUNDING = 32 * np.finfo(np.float32).eps  # of a sum over the 1,024 rows of a chunk: the square root of their number


def table_of(rows: int, dim: int, dead: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    """Rows far from the origin, those that are not alive zero."""
    alive = (RNG.random(rows) >= dead).astype(np.float32)
    alive[0] = 1
    table = RNG.standard_normal((rows, dim)) * RNG.uniform(0.5, 2, dim) + RNG.uniform(-5, 5, dim)
    return (table * alive[:, None]).astype(np.float32), alive


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("dim", WIDTHS)
def test_moments_are_those_of_the_rows_alive(rows, dim):
    table, alive = table_of(rows, dim)
    found = jax.jit(measure)(split_columns(jnp.asarray(table)), jnp.asarray(alive))
    kept = table[alive == 1].astype(float)
    np.testing.assert_allclose(found.mean, kept.mean(0), rtol=ROUNDING, atol=ROUNDING)
    centred = kept - kept.mean(0)
    expected = centred.T @ centred / max(len(kept) - 1, 1)
    np.testing.assert_allclose(found.cov, expected, rtol=1e-5, atol=1e-5 * max(np.abs(expected).max(), 1))
    np.testing.assert_array_equal(found.cov, found.cov.T)


@pytest.mark.parametrize("rows", ROWS)
def test_equal_rows_have_no_covariance(rows):
    """Though their mean is rounded: whitened, that would be noise made large."""
    table = jnp.tile(jnp.asarray(RNG.standard_normal((1, 40)), jnp.float32), (rows, 1))
    for moments in (
        measure((table,), jnp.ones(rows)),
        transform_and_measure((table,), *[jnp.ones(rows)] * 2, Affine.identity(40), "l2")[1],
    ):
        assert principal(moments, 40, 1.0).kept == triangular(moments).kept == 0


def test_covariance_survives_a_mean_far_away_and_an_outlying_chunk():
    """Sums of squares would lose it: the spread is a thousandth of the mean, and one chunk lies apart."""
    table = (100 + 0.1 * RNG.standard_normal((5 * CHUNK_ROWS, 4))).astype(np.float32)
    table[:CHUNK_ROWS] += 3
    found = measure((jnp.asarray(table),), jnp.ones(len(table)))
    np.testing.assert_allclose(found.cov, np.cov(table.T.astype(float)), rtol=1e-4)


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("dim", WIDTHS)
@pytest.mark.parametrize("normalization", ["l2", "l1", "none"])
@pytest.mark.parametrize("shape", ["full", "triangular"])
def test_one_pass_maps_normalises_and_measures(rows, dim, normalization, shape):
    table, alive = table_of(rows, dim)
    reach = (RNG.random(rows) * alive).astype(np.float32)
    matrix = RNG.standard_normal((dim, dim)).astype(np.float32)
    matrix = np.triu(matrix) if shape == "triangular" else matrix
    shift = RNG.standard_normal(dim).astype(np.float32)
    affine = Affine.of(jnp.asarray(shift), jnp.asarray(matrix), triangular=shape == "triangular")
    np.testing.assert_array_equal(affine.matrix, matrix)

    expected = (table - np.outer(reach, shift)).astype(float) @ matrix
    size = {"l2": np.linalg.norm(expected, axis=1), "l1": np.abs(expected).sum(1), "none": np.ones(rows)}[normalization]
    expected = np.divide(expected, size[:, None], out=np.zeros_like(expected), where=size[:, None] > 0)
    blocks, moments = transform_and_measure(
        split_columns(jnp.asarray(table)), jnp.asarray(alive), reach, affine, normalization
    )
    scale = np.abs(expected).max()
    alone = join_columns(transform(split_columns(jnp.asarray(table)), reach, affine, normalization))
    np.testing.assert_allclose(alone, expected, rtol=2e-4, atol=1e-5 * scale)
    # `transform_and_measure` moves the rows that are alive, all alike, to about the origin
    moved = np.asarray(join_columns(blocks))
    kept = alive == 1
    assert not moved[~kept].any()
    away = (expected[kept] - moved[kept]).mean(0)
    np.testing.assert_allclose(moved[kept] + away, expected[kept], rtol=2e-4, atol=1e-5 * scale)
    assert (np.abs(moved[kept].mean(0)) <= 0.2 * expected[kept].std(0) + 1e-5 * scale).all()
    again = measure(blocks, jnp.asarray(alive))
    np.testing.assert_allclose(moments.mean, again.mean, rtol=1e-3, atol=1e-5 * scale)
    np.testing.assert_allclose(moments.cov, again.cov, rtol=1e-3, atol=1e-4 * np.abs(again.cov).max())


def test_the_identity_changes_no_bit():
    table, alive = table_of(CHUNK_ROWS + 9, 200)
    blocks = transform(split_columns(jnp.asarray(table)), alive, Affine.identity(200, triangular=True), "none")
    np.testing.assert_array_equal(join_columns(blocks), table)


def covariance_of(values: np.ndarray) -> Moments:
    """Moments of a table whose covariance has these eigenvalues."""
    rotation = np.linalg.qr(RNG.standard_normal((len(values), len(values))))[0]
    cov = (rotation * values @ rotation.T).astype(np.float32)
    return Moments(jnp.zeros(len(values)), jnp.asarray((cov + cov.T) / 2), jnp.float32(values.sum()))


@pytest.mark.parametrize("dim", [1, 3, 128, 200])
def test_triangular_whitens_as_principal_does(dim):
    moments = covariance_of(np.geomspace(1, 1e-3, dim))
    found, expected = triangular(moments), principal(moments, dim, 1.0)
    assert found.kept == expected.kept == dim
    matrix = np.asarray(found.matrix, float)
    assert not np.tril(matrix, -1).any()
    np.testing.assert_allclose(matrix.T @ np.asarray(moments.cov, float) @ matrix, np.eye(dim), atol=2e-3)
    turned = np.asarray(expected.matrix, float)
    np.testing.assert_allclose(matrix @ matrix.T, turned @ turned.T, rtol=1e-2, atol=1e-2 * np.abs(turned).max())


@pytest.mark.parametrize("null", [1, 40, 199, 200])
def test_triangular_leaves_null_directions_out(null):
    values = np.where(np.arange(200) < 200 - null, np.geomspace(1, 1e-2, 200), 0)
    moments = covariance_of(values)
    found = triangular(moments)
    assert found.kept == 200 - null
    matrix = np.asarray(found.matrix, float)
    assert np.isfinite(matrix).all() and not np.tril(matrix, -1).any()
    inner = matrix.T @ np.asarray(moments.cov, float) @ matrix
    np.testing.assert_allclose(np.sort(np.linalg.eigvalsh(inner)), np.sort((values > 0).astype(float)), atol=2e-3)
