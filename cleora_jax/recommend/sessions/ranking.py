"""Full ranking: every item is scored for every case, a block of cases at a time; nothing is sampled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress, no_progress
from cleora_jax.evaluate.links import ranks_among
from cleora_jax.recommend.sessions.histories import Cases, Histories
from cleora_jax.recommend.top import best

BLOCK_BYTES = 1 << 26  # of the scores held at once

# float[b, n] of b histories: the larger, the likelier is an item the next; −inf where it is not recommended at all.
Scorer = Callable[[Histories], np.ndarray]


def target_ranks(scorer: Scorer, cases: Cases, num_items: int, *, progress: Progress = no_progress) -> np.ndarray:
    """The rank of each target among all n items, float64[c]; infinite where it is not recommended.

    Ties are averaged, ½ (#{s > t} + #{s ≥ t, others}) + 1: a constant score gains nothing, whatever the order of rows.

    Args:
        scorer: of histories.
        cases: c of them.
        num_items: n.
        progress: called after every block.

    Raises:
        ValueError: scores of another shape, or NaN.

    Example:
        >>> cases = Cases(Histories.of([[0], [1]]), np.array([2, 1]))
        >>> target_ranks(lambda histories: np.array([[3, 2, 2, 0.0]] * len(histories)), cases, 4).tolist()
        [2.5, 2.5]
    """
    found = np.empty(len(cases.target))
    for block in _blocks(len(found), num_items):
        part = cases.take(block)
        found[block] = _ranks(_scored(scorer, part.histories, num_items), part.target)
        progress("ranking", block.stop, len(found))
    return found


def _ranks(scores: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Rank of column `target[i]` in row i, float64[b]; see `target_ranks`."""
    own = scores[np.arange(len(scores)), target]
    return np.where(own == -np.inf, np.inf, ranks_among(own, scores) - 1 / 2)  # it is level with itself


def next_item_metrics(ranks: np.ndarray, k: int | Sequence[int] = 20) -> dict[str, float]:
    """Hit rate and mean reciprocal rank at one or several depths; a rank beyond k counts 0.

    With one target a case, the hit rate is what this literature calls P@k, and recall.

    Example:
        >>> next_item_metrics(np.array([1.0, 4.0, np.inf]), 2)
        {'hit_rate@2': 0.3333333333333333, 'mrr@2': 0.3333333333333333}
    """
    if not len(ranks):
        raise checks.OptionError("`ranks` must be of one case at least.")
    found: dict[str, float] = {}
    for depth in [k] if isinstance(k, (int, np.integer)) else k:
        within = ranks <= checks.integer("k", depth, low=1)
        found[f"hit_rate@{depth}"] = float(within.mean())
        found[f"mrr@{depth}"] = float(np.where(within, 1 / ranks, 0).mean())
    return found


def top_lists(scorer: Scorer, histories: Histories, num_items: int, k: int = 20) -> np.ndarray:
    """The k best items of each history, best first, int64[h, min(k, n)]; −1 where fewer are recommended.

    Equal scores stand in row order. For `evaluate.ranking_metrics`.
    """
    k = min(checks.integer("k", k, low=1), num_items)
    lists = np.empty((len(histories), k), np.int64)
    for block in _blocks(len(histories), num_items):
        lists[block] = best(_scored(scorer, histories.take(block), num_items), k)[0]
    return lists


def block_rows(num_items: int) -> int:
    """Histories whose scores are held at once."""
    return max(1, BLOCK_BYTES // (4 * num_items))


def _blocks(count: int, num_items: int) -> Iterator[slice]:
    size = block_rows(checks.integer("num_items", num_items, low=1))
    return (slice(start, min(start + size, count)) for start in range(0, count, size))


def _scored(scorer: Scorer, histories: Histories, num_items: int) -> np.ndarray:
    scores = np.asarray(scorer(histories))
    if scores.shape != (len(histories), num_items):
        raise checks.OptionError(
            f"`scorer` must give scores [{len(histories)}, {num_items}] of so many histories, got {scores.shape}."
        )
    if np.isnan(scores).any():
        raise checks.OptionError("`scorer` gave NaN.")
    return scores
