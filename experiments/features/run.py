"""What do node features buy as first vectors? Accuracy on Cora's Planetoid split, plain start against features.

python -m experiments.features.run            # four minutes on 2 cores; needs the real data sets
python -m experiments.features.run --smoke    # the karate club, with features that are made up, in seconds
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import networkx as nx
import numpy as np
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression

import cleora_jax as cj
from experiments.record import arguments, data_folder, table, write


@dataclass(frozen=True)
class Config:
    """All settings. Of each start's runs, the best on the validation nodes is the one reported."""

    starts: tuple[float | None, ...] = (None, 0.25, 0.5, 0.75, 1.0)  # weight of the features; None: hashed vectors
    dim: int = 256
    whiten: tuple[str, ...] = ("off", "last")
    steps: tuple[int, ...] = (2, 3, 5, 8, 12, 20, 40, 60)
    penalties: tuple[float, ...] = (1.0, 10.0, 100.0)  # C of the logistic regression, on unit rows
    seeds: tuple[int, ...] = (0, 1, 2)


@dataclass(frozen=True)
class Source:
    """A graph with features float[n, w], labels int[n] and the nodes "train", "val" and "test"."""

    name: str
    graph: cj.Graph
    features: Any
    labels: np.ndarray
    split: dict[str, np.ndarray]


def main() -> None:
    """A JSON line per run, then one per start: the setting chosen on the validation nodes, as means over seeds."""
    args = arguments(__file__, __doc__)
    warnings.simplefilter("ignore", cj.RankWarning)
    config = Config(dim=8, steps=(2, 3), seeds=(0, 1)) if args.smoke else Config()
    source = karate() if args.smoke else cora()
    common = {"source": source.name, "dim": config.dim}
    write(args.output, (common | line for line in with_choices(list(all_runs(source, config)))))


def with_choices(runs: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    yield from runs
    yield from (chosen(runs, start) for start in dict.fromkeys(run["start"] for run in runs))


def all_runs(source: Source, config: Config) -> Iterator[dict[str, Any]]:
    """Scores of every start, setting and seed; and of the features themselves, without the graph."""
    yield {"start": "no graph", "seed": 0} | accuracy(source, source.features, config.penalties)
    for weight, whiten, steps, seed in product(config.starts, config.whiten, config.steps, config.seeds):
        method = cj.Cleora(dim=config.dim, num_iterations=steps, whiten=whiten, seed=seed)
        init = None if weight is None else cj.Features(source.features, weight)
        vectors = cj.embed(source.graph, method, init=init).vectors
        name = "hashed" if weight is None else f"features, weight {weight:g}"
        run = {"start": name, "whiten": whiten, "steps": steps, "seed": seed}
        yield run | accuracy(source, vectors, config.penalties)


def accuracy(source: Source, vectors: Any, penalties: tuple[float, ...]) -> dict[str, float]:
    """Of logistic regression on unit rows, fitted to the training nodes, C chosen on the validation nodes."""
    size = sp.linalg.norm(vectors, axis=1) if sp.issparse(vectors) else np.linalg.norm(vectors, axis=1)
    unit = sp.diags_array(1 / np.maximum(size, 1e-30)) @ vectors
    x = {part: (unit[rows], source.labels[rows]) for part, rows in source.split.items()}
    models = [LogisticRegression(C=penalty, max_iter=3000).fit(*x["train"]) for penalty in penalties]
    best = max(models, key=lambda model: model.score(*x["val"]))
    return {"penalty": best.C, "val": best.score(*x["val"]), "test": best.score(*x["test"])}


def chosen(runs: list[dict[str, Any]], start: str) -> dict[str, Any]:
    """The setting of a start that is best on the validation nodes, mean over seeds; its accuracy on the test nodes."""
    settings: dict[str, list[dict[str, Any]]] = {}
    for run in runs:
        if run["start"] == start:
            key = {name: value for name, value in run.items() if name not in ("seed", "penalty", "val", "test")}
            settings.setdefault(json.dumps(key), []).append(run)
    key, best = max(settings.items(), key=lambda item: np.mean([run["val"] for run in item[1]]))
    test = [run["test"] for run in best]
    scores = {"val": np.mean([run["val"] for run in best]), "test": np.mean(test), "test_sd": np.std(test)}
    return {"chosen": True, **json.loads(key), "seeds": len(best)} | {k: round(float(v), 4) for k, v in scores.items()}


def cora() -> Source:
    """Cora as Planetoid split it: 140 nodes to train, 500 to choose, 1,000 to test."""
    labels, part = table("cora", "labels.tsv.gz").astype(int), table("cora", "split.tsv.gz")
    graph = cj.from_edges(*table("cora", "edges.tsv.gz").astype(int).T, num_entities=len(labels))
    features = sp.load_npz(data_folder() / "cora" / "features.npz")  # row i is node i, as in the graph
    split = {name: part[part[:, 1] == name, 0].astype(int) for name in ("train", "val", "test")}
    return Source("cora", graph, features, labels[np.argsort(labels[:, 0]), 1], split)


def karate() -> Source:
    """Zachary's karate club. It has no features: these are made up, noise with a little of the club in it."""
    club = nx.karate_club_graph()
    labels = np.array([club.nodes[node]["club"] == "Officer" for node in club]).astype(int)
    features = np.random.default_rng(0).standard_normal((len(labels), 12)) + 0.5 * labels[:, None]
    graph = cj.from_edges(*np.array(club.edges()).T, num_entities=len(labels))
    order = np.random.default_rng(1).permutation(len(labels))
    split = dict(zip(("train", "val", "test"), np.split(order, [12, 20]), strict=True))
    return Source("karate, features made up", graph, features, labels, split)


if __name__ == "__main__":
    main()
