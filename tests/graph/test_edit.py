"""Adding and removing hyperedges against building anew, and against the dense definition."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleora_jax._checks import InputError, OptionError
from cleora_jax.graph import (
    Graph,
    add_hyperedges,
    from_edges,
    from_hyperedges,
    from_relations,
    from_scipy,
    from_triples,
    load_graph,
    parse_columns,
    read,
    remove_hyperedges,
    save_graph,
)
from cleora_jax.graph import counts as counts_module
from tests import oracles
from tests.conftest import TOYS
from tests.graph.test_save import same

SETTINGS = settings(max_examples=80, deadline=None, derandomize=True)
IDS = st.sampled_from(["a", "b", "c", "d", "e", "é", "long-identifier"])
WEIGHT = st.sampled_from([0.0, 0.1, 1.0, 3.0, 7e-4, 1e5])
SPECS = [
    "complex::reflexive::a",
    "complex::a complex::b",
    "a complex::b",
    "transient::a complex::b",
    "complex::reflexive::a complex::reflexive::b",
    "complex::a complex::b complex::reflexive::c",
]
Line = tuple[list[str], ...]


def lines_of(spec: str, *, least: int = 1, most: int = 6) -> st.SearchStrategy[list[Line]]:
    """Lines, each a list of ids per column; half of the cells are of two ids only, so that lines are equal by chance."""
    cells = [
        st.lists(IDS, min_size=1, max_size=3 if column.complex else 1)
        | st.lists(st.sampled_from("ab"), min_size=1, max_size=2 if column.complex else 1)
        for column in parse_columns(spec)
    ]
    return st.lists(st.tuples(*cells), min_size=least, max_size=most)


def built(lines: list[Line], spec: str, weights: list[float] | None = None, **options: object) -> Graph:
    columns = parse_columns(spec)
    rows = [[cell if column.complex else cell[0] for column, cell in zip(columns, line, strict=True)] for line in lines]
    items = [row[0] for row in rows] if len(columns) == 1 else rows
    given_items = items if weights is None else list(zip(items, weights, strict=True))
    return from_hyperedges(given_items, spec, **options)


@pytest.fixture
def always_clique(monkeypatch: pytest.MonkeyPatch) -> None:
    """W is kept also where its factors are smaller, so that small hyperedges of all kinds test it."""
    monkeypatch.setattr(Graph, "clique_pays", True)


def ids_of(graph: Graph) -> list[tuple[str, str]]:
    names = [graph.vocab.columns[code] for code in graph.vocab.column_of.tolist()]
    return list(zip(names, graph.vocab.ids.to_pylist(), strict=True))


def same_counts(found: Graph, expected: Graph) -> None:
    """Equal W, pattern and all, where entities of `expected` are known to `found`; the others have none."""
    row = {entity: at for at, entity in enumerate(ids_of(found))}
    where = np.array([row[entity] for entity in ids_of(expected)])
    (mine,) = counts_module.placed([type(expected.relations[0])("w", counts=expected.counts())], where, len(row))
    w = found.counts()
    assert w.dtype == np.float32 and w.indices.dtype == np.int32 and w.has_canonical_format
    np.testing.assert_array_equal(w.indptr, mine.counts.indptr)
    np.testing.assert_array_equal(w.indices, mine.counts.indices)
    np.testing.assert_allclose(w.data, mine.counts.data, rtol=1e-6)


# --- adding -----------------------------------------------------------------------------------------------------------


@SETTINGS
@given(st.data(), st.sampled_from(SPECS), st.booleans(), st.booleans(), st.booleans())
def test_adding_is_building_anew(data: st.DataObject, spec: str, first: bool, second: bool, shared: bool) -> None:
    shared = shared and " " in spec and "transient" not in spec
    old, new = data.draw(lines_of(spec)), data.draw(lines_of(spec))
    weights = [data.draw(WEIGHT) for _ in old + new]
    mine = weights[: len(old)] if first else None
    theirs = weights[len(old) :] if second else None
    graph, more = built(old, spec, mine, shared_ids=shared), built(new, spec, theirs, shared_ids=shared)
    both = (mine or [1.0] * len(old)) + (theirs or [1.0] * len(new)) if first or second else None
    anew = built(old + new, spec, both, shared_ids=shared)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Graph, "clique_pays", True)
        for start in (graph, graph.counted()):
            found = add_hyperedges(start, more)
            same(found, anew)
            assert (found.known_counts is None) == (start.known_counts is None)
            same_counts(found, anew)
            np.testing.assert_array_equal(found.occurrences, anew.occurrences)
            assert found.report.isolated_entities == int(anew.isolated.sum())
            assert found.num_hyperedges == len(old) + len(new)


def test_files_one_by_one_are_files_at_once(tmp_path: Path) -> None:
    (tmp_path / "1.tsv").write_text("u\ta b\nbad\n\n#x\nv\tb\n")
    (tmp_path / "2.csv").write_text("#x\nu,c a\nbad\nw,a\n")
    paths = [tmp_path / "1.tsv", tmp_path / "2.csv"]
    options = {"columns": "user complex::reflexive::item", "comment": "#", "on_bad_line": "skip"}
    whole = read(paths, **options)
    first, second = (read(path, **options) for path in paths)
    found = add_hyperedges(first, second)
    same(found, whole)
    assert found.report.lines == 9 and found.report.bad_lines == 2 and found.report.format == "csv+tsv"


def test_bad_examples_stay_ten(tmp_path: Path) -> None:
    bad = from_hyperedges(["a\tb"] + ["bad"] * 7, "x y", on_bad_line="skip")
    report = add_hyperedges(bad, bad).report
    assert report.bad_lines == 14 and len(report.bad_examples) == 10


def test_entities_without_hyperedges_come_along() -> None:
    graph = from_edges([0], [1], num_entities=3)
    found = add_hyperedges(graph, from_edges([0, 3], [2, 0], ids=["2", "x", "y", "z"]))
    assert found.vocab.ids.to_pylist() == ["0", "1", "2", "x", "y", "z"]
    assert found.isolated.tolist() == [False, False, False, True, False, False]
    assert found.report.isolated_entities == 1


def test_matrices_are_added_up() -> None:
    one, two = np.array([[0, 2.0], [1, 0]]), np.array([[5.0, 0, 1], [0, 0, 0], [0.5, 0, 0]])
    found = add_hyperedges(from_scipy(one, ["a", "b"]), from_scipy(two, ["b", "c", "a"]).counted())
    assert found.vocab.ids.to_pylist() == ["a", "b", "c"]
    np.testing.assert_array_equal(found.counts().toarray(), [[0, 2.5, 0], [2, 5, 0], [0, 0, 0]])
    assert found.counts().dtype == np.float32 and found.relations[0].counts.indices.dtype == np.int32
    assert found.isolated.tolist() == [False, False, True]
    with pytest.raises(InputError, match="more than float32 holds"):
        add_hyperedges(from_scipy(1.5e38 * one, ["a", "b"]), from_scipy(1.5e38 * one, ["a", "b"]))


def test_relations_of_their_own_lines_may_lack() -> None:
    heads, names, tails = ["a", "b", "c", "a", "d"], ["r", "s", "r", "r", "s"], ["b", "c", "a", "e", "a"]
    graph = from_triples(heads[:3], names[:3], tails[:3]).counted()
    found = add_hyperedges(graph, from_triples(heads[3:4], names[3:4], tails[3:4]))
    found = add_hyperedges(found, from_triples(heads[4:], names[4:], tails[4:], [1.0]))
    anew = from_triples(heads, names, tails)
    assert found.vocab == anew.vocab
    for one, two in zip(found.relations, anew.relations, strict=True):
        np.testing.assert_array_equal(one.left.member, two.left.member)
    assert found.relations[0].weight is None and found.relations[1].weight.tolist() == [1, 1]
    same_counts(found, anew)


def test_several_relations_put_old_rows_first() -> None:
    def parts(edges: list[tuple[str, str]], rows: list[str]) -> Graph:
        return from_relations(
            {"e": from_edges(*zip(*edges, strict=True), column="x"), "h": from_hyperedges(rows, "x y")}
        )

    found = add_hyperedges(parts([("a", "b")], ["a\tp"]), parts([("c", "a")], ["d\tp", "a\tq"]))
    anew = parts([("a", "b"), ("c", "a")], ["a\tp", "d\tp", "a\tq"])
    assert ids_of(found) == [("x", "a"), ("x", "b"), ("y", "p"), ("x", "c"), ("x", "d"), ("y", "q")]
    assert set(ids_of(found)) == set(ids_of(anew)) and found.num_hyperedges == anew.num_hyperedges == 5
    same_counts(found, anew)


# --- removing ---------------------------------------------------------------------------------------------------------


def test_the_oldest_goes_and_all_copies_on_request() -> None:
    graph = from_hyperedges([("a b", 1.0), ("b a", 2.0), ("a b", 3.0), ("c", 1.0), ("a b", 3.0)])
    gone = from_hyperedges(["a b"])
    assert remove_hyperedges(graph, gone).relations[0].weight.tolist() == [2, 3, 1, 3]
    assert remove_hyperedges(graph, from_hyperedges(["a b", "a b"])).relations[0].weight.tolist() == [2, 1, 3]
    assert remove_hyperedges(graph, gone, every_copy=True).relations[0].weight.tolist() == [2, 1]
    weighted = from_hyperedges([("a b", 3.0)])
    assert remove_hyperedges(graph, weighted).relations[0].weight.tolist() == [1, 2, 1, 3]
    assert remove_hyperedges(graph, weighted, every_copy=True).relations[0].weight.tolist() == [1, 2, 1]
    ones = remove_hyperedges(from_hyperedges(["a b", "a c"]), from_hyperedges([("a b", 1.0)]))
    assert ones.num_hyperedges == 1 and ones.relations[0].weight is None


def test_cells_and_their_order_count() -> None:
    spec = "complex::x complex::y"
    graph = from_hyperedges(["a b\tc", "a\tb c", "b a\tc", "a b\tc c"], spec, shared_ids=True)
    for number, line in enumerate(["a b\tc", "a\tb c", "b a\tc", "a b\tc c"]):
        found = remove_hyperedges(graph, from_hyperedges([line], spec, shared_ids=True))
        left = np.delete(np.arange(4), number)
        np.testing.assert_array_equal(found.relations[0].left.member, graph.relations[0].left.take(left).member)
        np.testing.assert_array_equal(found.relations[0].right.offset, graph.relations[0].right.take(left).offset)


@SETTINGS
@given(st.data(), st.sampled_from(SPECS), st.booleans())
def test_a_stream_of_edits_is_building_anew(data: st.DataObject, spec: str, weighted: bool) -> None:
    def draw(least: int) -> list[tuple[Line, float]]:
        lines = data.draw(lines_of(spec, least=least))
        return [(line, data.draw(WEIGHT) if weighted else 1.0) for line in lines]

    def graph_of(items: list[tuple[Line, float]]) -> Graph:
        return built([line for line, _ in items], spec, [weight for _, weight in items] if weighted else None)

    present = draw(2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Graph, "clique_pays", True)
        graph = graph_of(present).counted()
        for _ in range(data.draw(st.integers(1, 5))):
            if len(present) > 1 and data.draw(st.booleans()):
                every = data.draw(st.booleans())
                gone = data.draw(st.lists(st.sampled_from(range(len(present))), min_size=1, unique=True))
                items = [present[at] for at in gone][: len(present) - 1]
                left = without(present, items, every)
                if not left:
                    with pytest.raises(OptionError, match="`gone` holds every hyperedge"):
                        remove_hyperedges(graph, graph_of(items), every_copy=every)
                    continue
                graph, present = remove_hyperedges(graph, graph_of(items), every_copy=every), left
            else:
                new = draw(1)
                graph, present = add_hyperedges(graph, graph_of(new)), present + new
            assert graph.known_counts is not None
            check_anew(graph, present, spec, graph_of)


def without(present: list, gone: list, every: bool) -> list:
    """Lines that are left, the oldest copies gone first."""
    asked, left = Counter(map(repr, gone)), []
    for item in present:
        if asked[repr(item)] == 0:
            left.append(item)
        elif not every:
            asked[repr(item)] -= 1
    return left


def check_anew(graph: Graph, present: list, spec: str, graph_of) -> None:
    """The graph is that of the lines present, but for entities that stand in none of them."""
    anew = graph_of(present)
    known = ids_of(graph)
    place = np.array([known.index(entity) for entity in ids_of(anew)])
    for mine, theirs in zip(graph.relations, anew.relations, strict=True):
        assert mine.name == theirs.name and mine.reflexive == theirs.reflexive
        for side, other in ((mine.left, theirs.left), (mine.right, theirs.right)):
            np.testing.assert_array_equal(side.offset, other.offset)
            np.testing.assert_array_equal(side.member, place[other.member])
        np.testing.assert_array_equal(mine.weight, theirs.weight)
    touched = np.zeros(len(known), bool)
    touched[place[~anew.isolated]] = True
    np.testing.assert_array_equal(graph.isolated, ~touched)
    assert graph.report.isolated_entities == int((~touched).sum())
    np.testing.assert_array_equal(graph.occurrences[place], anew.occurrences)
    assert graph.occurrences.sum() == anew.occurrences.sum() and graph.num_hyperedges == len(present)
    same_counts(graph, anew)
    exact = counts_module.joint_counts(graph.relations, len(known), np.float64)
    np.testing.assert_allclose(graph.known_counts.data, exact.data, rtol=1e-12)
    naive = oracles.Naive(parse_columns(spec))
    naive.edges, naive.weights = [list(line) for line, _ in present], [weight for _, weight in present]
    dense = np.zeros((len(known), len(known)))
    order = np.array([known.index(entity) for entity in naive.entities])
    dense[np.ix_(order, order)] = sum(oracles.relations(naive).values())
    np.testing.assert_allclose(graph.counts().toarray(), dense, rtol=1e-5, atol=1e-30)


def test_nothing_of_a_removed_hyperedge_stays_behind() -> None:
    weights = [0.1, 0.2, 0.3, 1e8, 1e-3]
    edges = [(["a", "b"], weight) for weight in weights]
    graph = from_hyperedges([*edges, (["a", "c"], 0.7)]).counted()
    for edge in edges[::-1]:
        graph = remove_hyperedges(graph, from_hyperedges([edge]))
    w = graph.counts()
    assert w.nnz == 4 and w.toarray()[[0, 0, 2, 2], [0, 2, 0, 2]].tolist() == [np.float32(0.7 / 4)] * 4


def test_a_removed_relation_is_empty_and_still_works(tmp_path: Path) -> None:
    import cleora_jax as cj

    graph = from_triples(["a", "b"], ["r", "s"], ["b", "c"])
    found = remove_hyperedges(graph, from_triples(["b"], ["s"], ["c"]))
    assert [relation.num_hyperedges for relation in found.relations] == [1, 0] and found.num_hyperedges == 1
    assert found.isolated.tolist() == [False, False, True]
    save_graph(found, tmp_path / "g.npz")
    again = load_graph(tmp_path / "g.npz")
    same(again, found)
    again = add_hyperedges(again, from_triples(["b"], ["s"], ["c"]))
    assert again.num_hyperedges == 2
    eye = np.eye(3, dtype=np.float32)
    alone = from_edges(["a"], ["b"], column="entity")
    for propagation in ("left", "symmetric", "directed"):
        expected = np.asarray(cj.markov(alone, propagation) @ eye[:2, :2])
        for form in ("clique", "factored") if propagation != "directed" else ("auto",):
            p = np.asarray(cj.markov(found, propagation, form=form) @ eye)
            np.testing.assert_allclose(p[:2, :2], expected, rtol=1e-6)
            assert not p[2].any()


# --- what is kept, and what it costs ----------------------------------------------------------------------------------


class Expanded:
    """How many pairs of members are expanded from now on."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.pairs = 0
        pairs = counts_module._pairs

        def counting(*arguments):
            for part in pairs(*arguments):
                self.pairs += len(part[0])
                yield part

        patch.setattr(counts_module, "_pairs", counting)


