"""Erdős–Rényi and Watts–Strogatz: graphs in which no entity is special."""

from __future__ import annotations

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._random import generator
from cleora_jax.generators import draws
from cleora_jax.graph import Graph


def erdos_renyi(num_entities: int, p: float, *, seed: int = 0) -> Graph:
    """G(n, p): each pair of entities is an edge with probability p, by itself.

    Args:
        num_entities: n.
        p: in [0, 1]; p = k / (n − 1) gives the mean degree k.
        seed: any integer of 64 bits. Default: 0.

    Raises:
        ValueError: a number out of its range.

    Example:
        >>> import cleora_jax as cj
        >>> cj.generators.erdos_renyi(1000, 0.01)
        Graph(1,000 entities, 5,082 hyperedges; node: 1,000)

    Reference: Gilbert, Random graphs, Annals of Mathematical Statistics 30, 1959.
    """
    count = draws.entities("num_entities", num_entities)
    rng = generator(seed)
    return draws.graph_of_pairs(*draws.pairs_within(rng, count, checks.real("p", p, low=0, high=1)), count)


def watts_strogatz(num_entities: int, k: int, p: float, *, seed: int = 0) -> Graph:
    """A small world: a ring on which each knows its k nearest, and each edge moves one end with probability p.

    An end that moves goes to an entity drawn at random, but never to the other end or along an edge that exists.

    Args:
        num_entities: n, more than k.
        k: even, at least 2: k / 2 on each side.
        p: in [0, 1]. 0 is the ring, 1 nearly a random graph.
        seed: any integer of 64 bits. Default: 0.

    Raises:
        ValueError: a number out of its range.

    Example:
        >>> import cleora_jax as cj
        >>> cj.generators.watts_strogatz(1000, 6, 0.1)
        Graph(1,000 entities, 3,000 hyperedges; node: 1,000)

    Reference: Watts and Strogatz, Collective dynamics of 'small-world' networks, Nature 393, 1998.
    """
    count = draws.entities("num_entities", num_entities, low=3)
    if checks.integer("k", k, low=2, high=count - 1) % 2:
        raise checks.OptionError(f"`k` must be even, got {k}.")
    chance = checks.real("p", p, low=0, high=1)
    rng = generator(seed)
    source = np.repeat(np.arange(count), k // 2)
    target = (source + np.tile(np.arange(1, k // 2 + 1), count)) % count
    moved = np.flatnonzero(rng.random(len(source)) < chance) if k < count - 1 else np.zeros(0, np.int64)
    ring = target.copy()
    target[moved] = rng.integers(count, size=len(moved))
    for _ in range(draws.ROUNDS):
        again = moved[_clashes(source, target, ring, count)[moved]]
        if not len(again):
            break
        target[again] = rng.integers(count, size=len(again))
    else:
        _find_places(rng, source, target, moved[_clashes(source, target, ring, count)[moved]], count)
    return draws.graph_of_pairs(np.minimum(source, target), np.maximum(source, target), count)


def _find_places(
    rng: np.random.Generator, source: np.ndarray, target: np.ndarray, wrong: np.ndarray, count: int
) -> None:
    """Targets of the few edges that found none in a dense graph, one after the other: of those that are free."""
    right = np.ones(len(source), bool)
    right[wrong] = False
    for edge in wrong.tolist():
        for one in [source[edge], *rng.permutation(count)]:  # another end, where its own has an edge with all
            taken = np.concatenate([target[right & (source == one)], source[right & (target == one)], [one]])
            free = np.setdiff1d(np.arange(count), taken)
            if len(free):
                break
        source[edge], target[edge], right[edge] = one, rng.choice(free), True


def _clashes(source: np.ndarray, target: np.ndarray, ring: np.ndarray, count: int) -> np.ndarray:
    """bool[m]: loops, and edges that stand there twice, but for one of each that never moved, or else the first."""
    key = np.minimum(source, target) * count + np.maximum(source, target)
    order = np.lexsort((np.arange(len(key)), target != ring, key))
    clash = source == target
    clash[order] |= np.diff(key[order], prepend=-1) == 0
    return clash
