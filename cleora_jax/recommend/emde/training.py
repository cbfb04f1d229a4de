"""Training of the net, batch by batch, and what it foretells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np
import optax
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress, no_progress
from cleora_jax._random import generator
from cleora_jax.learn.early_stopping import Best
from cleora_jax.recommend.emde.net import (
    Moments,
    Parameters,
    SketchNet,
    first_parameters,
    logits_of,
    mean_loss,
    sketch_operator,
)
from cleora_jax.recommend.emde.sketch import check_codes, code_matrix, normalised

ADAM = optax.scale_by_adam()


class Examples(NamedTuple):
    """What to tell from what, of c cases.

    Args:
        inputs: CSR [c, n] each, weights of items ≥ 0, such as the history and the last item; each a sketch of its own.
        target: CSR [c, n], the next item, or weights of several.
    """

    inputs: tuple[sp.csr_array, ...]
    target: sp.csr_array

    def __len__(self) -> int:
        return int(self.target.shape[0])


class Losses(NamedTuple):
    """What each epoch saw; entry 0 is the start, before any training.

    Args:
        train_loss: float64[epochs + 1], mean loss of the batches, each before its step (NaN at the start).
        validation_loss: float64[epochs + 1]; NaN without validation.
    """

    train_loss: np.ndarray
    validation_loss: np.ndarray


@dataclass(frozen=True, eq=False)
class TrainedNet:
    """A net of its best epoch.

    Args:
        method: its settings.
        parameters, moments: of the net.
        matrix: the code matrix C of the n items, CSR [n, depth · width].
        width: W.
        best_epoch: which epoch's it is; 0 is the start.
        history: what each epoch saw.
    """

    method: SketchNet
    parameters: Parameters
    moments: Moments
    matrix: sp.csr_array
    width: int
    best_epoch: int
    history: Losses

    def __call__(self, *inputs: sp.csr_array) -> np.ndarray:
        """Masses float32[b, depth · width] of what comes next, of which each depth sums to 1; for a `Decoder`."""
        sketch = sketch_operator(input_sketch(inputs, self.matrix, self.width))
        return np.asarray(_masses(self.parameters, self.moments, sketch, self.width))


def train_net(
    examples: Examples, codes: np.ndarray, width: int, method: SketchNet | None = None, *,
    validation: Examples | None = None, progress: Progress = no_progress,
) -> TrainedNet:  # fmt: skip
    """Train a net to foretell the target's sketch.

    Sketches are made of the weights batch by batch, so that memory is that of the weights and of the parameters.

    Args:
        examples: c ≥ 2 cases.
        codes: int32[n, depth].
        width: W.
        method: default `SketchNet()`.
        validation: after each epoch the net is judged by its loss here, and the best epoch's is kept.
        progress: called after every batch.

    Raises:
        ValueError: shapes that do not fit, or a loss that is no longer finite.

    Example:
        >>> codes = np.arange(4, dtype=np.int32)[:, None]
        >>> taken, then = (sp.csr_array(np.eye(4)[rows]) for rows in ([0, 1, 2, 3] * 8, [1, 2, 3, 0] * 8))
        >>> net = train_net(Examples((taken,), then), codes, 4, SketchNet(hidden=8, num_epochs=60, rate_decay=1.0))
        >>> net(taken[:4]).argmax(axis=1).tolist()
        [1, 2, 3, 0]
    """
    method = SketchNet() if method is None else method
    matrix = code_matrix(check_codes(codes, width), width)
    _check(examples, len(codes))
    if validation is not None:
        _check(validation, len(codes))
    outputs = matrix.shape[1]
    parameters, moments = first_parameters(method, outputs * len(examples.inputs), outputs)
    state, rng = ADAM.init(parameters), generator(method.seed)
    size = min(method.batch_size, len(examples))
    count = len(examples) // size
    judged = partial(_judged, validation, matrix, width, size)
    best = Best(jax.device_get((parameters, moments)), (np.nan, *judged(parameters, moments)), method.patience)
    for epoch in range(1, method.num_epochs + 1):
        rate, losses = np.float32(method.learning_rate * method.rate_decay ** (epoch - 1)), []
        for number, rows in enumerate(rng.permutation(len(examples))[: count * size].reshape(count, size), 1):
            sketch, target = _batch(examples, rows, matrix, width)
            parameters, moments, state, loss = _step(parameters, moments, state, sketch, target, rate, width)
            losses.append(loss)  # not looked at yet: the next batch is made ready while this one is computed
            progress("training", (epoch - 1) * count + number, method.num_epochs * count)
        mean = float(np.mean(np.array(losses, np.float64)))
        if not np.isfinite(mean):
            raise checks.OptionError(f"the loss is {mean} in epoch {epoch}: `learning_rate` must be smaller.")
        if best.stops(jax.device_get((parameters, moments)), (mean, *judged(parameters, moments))):
            break
    history = Losses(*np.array(best.history).T[:2])
    parameters, moments = best.parameters
    return TrainedNet(method, parameters, moments, matrix, width, best.epoch, history)


def input_sketch(inputs: tuple[sp.csr_array, ...], matrix: sp.csr_array, width: int) -> sp.csr_array:
    """Sketches of weights side by side, each depth of length 1: CSR [b, inputs · depth · width]."""
    parts = [normalised(sp.csr_array(weights @ matrix), width, "l2") for weights in inputs]
    return sp.csr_array(sp.hstack(parts, format="csr"))


def _batch(examples: Examples, rows: np.ndarray, matrix: sp.csr_array, width: int) -> tuple[Any, np.ndarray]:
    sketch = input_sketch(tuple(weights[rows] for weights in examples.inputs), matrix, width)
    target = normalised(sp.csr_array(examples.target[rows] @ matrix), width, "l1")
    return sketch_operator(sketch), target.toarray().astype(np.float32)


def _judged(
    validation: Examples | None, matrix: sp.csr_array, width: int, size: int, parameters: Parameters, moments: Moments
) -> tuple[float, float]:
    """Validation loss and, as the score that is to rise, its negative; NaN where there is none."""
    if validation is None:
        return np.nan, np.nan
    total = 0.0
    for rows in _pieces(len(validation), size):
        sketch, target = _batch(validation, rows, matrix, width)
        total += float(_loss(parameters, moments, sketch, target, width)) * len(rows)
    return total / len(validation), -total / len(validation)


def _pieces(count: int, size: int) -> Iterator[np.ndarray]:
    return (np.arange(start, min(start + size, count)) for start in range(0, count, size))


@partial(jax.jit, static_argnames="width", donate_argnames=("parameters", "moments", "state"))
def _step(
    parameters: Parameters, moments: Moments, state: Any, sketch: Any, target: jax.Array, rate: jax.Array, width: int
) -> tuple[Parameters, Moments, Any, jax.Array]:
    """One step of Adam: parameters, moments, state, and the loss before it."""

    def loss(parameters: Parameters) -> tuple[jax.Array, Moments]:
        logits, new = logits_of(parameters, moments, sketch, learning=True)
        return mean_loss(logits, target, width), new

    (value, new), slope = jax.value_and_grad(loss, has_aux=True)(parameters)
    updates, state = ADAM.update(slope, state)
    return jax.tree.map(lambda old, update: old - rate * update, parameters, updates), new, state, value


@partial(jax.jit, static_argnames="width")
def _loss(parameters: Parameters, moments: Moments, sketch: Any, target: jax.Array, width: int) -> jax.Array:
    return mean_loss(logits_of(parameters, moments, sketch, learning=False)[0], target, width)


@partial(jax.jit, static_argnames="width")
def _masses(parameters: Parameters, moments: Moments, sketch: Any, width: int) -> jax.Array:
    logits = logits_of(parameters, moments, sketch, learning=False)[0]
    return jax.nn.softmax(logits.reshape(len(logits), -1, width), axis=2).reshape(logits.shape)


def _check(examples: Examples, num_items: int) -> None:
    if len(examples) < 2 or not examples.inputs:
        raise checks.OptionError(f"`examples` must be two cases at least, with an input; got {len(examples)}.")
    for weights in (*examples.inputs, examples.target):
        if weights.shape != (len(examples), num_items):
            raise checks.OptionError(
                f"`examples` must be CSR [{len(examples)}, {num_items}] each, got shape {weights.shape}."
            )
        if not (np.isfinite(weights.data).all() and (weights.data >= 0).all()):
            raise checks.OptionError("`examples` must hold finite weights of at least 0.")
