"""`GCN`: a graph convolutional network on features and edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from cleora_jax.learn.classifiers.features import scaled_rows
from cleora_jax.learn.classifiers.layers import Inputs, table_of
from cleora_jax.learn.classifiers.network import Network
from cleora_jax.learn.classifiers.problem import Problem
from cleora_jax.learn.classifiers.training import Part
from cleora_jax.sparse.from_graph import from_csr
from cleora_jax.sparse.normalized import smoothing
from cleora_jax.vectors.passes import Normalization


@dataclass(frozen=True)
class GCN(Network):
    """A graph convolutional network: x ← max(0, S x W + b) layer by layer, S = D̃^-½ (A + I) D̃^-½, then a softmax.

    With several classes for an entity, a sigmoid for each. Differs from the paper in that layers have biases, so that
    an isolated entity without features gets the classes' shares, and in that the best epoch on validation entities is
    kept, not the last. Where there are no features, `scipy.sparse.eye_array(n)` makes each entity its own.

    Args:
        hidden: widths of the hidden layers; () is one convolution alone.
        dropout: share of each layer's inputs that is dropped while it learns, in [0, 1).
        weight_decay: λ; λ/2 times the squares of the first layer's weights is added to the loss.
        learning_rate: of Adam.
        num_epochs: at most.
        patience: epochs without a better validation score (then loss) after which to stop.
        normalization: of rows of features first: "l1" (as in the paper), "l2" or "none".
        seed: of first weights and dropout.

    Reference: Kipf and Welling, Semi-supervised classification with graph convolutional networks, ICLR 2017.
    """

    hidden: Sequence[int] = (16,)
    normalization: Normalization = "l1"

    needs: ClassVar[tuple[str, ...]] = ("features", "graph")

    def parts(self, problem: Problem) -> tuple[Part, Part, Inputs]:
        """All entities are multiplied: each may be a neighbour of one that is looked at."""
        assert problem.adjacency is not None
        op = from_csr(smoothing(problem.adjacency), symmetric=True)
        inputs = Inputs(table_of(scaled_rows(problem.features, self.normalization)), op)
        return (
            Part(inputs, problem.train.rows, problem.train),
            Part(inputs, problem.validation.rows, problem.validation),
            inputs,
        )

    def decay(self) -> tuple[float, ...]:
        """The first layer alone, as in the paper."""
        return (self.weight_decay, *(0.0 for _ in self.hidden))
