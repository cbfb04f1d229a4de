"""The net: forward pass and gradient against dense float64, the sketch operator, learning, stopping, and bits."""

from __future__ import annotations

import os
import subprocess
import sys

import jax
import numpy as np
import pytest
import scipy.sparse as sp

from cleora_jax._checks import OptionError
from cleora_jax.recommend.emde import training
from cleora_jax.recommend.emde.net import SketchNet, first_parameters, logits_of, mean_loss, sketch_operator
from cleora_jax.recommend.emde.sketch import code_matrix
from cleora_jax.recommend.emde.training import Examples, input_sketch, train_net
from tests.conftest import ROOT

WIDTH, DEPTH, N = 4, 3, 20
CODES = np.stack([np.arange(N) // WIDTH**depth % WIDTH for depth in range(DEPTH)], axis=1).astype(
    np.int32
)  # all differ
RNG = np.random.default_rng(0)


def picked(rows) -> sp.csr_array:
    return sp.csr_array(np.eye(N)[rows])


def examples(count: int, seed: int = 0) -> Examples:
    """After item i comes i + 1; the history holds something else, too."""
    rng = np.random.default_rng(seed)
    last = rng.integers(0, N, count)
    history = sp.csr_array(picked(last) + 0.5 * picked(rng.integers(0, N, count)))
    return Examples((history, picked(last)), picked((last + 1) % N))


def dense_logits(parameters, moments, x, learning):
    """The definition in NumPy."""
    (first, first_bias), between, (last, last_bias), norms = jax.tree.map(
        lambda a: np.asarray(a, np.float64), parameters
    )
    x, projected = np.split(x @ first + first_bias, 2, axis=1)
    for at, norm in enumerate(norms):
        if at:
            x = (x + projected) @ between[at - 1][0] + between[at - 1][1]
        x = np.where(x > 0, x, 0.01 * x)
        mean, variance = (x.mean(axis=0), x.var(axis=0)) if learning else moments[at]
        x = (x - mean) / np.sqrt(variance + 1e-5) * norm[0] + norm[1]
    return x @ last + last_bias


def some_parameters(layers: int):
    parameters, moments = first_parameters(SketchNet(hidden=8, layers=layers), 2 * WIDTH * DEPTH, WIDTH * DEPTH)
    stir = np.random.default_rng(1)
    stirred = jax.tree.map(lambda a: a + stir.standard_normal(a.shape).astype(np.float32) / 4, parameters)
    return stirred, jax.tree.map(lambda a: np.abs(a + stir.standard_normal(a.shape)).astype(np.float32), moments)


@pytest.mark.parametrize("learning", [True, False])
@pytest.mark.parametrize("layers", [1, 3])
def test_logits_are_those_of_the_definition(layers, learning):
    parameters, moments = some_parameters(layers)
    sketch = input_sketch(examples(30).inputs, code_matrix(CODES, WIDTH), WIDTH)
    found, new = logits_of(parameters, moments, sketch_operator(sketch), learning=learning)
    np.testing.assert_allclose(found, dense_logits(parameters, moments, sketch.toarray(), learning), atol=2e-5)
    assert (
        all(np.array_equal(a, b) for a, b in zip(jax.tree.leaves(new), jax.tree.leaves(moments), strict=True))
        != learning
    )


def test_gradients_are_those_of_differences():
    parameters, moments = some_parameters(2)
    sketch = input_sketch(examples(30).inputs, code_matrix(CODES, WIDTH), WIDTH)
    target = np.repeat(np.eye(WIDTH)[RNG.integers(0, WIDTH, (30, DEPTH))].reshape(30, -1), 1, axis=0).astype(np.float32)

    def dense_loss(parameters):
        logits = dense_logits(parameters, moments, sketch.toarray(), True).reshape(30, DEPTH, WIDTH)
        log = logits - np.log(np.exp(logits).sum(axis=2, keepdims=True))
        return -(log * target.reshape(log.shape)).sum() / 30 / DEPTH

    op = sketch_operator(sketch)
    value, slope = jax.value_and_grad(lambda p: mean_loss(logits_of(p, moments, op, learning=True)[0], target, WIDTH))(
        parameters
    )
    assert value == pytest.approx(dense_loss(parameters), rel=1e-5)
    wide, tree = jax.tree.flatten(jax.tree.map(lambda a: np.asarray(a, np.float64), parameters))
    for leaf, (array, found) in enumerate(zip(wide, jax.tree.leaves(slope), strict=True)):
        for place in RNG.integers(0, array.size, 4):
            ends = []
            for step in (1e-5, -1e-5):
                moved = [one.copy() for one in wide]
                moved[leaf].flat[place] += step
                ends.append(dense_loss(jax.tree.unflatten(tree, moved)))
            assert np.asarray(found).flat[place] == pytest.approx((ends[0] - ends[1]) / 2e-5, abs=2e-6)


def test_padding_belongs_to_no_row():
    sketch = sp.random_array((5, 40), density=0.2, rng=np.random.default_rng(0), format="csr")
    op, x = sketch_operator(sketch), RNG.standard_normal((40, 3)).astype(np.float32)
    np.testing.assert_allclose(op @ x, sketch @ x, atol=1e-6)
    back = jax.vjp(lambda table: op @ table, x)[1](np.ones((5, 3), np.float32))[0]
    np.testing.assert_allclose(back, sketch.T @ np.ones((5, 3)), atol=1e-6)
    assert sketch_operator(sp.csr_array((5, 40))).num_entries > 0


def test_it_learns_what_comes_next():
    net = train_net(examples(2000), CODES, WIDTH, SketchNet(hidden=32, num_epochs=25, batch_size=64, rate_decay=0.9),
                    validation=examples(100, seed=1))  # fmt: skip
    masses = net(*examples(100, seed=2).inputs).reshape(100, DEPTH, WIDTH)
    np.testing.assert_allclose(masses.sum(axis=2), 1, atol=1e-5)
    wanted = CODES[examples(100, seed=2).target.indices]
    assert (masses.argmax(axis=2) == wanted).mean() > 0.95
    assert net.best_epoch == np.argmin(net.history.validation_loss) > 0


@pytest.mark.slow
def test_targets_of_several_items_are_learned_as_shares():
    taken, then = picked(RNG.integers(0, N, 200)), sp.csr_array(3 * picked([1] * 200) + picked([2] * 200))
    codes = np.arange(N, dtype=np.int32)[:, None]
    net = train_net(
        Examples((taken,), then), codes, 32, SketchNet(hidden=32, num_epochs=300, learning_rate=0.03, rate_decay=0.98)
    )
    np.testing.assert_allclose(net(taken)[:, 1:3], np.tile([0.75, 0.25], (200, 1)), atol=0.02)


def test_it_stops_where_validation_grows_worse():
    noise = Examples(examples(60).inputs, picked(RNG.integers(0, N, 60)))
    other = Examples(examples(60, seed=1).inputs, picked(RNG.integers(0, N, 60)))
    net = train_net(
        noise, CODES, WIDTH, SketchNet(hidden=32, num_epochs=50, rate_decay=1.0, patience=2), validation=other
    )
    assert len(net.history.train_loss) - 1 == net.best_epoch + 2 < 50


def test_few_shapes_are_compiled():
    before = training._step._cache_size()
    train_net(examples(130), CODES, WIDTH, SketchNet(hidden=7, num_epochs=2, batch_size=32))
    assert training._step._cache_size() == before + 1


@pytest.mark.parametrize(
    "make, told",
    [
        (lambda: SketchNet(batch_size=2000), "`batch_size`"),
        (lambda: SketchNet(hidden=0), "`hidden`"),
        (lambda: SketchNet(rate_decay=1.5), "`rate_decay`"),
        (lambda: train_net(examples(1), CODES, WIDTH), "two cases"),
        (lambda: train_net(Examples((), picked([1, 2])), CODES, WIDTH), "with an input"),
        (lambda: train_net(Examples((picked([1]),), picked([1, 2])), CODES, WIDTH), "`examples` must be CSR"),
        (lambda: train_net(Examples((picked([1, 2]),), -picked([1, 2])), CODES, WIDTH), "at least 0"),
        (
            lambda: train_net(examples(64), CODES, WIDTH, SketchNet(learning_rate=1e38)),
            "`learning_rate` must be smaller",
        ),
    ],
)
def test_what_cannot_be(make, told):
    with pytest.raises(OptionError, match=told):
        make()


SCRIPT = """
import hashlib, os, sys
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[1])])
import numpy as np
import scipy.sparse as sp
from cleora_jax.recommend.emde.coder import DLSH, codes_of, fit_coder
from cleora_jax.recommend.emde.decode import decoder
from cleora_jax.recommend.emde.net import SketchNet
from cleora_jax.recommend.emde.training import Examples, train_net
from cleora_jax.recommend.sessions.histories import Histories
from cleora_jax.recommend.sessions.nearest import VectorNeighbours
rng = np.random.default_rng(0)
vectors = rng.normal(size=(3_000, 200)).astype(np.float32)
codes = codes_of(fit_coder(vectors, DLSH(depth=9, width=128, thresholds="median")), vectors)
histories = Histories.of(rng.integers(0, 3_000, (2_500, 4)).tolist())
weights = histories.weights(3_000, 0.7)
target = sp.csr_array((np.ones(2_500), (np.arange(2_500), rng.integers(0, 3_000, 2_500))), shape=(2_500, 3_000))
for hidden, batch in ((200, 512), (256, 1000)):
    net = train_net(Examples((weights, target), target), codes, 128, SketchNet(hidden, num_epochs=1, batch_size=batch))
    masses = net(weights[:300], target[:300])
    near = VectorNeighbours()(vectors)(histories.take(slice(300)))
    parts = codes, masses, decoder(codes, 128)(masses), near, *net.parameters.last
    print(hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest())
"""


@pytest.mark.slow
def test_bits_do_not_depend_on_threads():
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs 2 processor cores")
    one, two = (
        subprocess.run(
            [sys.executable, "-c", SCRIPT, cores], check=True, capture_output=True, text=True, cwd=ROOT
        ).stdout
        for cores in ("1", "2")
    )
    assert one == two and len(set(one.split())) == 2
