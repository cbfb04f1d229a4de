"""Trimming of large hyperedges against a plain reading of SEMANTICS §2."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cleora_jax as cj
from cleora_jax.graph import Graph, from_hyperedges

IDS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=9)
WEIGHT = st.floats(0.125, 8, width=32)
SETTINGS = settings(max_examples=60, deadline=None, derandomize=True)


def first_of(members: list[int], frequency: Counter[int], top: int) -> set[int]:
    """The `top` most frequent of some rows; rows are by first appearance, so ties go to the lower."""
    return set(sorted(set(members), key=lambda row: (-frequency[row], row))[:top])


def naive(graph: Graph, edges: list[list[list[int]]], weights: list[float], top: int) -> np.ndarray:
    """W, pair by pair; the sides of an edge are one (a column with itself) or two."""
    w = np.zeros((graph.num_entities, graph.num_entities))
    frequency = Counter(row for edge in edges for side in edge for row in side)
    for edge, weight in zip(edges, weights, strict=True):
        left, right = edge[0], edge[-1]
        first_left, first_right = (first_of(side, frequency, top) for side in (left, right))
        for i in left:
            for j in right:
                if i in first_left or j in first_right:
                    w[i, j] += weight / (len(left) * len(right))
                    if len(edge) == 2:
                        w[j, i] += weight / (len(left) * len(right))
    return w


@SETTINGS
@given(st.lists(st.tuples(IDS, WEIGHT), min_size=1, max_size=8), st.integers(1, 5))
def test_one_column(edges: list[tuple[list[str], float]], top: int) -> None:
    graph = from_hyperedges(edges)
    rows = [[graph.vocab.indices(ids).tolist()] for ids, _ in edges]
    check(graph, naive(graph, rows, [weight for _, weight in edges], top), top)


@SETTINGS
@given(st.lists(st.tuples(IDS, IDS), min_size=1, max_size=8), st.integers(1, 5))
def test_two_columns(edges: list[tuple[list[str], list[str]]], top: int) -> None:
    graph = from_hyperedges([list(edge) for edge in edges], "complex::x complex::y")
    rows = [[graph.vocab.indices(ids, name).tolist() for ids, name in zip(edge, "xy", strict=True)] for edge in edges]
    check(graph, naive(graph, rows, [1.0] * len(edges), top), top)


def check(graph: Graph, expected: np.ndarray, top: int) -> None:
    np.testing.assert_allclose(graph.trimmed(top).counts().toarray(), expected, rtol=1e-5, atol=1e-9)
    degree = expected.sum(1)
    for propagation, dense in {
        "left": expected / degree[:, None],
        "symmetric": expected / np.sqrt(np.outer(degree, degree)),
    }.items():
        for form in ("clique", "factored"):
            op = cj.markov(graph, propagation, form=form, hyperedge_trim_n=top)
            found = np.asarray(op @ np.eye(graph.num_entities, dtype=np.float32))
            np.testing.assert_allclose(found, dense, rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(op.row_sum, dense.sum(1), rtol=1e-5)


def test_nothing_is_lost_where_no_hyperedge_is_larger() -> None:
    graph = from_hyperedges(["a b c", "a d", "c c c"])
    assert (graph.trimmed(3).counts() != graph.counts()).nnz == 0
    assert graph.trimmed(3).relations[0].weight is None


def test_it_is_a_setting_of_the_method() -> None:
    graph = from_hyperedges([" ".join(f"e{i}" for i in range(30)), "e0 e1", "e1 e2"])
    method = cj.Cleora(dim=4, num_iterations=2, whiten_rank=4, hyperedge_trim_n=2)
    trimmed, whole = cj.embed(graph, method), cj.embed(graph, cj.Cleora(dim=4, num_iterations=2, whiten_rank=4))
    assert trimmed.settings["hyperedge_trim_n"] == 2
    assert not np.allclose(trimmed.vectors, whole.vectors)


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "2", True])
def test_wrong_values_are_named(wrong: object) -> None:
    with pytest.raises((ValueError, TypeError), match="hyperedge_trim_n"):
        cj.Cleora(hyperedge_trim_n=wrong)  # type: ignore[arg-type]


def test_directed_propagation_has_no_trim() -> None:
    with pytest.raises(ValueError, match="hyperedge_trim_n"):
        cj.markov(from_hyperedges(["a b c"]), "directed", hyperedge_trim_n=2)
