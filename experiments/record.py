"""What every experiment needs: its arguments, the data, the machine, and lines of JSON that appear together."""

from __future__ import annotations

import argparse
import gzip
import json
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from cleora_jax.benchmark.verb import machine


def arguments(script: str, doc: str | None) -> argparse.Namespace:
    """`--smoke` (tiny, seconds) and `--output` (results.jsonl beside the script)."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--output", type=Path, default=Path(script).resolve().parent / "results.jsonl")
    return parser.parse_args()


def data_folder() -> Path:
    """Where the real data sets lie."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    return Path(os.environ.get("CLEORA_JAX_DATA", beside))


def table(*parts: str) -> np.ndarray:
    """A .tsv.gz of the data folder as strings, one row per line."""
    with gzip.open(data_folder().joinpath(*parts), "rt") as file:
        return np.array([line.rstrip("\n").split("\t") for line in file])


def timed(run: Callable[[], Any], turns: int) -> float:
    """Seconds, the median of some turns."""
    times = []
    for _ in range(turns):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return median(times)


def write(output: Path, lines: Iterable[dict[str, Any]]) -> None:
    """All lines, once there are all, each with the machine; they are shown as they come."""
    done = []
    for line in lines:
        print(json.dumps(line))
        done.append(json.dumps(machine() | line) + "\n")  # lines read back keep the machine that wrote them
    temporary = output.with_suffix(".tmp")
    temporary.write_text("".join(done))
    temporary.replace(output)
