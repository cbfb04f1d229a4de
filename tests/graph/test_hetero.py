"""Typed graphs against the dense definition of each of their relations."""

from __future__ import annotations

import gzip
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cleora_jax as cj
from cleora_jax._checks import InputError, OptionError
from cleora_jax.graph import (
    Graph,
    Vocab,
    add_hyperedges,
    from_edges,
    from_hyperedges,
    from_relations,
    from_scipy,
    from_triples,
    load_graph,
    remove_hyperedges,
    reweighted,
    save_graph,
)
from cleora_jax.graph.counts import clique_counts, ordered_counts
from cleora_jax.graph.hyperedges import line_groups
from tests import dense, oracles
from tests.conftest import TOYS
from tests.graph.test_save import same

SETTINGS = settings(max_examples=80, deadline=None, derandomize=True)
IDS = st.sampled_from("abcdefgh")
WEIGHT = st.sampled_from([0.0, 0.5, 1.0, 3.0])


def ids_of(graph: Graph) -> list[tuple[str, str]]:
    return [(graph.vocab.columns[code], entity) for code, entity in zip(
        graph.vocab.column_of.tolist(), graph.vocab.ids.to_pylist(), strict=True)]  # fmt: skip


def part() -> st.SearchStrategy[Graph]:
    """A graph of one relation over columns x, y, z, by one of several builders."""
    cell = st.lists(IDS, min_size=1, max_size=3).map(" ".join)
    rows = st.lists(st.tuples(cell, cell).map("\t".join), min_size=1, max_size=5)
    pairs = st.sampled_from(["complex::x complex::y", "complex::y complex::z", "complex::z complex::x"])
    edges = st.lists(st.tuples(IDS, IDS, WEIGHT), min_size=1, max_size=5)
    return st.one_of(
        st.builds(from_hyperedges, rows, pairs),
        st.builds(lambda e, x: from_edges(*zip(*e, strict=True), column=x), edges, st.sampled_from("xyz")),
        st.builds(lambda n, x: from_scipy(np.eye(n) + np.eye(n, k=1), list("abcdefgh"[:n]), column=x),
                  st.integers(1, 5), st.sampled_from("xyz")),
    )  # fmt: skip


@SETTINGS
@given(st.lists(part(), min_size=1, max_size=5))
def test_relations_are_added_up_over_one_vocabulary(graphs: list[Graph]) -> None:
    names = [f"relation {number}" for number in range(len(graphs))]
    graph = from_relations(dict(zip(names, graphs, strict=True)))
    assert ids_of(graph) == list(dict.fromkeys(entity for one in graphs for entity in ids_of(one)))
    assert [relation.name for relation in graph.relations] == names
    row = {entity: at for at, entity in enumerate(ids_of(graph))}
    total = np.zeros((len(row), len(row)))
    for name, one in zip(names, graphs, strict=True):
        own, place = np.zeros_like(total), [row[entity] for entity in ids_of(one)]
        own[np.ix_(place, place)] = dense.counts(one)
        np.testing.assert_allclose(graph.relation(name).counts().toarray(), own, rtol=1e-6)
        total += own
    w = graph.counts()
    np.testing.assert_allclose(w.toarray(), total, rtol=1e-6)
    assert w.nnz <= graph.entries()["clique"]
    ordered = sum(ordered_counts(relation, len(row)).toarray() for relation in graph.relations)
    np.testing.assert_allclose(ordered, dense.ordered_counts(graph), rtol=1e-6)
    assert graph.num_hyperedges == sum(one.num_hyperedges for one in graphs)
    occurrences = np.zeros(len(row), int)
    for one in graphs:
        occurrences[[row[entity] for entity in ids_of(one)]] += one.occurrences
    np.testing.assert_array_equal(graph.occurrences, occurrences)
    np.testing.assert_array_equal(graph.isolated, total.sum(1) == 0)
    assert graph.report.isolated_entities == int((total.sum(1) == 0).sum())


