"""Starting from features: every form of input against a dense float64 oracle, and what it buys on Cora."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cleora_jax import InputError, NotFoundError, OptionError, embed, from_edges, from_hyperedges, markov
from cleora_jax.cleora import Cleora
from cleora_jax.cleora.features import Features
from cleora_jax.cleora.start import FEATURE, directions, hashed, start
from cleora_jax.graph.vocab import Vocab
from cleora_jax.sparse import reorder
from tests import dense

NODES = Vocab.of([f"n{i}" for i in range(60)])
SHOP = from_hyperedges([f"u{i % 9}\ti{i % 7} i{i % 4}" for i in range(40)], "user complex::item").vocab
RNG = np.random.default_rng(3)


def unit(rows: np.ndarray) -> np.ndarray:
    """Rows at unit length, float64; zero rows stay zero."""
    return dense.normalize(np.asarray(rows, np.float64), "l2")


def normal(names: list[str], dim: int, seed: int) -> np.ndarray:
    """The projection: the hash's uniform numbers through the normal quantile function."""
    uniform = np.asarray(hashed(Vocab.of(names, FEATURE), dim, seed), np.float64)
    return stats.norm.ppf((uniform + 1 + 2.0**-24) / 2)


def mixed(vocab: Vocab, dim: int, seed: int, parts: list[tuple[dict, float]], names: list[str] | None = None):
    """start_i = (1 − weight) h_i + weight f_i, entity by entity; a part is {(column, id): vector}, weight."""
    out = unit(hashed(vocab, dim, seed))
    keys = [(vocab.columns[code], entity) for code, entity in zip(vocab.column_of, vocab.ids.to_pylist(), strict=True)]
    for vectors, weight in parts:
        for row, key in enumerate(keys):
            vector = np.asarray(vectors.get(key, [0]), np.float64)
            if vector.any():
                used = names or [str(place) for place in range(len(vector))]
                turned = vector if len(vector) == dim else vector @ normal(used, dim, seed)
                out[row] = (1 - weight) * out[row] + weight * turned / np.linalg.norm(turned)
    return out


def of_column(column: str, vectors: dict) -> dict:
    return {(column, entity): vector for entity, vector in vectors.items()}


def close(found, expected) -> None:
    found = np.asarray(found)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=2e-6)


# --- against the oracle ---


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.sampled_from([1, 5, 8]), st.floats(0, 1), st.integers(0, 2**32), st.booleans())
def test_dict_with_missing_nodes(width, dim, weight, seed, whole_numbers):
    rng = np.random.default_rng(seed)
    draw = (lambda: rng.integers(-2, 3, width)) if whole_numbers else (lambda: rng.standard_normal(width))
    values = {f"n{i}": draw() for i in rng.permutation(70)[:25]} | {"n0": draw(), "n1": np.zeros(width)}
    found = start(NODES, dim, Features(values, weight), seed)
    close(found, mixed(NODES, dim, seed, [(of_column("entity", values), weight)]))


def forms(matrix: np.ndarray, ids: list[str]) -> dict:
    """The same features, in every form that keeps their places."""
    columns = {str(place): matrix[:, place] for place in range(matrix.shape[1])}
    frame = pd.DataFrame(matrix, index=ids)
    shuffled = RNG.permutation(len(ids))
    whole = pa.table({"id": ids, **columns})
    chunks = [whole.slice(first, 20) for first in (0, 20, 40)]
    return {
        "dict": dict(zip(ids, matrix, strict=True)),
        "dict of lists": dict(zip(ids, matrix.tolist(), strict=True)),
        "permuted dict": {ids[i]: matrix[i] for i in shuffled},
        "array": matrix,
        "float64": matrix.astype(np.float64),
        "rows": matrix.tolist(),
        "pandas": frame,
        "permuted pandas": frame.iloc[shuffled],
        "pandas, id a column": frame.rename_axis("id").reset_index(),
        "pandas of pandas' strings": frame.set_axis(pd.Index(ids, dtype="string")),
        "polars": pl.DataFrame({"id": ids, **columns}),
        "polars, first column": pl.DataFrame({"node": ids, **columns}),
        "polars, id last": pl.DataFrame({**columns, "id": ids}),
        "polars categories": pl.DataFrame({"id": pl.Series(ids, dtype=pl.Categorical), **columns}),
        "arrow": whole,
        "arrow chunks": pa.concat_tables(chunks),
        "arrow categories, of each chunk its own": pa.concat_tables(
            chunk.set_column(0, "id", chunk["id"].dictionary_encode()) for chunk in chunks
        ),
        "arrow batch": pa.record_batch({"id": ids, **columns}),
    }


