"""Tables of all pairs, for graphs small enough."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from cleora_jax._memory import NeedsMemoryError, readable
from cleora_jax._progress import Progress
from cleora_jax.baselines.method import FLOAT, Baseline, fetched
from cleora_jax.sparse.spectral import Linear, randomized_svd
from cleora_jax.vectors.orthogonal import times

MAX_DENSE = 20_000  # entities above which no n × n table is made
OVERSAMPLING, POWER = 20, 8


def no_dense(method: Baseline, count: int) -> None:
    """Raise NeedsMemoryError above MAX_DENSE entities."""
    if count > MAX_DENSE:
        raise NeedsMemoryError(
            f"{method!r} makes a table of all pairs, {readable(FLOAT * count**2)} for {count:,} entities; it does so "
            f"up to {MAX_DENSE:,} entities. {method.instead}"
        )


def factorised(table: np.ndarray, dim: int, seed: int, progress: Progress) -> np.ndarray:
    """U √Σ of a table float32[n, n], float32[n, min(dim, n)]."""
    held = jnp.asarray(table)
    whole = Linear(table.shape, lambda z: _product(held, z), lambda z: _transposed_product(held, z))
    rank = min(dim, *table.shape)
    found = randomized_svd(whole, rank, oversampling=OVERSAMPLING, power=POWER, seed=seed, progress=progress)
    return fetched(times(found.left, np.diag(np.sqrt(found.values))))


@jax.jit
def _product(table: jax.Array, z: jax.Array) -> jax.Array:
    return table @ z


@jax.jit
def _transposed_product(table: jax.Array, z: jax.Array) -> jax.Array:
    return jax.lax.dot_general(table, z, (((0,), (0,)), ((), ())))
