"""The bundled classics are those of NetworkX, edge by edge; the examples of the command line are the same."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import numpy as np
import pytest

from cleora_jax import Cleora, embed, read
from cleora_jax.data import load_dataset
from tests.conftest import ROOT

CLASSICS = ROOT / "cleora_jax" / "data" / "classics"


def weighted_pairs(dataset) -> dict[frozenset, float]:
    """Each pair of ids and its weight."""
    relation, vocab = dataset.graph.relations[0], dataset.graph.vocab
    assert (relation.left.size == 2).all()
    ids = np.array(vocab.ids.to_pylist())[relation.left.member].reshape(-1, 2)
    weight = np.ones(len(ids)) if relation.weight is None else relation.weight
    return {frozenset(pair): float(one) for pair, one in zip(ids.tolist(), weight, strict=True)}


def expected_pairs(graph: nx.Graph) -> dict[frozenset, float]:
    return {frozenset((str(a), str(b))): float(weight) for a, b, weight in graph.edges(data="weight", default=1)}


@pytest.mark.parametrize(
    "name, generator",
    [
        ("karate", nx.karate_club_graph),
        ("lesmis", nx.les_miserables_graph),
        ("florentine", nx.florentine_families_graph),
    ],
)
def test_graphs(name, generator):
    dataset, graph = load_dataset(name), generator()
    assert weighted_pairs(dataset) == expected_pairs(graph)
    assert set(dataset.graph.vocab.ids.to_pylist()) == {str(node) for node in graph}
    counts = {"nodes": len(graph), "edges": graph.number_of_edges()}
    assert dataset.info.counts.items() >= counts.items() and dataset.info.bundled
    if "weight" in dataset.info.counts:
        assert dataset.info.counts["weight"] == graph.size("weight") == dataset.graph.relations[0].weight.sum()


def test_factions():
    karate, graph = load_dataset("karate"), nx.karate_club_graph()
    assert karate.graph.vocab.ids.to_pylist() == [str(node) for node in range(34)]
    assert [karate.labels.classes[code] for code in karate.labels.codes] == [
        graph.nodes[node]["club"] for node in graph
    ]


def test_women():
    dataset, graph = load_dataset("davis-women"), nx.davis_southern_women_graph()
    side, ids = dataset.graph.relations[0].left, dataset.graph.vocab.ids.to_pylist()
    found = [{ids[row] for row in side.member[start:end]} for start, end in pairwise(side.offset.tolist())]
    assert found == [set(graph[event]) for event in graph.graph["bottom"]]
    assert sorted(ids) == sorted(graph.graph["top"])
    assert dataset.info.counts == {"nodes": len(ids), "hyperedges": len(side), "incidences": len(side.member)}


def test_examples_hold_the_same():
    for name in ("lesmis", "davis-women"):
        assert (ROOT / "examples" / f"{name}.tsv").read_bytes() == (CLASSICS / f"{name}.tsv").read_bytes()
    pairs = [line.split("\t")[:2] for line in (CLASSICS / "karate.tsv").read_text().splitlines()]
    assert [line.split("\t") for line in (ROOT / "examples" / "karate.tsv").read_text().splitlines()] == pairs


def test_the_licence_is_with_them():
    assert "Copyright (c) 2004-2025, NetworkX Developers" in (CLASSICS / "LICENSE").read_text()
    assert "BSD-3-Clause" in load_dataset("karate").info.licence


def test_they_embed():
    vectors = embed(load_dataset("lesmis").graph, Cleora(dim=8)).vectors
    again = embed(read(CLASSICS / "lesmis.tsv", weight="last"), Cleora(dim=8)).vectors
    np.testing.assert_array_equal(vectors, again)


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["karate", "lesmis", "davis-women"])
def test_equal_to_the_data_folder(name, data):
    from tests.data.test_real import text

    dataset = load_dataset(name)
    if name == "davis-women":
        side, ids = dataset.graph.relations[0].left, dataset.graph.vocab.ids.to_pylist()
        found = {
            (event, ids[row])
            for event, (start, end) in enumerate(pairwise(side.offset))
            for row in side.member[start:end]
        }
        assert found == {(int(event[1:]) - 1, woman) for event, woman in text(data / name / "hyperedges.tsv.gz")}
        return
    names = dict(text(data / name / "names.tsv.gz")) if name == "lesmis" else {}
    edges = text(data / name / "edges.tsv.gz")
    expected = {frozenset(names.get(node, node) for node in row[:2]): [float(one) for one in row[2:]] for row in edges}
    found = weighted_pairs(dataset)
    assert found.keys() == expected.keys() and all(weight in ([], [found[pair]]) for pair, weight in expected.items())
    if name == "karate":
        classes = {"hi": "Mr. Hi", "of": "Officer"}
        labels = [
            classes[label[:2]] for _, label in sorted(text(data / name / "labels.tsv.gz"), key=lambda row: int(row[0]))
        ]
        assert [dataset.labels.classes[code] for code in dataset.labels.codes] == labels
