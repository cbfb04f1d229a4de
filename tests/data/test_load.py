"""Files of every kind of data set become one form; what is missing, damaged or does not fit is an error that says so."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from cleora_jax._checks import InputError, OptionError
from cleora_jax.data import list_datasets, load_dataset
from cleora_jax.data.folders import cache_folder, folders
from cleora_jax.data.load import load
from tests.data.made import TABLES, made

FEATURES = np.eye(5, 3, dtype=np.float64)


@pytest.fixture
def graph_set(tmp_path):
    return made(tmp_path, "graph", TABLES, FEATURES, counts={"nodes": 5})


def test_rows_are_the_ids(graph_set, tmp_path):
    """Ids 0 … n−1: row i is node i, node 2 isolated and unlabelled, and labels, features, names align."""
    found = load(graph_set, tmp_path)
    assert found.graph.vocab.ids.to_pylist() == ["0", "1", "2", "3", "4"]
    assert np.flatnonzero(found.graph.isolated).tolist() == [2, 4]
    assert found.labels.classes == ("9", "10") and found.labels.codes.tolist() == [1, 0, -1, 1, 0]
    np.testing.assert_array_equal(found.features.todense(), FEATURES)
    assert found.features.dtype == np.float32 and found.names == tuple(f"node {row}" for row in range(5))
    split = found.splits[0]
    assert [part.tolist() for part in (split.train, split.val, split.test)] == [[0], [3], [1, 4]]
    expected = np.zeros((5, 5), bool)
    for a, b in TABLES["edges.tsv.gz"]:
        expected[a, b] = expected[b, a] = expected[a, a] = expected[b, b] = True
    np.testing.assert_array_equal(found.graph.counts().todense() > 0, expected)
    assert "5 entities, 4 hyperedges" in repr(found) and "1 split" in repr(found)


def test_it_is_frozen(graph_set, tmp_path):
    found = load(graph_set, tmp_path)
    for array in (found.features.data, found.splits[0].test, found.labels.codes):
        assert not array.flags.writeable
    with pytest.raises(AttributeError):
        found.name = "another"
    again = pickle.loads(pickle.dumps(found))
    assert repr(again) == repr(found)


def test_ids_with_gaps_are_in_numeric_order(tmp_path):
    info = made(tmp_path, "graph", {"edges.tsv.gz": [(7, 100), (20, 7)]}, counts={"nodes": 3})
    assert load(info, tmp_path).graph.vocab.ids.to_pylist() == ["7", "20", "100"]


def test_direction_and_weights(tmp_path):
    info = made(tmp_path, "directed graph", {"edges.tsv.gz": [(2, 0, 1.5), (0, 1, 2)]}, counts={"nodes": 3})
    relation = load(info, tmp_path).graph.relations[0]
    assert info.directed and relation.left.member.tolist() == [2, 0, 0, 1] and relation.weight.tolist() == [1.5, 2.0]


def test_hypergraph_with_ten_splits(tmp_path):
    tables = {
        "hyperedges.tsv.gz": [(5, 1), (5, 0), (2, 3), (5, 3)],
        "labels.tsv.gz": [(row, "ab"[row % 2]) for row in range(5)],
        "train_splits.tsv.gz": [(number, number % 5) for number in range(1, 11)],
    }
    found = load(made(tmp_path, "hypergraph", tables, counts={"nodes": 5}), tmp_path)
    side = found.graph.relations[0].left
    assert side.offset.tolist() == [0, 1, 4] and side.member.tolist() == [3, 1, 0, 3]
    assert found.graph.num_entities == 5 and np.flatnonzero(found.graph.isolated).tolist() == [2, 4]
    assert len(found.splits) == 10 and found.splits[1].train.tolist() == [2] and not len(found.splits[1].val)
    assert found.splits[1].test.tolist() == [0, 1, 3, 4]


def test_interactions(tmp_path):
    """Held-out pairs are not in the graph; items that only they have are, and isolated."""
    tables = {"train.tsv.gz": [(0, 0), (1, 2), (0, 2)], "test.tsv.gz": [(1, 0), (0, 3)]}
    found = load(made(tmp_path, "interactions", tables, counts={"users": 2, "items": 4}), tmp_path)
    graph, vocab = found.graph, found.graph.vocab
    assert vocab.columns == ("user", "item") and vocab.ids.to_pylist() == ["0", "1", "0", "1", "2", "3"]
    assert graph.two_sided and np.flatnonzero(graph.isolated).tolist() == [3, 5]
    assert found.interactions.train.tolist() == [[0, 2], [1, 4], [0, 4]]
    assert found.interactions.test.tolist() == [[1, 2], [0, 5]]
    counts = graph.counts().todense()
    assert counts[0, 2] == counts[0, 4] == counts[1, 4] == 1 and counts[1, 2] == counts[0, 5] == 0
    assert vocab.find("1", "item") == 3


def test_sessions_keep_their_order(tmp_path):
    tables = {"train.tsv.gz": [(0, 3), (0, 1), (0, 3), (1, 2)], "test.tsv.gz": [(0, 2), (0, 9)]}
    found = load(made(tmp_path, "sessions", tables), tmp_path)
    assert found.graph.vocab.ids.to_pylist() == ["1", "2", "3", "9"] and found.graph.num_hyperedges == 2
    train, test = found.sessions.train, found.sessions.test
    assert [one.tolist() for one in train] == [[2, 0, 2], [1]] and train[-1].tolist() == [1] and len(test) == 1
    assert test[0].tolist() == [1, 3] and found.graph.isolated.tolist() == [False, False, False, True]
    with pytest.raises(IndexError):
        train[2]


def test_baskets_of_users(tmp_path):
    tables = {"train.tsv.gz": [(4, 0, 0), (4, 1, 0), (4, 1, 1), (7, 2, 0)], "test.tsv.gz": [(4, 2), (7, 0), (7, 1)]}
    found = load(made(tmp_path, "baskets", tables, counts={"items": 3}), tmp_path)
    train, test = found.sessions.train, found.sessions.test
    assert train.owner.tolist() == [4, 4, 7] and [one.tolist() for one in train] == [[0, 1], [1], [2]]
    assert test.owner.tolist() == [4, 7] and [one.tolist() for one in test] == [[2], [0, 1]]
    assert found.graph.num_hyperedges == 3 and found.graph.num_entities == 3


def test_knowledge_graph(tmp_path):
    """The graph is of the training triples; entities and relations that only others have get rows and numbers too."""
    tables = {
        "train.tsv.gz": [("rome", "capital", "italy"), ("rome", "near", "NA")],
        "valid.tsv.gz": [("oslo", "capital", "norway")],
        "test.tsv.gz": [("oslo", "far", "rome"), ("NA", "near", "norway")],
    }
    found = load(made(tmp_path, "knowledge graph", tables), tmp_path)
    assert found.graph.vocab.ids.to_pylist() == ["rome", "italy", "NA", "oslo", "norway"]
    assert np.flatnonzero(found.graph.isolated).tolist() == [3, 4] and found.graph.num_hyperedges == 2
    assert found.triples.relations == ("capital", "near", "far") and len(found.graph.relations) == 2
    assert found.triples.train.tolist() == [[0, 0, 1], [0, 1, 2]] and found.triples.valid.tolist() == [[3, 0, 4]]
    assert found.triples.test.tolist() == [[3, 2, 0], [2, 1, 4]] and "of 2 relations" in repr(found)


def test_files_that_are_not_read_may_be_missing(graph_set, tmp_path):
    (tmp_path / "made-up" / "circles.tsv.gz").touch()
    extra = replace(graph_set.files[0], name="egonets.tsv.gz")
    load(replace(graph_set, files=(*graph_set.files, extra)), tmp_path)


class TestDamage:
    def test_a_corrupted_byte(self, graph_set, tmp_path):
        path = tmp_path / "made-up" / "labels.tsv.gz"
        raw = bytearray(path.read_bytes())
        raw[20] ^= 1
        path.write_bytes(raw)
        expected = graph_set.file("labels.tsv.gz").sha256
        with pytest.raises(
            InputError, match=rf"labels.tsv.gz: the checksum is wrong: expected sha256 {expected}, found \w{{64}}"
        ):
            load(graph_set, tmp_path)

    def test_a_truncated_file(self, graph_set, tmp_path):
        path = tmp_path / "made-up" / "edges.tsv.gz"
        whole = path.read_bytes()
        path.write_bytes(whole[:-9])
        with pytest.raises(
            InputError, match=rf"edges.tsv.gz: {len(whole) - 9} bytes, expected {len(whole)}: it is trunc"
        ):
            load(graph_set, tmp_path)
        with pytest.raises(InputError, match="edges.tsv.gz: not a whole gzip file; it is truncated or corrupt"):
            load(graph_set, tmp_path, verify=False)

    def test_features_that_are_none(self, graph_set, tmp_path):
        (tmp_path / "made-up" / "features.npz").write_bytes(b"PK\x03\x04 nothing")
        with pytest.raises(InputError, match="features.npz: not a sparse matrix"):
            load(graph_set, tmp_path, verify=False)

    def test_features_of_another_number_of_entities(self, tmp_path):
        with pytest.raises(InputError, match="4 rows of features for 5 entities"):
            load(made(tmp_path, "graph", TABLES, np.eye(4), counts={"nodes": 5}), tmp_path)

    @pytest.mark.parametrize(
        "rows, fault",
        [([(0, "x")], "int64"), ([(0,), (1, 2)], "olumn"), ([("", 1)], "int64")],
        ids=["a word", "a column too few", "an empty id"],
    )
    def test_rows_that_do_not_fit(self, tmp_path, rows, fault):
        info = made(tmp_path, "graph", {"edges.tsv.gz": rows})
        wide = replace(info, files=(replace(info.files[0], columns=2),))
        with pytest.raises(InputError, match=rf"edges.tsv.gz: .*{fault}"):
            load(wide, tmp_path)

    def test_ids_that_are_not_of_the_graph(self, tmp_path):
        tables = TABLES | {"split.tsv.gz": [(9, "train")]}
        with pytest.raises(InputError, match="id 9 is not an id of the graph"):
            load(made(tmp_path, "graph", tables, counts={"nodes": 5}), tmp_path)


class TestPlaces:
    def test_order(self, monkeypatch, tmp_path):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.delenv("CLEORA_JAX_DATA", raising=False)
        assert folders() == [tmp_path / "cache" / "cleora_jax"] == [cache_folder()]
        monkeypatch.setenv("CLEORA_JAX_DATA", str(tmp_path / "data"))
        assert folders() == [tmp_path / "data", tmp_path / "cache" / "cleora_jax"]
        assert folders(tmp_path / "mine") == [tmp_path / "mine"]

    def test_the_cache_of_the_platform(self, monkeypatch, tmp_path):
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # ignored, says its specification
        monkeypatch.setattr("sys.platform", "linux")
        assert cache_folder() == tmp_path / ".cache" / "cleora_jax"
        monkeypatch.setattr("sys.platform", "darwin")
        assert cache_folder() == tmp_path / "Library" / "Caches" / "cleora_jax"

    def test_found_in_the_second(self, monkeypatch, tmp_path):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setenv("CLEORA_JAX_DATA", str(tmp_path / "data"))
        info = made(tmp_path / "cache" / "cleora_jax", "graph", TABLES, counts={"nodes": 5})
        made(tmp_path / "data", "graph", {"edges.tsv.gz": [(0, 1)]})  # without labels, so not the set
        assert load(info).labels is not None

    def test_missing(self, monkeypatch, tmp_path):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.setenv("CLEORA_JAX_DATA", str(tmp_path / "data"))
        (tmp_path / "data" / "cora").mkdir(parents=True)
        (tmp_path / "data" / "cora" / "edges.tsv.gz").touch()
        with pytest.raises(InputError) as error:
            load_dataset("cora")
        told = str(error.value)
        assert f"{tmp_path / 'data' / 'cora'}: lacks features.npz, labels.tsv.gz, split.tsv.gz" in told
        assert f"{tmp_path / 'cache' / 'cleora_jax' / 'cora'}: no such folder" in told
        assert "cannot be downloaded" in told and "https://linqs.org/datasets/" in told and "$CLEORA_JAX_DATA" in told
        with pytest.raises(InputError, match="cannot be downloaded"):
            load_dataset("cora", download=True)

    def test_missing_but_offered(self, tmp_path):
        with pytest.raises(InputError, match=r"ca-GrQc.txt.gz\) by load_dataset\('ca-grqc', download=True\)"):
            load_dataset("ca-grqc", tmp_path)

    def test_arguments(self, tmp_path):
        with pytest.raises(OptionError, match="no data set 'Cora-cocitation'.*'hg-cora-cocitation'"):
            load_dataset("Cora-cocitation")
        with pytest.raises(OptionError, match="no data set 'pub_med'.* Nearest: 'pubmed'"):
            load_dataset("pub_med")
        with pytest.raises(TypeError, match="`name`"):
            load_dataset(3)
        with pytest.raises(TypeError, match="`folder`"):
            load_dataset("cora", 3)
        (tmp_path / "file").touch()
        with pytest.raises(OptionError, match="not a folder"):
            load_dataset("cora", tmp_path / "file")


class TestListing:
    def test_kinds_and_presence(self, tmp_path):
        listed = {one.name: one for one in list_datasets(folder=tmp_path)}
        assert len(listed) == len(list_datasets()) > 40
        assert listed["karate"].present and listed["karate"].where == "in the package"
        assert not listed["cora"].present and listed["cora"].where == "not here"
        assert listed["com-dblp"].where == "to download" and "(to download)" in str(listed["com-dblp"])
        assert {one.kind for one in list_datasets("sessions")} == {"sessions"}
        with pytest.raises(OptionError, match="`kind` must be one of 'graph', 'directed graph'"):
            list_datasets("graphs")

    def test_what_is_here(self, tmp_path):
        (tmp_path / "ca-grqc").mkdir()
        (tmp_path / "ca-grqc" / "edges.tsv.gz").touch()
        listed = {one.name: one for one in list_datasets("graph", tmp_path)}
        assert listed["ca-grqc"].present and listed["ca-grqc"].where == f"in {tmp_path}"
        with pytest.raises(InputError, match="edges.tsv.gz: 0 bytes, expected"):
            load_dataset("ca-grqc", tmp_path)


def test_a_labelled_node_is_a_node(tmp_path):
    tables = {"edges.tsv.gz": [(0, 1)], "labels.tsv.gz": [(0, "a"), (8, "b")]}
    found = load(made(tmp_path, "graph", tables), tmp_path)
    assert found.graph.vocab.ids.to_pylist() == ["0", "1", "8"] and found.labels.codes.tolist() == [0, -1, 1]
