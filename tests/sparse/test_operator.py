"""Operators against dense float64, and what makes them fast: the native kernel and no entry-sized temporary."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from cleora_jax.graph import from_edges, from_hyperedges, from_scipy
from cleora_jax.sparse import apply, from_bcoo, markov, to_bcoo
from cleora_jax.sparse.from_graph import PROPAGATIONS, from_csr
from cleora_jax.sparse.operator import Csr, Operator
from tests import dense

NATIVE = "cpu_csr_sparse_dense_ffi"
RNG = np.random.default_rng(0)


def operators(graph, **options):
    """Every operator that this graph has."""
    given = graph.relations[0].counts is not None
    for propagation in PROPAGATIONS:
        for form in ("clique",) if given or propagation.startswith("directed") else ("clique", "factored"):
            if given and propagation == "symmetric" and (graph.counts() - graph.counts().T).nnz:
                continue
            yield propagation, form, markov(graph, propagation, form=form, **options)


@pytest.mark.parametrize("dim", [1, 7, 32, 100])
def test_product_equals_dense(toy, dim):
    x = RNG.standard_normal((toy.num_entities, dim)).astype(np.float32)
    for propagation, form, op in operators(toy):
        expected = dense.markov(toy, propagation) @ x
        np.testing.assert_allclose(apply(op, jnp.asarray(x)), expected, atol=2e-6, err_msg=f"{propagation} {form}")


def test_row_sums(toy):
    for propagation, form, op in operators(toy):
        expected = dense.markov(toy, propagation).sum(1)
        np.testing.assert_allclose(op.row_sum, expected, atol=1e-6, err_msg=f"{propagation} {form}")
        of_entries = (op @ jnp.ones((op.num_entities, 1)))[:, 0]
        np.testing.assert_allclose(of_entries, expected, atol=1e-6, err_msg=f"{propagation} {form}")
        if propagation == "left":
            alive = toy.counts().sum(axis=1) > 0
            np.testing.assert_allclose(np.asarray(op.row_sum)[alive], 1, atol=1e-6)
            assert not np.asarray(op.row_sum)[~alive].any()


def test_adjoint_and_gradient(toy):
    n = toy.num_entities
    x, y = (jnp.asarray(RNG.standard_normal((n, 5)), jnp.float32) for _ in range(2))
    for propagation, form, op in operators(toy, differentiable=True):
        gradient = jax.grad(lambda x, op=op: (apply(op, x) * y).sum())(x)
        expected = dense.markov(toy, propagation).T @ np.asarray(y, np.float64)
        np.testing.assert_allclose(gradient, expected, atol=1e-5, err_msg=f"{propagation} {form}")


def test_gradient_without_adjoint_says_what_to_do():
    op = markov(from_edges([0, 1], [1, 2]), "directed")
    with pytest.raises(ValueError, match="differentiable=True"):
        jax.grad(lambda x: apply(op, x).sum())(jnp.ones((3, 2)))


BIG = {
    "clique": from_edges(RNG.integers(0, 2000, 30_000), RNG.integers(0, 2000, 30_000)),
    "factored": from_hyperedges(RNG.integers(0, 2000, (300, 100)).tolist()),
}


TRANSFORMS = {
    "jit": (lambda op, x: apply(op, x), (2000, 64)),
    "blocks": (lambda op, x: apply(op, x), (2000, 256)),
    "scan": (lambda op, x: jax.lax.scan(lambda c, _: (apply(op, c), None), x, length=3)[0], (2000, 64)),
    "vmap": (lambda op, x: jax.vmap(lambda one: apply(op, one))(x), (3, 2000, 64)),
    "vmap of narrow": (lambda op, x: jax.vmap(lambda one: apply(op, one))(x), (6, 2000, 8)),
    "vmap of vmap": (lambda op, x: jax.vmap(jax.vmap(lambda one: apply(op, one)))(x), (2, 2, 2000, 16)),
    "grad": (lambda op, x: jax.grad(lambda x: (apply(op, x) ** 2).sum())(x), (2000, 64)),
    "grad of vmap": (
        lambda op, x: jax.grad(lambda x: (jax.vmap(lambda one: apply(op, one))(x) ** 2).sum())(x), (3, 2000, 64),
    ),
    "vmap of grad": (
        lambda op, x: jax.vmap(jax.grad(lambda one: (apply(op, one) ** 2).sum()))(x), (3, 2000, 64),
    ),
    "grad of scan": (
        lambda op, x: jax.grad(lambda x: jax.lax.scan(lambda c, _: (apply(op, c), None), x, length=3)[0].sum())(x),
        (2000, 64),
    ),
}  # fmt: skip


def dense_left(graph):
    w = graph.counts().toarray().astype(np.float64)
    return w / w.sum(1, keepdims=True)


DENSE = {name: dense_left(graph) for name, graph in BIG.items()}
EXPECTED = dict.fromkeys(("jit", "blocks", "vmap", "vmap of narrow", "vmap of vmap"), lambda p, x: p @ x)
EXPECTED |= dict.fromkeys(("grad", "grad of vmap", "vmap of grad"), lambda p, x: 2 * p.T @ (p @ x))
EXPECTED |= {
    "scan": lambda p, x: p @ (p @ (p @ x)),
    "grad of scan": lambda p, x: p.T @ (p.T @ (p.T @ np.ones_like(x))),
}


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("form", ["clique", "factored"])
def test_every_transform_stays_in_the_native_kernel(name, form):
    function, shape = TRANSFORMS[name]
    op = markov(BIG[form], "left", form=form)
    x = jnp.asarray(RNG.standard_normal(shape), jnp.float32)
    compiled = jax.jit(function).lower(op, x).compile()
    text = compiled.as_text()
    assert NATIVE in text
    assert "scatter" not in text  # the slow path gathers and scatters entry by entry
    limit = {"jit": 1, "blocks": 3, "scan": 3}.get(name, 6) * x.nbytes
    assert compiled.memory_analysis().temp_size_in_bytes < limit + 2 * op.nbytes
    assert op.num_entries * 64 * 4 > 6 * 2000 * 64 * 4  # an entry-sized temporary would not fit in the limit
    expected = EXPECTED[name](DENSE[form], np.asarray(x, np.float64))
    found = compiled(op, x)
    np.testing.assert_allclose(found, expected, atol=2e-6 * np.abs(expected).max())


def test_vmap_over_the_operator_is_refused():
    op = markov(from_edges([0, 1], [1, 2]), "left")
    stacked = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), op)
    with pytest.raises(NotImplementedError, match="operator"):
        jax.vmap(apply)(stacked, jnp.ones((2, 3, 2)))


def test_same_shape_does_not_retrace():
    traces = []

    @jax.jit
    def step(op, x):
        traces.append(1)
        return apply(op, x)

    for seed in range(2):
        rng = np.random.default_rng(seed)
        pairs = rng.permutation(40)
        step(markov(from_edges(pairs[:20], pairs[20:], num_entities=40), "left"), jnp.ones((40, 4)))
    assert len(traces) == 1


def test_auto_takes_the_fewer_entries():
    wide = from_hyperedges([[f"e{i}" for i in range(200)]])
    assert len(markov(wide).factors) == 2
    assert len(markov(from_edges([0, 1], [1, 2])).factors) == 1
    assert markov(wide).num_entries == wide.entries()["factored"]


@pytest.mark.parametrize("propagation", ["directed", "directed-in"])
def test_reversing_edges_swaps_out_and_in(propagation):
    src, dst = RNG.integers(0, 12, 30), RNG.integers(0, 12, 30)
    other = {"directed": "directed-in", "directed-in": "directed"}[propagation]
    one = markov(from_edges(src, dst, num_entities=12), propagation)
    two = markov(from_edges(dst, src, num_entities=12), other)
    np.testing.assert_array_equal(to_dense(one), to_dense(two))


def to_dense(op):
    return np.asarray(apply(op, jnp.eye(op.num_entities, dtype=jnp.float32)))


def test_bcoo_in_and_out():
    matrix = to_bcoo(from_edges(["a", "b"], ["b", "c"], [1.0, 2.0]))
    graph = from_bcoo(matrix, ["a", "b", "c"])
    np.testing.assert_array_equal(graph.counts().toarray(), matrix.todense())


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: markov(from_edges([0], [1]), "right"), ValueError, "propagation.*'right'"),
        (lambda: markov(from_edges([0], [1]), form="dense"), ValueError, "form.*'dense'"),
        (lambda: markov(from_edges([0], [1]), "directed", form="factored"), ValueError, "order"),
        (lambda: markov(from_scipy(np.array([[0, 1], [0, 0]])), "symmetric"), ValueError, "not symmetric"),
        (lambda: apply(markov(from_edges([0], [1])), jnp.ones((3, 2))), ValueError, r"\(2, d\)"),
        (lambda: apply(markov(from_edges([0], [1])), jnp.ones((2, 2), jnp.int32)), TypeError, "float32"),
    ],
)
def test_errors_name_the_argument(call, error, match):
    with pytest.raises(error, match=match):
        call()


@given(st.lists(st.lists(st.integers(0, 8), min_size=1, max_size=6), min_size=1, max_size=12))
@settings(max_examples=40, deadline=None)
def test_both_forms_agree(hyperedges):
    graph = from_hyperedges(hyperedges)
    for propagation in ("left", "symmetric"):
        clique, factored = (to_dense(markov(graph, propagation, form=form)) for form in ("clique", "factored"))
        np.testing.assert_allclose(clique, factored, atol=1e-6)
        np.testing.assert_allclose(clique, dense.markov(graph, propagation), atol=1e-6)


def test_an_operator_as_bcoo():
    op = markov(from_edges([0, 0], [1, 2]))
    np.testing.assert_allclose(to_bcoo(op).todense(), to_dense(op))
    with pytest.raises(ValueError, match="form='clique'"):
        to_bcoo(markov(from_edges([0, 0], [1, 2]), form="factored"))


def test_pointers_of_64_bits_stay_whole():
    """Beyond 2³¹ − 1 entries they are needed; here they are small, but typed as they would be."""
    counts = from_edges([0, 0], [1, 2]).counts()
    with jax.enable_x64(True):
        wide = (jnp.asarray(array, np.int64) for array in (counts.indices, counts.indptr))
        csr = Csr(jnp.asarray(counts.data), *wide, counts.shape)
    assert csr.indptr.dtype == csr.indices.dtype == np.int64
    op = Operator((csr,), jnp.ones(3))
    x = jnp.asarray(RNG.standard_normal((3, 5)), jnp.float32)
    compiled = jax.jit(apply).lower(op, x).compile()
    assert "cpu_csr_sparse_dense_ffi" in compiled.as_text()
    np.testing.assert_allclose(compiled(op, x), counts.toarray() @ x, rtol=1e-6)
    huge = sp.csr_array((np.ones(1, np.float32), np.zeros(1, np.int64), np.array([0, 1], np.int64)), shape=(1, 1))
    huge.indptr = np.array([0, 2**31 + 5])
    assert Csr.of(huge).indptr.tolist() == [0, 2**31 + 5]


@pytest.mark.parametrize("form", ["clique", "factored"])
@pytest.mark.parametrize("propagation", ["left", "symmetric"])
def test_rows_sum_to_one_whatever_the_size_of_weights(form, propagation):
    weight = [1e-39, 2e-39, 1e38, 3.0]
    op = markov(from_edges([0, 1, 3, 5], [1, 2, 4, 6], weight), propagation, form=form)
    found = to_dense(op)
    assert np.isfinite(found).all()
    if propagation == "left":
        np.testing.assert_allclose(found.sum(1), 1, atol=1e-3)  # float32 holds 1e-39 to three digits


def test_weights_beyond_float32_are_an_error():
    with pytest.raises(ValueError, match="add up to more than float32"):
        markov(from_edges([0] * 9, [1] * 9, [3e38] * 9), form="clique")
    given = sp.coo_array((np.full(2, 3e38), ([0, 0], [1, 1])), shape=(2, 2))
    with pytest.raises(ValueError, match="add up to more than float32"):
        from_scipy(given)


def test_it_prints_what_is_static():
    for form in ("clique", "factored"):
        op = markov(from_edges([0, 0], [1, 2]), form=form)
        assert repr(op) == repr(jax.tree.map(lambda _: None, op)) == f"Operator(3 entities, {form})"


def test_rectangular_product_and_gradient():
    matrix = sp.random_array((30, 11), density=0.2, rng=RNG, format="csr", dtype=np.float32)
    matrix.sort_indices()
    op = from_csr(matrix)
    x, y = RNG.standard_normal((11, 5)).astype(np.float32), RNG.standard_normal((30, 5)).astype(np.float32)
    assert op.shape == (30, 11)
    np.testing.assert_allclose(apply(op, jnp.asarray(x)), matrix.toarray().astype(float) @ x, atol=1e-5)
    gradient = jax.grad(lambda x: (apply(op, x) * y).sum())(jnp.asarray(x))
    np.testing.assert_allclose(gradient, matrix.toarray().astype(float).T @ y, atol=1e-5)
    with pytest.raises(ValueError, match=r"`x` must have shape \(11, d\)"):
        apply(op, jnp.ones((30, 5)))
