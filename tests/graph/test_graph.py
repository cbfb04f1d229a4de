"""Graph and Vocab: immutable, picklable, and built from arrays with errors that name their place."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp

from cleora_jax._checks import InputError, NotFoundError
from cleora_jax.graph import Graph, Vocab, from_edges, from_hyperedges, from_scipy
from tests.conftest import TOYS


def arrays_of(graph: Graph) -> list[np.ndarray]:
    found = [graph.vocab.column_of, graph.isolated, graph.kept]
    for relation in graph.relations:
        for side in (relation.left, relation.right):
            found += [side.offset, side.member, side.size] if side is not None else []
        if relation.counts is not None:
            found += [relation.counts.data, relation.counts.indices, relation.counts.indptr]
        found += [relation.weight] if relation.weight is not None else []
    return found


@pytest.mark.parametrize("name", TOYS)
def test_everything_is_frozen(name: str) -> None:
    graph = TOYS[name]
    assert not any(array.flags.writeable for array in arrays_of(graph))
    for thing in (graph, graph.vocab, graph.relations[0], graph.report):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(thing, dataclasses.fields(thing)[0].name, None)


@pytest.mark.parametrize("name", TOYS)
def test_counts_are_the_callers_own(name: str) -> None:
    graph = TOYS[name]
    before = graph.counts().toarray()
    graph.counts().data[:] = -1
    np.testing.assert_array_equal(graph.counts().toarray(), before)


@pytest.mark.parametrize("again", [lambda graph: pickle.loads(pickle.dumps(graph)), copy.deepcopy, copy.copy])
@pytest.mark.parametrize("name", TOYS)
def test_pickle_and_copy(name: str, again) -> None:
    graph = TOYS[name]
    graph.vocab.index(graph.vocab[0], graph.vocab.columns[graph.vocab.column_of[0]])  # fills the look-up tables
    other = again(graph)
    assert repr(other) == repr(graph) and other.vocab == graph.vocab and other.report == graph.report
    assert [relation.reflexive for relation in other.relations] == [one.reflexive for one in graph.relations]
    np.testing.assert_array_equal(other.counts().toarray(), graph.counts().toarray())
    assert not any(array.flags.writeable for array in arrays_of(other))


def test_pickle_leaves_out_the_look_up_tables() -> None:
    graph = from_hyperedges([[f"entity number {i}", f"entity number {i + 1}"] for i in range(1000)])
    small = len(pickle.dumps(graph))
    graph.vocab.index("entity number 7")
    assert not graph.isolated.any()
    assert len(pickle.dumps(graph)) == small


def test_repr() -> None:
    assert repr(from_edges([0, 1], [1, 2], num_entities=5)) == "Graph(5 entities, 2 hyperedges; node: 5; 2 isolated)"
    assert from_edges([0, 1], [1, 2], num_entities=5).report.isolated_entities == 2
    assert from_scipy(np.diag([1.0, 0, 2])).report.isolated_entities == 1
    assert from_hyperedges([("a b", 0.0), ("b c", 1.0)]).report.isolated_entities == 1
    assert repr(from_scipy(np.eye(3))) == "Graph(3 entities, 3 matrix entries; node: 3)"
    graph = from_hyperedges(["u\ta b", "bad"], "user complex::reflexive::item", on_bad_line="skip")
    assert repr(graph) == (
        "Graph(3 entities, 1 hyperedges; user: 1, item: 2; relations user-item, item; 1 bad lines skipped)"
    )


def test_relation() -> None:
    graph = from_hyperedges(["u\ta b"], "user complex::reflexive::item")
    alone = graph.relation("item")
    assert alone.vocab is graph.vocab and [relation.name for relation in alone.relations] == ["item"]
    assert alone.isolated.tolist() == [True, False, False]
    with pytest.raises(ValueError, match="`name` must be one of 'user-item', 'item', got 'shop'"):
        graph.relation("shop")


def test_kept_leaves_out_transient_entities() -> None:
    graph = from_hyperedges(["u\ta b", "v\tb c"], "transient::user complex::item")
    assert [graph.vocab[row] for row in graph.kept] == ["a", "b", "c"]


# --- from_edges -------------------------------------------------------------------------------------------------------


def test_from_edges_equals_hyperedges_of_two() -> None:
    graph = from_edges(["a", "b", "a"], ["b", "a", "a"], [1, 2, 0.5])
    other = from_hyperedges([("a b", 1), ("b a", 2), ("a a", 0.5)])
    assert graph.vocab == other.vocab
    np.testing.assert_array_equal(graph.counts().toarray(), other.counts().toarray())


@pytest.mark.parametrize("kind", [np.int8, np.uint32, np.uint64, str, object])
def test_from_edges_takes_any_kind_of_id(kind) -> None:
    graph = from_edges(np.array([5, 7]).astype(kind), np.array([7, 9]).astype(kind))
    assert graph.vocab.ids.to_pylist() == ["5", "7", "9"]


def test_from_edges_leaves_the_callers_arrays_alone() -> None:
    src, dst, weight = np.array([0, 1]), np.array([1, 2]), np.array([1, 2], np.float32)
    from_edges(src, dst, weight, num_entities=3)
    for array in (src, dst, weight):
        array[0] = 0
    matrix = sp.csr_array(np.eye(3, dtype=np.float32))
    from_scipy(matrix)
    matrix.data[0] = 5


@pytest.mark.parametrize(
    "arguments, options, kind, fault",
    [
        (([], []), {}, ValueError, "`src` is empty"),
        (([0], [1, 2]), {}, ValueError, "equal length"),
        (([[0]], [[1]]), {}, ValueError, "one-dimensional"),
        (([0.5], [1.0]), {}, TypeError, "ids must be strings or integers"),
        (([0.0], [1.0]), {"num_entities": 3}, TypeError, "must be integer rows"),
        ((["a"], ["b"]), {"num_entities": 3}, TypeError, "must be integer rows"),
        (([0, 1], [1, 3]), {"num_entities": 3}, ValueError, r"`dst`, edge 1: row 3 is not in 0 … 2"),
        (([0, -1], [1, 2]), {"num_entities": 3}, ValueError, r"`src`, edge 1: row -1"),
        (([0, 1], [1, 2]), {"num_entities": 0}, ValueError, "`num_entities` must be at least 1"),
        (([0, 1], [1, 2]), {"num_entities": 2.5}, TypeError, "`num_entities` must be an integer"),
        (([0, 1], [1, 2]), {"ids": ["a", "b"]}, ValueError, "`dst`, edge 1: row 2"),
        (([0], [1]), {"ids": ["a", "a"]}, ValueError, "`ids` must be distinct"),
        (([0], [1]), {"ids": ["a", None]}, ValueError, "`ids` must be distinct and without nulls"),
        (([0], [1]), {"ids": ["a", "b"], "num_entities": 3}, ValueError, "`num_entities` is 3"),
        ((["a", "b"], ["b", ""]), {}, ValueError, "`dst`, edge 1: a null or empty id"),
        ((np.array(["a", None]), np.array(["b", "c"])), {}, ValueError, "`src`, edge 1: a null or empty id"),
        (([0, 1], [1, 2], [1]), {}, ValueError, "one entry per hyperedge"),
        (([0, 1], [1, 2], [1, -1]), {}, InputError, r"`weight`, edge 1: weight -1 must be finite"),
        (([0, 1], [1, 2], [np.nan, 1]), {}, InputError, "`weight`, edge 0: weight nan"),
        (([0, 1], [1, 2], [np.inf, 1]), {}, InputError, "`weight`, edge 0: weight inf"),
        (([0, 1], [1, 2], [1, 1e39]), {}, InputError, "`weight`, edge 1: weight 1e"),
        (([0, 1], [1, 2], ["1", "x"]), {}, TypeError, "`weight` must be numbers"),
        (([0, 1], [1, 2], [1j, 1]), {}, TypeError, "`weight` must be numbers"),
    ],
)
def test_from_edges_errors(arguments: tuple, options: dict, kind: type, fault: str) -> None:
    with pytest.raises(kind, match=fault):
        from_edges(*arguments, **options)


# --- from_scipy -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [sp.csr_array, sp.csc_matrix, sp.coo_array, sp.lil_array, np.asarray, sp.dok_array])
@pytest.mark.parametrize("dtype", [np.float64, np.int8, bool, np.uint64])
def test_from_scipy_takes_any_matrix(form, dtype) -> None:
    dense = np.array([[0, 1, 0], [3, 0, 0], [0, 0, 0]]).astype(dtype)
    graph = from_scipy(form(dense), ["x", "y", "z"])
    np.testing.assert_array_equal(graph.counts().toarray(), dense)
    assert graph.relations[0].counts.indices.dtype == np.int32


def test_from_scipy_sums_duplicates_and_drops_zeros() -> None:
    given = sp.coo_array(([1.0, 2.0, 0.0], ([0, 0, 1], [1, 1, 0])), shape=(2, 2))
    counts = from_scipy(given).counts()
    assert counts.nnz == 1 and counts[0, 1] == 3


def test_from_scipy_errors() -> None:
    for wrong in (np.ones((2, 3)), np.ones(4), np.zeros((0, 0)), 5, np.ones((2, 2, 2))):
        with pytest.raises(ValueError, match="`matrix` must be square and not empty, got shape"):
            from_scipy(wrong)
    for value in (-1.0, np.nan, np.inf, 1e300):
        matrix = np.eye(3)
        matrix[2, 1] = value
        with pytest.raises(InputError, match=r"`matrix`, entry \(2, 1\): weight .* must be finite"):
            from_scipy(sp.csr_array(matrix))
    with pytest.raises(TypeError, match="must be numbers"):
        from_scipy(np.eye(2) * 1j)
    with pytest.raises(ValueError, match=r"`ids` must have one id per row \(3\), got 2"):
        from_scipy(np.eye(3), ["a", "b"])


# --- Vocab ------------------------------------------------------------------------------------------------------------


def test_vocab_by_column() -> None:
    vocab = from_hyperedges(["1\t1 2", "2\t3"], "user complex::item").vocab
    assert vocab.index("3") == 4
    assert vocab.index("1", "user") == 0 and vocab.index("1", column="item") == 1
    assert vocab.find("1", "item") == 1 and vocab.find("9", "item") is None and vocab.find("1", "shop") is None
    assert "3" in vocab and "9" not in vocab
    with pytest.raises(ValueError, match="'1' stands in several columns"):
        vocab.index("1")
    with pytest.raises(NotFoundError, match="no column 'shop'; the columns are 'user', 'item'"):
        vocab.index("1", "shop")
    with pytest.raises(NotFoundError, match="unknown entities in column 'item': '8', '9'"):
        vocab.indices(["1", "8", "9"], "item")


def test_vocab_suggests() -> None:
    vocab = Vocab.of(["Valjean", "Javert", "Cosette"])
    with pytest.raises(NotFoundError, match="unknown entity: 'valjean'. Nearest to 'valjean': 'Valjean'"):
        vocab.index("valjean")


def test_vocab_take_and_items() -> None:
    graph = from_hyperedges(["u\ta b", "v\tb c"], "user complex::item")
    rows = np.array([4, 0])
    rows.flags.writeable = False
    taken = graph.vocab.take(rows)
    assert taken.ids.to_pylist() == [graph.vocab[4], graph.vocab[0]]
    assert taken.column_of.tolist() == [graph.vocab.column_of[4], graph.vocab.column_of[0]]
    assert not taken.column_of.flags.writeable
    assert graph.vocab[np.int64(1)] == "a" and list(graph.vocab) == graph.vocab.ids.to_pylist()
    assert taken == graph.vocab.take(rows) and taken != graph.vocab and taken != 5
    with pytest.raises(TypeError):
        hash(taken)


def test_vocab_of() -> None:
    assert len(Vocab.of(pa.array(["a", "b"]))) == 2
    with pytest.raises(ValueError, match="distinct"):
        Vocab.of(["a", "a"])
    with pytest.raises(ValueError, match="one entry per id"):
        Vocab(pa.array(["a"], pa.large_string()), ("n",), np.zeros(2, np.uint8))
