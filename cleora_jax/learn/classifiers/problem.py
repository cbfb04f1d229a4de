"""What a learner is given: features, edges, and the classes of the entities that it may look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol, TypeAlias

import numpy as np
import scipy.sparse as sp

from cleora_jax._progress import Progress

Matrix: TypeAlias = Any  # float32[n, f], np.ndarray | sp.csr_array; SciPy has no types


class Known(NamedTuple):
    """Entities whose classes are known.

    Args:
        rows: int64[m].
        target: bool[m, c].
    """

    rows: np.ndarray
    target: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class Problem:
    """All that a learner sees. Classes of test entities are not in it.

    Args:
        num_entities: n.
        single: entities have one class each, not several.
        train: to learn from.
        validation: to stop early and to choose settings by; may be empty.
        features: float32[n, f], where the method wants them.
        adjacency: A, n × n CSR float32, where the method wants it.
    """

    num_entities: int
    single: bool
    train: Known
    validation: Known
    features: Matrix = None
    adjacency: sp.csr_array | None = None

    @property
    def num_classes(self) -> int:
        """c."""
        return int(self.train.target.shape[1])


class Fitted(NamedTuple):
    """What a learner gives back.

    Args:
        scores: float32[n, c], see `Classified`.
        history: what it saw on the way, a NamedTuple of arrays of one length.
        best: the entry of `history` that the scores are of.
    """

    scores: np.ndarray
    history: Any
    best: int


class Method(Protocol):
    """What `classify` asks of a method: a frozen dataclass, callable on a problem."""

    needs: ClassVar[tuple[str, ...]]  # of "features" and "graph"

    def __call__(self, problem: Problem, *, progress: Progress) -> Fitted:
        """Learn from `problem.train`, choose by `problem.validation`, and score all entities."""
