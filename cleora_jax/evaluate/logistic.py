"""Logistic regression as the literature of embeddings uses it: one class against the rest, or all classes at once."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np

from cleora_jax._blas import one_blas_thread
from cleora_jax.vectors.search import unit_rows

Classifier = Literal["one-vs-rest", "multinomial"]
CLASSIFIERS = ("one-vs-rest", "multinomial")
MAX_ITERATIONS = 1000
MAX_THREADS = 4  # each holds a copy of the vectors at 16 bytes a number


def class_scores(
    kind: Classifier, train: np.ndarray, classes: np.ndarray, others: np.ndarray, strength: float
) -> np.ndarray:
    """Scores float64[m, c] of all classes for other entities; larger is likelier, in the order of probabilities.

    Args:
        kind: "one-vs-rest", c binary regressions by liblinear, L2, the intercept among the weights that are held small,
            as liblinear does; or "multinomial", one regression by L-BFGS, L2, a free intercept.
        train: float64[n, d], vectors to fit.
        classes: bool[n, c]; under "multinomial" one class each.
        others: float64[m, d].
        strength: C, the inverse weight of L2.
    """
    with one_blas_thread():
        return (_one_vs_rest if kind == "one-vs-rest" else _multinomial)(train, classes, others, strength)


def _one_vs_rest(train: np.ndarray, classes: np.ndarray, others: np.ndarray, strength: float) -> np.ndarray:
    """A class that no entity has, or all have, scores −∞ or ∞: probability 0 or 1.

    Classes are fitted in threads: liblinear runs without the lock, and its primal solver draws nothing at random; the
    seed only keeps it from NumPy's global state.
    """
    from sklearn.linear_model import LogisticRegression

    def of_class(own: np.ndarray) -> np.ndarray:
        if own.all() or not own.any():
            return np.full(len(others), np.inf if own.all() else -np.inf)
        model = LogisticRegression(C=strength, solver="liblinear", max_iter=MAX_ITERATIONS, random_state=0)
        return model.fit(train, own).decision_function(others)

    with ThreadPoolExecutor(min(MAX_THREADS, os.cpu_count() or 1)) as pool:
        return np.stack(list(pool.map(of_class, np.ascontiguousarray(classes.T))), axis=1)


def _multinomial(train: np.ndarray, classes: np.ndarray, others: np.ndarray, strength: float) -> np.ndarray:
    """Classes that no entity has score −∞."""
    from sklearn.linear_model import LogisticRegression

    codes = classes.argmax(axis=1)
    scores = np.full((len(others), classes.shape[1]), -np.inf)
    present = np.unique(codes)
    if len(present) == 1:
        scores[:, present] = 0
        return scores
    model = LogisticRegression(C=strength, solver="lbfgs", max_iter=MAX_ITERATIONS).fit(train, codes)
    found = model.decision_function(others)
    scores[:, present] = np.stack([-found, found], axis=1) if found.ndim == 1 else found
    return scores


def linear_weights(train: np.ndarray, positive: np.ndarray, strength: float) -> tuple[np.ndarray, float]:
    """Weights float64[d] and intercept of one binary logistic regression, by L-BFGS, L2, a free intercept.

    Args:
        train: float64[n, d].
        positive: bool[n], both kinds.
        strength: C, the inverse weight of L2.
    """
    from sklearn.linear_model import LogisticRegression

    with one_blas_thread():
        model = LogisticRegression(C=strength, solver="lbfgs", max_iter=MAX_ITERATIONS).fit(train, positive)
    return model.coef_[0], float(model.intercept_[0])


def as_features(vectors: np.ndarray, unit: bool) -> np.ndarray:
    """float64[n, d]: the vectors as they are, or of unit length (zero stays zero)."""
    return unit_rows(vectors, "embedding") if unit else np.asarray(vectors, np.float64)


def folds_of(count: int, folds: int, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """(train, held out) places of each of so many folds; sizes differ by one at most."""
    parts: list[Any] = np.array_split(rng.permutation(count), folds)
    return [(np.concatenate(parts[:at] + parts[at + 1 :]), parts[at]) for at in range(folds)]
