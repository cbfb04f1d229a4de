"""Guards of the room: scores, classes and vectors, checked once, before anything is counted."""

from __future__ import annotations

from typing import Any

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax.graph.vocab import Vocab
from cleora_jax.vectors.embedding import Embedding


def scores(name: str, values: Any, dims: int = 1) -> np.ndarray:
    """Finite float64 scores with `dims` axes and at least one entry, or an error that names the argument.

    Raises:
        ValueError: another number of axes, nothing, NaN or infinity (the first place is named).
        TypeError: not numbers.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"`{name}` must be numbers, got {array.dtype}.")
    if array.ndim != dims or array.size == 0:
        raise checks.OptionError(f"`{name}` must have {dims} axes and not be empty, got shape {array.shape}.")
    array = array.astype(np.float64, copy=False)
    wrong = np.argwhere(~np.isfinite(array))
    if len(wrong):
        place = wrong[0].tolist()
        raise checks.OptionError(f"`{name}` must be finite, got {array[tuple(wrong[0])]} at place {place}.")
    return array


def codes(name: str, values: Any) -> np.ndarray:
    """int64[n] codes of classes or clusters, at least one and none negative, or an error that names the argument."""
    array = np.asarray(values)
    if array.ndim != 1 or array.size == 0:
        raise checks.OptionError(f"`{name}` must have one axis and not be empty, got shape {array.shape}.")
    if array.dtype.kind not in "iu":
        raise TypeError(f"`{name}` must be integers, got {array.dtype}.")
    if array.min() < 0:
        raise checks.OptionError(f"`{name}` must be at least 0, got {array.min()} at place {int(array.argmin())}.")
    return array.astype(np.int64)


def as_many(first: str, one: np.ndarray, second: str, other: np.ndarray) -> None:
    """Raise ValueError unless two arrays are of one shape."""
    if one.shape != other.shape:
        raise checks.OptionError(
            f"`{first}` and `{second}` must have the same shape, got {one.shape} and {other.shape}."
        )


def opened(embedding: Any) -> tuple[np.ndarray, Vocab, dict[str, Any]]:
    """Vectors float[n, d], checked; the names of their rows; settings."""
    if isinstance(embedding, Embedding):
        vectors, vocab, settings = embedding.vectors, embedding.vocab, embedding.settings
    else:
        vectors, settings = np.asarray(embedding), {}
        if vectors.ndim != 2 or vectors.dtype.kind != "f" or 0 in vectors.shape:
            raise checks.OptionError(
                f"`embedding` must be an Embedding or float[n, d], got {vectors.dtype}{list(vectors.shape)}."
            )
        vocab = Vocab.of([str(row) for row in range(len(vectors))])
    wrong = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if len(wrong):
        raise checks.OptionError(f"`embedding` must be finite, got NaN or infinity in row {wrong[0]}.")
    return vectors, vocab, settings
