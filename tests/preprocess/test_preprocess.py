"""Filters against the plain definition: the lines that are left, read anew."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cleora_jax as cj
from cleora_jax import preprocess
from tests.conftest import toy_graphs

TOYS = toy_graphs()
LINES = st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=5), min_size=1, max_size=12)


def built(lines):
    """Counts of lines by id, whatever the order of entities."""
    graph = cj.from_hyperedges(lines)
    return by_id(graph)


def by_id(graph):
    counts, ids = graph.counts().tocoo(), graph.vocab.ids.to_pylist()
    return {(ids[a], ids[b]): pytest.approx(w) for a, b, w in zip(*counts.coords, counts.data, strict=True)}


@given(LINES)
def test_dedupe_leaves_the_first_of_equal_lines(lines):
    seen = list({tuple(sorted(line)): line for line in lines[::-1]}.values())
    assert by_id(preprocess.dedupe(cj.from_hyperedges(lines))) == built(seen)


@given(LINES)
def test_without_self_loops_no_entity_stands_twice(lines):
    once = [list(dict.fromkeys(line)) for line in lines]
    left = [line for line in once if len(line) > 1]
    graph = cj.from_hyperedges(lines)
    if not left:
        with pytest.raises(ValueError, match="no hyperedge is left"):
            preprocess.without_self_loops(graph)
    else:
        found = preprocess.without_self_loops(graph)
        assert found.vocab == graph.vocab and by_id(found) == built(left)


@given(LINES, st.integers(1, 4))
def test_filter_degrees_is_the_core(lines, least):
    left = [line for line in lines if len(line) > 1]
    while left:
        count = {}
        for line in left:
            for entity in set(line):
                count[entity] = count.get(entity, 0) + 1
        keep = {entity for entity, times in count.items() if times >= least}
        new = [[entity for entity in line if entity in keep] for line in left]
        cut = [line for line in new if len(line) > 1]
        if cut == left:
            break
        left = cut
    graph = cj.from_hyperedges(lines)
    if not left:
        with pytest.raises(ValueError, match="least|most|no hyperedge"):
            preprocess.filter_degrees(graph, least=least)
    else:
        assert by_id(preprocess.filter_degrees(graph, least=least)) == built(left)


def test_a_line_that_keeps_one_of_two_columns_relates_nothing_and_goes():
    graph = cj.from_hyperedges(["u1\ta b", "u2\tb c", "u3\ta c"], "user complex::item")
    with pytest.raises(ValueError, match="no hyperedge is left"):
        preprocess.filter_degrees(graph, least=2)
    twice = cj.from_hyperedges(["u1\ta b", "u1\ta c", "u2\tb c", "u2\ta b"], "user complex::item")
    found = preprocess.filter_degrees(twice, least=2)
    assert found.num_entities == 5 and not found.isolated.any()
    items = twice.vocab.column_of == 1
    with pytest.raises(ValueError, match="no hyperedge is left"):
        preprocess.restrict(twice, items)


def test_a_long_path_is_peeled_at_once():
    count = 20_000
    path = cj.from_edges(np.arange(count - 1), np.arange(1, count), num_entities=count)
    with pytest.raises(ValueError, match="least"):
        preprocess.filter_degrees(path, least=2)
    ring = cj.from_edges(np.arange(count), np.append(np.arange(1, count - 5), [7] * 6), num_entities=count)
    assert preprocess.filter_degrees(ring, least=2).num_entities == count - 12  # all but 0 … 6 and the five last


def test_an_entity_in_two_columns_is_a_self_loop():
    graph = cj.from_hyperedges(["a\ta", "a\tb"], "s t", shared_ids=True)
    assert preprocess.without_self_loops(graph).num_hyperedges == 1
    assert cj.stats.popular(graph, above=0.9).share.tolist() == [1.0]


def test_rows_of_a_matrix_are_counted_by_their_entries():
    import scipy.sparse as sp

    graph = cj.from_scipy(sp.csr_array(np.array([[0, 1.0, 1], [0, 0, 1], [0, 0, 0]])))
    rows, share = cj.stats.popular(graph, above=0.0)
    assert rows.tolist() == [0, 1] and share.tolist() == [2 / 3, 1 / 3]
    assert preprocess.filter_degrees(graph, least=0, most=1).num_entities == 2
    idf = 1 + np.log(4 / (1 + np.array([2, 1, 0])))
    expected = graph.counts().toarray() * np.outer(idf, idf)
    np.testing.assert_allclose(preprocess.tfidf(graph).counts().toarray(), expected, rtol=1e-6)


def test_most_counts_what_there_was():
    graph = cj.from_hyperedges(["bag a b", "bag a c", "bag b c"])
    assert preprocess.filter_degrees(graph, most=2).vocab.ids.to_pylist() == ["a", "b", "c"]
    assert preprocess.cap_popularity(graph, 0.7).vocab.ids.to_pylist() == ["a", "b", "c"]


@pytest.mark.parametrize("graph", TOYS.values(), ids=TOYS)
def test_restricting_to_all_changes_nothing(graph):
    every = preprocess.restrict(graph, np.ones(graph.num_entities, bool), min_size=0)
    assert every.vocab == graph.vocab
    assert abs(every.counts() - graph.counts()).max() == 0


def test_restricted_relations_stay_on_their_lines():
    graph = TOYS["relations"]
    keep = np.ones(graph.num_entities, bool)
    keep[::3] = False
    found = preprocess.restrict(graph, keep, min_size=0)
    assert found.num_entities == keep.sum() and len({r.num_hyperedges for r in found.relations}) == 1
    items = graph.relations[0].right
    left = np.array([keep[some].any() for some in np.split(items.member, items.offset[1:-1])])
    assert found.num_hyperedges == left.sum()  # a line of items relates these, its user or not
    counts = graph.counts().toarray()[keep][:, keep]
    assert ((found.counts().toarray() > 0) == (counts > 0)).all()


def test_restricted_matrices_are_submatrices():
    graph = TOYS["matrix"]
    keep = np.arange(graph.num_entities) % 2 == 0
    found = preprocess.restrict(graph, keep)
    np.testing.assert_array_equal(found.counts().toarray(), graph.counts().toarray()[keep][:, keep])
    loops = preprocess.without_self_loops(graph).counts().toarray()
    expected = graph.counts().toarray() * (1 - np.eye(graph.num_entities))
    np.testing.assert_array_equal(loops, expected)


def test_largest_component_and_its_weights():
    graph = cj.from_edges(["a", "b", "x"], ["b", "c", "y"], [1.0, 2.0, 9.0])
    found = preprocess.largest_component(graph)
    assert found.vocab.ids.to_pylist() == ["a", "b", "c"]
    assert found.relations[0].weight.tolist() == [1.0, 2.0]


def test_tfidf_is_scikit_learns():
    from sklearn.feature_extraction.text import TfidfTransformer

    lines = [["bag", "tea"], ["bag", "jam", "rum"], ["bag", "tea", "jam"], ["rum", "tea"]]
    graph = cj.from_hyperedges(lines)
    held = np.array([[entity in line for entity in graph.vocab.ids.to_pylist()] for line in lines], float)
    idf = TfidfTransformer().fit(held).idf_
    expected = graph.counts().toarray() * np.outer(idf, idf)
    np.testing.assert_allclose(preprocess.tfidf(graph).counts().toarray(), expected, rtol=1e-6)


@pytest.mark.parametrize("name", ["baskets", "matrix", "relations"])
def test_ppmi_is_its_formula(name):
    graph = TOYS[name]
    counts = graph.counts().toarray().astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        pmi = np.log(counts * counts.sum() / np.outer(counts.sum(1), counts.sum(0)))
    for shift in (0.0, 0.7):
        found = preprocess.ppmi(graph, shift=shift)
        np.testing.assert_allclose(
            found.counts().toarray(), np.nan_to_num(np.maximum(pmi - shift, 0)), rtol=1e-5, atol=1e-6
        )
    assert found.vocab == graph.vocab
    assert cj.embed(found, cj.Cleora(dim=4)).vectors.shape == (graph.num_entities, 4)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda graph: preprocess.restrict(graph, np.zeros(graph.num_entities, bool)), "keep"),
        (lambda graph: preprocess.restrict(graph, np.ones(3, bool)), "keep"),
        (lambda graph: preprocess.restrict(graph, np.ones(graph.num_entities)), "keep"),
        (lambda graph: preprocess.filter_degrees(graph, least=10**6), "least"),
        (lambda graph: preprocess.filter_degrees(graph, least=3, most=2), "most"),
        (lambda graph: preprocess.cap_popularity(graph, 0.0), "share"),
        (lambda graph: preprocess.ppmi(graph, shift=-1), "shift"),
        (lambda graph: preprocess.ppmi(graph, shift=100), "shift"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named(call, named):
    with pytest.raises((ValueError, TypeError), match=named):
        call(TOYS["edges"])