def test_no_old_hyperedge_is_expanded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    ends = rng.integers(0, 4000, (2, 20_000))
    graph = from_edges(*ends)
    expanded = Expanded(monkeypatch)
    known = graph.counted()
    assert expanded.pairs == 20_000
    more = add_hyperedges(known, from_edges(*rng.integers(0, 5000, (2, 50))))
    assert expanded.pairs == 20_050
    less = remove_hyperedges(more, from_edges(*ends[:, 100:150]))
    assert expanded.pairs < 20_050 + 200  # the others among the same hundred entities
    more.counts(), less.counts(), known.counts(), known.counted()
    assert expanded.pairs < 20_250
    same_counts(more, replace(more))
    same_counts(less, replace(less))


def test_edits_of_a_graph_that_does_not_know_its_counts_count_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, expanded = from_edges(["a", "b"], ["b", "c"]), Expanded(monkeypatch)
    found = remove_hyperedges(add_hyperedges(graph, graph), graph)
    assert found.known_counts is None and expanded.pairs == 0


def test_large_hyperedges_are_never_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    expanded = Expanded(monkeypatch)
    large = from_hyperedges([[f"e{i}" for i in range(500)]])
    assert large.counted() is large
    graph = from_edges(["e1"], ["e2"]).counted()
    found = add_hyperedges(graph, large)
    assert expanded.pairs == 1 and found.known_counts is None
    assert remove_hyperedges(found, large).known_counts is None
    assert expanded.pairs == 1


