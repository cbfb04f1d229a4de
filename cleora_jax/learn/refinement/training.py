"""The one training loop: batches of an epoch in one compiled scan; validation after each; the best epoch is kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress
from cleora_jax.learn.early_stopping import Best
from cleora_jax.learn.refinement.batches import Batch, PairRows, batches_of
from cleora_jax.learn.refinement.losses import Loss, Scores, apart_losses, pair_losses
from cleora_jax.learn.refinement.method import Refine
from cleora_jax.learn.refinement.negatives import Known
from cleora_jax.learn.refinement.separation import auc, mean_hinge
from cleora_jax.vectors.stable import all_products

Parameters = Any  # a pytree of float32 arrays
SGD = optax.sgd(1.0)  # steps are scaled by the learning rate, which so is no part of what is compiled


class Model(NamedTuple):
    """What is trained, and how it moves; fixed when it is compiled.

    Args:
        vectors: (parameters, table, rows) -> unit vectors float32[b, d] of rows int32[b] of the table.
        optimizer: of optax.
    """

    vectors: Callable[[Parameters, jax.Array, jax.Array], jax.Array]
    optimizer: optax.GradientTransformation


class Data(NamedTuple):
    """What is trained on, in rows of a table of r entities.

    Args:
        table: float32[r, d], unit rows, or rows of zeros.
        known: of the r entities.
        train: pairs to train on.
        held: pairs held out for validation.
    """

    table: np.ndarray
    known: Known
    train: PairRows
    held: PairRows


class History(NamedTuple):
    """What each epoch saw; entry 0 is the start, before any training.

    Args:
        train_loss: float64[epochs + 1], mean loss of a pair, with what given negatives add (NaN at the start).
        validation_loss: float64[epochs + 1], of the pairs held out: the mean of max(0, margin + cos⁻ − cos⁺) over each
            positive with each negative one.
        validation_auc: float64[epochs + 1], the chance that a positive one has a larger cosine than a negative one.
            (Both are NaN where nothing is held out.)
    """

    train_loss: np.ndarray
    validation_loss: np.ndarray
    validation_auc: np.ndarray


class Trained(NamedTuple):
    """The parameters of the best epoch, which it was, and what each epoch saw."""

    parameters: Parameters
    best_epoch: int
    history: History


def train(
    model: Model, parameters: Parameters, data: Data, method: Refine, rate: float, rng: np.random.Generator,
    progress: Progress,
) -> Trained:  # fmt: skip
    """Train until validation has not improved for a while, or through all epochs where nothing is held out.

    Args:
        model: what is trained.
        parameters: to begin with.
        data: what is trained on.
        method: how.
        rate: by which the optimiser's steps are scaled. Neither it nor the margin is part of what is compiled.
        rng: for the order of pairs and for negatives.
        progress: called after every epoch.

    Raises:
        ValueError: the loss is no longer finite.
    """
    parameters, table = jax.device_put((parameters, data.table))
    state = model.optimizer.init(parameters)
    judged = partial(_judged, model, table, data.held, method.margin)
    best = Best(parameters, (np.nan, *judged(parameters)), method.patience)
    for epoch in range(1, method.num_epochs + 1):
        total = 0.0
        for batches in batches_of(rng, data.known, data.train, method):
            steps = method.margin, rate
            parameters, state, losses = run_batches(model, method.loss, parameters, state, table, batches, *steps)
            total += float(losses)
        if not np.isfinite(total):
            raise checks.OptionError(f"the loss is {total} in epoch {epoch}: the optimiser must take smaller steps.")
        stops = best.stops(parameters, (total / len(data.train.positive), *judged(parameters)))
        progress("refining", epoch, method.num_epochs)
        if stops:
            break
    return Trained(best.parameters, best.epoch, History(*np.array(best.history).T))


@partial(jax.jit, static_argnames=("model", "loss"))
def run_batches(
    model: Model, loss: Loss, parameters: Parameters, state: Any, table: jax.Array, batches: Batch, margin: jax.Array,
    rate: jax.Array,
) -> tuple[Parameters, Any, jax.Array]:  # fmt: skip
    """A step for each batch: parameters, the optimiser's state, and the sum of the losses of all pairs.

    A step follows the sum over its batch: so plain gradient descent goes as far for a pair in a large batch as in a
    small one.
    """

    def total(parameters: Parameters, batch: Batch) -> jax.Array:
        scores = scores_of(model, parameters, table, batch)
        apart = batch.apart_weight @ apart_losses(scores, batch.weight, margin, loss)
        return batch.weight @ pair_losses(scores, margin, loss) + apart

    def step(carry: tuple[Parameters, Any], batch: Batch) -> tuple[tuple[Parameters, Any], jax.Array]:
        parameters, state = carry
        value, slope = jax.value_and_grad(total)(parameters, batch)
        updates, state = model.optimizer.update(slope, state, parameters)
        return (jax.tree.map(lambda old, update: old + rate * update, parameters, updates), state), value

    (parameters, state), losses = jax.lax.scan(step, (parameters, state), batches)
    return parameters, state, losses.sum()


def scores_of(model: Model, parameters: Parameters, table: jax.Array, batch: Batch) -> Scores:
    """The cosines of a batch; a row that was drawn is gathered once, however many pairs it serves."""
    pairs, apart = batch.positive, batch.negative
    rows = jnp.concatenate([pairs[:, 0], pairs[:, 1], apart[:, 0], apart[:, 1], batch.drawn])
    x = model.vectors(parameters, table, rows)
    first, second, left, right, drawn = jnp.split(x, np.cumsum([len(pairs)] * 2 + [len(apart)] * 2))
    if len(batch.drawn):
        negative = [_cyclic(anchor, drawn, batch.counts.shape[2]) for anchor in (first, second)]
    else:
        negative = [all_products(first, second), all_products(second, first)]
    return Scores((first * second).sum(axis=1), jnp.stack(negative), batch.counts, (left * right).sum(axis=1))


def _cyclic(anchor: jax.Array, others: jax.Array, count: int) -> jax.Array:
    """Products of row i with rows i, i + 1, … of the others, [b, count]; after the last comes the first."""
    turns = -(-(len(anchor) + count) // len(others))
    around = jnp.concatenate([others] * turns)  # not `tile`, whose gradient is a sum over rows
    found = [(anchor * around[shift : shift + len(anchor)]).sum(axis=1) for shift in range(count)]
    return jnp.stack(found, axis=1) if found else jnp.zeros((len(anchor), 0))


@partial(jax.jit, static_argnames="model")
def cosines(model: Model, parameters: Parameters, table: jax.Array, pairs: jax.Array) -> jax.Array:
    """float32[m] of pairs int32[m, 2]."""
    left, right = jnp.split(model.vectors(parameters, table, pairs.T.ravel()), 2)
    return (left * right).sum(axis=1)


def _judged(
    model: Model, table: jax.Array, held: PairRows, margin: float, parameters: Parameters
) -> tuple[float, float]:  # fmt: skip
    """Loss and AUC of the pairs held out; NaN where there is nothing to compare."""
    if not len(held.positive) or not len(held.negative):
        return np.nan, np.nan
    found = np.asarray(cosines(model, parameters, table, np.concatenate(held)), np.float64)
    positive, negative = np.split(found, [len(held.positive)])
    return mean_hinge(positive, negative, margin), auc(positive, negative)