def typed() -> Graph:
    return from_relations({
        "writes": from_hyperedges(["ann\tp1 p2", "bob\tp2", "1\t1"], "author complex::paper"),
        "cites": from_edges(["p2", "p3"], ["p1", "1"], [2.0, 0.5], column="paper"),
        "near": from_scipy(np.array([[0, 2.0], [1, 0]]), ["bob", "eve"], column="author"),
        "topics": from_hyperedges(["p1 p2 p3"], "complex::reflexive::paper"),
    })  # fmt: skip


def test_entities_are_keyed_by_column() -> None:
    graph = typed()
    assert repr(graph) == (
        "Graph(8 entities, 8 hyperedges; author: 4, paper: 4; relations writes, cites, near, topics)"
    )
    many = from_triples(["a"] * 237, list(range(237)), ["b"] * 237)
    assert repr(many) == "Graph(2 entities, 237 hyperedges; entity: 2; relations 0, 1, 2, 3, 4 and 232 more)"
    assert graph.vocab.index("1", "author") != graph.vocab.index("1", "paper")
    assert graph.vocab.columns == ("author", "paper") and graph.vocab[7] == "eve"
    w = graph.relation("writes").counts()
    assert w[graph.vocab.index("ann"), graph.vocab.index("p2")] == 0.5


def test_each_relation_has_lines_of_its_own() -> None:
    assert line_groups(typed().relations) == [[0], [1], [2], [3]]
    several = from_hyperedges(["u\ta\tx"], "u complex::reflexive::v w").relations
    assert line_groups(several) == [[0, 1, 2, 3]] and line_groups(several[:1]) == [[0]]
    one = from_hyperedges(["u\ta"], "u v")
    assert from_relations({"x": one, "y": one}).num_hyperedges == 2


def test_typed_graphs_are_saved_and_pickled(tmp_path: Path) -> None:
    graph = typed()
    save_graph(graph, tmp_path / "g.npz")
    for again in (load_graph(tmp_path / "g.npz"), pickle.loads(pickle.dumps(graph))):
        same(graph, again)
        np.testing.assert_array_equal(again.occurrences, graph.occurrences)
        assert (again.counts() != graph.counts()).nnz == 0


@pytest.mark.parametrize("name", ["relations", "two columns", "transient"])
def test_lines_stay_shared_in_files(tmp_path: Path, name: str) -> None:
    save_graph(TOYS[name], tmp_path / "g.npz")
    again = load_graph(tmp_path / "g.npz")
    assert line_groups(again.relations) == line_groups(TOYS[name].relations)
    assert again.num_hyperedges == TOYS[name].num_hyperedges == 25
    np.testing.assert_array_equal(again.occurrences, TOYS[name].occurrences)
    with np.load(tmp_path / "g.npz") as archive:
        sides = [key for key in archive.files if key.endswith("member")]
    assert len(sides) == 2


def test_a_file_that_shares_what_is_not_there(tmp_path: Path) -> None:
    from tests.graph.test_save import arrays_in, with_header

    save_graph(TOYS["relations"], tmp_path / "g.npz")
    for shared in ({"r1.left": "r9.left"}, {}, {"r1.left": 5}, ["r1.left"], 5, {"r1.left": "ids"}):
        np.savez(tmp_path / "bad.npz", **with_header(arrays_in(tmp_path / "g.npz"), shared=shared))
        with pytest.raises(InputError, match=r"bad\.npz: a damaged graph file"):
            load_graph(tmp_path / "bad.npz")


def test_transient_columns_of_relations() -> None:
    hidden = from_hyperedges(["u\ta"], "transient::x y")
    graph = from_relations({"one": hidden, "two": from_hyperedges(["a\tb"], "y z")})
    assert graph.transient == ("x",) and [graph.vocab[row] for row in graph.kept] == ["a", "b"]
    with pytest.raises(OptionError, match="column 'x' is transient in one graph and not in another"):
        from_relations({"one": hidden, "two": from_edges(["a"], ["b"], column="x")})


