"""`LogisticRegression`: a linear model of features, by scikit-learn; its penalty given or chosen on validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._blas import one_blas_thread
from cleora_jax._progress import Progress
from cleora_jax.learn.classifiers.features import scaled_rows
from cleora_jax.learn.classifiers.problem import Fitted, Known, Matrix, Problem
from cleora_jax.learn.classifiers.scores import merit
from cleora_jax.vectors.passes import NORMALIZATIONS, Normalization
from cleora_jax.vectors.stored import row_blocks

MAX_ITERATIONS = 10_000  # of the solver: it stops by itself long before, or scikit-learn warns
SMALLEST = 1e-30  # of C; below, nothing is left of any weight


class Candidates(NamedTuple):
    """What each value of C gave, in the order tried.

    Args:
        C: float64[candidates].
        validation_loss: float64[candidates], mean cross-entropy.
        validation_f1: float64[candidates], micro-F1, which is the accuracy where entities have one class each. (Both
            are NaN where there are no validation entities.)
    """

    C: np.ndarray
    validation_loss: np.ndarray
    validation_f1: np.ndarray

    def told(self, best: int) -> str:
        """In words."""
        return f"C={self.C[best]:g}"


@dataclass(frozen=True)
class LogisticRegression:
    """Logistic regression of features, L2-penalised, by scikit-learn: multinomial, or one-vs-rest with several classes.

    Args:
        C: strength of the loss, summed over training entities, against the penalty ½ ‖W‖², biases free; larger fits
            closer. Of several, the one that told the classes of validation entities best.
        normalization: of rows of features first: "l2", "l1" or "none".
    """

    C: float | Sequence[float] = 1.0
    normalization: Normalization = "none"

    needs: ClassVar[tuple[str, ...]] = ("features",)

    def __post_init__(self) -> None:
        checks.keep(self, C=checked_strengths(self.C))
        checks.one_of("normalization", self.normalization, NORMALIZATIONS)

    def __call__(self, problem: Problem, *, progress: Progress) -> Fitted:
        """Fit once for each C, and score all entities with the best."""
        return fit_linear(scaled_rows(problem.features, self.normalization), problem, self.C, progress)


def checked_strengths(given: Any) -> float | tuple[float, ...]:
    """C, a number above 0, or several; or raise."""
    if isinstance(given, (Sequence, np.ndarray)) and not isinstance(given, str):
        several = tuple(checks.real("C", each, low=SMALLEST) for each in given)
        if not several:
            raise checks.OptionError("`C` must be a number or several, got none.")
        return several
    return checks.real("C", given, low=SMALLEST)


def fit_linear(features: Matrix, problem: Problem, strengths: Any, progress: Progress) -> Fitted:
    """Fit a linear model for each C; scores are those of the best on validation entities, ties by order.

    Raises:
        ValueError: several C and no validation entities to choose by, or no two classes to tell apart.
    """
    tried = strengths if isinstance(strengths, tuple) else (strengths,)
    train, held = problem.train, problem.validation
    if len(tried) > 1 and not len(held.rows):
        raise checks.OptionError(f"`C`: one of {tried} is chosen on validation entities, and there are none.")
    if problem.single and np.count_nonzero(train.target.any(axis=0)) < 2:
        raise checks.OptionError("`split`: logistic regression needs training entities of at least two classes.")
    known = features[train.rows].astype(np.float64)
    with one_blas_thread():  # bits of products would depend on the number of threads
        models, seen = [], []
        for done, strength in enumerate(tried, 1):
            models.append(_model(known, train, strength, problem.single))
            found = _scores(models[-1], features[held.rows], problem.num_classes)
            seen.append(merit(found, held, problem.single) if len(held.rows) else (np.nan, np.nan))
            progress("classifying", done, len(tried))
        best = max(range(len(tried)), key=seen.__getitem__)
        scores = _scores(models[best], features, problem.num_classes)
    f1, negated = np.array(seen).T
    return Fitted(scores, Candidates(np.array(tried), -negated, f1), best)


class _Linear(NamedTuple):
    """scikit-learn's models, and the classes of the columns of what each predicts; classes without one are constant."""

    models: list[tuple[Any, Any]]
    constant: np.ndarray  # float32[c]


def _model(features: Matrix, train: Known, strength: float, single: bool) -> _Linear:
    from sklearn.linear_model import LogisticRegression as Solver

    def fitted(target: np.ndarray) -> Any:
        return Solver(C=strength, max_iter=MAX_ITERATIONS).fit(features, target)

    share = train.target.mean(axis=0)
    if single:
        model = fitted(train.target.argmax(axis=1))
        return _Linear([(model, model.classes_)], np.zeros(len(share), np.float32))
    open_ones = np.flatnonzero((share > 0) & (share < 1))
    return _Linear([(fitted(train.target[:, at]), at) for at in open_ones], (share == 1).astype(np.float32))


def _scores(linear: _Linear, features: Matrix, num_classes: int) -> np.ndarray:
    """Probabilities float32[m, c], by blocks of rows, since scikit-learn makes them float64."""
    scores = np.tile(linear.constant, (features.shape[0], 1))
    for rows in row_blocks(features.shape):
        for model, at in linear.models:
            found = model.predict_proba(features[rows])
            scores[rows, at] = found if np.ndim(at) else found[:, 1]
    return scores
