"""What a person has at hand: the program, a file of baskets, vectors saved of it, a model of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cleora_jax.cli import main

BASKETS = "\n".join(f"item{i % 7} item{(i * 3 + 1) % 7} item{(i * 5 + 2) % 11}" for i in range(40)) + "\n"
SMALL = ["--dim", "8", "--iterations", "3"]


def run(*args: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "cleora_jax", *args], capture_output=True, text=True, **options)


@pytest.fixture
def baskets(tmp_path):
    path = tmp_path / "baskets.txt"
    path.write_text(BASKETS)
    return str(path)


@pytest.fixture
def saved(tmp_path, baskets):
    path = str(tmp_path / "saved.npz")
    assert main(["embed", "-i", baskets, "-o", path, "-q", *SMALL]) == 0
    return path


@pytest.fixture
def model(tmp_path, baskets):
    path = str(tmp_path / "model.npz")
    assert main(["embed", "-i", baskets, "-o", str(tmp_path / "first.npz"), "--save-model", path, "-q", *SMALL]) == 0
    return path
