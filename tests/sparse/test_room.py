"""Operators with room: the same products to the bit, one compilation for many sizes."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from cleora_jax import apply, from_edges, markov, metapath
from cleora_jax.sparse.operator import entry_rows
from cleora_jax.sparse.room import MIN_ROOM, roomy
from tests import dense
from tests.conftest import TOYS

RNG = np.random.default_rng(6)


def table(rows: int, dim: int = 7) -> np.ndarray:
    return RNG.standard_normal((rows, dim)).astype(np.float32)


@pytest.mark.parametrize("form", ["clique", "factored"])
@pytest.mark.parametrize("propagation", ["left", "symmetric"])
def test_products_are_the_same_to_the_bit(form, propagation):
    for graph in (TOYS[name] for name in TOYS if TOYS[name].relations[0].counts is None):
        op = markov(graph, propagation, form=form)
        room, x = roomy(op), table(graph.num_entities)
        np.testing.assert_array_equal(apply(room, x), apply(op, x))
        np.testing.assert_allclose(apply(room, x), dense.markov(graph, propagation) @ x, atol=1e-5)
        assert room.num_entries == MIN_ROOM * len(op.factors) and room.shape == op.shape


@pytest.mark.parametrize("count", [MIN_ROOM // 2 - 1, MIN_ROOM // 2, MIN_ROOM // 2 + 1, 20_000])
def test_sizes_about_the_bound(count):
    graph = from_edges(RNG.integers(0, 3000, count), RNG.integers(0, 3000, count), num_entities=3000)
    for form in ("clique", "factored"):
        op, x = markov(graph, form=form), table(3000, 130)
        np.testing.assert_array_equal(roomy(op) @ x, op @ x)


def test_what_lies_beyond_the_entries_is_never_read():
    """Infinite vectors of the entity that the room's indices name leave other rows alone."""
    graph = from_edges([0, 2, 3], [1, 3, 4])
    x = table(5)
    x[0] = np.inf
    found = np.asarray(roomy(markov(graph, form="clique")) @ x)
    assert not np.isfinite(found[:2]).any() and np.isfinite(found[2:]).all()


def test_adjoint_gradients_and_metapaths():
    graph = TOYS["two columns"]
    (name,) = (relation.name for relation in graph.relations)
    for op in (
        markov(graph),
        markov(graph, "directed", differentiable=True),
        metapath(graph, [name], differentiable=True),
    ):
        x = table(graph.num_entities)
        one, two = (jax.grad(lambda x, op=op: (apply(op, x) ** 2).sum())(jnp.asarray(x)) for op in (op, roomy(op)))
        np.testing.assert_array_equal(one, two)


def test_rows_of_the_entries_stay_in_range():
    op = roomy(markov(TOYS["edges"], form="clique"))
    assert int(entry_rows(op.factors[0]).max()) < op.num_entities