MATRIX = RNG.standard_normal((60, 11)).astype(np.float32)
FORMS = forms(MATRIX, NODES.ids.to_pylist())


@pytest.mark.parametrize("form", list(FORMS))
def test_every_form_gives_the_same_bits(form):
    expected = np.asarray(start(NODES, 6, Features(FORMS["dict"]), 4))
    close(expected, mixed(NODES, 6, 4, [(of_column("entity", FORMS["dict"]), 0.5)]))
    np.testing.assert_array_equal(start(NODES, 6, Features(FORMS[form]), 4), expected)


@pytest.mark.parametrize("kind", [sp.csr_array, sp.csr_matrix, sp.coo_array, sp.csc_array, sp.lil_matrix])
@pytest.mark.parametrize("dim", [6, 11])
def test_sparse_as_dense(kind, dim):
    thin = np.where(RNG.random(MATRIX.shape) < 0.2, MATRIX, 0)
    assert not thin.any(axis=1).all()
    found = start(NODES, dim, Features(kind(thin), 0.7), 4)
    close(found, start(NODES, dim, Features(thin, 0.7), 4))


@pytest.mark.parametrize("dim", [3, 4])
def test_repeated_entries_of_sparse_matrices_add_up(dim):
    matrix = sp.csr_array((np.array([1.0, 1, 0, 1, 1]), np.array([1, 1, 2, 0, 1]), np.array([0, 3, 5])), shape=(2, 3))
    found = start(Vocab.of(["a", "b"]), dim, Features(matrix), 0)
    close(found, start(Vocab.of(["a", "b"]), dim, Features(np.array([[0.0, 2, 0], [1, 1, 0]])), 0))
    assert matrix.nnz == 5


def test_types_of_numbers():
    whole = RNG.integers(-3, 4, (60, 3))
    expected = start(NODES, 5, Features(whole.astype(np.float32)), 0)
    for kind in (np.int8, np.int64, np.float16, np.float64):
        np.testing.assert_array_equal(start(NODES, 5, Features(whole.astype(kind)), 0), expected)
    table = {"id": NODES.ids, "0": pa.array(whole[:, 0], pa.int8()), "1": pa.array(whole[:, 1] * 1.0, pa.float32())}
    assert Features(pa.table(table | {"2": pa.array(whole[:, 2] > 0)})).table.matrix.dtype == np.float32
    flags = Features(pa.table({"id": ["n1"], "flag": [True]})).table.matrix
    np.testing.assert_array_equal(flags, [[1.0]])


def test_lists_of_numbers_in_a_column():
    """The usual form of text vectors in Parquet."""
    for kind in (pa.list_(pa.float32()), pa.large_list(pa.float64()), pa.list_(pa.float32(), 11)):
        table = pa.table({"id": NODES.ids, "text": pa.array(MATRIX.tolist(), kind)})
        features = Features(table)
        np.testing.assert_array_equal(features.table.matrix, MATRIX)
        assert features.table.names == [f"text[{place}]" for place in range(11)]
    frame = pd.DataFrame({"text": list(MATRIX), "price": MATRIX[:, 0]}, index=NODES.ids.to_pylist())
    np.testing.assert_array_equal(Features(frame).table.matrix, np.column_stack([MATRIX, MATRIX[:, 0]]))


def test_integers_are_ids_in_decimal():
    nodes = Vocab.of([str(i) for i in range(60)])
    expected = start(nodes, 6, Features(MATRIX), 0)
    for values in (
        dict(enumerate(MATRIX)),
        dict(zip(np.arange(60), MATRIX, strict=True)),
        pd.DataFrame(MATRIX),
        pa.table({"id": np.arange(60), **{str(j): MATRIX[:, j] for j in range(11)}}),
    ):
        np.testing.assert_array_equal(start(nodes, 6, Features(values), 0), expected)


