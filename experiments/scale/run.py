"""Which methods finish a million entities and ten million arcs, how long they take, and in how much memory?

ProNE also beside that of nodevectors, in turn, where an interpreter that has it is named.

python -m experiments.scale.run                                  # about half an hour on 2 cores
python -m experiments.scale.run --peer /path/to/python           # one with nodevectors installed
python -m experiments.scale.run --smoke                          # a thousand entities, a minute
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from experiments.record import write

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@dataclass(frozen=True)
class Size:
    """Entities and undirected edges of the generated graph, and columns."""

    entities: int = 1_000_000
    edges: int = 5_000_000
    dim: int = 128


METHODS = ("randne", "fastrp", "prone", "hope", "sketchne", "laplacian")
PAIRS = (Size(20_000, 200_000), Size(200_000, 2_000_000))  # of ProNE and nodevectors'
TURNS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--peer", help="a Python interpreter with nodevectors")
    parser.add_argument("--only", choices=METHODS)
    parser.add_argument("--output", type=Path, default=HERE / "results.jsonl")
    write((args := parser.parse_args()).output, lines(args))


def lines(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    size = Size(1_000, 5_000, 16) if args.smoke else Size()
    for name in (args.only,) if args.only else METHODS:
        yield {"kind": "size", "method": name, **asdict(size), **measured(sys.executable, name, size)}
    for size in PAIRS if args.peer else ():
        for turn in range(TURNS):
            for name, python in (("prone", sys.executable), ("nodevectors", args.peer)):
                yield {"kind": "pair", "method": name, "turn": turn, **asdict(size), **measured(python, name, size)}


def measured(python: str, name: str, size: Size) -> dict[str, Any]:
    """Figures of a fresh process."""
    command = [python, str(HERE / "worker.py"), name, *(str(number) for number in asdict(size).values())]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
