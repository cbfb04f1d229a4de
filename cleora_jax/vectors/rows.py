"""Passes over the rows of a dense table [n, d], chunk by chunk: each chunk is worked on while it is in cache."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp

Carry = TypeVar("Carry")
CHUNK_ROWS = 1024  # rows of one chunk: about a MB at 256 columns, so that it stays in cache


def fold_rows(body: Callable[[Carry, jax.Array | int, int], Carry], carry: Carry, rows: int, chunk: int) -> Carry:
    """`body(carry, start, size)` over chunks of at most `chunk` rows, in order; the last may be shorter."""
    full = rows // chunk
    if full:
        carry = jax.lax.fori_loop(0, full, lambda i, held: body(held, i * chunk, chunk), carry)
    return body(carry, full * chunk, rows % chunk) if rows % chunk else carry


def get_rows(table: jax.Array, start: jax.Array | int, size: int) -> jax.Array:
    """Rows start … start + size: [size, d] of a table, [size, 1] of a vector."""
    piece = jax.lax.dynamic_slice_in_dim(table, start, size)
    return piece[:, None] if table.ndim == 1 else piece


def put_rows(table: jax.Array, rows: jax.Array, start: jax.Array | int) -> jax.Array:
    """The table with `rows` written at `start`; in place inside a loop."""
    return jax.lax.dynamic_update_slice_in_dim(table, rows, start, 0)


def two_sum(total: jax.Array, lost: jax.Array, term: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Compensated addition (Knuth): the new total, and what rounding has lost so far."""
    new = total + term
    shadow = new - total
    return new, lost + ((total - (new - shadow)) + (term - shadow))


def sum_rows(table: jax.Array) -> jax.Array:
    """Sum of the rows, float32[d]: chunk sums added with compensation.

    A chunk is summed as a product with ones, whose order does not depend on the number of threads (`sum` does).
    """

    def body(carry: tuple[jax.Array, jax.Array], start: jax.Array | int, size: int) -> tuple[jax.Array, jax.Array]:
        return two_sum(*carry, jnp.ones((1, size), jnp.float32) @ get_rows(table, start, size))

    zero = jnp.zeros((1, table.shape[1]), jnp.float32)
    total, lost = fold_rows(body, (zero, zero), table.shape[0], CHUNK_ROWS)
    return (total + lost)[0]
