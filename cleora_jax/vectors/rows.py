"""Dense tables [n, d] as column blocks, and passes over their rows, chunk by chunk, each while it is in cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

Carry = TypeVar("Carry")
Scalar = jax.Array | np.floating[Any] | float  # a number that may be traced
Blocks = tuple[jax.Array, ...]  # the columns of a table, side by side, each float32[n, ≤ BLOCK_COLUMNS]
# Columns of a block: a sparse product gathers rows of 512 bytes at the speed of longer ones, and dense products of this
# size are fast, so that those which symmetry or a triangle makes needless can be left out.
BLOCK_COLUMNS = 128
# Rows of a chunk: half a MB a block, so that it stays in cache. Threads share a dense product over so many rows, but
# none splits its sum over rows, so bits do not depend on their number (test_determinism.py).
CHUNK_ROWS = 1024


def split_columns(table: jax.Array) -> Blocks:
    """The columns of a table in blocks; the last may be narrower."""
    return tuple(table[:, start : start + BLOCK_COLUMNS] for start in range(0, table.shape[1], BLOCK_COLUMNS))


def join_columns(blocks: Sequence[jax.Array]) -> jax.Array:
    """Blocks side by side as one table."""
    return blocks[0] if len(blocks) == 1 else jnp.concatenate(blocks, axis=1)


class Window(NamedTuple):
    """Some rows, `size` from `start` on; `fresh`, bool[size, 1], is False where the window before held a row too."""

    start: jax.Array | int
    size: int
    fresh: jax.Array | None


def window_rows(rows: int) -> int:
    """Rows of each window that `fold_rows` makes: at most CHUNK_ROWS, as even as can be, so that few come twice."""
    return -(-rows // max(1, -(-rows // CHUNK_ROWS)))


def fold_rows(
    body: Callable[[Carry, Window], Carry], carry: Carry, rows: int, *, size: int | None = None, few: bool = False
) -> Carry:
    """`body(carry, window)` over windows of one size, in order; that of `window_rows`, where it is not given.

    Where the last would be shorter it begins earlier, and says which of its rows are fresh: a remainder with a size of
    its own would compile everything twice. With `few`, two windows are no loop: it takes longer than small work.
    """
    size = window_rows(rows) if size is None else size
    if rows <= size:
        return body(carry, Window(0, rows, None))
    count = -(-rows // size)

    def at(number: jax.Array | int, held: Carry) -> Carry:
        start = jnp.minimum(number * size, rows - size)
        fresh = None if rows % size == 0 else jnp.arange(size)[:, None] >= number * size - start
        return body(held, Window(start, size, fresh))

    if few and count == 2:
        return at(1, at(0, carry))
    return jax.lax.fori_loop(0, count, at, carry)


def get_rows(table: jax.Array, window: Window) -> jax.Array:
    """The rows of a window: [size, d] of a table, [size, 1] of a vector."""
    piece = jax.lax.dynamic_slice_in_dim(table, window.start, window.size)
    return piece[:, None] if table.ndim == 1 else piece


def fresh_rows(table: jax.Array, window: Window) -> jax.Array:
    """The rows of a window, zero where the window before held them too: for sums."""
    rows = get_rows(table, window)
    return rows if window.fresh is None else rows * window.fresh


def put_rows(table: jax.Array, rows: jax.Array, window: Window) -> jax.Array:
    """The table with the fresh rows of a window overwritten; in place inside a loop."""
    if window.fresh is not None:
        rows = jnp.where(window.fresh, rows, get_rows(table, window))
    return jax.lax.dynamic_update_slice_in_dim(table, rows, window.start, 0)


def two_sum(total: jax.Array, lost: jax.Array, term: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Compensated addition (Knuth): the new total, and what rounding has lost so far."""
    new = total + term
    shadow = new - total
    return new, lost + ((total - (new - shadow)) + (term - shadow))
