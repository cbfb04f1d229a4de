"""EMDE for what comes next: by the history's own sketch, without training, or by the sketch that a net foretells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax.recommend.emde.decode import Decoder, decoder, popularity_bias
from cleora_jax.recommend.emde.sketch import code_matrix, normalised
from cleora_jax.recommend.emde.training import Examples, TrainedNet
from cleora_jax.recommend.sessions.histories import Cases, Histories, check_rows


@dataclass(frozen=True)
class Matching:
    """How items are told from a sketch.

    Args:
        decay: of the history's earlier items, in (0, 1], for a step or a unit of time.
        epsilon: mass of a part in which a sketch has none; the larger, the less one missing depth counts.
        prior, mass: of the correction for popularity, see `popularity_bias`; both 0 is the geometric mean alone.

    Called on training histories, codes and their width it gives a `Scorer`, which needs no training.

    Example:
        >>> codes = np.array([[0, 0], [0, 1], [1, 1]], np.int32)
        >>> scorer = Matching(epsilon=0.1)(Histories.of([[0, 1, 2]]), codes, 2)
        >>> scorer(Histories.of([[0]])).argsort(axis=1)[0].tolist()  # from the least like item 0 to itself
        [2, 1, 0]
    """

    decay: float = 0.6
    epsilon: float = 0.1
    prior: float = 1.0
    mass: float = 1.0

    def __post_init__(self) -> None:
        checks.keep(self, decay=checks.real("decay", self.decay, low=0, high=1, open_low=True))
        checks.keep(self, epsilon=checks.real("epsilon", self.epsilon, low=0, open_low=True))
        for name in ("prior", "mass"):
            checks.keep(self, **{name: checks.real(name, getattr(self, name), low=0)})

    def __call__(self, train: Histories, codes: np.ndarray, width: int) -> Matched:
        """Set up the decoder."""
        return Matched(self, code_matrix(codes, width), width, self.decoder(train, codes, width))

    def decoder(self, train: Histories, codes: np.ndarray, width: int) -> Decoder:
        """With the bias of what the training histories took."""
        check_rows(train, len(codes))
        if not (self.prior or self.mass):
            return decoder(codes, width, epsilon=self.epsilon)
        taken = np.bincount(train.item, minlength=len(codes))
        bias = popularity_bias(taken, codes, width, prior=self.prior, mass=self.mass, epsilon=self.epsilon)
        return decoder(codes, width, bias=bias, epsilon=self.epsilon)


class Matched(NamedTuple):
    """A scorer by the history's own sketch."""

    method: Matching
    matrix: sp.csr_array
    width: int
    decoder: Decoder

    def __call__(self, histories: Histories) -> np.ndarray:
        """float32[b, n]."""
        weights = histories.weights(self.matrix.shape[0], self.method.decay)
        return self.decoder(normalised(sp.csr_array(weights @ self.matrix), self.width, "l1"))


class Foretold(NamedTuple):
    """A scorer by the sketch that a net foretells.

    Args:
        net: trained on `examples_of` the same decay.
        decoder: of the same codes.
        decay: of the history's earlier items.
    """

    net: TrainedNet
    decoder: Decoder
    decay: float

    def __call__(self, histories: Histories) -> np.ndarray:
        """float32[b, n]."""
        return self.decoder(self.net(*net_inputs(histories, self.net.matrix.shape[0], self.decay)))


def examples_of(cases: Cases, num_items: int, decay: float) -> Examples:
    """What a net learns from: the history so far and its last item, and what came next."""
    return Examples(net_inputs(cases.histories, num_items, decay), _single(cases.target, num_items))


def net_inputs(histories: Histories, num_items: int, decay: float) -> tuple[sp.csr_array, sp.csr_array]:
    """Weights [b, n] of histories, and of their last items alone."""
    return histories.weights(num_items, decay), _single(histories.last, num_items)


def _single(item: np.ndarray, num_items: int) -> sp.csr_array:
    """One item a row; none where it is −1."""
    there = item >= 0
    offset = np.concatenate([[0], np.cumsum(there)])
    return sp.csr_array((np.ones(int(there.sum())), item[there], offset), shape=(len(item), num_items))
