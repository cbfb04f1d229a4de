"""Generators by what they promise: counts, distributions, distinctness; networkx and moments as oracles."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from scipy import stats

from cleora_jax import generators
from cleora_jax.generators import draws
from cleora_jax.graph import adjacency
from cleora_jax.graph.hyperedges import sides

SEEDED = {
    "erdos_renyi": lambda seed: generators.erdos_renyi(200, 0.05, seed=seed),
    "watts_strogatz": lambda seed: generators.watts_strogatz(200, 4, 0.2, seed=seed),
    "barabasi_albert": lambda seed: generators.barabasi_albert(200, 3, seed=seed),
    "stochastic_block_model": lambda seed: (
        generators.stochastic_block_model([100, 50], [[0.1, 0.01], [0.01, 0.2]], seed=seed).graph
    ),
    "planted_partition": lambda seed: generators.planted_partition([50, 100], 0.1, 0.01, seed=seed).graph,
    "hypergraph_block_model": lambda seed: generators.hypergraph_block_model([50, 50], 300, seed=seed).graph,
    "lfr": lambda seed: generators.lfr(500, seed=seed).graph,
    "power_law_baskets": lambda seed: generators.power_law_baskets(300, 100, seed=seed),
}


def members(graph):
    side, _ = sides(graph.relations[0])
    return side


def pairs(graph):
    return members(graph).member.reshape(-1, 2)


@pytest.mark.parametrize("make", SEEDED.values(), ids=SEEDED)
def test_same_seed_same_graph_and_another_seed_another(make):
    first, again, other = (members(make(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.member, again.member)
    np.testing.assert_array_equal(first.offset, again.offset)
    assert len(first.member) != len(other.member) or (first.member != other.member).any()


@pytest.mark.parametrize("make", SEEDED.values(), ids=SEEDED)
def test_no_hyperedge_holds_an_entity_twice_and_no_edge_stands_twice(make):
    graph = make(3)
    side = members(graph)
    line = np.repeat(np.arange(len(side)), side.size)
    assert len(np.unique(line * graph.num_entities + side.member)) == len(line)
    if (side.size == 2).all():
        low, high = np.sort(pairs(graph), axis=1).T
        assert len(np.unique(low * graph.num_entities + high)) == len(low)


# --- numbers of pairs ---


@pytest.mark.parametrize("size", [2, 3, 10, 1001])
def test_pairs_are_numbered_as_combinations_are(size):
    low, high = draws.unordered(np.arange(size * (size - 1) // 2), size)
    np.testing.assert_array_equal(np.stack([low, high]), np.triu_indices(size, 1))


def test_pairs_of_a_billion_entities_are_exact():
    size = 10**9
    number = np.array([0, size - 2, size - 1, size * (size - 1) // 2 - 1])
    low, high = draws.unordered(number, size)
    assert low.tolist() == [0, 0, 1, size - 2] and high.tolist() == [1, size - 1, 2, size - 1]
    some = np.random.default_rng(0).integers(size * (size - 1) // 2, size=1000)
    low, high = draws.unordered(some, size)
    back = [a * (2 * size - a - 1) // 2 + b - a - 1 for a, b in zip(low.tolist(), high.tolist(), strict=True)]
    assert back == some.tolist() and (low < high).all()


# --- distributions ---


def test_erdos_renyi_edges_are_binomial_and_pairs_alike():
    counts = np.array([len(pairs(generators.erdos_renyi(40, 0.1, seed=seed))) for seed in range(200)])
    trials = 40 * 39 // 2
    assert abs(counts.mean() - trials * 0.1) < 4 * np.sqrt(trials * 0.09 / 200)
    assert 0.7 < counts.var() / (trials * 0.09) < 1.4
    hits = np.zeros((40, 40))
    for seed in range(200):
        low, high = pairs(generators.erdos_renyi(40, 0.1, seed=seed)).T
        hits[low, high] += 1
    observed = hits[np.triu_indices(40, 1)]
    assert stats.chisquare(observed).pvalue > 1e-4


@pytest.mark.parametrize(("p", "edges"), [(0.0, 0), (1.0, 45)])
def test_erdos_renyi_at_the_ends(p, edges):
    assert generators.erdos_renyi(10, p).num_hyperedges == edges


def test_watts_strogatz_rings_and_random_graphs():
    ring = adjacency(generators.watts_strogatz(30, 4, 0.0)).toarray()
    theirs = nx.to_numpy_array(nx.watts_strogatz_graph(30, 4, 0.0))
    np.testing.assert_array_equal(ring, theirs)
    ours = [
        nx.average_clustering(nx.Graph(pairs(generators.watts_strogatz(400, 6, 0.3, seed=s)).tolist()))
        for s in range(9)
    ]
    them = [nx.average_clustering(nx.watts_strogatz_graph(400, 6, 0.3, seed=s)) for s in range(9)]
    assert abs(np.mean(ours) - np.mean(them)) < 4 * (np.std(ours) + np.std(them)) / 3
    graph = generators.watts_strogatz(400, 6, 1.0)
    assert graph.num_hyperedges == 1200
    moved = (adjacency(graph).toarray() * np.roll(np.eye(400), 1, axis=1)).sum()
    assert moved < 30  # of 400 edges to the next, about 6 are drawn again by chance


def test_watts_strogatz_of_a_complete_graph_ends():
    assert generators.watts_strogatz(5, 4, 0.5).num_hyperedges == 10


def test_barabasi_albert_is_networkx_in_distribution():
    ours, theirs = [], []
    for seed in range(20):
        graph = generators.barabasi_albert(1000, 3, seed=seed)
        degree = np.diff(adjacency(graph).indptr)
        assert graph.num_hyperedges == 3 + 3 * 996 and degree.min() >= 1 and (degree[4:] >= 3).all()
        ours.append(np.sort(degree)[-50:].mean())
        theirs.append(np.sort([d for _, d in nx.barabasi_albert_graph(1000, 3, seed=seed).degree])[-50:].mean())
    assert stats.ttest_ind(ours, theirs).pvalue > 1e-3
    assert nx.is_connected(nx.Graph(pairs(graph).tolist()))


@pytest.mark.parametrize("model", ["stochastic_block_model", "planted_partition"])
def test_block_models_have_their_densities(model):
    sizes = [150, 250]
    if model == "planted_partition":
        graph, labels = generators.planted_partition(sizes, 0.2, 0.03)
        chance = np.array([[0.2, 0.03], [0.03, 0.2]])
    else:
        chance = np.array([[0.2, 0.03], [0.03, 0.1]])
        graph, labels = generators.stochastic_block_model(sizes, chance)
    assert np.bincount(labels.codes).tolist() == sizes
    ends = np.sort(labels.codes[pairs(graph)], axis=1)
    for a, b, count in ((0, 0, 150 * 149 / 2), (0, 1, 150 * 250), (1, 1, 250 * 249 / 2)):
        found = (ends == [a, b]).all(axis=1).sum()
        assert abs(found - count * chance[a, b]) < 4 * np.sqrt(count * chance[a, b] * (1 - chance[a, b]))


def test_hypergraph_block_model_is_pure_as_asked():
    graph, labels = generators.hypergraph_block_model([300, 300, 400], 3000, mean_size=5, purity=0.7)
    side = members(graph)
    assert abs(side.size.mean() - 5) < 0.2 and side.size.min() == 2
    codes = labels.codes[side.member]
    line = np.repeat(np.arange(len(side)), side.size)
    table = np.zeros((len(side), 3))
    np.add.at(table, (line, codes), 1)
    same = (table * (table - 1)).sum() / (side.size * (side.size - 1)).sum()
    # both from home, or one or both from anywhere and by chance of the same community
    chance = 0.3**2 + 0.3**2 + 0.4**2
    assert abs(same - (0.49 + 0.51 * chance)) < 0.02
    none, labels = generators.hypergraph_block_model([50, 50], 3000, purity=0)
    codes = labels.codes[members(none).member]
    assert abs(codes.mean() - 0.5) < 0.03


def test_power_law_baskets_have_the_exponent():
    graph = generators.power_law_baskets(20_000, 5_000, mean_size=3, exponent=1.0)
    count = np.sort(graph.occurrences)[::-1][5:500]
    slope = np.polyfit(np.log(np.arange(6, 501)), np.log(count), 1)[0]
    assert abs(slope + 1) < 0.05
    assert abs(members(graph).size.mean() - 3) < 0.05


def test_baskets_that_hold_nearly_all_popular_items_are_finished():
    graph = generators.power_law_baskets(30, 400, mean_size=90, exponent=2.0)
    side = members(graph)
    assert side.size.max() == 100
    line = np.repeat(np.arange(30), side.size)
    assert len(np.unique(line * 400 + side.member)) == len(line)
    assert graph.occurrences[0] == 30 and graph.occurrences[350:].mean() < 10


def test_successive_sampling_does_not_depend_on_how_it_is_finished(monkeypatch):
    hits = []
    for rounds in (0, 64):
        monkeypatch.setattr(draws, "ROUNDS", rounds)
        found = [
            generators.power_law_baskets(200, 8, mean_size=2, exponent=1.0, seed=seed).occurrences for seed in range(60)
        ]
        hits.append(np.sum(found, axis=0))
    assert stats.chi2_contingency(np.array(hits)).pvalue > 1e-3


@pytest.mark.parametrize(("count", "k"), [(30, 28), (60, 56), (61, 60)])
def test_dense_small_worlds_end(count, k):
    graph = generators.watts_strogatz(count, k, 1.0, seed=1)
    low, high = np.sort(pairs(graph), axis=1).T
    assert (low < high).all() and len(np.unique(low * count + high)) == count * k // 2


# --- LFR ---


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"num_entities": 200}, "find no place"),
        ({"num_entities": 2000, "mean_degree": 60, "mixing": 0.1}, "min_community"),
    ],
)
def test_communities_that_cannot_hold_the_edges_are_an_error(options, named):
    with pytest.raises(ValueError, match=named):
        generators.lfr(**options)


@pytest.mark.parametrize("mixing", [0.0, 0.1, 0.4, 0.7])
def test_lfr_mixes_as_asked_and_keeps_degrees(mixing):
    graph, labels = generators.lfr(3000, mixing=mixing, mean_degree=16, max_degree=80, seed=2)
    degree = np.diff(adjacency(graph).indptr)
    assert abs(degree.mean() - 16) < 1 and degree.max() <= 81
    codes = labels.codes
    outside = (codes[pairs(graph)[:, 0]] != codes[pairs(graph)[:, 1]]).mean()
    assert abs(outside - mixing) < 0.02
    size = np.bincount(codes)
    assert size.sum() == 3000 and size.max() <= 200 and np.sort(size)[1] >= 20


def test_lfr_degrees_follow_the_power_law():
    graph, _ = generators.lfr(20_000, mean_degree=10, max_degree=300, degree_exponent=2.5, max_community=400, seed=5)
    degree = np.diff(adjacency(graph).indptr)
    least = 8
    tail = degree[degree >= least]
    exponent = 1 + len(tail) / np.log(tail / (least - 0.5)).sum()  # Clauset, Shalizi and Newman's estimate
    assert abs(exponent - 2.5) < 0.15


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: generators.erdos_renyi(0, 0.1), "num_entities"),
        (lambda: generators.erdos_renyi(10, 1.1), "`p`"),
        (lambda: generators.watts_strogatz(10, 3, 0.1), "even"),
        (lambda: generators.watts_strogatz(4, 4, 0.1), "`k`"),
        (lambda: generators.barabasi_albert(3, 3), "`k`"),
        (lambda: generators.stochastic_block_model([], []), "sizes"),
        (lambda: generators.stochastic_block_model([3, 3], [[0.1, 0.2], [0.3, 0.1]]), "symmetric"),
        (lambda: generators.stochastic_block_model([3], [[0.1, 0.2]]), "`p`"),
        (lambda: generators.planted_partition([3], 2, 0), "p_within"),
        (lambda: generators.hypergraph_block_model([1, 3], 5), "sizes"),
        (lambda: generators.hypergraph_block_model([3, 3], 0), "num_hyperedges"),
        (lambda: generators.lfr(100), "num_entities"),
        (lambda: generators.lfr(1000, max_degree=400, mixing=0.1), "max_degree"),
        (lambda: generators.lfr(1000, mean_degree=1, max_degree=999, mixing=0.9, degree_exponent=1.0), "mean_degree"),
        (lambda: generators.power_law_baskets(5, 3), "num_items"),
        (lambda: generators.power_law_baskets(5, 30, exponent=3), "exponent"),
        (lambda: generators.erdos_renyi(5, 0.5, seed=0.5), "seed"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named(call, named):
    with pytest.raises((ValueError, TypeError), match=named):
        call()
