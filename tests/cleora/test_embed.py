"""The loop against the float64 definition, its modes, its small graphs, and pycleora where it is right."""

from __future__ import annotations

import warnings
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pycleora
import pytest
import scipy.linalg

from cleora_jax import (
    Cleora,
    Graph,
    RandNE,
    RankWarning,
    TwoSidedWarning,
    embed,
    embed_apart,
    from_edges,
    from_hyperedges,
    from_triples,
    load_embedding,
    markov,
    read,
    whiten,
)
from cleora_jax.cleora import loop
from cleora_jax.cleora.start import hashed
from cleora_jax.vectors.scale import whitening_rank
from tests import dense
from tests.conftest import TOYS

RNG = np.random.default_rng(3)
CLUSTERS = np.arange(600) % 12


def clustered():
    """600 entities in 12 groups: a spectrum with room, so that 16 whitened directions are well defined."""
    members = [RNG.choice(np.flatnonzero(c == CLUSTERS), 5).tolist() for c in np.tile(np.arange(12), 60)]
    members += RNG.integers(0, 600, (300, 3)).tolist()
    return from_hyperedges(members)


GRAPH = clustered()


def oracle(graph, method: Cleora) -> np.ndarray:
    start = np.asarray(hashed(graph.vocab, method.dim, method.seed)).astype(float)
    matrix = dense.markov(graph, method.propagation)
    rank = method.whiten_rank or whitening_rank(int((matrix.sum(1) > 0).sum()), method.dim)
    return dense.cleora(
        matrix, start, steps=method.num_iterations, normalization=method.normalization, rank=rank,
        residual=method.residual_weight, whitens=method.whitens, alpha=method.whiten_alpha,
    )  # fmt: skip


MODES = {
    "default": {},
    "one step": {"num_iterations": 1},
    "symmetric": {"propagation": "symmetric"},
    "directed": {"propagation": "directed", "num_iterations": 4},
    "l1": {"normalization": "l1", "whiten": "last"},  # l1 is not blind to rotation: whitened between, it would hang on
    # eigenvectors of near-equal eigenvalues, which float32 cannot tell apart
    "none": {"normalization": "none"},
    "residual": {"residual_weight": 0.3},
    "soft": {"whiten_alpha": 0.5},
    "last": {"whiten": "last", "num_iterations": 5},
    "off": {"whiten": "off", "num_iterations": 6},
    "third": {"whiten": 3, "num_iterations": 7},
    "factored": {"form": "factored"},
    "padded": {"dim": 37, "whiten_rank": 37, "num_iterations": 5},
    "wide": {"dim": 70, "whiten_rank": 20},
    "confined": {"whiten_rank": 5},
    "seed": {"seed": 5},
}


@pytest.mark.parametrize("mode", MODES)
def test_equals_the_definition(mode):
    method = Cleora(**{"dim": 16, "num_iterations": 10, **MODES[mode]})
    found = embed(GRAPH, method)
    assert found.vectors.dtype == np.float32 and found.vectors.shape == (600, method.dim)
    assert dense.gram_error(found.vectors, oracle(GRAPH, method)) < 1e-4


HARD = {
    "large hyperedges": from_hyperedges([RNG.choice(640, 100, replace=False).tolist() for _ in range(1500)]),
    "many small ones": from_hyperedges(RNG.integers(0, 500, (8000, 20)).tolist()),
    "bipartite": from_edges(RNG.integers(0, 300, 3000), RNG.integers(300, 600, 3000)),
    "two components": from_edges(*(RNG.integers(0, 300, (2, 4000)) + 300 * (np.arange(4000) % 2))),
}


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize("form", ["clique", "factored"])
@pytest.mark.parametrize("steps", [1, 5])
def test_where_the_mean_outweighs_the_spread(name, form, steps):
    """One product nearly equalises the rows of a dense hypergraph: what is left to whiten is small beside the mean."""
    method = Cleora(dim=24, whiten_rank=24, num_iterations=steps, form=form)
    assert dense.gram_error(embed(HARD[name], method).vectors, oracle(HARD[name], method)) < 1e-4


