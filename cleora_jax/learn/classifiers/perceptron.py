"""`MLP`: a perceptron of several layers on features alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from cleora_jax.learn.classifiers.features import scaled_rows
from cleora_jax.learn.classifiers.layers import Inputs, table_of
from cleora_jax.learn.classifiers.network import Network
from cleora_jax.learn.classifiers.problem import Known, Problem
from cleora_jax.learn.classifiers.training import Part


@dataclass(frozen=True)
class MLP(Network):
    """A perceptron on features alone: x ← max(0, x W + b) layer by layer, then a softmax, or a sigmoid for each class.

    It takes whole batches of Adam's steps, and keeps the epoch that told the classes of validation entities best.

    Args:
        hidden: widths of the hidden layers; () is a linear model.
        dropout: share of each layer's inputs that is dropped while it learns, in [0, 1).
        weight_decay: λ; λ/2 times the squares of all weights is added to the loss, biases are free.
        learning_rate: of Adam.
        num_epochs: at most.
        patience: epochs without a better validation score (then loss) after which to stop.
        normalization: of rows of features first: "l2", "l1" or "none".
        seed: of first weights and dropout.
    """

    hidden: Sequence[int] = (64,)
    num_epochs: int = 500

    needs: ClassVar[tuple[str, ...]] = ("features",)

    def parts(self, problem: Problem) -> tuple[Part, Part, Inputs]:
        """Only rows that are looked at are multiplied."""
        table = scaled_rows(problem.features, self.normalization)

        def part(known: Known) -> Part:
            return Part(Inputs(table_of(table[known.rows]), None), np.arange(len(known.rows)), known)

        return part(problem.train), part(problem.validation), Inputs(table_of(table), None)

    def decay(self) -> tuple[float, ...]:
        """All layers alike."""
        return (self.weight_decay,) * (len(self.hidden) + 1)
