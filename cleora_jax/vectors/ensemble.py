"""Several embeddings as one: of relations, of depths, of seeds, of methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any, Literal

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._blas import one_blas_thread
from cleora_jax.graph.vocab import Vocab
from cleora_jax.vectors.alignment import nearest_rotation, nothing_in_common, rotated
from cleora_jax.vectors.embedding import Embedding
from cleora_jax.vectors.search import ROW_BLOCK, unit_rows

How = Literal["concat", "mean", "svd"]
HOWS = ("concat", "mean", "svd")


def combine(
    parts: Sequence[Embedding] | Mapping[str, Embedding],
    how: How = "concat",
    weights: Sequence[float] | None = None,
    *,
    dim: int | None = None,
) -> Embedding:
    """One embedding of several, over all their entities.

        concat: each part's rows at unit length times √(w / Σw), side by side. For two entities that all parts know,
                the cosine is the weighted mean of the parts' cosines. Parts that do not know an entity have zeros
                there: with W_a the weight of the parts that know a, the cosine of a and b is the sum of w times the
                cosine over the parts that know both, divided by √(W_a W_b).
        mean:   parts of one dimension, each turned onto the first by `procrustes` of the unit rows of the entities
                that both know; then the weighted mean of the unit rows over the parts that know the entity, at unit
                length. Costs no columns; sense only where the parts see the entities alike (seeds, nearby depths).
        svd:    "concat" in `dim` columns, on its leading right singular vectors: of all tables of so few columns the
                one whose inner products are nearest to those of "concat". Parts may differ in width and in kind.

    A zero vector (an isolated entity) counts as not known, and one that no part knows stays zero. An entity of which
    only parts of weight 0 know has the zero vector, too.

    Args:
        parts: at least one, or a dict of them, as `embed_apart` gives; entities are the same by (column, id).
        how: "concat", "mean" or "svd". Default: "concat".
        weights: one w ≥ 0 for each part, not all 0. Default: all equal.
        dim: columns under "svd", at most Σd. Default: those of the widest part.

    Returns:
        Entities in order of first appearance; float32[n, Σd], float32[n, d] or float32[n, dim]. The
        settings keep `how`, the weights and the settings of each part.

    Raises:
        ValueError: no parts, weights that cannot be, NaN or infinity; for "mean", dimensions that differ, or a part
            that shares no entity with the first.
        TypeError: a part that is no `Embedding`.

    Example:
        >>> ann_bob = Embedding(np.eye(2, dtype=np.float32), Vocab.of(["ann", "bob"]))
        >>> bob_cid = Embedding(np.ones((2, 1), np.float32), Vocab.of(["bob", "cid"]))
        >>> both = combine([ann_bob, bob_cid], weights=[3, 1])
        >>> both.vectors.shape, both.vocab.ids.to_pylist()
        ((3, 3), ['ann', 'bob', 'cid'])
        >>> round(both.cosine("ann", "bob"), 6), round(both.cosine("bob", "cid"), 6)
        (0.0, 0.5)
    """
    parts = _checked_parts(parts)
    checks.one_of("how", how, HOWS)
    share = _shares(weights, len(parts))
    vocab = _union([part.vocab for part in parts])
    places = [part.vocab.rows_of(vocab) for part in parts]
    if dim is not None and how != "svd":
        raise checks.OptionError(f"`dim` goes with `how='svd'` alone, got `how={how!r}`.")
    with one_blas_thread():
        vectors = _mean(parts, places, share) if how == "mean" else _side_by_side(parts, places, share)
        if how == "svd":
            widest = max(part.dim for part in parts)
            vectors = _leading(
                vectors, widest if dim is None else checks.integer("dim", dim, low=1, high=vectors.shape[1])
            )
    settings = {"combined": [part.settings for part in parts], "how": how, "weights": share.tolist()}
    return Embedding(vectors, vocab, settings)


def _side_by_side(parts: Sequence[Embedding], places: list[np.ndarray], share: np.ndarray) -> np.ndarray:
    vectors = np.empty((len(places[0]), sum(part.dim for part in parts)), np.float32)
    for block in _blocks(len(vectors)):
        pieces = [_unit(part, place[block]) for part, place in zip(parts, places, strict=True)]
        each = [np.sqrt(weight) * piece for weight, piece in zip(share, pieces, strict=True)]
        np.concatenate(each, axis=1, out=vectors[block], casting="same_kind")
    return vectors


def _leading(vectors: np.ndarray, dim: int) -> np.ndarray:
    """The rows on the leading axes of their Gram matrix, float32[n, dim]."""
    gram = np.zeros((vectors.shape[1], vectors.shape[1]))
    for block in _blocks(len(vectors)):
        wide = vectors[block].astype(np.float64)
        gram += wide.T @ wide
    axes = np.linalg.eigh(gram)[1][:, ::-1][:, :dim]
    axes *= np.where(axes[np.abs(axes).argmax(axis=0), np.arange(dim)] < 0, -1, 1)  # signs are nobody's choice
    return rotated(vectors, axes)


def _mean(parts: Sequence[Embedding], places: list[np.ndarray], share: np.ndarray) -> np.ndarray:
    dims = [part.dim for part in parts]
    if len(set(dims)) > 1:
        raise checks.OptionError(f"`how='mean'` needs parts of one dimension, got {dims}.")
    turns = [np.eye(dims[0])] + [_turn(parts, places, number) for number in range(1, len(parts))]
    vectors = np.empty((len(places[0]), dims[0]), np.float32)
    for block in _blocks(len(vectors)):
        total = np.zeros((len(vectors[block]), dims[0]))
        for part, place, weight, turn in zip(parts, places, share, turns, strict=True):
            total += weight * (_unit(part, place[block]) @ turn)
        vectors[block] = unit_rows(total, "parts")
    return vectors


def _turn(parts: Sequence[Embedding], places: list[np.ndarray], number: int) -> np.ndarray:
    """The rotation float64[d, d] of a part onto the first. Rows that one of the two does not know are zero."""
    cross, common = np.zeros((parts[0].dim, parts[0].dim)), False
    for block in _blocks(len(places[0])):
        mine, first = _unit(parts[number], places[number][block]), _unit(parts[0], places[0][block])
        common = common or bool((mine.any(axis=1) & first.any(axis=1)).any())
        cross += mine.T @ first
    if not common:
        names = f"with `how='mean'`, `parts[{number}]` and `parts[0]`"
        raise checks.OptionError(nothing_in_common(names, parts[number].vocab, parts[0].vocab))
    return nearest_rotation(cross)


def _unit(part: Embedding, rows: np.ndarray) -> np.ndarray:
    """Some rows of a part at unit length, float64[m, d]; zeros where the row is −1."""
    known = rows >= 0
    unit = np.zeros((len(rows), part.dim))
    unit[known] = unit_rows(part.vectors[rows[known]], "parts")
    return unit


def _blocks(rows: int) -> list[slice]:
    return [slice(start, start + ROW_BLOCK) for start in range(0, rows, ROW_BLOCK)]


def _union(vocabs: list[Vocab]) -> Vocab:
    """All entities, in order of first appearance."""
    return reduce(lambda union, vocab: union.joined(vocab)[0], vocabs)


def _checked_parts(parts: Any) -> list[Embedding]:
    if isinstance(parts, Embedding):
        raise TypeError("`parts` must be a list of embeddings, got one embedding.")
    listed = list(parts.values() if isinstance(parts, Mapping) else parts)
    wrong = next((part for part in listed if not isinstance(part, Embedding)), None)
    if wrong is not None:
        raise TypeError(f"`parts` must be embeddings, got {wrong!r:.100}.")
    if not listed:
        raise checks.OptionError("`parts` must hold at least one embedding, got none.")
    return listed


def _shares(weights: Sequence[float] | None, count: int) -> np.ndarray:
    """w / Σw, float64[count]."""
    listed = [1.0] * count if weights is None else [checks.real("weights", weight, low=0) for weight in weights]
    if len(listed) != count:
        raise checks.OptionError(f"`weights` must have one entry per part ({count}), got {len(listed)}.")
    if not any(listed):
        raise checks.OptionError("`weights` must not all be 0.")
    share = np.array(listed) / max(listed)  # first by the largest: a sum may overflow
    whole: np.ndarray = share / share.sum()
    return whole
