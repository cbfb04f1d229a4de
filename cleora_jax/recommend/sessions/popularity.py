"""Baselines that know no likeness: what is popular, and what was in the session already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax.recommend.sessions.histories import Histories, check_rows


@dataclass(frozen=True)
class SessionPopularity:
    """Items by how often the history holds them, later ones counting more, and then by how often all histories do.

        score(i) = share(i) + personal_weight · Σ decay^age over the times that the history took i

    Args:
        decay: in (0, 1], of what was taken earlier, for a step or a unit of time.
        personal_weight: how much more the history counts than what all take; 0 is global popularity alone.

    Example:
        >>> past = Histories.of([[0, 1, 1], [1, 2]])
        >>> SessionPopularity()(past, 3)(Histories.of([[2]])).round(2).tolist()
        [[0.2, 0.6, 1000.2]]
    """

    decay: float = 1.0
    personal_weight: float = 1000.0

    def __post_init__(self) -> None:
        checks.keep(self, decay=checks.real("decay", self.decay, low=0, high=1, open_low=True))
        checks.keep(self, personal_weight=checks.real("personal_weight", self.personal_weight, low=0))

    def __call__(self, train: Histories, num_items: int) -> Popular:
        """Count."""
        return Popular(self, item_shares(train, num_items))


class Popular(NamedTuple):
    """Shares of all items, float64[n], and how histories count."""

    method: SessionPopularity
    share: np.ndarray

    def __call__(self, histories: Histories) -> np.ndarray:
        """float64[b, n]."""
        own = histories.weights(len(self.share), self.method.decay)
        scores = np.tile(self.share, (len(histories), 1))
        scores[np.repeat(np.arange(len(histories)), np.diff(own.indptr)), own.indices] += (
            self.method.personal_weight * own.data
        )
        return scores


def item_shares(train: Histories, num_items: int) -> np.ndarray:
    """float64[n]: of everything taken, the share of each item."""
    check_rows(train, num_items)
    shares: np.ndarray = np.bincount(train.item, minlength=num_items) / max(len(train.item), 1)
    return shares