@pytest.mark.parametrize("whiten", ["every", 3])
@pytest.mark.parametrize("rank", [11, 32])
def test_columns_are_unique_under_every_schedule(whiten, rank):
    method = Cleora(dim=32, num_iterations=4, whiten=whiten, whiten_rank=rank)
    found, expected = embed(GRAPH, method).vectors, oracle(GRAPH, method)
    sign = np.sign((found * expected).sum(0)) if (whiten, rank) == ("every", 32) else np.ones(32)
    # V's signs are fixed in the coordinates of the table it whitens, and those turn with a triangular whitening before
    np.testing.assert_allclose((found * sign)[:, :11], expected[:, :11], atol=5e-3)
    assert dense.gram_error(found, expected) < 1e-4


def test_columns_too_are_unique():
    """Signs are fixed, so not only the Gram matrix but the vectors agree, where eigenvalues are apart."""
    method = Cleora(dim=16, num_iterations=10, whiten_rank=11)
    np.testing.assert_allclose(embed(GRAPH, method).vectors, oracle(GRAPH, method), atol=2e-3)


@pytest.mark.parametrize("name", TOYS)
@pytest.mark.parametrize("propagation", ["left", "directed"])
@pytest.mark.filterwarnings("ignore:whitening is confined")
def test_every_toy_equals_the_definition(name, propagation):
    graph = TOYS[name]
    method = Cleora(dim=8, num_iterations=4, propagation=propagation, whiten_rank=2)
    expected = oracle(graph, method)[graph.kept]
    found = embed(graph, method, relations="joint" if len(graph.relations) > 1 else None)
    assert len(found) == len(graph.kept)
    assert np.isfinite(found.vectors).all()
    assert dense.gram_error(found.vectors, expected) < 1e-4


@pytest.mark.filterwarnings("ignore:whitening is confined")
def test_isolated_entities_have_the_zero_vector_and_no_say():
    graph = TOYS["isolated"]
    found = embed(graph, Cleora(dim=8, num_iterations=5))
    assert graph.isolated.any()
    assert not found.vectors[graph.isolated].any()
    rows = found.vectors[~graph.isolated].astype(float)
    np.testing.assert_allclose(rows.mean(0), 0, atol=1e-6)
    cov = np.cov(rows.T)
    np.testing.assert_allclose(cov[:2, :2], np.eye(2), atol=1e-5)


def test_weights_matter_and_scale_does_not():
    src, dst = RNG.integers(0, 200, 900), RNG.integers(0, 200, 900)
    weight = RNG.random(900).astype(np.float32) + 0.1
    method = Cleora(dim=8, num_iterations=5)
    plain, weighted, doubled = (
        embed(from_edges(src, dst, w, num_entities=200), method).vectors for w in (None, weight, 2 * weight)
    )
    assert dense.gram_error(doubled, weighted.astype(float)) < 1e-5
    assert dense.gram_error(weighted, plain.astype(float)) > 0.01


def test_permuting_input_lines_changes_rounding_only():
    lines = [" ".join(map(str, RNG.integers(0, 300, 4))) for _ in range(900)]
    method = Cleora(dim=16, num_iterations=6)
    one = embed(from_hyperedges(lines), method)
    two = embed(from_hyperedges([lines[i] for i in RNG.permutation(len(lines))]), method)
    same = two.rows(one.vocab.ids.to_pylist())
    assert dense.gram_error(two.vectors[same] if same.dtype.kind == "i" else same, one.vectors.astype(float)) < 1e-4


def test_forty_steps_reach_the_leading_eigenspace():
    """Whitened steps are block power iteration: the span tends to the leading eigenspace of P, up to the row scale."""
    matrix = dense.markov(GRAPH, "left")
    values, vectors = np.linalg.eig(matrix)
    leading = vectors[:, np.argsort(-np.abs(values))[1:12]].real
    centred = leading - leading.mean(0)
    angles = []
    for steps in (1, 40):
        found = embed(GRAPH, Cleora(dim=12, num_iterations=steps, whiten_rank=12)).vectors[:, :11]
        angles.append(np.degrees(scipy.linalg.subspace_angles(centred, found - found.mean(0)).max()))
    assert angles[0] > 60 and angles[1] < 20


def test_convergence_stops_and_is_traced():
    method = Cleora(dim=11, num_iterations=200, whiten_rank=11, tolerance=1e-3)
    trace = embed(GRAPH, method).trace
    assert trace.converged and 3 < len(trace.kept) < 200
    assert trace.subspace_change[-1] <= 1e-3 < trace.subspace_change[-2]
    assert (trace.kept == 11).all() and np.isfinite(trace.effective_rank).all()
    measured = embed(GRAPH, Cleora(dim=11, num_iterations=3, whiten_rank=11, tolerance=0.0)).trace
    assert not measured.converged and len(measured.subspace_change) == 3


