"""Entities that do not stand with a given one: negatives to learn from, or to rank against."""

from __future__ import annotations

from typing import Literal

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._random import drawn, generator
from cleora_jax.graph import Graph
from cleora_jax.sampling.arcs import matrix_of, rows_of

By = Literal["uniform", "degree"]
BYS = ("uniform", "degree")
POWER = 0.75  # of degrees, as word2vec draws
ROUNDS = 64  # of rejection; who is linked with nearly all is then searched through


def draw_negatives(
    graph: Graph | sp.csr_array,
    sources: np.ndarray,
    count: int,
    *,
    by: By = "uniform",
    filtered: bool = True,
    among: np.ndarray | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Other entities for each of some, with replacement: none that it has an edge with, and never itself.

    Args:
        graph: n entities, or their adjacency matrix.
        sources: int[k], rows.
        count: negatives of each, at least 1.
        by: all alike, or by degree^0.75 (entities without edges never). Default: "uniform".
        filtered: leave out the neighbours of the source. Default: True.
        among: bool[n], entities that may be drawn, such as `graph.vocab.column_of == 1`, the items. Default: all.
        seed: Default: 0.

    Returns:
        int64[k, count].

    Raises:
        ValueError: rows that do not exist, a count below 1, or a source for which nothing is left; it is named.

    Example:
        >>> import cleora_jax as cj
        >>> cj.sampling.draw_negatives(cj.from_edges([0, 0], [1, 2], num_entities=4), [0, 1], 3).tolist()[0]
        [3, 3, 3]

    Reference: Mikolov et al., Distributed representations of words and phrases, NeurIPS 2013 (the power of 3/4).
    """
    checks.one_of("by", by, BYS)
    filtered = checks.boolean("filtered", filtered)
    matrix, rng = matrix_of(graph), generator(seed)
    size = matrix.shape[0]
    source = np.repeat(rows_of("sources", sources, size), checks.integer("count", count, low=1))
    weight = np.ones(size) if by == "uniform" else np.diff(matrix.indptr).astype(np.float64) ** POWER
    if among is not None:
        if np.shape(among) != (size,):
            raise checks.OptionError(f"`among` must be bool[{size}], got shape {np.shape(among)}.")
        weight = weight * among
    table = np.cumsum(weight)
    if not table[-1] > 0:
        raise checks.OptionError("`graph` has no entity that may be drawn.")
    keys = np.repeat(np.arange(size), np.diff(matrix.indptr)) * size + matrix.indices if filtered else None
    found = np.empty(len(source), np.int64)
    open_ = np.arange(len(source))
    for _ in range(ROUNDS):
        found[open_] = drawn(table, len(open_), rng)
        open_ = open_[_wrong(source[open_], found[open_], keys, size)]
        if not len(open_):
            return found.reshape(-1, count)
    for one in np.unique(source[open_]).tolist():
        mine = open_[source[open_] == one]
        found[mine] = _searched(matrix, one, weight, filtered, len(mine), rng)
    return found.reshape(-1, count)


def _wrong(source: np.ndarray, target: np.ndarray, keys: np.ndarray | None, size: int) -> np.ndarray:
    """bool: the source itself, or a neighbour where keys of edges are given, rising."""
    wrong = source == target
    if keys is not None and len(keys):
        wanted = source * size + target
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        wrong |= keys[at] == wanted
    return wrong


def _searched(
    matrix: sp.csr_array, source: int, weight: np.ndarray, filtered: bool, count: int, rng: np.random.Generator
) -> np.ndarray:
    """Some of the entities that are left to a source, by weight, with replacement."""
    chance = weight.copy()
    chance[source] = 0
    if filtered:
        chance[matrix.indices[matrix.indptr[source] : matrix.indptr[source + 1]]] = 0
    total = chance.sum()
    if total == 0:
        raise checks.OptionError(f"`sources`: nothing is left to draw for row {source}.")
    return rng.choice(len(chance), count, p=chance / total)
