"""What processes that each hold a part say to each other: arrays from each to each, and from each to all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from cleora_jax.cleora.sharded import together

AXIS = "processes"
ROUND_BYTES = 1 << 26  # that a process sends, and gets, at a time
LEAST_BYTES = 1 << 10  # of a message: smaller ones are filled up, so that few sizes are compiled
APART = PartitionSpec(AXIS)


class Peers(Protocol):
    """The processes that share something, as one of them sees them; all call the same, in the same order.

    Args:
        count: how many there are.
        index: which this one is.
    """

    count: int
    index: int

    def swap(self, pieces: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Piece p goes to process p; back comes what each has for this one. All of one type, of one dimension."""

    def everyones(self, mine: np.ndarray) -> np.ndarray:
        """The arrays of all, which are of one type and shape, one above the other."""


class Joined:
    """The processes that joined by `join_processes`, or this one alone: JAX's own collectives, in bounded rounds."""

    def __init__(self) -> None:
        self.count, self.index = jax.process_count(), jax.process_index()
        firsts = {device.process_index: device for device in reversed(jax.devices())}
        self._mesh = Mesh(np.array([firsts[process] for process in range(self.count)]), (AXIS,))

    def swap(self, pieces: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See `Peers`."""
        kind, raw = pieces[0].dtype, [np.ascontiguousarray(piece).view(np.uint8) for piece in pieces]
        if self.count == 1:
            return [pieces[0]]
        sizes = self.everyones(np.array([len(piece) for piece in raw], np.int64))
        size = _round_size(int(sizes.max()), max(LEAST_BYTES, ROUND_BYTES // self.count))
        found = [np.empty(length, np.uint8) for length in sizes[:, self.index]]
        for begin in range(0, int(sizes.max()), size):
            sent = np.zeros((self.count, size), np.uint8)
            for row, piece in zip(sent, raw, strict=True):
                some = piece[begin : begin + size]
                row[: len(some)] = some
            for whole, row in zip(found, self._collected(sent, _swapped), strict=True):
                some = whole[begin : begin + size]
                some[:] = row[: len(some)]
        return [piece.view(kind) for piece in found]

    def everyones(self, mine: np.ndarray) -> np.ndarray:
        """See `Peers`."""
        raw = np.ascontiguousarray(mine).reshape(1, -1).view(np.uint8)
        every = raw if self.count == 1 else self._collected(raw, _gathered)
        return np.ascontiguousarray(every).view(mine.dtype).reshape(self.count, *mine.shape)

    def _collected(self, mine: np.ndarray, collect: Callable[..., jax.Array]) -> np.ndarray:
        """This process's rows of what comes of the rows of all: uint8, so that JAX narrows no number."""
        shape = (self.count * len(mine), mine.shape[1])
        with together():
            whole = jax.make_array_from_process_local_data(NamedSharding(self._mesh, APART), mine, shape)
            return np.asarray(jax.block_until_ready(collect(whole, mesh=self._mesh)).addressable_shards[0].data)


def _round_size(most: int, limit: int) -> int:
    """A power of two, so that few sizes are compiled."""
    return min(max(LEAST_BYTES, 1 << max(most - 1, 0).bit_length()), 1 << (limit.bit_length() - 1))


@partial(jax.jit, static_argnames="mesh")
def _swapped(rows: jax.Array, *, mesh: Mesh) -> jax.Array:
    def body(rows: jax.Array) -> jax.Array:
        return jax.lax.all_to_all(rows, AXIS, 0, 0, tiled=True)

    return jax.shard_map(body, mesh=mesh, in_specs=APART, out_specs=APART, check_vma=False)(rows)


@partial(jax.jit, static_argnames="mesh")
def _gathered(rows: jax.Array, *, mesh: Mesh) -> jax.Array:
    def body(rows: jax.Array) -> jax.Array:
        return jax.lax.all_gather(rows, AXIS, tiled=True)

    return jax.shard_map(body, mesh=mesh, in_specs=APART, out_specs=PartitionSpec(), check_vma=False)(rows)
