"""Spectral Cleora against its formula in dense float64, and what it promises."""

from __future__ import annotations

import numpy as np
import pytest

import cleora_jax as cj
from tests import dense
from tests.baselines import literature as lit

GRAPH, A = lit.graph_and_matrix(90, 160, weighted=True, hubs=0.5)


def oracle(a: np.ndarray, dim: int, depths: tuple[int, ...], power: float) -> np.ndarray:
    """The mean over depths of products of vectors, and its best approximation of so small a rank."""
    degree, neighbours = a.sum(1), (a > 0).sum() / len(a)
    logs = np.log(1 + neighbours * a / np.sqrt(np.outer(degree, degree)))
    values, vectors = np.linalg.eigh(logs)
    order = np.argsort(-np.abs(values))
    assert dim == len(a) or abs(values[order[dim]]) < 0.995 * abs(values[order[dim - 1]]), "no gap: not unique"
    now = lit.rown(vectors[:, order[:dim]] * np.abs(values[order[:dim]]) ** power)
    walk, total = lit.transition(a), np.zeros_like(a)
    for step in range(depths[-1] + 1):
        if step:
            now = (now + walk @ now) / 2
            now = lit.rown(now - now.mean(0))
        if step in depths:
            total += now @ now.T
    values, vectors = np.linalg.eigh(total)
    return lit.rown(vectors[:, ::-1][:, :dim] * np.sqrt(np.maximum(values[::-1][:dim], 0)))


@pytest.mark.parametrize(("depths", "power"), [((0,), 0.5), ((0, 1, 2, 4), 1.0), ((1, 3), 1.0), ((5,), 0.0)])
@pytest.mark.parametrize("dim", [6, 90])
def test_equals_the_formula(dim, depths, power):
    if power == 0 and dim == 90:
        pytest.skip("all eigenvectors alike: rows of equal vectors, and nothing to approximate")
    found = cj.embed(GRAPH, cj.SpectralCleora(dim=dim, depths=depths, power=power)).vectors
    assert dense.gram_error(found, oracle(A, dim, depths, power)) < 5e-3


def test_weights_in_another_unit_do_not_matter():
    ends = np.nonzero(np.triu(A))
    small = cj.from_edges(*ends, A[ends] * 1e-15, num_entities=90)
    found = cj.embed(small, cj.SpectralCleora(dim=6)).vectors
    assert dense.gram_error(found, cj.embed(GRAPH, cj.SpectralCleora(dim=6)).vectors.astype(float)) < 1e-3


def test_communities_are_told_apart():
    graph, _ = lit.communities(120, 4)
    scores = cj.classify_nodes(
        cj.embed(graph, cj.SpectralCleora(dim=8)), np.arange(120) % 4, cj.NodeProtocol(train=(0.2,), C=10, splits=4)
    )
    assert scores.summaries["micro_f1"][0].mean > 0.95
