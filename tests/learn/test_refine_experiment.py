"""The experiment runs: on a tiny graph, without its figures being looked at."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.conftest import ROOT


@pytest.mark.slow
def test_refine_smoke(tmp_path):
    for part in ("run", "times"):
        command = [
            sys.executable,
            "-m",
            f"experiments.refine.{part}",
            "--smoke",
            "--output",
            str(tmp_path / "out.jsonl"),
        ]
        subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    scores, times = ([line for line in lines if line["kind"] == kind] for kind in ("score", "time"))
    chosen = [line for line in scores if line["chosen"]]
    assert sorted(line["engine"] for line in chosen) == ["cleora_jax", "plain", "pycleora"]
    assert all(0 <= line[side] <= 1 and line["versions"]["jax"] for line in scores for side in ("validation", "test"))
    engines = [f"{engine}, {way}" for engine in ("pycleora", "cleora_jax") for way in ("default", "chosen")]
    assert len(times) == 1 and sorted(times[0]["seconds"][0]) == sorted(engines)
