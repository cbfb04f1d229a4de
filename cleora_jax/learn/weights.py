"""Weights of several embeddings, learned from pairs: which relation, depth or method says most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import optax

from cleora_jax._progress import Progress, no_progress
from cleora_jax.learn.pairs import Pairs
from cleora_jax.learn.refinement.losses import unit
from cleora_jax.learn.refinement.method import Refine
from cleora_jax.learn.refinement.problem import problem_of
from cleora_jax.learn.refinement.training import SGD, Model, train
from cleora_jax.vectors.embedding import Embedding
from cleora_jax.vectors.ensemble import combine

PAIRS = 100  # all pairs move the same few numbers: an epoch goes as far as so many pairs alone would


def learn_weights(
    parts: Sequence[Embedding],
    positive: Pairs,
    negative: Pairs | None = None,
    method: Refine | None = None,
    *,
    optimizer: optax.GradientTransformation | None = None,
    progress: Progress = no_progress,
) -> np.ndarray:
    """Weights of embeddings with which their mean cosine tells pairs that belong together from others.

    The weights w = softmax(θ) are those for which Σ w_r cos_r has the least loss of `refine`: more exactly, the cosine
    that `combine(parts, weights=w)` gives, which also knows what to do where a part does not know an entity. They start
    equal; the epoch that ranks the pairs held out best gives the result.

    Args:
        parts: embeddings of one vocabulary or several (see `combine`), of any dimensions.
        positive, negative: as of `refine`; ids of any part.
        method: as of `refine`; `target` and `hidden` say nothing here. Default: `Refine()`.
        optimizer: of optax; its steps follow the sum over a batch. Default: plain gradient descent, of steps that are
            smaller the more pairs there are.
        progress: called after every epoch.

    Returns:
        float64[len(parts)], at least 0, of sum 1, for `combine`.

    Raises:
        ValueError: as `refine` and `combine`.

    Example:
        >>> import cleora_jax as cj
        >>> vocab = cj.Vocab.of(["ann", "bob", "cid", "dan"])
        >>> told = cj.Embedding(np.array([[1, 0], [1, 0], [0, 1], [0, 1]], np.float32), vocab)
        >>> misled = cj.Embedding(np.array([[1, 0], [0, 1], [1, 0], [0, 1]], np.float32), vocab)
        >>> weights = learn_weights([told, misled], [("ann", "bob"), ("cid", "dan")], method=Refine(margin=1))
        >>> bool(weights[0] > 0.9)
        True
        >>> both = cj.combine([told, misled], weights=weights)
    """
    method = Refine() if method is None else method
    both = combine(parts)
    model = Model(Weighted(tuple(part.dim for part in parts)), optimizer or SGD)
    problem = problem_of(both, positive, negative, method)
    rate = method.learning_rate * PAIRS / len(problem.data.train.positive) if optimizer is None else 1.0
    start = np.zeros(len(parts), np.float32)
    trained = train(model, start, problem.data, method, rate, problem.rng, progress)
    theta = np.asarray(trained.parameters, np.float64)
    raised = np.exp(theta - theta.max())
    weights: np.ndarray = raised / raised.sum()
    return weights


@dataclass(frozen=True)
class Weighted:
    """Unit vectors of some rows of a table, of which each part's columns are scaled by √w, w = softmax(θ).

    Args:
        dims: columns of each part.
    """

    dims: tuple[int, ...]

    def __call__(self, theta: jax.Array, table: jax.Array, wanted: jax.Array) -> jax.Array:
        """float32[b, Σ dims] for θ float32[len(dims)]."""
        root = jnp.exp(jax.nn.log_softmax(theta) / 2)
        return unit(scaled(table[wanted], root[np.repeat(np.arange(len(self.dims)), self.dims)]))


@jax.custom_vjp
def scaled(x: jax.Array, scale: jax.Array) -> jax.Array:
    """x diag(scale). Its gradient is a product with a row of ones, since bits of a sum over rows depend on threads."""
    return x * scale


scaled.defvjp(
    lambda x, scale: (x * scale, (x, scale)),
    lambda inputs, slope: (slope * inputs[1], (jnp.ones((1, len(slope))) @ (slope * inputs[0]))[0]),
)
