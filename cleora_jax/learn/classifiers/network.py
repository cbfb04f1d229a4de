"""Settings that the networks share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress
from cleora_jax.learn.classifiers.layers import Inputs
from cleora_jax.learn.classifiers.problem import Fitted, Problem
from cleora_jax.learn.classifiers.training import Part, Plan, first_parameters, probabilities, train
from cleora_jax.vectors.passes import NORMALIZATIONS, Normalization


@dataclass(frozen=True)
class Network:
    """What `MLP` and `GCN` have in common; see there."""

    hidden: Sequence[int] = ()
    dropout: float = 0.5
    weight_decay: float = 5e-4
    learning_rate: float = 0.01
    num_epochs: int = 200
    patience: int = 100
    normalization: Normalization = "none"
    seed: int = 0

    def __post_init__(self) -> None:
        widths: Any = self.hidden
        if isinstance(widths, str) or not isinstance(widths, Sequence):
            raise TypeError(f"`hidden` must be a sequence of widths, got {widths!r}.")
        checks.keep(self, hidden=tuple(checks.integer("hidden", width, low=1) for width in widths))
        checks.keep(self, dropout=checks.real("dropout", self.dropout, low=0, high=1, open_high=True))
        for name in ("weight_decay", "learning_rate"):
            checks.keep(self, **{name: checks.real(name, getattr(self, name), low=0)})
        checks.keep_integers(self, num_epochs=1, patience=1)
        checks.one_of("normalization", self.normalization, NORMALIZATIONS)
        checks.keep(self, seed=checks.integer("seed", self.seed, low=0, high=2**63 - 1))

    @abstractmethod
    def parts(self, problem: Problem) -> tuple[Part, Part, Inputs]:
        """To train on, to validate with, and the inputs of all entities."""

    @abstractmethod
    def decay(self) -> tuple[float, ...]:
        """Weight decay of each layer."""

    def __call__(self, problem: Problem, *, progress: Progress) -> Fitted:
        """Train, and score all entities with the best epoch's parameters."""
        assert problem.features is not None
        learn, held, every = self.parts(problem)
        first = first_parameters((problem.features.shape[1], *self.hidden, problem.num_classes), self.seed)
        plan = Plan(problem.single, self.dropout, self.learning_rate, self.decay(), self.num_epochs, self.patience,
                    self.seed)  # fmt: skip
        trained = train(first, learn, held, plan, progress)
        scores = probabilities(trained.parameters, every, single=problem.single)
        return Fitted(scores, trained.history, trained.best_epoch)
