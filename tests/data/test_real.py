"""Every data set of the data folder, loaded: what comes out has the counts that the registry says."""

from __future__ import annotations

import gzip
import time

import numpy as np
import pytest

from cleora_jax.data import list_datasets, load_dataset
from cleora_jax.data.registry import registry
from cleora_jax.data.tables import as_text, is_read, read_file

pytestmark = pytest.mark.realdata
NAMES = [name for name, info in registry().items() if info.files]


def text(path) -> list[list[str]]:
    with gzip.open(path, "rt") as file:
        return [line.rstrip("\n").split("\t") for line in file]


def counted(dataset) -> dict[str, object]:
    """What can be counted in a loaded data set, by the names that the registry uses."""
    graph, info = dataset.graph, dataset.info
    found: dict[str, object] = {}
    side = graph.relations[0].left
    if info.kind in ("graph", "directed graph"):
        ends = side.member.reshape(-1, 2)
        found |= {
            "nodes": graph.num_entities,
            "edges": graph.num_hyperedges,
            "self_loops": int((ends[:, 0] == ends[:, 1]).sum()),
        }
        found |= {
            "undirected_edges": len(np.unique(np.sort(ends, axis=1), axis=0)),
            "isolated_nodes": int(graph.isolated.sum()),
        }
        found |= {"nodes_with_an_edge": int((~graph.isolated).sum())}
    if "hyperedges" in info.counts:
        found |= {"nodes": graph.num_entities, "hyperedges": len(side), "incidences": len(side.member)}
        found |= {"largest_hyperedge": int(side.size.max()), "hyperedges_of_two_or_more": int((side.size > 1).sum())}
        found |= {"nodes_in_a_hyperedge": len(np.unique(side.member))}
    if dataset.labels is not None:
        found |= {"classes": len(dataset.labels.classes), "labelled_nodes": len(dataset.labels.labelled)}
        found |= {"label_rows": int(dataset.labels.counts.sum()), "circles": len(dataset.labels.classes)}
    if dataset.features is not None:
        rows, columns = dataset.features.shape
        found["features"] = f"{rows} x {columns}, {dataset.features.nnz} nonzeros"
    if "splits" in info.counts:
        found |= {"splits": len(dataset.splits), "train_nodes_a_split": len(dataset.splits[0].train)}
    if dataset.interactions is not None:
        train, test = dataset.interactions.train, dataset.interactions.test
        users, items = (int((graph.vocab.column_of == code).sum()) for code in (0, 1))
        found |= {"users": users, "items": items, "train": len(train), "test": len(test)}
        found |= {"interactions": len(train) + len(test), "test_users": len(np.unique(test[:, 0]))}
        found |= {"train_users": len(np.unique(train[:, 0])), "train_items": len(np.unique(train[:, 1]))}
    if dataset.sessions is not None:
        train, test = dataset.sessions.train, dataset.sessions.test
        found |= {"items": graph.num_entities, "train": len(train.items.member), "test": len(test.items.member)}
        found |= {"train_items": len(np.unique(train.items.member))}
        if info.kind == "sessions":
            found |= {
                "train_sessions": len(train),
                "test_sessions": len(test),
                "clicks": found["train"] + found["test"],
            }
            found |= {
                f"{part}_prefixes": int((lists.items.size - 1).sum())
                for part, lists in (("train", train), ("test", test))
            }
        else:
            found |= {"train_baskets": len(train), "users": len(np.unique(train.owner)), "test_users": len(test)}
    if dataset.triples is not None:
        parts = dataset.triples.train, dataset.triples.valid, dataset.triples.test
        found |= dict(zip(("train", "valid", "test"), map(len, parts), strict=True))
        found |= {"entities": graph.num_entities, "relations": len(dataset.triples.relations)}
        found |= {"distinct_triples": len(np.unique(np.concatenate(parts), axis=0))}
    return found


@pytest.mark.parametrize("name", NAMES)
def test_counts(name, data):
    start = time.perf_counter()
    dataset = load_dataset(name, data)
    assert time.perf_counter() - start < 20  # seconds even where there are millions of edges, on a busy machine
    found = counted(dataset)
    same = found.keys() & dataset.info.counts.keys()
    assert {what: found[what] for what in same} == {what: dataset.info.counts[what] for what in same}
    assert len(same) >= 2


@pytest.mark.parametrize("name", NAMES)
def test_tables_are_the_text(name, data):
    """Columns written out again are, byte for byte, the text that was counted: nothing is lost in reading."""
    import hashlib

    info = registry()[name]
    for file in info.files:
        if file.text_sha256 and is_read(file.name, info.kind):
            columns = read_file(data / name / file.name, file, info.kind, verify=True)
            assert hashlib.sha256(as_text(columns)).hexdigest() == file.text_sha256


def test_labels_and_features_align(data):
    """Cora: .81 of the edges join papers of one class; its words tell the classes; both would be lost out of step."""
    from sklearn.linear_model import LogisticRegression

    cora = load_dataset("cora", data)
    codes, split = cora.labels.codes, cora.splits[0]
    ends = cora.graph.relations[0].left.member.reshape(-1, 2)
    assert (codes[ends[:, 0]] == codes[ends[:, 1]]).mean() == pytest.approx(0.81, abs=5e-4)
    assert [len(part) for part in (split.train, split.val, split.test)] == [140, 500, 1000]
    assert np.bincount(codes[split.train]).tolist() == [20] * 7
    fit = LogisticRegression(max_iter=500).fit(cora.features[split.train], codes[split.train])
    assert 0.5 < fit.score(cora.features[split.test], codes[split.test]) < 0.65  # the manifest's note: 0.576


def test_homophily_of_pubmed(data):
    pubmed = load_dataset("pubmed", data)
    codes, ends = pubmed.labels.codes, pubmed.graph.relations[0].left.member.reshape(-1, 2)
    assert (codes[ends[:, 0]] == codes[ends[:, 1]]).mean() == pytest.approx(0.8024, abs=5e-5)


def test_held_out_parts_are_not_in_the_graph(data):
    gowalla = load_dataset("amazon-electronics-ultragcn", data)
    counts = gowalla.graph.counts()
    train, test = gowalla.interactions.train, gowalla.interactions.test
    assert counts[train[:, 0], train[:, 1]].min() > 0 and counts[test[:, 0], test[:, 1]].max() == 0


def test_names_and_feature_names(data):
    dolphins, facebook = load_dataset("dolphins", data), load_dataset("ego-facebook", data)
    assert dict(enumerate(dolphins.names)) == {int(row): name for row, name in text(data / "dolphins" / "names.tsv.gz")}
    assert len(facebook.feature_names) == facebook.features.shape[1]


def test_what_is_here(data):
    listed = {one.name: one for one in list_datasets(folder=data)}
    assert all(listed[name].present and listed[name].where == f"in {data}" for name in NAMES)
