"""The rows of a run spread over devices, of one process or of several on several machines: JAX's own collectives.

Each device holds some rows of the operator and of the table. For a product it gathers the rows of the others, a few
columns at a time; everything else is done on its own rows, and the sums of a whitening are gathered and joined in the
order of the devices. So a result depends on their number, by rounding, and on nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.multihost_utils import process_allgather
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from cleora_jax import _checks as checks
from cleora_jax.cleora.checkpoint import digest, identity_of
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
from cleora_jax.cleora.tables import gathered
from cleora_jax.sparse.operator import Csr, Operator, apply_block
from cleora_jax.vectors.passes import (
    Affine,
    Moments,
    Normalization,
    Sums,
    dim_of,
    fold_measured,
    fold_moved,
    moments_of,
    no_sums,
    sample_stride,
    sample_total,
    sums_of_all,
    transform,
)
from cleora_jax.vectors.rows import BLOCK_COLUMNS, Blocks, Scalar, join_columns

if TYPE_CHECKING:
    from cleora_jax.cleora.method import Cleora
    from cleora_jax.graph.build import Graph
    from cleora_jax.graph.vocab import Vocab

AXIS = "rows"
GONE = ("Gloo", "gloo", "UNAVAILABLE", "DEADLINE_EXCEEDED", "Connection")  # in JAX's message, where a process is gone
GATHERED_COLUMNS = 32  # of one product: the table's rows of all devices are held in so many columns
GATHERED_BYTES = 1 << 35  # or in fewer, where they would take more than this
APART, ALIKE = PartitionSpec(AXIS), PartitionSpec()
STATE: Any = State(APART, ALIKE)  # type: ignore[arg-type]  # of a state: a prefix of its tree


class Sharded:
    """Tables whose rows are spread over the devices of a mesh; see `tables.Tables`.

    Args:
        mesh: of one axis.
    """

    result: ResultFile | None = None

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        self.parts = int(mesh.devices.size)
        self.count = 0

    def spread(self, walk: Walk) -> Walk:
        """What every step multiplies with, its rows over the devices; rows that are no entities fill up the last."""
        op = walk.op
        assert isinstance(op, Operator)
        self.count = op.num_entities
        factors = tuple(self._factor(factor) for factor in op.factors)
        alive, reach = (self._rows(np.asarray(vector)) for vector in (walk.alive, walk.reach))
        return Walk(Operator(factors, reach), alive, reach)

    def first(
        self, vocab: Vocab, dim: int, init: Init, seed: int, order: np.ndarray | None, alive: np.ndarray
    ) -> Blocks:
        """See `Tables`; each device makes its own rows."""
        make = starter(vocab, dim, init, seed)
        whole = np.arange(len(vocab)) if order is None else order
        each = _share(len(vocab), self.parts)

        def rows(part: int) -> np.ndarray:
            some = whole[part * each : (part + 1) * each]
            return np.asarray(make(some)) * alive[part * each : part * each + len(some), None]

        return put_table(self.mesh, each, dim, rows)

    def advance(self, walk: Walk, numbers: Numbers, state: State, step: Step) -> tuple[State, Seen | None]:
        """See `Tables`."""
        with together():
            return jax.block_until_ready(_advance(walk, numbers, state, mesh=self.mesh, step=step))

    def whiten_last(self, walk: Walk, numbers: Numbers, table: Blocks) -> tuple[Pending, Seen]:
        """See `Tables`."""
        with together():
            return jax.block_until_ready(_whiten_last(walk.alive, table, numbers, mesh=self.mesh))

    def whitened(self, walk: Walk, numbers: Numbers, state: State) -> Blocks:
        """x, its rows over the devices."""
        with together():
            return jax.block_until_ready(_whitened(walk.alive, state, numbers, mesh=self.mesh))

    def vectors(
        self, walk: Walk, numbers: Numbers, state: State, order: np.ndarray | None, *, last: bool
    ) -> np.ndarray:
        """See `Tables`; every process gets all rows."""
        blocks = self.whitened(walk, numbers, state)
        return gathered((self._everyones(block) for block in blocks), (self.count, dim_of(blocks)), order)

    def _everyones(self, block: jax.Array) -> np.ndarray:
        """The rows of all devices that are entities."""
        with together():
            rows = np.asarray(block if block.is_fully_addressable else process_allgather(block, tiled=True))
        return rows[: self.count]

    def _rows(self, values: np.ndarray) -> jax.Array:
        each = _share(len(values), self.parts)
        return put_vector(self.mesh, each, lambda part: values[part * each : (part + 1) * each])

    def _factor(self, matrix: Csr) -> Csr:
        """The rows of a factor, over the devices."""
        rows, columns = (_share(size, self.parts) for size in matrix.shape)
        data, indices, pointers = (np.asarray(array) for array in (matrix.data, matrix.indices, matrix.indptr))
        bounds = np.minimum(np.arange(self.parts + 1) * rows, matrix.shape[0])
        begins = pointers[bounds]

        def part_of(part: int) -> Parts:
            some = slice(begins[part], begins[part + 1])
            return data[some], indices[some], pointers[bounds[part] : bounds[part + 1] + 1] - begins[part]

        return put_factor(self.mesh, int(np.diff(begins).max()), (rows, columns * self.parts), part_of)


Parts = tuple[np.ndarray, np.ndarray, np.ndarray]  # of a matrix: data, indices, pointers


def put_vector(mesh: Mesh, each: int, rows_of: Callable[[int], np.ndarray]) -> jax.Array:
    """A vector over the devices, `each` rows on each: `rows_of` a device those that there are, then zeros."""

    def rows(index: Any) -> np.ndarray:
        some = rows_of((index[0].start or 0) // each)
        return np.pad(some, (0, each - len(some)))

    shape = (each * int(mesh.devices.size),)
    return jax.make_array_from_callback(shape, NamedSharding(mesh, APART), rows)


def put_table(mesh: Mesh, each: int, dim: int, rows_of: Callable[[int], np.ndarray]) -> Blocks:
    """A table over the devices, as `put_vector` a vector."""
    made: dict[int, np.ndarray] = {}  # once, and put in blocks of columns

    def rows(index: Any, block: slice) -> np.ndarray:
        part = (index[0].start or 0) // each
        if part not in made:
            some = rows_of(part)
            made[part] = np.zeros((each, dim), np.float32)
            made[part][: len(some)] = some
        return made[part][:, block]

    blocks = []
    for first in range(0, dim, BLOCK_COLUMNS):
        block = slice(first, min(first + BLOCK_COLUMNS, dim))
        shape = (each * int(mesh.devices.size), block.stop - block.start)
        blocks.append(jax.make_array_from_callback(shape, NamedSharding(mesh, APART), partial(rows, block=block)))
    return tuple(blocks)


def put_factor(mesh: Mesh, most: int, shape: tuple[int, int], part_of: Callable[[int], Parts]) -> Csr:
    """A matrix, its rows over the devices: arrays that have them on their first axis, as long as the longest.

    Args:
        mesh: of one axis.
        most: entries of the device that has most.
        shape: rows of each device, and columns.
        part_of: what a device has of it, of so many rows or fewer.
    """
    if most > np.iinfo(np.int32).max:
        raise checks.OptionError(f"`devices` are too few: one would hold {most:,} entries, more than 2³¹ − 1.")

    def put(number: int, length: int, mode: str) -> jax.Array:
        def padded(index: Any) -> np.ndarray:
            some = part_of(index[0].start or 0)[number]
            return np.pad(some, (0, length - len(some)), mode=mode)[None]  # type: ignore[call-overload]

        whole = (int(mesh.devices.size), length)
        return jax.make_array_from_callback(whole, NamedSharding(mesh, APART), padded)

    return Csr(put(0, most, "constant"), put(1, most, "constant"), put(2, shape[0] + 1, "edge"), shape)


def _share(rows: int, parts: int) -> int:
    """Rows of each device."""
    return -(-rows // parts)


@partial(jax.jit, static_argnames=("mesh", "step"))
def _advance(walk: Walk, numbers: Numbers, state: State, *, mesh: Mesh, step: Step) -> tuple[State, Seen | None]:
    def body(walk: Walk, numbers: Numbers, state: State) -> tuple[State, Seen | None]:
        return one_step(_mine(walk), numbers, state, step, SHARDED)

    specs = (APART, ALIKE, STATE)
    out = (STATE, ALIKE)
    return jax.shard_map(body, mesh=mesh, in_specs=specs, out_specs=out, check_vma=False)(walk, numbers, state)


@partial(jax.jit, static_argnames="mesh")
def _whiten_last(alive: jax.Array, table: Blocks, numbers: Numbers, *, mesh: Mesh) -> tuple[Pending, Seen]:
    def body(alive: jax.Array, table: Blocks, numbers: Numbers) -> tuple[Pending, Seen]:
        sums = _of_all(fold_measured(table, no_sums(dim_of(table)), alive))
        return whitening_of(moments_of(sums), numbers.alpha, numbers.rank)

    specs = (APART, APART, ALIKE)
    return jax.shard_map(body, mesh=mesh, in_specs=specs, out_specs=ALIKE, check_vma=False)(alive, table, numbers)


@partial(jax.jit, static_argnames="mesh")
def _whitened(alive: jax.Array, state: State, numbers: Numbers, *, mesh: Mesh) -> Blocks:
    def body(alive: jax.Array, state: State, numbers: Numbers) -> Blocks:
        pending = state.pending
        affine = None if pending is None else principal_map(pending, numbers.alpha, numbers.rank)
        return transform(state.table, alive, affine, "none")

    specs = (APART, STATE, ALIKE)
    return jax.shard_map(body, mesh=mesh, in_specs=specs, out_specs=APART, check_vma=False)(alive, state, numbers)


@partial(jax.jit, static_argnames="mesh")
def multiplied(op: Operator, vector: jax.Array, *, mesh: Mesh) -> jax.Array:
    """M v, over the devices as v is."""

    def body(op: Operator, vector: jax.Array) -> jax.Array:
        return _multiplied(_my_rows(op), vector[:, None])[:, 0]

    return jax.shard_map(body, mesh=mesh, in_specs=APART, out_specs=APART, check_vma=False)(op, vector)


def _mine(walk: Walk) -> Walk:
    """The walk of one device, of arrays that have devices on their first axis."""
    assert isinstance(walk.op, Operator)
    return walk._replace(op=_my_rows(walk.op))


def _my_rows(op: Operator) -> Operator:
    factors = tuple(replace(f, data=f.data[0], indices=f.indices[0], indptr=f.indptr[0]) for f in op.factors)
    return replace(op, factors=factors)


def _product(op: Operator, table: Blocks, residual: Scalar | None) -> Blocks:
    """See `loop.product`: of all devices' rows with mine of the operator."""
    return tuple(mixed(_multiplied(op, block), block, residual) for block in table)


