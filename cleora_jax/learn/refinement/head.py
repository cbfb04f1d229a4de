"""What may be trained: the rows themselves, or a map of rows."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._blas import one_blas_thread
from cleora_jax.learn.refinement.losses import unit
from cleora_jax.vectors.search import ROW_BLOCK
from cleora_jax.vectors.stable import product

Head = tuple[Any, ...]  # B [d, d], or B₁ [d, h] and B₂ [h, d]: float32 arrays of JAX or NumPy


def own_vectors(rows: jax.Array, table: jax.Array, wanted: jax.Array) -> jax.Array:
    """Unit vectors of some rows, which are the parameters."""
    return unit(rows[wanted])


def mapped_vectors(head: Head, table: jax.Array, wanted: jax.Array) -> jax.Array:
    """Unit vectors of some rows of the table, mapped by a head."""
    return unit(mapped(head, table[wanted], product))


def mapped(head: Head, x: Any, multiply: Any) -> Any:
    """x + x B, or x + max(0, x B₁) B₂: zero stays zero, and c x becomes c times what x becomes, c ≥ 0."""
    inner = multiply(x, head[0])
    return x + (inner if len(head) == 1 else multiply(inner.clip(0), head[1]))


def first_head(dim: int, hidden: int | None, rng: np.random.Generator) -> Head:
    """A head that changes nothing yet."""
    if hidden is None:
        return (np.zeros((dim, dim), np.float32),)
    inner = rng.standard_normal((dim, hidden), np.float32) / np.float32(np.sqrt(dim))
    return inner, np.zeros((hidden, dim), np.float32)


def map_rows(head: Head, vectors: np.ndarray) -> np.ndarray:
    """Rows float32[m, d], mapped by a head, block by block."""
    if vectors.ndim != 2 or vectors.shape[1] != len(head[0]):
        raise checks.OptionError(f"`vectors` must be [m, {len(head[0])}], as the head was fitted, got {vectors.shape}.")
    out = np.empty(vectors.shape, np.float32)
    with one_blas_thread():
        for start in range(0, len(vectors), ROW_BLOCK):
            block = slice(start, start + ROW_BLOCK)
            out[block] = mapped(head, vectors[block].astype(np.float32), np.matmul)
    return out
