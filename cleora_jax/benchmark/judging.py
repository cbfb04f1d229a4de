"""The protocols of a benchmark: the same for every method, each round on a split of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from cleora_jax.benchmark.task import RIVALS, Judge
from cleora_jax.data import Dataset
from cleora_jax.evaluate import (
    EdgeSplit,
    LinkProtocol,
    NodeProtocol,
    NodeSplit,
    classify_nodes,
    predict_edges,
    split_edges,
    split_hyperedges,
)
from cleora_jax.evaluate.parts import lines_of, widest
from cleora_jax.graph import Graph
from cleora_jax.vectors.embedding import Embedding

TUNED = NodeProtocol(train=(0.1, 0.5), splits=1, tune=True)
PLAIN = NodeProtocol(train=(0.1, 0.5, 0.9), splits=1)
LINKS = LinkProtocol(heuristics=False)
Value = dict[str, Any]  # one score of one round: metric, value, and what it is of


def protocol_of(judge: Judge) -> dict[str, Any]:
    """What decides a score besides the task, as what JSON can hold."""
    if judge == "links":
        return _plain(asdict(LINKS))
    return {"tuned": _plain(asdict(TUNED)), "plain": _plain(asdict(PLAIN))}


def _plain(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in settings.items()
            if name != "seed"}  # fmt: skip


def given_split(data: Dataset, at: int) -> NodeSplit | None:
    """The publisher's split of a round, where there are several; in turn, if there are fewer than rounds."""
    if len(data.splits) < 2:
        return None
    split = data.splits[at % len(data.splits)]
    return NodeSplit(split.train, split.val, split.test)


def link_split(graph: Graph, seed: int) -> EdgeSplit:
    """The links of a round: whole hyperedges are held out where some have more than two entities."""
    wide = any(widest(group) > 2 for group in lines_of(graph))
    return (split_hyperedges if wide else split_edges)(graph, seed=seed)


def judged_nodes(data: Dataset, embedding: Embedding | np.ndarray, at: int, method: str) -> Iterator[Value]:
    """Scores of the embedding of a round (of rivals: what needs none)."""
    given = given_split(data, at)
    for protocol in (PLAIN,) if method == RIVALS else (TUNED, PLAIN):
        splits = None if given is None else [given]
        found = classify_nodes(embedding, data.labels, replace(protocol, seed=at), splits=splits)
        rival = {"rival": "majority"} if method == RIVALS else {}
        for metric, values in (found.majority if method == RIVALS else found.values).items():
            for share, value in zip(found.protocol.train, values, strict=True):
                name = found.label if metric == "micro_f1" else metric
                how = {"train": share if given is None else "given", "tuned": protocol.tune}
                yield {"metric": name, **how, **rival, "value": float(value[0])}


def judged_links(graph: Graph, embedding: Embedding | np.ndarray, at: int, method: str) -> Iterator[Value]:
    """Scores of the scorer that validation chose (of rivals: of each heuristic)."""
    protocol = replace(LINKS, seed=at, heuristics=method == RIVALS)
    if method == RIVALS:
        protocol = replace(protocol, scorers=("dot",))
    found = predict_edges(link_split(graph, at), embedding, protocol)
    if method == RIVALS:
        yield from (
            {"metric": metric, "rival": row.name, "value": value}
            for row in found.rows if not row.fitted for metric, value in row.test.items()
        )  # fmt: skip
    else:
        yield {"metric": "scorer", "value": found.chosen}
        yield from ({"metric": metric, "value": value} for metric, value in found.best.items())


def without_vectors(graph: Graph) -> np.ndarray:
    """Stands for an embedding where rivals are judged."""
    return np.zeros((graph.num_entities, 1), np.float32)
