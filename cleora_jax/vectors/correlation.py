"""Canonical correlation: embeddings of different methods or widths in one space; and how well an alignment does."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._blas import one_blas_thread
from cleora_jax._random import generator
from cleora_jax.vectors.alignment import nothing_in_common, procrustes
from cleora_jax.vectors.embedding import Embedding
from cleora_jax.vectors.search import top_k, unit_rows

How = Literal["procrustes", "cca"]
HOWS = ("procrustes", "cca")


class Cca(NamedTuple):
    """Directions of two tables that are most correlated.

    Args:
        left, right: float64[d, k] and float64[e, k], what centred rows are multiplied with; products
            have variance 1, or a little less where `ridge` counts.
        left_mean, right_mean: float64[d] and float64[e], to centre with.
        correlations: float64[k], falling.
    """

    left: np.ndarray
    right: np.ndarray
    left_mean: np.ndarray
    right_mean: np.ndarray
    correlations: np.ndarray


def cca(x: np.ndarray, y: np.ndarray, k: int | None = None, *, ridge: float = 1e-4) -> Cca:
    """Canonical correlation analysis of rows that belong together.

    Args:
        x, y: float[n, d] and float[n, e]; row i of one belongs to row i of the other.
        k: directions, at most the smaller of d and e; default all of these.
        ridge: of the mean variance of each side, added to its variances: what is nearly null must not make a
            correlation of noise. Default: 1e-4.

    Raises:
        ValueError: tables that do not fit, NaN or infinity, or numbers out of range.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(500, 3))
        >>> turned = x @ rng.normal(size=(3, 5))
        >>> cca(x, turned).correlations.round(2).tolist()
        [1.0, 1.0, 1.0]

    Reference: Hotelling, Relations between two sets of variates, Biometrika 28, 1936.
    """
    sides: list[Any] = [x, y]
    if any(isinstance(side, Embedding) for side in sides):
        raise TypeError("`x` and `y` must be arrays; of embeddings, give the `.vectors` of entities that both have.")
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y) or len(x) < 2:
        raise checks.OptionError(f"`x` and `y` must be matrices of as many rows, 2 at least, got {x.shape}, {y.shape}.")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise checks.OptionError("`x` and `y` must be finite, got NaN or infinity.")
    most = min(x.shape[1], y.shape[1])
    k = most if k is None else checks.integer("k", k, low=1, high=most)
    ridge = checks.real("ridge", ridge, low=0)
    if (x == x[0]).all() or (y == y[0]).all():
        raise checks.OptionError("`x` and `y` must vary: all rows of one are alike.")
    means = x.mean(axis=0), y.mean(axis=0)
    one, two = x - means[0], y - means[1]
    with one_blas_thread():
        roots = [_inverse_root(side.T @ side / len(x), ridge) for side in (one, two)]
        left, values, right = np.linalg.svd(roots[0].T @ (one.T @ two / len(x)) @ roots[1])
        return Cca(roots[0] @ left[:, :k], roots[1] @ right[:k].T, *means, np.clip(values[:k], 0, 1))


def _inverse_root(covariance: np.ndarray, ridge: float) -> np.ndarray:
    """R with Rᵀ (C + ridge · mean variance) R = 1; without a ridge null directions are left out."""
    values, axes = np.linalg.eigh(covariance)
    values = values + ridge * max(np.trace(covariance) / len(covariance), np.finfo(float).tiny)
    live = values > len(values) * np.finfo(np.float64).eps * values[-1]
    root: np.ndarray = axes * np.where(live, 1 / np.sqrt(np.where(live, values, 1)), 0)
    return root


class AlignmentScore(NamedTuple):
    """How well an alignment that was learned on some entities fits others.

    Args:
        cosine: mean cosine of an entity with itself, across.
        hits: how often the nearest in the other embedding is the entity itself, among all that both know.
        hits_at_10: how often it is one of the ten nearest.
        anchors, held_out: entities that it was learned on, and that it was scored on.
    """

    cosine: float
    hits: float
    hits_at_10: float
    anchors: int
    held_out: int


def alignment_score(
    embedding: Embedding,
    reference: Embedding,
    how: How = "procrustes",
    *,
    held_out: float = 0.2,
    queries: int = 1000,
    ridge: float = 1e-4,
    seed: int = 0,
) -> AlignmentScore:
    """How well an alignment of two embeddings holds: learned on most of what both know, scored on the rest.

    Args:
        embedding, reference: entities are the same by (column, id); zero vectors take no part.
        how: "procrustes" turns one onto the other (equal widths); "cca" takes both into a space of their most
            correlated directions. Default: "procrustes".
        held_out: share of the common entities that it is not learned on, in [0, 1); one at least. Default: 0.2.
        queries: of these are scored, at most. Default: 1,000.
        ridge: of "cca". Default: 1e-4.
        seed: of the choice. Default: 0.

    Raises:
        ValueError: widths that differ under "procrustes", or fewer than four entities in common.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.generators.planted_partition([100] * 5, 0.2, 0.01).graph
        >>> one, two = (cj.embed(graph, cj.Cleora(dim=4, seed=seed)) for seed in (0, 1))
        >>> cj.alignment_score(two, one).cosine > 0.99
        True
    """
    checks.one_of("how", how, HOWS)
    share = checks.real("held_out", held_out, low=0, high=1, open_high=True)
    found = reference.vocab.rows_of(embedding.vocab)
    common = np.flatnonzero(found >= 0)
    x, y = (unit_rows(part, "vectors") for part in (embedding.vectors[common], reference.vectors[found[common]]))
    known = x.any(axis=1) & y.any(axis=1)
    x, y = x[known], y[known]
    if len(x) < 4:
        raise checks.OptionError(nothing_in_common("`embedding` and `reference`", embedding.vocab, reference.vocab))
    order = generator(seed).permutation(len(x))
    test, train = np.split(order, [min(max(1, round(share * len(x))), len(x) - 2)])
    test = test[: checks.integer("queries", queries, low=1)]
    mapped, target = _mapped(how, x, y, train, ridge)
    own = np.einsum("ij,ij->i", unit_rows(mapped[test], "vectors"), unit_rows(target[test], "vectors"))
    near = top_k(target.astype(np.float32), mapped[test], min(10, len(target))).rows
    hit = near == test[:, None]
    return AlignmentScore(
        float(own.mean()), float(hit[:, 0].mean()), float(hit.any(axis=1).mean()), len(train), len(test)
    )


def _mapped(
    how: str, x: np.ndarray, y: np.ndarray, train: np.ndarray, ridge: float
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Both tables in one space, learned on the rows `train`."""
    if how == "procrustes":
        if x.shape[1] != y.shape[1]:
            raise checks.OptionError(
                f"`how='procrustes'` needs one dimension, got {x.shape[1]} and {y.shape[1]}; 'cca' does not."
            )
        return x @ procrustes(x[train], y[train]), y
    fit = cca(x[train], y[train], ridge=ridge)
    scale = fit.correlations  # what is not correlated must not count as much as what is
    return (x - fit.left_mean) @ fit.left * scale, (y - fit.right_mean) @ fit.right * scale
