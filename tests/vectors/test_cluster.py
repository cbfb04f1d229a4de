"""k-means against scikit-learn's, and its own promises."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import KMeans

from cleora_jax.vectors import cluster
from cleora_jax.vectors.cluster import first_centres, kmeans

RNG = np.random.default_rng(0)
BLOBS = (RNG.normal(size=(12, 1, 5)) * 4 + RNG.normal(size=(12, 100, 5))).reshape(-1, 5).astype(np.float32)


def test_from_given_centres_it_is_lloyds_algorithm():
    start = BLOBS[RNG.choice(len(BLOBS), 12, replace=False)]
    ours = kmeans(BLOBS, 12, centres=start)
    theirs = KMeans(12, init=start, n_init=1, algorithm="lloyd", tol=0).fit(BLOBS)
    np.testing.assert_array_equal(ours.labels, theirs.labels_)
    np.testing.assert_allclose(ours.centres, theirs.cluster_centers_, rtol=1e-4, atol=1e-4)
    assert ours.inertia == pytest.approx(theirs.inertia_, rel=1e-4) and ours.converged


def test_seeding_is_as_good_as_scikit_learns():
    ours = [kmeans(BLOBS, 12, seed=seed).inertia for seed in range(20)]
    theirs = [KMeans(12, n_init=1, random_state=seed).fit(BLOBS).inertia_ for seed in range(20)]
    assert np.mean(ours) < 1.04 * np.mean(theirs) and min(ours) < 1.001 * min(theirs)


def test_centres_of_a_sample_serve(monkeypatch):
    monkeypatch.setattr(cluster, "SEED_ROWS", 100)
    centres = first_centres(BLOBS, 12, np.random.default_rng(0))
    assert len(np.unique(centres, axis=0)) == 12
    assert kmeans(BLOBS, 12, restarts=5).inertia < 1.1 * KMeans(12, n_init=5, random_state=0).fit(BLOBS).inertia_


def test_labels_are_those_of_the_nearest_centre_far_from_zero():
    x = BLOBS + 1000
    found = kmeans(x, 7)
    distance = ((x[:, None].astype(float) - found.centres) ** 2).sum(axis=2)
    assert (distance[np.arange(len(x)), found.labels] <= distance.min(axis=1) + 1e-2).all()
    assert found.inertia == pytest.approx(distance.min(axis=1).sum(), rel=1e-3)


@pytest.mark.parametrize("scale", [1e-30, 1e-10, 1e20, 1e36])
def test_any_scale(scale):
    found, plain = (kmeans(BLOBS.astype(float) * size, 5, seed=2) for size in (scale, 1.0))
    np.testing.assert_array_equal(found.labels, plain.labels)
    assert found.inertia == pytest.approx(plain.inertia * scale**2, rel=1e-5)


@pytest.mark.parametrize("count", [1, 2, 1023, 1024, 1025])
def test_any_number_of_rows(count):
    x = RNG.normal(size=(count, 3)).astype(np.float32)
    k = min(4, count)
    found = kmeans(x, k)
    assert len(found.labels) == count and len(np.unique(found.labels)) == k


def test_clusters_that_lose_their_rows_take_others():
    x = np.repeat(np.eye(3, dtype=np.float32), 5, axis=0)
    start = np.array([[9, 9, 9], [8, 8, 8], [0, 0, 0]], np.float32)
    found = kmeans(x, 3, centres=start)
    assert len(np.unique(found.labels)) == 3 and found.inertia < 1e-5


def test_equal_rows_need_no_more_clusters_than_there_are():
    found = kmeans(np.ones((20, 2), np.float32), 3)
    assert found.inertia == 0 and np.isfinite(found.centres).all()


def test_a_short_run_says_that_it_did_not_converge():
    assert not kmeans(RNG.normal(size=(2000, 8)), 50, max_iterations=1).converged


@pytest.mark.parametrize(
    ("options", "named"),
    [({"k": 0}, "`k`"), ({"k": 2000}, "`k`"), ({"k": 3, "restarts": 0}, "restarts"), ({"k": 3, "centres": np.ones((2, 5))}, "centres"),
        ({"k": 2, "centres": np.full((2, 5), np.nan)}, "centres"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named(options, named):
    with pytest.raises(ValueError, match=named):
        kmeans(BLOBS, **options)


@pytest.mark.parametrize("x", [np.zeros((0, 3)), np.ones(3), np.full((3, 2), np.nan)])
def test_tables_that_cannot_be(x):
    with pytest.raises(ValueError, match="`x`"):
        kmeans(x, 1)
