"""The word2vec formats, text and binary, as gensim and most embedding tools read them.

A first line `n d`, then n records: an id, a space, and d numbers (text: separated by spaces; binary: little-endian
float32). There is no place for settings nor for columns. An id ends at the first space, so blanks in ids are written as
`%20` (space), `%09`, `%0A`, `%0B`, `%0C` or `%0D`, and `%25` stands for a `%` that is followed by one of these codes.
Ids without blanks and such codes are written as they are. Reading undoes it.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cleora_jax._checks import InputError
from cleora_jax.graph.vocab import Vocab
from cleora_jax.vectors.stored import Content, reading, repeated, require, row_blocks, settle
from cleora_jax.vectors.tables import number_lines, read_numbers

CODES = {" ": "%20", "\t": "%09", "\n": "%0A", "\v": "%0B", "\f": "%0C", "\r": "%0D"}


def escape(ids: pa.LargeStringArray) -> pa.LargeStringArray:
    r"""Ids without blanks; see the module.

    Example:
        >>> escape(pa.array(["plain", "50%", "two words", "a%20b"], pa.large_string())).to_pylist()
        ['plain', '50%', 'two%20words', 'a%2520b']
    """
    out = pc.replace_substring_regex(ids, "%(20|25|09|0A|0B|0C|0D)", r"%25\1")
    for blank, code in CODES.items():
        out = pc.replace_substring(out, blank, code)
    return out


def unescape(ids: pa.LargeStringArray) -> pa.LargeStringArray:
    """Undo `escape`."""
    for blank, code in CODES.items():
        ids = pc.replace_substring(ids, code, blank)
    return pc.replace_substring(ids, "%25", "%")


def write_text(content: Content, path: Path) -> None:
    """Word2vec text: numbers with 9 significant digits, which float32 needs to come back exact."""
    ids = escape(content.vocab.ids)
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(f"{len(ids)} {content.vectors.shape[1]}\n")
        for block in row_blocks(content.vectors.shape):
            file.writelines(number_lines(ids[block.start : block.stop].to_pylist(), content.vectors[block], " "))


def write_binary(content: Content, path: Path) -> None:
    """Word2vec binary."""
    ids = escape(content.vocab.ids)
    with open(path, "wb") as file:
        file.write(b"%d %d\n" % (len(ids), content.vectors.shape[1]))
        for block in row_blocks(content.vectors.shape):
            names = ids[block.start : block.stop].to_pylist()
            rows = content.vectors[block].astype("<f4", copy=False)
            file.writelines(name.encode() + b" " + row.tobytes() for name, row in zip(names, rows, strict=True))


def check_ids(vocab: Vocab, path: str) -> None:
    """Raise InputError where word2vec files cannot hold an id."""
    twice = repeated(vocab, across=True)
    if twice is not None:
        raise InputError(
            f"cannot write {path!r}: the id {twice!r} stands in several columns, and word2vec files have no columns; "
            "save as .npz or .parquet, or one column alone (`Embedding.of_column`; --column)."
        )
    if len(vocab) and pc.min(pc.binary_length(vocab.ids)).as_py() == 0:
        raise InputError(f"cannot write {path!r}: the id '' is empty, which word2vec files cannot hold; use .npz.")


def read_text(path: str, column: str) -> Content:
    """Read word2vec text."""
    with reading(path, "word2vec text"):
        with open(path, "rb") as file:
            count, dim = _sizes(path, file.readline(200))
            fits = 2 * count * dim <= os.path.getsize(path)  # a digit and a blank each
            require(path, fits, f"truncated: too short for {count} vectors of length {dim}")
            first = file.readline()
            if not count and not first:
                return _settled(path, pa.array([], pa.large_string()), np.empty((0, dim), np.float32), column)
            require(path, count > 0, "vectors, of which the first line says that there are none")
            blank_end = first.rstrip(b"\r\n").endswith(b" ")
        texts, vectors = read_numbers(path, dim, " ", blank_end=blank_end)
        require(path, len(vectors) == count, f"{len(vectors)} vectors, the first line says {count}; truncated?")
    return _settled(path, texts[0], vectors, column)


def read_binary(path: str, column: str) -> Content:
    """Read word2vec binary."""
    with reading(path, "word2vec binary"):
        with open(path, "rb") as file:
            count, dim = _sizes(path, file.readline(200))
            start = file.tell()
            size = os.path.getsize(path)
            fits = count * (4 * dim + 2) <= size - start
            require(path, fits, f"truncated: {size} bytes, too few for {count} vectors of length {dim}")
            if not count:
                return _settled(path, pa.array([], pa.large_string()), np.empty((0, dim), np.float32), column)
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                names, vectors = _records(path, data, start, count, dim)
        return _settled(path, pa.array(names, pa.large_string()), vectors, column)


def _records(path: str, data: mmap.mmap, start: int, count: int, dim: int) -> tuple[list[str], np.ndarray]:
    vectors = np.empty((count, dim), np.float32)
    names = []
    for row in range(count):
        stop = data.find(b" ", start)
        end = stop + 1 + 4 * dim
        if stop < 0 or end > len(data):
            raise InputError(f"{path}: truncated: it ends in record {row + 1} of {count}.")
        names.append(data[start:stop].lstrip(b"\n").decode())  # some writers end a record with a newline
        vectors[row] = np.frombuffer(data[stop + 1 : end], "<f4")
        start = end
    require(path, not data[start:].strip(b"\n"), f"more bytes than the {count} vectors that the first line says")
    return names, vectors


def _sizes(path: str, line: bytes) -> tuple[int, int]:
    """n and d of the first line."""
    parts = line.split()
    whole = line.endswith(b"\n") and len(parts) == 2 and all(part.isdigit() and len(part) < 16 for part in parts)
    require(path, whole, f"a word2vec file begins with a line `n d`, found {line[:40]!r}")
    return int(parts[0]), int(parts[1])


def _settled(path: str, escaped: pa.Array, vectors: np.ndarray, column: str) -> Content:
    empty = len(escaped) and pc.min(pc.binary_length(escaped)).as_py() == 0
    require(path, not empty, "damaged: a record has an empty id")
    return settle(path, vectors, unescape(escaped), [column], np.zeros(len(vectors), np.uint8))
