"""Odd graphs whose answer is known: in closed form, by symmetry, or from a dense float64 oracle."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import pytest

import cleora_jax as cj
from cleora_jax import community, evaluate, preprocess, stats
from cleora_jax.sparse.room import roomy
from tests import dense
from tests.baselines import literature
from tests.degenerate.calls import BASE
from tests.degenerate.graphs import COUNT, DIM, EXTREME, GRAPHS, NAMES, SPREAD, TREE, edges

PLAIN = replace(BASE, whiten="off")
START = np.random.default_rng(5).standard_normal((COUNT, DIM)).astype(np.float32)
SOME = np.random.default_rng(6).uniform(1, 3, len(TREE)).astype(np.float32)


def embedded(graph: cj.Graph, method: cj.Cleora, init=START) -> np.ndarray:
    """The bits of `embed`; graphs share what is compiled."""
    (found,) = cj.embed_apart(graph, method, init=init).values()
    return found.vectors


# --- symmetry ---


def test_all_entities_of_a_complete_graph_are_alike():
    """P = a + (1 − a) / n J with a = ½ − 1 / (2 (n − 1)), and its powers likewise."""
    graph = GRAPHS["complete"].graph
    found = embedded(graph, replace(PLAIN, dim=COUNT, normalization="none"), np.eye(COUNT))
    once = 1 / 2 - 1 / (2 * (COUNT - 1))
    np.testing.assert_allclose(found, once**3 * np.eye(COUNT) + (1 - once**3) / COUNT, atol=1e-7)
    for values in (stats.degrees(graph), stats.core_numbers(graph), stats.clustering(graph).triangles):
        assert len(set(values.tolist())) == 1
    np.testing.assert_allclose(stats.pagerank(graph), 1 / COUNT)
    np.testing.assert_allclose(stats.clustering(graph).local, 1)
    assert not stats.betweenness(graph, samples=None).any() and stats.diameter(graph) == 1
    pairs = np.array([(i, j) for i in range(COUNT) for j in range(i)])
    np.testing.assert_allclose(evaluate.adamic_adar(graph, pairs), (COUNT - 2) / np.log(COUNT - 1))
    assert len(community.leiden(graph)) == 1
    assert not cj.predict_links(GRAPHS["complete"].embedding, graph, 3)


def test_all_leaves_of_a_star_are_alike():
    """From first vectors that are alike; a leaf's is ½ its own and ½ the hub's."""
    graph, leaves = GRAPHS["star"].graph, COUNT - 1
    start = np.zeros((COUNT, DIM), np.float32)
    start[0, 0], start[1:, 1] = 1, 1
    for options in ({}, {"normalization": "none"}, {"whiten": "every"}, {"propagation": "symmetric"}):
        found = embedded(graph, replace(PLAIN, **options), start)
        assert np.isfinite(found).all() and (found[1:] == found[1]).all()
    once = embedded(graph, replace(PLAIN, normalization="none", num_iterations=1), start)
    np.testing.assert_allclose(once[[0, 1], :2], 0.5, atol=1e-7)
    rank = stats.pagerank(graph)
    hub = (0.15 / COUNT) * (1 + 0.85 * leaves) / (1 - 0.85**2)
    np.testing.assert_allclose(rank, [hub] + [0.15 / COUNT + 0.85 * hub / leaves] * leaves, rtol=1e-9)
    assert stats.degrees(graph).tolist() == [leaves] + [1] * leaves
    assert stats.betweenness(graph, samples=None).tolist() == [leaves * (leaves - 1) / 2] + [0] * leaves
    assert stats.core_numbers(graph).tolist() == [1] * COUNT and stats.diameter(graph) == 2
    for one in (cj.NetMF(dim=DIM, window=1), cj.HOPE(dim=DIM), cj.SpectralCleora(dim=DIM), cj.ProNE(dim=DIM)):
        vectors = cj.embed(graph, one).vectors
        assert np.isfinite(vectors).all() and (vectors[0] != vectors[1]).any()


WAYS = {
    "left": {}, "symmetric": {"propagation": "symmetric"}, "l1": {"normalization": "l1"}, "every": {"whiten": "every"},
    "init": {"init": "pycleora"},
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_both_ends_of_a_pair_have_one_vector(way):
    """P has rows (½, ½): a step makes them equal, to the bit, and no pair sees another."""
    found = embedded(GRAPHS["pairs"].graph, replace(PLAIN, **WAYS[way]), None)
    np.testing.assert_array_equal(found[::2], found[1::2])
    assert found.any(axis=1).all() and len(np.unique(found, axis=0)) == COUNT // 2


def test_components_of_pairs():
    graph = GRAPHS["pairs"].graph
    assert stats.connected_components(graph).size.tolist() == [2] * (COUNT // 2)
    assert len(community.louvain(graph)) == len(community.leiden(graph)) == COUNT // 2
    assert community.modularity(graph, community.leiden(graph)) == pytest.approx(1 - 2 / COUNT)
    assert preprocess.largest_component(graph).num_entities == 2


def test_one_hyperedge_of_all_leaves_nothing_to_tell_apart():
    """P = 1/n J: all rows are equal after a step, and whitening makes zeros of them, and says so."""
    graph = GRAPHS["one hyperedge of all"].graph
    for form in ("factored", "clique"):
        found = embedded(graph, replace(PLAIN, form=form, normalization="none"))
        np.testing.assert_allclose(found, np.tile(START.mean(axis=0), (COUNT, 1)), atol=1e-6)
        with pytest.warns(cj.RankWarning, match="no direction at all"):
            assert not embedded(graph, replace(BASE, form=form)).any()
    with pytest.warns(cj.RankWarning, match="no direction at all"):
        assert not cj.embed(cj.from_hyperedges(["a b"]), BASE).vectors.any()


def test_equal_lines_count_as_often_as_they_stand():
    """A thousand of each are one of each, and one of each of weight 1,000."""
    many, once, heavy = GRAPHS["repeated lines"].graph, edges(TREE)(), edges(TREE, np.full(len(TREE), 1000.0))()
    assert many.num_hyperedges == 1000 * len(TREE)
    np.testing.assert_array_equal(many.counts().toarray(), heavy.counts().toarray())
    for way in WAYS:
        one, other = (embedded(graph, replace(PLAIN, **WAYS[way])) for graph in (many, once))
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(preprocess.dedupe(many).counts().toarray(), once.counts().toarray())


# --- two sides ---


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_walk_of_period_two_changes_sides(steps):
    """From vectors of one side alone, those of the other alone come after an odd number of steps."""
    graph = GRAPHS["period 2"].graph
    parent = dict(TREE)
    odd = np.array([sum(1 for _ in ancestors(row, parent)) % 2 == 1 for row in range(COUNT)])
    start = START * odd[:, None]
    found = embedded(graph, replace(PLAIN, num_iterations=steps), start)
    there = odd if steps % 2 == 0 else ~odd
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), there, atol=1e-6)
    expected = dense.cleora(
        dense.markov(graph, "left"), start.astype(float), steps=steps, whitens=lambda step: False, rank=DIM
    )
    np.testing.assert_allclose(found, expected, atol=1e-6)


def ancestors(row: int, parent: dict[int, int]):
    while row in parent:
        row = parent[row]
        yield row


def test_a_walk_of_period_two_that_is_asked_to_settle_ends():
    found = cj.embed(GRAPHS["period 2"].graph, replace(BASE, tolerance=1e-6, num_iterations=300))
    assert np.isfinite(found.vectors).all() and len(found.trace.kept) <= 300


# --- weights ---

SHIFTS = (4.0**-25, 4.0**25)  # about 1e±15; powers of 4, so that square roots are exact as well
SCALE_FREE = {
    "left": PLAIN,
    "symmetric": replace(PLAIN, propagation="symmetric"),
    "directed": replace(PLAIN, propagation="directed"),
    "whitened": BASE,
    "residual": replace(PLAIN, residual_weight=0.5),
    "NetMF": cj.NetMF(dim=DIM),
    "NetMF of few": cj.NetMF(dim=DIM, rank=8),
    "SketchNE": cj.SketchNE(dim=DIM, rank=8),
    "GraRep": cj.GraRep(dim=DIM, num_steps=2),
    "HOPE": cj.HOPE(dim=DIM),
    "RandNE": cj.RandNE(dim=DIM),
    "Spectral Cleora": cj.SpectralCleora(dim=DIM),
    "DeepWalk": cj.DeepWalk(dim=DIM, num_walks=2, walk_length=5, window=2),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] * (name in ("DeepWalk", "GraRep"))) for name in SCALE_FREE]
)
def test_the_unit_of_weights_does_not_matter(name):
    """To the bit, for units that are rounded nowhere."""
    method = SCALE_FREE[name]
    run = (lambda graph: embedded(graph, method)) if isinstance(method, cj.Cleora) else (
        lambda graph: cj.embed(graph, method).vectors
    )  # fmt: skip
    plain = run(edges(TREE, SOME)())
    assert plain.any()
    for shift in SHIFTS:
        np.testing.assert_array_equal(run(edges(TREE, SOME * shift)()), plain)


def test_the_unit_of_weights_does_not_matter_but_for_rounding():
    """Where a logarithm or a solver on the host comes between."""
    graphs = [edges(TREE, SOME * shift)() for shift in (1.0, *SHIFTS)]
    for call in (
        lambda graph: stats.pagerank(graph),
        lambda graph: preprocess.ppmi(graph).counts().toarray(),
        lambda graph: community.modularity(graph, community.leiden(graph)),
        lambda graph: community.spectral(graph, 3).codes,
        lambda graph: dense.normalize(cj.embed(graph, cj.LaplacianEigenmaps(dim=2)).vectors.astype(float), "l2"),
        lambda graph: cj.embed(graph, cj.FastRP(dim=DIM)).vectors,
        lambda graph: cj.embed(graph, cj.HOPE(dim=DIM, directed=True)).vectors,
    ):
        first, *others = map(call, graphs)
        for other in others:
            np.testing.assert_allclose(other, first, rtol=1e-4, atol=1e-5)


WEIGHTS = {
    "30 orders": SPREAD.astype(np.float32),
    "the largest": EXTREME,
    "the smallest": EXTREME / np.float32(3e38) * np.float32(1e-7),
}


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("propagation", ["left", "symmetric", "directed"])
def test_weights_of_many_orders_against_the_definition(weights, propagation):
    graph = edges(TREE, WEIGHTS[weights])()
    matrix = dense.markov(graph, propagation)
    found = embedded(graph, replace(PLAIN, propagation=propagation))
    start = START.astype(float)
    expected = dense.cleora(matrix, start, steps=3, whitens=lambda step: False, rank=DIM)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    once = embedded(graph, replace(PLAIN, propagation=propagation, num_iterations=1, whiten="last", whiten_rank=3))
    normal = dense.normalize(matrix @ start, "l2")
    np.testing.assert_allclose(np.abs(once), np.abs(dense.whiten(normal, matrix.sum(1) > 0, 3, 1.0)), atol=2e-3)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_sharp_attention_over_weights_of_many_orders(weights):
    graph = edges(TREE, WEIGHTS[weights])()
    for propagation in ("left", "symmetric"):
        found = embedded(graph, replace(PLAIN, propagation=propagation, attention_temperature=0.05))
        expected = dense.cleora(
            dense.markov(graph, propagation), START.astype(float), steps=3, whitens=lambda step: False, rank=DIM,
            temperature=0.05,
        )  # fmt: skip
        np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_gradients_over_weights_of_many_orders(weights):
    """Of products with P by the adjoint, with relations mixed, and by the weights of relations."""
    graph = edges(TREE, WEIGHTS[weights])()
    matrix, wanted = dense.markov(graph, "left"), np.random.default_rng(1).standard_normal((COUNT, DIM))
    op = roomy(cj.markov(graph, form="clique"))
    found = jax.grad(lambda x: (cj.apply(op, x) * jnp.asarray(wanted, jnp.float32)).sum())(jnp.asarray(START))
    np.testing.assert_allclose(found, matrix.T @ wanted, rtol=1e-5, atol=1e-6)
    together = cj.mixture(cj.from_relations({"one": graph, "two": graph}))
    for shares in ((1.0, 1.0), (1.0, 1e-6)):
        mixed = cj.mix(together, jnp.asarray(shares))
        np.testing.assert_allclose(mixed @ jnp.asarray(START), matrix @ START.astype(float), atol=1e-6)
        slope = jax.grad(lambda w: (cj.mix(together, w) @ jnp.asarray(START)).sum())(jnp.asarray(shares))
        np.testing.assert_allclose(slope * np.array(shares), 0, atol=1e-4)  # both say the same, whatever their shares


@pytest.mark.parametrize("weights", WEIGHTS)
def test_what_is_counted_of_weights_of_many_orders(weights):
    graph = edges(TREE, WEIGHTS[weights])()
    counts, matrix = dense.counts(graph), cj.adjacency(graph).toarray().astype(float)
    np.testing.assert_allclose(stats.degrees(graph, weighted=True), matrix.sum(axis=1), rtol=1e-6)
    row, column = np.nonzero(counts)
    ratio = counts[row, column] * counts.sum() / (counts.sum(axis=1)[row] * counts.sum(axis=0)[column])
    np.testing.assert_allclose(
        preprocess.ppmi(graph).counts().toarray()[row, column], np.maximum(np.log(ratio), 0), rtol=1e-5, atol=1e-5
    )
    other = nx.from_numpy_array(matrix / matrix.max())
    groups = [set(range(6)), set(range(6, COUNT))]
    assert community.modularity(graph, [0] * 6 + [1] * 6) == pytest.approx(
        nx.community.modularity(other, groups), abs=1e-6
    )
    rank = nx.pagerank(other, tol=1e-12, max_iter=5000)
    np.testing.assert_allclose(stats.pagerank(graph), list(rank.values()), atol=1e-5)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_matrices_behind_baselines_over_weights_of_many_orders(weights):
    """All columns, so that products of the vectors tell the matrix."""
    graph = edges(TREE, WEIGHTS[weights])()
    a = cj.adjacency(graph).toarray().astype(float)
    a /= a.max()
    logs = literature.log_plus(literature.netmf_matrix(a, 3, 1.0))
    left, values, _ = np.linalg.svd(logs)
    found = cj.embed(graph, cj.NetMF(dim=COUNT, window=3)).vectors
    assert dense.gram_error(found, left * np.sqrt(values)) < 2e-3
    f = literature.prone_matrix(a)
    left, values, _ = np.linalg.svd(f)
    found = cj.embed(graph, cj.ProNE(dim=COUNT, filter=None)).vectors
    assert dense.gram_error(found, literature.rown(left * np.sqrt(values))) < 2e-3
    values, vectors = np.linalg.eigh(a)
    scaled = values / np.abs(values).max() / 2
    root = vectors * np.sqrt(np.abs(scaled / (1 - scaled)))
    found = cj.embed(graph, cj.HOPE(dim=2 * COUNT, scaling="none")).vectors[:, :COUNT]
    assert dense.gram_error(found, root) < 2e-3


def test_weights_that_float32_cannot_hold_are_refused(tmp_path):
    for weight in (1e-50, 1e39, -1e-50):
        with pytest.raises(cj.InputError, match="`weight`, edge 1: weight .* must be finite .* float32"):
            cj.from_edges(["a", "b"], ["b", "c"], [1.0, weight])
        with pytest.raises(cj.InputError, match="line 2: weight .* too small for float32"):
            cj.from_hyperedges(["a b 1", f"a b {weight}"], weight="last")
        with pytest.raises(cj.InputError, match="hyperedge 2: weight .* too small for float32"):
            cj.from_hyperedges([(["a", "b"], 1.0), (["a", "c"], weight)])
        with pytest.raises(cj.InputError, match="row 2"):
            cj.from_table({"u": ["a", "b"], "i": ["x", "y"], "w": [1.0, weight]}, "u i w", weight="w")
        path = tmp_path / "in.tsv"
        path.write_text(f"a\tb\t1\nc\td\t{weight}\n")
        with pytest.raises(cj.InputError, match="line 2: weight .* too small for float32"):
            cj.read(path, weight="last")
    graph = cj.from_edges(["a", "b"], ["b", "c"], [1.0, 1e-40])
    with pytest.raises(cj.InputError, match="a weight times 1e-10 is less than float32 holds"):
        cj.reweighted(graph, {"node": 1e-10})
    assert cj.reweighted(graph, {"node": 0.0}).isolated.all()


def test_names_of_the_graphs_are_in_order():
    assert GRAPHS["star"].ids == NAMES
