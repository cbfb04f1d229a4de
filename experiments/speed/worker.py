"""One engine on one input in a fresh process: prints one JSON object of seconds and bytes. Started by `run.py`."""

from __future__ import annotations

import json
import resource
import sys
import time
from itertools import pairwise
from statistics import median


def cleora_jax(path: str, dim: int, steps: int, whitened: bool) -> dict[str, float]:
    """Build (operator included), then warm steps by the progress callback."""
    import jax

    import cleora_jax as cj

    jax.devices(), cj.markov  # imported, as the peer is, before the clock starts
    start = time.perf_counter()
    graph = cj.read(path)
    op = cj.markov(graph)
    op.row_sum.block_until_ready()
    build = time.perf_counter() - start
    del op
    ticks: list[float] = []
    method = cj.Cleora(dim=dim, num_iterations=steps, whiten="every" if whitened else "off")
    start = time.perf_counter()
    cj.embed(graph, method, progress=lambda *_: ticks.append(time.perf_counter()))
    return {"build": build, "embed": time.perf_counter() - start, "step": warm_step(ticks)}


def pycleora(path: str, dim: int, steps: int, whitened: bool) -> dict[str, float]:
    """Build, then warm steps by its callback (whitened) or by the difference of two lengths (its fast path)."""
    import pycleora as pc

    start = time.perf_counter()
    graph = pc.SparseMatrix.from_files([path], "complex::reflexive::node")
    build = time.perf_counter() - start
    start = time.perf_counter()
    if whitened:
        ticks = [start]
        pc.embed(graph, dim, steps, callback=lambda *_: ticks.append(time.perf_counter()))
        return {"build": build, "embed": time.perf_counter() - start, "step": warm_step(ticks)}
    pc.embed(graph, dim, 1, whiten=False)  # cold: its first vectors and thread pool
    start = time.perf_counter()
    pc.embed(graph, dim, 1, whiten=False)
    one = time.perf_counter()
    pc.embed(graph, dim, steps, whiten=False)
    done = time.perf_counter()
    return {"build": build, "embed": done - one, "step": ((done - one) - (one - start)) / (steps - 1)}


def warm_step(ticks: list[float]) -> float:
    """Median of the steps after the first, which compiles or warms caches."""
    gaps = [after - before for before, after in pairwise(ticks)]
    return median(gaps[1:])


if __name__ == "__main__":
    engine, path, dim, steps, mode = sys.argv[1:]
    begun = time.perf_counter()
    figures = {"cleora_jax": cleora_jax, "pycleora": pycleora}[engine](path, int(dim), int(steps), mode == "whitened")
    figures["whole"] = time.perf_counter() - begun
    figures["peak_rss"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps(figures))
