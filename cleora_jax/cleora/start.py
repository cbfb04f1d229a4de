"""First vectors: hashed, pycleora's, an array, or a warm start from an Embedding."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pyarrow as pa
import xxhash

from cleora_jax import _checks as checks
from cleora_jax.graph.vocab import Vocab
from cleora_jax.vectors.embedding import Embedding
from cleora_jax.vectors.rows import Window, fold_rows, get_rows, put_rows

INITS = ("hash", "pycleora")
MASK64 = (1 << 64) - 1
PYCLEORA_MULTIPLIER = 0x517CC1B727220A95
PYCLEORA_RANGE = 1 << 23


def start(
    vocab: Vocab, dim: int, init: str | np.ndarray | Embedding, seed: int, order: np.ndarray | None = None
) -> jax.Array:
    """First vectors of all entities, float32[n, dim].

    Args:
        vocab: n entities.
        dim: d.
        init: "hash", "pycleora", a float array [n, d] in the order of `vocab`, or an `Embedding` whose vectors are
            taken by (column, id); entities it does not hold get hashed vectors.
        seed: any integer; used by "hash" and "pycleora".
        order: the entity of each row of the result, int[n]; default as in `vocab`.
    """
    if not isinstance(init, (str, Embedding)):
        given = _given(vocab, dim, init)
        return jnp.asarray(given if order is None else given[order])
    entities = vocab if order is None else vocab.take(order)
    if isinstance(init, Embedding):
        return jnp.asarray(_warm(entities, dim, init, seed))
    checks.one_of("init", init, INITS)
    return hashed(entities, dim, seed) if init == "hash" else jnp.asarray(pycleora_vectors(entities, dim, seed))


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


def _given(vocab: Vocab, dim: int, init: np.ndarray) -> np.ndarray:
    array = np.asarray(init)
    if array.shape != (len(vocab), dim):
        raise checks.OptionError(
            f"`init` must have shape ({len(vocab)}, {dim}), one row per entity, got {array.shape}."
        )
    array = array.astype(np.float32)
    wrong = ~np.isfinite(array)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise checks.InputError(f"`init`: {array[row, column]} at row {row} ({vocab[int(row)]!r}), column {column}.")
    return array


def _warm(vocab: Vocab, dim: int, previous: Embedding, seed: int) -> np.ndarray:
    if previous.dim != dim:
        raise checks.OptionError(f"`init`: the embedding has {previous.dim} dimensions, `dim` is {dim}.")
    names = vocab.columns
    if len(names) == len(previous.vocab.columns) == 1:  # some formats do not keep the name of a single column
        names = previous.vocab.columns
    columns = (names[code] for code in vocab.column_of.tolist())
    pairs = zip(vocab.ids.to_pylist(), columns, strict=True)
    found = np.array([-1 if row is None else row for row in (previous.vocab.find(*pair) for pair in pairs)])
    if (found < 0).all():
        raise checks.OptionError("`init`: the embedding holds none of the graph's entities (by column and id).")
    table = np.array(hashed(vocab, dim, seed))
    table[found >= 0] = previous.vectors[found[found >= 0]]
    return table
