"""Tables that are stored in stripes: in files, for vectors that memory does not hold, or of narrow numbers.

The same step, over stripes of columns and batches of rows. A product needs all rows of the table, but no more than a
few columns at a time; what follows it needs all columns, but no more than a few rows. So the table lies in stripes of
columns, which are multiplied one after another in place, and rows are read across the stripes, batch by batch. The sums
of a whitening run over the same windows, in the same order, as in memory. Narrow numbers are widened when they are read
and rounded when they are written; everything between is float32.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from cleora_jax import _checks as checks
from cleora_jax.cleora.loop import (
    Numbers,
    Passes,
    Pending,
    Seen,
    State,
    Step,
    Walk,
    mixed,
    one_step,
    principal_map,
    whitening_of,
)  # fmt: skip
from cleora_jax.cleora.result_file import ResultFile
from cleora_jax.cleora.start import Init, starter
from cleora_jax.cleora.stored_table import (
    Storage,
    StoredTable,
    check_storable,
    check_stored,
    narrowed,
    rounding,
    widened,
)
from cleora_jax.sparse.operator import Operator, apply_block
from cleora_jax.vectors.passes import (
    Affine,
    Moments,
    Normalization,
    Sums,
    fold_measured,
    fold_moved,
    fold_transformed,
    moments_of,
    no_sums,
    sample_origin,
    sample_stride,
    trace,
)  # fmt: skip
from cleora_jax.vectors.rows import Blocks, Scalar, join_columns, split_columns, window_rows
from cleora_jax.vectors.scale import ROUNDING

if TYPE_CHECKING:
    from cleora_jax.cleora.method import Cleora
    from cleora_jax.graph.vocab import Vocab


class Striped:
    """A table in stripes; see `tables.Tables`.

    Args:
        folder: of its file, made where there is none; None: it is in memory.
        storage: type of its numbers.
        result: where vectors are written; None: they are in memory.
    """

    def __init__(
        self, folder: str | os.PathLike[str] | None, storage: Storage = "float32", result: ResultFile | None = None
    ) -> None:
        self.folder, self.storage, self.result = None if folder is None else made(folder), storage, result

    def spread(self, walk: Walk) -> Walk:
        """See `Tables`."""
        return walk

    def first(
        self, vocab: Vocab, dim: int, init: Init, seed: int, order: np.ndarray | None, alive: np.ndarray
    ) -> StoredTable:
        """See `Tables`."""
        make = starter(vocab, dim, init, seed)
        table = self.empty(len(vocab), dim)
        whole = np.arange(len(vocab)) if order is None else order
        for first, count in table.batches:
            here = slice(first, first + count)
            rows = make(whole[here]) * alive[here, None]
            check_storable(np.asarray(rows), self.storage, whole[here], given=not isinstance(init, str))
            table.put_batch(first, split_columns(jax.device_put(rows)))
        return table

    def empty(self, rows: int, dim: int) -> StoredTable:
        """A table of so many rows and columns."""
        return StoredTable(self.folder, rows, dim, self.storage)

    def advance(self, walk: Walk, numbers: Numbers, state: State, step: Step) -> tuple[State, Seen | None]:
        """See `Tables`; the table is overwritten."""
        table: StoredTable = state.table  # type: ignore[assignment]
        done, table.done = table.done, None
        state, seen = one_step(walk, numbers, state, step, STRIPED)
        table.done = None if done is None else done + 1
        return state, seen

    def whiten_last(self, walk: Walk, numbers: Numbers, table: StoredTable) -> tuple[Pending, Seen]:
        """See `Tables`."""
        sums = no_sums(table.dim)
        for first, count in table.batches:
            sums = _measured(
                table.batch(first, count), sums, walk.alive[first : first + count], window_rows(table.rows)
            )
        return whitening_of(_of_stored(moments_of(sums), table), numbers.alpha, numbers.rank)

    def vectors(
        self, walk: Walk, numbers: Numbers, state: State, order: np.ndarray | None, *, last: bool
    ) -> np.ndarray:
        """See `Tables`; where they go to a file, of the entities alone that are results."""
        table: StoredTable = state.table  # type: ignore[assignment]
        affine = None if state.pending is None else principal_map(state.pending, numbers.alpha, numbers.rank)
        there = np.empty((table.rows, table.dim), np.float32) if self.result is None else None
        for first, count in table.batches:
            here = slice(first, first + count)
            blocks = _transformed(table.batch(first, count), walk.alive[here], affine, "none", window_rows(table.rows))
            entities, rows = here if order is None else order[here], np.asarray(join_columns(blocks))
            check_stored(rows, self.storage)
            if there is not None:
                there[entities] = rows
            elif self.result is not None:
                self.result.put(entities, rows)
            if last:  # so that the result takes the place of the table as it grows, unless its rows are reordered
                table.release(first, count)
        return there if self.result is None else self.result.end_part(table.dim)  # type: ignore[return-value]

    def restored(self, pieces: Iterator[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
        """What `vectors` gave, of a shape, by some rows at a time."""
        there = np.empty(shape, np.float32) if self.result is None else None
        first = 0
        for rows in pieces:
            here = slice(first, first + len(rows))
            if there is not None:
                there[here] = rows
            elif self.result is not None:
                self.result.put_rows(here, rows)
            first += len(rows)
        return there if self.result is None else self.result.end_part(shape[1])  # type: ignore[return-value]


def made(folder: str | os.PathLike[str]) -> Path:
    """A folder, made where there is none."""
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    return path


def _product(op: Operator, table: StoredTable, residual: Scalar | None) -> StoredTable:
    """See `loop.product`; in place."""
    for stripe in table.stripes:
        table.write(stripe, 0, np.asarray(_multiplied(op, table.read(stripe, 0, table.rows), residual)))
    return table


@jax.jit
def _multiplied(op: Operator, stripe: jax.Array, residual: Scalar | None) -> jax.Array:
    wide = widened(stripe)
    return narrowed(mixed(apply_block(op, wide), wide, residual), stripe.dtype)


def _transform(
    table: StoredTable, reach: jax.Array, affine: Affine | None, normalization: Normalization
) -> StoredTable:  # fmt: skip
    """See `passes.transform`."""
    for first, count in table.batches:
        blocks = table.batch(first, count)
        table.put_batch(
            first, _transformed(blocks, reach[first : first + count], affine, normalization, window_rows(table.rows))
        )
    return table


def _transform_and_measure(
    table: StoredTable, alive: jax.Array, reach: jax.Array, affine: Affine, normalization: Normalization
) -> tuple[StoredTable, Moments]:
    """See `passes.transform_and_measure`."""
    sums, size = no_sums(table.dim), window_rows(table.rows)
    origin = _origin(_sample(table), alive, reach, affine, normalization)
    for first, count in table.batches:
        here = slice(first, first + count)
        blocks, sums = _moved(
            table.batch(first, count), sums, alive[here], reach[here], affine, origin, normalization, size
        )
        table.put_batch(first, blocks)
    return table, _of_stored(moments_of(sums, origin), table)


def _of_stored(moments: Moments, table: StoredTable) -> Moments:
    """Of rows that were measured before they were stored: what `null_variance` takes for rounding is that of storing.

    Storing moves each number by a mean square of `rounding`, at most, times its own; if all of that lay in one
    direction, as it may where few rows differ, it would be that much variance.
    """
    return _coarsened(moments, rounding(table.kind)) if rounding(table.kind) else moments


@jax.jit
def _coarsened(moments: Moments, added: float) -> Moments:
    size = trace(moments.cov) + (moments.mean**2).sum()
    return moments._replace(square=jnp.maximum(moments.square, added / ROUNDING * size))


def _sample(table: StoredTable) -> Blocks:
    """Every so many rows."""
    stride = sample_stride(table.rows)
    wide = np.empty((-(-table.rows // stride), table.dim), table.kind)
    for stripe in table.stripes:
        for place, row in enumerate(range(0, table.rows, stride)):
            wide[place, stripe] = table.read(stripe, row, 1)
    return split_columns(widened(jax.device_put(wide)))


@partial(jax.jit, static_argnames="normalization")
def _origin(
    sample: Blocks, alive: jax.Array, reach: jax.Array, affine: Affine, normalization: Normalization
) -> jax.Array:
    some = slice(None, None, sample_stride(len(alive)))
    return sample_origin(sample, alive[some], reach[some], affine, normalization)


@partial(jax.jit, static_argnames=("normalization", "size"), donate_argnames="blocks")
def _moved(
    blocks: Blocks, sums: Sums, alive: jax.Array, reach: jax.Array, affine: Affine, origin: jax.Array,
    normalization: Normalization, size: int,
) -> tuple[Blocks, Sums]:  # fmt: skip
    return fold_moved(blocks, sums, alive, reach, affine, origin, normalization, size)


@partial(jax.jit, static_argnames=("normalization", "size"), donate_argnames="blocks")
def _transformed(
    blocks: Blocks, reach: jax.Array, affine: Affine | None, normalization: Normalization, size: int
) -> Blocks:
    return fold_transformed(blocks, reach, affine, normalization, size)


@partial(jax.jit, static_argnames="size")
def _measured(blocks: Blocks, sums: Sums, alive: jax.Array, size: int) -> Sums:
    return fold_measured(blocks, sums, alive, size)


STRIPED = Passes(attrgetter("dim"), _product, _transform, _transform_and_measure)


def check_striped(method: Cleora, told: str) -> None:
    """Raise OptionError for a method whose steps need more than one table, or all of it at once; `told`: for what."""
    for name, why in (
        ("tolerance", "it compares two tables, of which there is one"),
        ("attention_temperature", "it needs pairs of whole rows"),
        ("scale_weights", "it turns whole tables"),
    ):
        if getattr(method, name) is not None:
            raise checks.OptionError(f"`{name}` does not go with {told}: {why}.")


def check_on_disk(method: Cleora) -> None:
    """`check_striped` of tables in files."""
    check_striped(method, "`spill`")
