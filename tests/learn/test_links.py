"""Candidate links against all pairs, one by one."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from cleora_jax import Cleora, Embedding, NotFoundError, Vocab, embed, from_edges, from_hyperedges, from_scipy
from cleora_jax.learn import links, predict_links
from cleora_jax.vectors import search
from tests import dense

SETTINGS = settings(max_examples=120, deadline=None, derandomize=True)


def key(vocab, row):
    return vocab.columns[vocab.column_of[row]], vocab[row]


def existing(embedding, graph):
    """bool[n, n] over the rows of the embedding, from the dense W."""
    w = dense.counts(graph)
    at = {key(graph.vocab, row): row for row in range(graph.num_entities)}
    rows = [at[key(embedding.vocab, row)] for row in range(len(embedding))]
    return ((w + w.T) > 0)[np.ix_(rows, rows)]


def oracle(embedding, graph, k, over="entity", entities=None, column=None, among=None, exclude_existing=True):
    """Every pair of a source and a target, one by one."""
    n, vocab, x = len(embedding), embedding.vocab, embedding.vectors.astype(np.float64)
    size = np.linalg.norm(x, axis=1)
    taken = existing(embedding, graph) if exclude_existing else np.zeros((n, n), bool)
    name = [key(vocab, row)[0] for row in range(n)]
    sources = [row for row in range(n) if column in (None, name[row])]
    if entities is not None:
        sources = [next(row for row in sources if vocab[row] == entity) for entity in entities]
    targets = {row for row in range(n) if among in (None, name[row])}
    pairs = []
    for i in sources:
        best = [
            (i, j, float(np.dot(x[i] / size[i], x[j] / size[j])))
            for j in sorted(targets - {i})
            if size[i] > 0 and size[j] > 0 and not taken[i, j]
        ]
        best.sort(key=lambda pair: (-pair[2], pair[1]))
        pairs += best[:k] if over == "entity" else best
    if over == "entity":
        return pairs
    pairs = [(i, j, s) for i, j, s in set(pairs) if not (j < i and j in sources and i in targets)]
    return sorted(pairs, key=lambda pair: (-pair[2], pair[0], pair[1]))[:k]


def rows_of(found):
    return list(zip(found.source.tolist(), found.target.tolist(), found.score.tolist(), strict=True))


def assert_same(found, expected):
    """The same pairs in the same order, and the same cosines."""
    assert [pair[:2] for pair in rows_of(found)] == [pair[:2] for pair in expected]
    np.testing.assert_allclose(found.score, [pair[2] for pair in expected], atol=1e-12)


def exact_vectors(rng, n):
    """Rows of ±1 in four columns, and zero rows: cosines are multiples of 1/2 without rounding, with many ties."""
    vectors = rng.choice([-1, 1], (n, 4)) * np.exp2(rng.integers(-2, 3, (n, 1)))
    vectors[rng.random(n) < 0.15] = 0
    return vectors.astype(np.float32)


def random_graph(rng, kind):
    """A small graph of one kind, with repeats and weights of 0."""
    ids = [f"e{i}" for i in range(12)]
    lines = [rng.choice(ids, rng.integers(1, 6)).tolist() for _ in range(8)]
    if kind == "matrix":
        return from_scipy(sp.random_array((11, 11), density=0.2, rng=rng))
    if kind == "edges":
        return from_edges(*rng.integers(0, 14, (2, 20)), rng.integers(0, 2, 20), num_entities=14)
    if kind == "hyperedges":
        return from_hyperedges([" ".join(line) for line in lines])
    texts = [f"{rng.choice(ids)}\t{' '.join(line)}" for line in lines]
    return from_hyperedges(texts, kind)


KINDS = [
    "matrix", "edges", "hyperedges", "user complex::item", "user complex::reflexive::item",
    "transient::user complex::item", "complex::user transient::complex::reflexive::item",
]  # fmt: skip


@SETTINGS
@given(
    st.sampled_from(KINDS),
    st.sampled_from(["entity", "all"]),
    st.sampled_from([1, 2, 3, 5, 8, 30, 400]),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_equals_all_pairs_one_by_one(kind, over, k, exclude_existing, seed):
    """Ties, repeats, isolated entities, several columns, transient ones, sources and targets that overlap in part."""
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, kind)
    rows = rng.permutation(graph.kept)[: max(1, int(rng.integers(len(graph.kept) + 1)))]
    embedding = Embedding(exact_vectors(rng, len(rows)), graph.vocab.take(rows))
    options = {"exclude_existing": exclude_existing, "over": over}
    column, among = rng.choice([None, *graph.vocab.columns], 2).tolist()
    options |= {"column": column, "among": among}
    known = [row for row in range(len(rows)) if column in (None, key(embedding.vocab, row)[0])]
    names = [embedding.vocab[row] for row in known]
    if seed % 2 and len(set(names)) == len(names):
        options["entities"] = rng.permutation(names)[: rng.integers(len(names) + 1)].tolist()
    with pytest.MonkeyPatch.context() as patch:
        for module, name, size in (
            (links, "QUERY_BLOCK", 3), (links, "FIRST_DEPTH", 1), (links, "KNOWN_PAIRS", int(rng.integers(1, 40))),
            (search, "ROW_BLOCK", 4),
        ):  # fmt: skip
            patch.setattr(module, name, size)
        found = predict_links(embedding, graph, k, **options)
    assert_same(found, oracle(embedding, graph, k, **options))


@pytest.mark.parametrize("over", ["entity", "all"])
@pytest.mark.parametrize("k", [1, 10, 700, 10_000])
def test_without_ties(over, k):
    rng = np.random.default_rng(k)
    graph = from_edges(*rng.integers(0, 130, (2, 400)), num_entities=130)
    embedding = Embedding(rng.standard_normal((130, 7)).astype(np.float32), graph.vocab)
    assert_same(predict_links(embedding, graph, k, over=over), oracle(embedding, graph, k, over=over))


def test_equal_vectors():
    """All pairs tie: the first in row order that do not exist."""
    graph = from_edges([0, 0, 1], [1, 3, 2], num_entities=60)
    embedding = Embedding(np.full((60, 3), 0.3, np.float32), graph.vocab)
    assert [pair[:2] for pair in rows_of(predict_links(embedding, graph, 4, over="all"))] == [
        (0, 2), (0, 4), (0, 5), (0, 6),
    ]  # fmt: skip
    assert [pair[:2] for pair in rows_of(predict_links(embedding, graph, 2, entities=["1", "0"]))] == [
        (1, 3), (1, 4), (0, 2), (0, 4),
    ]  # fmt: skip


def test_the_best_pairs_of_one_entity_only():
    """All of the k best over all may be of one source, however small the depth that the search begins with."""
    rng = np.random.default_rng(1)
    vectors = np.concatenate([rng.standard_normal((3000, 200)), np.zeros((300, 200))]).astype(np.float32)
    vectors[3000:] = vectors[1500] + 0.9 * rng.standard_normal((300, 200))  # near 1500, not so near to each other
    graph = from_edges([0], [1], num_entities=3300)
    embedding = Embedding(vectors, graph.vocab)
    found = predict_links(embedding, graph, 200, over="all")
    assert (found.source == 1500).sum() > 190
    assert_same(found, sorted_pairs(vectors)[:200])


def sorted_pairs(vectors):
    unit = vectors / np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    i, j = np.triu_indices(len(vectors), 1)
    scores = (unit @ unit.T)[i, j]
    best = np.argpartition(-scores, 1000)[:1000]
    best = best[np.lexsort((j[best], i[best], -scores[best]))]
    return list(zip(i[best].tolist(), j[best].tolist(), scores[best].tolist(), strict=True))


def test_names():
    graph = from_hyperedges(["ann tea", "bob tea cake"])
    vectors = np.array([[1, 0], [0, 1], [3, 4], [0, 0]], np.float32)
    found = predict_links(Embedding(vectors, graph.vocab), graph, 5)
    assert found.to_list() == list(found) == [("ann", "bob", 0.6), ("bob", "ann", 0.6)]
    assert (len(found), repr(found)) == (2, "Links(2 pairs of 4 entities)")


def test_names_of_several_columns():
    vocab = Vocab(pa.array(["1", "2", "1"], pa.large_string()), ("user", "item"), np.array([0, 0, 1], np.uint8))
    graph = from_hyperedges(["1\t1", "2\t3"], "user complex::item")
    embedding = Embedding(np.array([[1, 0], [3, 4], [0, 1]], np.float32), vocab)
    assert predict_links(embedding, graph, column="user", among="item").to_list() == [
        (("user", "2"), ("item", "1"), 0.8)
    ]
    with pytest.raises(ValueError, match="several columns"):
        predict_links(embedding, graph, entities=["1"])
    found = predict_links(embedding, graph, entities=["1"], column="item")
    assert found.to_list() == [(("item", "1"), ("user", "2"), 0.8)]


def test_transient_entities_are_not_asked_for():
    lines = ["s1\ta b", "s2\tb c", "s3\tc d", "s4\td e"]
    graph = from_hyperedges(lines, "transient::session complex::reflexive::item")
    embedding = embed(graph, Cleora(dim=4), relations="joint")
    assert len(embedding) == 5 < graph.num_entities
    pairs = {frozenset(pair[:2]) for pair in predict_links(embedding, graph, over="all")}
    assert len(pairs) == 6 and not any(
        frozenset((("item", a), ("item", b))) in pairs for a, b in ("ab", "bc", "cd", "de")
    )


def test_wrong_arguments():
    graph = from_hyperedges(["ann tea", "bob cake"])
    embedding = Embedding(np.ones((4, 2), np.float32), graph.vocab)
    other = Embedding(np.ones((2, 2), np.float32), Vocab.of(["ann", "zoe"], "node"))
    for options, error, message in [
        ({"k": 0}, ValueError, "`k`"),
        ({"over": "pair"}, ValueError, "`over`.*'pair'"),
        ({"entities": ["ann", "zoe"]}, NotFoundError, "zoe"),
        ({"entities": "ann"}, TypeError, "single id 'ann'"),
        ({"column": "user"}, NotFoundError, "user"),
        ({"among": "user"}, NotFoundError, "user"),
    ]:
        with pytest.raises(error, match=message):
            predict_links(embedding, graph, **options)
    with pytest.raises(ValueError, match="1 are missing, the first 'zoe'"):
        predict_links(other, graph)
    assert len(predict_links(other, graph, exclude_existing=False)) == 2
    broken = Embedding(np.array([[1, 2], [np.nan, 1], [1, 1], [0, 1]], np.float32), graph.vocab)
    with pytest.raises(ValueError, match="finite"):
        predict_links(broken, graph)


@pytest.mark.parametrize("over", ["entity", "all"])
def test_nothing_to_pair(over):
    graph = from_hyperedges(["a b c"])
    for vectors in (np.ones((3, 2)), np.zeros((3, 2))):
        embedding = Embedding(vectors.astype(np.float32), graph.vocab)
        assert predict_links(embedding, graph, over=over).to_list() == []
    assert predict_links(embedding, graph, over=over, entities=[]).to_list() == []


@pytest.mark.parametrize(("over", "k"), [("entity", 10), ("all", 50_000)])
def test_memory_is_a_few_blocks(over, k):
    """20,000 entities, a hyperedge of 5,000: n × n scores would be 1,600 MB, W alone 200 MB, candidates as deep as k more.

    Time is saved on the sources, of which there are two blocks, some in that hyperedge.
    """
    rng = np.random.default_rng(0)
    large = [f"e{i}" for i in rng.permutation(20_000)]
    graph = from_hyperedges([*pairwise(large), tuple(large[:5000])])
    vectors = rng.standard_normal((20_000, 8)).astype(np.float32)
    embedding = Embedding(vectors, graph.vocab)
    tracemalloc.start()
    found = predict_links(embedding, graph, k, over=over, entities=large[4000:5500])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found) == (15_000 if over == "entity" else 50_000)
    assert peak < 160e6
