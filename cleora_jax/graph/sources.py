"""Where text comes from: files, globs, folders, standard input and compressed streams, as chunks of whole lines."""

from __future__ import annotations

import glob
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from cleora_jax._checks import InputError, MissingFileError, OptionError
from cleora_jax.graph.tokens import NEWLINE

CHUNK_BYTES = 1 << 23
COMPRESSED = {".gz": "gzip", ".zst": "zstd"}
FORMAT_OF_SUFFIX = {
    ".tsv": "tsv", ".tab": "tsv", ".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl",
    ".parquet": "parquet", ".pq": "parquet", ".txt": "auto", ".edges": "auto", ".dat": "auto", "": "auto",
}  # fmt: skip
FORMATS = ("tsv", "csv", "space", "jsonl", "parquet")
STDIN = "-"
GZIP = b"\x1f\x8b"  # how its files begin; no text does
BOM = b"\xef\xbb\xbf"
SURROGATE = re.compile("[\ud800-\udfff]")
SHOWN = 60  # characters of a faulty line shown in a message


@dataclass(frozen=True)
class Chunk:
    """Whole lines of one source: `text` ends in a newline; its first line is line `line` (from 1) of `source`."""

    source: str
    line: int
    text: np.ndarray

    def place(self, row: int) -> str:
        """Where line `row` of this chunk stands, for messages."""
        return f"{self.source}, line {self.line + row}"


