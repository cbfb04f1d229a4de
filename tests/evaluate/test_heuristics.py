"""Link heuristics against networkx, and the two ways to score against each other."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

import cleora_jax as cj
from cleora_jax.evaluate import adamic_adar, common_neighbours, heuristics, preferential_attachment, resource_allocation
from cleora_jax.evaluate.heuristics import HEURISTICS, heuristic

RNG = np.random.default_rng(2)
EDGES = RNG.integers(0, 40, (180, 2))
GRAPH = cj.from_edges(*EDGES.T, num_entities=44)  # loops, repeats, reverse arcs, isolated entities
PAIRS = np.array([(a, b) for a in range(44) for b in range(44) if a != b])


def theirs(function) -> list[float]:
    graph = nx.Graph([edge for edge in EDGES.tolist() if edge[0] != edge[1]])
    graph.add_nodes_from(range(44))
    return [score for *_, score in function(graph, PAIRS.tolist())]


@pytest.mark.parametrize(
    ("ours", "function"),
    [
        (adamic_adar, nx.adamic_adar_index),
        (resource_allocation, nx.resource_allocation_index),
        (preferential_attachment, nx.preferential_attachment),
        (common_neighbours, lambda graph, pairs: [(a, b, len(set(graph[a]) & set(graph[b]))) for a, b in pairs]),
    ],
)
def test_as_networkx(ours, function, monkeypatch):
    np.testing.assert_allclose(ours(GRAPH, PAIRS), theirs(function), rtol=1e-12)
    monkeypatch.setattr(heuristics, "BLOCK_ENTRIES", 50)
    np.testing.assert_allclose(ours(GRAPH, PAIRS), theirs(function), rtol=1e-12)


@pytest.mark.parametrize("name", HEURISTICS)
def test_a_grid_has_the_bits_of_pairs_and_of_its_transpose(name):
    judge = heuristic(name, GRAPH)
    left, right = RNG.integers(0, 44, 20), RNG.integers(0, 44, 30)  # with repeats
    grid = judge.grid(left, right)
    each = judge.pairs(np.repeat(left, 30), np.tile(right, 20)).reshape(20, 30)
    np.testing.assert_array_equal(grid, each)
    np.testing.assert_array_equal(grid, judge.grid(right, left).T)


def test_of_hyperedges_neighbours_are_members_of_a_common_one():
    graph = cj.from_hyperedges(["a b c", "c d"])
    rows = [[graph.vocab.index(one), graph.vocab.index(other)] for one, other in ("ab", "ad", "cd")]
    assert common_neighbours(graph, rows).tolist() == [1, 1, 0]
    assert preferential_attachment(graph, rows).tolist() == [4, 2, 3]


def test_no_pairs_and_pairs_that_cannot_be():
    assert common_neighbours(GRAPH, np.zeros((0, 2), int)).shape == (0,)
    for wrong, message in (
        ([[0, 44]], "from 0 to 43, got 44 at place 0"),
        ([[0, 1, 2]], r"\[m, 2\]"),
        ([[0.0, 1.0]], "integers"),
    ):
        with pytest.raises(ValueError, match=message):
            adamic_adar(GRAPH, wrong)
    with pytest.raises(TypeError, match="must be a Graph"):
        adamic_adar("x", [[0, 1]])