def test_counts_at_hand_are_forgotten_where_they_would_be_wrong() -> None:
    import copy
    import pickle

    graph = from_triples(["a", "b", "a", "a"], ["r", "s", "r", "s"], ["b", "c", "b", "a"]).counted()
    assert graph.known_counts.dtype == np.float64 and graph.counted() is graph
    for other in (graph.relation("r"), replace(graph, relations=graph.relations[:1])):
        assert other.known_counts is None
        assert other.counts().toarray()[1, 2] == 0
    assert pickle.loads(pickle.dumps(graph)).known_counts is None
    assert copy.copy(graph).known_counts is None and "known" not in repr(graph)
    with tempfile.TemporaryDirectory() as folder:
        save_graph(graph, f"{folder}/g.npz")
        assert load_graph(f"{folder}/g.npz").known_counts is None


def test_known_counts_are_the_callers_own() -> None:
    graph = TOYS["edges"].counted()
    before = graph.counts()
    for part in ("data", "indices"):
        getattr(graph.counts(), part)[:] = 0
    after = graph.counts()
    assert (before != after).nnz == 0
    np.testing.assert_allclose(before.toarray(), TOYS["edges"].counts().toarray(), rtol=1e-6)


@pytest.mark.parametrize("name", TOYS)
@pytest.mark.usefixtures("always_clique")
def test_the_input_is_not_changed(name: str) -> None:
    for graph in (TOYS[name], TOYS[name].counted()):
        before, occurrences = graph.counts().toarray(), graph.occurrences.copy()
        double = add_hyperedges(graph, graph)
        np.testing.assert_allclose(double.counts().toarray(), 2 * before, rtol=1e-6)
        np.testing.assert_array_equal(double.occurrences, 2 * occurrences)
        assert double.vocab == graph.vocab
        if graph.relations[0].counts is None:
            assert remove_hyperedges(double, graph).num_hyperedges == graph.num_hyperedges
        np.testing.assert_array_equal(graph.counts().toarray(), before)
        assert graph.num_hyperedges == TOYS[name].num_hyperedges


