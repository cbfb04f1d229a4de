"""Alias tables: the chances that they give, summed up exactly, are the weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleora_jax.baselines.alias import alias_tables, below, coins, kept

rows = st.lists(
    st.lists(st.floats(1e-6, 1e6) | st.sampled_from([1.0, 2.0, 0.5]), min_size=0, max_size=9), min_size=1, max_size=6
)


def chances(table, indptr) -> np.ndarray:
    """Of each entry within its row: picked and kept, or given way to."""
    size = np.repeat(np.diff(indptr), np.diff(indptr))
    chance = np.asarray(table.chance, np.float64) / size
    np.add.at(chance, np.asarray(table.other), (1 - np.asarray(table.chance, np.float64)) / size)
    return chance


@settings(deadline=None)
@given(rows)
def test_chances_are_the_weights(found):
    indptr = np.cumsum([0, *map(len, found)])
    weights = np.array([weight for row in found for weight in row], float)
    expected = np.concatenate([np.array(row, float) / sum(row) for row in found])
    table = alias_tables(weights, indptr)
    np.testing.assert_allclose(chances(table, indptr), expected, rtol=1e-5, atol=2e-7)
    row = np.repeat(np.arange(len(found)), np.diff(indptr))
    assert (row[table.other] == row).all() and ((table.chance >= 0) & (table.chance <= 1)).all()


@pytest.mark.parametrize("size", range(1, 400, 7))
def test_rounding_of_equal_weights_leaves_a_heavy_entry(size):
    for weight in (0.1, 1 / 3, 7.7):
        table = alias_tables(np.full(size, weight**0.75), np.array([0, size]))
        np.testing.assert_allclose(chances(table, [0, size]), 1 / size, rtol=1e-5)


def test_many_rows_do_not_run_into_each_other():
    rng = np.random.default_rng(0)
    indptr = np.concatenate([[0], np.cumsum(rng.integers(0, 40, 20_000))])
    weights = rng.pareto(0.7, indptr[-1]) + 1e-3
    row = np.repeat(np.arange(20_000), np.diff(indptr))
    expected = weights / np.bincount(row, weights)[row]
    np.testing.assert_allclose(chances(alias_tables(weights, indptr), indptr), expected, atol=1e-6)


def test_weights_of_zero_are_never_drawn():
    table = alias_tables(np.array([0.0, 2.0, 0.0, 1.0]), np.array([0, 4]))
    np.testing.assert_allclose(chances(table, [0, 4]), [0, 2 / 3, 0, 1 / 3], atol=1e-7)


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 2**31 - 1))
def test_below_is_the_upper_half_of_the_product(bits, size):
    assert int(below(np.array([bits], np.uint32), np.array([size], np.int32))[0]) == bits * size >> 32


@pytest.mark.parametrize("bits", [0, 255, 2**32 - 1])
def test_coins_stay_below_one(bits):
    assert float(coins(np.array([bits], np.uint32))[0]) == (bits >> 8) / 2**24 < 1


def test_kept():
    table = alias_tables(np.array([1.0, 3.0]), np.array([0, 2]))
    assert kept(table, np.array([0, 0, 1]), np.array([0.49, 0.5, 0.99])).tolist() == [0, 1, 1]
