"""Metrics of link prediction: AUC and average precision of two sets of scores; ranks, MRR and Hits@K as in OGB."""

from __future__ import annotations

from typing import Any

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax.evaluate import arrays


def roc_auc(positive: Any, negative: Any) -> float:
    """Probability that a positive scores above a negative, ties counting half.

    Args:
        positive, negative: float[m] and float[c], scores.

    Raises:
        ValueError: either is empty, or holds NaN or infinity.

    Example:
        >>> roc_auc([3, 2], [2, 1])
        0.875
    """
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(*_labelled(positive, negative)))


def average_precision(positive: Any, negative: Any) -> float:
    """Σ (R_t − R_{t−1}) P_t over falling thresholds t, equal scores at once, without interpolation.

    Args:
        positive, negative: float[m] and float[c], scores.

    Raises:
        ValueError: either is empty, or holds NaN or infinity.

    Example:
        >>> round(average_precision([3, 1], [2]), 3)
        0.833
    """
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(*_labelled(positive, negative)))


def ranks(positive: Any, negative: Any, ignore: Any = None) -> np.ndarray:
    """Rank of each positive among its candidates, ties averaged: ½ (#{n > p} + #{n ≥ p}) + 1, so constant scores get
    the middle.

    Args:
        positive: float[m], scores.
        negative: float[m, c], scores of the c candidates of each.
        ignore: bool[m, c], candidates that do not compete, as those known to be true (the filtered setting). Default:
            none.

    Returns:
        float64[m], from 1 on.

    Raises:
        ValueError: shapes that do not fit, NaN or infinity, or a positive all of whose candidates are ignored.

    Reference: Hu et al., Open Graph Benchmark, 2020 (arXiv 2005.00687).

    Example:
        >>> ranks([2, 2], [[3, 1, 0], [2, 2, 0]]).tolist()
        [2.0, 2.0]
        >>> ranks([2], [[3, 1, 0]], [[True, False, False]]).tolist()
        [1.0]
    """
    positive, negative = arrays.scores("positive", positive), arrays.scores("negative", negative, dims=2)
    if len(positive) != len(negative):
        raise checks.OptionError(
            f"`negative` must have a row for each positive ({len(positive)}), got shape {negative.shape}."
        )
    if ignore is None:
        return ranks_among(positive, negative)
    kept = ~_mask(ignore, negative.shape)
    if not kept.any(axis=1).all():
        raise checks.OptionError(f"`ignore` leaves no candidate to positive {int(np.argmin(kept.any(axis=1)))}.")
    return ranks_among(positive, negative, kept)


def ranks_among(positive: np.ndarray, others: np.ndarray, kept: np.ndarray | None = None) -> np.ndarray:
    """Ranks float64[m] of scores float[m] among others [m, c], nothing checked; only among those `kept`, bool[m, c]."""
    above, level = others > positive[:, None], others >= positive[:, None]
    if kept is not None:
        above, level = above & kept, level & kept
    found: np.ndarray = (np.count_nonzero(above, axis=1) + np.count_nonzero(level, axis=1)) / 2 + 1
    return found


def mean_reciprocal_rank(ranks: Any) -> float:
    """Mean of 1 / rank, see `ranks`.

    Example:
        >>> mean_reciprocal_rank([1, 2, 4])
        0.5833333333333334
    """
    return float(np.mean(1 / _ranks(ranks)))


def hits_within(ranks: Any, k: int = 10) -> float:
    """Share of ranks that are at most k, see `ranks`: Hits@k where each positive has candidates of its own.

    Example:
        >>> hits_within([1, 2, 4], k=2)
        0.6666666666666666
    """
    return float(np.mean(_ranks(ranks) <= checks.integer("k", k, low=1)))


def hits_at_k(positive: Any, negative: Any, k: int) -> float:
    """Share of positives that score strictly above the k-th best of all negatives; 1 where there are fewer than k.

    Args:
        positive, negative: float[m] and float[c], scores; all positives share the negatives.
        k: at least 1.

    Reference: Hu et al., Open Graph Benchmark, 2020 (arXiv 2005.00687).

    Example:
        >>> hits_at_k([5, 3, 2], [4, 3, 1], k=2)
        0.3333333333333333
    """
    positive, negative = arrays.scores("positive", positive), arrays.scores("negative", negative)
    if checks.integer("k", k, low=1) > len(negative):
        return 1.0
    return float(np.mean(positive > np.partition(negative, -k)[-k]))


def _labelled(positive: Any, negative: Any) -> tuple[np.ndarray, np.ndarray]:
    positive, negative = arrays.scores("positive", positive), arrays.scores("negative", negative)
    return np.repeat([True, False], [len(positive), len(negative)]), np.concatenate([positive, negative])


def _mask(ignore: Any, shape: tuple[int, ...]) -> np.ndarray:
    mask = np.asarray(ignore)
    if mask.dtype != bool or mask.shape != shape:
        raise checks.OptionError(f"`ignore` must be bool{list(shape)}, got {mask.dtype}{list(mask.shape)}.")
    return mask


def _ranks(values: Any) -> np.ndarray:
    found = arrays.scores("ranks", values)
    if found.min() < 1:
        raise checks.OptionError(f"`ranks` must be at least 1, got {found.min():g} at place {int(found.argmin())}.")
    return found
