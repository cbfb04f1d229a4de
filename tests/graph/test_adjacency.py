"""The adjacency matrix against networkx and a dense sum over hyperedges."""

from __future__ import annotations

from itertools import combinations

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

import cleora_jax as cj

edges = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(0, 4)), min_size=1, max_size=30)
lines = st.lists(st.lists(st.sampled_from("abcdef"), min_size=1, max_size=5), min_size=1, max_size=12)


@given(edges, st.booleans(), st.booleans())
def test_of_edges_as_networkx(found, directed, weighted):
    graph = nx.MultiDiGraph() if directed else nx.MultiGraph()
    graph.add_nodes_from(range(8))
    graph.add_weighted_edges_from((a, b, w) for a, b, w in found if a != b and w)
    expected = nx.to_numpy_array(graph, nodelist=range(8), weight="weight")
    source, target, weight = zip(*found, strict=True)
    adjacency = cj.adjacency(
        cj.from_edges(source, target, weight, num_entities=8), directed=directed, weighted=weighted
    )
    np.testing.assert_array_equal(adjacency.todense(), expected if weighted else expected > 0)


@given(lines)
def test_of_hyperedges_is_a_clique_in_which_members_have_degree_one(found):
    graph = cj.from_hyperedges(found)
    row = {entity: at for at, entity in enumerate(graph.vocab.ids.to_pylist())}
    expected = np.zeros((len(row), len(row)))
    for line in found:
        for a, b in combinations([row[entity] for entity in line], 2):
            if a != b:
                expected[a, b] += 1 / (len(line) - 1)
                expected[b, a] += 1 / (len(line) - 1)
    adjacency = cj.adjacency(graph)
    np.testing.assert_allclose(adjacency.todense(), expected, rtol=1e-6)
    assert adjacency.has_canonical_format and (adjacency.data > 0).all() and adjacency.dtype == np.float32


def test_of_two_columns_has_no_pairs_within_one():
    graph = cj.from_hyperedges(["ann\ttea milk", "bob\ttea"], "user complex::item")
    ann, tea, milk, bob = (graph.vocab.index(entity) for entity in ("ann", "tea", "milk", "bob"))
    dense = cj.adjacency(graph).todense()
    assert dense[ann, tea] == dense[ann, milk] == dense[tea, ann] == 0.5 and dense[bob, tea] == 1
    assert dense[tea, milk] == 0 and dense.sum() == 4
    assert cj.adjacency(graph, directed=True).todense()[tea, ann] == 0


def test_of_a_given_matrix_loses_its_diagonal_and_gains_symmetry():
    given = np.array([[2, 3, 0], [1, 0, 0], [0, 5, 0]], np.float32)
    graph = cj.from_scipy(sp.csr_array(given))
    np.testing.assert_array_equal(cj.adjacency(graph).todense(), [[0, 3, 0], [3, 0, 5], [0, 5, 0]])
    np.testing.assert_array_equal(cj.adjacency(graph, directed=True).todense(), [[0, 3, 0], [1, 0, 0], [0, 5, 0]])


def test_several_relations_add_up():
    graph = cj.from_relations({"one": cj.from_edges(["a"], ["b"]), "two": cj.from_edges(["b", "b"], ["a", "c"])})
    np.testing.assert_array_equal(cj.adjacency(graph).todense(), [[0, 2, 0], [2, 0, 1], [0, 1, 0]])


@pytest.mark.parametrize("directed", [False, True])
def test_isolated_entities_have_empty_rows(directed):
    adjacency = cj.adjacency(cj.from_edges([0], [1], num_entities=4), directed=directed)
    assert adjacency.shape == (4, 4) and not adjacency[2:].nnz
