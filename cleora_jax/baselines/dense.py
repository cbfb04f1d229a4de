"""Tables of all pairs: stored, for graphs small enough, or made piece by piece while they are multiplied."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from cleora_jax._memory import NeedsMemoryError, readable
from cleora_jax._progress import Progress
from cleora_jax.baselines.method import FLOAT, Baseline, fetched
from cleora_jax.sparse.spectral import Linear, randomized_svd
from cleora_jax.vectors.rows import CHUNK_ROWS, Window, fold_rows, fresh_rows, get_rows
from cleora_jax.vectors.stable import product_over_rows

MAX_DENSE = 20_000  # entities above which no n × n table is made
OVERSAMPLING, POWER = 20, 8


def no_dense(method: Baseline, count: int) -> None:
    """Raise NeedsMemoryError above MAX_DENSE entities."""
    if count > MAX_DENSE:
        raise NeedsMemoryError(
            f"{method!r} makes a table of all pairs, {readable(FLOAT * count**2)} for {count:,} entities; it does so "
            f"up to {MAX_DENSE:,} entities. {method.instead}"
        )


def factorised(table: Linear, dim: int, seed: int, progress: Progress) -> np.ndarray:
    """U √Σ of an n × n table, float32[n, min(dim, n)]."""
    rank = min(dim, *table.shape)
    found = randomized_svd(table, rank, oversampling=OVERSAMPLING, power=POWER, seed=seed, progress=progress)
    return fetched(found.sources)


def stored(table: np.ndarray | jax.Array) -> Linear:
    """A table float32[n, n] by its products."""
    held = jnp.asarray(table)
    return Linear((held.shape[0], held.shape[1]), lambda z: _product(held, z), lambda z: _transposed_product(held, z))


@jax.jit
def _product(table: jax.Array, z: jax.Array) -> jax.Array:
    """T z, some columns of T at a time: over more than a chunk, the order of sums depends on threads."""

    def body(total: jax.Array, window: Window) -> jax.Array:
        columns = jax.lax.dynamic_slice_in_dim(table, window.start, window.size, axis=1)
        return total + columns @ fresh_rows(z, window)

    return fold_rows(body, jnp.zeros((table.shape[0], z.shape[1]), jnp.float32), len(z))


@jax.jit
def _transposed_product(table: jax.Array, z: jax.Array) -> jax.Array:
    return product_over_rows(table, z)


@partial(jax.jit, static_argnames="function")
def entrywise_product(
    function: Callable[[jax.Array], jax.Array], left: jax.Array, right: jax.Array, z: jax.Array
) -> jax.Array:
    """f(left rightᵀ) z, float32[n, l]: f of every entry, of which a chunk of rows and columns is made at a time.

    Args:
        function: f, of arrays, entry by entry.
        left: float32[n, h].
        right: float32[m, h].
        z: float32[m, l].
    """
    size = min(CHUNK_ROWS, len(left))
    padded = jnp.pad(left, ((0, -len(left) % size), (0, 0))).reshape(-1, size, left.shape[1])

    def of_rows(rows: jax.Array) -> jax.Array:
        def body(total: jax.Array, window: Window) -> jax.Array:
            return total + function(rows @ get_rows(right, window).T) @ fresh_rows(z, window)

        return fold_rows(body, jnp.zeros((size, z.shape[1]), jnp.float32), len(right))

    return jax.lax.map(of_rows, padded).reshape(-1, z.shape[1])[: len(left)]
