"""Metrics of recommendation: ranked lists of items against the items that are relevant to each user.

All are means over the users who have a relevant item. Relevance is yes or no.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks

METRICS = ("precision", "recall", "hit_rate", "map", "ndcg", "mrr", "coverage")


class Hits(NamedTuple):
    """Which places of the lists hold a relevant item, of the users who have one.

    Args:
        hit: bool[u, k].
        relevant: int64[u], how many items are relevant, at least 1.
        coverage: share of all items that stand in the list of some user (of all users).
    """

    hit: np.ndarray
    relevant: np.ndarray
    coverage: float


def ranking_metrics(ranked: Any, relevant: Any, k: int | Sequence[int] = 20) -> dict[str, float]:
    """All metrics of recommendation at one or several depths, such as "recall@20".

    With hits h_i ∈ {0, 1} at places i ≤ k, and r relevant items of a user:

    - precision: Σ h_i / k, also where a list is shorter than k;
    - recall: Σ h_i / r;
    - hit_rate: 1 if any h_i;
    - map: Σ h_i (Σ_{j ≤ i} h_j / i) / min(k, r);
    - ndcg: Σ h_i / log₂(i + 1) over the same sum for min(k, r) hits in the first places;
    - mrr: 1 / i of the first hit, 0 where there is none;
    - coverage: share of all items that stand among the first k of any user's list.

    Args:
        ranked: int[users, length], items best first; −1 (at the end) where a list is shorter. No item twice.
        relevant: SciPy sparse [users, items]; a stored entry that is not 0 is a relevant item. Users without one are
            left out of the means.
        k: how many places count, or several such numbers; lists may be shorter.

    Returns:
        {"precision@k": …, "recall@k": …, …} for each k in turn.

    Raises:
        ValueError: shapes that do not fit, an unknown item, an item twice in a list, −1 before an item, or nothing
            relevant to anybody.

    Reference: Järvelin and Kekäläinen, 2002, for NDCG.

    Example:
        >>> relevant = sp.csr_array(np.array([[1, 1, 0, 0], [0, 0, 0, 1]]))
        >>> found = ranking_metrics([[0, 2, 1], [0, 1, 2]], relevant, k=2)
        >>> found["recall@2"], found["mrr@2"], round(found["ndcg@2"], 3), found["coverage@2"]
        (0.25, 0.5, 0.307, 0.75)
    """
    lists, truth = _checked(ranked, relevant)
    depths = [k] if isinstance(k, (int, np.integer)) else list(k)
    result: dict[str, float] = {}
    for depth in depths:
        hits = _hits(lists[:, : checks.integer("k", depth, low=1)], truth)
        result |= {f"{name}@{depth}": _METRIC_OF[name](hits, depth) for name in METRICS}
    return result


def _precision(hits: Hits, k: int) -> float:
    return float(np.mean(hits.hit.sum(axis=1) / k))


def _recall(hits: Hits, k: int) -> float:
    return float(np.mean(hits.hit.sum(axis=1) / hits.relevant))


def _hit_rate(hits: Hits, k: int) -> float:
    return float(np.mean(hits.hit.any(axis=1)))


def _map(hits: Hits, k: int) -> float:
    precision = np.cumsum(hits.hit, axis=1) / np.arange(1, hits.hit.shape[1] + 1)
    return float(np.mean((precision * hits.hit).sum(axis=1) / np.minimum(k, hits.relevant)))


def _ndcg(hits: Hits, k: int) -> float:
    gain = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.cumsum(gain)[np.minimum(k, hits.relevant) - 1]
    return float(np.mean((hits.hit * gain[: hits.hit.shape[1]]).sum(axis=1) / ideal))


def _mrr(hits: Hits, k: int) -> float:
    first = np.where(hits.hit.any(axis=1), 1 / (hits.hit.argmax(axis=1) + 1), 0)
    return float(np.mean(first))


def _coverage(hits: Hits, k: int) -> float:
    return hits.coverage


_METRIC_OF = dict(zip(METRICS, (_precision, _recall, _hit_rate, _map, _ndcg, _mrr, _coverage), strict=True))


def _hits(lists: np.ndarray, truth: sp.csr_array) -> Hits:
    """Where listed items are relevant: their keys user · items + item, searched among those of the relevant ones."""
    users, items = truth.shape
    counts = np.diff(truth.indptr)
    keys = np.repeat(np.arange(users), counts) * items + truth.indices
    hit = (lists >= 0) & np.isin(np.arange(users)[:, None] * items + lists, keys)
    listed = np.unique(lists[lists >= 0])
    return Hits(hit[counts > 0], counts[counts > 0].astype(np.int64), len(listed) / items)


def _checked(ranked: Any, relevant: Any) -> tuple[np.ndarray, sp.csr_array]:
    lists = np.asarray(ranked)
    if not sp.issparse(relevant):
        raise TypeError(f"`relevant` must be a SciPy sparse matrix [users, items], got {type(relevant).__name__}.")
    if lists.dtype.kind not in "iu":
        raise TypeError(f"`ranked` must be integers, got {lists.dtype}.")
    truth = sp.csr_array(relevant.astype(bool), copy=True)
    truth.sum_duplicates()
    truth.eliminate_zeros()
    if lists.ndim != 2 or len(lists) != truth.shape[0] or lists.shape[1] == 0:
        raise checks.OptionError(f"`ranked` must be [{truth.shape[0]}, length], a list per user, got {lists.shape}.")
    lists = lists.astype(np.int64)
    _check_lists(lists, truth.shape[1])
    if not truth.nnz:
        raise checks.OptionError("`relevant` must hold a relevant item of at least one user.")
    return lists, truth


def _check_lists(lists: np.ndarray, items: int) -> None:
    """Raise ValueError, naming the first user, where a list is none."""
    ordered = np.sort(lists, axis=1)
    faults = {
        f"an item that is neither −1 nor below {items}": (lists < -1) | (lists >= items),
        "an item after −1": (lists[:, :-1] < 0) & (lists[:, 1:] >= 0),
        "an item twice": (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0),
    }
    for fault, wrong in faults.items():
        if wrong.any():
            raise checks.OptionError(f"`ranked` holds {fault} in the list of user {np.argwhere(wrong)[0][0]}.")
