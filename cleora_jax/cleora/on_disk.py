"""Tables in files, for vectors that memory does not hold: the same step, over stripes of columns and batches of rows.

A product needs all rows of the table, but no more than a few columns at a time; what follows it needs all columns, but
no more than a few rows. So the table lies in stripes of columns, which are multiplied one after another in place, and
rows are read across the stripes, batch by batch. The sums of a whitening run over the same windows, in the same order,
as in memory.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from functools import partial
from operator import attrgetter
from pathlib import Path
from tempfile import mkstemp
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._memory import readable
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
from cleora_jax.cleora.start import Init, starter
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
)
from cleora_jax.vectors.rows import CHUNK_ROWS, Blocks, Scalar, join_columns, split_columns, window_rows

if TYPE_CHECKING:
    from cleora_jax.cleora.method import Cleora
    from cleora_jax.graph.vocab import Vocab

STRIPE_COLUMNS = 32  # of one product: its two tables are what memory holds
MOST_WINDOWS, BATCH_BYTES = 16, 16 << 20  # of the rows that are read at once
ITEM = np.dtype(np.float32).itemsize


class DiskTable:
    """A table float32[n, d] in a file without a name, which is gone with its last user.

    Args:
        folder: where the file is.
        rows, dim: n and d.
    """

    def __init__(self, folder: Path, rows: int, dim: int) -> None:
        self.rows, self.dim = rows, dim
        self.handle = nameless_file(folder, rows * dim * ITEM)
        weakref.finalize(self, os.close, self.handle)

    @property
    def stripes(self) -> list[slice]:
        """The columns of each stripe."""
        starts = range(0, self.dim, STRIPE_COLUMNS)
        return [slice(start, min(start + STRIPE_COLUMNS, self.dim)) for start in starts]

    def read(self, stripe: slice, first: int, count: int) -> np.ndarray:
        """float32[count, w], rows of a stripe."""
        width = stripe.stop - stripe.start
        found = np.empty((count, width), np.float32)
        place, left = self._place(stripe, first), found.reshape(-1).view(np.uint8).data
        while left:
            got = os.preadv(self.handle, [left], place)
            if got == 0:
                raise OSError("a table on disk ends early: has something cut it?")
            place, left = place + got, left[got:]
        return found

    def write(self, stripe: slice, first: int, rows: np.ndarray) -> None:
        """Put rows float32[count, w] into a stripe."""
        place, left = self._place(stripe, first), np.ascontiguousarray(rows).reshape(-1).view(np.uint8).data
        while left:
            put = os.pwrite(self.handle, left, place)
            place, left = place + put, left[put:]

    def batch(self, first: int, count: int) -> Blocks:
        """Rows across all stripes, in column blocks."""
        wide = np.empty((count, self.dim), np.float32)
        for stripe in self.stripes:
            wide[:, stripe] = self.read(stripe, first, count)
        return split_columns(jax.device_put(wide))

    def put_batch(self, first: int, blocks: Blocks) -> None:
        """Write rows across all stripes."""
        wide = np.asarray(join_columns(blocks))
        for stripe in self.stripes:
            self.write(stripe, first, wide[:, stripe])

    @property
    def batches(self) -> Iterator[tuple[int, int]]:
        """First row and number of rows of each batch: whole windows; never a single one at the end, see `fold_rows`."""
        size = window_rows(self.rows)
        count = -(-self.rows // size)
        starts = list(range(0, count, batch_windows(self.dim)))
        if len(starts) > 1 and count - starts[-1] == 1:
            starts.pop()
        for begin, end in zip(starts, [*starts[1:], count], strict=True):
            yield begin * size, min(end * size, self.rows) - begin * size

    def _place(self, stripe: slice, first: int) -> int:
        return (stripe.start * self.rows + first * (stripe.stop - stripe.start)) * ITEM


def batch_windows(dim: int) -> int:
    """Windows of rows that are read at once."""
    return min(MOST_WINDOWS, max(1, BATCH_BYTES // (CHUNK_ROWS * dim * ITEM)))


class OnDisk:
    """A table in a file of a folder; see `tables.Tables`.

    Args:
        folder: made where there is none.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)

    def spread(self, walk: Walk) -> Walk:
        """See `Tables`."""
        return walk

    def first(
        self, vocab: Vocab, dim: int, init: Init, seed: int, order: np.ndarray | None, alive: np.ndarray
    ) -> DiskTable:
        """See `Tables`."""
        make = starter(vocab, dim, init, seed)
        table = DiskTable(self.folder, len(vocab), dim)
        whole = np.arange(len(vocab)) if order is None else order
        for first, count in table.batches:
            here = slice(first, first + count)
            table.put_batch(first, split_columns(jax.device_put(make(whole[here])) * alive[here, None]))
        return table

    def advance(self, walk: Walk, numbers: Numbers, state: State, step: Step) -> tuple[State, Seen | None]:
        """See `Tables`; the table is overwritten."""
        return one_step(walk, numbers, state, step, ON_DISK)

    def whiten_last(self, walk: Walk, numbers: Numbers, table: DiskTable) -> tuple[Pending, Seen]:
        """See `Tables`."""
        sums = no_sums(table.dim)
        for first, count in table.batches:
            sums = _measured(
                table.batch(first, count), sums, walk.alive[first : first + count], window_rows(table.rows)
            )
        return whitening_of(moments_of(sums), numbers.alpha, numbers.rank)

    def vectors(
        self, walk: Walk, numbers: Numbers, state: State, order: np.ndarray | None, *, last: bool
    ) -> np.ndarray:
        """See `Tables`: mapped from a file without a name."""
        table: Any = state.table
        affine = None if state.pending is None else principal_map(state.pending, numbers.alpha, numbers.rank)
        shape, size = (table.rows, table.dim), window_rows(table.rows)
        with os.fdopen(nameless_file(self.folder, table.rows * table.dim * ITEM), "r+b") as file:
            for first, count in table.batches:
                here = slice(first, first + count)
                blocks = _transformed(table.batch(first, count), walk.alive[here], affine, "none", size)
                mapped = np.memmap(file, np.float32, "r+", shape=shape)  # anew, so that what was written is let go
                mapped[here if order is None else order[here]] = join_columns(blocks)
                del mapped
            return np.memmap(file, np.float32, "r", shape=shape)