def test_a_long_stream_loses_nothing_that_matters() -> None:
    graph = from_edges(["a", "b"], ["b", "c"], [1e4, 1.0]).counted()
    batch = from_edges(["a", "a"], ["b", "c"], [1e-3, 1e-3])
    for _ in range(500):
        graph = add_hyperedges(graph, batch)
    for _ in range(300):
        graph = remove_hyperedges(graph, from_edges(["a"], ["c"]))
    w = graph.counts().toarray()
    np.testing.assert_allclose([w[0, 1], w[0, 2], w[2, 1]], [2500.125, 0.05, 0.25], rtol=1e-6)


@pytest.mark.parametrize("every_copy", [False, True])
@pytest.mark.parametrize("stored", [False, True])
def test_occurrences_of_the_whole_input_follow(stored: bool, every_copy: bool) -> None:
    spec = "user complex::reflexive::item"
    graph, gone = (from_hyperedges(lines, spec) for lines in (["u\ta b", "v\tb", "u\ta b"], ["u\ta b"]))
    if stored:
        with tempfile.TemporaryDirectory() as folder:
            save_graph(graph, f"{folder}/g.npz")
            graph = load_graph(f"{folder}/g.npz")
    found = remove_hyperedges(graph, gone, every_copy=every_copy)
    assert found.occurrences.tolist() == ([0, 0, 1, 1] if every_copy else [1, 1, 2, 1])
    assert found.num_hyperedges == (1 if every_copy else 2)
    alone = remove_hyperedges(graph.relation("item"), gone.relation("item"), every_copy=every_copy)
    assert alone.occurrences.tolist()[1:] == ([0, 1, 1] if every_copy else [1, 2, 1])  # and knows nothing of users gone
    more = add_hyperedges(graph.relation("item"), gone.relation("item"))
    assert more.occurrences.tolist() == [3, 3, 4, 1]


