"""`Refine`: how to refine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cleora_jax import _checks as checks
from cleora_jax.learn.refinement.losses import LOSSES, Loss

Target = Literal["head", "vectors"]
TARGETS = ("head", "vectors")


@dataclass(frozen=True)
class Refine:
    """How to refine.

    Args:
        target: "head", a small map of vectors, which entities without a pair and new ones go through, too; or
            "vectors", those of the entities in pairs and of the negatives drawn. Default: "head".
        loss: "triplet", "in-batch", "hard" or "contrastive", see `refine`. Default: "triplet".
        margin: by which cosines of positive pairs are to exceed those of negative ones, in [0, 2]; for "contrastive"
            what the latter may be. Default: 0.5.
        num_epochs: passes over the pairs, at most. Default: 50.
        batch_size: pairs of a step, at most. Default: 512.
        num_negatives: drawn for each of the two entities of a pair, anew in each epoch; of "triplet" and "contrastive".
            With 0, pairs given as negative are all that positive ones are compared with. Default: 5.
        learning_rate: step of plain gradient descent for one pair; a given optimiser brings its own. Default: 0.05.
        hidden: None for a linear head, x + x B; or the width h of x + max(0, x B₁) B₂. Default: None.
        validation: share of the distinct pairs, in [0, 1), that are held out to stop early; rounded down, so that fewer
            than ten pairs are all trained on by default. Default: 0.1.
        patience: epochs without a better validation AUC (or, at the same AUC, loss) after which to stop. Default: 2.
        seed: of the split, the order of pairs and the negatives. Default: 0.
    """

    target: Target = "head"
    loss: Loss = "triplet"
    margin: float = 0.5
    num_epochs: int = 50
    batch_size: int = 512
    num_negatives: int = 5
    learning_rate: float = 0.05
    hidden: int | None = None
    validation: float = 0.1
    patience: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        checks.one_of("target", self.target, TARGETS)
        checks.one_of("loss", self.loss, LOSSES)
        checks.keep_integers(self, num_epochs=1, batch_size=1, patience=1, num_negatives=0)
        checks.keep(self, seed=checks.seed(self.seed))
        checks.keep(self, margin=checks.real("margin", self.margin, low=0, high=2))
        checks.keep(self, learning_rate=checks.real("learning_rate", self.learning_rate, low=0))
        checks.keep(self, validation=checks.real("validation", self.validation, low=0, high=1, open_high=True))
        if self.hidden is not None:
            checks.keep(self, hidden=checks.integer("hidden", self.hidden, low=1))
            if self.target != "head":
                raise checks.OptionError("`hidden` is the width of a head: it needs `target='head'`.")
