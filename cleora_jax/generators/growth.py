"""Barabási–Albert: entities come one after the other and join those that are known already."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._random import generator
from cleora_jax.generators import draws
from cleora_jax.graph import Graph

BLOCK = 1 << 16  # random numbers drawn at once


def barabasi_albert(num_entities: int, k: int, *, seed: int = 0) -> Graph:
    """Growth by preferential attachment: each new entity joins k others, each with probability ∝ its degree.

    It begins with a star of k + 1 entities. Degrees end with a power law of exponent 3. Python per edge.

    Args:
        num_entities: n, more than k.
        k: edges of each new entity, at least 1.
        seed: any integer of 64 bits. Default: 0.

    Raises:
        ValueError: a number out of its range.

    Example:
        >>> import cleora_jax as cj
        >>> cj.generators.barabasi_albert(1000, 3)
        Graph(1,000 entities, 2,991 hyperedges; node: 1,000)

    Reference: Barabási and Albert, Emergence of scaling in random networks, Science 286, 1999.
    """
    count = draws.entities("num_entities", num_entities, low=2)
    each = checks.integer("k", k, low=1, high=count - 1)
    rng = generator(seed)
    targets = list(range(each))  # of the star, whose middle is entity k
    ends = [end for leaf in range(each) for end in (leaf, each)]  # every entity as often as its degree
    numbers: Iterator[float] = iter(())
    for source in range(each + 1, count):
        found: set[int] = set()
        while len(found) < each:
            number = next(numbers, None)
            if number is None:
                numbers = iter(rng.random(BLOCK).tolist())
                continue
            found.add(ends[int(number * len(ends))])
        joined = sorted(found)
        targets += joined
        ends += joined
        ends += [source] * each
    sources = np.repeat(np.arange(each, count), each)
    return draws.graph_of_pairs(np.array(targets), sources, count)
