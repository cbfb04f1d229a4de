"""How well a recommender finds what was held out: every item is ranked for every user, in blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress, no_progress
from cleora_jax.evaluate.ranking import ranking_metrics
from cleora_jax.recommend.interactions import Interactions, placed
from cleora_jax.recommend.verb import Recommender


@dataclass(frozen=True)
class RecommenderScores:
    """Scores of a recommender, and what they are means of.

    Args:
        metrics: "recall@20", "ndcg@20", …, see `evaluate.ranking_metrics`.
        users: that have something to be found, over which means go.
        pairs: to be found.
        unknown_users, unknown_items, unknown_pairs: of the test interactions, what training did not know, left out.
        seen_pairs: test pairs that training held too: nobody is recommended them, so they are left out.
    """

    metrics: dict[str, float]
    users: int
    pairs: int
    unknown_users: int
    unknown_items: int
    unknown_pairs: int
    seen_pairs: int

    def __getitem__(self, metric: str) -> float:
        return self.metrics[metric]

    def __str__(self) -> str:
        shown = "  ".join(f"{name} {value:.4f}" for name, value in self.metrics.items())
        left = f"; {self.unknown_pairs:,} pairs of unknown ends left out" if self.unknown_pairs else ""
        seen = f"; {self.seen_pairs:,} pairs seen in training left out" if self.seen_pairs else ""
        return f"{shown}\n{self.users:,} users, {self.pairs:,} pairs{left}{seen}"

    def record(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)


def evaluate_recommender(
    recommender: Recommender,
    test: Interactions,
    k: int | Sequence[int] = 20,
    *,
    progress: Progress = no_progress,
) -> RecommenderScores:
    """Rank all items that each test user had not taken, and see where the test items stand.

    Users are scored by their rows of training. Metrics are means over the users who have a test item.

    Args:
        recommender: fitted to the training part.
        test: what was held out, over the same ids; weights are not looked at.
        k: how many places count, or several such numbers.
        progress: called after each block of users.

    Raises:
        ValueError: no test pair is of a known user and a known item, or a k below 1.

    Example:
        >>> from cleora_jax.recommend import Popularity, fit_recommender, interactions
        >>> train = interactions([("ann", "tea"), ("ann", "jam"), ("bob", "tea"), ("bob", "rum")])
        >>> found = evaluate_recommender(fit_recommender(train, Popularity()), interactions([("ann", "rum")]), k=1)
        >>> found["recall@1"], found.users
        (1.0, 1)
    """
    checks.kind("recommender", recommender, Recommender, "see `fit_recommender`")
    checks.kind("test", test, Interactions, "see `interactions`, `read_interactions`")
    depths = [checks.integer("k", depth, low=1) for depth in ([k] if isinstance(k, (int, np.integer)) else k)]
    if not depths:
        raise checks.OptionError("`k` must name at least one depth.")
    known = recommender.interactions
    found = placed(test, known)
    truth = found.matrix.astype(bool)
    fresh = sp.csr_array(truth > known.matrix.astype(bool))
    fresh.eliminate_zeros()
    users = np.flatnonzero(np.diff(fresh.indptr))
    if not len(users):
        raise checks.OptionError("`test` holds no pair of a known user and a known item that training does not hold.")
    rows = known.matrix[users]
    lists = recommender.top(rows, max(depths), unwanted=rows, progress=progress).rows
    metrics = ranking_metrics(lists, fresh[users], depths)
    seen = truth.nnz - fresh.nnz
    return RecommenderScores(
        metrics, len(users), int(fresh.nnz), found.unknown_users, found.unknown_items, found.unknown_pairs, int(seen)
    )
