"""The modes that are settings of one loop: scales, attention, weights, directions, metapaths. Each against float64."""

from __future__ import annotations

import json
import pickle
from dataclasses import asdict, replace

import jax.numpy as jnp
import numpy as np
import pycleora
import pytest
import scipy.linalg

from cleora_jax import Cleora, embed, from_edges, from_hyperedges, markov
from cleora_jax.cleora import loop
from cleora_jax.cleora.loop import Numbers, Pending, State, Step, Walk, advance
from cleora_jax.cleora.start import hashed
from cleora_jax.sparse.operator import entry_rows
from cleora_jax.vectors.rows import split_columns
from tests import dense

RNG = np.random.default_rng(4)
N = 400
LINES = [" ".join(map(str, RNG.choice(N, 3, replace=False) // 20 * 20 + RNG.integers(0, 20, 3))) for _ in range(1500)]
GRAPH = from_hyperedges(LINES)
BASE = Cleora(dim=16, whiten_rank=16)


def start_of(graph, method) -> np.ndarray:
    return np.asarray(hashed(graph.vocab, method.dim, method.seed)).astype(float)


class TestScales:
    @pytest.mark.parametrize("whiten", ["every", "last", "off", 2])
    def test_each_part_is_the_run_of_that_depth(self, whiten):
        method = replace(BASE, whiten=whiten)
        found = embed(GRAPH, replace(method, scales=(1, 3, 4))).vectors
        assert found.shape == (N, 48)
        for at, depth in enumerate((1, 3, 4)):
            alone = embed(GRAPH, replace(method, num_iterations=depth)).vectors
            np.testing.assert_array_equal(found[:, 16 * at : 16 * (at + 1)], alone)

    def test_it_costs_the_deepest_alone(self, monkeypatch):
        steps = []
        monkeypatch.setattr("cleora_jax.cleora.tables.advance", lambda *a, **k: steps.append(1) or advance(*a, **k))
        embed(GRAPH, replace(BASE, scales=(2, 5, 9)))
        assert len(steps) == 9

    def test_the_weighted_sum_is_of_parts_turned_onto_the_deepest(self):
        weights = (0.5, -1.0, 2.0)
        parts = np.split(embed(GRAPH, replace(BASE, scales=(1, 3, 6))).vectors.astype(float), 3, axis=1)
        expected = sum(
            w * (x @ scipy.linalg.orthogonal_procrustes(x, parts[-1])[0]) for w, x in zip(weights, parts, strict=True)
        )
        found = embed(GRAPH, replace(BASE, scales=(1, 3, 6), scale_weights=weights)).vectors
        np.testing.assert_allclose(found, expected, atol=1e-4)

    def test_equal_to_pycleora(self):
        theirs = pycleora.SparseMatrix.from_iterator(iter(LINES), "complex::reflexive::node", num_workers=1)
        expected = pycleora.embed_multiscale(theirs, 16, [1, 4], whiten=False, num_workers=1)
        method = Cleora(dim=16, scales=(1, 4), whiten="off", init="pycleora")
        np.testing.assert_allclose(embed(GRAPH, method).vectors, expected, atol=2e-5)


class TestAttention:
    @pytest.mark.parametrize("temperature", [0.1, 0.7, 5.0])
    @pytest.mark.parametrize("options", [{}, {"propagation": "symmetric", "residual_weight": 0.2}, {"whiten": "off"},
                                         {"propagation": "directed"}, {"whiten_rank": 5}])  # fmt: skip
    def test_equals_the_definition(self, temperature, options):
        method = replace(BASE, num_iterations=4, attention_temperature=temperature, **options)
        expected = dense.cleora(
            dense.markov(GRAPH, method.propagation), start_of(GRAPH, method), steps=4, rank=method.whiten_rank,
            whitens=method.whitens, residual=method.residual_weight, temperature=temperature,
        )  # fmt: skip
        assert dense.gram_error(embed(GRAPH, method).vectors, expected) < 2e-4

    @pytest.mark.parametrize("propagation", ["left", "symmetric"])
    def test_without_limit_it_is_plain(self, propagation):
        method = replace(BASE, num_iterations=6, propagation=propagation, whiten="off", residual_weight=0.3)
        plain = embed(GRAPH, method).vectors.astype(float)
        hot, cold = (embed(GRAPH, replace(method, attention_temperature=t)).vectors for t in (1e6, 0.3))
        assert dense.gram_error(hot, plain) < 1e-5 < 1e-2 < dense.gram_error(cold, plain)

    def test_equal_to_pycleora(self):
        theirs = pycleora.SparseMatrix.from_iterator(iter(LINES), "complex::reflexive::node", num_workers=1)
        expected = pycleora.embed_with_attention(
            theirs, 16, 5, attention_temperature=0.5, whiten=False, num_workers=1
        )  # fmt: skip
        method = Cleora(dim=16, num_iterations=5, attention_temperature=0.5, whiten="off", init="pycleora")
        np.testing.assert_allclose(embed(GRAPH, method).vectors, expected, atol=5e-5)

    def test_no_temporary_of_entries_times_columns(self):
        rows, dim = 2000, 128
        op = markov(from_edges(RNG.integers(0, rows, 100_000), RNG.integers(0, rows, 100_000), num_entities=rows))
        ones = jnp.ones(rows)
        walk = Walk(op, ones, ones, entry_rows(op.factors[0]))
        table = split_columns(jnp.ones((rows, dim)))
        state = State(table, Pending.nothing(dim, triangular=True))
        step = Step("l2", True, False, True, True)
        numbers = Numbers(*[np.float32(0.5)] * 3, np.float32(dim))
        compiled = advance.lower(walk, numbers, state, table, step=step).compile()
        assert compiled.as_text().count("cpu_csr_sparse_dense_ffi") == 2  # the table, and the mass of rows
        entry_sized = op.num_entries * dim * 4
        assert compiled.memory_analysis().temp_size_in_bytes < entry_sized / 4

    def test_it_compiles_two_steps(self):
        graph = from_edges(RNG.integers(0, 700, 2000), RNG.integers(0, 700, 2000), num_entities=700)
        before = loop.advance._cache_size()
        for temperature, steps in ((0.5, 4), (0.9, 7)):
            embed(graph, Cleora(dim=8, num_iterations=steps, attention_temperature=temperature))
        assert loop.advance._cache_size() == before + 2


class TestWeights:
    KINDS = {
        "edges": lambda lines, w: from_edges(*np.array([line.split()[:2] for line in lines]).T, w),
        "hyperedges": lambda lines, w: from_hyperedges(list(zip(lines, map(float, w), strict=True))),
        "two columns": lambda lines, w: from_hyperedges(
            [("\t".join(line.split(" ", 1)), float(x)) for line, x in zip(lines, w, strict=True)], "user complex::item"
        ),
    }

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_whole_weight_is_a_repeated_line(self, kind):
        weight = RNG.integers(1, 4, len(LINES))
        method = replace(BASE, num_iterations=5, residual_weight=0.3)
        weighted = embed(self.KINDS[kind](LINES, weight), method)
        repeated = embed(self.KINDS[kind](list(np.repeat(LINES, weight)), np.ones(weight.sum())), method)
        assert weighted.vocab == repeated.vocab
        assert dense.gram_error(weighted.vectors, repeated.vectors.astype(float)) < 1e-4

    @pytest.mark.parametrize("kind", KINDS)
    def test_doubling_all_changes_nothing(self, kind):
        weight = RNG.random(len(LINES)) + 0.1
        one, two = (embed(self.KINDS[kind](LINES, w), replace(BASE, num_iterations=5)) for w in (weight, 2 * weight))
        np.testing.assert_array_equal(one.vectors, two.vectors)

    @pytest.mark.parametrize("kind", KINDS)
    def test_changing_one_changes_what_it_must(self, kind):
        """Unwhitened, two steps: the vectors of entities within two steps of the edge, and no others."""
        weight = np.ones(len(LINES))
        graph = self.KINDS[kind](LINES, weight)
        weight[7] = 9
        method = replace(BASE, num_iterations=2, whiten="off")
        moved = np.abs(embed(graph, method).vectors - embed(self.KINDS[kind](LINES, weight), method).vectors).max(1)
        w = graph.counts().toarray() > 0
        members = np.zeros(len(w), bool)
        for side in (graph.relations[0].left, graph.relations[0].right):
            members[side.take(np.array([7])).member] = True
        reach = (w @ members) | members
        assert (moved[members] > 1e-3).any() and not moved[~reach].any()


class TestDirections:
    SRC, DST = RNG.integers(0, 80, 260), RNG.integers(0, 80, 260)

    def test_both_are_out_and_in_side_by_side(self):
        graph = from_edges(self.SRC, self.DST, num_entities=81)
        method = Cleora(dim=8, num_iterations=3, whiten_rank=8)
        found = embed(graph, replace(method, propagation="directed-both"))
        for at, way in enumerate(("directed", "directed-in")):
            np.testing.assert_array_equal(
                found.vectors[:, 8 * at : 8 * at + 8], embed(graph, replace(method, propagation=way)).vectors
            )
        assert len(found.trace) == 2

    def test_reversing_all_edges_swaps_the_halves(self):
        ids = [str(i) for i in range(81)]
        method = Cleora(dim=8, num_iterations=3, whiten_rank=8, propagation="directed-both")
        one, two = (
            embed(from_edges(a, b, ids=ids), method).vectors for a, b in ((self.SRC, self.DST), (self.DST, self.SRC))
        )
        np.testing.assert_array_equal(one, np.roll(two, 8, axis=1))

    def test_a_sink_keeps_its_vector_and_a_source_is_what_it_points_to(self):
        graph = from_hyperedges(["source middle", "middle sink", "source sink"])
        method = Cleora(dim=8, num_iterations=6, whiten="off", propagation="directed")
        found, start = embed(graph, method), dense.normalize(start_of(graph, method), "l2")
        row = graph.vocab.index
        np.testing.assert_allclose(found["sink"], start[row("sink")], atol=1e-6)
        np.testing.assert_allclose(found["middle"], start[row("sink")], atol=1e-6)
        inward = embed(graph, replace(method, propagation="directed-in"))
        np.testing.assert_allclose(inward["source"], start[row("source")], atol=1e-6)

    def test_sinks_are_told_apart(self):
        """pycleora gives all of them the same vector."""
        graph = from_edges(np.arange(40), np.arange(40, 80))
        found = embed(graph, Cleora(dim=16, num_iterations=4, whiten="off", propagation="directed"))
        cosines = found.vectors[1::2] @ found.vectors[1::2].T
        assert (np.abs(cosines - np.eye(40)) < 0.95).all()


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"scales": (3, 2)}, "`scales` must be rising"),
        ({"scales": (0, 2)}, "`scales` must be between 1"),
        ({"scales": (1, 2), "num_iterations": 7}, "`num_iterations` 7"),
        ({"scales": (10, 20), "num_iterations": 40}, "`num_iterations` 40"),  # though 40 is the default
        ({"scales": (1, 2), "tolerance": 0.1}, "`tolerance`"),
        ({"scales": (1, 2), "scale_weights": (1,)}, "one number per scale"),
        ({"scale_weights": (1.0,)}, "`scale_weights` needs `scales`"),
        ({"scales": (1, 2), "scale_weights": (1, float("nan"))}, "`scale_weights` must be finite"),
        ({"attention_temperature": 0.01}, "`attention_temperature` must be finite and at least 0.05"),
        ({"attention_temperature": 1.0, "form": "factored"}, "form='factored'"),
        ({"metapath": ("a",), "propagation": "symmetric"}, "`metapath` does not go with `propagation`"),
        ({"metapath": ("a",), "attention_temperature": 1.0}, "`metapath` does not go with `attention_temperature`"),
    ],
)
def test_options_that_do_not_go_together(options, match):
    with pytest.raises(ValueError, match=match):
        Cleora(**options)


def test_a_number_of_steps_that_nobody_chose_gives_way():
    default = Cleora()
    assert default.num_iterations == 40 and repr(default).startswith("Cleora(dim=256, num_iterations=40,")
    scaled = replace(default, scales=(10, 20))
    assert scaled == Cleora(scales=(10, 20), num_iterations=20) and scaled.num_iterations == 20
    assert replace(scaled, scales=(5,)).num_iterations == 5 and replace(scaled, scales=()) == default
    for chosen in (Cleora(num_iterations=40), pickle.loads(pickle.dumps(replace(default, num_iterations=40)))):
        assert chosen == default
        with pytest.raises(ValueError, match="`num_iterations` 40"):
            replace(chosen, scales=(10, 20))
    assert pickle.loads(pickle.dumps(replace(default, seed=1))) == Cleora(seed=1)
    assert json.loads(json.dumps(asdict(scaled)))["num_iterations"] == 20
    assert Cleora(**json.loads(json.dumps(asdict(scaled)))) == scaled
