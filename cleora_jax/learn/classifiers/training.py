"""The training loop of the networks: whole batches, Adam, validation after each epoch; the best epoch is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress
from cleora_jax.learn.classifiers.layers import Inputs, Parameters, logits_of
from cleora_jax.learn.classifiers.problem import Known
from cleora_jax.learn.classifiers.scores import merit
from cleora_jax.learn.early_stopping import Best
from cleora_jax.vectors.stable import product

ADAM = optax.scale_by_adam()


class Epochs(NamedTuple):
    """What each epoch saw; entry 0 is the start, before any training.

    Args:
        train_loss: float64[epochs + 1], mean cross-entropy of the training entities before the epoch's step, with
            dropout and without weight decay (NaN at the start).
        validation_loss: float64[epochs + 1], after it, without dropout.
        validation_f1: float64[epochs + 1], micro-F1, which is the accuracy where entities have one class each. (Both
            are NaN where there are no validation entities.)
    """

    train_loss: np.ndarray
    validation_loss: np.ndarray
    validation_f1: np.ndarray

    def told(self, best: int) -> str:
        """In words."""
        return f"epoch {best} of {len(self.train_loss) - 1}"


class Part(NamedTuple):
    """Entities, and what a network is applied to in order to score them.

    Args:
        inputs: of some entities.
        rows: int32[m], which of these are meant.
        known: their classes.
    """

    inputs: Inputs
    rows: np.ndarray
    known: Known


@dataclass(frozen=True)
class Plan:
    """How to train; numbers that may be traced are arguments of what is compiled.

    Args:
        single: softmax over classes; else a sigmoid for each.
        dropout: of each layer's inputs.
        learning_rate: of Adam.
        decay: of each layer's weights: half of it times their squares is added to the loss.
        num_epochs: at most.
        patience: epochs without a better validation score after which to stop.
        seed: of dropout.
    """

    single: bool
    dropout: float
    learning_rate: float
    decay: tuple[float, ...]
    num_epochs: int
    patience: int
    seed: int


class Trained(NamedTuple):
    """The parameters of the best epoch, which it was, and what each epoch saw."""

    parameters: Parameters
    best_epoch: int
    history: Epochs


def first_parameters(sizes: Sequence[int], seed: int) -> Parameters:
    """Weights uniform in ±√(6 / (in + out)) and biases of zero, for layers between so many units.

    Reference: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, 2010.
    """
    rng = np.random.default_rng(seed)
    bounds = [(before, after, np.sqrt(6 / (before + after))) for before, after in pairwise(sizes)]
    drawn = [rng.uniform(-bound, bound, (before, after)).astype(np.float32) for before, after, bound in bounds]
    return tuple((jax.device_put(weight), jax.device_put(np.zeros(weight.shape[1], np.float32))) for weight in drawn)


def train(parameters: Parameters, train: Part, validation: Part, plan: Plan, progress: Progress) -> Trained:
    """Train until validation has not improved for a while, or through all epochs where there is none.

    Raises:
        ValueError: the loss is no longer finite.
    """
    state, key = ADAM.init(parameters), jax.random.key(plan.seed)
    target = jax.device_put(train.known.target.astype(np.float32))
    decay = tuple(np.float32(each) for each in plan.decay)
    best = Best(parameters, (np.nan, *_judged(parameters, validation, plan.single)), plan.patience)
    for epoch in range(1, plan.num_epochs + 1):
        parameters, state, loss = _step(
            parameters, state, train.inputs, train.rows, target, jax.random.fold_in(key, epoch),
            np.float32(plan.learning_rate), decay, dropout=plan.dropout, single=plan.single,
        )  # fmt: skip
        if not np.isfinite(loss):
            raise checks.OptionError(f"the loss is {float(loss)} in epoch {epoch}: `learning_rate` must be smaller.")
        stops = best.stops(parameters, (float(loss), *_judged(parameters, validation, plan.single)))
        progress("classifying", epoch, plan.num_epochs)
        if stops:
            break
    return Trained(best.parameters, best.epoch, Epochs(*np.array(best.history).T))


def _judged(parameters: Parameters, part: Part, single: bool) -> tuple[float, float]:
    """Loss and micro-F1; NaN where there are no entities."""
    if not len(part.rows):
        return np.nan, np.nan
    f1, negated = merit(probabilities(parameters, part.inputs, single=single)[part.rows], part.known, single)
    return -negated, f1


def probabilities(parameters: Parameters, inputs: Inputs, *, single: bool) -> np.ndarray:
    """float32[n, c]: of the classes together or, with several, of each."""
    return np.asarray(_probabilities(parameters, inputs, single=single))


@partial(jax.jit, static_argnames="single")
def _probabilities(parameters: Parameters, inputs: Inputs, *, single: bool) -> jax.Array:
    logits = logits_of(parameters, inputs, 0.0, None)
    return jax.nn.softmax(logits, axis=1) if single else jax.nn.sigmoid(logits)


@partial(jax.jit, static_argnames=("dropout", "single"))
def _step(
    parameters: Parameters, state: Any, inputs: Inputs, rows: jax.Array, target: jax.Array, key: jax.Array,
    rate: jax.Array, decay: tuple[jax.Array, ...], *, dropout: float, single: bool,
) -> tuple[Parameters, Any, jax.Array]:  # fmt: skip
    """One step of Adam on all training entities: parameters, state, and the loss before it."""

    def loss(parameters: Parameters) -> jax.Array:
        return mean_loss(logits_of(parameters, inputs, dropout, key)[rows], target, single)

    value, slope = jax.value_and_grad(loss)(parameters)
    decayed = tuple(
        (by_weight + each * weight, by_bias)
        for (by_weight, by_bias), (weight, _), each in zip(slope, parameters, decay, strict=True)
    )
    updates, state = ADAM.update(decayed, state)
    return jax.tree.map(lambda old, update: old - rate * update, parameters, updates), state, value


def mean_loss(logits: jax.Array, target: jax.Array, single: bool) -> jax.Array:
    """Mean cross-entropy over entities or, with several classes, over all pairs.

    Args:
        logits: float32[m, c].
        target: float32[m, c], 1 for the classes of each entity.
        single: softmax over classes; else a sigmoid for each.
    """
    if single:
        losses = optax.losses.softmax_cross_entropy(logits, target)
    else:
        losses = optax.losses.sigmoid_binary_cross_entropy(logits, target).mean(axis=1)
    return product(jnp.ones((1, len(losses)), jnp.float32), losses[:, None])[0, 0] / len(losses)
