"""One case in a process of its own: one JSON object of what was told and what came. Started by `run.py`."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

import cleora_jax as cj
from cleora_jax._memory import peak_bytes, resident_bytes

ARCS = 10  # an entity, of graphs of edges


def graph_of(name: str, entities: int) -> cj.Graph:
    """A graph of a name and a size."""
    if name == "baskets":
        return cj.generators.power_law_baskets(entities, entities // 4, mean_size=8.0)
    if name == "uniform":
        return cj.generators.erdos_renyi(entities, ARCS / entities)
    side = round(entities**0.5)  # a square lattice, whose rows are shuffled
    place = np.random.default_rng(0).permutation(side * side).reshape(side, side)
    first = np.concatenate([place[:, :-1].ravel(), place[:-1].ravel()])
    second = np.concatenate([place[:, 1:].ravel(), place[1:].ravel()])
    return cj.from_edges(first, second, num_entities=side * side)


def main(order: dict[str, Any]) -> dict[str, Any]:
    if order["cores"] is not None:  # before XLA makes its threads, which is when it is first used
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: order["cores"]])
    graph = graph_of(order["graph"], order["entities"])
    method = cj.Cleora(dim=order["dim"], num_iterations=order["steps"], storage=order.get("storage", "float32"))
    held = resident_bytes()
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew: generating the graph is not the run
    told = cj.estimate(graph, method, spill=order["folder"], calibrate=False)
    clock: list[float] = []  # at the beginning, and after each step; the last has given out the vectors, too
    begun = time.perf_counter()
    vectors = cj.embed(graph, method, spill=order["folder"], progress=lambda *_: clock.append(time.perf_counter()))
    seconds = time.perf_counter() - begun
    assert np.isfinite(vectors.vectors[:1000]).all()
    peak = peak_bytes()
    guess = cj.estimate(graph, method, spill=order["folder"]).seconds
    steps = np.diff(clock).tolist()
    return {
        "entries": graph.entries(), "rows": graph.num_entities, "held": held, "told": told.needed, "peak": peak,
        "error": (told.peak - peak) / peak, "seconds": seconds, "guess": guess, "first_step": steps[0],
        "step": median(steps[1:-1] or steps), "steps": steps,
    }  # fmt: skip


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))) + "\n")
