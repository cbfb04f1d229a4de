"""The experiment runs: on a tiny graph, without its figures being looked at."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.conftest import ROOT


def test_refine_smoke(tmp_path):
    command = [sys.executable, "-m", "experiments.refine.run", "--smoke", "--output", str(tmp_path / "out.jsonl")]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    chosen = [line for line in lines if line["chosen"]]
    assert sorted(line["engine"] for line in chosen) == ["cleora_jax", "plain", "pycleora"]
    assert all(0 <= line[side] <= 1 and line["versions"]["jax"] for line in lines for side in ("validation", "test"))
    timed = [line for line in lines if "cold" in line]
    assert len(timed) == 1 and timed[0] in chosen
    assert set(timed[0]["seconds"][0]) == {"pycleora", "pycleora, default", "cleora_jax", "cleora_jax, default"}
