"""DeepWalk and node2vec: skip-gram vectors of nodes that random walks see near each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import jax
import numpy as np
import optax

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress, no_progress
from cleora_jax.baselines.alias import Alias, alias_tables
from cleora_jax.baselines.corpus import Corpus, grouped, random_key, subsampled
from cleora_jax.baselines.skipgram import CENTRES, LOWEST_RATE, first_tables, train
from cleora_jax.baselines.walks import Bias
from cleora_jax.graph.adjacency_matrix import adjacency
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
class Node2Vec:
    """node2vec: walks of second order, biased by p and q, and skip-gram with negative sampling.

    From t over v, a walk goes on to x with the weight of the arc v → x, times 1/p for x = t, 1 where x has an arc to t,
    else 1/q. Walks are exact, by rejection, without a table for each arc; they are made in batches and never stored.
    Nodes without any edge have the zero vector; a node without an arc to go on ends a walk.

    It differs from the released program in that pairs have the mean weight of word2vec's random window, that noise
    nodes are shared by a walk, and that steps follow batches and are damped (`skipgram.py`). On PPI and Cora that is as
    good as gensim's word2vec on as many walks; on BlogCatalog, with its hubs, it wants more of them (Micro-F1 at 10 %
    33.6 against 35.1 for 10 × 80; `DeepWalk`'s 80 × 40: 37.0).

    Args:
        dim: columns. Default: 128.
        p: return parameter; small ones turn back often. Default: 1.
        q: in-out parameter; small ones lead away. Default: 1.
        num_walks: from each node. Default: 10.
        walk_length: nodes of a walk. Default: 80.
        window: largest distance of nodes that make a pair. Default: 10.
        negatives: noise pairs of each pair, nodes ∝ (visits)^0.75. Default: 5.
        epochs: passes over the same walks. Default: 1.
        learning_rate: at the start; it falls linearly to 0.0001. Default: 0.025.
        sample: threshold of word2vec's sub-sampling: a node with share f of all visits is kept with chance
            (√(f / sample) + 1) sample / f; 0 keeps all. Default: 0.001.
        directed: walk along arcs only. Default: both ways.
        weighted: by the weights of edges. Default: yes.
        seed: of walks, first vectors and noise. Default: 0.

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

    dim: int = 128
    p: float = 1.0
    q: float = 1.0
    num_walks: int = 10
    walk_length: int = 80
    window: int = 10
    negatives: int = 5
    epochs: int = 1
    learning_rate: float = 0.025
    sample: float = 1e-3
    directed: bool = False
    weighted: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        _check(self)

    @property
    def bias(self) -> Bias | None:
        """Of steps; None for walks of first order."""
        return None if self.p == self.q == 1 else Bias(self.p, self.q)

    def __call__(
        self, graph: Graph, *, init: Any = None, optimizer: optax.GradientTransformation | None = None,
        progress: Progress = no_progress,
    ) -> tuple[np.ndarray, Losses]:  # fmt: skip
        """Vectors float32[n, dim], and the losses.

        Args:
            graph: n entities.
            init: must be None; the method has first vectors of its own.
            optimizer: of optax, in place of the method's own steps; `learning_rate` then says nothing, and each step
                takes time that grows with n.
            progress: called after each batch of walks.
        """
        return _trained(self, self.bias, graph, init, optimizer, progress)


