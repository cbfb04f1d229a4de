"""The product and the whitening as fractions of the machine: bytes per second against a copy, flop/s against a GEMM.

python experiments/speed/machine.py powerlaw-generated lattice-generated
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from inputs import prepare
from run import hardware

import cleora_jax as cj
from cleora_jax.sparse.reorder import reordered
from cleora_jax.vectors.scale import covariance, transform_rows, whitening_map

HERE = Path(__file__).resolve().parent
DIM, REPEATS = 256, 5


def main(names: list[str]) -> None:
    """One JSON line per input."""
    with (HERE / "machine.jsonl").open("w") as file:
        for name in names:
            file.write(json.dumps({"input": name, "dim": DIM, **measure(name), **hardware()}) + "\n")


def measure(name: str) -> dict[str, float]:
    """GB/s of the product and of a copy, GFlop/s of whitening (covariance and map) and of the best square GEMM."""
    graph = cj.read(prepare(name, Path(tempfile.gettempdir()) / "cleora-jax-speed"))
    op, _ = reordered(cj.markov(graph))
    rows = op.num_entities
    table = jnp.asarray(np.random.default_rng(0).standard_normal((rows, DIM), dtype=np.float32))
    alive = jnp.ones(rows)
    product = seconds(jax.jit(cj.apply), op, table)
    moved = op.nbytes + 4 * DIM * (op.num_entries + rows)  # every entry gathers a row; every row is written once
    host = np.asarray(table)
    copy = seconds(lambda: host.copy())
    map_, _ = whitening_map(table, alive, DIM, 1.0)
    cov = seconds(jax.jit(covariance), table, jnp.zeros(DIM), alive)
    apply_map = seconds(jax.jit(transform_rows, static_argnums=3), table, alive, map_, "l2")
    return {
        "product": moved / product / 1e9,
        "copy": 2 * host.nbytes / copy / 1e9,
        "whitening": 4 * rows * DIM * DIM / (cov + apply_map) / 1e9,
        "gemm": best_gemm(),
    }


def seconds(function: Callable[..., Any], *args: Any) -> float:
    """Median of REPEATS warm calls."""
    jax.block_until_ready(function(*args))
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        jax.block_until_ready(function(*args))
        taken.append(time.perf_counter() - start)
    return median(taken)


def best_gemm() -> float:
    """GFlop/s of a 4096 × 4096 float32 product, the better of JAX and NumPy."""
    a = np.random.default_rng(0).standard_normal((4096, 4096), dtype=np.float32)
    on_device = jnp.asarray(a)
    taken = min(seconds(lambda: a @ a), seconds(jax.jit(lambda x: x @ x), on_device))
    return 2 * 4096**3 / taken / 1e9


if __name__ == "__main__":
    main(sys.argv[1:])
