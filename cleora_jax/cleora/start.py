"""First vectors: hashed, pycleora's, an array, features, or a warm start from an Embedding."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import pyarrow as pa
import scipy.sparse as sp
import xxhash
from scipy.special import ndtri

from cleora_jax import _checks as checks
from cleora_jax._blas import one_blas_thread
from cleora_jax.cleora.features import Features, Matrix
from cleora_jax.graph.vocab import Vocab
from cleora_jax.vectors.embedding import Embedding
from cleora_jax.vectors.rows import CHUNK_ROWS, Window, fold_rows, get_rows, put_rows
from cleora_jax.vectors.search import unit_rows

Init: TypeAlias = str | np.ndarray | Embedding | Features | Sequence[Features]
Starter: TypeAlias = Callable[["np.ndarray | None"], Any]  # rows int[k] to vectors float32[k, d]

INITS = ("hash", "pycleora")
MASK64 = (1 << 64) - 1
PYCLEORA_MULTIPLIER = 0x517CC1B727220A95
PYCLEORA_RANGE = 1 << 23
FEATURE = "\0feature"  # the column under which features are hashed: no column of a graph is called so


def start(vocab: Vocab, dim: int, init: Init, seed: int, order: np.ndarray | None = None) -> jax.Array:
    """First vectors of all entities, float32[n, dim].

    Args:
        vocab: n entities.
        dim: d.
        init: "hash", "pycleora", a float array [n, d] in the order of `vocab`, an `Embedding` whose vectors are
            taken by (column, id), or `Features`, or several of entities that differ; entities that an `Embedding` or
            `Features` do not hold get hashed vectors.
        seed: any integer; used by "hash", "pycleora" and `Features`.
        order: the entity of each row of the result, int[n]; default as in `vocab`.
    """
    return jnp.asarray(starter(vocab, dim, init, seed)(order))


def starter(vocab: Vocab, dim: int, init: Init, seed: int) -> Starter:
    """What makes the first vectors, float32[k, d], of some entities: rows int[k] of `vocab`, or None for all.

    All of `init` is checked here, once; arguments and errors are those of `start`.
    """
    parts = features_of(init)
    if parts:
        return _featured(vocab, dim, parts, seed)
    if not isinstance(init, (str, Embedding)):
        given = _given(vocab, dim, init)
        return lambda rows: given if rows is None else given[rows]
    if isinstance(init, Embedding):
        return _warm(vocab, dim, init, seed)
    checks.one_of("init", init, INITS)
    make = hashed if init == "hash" else pycleora_vectors
    return lambda rows: make(_among(vocab, rows), dim, seed)


def _among(vocab: Vocab, rows: np.ndarray | None) -> Vocab:
    return vocab if rows is None else vocab.take(rows)


def entity_hashes(vocab: Vocab, seed: int) -> np.ndarray:
    """uint64[n]: xxh64 of the id's UTF-8 bytes, seeded by xxh64 of its column's name, seeded by `seed` mod 2⁶⁴."""
    seeds = [xxhash.xxh64_intdigest(name.encode(), seed & MASK64) for name in vocab.columns]
    digest = xxhash.xxh64_intdigest
    ids = vocab.ids.cast(pa.large_binary()).to_pylist()
    if len(seeds) == 1:
        return np.fromiter((digest(entity, seeds[0]) for entity in ids), np.uint64, len(ids))
    pairs = zip(ids, vocab.column_of.tolist(), strict=True)
    return np.fromiter((digest(entity, seeds[column]) for entity, column in pairs), np.uint64, len(ids))


def hashed(vocab: Vocab, dim: int, seed: int) -> jax.Array:
    """Uniform in [−1, 1): x_ij a pure function of (id, column name, j, seed), by Threefry-2x32 keyed with the hash."""
    if not len(vocab):  # a device without entities
        return jnp.zeros((0, dim), jnp.float32)
    key = entity_hashes(vocab, seed)
    low = (key & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    high = (key >> np.uint64(32)).astype(np.uint32)
    return _hashed(jax.device_put(low), jax.device_put(high), dim)


@partial(jax.jit, static_argnames="dim")
def _hashed(low: jax.Array, high: jax.Array, dim: int) -> jax.Array:
    counter = jnp.arange((dim + 1) // 2, dtype=jnp.uint32)[None]

    def body(table: jax.Array, window: Window) -> jax.Array:
        even, odd = threefry(get_rows(low, window), get_rows(high, window), counter)
        bits = jnp.stack([even, odd], axis=2).reshape(window.size, -1)[:, :dim]
        return put_rows(table, (bits >> 8).astype(jnp.float32) * jnp.float32(2**-23) - 1, window)

    return fold_rows(body, jnp.zeros((len(low), dim), jnp.float32), len(low))


def threefry(low: jax.Array, high: jax.Array, counter: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Threefry-2x32, 20 rounds, of the counter (counter, 0) under the key (low, high); arrays of uint32 broadcast.

    Reference: Salmon, Moraes, Dror and Shaw, Parallel random numbers: as easy as 1, 2, 3 (SC 2011).
    """
    keys = (low, high, low ^ high ^ np.uint32(0x1BD11BDA))
    rotations = ((13, 15, 26, 6), (17, 29, 16, 24))
    x, y = counter + keys[0], jnp.zeros_like(counter) + keys[1]
    for block in range(5):
        for rotation in rotations[block % 2]:
            x = x + y
            y = ((y << rotation) | (y >> (32 - rotation))) ^ x
        x = x + keys[(block + 1) % 3]
        y = y + keys[(block + 2) % 3] + np.uint32(block + 1)
    return x, y