def expand(paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> list[str]:
    """Files named by paths, globs and folders, in the order given (sorted within a glob or folder); "-" is stdin.

    Raises:
        MissingFileError: a path that does not exist, a glob without a match.
        InputError: a folder without a readable file.
    """
    given = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    if given.count(STDIN) > 1:
        raise OptionError("`paths` names standard input ('-') twice; it can be read once.")
    if STDIN in given and sys.stdin is None:
        raise InputError("standard input is closed.")
    if not given:
        raise OptionError("`paths` is empty: name at least one file, glob or folder, or '-' for standard input.")
    found: list[str] = []
    for entry in given:
        path = os.fspath(entry)
        if path == STDIN or os.path.isfile(path):
            found.append(path)
        elif os.path.isdir(path):
            found.extend(_files_in(path))
        elif glob.has_magic(path):
            matches = sorted(match for match in glob.glob(path, recursive=True) if os.path.isfile(match))
            if not matches:
                raise MissingFileError(f"{path}: no file matches this pattern.")
            found.extend(matches)
        elif os.path.exists(path):
            found.append(path)  # a pipe or a device
        else:
            raise MissingFileError(f"{path}: no such file or folder.")
    return found


def _files_in(folder: str) -> list[str]:
    files = sorted(
        entry.path
        for entry in os.scandir(folder)
        if entry.is_file() and not entry.name.startswith(".") and suffixes(entry.path)[0] in FORMAT_OF_SUFFIX
    )
    if not files:
        known = ", ".join(suffix for suffix in FORMAT_OF_SUFFIX if suffix)
        raise InputError(f"{folder}: the folder holds no readable file (names ending in {known}, also .gz or .zst).")
    return files


def suffixes(path: str) -> tuple[str, str]:
    """(suffix that tells the format, suffix that tells the compression or ""), both in lower case."""
    parts = [suffix.lower() for suffix in Path(path).suffixes]
    compression = parts.pop() if parts and parts[-1] in COMPRESSED else ""
    return (parts[-1] if parts else ""), compression


def read_chunks(
    path: str,
    size: int = CHUNK_BYTES,
    at: Callable[[int], None] | None = None,
    *,
    begin: int = 0,
    end: int | None = None,
) -> Iterator[Chunk]:
    """Chunks of about `size` bytes of whole lines, decompressed; a byte order mark at the start is dropped.

    Args:
        path: the file, or "-".
        size: bytes of text read at a time.
        at: called, as reading goes on, with how many bytes of the file (not of its text) have been read.
        begin, end: some bytes of a file that is not compressed, whole lines. Default: all.

    Raises:
        InputError: an unreadable file, a truncated or corrupt compressed one, a NUL byte, or invalid UTF-8.
    """
    source = "standard input" if path == STDIN else path
    if begin or end is not None:
        after = f"{source}, after byte {begin:,}" if begin else source
        return cut_chunks(after, _some_blocks(path, source, size, at, begin, end), marked=begin == 0)
    return cut_chunks(source, _blocks(path, source, size, at))


def cut_chunks(source: str, blocks: Iterable[bytes], *, marked: bool = True) -> Iterator[Chunk]:
    """Blocks of bytes cut anew at line ends, checked to be text; a byte order mark may be `marked` at their start."""
    line = 1
    for text in _whole_lines(blocks):
        first = marked and line == 1
        chunk = Chunk(source, line, np.frombuffer(text.removeprefix(BOM) if first else text, np.uint8))
        _check_text(chunk)
        yield chunk
        line += int(np.count_nonzero(chunk.text == NEWLINE))


def _whole_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    rest: list[bytes] = []  # the beginning of a line, as it came
    for block in blocks:
        cut = block.rfind(b"\n") + 1
        if cut:
            yield b"".join([*rest, block[:cut]])
            rest = []
        rest.append(block[cut:])
    if (text := b"".join(rest)).removeprefix(BOM):
        yield text + b"\n"


def _blocks(path: str, source: str, size: int, at: Callable[[int], None] | None) -> Iterator[bytes]:
    compression = suffixes(path)[1]
    try:
        if path == STDIN:  # not ours to close
            yield from iter(lambda: sys.stdin.buffer.read(size), b"")
            return
        with open(path, "rb") as file, pa.input_stream(file, compression=COMPRESSED.get(compression)) as stream:
            while block := stream.read(size):
                if at is not None and file.seekable():  # a pipe is not, and has no size either
                    at(file.tell())
                yield block
    except (OSError, pa.ArrowInvalid) as error:
        kind = COMPRESSED.get(compression)
        if kind is None or isinstance(error, (FileNotFoundError, PermissionError, IsADirectoryError)):
            raise InputError(f"{source}: cannot be read ({error}).") from error
        raise InputError(f"{source}: not a whole {kind} file; it is truncated or corrupt ({error}).") from error


def _some_blocks(
    path: str, source: str, size: int, at: Callable[[int], None] | None, begin: int, end: int | None
) -> Iterator[bytes]:
    try:
        with open(path, "rb") as file:
            file.seek(begin)
            while block := file.read(size if end is None else min(size, end - file.tell())):
                if at is not None:
                    at(file.tell() - begin)
                yield block
    except OSError as error:
        raise InputError(f"{source}: cannot be read ({error}).") from error


def _check_text(chunk: Chunk) -> None:
    text = chunk.text
    if text[: len(GZIP)].tobytes() == GZIP:
        raise InputError(
            f"{chunk.source}: compressed by gzip; give it a name that ends in .gz, or pipe it through zcat."
        )
    if not text.all():
        row, shown = _line_around(text, int(np.argmin(text)))
        raise InputError(f"{chunk.place(row)}: a NUL byte; this is binary data, not text: {shown!r}.")
    if text.max() < 128:
        return
    try:
        text.tobytes().decode("utf-8")
    except UnicodeDecodeError as error:
        row, _ = _line_around(text, error.start)
        shown = text[max(0, error.start - 8) : error.end + 8].tobytes()
        raise InputError(f"{chunk.place(row)}: invalid UTF-8 ({error.reason}) at {shown!r}.") from error


def _line_around(text: np.ndarray, position: int) -> tuple[int, bytes]:
    before = text[:position]
    row = int(np.count_nonzero(before == NEWLINE))
    start = int(np.flatnonzero(before == NEWLINE)[-1]) + 1 if row else 0
    return row, text[start : start + SHOWN].tobytes().split(b"\n")[0]


def line_blocks(lines: Iterable[str], batch_lines: int = 1 << 16) -> Iterator[bytes]:
    """Lines of an iterator joined to blocks of bytes, each line ended by a newline."""
    batch: list[str] = []
    for row, line in enumerate(lines):
        if not isinstance(line, str):
            raise TypeError(f"line {row + 1}: expected a string, got {line!r}.")
        text = line.removesuffix("\n").removesuffix("\r")
        if "\n" in text:
            raise InputError(f"line {row + 1}: a newline inside a line: {text[:SHOWN]!r}.")
        if not text.isascii() and (found := SURROGATE.search(text)):
            raise InputError(f"line {row + 1}: {found[0]!r} is half a character and no valid Unicode.")
        batch.append(text)
        if len(batch) >= batch_lines:
            yield ("\n".join(batch) + "\n").encode()
            batch = []
    if batch:
        yield ("\n".join(batch) + "\n").encode()