@pytest.mark.parametrize("whiten", ["last", "off", 4])
def test_convergence_stops_under_every_schedule(whiten):
    options = {"dim": 6, "whiten_rank": 6, "whiten": whiten, "propagation": "symmetric"}
    found = embed(GRAPH, Cleora(num_iterations=3000, tolerance=1e-2, **options))
    steps = len(found.trace.kept)
    assert found.trace.converged and steps < 3000
    assert found.trace.kept[-1] == (0 if whiten == "off" else 6)
    again = embed(GRAPH, Cleora(num_iterations=steps, **options))
    np.testing.assert_array_equal(found.vectors, again.vectors)


def test_subspace_change_is_the_angle():
    one, two = (embed(GRAPH, Cleora(dim=11, num_iterations=n, whiten_rank=11)).vectors for n in (5, 6))
    change = embed(GRAPH, Cleora(dim=11, num_iterations=6, whiten_rank=11, tolerance=0.0)).trace.subspace_change[-1]
    angles = scipy.linalg.subspace_angles(one - one.mean(0), two - two.mean(0))
    assert abs(change - np.sqrt((np.sin(angles) ** 2).mean())) < 1e-3


def test_progress_is_called_and_an_interrupt_passes_through():
    seen = []
    embed(GRAPH, Cleora(dim=4, num_iterations=3), progress=lambda stage, done, total: seen.append((done, total)))
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]

    def stop(stage, done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed(GRAPH, Cleora(dim=4, num_iterations=30), progress=stop)


def test_reordering_rows_changes_rounding_only(monkeypatch):
    from cleora_jax.sparse import reorder

    side = 24
    node = RNG.permutation(side * side).reshape(side, side)  # a grid in random order: neighbours are far apart
    src, dst = (np.concatenate(pair) for pair in ((node[:, :-1].ravel(), node[:-1].ravel()),
                                                  (node[:, 1:].ravel(), node[1:].ravel())))  # fmt: skip
    graph = from_edges(src, dst, num_entities=side * side + 3)
    method = Cleora(dim=16, num_iterations=6)
    plain = embed(graph, method).vectors
    monkeypatch.setattr(reorder, "MIN_ENTITIES", 1)
    monkeypatch.setattr(reorder, "MIN_GAIN", 2.0)
    _, order = reorder.reordered(markov(graph))
    assert order is not None
    assert dense.gram_error(embed(graph, method).vectors, plain.astype(float)) < 1e-4


@pytest.mark.parametrize("kind", [np.asarray, jnp.asarray, np.ndarray.tolist])
def test_given_vectors_follow_a_reordering(monkeypatch, kind):
    from cleora_jax.cleora import run as module
    from cleora_jax.sparse import reorder

    order = RNG.permutation(600)
    init = RNG.standard_normal((600, 8)).astype(np.float32)
    method = Cleora(dim=8, num_iterations=2, whiten="off", form="clique")
    plain = embed(GRAPH, method, init=init).vectors
    monkeypatch.setattr(module, "reordered", lambda op: (reorder.permuted(op, order), order))
    np.testing.assert_allclose(embed(GRAPH, method, init=kind(init)).vectors, plain, atol=1e-6)
    wrong = init.copy()
    wrong[7, 3] = np.nan
    with pytest.raises(ValueError, match=f"row 7 \\('{GRAPH.vocab[7]}'\\), column 3"):
        embed(GRAPH, method, init=kind(wrong))


def test_numbers_of_numpy_are_settings_too():
    method = Cleora(dim=np.int64(4), whiten_alpha=np.float32(0.5), seed=np.uint8(3), whiten=np.int32(2))
    assert method == Cleora(dim=4, whiten_alpha=0.5, seed=3, whiten=2)
    assert embed(GRAPH, method).settings["dim"] == 4


def test_warm_start_from_a_file_that_names_no_column(tmp_path):
    first = embed(GRAPH, Cleora(dim=6, num_iterations=3))
    first.save(tmp_path / "first.csv")
    loaded = load_embedding(tmp_path / "first.csv")
    assert loaded.vocab.columns != GRAPH.vocab.columns
    method = Cleora(dim=6, num_iterations=1, whiten="off")
    np.testing.assert_array_equal(
        embed(GRAPH, method, init=loaded).vectors, embed(GRAPH, method, init=first.vectors).vectors
    )
    with pytest.raises(ValueError, match="none of the graph's entities"):
        embed(from_hyperedges(["x y"]), Cleora(dim=6, whiten="off"), init=loaded)


class TestTwoSides:
    """Users and items whose walk never stays: comparable only where something mixes the sides."""

    lines = [f"u{u} i{(7 * u + 3 * j) % 40 + 40 * (u % 4)}" for u in range(200) for j in range(6)]

    def hits(self, **options) -> float:
        """Share of a user's ten nearest items that are the user's own."""
        found = embed(from_hyperedges(self.lines, "user item", format="space"), Cleora(dim=32, **options))
        own: dict[str, set[str]] = {}
        for line in self.lines:
            user, item = line.split()
            own.setdefault(user, set()).add(item)
        near = found.most_similar(list(own), k=6, among="item")
        ids = ({key if isinstance(key, str) else key[1] for key, _ in each} for each in near)
        return float(np.mean([len(each & own[user]) / 6 for user, each in zip(own, ids, strict=True)]))

    def test_a_warning_names_the_remedy_and_the_remedy_helps(self):
        with pytest.warns(TwoSidedWarning, match="residual_weight=0.5"):
            apart = self.hits(num_iterations=5)
        mixed = self.hits(num_iterations=5, residual_weight=0.5)
        assert apart < 0.15 and mixed > 0.5

    @pytest.mark.parametrize("spec", ["user complex::reflexive::item", "complex::reflexive::node"])
    def test_no_warning_where_the_walk_may_stay(self, spec):
        with warnings.catch_warnings():
            warnings.simplefilter("error", TwoSidedWarning)
            embed(from_hyperedges(["u\ti j", "v\tj k"], spec), Cleora(dim=4), relations="joint")


@pytest.mark.parametrize(
    ("x", "options", "match"),
    [
        (np.ones((3, 2)) * np.nan, {}, "row 0, column 0"),
        (np.ones((3, 2)), {"alpha": 5.0}, "`alpha`"),
        (np.ones((3, 2)), {"rank": -3}, "`rank`"),
        (np.ones(3), {}, "must be a matrix"),
    ],
)
def test_whiten_checks_what_it_is_given(x, options, match):
    with pytest.raises(ValueError, match=match):
        whiten(x, **options)


def test_whiten_alone_equals_the_definition():
    x = RNG.standard_normal((500, 20)).astype(np.float32) @ np.diag(np.linspace(0.1, 3, 20)).astype(np.float32)
    x[7] = 0
    expected = dense.whiten(x.astype(float), (x != 0).any(1), 20, 1.0)
    assert dense.gram_error(whiten(x), expected) < 1e-5


def test_null_directions_are_zero_not_noise():
    graph = from_hyperedges([[f"e{i}.{j}" for j in range(30)] + [f"e{(i + 1) % 6}.0"] for i in range(6)])  # rank 6
    found = embed(graph, Cleora(dim=64, whiten_rank=64, num_iterations=30))
    assert found.trace.kept[-1] <= 6
    assert not found.vectors[:, found.trace.kept[-1] :].any()
    assert np.abs(found.vectors).max() < 30


def test_a_graph_without_information_gives_zeros():
    with pytest.warns(RankWarning):
        assert not embed(from_hyperedges(["a b"]), Cleora(dim=4)).vectors.any()


@pytest.mark.parametrize("door", [embed, embed_apart, lambda graph, method: method(graph)])
def test_warnings_point_at_the_caller(door):
    for graph, category in [(from_hyperedges(["a b"]), RankWarning), (from_edges(["u"], ["i"]), RankWarning),
                            (from_hyperedges([["u", "i"]], "user item"), TwoSidedWarning)]:  # fmt: skip
        with pytest.warns(category) as seen:
            door(graph, Cleora(dim=4, num_iterations=1))
        assert {warning.filename for warning in seen} == {__file__}


@pytest.mark.parametrize("steps", [1, 2, 5])
@pytest.mark.parametrize("form", ["clique", "factored"])
@pytest.mark.parametrize("rank", [8, 16])
def test_one_hyperedge_is_no_information_at_any_size(steps, form, rank):
    graph = from_hyperedges([[f"e{i}" for i in range(200)]])
    assert not embed(graph, Cleora(dim=16, whiten_rank=rank, num_iterations=steps, form=form)).vectors.any()


def test_several_relations_are_never_a_silent_choice():
    graph = TOYS["relations"]
    with pytest.raises(ValueError, match="user-item, item.*joint"):
        embed(graph, Cleora(dim=4))
    apart = embed_apart(graph, Cleora(dim=4, num_iterations=2, whiten="off"))
    assert list(apart) == ["user-item", "item"]
    users = graph.vocab.column_of == 0
    assert not apart["item"].vectors[users].any() and apart["user-item"].vectors[users].any()


def many_relations() -> Graph:
    """Relations of 3 to 6,000 edges among 900 entities: factored and clique forms, several ranks, few alive."""
    rng = np.random.default_rng(5)
    sizes = [3, 40, 41, 300, 301, 302, 900, 1000, 3000, 6000]
    among = [6, 60, 60, 200, 210, 220, 900, 900, 900, 900]
    ends = [(rng.integers(0, n, size), rng.integers(0, n, size)) for n, size in zip(among, sizes, strict=True)]
    head, tail = (np.concatenate(side) for side in zip(*ends, strict=True))
    return from_triples(head, np.repeat(np.arange(len(sizes)), sizes), tail)


@pytest.mark.parametrize(
    "options",
    [
        {}, {"scales": (1, 3)}, {"tolerance": 0},
        *(
            pytest.param(options, marks=pytest.mark.slow)
            for options in (
                {"propagation": "directed-both", "whiten": 2}, {"whiten": "off"},
                {"whiten": "last", "whiten_alpha": 0.5}, {"propagation": "symmetric", "residual_weight": 0.3},
                {"attention_temperature": 0.5}, {"whiten_rank": 12},
            )
        ),
    ],
    ids=str,
)  # fmt: skip
def test_apart_is_each_by_itself_to_the_bit(options):
    graph, method = (
        many_relations(),
        Cleora(dim=12, **({} if "scales" in options else {"num_iterations": 3}), **options),
    )
    apart = embed_apart(graph, method)
    assert list(apart) == [str(number) for number in range(10)]
    for name, found in apart.items():
        alone = embed(graph.relation(name), method)
        np.testing.assert_array_equal(found.vectors, alone.vectors)
        assert found.settings == alone.settings and found.vocab == alone.vocab


@pytest.mark.parametrize("options", [{}, {"whiten": "off"}, {"tolerance": 0}], ids=str)
def test_relations_apart_share_what_is_compiled(options):
    graph, method = many_relations(), Cleora(dim=13, num_iterations=3, **options)
    jax.clear_caches()
    embed_apart(graph, method)
    # Room for 4,096 entries as factors, for 4,096, 8,192 and 16,384 as pairs; the first two may or may not have the rank
    # for a triangular whitening.
    assert loop.advance._cache_size() <= 6
    assert loop.finish._cache_size() + loop.snapshot._cache_size() <= 1
    before = loop.advance._cache_size()
    embed_apart(graph, replace(method, seed=2))
    assert loop.advance._cache_size() == before


@pytest.mark.slow
def test_relations_apart_by_any_method():
    graph = many_relations()
    apart = embed_apart(graph, RandNE(dim=8))
    np.testing.assert_array_equal(apart["4"].vectors, embed(graph.relation("4"), RandNE(dim=8)).vectors)


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"dim": 0}, ValueError, "`dim` must be between 1"),
        ({"dim": 2.0}, TypeError, "`dim` must be an integer"),
        ({"dim": True}, TypeError, "`dim`"),
        ({"num_iterations": 0}, ValueError, "`num_iterations`"),
        ({"propagation": "right"}, ValueError, "`propagation` must be one of"),
        ({"normalization": "l3"}, ValueError, "`normalization`"),
        ({"whiten": "often"}, ValueError, "`whiten`"),
        ({"whiten": 0}, ValueError, "`whiten`"),
        ({"whiten_alpha": 1.5}, ValueError, "`whiten_alpha`"),
        ({"whiten_rank": 300}, ValueError, "`whiten_rank`"),
        ({"residual_weight": 1.0}, ValueError, r"`residual_weight` must be finite and in \[0, 1\)"),
        ({"residual_weight": float("nan")}, ValueError, "`residual_weight`"),
        ({"init": "random"}, ValueError, "`init`"),
        ({"form": "dense"}, ValueError, "`form`"),
        ({"tolerance": -1.0}, ValueError, "`tolerance`"),
    ],
)
def test_options_are_checked_at_the_door(options, error, match):
    with pytest.raises(error, match=match):
        Cleora(**options)


