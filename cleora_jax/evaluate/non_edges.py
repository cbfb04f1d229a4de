"""Pairs of entities that are not linked, drawn without repetition: the negatives that links are told from."""

from __future__ import annotations

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax.learn.pairs import pair_keys

LISTED_PAIRS = 1 << 20  # up to so many possible pairs are listed and drawn from exactly; of more, draws are rejected
MAX_ROUNDS = 200  # of rejection, each of twice as many draws as are still wanted


def keys_of(pairs: np.ndarray, count: int, directed: bool) -> np.ndarray:
    """A number for each pair of rows below `count`, int64[m]; the same for both orders unless `directed`."""
    if not directed:
        return pair_keys(pairs, count)
    keys: np.ndarray = pairs[:, 0] * count + pairs[:, 1]
    return keys


def draw_like(
    rng: np.random.Generator,
    pairs: np.ndarray,
    column: np.ndarray,
    weight: tuple[np.ndarray, np.ndarray],
    taken: np.ndarray,
    directed: bool,
    *,
    spare: bool = False,
) -> np.ndarray:
    """A negative for each pair, of the same two columns: distinct, no entity with itself, none of those `taken`.

    Args:
        rng: draws them.
        pairs: int64[m, 2].
        column: int[n], of each entity.
        weight: float[n] ≥ 0 both; ends are drawn in proportion to the first (sources) and the second (targets).
        taken: int64, sorted keys of pairs that must not be drawn (see `keys_of`).
        directed: (i, j) and (j, i) are two pairs; if not they are one, and the lower row stands first.
        spare: where there are not twice as many as are wanted, draw half of those there are.

    Returns:
        int64[m, 2], each in the place of a pair of the same columns, and else in random order; fewer by `spare`.

    Raises:
        ValueError: there are fewer such pairs than are wanted.
    """
    sides = column[pairs] if directed else np.sort(column[pairs], axis=1)
    drawn = np.full_like(pairs, -1)
    for first, second in np.unique(sides, axis=0):
        place = np.flatnonzero((sides == (first, second)).all(axis=1))
        ends = np.where(column == first, weight[0], 0.0), np.where(column == second, weight[1], 0.0)
        found = rng.permutation(draw(rng, len(place), ends, taken, directed, spare=spare))
        drawn[place[: len(found)]] = found
    return drawn[drawn[:, 0] >= 0]


def draw(
    rng: np.random.Generator,
    wanted: int,
    weight: tuple[np.ndarray, np.ndarray],
    taken: np.ndarray,
    directed: bool,
    *,
    spare: bool = False,
) -> np.ndarray:
    """Distinct pairs, int64[wanted, 2], each next one with a chance in proportion to the weights of its ends.

    Arguments and errors are as in `draw_like`; entities of weight 0 are never drawn.
    """
    ends = np.flatnonzero(weight[0]), np.flatnonzero(weight[1])
    if len(ends[0]) * len(ends[1]) > LISTED_PAIRS:
        there = _num_eligible(weight, taken, directed)
        return _draw_rejecting(rng, _wanted(wanted, there, spare), weight, taken, directed)
    pairs = np.stack([side.ravel() for side in np.meshgrid(*ends, indexing="ij")], axis=1)
    pairs = _distinct(_eligible(pairs, len(weight[0]), taken, directed), len(weight[0]), directed)
    wanted = _wanted(wanted, len(pairs), spare)
    # Those of largest log weight plus Gumbel noise are a draw without replacement (Efraimidis and Spirakis, 2006).
    order = np.log(_chance(pairs, weight, directed)) + rng.gumbel(size=len(pairs))
    drawn: np.ndarray = pairs[np.argsort(-order, kind="stable")[:wanted]]
    return drawn


def _wanted(wanted: int, there: int, spare: bool) -> int:
    """How many are drawn of the pairs there are; OptionError where they do not suffice."""
    wanted = min(wanted, there // 2) if spare else wanted
    if there < wanted:
        raise checks.OptionError(
            f"`graph` is too dense: {wanted:,} negatives are wanted, and there are {there:,} pairs to draw from."
        )
    return wanted


def _num_eligible(weight: tuple[np.ndarray, np.ndarray], taken: np.ndarray, directed: bool) -> int:
    """How many pairs of two different entities, of a weight on either side, are not taken."""
    first, second = (side > 0 for side in weight)
    both = int(np.count_nonzero(first & second))
    pairs = int(first.sum()) * int(second.sum()) - both - (0 if directed else both * (both - 1) // 2)
    low, high = np.divmod(np.unique(taken), len(first))
    within = first[low] & second[high]
    if not directed:
        within |= first[high] & second[low]
    return pairs - int(np.count_nonzero(within & (low != high)))


def _draw_rejecting(
    rng: np.random.Generator, wanted: int, weight: tuple[np.ndarray, np.ndarray], taken: np.ndarray, directed: bool
) -> np.ndarray:
    """Draws that are no pairs, or taken, or were had before, are thrown away."""
    count, sums = len(weight[0]), [np.cumsum(side, dtype=np.float64) for side in weight]
    found = np.zeros((0, 2), np.int64)
    for _ in range(MAX_ROUNDS):
        tries = 2 * (wanted - len(found)) + 64
        ends = [np.searchsorted(total, total[-1] * rng.random(tries), side="right") for total in sums]
        more = _eligible(np.stack(ends, axis=1), count, taken, directed)
        found = _distinct(np.concatenate([found, more]), count, directed)[:wanted]
        if len(found) == wanted:
            return found
    raise checks.OptionError(
        f"`graph` is too dense: after {MAX_ROUNDS} rounds {len(found):,} of {wanted:,} negatives were found."
    )


def _eligible(pairs: np.ndarray, count: int, taken: np.ndarray, directed: bool) -> np.ndarray:
    """The pairs of two different entities that are not taken; the lower row first unless `directed`."""
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    if not directed:
        pairs = np.sort(pairs, axis=1)
    if not len(taken):
        return pairs
    keys = keys_of(pairs, count, directed)
    place = np.minimum(np.searchsorted(taken, keys), len(taken) - 1)
    return pairs[taken[place] != keys]


def _chance(pairs: np.ndarray, weight: tuple[np.ndarray, np.ndarray], directed: bool) -> np.ndarray:
    """How likely each pair is to be drawn, up to a factor: in either order, unless `directed`."""
    first, last = pairs.T
    chance: np.ndarray = weight[0][first] * weight[1][last]
    return chance if directed else chance + weight[0][last] * weight[1][first]


def _distinct(pairs: np.ndarray, count: int, directed: bool) -> np.ndarray:
    """The pairs without repetition, in the order of their first appearance."""
    _, first = np.unique(keys_of(pairs, count, directed), return_index=True)
    distinct: np.ndarray = pairs[np.sort(first)]
    return distinct
