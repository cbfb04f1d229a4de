"""Bytes become tokens: vectorised splitting of text into cells and of cells into ids. NumPy only, no Python per line.

A chunk is a whole number of lines as a uint8 array ending in a newline. `split_blanks` serves the form in which a line
is a hyperedge (`complex::reflexive::node`); `split_cells` serves lines with a fixed number of columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

TAB, NEWLINE, RETURN, SPACE, COMMA = 9, 10, 13, 32, 44
PACKED_BYTES = 8  # ids of at most this many bytes travel as one uint64, which hashes several times faster


@dataclass(frozen=True, eq=False)
class Tokens:
    """Pieces of a chunk: token i is `text[start[i] : start[i] + length[i]]`; line r holds `count[r]`, in order."""

    text: np.ndarray
    start: np.ndarray
    length: np.ndarray
    count: np.ndarray


def split_blanks(text: np.ndarray, *, comma: bool = False) -> Tokens:
    """Split every line at runs of spaces and tabs (and commas); a run is one separator, so no token is empty."""
    separator = (text == SPACE) | (text == TAB) | (text == NEWLINE)
    if comma:
        separator |= text == COMMA
    separator |= _line_end_returns(text)
    position = np.flatnonzero(separator)
    start = np.empty_like(position)
    start[0], start[1:] = 0, position[:-1] + 1
    length = position - start
    ends_line = np.flatnonzero(text[position] == NEWLINE)
    kept = length > 0
    if kept.all():
        return Tokens(text, start, length, np.diff(ends_line, prepend=-1))
    total = np.cumsum(kept)[ends_line]
    return Tokens(text, start[kept], length[kept], np.diff(total, prepend=0))


def split_cells(text: np.ndarray, separator: int) -> Tokens:
    """Split every line at each single separator byte; cells may be empty."""
    position = np.flatnonzero((text == separator) | (text == NEWLINE))
    start = np.empty_like(position)
    start[0], start[1:] = 0, position[:-1] + 1
    at_newline = text[position] == NEWLINE
    ends_line = np.flatnonzero(at_newline)
    length = position - start
    length -= at_newline & (length > 0) & (text[position - 1] == RETURN)
    return Tokens(text, start, length, np.diff(ends_line, prepend=-1))


def _line_end_returns(text: np.ndarray) -> np.ndarray:
    """True at each carriage return that stands before a newline."""
    mark: np.ndarray = text == RETURN
    mark[:-1] &= text[1:] == NEWLINE
    return mark


def lines_of(text: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Start and length of every line, without its newline or carriage return."""
    cells = split_cells(text, NEWLINE)
    return cells.start, cells.length


def select(tokens: Tokens, rows: np.ndarray) -> Tokens:
    """The tokens of the lines where `rows` (bool per line) is True."""
    if rows.all():
        return tokens
    kept = np.repeat(rows, tokens.count)
    return Tokens(tokens.text, tokens.start[kept], tokens.length[kept], tokens.count[rows])


def gather(tokens: Tokens, terminator: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Token bytes moved together: (uint8 text, int64 offsets); with `terminator`, a newline after each."""
    extra = int(terminator)
    offset = np.zeros(len(tokens.start) + 1, np.int64)
    np.cumsum(tokens.length + extra, out=offset[1:])
    source = np.arange(offset[-1])
    source += np.repeat(tokens.start - offset[:-1], tokens.length + extra)
    packed = tokens.text[np.minimum(source, len(tokens.text) - 1)]
    if terminator:
        packed[offset[1:] - 1] = NEWLINE
    return packed, offset


def to_arrow(tokens: Tokens) -> pa.Array:
    """Tokens as an Arrow array to be interned: uint64 where all are short (see `unpack`), else large_string."""
    if len(tokens.length) == 0 or tokens.length.max() <= PACKED_BYTES:
        return arrow_of(_pack(tokens))
    return to_strings(tokens)


def to_strings(tokens: Tokens) -> pa.LargeStringArray:
    """Tokens as large_string; the bytes must be valid UTF-8 already."""
    text, offset = gather(tokens)
    return pa.LargeStringArray.from_buffers(len(tokens.start), pa.py_buffer(offset), pa.py_buffer(text))


def arrow_of(values: np.ndarray) -> pa.Array:
    """Numbers as Arrow. `pa.array` would do, but imports pandas wherever that is installed, which takes a while."""
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(values)])


def numpy_of(array: pa.Array, dtype: type[np.generic]) -> np.ndarray:
    """Numbers without nulls as NumPy, without a copy. `to_numpy` would do, but imports pandas, too."""
    return np.frombuffer(array.buffers()[1] or b"", dtype, len(array), array.offset * np.dtype(dtype).itemsize)


def _pack(tokens: Tokens) -> np.ndarray:
    padded = np.concatenate([tokens.text, np.zeros(PACKED_BYTES, np.uint8)])
    windows = np.ndarray(len(tokens.text) + 1, np.dtype("<u8"), padded, strides=(1,))
    keep = np.array([(1 << (8 * size)) - 1 for size in range(PACKED_BYTES + 1)], np.uint64)
    packed: np.ndarray = windows[tokens.start]
    packed &= keep[tokens.length]
    return packed


def unpack(packed: np.ndarray) -> pa.LargeStringArray:
    """The strings of packed ids: their bytes up to the zero padding (text holds no NUL)."""
    raw = np.ascontiguousarray(packed, np.dtype("<u8")).view(np.uint8)
    offset = np.zeros(len(packed) + 1, np.int64)
    np.cumsum(np.count_nonzero(raw.reshape(-1, PACKED_BYTES), axis=1), out=offset[1:])
    return pa.LargeStringArray.from_buffers(len(packed), pa.py_buffer(offset), pa.py_buffer(raw[raw != 0]))
