"""Skip-gram in dense products against the loop over pairs that it stands for, in float64."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleora_jax.baselines.alias import alias_tables
from cleora_jax.baselines.corpus import grouped, subsampled
from cleora_jax.baselines.skipgram import CENTRES, NOISE, SPREAD, Pieces, Rows, ascent, first_tables, train

N, DIM = 30, 6


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def naive(centre, context, walk, noise, window, negatives):
    """Gradients and curvatures for every position of one walk, pair by pair; the loss and the pairs."""
    length = len(walk)
    up, up_context, up_noise = np.zeros((length, DIM)), np.zeros((length, DIM)), np.zeros((len(noise), DIM))
    bend, bend_context, bend_noise = np.zeros(length), np.zeros(length), np.zeros(len(noise))
    loss = pairs = 0.0
    for i in range(length):
        for j in range(max(0, i - window), min(length, i + window + 1)):
            if i == j or walk[i] < 0 or walk[j] < 0:
                continue
            weight = (window - abs(i - j) + 1) / window
            u, v = centre[walk[i]], context[walk[j]]
            p = sigmoid(u @ v)
            up[i] += weight * (1 - p) * v
            up_context[j] += weight * (1 - p) * u
            bend[i] += weight * (1 - p) / (2 + abs(u @ v)) * (v @ v)
            bend_context[j] += weight * (1 - p) / (2 + abs(u @ v)) * (u @ u)
            loss -= weight * np.log(p)
            pairs += weight
            for k, node in enumerate(noise):
                v, share = context[node], weight * negatives / len(noise)
                p = sigmoid(u @ v)
                up[i] -= share * p * v
                up_noise[k] -= share * p * u
                bend[i] += share * p / (2 + abs(u @ v)) * (v @ v)
                bend_noise[k] += share * p / (2 + abs(u @ v)) * (u @ u)
                loss -= share * np.log(1 - p)
    return (up, up_context, up_noise), (bend, bend_context, bend_noise), loss, pairs


def tables(rng):
    return rng.standard_normal((N, DIM)), rng.standard_normal((N, DIM))


@settings(max_examples=2, deadline=None)
@given(st.sampled_from([1, 3, 10, 40]), st.sampled_from([1, 2]), st.integers(0, 10**6))
def test_ascent_is_the_loop_over_pairs(window, pieces, seed):
    rng = np.random.default_rng(seed)
    centre, context = tables(rng)
    length = pieces * CENTRES
    walks = rng.integers(0, N, (2, length))
    walks[0, rng.integers(1, length) :] = -1
    noise = rng.integers(0, N, (2, NOISE))
    nodes = np.maximum(walks, 0)
    rows = Rows(*(jnp.asarray(x, jnp.float32) for x in (centre[nodes], context[nodes], context[noise])))
    up, bend, (loss, pairs) = ascent(rows, jnp.asarray(walks >= 0), window, 5)
    total = 0.0, 0.0
    for b in range(2):
        ups, bends, *sums = naive(centre, context, walks[b], noise[b], window, 5)
        for found, expected in zip((*up, *bend), (*ups, *bends), strict=True):
            np.testing.assert_allclose(found[b], expected, rtol=1e-4, atol=1e-3)
        total = total[0] + sums[0], total[1] + sums[1]
    np.testing.assert_allclose((loss, pairs), total, rtol=1e-4)


def test_a_step_moves_each_row_by_its_damped_gradient():
    """Noise is all on one node, so that the loop knows what was drawn; repeats add up before they are damped."""
    rng = np.random.default_rng(1)
    centre, context = tables(rng)
    walks, rate = rng.integers(0, N, (1, 3, CENTRES)), 0.3
    held = first_tables(N, DIM, rng)._replace(
        centre=jnp.asarray(centre, jnp.float32), context=jnp.asarray(context, jnp.float32)
    )
    noise = jax.device_put(alias_tables(np.arange(N) == 4.0, np.array([0, N])))
    found, _ = train(held, walks, np.array([rate], np.float32), noise, jax.random.key(0), 3, 2)
    gradient, curvature = np.zeros((2, N, DIM)), np.zeros((2, N))
    for walk in walks[0]:
        (up, up_context, up_noise), (bend, bend_context, bend_noise), *_ = naive(
            centre, context, walk, np.full(NOISE, 4), 3, 2
        )
        for side, at, ups, bends in ((0, walk, up, bend), (1, walk, up_context, bend_context)):
            np.add.at(gradient[side], at, ups)
            np.add.at(curvature[side], at, bends)
        gradient[1, 4] += up_noise.sum(0)
        curvature[1, 4] += bend_noise.sum()
    expected = np.stack([centre, context]) + (rate / (1 + rate * curvature / SPREAD))[..., None] * gradient
    np.testing.assert_allclose(np.stack([found.centre, found.context]), expected, rtol=1e-4, atol=1e-4)
    assert not np.asarray(found.curvature).any()


def test_small_steps_are_plain_gradient_descent():
    """As optax takes it."""
    rng = np.random.default_rng(2)
    walks = rng.integers(0, N, (1, 2, CENTRES))
    noise = jax.device_put(alias_tables(np.ones(N), np.array([0, N])))
    rate, ends = 1e-5, []
    for optimizer in (None, optax.sgd(rate)):
        start = first_tables(N, DIM, np.random.default_rng(3), optimizer)
        start = start._replace(context=start.centre * 2)
        before = np.asarray(start.centre)
        found, _ = train(
            start, walks, np.array([rate], np.float32), noise, jax.random.key(0), 3, 2, optimizer=optimizer
        )
        ends.append(np.asarray(found.centre) - before)
    assert np.abs(ends[0]).max() > 0
    np.testing.assert_allclose(*ends, atol=2e-8)


def test_a_batch_of_one_node_over_and_over_stays_bounded():
    walks = np.zeros((50, 16, 80), np.int32)
    walks[..., ::2] = 1
    noise = jax.device_put(alias_tables(np.ones(2), np.array([0, 2])))
    start = first_tables(2, 8, np.random.default_rng(0))
    found, sums = train(start, walks, np.full(50, 0.1, np.float32), noise, jax.random.key(0), 10, 5)
    assert np.abs(found.centre).max() < 10 and np.isfinite(sums).all()


@pytest.mark.parametrize("window", [1, 4, 20])
def test_pieces_back_is_the_adjoint(window):
    near, rng = Pieces(3 * CENTRES, window), np.random.default_rng(0)
    x = jnp.asarray(rng.standard_normal((2, 3 * CENTRES, 4)), jnp.float32)
    _, back = jax.vjp(near.of_contexts, x)
    y = jnp.asarray(rng.standard_normal(near.of_contexts(x).shape), jnp.float32)
    np.testing.assert_allclose(back(y)[0], near.to_contexts(y), atol=1e-5)
    np.testing.assert_array_equal(near.to_centres(near.of_centres(x)), x)


def test_weights_are_the_mean_of_random_windows():
    rng = np.random.default_rng(0)
    drawn = rng.integers(1, 6, 200_000)
    distance = np.abs(np.arange(CENTRES)[:, None] + 5 - np.arange(CENTRES + 10))
    expected = np.array([(drawn >= d).mean() if d else 0 for d in range(distance.max() + 1)])[distance]
    np.testing.assert_allclose(Pieces(CENTRES, 5).weights(), expected, atol=0.01)


def test_a_step_needs_memory_of_its_batch_alone():
    """No temporary array is as large as a table."""

    def temporary(nodes):
        start = first_tables(nodes, 16, np.random.default_rng(0))
        noise = jax.device_put(alias_tables(np.ones(nodes), np.array([0, nodes])))
        walks = np.zeros((4, 2, 16), np.int32)
        run = partial(train, window=5, negatives=5)
        lowered = jax.jit(run, donate_argnums=0).lower(start, walks, np.ones(4, np.float32), noise, jax.random.key(0))
        return lowered.compile().memory_analysis().temp_size_in_bytes

    assert temporary(100_000) - temporary(1000) < 100_000 * 4 * 2.5  # the curvature, twice; tables have 16 such columns


def test_subsampling_keeps_by_share_and_moves_together():
    rng = np.random.default_rng(0)
    walks = rng.choice(3, (4000, 20), p=[0.9, 0.09, 0.01]).astype(np.int32)
    walks[0, 5:] = -1
    share = np.array([0.9, 0.09, 0.01])
    out = subsampled(walks, share, 0.01, np.random.default_rng(1))
    ratio = np.array([(out == node).sum() / (walks == node).sum() for node in range(3)])
    np.testing.assert_allclose(ratio, np.minimum(1, (np.sqrt(share / 0.01) + 1) * 0.01 / share), rtol=0.05)
    ends = (out >= 0).sum(1)
    assert all((out[row, :end] >= 0).all() for row, end in enumerate(ends))
    assert ends[0] <= 5


def test_what_subsampling_keeps_is_in_order():
    walks = np.arange(50, dtype=np.int32).reshape(2, 25)
    out = subsampled(walks, np.full(50, 0.02), 0.005, np.random.default_rng(0))
    assert all((np.diff(row[row >= 0]) > 0).all() and 0 < (row >= 0).sum() < 25 for row in out)
    np.testing.assert_array_equal(subsampled(walks, np.full(50, 0.02), 1.0, np.random.default_rng(0)), walks)


def test_groups():
    found = grouped(np.arange(12, dtype=np.int32).reshape(4, 3), 2, 4)
    assert found.shape == (2, 2, 4) and (found[..., 3] == -1).all() and found[1, 0, 0] == 6