@pytest.mark.parametrize(
    "relations, kind, fault",
    [
        ({}, OptionError, "`relations` must map at least one name"),
        ([TOYS["edges"]], OptionError, "`relations` must map at least one name"),
        ({"x": TOYS["relations"]}, OptionError, r"`relations\['x'\]` must be a graph of one relation, got user-item, item"),
        ({"x": [("a", "b")]}, TypeError, "must map names to graphs, got 'x'"),
        ({1: TOYS["edges"]}, TypeError, "must map names to graphs, got 1"),
        (
            {str(i): from_edges(["a"], ["b"], column=str(i)) for i in range(256)},
            OptionError,
            "256 columns; at most 255",
        ),
    ],
)  # fmt: skip
def test_relations_that_cannot_be(relations, kind: type, fault: str) -> None:
    with pytest.raises(kind, match=fault):
        from_relations(relations)


# --- from_triples -----------------------------------------------------------------------------------------------------


@SETTINGS
@given(st.lists(st.tuples(IDS, st.sampled_from(["r", "s", "t"]), IDS, WEIGHT), min_size=1, max_size=15), st.booleans())
def test_triples(triples: list, weighted: bool) -> None:
    head, name, tail, weight = zip(*triples, strict=True)
    graph = from_triples(head, name, tail, weight if weighted else None)
    assert graph.vocab == Vocab.of(list(dict.fromkeys(end for h, _, t, _ in triples for end in (h, t))))
    assert [relation.name for relation in graph.relations] == list(dict.fromkeys(name))
    n = len(graph.vocab)
    for relation in graph.relations:
        own = [(h, t, w if weighted else 1.0) for h, r, t, w in triples if r == relation.name]
        edges, weights = [graph.vocab.indices([h, t]).tolist() for h, t, _ in own], [w for _, _, w in own]
        ordered = oracles.ordered(edges, weights, n)
        np.testing.assert_allclose(ordered_counts(relation, n).toarray(), ordered, rtol=1e-6)
        h = np.zeros((n, len(own)))
        for e, edge in enumerate(edges):
            for i in edge:
                h[i, e] += 1
        np.testing.assert_allclose(clique_counts(relation, n).toarray(), oracles.counts(h, weights), rtol=1e-6)
    assert graph.num_hyperedges == len(triples)
    assert (graph.isolated == (graph.counts().sum(axis=1) == 0)).all()


def test_triples_of_numbers_and_of_arrays() -> None:
    graph = from_triples(np.array([5, 7]), [1, 0], np.array([7, 9], np.uint8), column="item")
    assert graph.vocab == Vocab.of(["5", "7", "9"], "item")
    assert [relation.name for relation in graph.relations] == ["1", "0"]
    mixed = from_triples(["a", 5], np.array(["r", "r"], object), [7, "a"])
    assert mixed.vocab.ids.to_pylist() == ["a", "7", "5"]


def test_triples_walk_along_their_direction() -> None:
    graph = from_triples(["a", "b"], ["r", "s"], ["b", "c"])
    p = np.asarray(cj.markov(graph, "directed") @ np.eye(3, dtype=np.float32))
    np.testing.assert_array_equal(p, [[0, 1, 0], [0, 0, 1], [0, 0, 1]])


