"""Baskets of items, a few of which are in very many: what interaction logs look like."""

from __future__ import annotations

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._random import drawn, generator
from cleora_jax.generators import draws
from cleora_jax.graph import Graph


def power_law_baskets(
    num_baskets: int, num_items: int, *, mean_size: float = 5.0, exponent: float = 0.8, seed: int = 0
) -> Graph:
    """Baskets of 2 items and more, sizes geometric; the r-th item is drawn with probability ∝ r^−exponent.

    Args:
        num_baskets: hyperedges, at least 1.
        num_items: entities, at least 4; no basket holds more than a quarter of them, or 2.
        mean_size: items of a basket, at least 2. Default: 5.
        exponent: 0 makes all items alike, 1 is Zipf's law. In [0, 2]. Default: 0.8.
        seed: any integer of 64 bits. Default: 0.

    Raises:
        ValueError: a number out of its range.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.generators.power_law_baskets(10_000, 2_000)
        >>> graph, graph.occurrences[:3].tolist()
        (Graph(2,000 entities, 10,000 hyperedges; item: 2,000), [2297, 1503, 1071])
    """
    items = draws.entities("num_items", num_items, low=4)
    mean_size = checks.real("mean_size", mean_size, low=2)
    rank = np.arange(1, items + 1, dtype=np.float64)
    chance = rank ** -checks.real("exponent", exponent, low=0, high=2)
    table = np.cumsum(chance)
    rng = generator(seed)
    size = draws.sizes_of(rng, checks.integer("num_baskets", num_baskets, low=1), mean_size, max(2, items // 4))

    def draw(positions: np.ndarray) -> np.ndarray:
        return drawn(table, len(positions), rng)

    group = np.repeat(np.arange(len(size)), size)
    member = draws.distinct_members(rng, group, draw, lambda basket: chance.copy())
    return draws.graph_of(draws.ragged(size, member), items, "item")
