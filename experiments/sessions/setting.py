"""What the session experiments share: a data set split for tuning and for the test, vectors and codes of its items."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import cleora_jax as cj
from cleora_jax._memory import peak_bytes
from cleora_jax.recommend.emde.coder import DLSH, codes_of, fit_coder, random_codes
from cleora_jax.recommend.sessions.graphs import history_graph, step_graph
from cleora_jax.recommend.sessions.histories import Cases, Histories, prefixes, split_last
from cleora_jax.recommend.sessions.ranking import Scorer, next_item_metrics, target_ranks
from experiments.record import data_folder

HELD_OUT = 0.1  # of the training sessions, the last ones: to tune by
DEPTHS = (5, 10, 20)  # of HR@k and MRR@k
GRAPHS = {"steps": step_graph, "sessions": history_graph}


@dataclass(frozen=True)
class Modality:
    """A source of codes: a graph and how Cleora embeds it, or random codes.

    Args:
        graph: "steps" (each click and the next), "sessions" (hyperedges) or "random".
        dim, iterations, whiten: of Cleora.
        depth: how many partitions.
    """

    graph: str
    depth: int
    iterations: int = 4
    whiten: str = "every"
    dim: int = 256


@dataclass(frozen=True)
class Coding:
    """How items become codes: several modalities, coded by themselves, side by side."""

    modalities: tuple[Modality, ...]
    width: int = 128
    thresholds: str = "median"


@dataclass
class Part:
    """To learn from and to be judged by.

    Args:
        name: "validation" or "test".
        vocab: the items.
        train: sessions.
        cases: prefixes and what came next.
        vectors: those made so far, by their modality; the same are not made twice.
    """

    name: str
    vocab: cj.Vocab
    train: Histories
    cases: Cases
    vectors: dict[Any, np.ndarray] = field(default_factory=dict)

    @property
    def num_items(self) -> int:
        return len(self.vocab)

    def embedded(self, modality: Modality) -> np.ndarray:
        key = modality.graph, modality.iterations, modality.whiten, modality.dim
        if key not in self.vectors:
            method = cj.Cleora(dim=modality.dim, num_iterations=modality.iterations, whiten=modality.whiten)  # type: ignore[arg-type]
            self.vectors[key] = cj.embed(GRAPHS[modality.graph](self.train, self.vocab), method).vectors
        return self.vectors[key]

    def codes(self, coding: Coding) -> np.ndarray:
        parts = []
        for seed, modality in enumerate(coding.modalities):
            method = DLSH(modality.depth, coding.width, coding.thresholds, seed)  # type: ignore[arg-type]
            if modality.graph == "random":
                parts.append(random_codes(self.num_items, method))
            else:
                vectors = self.embedded(modality)
                parts.append(codes_of(fit_coder(vectors, method), vectors))
        return np.concatenate(parts, axis=1)

    def judged(self, scorer: Scorer) -> dict[str, float]:
        """HR@k and MRR@k over all cases, ranking all items; seconds; the most memory that this process has held."""
        start = time.perf_counter()
        ranks = target_ranks(scorer, self.cases, self.num_items)
        seconds = time.perf_counter() - start
        return next_item_metrics(ranks, DEPTHS) | {"rank_seconds": seconds, "peak_so_far": peak_bytes()}


def parts_of(name: str, tuned_by: int, smoke: bool) -> tuple[Part, Part]:
    """Validation, on some of the cases of the last training sessions, and test, on all its cases.

    Args:
        name: of the data set.
        tuned_by: validation cases, drawn with a fixed seed.
        smoke: generated walks around a ring instead.
    """
    if smoke:
        rng = np.random.default_rng(0)
        walks = [np.cumsum(rng.integers(0, 3, rng.integers(2, 9))) + rng.integers(60) for _ in range(900)]
        vocab, lists = cj.Vocab.of([f"i{row}" for row in range(60)], "item"), [walk % 60 for walk in walks]
        train, test = Histories.of(lists[:800]), Histories.of(lists[800:])
    else:
        data = cj.load_dataset(name, data_folder())
        assert data.sessions is not None
        vocab, train = data.graph.vocab, Histories.of(data.sessions.train.items)
        test = Histories.of(data.sessions.test.items)
    early, late = split_last(train, HELD_OUT)
    held = prefixes(late)
    rows = np.random.default_rng(0).permutation(len(held.target))[:tuned_by]
    return Part("validation", vocab, early, held.take(np.sort(rows))), Part("test", vocab, train, prefixes(test))
