"""The LFR benchmark: communities and degrees of very different size, and a share of edges that leads outside."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq

from cleora_jax import _checks as checks
from cleora_jax.generators import draws
from cleora_jax.generators.blocks import Planted
from cleora_jax.graph import labels_of

ROUNDS = (
    200  # of swaps that take loops, repeats and edges of the wrong kind away; a few edges may be left, and are dropped
)

Bad = Callable[[np.ndarray], np.ndarray]  # edges int64[2, m] -> bool[m]: not wanted


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
    be are swapped away.

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
    rng = np.random.default_rng(checks.seed(seed) % 2**64)
    degree = _degrees(rng, count, mean, top, steep)
    inner = np.minimum((share * degree + rng.random(count)).astype(np.int64), largest - 1)
    size = _community_sizes(rng, count, smallest, largest, checks.real("community_exponent", community_exponent, low=0))
    community = _places(rng, inner, size)
    edges = _wired_inside_and_outside(rng, community, inner, degree - inner)
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
        while opened < len(size) and (size[opened] > inner[entity] or not places):
            places += [opened] * int(size[opened])
            opened += 1
        at = int(number * len(places))
        places[at], places[-1] = places[-1], places[at]
        community[entity] = places.pop()
    return community


def _wired_inside_and_outside(
    rng: np.random.Generator, community: np.ndarray, inner: np.ndarray, outer: np.ndarray
) -> np.ndarray:
    """Edges int64[2, m]: inner ones within each community, outer ones between two."""
    inner, outer = inner.copy(), outer.copy()
    odd = np.flatnonzero(np.bincount(community, weights=inner).astype(np.int64) % 2)
    for one in odd:  # an end is left over: its edge leads outside
        member = np.flatnonzero((community == one) & (inner > 0))[0]
        inner[member] -= 1
        outer[member] += 1
    if outer.sum() % 2:
        outer[np.argmax(outer)] -= 1
    key = len(community)

    def repeated(edges: np.ndarray) -> np.ndarray:
        """Loops, and all but the first of equal edges."""
        low, high = np.sort(edges, axis=0)
        number = low * key + high
        order = np.argsort(number, kind="stable")
        again = np.zeros(len(number), bool)
        again[order] = np.diff(number[order], prepend=-1) == 0
        return again | (low == high)

    within = _wired(rng, inner, community, repeated)
    nowhere = np.zeros(len(community), np.int64)
    between = _wired(rng, outer, nowhere, lambda edges: repeated(edges) | (community[edges[0]] == community[edges[1]]))
    return np.concatenate([within, between], axis=1)


def _wired(rng: np.random.Generator, degree: np.ndarray, group: np.ndarray, bad: Bad) -> np.ndarray:
    """The configuration model within each group, whose sums of degrees are even: edges that are not `bad`."""
    ends = np.repeat(np.arange(len(degree)), degree)
    ends = ends[np.lexsort((rng.random(len(ends)), group[ends]))]
    edges = ends.reshape(-1, 2).T.copy()
    of = group[edges[0]]  # sorted
    first, count = np.searchsorted(of, of, side="left"), np.bincount(of, minlength=1)[of]
    for _ in range(ROUNDS):
        wrong = np.flatnonzero(bad(edges))
        if not len(wrong):
            return edges
        partner = first[wrong] + rng.integers(count[wrong])
        _, alone = np.unique(partner, return_index=True)  # no edge is swapped twice in a round
        alone = alone[~np.isin(partner[alone], wrong)]
        here, there = wrong[alone], partner[alone]
        edges[1, here], edges[1, there] = edges[1, there], edges[1, here]
    return edges[:, ~bad(edges)]
