"""A table in stripes of columns, in a file or in memory, of narrow numbers or float32: read and written in pieces."""

from __future__ import annotations

import mmap
import os
import weakref
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import mkstemp
from typing import Any, Literal, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._memory import readable
from cleora_jax.vectors.rows import CHUNK_ROWS, Blocks, join_columns, split_columns, window_rows

Storage = Literal["float32", "float16", "bfloat16"]
STORAGES: dict[str, np.dtype[Any]] = {
    "float32": np.dtype(np.float32), "float16": np.dtype(np.float16), "bfloat16": np.dtype(jnp.bfloat16),
}  # fmt: skip
STRIPE_COLUMNS = 32  # of one product: its two tables are what memory holds
MOST_WINDOWS, BATCH_BYTES = 16, 16 << 20  # of the rows that are read at once, as float32
ITEM = np.dtype(np.float32).itemsize
PRIVATE: Any = {"flags": mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS} if hasattr(mmap, "MAP_ANONYMOUS") else {}


class Room(Protocol):
    """Bytes that a table lies in."""

    def get(self, place: int, count: int) -> np.ndarray:
        """uint8[count], from a place on; not to be written to."""

    def put(self, place: int, content: np.ndarray) -> None:
        """Write uint8[count]."""

    def release(self, place: int, count: int) -> None:
        """They are not read again: what memory they take may go."""


class InFile:
    """Bytes in a file without a name, which is gone with its last user."""

    def __init__(self, folder: Path, size: int) -> None:
        self.handle = nameless_file(folder, size)
        weakref.finalize(self, os.close, self.handle)

    def get(self, place: int, count: int) -> np.ndarray:
        """See `Room`."""
        found = np.empty(count, np.uint8)
        left = found.data
        while left:
            got = os.preadv(self.handle, [left], place)
            if got == 0:
                raise OSError("a table on disk ends early: has something cut it?")
            place, left = place + got, left[got:]
        return found

    def put(self, place: int, content: np.ndarray) -> None:
        """See `Room`."""
        left = content.data
        while left:
            written = os.pwrite(self.handle, left, place)
            place, left = place + written, left[written:]

    def release(self, place: int, count: int) -> None:
        """See `Room`; a file takes no memory."""


class InMemory:
    """Bytes in memory, whose pages can be given back one by one, where the system knows how."""

    def __init__(self, size: int) -> None:
        self.memory = mmap.mmap(-1, max(size, 1), **PRIVATE)
        self.content = np.frombuffer(self.memory, np.uint8)

    def get(self, place: int, count: int) -> np.ndarray:
        """See `Room`; no copy."""
        return self.content[place : place + count]

    def put(self, place: int, content: np.ndarray) -> None:
        """See `Room`."""
        self.content[place : place + len(content)] = content

    def release(self, place: int, count: int) -> None:
        """See `Room`."""
        begin, end = -(-place // mmap.PAGESIZE) * mmap.PAGESIZE, (place + count) // mmap.PAGESIZE * mmap.PAGESIZE
        if end > begin and hasattr(mmap, "MADV_DONTNEED"):
            self.memory.madvise(mmap.MADV_DONTNEED, begin, end - begin)


class StoredTable:
    """A table [n, d] in stripes of columns, one after another.

    What is read and written has the type that it is stored in; batches are float32.

    Args:
        folder: where its file is; None keeps it in memory.
        rows, dim: n and d.
        storage: type of its numbers.
    """

    def __init__(self, folder: Path | None, rows: int, dim: int, storage: Storage = "float32") -> None:
        self.rows, self.dim, self.kind = rows, dim, STORAGES[storage]
        self.size = rows * dim * self.kind.itemsize  # bytes
        self.room: Room = InMemory(self.size) if folder is None else InFile(folder, self.size)
        self.done: int | None = 0  # steps; None while one overwrites it

    @property
    def stripes(self) -> list[slice]:
        """The columns of each stripe."""
        starts = range(0, self.dim, STRIPE_COLUMNS)
        return [slice(start, min(start + STRIPE_COLUMNS, self.dim)) for start in starts]

    def read(self, stripe: slice, first: int, count: int) -> np.ndarray:
        """[count, w], rows of a stripe; not to be written to."""
        width = stripe.stop - stripe.start
        found = self.room.get(self._place(stripe, first), count * width * self.kind.itemsize)
        return found.view(self.kind).reshape(count, width)

    def write(self, stripe: slice, first: int, rows: np.ndarray) -> None:
        """Put rows [count, w] into a stripe."""
        self.room.put(self._place(stripe, first), np.ascontiguousarray(rows).reshape(-1).view(np.uint8))

    def batch(self, first: int, count: int) -> Blocks:
        """Rows across all stripes, float32 in column blocks."""
        wide = np.empty((count, self.dim), self.kind)
        for stripe in self.stripes:
            wide[:, stripe] = self.read(stripe, first, count)
        return split_columns(widened(jax.device_put(wide)))

    def put_batch(self, first: int, blocks: Blocks) -> None:
        """Write rows across all stripes."""
        wide = np.asarray(narrowed(join_columns(blocks), self.kind))
        for stripe in self.stripes:
            self.write(stripe, first, wide[:, stripe])

    def release(self, first: int, count: int) -> None:
        """These rows are not read again."""
        for stripe in self.stripes:
            self.room.release(self._place(stripe, first), count * (stripe.stop - stripe.start) * self.kind.itemsize)

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
        return (stripe.start * self.rows + first * (stripe.stop - stripe.start)) * self.kind.itemsize


def batch_windows(dim: int) -> int:
    """Windows of rows that are read at once."""
    return min(MOST_WINDOWS, max(1, BATCH_BYTES // (CHUNK_ROWS * dim * ITEM)))


@jax.jit
def widened(table: jax.Array) -> jax.Array:
    """As float32."""
    return table.astype(jnp.float32)


@partial(jax.jit, static_argnames="kind")
def narrowed(table: jax.Array, kind: np.dtype[Any]) -> jax.Array:
    """As a type that is stored; to the nearest number, of two the even one."""
    return table.astype(kind)


def rounding(kind: np.dtype[Any]) -> float:
    """Mean square that storing adds to numbers of unit size, at most, where the type is narrow; 0 of float32."""
    return 0.0 if kind == STORAGES["float32"] else float(jnp.finfo(kind).eps) ** 2 / 12


def check_storable(rows: np.ndarray, storage: Storage, entities: np.ndarray, *, given: bool) -> None:
    """Raise InputError for first vectors of entities that float16 cannot hold; what is not `given` may be small."""
    if storage != "float16":  # bfloat16 reaches as far as float32
        return
    most, limits = np.abs(rows).max(axis=1), np.finfo(np.float16)
    bad = (most > limits.max) | (given & (most > 0) & (most < limits.smallest_normal))
    if bad.any():
        at = int(np.argmax(bad))
        raise checks.InputError(
            f"`init`: the largest entry of row {entities[at]} is {most[at]:.3g}, which `storage='float16'` cannot hold "
            f"({float(limits.smallest_normal):.2g} to {float(limits.max):.0f}); scale it, or store 'bfloat16'."
        )


def check_stored(rows: np.ndarray, storage: Storage) -> None:
    """Raise InputError where numbers grew beyond what float16 holds."""
    if storage == "float16" and not np.isfinite(rows).all():
        raise checks.InputError(
            f"`storage='float16'`: a step made numbers beyond {float(np.finfo(np.float16).max):.0f}; store 'bfloat16'."
        )


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
