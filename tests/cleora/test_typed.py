"""Typed graphs on real data: papers and authors walked by metapath, a knowledge graph as 237 relations."""

from __future__ import annotations

import gzip

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from cleora_jax import Cleora, combine, embed, embed_apart, from_triples, mix, mixture, propagate, read
from tests import dense

pytestmark = pytest.mark.realdata
FEW = Cleora(dim=64, num_iterations=5, whiten="off")


def table(path) -> np.ndarray:
    with gzip.open(path, "rt") as file:
        return np.array([line.rstrip("\n").split("\t") for line in file])


def accuracy(embedding, ids: list[str], labels: dict[str, str], train: set[str]) -> float:
    """Of logistic regression on unit rows, on the nodes that are not of the training split."""
    x = dense.normalize(embedding.rows(ids).astype(float), "l2")
    y = np.array([labels[entity] for entity in ids])
    of_train = np.array([entity in train for entity in ids])
    return LogisticRegression(C=10, max_iter=500).fit(x[of_train], y[of_train]).score(x[~of_train], y[~of_train])


def test_papers_by_their_authors(data):
    """hg-dblp-coauthorship: a hyperedge is an author's papers; the walk paper–author–paper as a product and as a clique."""
    folder = data / "hg-dblp-coauthorship"
    graph = read(folder / "hyperedges.tsv.gz", "author paper")
    labels = dict(table(folder / "labels.tsv.gz")[:, :2])
    split = table(folder / "train_splits.tsv.gz")
    train = set(split[split[:, 0] == "1", 1])
    walked = embed(graph, Cleora(dim=64, metapath=("~author-paper",)))
    papers = walked.of_column("paper")
    assert not walked.of_column("author").vectors.any() and papers.vectors.any(axis=1).all()
    ids = papers.vocab.ids.to_pylist()
    found = accuracy(papers, ids, labels, train)
    hyperedges = read(folder / "hyperedges.tsv.gz", "author complex::reflexive::paper", group_by="author")
    plain = accuracy(embed(hyperedges, Cleora(dim=64)), ids, labels, train)
    assert found > 0.65 > plain > 0.5  # six classes, 4% of the nodes to fit to. In W an author has the mass 1, however
    # many papers; along the path each paper has it, so that authors of many papers count for more, and tell more


def test_a_knowledge_graph_as_relations(data):
    parts = {name: table(data / "fb15k-237" / f"{name}.tsv.gz") for name in ("train", "test")}
    graph = from_triples(*parts["train"].T)
    assert (len(graph.relations), graph.num_entities) == (237, 14_505)
    ids = graph.vocab.ids.to_pylist()
    row = {entity: at for at, entity in enumerate(ids)}
    true = np.array([(row[h], row[t]) for h, _, t in parts["test"].tolist() if h in row and t in row and h != t])
    false = np.stack([true[:, 0], np.random.default_rng(0).integers(0, len(ids), len(true))], axis=1)
    pairs, is_true = np.concatenate([true, false]), np.repeat([1, 0], len(true))

    def auc(vectors) -> float:
        unit = dense.normalize(np.asarray(vectors, float), "l2")
        return roc_auc_score(is_true, (unit[pairs[:, 0]] * unit[pairs[:, 1]]).sum(1))

    joint = embed(graph, FEW, relations="joint").vectors
    assert auc(joint) > 0.75
    few = [relation.name for relation in sorted(graph.relations, key=lambda each: -each.num_hyperedges)[:3]]
    apart = {name: embed(graph.relation(name), Cleora(dim=16, num_iterations=3, whiten="off")) for name in few}
    both = combine(list(apart.values()), weights=[3, 1, 1])
    assert both.vectors.shape == (14_505, 48) and 0.5 < auc(both.vectors) < auc(joint)

    equal = mix(mixture(graph), jnp.ones(237))
    start = jax.random.normal(jax.random.key(0), (graph.num_entities, 64))
    assert auc(propagate(equal, start, num_iterations=5)) == pytest.approx(auc(joint), abs=0.03)


def test_relations_apart_cover_the_vocabulary(data):
    graph = read(
        data / "hg-dblp-coauthorship" / "hyperedges.tsv.gz", "author complex::reflexive::paper", group_by="author"
    )
    assert list(embed_apart(graph, Cleora(dim=4, num_iterations=1, whiten="off"))) == ["paper"]