# --- errors -----------------------------------------------------------------------------------------------------------

TWO = from_hyperedges(["u\ta b"], "user complex::item")
THREE = from_hyperedges(["u\ta b"], "user complex::reflexive::item")


@pytest.mark.parametrize("edit, name", [(add_hyperedges, "more"), (remove_hyperedges, "gone")])
@pytest.mark.parametrize(
    "graph, other, fault",
    [
        (from_edges(["a"], ["b"]), from_edges(["a"], ["b"], column="x"), "must have columns of the graph, .* node; got x"),
        (from_edges(["a"], ["b"]), TWO, "must have columns"),
        (THREE, from_hyperedges(["u\ta b"], "item complex::user"), "must have relations .* user-item, item; got item-user"),
        (TWO, from_hyperedges(["u\ta b"], "transient::user complex::item"), "must have the transient columns"),
        (from_hyperedges(["u\ta b"], "transient::user complex::item"), TWO, "must have the transient columns"),
        (THREE, THREE.relation("item"), "the same lines: item, user-item"),
        (THREE, TWO, "the same lines: item, user-item"),
        (
            THREE,
            from_relations({"user-item": TWO, "item": from_hyperedges(["a c"], "complex::reflexive::item")}),
            "the same lines: item, user-item",
        ),
        (from_edges(["a"], ["b"]), from_scipy(np.eye(2)), "relation 'node' is of a matrix, and of hyperedges in the graph"),
        (from_scipy(np.eye(2)), from_edges(["a"], ["b"]), "relation 'node' is of hyperedges, and of a matrix in the graph"),
        (
            from_hyperedges(["a\tb"], "x y", shared_ids=True),
            from_relations({"x-y": from_edges(["a"], ["b"], column="x+y")}),
            "the same lines",
        ),
    ],
)  # fmt: skip
def test_graphs_that_do_not_fit(edit, name: str, graph: Graph, other: Graph, fault: str) -> None:
    with pytest.raises(OptionError, match=f"`{name}`.*{fault}"):
        edit(graph, other)


