"""Networks: forward pass, gradient, dropout and Adam against dense float64, stopping, and what is compiled."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse as sp

import cleora_jax as cj
from cleora_jax._checks import OptionError
from cleora_jax.learn.classifiers import GCN, MLP, training
from cleora_jax.learn.classifiers.layers import Inputs, dropped, logits_of, table_of
from cleora_jax.learn.classifiers.training import first_parameters, mean_loss
from cleora_jax.sparse.from_graph import from_csr
from cleora_jax.sparse.normalized import smoothing
from cleora_jax.vectors.stable import product, product_over_rows
from tests.learn.test_classify import SEVERAL, TOY, run

NATIVE = "cpu_csr_sparse_dense_ffi"
RNG = np.random.default_rng(4)
FEATURES = np.where(np.abs(TOY.features) > 0.7, TOY.features, 0).astype(np.float32)
ROWS = TOY.split[0]
KEY = jax.random.key(9)


def table(kind: str):
    return table_of(sp.csr_array(FEATURES) if kind == "sparse" else FEATURES)


def inputs(kind: str, smooth: bool) -> Inputs:
    return Inputs(table(kind), from_csr(smoothing(cj.adjacency(TOY.graph)), symmetric=True) if smooth else None)


def parameters(*hidden: int):
    """With biases that are not zero."""
    sizes = (FEATURES.shape[1], *hidden, 3)
    return tuple((w, jnp.asarray(RNG.standard_normal(b.shape), jnp.float32)) for w, b in first_parameters(sizes, 1))


def masks_of(kind: str, hidden: tuple[int, ...], dropout: float) -> list[np.ndarray]:
    """What `dropped` multiplies each layer's inputs with, seen through tables of ones."""
    shapes = [(92, width) for width in hidden]
    ones = jnp.ones(FEATURES.shape, jnp.float32)
    first = dropped(ones if kind == "dense" else table_of(sp.csr_array((FEATURES != 0).astype(np.float32))),
                    jax.random.fold_in(KEY, 0), dropout)  # fmt: skip
    found = [np.asarray(first) if kind == "dense" else np.asarray(first.op @ jnp.eye(FEATURES.shape[1]))]
    later = [dropped(jnp.ones(shape), jax.random.fold_in(KEY, at), dropout) for at, shape in enumerate(shapes, 1)]
    return found + [np.asarray(mask) for mask in later]


def dense_logits(weights, x, smooth, masks):
    """The definition, in float64, of NumPy or of JAX."""
    for layer, (weight, bias) in enumerate(weights):
        x = smooth @ (masks[layer] * x) @ weight + bias
        x = x if layer == len(weights) - 1 else (x > 0) * x
    return x


def dense_case(smooth: bool, hidden: tuple[int, ...], kind: str, dropout: float):
    matrix = smoothing(cj.adjacency(TOY.graph)).toarray().astype(float) if smooth else np.eye(92)
    masks = masks_of(kind, hidden, dropout) if dropout else [np.ones((92, width)) for width in (12, *hidden)]
    return matrix, masks


CASES = [(smooth, hidden) for smooth in (False, True) for hidden in ((), (8,), (8, 5))]


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize(("smooth", "hidden"), CASES)
def test_forward_pass_against_dense(smooth, hidden, kind, dropout):
    weights = parameters(*hidden)
    matrix, masks = dense_case(smooth, hidden, kind, dropout)
    wide = [(np.asarray(w, float), np.asarray(b, float)) for w, b in weights]
    found = logits_of(weights, inputs(kind, smooth), dropout, KEY if dropout else None)
    np.testing.assert_allclose(found, dense_logits(wide, FEATURES.astype(float), matrix, masks), atol=2e-5)


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize(("dropout", "single"), [(0.0, True), (0.4, True), (0.4, False)])
@pytest.mark.parametrize(("smooth", "hidden"), CASES[1:])
def test_gradient_against_dense(smooth, hidden, kind, dropout, single):
    """With dropout, too: the backward pass must see what the forward pass dropped."""
    weights = parameters(*hidden)
    matrix, masks = dense_case(smooth, hidden, kind, dropout)
    target = (TOY if single else SEVERAL).labels.matrix.toarray()[ROWS].astype(float)

    def loss(weights):
        return mean_loss(logits_of(weights, inputs(kind, smooth), dropout, KEY)[ROWS], jnp.asarray(target), single)

    def expected_loss(weights):
        logits = dense_logits(weights, FEATURES.astype(float), matrix, masks)[ROWS]
        if single:
            chances = jnp.exp(logits) / jnp.exp(logits).sum(axis=1, keepdims=True)
            return -(jnp.log(chances) * target).sum() / len(target)
        chances = 1 / (1 + jnp.exp(-logits))
        return -(target * jnp.log(chances) + (1 - target) * jnp.log(1 - chances)).mean()

    value, found = jax.value_and_grad(loss)(weights)
    with jax.enable_x64(True):
        wide = jax.tree.map(lambda part: jnp.asarray(np.asarray(part, float)), weights)
        expected_value, expected = jax.value_and_grad(expected_loss)(wide)
        assert expected[0][0].dtype == np.float64
    assert value == pytest.approx(float(expected_value), rel=1e-5)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-6 + 2e-5 * np.abs(other).max())


