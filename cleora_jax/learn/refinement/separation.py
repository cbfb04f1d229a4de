"""How well scores tell positive pairs from negative ones; over all combinations of the two, without listing them."""

from __future__ import annotations

import numpy as np


def auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """The chance that a positive one scores higher than a negative one, ties counting half: area under the ROC curve.

    Args:
        positive, negative: float[p] and float[q], at least one each.

    Example:
        >>> auc(np.array([3.0, 1.0]), np.array([1.0, 0.0]))
        0.875
    """
    ranked = np.sort(negative)
    below = np.searchsorted(ranked, positive, "left") + np.searchsorted(ranked, positive, "right")
    return float(below.mean() / (2 * len(negative)))


def mean_hinge(positive: np.ndarray, negative: np.ndarray, margin: float) -> float:
    """The mean of max(0, margin + negative − positive) over all combinations.

    Args:
        positive, negative: float64[p] and float64[q], at least one each.
        margin: by which positive ones ought to be higher.

    Example:
        >>> mean_hinge(np.array([3.0, 1.0]), np.array([1.0, 0.0]), margin=1)
        0.25
    """
    ranked = np.sort(negative)
    above = np.append(np.cumsum(ranked[::-1])[::-1], 0)  # sums of the negative ones from each place on
    first = np.searchsorted(ranked, positive - margin)
    hinges = above[first] + (len(negative) - first) * (margin - positive)
    return float(hinges.mean() / len(negative))
