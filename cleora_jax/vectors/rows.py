"""Dense tables [n, d] as column blocks, and passes over their rows, chunk by chunk, each while it is in cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import jax
import jax.numpy as jnp

Carry = TypeVar("Carry")
Blocks = tuple[jax.Array, ...]  # the columns of a table, side by side, each float32[n, ≤ BLOCK_COLUMNS]
# Columns of a block: a sparse product gathers rows of 512 bytes at the speed of longer ones, and dense products of this
# size are fast, so that those which symmetry or a triangle makes needless can be left out.
BLOCK_COLUMNS = 128
CHUNK_ROWS = 1024  # rows of one chunk: about a MB at 256 columns, so that it stays in cache


def split_columns(table: jax.Array) -> Blocks:
    """The columns of a table in blocks; the last may be narrower."""
    return tuple(table[:, start : start + BLOCK_COLUMNS] for start in range(0, table.shape[1], BLOCK_COLUMNS))


def join_columns(blocks: Sequence[jax.Array]) -> jax.Array:
    """Blocks side by side as one table."""
    return blocks[0] if len(blocks) == 1 else jnp.concatenate(blocks, axis=1)


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
