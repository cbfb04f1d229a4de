"""Experiments run: on tiny inputs, without their figures being looked at."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.conftest import ROOT


def test_speed_smoke(tmp_path):
    command = [sys.executable, "experiments/speed/run.py", "--smoke", "--output", str(tmp_path / "out.jsonl")]
    command += ["--inputs", str(tmp_path), "--only", "powerlaw-generated"]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert {line["mode"] for line in lines} == {"whitened", "plain"}
    for line in lines:  # whether a figure is plausible is for readers: on inputs this small, differences are noise
        assert set(line["cleora_jax"]) == set(line["pycleora"]) == {"build", "embed", "step", "whole", "peak_rss"}


def test_features_smoke(tmp_path):
    command = [sys.executable, "-m", "experiments.features.run", "--smoke", "--output", str(tmp_path / "out.jsonl")]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    choices = [line for line in lines if line.get("chosen")]
    assert {line["source"] for line in lines} == {"karate, features made up"}
    assert len(choices) == len({line["start"] for line in lines}) == 6
    assert all(0 <= line["test"] <= 1 and line["versions"]["jax"] for line in choices)
