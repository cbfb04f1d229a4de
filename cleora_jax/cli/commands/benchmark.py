"""`cleora-jax benchmark`."""

from __future__ import annotations

import argparse
from typing import Any

from cleora_jax.cli.messages import show
from cleora_jax.cli.watching import bar

HELP = "measure methods on data sets: scores, seconds, memory"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Data sets, methods, how they are judged, and where the lines go."""
    parser.add_argument("--dataset", nargs="+", required=True, metavar="NAME", help="data sets, such as karate, cora")
    parser.add_argument(
        "--algorithms", default="all", metavar="NAMES", help="separated by commas (default: all; see `methods`)"
    )
    parser.add_argument(
        "--judge", default="auto", metavar="HOW", help="nodes, links, or auto: nodes where there are labels (default)"
    )
    parser.add_argument("--dim", type=int, default=128, help="columns (default: 128)")
    parser.add_argument("--rounds", type=int, default=5, help="embeddings, each on a split of its own (default: 5)")
    parser.add_argument(
        "--time-limit", type=float, default=600.0, metavar="SECONDS", help="to embed, and again to judge (default: 600)"
    )
    parser.add_argument("--output", "-o", metavar="FILE", help="JSON lines; what stands there is not run again")
    parser.add_argument("--data", metavar="FOLDER", help="where data sets lie (see the page on data sets)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Run what has no line yet, and show the table."""
    from cleora_jax import run_benchmark

    with bar(args) as progress:
        found = run_benchmark(
            args.dataset, "all" if args.algorithms == "all" else args.algorithms.split(","), judge=args.judge,
            dim=args.dim, rounds=args.rounds, time_limit=args.time_limit, output=args.output, folder=args.data,
            progress=progress,
        )  # fmt: skip
    show(args, str(found))
    return found.as_dict()