def knn_agreement(embedding, labels: dict[str, str], k: int = 5) -> float:
    """Share of entities whose label is that of most of their k nearest."""
    good = 0
    for entity in labels:
        near = [labels[other] for other, _ in embedding.most_similar(entity, k=k)]
        good += max(sorted(set(near)), key=near.count) == labels[entity]
    return good / len(labels)


@pytest.mark.filterwarnings("ignore:whitening is confined")
class TestSmallGraphs:
    """What k(n) is for: the default call on graphs of tens of entities (docs/design.md has the evidence)."""

    def test_no_small_graph_is_whitened_to_equal_distances(self):
        assert [whitening_rank(n, 256) for n in (1, 2, 3, 4, 5, 33)] == [1, 1, 1, 2, 2, 3]

    def test_readme_example(self):
        found = embed(from_hyperedges(["alice item_laptop", "alice item_mouse", "bob item_keyboard"]))
        nearest = [entity for entity, _ in found.most_similar("alice", k=4)]
        assert set(nearest[:2]) == {"item_laptop", "item_mouse"}

    @pytest.mark.parametrize("seed", range(5))
    def test_karate(self, seed):
        import networkx as nx

        club = nx.karate_club_graph()
        graph = from_edges(*np.array(club.edges).T)
        labels = {str(node): club.nodes[node]["club"] for node in club}
        assert knn_agreement(embed(graph, Cleora(seed=seed)), labels) >= 0.85

    def test_davis_women(self):
        """The two groups of Davis, Gardner and Gardner (1941): core members' nearest are of their own group."""
        graph = read("examples/davis-women.tsv", "event complex::reflexive::woman").relation("woman")
        first = {"Evelyn_Jefferson", "Laura_Mandeville", "Theresa_Anderson", "Brenda_Rogers"}
        second = {"Sylvia_Avondale", "Nora_Fayette", "Katherina_Rogers", "Helen_Lloyd"}
        found = embed_apart(graph, Cleora())["woman"]
        for group, other in ((first, second), (second, first)):
            for woman in group:
                (_, nearest), _ = found.most_similar(woman, k=1, among="woman")[0]
                assert nearest not in other

    def test_les_miserables(self):
        found = embed(read("examples/lesmis.tsv", weight="last"))
        students = {"Enjolras", "Courfeyrac", "Combeferre", "Bossuet", "Joly", "Bahorel", "Feuilly", "Grantaire",
                    "Prouvaire", "Mabeuf", "Gavroche", "MmeHucheloup", "Marius"}  # fmt: skip
        near = {entity for entity, _ in found.most_similar("Enjolras", k=5)}
        assert len(near & students) >= 4


