"""Look-up by id, nearest neighbours, conversion."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from cleora_jax._checks import NotFoundError, OptionError
from cleora_jax.graph.vocab import Vocab
from cleora_jax.vectors import Embedding

IDS = [f"n{i}" for i in range(60)]


@pytest.fixture
def embedding():
    return Embedding(np.random.default_rng(1).standard_normal((60, 8)).astype(np.float32), Vocab.of(IDS))


@pytest.fixture
def two_columns():
    ids = pa.array(["1", "2", "1", "3"], pa.large_string())
    vocab = Vocab(ids, ("user", "item"), np.array([0, 0, 1, 1], np.uint8))
    return Embedding(np.array([[1, 0], [0, 1], [1, 1], [-1, 0]], np.float32), vocab)


def test_vectors_are_shared_and_read_only():
    given = np.ones((2, 3), np.float32)
    embedding = Embedding(given, Vocab.of(["a", "b"]))
    assert np.shares_memory(embedding.vectors, given)
    assert not embedding.vectors.flags.writeable
    assert given.flags.writeable
    for other in (given.astype(np.float64), np.asfortranarray(np.ones((2, 3), np.float32))):
        table = Embedding(other, Vocab.of(["a", "b"])).vectors
        assert table.dtype == np.float32
        assert table.flags.c_contiguous


def test_look_up(embedding, two_columns):
    np.testing.assert_array_equal(embedding["n3"], embedding.vectors[3])
    np.testing.assert_array_equal(embedding[["n3", "n1"]], embedding.vectors[[3, 1]])
    np.testing.assert_array_equal(two_columns.vector("1", "item"), [1, 1])
    np.testing.assert_array_equal(two_columns.rows(["1", "2"], "user"), [[1, 0], [0, 1]])
    assert (len(embedding), embedding.dim, "n5" in embedding, "x" in embedding) == (60, 8, True, False)
    with pytest.raises(ValueError, match="several columns"):
        two_columns["1"]
    with pytest.raises(NotFoundError, match="Nearest"):
        embedding["n66"]
    with pytest.raises(TypeError):
        embedding[3]


def test_one_query_equals_the_definition(embedding):
    x = embedding.vectors.astype(np.float64)
    scores = x @ x[7] / np.linalg.norm(x, axis=1) / np.linalg.norm(x[7])
    order = [i for i in np.argsort(-scores, kind="stable") if i != 7]
    found = embedding.most_similar("n7", k=5)
    assert [entity for entity, _ in found] == [IDS[i] for i in order[:5]]
    np.testing.assert_allclose([score for _, score in found], scores[order[:5]], atol=1e-12)


def test_several_queries_equal_one_by_one(embedding):
    assert embedding.most_similar(IDS[:9]) == [embedding.most_similar(entity) for entity in IDS[:9]]
    rows = embedding.vectors[:3] * 2.5
    assert embedding.most_similar(rows, k=2) == [embedding.most_similar(row, k=2) for row in rows]
    assert embedding.most_similar([]) == []
    assert isinstance(embedding.most_similar(["n1"])[0], list)


def test_never_the_query(embedding):
    for entity, found in zip(IDS, embedding.most_similar(IDS, k=1000), strict=True):
        assert sorted([entity] + [other for other, _ in found]) == sorted(IDS)
    assert embedding.most_similar(embedding["n4"], k=1)[0][0] == "n4"  # a vector is not an entity


def test_a_mask_may_be_a_list_or_a_series():
    pandas = pytest.importorskip("pandas")
    vectors = Embedding(np.eye(3, dtype=np.float32) + 0.1, Vocab.of(["a", "b", "c"]))
    for mask in ([True, False, True], np.array([True, False, True]), pandas.Series([True, False, True])):
        assert [entity for entity, _ in vectors.most_similar("a", among=mask)] == ["c"]
    with pytest.raises(OptionError, match=r"bool\[3\]"):
        vectors.most_similar("a", among=[True, False])


def test_never_the_query_even_among_equals():
    embedding = Embedding(np.ones((50, 4), np.float32), Vocab.of(IDS[:50]))
    found = embedding.most_similar(IDS[:50], k=3)
    assert [entity for entity, _ in found[1]] == ["n0", "n2", "n3"]
    assert all(entity not in dict(answer) for entity, answer in zip(IDS, found, strict=False))


def test_columns(two_columns):
    assert [e for e, _ in two_columns.most_similar("1", column="user", among="item")] == [("item", "1"), ("item", "3")]
    assert [e for e, _ in two_columns.most_similar("1", column="user", among="user")] == [("user", "2")]
    assert two_columns.most_similar("2", k=1) == [(("item", "1"), pytest.approx(np.sqrt(0.5)))]
    with pytest.raises(NotFoundError, match=r"'shop'.*'user', 'item'"):
        two_columns.most_similar("2", among="shop")
    with pytest.raises(NotFoundError):
        two_columns.most_similar("1", column="shop")


def test_neighbours_of_several_columns_are_pairs(two_columns):
    """User 1 and item 1 are two entities, and each neighbour is itself a query."""
    found = two_columns.most_similar(["2", "3"], k=10)
    assert [e for e, _ in found[0]] == [("item", "1"), ("user", "1"), ("item", "3")]
    assert [e for e, _ in found[1]] == [("user", "2"), ("item", "1"), ("user", "1")]
    for key, cosine in found[0]:
        assert two_columns.cosine("2", key) == cosine
        assert key not in [e for e, _ in two_columns.most_similar(key)]
        assert two_columns[key].shape == (2,)


def test_isolated_entities_have_cosine_zero():
    embedding = Embedding(np.array([[0, 0], [1, 0], [0, 0]], np.float32), Vocab.of(["a", "b", "c"]))
    assert embedding.most_similar("a") == [] and embedding.most_similar(["a", "b"])[0] == []
    assert embedding.most_similar("b") == [("a", 0), ("c", 0)]
    assert embedding.cosine("a", "b") == 0 == embedding.cosine("a", "a")


def test_cosine(embedding):
    a, b = embedding.vectors[:2].astype(np.float64)
    expected = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    assert embedding.cosine("n0", "n1") == pytest.approx(expected, abs=1e-12)
    assert embedding.cosine("n0", embedding["n1"]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("k", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), (True, TypeError)])
def test_wrong_k(embedding, k, error):
    with pytest.raises(error, match="`k`"):
        embedding.most_similar("n0", k=k)


def test_wrong_arguments(embedding):
    with pytest.raises(ValueError, match="length 8"):
        embedding.most_similar(np.ones(3))
    with pytest.raises(ValueError, match="finite"):
        embedding.most_similar(np.full(8, np.nan))
    with pytest.raises(ValueError, match="60"):
        Embedding(np.ones((3, 2)), embedding.vocab)
    with pytest.raises(ValueError, match="`vectors`"):
        Embedding(np.ones((60, 0)), embedding.vocab)
    with pytest.raises(TypeError):
        Embedding(np.full((60, 2), "x"), embedding.vocab)
    with pytest.raises(TypeError, match="settings"):
        Embedding(np.ones((60, 2)), embedding.vocab, {"f": print})


def test_pandas(embedding, two_columns):
    frame = embedding.to_pandas()
    assert list(frame.index) == IDS
    np.testing.assert_array_equal(frame.to_numpy(), embedding.vectors)
    np.testing.assert_array_equal(two_columns.to_pandas().loc[("item", "1")], [1, 1])


def test_arrow(embedding, two_columns):
    table = embedding.to_arrow()
    assert table.column_names == ["id", "vector"]
    assert table.schema.field("vector").type == pa.list_(pa.float32(), 8)
    flat = table["vector"].chunk(0).values.to_numpy()
    assert np.shares_memory(flat, embedding.vectors)
    assert two_columns.to_arrow().to_pylist()[2] == {"id": "1", "column": "item", "vector": [1, 1]}
    assert two_columns.to_arrow().schema.field("column").type == pa.string()


def test_repr(two_columns):
    for part in ("4", "2", "user: 2", "item: 2"):
        assert part in repr(two_columns)


def test_no_jax_is_loaded():
    code = "import cleora_jax.vectors.embedding, cleora_jax.vectors.formats, sys; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_one_column_alone():
    vocab = Vocab(pa.array(["a", "b", "a"], pa.large_string()), ("user", "item"), np.array([0, 0, 1], np.uint8))
    embedding = Embedding(np.eye(3, 2, dtype=np.float32), vocab, {"seed": 1})
    users = embedding.of_column("user")
    assert users.vocab == Vocab.of(["a", "b"], "user") and users.settings == {"seed": 1}
    np.testing.assert_array_equal(users.vectors, np.eye(2))
    with pytest.raises(NotFoundError, match="no column 'shop'; the columns are 'user', 'item'"):
        embedding.of_column("shop")


@pytest.mark.parametrize("wrong", [3, None, 2.5])
def test_what_is_neither_an_id_nor_a_vector_is_named(wrong):
    embedding = Embedding(np.eye(2, dtype=np.float32), Vocab.of(["a", "b"]))
    with pytest.raises(TypeError, match="got " + str(wrong)):
        embedding[wrong]
    with pytest.raises(TypeError, match="`query`.*got " + str(wrong)):
        embedding.most_similar(wrong)


def test_pandas_is_asked_for(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ModuleNotFoundError, match="pip install"):
        Embedding(np.eye(2, dtype=np.float32), Vocab.of(["a", "b"])).to_pandas()
