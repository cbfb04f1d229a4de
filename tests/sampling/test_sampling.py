"""Samples against their definitions: membership exactly, chances by counting."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from scipy import stats

import cleora_jax as cj
from cleora_jax import generators, sampling
from cleora_jax.graph import adjacency
from tests.conftest import toy_graphs

TOYS = toy_graphs()
GRAPH = generators.barabasi_albert(300, 3, seed=1)
MATRIX = adjacency(GRAPH)
OTHER = nx.from_scipy_sparse_array(MATRIX)


# --- entities and hyperedges ---


def test_entities_are_distinct_and_drawn_alike():
    hits = np.zeros(20)
    graph = generators.erdos_renyi(20, 0.3)
    for seed in range(2000):
        rows = sampling.draw_entities(graph, 5, seed=seed)
        assert len(np.unique(rows)) == 5 and (np.diff(rows) > 0).all()
        hits[rows] += 1
    assert stats.chisquare(hits).pvalue > 1e-4


def test_entities_by_occurrences():
    graph = cj.from_hyperedges(["a b"] * 8 + ["c d"] * 2)
    hits = np.zeros(4)
    for seed in range(3000):
        hits[sampling.draw_entities(graph, 1, by="occurrences", seed=seed)] += 1
    assert stats.chisquare(hits, 3000 * np.array([0.4, 0.4, 0.1, 0.1])).pvalue > 1e-4
    assert sampling.draw_entities(graph, 4, by="occurrences").tolist() == [0, 1, 2, 3]


def test_hyperedges_keep_their_weights_and_order():
    graph = TOYS["weighted"]
    part = sampling.draw_hyperedges(graph, 30, seed=2)
    lines, weights = graph.relations[0].left.member.reshape(-1, 2), graph.relations[0].weight
    found = part.relations[0]
    every = [(*line, weight) for line, weight in zip(lines.tolist(), weights.tolist(), strict=True)]
    mine = [
        (*line, w) for line, w in zip(found.left.member.reshape(-1, 2).tolist(), found.weight.tolist(), strict=True)
    ]
    places = [every.index(line) for line in mine]
    assert len(mine) == 30 and places == sorted(places) and len(set(places)) == 30


# --- neighbourhoods ---


@pytest.mark.parametrize("hops", [0, 1, 2, 3])
def test_k_hop_is_networkx(hops):
    rows, distance = sampling.k_hop(GRAPH, [5, 200], hops)
    one, two = (nx.single_source_shortest_path_length(OTHER, start, cutoff=hops) for start in (5, 200))
    nearest = {node: min(one.get(node, 99), two.get(node, 99)) for node in {*one, *two}}
    assert dict(zip(rows.tolist(), distance.tolist(), strict=True)) == nearest


def test_fanout_bounds_what_is_followed():
    rows, distance = sampling.k_hop(MATRIX, [0], 2, fanout=2, seed=3)
    assert (distance == 1).sum() <= 2 and (distance == 2).sum() <= 4 and 3 <= len(rows) <= 7


def test_layers_are_means_of_distinct_neighbours():
    batch = np.array([7, 3, 250])
    first, last = sampling.layers(MATRIX, batch, [3, 5], seed=1)
    assert last.targets.tolist() == batch.tolist() and first.targets.tolist() == last.sources.tolist()
    for layer, most in ((first, 3), (last, 5)):
        assert layer.sources[: len(layer.targets)].tolist() == layer.targets.tolist()
        assert len(np.unique(layer.sources)) == len(layer.sources)
        dense = layer.matrix.toarray()
        for target, row in zip(layer.targets, dense, strict=True):
            chosen = layer.sources[np.flatnonzero(row)]
            neighbours = set(MATRIX[[target]].indices.tolist())
            assert set(chosen.tolist()) <= neighbours and len(chosen) == min(most, len(neighbours))
            np.testing.assert_allclose(row[row > 0], 1 / len(chosen))


def test_neighbours_of_a_layer_are_drawn_alike():
    star = cj.from_edges([0] * 6, [1, 2, 3, 4, 5, 6], num_entities=7)
    hits = np.zeros(7)
    for seed in range(1500):
        (layer,) = sampling.layers(star, [0], [2], seed=seed)
        hits[layer.sources[1:]] += 1
    assert stats.chisquare(hits[1:]).pvalue > 1e-4


# --- walks and fires ---


def test_walks_stay_within_their_steps_and_component():
    graph = cj.from_edges([0, 1, 3], [1, 2, 4], num_entities=6)
    assert set(sampling.walked(graph, [0], 20).tolist()) <= {0, 1, 2}
    assert sampling.walked(graph, [5, 3], 4).tolist() == [3, 4, 5]
    assert sampling.walked(graph, [0], 0).tolist() == [0]
    near, _ = sampling.k_hop(MATRIX, [9], 3)
    assert set(sampling.walked(MATRIX, [9] * 200, 3).tolist()) <= set(near.tolist())


@pytest.mark.parametrize("count", [0, 1, 150, 300])
def test_fires_burn_as_many_as_asked(count):
    rows = sampling.forest_fire(GRAPH, count, seed=count)
    assert len(rows) == count and (np.diff(rows) > 0).all()


def test_fires_spread_along_edges():
    graph = generators.planted_partition([40] * 10, 0.3, 0.0)
    rows = sampling.forest_fire(graph.graph, 40, forward=0.9, seed=4)
    assert np.bincount(graph.labels.codes[rows]).max() > 15  # one at random of ten communities would have 4 each


def test_a_cold_fire_is_a_random_sample():
    hits = np.zeros(300)
    for seed in range(300):
        hits[sampling.forest_fire(MATRIX, 30, forward=0.0, seed=seed)] += 1
    assert stats.chisquare(hits).pvalue > 1e-4


# --- negatives ---


def test_negatives_are_no_neighbours_and_drawn_alike():
    sources = np.repeat([0, 50, 299], 4000)
    found = sampling.draw_negatives(MATRIX, sources, 5)
    for source in (0, 50, 299):
        mine = found[sources == source].ravel()
        allowed = np.setdiff1d(np.arange(300), [source, *MATRIX[[source]].indices])
        assert np.isin(mine, allowed).all()
        assert stats.chisquare(np.bincount(mine, minlength=300)[allowed]).pvalue > 1e-4


def test_negatives_by_degree():
    found = sampling.draw_negatives(MATRIX, np.full(20_000, 299), 3, by="degree", filtered=False).ravel()
    weight = np.diff(MATRIX.indptr) ** 0.75
    weight[299] = 0
    expected = weight / weight.sum() * len(found)
    keep = expected > 0
    assert stats.chisquare(np.bincount(found, minlength=300)[keep], expected[keep]).pvalue > 1e-4


def test_who_knows_nearly_all_still_gets_negatives():
    star = cj.from_edges([0] * 997, np.arange(1, 998), num_entities=1000)
    found = sampling.draw_negatives(star, [0], 500)
    assert set(found.ravel().tolist()) == {998, 999}
    with pytest.raises(ValueError, match="row 0"):
        sampling.draw_negatives(cj.from_edges([0, 0], [1, 2], num_entities=3), [1, 0], 1)


def test_negatives_of_users_are_items():
    graph = cj.from_hyperedges(["u1\ta", "u2\tb c", "u3\tc"], "user complex::item")
    items = graph.vocab.column_of == 1
    found = sampling.draw_negatives(graph, graph.vocab.indices(["u1"]), 50, among=items)
    assert set(found.ravel().tolist()) == set(graph.vocab.indices(["b", "c"]).tolist())


def test_entities_without_edges_are_never_drawn_by_degree():
    graph = cj.from_edges([0, 1], [1, 2], num_entities=9)
    found = sampling.draw_negatives(graph, [0], 100, by="degree")
    assert set(found.ravel().tolist()) == {2}
    with pytest.raises(ValueError, match="may be drawn"):
        sampling.draw_negatives(cj.from_edges([0], [0], num_entities=3), [0], 2, by="degree")


def test_fires_among_isolated_entities_are_lit_quickly():
    graph = cj.from_edges([0], [1], num_entities=200_000)
    assert len(sampling.forest_fire(graph, 30_000)) == 30_000


def test_no_seeds_no_sample():
    assert sampling.k_hop(GRAPH, [], 1)[0].tolist() == []
    assert sampling.draw_negatives(GRAPH, [], 3).shape == (0, 3)


# --- GraphSAINT ---


@pytest.mark.parametrize("kind", ["node", "edge", "walk"])
def test_sums_over_subgraphs_are_right_on_average(kind):
    graph = generators.planted_partition([30, 50], 0.2, 0.05, seed=2).graph
    matrix = adjacency(graph)
    sampler = sampling.GraphSaint(matrix, kind, 60, rounds=2000)
    value = np.random.default_rng(0).normal(size=(80, 1)) + 1
    degree = np.maximum(np.diff(matrix.indptr), 1)
    whole = (matrix @ value)[:, 0] / degree
    losses, means, seen = [], np.zeros(80), np.zeros(80)
    for seed in range(2000):
        part = sampler.sample(10_000 + seed)
        losses.append(part.loss_weight @ value[part.rows, 0])
        means[part.rows] += (part.matrix @ value[part.rows])[:, 0]
        seen[part.rows] += 1
    assert abs(np.mean(losses) - value.mean()) < 5 * np.std(losses) / np.sqrt(2000) + 0.01
    often = seen > 300
    assert often.sum() > 40
    assert np.abs(means / np.maximum(seen, 1) - whole)[often].mean() < 0.1 * np.abs(whole).mean()


@pytest.mark.parametrize("name", ["draw_entities", "k_hop", "layers", "walked", "forest_fire", "draw_negatives"])
def test_same_seed_same_sample_and_another_seed_another(name):
    arguments = {
        "draw_entities": (50,), "k_hop": ([0, 1, 2], 2), "layers": ([0, 1], [3, 3]), "walked": ([0, 1], 8),
        "forest_fire": (60,), "draw_negatives": ([0, 1], 9),
    }[name]  # fmt: skip
    options = {"fanout": 2} if name == "k_hop" else {}
    one, again, other = (getattr(sampling, name)(GRAPH, *arguments, **options, seed=seed) for seed in (1, 1, 2))
    if name == "layers":
        one, again, other = (each[0].sources for each in (one, again, other))
    if name == "k_hop":
        one, again, other = one[0], again[0], other[0]
    np.testing.assert_array_equal(one, again)
    assert one.shape != other.shape or (one != other).any()


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: sampling.draw_entities(GRAPH, 301), "count"),
        (lambda: sampling.draw_entities(GRAPH, 3, by="size"), "by"),
        (lambda: sampling.draw_hyperedges(GRAPH, 0), "count"),
        (lambda: sampling.draw_hyperedges(TOYS["matrix"], 1), "matrix"),
        (lambda: sampling.k_hop(GRAPH, [300], 1), "seeds"),
        (lambda: sampling.k_hop(GRAPH, [0.5], 1), "seeds"),
        (lambda: sampling.k_hop(GRAPH, [0], -1), "hops"),
        (lambda: sampling.k_hop(GRAPH, [0], 1, fanout=0), "fanout"),
        (lambda: sampling.k_hop("graph", [0], 1), "graph"),
        (lambda: sampling.layers(GRAPH, [0, 0], [1]), "batch"),
        (lambda: sampling.layers(GRAPH, [0], []), "fanouts"),
        (lambda: sampling.forest_fire(GRAPH, 301), "count"),
        (lambda: sampling.forest_fire(GRAPH, 3, forward=1.0), "forward"),
        (lambda: sampling.draw_negatives(GRAPH, [0], 0), "count"),
        (lambda: sampling.draw_negatives(GRAPH, [0], 1, among=np.ones(3, bool)), "among"),
        (lambda: sampling.GraphSaint(GRAPH, "edges"), "kind"),
        (lambda: sampling.GraphSaint(GRAPH, "edge", 0), "size"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named(call, named):
    with pytest.raises((ValueError, TypeError), match=named):
        call()
