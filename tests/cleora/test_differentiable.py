"""`propagate`: values by the definition, gradients by float64 differences, in the native kernel, in little memory."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cleora_jax import Cleora, embed, from_edges, from_hyperedges, markov, metapath, mix, mixture, propagate, reweighted
from tests import dense, oracles
from tests.conftest import TOYS

RNG = np.random.default_rng(12)
GRAPH = from_edges(RNG.integers(0, 40, 130), RNG.integers(0, 40, 130), num_entities=42)
START = RNG.standard_normal((42, 6)).astype(np.float32)
PROBE = RNG.standard_normal((42, 6))


def reference(matrix, x, *, hops, residual=0.0, temperature=None, normalization="l2") -> np.ndarray:
    """Σ_t a_t x_t in float64."""
    table = dense.normalize(x * (matrix.sum(1) > 0)[:, None], normalization)
    total = hops[0] * table
    for step, weight in enumerate(hops[1:], start=1):
        weights = matrix if temperature is None or step == 1 else dense.attention(matrix, table, temperature)
        table = dense.normalize((1 - residual) * weights @ table + residual * table, normalization)
        total = total + weight * table
    return total


def slope(function, at, direction, size=1e-6) -> float:
    return (function(at + size * direction) - function(at - size * direction)) / (2 * size)


OPERATORS = {
    "left": lambda: markov(GRAPH), "symmetric": lambda: markov(GRAPH, "symmetric"),
    "directed": lambda: markov(GRAPH, "directed", differentiable=True),
    "factored": lambda: markov(GRAPH, form="factored"),
}  # fmt: skip


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("normalization", ["l2", "l1", "none"])
@pytest.mark.parametrize("keep", ["roots", "all"])
def test_values_and_gradients(name, normalization, keep):
    op, matrix = OPERATORS[name](), dense.markov(GRAPH, name if name in ("symmetric", "directed") else "left")
    hops, residual = np.array([0.5, -1.0, 0.25, 2.0, 1.0, 0.1]), 0.3

    @jax.jit
    def value(x, hops, residual, op):
        found = propagate(op, x, hop_weights=hops, residual_weight=residual, normalization=normalization, keep=keep)
        return (found * PROBE).sum(), found

    def exact(x, hops, residual):
        return (reference(matrix, x, hops=hops, residual=residual, normalization=normalization) * PROBE).sum()

    arguments = jnp.asarray(START), jnp.asarray(hops, jnp.float32), jnp.float32(residual)
    gradients, found = jax.jit(jax.grad(value, argnums=(0, 1, 2), has_aux=True))(*arguments, op)
    expected = reference(matrix, START.astype(float), hops=hops, residual=residual, normalization=normalization)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    direction = RNG.standard_normal(START.shape)
    x = START.astype(float)
    scale = np.abs(np.asarray(gradients[0])).max() * 10
    assert (
        abs((gradients[0] * direction).sum() - slope(lambda v: exact(v, hops, residual), x, direction)) < 2e-3 * scale
    )
    turn = RNG.standard_normal(6)
    np.testing.assert_allclose(
        (gradients[1] * turn).sum(), slope(lambda v: exact(x, v, residual), hops, turn), rtol=1e-3
    )
    np.testing.assert_allclose(gradients[2], slope(lambda v: exact(x, hops, v), residual, 1.0), rtol=2e-3, atol=1e-3)
    assert np.isfinite(gradients[0]).all() and not np.asarray(gradients[0])[GRAPH.isolated].any()


@pytest.mark.parametrize("propagation", ["left", "symmetric"])
def test_temperature_and_features_under_attention(propagation):
    op, matrix = markov(GRAPH, propagation), dense.markov(GRAPH, propagation)
    hops = np.array([0.0, 0.3, 1.0, 0.5, 2.0])

    @jax.jit
    def value(x, temperature, op):
        return (propagate(op, x, hop_weights=hops, attention_temperature=temperature) * PROBE).sum()

    def exact(x, temperature):
        return (reference(matrix, x, hops=hops, temperature=temperature) * PROBE).sum()

    found, (by_x, by_t) = jax.value_and_grad(value, argnums=(0, 1))(jnp.asarray(START), jnp.float32(0.4), op)
    x = START.astype(float)
    np.testing.assert_allclose(found, exact(x, 0.4), rtol=1e-4)
    np.testing.assert_allclose(by_t, slope(lambda t: exact(x, t), 0.4, 1.0), rtol=2e-3)
    direction = RNG.standard_normal(x.shape)
    np.testing.assert_allclose(
        (by_x * direction).sum(), slope(lambda v: exact(v, 0.4), x, direction), rtol=5e-3, atol=5e-3
    )


@pytest.mark.parametrize("graph", [GRAPH, TOYS["matrix"]], ids=["directed", "asymmetric"])
def test_gradients_of_attention_without_a_similarity_are_refused(graph):
    """The stored adjoint is that of the matrix, not of its weights as they are now."""
    op = markov(graph, "directed" if graph is GRAPH else "left", differentiable=True)
    start = jnp.asarray(RNG.standard_normal((graph.num_entities, 3)), jnp.float32)

    def value(x, op):
        return propagate(op, x, num_iterations=3, attention_temperature=0.4).sum()

    assert np.isfinite(value(start, op))
    with pytest.raises(ValueError, match="diagonal similarity"):
        jax.grad(value)(start, op)


class TestRelations:
    LINES = [f"u{u}\t" + " ".join(f"i{i}" for i in RNG.integers(0, 15, 3)) for u in range(25)]
    MANY = from_hyperedges(LINES, "user complex::reflexive::item")

    def exact(self, weights) -> np.ndarray:
        return oracles.left(
            sum(w * dense.counts(self.MANY.relation(r.name)) for w, r in zip(weights, self.MANY.relations, strict=True))
        )

    def test_a_mixture_is_the_walk_of_the_weighted_relations(self):
        weights = np.array([0.7, 2.5])
        eye = jnp.eye(self.MANY.num_entities)
        found = mix(mixture(self.MANY), jnp.asarray(weights, jnp.float32)) @ eye
        np.testing.assert_allclose(found, self.exact(weights), atol=1e-6)
        names = [relation.name for relation in self.MANY.relations]
        same = markov(reweighted(self.MANY, dict(zip(names, weights.tolist(), strict=True))))
        np.testing.assert_allclose(found, same @ eye, atol=1e-6)
        alone = mix(mixture(self.MANY), jnp.array([0.0, 1.0])) @ eye
        np.testing.assert_allclose(alone, self.exact([0, 1]), atol=1e-6)

    def test_gradients_reach_the_weights(self):
        n = self.MANY.num_entities
        start = RNG.standard_normal((n, 4)).astype(np.float32)
        probe = RNG.standard_normal((n, 4))

        def value(weights, parts):
            return (propagate(mix(parts, weights), start, num_iterations=3, residual_weight=0.2) * probe).sum()

        def exact(weights):
            hops = np.array([0, 0, 0, 1.0])
            return (reference(self.exact(weights), start.astype(float), hops=hops, residual=0.2) * probe).sum()

        weights = np.array([0.7, 2.5])
        compiled = jax.jit(jax.grad(value)).lower(jnp.asarray(weights, jnp.float32), mixture(self.MANY)).compile()
        assert "cpu_csr_sparse_dense_ffi" in compiled.as_text()
        found = compiled(jnp.asarray(weights, jnp.float32), mixture(self.MANY))
        for at in range(2):
            np.testing.assert_allclose(found[at], slope(exact, weights, np.eye(2)[at]), rtol=2e-3, atol=1e-3)


def test_gradients_at_a_weight_of_zero_are_finite():
    graph = from_hyperedges(["a\tp1\tk1", "b\tp1\tk1", "c\tp2\tk2"], "author paper venue")
    parts, n = mixture(graph), graph.num_entities
    start, probe = RNG.standard_normal((n, 3)).astype(np.float32), RNG.standard_normal((n, 3))
    for weights in ([1.0, 0.0, 0.0], [0.0, 0.0, 1.0]):
        op = mix(parts, jnp.array(weights))
        np.testing.assert_array_equal(op.row_sum > 0, np.asarray(op @ jnp.ones((n, 1)))[:, 0] > 0)
        gradient = jax.grad(lambda w: (propagate(mix(parts, w), start, num_iterations=2) * probe).sum())(
            jnp.array(weights)
        )
        assert np.isfinite(gradient).all() and np.asarray(gradient).any()


def test_gradients_through_a_whitening_after_every_step():
    graph = TOYS["edges"]
    op, n = markov(graph), graph.num_entities
    start = RNG.standard_normal((n, 5)).astype(np.float32)
    matrix, alive = dense.markov(graph, "left"), ~graph.isolated

    def exact(x):
        x = dense.cleora(matrix, dense.normalize(x, "l2"), steps=4, residual=0.2, rank=5)
        return ((x[:10] @ x[10:20].T) ** 2).sum()  # of the Gram matrix: a whitening is free to turn

    def value(x, op):
        x = propagate(op, x, num_iterations=4, residual_weight=0.2, whiten="every")
        return ((x[:10] @ x[10:20].T) ** 2).sum()

    found, gradient = jax.jit(jax.value_and_grad(value))(jnp.asarray(start), op)
    np.testing.assert_allclose(found, exact(start.astype(float)), rtol=1e-4)
    for _ in range(3):
        direction = RNG.standard_normal(start.shape) * alive[:, None]
        expected = slope(exact, start.astype(float), direction, 1e-5)
        np.testing.assert_allclose(
            (gradient * direction).sum(), expected, rtol=0.02, atol=0.02 * np.abs(gradient).max()
        )


@pytest.mark.parametrize("whiten", ["off", "last", "every"])
def test_it_is_the_loop(whiten):
    """The same numbers as `embed`, up to a rotation where it whitens."""
    graph = from_edges(RNG.integers(0, 200, 900), RNG.integers(0, 200, 900), num_entities=200)
    start = dense.normalize(RNG.standard_normal((200, 8)), "l2").astype(np.float32)
    method = Cleora(dim=8, num_iterations=5, whiten=whiten, whiten_rank=8, residual_weight=0.1)
    expected = embed(graph, method, init=start).vectors
    found = propagate(markov(graph), start, num_iterations=5, residual_weight=0.1, whiten=whiten)
    assert dense.gram_error(np.asarray(found), expected.astype(float)) < 1e-4


def test_memory_grows_with_the_root_of_the_steps():
    n, d = 4000, 32
    op = markov(from_edges(RNG.integers(0, n, 12_000), RNG.integers(0, n, 12_000), num_entities=n))
    x = jnp.ones((n, d))

    def room(steps: int, keep: str) -> float:
        def value(x, hops, op):
            return (propagate(op, x, hop_weights=hops, keep=keep) ** 2).sum()

        compiled = jax.jit(jax.grad(value, argnums=(0, 1))).lower(x, jnp.ones(steps + 1), op).compile()
        text = compiled.as_text()
        assert "cpu_csr_sparse_dense_ffi" in text and "scatter" not in text
        return compiled.memory_analysis().temp_size_in_bytes / x.nbytes

    assert room(100, "all") > 100
    assert room(100, "roots") < 40
    assert room(100, "roots") - room(25, "roots") < 2.5 * 2 * (10 - 5)


def test_metapaths_and_vmap():
    graph = TestRelations.MANY
    op = metapath(graph, ["user-item"], differentiable=True)
    starts = RNG.standard_normal((3, graph.num_entities, 4)).astype(np.float32)
    together = jax.vmap(lambda x: propagate(op, x, num_iterations=3))(starts)
    for one, x in zip(together, starts, strict=True):
        np.testing.assert_allclose(one, propagate(op, x, num_iterations=3), atol=1e-6)
    assert np.isfinite(jax.grad(lambda x: propagate(op, x, num_iterations=3).sum())(jnp.asarray(starts[0]))).all()


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({}, "`num_iterations` or `hop_weights`"),
        ({"num_iterations": -1}, "`num_iterations`"),
        ({"num_iterations": 3, "hop_weights": np.ones(3)}, "`hop_weights` must have one entry"),
        ({"num_iterations": 3, "whiten": "often"}, "`whiten`"),
        ({"num_iterations": 3, "keep": "some"}, "`keep`"),
        ({"num_iterations": 3, "residual_weight": 1.5}, "`residual_weight`"),
        ({"num_iterations": 3, "attention_temperature": 0.005}, "`attention_temperature`"),
        ({"hop_weights": np.ones(3), "whiten": "every"}, "`hop_weights` does not go with"),
    ],
)
def test_errors_name_the_argument(options, match):
    with pytest.raises(ValueError, match=match):
        propagate(markov(GRAPH), START, **options)


def test_attention_of_a_mixture_is_refused():
    mixed = mix(mixture(TestRelations.MANY), jnp.ones(2))
    with pytest.raises(ValueError, match="`attention_temperature` needs an operator"):
        propagate(mixed, np.ones((mixed.num_entities, 2), np.float32), num_iterations=2, attention_temperature=1.0)
