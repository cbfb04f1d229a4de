"""What `bytes_needed` says against what a process takes: a refusal must be neither idle nor too late."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
from pathlib import Path
import numpy as np
import cleora_jax as cj
from cleora_jax.graph.adjacency_matrix import adjacency

def taken(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))

count, edges = int(sys.argv[2]), int(sys.argv[3])
rng = np.random.default_rng(0)
graph = cj.from_edges(*rng.integers(0, count, (2, edges)), num_entities=count)
method = eval(sys.argv[1])
method(cj.from_edges(np.arange(3000), (np.arange(3000) + 1) % 3000))  # what XLA itself takes
entries = adjacency(graph).nnz
before = taken("VmRSS")
Path("/proc/self/clear_refs").write_text("5")  # the peak from here on
method(graph)
print(taken("VmHWM") - before, method.bytes_needed(count, entries))
"""
CASES = {
    "RandNE": ("cj.RandNE()", 200_000, 1_000_000),
    "FastRP": ("cj.FastRP()", 200_000, 1_000_000),
    "ProNE": ("cj.ProNE()", 200_000, 1_000_000),
    "HOPE": ("cj.HOPE()", 200_000, 1_000_000),
    "HOPE, arcs": ("cj.HOPE(directed=True)", 100_000, 500_000),
    "SketchNE": ("cj.SketchNE()", 60_000, 300_000),
    "NetMF": ("cj.NetMF()", 8_000, 80_000),
    "NetMF of few": ("cj.NetMF(rank=256)", 8_000, 80_000),
    "GraRep": ("cj.GraRep()", 8_000, 80_000),
    "Laplacian": ("cj.LaplacianEigenmaps(tolerance=0.01)", 100_000, 500_000),
    "Spectral Cleora": ("cj.SpectralCleora()", 100_000, 500_000),
}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="Linux tells a process's peak of memory")
@pytest.mark.parametrize("name", CASES)
def test_bytes_needed_are_near_what_is_taken(name):
    command = [sys.executable, "-c", SCRIPT, *map(str, CASES[name])]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    taken, told = map(int, done.stdout.split())
    assert 0.6 < told / taken < 1.4, f"{told:,} told, {taken:,} taken"
