"""The LFR benchmark: communities and degrees of very different size, and a share of edges that leads outside."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq

from cleora_jax import _checks as checks
from cleora_jax._random import generator
from cleora_jax.generators import draws
from cleora_jax.generators.blocks import Planted
from cleora_jax.graph import labels_of

ROUNDS = 200  # of swaps that take loops, repeats and edges of the wrong kind away
MOST_LOST = 0.01  # share of the edges that may be left after that, and are dropped

Allowed = Callable[[np.ndarray, np.ndarray], np.ndarray]  # ends int64[m] both -> bool[m]: they may be an edge


def lfr(
    num_entities: int,
    *,
    mixing: float = 0.2,
    mean_degree: float = 15.0,
    max_degree: int = 100,
    min_community: int = 20,
    max_community: int = 200,
    degree_exponent: float = 2.5,
    community_exponent: float = 1.5,
    seed: int = 0,
) -> Planted:
    """Graphs to try community detection on: power laws of degrees and of communities, wired at random between them.

    Degrees are drawn from a power law with the mean wanted, sizes of communities from another. Each entity leads the
    part `mixing` of its edges outside of its community. It is put at random into one that is larger than its inner
    degree; large ones first, so that each finds a place. Inner and outer edges are wired at random; pairs that cannot
    be are swapped away. Edges that find no place are dropped, fewer than one in a hundred; more are an error.

    Args:
        num_entities: n, at least `max_community`.
        mixing: μ in [0, 1]: 0 leaves communities apart, from 0.5 on they are hard to find. Default: 0.2.
        mean_degree: at least 1. Default: 15.
        max_degree: at least the mean; (1 − μ) of it below `max_community`. Default: 100.
        min_community, max_community: entities of a community. Default: 20, 200.
        degree_exponent: above 1; 2 to 3 as a rule. Default: 2.5.
        community_exponent: at least 0; 1 to 2 as a rule. Default: 1.5.
        seed: any integer of 64 bits. Default: 0.

    Raises:
        ValueError: numbers that cannot be, or not together.

    Example:
        >>> import cleora_jax as cj
        >>> graph, labels = cj.generators.lfr(2000)
        >>> len(labels.classes), labels.single
        (27, True)

    Reference: Lancichinetti, Fortunato and Radicchi, Benchmark graphs for testing community detection algorithms,
    Physical Review E 78, 2008.
    """
    largest = draws.entities("max_community", max_community, low=2)
    smallest = checks.integer("min_community", min_community, low=2, high=largest)
    count = draws.entities("num_entities", num_entities, low=largest)
    share = 1 - checks.real("mixing", mixing, low=0, high=1)
    top = checks.integer("max_degree", max_degree, low=1, high=count - 1)
    mean = checks.real("mean_degree", mean_degree, low=1, high=top)
    if share * top > largest - 1:
        raise checks.OptionError(
            f"`max_degree`: {top} × (1 − `mixing`) must be below `max_community`, got {share * top:g} and {largest}."
        )
    steep = checks.real("degree_exponent", degree_exponent, low=1)
    rng = generator(seed)
    degree = _degrees(rng, count, mean, top, steep)
    inner = np.minimum((share * degree + rng.random(count)).astype(np.int64), largest - 1)
    size = _community_sizes(rng, count, smallest, largest, checks.real("community_exponent", community_exponent, low=0))
    community = _places(rng, inner, size)
    edges = _wired_inside_and_outside(rng, community, inner, degree - inner)
    lost = int(degree.sum()) // 2 - edges.shape[1]
    if lost > MOST_LOST * degree.sum() / 2:
        raise checks.OptionError(
            f"the communities cannot hold these edges: {lost:,} of {int(degree.sum()) // 2:,} find no place. More "
            "entities, smaller communities or a smaller `mixing` help where edges lead outside; larger ones inside."
        )
    low, high = np.sort(edges, axis=0)
    graph = draws.graph_of_pairs(low, high, count)
    return Planted(graph, labels_of(graph.vocab, community))


def _degrees(rng: np.random.Generator, count: int, mean: float, top: int, exponent: float) -> np.ndarray:
    """int64[n]: a power law between the least that gives the mean and `top`, drawn by inversion, rounded at random."""
    grid = (np.arange(4096) + 0.5) / 4096

    def drawn(low: float, uniform: np.ndarray) -> np.ndarray:
        if abs(exponent - 1) < 1e-9:
            return low * (top / low) ** uniform
        power = 1 - exponent
        return (low**power + uniform * (top**power - low**power)) ** (1 / power)

    least = 1e-3
    if drawn(least, grid).mean() > mean:
        raise checks.OptionError(f"`mean_degree`: {mean:g} is too small for `max_degree` {top} and this exponent.")
    low = brentq(lambda low: drawn(low, grid).mean() - mean, least, top, xtol=1e-6)
    return np.clip((drawn(low, rng.random(count)) + rng.random(count)).astype(np.int64), 1, top)


def _community_sizes(rng: np.random.Generator, count: int, low: int, high: int, exponent: float) -> np.ndarray:
    """Sizes that add up to n, the largest first and at least one of `high`; what is left over is spread."""
    drawn = draws.power_law_integers(rng, count // low + 1, exponent, low, high)
    drawn[0] = high
    size = drawn[: np.searchsorted(np.cumsum(drawn), count, side="right")]
    left = count - int(size.sum())
    if left >= low:
        size, left = np.append(size, left), 0
    while left:
        room = np.flatnonzero(size < high)
        if not len(room):
            size, left = np.append(size, left), 0  # all are full: what is left is a community smaller than wanted
            break
        more = room[: min(left, len(room))]
        size[more] += 1
        left -= len(more)
    return np.sort(size)[::-1]


def _places(rng: np.random.Generator, inner: np.ndarray, size: np.ndarray) -> np.ndarray:
    """The community int64[n] of each entity: those with many inner edges choose first, of places in large ones."""
    community = np.empty(len(inner), np.int64)
    places: list[int] = []
    opened = 0
    numbers = rng.random(len(inner)).tolist()
    for entity, number in zip(np.argsort(-inner, kind="stable").tolist(), numbers, strict=True):
        while opened < len(size) and size[opened] > inner[entity]:
            places += [opened] * int(size[opened])
            opened += 1
        if not places:
            raise checks.OptionError(
                f"an entity with {inner[entity]} edges inside finds no community that is larger: a larger "
                "`min_community` or `max_community`, more `mixing` or smaller degrees help."
            )
        at = int(number * len(places))
        places[at], places[-1] = places[-1], places[at]
        community[entity] = places.pop()
    return community


def _wired_inside_and_outside(
    rng: np.random.Generator, community: np.ndarray, inner: np.ndarray, outer: np.ndarray
) -> np.ndarray:
    """Edges int64[2, m]: inner ones within each community, outer ones between two."""
    inner, outer = inner.copy(), outer.copy()
    odd = np.bincount(community, weights=inner).astype(np.int64) % 2 == 1
    some = np.flatnonzero(inner)
    of, first = np.unique(community[some], return_index=True)
    member = some[first[odd[of]]]  # an end is left over in these communities: its edge leads outside
    inner[member] -= 1
    outer[member] += 1
    if outer.sum() % 2:
        outer[np.argmax(outer)] -= 1
    within = _wired(rng, inner, community, lambda one, other: one != other)
    nowhere = np.zeros(len(community), np.int64)
    between = _wired(rng, outer, nowhere, lambda one, other: community[one] != community[other])
    return np.concatenate([within, between], axis=1)


def _wired(rng: np.random.Generator, degree: np.ndarray, group: np.ndarray, allowed: Allowed) -> np.ndarray:
    """The configuration model within each group, whose sums of degrees are even: distinct edges that are `allowed`.

    An edge that may not be swaps ends with one drawn from its group, where both may be then.
    """
    ends = np.repeat(np.arange(len(degree)), degree)
    ends = ends[np.lexsort((rng.random(len(ends)), group[ends]))]
    edges = ends.reshape(-1, 2).T.copy()
    of = group[edges[0]]  # sorted
    first, count = np.searchsorted(of, of, side="left"), np.bincount(of, minlength=1)[of]
    keys = _keys(edges[0], edges[1], len(degree))
    wrong = np.flatnonzero(draws.repeats(*np.sort(edges, axis=0)) | ~allowed(edges[0], edges[1]))
    taken, made = np.sort(keys), np.zeros(0, np.int64)  # what was there and what came; what went counts as there
    for _ in range(ROUNDS):
        if not len(wrong):
            break
        partner = first[wrong] + rng.integers(count[wrong])
        (a, b), (c, d) = edges[:, wrong], edges[:, partner]
        turned = rng.random(len(wrong)) < 0.5
        c, d = np.where(turned, d, c), np.where(turned, c, d)
        new = np.stack([_keys(a, d, len(degree)), _keys(c, b, len(degree))])
        fits = allowed(a, d) & allowed(c, b) & ~(_among(new, taken) | _among(new, made)).any(axis=0)
        fits &= ~_among(partner, wrong)
        touched = np.stack([wrong, partner])  # no edge is swapped twice in a round, no new one made twice
        fits &= _alone(touched, fits)
        fits &= _alone(new, fits)
        here, there = wrong[fits], partner[fits]
        edges[:, here], edges[:, there] = np.stack([a, d])[:, fits], np.stack([c, b])[:, fits]
        made = np.sort(np.concatenate([made, new[:, fits].ravel()]))
        wrong = wrong[~fits]
    return np.delete(edges, wrong, axis=1)


def _among(values: np.ndarray, sorted_: np.ndarray) -> np.ndarray:
    """bool: whether each value is one of some, which are sorted."""
    if not len(sorted_):
        return np.zeros(values.shape, bool)
    at = np.minimum(np.searchsorted(sorted_, values), len(sorted_) - 1)
    found: np.ndarray = sorted_[at] == values
    return found


def _keys(one: np.ndarray, other: np.ndarray, count: int) -> np.ndarray:
    """A number for each pair, whichever end comes first."""
    return np.minimum(one, other) * count + np.maximum(one, other)


def _alone(both: np.ndarray, among: np.ndarray) -> np.ndarray:
    """bool[m]: neither of the two numbers of a column stands in another of those `among`, nor twice."""
    _, code, times = np.unique(both[:, among], return_inverse=True, return_counts=True)
    found = np.zeros(both.shape[1], bool)
    found[among] = (times[code.reshape(2, -1)] == 1).all(axis=0)
    return found
