"""Block models: entities have a community, and whom they meet depends on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._random import generator
from cleora_jax.generators import draws
from cleora_jax.graph import Graph, Labels, labels_of


class Planted(NamedTuple):
    """A generated graph and the communities it was generated from.

    Args:
        graph: n entities.
        labels: of each its community.
    """

    graph: Graph
    labels: Labels


def stochastic_block_model(
    sizes: Sequence[int], p: Sequence[Sequence[float]] | np.ndarray, *, seed: int = 0
) -> Planted:
    """Each pair of entities is an edge with the probability of their two communities, by itself.

    Args:
        sizes: of the c communities; entities are numbered community by community.
        p: float[c, c], symmetric, in [0, 1].
        seed: any integer of 64 bits. Default: 0.

    Raises:
        ValueError: sizes or probabilities that cannot be.

    Example:
        >>> import cleora_jax as cj
        >>> graph, labels = cj.generators.stochastic_block_model([300, 700], [[0.05, 0.001], [0.001, 0.02]])
        >>> graph, labels.counts.sum()
        (Graph(1,000 entities, 7,426 hyperedges; node: 1,000), np.int64(1000))

    Reference: Holland, Laskey and Leinhardt, Stochastic blockmodels: first steps, Social Networks 5, 1983.
    """
    size = _checked_sizes(sizes)
    try:
        chance = np.asarray(p, np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"`p` must be a matrix of numbers: {error}.") from error
    if chance.shape != (len(size), len(size)):
        raise checks.OptionError(f"`p` must have a row and a column for each of {len(size)} sizes, got {chance.shape}.")
    if not ((chance >= 0) & (chance <= 1)).all() or not (chance == chance.T).all():
        raise checks.OptionError("`p` must be symmetric, with probabilities in [0, 1].")
    rng = generator(seed)
    first = np.cumsum(size) - size
    parts = []
    for a in range(len(size)):
        parts.append(first[a] + np.stack(draws.pairs_within(rng, int(size[a]), chance[a, a])))
        for b in range(a + 1, len(size)):
            row, column = np.divmod(draws.chosen(rng, int(size[a] * size[b]), chance[a, b]), size[b])
            parts.append(np.stack([first[a] + row, first[b] + column]))
    return _planted(np.concatenate(parts, axis=1), size)


def planted_partition(sizes: Sequence[int], p_within: float, p_between: float, *, seed: int = 0) -> Planted:
    """The block model with two probabilities: within a community and between two. Many communities cost nothing more.

    Args:
        sizes: of the communities; entities are numbered community by community.
        p_within, p_between: in [0, 1].
        seed: any integer of 64 bits. Default: 0.

    Raises:
        ValueError: sizes or probabilities that cannot be.

    Example:
        >>> import cleora_jax as cj
        >>> cj.generators.planted_partition([50] * 20, 0.2, 0.005).graph
        Graph(1,000 entities, 7,267 hyperedges; node: 1,000)

    Reference: Condon and Karp, Algorithms for graph partitioning on the planted partition model, RSA 18, 2001.
    """
    size = _checked_sizes(sizes)
    within, between = (
        checks.real(name, chance, low=0, high=1) for name, chance in (("p_within", p_within), ("p_between", p_between))
    )
    rng = generator(seed)
    first = np.cumsum(size) - size
    community = np.repeat(np.arange(len(size)), size)
    inside = [at + np.stack(draws.pairs_within(rng, int(count), within)) for at, count in zip(first, size, strict=True)]
    across = np.stack(draws.pairs_within(rng, int(size.sum()), between))
    across = across[:, community[across[0]] != community[across[1]]]
    return _planted(np.concatenate([*inside, across], axis=1), size)


def hypergraph_block_model(
    sizes: Sequence[int], num_hyperedges: int, *, mean_size: float = 4.0, purity: float = 0.8, seed: int = 0
) -> Planted:
    """Hyperedges at home in a community, which some members come from outside of.

    The community of a hyperedge is drawn by size, its number of members is 2 and more, geometric; each member is of
    that community with probability `purity`, else any entity; no entity stands twice in a hyperedge.

    Args:
        sizes: of the communities, at least 2 entities each; entities are numbered community by community.
        num_hyperedges: at least 1.
        mean_size: of hyperedges, at least 2; none has more members than half the smallest community, or 2. Default: 4.
        purity: in [0, 1]; 0 leaves nothing to find. Default: 0.8.
        seed: any integer of 64 bits. Default: 0.

    Raises:
        ValueError: sizes or numbers that cannot be.

    Example:
        >>> import cleora_jax as cj
        >>> cj.generators.hypergraph_block_model([100, 100, 300], 2000).graph
        Graph(500 entities, 2,000 hyperedges; node: 500)
    """
    size = _checked_sizes(sizes, low=2)
    mean_size = checks.real("mean_size", mean_size, low=2)
    purity = checks.real("purity", purity, low=0, high=1)
    rng = generator(seed)
    total, first = int(size.sum()), np.cumsum(size) - size
    home = rng.choice(len(size), checks.integer("num_hyperedges", num_hyperedges, low=1), p=size / total)
    members = draws.sizes_of(rng, len(home), mean_size, max(2, int(size.min()) // 2))
    of = np.repeat(np.arange(len(home)), members)

    def draw(positions: np.ndarray) -> np.ndarray:
        at = home[of[positions]]
        local = first[at] + rng.integers(size[at])
        return np.where(rng.random(len(positions)) < purity, local, rng.integers(total, size=len(positions)))

    def weights(line: int) -> np.ndarray:
        chance = np.full(total, (1 - purity) / total)
        chance[first[home[line]] :][: size[home[line]]] += purity / size[home[line]]
        return chance

    graph = draws.graph_of(draws.ragged(members, draws.distinct_members(rng, of, draw, weights)), total, "node")
    return Planted(graph, labels_of(graph.vocab, np.repeat(np.arange(len(size)), size)))


def _planted(pairs: np.ndarray, size: np.ndarray) -> Planted:
    graph = draws.graph_of_pairs(pairs[0], pairs[1], int(size.sum()))
    return Planted(graph, labels_of(graph.vocab, np.repeat(np.arange(len(size)), size)))


def _checked_sizes(sizes: Sequence[int], low: int = 1) -> np.ndarray:
    if not isinstance(sizes, Iterable):
        raise TypeError(f"`sizes` must be a list of sizes, got {sizes!r}.")
    size = np.array([draws.entities("sizes", each, low) for each in sizes], np.int64)
    if not len(size):
        raise checks.OptionError("`sizes` must hold at least one size, got none.")
    return size
