"""`estimate` and `memory`: what a run takes is told before, and held against what the system reports."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace

import jax
import pytest

import cleora_jax as cj
from cleora_jax._memory import available_bytes, resident_bytes
from cleora_jax.cleora import needs as module

pytestmark = pytest.mark.filterwarnings("ignore::cleora_jax.RankWarning")

SCRIPT = """
import json, sys
from pathlib import Path
import cleora_jax as cj
from cleora_jax._memory import peak_bytes
order = json.loads(sys.argv[1])
graph = eval(order["graph"], {"cj": cj})
Path("/proc/self/clear_refs").write_text("5")
told = cj.estimate(graph, cj.Cleora(**order["method"]), spill=order["spill"], calibrate=False)
cj.embed(graph, cj.Cleora(**order["method"]), spill=order["spill"])
print(json.dumps([told.peak, peak_bytes()]))
"""
UNIFORM = "cj.generators.erdos_renyi(150_000, 10 / 150_000)"
BASKETS = "cj.generators.power_law_baskets(200_000, 50_000, mean_size=8.0)"


@pytest.fixture
def graph():
    return cj.generators.erdos_renyi(3_000, 0.003)


def measured(order, script=SCRIPT):
    """Bytes told and taken by a fresh process."""
    if available_bytes() is None:
        pytest.skip("this system tells no peak that can be begun anew")
    done = subprocess.run([sys.executable, "-c", script, json.dumps(order)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("made", "method", "spilled"),
    [
        (UNIFORM, {"dim": 256}, False),
        (UNIFORM, {"dim": 64, "scales": (1, 2, 3)}, False),
        (UNIFORM, {"dim": 128, "propagation": "directed-both"}, False),
        (UNIFORM, {"dim": 128, "attention_temperature": 0.5}, False),
        (UNIFORM, {"dim": 256}, True),
        (BASKETS, {"dim": 128}, False),
        (BASKETS, {"dim": 128}, True),
    ],
)  # fmt: skip
def test_told_bytes_are_within_a_fifth_of_the_peak(made, method, spilled, tmp_path):
    order = {"graph": made, "method": {"num_iterations": 3, **method}, "spill": str(tmp_path) if spilled else None}
    told, peak = measured(order)
    assert told == pytest.approx(peak, rel=0.2)


@pytest.mark.slow
def test_where_pairs_repeat_no_less_is_told_than_taken():
    order = {"graph": BASKETS, "method": {"dim": 128, "num_iterations": 3, "form": "clique"}, "spill": None}
    told, peak = measured(order)
    assert 0.8 * peak <= told <= 1.5 * peak


def test_bytes_grow_as_tables_and_entries_do(graph):
    """Differences are exact, whatever is held apart from them."""
    table = 4 * graph.num_entities

    def needed(**settings):
        return module.needed_bytes(graph, cj.Cleora(**settings))

    assert needed(dim=128) - needed(dim=64) == 2 * 64 * table
    assert needed(dim=64, scales=(1, 2, 3)) - needed(dim=64) == 4 * 64 * table
    assert needed(dim=64, propagation="directed-both") - needed(dim=64) == 2 * 64 * table
    denser = cj.generators.erdos_renyi(3_000, 0.3)
    more = denser.entries()["clique"] * module.BUILT["clique"]
    assert module.needed_bytes(denser, cj.Cleora(dim=1)) >= more  # building takes as much
    wide, many = cj.Cleora(dim=2048), cj.generators.erdos_renyi(60_000, 0.0001)
    assert 2 * module.needed_bytes(many, wide, spill=True) < module.needed_bytes(many, wide)


def test_seconds_are_of_a_calibration(graph, tmp_path):
    told = cj.estimate(graph, cj.Cleora(dim=16, num_iterations=5))
    assert 0 < told.seconds < 600
    assert cj.estimate(graph, cj.Cleora(dim=16), calibrate=False).seconds is None
    assert cj.estimate(graph, cj.ProNE(dim=16)).seconds is None
    assert cj.estimate(graph, cj.Cleora(dim=16, attention_temperature=1.0)).seconds is None
    assert 0 < cj.estimate(graph, cj.Cleora(dim=16, num_iterations=2), spill=tmp_path).seconds < 600
    assert not list(tmp_path.iterdir())
    assert re.fullmatch(r"[\d.]+ [MG]iB of memory at most \([\d.]+ MiB more than now\), .* s", str(told))


def test_a_run_that_does_not_fit_is_refused_with_figures_and_what_would_fit(graph, tmp_path, monkeypatch):
    method = cj.Cleora(dim=512, num_iterations=1)
    monkeypatch.setattr(module, "resident_bytes", lambda: 200 << 20)  # what a test process holds depends on the others
    needs = module.needed_bytes(graph, method)
    limit = (200 << 20) + needs - 1
    with pytest.raises(cj.NeedsMemoryError, match=r"needs about .* `memory` allows .*holds 200\.0 MiB.*`dim=256`"):
        cj.embed(graph, method, memory=limit)
    assert cj.embed(graph, method, memory=limit + 1).vectors.shape == (3_000, 512)
    many = cj.generators.erdos_renyi(60_000, 0.0001)
    with pytest.raises(cj.NeedsMemoryError, match=r"What would fit: `spill`, the table in a file \(.*\) or `dim="):
        cj.embed(many, cj.Cleora(dim=2048), memory=700 << 20)
    with pytest.raises(cj.NeedsMemoryError, match="needs about"):
        cj.embed(graph, cj.ProNE(), memory=1)
    with pytest.raises(cj.NeedsMemoryError, match="needs about"):
        cj.embed_apart(graph, method, memory=limit)


def test_settings_that_narrower_methods_cannot_have_are_no_obstacle(graph, monkeypatch):
    """Fewer columns than directions, or columns that the steps of GraRep do not divide, are not proposed."""
    whitened = cj.Cleora(dim=256, whiten_rank=100, num_iterations=1)
    assert cj.estimate(graph, whitened).seconds > 0
    monkeypatch.setattr(module, "resident_bytes", lambda: 0)
    with pytest.raises(cj.NeedsMemoryError, match=r"`dim=128` \("):
        cj.embed(graph, whitened, memory=module.needed_bytes(graph, whitened) - 1)
    with pytest.raises(cj.NeedsMemoryError, match="allows the process, it holds 0 bytes"):
        cj.embed(graph, replace(whitened, dim=128), memory=1)
    with pytest.raises(cj.NeedsMemoryError, match="needs about"):
        cj.embed(graph, cj.GraRep(dim=300, num_steps=4), memory=1)


def test_what_is_free_is_looked_at_without_a_limit(graph, monkeypatch):
    monkeypatch.setattr(module, "available_bytes", lambda: 1 << 20)
    with pytest.raises(cj.NeedsMemoryError, match=r"1\.0 MiB are available\.$"):
        cj.embed(graph, cj.Cleora(dim=32))
    with pytest.raises(cj.NeedsMemoryError, match="operator"):
        cj.estimate(graph, cj.Cleora(dim=32))


def test_fit_is_refused_as_well_and_needs_more(graph, monkeypatch):
    method = cj.Cleora(dim=256, num_iterations=1)
    monkeypatch.setattr(module, "resident_bytes", lambda: 0)
    needs = module.needed_bytes(graph, method, fit=True)
    assert needs - module.needed_bytes(graph, method) == 3 * 4 * 256 * graph.num_entities
    with pytest.raises(cj.NeedsMemoryError, match=r"What would fit: `dim=128` \("):
        cj.fit(graph, method, memory=needs - 1)
    assert cj.fit(graph, method, memory=needs).embedding.dim == 256


@pytest.mark.slow
@pytest.mark.parametrize("scales", [(), (1, 2, 3)])
def test_told_bytes_of_fit_are_within_a_fifth_of_the_peak(scales):
    method = {"dim": 128, "num_iterations": 3, **({"scales": scales} if scales else {})}
    script = SCRIPT.replace(
        'cj.embed(graph, cj.Cleora(**order["method"]), spill=order["spill"])', "cj.fit(graph, method)"
    )
    script = script.replace("told = cj.estimate(", 'method = cj.Cleora(**order["method"])\ntold = cj.estimate(')
    script = script.replace(
        "print(json.dumps([told.peak,",
        "from cleora_jax.cleora.needs import needed_bytes\nprint(json.dumps([told.held + needed_bytes(graph, method, fit=True),",
    )
    told, peak = measured({"graph": UNIFORM, "method": method, "spill": None}, script)
    assert told == pytest.approx(peak, rel=0.2)


def test_seconds_are_of_steps_that_whiten_and_of_those_that_do_not(graph, monkeypatch):
    assert module._kinds(cj.Cleora(num_iterations=10)) == {1: 10}
    assert module._kinds(cj.Cleora(num_iterations=10, whiten=3)) == {3: 3, 2: 7}
    assert module._kinds(cj.Cleora(num_iterations=10, whiten=1)) == {1: 10}
    assert module._kinds(cj.Cleora(num_iterations=2, whiten=3)) == {2: 2}
    timed = {3: (1.0, 10.0), 2: (1.0, 1.0)}
    monkeypatch.setattr(module, "_pass_seconds", lambda run, method, tables, iteration: timed[iteration])
    monkeypatch.setattr(module, "_product_seconds", lambda run, columns: 0.0)
    told = module._seconds(graph, cj.Cleora(dim=8, num_iterations=9, whiten=3), lambda: None)
    assert told == pytest.approx(3 * 10 + 6 * 1 + 2 * 1.0 + 2 * 10, abs=3)


def test_options(graph):
    with pytest.raises(cj.OptionError, match="`memory`"):
        cj.embed(graph, memory=0)
    with pytest.raises(cj.OptionError, match="`memory` does not go with `devices`"):
        cj.embed(graph, memory=1 << 40, devices=jax.devices())
    with pytest.raises(cj.OptionError, match="bytes_needed"):
        cj.estimate(graph, lambda graph, **_: None)
    with pytest.raises(TypeError, match="`graph`"):
        cj.estimate("karate")
    with pytest.raises(cj.OptionError, match="`tolerance` does not go with `spill`"):
        cj.estimate(graph, cj.Cleora(tolerance=0.1), spill="/tmp", calibrate=False)
    assert cj.estimate(graph, cj.Cleora(dim=2), calibrate=False).held == pytest.approx(resident_bytes(), rel=0.2)