@pytest.mark.parametrize("kind", ["dense", "sparse"])
def test_dropout_drops_its_share_and_keeps_the_mean(kind):
    ones = np.ones((400, 50), np.float32)
    after = dropped(table_of(sp.csr_array(ones) if kind == "sparse" else ones), KEY, 0.3)
    if kind == "sparse":
        forward, backward = (np.asarray(part.data) for part in (after.op.factors[0], after.op.adjoint[0]))
        np.testing.assert_array_equal(forward.reshape(400, 50), backward.reshape(50, 400).T)
        after = forward
    after = np.asarray(after)
    np.testing.assert_allclose(np.unique(after), [0, 1 / 0.7], rtol=1e-6)
    assert abs((after == 0).mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 20_000)


@pytest.mark.parametrize("shape", [(1, 1, 1), (7, 3, 2), (1024, 5, 4), (1025, 5, 4), (5000, 30, 7)])
def test_product_over_rows(shape):
    n, a, b = shape
    x, y = RNG.standard_normal((n, a)).astype(np.float32), RNG.standard_normal((n, b)).astype(np.float32)
    np.testing.assert_allclose(product_over_rows(x, y), x.astype(float).T @ y, atol=1e-3)
    slope = RNG.standard_normal((n, b)).astype(np.float32)
    weight = RNG.standard_normal((a, b)).astype(np.float32)
    by_x, by_weight = jax.vjp(product, jnp.asarray(x), jnp.asarray(weight))[1](jnp.asarray(slope))
    np.testing.assert_allclose(by_x, slope.astype(float) @ weight.T, atol=1e-4)
    np.testing.assert_allclose(by_weight, x.astype(float).T @ slope, atol=1e-3)


def test_training_is_adam_with_weight_decay():
    """The losses of each epoch, against Adam written out for a linear softmax in float64."""
    method = MLP(hidden=(), dropout=0, weight_decay=0.03, learning_rate=0.02, num_epochs=25, patience=25, seed=5)
    found = run(method, TOY)
    x, y = TOY.features[ROWS].astype(float), TOY.labels.matrix.toarray()[ROWS].astype(float)
    state = [np.asarray(part, float) for part in first_parameters((12, 3), 5)[0]]
    first, second = [np.zeros_like(part) for part in state], [np.zeros_like(part) for part in state]
    for epoch in range(1, 26):
        logits = x @ state[0] + state[1]
        chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        loss = -(np.log(chances) * y).sum() / len(x)
        assert found.history.train_loss[epoch] == pytest.approx(loss, rel=1e-4)
        slopes = [x.T @ (chances - y) / len(x) + 0.03 * state[0], (chances - y).mean(axis=0)]
        for at, slope in enumerate(slopes):
            first[at] = 0.9 * first[at] + 0.1 * slope
            second[at] = 0.999 * second[at] + 0.001 * slope**2
            step = first[at] / (1 - 0.9**epoch) / (np.sqrt(second[at] / (1 - 0.999**epoch)) + 1e-8)
            state[at] = state[at] - 0.02 * step


def test_the_paper_decays_the_first_layer_alone():
    assert GCN(hidden=(8, 4), weight_decay=0.1).decay() == (0.1, 0, 0)
    assert MLP(hidden=(8,), weight_decay=0.1).decay() == (0.1, 0.1)


@pytest.mark.parametrize(
    "method",
    [MLP(hidden=(8,), patience=15), GCN(hidden=(8,), patience=15, learning_rate=0.1, weight_decay=0.05)],
    ids=["mlp", "gcn"],
)
def test_training_stops_after_patience_and_keeps_the_best_epoch(method):
    found = run(method, TOY)
    _, loss, f1 = found.history
    order = list(zip(f1, -loss, strict=True))
    assert found.best == order.index(max(order)) and found.best > 0
    assert len(f1) == found.best + 15 + 1 < method.num_epochs
    again = run(replace(method, num_epochs=found.best), TOY)
    np.testing.assert_array_equal(found.scores, again.scores)
    held = TOY.split[1]
    assert found.validation.micro_f1 == f1[found.best]
    chances = found.scores[held, TOY.labels.codes[held]].astype(float)
    assert loss[found.best] == pytest.approx(-np.log(chances).mean(), rel=1e-5)


def test_the_start_is_kept_where_no_epoch_improves_on_it():
    found = run(MLP(hidden=(8,), learning_rate=0, num_epochs=9, patience=4), TOY)
    assert found.best == 0 and len(found.history.train_loss) == 5


def test_seeds_differ_and_dropout_matters():
    base = GCN(hidden=(8,), num_epochs=10)
    found = run(base, TOY)
    assert (run(replace(base, seed=1), TOY).scores != found.scores).any()
    assert (run(replace(base, dropout=0), TOY).scores != found.scores).any()


def test_a_loss_that_explodes_is_told():
    with pytest.raises(OptionError, match="`learning_rate` must be smaller"):
        run(MLP(hidden=(8, 8, 8), dropout=0, learning_rate=1e30, num_epochs=20), TOY)


def test_a_second_training_of_the_same_shapes_compiles_nothing():
    method = GCN(hidden=(7,), num_epochs=3)
    run(method, TOY)
    sizes = training._step._cache_size(), training._probabilities._cache_size()
    run(replace(method, seed=3, learning_rate=0.1, weight_decay=0.2, num_epochs=5), TOY)
    assert sizes == (training._step._cache_size(), training._probabilities._cache_size())


def test_gradients_of_sparse_features_stay_in_the_native_kernel():
    """Two layers: features, and S in each; backward: S in each, and the features' transpose."""
    weights, given = parameters(8), inputs("sparse", True)

    def loss(weights, given):
        return mean_loss(logits_of(weights, given, 0.5, KEY)[ROWS], jnp.ones((len(ROWS), 3)), True)

    text = jax.jit(jax.grad(loss)).lower(weights, given).compile().as_text()
    assert text.count(f'custom_call_target="{NATIVE}"') == 6
