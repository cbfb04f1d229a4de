"""Metrics of clustering: how well found clusters agree with true classes, and how well vectors keep them apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from cleora_jax import _checks as checks
from cleora_jax._blas import one_blas_thread
from cleora_jax.evaluate import arrays


def nmi(truth: Any, found: Any) -> float:
    """Normalised mutual information, over the arithmetic mean of both entropies, in [0, 1]; 1 where both are constant.

    Args:
        truth, found: int[n], codes of classes and of clusters.

    Example:
        >>> nmi([0, 0, 1, 1], [1, 1, 0, 0])
        1.0
    """
    from sklearn.metrics import normalized_mutual_info_score

    return float(normalized_mutual_info_score(*_both(truth, found)))


def ari(truth: Any, found: Any) -> float:
    """Rand index adjusted for chance: 0 on average for random clusters, 1 where both agree.

    Args:
        truth, found: int[n], codes of classes and of clusters.

    Reference: Hubert and Arabie, 1985.

    Example:
        >>> ari([0, 0, 1, 1], [0, 1, 0, 1])
        -0.5
    """
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(*_both(truth, found)))


def purity(truth: Any, found: Any) -> float:
    """Share of entities that belong to the commonest class of their cluster. Grows with the number of clusters.

    Args:
        truth, found: int[n], codes of classes and of clusters.

    Example:
        >>> purity([0, 0, 1, 1], [0, 0, 0, 1])
        0.75
    """
    table = _contingency(truth, found)
    return float(table.max(axis=0).sum() / table.sum())


def clustering_accuracy(truth: Any, found: Any) -> float:
    """Share of entities whose cluster is the one assigned to their class, under the best one-to-one assignment.

    Clusters beyond the number of classes are assigned to none, and the reverse. The assignment is Kuhn's (Hungarian).

    Args:
        truth, found: int[n], codes of classes and of clusters.

    Example:
        >>> clustering_accuracy([0, 0, 1, 1], [2, 2, 0, 1])
        0.75
    """
    table = _contingency(truth, found)
    return float(table[linear_sum_assignment(table, maximize=True)].sum() / table.sum())


def silhouette(vectors: Any, found: Any, *, sample: int | None = None, seed: int = 0) -> float:
    """Mean of (b − a) / max(a, b): a the mean distance to one's own cluster, b to the nearest other one; in [−1, 1].

    Distances are Euclidean, all pairs: n² d work, in blocks.

    Args:
        vectors: float[n, d].
        found: int[n], codes of clusters; at least 2, and fewer than entities.
        sample: judge so many entities, drawn by `seed`, in place of all. Default: all.
        seed: of the sample.

    Reference: Rousseeuw, 1987.

    Example:
        >>> round(silhouette([[0.0], [1.0], [10.0], [11.0]], [0, 0, 1, 1]), 3)
        0.9
    """
    from sklearn.metrics import silhouette_score

    table, clusters = arrays.scores("vectors", vectors, dims=2), arrays.codes("found", found)
    if len(table) != len(clusters):
        raise checks.OptionError(
            f"`found` must have one code per row of `vectors` ({len(table)}), got {len(clusters)}."
        )
    if sample is not None and checks.integer("sample", sample, low=3) < len(table):
        rows = np.sort(np.random.default_rng(seed).permutation(len(table))[:sample])
        table, clusters = table[rows], clusters[rows]
    if len(clusters) < 3:
        raise checks.OptionError(f"`vectors` must have at least three rows, for two clusters; got {len(clusters)}.")
    count = len(np.unique(clusters))
    if not 2 <= count < len(clusters):
        raise checks.OptionError(f"`found` must hold 2 to {len(clusters) - 1} clusters of the entities, got {count}.")
    with one_blas_thread():
        return float(silhouette_score(table, clusters))


def _both(truth: Any, found: Any) -> tuple[np.ndarray, np.ndarray]:
    truth, found = arrays.codes("truth", truth), arrays.codes("found", found)
    arrays.as_many("truth", truth, "found", found)
    return truth, found


def _contingency(truth: Any, found: Any) -> np.ndarray:
    """int64[classes, clusters]: how many entities are of both."""
    from sklearn.metrics.cluster import contingency_matrix

    table: np.ndarray = contingency_matrix(*_both(truth, found))
    return table