def test_names_and_not_places_make_the_projection():
    """Columns may stand in any order, beside others or not; their names matter, and the seed."""
    frame = pd.DataFrame(MATRIX[:, :4], index=NODES.ids.to_pylist(), columns=["price", "size", "age", "mass"])
    expected = start(NODES, 16, Features(frame), 0)
    vectors = {key: row for key, row in zip(NODES.ids.to_pylist(), MATRIX[:, :4], strict=True)}
    close(expected, mixed(NODES, 16, 0, [(of_column("entity", vectors), 0.5)], list(frame.columns)))
    close(start(NODES, 16, Features(frame[["mass", "price", "age", "size"]]), 0), expected)
    close(start(NODES, 16, Features(frame.assign(more=0.0)), 0), expected)
    renamed = frame.rename(columns={"price": "cost"})
    assert np.abs(np.asarray(start(NODES, 16, Features(renamed), 0)) - expected).max() > 0.05
    assert np.abs(np.asarray(start(NODES, 16, Features(frame, 1.0), 1)) - expected).max() > 0.05


def test_directions_are_normal_and_independent():
    table = directions([f"f{k}" for k in range(400)], 256, 0)
    assert table.dtype == np.float32 and np.isfinite(table).all()
    assert stats.kstest(table.ravel(), "norm").pvalue > 0.01
    values = np.linalg.svd(table, compute_uv=False)  # Marchenko and Pastur: between √w − √d and √w + √d
    assert values.min() > 20 - 16 - 1 and values.max() < 20 + 16 + 1
    other = directions([f"f{k}" for k in range(400)], 256, 1)
    assert abs(np.corrcoef(table.ravel(), other.ravel())[0, 1]) < 0.01
    ends = stats.norm.ppf((np.array([-1, 1 - 2.0**-23]) + 1 + 2.0**-24) / 2)  # the least and most that the hash gives
    assert ends[0] == pytest.approx(-ends[1]) and 5 < ends[1] < 6


def test_projection_keeps_cosines():
    wide = RNG.standard_normal((60, 300)) + 1
    found = np.asarray(start(NODES, 4096, Features(wide, 1.0), 0), np.float64)
    np.testing.assert_allclose(found @ found.T, unit(wide) @ unit(wide).T, atol=0.08)


def test_weights_of_nought_and_one():
    h, none = unit(hashed(NODES, 6, 0)), dict(zip(NODES.ids.to_pylist()[1:], MATRIX[1:], strict=True))
    np.testing.assert_array_equal(start(NODES, 6, Features(none, 0), 0), h.astype(np.float32))
    alone = np.asarray(start(NODES, 6, Features(none, 1), 0))
    np.testing.assert_array_equal(alone[0], h[0].astype(np.float32))
    close(alone[1:], unit(MATRIX[1:].astype(np.float64) @ normal([str(k) for k in range(11)], 6, 0)))


def test_as_many_features_as_dimensions_are_not_projected():
    close(start(NODES, 11, Features(MATRIX, 1.0), 0), unit(MATRIX))


def test_any_scale():
    """Lengths do not matter, from the smallest float32 to the largest."""
    scale = np.geomspace(1e-37, 1e37, 60)[:, None]
    for values in (MATRIX * scale, sp.csr_array(MATRIX * scale)):
        close(start(NODES, 6, Features(values), 0), start(NODES, 6, Features(MATRIX), 0))


# --- columns ---


def test_features_by_type_of_any_width():
    users, items = SHOP.of_column("user"), SHOP.of_column("item")
    ages = {entity: RNG.standard_normal(3) for entity in users.ids.to_pylist()[:5]}
    words = RNG.standard_normal((len(items), 20))
    parts = [Features(ages, 0.9, "user"), Features(sp.csr_array(words), 0.3, "item")]
    expected = mixed(SHOP, 8, 2, [
        (of_column("user", ages), 0.9),
        (of_column("item", dict(zip(items.ids.to_pylist(), words, strict=True))), 0.3),
    ])  # fmt: skip
    close(start(SHOP, 8, parts, 2), expected)
    close(start(SHOP, 8, tuple(parts[::-1]), 2), expected)
    order = RNG.permutation(len(SHOP))
    close(start(SHOP, 8, parts, 2, order), expected[order])


