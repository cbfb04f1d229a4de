"""The one pass over a table's rows: map them, normalise them, measure their mean and covariance, all while in cache.

Sums run in an order fixed by the data, so bits do not depend on the number of threads (see test_determinism.py).
Each pass writes in place, chunk by chunk, which JAX could only differentiate by keeping every chunk; so each has a
`custom_vjp`, whose backward pass is that of the same formula on whole tables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from cleora_jax.vectors.rows import (
    BLOCK_COLUMNS,
    CHUNK_ROWS,
    Blocks,
    Window,
    fold_rows,
    fresh_rows,
    get_rows,
    join_columns,
    put_rows,
    split_columns,
    two_sum,
)  # fmt: skip

Normalization = Literal["l2", "l1", "none"]
NORMALIZATIONS = ("l2", "l1", "none")
TINY = 1e-37  # what sums of absolute values or squares must exceed, or their row counts as zero


class Affine(NamedTuple):
    """x = (z − shift) A on rows that are not isolated.

    Args:
        shift: float32[d].
        panels: A in blocks of columns, float32[r, ≤ BLOCK_COLUMNS]: the first r rows of each; those below are zero, so
            a triangular A takes half the work.
    """

    shift: jax.Array
    panels: tuple[jax.Array, ...]

    @classmethod
    def of(cls, shift: jax.Array, matrix: jax.Array, *, triangular: bool = False) -> Affine:
        """From A, float32[d, d]; with `triangular`, entries below its diagonal blocks are taken as zero."""
        dim = matrix.shape[0]
        starts = range(0, dim, BLOCK_COLUMNS)
        rows = [min(start + BLOCK_COLUMNS, dim) if triangular else dim for start in starts]
        return cls(
            shift, tuple(matrix[:r, start : start + BLOCK_COLUMNS] for r, start in zip(rows, starts, strict=True))
        )

    @classmethod
    def identity(cls, dim: int, *, triangular: bool = False) -> Affine:
        """x = z, to the bit."""
        # Of NumPy's arrays, so that nothing is compiled for it.
        return cls.of(np.zeros(dim, np.float32), np.eye(dim, dtype=np.float32), triangular=triangular)  # type: ignore

    @property
    def matrix(self) -> jax.Array:
        """A, float32[d, d]."""
        dim = self.shift.shape[0]
        return join_columns([jnp.pad(panel, ((0, dim - panel.shape[0]), (0, 0))) for panel in self.panels])


class Moments(NamedTuple):
    """Of the rows that are alive.

    Args:
        mean: float32[d].
        cov: float32[d, d], divided by n − 1, exactly symmetric.
        square: mean square size of the rows as they were rounded (before `transform_and_measure` moved them).
    """

    mean: jax.Array
    cov: jax.Array
    square: jax.Array


class Sums(NamedTuple):
    """Sums so far, each of the latter two with what rounding has lost.

    Args:
        rows: how many.
        total: sum of the rows, [1, d].
        scatter: Σ (z − μ)(z − μ)ᵀ, [d, d], of which only the upper half counts.
    """

    rows: jax.Array
    total: tuple[jax.Array, jax.Array]
    scatter: tuple[jax.Array, jax.Array]


def _differentiated_as(whole: Callable[..., Any], *static: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a pass the derivative of `whole`, the same map without chunks; `static`: which arguments are no arrays."""

    def decorate(chunked: Callable[..., Any]) -> Callable[..., Any]:
        def forward(*args: Any) -> tuple[Any, tuple[Any, ...]]:
            return chunked(*args), tuple(arg for at, arg in enumerate(args) if at not in static)

        def backward(*args: Any) -> Any:
            *fixed, arrays, cotangent = args
            return jax.vjp(lambda *given: whole(*given, *fixed), *arrays)[1](cotangent)

        rule = jax.custom_vjp(chunked, nondiff_argnums=static)
        rule.defvjp(forward, backward)
        return wraps(chunked)(rule)

    return decorate


