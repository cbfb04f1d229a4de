"""`LabelPropagation`: classes spread over the edges of a graph, without features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress
from cleora_jax.learn.classifiers.problem import Fitted, Problem
from cleora_jax.sparse.from_graph import from_csr, row_sums
from cleora_jax.sparse.operator import Operator, apply


class Iterations(NamedTuple):
    """What each iteration saw.

    Args:
        change: float64[iterations], the largest change of a score.
    """

    change: np.ndarray

    def told(self, best: int) -> str:
        """In words."""
        return f"{best + 1} iterations, last change {self.change[best]:.1e}"


@dataclass(frozen=True)
class LabelPropagation:
    """Classes of training entities spread over edges, until scores stand still.

        clamped:   F ← D⁻¹ A F, training entities put back to their own classes after each step
        spreading: F ← α D^-½ A D^-½ F + (1 − α) Y

    A is `adjacency(graph)`, weighted. Scores are F over what all training entities together send: the share of their
    mass that is of each class. Clamped, that is the chance that a walk from an entity meets a training entity of the
    class first. Entities that no label reaches have scores of 0.

    Args:
        alpha: None clamps; α in [0, 1) spreads: the larger, the farther labels reach.
        num_iterations: at most.
        tolerance: stop when no score changes by more.

    Reference: Zhu and Ghahramani, Learning from labeled and unlabeled data with label propagation, 2002; Zhou et al.,
    Learning with local and global consistency, NeurIPS 2003.
    """

    alpha: float | None = None
    num_iterations: int = 1000
    tolerance: float = 1e-5

    needs: ClassVar[tuple[str, ...]] = ("graph",)

    def __post_init__(self) -> None:
        if self.alpha is not None:
            object.__setattr__(self, "alpha", checks.real("alpha", self.alpha, low=0, high=1, open_high=True))
        object.__setattr__(self, "num_iterations", checks.integer("num_iterations", self.num_iterations, low=1))
        object.__setattr__(self, "tolerance", checks.real("tolerance", self.tolerance, low=0))

    def __call__(self, problem: Problem, *, progress: Progress) -> Fitted:
        """Iterate until scores stand still."""
        assert problem.adjacency is not None
        spread = _spread(problem.adjacency, problem, self.alpha)
        mass, changes = spread.sources, [np.inf]
        while len(changes) <= self.num_iterations and changes[-1] > self.tolerance:
            mass, change = _step(spread, mass)
            changes.append(float(change))
            progress("classifying", len(changes) - 1, self.num_iterations)
        return Fitted(np.asarray(_shares(mass)), Iterations(np.array(changes[1:])), len(changes) - 2)


class _Spread(NamedTuple):
    """F ← keep · left · A (right · F) + sources.

    Args:
        op: A.
        left, right: float32[n, 1], scales of its rows and columns.
        keep: float32[n, 1]; 0 where an entity is clamped, α where labels spread.
        sources: float32[n, c + 1]: the classes of training entities and, last, 1 for each of these.
    """

    op: Operator
    left: jax.Array
    right: jax.Array
    keep: jax.Array
    sources: jax.Array


def _spread(adjacency: sp.csr_array, problem: Problem, alpha: float | None) -> _Spread:
    degree = row_sums(adjacency)
    inverse = np.divide(1.0, degree, out=np.zeros_like(degree), where=degree > 0)
    target = problem.train.target.astype(np.float64)
    sources = np.zeros((problem.num_entities, target.shape[1] + 1))
    sources[problem.train.rows] = np.concatenate([target, np.ones((len(target), 1))], axis=1)
    if alpha is None:
        left, right, keep = inverse, np.ones_like(inverse), 1 - sources[:, -1]
    else:
        left = right = np.sqrt(inverse)
        keep, sources = np.full_like(inverse, alpha), (1 - alpha) * sources
    columns = (left[:, None], right[:, None], keep[:, None], sources)
    return _Spread(from_csr(adjacency, symmetric=True), *jax.device_put([each.astype(np.float32) for each in columns]))


@jax.jit
def _step(spread: _Spread, mass: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The next F, and the largest change of a share."""
    new = spread.keep * spread.left * apply(spread.op, spread.right * mass) + spread.sources
    return new, jnp.abs(_shares(new) - _shares(mass)).max()


@jax.jit
def _shares(mass: jax.Array) -> jax.Array:
    """F of the classes over F of all training entities, float32[n, c]; 0 where nothing has arrived."""
    total = mass[:, -1:]
    return jnp.where(total > 0, mass[:, :-1] / jnp.where(total > 0, total, 1), 0)
