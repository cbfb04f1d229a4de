"""What lies around some entities: all of it, or a few neighbours of each, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._random import generator
from cleora_jax.graph import Graph
from cleora_jax.sampling.arcs import matrix_of, neighbours, rows_of, some_neighbours


def k_hop(
    graph: Graph | sp.csr_array, seeds: np.ndarray, hops: int, *, fanout: int | None = None, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """The entities within some edges of given ones.

    Args:
        graph: n entities, or their adjacency matrix.
        seeds: int[k], rows to begin at.
        hops: at least 0.
        fanout: follow at most so many edges of each entity, drawn anew at each; None follows all. Default: None.
        seed: of the draw. Default: 0.

    Returns:
        Rows int64[m], rising, and the distance int64[m] of each from the nearest seed (along edges followed).

    Raises:
        ValueError: rows that do not exist, numbers out of range.

    Example:
        >>> import cleora_jax as cj
        >>> path = cj.from_edges([0, 1, 2, 3], [1, 2, 3, 4], num_entities=5)
        >>> [each.tolist() for each in cj.sampling.k_hop(path, [1], 2)]
        [[0, 1, 2, 3], [1, 0, 1, 2]]
    """
    matrix, rng = matrix_of(graph), generator(seed)
    distance = np.full(matrix.shape[0], -1)
    front = np.unique(rows_of("seeds", seeds, matrix.shape[0]))
    distance[front] = 0
    most = None if fanout is None else checks.integer("fanout", fanout, low=1)
    for hop in range(1, checks.integer("hops", hops, low=0) + 1):
        _, place = neighbours(matrix, front) if most is None else some_neighbours(matrix, front, most, rng)
        reached = np.unique(matrix.indices[place])
        front = reached[distance[reached] < 0].astype(np.int64)
        distance[front] = hop
    rows = np.flatnonzero(distance >= 0)
    return rows, distance[rows]


class Layer(NamedTuple):
    """One step of message passing in a batch.

    Args:
        sources: int64[s], rows that messages come from; the first of them are the targets.
        targets: int64[t], rows that take them.
        matrix: t × s CSR: 1 / (neighbours drawn) at each source that was drawn for a target, so that products are
            means; rows of entities without neighbours are empty.
    """

    sources: np.ndarray
    targets: np.ndarray
    matrix: sp.csr_array


def layers(
    graph: Graph | sp.csr_array, batch: np.ndarray, fanouts: Sequence[int], *, seed: int = 0
) -> list[Layer]:  # fmt: skip
    """Neighbours for mini-batches, layer by layer: some of each entity of the batch, some of each of those, and so on.

    Args:
        graph: n entities, or their adjacency matrix.
        batch: int[k], distinct rows whose representation is wanted.
        fanouts: of each layer, that of the batch last (as layers are applied): at most so many neighbours of each
            entity, drawn without replacement.
        seed: Default: 0.

    Returns:
        Layers in the order of application: sources of the first are all entities whose input is needed, targets of the
        last are the batch.

    Raises:
        ValueError: rows that do not exist or stand twice, no fanout, or one below 1.

    Example:
        >>> import cleora_jax as cj
        >>> star = cj.from_edges([0, 0, 0], [1, 2, 3], num_entities=4)
        >>> (layer,) = cj.sampling.layers(star, [0], [2])
        >>> layer.targets.tolist(), len(layer.sources), layer.matrix.toarray().tolist()
        ([0], 3, [[0.0, 0.5, 0.5]])

    Reference: Hamilton, Ying and Leskovec, Inductive representation learning on large graphs, NeurIPS 2017.
    """
    matrix, rng = matrix_of(graph), generator(seed)
    targets = rows_of("batch", batch, matrix.shape[0])
    if len(np.unique(targets)) < len(targets):
        raise checks.OptionError("`batch` must hold each row once.")
    if not isinstance(fanouts, Sequence | np.ndarray):
        raise TypeError(f"`fanouts` must be a list of numbers, one for each layer, got {fanouts!r}.")
    if not len(fanouts):
        raise checks.OptionError("`fanouts` must hold one number for each layer, got none.")
    found = []
    for most in [checks.integer("fanouts", most, low=1) for most in fanouts][::-1]:
        owner, place = some_neighbours(matrix, targets, most, rng)
        head = matrix.indices[place].astype(np.int64)
        sources = np.concatenate([targets, np.setdiff1d(head, targets)])
        number = np.empty(matrix.shape[0], np.int64)
        number[sources] = np.arange(len(sources))
        share = 1 / np.bincount(owner, minlength=len(targets))[owner]
        shape = (len(targets), len(sources))
        means = sp.csr_array(sp.coo_array((share.astype(np.float32), (owner, number[head])), shape=shape))
        found.append(Layer(sources, targets, means))
        targets = sources
    return found[::-1]