def test_an_id_in_several_columns_needs_its_column():
    vocab = from_hyperedges(["1\t1", "1\t2"], "user item").vocab
    with pytest.raises(OptionError, match="'1' stands in several columns"):
        start(vocab, 4, Features({"2": [1.0], "1": [2.0]}), 0)
    found = start(vocab, 4, Features({"2": [1.0], "1": [2.0]}, column="item"), 0)
    close(found, mixed(vocab, 4, 0, [(of_column("item", {"2": [1.0], "1": [2.0]}), 0.5)]))
    assert Features({"2": [1.0], "1": [2.0]}, column="item").rows(vocab).tolist() == [-1, 1, 0]
    with pytest.raises(NotFoundError, match="no column 'shop'.*'user', 'item'"):
        start(vocab, 4, Features({"1": [1.0]}, column="shop"), 0)


def test_an_entity_has_features_once():
    twice = [Features({"n1": [1.0], "n2": [1.0]}), Features({"n2": [1.0]})]
    with pytest.raises(OptionError, match="1 entities have features in more than one.*'n2'"):
        start(NODES, 4, twice, 0)
    with pytest.raises(TypeError, match="must hold nothing else, got ndarray"):
        start(NODES, 4, [Features({"n1": [1.0]}), np.zeros((60, 4))], 0)


def test_ids_that_are_no_entities_are_left_out_and_can_be_counted():
    features = Features({"n1": [1.0], "unheard": [1.0], "n5": [2.0]})
    close(start(NODES, 4, features, 0), start(NODES, 4, Features({"n1": [1.0], "n5": [2.0]}), 0))
    assert (features.rows(NODES) >= 0).sum() == 2
    with pytest.raises(
        OptionError, match=r"none of the ids \('x', 'y'\) is an entity of the graph, whose first is 'n0'"
    ):
        Features({"x": [1.0], "y": [1.0]}).rows(NODES)
    with pytest.raises(OptionError, match=r"is an entity in column 'item'"):
        Features({"u0": [1.0]}, column="item").rows(SHOP)


# --- faults ---

