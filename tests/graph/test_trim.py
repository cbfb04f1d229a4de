"""Trimming of large hyperedges against a plain reading of SEMANTICS §2."""

from __future__ import annotations

import pickle
import tempfile
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cleora_jax as cj
from cleora_jax.graph import Graph, from_hyperedges
from cleora_jax.graph.counts import clique_counts
from cleora_jax.graph.trim import trimmed

IDS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=9)
WEIGHT = st.floats(0.125, 8, width=32)
SETTINGS = settings(max_examples=60, deadline=None, derandomize=True)


def first_of(members: list[int], frequency: Counter[int], top: int) -> set[int]:
    """The `top` most frequent of some rows; rows are by first appearance, so ties go to the lower."""
    return set(sorted(set(members), key=lambda row: (-frequency[row], row))[:top])


def naive(
    graph: Graph, sides: list[tuple[list[int], list[int]]], weights: list[float], frequency: Counter[int], top: int
) -> np.ndarray:
    """W of one relation, pair by pair; the two sides of an edge are one list where a column relates to itself."""
    w = np.zeros((graph.num_entities, graph.num_entities))
    for (left, right), weight in zip(sides, weights, strict=True):
        first_left, first_right = (first_of(side, frequency, top) for side in (left, right))
        for i in left:
            for j in right:
                if i in first_left or j in first_right:
                    w[i, j] += weight / (len(left) * len(right))
                    if left is not right:
                        w[j, i] += weight / (len(left) * len(right))
    return w


SPECS = {
    "complex::reflexive::x": [(0, 0)],
    "complex::x complex::y": [(0, 1)],
    "complex::x complex::reflexive::y": [(0, 1), (1, 1)],
    "complex::reflexive::x complex::reflexive::y": [(0, 0), (0, 1), (1, 1)],
}


@SETTINGS
@given(st.data(), st.sampled_from(list(SPECS)), st.booleans(), st.booleans(), st.integers(1, 5))
def test_it_is_the_definition(data: st.DataObject, spec: str, weighted: bool, shared: bool, top: int) -> None:
    width = len(spec.split())
    edges = data.draw(st.lists(st.tuples(*[IDS] * width), min_size=1, max_size=8))
    weights = [data.draw(WEIGHT) if weighted else 1.0 for _ in edges]
    items = [edge[0] if width == 1 else list(edge) for edge in edges]
    graph = from_hyperedges(
        list(zip(items, weights, strict=True)) if weighted else items, spec, shared_ids=shared and width > 1
    )
    names = graph.vocab.columns if len(graph.vocab.columns) == width else [graph.vocab.columns[0]] * width
    rows = [[graph.vocab.indices(ids, name).tolist() for ids, name in zip(edge, names, strict=True)] for edge in edges]
    frequency = Counter(row for edge in rows for side in edge for row in side)
    parts = [naive(graph, [(edge[a], edge[b]) for edge in rows], weights, frequency, top) for a, b in SPECS[spec]]
    check(graph, sum(parts), top)
    for relation, expected in zip(graph.relations, parts, strict=True):  # ranked over the whole input, too
        check(graph.relation(relation.name), expected, top)
    with tempfile.TemporaryDirectory() as folder:
        cj.save_graph(graph, f"{folder}/g.npz")
        check(cj.load_graph(f"{folder}/g.npz"), sum(parts), top)
    check(pickle.loads(pickle.dumps(graph)), sum(parts), top)


def check(graph: Graph, expected: np.ndarray, top: int) -> None:
    degree = expected.sum(1)
    inverse = np.divide(1, degree, out=np.zeros_like(degree), where=degree > 0)
    matrices = {
        "left": inverse[:, None] * expected,
        "symmetric": np.sqrt(inverse)[:, None] * expected * np.sqrt(inverse),
    }
    for propagation, dense in matrices.items():
        for form in ("clique", "factored"):
            op = cj.markov(graph, propagation, form=form, hyperedge_trim_n=top)
            found = np.asarray(op @ np.eye(graph.num_entities, dtype=np.float32))
            np.testing.assert_allclose(found, dense, rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(op.row_sum, dense.sum(1), rtol=1e-5, atol=1e-6)


def test_nothing_is_lost_where_no_hyperedge_is_larger() -> None:
    graph = from_hyperedges(["a b c", "a d", "c c c"])
    (part,) = trimmed(graph.relations, graph.occurrences, 3)
    assert part.weight is None
    assert (clique_counts(part, 4) != graph.counts()).nnz == 0


def test_it_is_a_setting_of_the_method() -> None:
    graph = from_hyperedges([" ".join(f"e{i}" for i in range(30)), "e0 e1", "e1 e2"])
    method = cj.Cleora(dim=4, num_iterations=2, whiten_rank=4, hyperedge_trim_n=2)
    cut, whole = cj.embed(graph, method), cj.embed(graph, cj.Cleora(dim=4, num_iterations=2, whiten_rank=4))
    assert cut.settings["hyperedge_trim_n"] == 2
    assert not np.allclose(cut.vectors, whole.vectors)


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "2", True])
def test_wrong_values_are_named(wrong: object) -> None:
    with pytest.raises((ValueError, TypeError), match="hyperedge_trim_n"):
        cj.Cleora(hyperedge_trim_n=wrong)  # type: ignore[arg-type]


def test_directed_propagation_and_matrices_have_no_trim() -> None:
    with pytest.raises(ValueError, match="hyperedge_trim_n"):
        cj.markov(from_hyperedges(["a b c"]), "directed", hyperedge_trim_n=2)
    with pytest.raises(ValueError, match="hyperedge_trim_n"):
        cj.Cleora(propagation="directed", hyperedge_trim_n=2)
    with pytest.raises(ValueError, match=r"hyperedge_trim_n.*matrix"):
        cj.markov(cj.from_scipy(np.ones((3, 3))), hyperedge_trim_n=2)
