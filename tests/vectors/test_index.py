"""Approximate search beside the exact one behind the same call."""

from __future__ import annotations

import numpy as np
import pytest

import cleora_jax as cj
from cleora_jax.graph.archive import read_archive, write_archive
from cleora_jax.vectors.index import KIND

RNG = np.random.default_rng(0)
MIXED = (RNG.normal(size=(3000, 6)) @ RNG.normal(size=(6, 24)) + 0.3 * RNG.normal(size=(3000, 24))).astype(np.float32)
VOCAB = cj.Vocab(
    cj.Vocab.of(np.arange(3000).astype(str).tolist()).ids, ("user", "item"), (np.arange(3000) % 3 == 0).astype(np.uint8)
)
VECTORS = cj.Embedding(MIXED, VOCAB, {"dim": 24})


@pytest.fixture(scope="module", params=["usearch", "faiss"])
def index(request):
    pytest.importorskip(request.param)
    return cj.build_index(VECTORS, request.param)


def test_nearly_all_neighbours_are_found_with_exact_cosines(index):
    assert index.recall(10) > 0.97
    exact = dict(VECTORS.most_similar(("user", "1"), k=30))
    found = index.most_similar(("user", "1"), k=10)
    assert [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    assert all(exact.get(key, score) == score for key, score in found)
    assert ("user", "1") not in dict(found)


def test_queries_are_as_of_embeddings(index):
    vectors = RNG.normal(size=(4, 24))
    many, one = index.most_similar(vectors, k=3), index.most_similar(vectors[2], k=3)
    assert many[2] == one and len(many) == 4
    ids = index.most_similar(["1", "2"], k=3, column="user")
    assert [len(each) for each in ids] == [3, 3]


def test_filters_ask_for_more_until_enough_are_left(index):
    items = index.most_similar(("user", "1"), k=20, among="item")
    assert len(items) == 20 and {column for (column, _), _ in items} == {"item"}
    chosen = [("item", "0"), ("item", "3"), ("user", "2998")]
    found = index.most_similar(("user", "1"), k=10, among=chosen)
    assert found == VECTORS.most_similar(("user", "1"), k=10, among=chosen)
    mask = np.zeros(3000, bool)
    assert index.most_similar(("user", "1"), among=mask) == []


def test_more_than_there_are(index):
    found, exact = (searched.most_similar(("user", "1"), k=5000) for searched in (index, VECTORS))
    assert len(found) == 2999 and [key for key, _ in found] == [key for key, _ in exact]
    np.testing.assert_allclose([score for _, score in found], [score for _, score in exact], atol=1e-12)


def test_masks_of_another_shape_and_columns_of_vectors_are_errors(index):
    for searched in (index, VECTORS):
        for mask in (np.ones(3, bool), np.ones(3005, bool)):
            with pytest.raises(ValueError, match="among"):
                searched.most_similar(("user", "1"), among=mask)
        with pytest.raises(ValueError, match="column"):
            searched.most_similar(np.ones(24), column="user")
        with pytest.raises(ValueError, match="column"):
            searched.most_similar(("user", "1"), column="item")
        pairs = [("user", "1"), ("item", "3")]
        assert searched.most_similar(pairs, k=2) == [searched.most_similar(pair, k=2) for pair in pairs]


def test_which_of_equal_vectors_is_found_does_not_matter():
    table = np.tile(np.eye(4, 24, dtype=np.float32), (500, 1))
    table[:3] = 0
    vocab = cj.Vocab.of(np.arange(2000).astype(str).tolist())
    assert cj.build_index(cj.Embedding(table, vocab)).recall(10) == 1


def test_faiss_leaves_the_number_of_threads_alone():
    faiss = pytest.importorskip("faiss")
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(2)
    try:
        cj.build_index(VECTORS, "faiss", threads=1).most_similar(("user", "1"))
        assert faiss.omp_get_max_threads() == 2
    finally:
        faiss.omp_set_num_threads(before)


@pytest.mark.parametrize("graph", ["nothing", "another"])
def test_a_graph_that_is_not_that_of_the_vectors_is_refused(index, graph, tmp_path):
    path = tmp_path / "index.npz"
    index.save(path)
    header, arrays = read_archive(path, KIND)
    other = cj.build_index(cj.Embedding(MIXED[:500], VOCAB.take(np.arange(500))), index.options["engine"])
    content = np.zeros(64, np.uint8) if graph == "nothing" else np.frombuffer(other.graph.to_bytes(), np.uint8)
    rest = {key: header[key] for key in header if key not in ("format", "version", "library")}
    write_archive(path, KIND, rest, arrays | {"graph": content})
    with pytest.raises(cj.InputError, match=r"index\.npz"):
        cj.load_index(path)


def test_one_thread_makes_the_same_index_again(index):
    again = cj.build_index(VECTORS, index.options["engine"])
    queries = RNG.normal(size=(50, 24))
    assert again.most_similar(queries, k=5) == index.most_similar(queries, k=5)


def test_files_keep_vectors_and_graph(index, tmp_path):
    index.save(tmp_path / "index.npz")
    back = cj.load_index(tmp_path / "index.npz")
    queries = RNG.normal(size=(50, 24))
    assert back.most_similar(queries, k=5) == index.most_similar(queries, k=5)
    assert back.embedding.settings == {"dim": 24} and back.vocab == VOCAB
    whole = (tmp_path / "index.npz").read_bytes()
    (tmp_path / "index.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(cj.InputError, match="index"):
        cj.load_index(tmp_path / "index.npz")


def test_an_engine_that_is_missing_is_an_error_and_no_other_takes_its_place(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "usearch", None)
    monkeypatch.setitem(sys.modules, "usearch.index", None)
    with pytest.raises(ModuleNotFoundError, match=r"cleora-jax\[ann\]"):
        cj.build_index(VECTORS)


@pytest.mark.parametrize(
    ("options", "named"), [({"engine": "annoy"}, "engine"), ({"links": 1}, "links"), ({"threads": 0}, "threads")]
)
def test_what_cannot_be_is_named(options, named):
    with pytest.raises(ValueError, match=named):
        cj.build_index(VECTORS, **options)