@dataclass(frozen=True)
class DeepWalk:
    """DeepWalk: uniform walks (by weight, where there are weights), and skip-gram with negative sampling.

    The paper of 2014 trains a hierarchical softmax over a tree of node frequencies; this has the objective that its
    later reruns share, so that it equals `Node2Vec` with p = q = 1. Defaults are the paper's for BlogCatalog.

    Args:
        dim: columns. Default: 128.
        num_walks: from each node. Default: 80.
        walk_length: nodes of a walk. Default: 40.
        window, negatives, epochs, learning_rate, sample, directed, weighted, seed: as of `Node2Vec`.

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

    dim: int = 128
    num_walks: int = 80
    walk_length: int = 40
    window: int = 10
    negatives: int = 5
    epochs: int = 1
    learning_rate: float = 0.025
    sample: float = 1e-3
    directed: bool = False
    weighted: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        _check(self)

    def __call__(
        self, graph: Graph, *, init: Any = None, optimizer: optax.GradientTransformation | None = None,
        progress: Progress = no_progress,
    ) -> tuple[np.ndarray, Losses]:  # fmt: skip
        """Vectors float32[n, dim], and the losses; arguments as of `Node2Vec`."""
        return _trained(self, None, graph, init, optimizer, progress)


def _check(method: Node2Vec | DeepWalk) -> None:
    """Every setting, replaced by its checked value, so that NumPy's numbers become Python's."""
    for field in fields(method):
        name, value = field.name, getattr(method, field.name)
        if name == "seed":
            value = checks.integer(name, value, low=-(2**63), high=2**64 - 1)
        elif name in ("p", "q"):
            value = checks.real(name, value, low=1e-3, high=1e3)
        elif name in ("learning_rate", "sample"):
            value = checks.real(name, value, low=0)
        elif name in ("directed", "weighted"):
            checks.one_of(name, value, (False, True))
        else:
            value = checks.integer(name, value, low=2 if name == "walk_length" else 1)
        object.__setattr__(method, name, value)


def _trained(
    method: Node2Vec | DeepWalk, bias: Bias | None, graph: Graph, init: Any,
    optimizer: optax.GradientTransformation | None, progress: Progress,
) -> tuple[np.ndarray, Losses]:  # fmt: skip
    """The one run of both methods."""
    if init is not None:
        raise checks.OptionError(f"`init` must be None for {type(method).__name__}, which has its own first vectors.")
    matrix = adjacency(graph, directed=method.directed, weighted=method.weighted)
    if not matrix.nnz:
        raise checks.OptionError(f"`graph` must have an edge between two entities, for walks to take; got {graph!r}.")
    walk_seed, noise_seed, *others = (
        int(each) for each in np.random.SeedSequence(method.seed % 2**64).generate_state(4, np.uint64)
    )
    corpus = Corpus(matrix, bias, method.num_walks, method.walk_length, walk_seed)
    tables = first_tables(graph.num_entities, method.dim, np.random.default_rng(others[0]), optimizer)
    key = random_key(noise_seed)
    losses = []
    for number, (walks, rates, noise) in enumerate(_batches(method, corpus, np.random.default_rng(others[1]))):
        options = method.window, method.negatives, optimizer
        tables, sums = train(tables, walks, rates, noise, jax.random.fold_in(key, number), *options)
        loss, pairs = np.asarray(sums, np.float64).sum(axis=0)
        if not np.isfinite(loss):
            raise checks.OptionError(f"the loss is {loss} in batch {number}: training must take smaller steps.")
        losses.append(loss / max(pairs, 1))
        progress("walking and training", number + 1, corpus.batches * method.epochs)
    vectors = np.array(tables.centre)
    vectors[np.diff(matrix.indptr) + np.bincount(matrix.indices, minlength=len(vectors)) == 0] = 0
    return vectors, Losses(np.array(losses), corpus.total * method.epochs)


def _batches(
    method: Node2Vec | DeepWalk, corpus: Corpus, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray, Alias]]:
    """Walks in groups of a step, the learning rate of each, and the noise: over all epochs."""
    visits = corpus.visits()
    noise = jax.device_put(alias_tables(visits**NOISE_POWER, np.array([0, len(visits)])))
    lowest = min(LOWEST_RATE, method.learning_rate)
    rates = np.linspace(method.learning_rate, lowest, corpus.steps * corpus.batches * method.epochs, dtype=np.float32)
    for number, some in enumerate(rates.reshape(-1, corpus.steps)):
        walks = corpus.walks(number % corpus.batches)
        if method.sample:
            walks = subsampled(walks, visits / visits.sum(), method.sample, rng)
        yield grouped(walks, corpus.per_step, CENTRES), some, noise
