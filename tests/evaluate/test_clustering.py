"""Metrics of clustering against scikit-learn, brute force, and chance."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from cleora_jax.evaluate import ari, clustering_accuracy, nmi, purity, silhouette

RNG = np.random.default_rng(11)
both = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=15)


@given(both)
@settings(deadline=None)
def test_agreement_is_its_definition(pairs):
    truth, found = np.array(pairs).T
    maps = permutations([*range(4)])
    assert clustering_accuracy(truth, found) == max(np.mean(np.array(m)[found] == truth) for m in maps)
    commonest = [np.bincount(truth[found == code]).max() for code in np.unique(found)]
    assert purity(truth, found) == pytest.approx(sum(commonest) / len(truth))
    assert nmi(truth, found) == pytest.approx(metrics.normalized_mutual_info_score(truth, found))
    assert ari(truth, found) == pytest.approx(metrics.adjusted_rand_score(truth, found))


@given(both, st.permutations([0, 1, 2, 3]))
@settings(deadline=None)
def test_names_of_clusters_do_not_matter(pairs, order):
    truth, found = np.array(pairs).T
    for metric in (nmi, ari, purity, clustering_accuracy):
        assert metric(truth, np.array(order)[found]) == pytest.approx(metric(truth, found), abs=1e-12)
        assert metric(truth, truth) == pytest.approx(1)


def test_more_clusters_than_classes_and_fewer():
    assert clustering_accuracy([0, 0, 0, 0], [0, 1, 2, 3]) == 0.25 and purity([0, 0, 0, 0], [0, 1, 2, 3]) == 1
    assert clustering_accuracy([0, 1, 2, 3], [0, 0, 0, 0]) == 0.25 == purity([0, 1, 2, 3], [0, 0, 0, 0])


def test_noise_is_at_chance():
    """Found clusters are judged as they are; none are made from the true ones."""
    truth, found = RNG.integers(0, 10, 5000), RNG.integers(0, 10, 5000)
    assert nmi(truth, found) < 0.02 and abs(ari(truth, found)) < 0.01
    assert clustering_accuracy(truth, found) < 0.15 and purity(truth, found) < 0.16


def test_silhouette_as_scikit_learn_and_in_part():
    vectors, found = RNG.standard_normal((60, 4)) + 3 * np.eye(4)[np.arange(60) % 3], np.arange(60) % 3
    assert silhouette(vectors, found) == pytest.approx(metrics.silhouette_score(vectors, found))
    part = silhouette(vectors, found, sample=40, seed=1)
    assert part == silhouette(vectors, found, sample=40, seed=1) != silhouette(vectors, found, sample=40, seed=2)
    assert part == pytest.approx(silhouette(vectors, found), abs=0.1)
    assert silhouette(vectors, found, sample=99) == silhouette(vectors, found)
    assert abs(silhouette(RNG.standard_normal((60, 4)), found)) < 0.1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nmi([0, 1], [0]), "same shape"),
        (lambda: ari([0.5], [0]), "must be integers"),
        (lambda: purity(np.zeros(0, int), np.zeros(0, int)), "not be empty"),
        (lambda: silhouette(np.eye(3), [0, 0, 0]), "2 to 2 clusters of the entities, got 1"),
        (lambda: silhouette(np.eye(3), [0, 1, 2]), "got 3"),
        (lambda: silhouette(np.eye(3), [0, 1]), "one code per row"),
        (lambda: silhouette(np.full((3, 1), np.nan), [0, 1, 1]), "must be finite"),
    ],
)
def test_what_cannot_be_raises(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()
