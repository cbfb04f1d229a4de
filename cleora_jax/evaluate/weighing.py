"""Weights of several embeddings, chosen on validation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress, no_progress
from cleora_jax.vectors.embedding import Embedding
from cleora_jax.vectors.ensemble import How, combine

MOST_TRIALS = 1000


class Weighed(NamedTuple):
    """What weighing found.

    Args:
        embedding: the parts combined by the best weights.
        weights: one for each part, in sum 1.
        score: of that, on validation.
        trials: (weights, score) of all that were tried.
    """

    embedding: Embedding
    weights: tuple[float, ...]
    score: float
    trials: tuple[tuple[tuple[float, ...], float], ...]


def weigh(
    parts: Sequence[Embedding] | Mapping[str, Embedding],
    objective: Callable[[Embedding], float],
    how: How = "concat",
    *,
    steps: int = 4,
    dim: int | None = None,
    progress: Progress = no_progress,
) -> Weighed:
    """`combine` with the weights that score best on validation, of all multiples of 1 / steps that add up to 1.

    Single parts and equal weights are among them, so that on validation nothing is lost by combining.

    Args:
        parts: at least one, or a dict of them.
        objective: scores an embedding, higher is better; a `NodeObjective` or `LinkObjective` looks at
            validation alone.
        how, dim: as of `combine`. Default: "concat".
        steps: at least 1. Equal weights are tried whatever it is. Default: 4.
        progress: told of each trial.

    Raises:
        ValueError: more than 1,000 combinations, a score that is not finite, or what `combine` says.

    Example:
        >>> import cleora_jax as cj
        >>> graph, labels = cj.generators.planted_partition([60] * 4, 0.2, 0.02)
        >>> split = cj.split_nodes(labels, 0.3, 0.3)
        >>> parts = [cj.embed(graph, method) for method in (cj.Cleora(dim=8), cj.RandNE(dim=8))]
        >>> found = cj.weigh(parts, cj.NodeObjective(graph, labels, split))
        >>> round(sum(found.weights), 6), len(found.trials)
        (1.0, 5)
    """
    listed = list(parts.values() if isinstance(parts, Mapping) else parts)
    steps = checks.integer("steps", steps, low=1)
    equal = (1 / max(len(listed), 1),) * len(listed)
    grid = list(dict.fromkeys([*_compositions(len(listed), steps), equal]))
    if len(grid) > MOST_TRIALS:
        raise checks.OptionError(f"`steps` must leave at most {MOST_TRIALS:,} combinations, got {len(grid):,}.")
    trials: list[tuple[tuple[float, ...], float]] = []
    for number, weights in enumerate(grid):
        progress("weigh", number, len(grid))
        score = float(objective(combine(listed, how, weights, dim=dim)))
        if not math.isfinite(score):
            raise checks.OptionError(f"`objective` must give finite numbers, got {score} for the weights {weights}.")
        trials.append((weights, score))
    progress("weigh", len(grid), len(grid))
    weights, score = max(trials, key=lambda trial: trial[1])
    return Weighed(combine(listed, how, weights, dim=dim), weights, score, tuple(trials))


def _compositions(count: int, steps: int) -> Iterator[tuple[float, ...]]:
    """All ways to share `steps` parts of 1 / steps among `count`; too many are cut."""

    def shares(places: int, left: int) -> Iterator[tuple[int, ...]]:
        if places == 1:
            yield (left,)
            return
        for first in range(left + 1):
            for rest in shares(places - 1, left - first):
                yield first, *rest

    for number, share in enumerate(shares(count, steps)) if count else ():
        if number > MOST_TRIALS:
            return
        yield tuple(each / steps for each in share)
