"""What does sharing one walk save? The grid of Cleora in one search, and each of its settings in a search of its own.

Nothing is scored, so that only embedding is timed; the first turn compiles.

python -m experiments.tune.times    # after `run`, whose lines it adds to; a minute, nothing beside it
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict
from itertools import product
from typing import Any

import cleora_jax as cj
from experiments.record import arguments, write
from experiments.tune.run import SMOKE, Config, contest, objective_of

TURNS = 4


def main() -> None:
    """One JSON line per source and turn."""
    warnings.simplefilter("ignore", cj.RankWarning)
    args = arguments(__file__, __doc__)
    lines = [line for line in map(json.loads, args.output.read_text().splitlines()) if line["kind"] != "time"]
    config = SMOKE if args.smoke else Config()
    taken = (line for name in config.sources for line in times(name, config, 2 if args.smoke else TURNS))
    write(args.output, [*lines, *taken])


def times(name: str, config: Config, turns: int) -> Iterator[dict[str, Any]]:
    """Seconds of one search with shared walks, and of one search for each setting."""
    graph, (method, space) = objective_of(name, config).graph, contest(config)[0]
    single = [{key: [value] for key, value in zip(space, each, strict=True)} for each in product(*space.values())]
    for turn in range(turns):
        (shared, shared_cpu), (alone, alone_cpu) = (seconds(graph, method, each) for each in ([space], single))
        yield {"kind": "time", "source": name, "settings": len(single), "compiles": turn == 0,
               "shared": shared, "alone": alone,
               "shared_cpu": shared_cpu, "alone_cpu": alone_cpu, "config": asdict(config)}  # fmt: skip


def seconds(graph: cj.Graph, method: cj.Cleora, spaces: list[dict[str, list[Any]]]) -> tuple[float, float]:
    """Of all searches together, by the clock and of all cores."""
    start, spent = time.perf_counter(), time.process_time()
    for space in spaces:
        cj.tune(method, space, objective=nothing, graph=graph)
    return time.perf_counter() - start, time.process_time() - spent


def nothing(embedding: cj.Embedding) -> float:
    """No score."""
    return 0.0


if __name__ == "__main__":
    main()
