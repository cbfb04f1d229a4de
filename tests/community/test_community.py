"""Communities against networkx and scikit-learn, and where they were planted."""

from __future__ import annotations

import random

import networkx as nx
import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

import cleora_jax as cj
from cleora_jax import community, generators
from cleora_jax.graph import adjacency
from tests.conftest import toy_graphs

TOYS = toy_graphs()
PLANTED = generators.lfr(1000, mixing=0.3, seed=1)
WAYS = {
    "louvain": community.louvain,
    "leiden": community.leiden,
    "label_propagation": community.label_propagation,
    "spectral": lambda graph, **options: community.spectral(graph, 3, **options),
}


@pytest.mark.parametrize("graph", TOYS.values(), ids=TOYS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("resolution", [1.0, 0.5])
def test_modularity_is_networkx(graph, weighted, resolution):
    codes = np.random.default_rng(0).integers(4, size=graph.num_entities)
    other = nx.from_scipy_sparse_array(adjacency(graph, weighted=weighted))
    parts = [set(np.flatnonzero(codes == code).tolist()) for code in np.unique(codes)]
    theirs = nx.community.modularity(other, parts, resolution=resolution)
    assert community.modularity(graph, codes, weighted=weighted, resolution=resolution) == pytest.approx(
        theirs, abs=1e-6
    )


@pytest.mark.parametrize("way", ["louvain", "leiden"])
def test_planted_communities_are_found(way):
    found = WAYS[way](PLANTED.graph)
    assert adjusted_rand_score(PLANTED.labels.codes, found.codes) > 0.9
    assert found.modularity == pytest.approx(community.modularity(PLANTED.graph, found))


def test_louvain_is_as_good_as_networkx():
    for name in ("karate", "lesmis"):
        graph = cj.load_dataset(name).graph
        other = nx.from_scipy_sparse_array(adjacency(graph))
        theirs = nx.community.modularity(other, nx.community.louvain_communities(other, seed=0))
        ours = max(community.louvain(graph, seed=seed).modularity for seed in range(5))
        assert ours > theirs - 0.01
        assert max(community.leiden(graph, seed=seed).modularity for seed in range(5)) > theirs - 0.005


def test_weights_count():
    graph = cj.from_edges([0, 1, 2, 3, 0, 1], [1, 0, 3, 2, 2, 3], [9.0, 9.0, 9.0, 9.0, 1.0, 1.0], num_entities=4)
    assert community.leiden(graph).codes.tolist() == [0, 0, 1, 1]
    assert community.leiden(graph, weighted=False).modularity < community.leiden(graph).modularity


def test_more_resolution_more_communities():
    counts = [len(community.leiden(PLANTED.graph, resolution=resolution)) for resolution in (0.1, 1.0, 10.0)]
    assert counts[0] < counts[1] < counts[2]


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_same_seed_same_communities_and_others_generators_are_left_alone(way):
    random.seed(5)
    before = random.getstate()
    one, again = (way(PLANTED.graph, seed=3) for _ in range(2))
    assert random.getstate() == before
    np.testing.assert_array_equal(one.codes, again.codes)
    assert one.sizes.sum() == 1000 and (np.diff(one.sizes) <= 0).all()


@pytest.mark.parametrize("graph", TOYS.values(), ids=TOYS)
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_every_entity_has_a_community(graph, way):
    found = way(graph)
    assert len(found.codes) == graph.num_entities and found.codes.min() == 0
    assert found.to_labels().codes.tolist() == found.codes.tolist()
    assert len(found.members(0)) == found.sizes[0]


def test_spectral_tells_components_and_planted_blocks():
    graph, labels = generators.planted_partition([60, 80, 100], 0.2, 0.01, seed=4)
    assert adjusted_rand_score(labels.codes, community.spectral(graph, 3).codes) > 0.95
    apart, labels = generators.planted_partition([30] * 5, 0.5, 0.0, seed=4)
    assert adjusted_rand_score(labels.codes, community.spectral(apart, 5).codes) == 1


def test_kmeans_of_vectors_goes_by_direction():
    rng = np.random.default_rng(0)
    middles = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]])
    codes = np.repeat([0, 1, 2], 50)
    vectors = (middles[codes] + 0.1 * rng.normal(size=(150, 3))) * rng.uniform(0.1, 10, size=(150, 1))
    embedding = cj.Embedding(vectors.astype(np.float32), cj.Vocab.of(np.arange(150).astype(str).tolist()))
    assert adjusted_rand_score(codes, community.kmeans(embedding, 3).codes) == 1
    assert community.kmeans(embedding, 3).modularity is None


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda graph: community.louvain(graph, resolution=-1), "resolution"),
        (lambda graph: community.leiden(graph, iterations=0), "iterations"),
        (lambda graph: community.spectral(graph, 1), "`k`"),
        (lambda graph: community.modularity(graph, [0, 1]), "communities"),
        (lambda graph: community.modularity(cj.from_edges([0], [0], num_entities=2), [0, 0]), "edge"),
        (lambda graph: community.louvain(graph).members(99), "community"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named(call, named):
    with pytest.raises(ValueError, match=named):
        call(TOYS["edges"])
