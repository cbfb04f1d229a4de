"""Operators whose weights are computed: attention, mixtures of relations, metapaths. Against dense float64."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cleora_jax import Cleora, apply, embed, from_edges, from_hyperedges, from_scipy, markov, metapath, mixture
from cleora_jax.graph import from_relations, from_triples
from cleora_jax.sparse.attention import MIN_TEMPERATURE, attention
from cleora_jax.sparse.operator import apply_with, entry_dots, entry_rows
from cleora_jax.vectors.rows import split_columns
from tests import dense
from tests.conftest import TOYS

RNG = np.random.default_rng(9)


def to_dense(op) -> np.ndarray:
    return np.asarray(op @ jnp.eye(op.num_entities, dtype=jnp.float32))


@pytest.mark.parametrize("temperature", [MIN_TEMPERATURE, 0.5, 1e9])
def test_attention_is_a_softmax_times_the_matrix(toy, temperature):
    for propagation in ("left", "directed"):
        op = markov(toy, propagation, form="clique")
        x = RNG.standard_normal((toy.num_entities, 150)).astype(np.float32)
        x[:, 3:] *= 0.2  # cosines that are large, too
        found = to_dense(
            attention(op, entry_rows(op.factors[0]), split_columns(jnp.asarray(x)), jnp.float32(temperature))
        )
        expected = dense.attention(dense.markov(toy, propagation), x.astype(float), temperature)
        np.testing.assert_allclose(found, expected, atol=2e-5)
        np.testing.assert_allclose(found.sum(1), np.asarray(op.row_sum), atol=1e-5)


@pytest.mark.parametrize("entries", [1, 4095, 4096, 4097, 9000])
def test_entry_dots_over_blocks(entries):
    graph = from_edges(RNG.integers(0, 900, entries), RNG.integers(0, 900, entries), num_entities=900)
    matrix = markov(graph).factors[0]
    x, y = (RNG.standard_normal((900, 140)).astype(np.float32) for _ in range(2))
    rows = entry_rows(matrix)
    np.testing.assert_array_equal(rows, np.repeat(np.arange(900), np.diff(np.asarray(matrix.indptr))))
    found = entry_dots(matrix, rows, split_columns(jnp.asarray(x)), split_columns(jnp.asarray(y)))
    expected = (x[np.asarray(rows)].astype(float) * y[np.asarray(matrix.indices)]).sum(1)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_products_with_given_entries_have_both_gradients_and_stay_native():
    graph = TOYS["weighted"]
    op = markov(graph)
    data = jnp.asarray(op.factors[0].data)
    x = jnp.asarray(RNG.standard_normal((graph.num_entities, 7)), jnp.float32)
    probe = RNG.standard_normal(x.shape)
    symmetric = data * jnp.exp(entry_dots(op.factors[0], entry_rows(op.factors[0]), (x,), (x,)) / 9)  # E is symmetric

    compiled = jax.jit(jax.grad(lambda data, x, op: (apply_with(op, data, x) * probe).sum(), argnums=(0, 1))).lower(
        symmetric, x, op
    ).compile()  # fmt: skip
    assert "cpu_csr_sparse_dense_ffi" in compiled.as_text()
    by_data, by_x = compiled(symmetric, x, op)
    rows, columns = np.asarray(entry_rows(op.factors[0])), np.asarray(op.factors[0].indices)
    matrix = np.zeros((graph.num_entities,) * 2)
    matrix[rows, columns] = symmetric
    np.testing.assert_allclose(by_data, (probe[rows] * np.asarray(x)[columns]).sum(1), atol=1e-5)
    np.testing.assert_allclose(by_x, matrix.T @ probe, atol=1e-5)


def test_vmap_over_entries_runs_one_product_after_another():
    op = markov(TOYS["edges"])
    many = jnp.stack([op.factors[0].data * scale for scale in (1, 2, 5)])
    x = jnp.asarray(RNG.standard_normal((op.num_entities, 9)), jnp.float32)
    function = jax.jit(lambda many, op, x: jax.vmap(lambda data: apply_with(op, data, x))(many))
    assert "cpu_csr_sparse_dense_ffi" in function.lower(many, op, x).compile().as_text()
    for scale, found in zip((1, 2, 5), function(many, op, x), strict=True):
        # Rows sum to `scale`, so rounding is by the size of x: an entry near zero is a difference of larger ones.
        rounding = 4 * np.finfo(np.float32).eps * scale * float(jnp.abs(x).max())
        np.testing.assert_allclose(found, scale * apply(op, x), rtol=1e-5, atol=rounding)


def test_entries_of_a_factored_operator_are_refused():
    op = markov(TOYS["baskets"], form="factored")
    with pytest.raises(ValueError, match="form='clique'"):
        apply_with(op, op.factors[0].data, jnp.ones((op.num_entities, 2)))


def test_a_mixture_of_what_is_not_symmetric_is_refused():
    with pytest.raises(ValueError, match="must be symmetric"):
        mixture(from_scipy(np.array([[0, 1.0], [0, 0]])))


class TestMetapath:
    LINES = [f"a{RNG.integers(0, 20)}\tp{RNG.integers(0, 30)}\tv{RNG.integers(0, 5)}" for _ in range(60)]
    GRAPH = from_hyperedges(LINES, "author paper venue")

    @pytest.mark.parametrize(
        ("path", "walked"),
        [
            (["author-paper"], ["author-paper", "~author-paper"]),
            (["author-paper", "~author-paper"], ["author-paper", "~author-paper"]),
            (["author-paper", "paper-venue"], ["author-paper", "paper-venue", "~paper-venue", "~author-paper"]),
            (["~paper-venue", "~author-paper"], ["~paper-venue", "~author-paper", "author-paper", "paper-venue"]),
        ],
    )
    def test_it_is_the_product_there_and_back(self, path, walked):
        op = metapath(self.GRAPH, path)
        expected = dense.path(self.GRAPH, walked)
        np.testing.assert_allclose(to_dense(op), expected, atol=1e-6)
        np.testing.assert_allclose(op.row_sum, expected.sum(1), atol=1e-6)
        assert len(op.factors) == len(walked)  # never multiplied out
        assert op.num_entries < 4 * len(self.LINES) * len(walked)

    def test_embedding_along_it(self):
        method = Cleora(dim=6, num_iterations=5, whiten_rank=1, metapath=("author-paper",))
        found = embed(self.GRAPH, method)
        from cleora_jax.cleora.start import hashed

        start = np.asarray(hashed(self.GRAPH.vocab, 6, 0)).astype(float)
        matrix = dense.path(self.GRAPH, ["author-paper", "~author-paper"])
        assert dense.gram_error(found.vectors, dense.cleora(matrix, start, steps=5, rank=1)) < 1e-4
        authors = self.GRAPH.vocab.column_of == 0
        assert found.vectors[authors].any(1).all() and not found.vectors[~authors].any()

    def test_triples_go_from_head_to_tail(self):
        graph = from_triples(["ann", "bob", "rome"], ["born", "born", "lies in"], ["rome", "rome", "italy"])
        op = to_dense(metapath(graph, ["born", "lies in"]))
        row = graph.vocab.index
        np.testing.assert_allclose(op[row("ann")], np.eye(4)[[row("ann"), row("bob")]].sum(0) / 2, atol=1e-6)
        assert not op[row("rome")].any() and not op[row("italy")].any()

    def test_gradients(self):
        op = metapath(self.GRAPH, ["author-paper", "paper-venue"], differentiable=True)
        probe = RNG.standard_normal((self.GRAPH.num_entities, 3))
        gradient = jax.grad(lambda x: (apply(op, x) * probe).sum())(jnp.ones((self.GRAPH.num_entities, 3)))
        np.testing.assert_allclose(gradient, to_dense(op).T @ probe, atol=1e-5)

    @pytest.mark.parametrize(
        ("path", "error", "match"),
        [
            ([], ValueError, "at least one step"),
            ("author-paper", TypeError, "sequence of relation names"),
            (["author-title"], ValueError, "no relation 'author-title'; there are 'author-paper'"),
            (["a", "b"], ValueError, "no walk can follow it"),
        ],
    )
    def test_errors_name_the_argument(self, path, error, match):
        graph = self.GRAPH
        if path == ["a", "b"]:
            graph = from_relations({"a": from_edges(["x"], ["y"]), "b": from_edges(["z"], ["w"])})
        with pytest.raises(error, match=match):
            metapath(graph, path)
