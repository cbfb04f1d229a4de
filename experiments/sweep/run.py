"""Depth against softness of whitening, in one call of `sweep`; and what the one call costs beside a loop over `embed`.

python -m experiments.sweep.run            # about ten minutes on 2 cores; needs the real data sets
python -m experiments.sweep.run --smoke    # the karate club, in seconds
python -m experiments.sweep.plot           # the picture, from results.jsonl
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any

import networkx as nx
import numpy as np
from sklearn.linear_model import LogisticRegression

import cleora_jax as cj
from experiments.record import arguments, data_folder, table, write


@dataclass(frozen=True)
class Config:
    """All settings."""

    dim: int = 128
    depths: tuple[int, ...] = (1, 2, 4, 8, 16, 40)
    softness: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0)
    seeds: tuple[int, ...] = (0, 1, 2)
    timed_dims: tuple[int, ...] = (8, 16, 32, 128)
    timed_depths: tuple[int, ...] = (2, 4, 8)
    repeats: int = 3


@dataclass(frozen=True)
class Source:
    """A labelled graph, and the nodes to fit to, to choose by and to report."""

    name: str
    graph: cj.Graph
    labels: np.ndarray
    split: dict[str, np.ndarray]


def main() -> None:
    """One JSON line per setting, then per timing."""
    warnings.simplefilter("ignore", cj.RankWarning)
    args = arguments(__file__, __doc__)
    config = Config(8, (1, 2), (0.5, 1.0), (0,), (8,), (1, 2), 1) if args.smoke else Config()
    sources = [karate()] if args.smoke else [cora(), email()]
    write(args.output, (line for source in sources for part in (scores, timings) for line in part(source, config)))


def thirds(name: str, graph: cj.Graph, labels: np.ndarray) -> Source:
    """Nodes split at random, where the data have no split of their own."""
    parts = np.array_split(np.random.default_rng(0).permutation(len(labels)), 3)
    return Source(name, graph, labels, dict(zip(("fit", "choose", "test"), parts, strict=True)))


def karate() -> Source:
    """Bundled."""
    club = nx.karate_club_graph()
    return thirds("karate", cj.from_edges(*np.array(club.edges).T), np.array([club.nodes[n]["club"] for n in club]))


def cora() -> Source:
    """Planetoid's split."""
    graph = cj.read(data_folder() / "cora" / "edges.tsv.gz")
    label, part = (dict(table("cora", f"{name}.tsv.gz")[:, :2]) for name in ("labels", "split"))
    ids = graph.vocab.ids.to_pylist()
    parts = np.array([part.get(entity, "") for entity in ids])
    names = {"fit": "train", "choose": "val", "test": "test"}
    return Source(
        "cora", graph, np.array([label[i] for i in ids]), {k: np.flatnonzero(parts == v) for k, v in names.items()}
    )


def email() -> Source:
    """Departments of a research institution."""
    graph = cj.read(data_folder() / "email-eu-core" / "edges.tsv.gz")
    label = dict(table("email-eu-core", "labels.tsv.gz")[:, :2])
    return thirds("email-eu-core", graph, np.array([label[i] for i in graph.vocab.ids.to_pylist()]))


def scores(source: Source, config: Config) -> Iterator[dict[str, Any]]:
    """Accuracy of logistic regression on unit rows at every depth and softness."""
    method = cj.Cleora(dim=config.dim)
    found = cj.sweep(
        source.graph, method, seed=config.seeds, whiten_alpha=config.softness, num_iterations=config.depths
    )
    for each in found:
        x = each.vectors / np.maximum(np.linalg.norm(each.vectors, axis=1, keepdims=True), 1e-30)
        fit, choose, test = (source.split[part] for part in ("fit", "choose", "test"))
        model = LogisticRegression(C=10, max_iter=2000).fit(x[fit], source.labels[fit])
        settings = {name: each.settings[name] for name in ("seed", "whiten_alpha", "num_iterations")}
        yield {"kind": "score", "source": source.name, **settings, "config": asdict(config),
               "choose": model.score(x[choose], source.labels[choose]),
               "test": model.score(x[test], source.labels[test])}  # fmt: skip


def timings(source: Source, config: Config) -> Iterator[dict[str, Any]]:
    """Seconds of `sweep` and of a loop over `embed` for the same runs, in turn; the first of each compiles."""
    for dim in config.timed_dims:
        method = cj.Cleora(dim=dim, whiten_rank=dim)
        settings = {"seed": (0, 1, 2, 3), "residual_weight": (0.0, 0.25, 0.5), "num_iterations": config.timed_depths}

        def together(method: cj.Cleora = method, settings: dict[str, Any] = settings) -> Any:
            return cj.sweep(source.graph, method, **settings)

        def one_by_one(method: cj.Cleora = method, settings: dict[str, Any] = settings) -> Any:
            runs = (dict(zip(settings, values, strict=True)) for values in product(*settings.values()))
            return [cj.embed(source.graph, replace(method, **run)) for run in runs]

        taken = [(seconds(together), seconds(one_by_one)) for _ in range(config.repeats + 1)]
        for number, (sweep, loop) in enumerate(taken):
            yield {"kind": "time", "source": source.name, "dim": dim, "runs": 12 * len(config.timed_depths),
                   "compiles": number == 0, "sweep": sweep, "loop": loop, "config": asdict(config)}  # fmt: skip


def seconds(call: Callable[[], Any]) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
