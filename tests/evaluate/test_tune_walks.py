"""Depths that share one walk: the same bits and the same trace as each by itself, and only one walk."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import cleora_jax as cj
from cleora_jax.cleora import run as run_module
from cleora_jax.cleora import tables
from cleora_jax.evaluate.tuning import walks

RNG = np.random.default_rng(5)
GRAPH = cj.from_edges(RNG.integers(0, 120, 500), RNG.integers(0, 120, 500), num_entities=123)
BASE = cj.Cleora(dim=24, whiten_rank=5)
FULL = replace(BASE, dim=8, whiten_rank=8)  # whitened by triangles

WAYS = {
    "every": BASE,
    "every, triangular": FULL,
    "last": replace(BASE, whiten="last"),
    "last, full rank": replace(FULL, whiten="last"),
    "off": replace(BASE, whiten="off"),
    "every third": replace(BASE, whiten=3),
    "soft": replace(BASE, whiten_alpha=0.5, residual_weight=0.3),
    "l1": replace(BASE, normalization="l1", whiten="last"),
    "several blocks": replace(BASE, dim=130, whiten_rank=None),
    "attention": replace(BASE, attention_temperature=0.5),
    "both ways": replace(BASE, propagation="directed-both"),
    "both ways, last": replace(BASE, propagation="directed-both", whiten="last"),
    "measured": replace(BASE, tolerance=0),
    "converges": replace(BASE, tolerance=0.2),
    "converges, last": replace(BASE, tolerance=0.3, whiten="last"),
    "converges, every second": replace(BASE, tolerance=0.2, whiten=2),
    "metapath": replace(BASE, metapath=("node",)),
}
DEPTHS = (7, 1, 2, 12, 3)


def same_trace(one, other) -> None:
    pairs = zip(one, other, strict=True) if isinstance(one[0], cj.Trace) else [(one, other)]
    for a, b in pairs:
        for field, wanted in zip(a, b, strict=True):
            np.testing.assert_array_equal(field, wanted)


def check(methods) -> None:
    found = dict(walks.embeddings(GRAPH, methods))
    assert sorted(found) == list(range(len(methods)))
    for place, method in enumerate(methods):
        alone = cj.embed(GRAPH, method)
        np.testing.assert_array_equal(found[place].vectors, alone.vectors, err_msg=repr(method))
        assert found[place].settings == alone.settings and found[place].vocab == alone.vocab
        same_trace(found[place].trace, alone.trace)


@pytest.mark.parametrize("way", WAYS)
def test_depths_of_one_walk_equal_each_alone_to_the_bit(way):
    methods = [replace(WAYS[way], num_iterations=depth) for depth in DEPTHS]
    assert walks.walks_of(methods) == [[0, 1, 2, 3, 4]]
    check(methods)


@pytest.mark.parametrize("way", ["every", "every, triangular", "last", "off", "every third", "both ways", "measured"])
def test_scales_of_the_same_walk_too(way):
    base = WAYS[way]
    methods = [
        replace(base, scales=(1, 2, 4)),
        replace(base, num_iterations=3),
        replace(base, scales=(2, 6), scale_weights=(1, -2)),
        replace(base, scales=(6,)),
        replace(base, num_iterations=6),
    ]
    assert len(walks.walks_of(methods)) == 1
    check(methods)


def test_the_case_of_convergence_is_not_empty():
    """Some depths are reached and some are not."""
    for way in ("converges", "converges, last", "converges, every second"):
        ends = [cj.embed(GRAPH, replace(WAYS[way], num_iterations=depth)).trace for depth in DEPTHS]
        assert len({len(trace.kept) for trace in ends}) > 2 and ends[3].converged and not ends[1].converged, way


def test_only_what_differs_in_depth_shares():
    methods = [
        replace(BASE, num_iterations=2), cj.ProNE(dim=4), replace(BASE, num_iterations=2, seed=1), cj.ProNE(dim=4),
        replace(BASE, num_iterations=9), replace(BASE, num_iterations=5, residual_weight=0.1),
        replace(BASE, num_iterations=5, whiten="last"), replace(BASE, num_iterations=2, tolerance=0.1),
    ]  # fmt: skip
    assert walks.walks_of(methods) == [[0, 4], [1], [2], [3], [5], [6], [7]]


def test_one_walk_as_long_as_the_deepest(monkeypatch):
    """Steps and builds are counted."""
    built, steps = [], []
    monkeypatch.setattr(walks, "Run", lambda graph, method: built.append(method) or run_module.Run(graph, method))
    advance = tables.advance
    monkeypatch.setattr(tables, "advance", lambda *args, **more: steps.append(1) or advance(*args, **more))
    space = {"num_iterations": [3, 5, 2], "seed": [0, 1]}
    found = cj.tune(BASE, space, objective=lambda embedding: float(embedding.vectors[0, 0]), graph=GRAPH)
    assert len(found.trials) == 6 and len(built) == 2 and len(steps) == 2 * 5


def test_a_graph_that_refuses_fails_all_of_the_walk():
    methods = [replace(BASE, metapath=("no such relation",), num_iterations=depth) for depth in (1, 2)]
    found = dict(walks.embeddings(GRAPH, [*methods, BASE]))
    assert all(isinstance(found[place], ValueError) and "no such relation" in str(found[place]) for place in (0, 1))
    assert isinstance(found[2], cj.Embedding)


def test_transient_columns_are_left_out_as_by_embed():
    graph = cj.from_hyperedges([f"u{at % 7}\ti{at} i{at + 1}" for at in range(30)], "transient::user complex::item")
    methods = [cj.Cleora(dim=4, num_iterations=depth, residual_weight=0.5) for depth in (1, 3)]
    for place, embedding in walks.embeddings(graph, methods):
        np.testing.assert_array_equal(embedding.vectors, cj.embed(graph, methods[place]).vectors)


def test_blas_threads_are_as_they_were_while_results_are_looked_at():
    from threadpoolctl import threadpool_info, threadpool_limits

    with threadpool_limits(2, user_api="blas"):
        before = threadpool_info()
        for _ in walks.embeddings(GRAPH, [BASE, replace(BASE, num_iterations=2)]):
            assert threadpool_info() == before
