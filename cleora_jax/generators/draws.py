"""What all generators draw: distinct pairs, distinct members of groups, sizes with a power law; and the graph of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax.graph import Graph, Vocab
from cleora_jax.graph.build import of_members, pairs_of
from cleora_jax.graph.hyperedges import Incidence, offsets_of

MOST_ENTITIES = 2**31 - 1  # rows are int32
ROUNDS = 64  # of rejection, before what is left is drawn in another way


def entities(name: str, value: int, low: int = 1) -> int:
    """A number of entities, checked."""
    return checks.integer(name, value, low=low, high=MOST_ENTITIES)


def graph_of_pairs(low: np.ndarray, high: np.ndarray, num_entities: int, column: str = "node") -> Graph:
    """The graph of edges between rows, entities named "0", "1", …."""
    return graph_of(pairs_of(np.stack([low, high], axis=1).ravel()), num_entities, column)


def graph_of(side: Incidence, num_entities: int, column: str) -> Graph:
    """The graph of hyperedges over rows, entities named "0", "1", …."""
    vocab = Vocab.of(np.arange(num_entities).astype(str).tolist(), column)
    return of_members(side, vocab)


def pairs_within(rng: np.random.Generator, size: int, chance: float) -> tuple[np.ndarray, np.ndarray]:
    """Each of the size (size − 1) / 2 pairs with a probability, by itself: low < high, int64[m] both."""
    return unordered(chosen(rng, size * (size - 1) // 2, chance), size)


def chosen(rng: np.random.Generator, count: int, chance: float) -> np.ndarray:
    """Each of the numbers 0 … count − 1 with a probability, by itself, int64[m], in no order."""
    return (
        rng.choice(count, rng.binomial(count, chance), replace=False, shuffle=False) if count else np.zeros(0, np.int64)
    )


def unordered(number: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The pairs low < high of `size` things that have these numbers, counted (0, 1), (0, 2), …, (1, 2), ….

    Example:
        >>> [each.tolist() for each in unordered(np.arange(6), 4)]
        [[0, 0, 0, 1, 1, 2], [1, 2, 3, 2, 3, 3]]
    """
    back = size * (size - 1) // 2 - 1 - number  # counted from the end, rows have 1, 2, 3, … pairs
    row = ((np.sqrt(8.0 * back + 1) - 1) / 2).astype(np.int64)
    row += (row + 1) * (row + 2) // 2 <= back  # the root may be rounded either way
    row -= row * (row + 1) // 2 > back
    low = size - 2 - row
    return low, size - 1 - (back - row * (row + 1) // 2)


def distinct_members(
    rng: np.random.Generator,
    group: np.ndarray,
    draw: Callable[[np.ndarray], np.ndarray],
    weights: Callable[[int], np.ndarray],
) -> np.ndarray:  # fmt: skip
    """Members int64[m], no two alike in a group: what repeats an earlier one is drawn again, until nothing does.

    The few groups that go on for long, because they hold nearly all that comes often, are finished at once by their
    weights: exponential races, of which the next ones win. That is the same as going on.

    Args:
        rng: of the races.
        group: int64[m], of each member to be drawn; in order.
        draw: given positions int64[k], values int64[k] ≥ 0 for them.
        weights: given a group, what `draw` draws for it by, float64[values]; more values than the group has members.
    """
    member = draw(np.arange(len(group)))
    open_ = np.arange(len(group))
    for _ in range(ROUNDS):
        again = open_[repeats(group[open_], member[open_])]
        if not len(again):
            return member
        member[again] = draw(again)
        open_ = np.flatnonzero(np.isin(group, group[again]))
    again = open_[repeats(group[open_], member[open_])]
    for one in np.unique(group[again]).tolist():
        mine, wrong = np.flatnonzero(group == one), again[group[again] == one]
        chance = weights(one)
        chance[member[np.setdiff1d(mine, wrong)]] = 0
        with np.errstate(divide="ignore"):
            race = -np.log(rng.random(len(chance))) / chance
        member[wrong] = np.argsort(race, kind="stable")[: len(wrong)]
    return member


def repeats(group: np.ndarray, value: np.ndarray) -> np.ndarray:
    """bool: what stood in its group before."""
    order = np.lexsort((value, group))
    same = (np.diff(group[order], prepend=-1) == 0) & (np.diff(value[order], prepend=-1) == 0)
    found = np.zeros(len(group), bool)
    found[order] = same
    return found


def power_law_integers(
    rng: np.random.Generator, count: int, exponent: float, low: int, high: int
) -> np.ndarray:  # fmt: skip
    """int64[count] of low … high, each k with probability ∝ k^−exponent."""
    values = np.arange(low, high + 1)
    chance = values.astype(np.float64) ** -exponent
    return rng.choice(values, size=count, p=chance / chance.sum())


def sizes_of(rng: np.random.Generator, count: int, mean: float, most: int) -> np.ndarray:
    """Sizes int64[count] from 2 up to `most`, geometric above 2, of the mean wanted (before the cut at `most`)."""
    return np.minimum(1 + rng.geometric(1 / (mean - 1), size=count), most)


def ragged(size: np.ndarray, member: np.ndarray) -> Incidence:
    """Hyperedges of given sizes, members in turn."""
    return Incidence(offsets_of(size), member.astype(np.int32))