def pycleora_vectors(vocab: Vocab, dim: int, seed: int) -> np.ndarray:
    """float32[n, d], bit for bit what pycleora 3.2.1 gives: a poor hash, for migration and differential tests."""
    digest = xxhash.xxh64_intdigest
    h = np.fromiter((digest(entity) for entity in vocab.ids.cast(pa.large_binary()).to_pylist()), np.uint64, len(vocab))
    out = np.empty((len(vocab), dim), np.float32)
    with np.errstate(over="ignore"):
        for j in range(dim):
            mixed = ((h + np.uint64((j + seed) & MASK64)) * np.uint64(PYCLEORA_MULTIPLIER)).view(np.int64)
            out[:, j] = np.fmod(mixed, PYCLEORA_RANGE) / np.float32(PYCLEORA_RANGE)
    return out


def _given(vocab: Vocab, dim: int, init: Any) -> np.ndarray:
    if isinstance(init, Mapping) or sp.issparse(init):
        raise TypeError(
            f"`init`: {type(init).__name__} may be features: pass `Features(…)`, or a list of them by column."
        )
    array = np.asarray(init)
    if array.shape != (len(vocab), dim):
        raise checks.OptionError(
            f"`init` must have shape ({len(vocab)}, {dim}), one row per entity, got {array.shape}."
        )
    array = array.astype(np.float32, copy=False)
    for block in _chunks(len(array)):
        wrong = ~np.isfinite(array[block])
        if wrong.any():
            row, column = np.argwhere(wrong)[0] + [block.start, 0]
            told = f"{array[row, column]} at row {row} ({vocab[int(row)]!r}), column {column}"
            raise checks.InputError(f"`init`: {told}.")
    return array


def _warm(vocab: Vocab, dim: int, previous: Embedding, seed: int) -> Starter:
    if previous.dim != dim:
        raise checks.OptionError(f"`init`: the embedding has {previous.dim} dimensions, `dim` is {dim}.")
    wanted = vocab
    if len(vocab.columns) == len(previous.vocab.columns) == 1:  # some formats do not keep the name of a single column
        wanted = Vocab(vocab.ids, previous.vocab.columns, vocab.column_of)
    places = previous.vocab.rows_of(wanted)
    if (places < 0).all():
        raise checks.OptionError("`init`: the embedding holds none of the graph's entities (by column and id).")

    def make(rows: np.ndarray | None) -> np.ndarray:
        found = places if rows is None else places[rows]
        table = np.array(hashed(_among(vocab, rows), dim, seed))
        table[found >= 0] = previous.vectors[found[found >= 0]]
        return table

    return make


