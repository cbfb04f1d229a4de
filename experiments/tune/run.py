"""What do settings chosen on validation buy, and which method is best when all are tuned alike?

Cleora (depth, softness, residual), ProNE (its filter), NetMF (window, negatives, rank) and SketchNE (window, negatives,
alpha, filter) get as many trials each, and validation decides. What was chosen, and each method's default, are tested
once for each of three seeds. Cora has Planetoid's split and logistic regression; of ca-grqc's links 5% are for
validation and 15% for the test.

python -m experiments.tune.run            # about a quarter of an hour on 2 cores; needs the real data sets
python -m experiments.tune.times          # then: what sharing one walk saves; nothing beside it
python -m experiments.tune.run --smoke    # the karate club, in seconds
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any

import networkx as nx
import numpy as np

import cleora_jax as cj
from experiments.record import arguments, data_folder, table, write


@dataclass(frozen=True)
class Config:
    """All settings."""

    sources: tuple[str, ...] = ("cora", "ca-grqc")
    dim: int = 128
    trials: int = 24  # of each method
    seeds: tuple[int, ...] = (0,)  # of trials
    tested: tuple[int, ...] = (0, 1, 2)  # seeds of what is tested
    strengths: tuple[float, ...] = (0.1, 1.0, 10.0, 100.0)  # of C, the best on validation in each trial


SMOKE = Config(("karate", "karate links"), 4, 3, (0,), (0,), (1.0,))


def contest(config: Config) -> list[tuple[Any, dict[str, list[Any]]]]:
    """Methods and spaces: 24 settings each, which is all that a random search for so many tries."""
    small = config.dim < 100
    filters = product((5, 10), (-4.0, 0.0, 0.2, 1.0), (0.25, 0.5, 1.0))
    rank = {"rank": [4, 8]} if small else {"rank": [128, 256]}
    return [
        (cj.Cleora(dim=config.dim), {
            "whiten_alpha": [0.0, 0.5, 1.0], "residual_weight": [0.0, 0.5], "num_iterations": [2, 8, 16, 40],
        }),
        (cj.ProNE(dim=config.dim), {"filter": [cj.Filter(*each) for each in filters]}),
        (cj.NetMF(dim=config.dim, rank=rank["rank"][-1]), {
            "window": [1, 2, 3, 5, 10, 20], "negatives": [1.0, 5.0], **rank,
        }),
        (cj.SketchNE(dim=config.dim, rank=rank["rank"][-1]), {
            "window": [2, 5, 10], "negatives": [1.0, 5.0], "alpha": [0.35, 0.5], "filter": [None, cj.Filter()],
        }),
    ]  # fmt: skip


def main() -> None:
    """One JSON line per trial, then per method, chosen and default."""
    warnings.simplefilter("ignore", cj.RankWarning)
    args = arguments(__file__, __doc__)
    config = SMOKE if args.smoke else Config()
    write(args.output, (line for name in config.sources for line in compare(name, config)))


def objective_of(name: str, config: Config) -> Any:
    """How a source is judged."""
    if name == "karate links":
        return cj.LinkObjective(cj.split_edges(karate()[0], validation=0.2))
    if name == "ca-grqc":
        return cj.LinkObjective(cj.split_edges(cj.read(data_folder() / name / "edges.tsv.gz")))
    graph, labels, split = karate() if name == "karate" else cora()
    return cj.NodeObjective(graph, labels, split, C=config.strengths, unit_rows=True)


def karate() -> tuple[cj.Graph, cj.Labels, cj.NodeSplit]:
    """Bundled."""
    club = nx.karate_club_graph()
    graph = cj.from_edges(*np.array(club.edges).T)
    labels = cj.labels_of(graph.vocab, {str(node): club.nodes[node]["club"] for node in club})
    return graph, labels, cj.split_nodes(labels, 0.3, 0.3)


def cora() -> tuple[cj.Graph, cj.Labels, cj.NodeSplit]:
    """Planetoid's split."""
    graph = cj.read(data_folder() / "cora" / "edges.tsv.gz")
    labels = cj.labels_of(graph.vocab, [tuple(row) for row in table("cora", "labels.tsv.gz")[:, :2]])
    part = table("cora", "split.tsv.gz")
    rows = [np.sort(graph.vocab.indices(part[part[:, 1] == name, 0].tolist())) for name in ("train", "val", "test")]
    return graph, labels, cj.NodeSplit(*rows)


def compare(name: str, config: Config) -> Iterator[dict[str, Any]]:
    """Trials of all methods; then each method as chosen and by default, tested."""
    objective, methods = objective_of(name, config), contest(config)
    about = {"source": name, "metric": objective.metric, "config": asdict(config)}
    with cj.progress_bar() as progress:
        search = cj.RandomSearch(config.trials)
        found = cj.tune(methods, objective=objective, seeds=config.seeds, search=search, progress=progress)
    for line in found.records():
        yield {"kind": "trial", **about, **line}
    for method, _ in methods:
        best = found.best_of(type(method))
        seconds = sum(trial.seconds for trial in found.trials if isinstance(trial.method, type(method)))
        for way, one, settings in (("chosen", best.method, best.record()["settings"]), ("default", method, {})):
            embeddings = [cj.embed(objective.graph, replace(one, seed=seed)) for seed in config.tested]
            validation, test = ([judge(each) for each in embeddings] for judge in (objective, objective.test))
            yield {
                "kind": "method", **about, "method": type(method).__name__, "way": way,
                "settings": settings, "trials": config.trials,
                "validation": validation, "test": test, "search_seconds": seconds,
            }  # fmt: skip


if __name__ == "__main__":
    main()
