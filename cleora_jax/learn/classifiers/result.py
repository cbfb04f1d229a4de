"""`Classified`: scores and classes of all entities, and how well they were told."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax.graph.hyperedges import frozen
from cleora_jax.graph.labels import Labels
from cleora_jax.learn.classifiers.scores import Score

LIKELY = 0.5  # from which score on a class is predicted, where an entity may have several


@dataclass(frozen=True, eq=False, repr=False)
class Classified:
    """Scores of all entities, those with known classes too.

    Args:
        scores: float32[n, c], probabilities: rows of sum 1 or, with several classes, each entry by itself; rows of 0
            for entities that nothing is known of (see `unreached`).
        classes: names of the c classes.
        single: entities have one class each.
        validation: of the validation entities; None where there are none.
        test: of the test entities, taken once, at the end; None where there are none.
        history: what the method saw on the way: `Epochs`, `Candidates` or `Iterations`.
        best: the entry of `history` that the scores are of: the best epoch, the place of the chosen C, or the last
            iteration.
        method: with its settings.
    """

    scores: np.ndarray
    classes: tuple[str, ...]
    single: bool
    validation: Score | None
    test: Score | None
    history: Any
    best: int
    method: Any

    def __post_init__(self) -> None:
        frozen(self.scores)

    @cached_property
    def unreached(self) -> np.ndarray:
        """bool[n]: entities that no label reached; they have no class."""
        return frozen(np.asarray(~self.scores.any(axis=1)))

    @cached_property
    def codes(self) -> np.ndarray:
        """int32[n]: the class of largest score, the first among equals; −1 for entities that no label reached.

        Raises ValueError where entities may have several classes.
        """
        if not self.single:
            raise checks.OptionError("entities may have several classes here: see `predicted`, or `scores`.")
        return frozen(np.where(self.unreached, -1, self.scores.argmax(axis=1)).astype(np.int32))

    @cached_property
    def predicted(self) -> Labels:
        """The class of largest score or, with several, all of score ½ and more; none where no label reached."""
        chosen = self.scores >= LIKELY
        if self.single:
            chosen = self.codes[:, None] == np.arange(len(self.classes))
        return Labels(self.classes, sp.csr_array(chosen))

    def __len__(self) -> int:
        return len(self.scores)

    def __repr__(self) -> str:
        parts = [f"{len(self):,} entities, {len(self.classes)} classes by {type(self.method).__name__}"]
        for name, score in (("validation", self.validation), ("test", self.test)):
            parts += [] if score is None else [f"{name} {_shown(score, self.single)}"]
        parts += [self.history.told(self.best)]
        missed = np.count_nonzero(self.unreached)
        parts += [f"{missed:,} unreached"] if missed else []
        return f"Classified({'; '.join(parts)})"


def _shown(score: Score, single: bool) -> str:
    return f"accuracy {score.accuracy:.4f}" if single else f"F1 {score.micro_f1:.4f} micro, {score.macro_f1:.4f} macro"