def _whole_transform(blocks: Blocks, reach: jax.Array, affine: Affine | None, normalization: Normalization) -> Blocks:
    return tuple(_moved(blocks, reach[:, None], affine, normalization))


def _whole_measure(blocks: Blocks, alive: jax.Array) -> Moments:
    rows, count = join_columns(blocks), alive.sum()
    mean = alive @ rows / jnp.maximum(count, 1)
    centred = (rows - mean) * alive[:, None]
    cov = centred.T @ centred / jnp.maximum(count - 1, 1)
    return Moments(mean, cov, jax.lax.stop_gradient(jnp.trace(cov) + (mean**2).sum()))


def _whole_transform_and_measure(
    blocks: Blocks, alive: jax.Array, reach: jax.Array, affine: Affine, normalization: Normalization
) -> tuple[Blocks, Moments]:
    moved = _whole_transform(blocks, reach, affine, normalization)
    return moved, _whole_measure(moved, alive)


@_differentiated_as(_whole_transform_and_measure, 4)
def transform_and_measure(
    blocks: Blocks, alive: jax.Array, reach: jax.Array, affine: Affine, normalization: Normalization
) -> tuple[Blocks, Moments]:
    """Map and normalise the rows in place, and measure what becomes of them: `transform` and `measure` in one pass.

    The rows that are alive are also moved, all alike, so that their mean is near the origin: the next product would
    otherwise round to the size of the mean, and lose a spread that is much smaller (dense hypergraphs have one).

    (It wants a map, be it the identity: the product leaves a chunk in a buffer of its own. Without, XLA would read the
    chunk again after it was overwritten, and copy the table for each chunk to make that possible.)
    """
    some = slice(None, None, sample_stride(len(alive)))
    origin = sample_origin([block[some] for block in blocks], alive[some], reach[some], affine, normalization)
    blocks, sums = fold_moved(blocks, no_sums(dim_of(blocks)), alive, reach, affine, origin, normalization)
    return blocks, moments_of(sums, origin)


