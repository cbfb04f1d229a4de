"""Scores of pairs of entities from their vectors: products, cosines, and a logistic regression on Hadamard products.

A pair scores the same, bit for bit, alone (`pairs`) and among all pairs of two lists (`grid`): ties stay ties.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax.evaluate.logistic import linear_weights
from cleora_jax.evaluate.splits import EdgeSplit
from cleora_jax.vectors.search import unit_rows

ScorerName = Literal["dot", "cosine", "hadamard", "halves"]
SCORERS = ("dot", "cosine", "hadamard", "halves")
PAIR_BLOCK = 1 << 14  # pairs whose vectors are gathered at once


class Scorer(Protocol):
    """What ranks pairs of entities."""

    def pairs(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """float64[m], scores of m pairs of rows."""

    def grid(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """float64[len(left), len(right)], scores of all pairs."""


@dataclass(frozen=True, eq=False)
class Product:
    """Σ_j w_j x_ij y_kj of two tables, computed in float64, each pair by itself.

    Args:
        source, target: float[n, d], x and y.
        weight: float64[d], w. Default: ones.
        unit: rows are given unit length first; zero stays zero.
    """

    source: np.ndarray
    target: np.ndarray
    weight: np.ndarray | None = None
    unit: bool = False

    def pairs(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """float64[m], scores of m pairs of rows; in blocks."""
        found = np.empty(len(left))
        for start in range(0, len(left), PAIR_BLOCK):
            part = slice(start, start + PAIR_BLOCK)
            found[part] = np.vecdot(self._sources(left[part]), self._rows(self.target, right[part]))
        return found

    def grid(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """float64[len(left), len(right)], scores of all pairs."""
        scores: np.ndarray = np.vecdot(self._sources(left)[:, None], self._rows(self.target, right))
        return scores

    def _sources(self, rows: np.ndarray) -> np.ndarray:
        vectors = self._rows(self.source, rows)
        return vectors if self.weight is None else vectors * self.weight

    def _rows(self, table: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return unit_rows(table[rows], "embedding") if self.unit else np.asarray(table[rows], np.float64, order="C")


@dataclass(frozen=True, eq=False)
class EitherWay:
    """The larger score of a pair and its reverse, for links without a direction."""

    product: Product

    def pairs(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """float64[m], scores of m pairs of rows."""
        return np.maximum(self.product.pairs(left, right), self.product.pairs(right, left))

    def grid(self, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """float64[len(left), len(right)], scores of all pairs."""
        return np.maximum(self.product.grid(left, right), self.product.grid(right, left).T)


def scorer(name: ScorerName, vectors: np.ndarray, split: EdgeSplit, strength: float, most: int, seed: int) -> Scorer:
    """A scorer of `SCORERS`; only "hadamard" is fitted, to training pairs.

    Args:
        name: "dot"; "cosine"; "hadamard", see `fitted`; or "halves", the product of the first half of the source's
            vector with the second half of the target's, of links without direction the larger of both ways.
        vectors: float[n, d].
        split: whose training links and negatives a scorer may be fitted to.
        strength, most, seed: of "hadamard".
    """
    if name == "hadamard":
        return fitted(vectors, split, strength, most, seed)
    if name != "halves":
        return Product(vectors, vectors, unit=name == "cosine")
    half, odd = divmod(vectors.shape[1], 2)
    if odd or not half:
        raise checks.OptionError(f"`scorers`: 'halves' needs an even number of columns, got {vectors.shape[1]}.")
    product = Product(vectors[:, :half], vectors[:, half:])
    return product if split.directed else EitherWay(product)


def fitted(vectors: np.ndarray, split: EdgeSplit, strength: float, most: int, seed: int) -> Product:
    """Logistic regression on x_i ∘ x_k, told training links from pairs without a link in the training graph.

    Columns are scaled to unit deviation first, so that C means the same whatever the length of the vectors.

    Args:
        vectors: float[n, d].
        split: its `train` and `train_negative` are looked at, and nothing else.
        strength: C, the inverse weight of L2.
        most: so many of either kind at most, drawn by `seed`.
        seed: draws them.
    """
    rng = np.random.default_rng([seed, 2])
    kinds = [pairs[np.sort(rng.permutation(len(pairs))[:most])] for pairs in (split.train, split.train_negative)]
    both = np.concatenate(kinds)
    features = np.asarray(vectors[both[:, 0]], np.float64) * vectors[both[:, 1]]
    scale = features.std(axis=0)
    scale = np.divide(1.0, scale, where=scale > 0, out=np.zeros(len(scale)))
    weight, _ = linear_weights(features * scale, np.repeat([True, False], [len(kind) for kind in kinds]), strength)
    return Product(vectors, vectors, weight * scale)
