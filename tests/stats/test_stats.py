"""Statistics against networkx, on graphs with every quirk."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

import cleora_jax as cj
from cleora_jax import generators, stats
from cleora_jax.graph import adjacency
from cleora_jax.stats import components, triangles
from tests.conftest import toy_graphs

TOYS = toy_graphs()


def as_networkx(graph):
    return nx.from_scipy_sparse_array(adjacency(graph))


@pytest.mark.parametrize("graph", TOYS.values(), ids=TOYS)
def test_degrees_and_triangles_are_networkx(graph):
    other = as_networkx(graph)
    np.testing.assert_array_equal(stats.degrees(graph), [d for _, d in other.degree])
    np.testing.assert_allclose(
        stats.degrees(graph, weighted=True), [d for _, d in other.degree(weight="weight")], rtol=1e-6
    )
    found = stats.clustering(graph)
    np.testing.assert_array_equal(found.triangles, list(nx.triangles(other).values()))
    np.testing.assert_allclose(found.local, list(nx.clustering(other).values()))
    assert found.average == pytest.approx(nx.average_clustering(other))
    assert found.transitivity == pytest.approx(nx.transitivity(other))


def test_triangles_do_not_depend_on_blocks(monkeypatch):
    graph = generators.barabasi_albert(300, 6)
    whole = stats.clustering(graph).triangles
    monkeypatch.setattr(triangles, "BLOCK_ENTRIES", 50)
    np.testing.assert_array_equal(stats.clustering(graph).triangles, whole)
    assert whole.sum() == sum(nx.triangles(as_networkx(graph)).values()) > 0


@pytest.mark.parametrize("graph", TOYS.values(), ids=TOYS)
def test_components_are_networkx(graph):
    if any(relation.counts is not None for relation in graph.relations):
        other = nx.from_scipy_sparse_array(graph.counts() + graph.counts().T)
    else:
        other = as_networkx(graph)
    found = stats.connected_components(graph)
    theirs = sorted((sorted(part) for part in nx.connected_components(other)), key=lambda part: (-len(part), part[0]))
    assert found.size.tolist() == [len(part) for part in theirs]
    assert [np.flatnonzero(found.label == at).tolist() for at in range(len(theirs))] == theirs


def test_a_hyperedge_of_weight_zero_links_nothing():
    graph = cj.from_edges([0, 2], [1, 3], [1.0, 0.0], num_entities=5)
    assert stats.connected_components(graph).size.tolist() == [2, 1, 1, 1]


def test_each_relation_links_by_its_own_weights():
    graph = cj.from_hyperedges(["u1\ta b", "u2\tb c", "u3\td"], "user complex::reflexive::item")
    names = [relation.name for relation in graph.relations]
    for off in names:
        half = cj.reweighted(graph, {off: 0})
        found = stats.connected_components(half)
        alone = np.bincount(found.label)[found.label] == 1
        assert (alone >= half.isolated).all()
        linked = nx.from_scipy_sparse_array(half.counts())
        assert len(found.size) == nx.number_connected_components(linked)


@pytest.mark.parametrize("seed", range(5))
def test_diameter_is_never_too_large_and_found_on_trees(seed):
    tree = generators.barabasi_albert(200, 1, seed=seed)
    assert stats.diameter(tree, seed=seed) == nx.diameter(as_networkx(tree))
    graph = generators.erdos_renyi(150, 0.02, seed=seed)
    other = as_networkx(graph)
    largest = other.subgraph(max(nx.connected_components(other), key=len))
    assert stats.diameter(graph, rounds=8) <= nx.diameter(largest) <= stats.diameter(graph, rounds=8) + 1


def test_distances_are_networkx():
    graph = generators.erdos_renyi(120, 0.02, seed=3)
    matrix, other = adjacency(graph, weighted=False), as_networkx(graph)
    for start in (0, 7, 50):
        theirs = np.full(120, -1)
        for node, distance in nx.single_source_shortest_path_length(other, start).items():
            theirs[node] = distance
        np.testing.assert_array_equal(components._distances(matrix, start), theirs)


@pytest.mark.parametrize("graph", TOYS.values(), ids=TOYS)
@pytest.mark.parametrize("directed", [False, True])
def test_pagerank_is_networkx(graph, directed):
    matrix = adjacency(graph, directed=directed)
    other = nx.from_scipy_sparse_array(matrix, create_using=nx.DiGraph if directed else nx.Graph)
    theirs = nx.pagerank(other, alpha=0.85, tol=1e-12, max_iter=1000)
    np.testing.assert_allclose(stats.pagerank(graph, directed=directed), list(theirs.values()), atol=1e-7)


def test_cores_and_betweenness_are_networkx():
    graph = generators.barabasi_albert(150, 3)
    other = as_networkx(graph)
    np.testing.assert_array_equal(stats.core_numbers(graph), list(nx.core_number(other).values()))
    exact = np.array(list(nx.betweenness_centrality(other, normalized=False).values()))
    np.testing.assert_allclose(stats.betweenness(graph, samples=None), exact, rtol=1e-9, atol=1e-9)
    mean = np.mean([stats.betweenness(graph, samples=50, seed=seed) for seed in range(30)], axis=0)
    assert np.corrcoef(mean, exact)[0, 1] > 0.99 and abs(mean.sum() / exact.sum() - 1) < 0.03


def test_popular_entities_count_once_per_hyperedge():
    graph = cj.from_hyperedges(["bag bag bag tea", "bag milk", "tea milk", "rum rum"])
    rows, share = stats.popular(graph, above=0.4)
    assert [graph.vocab[row] for row in rows] == ["bag", "tea", "milk"] and share.tolist() == [0.5, 0.5, 0.5]


# --- the report ---


def test_a_report_says_what_a_newcomer_needs():
    lines = ["bag " + " ".join(f"item{(7 * basket + at) % 40}" for at in range(3)) for basket in range(60)]
    graph = cj.from_hyperedges([*lines, *lines[:20], "alone", "Milk milk", "left right"])
    found = stats.report(graph)
    assert (found.entities, found.hyperedges, found.single) == (46, 83, 1)
    assert found.popular[0][0] == "bag" and found.popular[0][1] == pytest.approx(80 / 83)
    assert found.repeated >= 20
    text = str(found)
    for word in ("'bag' stands in 96 %", "repeat", "'node' differ", "fewer than two", "46 entities: whitening"):
        assert word.replace(" %", "%") in text, word
    record = found.record()
    assert record["sizes"][0] == 1 and isinstance(record["popular"][0], list)


def test_a_bag_is_named_in_a_small_file_too_but_not_the_middle_of_a_small_star():
    baskets = [f"bag item{at % 9} item{(at * 2 + 1) % 9}" for at in range(12)]
    assert stats.report(cj.from_hyperedges([*baskets, "item1 item2"])).popular[0][0] == "bag"
    assert not stats.report(cj.from_hyperedges(baskets[:5])).popular  # half of five is nothing
    karate = stats.report(cj.load_dataset("karate").graph)
    assert not karate.popular and "cap_popularity" not in str(karate)


def test_who_meets_nobody_but_itself_is_told_of():
    graph = cj.from_hyperedges(["lonely", "self self", *(f"a{at} a{at + 1}" for at in range(40))])
    found = stats.report(graph)
    assert found.selfish == 2 and "2 entities meet nobody but themselves" in str(found)
    assert "1 entity meets nobody but itself" in str(stats.report(cj.from_hyperedges(["lonely", "a b"])))


def test_what_looks_like_a_comment_is_asked_about():
    lines = ["# made by hand", "a b", "b c"]
    assert "`comment='#'`" in str(stats.report(cj.from_hyperedges(lines)))
    assert "`comment='#'`" not in str(stats.report(cj.from_hyperedges(lines[1:])))


def test_a_graph_without_hyperedges_has_a_report():
    found = stats.report(cj.generators.erdos_renyi(10, 0))
    assert (found.hyperedges, found.sizes, found.components, found.largest, found.isolated) == (0, None, 0, 0.0, 10)
    assert "10 isolated" in str(found)


@pytest.mark.parametrize(("entities", "kept"), [(34, 3), (3, 1), (4090, None), (400, 25)])
def test_directions_are_those_that_whitening_keeps(entities, kept):
    ring = cj.from_edges(np.arange(entities), (np.arange(entities) + 1) % entities, num_entities=entities + 2)
    text = str(stats.report(ring))
    assert (f"whitening keeps {kept} direction" in text) if kept else ("whitening" not in text)


def test_a_hyperedge_of_one_entity_twice_relates_nothing():
    assert stats.report(cj.from_hyperedges(["a b", "rum rum", "c"])).single == 2


def test_repeats_do_not_depend_on_the_order_of_members():
    graph = cj.from_hyperedges(["a b c", "c b a", "a b", "b a c", "d e"])
    assert stats.report(graph).repeated == 2


@pytest.mark.parametrize("graph", TOYS.values(), ids=TOYS)
def test_every_toy_has_a_report(graph):
    found = stats.report(graph)
    assert found.entities == graph.num_entities and found.isolated == graph.isolated.sum()
    assert len(str(found).splitlines()) >= 6


def test_pairs_of_huge_hyperedges_are_not_counted():
    graph = cj.from_hyperedges([[f"e{at}" for at in range(6000)]])
    found = stats.report(graph)
    assert found.degrees is None and found.transitivity is None and "not counted" in str(found)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda graph: stats.pagerank(graph, damping=1.0), "damping"),
        (lambda graph: stats.betweenness(graph, samples=0), "samples"),
        (lambda graph: stats.diameter(graph, rounds=0), "rounds"),
        (lambda graph: stats.popular(graph, above=2), "above"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named(call, named):
    with pytest.raises(ValueError, match=named):
        call(TOYS["edges"])