FAULTS = {
    "nan in dict": ({"a": [1.0, 2.0], "b": [3.0, np.nan]}, InputError, "nan at 'b', position 1"),
    "inf in array": (np.array([[1.0, np.inf]]), InputError, "inf at row 0, position 1"),
    "too large": ({"a": [1.0, 1e39]}, InputError, "inf at 'a', position 1; features must be finite, in float32"),
    "nan in sparse": (sp.csr_array(np.array([[0, 0], [0, 1], [0, np.nan]])), InputError, "nan at row 2, position 1"),
    "nan in pandas": (pd.DataFrame({"x": [1.0, None]}, index=["a", "b"]), InputError, "nan at 'b', feature 'x'"),
    "null in polars": (pl.DataFrame({"id": ["a", "b"], "x": [None, 1]}), InputError, "nan at 'a', feature 'x'"),
    "ragged dict": ({"a": [1.0, 2.0], "b": [3.0]}, InputError, "'b' has 1 numbers, 'a' has 2"),
    "ragged rows": ([[1.0], [3.0, 4.0]], InputError, "row 1 has 2 numbers, row 0 has 1"),
    "ragged lists": (pa.table({"id": ["a", "b"], "x": [[1.0], []]}), InputError, "'x': 'b' has 0 numbers, 'a' has 1"),
    "longer list": (pa.table({"id": ["a", "b", "c"], "x": [[1.0], [1.0, 2.0, 3.0], [1.0, 2.0]]}), InputError, "'b' has 3"),
    "null list": (pa.table({"id": ["a", "b"], "x": [None, [1.0]]}), InputError, "'x': 'a' has 0 numbers"),
    "empty dict": ({}, OptionError, "empty"),
    "empty vectors": ({"a": []}, InputError, "'a' has 0 numbers"),
    "empty array": (np.zeros((0, 3)), OptionError, r"shape \(0, 3\)"),
    "no features": (pa.table({"id": ["a"]}), OptionError, "rows and features"),
    "no rows": (pl.DataFrame({"id": [], "x": []}, schema={"id": pl.String, "x": pl.Float32}), OptionError, "0 rows"),
    "no columns": (pa.table({}), OptionError, "no columns"),
    "a vector": (np.zeros(3), OptionError, r"shape \(3,\)"),
    "words in dict": ({"a": ["x"]}, TypeError, "'a' must be a vector of numbers"),
    "matrix in dict": ({"a": [[1.0]]}, TypeError, "'a' must be a vector of numbers"),
    "words in array": (np.array([["x"]]), TypeError, "must be numbers"),
    "words in frame": (pa.table({"id": ["a"], "x": ["y"]}), TypeError, "column 'x' holds string"),
    "ids of floats": ({1.5: [1.0]}, TypeError, "ids must be strings or integers, got 1.5"),
    "ids of truth": ({True: [1.0]}, TypeError, "ids must be strings or integers, got True"),
    "null id": (pa.table({"id": ["a", None], "x": [1, 2]}), InputError, "1 ids are null"),
    "ids not announced": (pa.table({"x": [1, 2], "y": [1, 2]}), TypeError, "no column 'id'.*'x', holds int64"),
    "an id twice": (pd.DataFrame({"x": [1.0, 2.0]}, index=["a", "a"]), InputError, "the id 'a' stands twice"),
    "a name twice": (pd.DataFrame([[1.0, 2.0]], index=["a"], columns=["x", "x"]), InputError, "feature 'x' stands twice"),
    "a column twice": (pa.table([["a"], ["b"], [1.0]], names=["id", "id", "x"]), InputError, "column 'id' stands twice"),
    "levels": (pd.DataFrame({"x": [1.0]}, index=pd.MultiIndex.from_tuples([("u", "a")])), OptionError, "2 levels"),
    "something else": (object(), TypeError, "must be a dict of vectors"),
}  # fmt: skip


@pytest.mark.parametrize("fault", list(FAULTS))
def test_faults_are_told_at_once(fault):
    values, error, message = FAULTS[fault]
    with pytest.raises(error, match=message):
        Features(values)


def test_options_are_checked():
    for weight in (-0.1, 1.1, np.nan):
        with pytest.raises(OptionError, match="`weight` must be finite and in"):
            Features({"a": [1.0]}, weight)
    with pytest.raises(TypeError, match="`column` must be a column's name, got 3"):
        Features({"a": [1.0]}, column=3)
    with pytest.raises(OptionError, match="must have 60 rows, one per entity, got 3"):
        start(NODES, 4, Features(np.ones((3, 2))), 0)
    with pytest.raises(OptionError, match="must have 7 rows, one per entity of column 'item', got 16"):
        start(SHOP, 4, Features(np.ones((16, 2)), column="item"), 0)


def test_repr_says_what_it_is():
    assert repr(Features(sp.csr_array(MATRIX), 0.25)) == "Features(60 × 11 sparse, in order, weight=0.25)"
    assert repr(Features({"a": [1.0]}, column="item")) == "Features(1 × 1, by id, weight=0.5, column='item')"


# --- in embed ---


def test_embed_starts_from_features(toy):
    """Against the dense loop, over every toy graph; also through the order that rows are multiplied in."""
    values = RNG.standard_normal((toy.num_entities, 3))
    method = Cleora(dim=5, num_iterations=2, whiten="off", seed=7)
    first = np.asarray(start(toy.vocab, 5, Features(values), 7), np.float64)
    expected = dense.cleora(dense.markov(toy, "left"), first, steps=2, whitens=lambda step: False, rank=5)
    found = embed(toy, method, init=Features(values), relations="joint" if len(toy.relations) > 1 else None)
    np.testing.assert_allclose(found.vectors, expected[toy.kept], atol=1e-5)


