"""Odd graphs at their size: hyperedges of 10,000, a star of a million leaves, a million equal lines; small ones of the
kind among the quick tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import cleora_jax as cj
from cleora_jax import _memory, preprocess, sampling, stats
from cleora_jax._memory import NeedsMemoryError, available_bytes
from tests.degenerate.calls import BASE
from tests.degenerate.graphs import NAMES, TREE

METHOD = replace(BASE, num_iterations=2)
MEMBERS = 10_000


def star(leaves: int) -> cj.Graph:
    return cj.from_edges(np.zeros(leaves, int), np.arange(1, leaves + 1), num_entities=leaves + 1)


@pytest.mark.parametrize("leaves", [2_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_a_star(leaves):
    graph = star(leaves)
    found = cj.embed(graph, METHOD, init=np.eye(leaves + 1, 4, dtype=np.float32))
    assert np.isfinite(found.vectors).all()
    leaf = np.tile(found.vectors[5], (leaves - 4, 1))
    np.testing.assert_allclose(found.vectors[5:], leaf, atol=1e-5)  # first vectors of these are alike, too
    np.testing.assert_allclose(np.asarray(cj.markov(graph).row_sum), 1)
    assert stats.degrees(graph).tolist() == [leaves] + [1] * leaves
    assert stats.core_numbers(graph).tolist() == [1] * (leaves + 1)
    assert stats.diameter(graph) == 2 and not stats.clustering(graph).triangles.any()
    assert stats.connected_components(graph).size.tolist() == [leaves + 1]
    hub = (0.15 / (leaves + 1)) * (1 + 0.85 * leaves) / (1 - 0.85**2)
    rank = stats.pagerank(graph)
    assert rank[0] == pytest.approx(hub) and rank[1:].max() == pytest.approx(rank[1:].min())
    assert stats.report(graph).largest == 1
    links = cj.predict_links(found, graph, 1, entities=["7"])
    assert len(links) == 1 and links.target[0] > 3
    assert sampling.k_hop(graph, np.array([1]), 2, fanout=5)[0].tolist()[:2] == [0, 1]


@pytest.mark.slow
def test_methods_on_a_star_of_a_million_leaves():
    graph = star(1_000_000)
    for method in (cj.ProNE(dim=4), cj.RandNE(dim=4), cj.FastRP(dim=4), cj.HOPE(dim=4), cj.SpectralCleora(dim=4)):
        assert np.isfinite(cj.embed(graph, method).vectors).all(), method
    for method in (cj.NetMF(dim=4), cj.GraRep(dim=4)):
        with pytest.raises(NeedsMemoryError, match="SketchNE"):  # which would fit
            cj.embed(graph, method)


@pytest.fixture(scope="module")
def crowd() -> cj.Graph:
    """A hyperedge of 10,000, and one of two of its members."""
    return cj.from_hyperedges([[str(row) for row in range(MEMBERS)], ["0", "1"]])


def test_a_hyperedge_of_ten_thousand_is_multiplied_in_parts(crowd):
    """Never as its 100 million pairs; rows sum to 1, and members of the same hyperedges have the same vector."""
    assert crowd.entries() == {"clique": MEMBERS * (MEMBERS - 1) + 2 + MEMBERS, "factored": 2 * MEMBERS + 4}
    op = cj.markov(crowd)
    assert op.num_entries == 2 * MEMBERS + 4
    np.testing.assert_allclose(op @ np.ones((MEMBERS, 1), np.float32), 1, rtol=1e-5)
    found = cj.embed(crowd, METHOD).vectors
    assert np.isfinite(found).all() and (found[2:] == found[2]).all() and (found[0] == found[1]).all()
    assert (found[0] != found[2]).any()
    assert stats.connected_components(crowd).size.tolist() == [MEMBERS]
    assert stats.report(crowd).degrees is None
    assert not len(cj.predict_links(cj.embed(crowd, METHOD), crowd, 1, entities=["5"]))


@pytest.mark.parametrize(
    "call",
    [
        lambda graph: graph.counts(),
        lambda graph: cj.adjacency(graph),
        lambda graph: cj.markov(graph, "directed"),
        lambda graph: cj.embed(graph, cj.ProNE(dim=4)),
        lambda graph: cj.embed(graph, replace(METHOD, attention_temperature=1.0)),
        lambda graph: preprocess.ppmi(graph),
        lambda graph: stats.clustering(graph),
    ],
)
def test_what_needs_all_its_pairs_says_how_much_that_is(crowd, call, monkeypatch):
    monkeypatch.setattr(_memory, "available_bytes", lambda: 1 << 30)
    with pytest.raises(NeedsMemoryError, match=r"49,995,001 pairs in hyperedges needs about 4\.7 GiB, 1\.0 GiB are"):
        call(crowd)


@pytest.mark.slow
def test_all_pairs_of_a_hyperedge_of_ten_thousand():
    if (available_bytes() or 0) < 6 << 30:
        pytest.skip("needs 6 GiB")
    matrix = cj.adjacency(cj.from_hyperedges([[str(row) for row in range(MEMBERS)]]))
    assert matrix.nnz == MEMBERS * (MEMBERS - 1)
    np.testing.assert_allclose(matrix.sum(axis=1), 1, rtol=1e-4)


def test_more_pairs_than_any_memory_holds():
    graph = cj.from_hyperedges([[str(row) for row in range(300_000)]])
    with pytest.raises(NeedsMemoryError, match="44,999,850,000 pairs in hyperedges"):
        cj.adjacency(graph)


@pytest.mark.slow
def test_a_million_equal_lines(tmp_path):
    lines = [f"{NAMES[a]}\t{NAMES[b]}" for a, b in TREE]
    (tmp_path / "many.tsv").write_text("\n".join(lines * 90_910) + "\n")
    (tmp_path / "once.tsv").write_text("\n".join(lines) + "\n")
    many, once = (cj.read(tmp_path / name) for name in ("many.tsv", "once.tsv"))
    assert many.num_hyperedges == 90_910 * 11 and many.vocab == once.vocab
    summed = 3 * 90_910 * np.finfo(np.float32).eps / 2  # the factored form adds so many terms a row, one by one
    for method, bound in (
        (METHOD, 1e-4), (replace(METHOD, propagation="symmetric"), 1e-4), (replace(METHOD, form="factored"), summed),
    ):  # fmt: skip
        found, expected = (np.abs(cj.embed(graph, method).vectors) for graph in (many, once))
        np.testing.assert_allclose(found, expected, atol=bound)
    assert preprocess.dedupe(many).num_hyperedges == 11 and stats.report(many).repeated == 90_909 * 11
    assert cj.add_hyperedges(many, many).num_hyperedges == 2 * many.num_hyperedges
    assert cj.remove_hyperedges(many, once).num_hyperedges == many.num_hyperedges - 11
    np.testing.assert_allclose(stats.degrees(many, weighted=True), 90_910 * stats.degrees(once, weighted=True))