def features_of(init: Any) -> tuple[Features, ...]:
    """The `Features` that first vectors are made of; none where they are made of something else."""
    parts = tuple(init) if isinstance(init, (list, tuple)) else (init,)
    if not any(isinstance(part, Features) for part in parts):
        return ()
    odd = [type(part).__name__ for part in parts if not isinstance(part, Features)]
    if odd:
        raise TypeError(f"`init`: a list of `Features` must hold nothing else, got {odd[0]}.")
    return parts


def _featured(vocab: Vocab, dim: int, parts: tuple[Features, ...], seed: int) -> Starter:
    """Unit rows of hashed vectors, with unit rows of features mixed in."""
    rows_of = [part.rows(vocab) for part in parts]
    crowded = np.flatnonzero(sum((rows >= 0).astype(np.int64) for rows in rows_of) > 1)
    if len(crowded):
        raise checks.OptionError(
            f"`init`: {len(crowded):,} entities have features in more than one of the list, the first "
            f"{vocab[int(crowded[0])]!r}; put theirs into one."
        )
    projections = [_projection(part, dim, seed) for part in parts]

    def make(rows: np.ndarray | None) -> np.ndarray:
        table = np.array(hashed(_among(vocab, rows), dim, seed))
        for block in _chunks(len(table)):
            table[block] = unit_rows(table[block], "init")
        for part, places, projection in zip(parts, rows_of, projections, strict=True):
            _mix(table, part, places if rows is None else places[rows], projection)
        return table

    return make


def _projection(part: Features, dim: int, seed: int) -> np.ndarray | None:
    """float32[w, d], what brings w features to d columns; None where they are as many."""
    matrix, names = part.table.matrix, part.table.names
    width = matrix.shape[1]
    return None if width == dim else directions(names or [str(place) for place in range(width)], dim, seed)


def _mix(table: np.ndarray, part: Features, rows: np.ndarray, projection: np.ndarray | None) -> None:
    """Mix features into a table of unit rows, in place: entity i has row `rows[i]` of them, none where that is −1."""
    matrix = part.table.matrix
    places = np.flatnonzero(rows >= 0)
    with one_blas_thread():  # bits must not depend on the number of threads
        for chunk in _chunks(len(places)):
            block = places[chunk]
            features = _projected(matrix[rows[block]], projection)
            some = features.any(axis=1)
            block = block[some]
            table[block] = (1 - part.weight) * table[block] + part.weight * features[some]


def _projected(features: Matrix, projection: np.ndarray | None) -> np.ndarray:
    """Unit rows float32[b, d] of some rows of features; zero rows stay zero."""
    if projection is None:
        features = features.toarray() if sp.issparse(features) else features
    elif sp.issparse(features):
        features = _sparse_unit_rows(features) @ projection
    else:
        features = unit_rows(features, "values").astype(np.float32) @ projection
    return unit_rows(features, "values").astype(np.float32)


def _sparse_unit_rows(features: sp.csr_array) -> sp.csr_array:
    """Rows of a CSR matrix over their norms, as `unit_rows` of dense ones."""
    row = np.repeat(np.arange(features.shape[0]), np.diff(features.indptr))
    wide = features.data.astype(np.float64)
    size = np.sqrt(np.bincount(row, wide**2, minlength=features.shape[0]))
    data = (wide / np.where(size > 0, size, 1)[row]).astype(np.float32)
    return sp.csr_array((data, features.indices, features.indptr), shape=features.shape)


def directions(names: Sequence[str], dim: int, seed: int) -> np.ndarray:
    """Normal numbers float32[w, d], row k a pure function of (the name of feature k, seed): the hash's, through Φ⁻¹."""
    table = np.array(hashed(Vocab.of(names, FEATURE), dim, seed))
    for block in _chunks(len(table)):
        table[block] = ndtri((table[block].astype(np.float64) + (1 + 2**-24)) / 2)  # centred, so that none is infinite
    return table


def _chunks(rows: int) -> Iterator[slice]:
    """Blocks of rows in order, so that what is computed on them in float64 stays small."""
    return (slice(first, first + CHUNK_ROWS) for first in range(0, rows, CHUNK_ROWS))
