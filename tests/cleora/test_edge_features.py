"""Features of hyperedges: their averages against a dense oracle, and the embeddings made of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from cleora_jax import (
    Graph,
    InputError,
    NotFoundError,
    OptionError,
    embed,
    from_edges,
    from_hyperedges,
    from_scipy,
    load_graph,
    save_graph,
)
from cleora_jax.cleora import Cleora
from cleora_jax.cleora.edge_features import embed_edge_features, hyperedge_means
from cleora_jax.cleora.features import Features
from cleora_jax.vectors.ensemble import combine
from tests import dense
from tests.conftest import TOYS

WITH_HYPEREDGES = {name: toy for name, toy in TOYS.items() if "matrix" not in name}
METHOD = Cleora(dim=6, num_iterations=3, whiten="last")


def lines_of(graph: Graph) -> list[tuple[list[int], float]]:
    """Members and weight of each hyperedge, of relations that were read together."""
    sides = {id(side): side for one in graph.relations for side in (one.left, one.right)}
    cells = zip(*(dense.members(side) for side in sides.values()), strict=True)
    members = [[int(row) for cell in line for row in cell] for line in cells]
    return list(zip(members, dense.weights(graph.relations[0]), strict=True))


def means(lines: list, vectors: list, num_entities: int) -> np.ndarray:
    """f_i = Σ_e H_ie w_e f_e / Σ_e H_ie w_e, one member after the other; None has no features."""
    width = next(len(vector) for vector in vectors if vector is not None)
    total, mass = np.zeros((num_entities, width)), np.zeros(num_entities)
    for (members, weight), vector in zip(lines, vectors, strict=True):
        for member in members if vector is not None else ():
            total[member] += weight * np.asarray(vector)
            mass[member] += weight
    return np.divide(total, mass[:, None], out=np.zeros_like(total), where=mass[:, None] > 0)


@pytest.mark.parametrize("name", list(WITH_HYPEREDGES))
def test_means_over_every_toy(name):
    graph = WITH_HYPEREDGES[name]
    values = np.random.default_rng(0).standard_normal((graph.num_hyperedges, 131))
    expected = means(lines_of(graph), list(values), graph.num_entities)
    found = hyperedge_means(graph, values)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_array_equal(hyperedge_means(graph, values.astype(np.float32)), found)
    thin = np.where(values > 1, values, 0)
    sparse = hyperedge_means(graph, sp.coo_array(thin))
    assert sp.issparse(sparse) and sparse.format == "csr" and sparse.dtype == np.float32
    np.testing.assert_allclose(sparse.toarray(), hyperedge_means(graph, thin), atol=1e-6)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.floats(0, 8, width=32)), min_size=1),
    st.integers(0, 99),
)
def test_repeats_weights_and_hyperedges_without_features(lines, seed):
    """Each distinct line gets a vector with chance one half; a key serves every line of its members."""
    rng = np.random.default_rng(seed)
    graph = from_hyperedges([([str(member) for member in members], weight) for members, weight in lines])
    keys = sorted({tuple(str(member) for member in members) for members, _ in lines})
    values = {key: rng.standard_normal(3) for at, key in enumerate(keys) if at == 0 or rng.random() < 0.5}
    vectors = [vector_of(values, tuple(str(member) for member in members)) for members, _ in lines]
    expected = means(lines_of(graph), vectors, graph.num_entities)
    np.testing.assert_allclose(hyperedge_means(graph, values), expected, atol=1e-5)
    in_words = {" ".join(key): vector for key, vector in values.items()}
    np.testing.assert_array_equal(hyperedge_means(graph, in_words), hyperedge_means(graph, values))


def vector_of(values: dict, members: tuple) -> np.ndarray | None:
    """The vector of exactly these members, or of the reverse of two."""
    if members in values or len(members) != 2:
        return values.get(members)
    return values.get(members[::-1])


def test_a_key_of_its_own_goes_before_the_reverse():
    graph = from_hyperedges(["a b", "b a", "a c", "a b"])
    lines = lines_of(graph)
    only = hyperedge_means(graph, {("b", "a"): [1.0]})
    np.testing.assert_allclose(only, means(lines, [[1.0], [1.0], None, [1.0]], 3))
    both = hyperedge_means(graph, {("b", "a"): [1.0], "a b": [3.0], "c a": [5.0]})
    np.testing.assert_allclose(both, means(lines, [[3.0], [1.0], [5.0], [3.0]], 3))


def test_members_go_column_by_column():
    graph = from_hyperedges(["u1\ti1 i2", "u2\ti2", "i2\ti2 u1"], "user complex::reflexive::item")
    values = {"u1 i1 i2": [1.0], ("i2", "u2"): [2.0], ("i2", "i2", "u1"): [4.0]}
    found = hyperedge_means(graph, values)
    expected = {("user", "u1"): 1, ("user", "u2"): 2, ("user", "i2"): 4}
    expected |= {("item", "i1"): 1, ("item", "i2"): 7 / 3, ("item", "u1"): 4}
    assert {key: found[graph.vocab.index(key[1], key[0]), 0] for key in expected} == pytest.approx(expected)


def test_relations_of_the_same_lines_share_their_features():
    lines = ["u1\ti1 i2\ts1", "u2\ti2\ts2"]
    graph = from_hyperedges(lines, "user complex::reflexive::item shop")
    assert len(graph.relations) == 4 and graph.num_hyperedges == 2
    np.testing.assert_allclose(hyperedge_means(graph, [[1.0], [3.0]])[:, 0], [1, 1, 2, 1, 3, 3])
    one = replace(graph.relations[0], weight=np.array([3, 1], np.float32))
    heavier = replace(graph, relations=(one, *graph.relations[1:]))
    # user-item weighs 3 and 1 there, the other two relations of an item 1: on average 5/3 and 1
    assert hyperedge_means(heavier, [[1.0], [3.0]])[graph.vocab.index("i2"), 0] == pytest.approx((5 / 3 + 3) / (8 / 3))


def test_relations_of_other_lines_come_one_after_the_other():
    first, second = from_hyperedges(["a b", "b c"]), from_hyperedges(["a c b"])
    vocab = first.vocab  # a b c, as in `second` but for the order
    rows = np.array([vocab.index(entity) for entity in second.vocab.ids.to_pylist()], np.int32)
    side = replace(second.relations[0].left, member=rows[second.relations[0].left.member])
    graph = replace(
        first, relations=(first.relations[0], replace(second.relations[0], name="other", left=side, right=side))
    )
    assert graph.num_hyperedges == 3
    expected = np.array([(1 + 4) / 2, (1 + 2 + 4) / 3, (2 + 4) / 2])
    np.testing.assert_allclose(hyperedge_means(graph, [[1.0], [2.0], [4.0]])[:, 0], expected)
    named = hyperedge_means(graph, {"a b": [1.0], "c b": [2.0], "a c b": [4.0]})
    np.testing.assert_allclose(named[:, 0], expected)


def test_isolated_entities_and_weights_of_nought():
    graph = from_edges(["a", "b"], ["b", "c"], [0.0, 2.0], ids=None)
    np.testing.assert_array_equal(hyperedge_means(graph, [[5.0], [7.0]])[:, 0], [0, 7, 7])
    alone = from_edges([0], [1], num_entities=3)
    np.testing.assert_array_equal(hyperedge_means(alone, [[5.0]])[:, 0], [5, 5, 0])


def test_a_saved_graph_gives_the_same(tmp_path):
    graph = TOYS["relations"]
    values = np.random.default_rng(0).standard_normal((graph.num_hyperedges, 3))
    save_graph(graph, tmp_path / "graph.npz")
    np.testing.assert_array_equal(
        hyperedge_means(load_graph(tmp_path / "graph.npz"), values), hyperedge_means(graph, values)
    )


GRAPH = from_hyperedges(["ann tea", "bob tea", "bob jam cup"])
FAULTS = {
    "rows": (np.ones((2, 3)), OptionError, "must have 3 rows, one per hyperedge, got 2"),
    "nan in array": ([[1.0], [2.0], [np.nan]], InputError, "nan at row 2, position 0"),
    "nan in dict": ({"ann tea": [1.0], ("tea", "bob"): [np.nan]}, InputError, "nan at .*bob.*position 0"),
    "ragged": ({"ann tea": [1.0], "bob tea": [1.0, 2.0]}, InputError, "'bob tea' has 2 numbers, 'ann tea' has 1"),
    "unknown": ({"ann tea": [1.0], "ann jam": [1.0], ("x",): [1.0]}, NotFoundError, r"no hyperedge for 'ann jam', \('x',\)"),
    "three are not turned": ({"cup jam bob": [1.0]}, NotFoundError, "no hyperedge for 'cup jam bob'"),
    "serves nothing": ({"ann tea": [1.0], "tea ann": [1.0]}, NotFoundError, "no hyperedge for 'tea ann'"),
    "twice": ({"ann tea": [1.0], ("ann", "tea"): [1.0]}, OptionError, r"'ann tea' and \('ann', 'tea'\) are the same"),
    "key": ({3: [1.0]}, TypeError, "a hyperedge is a tuple of ids or a string of them, got 3"),
    "member": ({("ann", 1.5): [1.0]}, TypeError, "ids must be strings or integers, got 1.5"),
    "empty": ({}, OptionError, "empty"),
}  # fmt: skip


@pytest.mark.parametrize("fault", list(FAULTS))
def test_faults(fault):
    values, error, message = FAULTS[fault]
    with pytest.raises(error, match=message):
        hyperedge_means(GRAPH, values)


def test_a_graph_given_as_a_matrix_has_no_hyperedges():
    with pytest.raises(TypeError, match="was given as a matrix"):
        hyperedge_means(from_scipy(np.ones((2, 2))), [[1.0]])


# --- embedded ---


@pytest.mark.parametrize("name", ["edges", "baskets", "two columns", "isolated", "transient"])
def test_embeddings_side_by_side_averaged_or_alone(name):
    graph = WITH_HYPEREDGES[name]
    values = np.random.default_rng(1).standard_normal((graph.num_hyperedges, 4))
    structure = embed(graph, METHOD)
    alone = embed(graph, METHOD, init=Features(hyperedge_means(graph, values), weight=1))
    only = embed_edge_features(graph, values, METHOD, combine="only")
    np.testing.assert_array_equal(only.vectors, alone.vectors)
    beside = embed_edge_features(graph, values, METHOD)
    np.testing.assert_array_equal(beside.vectors, combine([structure, alone], "concat").vectors)
    assert beside.dim == 12 and beside.vocab == structure.vocab and np.isfinite(beside.vectors).all()
    mean = embed_edge_features(graph, values, METHOD, combine="mean")
    np.testing.assert_array_equal(mean.vectors, combine([structure, alone], "mean").vectors)
    assert not np.array_equal(alone.vectors, structure.vectors)


def test_mean_is_of_unit_rows_after_the_best_rotation():
    graph = WITH_HYPEREDGES["edges"]
    values = np.random.default_rng(1).standard_normal((graph.num_hyperedges, 4))
    x = dense.normalize(embed_edge_features(graph, values, METHOD, combine="only").vectors.astype(float), "l2")
    y = dense.normalize(embed(graph, METHOD).vectors.astype(float), "l2")
    left, _, right = np.linalg.svd(x.T @ y)
    expected = dense.normalize(y + x @ left @ right, "l2")
    found = embed_edge_features(graph, values, METHOD, combine="mean").vectors
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_features_of_edges_decide_where_the_structure_does_not():
    """On a ring every node is like any other; edges of two kinds tell its halves apart."""
    count = 40
    graph = from_edges(np.arange(count), (np.arange(count) + 1) % count, num_entities=count)
    kind = np.repeat([0, 1], count // 2)
    values = np.eye(2)[kind]
    found = embed_edge_features(graph, values, Cleora(dim=8, num_iterations=2, whiten="off"), combine="only").vectors
    inside = np.r_[3 : count // 2 - 2, count // 2 + 3 : count - 2]
    cosines = found[inside] @ found[inside].T
    same = kind[inside][:, None] == kind[inside]
    assert cosines[same].min() > cosines[~same].max()


def test_options_and_progress():
    seen = []
    found = embed_edge_features(GRAPH, [[1.0], [2.0], [3.0]], METHOD, progress=lambda *state: seen.append(state))
    assert found.vectors.shape == (5, 12) and len(seen) >= 2 * (METHOD.num_iterations + 1)
    with pytest.raises(OptionError, match="`combine` must be one of 'concat', 'mean', 'only', got 'sum'"):
        embed_edge_features(GRAPH, [[1.0], [2.0], [3.0]], METHOD, combine="sum")
    several = TOYS["relations"]
    values = np.ones((several.num_hyperedges, 2))
    with pytest.raises(OptionError, match="relations='joint'"):
        embed_edge_features(several, values, METHOD)
    assert embed_edge_features(several, values, METHOD, relations="joint").dim == 12
