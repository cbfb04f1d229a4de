"""Do our baselines reach their authors' numbers? Node classification by the literature's protocol, beside the targets.

python -m experiments.baselines.run            # an hour on 2 cores
python -m experiments.baselines.run --smoke    # karate, in seconds
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import cleora_jax as cj
from experiments.baselines.targets import METHODS, TARGETS
from experiments.record import arguments, data_folder, write


@dataclass(frozen=True)
class Source:
    """A data set, how many splits, and which methods."""

    name: str
    splits: int
    methods: tuple[str, ...]
    seeds: tuple[int, ...] = (0,)


SOURCES = [
    Source(name, splits, tuple(method for source, method in TARGETS if source == name))
    for name, splits in (("cora", 20), ("ppi", 10), ("wikipedia-pos", 10), ("blogcatalog", 10))
]
SMOKE = [Source("karate", 2, ("ProNE", "HOPE"))]


def main() -> None:
    args = arguments(__file__, __doc__)
    write(args.output, (line for source in (SMOKE if args.smoke else SOURCES) for line in judged(source)))


def judged(source: Source) -> Iterator[dict[str, Any]]:
    """A line for each method."""
    data = cj.load_dataset(source.name, None if source.name == "karate" else data_folder())
    for name in source.methods:
        yield line(data, source, name)


def line(data: cj.Dataset, source: Source, name: str) -> dict[str, Any]:
    """F1 in %, mean over splits, with its deviation; edges count as 1 and self-loops do not."""
    start = time.perf_counter()
    embedding = cj.embed(data.graph, METHODS[name])
    seconds = time.perf_counter() - start
    protocol = cj.NodeProtocol(splits=source.splits, classifier="one-vs-rest", C=1.0)
    found = cj.classify_nodes(embedding, data.labels, protocol)
    return {
        "source": source.name, "method": name, "settings": asdict(METHODS[name]), "splits": source.splits,
        "seconds": round(seconds, 2), "target": TARGETS.get((source.name, name)),
        "micro": [round(100 * one.mean, 2) for one in found.summaries["micro_f1"]],
        "micro_std": [round(100 * one.std, 2) for one in found.summaries["micro_f1"]],
        "macro": [round(100 * one.mean, 2) for one in found.summaries["macro_f1"]],
        "majority": [round(100 * values.mean(), 2) for values in found.majority["micro_f1"]],
    }  # fmt: skip


if __name__ == "__main__":
    main()
