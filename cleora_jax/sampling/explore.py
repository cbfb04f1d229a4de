"""Connected samples: what random walks see, and what a fire reaches."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._random import generator
from cleora_jax.baselines.corpus import random_key
from cleora_jax.baselines.walks import NOBODY, Arcs, random_walks
from cleora_jax.graph import Graph
from cleora_jax.sampling.arcs import matrix_of, neighbours, rows_of, some_of_each


def walked(graph: Graph | sp.csr_array, starts: np.ndarray, length: int, *, seed: int = 0) -> np.ndarray:
    """The entities that random walks from given ones stand at, by weight of the edges.

    Args:
        graph: n entities, or their adjacency matrix.
        starts: int[k], a walk from each; a row may stand there several times.
        length: steps of a walk, at least 0.
        seed: Default: 0.

    Returns:
        Distinct rows int64[m], rising; the starts among them.

    Raises:
        ValueError: rows that do not exist, or a length below 0.

    Example:
        >>> import cleora_jax as cj
        >>> cj.sampling.walked(cj.from_edges([0, 2], [1, 3], num_entities=4), [0], 5).tolist()
        [0, 1]
    """
    matrix = matrix_of(graph)
    begin = rows_of("starts", starts, matrix.shape[0])
    length = checks.integer("length", length, low=0)
    if not (np.isfinite(matrix.data) & (matrix.data >= 0)).all():
        raise checks.OptionError("`graph` must have weights that are finite and at least 0.")
    if not len(begin) or not matrix.nnz:
        return np.unique(begin)
    key = random_key(checks.seed(seed) % 2**64)
    walks = np.asarray(random_walks(Arcs.of(matrix), jnp.asarray(begin, jnp.int32), key, length + 1))
    return np.unique(walks[walks != NOBODY]).astype(np.int64)


def forest_fire(graph: Graph | sp.csr_array, count: int, *, forward: float = 0.7, seed: int = 0) -> np.ndarray:
    """Entities that fires burn: each burning one sets fire to some of its neighbours that never burnt, and is out.

    How many, is geometric with mean forward / (1 − forward). A fire that dies is lit anew at random, until enough are
    burnt. Samples keep heavy tails and shrinking diameters.

    Args:
        graph: n entities, or their adjacency matrix.
        count: entities wanted, at most n.
        forward: in [0, 1). Default: 0.7.
        seed: Default: 0.

    Returns:
        Rows int64[count], rising.

    Raises:
        ValueError: a number out of range.

    Example:
        >>> import cleora_jax as cj
        >>> len(cj.sampling.forest_fire(cj.generators.barabasi_albert(1000, 3), 200))
        200

    Reference: Leskovec and Faloutsos, Sampling from large graphs, KDD 2006.
    """
    matrix, rng = matrix_of(graph), generator(seed)
    count = checks.integer("count", count, low=0, high=matrix.shape[0])
    stop = 1 - checks.real("forward", forward, low=0, high=1, open_high=True)
    order = rng.permutation(matrix.shape[0])  # of lighting
    burnt = np.zeros(matrix.shape[0], bool)
    total, lit, front = 0, 0, np.zeros(0, np.int64)
    while total < count:
        if not len(front):
            while burnt[order[lit]]:
                lit += 1
            front = order[lit : lit + 1]
            burnt[front], total = True, total + 1
            continue
        reached = _spread(matrix, front, rng.geometric(stop, len(front)) - 1, burnt, rng)
        front = reached if total + len(reached) <= count else rng.permutation(reached)[: count - total]
        burnt[front], total = True, total + len(front)
    return np.flatnonzero(burnt)


def _spread(
    matrix: sp.csr_array, front: np.ndarray, wanted: np.ndarray, burnt: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Distinct rows that catch fire: of the neighbours of each burning entity that never burnt, so many as wanted."""
    owner, place = neighbours(matrix, front)
    head = matrix.indices[place].astype(np.int64)
    fresh = ~burnt[head]
    return np.unique(head[fresh][some_of_each(owner[fresh], wanted, rng)])
