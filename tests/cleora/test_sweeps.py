"""Many settings in one compiled call: each result is that of `embed`, the products stay native, nothing compiles twice."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, replace

import jax
import numpy as np
import pytest

from cleora_jax import Cleora, embed, from_edges, from_hyperedges, sweep
from cleora_jax.cleora import sweeps
from tests import dense
from tests.conftest import TOYS

RNG = np.random.default_rng(6)
GRAPH = from_edges(RNG.integers(0, 300, 1200), RNG.integers(0, 300, 1200), num_entities=303)
BASE = Cleora(dim=12, whiten_rank=12)


def settings_of(embedding) -> Cleora:
    """The method that an embedding says it came from."""
    return Cleora(**{field.name: embedding.settings[field.name] for field in fields(Cleora)})


@pytest.mark.parametrize(
    "options", [{}, {"whiten": "last"}, {"whiten": "off"}, {"whiten_rank": 5}, {"propagation": "symmetric"}]
)
def test_each_equals_embed(options):
    method = replace(BASE, **options)
    found = sweep(
        GRAPH, method, seed=[0, 3], residual_weight=[0.0, 0.4], whiten_alpha=[1.0, 0.6], num_iterations=[1, 3, 6]
    )
    assert len(found) == 24
    order = [(m.seed, m.residual_weight, m.whiten_alpha, m.num_iterations) for m in map(settings_of, found)]
    assert order == sorted(order, key=lambda row: (row[0], row[1], -row[2], row[3]))
    for each in found:
        alone = embed(GRAPH, settings_of(each))
        assert each.vocab == alone.vocab and each.settings == alone.settings
        assert dense.gram_error(each.vectors, alone.vectors.astype(float)) < 1e-4


def test_temperatures():
    found = sweep(GRAPH, BASE, attention_temperature=[0.3, 1.0, 1e6], num_iterations=[2, 5])
    for each in found:
        assert dense.gram_error(each.vectors, embed(GRAPH, settings_of(each)).vectors.astype(float)) < 1e-4


@pytest.mark.parametrize("dim", [8, 40])
def test_products_are_native_and_folded(monkeypatch, dim):
    texts = []
    real = sweeps._runs
    monkeypatch.setattr(
        sweeps, "_runs", lambda *a, **k: texts.append(real.lower(*a, **k).compile().as_text()) or real(*a, **k)
    )
    sweep(GRAPH, Cleora(dim=dim, whiten="off"), seed=range(5), num_iterations=[2, 3])
    (text,) = texts
    calls = [line for line in text.splitlines() if "cpu_csr_sparse_dense_ffi" in line and "custom-call" in line]
    assert calls and "scatter" not in text
    wide = [f"f32[303,{5 * dim}]" in line for line in calls]
    assert all(wide) if dim < 32 else not any(wide)  # narrow tables side by side in one call, wide ones in turn


SCRIPT = """
import numpy as np, cleora_jax as cj
rng = np.random.default_rng(0)
n = 4000
graph = cj.from_edges(rng.integers(0, n, 3 * n), rng.integers(0, n, 3 * n), num_entities=n)
cj.sweep(graph, cj.Cleora(dim=100, num_iterations=3), seed=[0, 1])
"""


def test_whitenings_of_several_runs_do_not_wait_for_each_other():
    """Batched LAPACK calls at one time can hang for ever on two threads: here they did in five runs of five."""
    subprocess.run([sys.executable, "-c", SCRIPT], check=True, timeout=120)


def test_groups_share_one_compilation():
    before = sweeps._runs._cache_size()
    one = sweep(GRAPH, BASE, seed=range(5), num_iterations=[2])
    few = sweep(GRAPH, BASE, seed=range(5), num_iterations=[2], max_bytes=2 * (sweeps.TABLES + 2) * 4 * 303 * 12)
    assert sweeps._runs._cache_size() == before + 2  # five at a time, and two at a time: never a rest of one
    for a, b in zip(one, few, strict=True):
        np.testing.assert_array_equal(a.vectors, b.vectors)


def test_depths_cost_the_deepest_alone():
    """One loop of steps in the program, not one for each depth."""
    count = []
    for depths in ([8], [1, 2, 4, 6, 8]):
        run = sweeps.Run(GRAPH, BASE)
        plan = sweeps._Plan(BASE.step(1, 12), BASE.step(2, 12), False)
        numbers = jax.tree.map(lambda x: np.stack([x]), BASE.numbers(12))
        table = tuple(block[None] for block in run.first("hash").table)
        text = sweeps._runs.lower(run.walk, numbers, table, np.diff([1, *depths]), plan=plan).compile().as_text()
        count.append(text.count("cpu_csr_sparse_dense_ffi"))
    assert count[0] == count[1]


def test_first_vectors_and_relations_are_passed_on():
    table = RNG.standard_normal((303, 12)).astype(np.float32)
    (found,) = sweep(GRAPH, BASE, num_iterations=[3], init=table)
    expected = embed(GRAPH, replace(BASE, num_iterations=3), init=table)
    assert dense.gram_error(found.vectors, expected.vectors.astype(float)) < 1e-4
    assert found.settings == expected.settings
    assert len(sweep(TOYS["transient"], BASE, num_iterations=[2])[0]) == len(TOYS["transient"].kept)
    with pytest.raises(ValueError, match="relations='joint'"):
        sweep(TOYS["relations"], BASE, num_iterations=[2])
    assert len(sweep(TOYS["relations"], BASE, num_iterations=[2], relations="joint")) == 1


@pytest.mark.parametrize(
    ("method", "values", "match"),
    [
        (BASE, {}, "give values for at least one of seed"),
        (BASE, {"num_iterations": [3, 2]}, "`num_iterations` must be rising"),
        (BASE, {"residual_weight": [0.1, 1.0]}, "`residual_weight`"),
        (BASE, {"num_iterations": [0, 3]}, "`num_iterations` must be between 1"),
        (BASE, {"attention_temperature": [0.1, None]}, "None does not go with `sweep`"),
        (BASE, {"seed": [1], "max_bytes": 0}, "`max_bytes` must be at least 1"),
        (replace(BASE, whiten=3), {"seed": [1]}, "`whiten`=3"),
        (replace(BASE, scales=(1, 2)), {"seed": [1]}, r"`scales`=\(1, 2\)"),
        (replace(BASE, tolerance=0.1), {"seed": [1]}, "`tolerance`=0.1"),
        (replace(BASE, propagation="directed-both"), {"seed": [1]}, "`propagation`"),
    ],
)
def test_errors_name_the_argument(method, values, match):
    with pytest.raises(ValueError, match=match):
        sweep(from_hyperedges(["a b", "b c"]), method, **values)