@pytest.mark.parametrize("edit", [add_hyperedges, remove_hyperedges])
def test_only_graphs(edit) -> None:
    with pytest.raises(TypeError, match="must be a Graph"):
        edit(TWO, ["u\ta b"])


@pytest.mark.parametrize("every_copy", [False, True])
def test_what_is_not_there_is_named(every_copy: bool) -> None:
    graph = from_hyperedges(["a b", "b c", "a b c"])
    gone = from_hyperedges(["a b", "b a", "a x", "c"])
    with pytest.raises(InputError, match=r"`gone`: 3 of its hyperedges .*; the first is 'b', 'a' \(in this order\)"):
        remove_hyperedges(graph, gone, every_copy=every_copy)
    with pytest.raises(InputError, match=r"`gone`: 1 of its .*; the first is user: 'u'; item: 'a', 'x'"):
        remove_hyperedges(THREE, from_hyperedges(["u\ta b", "u\ta x"], "user complex::reflexive::item"))
    many = from_hyperedges([[str(i) for i in range(30)]])
    with pytest.raises(InputError, match=r"'8', '9', … \(in"):
        remove_hyperedges(graph, many)


def test_what_is_not_there_so_often_is_named() -> None:
    graph, gone = from_hyperedges(["a b", "b c", "a b"]), from_hyperedges(["b c", "a b", "a b", "a b", "b c"])
    with pytest.raises(InputError, match=r"`gone`: 2 of its hyperedges .*; the first is 'a', 'b'"):
        remove_hyperedges(graph, gone)
    with pytest.raises(OptionError, match="`gone` holds every hyperedge"):
        remove_hyperedges(graph, gone, every_copy=True)
    weighted = from_hyperedges([("b c", 1.0), ("a b", 2.0)])
    with pytest.raises(InputError, match=r"`gone`: 1 of its hyperedges .*; the first is 'a', 'b'"):
        remove_hyperedges(graph, weighted)


