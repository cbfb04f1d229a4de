"""Every method on every data set: what is gained, in what time, in how much memory? pycleora among them.

python -m experiments.benchmark.run                     # hours on 2 cores; goes on where it was broken off
python -m experiments.benchmark.run --only cora ppi
python -m experiments.benchmark.run --smoke             # karate, seconds
python -m experiments.benchmark.plots                   # then the pictures, and experiments.report for the tables
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import cleora_jax as cj
from experiments.benchmark.peer import Pycleora
from experiments.record import data_folder

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Source:
    """A data set and how it is judged.

    Args:
        name: of `load_dataset`.
        judge: "nodes" or "links".
        dim: columns.
        rounds: embeddings and splits; of given splits as many as there are.
        weighted: weights count: pairs of a hypergraph stand in several hyperedges. In the literature edges are alike.
    """

    name: str
    judge: Literal["nodes", "links"] = "nodes"
    dim: int = 128
    rounds: int = 5
    weighted: bool = False


SOURCES = (
    Source("karate", dim=16, rounds=10),
    Source("polbooks", dim=16, rounds=10),
    Source("email-eu-core"),
    Source("cora"),
    Source("hg-cora-coauthorship", rounds=10, weighted=True),
    Source("ppi"),
    Source("wikipedia-pos"),
    Source("blogcatalog"),
    Source("pubmed"),
    Source("hg-dblp-coauthorship", rounds=10, weighted=True),
    Source("ego-facebook", "links"),
    Source("ca-astroph", "links"),
)
SMOKE = Source("karate", dim=8, rounds=2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--only", nargs="+", metavar="DATASET", choices=[source.name for source in SOURCES])
    parser.add_argument("--time-limit", type=float, default=600.0, help="seconds to embed, and again to judge")
    parser.add_argument("--output", type=Path, default=HERE / "results.jsonl")
    args = parser.parse_args()
    for source in (SMOKE,) if args.smoke else SOURCES:
        if source.name in (args.only or source.name):
            methods = methods_for(source)
            with cj.progress_bar() as progress:
                found = cj.run_benchmark(
                    source.name, [cj.RandNE(dim=8), methods[-1]] if args.smoke else methods, judge=source.judge,
                    rounds=source.rounds, time_limit=args.time_limit, output=args.output, progress=progress,
                    folder=data_folder() if data_folder().is_dir() else None,
                )  # fmt: skip
            print(found, flush=True)


def methods_for(source: Source) -> list[Any]:
    """All methods by their defaults, and pycleora's."""
    return [
        kind(dim=source.dim, **({"weighted": source.weighted} if "weighted" in names(kind) else {}))
        for kind in (*cj.METHODS.values(), Pycleora)
    ]


def names(kind: type[Any]) -> list[str]:
    return [field.name for field in fields(kind)]


if __name__ == "__main__":
    main()
