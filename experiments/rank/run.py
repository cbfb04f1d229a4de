"""How many directions may whitening keep on n entities? Label agreement of the 5 nearest against `whiten_rank`.

python experiments/rank/run.py            # a few minutes on 2 cores; needs the real data sets
python experiments/rank/run.py --smoke    # the smallest graph alone
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

import cleora_jax as cj

HERE = Path(__file__).resolve().parent
RANKS = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)


@dataclass(frozen=True)
class Source:
    """A labelled set and how it is read."""

    name: str
    columns: str = "complex::reflexive::node"
    group_by: str | None = None


SOURCES = (
    Source("karate"),
    Source("polbooks"),
    Source("email-eu-core"),
    Source("hg-cora-cocitation", "edge complex::reflexive::node", "edge"),
    Source("hg-cora-coauthorship", "edge complex::reflexive::node", "edge"),
    Source("cora"),
)


def main() -> None:
    """Write one JSON line per graph, rank and seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--output", type=Path, default=HERE / "results.jsonl")
    args = parser.parse_args()
    warnings.simplefilter("ignore", cj.RankWarning)
    folder = data_folder()
    with args.output.open("w") as file:
        for source in SOURCES[:1] if args.smoke else SOURCES:
            graph, labels = load(source, folder)
            chosen = cj.whitening_rank(graph.num_entities, 256)
            for rank in sorted({chosen, *(rank for rank in RANKS if rank < graph.num_entities)}):
                for seed in range(1 if args.smoke or graph.num_entities > 900 else 3):
                    found = cj.embed(graph, cj.Cleora(whiten_rank=rank, seed=seed))
                    line = {**asdict(source), "entities": graph.num_entities, "rank": rank, "seed": seed,
                            "agreement": agreement(found.vectors, labels), "chosen": chosen}  # fmt: skip
                    file.write(json.dumps(line) + "\n")
                    file.flush()


def data_folder() -> Path:
    """Where the real data sets lie."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    return Path(os.environ.get("CLEORA_JAX_DATA", beside))


def load(source: Source, folder: Path) -> tuple[cj.Graph, np.ndarray]:
    """The graph, and a label per entity."""
    kind = "hyperedges" if source.group_by else "edges"
    graph = cj.read(folder / source.name / f"{kind}.tsv.gz", source.columns, group_by=source.group_by)
    with gzip.open(folder / source.name / "labels.tsv.gz", "rt") as file:
        label = dict(line.rstrip("\n").split("\t") for line in file)
    return graph, np.unique([label[entity] for entity in graph.vocab.ids.to_pylist()], return_inverse=True)[1]


def agreement(vectors: np.ndarray, labels: np.ndarray, k: int = 5) -> float:
    """Share of entities whose label is the majority's of their k nearest by cosine."""
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-30)
    similar = unit @ unit.T
    np.fill_diagonal(similar, -np.inf)
    near = labels[np.argsort(-similar, axis=1, kind="stable")[:, :k]]
    votes = (near[:, :, None] == np.arange(labels.max() + 1)).sum(1)
    return float((votes.argmax(1) == labels).mean())


if __name__ == "__main__":
    main()