def test_nothing_is_removed_from_a_matrix() -> None:
    with pytest.raises(OptionError, match="`gone`: relation 'node' was given as a matrix"):
        remove_hyperedges(from_scipy(np.eye(2)), from_scipy(np.eye(2)))


@pytest.mark.usefixtures("always_clique")
def test_a_matrix_beside_hyperedges() -> None:
    matrix = from_scipy(np.array([[0, 2.0], [0, 1]]), ["a", "b"])
    graph = from_relations({"m": matrix, "e": from_edges(["a", "b"], ["b", "c"])})
    known = graph.counted()
    edge = from_relations({"e": from_edges(["a"], ["b"])})
    for found in (remove_hyperedges(known, edge), add_hyperedges(known, edge)):
        same_counts(found, replace(found))
        assert found.known_counts is not None
    more = add_hyperedges(known, from_relations({"m": from_scipy(np.eye(2), ["d", "a"])}))
    same_counts(more, replace(more))
    assert more.counts()[3, 3] == 1


# --- real data --------------------------------------------------------------------------------------------------------


@pytest.mark.realdata
@pytest.mark.usefixtures("always_clique")
def test_real_coauthors(data: Path) -> None:
    paper, author = np.loadtxt(data / "hg-dblp-coauthorship" / "hyperedges.tsv.gz", dtype=np.int64).T
    lines = [(authors.astype(str).tolist(),) for authors in np.split(author, np.flatnonzero(np.diff(paper)) + 1)]
    spec = "complex::reflexive::author"
    assert len(lines) == 22363
    graph = built(lines[:20_000], spec).counted()
    graph = add_hyperedges(graph, built(lines[20_000:], spec))
    whole = built(lines, spec)
    same(graph, whole)
    same_counts(graph, whole)
    assert graph.known_counts is not None
    rng = np.random.default_rng(5)
    gone = [lines[at] for at in rng.permutation(len(lines))[:3000]]
    left = without([(line, 1.0) for line in lines], [(line, 1.0) for line in gone], every=False)
    graph = remove_hyperedges(graph, built(gone, spec))
    anew = built([line for line, _ in left], spec)
    same_counts(graph, anew)
    assert graph.num_hyperedges == 19_363 and graph.isolated.sum() == len(whole.vocab) - len(anew.vocab) > 0
    with pytest.raises(InputError, match="`gone`: 1 of its hyperedges"):
        remove_hyperedges(graph, built([([f"{i}" for i in range(9)],)], spec))
