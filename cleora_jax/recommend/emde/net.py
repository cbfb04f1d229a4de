"""The feed-forward net from sketches to sketches: what was taken goes in, what comes next is read off the output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._random import generator
from cleora_jax.sparse.operator import Csr, Operator, apply
from cleora_jax.vectors.stable import product

MAX_BATCH = 1024  # rows up to which sums over them keep their order, see vectors/stable.py
SLOPE = 0.01  # of LeakyReLU below zero
VARIANCE_FLOOR = 1e-5
MOMENTUM = 0.1  # share of a batch in the running means of batch normalisation
NNZ_STEP = 1 << 15  # stored entries are padded to a multiple, so that few shapes are compiled

Layer = tuple[jax.Array, jax.Array]  # weight float32[in, out] and bias float32[out]


@dataclass(frozen=True)
class SketchNet:
    """A net from sketches to a distribution over the parts of each depth.

        x₁ = BN(LeakyReLU(s W₁ + b₁)), p = s W_p + b_p
        x_j = BN(LeakyReLU((x_{j−1} + p) W_j + b_j)) for the other hidden layers
        output: x W + b, a softmax over the `width` parts of each depth

    s are input sketches, side by side, of which each depth has length 1. The loss is the cross-entropy with the
    target's sketch, of which each depth sums to 1, averaged over depths.

    Args:
        hidden: units of a hidden layer.
        layers: hidden layers, at least 1.
        num_epochs: at most.
        patience: epochs without a smaller validation loss after which to stop; without validation there is no stop.
        batch_size: cases of a step, at most 1024. What is left over from whole batches waits for another epoch's order.
        learning_rate: of Adam, in the first epoch.
        rate_decay: by which it is multiplied after each epoch, in (0, 1].
        seed: of first weights and of the order of cases.

    Differs from the released code in that the softmax is over the parts of a depth, as the loss means it; there it is
    over a reshape of other order. Reference: as of `DLSH`.
    """

    hidden: int = 512
    layers: int = 3
    num_epochs: int = 5
    patience: int = 1
    batch_size: int = 512
    learning_rate: float = 0.004
    rate_decay: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        checks.keep_integers(self, hidden=1, layers=1, num_epochs=1, patience=1)
        checks.keep(self, batch_size=checks.integer("batch_size", self.batch_size, low=2, high=MAX_BATCH))
        for name in ("learning_rate", "rate_decay"):
            high = 1.0 if name == "rate_decay" else None
            checks.keep(self, **{name: checks.real(name, getattr(self, name), low=0, high=high, open_low=True)})
        checks.keep(self, seed=checks.seed(self.seed))


class Parameters(NamedTuple):
    """What is learned.

    Args:
        first: of the first layer and of the projection, side by side: float32[f, 2 · hidden].
        between: of the other hidden layers.
        last: float32[hidden, depth · width].
        norms: scale and shift of each hidden layer's batch normalisation, float32[hidden] both.
    """

    first: Layer
    between: tuple[Layer, ...]
    last: Layer
    norms: tuple[Layer, ...]


Moments = tuple[Layer, ...]  # running mean and variance of each hidden layer, float32[hidden] both


def first_parameters(method: SketchNet, inputs: int, outputs: int) -> tuple[Parameters, Moments]:
    """Weights and biases uniform in ±1/√in, as the released nets begin.

    Those of the first layer are for inputs of which only some are not zero: each is ±1/√hidden there.
    """
    rng, hidden = generator(method.seed), method.hidden

    def layer(before: int, after: int, bound: float) -> Layer:
        weight = rng.uniform(-bound, bound, (before, after)).astype(np.float32)
        return jax.device_put(weight), jax.device_put(np.zeros(after, np.float32))

    narrow = 1 / np.sqrt(hidden)
    first = layer(inputs, 2 * hidden, narrow)
    between = tuple(layer(hidden, hidden, narrow) for _ in range(method.layers - 1))
    ones, zeros = np.ones(hidden, np.float32), np.zeros(hidden, np.float32)
    norms = tuple((jax.device_put(ones), jax.device_put(zeros)) for _ in range(method.layers))
    moments = tuple((jax.device_put(zeros), jax.device_put(ones)) for _ in range(method.layers))
    return Parameters(first, between, layer(hidden, outputs, narrow), norms), moments


def logits_of(
    parameters: Parameters, moments: Moments, sketch: Operator, *, learning: bool
) -> tuple[jax.Array, Moments]:
    """Logits float32[b, depth · width], and the running moments; while learning, normalised by the batch's own."""
    both = _shifted(apply(sketch, parameters.first[0]), parameters.first[1])
    x, projected = jnp.split(both, 2, axis=1)
    x, moment = _normalised(jax.nn.leaky_relu(x, SLOPE), parameters.norms[0], moments[0], learning)
    found = [moment]
    for layer, norm, held in zip(parameters.between, parameters.norms[1:], moments[1:], strict=True):
        x = jax.nn.leaky_relu(_shifted(product(x + projected, layer[0]), layer[1]), SLOPE)
        x, moment = _normalised(x, norm, held, learning)
        found.append(moment)
    return _shifted(product(x, parameters.last[0]), parameters.last[1]), tuple(found)