@pytest.mark.parametrize(
    "arguments, kind, fault",
    [
        (([], [], []), OptionError, "`head` is empty: a graph needs at least one triple"),
        ((["a"], ["r"], ["b", "c"]), OptionError, "`head` and `tail` must be one-dimensional of equal length"),
        ((["a"], ["r", "s"], ["b"]), OptionError, r"`relation` must have one entry per triple \(1\), got shape \(2,\)"),
        ((["a"], [["r"]], ["b"]), OptionError, "`relation` must have one entry per triple"),
        ((["a", "b"], ["r", "r"], ["b", ""]), OptionError, "`tail`, triple 1: a null or empty id"),
        ((["a", "b"], ["r", ""], ["b", "c"]), OptionError, "`relation`, triple 1: a null or empty id"),
        ((["a"], [0.5], ["b"]), TypeError, "`relation`: ids must be strings or integers"),
        ((["a", "b"], ["r", "r"], ["b", "c"], [1, -1]), InputError, "`weight`, triple 1: weight -1 must be finite"),
        ((["a", "b"], ["r", "r"], ["b", "c"], [1]), OptionError, "one entry per hyperedge"),
    ],
)
def test_triples_that_cannot_be(arguments: tuple, kind: type, fault: str) -> None:
    with pytest.raises(kind, match=fault):
        from_triples(*arguments)


# --- reweighted -------------------------------------------------------------------------------------------------------


def test_weights_of_relations_are_multiplied() -> None:
    graph = typed()
    factors = {"writes": 3, "cites": 0.25, "near": np.float32(2)}
    found = reweighted(graph, factors)
    for one in graph.relations:
        expected = factors.get(one.name, 1) * graph.relation(one.name).counts().toarray()
        np.testing.assert_allclose(found.relation(one.name).counts().toarray(), expected, rtol=1e-6)
    assert found.relations[3] is graph.relations[3] and found.vocab is graph.vocab
    assert (graph.counts() != typed().counts()).nnz == 0  # the input is as it was
    same(reweighted(graph, {"cites": 1.0}), graph)
    same(reweighted(graph, {}), graph)


def test_counts_at_hand_are_not_those_of_other_weights() -> None:
    graph = from_triples(["a", "b"], ["r", "r"], ["b", "a"]).counted()
    assert graph.known_counts is not None
    assert reweighted(graph, {"r": 2}).counts()[0, 1] == 2 * graph.counts()[0, 1]


def test_a_relation_of_weight_zero_counts_for_nothing() -> None:
    found = reweighted(typed(), {"near": 0, "writes": 0})
    assert found.relation("near").counts().nnz == 0
    assert found.isolated.sum() == found.report.isolated_entities == 4
    assert (found.counts() != reweighted(typed(), {"near": 0, "writes": 0}).counts()).nnz == 0


def test_what_is_added_later_is_reweighted_too(tmp_path: Path) -> None:
    factors = {"writes": 3, "cites": 0.25, "near": 2}
    later = from_relations({
        "writes": from_hyperedges(["ann\tp9"], "author complex::paper"),
        "cites": from_edges(["p9"], ["p1"], [0.5], column="paper"),
        "near": from_scipy(np.array([[0, 1.0], [1, 0]]), ["bob", "zoe"], column="author"),
        "topics": from_hyperedges(["p9 p1"], "complex::reflexive::paper"),
    })  # fmt: skip
    wanted = reweighted(add_hyperedges(typed(), later), factors)
    save_graph(reweighted(typed(), factors), tmp_path / "g.npz")
    for heavy in (reweighted(typed(), factors), load_graph(tmp_path / "g.npz"), reweighted(typed(), factors).counted()):
        for more in (later, reweighted(later, factors), reweighted(later, {"writes": 6.0})):
            found = add_hyperedges(heavy, more)
            same(found, wanted)
            np.testing.assert_allclose(found.counts().toarray(), dense.counts(wanted), rtol=1e-6)
    again = pickle.loads(pickle.dumps(reweighted(typed(), factors)))
    assert [relation.factor for relation in again.relations] == [3, 0.25, 2, 1]
    none = add_hyperedges(reweighted(typed(), {"near": 0}), reweighted(later, {"near": 0}))
    assert not none.relation("near").counts().nnz
    same(none, add_hyperedges(reweighted(typed(), {"near": 0}), later))
    with pytest.raises(OptionError, match="`more`: relation 'near' has the weight 0, and 1 in the graph"):
        add_hyperedges(typed(), reweighted(later, {"near": 0}))


