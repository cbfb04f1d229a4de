"""One of two processes that measure what they do together: one JSON object. Started by `constants.py`."""

from __future__ import annotations

import ctypes
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import cleora_jax as cj
from cleora_jax.cleora import embed_share, owned, read_share
from cleora_jax.cleora.peers import Joined
from experiments.record import timed
from experiments.scale.worker import resident

DIM, STEPS, TURNS, SLICES = 128, 7, 5, 16


def share(path: str) -> dict[str, Any]:
    """Seconds of reading, of building and of a step; bytes before, at most while reading, and at most later."""
    before = resident()
    read_seconds, shared = clocked(lambda: read_share(path))
    owned.SLICE_PAIRS = 4 * shared.graph.num_hyperedges // SLICES  # so that what a slice takes is small beside the rest
    reading, held = resident("VmHWM"), forget_peak()
    marks, peaks = [time.perf_counter()], []

    def mark(stage: str, done: int, total: int) -> None:
        if done == 0:
            peaks.append(resident("VmHWM"))
            forget_peak()
        marks.append(time.perf_counter())

    vectors = embed_share(shared, cj.Cleora(dim=DIM, num_iterations=STEPS), progress=mark)
    steps = np.diff(marks)
    return {
        "dim": DIM, "lines_here": shared.graph.num_hyperedges, "names_here": len(shared.rows),
        "rows_here": len(vectors),
        "seconds_reading": read_seconds, "seconds_building": float(steps[0]), "step": float(steps[2:].min()),
        "before": before, "reading": reading, "held": held, "building": peaks[0], "running": resident("VmHWM"),
    }  # fmt: skip


def loopback(size: int) -> dict[str, float]:
    """Bytes a second that come from the other process, gathered and exchanged."""
    peers, mine = Joined(), np.zeros(size, np.uint8)
    peers.everyones(mine), peers.swap([mine, mine])
    gather = min(timed(lambda: peers.everyones(mine), 1) for _ in range(TURNS))
    swap = min(timed(lambda: peers.swap([mine, mine]), 1) for _ in range(TURNS))
    return {"gather": size / gather, "swap": size / swap}


def clocked(run: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds, and what came of it."""
    start = time.perf_counter()
    found = run()
    return time.perf_counter() - start, found


def forget_peak() -> int:
    """Bytes held now, without what allocators keep; from now on VmHWM counts anew (Linux)."""
    pa.default_memory_pool().release_unused()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return resident()


if __name__ == "__main__":
    address, number, what, argument = sys.argv[1:]
    cj.join_processes(address, 2, int(number))
    found = share(argument) if what == "share" else loopback(int(argument))
    sys.stdout.write(json.dumps(found) + "\n")
