"""DeepWalk and node2vec: skip-gram vectors of nodes that random walks see near each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np
import optax
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress, no_progress
from cleora_jax.baselines.alias import Alias, alias_tables
from cleora_jax.baselines.corpus import WALKERS, Corpus, grouped, random_key, subsampled
from cleora_jax.baselines.method import FLOAT, DirectedBaseline, Vectors
from cleora_jax.baselines.skipgram import CENTRES, LOWEST_RATE, first_tables, train
from cleora_jax.baselines.walks import Bias
from cleora_jax.graph.build import Graph

NOISE_POWER = 0.75


class Losses(NamedTuple):
    """What training saw.

    Args:
        loss: float64[batches], mean loss of a pair with its negatives, for each batch of walks.
        walks: walks in all, over all epochs.
    """

    loss: np.ndarray
    walks: int


@dataclass(frozen=True)
class WalkBaseline(DirectedBaseline):
    """Settings that the methods of walks share.

    Args:
        dim, weighted, seed, directed: as of all such baselines; weights are those of steps.
        num_walks: from each node. Default: 10.
        walk_length: nodes of a walk. Default: 80.
        window: largest distance of nodes that make a pair. Default: 10.
        negatives: noise pairs of each pair, nodes ∝ (visits)^0.75. Default: 5.
        epochs: passes over the same walks. Default: 1.
        learning_rate: at the start; it falls linearly to 0.0001. Default: 0.025.
        sample: threshold of word2vec's sub-sampling: a node with share f of all visits is kept with chance
            (√(f / sample) + 1) sample / f; 0 keeps all. Default: 0.001.
    """

    num_walks: int = 10
    walk_length: int = 80
    window: int = 10
    negatives: int = 5
    epochs: int = 1
    learning_rate: float = 0.025
    sample: float = 1e-3

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep_integers(self, num_walks=1, walk_length=2, window=1, negatives=1, epochs=1)
        for name in ("learning_rate", "sample"):
            checks.keep(self, **{name: checks.real(name, getattr(self, name), low=0)})

    @property
    def bias(self) -> Bias | None:
        """Of steps; None for walks of first order."""
        return None

    def bytes_needed(self, num_entities: int, num_entries: int) -> int:
        """Two tables, as drawn and as trained, what walks look up, and the walks of a batch."""
        return FLOAT * (4 * num_entities * self.dim + 8 * num_entries + 8 * WALKERS * self.walk_length)

    def __call__(
        self, graph: Graph, *, init: Any = None, optimizer: optax.GradientTransformation | None = None,
        progress: Progress = no_progress,
    ) -> Vectors:  # fmt: skip
        """Vectors float32[n, dim], zero for isolated entities, and the `Losses`.

        Args:
            graph: n entities.
            init: must be None; the method has first vectors of its own.
            optimizer: of optax, in place of the method's own steps; `learning_rate` then says nothing, and each step
                takes time that grows with n.
            progress: called after each batch of walks.
        """
        vectors, losses = self.placed(graph, init, lambda matrix: self.trained(matrix, progress, optimizer))
        if losses is None:
            raise checks.OptionError(
                f"`graph` must have an edge between two entities, for walks to take; got {graph!r}."
            )
        return vectors, losses

    def vectors(self, matrix: sp.csr_array, progress: Progress) -> np.ndarray:
        """See `Baseline`."""
        return self.trained(matrix, progress)[0]

    def trained(
        self, matrix: sp.csr_array, progress: Progress, optimizer: optax.GradientTransformation | None = None
    ) -> tuple[np.ndarray, Losses]:
        """Vectors float32[n, dim] and losses, for an adjacency matrix n × n with an entry at least."""
        walk_seed, noise_seed, *others = (
            int(each) for each in np.random.SeedSequence(self.seed % 2**64).generate_state(4, np.uint64)
        )
        corpus = Corpus(matrix, self.bias, self.num_walks, self.walk_length, walk_seed)
        tables = first_tables(matrix.shape[0], self.dim, np.random.default_rng(others[0]), optimizer)
        key, losses = random_key(noise_seed), []
        for number, (walks, rates, noise) in enumerate(self._batches(corpus, np.random.default_rng(others[1]))):
            options = self.window, self.negatives, optimizer
            tables, sums = train(tables, walks, rates, noise, jax.random.fold_in(key, number), *options)
            loss, pairs = np.asarray(sums, np.float64).sum(axis=0)
            if not np.isfinite(loss):
                raise checks.OptionError(f"the loss is {loss} in batch {number}: training must take smaller steps.")
            losses.append(loss / max(pairs, 1))
            progress("walking and training", number + 1, corpus.batches * self.epochs)
        return np.array(tables.centre), Losses(np.array(losses), corpus.total * self.epochs)

    def _batches(self, corpus: Corpus, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray, Alias]]:
        """Walks in groups of a step, the learning rate of each, and the noise: over all epochs."""
        visits = corpus.visits()
        noise = jax.device_put(alias_tables(visits**NOISE_POWER, np.array([0, len(visits)])))
        lowest = min(LOWEST_RATE, self.learning_rate)
        rates = np.linspace(self.learning_rate, lowest, corpus.steps * corpus.batches * self.epochs, dtype=np.float32)
        for number, some in enumerate(rates.reshape(-1, corpus.steps)):
            walks = corpus.walks(number % corpus.batches)
            if self.sample:
                walks = subsampled(walks, visits / visits.sum(), self.sample, rng)
            yield grouped(walks, corpus.per_step, CENTRES), some, noise


@dataclass(frozen=True)
class Node2Vec(WalkBaseline):
    """node2vec: walks of second order, biased by p and q, and skip-gram with negative sampling.

    From t over v, a walk goes on to x with the weight of the arc v → x, times 1/p for x = t, 1 where x has an arc to t,
    else 1/q. Walks are exact, by rejection, without a table for each arc; they are made in batches and never stored.
    A node without an arc to go on ends a walk.

    It differs from the released program in that pairs have the mean weight of word2vec's random window, that noise
    nodes are shared by a walk, and that steps follow batches (`skipgram.py`).

    Args:
        p: return parameter; small ones turn back often. Default: 1.
        q: in-out parameter; small ones lead away. Default: 1.
        dim, weighted, seed, directed, and others: as of `WalkBaseline`.

    Raises:
        ValueError: an option out of range; a graph without an edge between two nodes.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.from_edges(["ann", "bob", "cid", "dan"], ["bob", "cid", "ann", "eve"])
        >>> vectors, trace = Node2Vec(dim=4, p=0.5, q=2, num_walks=2, walk_length=8)(graph)
        >>> vectors.shape, trace.walks
        ((5, 4), 10)

    Reference: Grover and Leskovec, node2vec: Scalable Feature Learning for Networks, KDD 2016. The dense products as in
    Ji, Satish, Li and Dubey, Parallelizing Word2Vec in Shared and Distributed Memory, 2016.
    """

    p: float = 1.0
    q: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("p", "q"):
            checks.keep(self, **{name: checks.real(name, getattr(self, name), low=1e-3, high=1e3)})

    @property
    def bias(self) -> Bias | None:
        """Of steps; None for walks of first order."""
        return None if self.p == self.q == 1 else Bias(self.p, self.q)


@dataclass(frozen=True)
class DeepWalk(WalkBaseline):
    """DeepWalk: uniform walks (by weight, where there are weights), and skip-gram with negative sampling.

    The paper of 2014 trains a hierarchical softmax over a tree of node frequencies; this has the objective that its
    later reruns share, so that it equals `Node2Vec` with p = q = 1. Defaults are the paper's for BlogCatalog.

    Args:
        num_walks: from each node. Default: 80.
        walk_length: nodes of a walk. Default: 40.
        dim, weighted, seed, directed, and others: as of `WalkBaseline`.

    Raises:
        ValueError: an option out of range; a graph without an edge between two nodes.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.from_edges(["ann", "bob", "cid", "dan"], ["bob", "cid", "ann", "eve"])
        >>> vectors, trace = DeepWalk(dim=4, num_walks=2, walk_length=8)(graph)
        >>> vectors.shape
        (5, 4)

    Reference: Perozzi, Al-Rfou and Skiena, DeepWalk: Online Learning of Social Representations, KDD 2014.
    """

    num_walks: int = 80
    walk_length: int = 40
