"""Orthogonal Procrustes: one embedding turned onto another, so that two runs can be read in one basis.

Vectors are unique only as far as their method fixes the basis: one more edge may flip a sign, swap two columns or turn
several among themselves. Cosines within a run do not notice; comparing a run with another, or feeding it to a model
that was trained on another, does.
"""

from __future__ import annotations

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._blas import one_blas_thread
from cleora_jax.graph.vocab import Vocab
from cleora_jax.vectors.embedding import Embedding
from cleora_jax.vectors.search import ROW_BLOCK


def procrustes(x: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """The rotation or reflection that brings rows nearest to others: the orthogonal R minimising ‖x R − reference‖_F.

    Where the rows leave R open (columns of zeros, as confined whitening gives them, or fewer rows than columns), it
    is, of all minimisers, the one nearest to the identity; columns of zeros in both are left alone exactly.

    Args:
        x, reference: float[n, d] both; row i of one belongs to row i of the other. Rows of zeros take no part.

    Returns:
        float64[d, d]; the bits do not depend on the number of threads.

    Raises:
        ValueError: shapes that differ or are no matrices, NaN or infinity.

    Example:
        >>> reference = np.array([[1.0, 0, 0], [0, 2, 0], [1, 1, 0]])
        >>> turned = reference[:, [1, 0, 2]] * [1, -1, 1]
        >>> rotation = procrustes(turned, reference)
        >>> np.allclose(turned @ rotation, reference), rotation[2].tolist()
        (True, [0.0, 0.0, 1.0])

    Reference: Schönemann, A generalized solution of the orthogonal Procrustes problem, Psychometrika 31, 1966.
    """
    x, reference = np.asarray(x), np.asarray(reference)
    if x.ndim != 2 or x.shape != reference.shape:
        raise checks.OptionError(
            f"`x` and `reference` must be matrices of one shape, got {x.shape} and {reference.shape}."
        )
    cross = np.zeros((x.shape[1], x.shape[1]))
    with one_blas_thread(), np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(x), ROW_BLOCK):
            block = slice(start, start + ROW_BLOCK)
            cross += x[block].astype(np.float64).T @ reference[block].astype(np.float64)
    if not np.isfinite(cross).all():
        raise checks.OptionError("`x` and `reference` must be finite (and their products too), got NaN or infinity.")
    return nearest_rotation(cross)


def nearest_rotation(cross: np.ndarray) -> np.ndarray:
    """The orthogonal R of largest tr(Rᵀ cross), float64[d, d]; of several, the nearest to the identity.

    Args:
        cross: xᵀ reference, float64[d, d], finite.
    """
    rotation = np.eye(len(cross))
    live = np.flatnonzero(cross.any(axis=0) | cross.any(axis=1))
    if len(live):
        with one_blas_thread():
            rotation[np.ix_(live, live)] = _nearest(cross[np.ix_(live, live)])
    return rotation


def _nearest(cross: np.ndarray) -> np.ndarray:
    """U Vᵀ of the singular vectors; those of singular value 0 may be turned, and go from U₀ the short way to V₀."""
    left, values, right = np.linalg.svd(cross)
    rank = np.count_nonzero(values > len(cross) * np.finfo(np.float64).eps * values[0])
    if rank < len(cross):
        inner, _, outer = np.linalg.svd(left[:, rank:].T @ right[rank:].T)
        left[:, rank:] = left[:, rank:] @ (inner @ outer)
    return left @ right


def align(embedding: Embedding, reference: Embedding) -> Embedding:
    """An embedding turned onto another by the entities that both know: its own cosines stay, its basis is the other's.

    Use it to compare two runs entry by entry, or to keep a model in use that was trained on an earlier run. Turned
    by `procrustes`: all vectors of `embedding` alike, those of new entities included.

    Args:
        embedding: what to turn.
        reference: of the same dimension; entities are the same by (column, id). Zero vectors (isolated entities) take
            no part.

    Returns:
        Entities and order of `embedding`; its settings, with `aligned_on`, the number of entities that both know.

    Raises:
        ValueError: dimensions that differ, no entity in common that has a vector in both, or NaN or infinity.

    Example:
        >>> before = Embedding(np.array([[1, 0], [0, 1]], np.float32), Vocab.of(["ann", "bob"]))
        >>> after = Embedding(np.array([[0, -1], [1, 0], [1, -1]], np.float32), Vocab.of(["ann", "bob", "cid"]))
        >>> align(after, before).vectors.tolist()
        [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    """
    for name, given in (("embedding", embedding), ("reference", reference)):
        if not isinstance(given, Embedding):
            raise TypeError(f"`{name}` must be an Embedding (`procrustes` is for arrays), got {type(given).__name__}.")
    if embedding.dim != reference.dim:
        raise checks.OptionError(
            f"`embedding` and `reference` must have one dimension, got {embedding.dim} and {reference.dim}."
        )
    found = reference.vocab.rows_of(embedding.vocab)
    common = np.flatnonzero(found >= 0)
    x, target = embedding.vectors[common], reference.vectors[found[common]]
    known = int(np.count_nonzero(x.any(axis=1) & target.any(axis=1)))
    if not known:
        raise checks.OptionError(nothing_in_common("`embedding` and `reference`", embedding.vocab, reference.vocab))
    vectors = rotated(embedding.vectors, procrustes(x, target))
    return Embedding(vectors, embedding.vocab, embedding.settings | {"aligned_on": known}, embedding.trace)


def rotated(vectors: np.ndarray, rotation: np.ndarray) -> np.ndarray:
    """float32[n, k]: the rows times a rotation, or some columns of one, float64[d, k]; multiplied in float64."""
    turned = np.empty((len(vectors), rotation.shape[1]), np.float32)
    with one_blas_thread():
        for start in range(0, len(vectors), ROW_BLOCK):
            block = slice(start, start + ROW_BLOCK)
            turned[block] = vectors[block].astype(np.float64) @ rotation
    return turned


def nothing_in_common(names: str, vocab: Vocab, other: Vocab) -> str:
    """What to tell where two vocabularies share no entity that counts; a column's name is often the reason."""
    columns = " and ".join(", ".join(map(repr, each.columns)) for each in (vocab, other))
    return f"{names} must have an entity in common, by (column, id) and with a vector in both; columns: {columns}."
