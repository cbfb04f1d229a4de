"""cleora_jax beside pycleora 3.2.1: fresh processes in turn on the same file; one JSON line per pair.

python -m experiments.speed.run                 # everything, about 40 minutes on 2 cores
python -m experiments.speed.run --only powerlaw-generated --pairs 5
python -m experiments.speed.run --smoke         # tiny inputs, seconds
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from experiments.speed.inputs import BASKETS, LATTICE, POWERLAW, prepare

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Run:
    """One comparison; steps are few where a step is long, since a warm step is what is measured."""

    input: str
    mode: str  # "whitened", "plain" or "cli"
    dim: int = 256
    steps: int = 8
    pairs: int = 5


RUNS = (
    Run(POWERLAW, "whitened"),
    Run(POWERLAW, "plain"),
    Run(POWERLAW, "cli", steps=40),
    Run(LATTICE, "whitened", steps=4, pairs=3),
    Run(LATTICE, "plain", steps=4, pairs=3),
    Run(BASKETS, "whitened"),
    Run(BASKETS, "plain"),
    Run("ego-facebook", "whitened", steps=40),
    Run("cnr-2000", "whitened", steps=5),
    Run("actor-network", "whitened", steps=5),
)


def main(argv: list[str] | None = None) -> None:
    """Run the comparisons and append their JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="one input")
    parser.add_argument("--mode", help="one mode")
    parser.add_argument("--pairs", type=int)
    parser.add_argument("--smoke", action="store_true", help="tiny generated inputs")
    parser.add_argument("--output", type=Path, default=HERE / "results.jsonl")
    parser.add_argument("--inputs", type=Path, default=Path(tempfile.gettempdir()) / "cleora-jax-speed")
    args = parser.parse_args(argv)
    chosen = [run for run in RUNS if args.only in (None, run.input) and args.mode in (None, run.mode)]
    if args.smoke:
        chosen = [run for run in chosen if run.input.endswith("generated") and run.mode != "cli"]
    machine = hardware()
    for run in chosen:
        path = prepare(run.input, args.inputs, 0.001 if args.smoke else 1.0)
        for pair in range(1 if args.smoke else args.pairs or run.pairs):
            line: dict[str, Any] = {**asdict(run), "pair": pair, **machine}
            for engine in ("cleora_jax", "pycleora"):
                line[engine] = measure(engine, path, run)
            with args.output.open("a") as file:
                file.write(json.dumps(line) + "\n")
            ratio = {key: round(line["pycleora"][key] / line["cleora_jax"][key], 2) for key in line["cleora_jax"]}
            print(run.input, run.mode, pair, ratio, flush=True)


def measure(engine: str, path: Path, run: Run) -> dict[str, float]:
    """Figures of one engine in a fresh process."""
    if run.mode == "cli":
        return command_line(engine, path, run)
    command = [sys.executable, str(HERE / "worker.py"), engine, str(path), str(run.dim), str(run.steps), run.mode]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def command_line(engine: str, path: Path, run: Run) -> dict[str, float]:
    """Wall time of the whole command, import and compilation included."""
    module = "cleora_jax" if engine == "cleora_jax" else "pycleora.cli"
    with tempfile.TemporaryDirectory() as folder:
        options = ["--dim", str(run.dim), "--iterations", str(run.steps)]
        files = ["--input", str(path), "--output", f"{folder}/out.npz"]
        command = [sys.executable, "-m", module, "embed", *files, *options]
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        return {"whole": time.perf_counter() - start}


def hardware() -> dict[str, Any]:
    """What ran it."""
    names = ("cleora_jax", "pycleora", "jax", "jaxlib", "numpy", "scipy", "pyarrow")
    info = Path("/proc/cpuinfo").read_text().splitlines()
    model = [line.split(":")[1].strip() for line in info if line.startswith("model name")]
    return {
        "versions": {name: version(name.replace("_", "-")) for name in names},
        "python": platform.python_version(),
        "cpu": model[0] if model else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "date": time.strftime("%Y-%m-%d"),
    }


if __name__ == "__main__":
    main()
