"""The one place where ids become integers: codes in order of first appearance."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from cleora_jax.graph.tokens import arrow_of, numpy_of, unpack
from cleora_jax.graph.vocab import Vocab

FLUSH_TOKENS = 1 << 23  # tokens kept unencoded at a time; bounds the memory of reading
SORTED = 1 << 12  # keys so few are sorted rather than hashed
MIXER = np.uint64(0x9E3779B97F4A7C15)  # 2⁶⁴ over the golden ratio: multiplicative hashing (Knuth, TAOCP 3, §6.4)


class Interner:
    """Gives each distinct id of one column a code 0, 1, 2, … by first appearance, over any number of chunks.

    Chunks are Arrow arrays of packed uint64 or large_string (see `tokens.to_arrow`). Codes do not depend on how the
    tokens were cut into chunks.
    """

    def __init__(self) -> None:
        self._keys: pa.Array = arrow_of(np.zeros(0, np.uint64))
        self._pending: list[pa.Array] = []
        self._pending_tokens = 0
        self._codes: list[np.ndarray] = []

    def add(self, chunk: pa.Array) -> None:
        """Take the next tokens."""
        self._pending.append(chunk)
        self._pending_tokens += len(chunk)
        if self._pending_tokens >= max(FLUSH_TOKENS, len(self._keys)):
            self._flush()

    def finish(self) -> tuple[pa.LargeStringArray, np.ndarray]:
        """Distinct ids by first appearance, and the int32 code of every token."""
        self._flush()
        codes = np.concatenate(self._codes) if self._codes else np.zeros(0, np.int32)
        self._codes = []
        return _as_strings(self._keys), codes

    def _flush(self) -> None:
        if not self._pending_tokens:
            return
        known = len(self._keys)
        arrays = [self._keys, *self._pending]
        self._pending, self._pending_tokens = [], 0
        if all(pa.types.is_uint64(array.type) for array in arrays):
            packed, codes = codes_of(np.concatenate([numpy_of(array, np.uint64) for array in arrays]))
            self._keys = arrow_of(packed)
        else:
            encoded = pa.chunked_array([_as_strings(array) for array in arrays]).dictionary_encode()
            codes = np.concatenate([numpy_of(chunk.indices, np.int32) for chunk in encoded.chunks])
            self._keys = encoded.chunk(encoded.num_chunks - 1).dictionary
        self._codes.append(codes[known:])


def codes_of(keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct keys by first appearance, and the int32 code of every key: what Arrow's `dictionary_encode` gives.

    Faster than that where there are millions of distinct keys; see docs/design.md.
    """
    first = _first_of(keys)
    new = first == np.arange(len(keys), dtype=np.int32)
    code = np.cumsum(new, dtype=np.int32)
    code -= 1
    return keys[new], code[first]


def _first_of(keys: np.ndarray) -> np.ndarray:
    """int32: where each uint64 key stands first.

    A table holds, by hash, the first key of each; keys that find another one there are hashed anew, among themselves.
    """
    if len(keys) < SORTED:
        _, found, inverse = np.unique(keys, return_index=True, return_inverse=True)
        return found.astype(np.int32)[inverse]
    bits = len(keys).bit_length()
    keys = keys * MIXER
    slot = (keys >> np.uint64(64 - bits)).view(np.int64)
    table = np.empty(1 << bits, np.int32)
    table[slot[::-1]] = np.arange(len(keys) - 1, -1, -1, dtype=np.int32)  # of several, the one written last stays
    first: np.ndarray = table[slot]
    others = np.flatnonzero(keys[first] != keys)
    rest = keys[others]
    first[others] = others[_first_of(rest ^ rest >> np.uint64(32))]
    return first


def _as_strings(keys: pa.Array) -> pa.LargeStringArray:
    return unpack(numpy_of(keys, np.uint64)) if pa.types.is_uint64(keys.type) else keys.cast(pa.large_string())


def first_tokens(codes: np.ndarray) -> np.ndarray:
    """The token at which each code first stood, for codes by first appearance: where their running maximum rises."""
    return np.flatnonzero(np.diff(np.maximum.accumulate(codes), prepend=-1))


def merge_columns(
    names: tuple[str, ...],
    ids: list[pa.LargeStringArray],
    first_row: list[np.ndarray],
    shared: bool,
) -> tuple[Vocab, list[np.ndarray]]:
    """One vocabulary over several columns, entities by first appearance (row, then column, then place in the cell).

    Args:
        names: name of each column.
        ids: distinct ids of each column, by first appearance.
        first_row: the row in which each of them first stood.
        shared: the columns name the same things, so that equal ids are one entity.

    Returns:
        The vocabulary, and for each column the int32 map from its own codes to rows of the vocabulary.
    """
    sizes = [len(array) for array in ids]
    column = np.repeat(np.arange(len(ids), dtype=np.uint8), sizes)
    order = np.lexsort((column, np.concatenate(first_row)))  # stable: keeps the order within a cell
    everything = pa.concat_arrays(ids).take(arrow_of(order))
    row = np.empty(len(order), np.int32)
    if shared:
        encoded = everything.dictionary_encode()
        row[order] = numpy_of(encoded.indices, np.int32)
        vocab = Vocab(encoded.dictionary, ("+".join(names),), np.zeros(len(encoded.dictionary), np.uint8))
    else:
        row[order] = np.arange(len(order), dtype=np.int32)
        vocab = Vocab(everything, names, column[order])
    return vocab, np.split(row, np.cumsum(sizes)[:-1])