def _multiplied(op: Operator, block: jax.Array) -> jax.Array:
    parts, widest = [], max(factor.shape[1] for factor in op.factors)
    width = min(GATHERED_COLUMNS, max(1, GATHERED_BYTES // (4 * widest)))
    for begin in range(0, block.shape[1], width):
        found = block[:, begin : begin + width]
        for factor in reversed(op.factors):
            everyones = jax.lax.all_gather(found, AXIS, tiled=True)
            found = apply_block(Operator((factor,), op.row_sum), everyones)
        parts.append(found)
    return join_columns(parts)


def _transform_and_measure(
    blocks: Blocks, alive: jax.Array, reach: jax.Array, affine: Affine, normalization: Normalization
) -> tuple[Blocks, Moments]:
    """See `passes.transform_and_measure`."""
    some = slice(None, None, sample_stride(len(alive)))
    sample = [block[some] for block in blocks]
    total, count = jax.lax.all_gather(sample_total(sample, alive[some], reach[some], affine, normalization), AXIS)
    origin = total.sum(axis=0) / jnp.maximum(count.sum(), 1)
    blocks, sums = fold_moved(blocks, no_sums(dim_of(blocks)), alive, reach, affine, origin, normalization)
    return blocks, moments_of(_of_all(sums), origin)


def _of_all(sums: Sums) -> Sums:
    """The sums of all devices' rows, on each."""
    return sums_of_all(jax.lax.all_gather(sums, AXIS), jax.lax.axis_size(AXIS))


SHARDED = Passes(dim_of, _product, transform, _transform_and_measure)


@contextmanager
def together() -> Iterator[None]:
    """Raise ConnectionError where other processes take part and one of them is gone."""
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        told = str(error).splitlines()[0]
        if jax.process_count() == 1 or not any(sign in told for sign in GONE):
            raise
        raise ConnectionError(f"another process is gone, or cannot be reached ({told:.200})") from error


def mesh_of(devices: Sequence[jax.Device]) -> Mesh:
    """A mesh of one axis."""
    if not isinstance(devices, Sequence) or not all(isinstance(device, jax.Device) for device in devices):
        raise TypeError(f"`devices` must be a list of JAX's devices, such as jax.devices(), got {devices!r:.100}.")
    if not devices or len(set(devices)) < len(devices):
        raise checks.OptionError(f"`devices` must be one at least, each once, got {devices!r:.100}.")
    if jax.process_index() not in {device.process_index for device in devices}:
        raise checks.OptionError("`devices` must be some of this process, too; see `jax.local_devices`.")
    return Mesh(np.array(devices), (AXIS,))


def check_alike(devices: Sequence[jax.Device], graph: Graph, method: Cleora, init: Init | None) -> None:
    """Raise OptionError where the processes that the devices are of do not run the same over the same."""
    if len({device.process_index for device in devices}) == 1:
        return
    for name, mine in identity_of(graph, method, init).items():
        told = np.frombuffer(bytes.fromhex(digest({name: mine}, {})), np.uint8)
        with together():
            every = np.asarray(process_allgather(told))
        if (every != every[0]).any():
            raise checks.OptionError(f"`devices` are of processes that differ in their {name}: all must run the same.")


def check_sharded(method: Cleora) -> None:
    """Raise OptionError for a method whose steps need whole tables in one place."""
    if method.storage != "float32":
        raise checks.OptionError(f"`storage` {method.storage!r} does not go with several devices.")
    for name in ("tolerance", "attention_temperature", "scale_weights"):
        if getattr(method, name) is not None:
            raise checks.OptionError(f"`{name}` does not go with several devices: it needs whole tables in one place.")
