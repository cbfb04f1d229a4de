"""How do time and memory grow with entities and columns, and does `estimate` know before?

python -m experiments.growth.run             # about an hour on 2 cores
python -m experiments.growth.run --smoke
python -m experiments.growth.run --only spill    # alone; lines of other kinds stay in the file as they are
python -m experiments.growth.run --only cores --output experiments/growth/cores.jsonl
python -m experiments.growth.plots           # docs/img/growth.svg and growth-cores.svg

Every line is a fresh process: a generated graph, `estimate`, then `embed` with few steps, so that a step's time is
a median of several (of 2 million entities × 1,024 columns it is one). Kinds: "entities" (10⁴ to 2·10⁶, 128 columns,
ten arcs an entity), "columns" (32 to 1,024 of 10⁵ entities), "baskets" (factored hyperedges), "lattice" (neighbours are
near), "spill" (the table in a file), "cores" (as many as there are).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from experiments.record import write

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


class Case(NamedTuple):
    """What is run: a graph by its kind and size, columns, whether the table is in a file, cores (None: all), steps."""

    kind: str
    graph: str
    entities: int
    dim: int
    spill: bool = False
    cores: int | None = None
    steps: int = 6


CASES = (
    *(Case("entities", "uniform", size, 128) for size in (10_000, 30_000, 100_000, 300_000, 1_000_000, 2_000_000)),
    *(Case("columns", "uniform", 100_000, dim) for dim in (32, 64, 256, 512, 1024)),
    *(Case("baskets", "baskets", size, 128) for size in (10_000, 100_000, 1_000_000)),
    *(Case("lattice", "lattice", size, 128) for size in (100_000, 1_000_000, 2_000_000)),
    Case("spill", "uniform", 100_000, 256, True),
    Case("spill", "uniform", 2_000_000, 256, True),
    Case("spill", "uniform", 2_000_000, 1024, True, steps=1),
)
CORES = tuple(Case("cores", "uniform", 1_000_000, 128, cores=count) for count in (1, 2, 4, 8, 16))
SMOKE = (
    Case("entities", "uniform", 2_000, 32),
    Case("baskets", "baskets", 2_000, 32),
    Case("spill", "lattice", 2_000, 32, True),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--only", nargs="+", choices=sorted({case.kind for case in (*CASES, *CORES)}))
    parser.add_argument("--output", type=Path, default=HERE / "results.jsonl")
    args = parser.parse_args()
    cores = [case for case in CORES if case.cores <= len(os.sched_getaffinity(0))]  # type: ignore[operator]
    cases = [
        case for case in (SMOKE if args.smoke else (*CASES, *cores)) if args.only is None or case.kind in args.only
    ]
    write(args.output, (line for some in (kept(args.output, args.only), map(measured, cases)) for line in some))


def kept(output: Path, only: list[str] | None) -> list[dict[str, Any]]:
    """Lines of kinds that are not measured now."""
    if only is None or not output.exists():
        return []
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    return [line for line in lines if line["kind"] not in only]


def measured(case: Case) -> dict[str, Any]:
    """Figures of a fresh process."""
    with TemporaryDirectory(dir=HERE) as folder:
        order = json.dumps(case._asdict() | {"folder": folder if case.spill else None})
        command = [sys.executable, "-m", "experiments.growth.worker", order]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    settings = {name: value for name, value in case._asdict().items() if value is not None}
    return settings | json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
