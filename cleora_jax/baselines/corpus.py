"""All walks that a method asks for, batch by batch: made when they are wanted, the same each time, never stored."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp

from cleora_jax.baselines.walks import NOBODY, Arcs, Bias, random_walks

WALKERS = 4096  # walks of a batch, at most: bounds what is held of them
NODES_OF_STEP = 1280  # nodes of the walks that are trained together, at most, so that their rows stay in cache


def random_key(seed: int) -> jax.Array:
    """JAX's key of all 64 bits of a seed."""
    words = np.array([seed >> 32, seed & 0xFFFFFFFF], np.uint32)
    return jax.random.wrap_key_data(jnp.asarray(words), impl="threefry2x32")


class Corpus:
    """`num_walks` walks from each node that has arcs, in an order that is shuffled for each pass over the nodes.

    Batches have one shape; the last is padded with walkers that stay `NOBODY`.

    Args:
        matrix: n × n adjacency with an entry at least.
        bias: of second-order steps, or None.
        num_walks: from each node.
        length: nodes of a walk.
        seed: 64 bits, of orders and walks.

    Attributes:
        total: walks.
        batches: how many.
        steps: into which each is divided, of `per_step` walks.
    """

    def __init__(self, matrix: sp.csr_array, bias: Bias | None, num_walks: int, length: int, seed: int) -> None:
        self.nodes = matrix.shape[0]
        self.bias, self.length, self.seed = bias, length, seed
        self.arcs = Arcs.of(matrix, bias)
        self.sources = np.flatnonzero(np.diff(matrix.indptr)).astype(np.int32)
        self.total = len(self.sources) * num_walks
        self.per_step = max(1, min(NODES_OF_STEP, len(self.sources)) // length)
        steps = -(-self.total // self.per_step)
        self.batches = -(-steps // max(1, WALKERS // self.per_step))
        self.steps = -(-steps // self.batches)
        self._pass: tuple[int, np.ndarray] = (-1, self.sources)

    def walks(self, batch: int) -> np.ndarray:
        """int32[steps * per_step, length], `NOBODY` after the end of a walk."""
        key = jax.random.fold_in(random_key(self.seed), batch)
        starts = jnp.asarray(self._starts(batch * self.steps * self.per_step))
        return np.asarray(random_walks(self.arcs, starts, key, self.length, self.bias))

    def visits(self) -> np.ndarray:
        """How often the walks of the first pass stand at each node, int64[n]; a few of the second may be among them."""
        counts = np.zeros(self.nodes, np.int64)
        for batch in range(-(-len(self.sources) // (self.steps * self.per_step))):
            walks = self.walks(batch)
            counts += np.bincount(walks[walks != NOBODY], minlength=self.nodes)
        return counts

    def _starts(self, first: int) -> np.ndarray:
        """Starts of a batch, by the number of its first walk."""
        numbers = np.arange(first, first + self.steps * self.per_step)
        passes, places = np.divmod(numbers, len(self.sources))
        starts = np.full(len(numbers), NOBODY, np.int32)
        for one in np.unique(passes[numbers < self.total]):
            mine = (passes == one) & (numbers < self.total)
            starts[mine] = self._order(int(one))[places[mine]]
        return starts

    def _order(self, number: int) -> np.ndarray:
        """The sources in the order of a pass; the last one asked for is kept."""
        if self._pass[0] != number:
            self._pass = number, np.random.default_rng([self.seed, number]).permutation(self.sources)
        return self._pass[1]


def subsampled(walks: np.ndarray, share: np.ndarray, threshold: float, rng: np.random.Generator) -> np.ndarray:
    """Walks without some of their frequent nodes, moved together, so that windows reach farther, as in word2vec.

    Args:
        walks: int32[k, length].
        share: float64[n], of all visits.
        threshold: nodes with share f stay with chance (√(f / threshold) + 1) threshold / f.
        rng: which stay.
    """
    ratio = threshold / np.maximum(share, np.finfo(float).tiny)
    chance = np.minimum(np.sqrt(ratio) + ratio, 1).astype(np.float32)
    stays = (walks != NOBODY) & (rng.random(walks.shape, np.float32) < chance[walks])
    out = np.full_like(walks, NOBODY)
    place = np.cumsum(stays, axis=1)
    row, column = np.nonzero(stays)
    out[row, place[row, column] - 1] = walks[row, column]
    return out


def grouped(walks: np.ndarray, per_step: int, multiple: int) -> np.ndarray:
    """int32[steps, per_step, L], L the length of a walk rounded up to a multiple."""
    padded = np.pad(walks, ((0, 0), (0, -walks.shape[1] % multiple)), constant_values=NOBODY)
    return padded.reshape(-1, per_step, padded.shape[1])