def nameless_file(folder: Path, size: int) -> int:
    """A handle of a file of so many bytes, all zero, without a name: it is gone with its last user, however that ends.

    Raises:
        OSError: the disk has not that much room, or the folder cannot be written to.
    """
    handle, name = mkstemp(dir=folder)
    try:
        os.unlink(name)
        if size and hasattr(os, "posix_fallocate"):
            os.posix_fallocate(handle, 0, size)
        os.truncate(handle, size)
    except OSError as error:
        os.close(handle)
        told = f"cannot make a table of {readable(size)} in {os.fspath(folder)!r}: {error.strerror or error}"
        raise OSError(error.errno, told) from error
    return handle


def _product(op: Operator, table: DiskTable, residual: Scalar | None) -> DiskTable:
    """See `loop.product`; in place."""
    for stripe in table.stripes:
        table.write(stripe, 0, np.asarray(_multiplied(op, table.read(stripe, 0, table.rows), residual)))
    return table


@jax.jit
def _multiplied(op: Operator, stripe: jax.Array, residual: Scalar | None) -> jax.Array:
    return mixed(apply_block(op, stripe), stripe, residual)


def _transform(
    table: DiskTable, reach: jax.Array, affine: Affine | None, normalization: Normalization
) -> DiskTable:  # fmt: skip
    """See `passes.transform`."""
    for first, count in table.batches:
        blocks = table.batch(first, count)
        table.put_batch(
            first, _transformed(blocks, reach[first : first + count], affine, normalization, window_rows(table.rows))
        )
    return table


def _transform_and_measure(
    table: DiskTable, alive: jax.Array, reach: jax.Array, affine: Affine, normalization: Normalization
) -> tuple[DiskTable, Moments]:
    """See `passes.transform_and_measure`."""
    sums, size = no_sums(table.dim), window_rows(table.rows)
    origin = _origin(_sample(table), alive, reach, affine, normalization)
    for first, count in table.batches:
        here = slice(first, first + count)
        blocks, sums = _moved(
            table.batch(first, count), sums, alive[here], reach[here], affine, origin, normalization, size
        )
        table.put_batch(first, blocks)
    return table, moments_of(sums, origin)


def _sample(table: DiskTable) -> Blocks:
    """Every so many rows."""
    stride = sample_stride(table.rows)
    wide = np.empty((-(-table.rows // stride), table.dim), np.float32)
    for stripe in table.stripes:
        for place, row in enumerate(range(0, table.rows, stride)):
            wide[place, stripe] = table.read(stripe, row, 1)
    return split_columns(jax.device_put(wide))


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


ON_DISK = Passes(attrgetter("dim"), _product, _transform, _transform_and_measure)


def check_on_disk(method: Cleora) -> None:
    """Raise OptionError for a method whose steps need more than one table, or all of it at once."""
    if method.tolerance is not None:
        raise checks.OptionError("`tolerance` does not go with `spill`: it compares two tables, of which there is one.")
    if method.attention_temperature is not None:
        raise checks.OptionError("`attention_temperature` does not go with `spill`: it needs pairs of whole rows.")
    if method.scale_weights is not None:
        raise checks.OptionError("`scale_weights` does not go with `spill`: it turns whole tables.")
