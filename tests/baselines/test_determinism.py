"""The same bits on one thread and on several, for every baseline, on a graph of several chunks of rows."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SCRIPT = """
import hashlib, os, sys
threads, *names = sys.argv[1:]
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(threads)])
import numpy as np
import cleora_jax as cj
import cleora_jax.baselines.netmf as netmf
source = np.random.default_rng(1).integers(0, 3001, 12_000)
target = (source + np.random.default_rng(2).integers(1, 60, 12_000)) % 3001
graph = cj.from_edges(source, target, num_entities=3001)
methods = {
    "ProNE": cj.ProNE(), "RandNE": cj.RandNE(), "FastRP": cj.FastRP(), "HOPE": cj.HOPE(),
    "HOPE, arcs": cj.HOPE(directed=True), "SketchNE": cj.SketchNE(filter=cj.Filter()),
    "SketchNE, α": cj.SketchNE(alpha=0.4), "NetMF": cj.NetMF(), "NetMF of few": cj.NetMF(rank=256),
    "NetMF of few, never stored": cj.NetMF(rank=256), "GraRep": cj.GraRep(),
    "Laplacian": cj.LaplacianEigenmaps(dim=16), "Spectral Cleora": cj.SpectralCleora(),
}
for name in names:
    netmf.MAX_DENSE = 100 if name.endswith("never stored") else 20_000
    print(name, hashlib.sha256(cj.embed(graph, methods[name]).vectors.tobytes()).hexdigest())
"""
SPARSE = ["ProNE", "RandNE", "FastRP", "HOPE", "HOPE, arcs", "SketchNE", "SketchNE, α", "Laplacian", "Spectral Cleora"]
DENSE = ["NetMF", "NetMF of few", "NetMF of few, never stored", "GraRep"]


def hashes(threads: int, names: list[str], pool: int = 0) -> list[str]:
    """Of vectors made on so many cores; `pool`, where larger, is the size of XLA's thread pool on them."""
    if threads > len(os.sched_getaffinity(0)):
        pytest.skip(f"needs {threads} processor cores")
    environment = {**os.environ, "NPROC": str(pool)} if pool else None
    command = [sys.executable, "-c", SCRIPT, str(threads), *names]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    lines = done.stdout.splitlines()
    assert len(lines) == len(names)
    return lines


@pytest.mark.slow
@pytest.mark.parametrize("names", [SPARSE, DENSE], ids=["sparse", "dense"])
def test_bit_identical(names):
    reference = hashes(1, names)
    assert reference == hashes(2, names)
    assert reference == hashes(1, names, pool=16)
