"""The product and the whitening as fractions of the machine: bytes per second against a copy, flop/s against a GEMM.

python -m experiments.speed.machine powerlaw-generated lattice-generated actor-network
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import cleora_jax as cj
from cleora_jax.sparse.reorder import reordered
from cleora_jax.vectors.passes import Affine, Moments, transform_and_measure
from cleora_jax.vectors.rows import Blocks, split_columns
from experiments.speed.inputs import prepare
from experiments.speed.run import hardware

HERE = Path(__file__).resolve().parent
DIM, REPEATS = 256, 15


def main(names: list[str]) -> None:
    """One JSON line per input."""
    with (HERE / "machine.jsonl").open("w") as file:
        for name in names:
            file.write(json.dumps({"input": name, "dim": DIM, **measure(name), **hardware()}) + "\n")


def measure(name: str) -> dict[str, float]:
    """GB/s of the product and of a copy; GFlop/s of whitening (map and covariance, as done) and of the best GEMM.

    All write into memory that is there already, as the steps of the loop do.
    """
    graph = cj.read(prepare(name, Path(tempfile.gettempdir()) / "cleora-jax-speed"))
    op, _ = reordered(cj.markov(graph))
    rows = op.num_entities
    host = np.random.default_rng(0).standard_normal((rows, DIM), dtype=np.float32)
    alive, affine = jnp.ones(rows), Affine.identity(DIM, triangular=True)
    tables = split_columns(jnp.asarray(host)), split_columns(jnp.asarray(host))
    product_seconds, tables = repeated(lambda pair: multiply(op, *pair), tables)
    sweep_seconds, _ = repeated(lambda done: whiten(done[0], alive, affine), tables)
    copy_seconds, _ = repeated(lambda pair: (np.copyto(pair[1], pair[0]), pair)[1], (host, host.copy()))
    moved = op.nbytes + 4 * DIM * (op.num_entries + rows)  # every entry gathers a row; every row is written once
    flops = 2 * rows * sum(2 * panel.size for panel in affine.panels)  # map and covariance leave out the same blocks
    return {
        "product": moved / product_seconds / 1e9,
        "copy": 2 * host.nbytes / copy_seconds / 1e9,
        "whitening": flops / sweep_seconds / 1e9,
        "gemm": best_gemm(),
    }


@partial(jax.jit, donate_argnames="spare", keep_unused=True)
def multiply(op: cj.Operator, table: Blocks, spare: Blocks) -> tuple[Blocks, Blocks]:
    """One product into `spare`; the pair of tables, swapped."""
    return tuple(cj.apply(op, block) for block in table), table


@partial(jax.jit, donate_argnames="blocks")
def whiten(blocks: Blocks, alive: jax.Array, affine: Affine) -> tuple[Blocks, Moments]:
    """The dense part of a step, in place."""
    return transform_and_measure(blocks, alive, alive, affine, "l2")


def repeated(function: Callable[[Any], Any], state: Any) -> tuple[float, Any]:
    """Median seconds of REPEATS warm calls, each on what the one before returned; and the last."""
    state = jax.block_until_ready(function(state))
    taken = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        state = jax.block_until_ready(function(state))
        taken.append(time.perf_counter() - start)
    return median(taken), state


def best_gemm() -> float:
    """GFlop/s of a 4096 × 4096 float32 product, the better of JAX and NumPy."""
    a = np.random.default_rng(0).standard_normal((4096, 4096), dtype=np.float32)
    square = jax.jit(jnp.matmul)
    on_device = jnp.asarray(a)
    taken = min(repeated(lambda _: a @ a, None)[0], repeated(lambda _: square(on_device, on_device), None)[0])
    return 2 * 4096**3 / taken / 1e9


if __name__ == "__main__":
    main(sys.argv[1:])
