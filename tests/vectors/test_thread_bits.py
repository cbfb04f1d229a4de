"""Clusters and codes have the same bits on one core and on two."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SCRIPT = """
import hashlib, os, sys
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[1])])
import numpy as np
import cleora_jax as cj
rng = np.random.default_rng(0)
for dim in (32, 128, 200):
    x = rng.normal(size=(9_000, dim)).astype(np.float32)
    found = cj.kmeans(x, 50, max_iterations=5)
    codes = cj.compress(cj.Embedding(x, cj.Vocab.of(np.arange(9_000).astype(str).tolist())), cj.ProductQuantization(4, rotations=2))
    print(hashlib.sha256(found.centres.tobytes() + found.labels.tobytes() + codes.codes.tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_bits_do_not_depend_on_threads():
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs 2 processor cores")
    one, two = (
        subprocess.run([sys.executable, "-c", SCRIPT, cores], check=True, capture_output=True, text=True).stdout
        for cores in ("1", "2")
    )
    assert one == two and len(set(one.split())) == 3