def test_features_follow_their_entities_through_reordering(monkeypatch):
    monkeypatch.setattr(reorder, "MIN_ENTITIES", 1)
    place = np.random.default_rng(0).permutation(900)
    graph = from_edges(place, place[(np.arange(900) + 1) % 900], num_entities=900)  # a ring, shuffled
    assert reorder.reordered(markov(graph))[1] is not None
    values = sp.random_array((900, 40), density=0.1, rng=RNG, format="csr")
    first = np.asarray(start(graph.vocab, 8, Features(values, 0.8), 0), np.float64)
    expected = dense.normalize(dense.markov(graph, "left") @ first, "l2")
    found = embed(graph, Cleora(dim=8, num_iterations=1, whiten="off"), init=[Features(values, 0.8)])
    np.testing.assert_allclose(found.vectors, expected, atol=1e-5)


SCRIPT = """
import hashlib, os, sys
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[1])])
import numpy as np
from cleora_jax.cleora.features import Features
from cleora_jax.cleora.start import start
from cleora_jax.graph.vocab import Vocab
from cleora_jax.sparse import reorder
values = np.random.default_rng(0).standard_normal((2500, 700)).astype(np.float32)
for dim in (3, 256):
    found = np.asarray(start(Vocab.of([str(i) for i in range(2500)]), dim, Features(values), 0))
    print(hashlib.sha256(found.tobytes()).hexdigest())
"""


def test_bits_do_not_depend_on_threads():
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs 2 processor cores")
    outputs = [
        subprocess.run([sys.executable, "-c", SCRIPT, threads], check=True, capture_output=True, text=True).stdout
        for threads in ("1", "2")
    ]
    assert outputs[0] == outputs[1] and len(outputs[0].split()) == 2


def test_sparse_features_stay_sparse():
    """3,000 × 200,000 would be 2.4 GB."""
    features = Features(sp.random_array((3000, 200_000), density=1e-5, rng=RNG, format="csr"))
    vocab = Vocab.of([str(i) for i in range(3000)])
    tracemalloc.start()
    start(vocab, 4, features, 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6


@pytest.mark.realdata
def test_features_help_on_cora(data):
    """Planetoid split, settings as `experiments/features` chose them on the validation nodes; there .79 against .71."""
    from sklearn.linear_model import LogisticRegression

    edges = np.loadtxt(data / "cora" / "edges.tsv.gz", np.int64)
    labels = np.loadtxt(data / "cora" / "labels.tsv.gz", np.int64)[:, 1]
    split = np.loadtxt(data / "cora" / "split.tsv.gz", str)
    train, test = (split[split[:, 1] == name, 0].astype(int) for name in ("train", "test"))
    graph = from_edges(*edges.T, num_entities=len(labels))
    values = sp.load_npz(data / "cora" / "features.npz")
    scores = []
    for init in (None, Features(values, weight=1.0)):
        found = embed(graph, Cleora(num_iterations=12, whiten="off"), init=init).vectors
        model = LogisticRegression(C=10, max_iter=2000).fit(found[train], labels[train])
        scores.append(model.score(found[test], labels[test]))
    assert scores[1] > 0.77 and scores[1] > scores[0] + 0.05


def test_rows_of_an_array_by_ids():
    """The order of a graph is that of first appearance, and rows of a matrix are usually by number."""
    graph = from_edges([3, 1, 0], [1, 2, 3])
    table = np.eye(4, 6, dtype=np.float32)
    for values in (table, sp.csr_array(table)):
        by_ids = Features(values, 1.0, ids=range(4))
        assert by_ids.rows(graph.vocab).tolist() == [3, 1, 2, 0]
        assert Features(values, 1.0).rows(graph.vocab).tolist() == [0, 1, 2, 3]
    same = Features({str(i): row for i, row in enumerate(table)}, 1.0)
    np.testing.assert_array_equal(
        start(graph.vocab, 5, by_ids, 0), start(graph.vocab, 5, Features(table, 1.0, ids=range(4)), 0)
    )
    assert same.rows(graph.vocab).tolist() == by_ids.rows(graph.vocab).tolist()
    with pytest.raises(ValueError, match="`ids` must have one id per row"):
        Features(table, ids=range(3))