def _normalised(x: jax.Array, norm: Layer, held: Layer, learning: bool) -> tuple[jax.Array, Layer]:
    """Columns of mean 0 and variance 1, by those of the batch or the running ones, then scaled and shifted."""
    mean, variance = held
    if learning:
        mean = _mean(x)
        variance = _mean(jnp.square(x - _rows(mean, x)))
        fix = jax.lax.stop_gradient((mean, variance * (len(x) / max(len(x) - 1, 1))))
        held = tuple((1 - MOMENTUM) * old + MOMENTUM * new for old, new in zip(held, fix, strict=True))  # type: ignore[assignment]
    scale = norm[0] / jnp.sqrt(variance + VARIANCE_FLOOR)
    return (x - _rows(mean, x)) * _rows(scale, x) + _rows(norm[1], x), held


def _mean(x: jax.Array) -> jax.Array:
    """Of the columns. A product, whose bits do not depend on threads, unlike a sum's."""
    return product(jnp.ones((1, len(x)), jnp.float32), x)[0] / len(x)


def _rows(row: jax.Array, like: jax.Array) -> jax.Array:
    """A row as often as `like` has rows; likewise a product, for the sake of its gradient."""
    return product(jnp.ones((len(like), 1), jnp.float32), row[None])


def _shifted(x: jax.Array, bias: jax.Array) -> jax.Array:
    return x + _rows(bias, x)


def mean_loss(logits: jax.Array, target: jax.Array, width: int) -> jax.Array:
    """Cross-entropy of each depth's softmax with the target's masses, over depths and cases.

    Args:
        logits, target: float32[b, depth · width]; each depth of a target sums to 1 or 0, which then does not count.
        width: W.
    """
    depths = logits.reshape(len(logits), -1, width)
    wanted = target.reshape(depths.shape)
    losses = -(wanted * jax.nn.log_softmax(depths, axis=2)).sum(axis=(1, 2)) / depths.shape[1]
    return _mean(losses[:, None])[0]


def sketch_operator(sketch: sp.csr_array) -> Operator:
    """Sketches as an operator with its adjoint, entries padded, so that batches share what is compiled."""
    forward = sp.csr_array(sketch.astype(np.float32))
    backward = sp.csr_array(forward.T.tocsr())
    row_sum = jax.device_put(np.zeros(forward.shape[0], np.float32))  # nobody asks
    return Operator((_padded(forward),), row_sum, None, (_padded(backward),))


def _padded(matrix: sp.csr_array) -> Csr:
    """Entries beyond the last row's end belong to no row."""
    more = -matrix.nnz % NNZ_STEP if matrix.nnz else NNZ_STEP
    data = np.pad(matrix.data, (0, more))
    indices = np.pad(matrix.indices.astype(np.int32, copy=False), (0, more))
    return Csr.put(data, indices, matrix.indptr.astype(np.int32, copy=False), tuple(matrix.shape))
