"""W against the dense definition (SEMANTICS §2), and against pycleora where the two agree."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleora_jax.graph import from_edges, from_hyperedges, from_scipy, parse_columns, read
from cleora_jax.graph.counts import clique_counts, factors, ordered_counts
from tests import oracles

SETTINGS = settings(max_examples=80, deadline=None, derandomize=True)
IDS = st.sampled_from(["a", "b", "c", "d", "long-identifier", "é"])
EDGES = st.lists(st.lists(IDS, min_size=1, max_size=6), min_size=1, max_size=10)
WEIGHT = st.one_of(st.just(0.0), st.floats(0.125, 100, width=32))
SPECS = [
    "complex::reflexive::a",
    "complex::a complex::b",
    "a complex::b",
    "complex::reflexive::a complex::reflexive::b",
    "complex::a complex::b complex::reflexive::c",
]


@SETTINGS
@given(st.data(), st.sampled_from(SPECS), st.booleans())
def test_counts_and_factors(data: st.DataObject, spec: str, weighted: bool) -> None:
    columns = parse_columns(spec)
    cell = [st.lists(IDS, min_size=1, max_size=5 if column.complex else 1) for column in columns]
    edges = data.draw(st.lists(st.tuples(*cell), min_size=1, max_size=9))
    naive = oracles.Naive(columns)
    naive.edges = [list(edge) for edge in edges]
    naive.weights = [data.draw(WEIGHT) if weighted else 1.0 for _ in edges]
    rows = [[cell if column.complex else cell[0] for column, cell in zip(columns, edge, strict=True)] for edge in edges]
    items = [row[0] for row in rows] if len(columns) == 1 else rows
    graph = from_hyperedges(list(zip(items, naive.weights, strict=True)) if weighted else items, spec)
    oracles.check_same(graph, naive)
    n = graph.num_entities
    for relation, expected in zip(graph.relations, oracles.relations(naive).values(), strict=True):
        f, g = factors(relation, n)
        np.testing.assert_allclose((f.astype(float) @ g.astype(float)).toarray(), expected, rtol=1e-5, atol=1e-30)
        w = clique_counts(relation, n)
        assert w.dtype == np.float32 and w.has_canonical_format and w.indices.dtype == np.int32
        assert abs(w - w.T).max() <= 1e-6 * abs(w).max()  # sums of either half may be rounded apart
    bound = graph.entries()
    assert sum(clique_counts(relation, n).nnz for relation in graph.relations) <= bound["clique"]
    assert sum(f.nnz + g.nnz for f, g in (factors(relation, n) for relation in graph.relations)) == bound["factored"]


@SETTINGS
@given(EDGES, st.data())
def test_ordered_counts(edges: list, data: st.DataObject) -> None:
    weights = data.draw(st.lists(WEIGHT, min_size=len(edges), max_size=len(edges)))
    graph = from_hyperedges(list(zip(edges, weights, strict=True)))
    rows = [graph.vocab.indices(edge).tolist() for edge in edges]
    w = ordered_counts(graph.relations[0], graph.num_entities)
    expected = oracles.ordered(rows, weights, graph.num_entities)
    np.testing.assert_allclose(w.toarray(), expected, rtol=1e-5, atol=1e-30)


def test_ordered_counts_of_two_columns_go_from_left_to_right() -> None:
    graph = from_hyperedges(["u\ta b", "v\tb"], "u complex::i")
    w = ordered_counts(graph.relations[0], graph.num_entities).toarray()
    np.testing.assert_array_equal(w[:, [0, 3]], 0)  # nothing leads to a user
    np.testing.assert_allclose(w[0], [0, 0.5, 0.5, 0])
    np.testing.assert_allclose(w[3], [0, 0, 1, 0])


@SETTINGS
@given(EDGES, st.data())
def test_weights_scale_and_repeat(edges: list, data: st.DataObject) -> None:
    times = data.draw(st.lists(st.integers(1, 4), min_size=len(edges), max_size=len(edges)))
    once = from_hyperedges([(edge, float(count)) for edge, count in zip(edges, times, strict=True)])
    twice = from_hyperedges([(edge, 2.0 * count) for edge, count in zip(edges, times, strict=True)])
    np.testing.assert_array_equal(twice.counts().toarray(), 2 * once.counts().toarray())
    again = [edge for edge, count in zip(edges, times, strict=True) for _ in range(count)]
    np.testing.assert_allclose(from_hyperedges(again).counts().toarray(), once.counts().toarray(), rtol=1e-5)


@SETTINGS
@given(EDGES)
def test_mass_and_rows(edges: list) -> None:
    graph = from_hyperedges(edges)
    w = graph.counts().toarray().astype(float)
    assert w.sum() == pytest.approx(len(edges), rel=1e-5)  # a hyperedge's mass is its weight, whatever its size
    np.testing.assert_allclose(oracles.left(w).sum(1), 1)


def test_weights_that_are_all_zero_leave_nothing() -> None:
    assert from_hyperedges([("a b", 0.0), ("a c", 0.0)]).counts().nnz == 0


def test_a_hyperedge_of_weight_zero_leaves_its_entities_isolated() -> None:
    graph = from_hyperedges([(["a", "b"], 0.0), (["b", "c"], 1.0), (["d"], 0.0)])
    assert graph.isolated.tolist() == [True, False, False, True]
    assert graph.counts().toarray()[[0, 3]].sum() == 0


def test_many_equal_pairs_lose_nothing_that_matters() -> None:
    graph = from_edges(np.zeros(300_000, int), np.ones(300_000, int), np.full(300_000, 0.1))
    assert graph.counts().toarray()[0, 1] == pytest.approx(7500, rel=1e-6)
    three = from_hyperedges(["a b c"] * 300_000)
    np.testing.assert_allclose(three.counts().toarray(), 100_000 / 3, rtol=1e-6)


def test_a_given_matrix_is_its_own_counts() -> None:
    matrix = np.array([[0, 2.5, 0], [1, 0, 0], [0, 0, 0]])
    graph = from_scipy(matrix)
    np.testing.assert_array_equal(graph.counts().toarray(), matrix)
    np.testing.assert_array_equal(ordered_counts(graph.relations[0], 3).toarray(), matrix)
    assert graph.isolated.tolist() == [False, False, True]


# --- pycleora 3.2.1 ---------------------------------------------------------------------------------------------------


def pycleora_matrix(lines: list[str], spec: str, kind: str) -> tuple[list[str], np.ndarray]:
    sparse_matrix = pytest.importorskip("pycleora").SparseMatrix
    reference = sparse_matrix.from_iterator(iter(lines), spec, num_workers=1)
    rows, columns, values, n, _ = reference.to_sparse_csr(kind)
    dense = np.zeros((n, n))
    dense[rows, columns] = values
    return list(reference.entity_ids), dense


@settings(SETTINGS, max_examples=25)
@given(st.lists(st.lists(IDS, min_size=1, max_size=16), min_size=1, max_size=12))
def test_equals_pycleora_one_reflexive_column(edges: list) -> None:
    lines = [" ".join(edge) for edge in edges]
    graph = from_hyperedges(lines)
    w = graph.counts().toarray().astype(float)
    for kind, mine in (("left", oracles.left(w)), ("symmetric", oracles.symmetric(w))):
        ids, theirs = pycleora_matrix(lines, "complex::reflexive::node", kind)
        assert ids == graph.vocab.ids.to_pylist()
        np.testing.assert_allclose(mine, theirs, rtol=2e-5, atol=1e-7)


@settings(SETTINGS, max_examples=25)
@given(st.lists(st.tuples(st.sampled_from("uvwxyz"), st.lists(IDS, min_size=1, max_size=9)), min_size=1, max_size=12))
def test_equals_pycleora_two_columns_row_normalised(rows: list) -> None:
    lines = [f"{user}\t{' '.join(items)}" for user, items in rows]
    graph = from_hyperedges(lines, "user complex::item")
    ids, theirs = pycleora_matrix(lines, "user complex::item", "left")
    assert ids == graph.vocab.ids.to_pylist()
    np.testing.assert_allclose(oracles.left(graph.counts().toarray().astype(float)), oracles.left(theirs), rtol=1e-4)


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["karate", "wiki-vote"])
def test_equals_pycleora_on_real_edges(data: Path, name: str) -> None:
    import gzip

    import scipy.sparse as sp

    path = data / name / "edges.tsv.gz"
    lines = [line for line in gzip.decompress(path.read_bytes()).decode().splitlines() if not line.startswith("#")]
    reference = pytest.importorskip("pycleora").SparseMatrix.from_iterator(
        iter(" ".join(line.split()) for line in lines), "complex::reflexive::node", num_workers=1
    )
    graph = read(path, comment="#")
    assert list(reference.entity_ids) == graph.vocab.ids.to_pylist()
    rows, columns, values, n, _ = reference.to_sparse_csr("left")
    w = graph.counts()
    mine = sp.diags_array(1 / w.sum(axis=1)) @ w
    theirs = sp.coo_array((values, (rows.astype(int), columns.astype(int))), shape=(n, n)).tocsr()
    assert abs(mine - theirs).max() < 1e-6