def sample_stride(rows: int) -> int:
    """Of how many rows one is in the sample that `sample_origin` looks at."""
    return max(1, rows // CHUNK_ROWS)


def sample_origin(
    sample: Chunk, alive: jax.Array, reach: jax.Array, affine: Affine, normalization: Normalization
) -> jax.Array:
    """Where the mean of the rows will be, about, float32[d]: that of a sample."""
    total, count = sample_total(sample, alive, reach, affine, normalization)
    return total / jnp.maximum(count, 1)


def sample_total(
    sample: Chunk, alive: jax.Array, reach: jax.Array, affine: Affine, normalization: Normalization
) -> tuple[jax.Array, jax.Array]:
    """The sum float32[d] of the rows of a sample, and how many they are."""
    moved, some = _moved(sample, reach[:, None], affine, normalization), alive[None]
    return join_columns([some @ block for block in moved])[0], some.sum()


def fold_moved(
    blocks: Blocks, sums: Sums, alive: jax.Array, reach: jax.Array, affine: Affine, origin: jax.Array,
    normalization: Normalization, size: int | None = None,
) -> tuple[Blocks, Sums]:  # fmt: skip
    """The rows mapped, normalised and moved by `origin`, and the sums with theirs; `size` as of `fold_rows`."""
    means = split_columns(origin[None])

    def body(held: tuple[Blocks, Sums], window: Window) -> tuple[Blocks, Sums]:
        blocks, sums = held
        rows_alive = get_rows(alive, window)
        moved = _moved(_read(blocks, window), get_rows(reach, window), affine, normalization)
        chunk = [block - rows_alive * mean for block, mean in zip(moved, means, strict=True)]
        return _written(blocks, chunk, window), _added(sums, chunk, fresh_rows(alive, window))

    return fold_rows(body, (blocks, sums), len(blocks[0]), size=size)


@_differentiated_as(_whole_transform, 3)
def transform(blocks: Blocks, reach: jax.Array, affine: Affine | None, normalization: Normalization) -> Blocks:
    """Map and normalise the rows in place.

    With x = (z − 1 shiftᵀ) A, where 1 indicates the rows that are alive, M x = (M z − reach shiftᵀ) A with reach = M 1:
    so the map that was pending on z may follow the product.

    Args:
        blocks: M z, float32[n, d] in column blocks; rows that are not alive are zero.
        reach: float32[n], M alive.
        affine: the map that was pending on z, or None.
        normalization: of rows.
    """
    return fold_transformed(blocks, reach, affine, normalization)


def fold_transformed(
    blocks: Blocks, reach: jax.Array, affine: Affine | None, normalization: Normalization, size: int | None = None
) -> Blocks:
    """`transform`; `size` as of `fold_rows`."""
    if affine is None and normalization == "none":
        return blocks

    def body(blocks: Blocks, window: Window) -> Blocks:
        chunk = _moved(_read(blocks, window), get_rows(reach, window), affine, normalization)
        return _written(blocks, chunk, window)

    return fold_rows(body, blocks, len(blocks[0]), size=size)


@_differentiated_as(_whole_measure)
def measure(blocks: Blocks, alive: jax.Array) -> Moments:
    """Mean and covariance of the rows where `alive` is 1; where it is 0 they must be zero."""
    return moments_of(fold_measured(blocks, no_sums(dim_of(blocks)), alive))


def fold_measured(blocks: Blocks, sums: Sums, alive: jax.Array, size: int | None = None) -> Sums:
    """The sums with the rows'; `size` as of `fold_rows`."""

    def body(sums: Sums, window: Window) -> Sums:
        return _added(sums, _read(blocks, window), fresh_rows(alive, window))

    return fold_rows(body, sums, len(blocks[0]), size=size)


Chunk = Sequence[jax.Array]  # some rows of a table, in blocks of columns


def _read(blocks: Blocks, window: Window) -> list[jax.Array]:
    return [get_rows(block, window) for block in blocks]


def _written(blocks: Blocks, chunk: Chunk, window: Window) -> Blocks:
    return tuple(put_rows(block, rows, window) for block, rows in zip(blocks, chunk, strict=True))


def _moved(chunk: Chunk, reach: jax.Array, affine: Affine | None, normalization: Normalization) -> list[jax.Array]:
    """`transform` of a chunk."""
    if affine is not None:
        shifts = split_columns(affine.shift[None])
        chunk = [block - reach * shift for block, shift in zip(chunk, shifts, strict=True)]
        chunk = [join_columns(chunk[: -(-len(panel) // BLOCK_COLUMNS)]) @ panel for panel in affine.panels]
    return normalize_rows(chunk, normalization)


def normalize_rows(chunk: Chunk, normalization: Normalization) -> list[jax.Array]:
    """Rows, in blocks of columns, divided by their L2 or L1 norm; zero rows stay zero."""
    if normalization == "none":
        return list(chunk)
    if normalization == "l1":
        size = sum(jnp.abs(block).sum(axis=1, keepdims=True) for block in chunk)
        there = size > TINY
    else:
        square = sum((block * block).sum(axis=1, keepdims=True) for block in chunk)
        there = square > TINY
        size = jnp.sqrt(jnp.where(there, square, 1))  # never the root of 0, whose slope is infinite
    scale = jnp.where(there, 1 / jnp.where(there, size, 1), 0)
    return [block * scale for block in chunk]


@jax.jit
def raised(table: jax.Array) -> jax.Array:
    """Rows times powers of 2 that bring their largest entries near 1: squares of tiny ones would vanish."""
    _, exponent = jnp.frexp(jnp.abs(table).max(axis=1, keepdims=True))
    bits = (127 - jnp.clip(exponent, -120, 120)) << 23  # of 2^−exponent, which `exp2` may round
    return table * jax.lax.bitcast_convert_type(bits.astype(jnp.int32), jnp.float32)


@jax.jit
def unit(table: jax.Array) -> jax.Array:
    """A table float32[n, d], its rows at unit length; zero rows stay zero."""
    return normalize_rows([table], "l2")[0]


def dim_of(blocks: Blocks) -> int:
    """d, the columns of all blocks."""
    return sum(block.shape[1] for block in blocks)


def no_sums(dim: int) -> Sums:
    """Those of no rows."""
    row, square = jnp.zeros((1, dim), jnp.float32), jnp.zeros((dim, dim), jnp.float32)
    return Sums(jnp.float32(0), (row, row), (square, square))


def _added(sums: Sums, chunk: Chunk, mask: jax.Array) -> Sums:
    """The sums with a chunk of rows: its own mean and scatter, merged with what was there.

    Reference: Chan, Golub and LeVeque, Updating formulae and a pairwise algorithm for computing sample variances, 1979.
    """
    rows = join_columns(chunk)
    count = mask.sum()
    # A product with the mask, since its order does not depend on threads; that of `sum` does.
    # Divided before the product and not after: XLA would fuse the quotient into the difference that follows, and then
    # it depends on how threads share the rows whether it is rounded in between.
    about = (mask / jnp.maximum(count, 1)).T @ rows
    centred = (rows - about) * mask
    left = mask.T @ centred  # by rounding of the mean; without this correction equal rows would seem to differ
    within = _scatter(centred) - left.T * left / jnp.maximum(count, 1)
    return _joined(sums, count, count * about + left, within)


def _joined(sums: Sums, count: jax.Array, total: jax.Array, within: jax.Array) -> Sums:
    """The sums with those of other rows."""
    gap = total / jnp.maximum(count, 1) - (sums.total[0] + sums.total[1]) / jnp.maximum(sums.rows, 1)
    weight = sums.rows * count / jnp.maximum(sums.rows + count, 1)
    scatter = within + weight * gap.T * gap
    return Sums(sums.rows + count, two_sum(*sums.total, total), two_sum(*sums.scatter, scatter))


def sums_of_all(each: Sums, parts: int) -> Sums:
    """The sums of several parts' rows, in their order, of arrays that have the parts on their first axis."""
    found = jax.tree.map(lambda leaf: leaf[0], each)
    for part in range(1, parts):
        rows, total, scatter = jax.tree.map(lambda leaf: leaf[part], each)  # noqa: B023
        found = _joined(found, rows, total[0] + total[1], scatter[0] + scatter[1])
    return found


def _scatter(centred: jax.Array) -> jax.Array:
    """Zᵀ Z without what lies below its diagonal blocks, which symmetry gives."""
    starts = range(0, centred.shape[1], BLOCK_COLUMNS)
    # Transposed first: where XLA folds a transpose into a product, the order of its sums depends on threads.
    left = [jax.lax.optimization_barrier(block.T) for block in split_columns(centred)]
    halves = [side @ centred[:, start:] for start, side in zip(starts, left, strict=True)]
    return jnp.concatenate([jnp.pad(half, ((0, 0), (start, 0))) for start, half in zip(starts, halves, strict=True)])


def moments_of(sums: Sums, origin: jax.Array | float = 0.0) -> Moments:
    """What the sums of rows that were moved by `origin` tell of them."""
    mean = (sums.total[0] + sums.total[1])[0] / jnp.maximum(sums.rows, 1)
    upper = jnp.triu(sums.scatter[0] + sums.scatter[1])
    cov = (upper + jnp.triu(upper, 1).T) / jnp.maximum(sums.rows - 1, 1)
    return Moments(mean, cov, trace(cov) + ((mean + origin) ** 2).sum())


def trace(matrix: jax.Array) -> jax.Array:
    """The sum of the diagonal, in an order that does not depend on threads, as that of `jnp.trace` does."""
    return jnp.diagonal(matrix).sum()


def square_sum(matrix: jax.Array) -> jax.Array:
    """The sum of the squares of all entries, likewise."""
    return (jnp.ones(len(matrix), matrix.dtype) @ (matrix * matrix)).sum()
