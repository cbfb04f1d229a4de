"""Learners of classes on citation graphs, in the split of Planetoid, against published accuracies."""

from __future__ import annotations

import gzip
from typing import NamedTuple

import numpy as np
import pytest
import scipy.sparse as sp

import cleora_jax as cj
from cleora_jax.learn.classifiers import GCN, MLP, SGC, LabelPropagation, LogisticRegression, classify

pytestmark = pytest.mark.realdata


class Citations(NamedTuple):
    """A graph of papers, their fields, and who is trained on."""

    graph: cj.Graph
    labels: cj.Labels
    split: list[np.ndarray]


def citations(folder) -> Citations:
    def table(name: str) -> list[list[str]]:
        with gzip.open(folder / f"{name}.tsv.gz", "rt") as file:
            return [line.rstrip("\n").split("\t") for line in file]

    edges, labels = np.array(table("edges"), int), np.array(table("labels"), int)
    graph = cj.from_edges(*edges.T, num_entities=len(labels))
    split = [np.array([int(row) for row, part in table("split") if part[:3] == name]) for name in ("tra", "val", "tes")]
    codes = np.full(len(labels), -1)
    codes[labels[:, 0]] = labels[:, 1]
    return Citations(graph, cj.labels_of(graph.vocab, codes), split)


@pytest.fixture(scope="module")
def cora(data) -> tuple[Citations, sp.csr_array]:
    return citations(data / "cora"), sp.csr_array(sp.load_npz(data / "cora" / "features.npz"))


def test_splits_are_as_published(cora):
    case, features = cora
    assert [len(part) for part in case.split] == [140, 500, 1000] and features.shape == (2708, 1433)
    assert (np.bincount(case.labels.codes[case.split[0]]) == 20).all()


def test_gcn_on_cora(cora):
    """Published: 81.5 (Kipf and Welling)."""
    case, features = cora
    found = [
        classify(case.labels, GCN(seed=seed), features=features, graph=case.graph, split=case.split).test.accuracy
        for seed in range(5)
    ]
    assert np.mean(found) >= 0.80


def test_gcn_on_an_embedding_of_cora(cora):
    """No words at all: vectors as features, dense and of both signs; smoothing them helps."""
    case, _ = cora
    embedding = cj.embed(case.graph, cj.Cleora(dim=64, num_iterations=5))
    plain = classify(case.labels, LogisticRegression(C=(0.1, 1, 10)), features=embedding, split=case.split)
    method = GCN(normalization="none")
    found = classify(case.labels, method, features=embedding, graph=case.graph, split=case.split)
    assert found.test.accuracy > plain.test.accuracy + 0.05


def test_sgc_on_cora(cora):
    """Published: 81.0 (Wu et al.)."""
    case, features = cora
    found = classify(case.labels, SGC(), features=features, graph=case.graph, split=case.split)
    assert abs(found.test.accuracy - 0.81) <= 0.01


def test_features_alone_on_cora(cora):
    """Published for a perceptron: 55.1 (Kipf and Welling), 57.4 for a linear model (Yang et al.)."""
    case, features = cora
    found = [
        classify(case.labels, MLP(seed=seed), features=features, split=case.split).test.accuracy for seed in range(5)
    ]
    assert 0.55 <= np.mean(found) <= 0.60
    linear = classify(case.labels, LogisticRegression(), features=features, split=case.split)
    assert 0.55 <= linear.test.accuracy <= 0.60


@pytest.mark.parametrize("method", [LabelPropagation(alpha=None), LabelPropagation()], ids=["clamped", "spreading"])
def test_label_propagation_on_cora(cora, method):
    """Published: 68.0 (in Kipf and Welling); 158 papers are in no component with a training paper."""
    case, _ = cora
    found = classify(case.labels, method, graph=case.graph, split=case.split)
    assert 0.68 <= found.test.accuracy <= 0.72
    assert found.unreached.sum() == 158 == (found.codes == -1).sum()


@pytest.mark.parametrize(
    "method",
    [LabelPropagation(alpha=None, class_mass=True, num_iterations=3000), LabelPropagation()],
    ids=["clamped, masses", "spreading"],
)
def test_label_propagation_on_pubmed(data, method):
    """Published: 63.0 (in Kipf and Welling)."""
    case = citations(data / "pubmed")
    found = classify(case.labels, method, graph=case.graph, split=case.split)
    assert 0.63 <= found.test.accuracy <= 0.72
    assert found.history.change[-1] <= method.tolerance


@pytest.mark.parametrize("method", [GCN(), MLP(), SGC(), LogisticRegression(), LabelPropagation()], ids=repr)
def test_shuffled_classes_are_told_at_chance(cora, method):
    """Not above the share of the largest class, by four standard deviations of 1,000 test papers."""
    case, features = cora
    codes = np.random.default_rng(0).permutation(case.labels.codes)
    labels = cj.labels_of(case.graph.vocab, codes)
    given = {"features": features, "graph": case.graph}
    found = classify(labels, method, split=case.split, **{name: given[name] for name in method.needs})
    assert found.test.accuracy < np.bincount(codes).max() / len(codes) + 4 * np.sqrt(0.25 / 1000)