class TestPycleora:
    """Equal to pycleora 3.2.1 where it is right: one worker, small hyperedges, n much larger than dim."""

    lines = [" ".join(map(str, row)) for row in np.random.default_rng(5).integers(0, 400, (1500, 3))]

    def theirs(self):
        return pycleora.SparseMatrix.from_iterator(iter(self.lines), "complex::reflexive::node", num_workers=1)

    def test_entity_order(self):
        assert from_hyperedges(self.lines).vocab.ids.to_pylist() == list(self.theirs().entity_ids)

    @pytest.mark.parametrize("propagation", ["left", "symmetric"])
    def test_unwhitened(self, propagation):
        method = Cleora(dim=16, num_iterations=5, whiten="off", init="pycleora", propagation=propagation)
        ours = embed(from_hyperedges(self.lines), method).vectors
        theirs = pycleora.embed(self.theirs(), 16, 5, propagation=propagation, whiten=False, num_workers=1)
        np.testing.assert_allclose(ours, theirs, atol=2e-5)

    @pytest.mark.parametrize("residual", [0.0, 0.4])
    def test_whitened_gram(self, residual):
        method = Cleora(dim=16, num_iterations=8, init="pycleora", residual_weight=residual)
        ours = embed(from_hyperedges(self.lines), method).vectors
        theirs = pycleora.embed(self.theirs(), 16, 8, residual_weight=residual, num_workers=1)
        assert dense.gram_error(ours, theirs.astype(float)) < 1e-4