def test_lines_stay_lines_under_weights() -> None:
    lines = from_hyperedges(["u\ta b", "v\tb"], "user complex::reflexive::item")
    heavy = reweighted(lines, {"item": 2})
    assert heavy.num_hyperedges == 2
    gone = from_hyperedges(["u\ta b"], "user complex::reflexive::item")
    for found in (remove_hyperedges(heavy, gone), remove_hyperedges(heavy, reweighted(gone, {"item": 2}))):
        assert [relation.weight is None for relation in found.relations] == [True, False]
        assert found.num_hyperedges == 1
    with pytest.raises(InputError, match="not in the graph"):
        remove_hyperedges(heavy, reweighted(gone, {"item": 3}))


@pytest.mark.parametrize(
    "weights, kind, fault",
    [
        ({"likes": 1}, OptionError, r"`weights` must name relations .*writes, cites, near, topics\), got \['likes'\]"),
        ({"cites": -1}, OptionError, r"`weights\['cites'\]` must be finite and at least 0"),
        ({"cites": np.nan}, OptionError, r"`weights\['cites'\]` must be finite"),
        ({"cites": "2"}, TypeError, r"`weights\['cites'\]` must be a number"),
        ({"cites": 3e38}, InputError, "more than float32 holds"),
        ({"near": 3e38}, InputError, "more than float32 holds"),
    ],
)
def test_weights_that_cannot_be(weights: dict, kind: type, fault: str) -> None:
    with pytest.raises(kind, match=fault):
        reweighted(typed(), weights)


# --- real data --------------------------------------------------------------------------------------------------------


def triples_of(path: Path) -> list[tuple[str, ...]]:
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    return list(zip(*(line.split("\t") for line in lines), strict=True))


@pytest.mark.realdata
def test_real_triples(data: Path) -> None:
    train, test = (triples_of(data / "fb15k-237" / f"{part}.tsv.gz") for part in ("train", "test"))
    graph = from_triples(*train)
    assert graph.num_hyperedges == 272_115 and len(graph.relations) == 237 and graph.num_entities == 14_505
    w = graph.counts()
    np.testing.assert_allclose(w.data.sum(dtype=float), 272_115, rtol=1e-6)  # the mass of a triple is one
    head, tail = (graph.vocab.indices(train[at]) for at in (0, 2))
    degree = np.bincount(np.concatenate([head, tail]), minlength=graph.num_entities) / 2
    np.testing.assert_allclose(w.sum(axis=1), degree, rtol=1e-5)
    largest = max(graph.relations, key=lambda relation: relation.num_hyperedges)
    assert largest.num_hyperedges == train[1].count(largest.name)
    pairs = from_edges(train[0], train[2], column="entity")  # all relations as one
    assert pairs.vocab == graph.vocab
    np.testing.assert_allclose(abs(w - pairs.counts()).max(), 0, atol=1e-5)
    apart = from_relations({
        name: from_edges(*zip(*[(h, t) for h, r, t in zip(*train, strict=True) if r == name], strict=True), column="entity")
        for name in list(dict.fromkeys(train[1]))[:5]
    })  # fmt: skip
    for relation in apart.relations:
        assert relation.num_hyperedges == graph.relation(relation.name).num_hyperedges
    more = add_hyperedges(graph.counted(), from_triples(*test))
    both = from_triples(*[one + two for one, two in zip(train, test, strict=True)])
    same(more, both)
    assert more.known_counts is not None and (more.counts() != replace(more).counts()).nnz < 0.01 * more.counts().nnz
    np.testing.assert_allclose(abs(more.counts() - both.counts()).max(), 0, atol=1e-5)
    back = remove_hyperedges(more, from_triples(*test))
    np.testing.assert_array_equal(back.counts().indptr[: w.shape[0] + 1], w.indptr)
    np.testing.assert_array_equal(back.counts().indices, w.indices)
    np.testing.assert_allclose(back.counts().data, w.data, rtol=1e-6)
