"""GraphSAINT: subgraphs to train on, with the numbers that make sums over them right on average."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._random import drawn, generator
from cleora_jax.baselines.corpus import random_key
from cleora_jax.baselines.walks import NOBODY, Arcs, random_walks
from cleora_jax.graph import Graph
from cleora_jax.sampling.arcs import matrix_of

Kind = Literal["node", "edge", "walk"]
KINDS = ("node", "edge", "walk")


class Saint(NamedTuple):
    """A subgraph.

    Args:
        rows: int64[s], of the graph, rising.
        matrix: s × s CSR float32: what a step of message passing multiplies with, D⁻¹ A of the whole graph with each
            entry divided by the chance that its edge is there where its row is.
        loss_weight: float64[s]: 1 / (n · the chance that the entity is there). The sum of losses with these weights is,
            on average, the mean loss of the whole graph.
    """

    rows: np.ndarray
    matrix: sp.csr_array
    loss_weight: np.ndarray


class GraphSaint:
    """A sampler of subgraphs, which has counted beforehand how often entities and edges are in them.

    Args:
        graph: n entities, or their adjacency matrix.
        kind: "node" draws entities with probability ∝ the squares of their columns of D⁻¹ A, "edge" edges with
            probability ∝ 1/d_i + 1/d_j and takes their ends, "walk" roots and what walks from them see. Default:
            "walk".
        size: draws of entities or edges, or roots. Default: 1,000.
        length: steps of a walk. Default: 2.
        rounds: subgraphs that are counted. Default: 100.
        seed: of what is counted. Default: 0.

    Raises:
        ValueError: numbers out of range, or a graph without edges.

    Example:
        >>> import cleora_jax as cj
        >>> sampler = cj.sampling.GraphSaint(cj.generators.erdos_renyi(300, 0.05), "node", 60)
        >>> part = sampler.sample(seed=1)
        >>> part.matrix.shape == (len(part.rows), len(part.rows)), len(part.rows) <= 60
        (True, True)

    Reference: Zeng et al., GraphSAINT: graph sampling based inductive learning method, ICLR 2020, algorithm 1 and
    section 3.2.
    """

    def __init__(
        self, graph: Graph | sp.csr_array, kind: Kind = "walk", size: int = 1000, *, length: int = 2, rounds: int = 100,
        seed: int = 0,
    ) -> None:  # fmt: skip
        checks.one_of("kind", kind, KINDS)
        size, length, self._rounds = (
            checks.integer(name, number, low=1)
            for name, number in (("size", size), ("length", length), ("rounds", rounds))
        )
        seed = checks.seed(seed) % 2**64
        self._matrix = matrix_of(graph)
        if not self._matrix.nnz:
            raise checks.OptionError("`graph` must have an edge.")
        self._draw = DRAWS[kind](self._matrix, size, length)
        self._numbered = sp.csr_array(
            (np.arange(self._matrix.nnz), self._matrix.indices, self._matrix.indptr), shape=self._matrix.shape
        )
        self._degree = np.asarray(self._matrix.sum(axis=1)).reshape(-1)
        self._entities = np.zeros(self._matrix.shape[0], np.int64)
        self._entries = np.zeros(self._matrix.nnz, np.int64)
        for number in range(self._rounds):
            rows = self._draw(np.random.default_rng([seed, number + 1]))  # [s, 0] would be s alone
            self._entities[rows] += 1
            self._entries[_inner(self._numbered, rows)[1]] += 1

    def sample(self, seed: int) -> Saint:
        """A subgraph. Entities and edges that no subgraph counted had are taken for as rare as one in all of them."""
        rows = self._draw(generator(seed))
        local, place = _inner(self._numbered, rows)
        seen = np.maximum(self._entities[rows], 1)
        owner = np.repeat(np.arange(len(rows)), np.diff(local.indptr))
        chance = np.minimum(np.maximum(self._entries[place], 1) / seen[owner], 1)
        data = (self._matrix.data[place] / self._degree[rows][owner] / chance).astype(np.float32)
        weight = self._rounds / (seen * self._matrix.shape[0])
        return Saint(rows, sp.csr_array((data, local.indices, local.indptr), local.shape), weight)


Draw = Callable[[np.random.Generator], np.ndarray]  # distinct rows int64[s], rising


def _nodes(matrix: sp.csr_array, size: int, length: int) -> Draw:
    row = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    weight = np.asarray(matrix.sum(axis=1)).reshape(-1)
    squares = (matrix.data / weight[row]).astype(np.float64) ** 2
    table = np.cumsum(np.bincount(matrix.indices, squares, matrix.shape[0]))
    return lambda rng: np.unique(drawn(table, size, rng))


def _edges(matrix: sp.csr_array, size: int, length: int) -> Draw:
    degree = np.diff(matrix.indptr)
    row = np.repeat(np.arange(matrix.shape[0]), degree)
    table = np.cumsum(1 / degree[row] + 1 / np.maximum(degree[matrix.indices], 1))

    def draw(rng: np.random.Generator) -> np.ndarray:
        arcs = drawn(table, size, rng)
        return np.unique(np.concatenate([row[arcs], matrix.indices[arcs]])).astype(np.int64)

    return draw


def _walks(matrix: sp.csr_array, size: int, length: int) -> Draw:
    arcs = Arcs.of(matrix)

    def draw(rng: np.random.Generator) -> np.ndarray:
        roots = jnp.asarray(rng.integers(matrix.shape[0], size=size), jnp.int32)
        walks = np.asarray(random_walks(arcs, roots, random_key(int(rng.integers(2**63))), length + 1))
        return np.unique(walks[walks != NOBODY]).astype(np.int64)

    return draw


DRAWS = {"node": _nodes, "edge": _edges, "walk": _walks}


def _inner(numbered: sp.csr_array, rows: np.ndarray) -> tuple[sp.csr_array, np.ndarray]:
    """Of a matrix whose entries are numbered, those among some rows, rising, and their numbers."""
    local = sp.csr_array(numbered[rows][:, rows])
    local.sort_indices()
    return local, local.data
