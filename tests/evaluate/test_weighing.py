"""Weights of an ensemble, chosen on validation."""

from __future__ import annotations

import numpy as np
import pytest

import cleora_jax as cj

GRAPH, LABELS = cj.generators.planted_partition([60] * 4, 0.2, 0.02)
SPLIT = cj.split_nodes(LABELS, 0.2, 0.3)
GOOD = cj.embed(GRAPH, cj.Cleora(dim=8, whiten_rank=8))
NOISE = cj.Embedding(np.random.default_rng(0).normal(size=(240, 8)).astype(np.float32), GRAPH.vocab)


def test_noise_gets_no_weight_and_all_trials_are_told():
    objective = cj.NodeObjective(GRAPH, LABELS, SPLIT)
    found = cj.weigh([NOISE, GOOD], objective, steps=10)
    assert found.weights[1] > 0.5 and found.score == max(score for _, score in found.trials)
    assert len(found.trials) == 11 and found.score >= max(objective(NOISE), objective(GOOD))
    assert found.score == objective(found.embedding)


@pytest.mark.parametrize(("count", "steps", "trials"), [(1, 4, 1), (3, 2, 7), (3, 3, 10), (2, 1, 3)])
def test_single_parts_and_equal_weights_are_among_the_trials(count, steps, trials):
    seen = []
    found = cj.weigh([GOOD] * count, lambda embedding: seen.append(embedding) or 0.0, "mean", steps=steps)
    assert len(found.trials) == len(seen) == trials
    tried = [weights for weights, _ in found.trials]
    assert all(tuple(row) in tried for row in np.eye(count)) and (1 / count,) * count in tried
    assert all(sum(weights) == pytest.approx(1) for weights in tried)


def test_what_cannot_be_is_named():
    with pytest.raises(ValueError, match="steps"):
        cj.weigh([GOOD] * 6, len, steps=20)
    with pytest.raises(ValueError, match="steps"):
        cj.weigh([GOOD], len, steps=0)
    with pytest.raises(ValueError, match="objective"):
        cj.weigh([GOOD, GOOD], lambda embedding: float("nan"))
    with pytest.raises(ValueError, match="parts"):
        cj.weigh([], len)
