"""Which part of some files one of several readers reads: runs of bytes, cut at line ends or between row groups."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from cleora_jax._checks import InputError, OptionError
from cleora_jax.graph.sources import suffixes

LOOK = 1 << 16  # bytes in which the end of a line is looked for at a time


@dataclass(frozen=True)
class Portion:
    """A file, or some of it.

    Args:
        path: the file, or "-".
        format: as in `read`; of a part that is cut out it is decided.
        begin, end: bytes of text, where lines begin; row groups of Parquet. Default: all.
    """

    path: str
    format: str = "auto"
    begin: int = 0
    end: int | None = None


def portions_of(files: Sequence[str], forms: Sequence[str], parts: int, part: int, *, whole: bool) -> list[Portion]:
    """What reader `part` of `parts` reads: of all bytes of the files, one after the other, its run, about as many each.

    All readers together read every line once, and in their order those of each follow those of the one before. A file
    that cannot be cut is read whole, by the one whose run it begins in.

    Args:
        files: regular files, the same for all readers.
        forms: how each is to be read.
        whole: cut no file (where each begins with a header).

    Raises:
        OptionError: fewer files than readers, and one among them cannot be cut.
    """
    uncut = [path for path, form in zip(files, forms, strict=True) if whole or not _can_be_cut(path, form)]
    if uncut and len(files) < parts:
        raise OptionError(
            f"`paths`: {parts} processes share {len(files)} files, and {uncut[0]!r} cannot be cut (compressed, of CSV, "
            "or with a header): give at least as many files as processes."
        )
    sizes = [os.path.getsize(path) for path in files]
    low, high = (sum(sizes) * at // parts for at in (part, part + 1))
    found, start = [], 0
    for path, form, size in zip(files, forms, sizes, strict=True):
        first, last = low - start, high - start if part + 1 < parts else max(size, 1)
        start += size
        if path in uncut or (first <= 0 and size <= last):
            found += [Portion(path, form)] if first <= 0 < last else []
        elif first < size and last > 0:
            found += _cut(path, max(first, 0), min(last, size), form)
    return found


def check_regular(files: Sequence[str]) -> None:
    """Raise OptionError for a stream: only one can read it."""
    for path in files:
        if not os.path.isfile(path):
            raise OptionError(f"`paths`: {path!r} is a stream; several processes can share regular files only.")


def size_of(portion: Portion) -> int:
    """Bytes, 0 where nobody knows; of Parquet those of the whole file."""
    if not os.path.isfile(portion.path):
        return 0
    end = None if portion.format == "parquet" else portion.end
    return (os.path.getsize(portion.path) if end is None else end) - (0 if end is None else portion.begin)


def _can_be_cut(path: str, form: str) -> bool:
    """CSV cannot: a line end may stand in quotes, and nobody knows without reading from the beginning."""
    return not suffixes(path)[1] and form != "csv"


def _cut(path: str, first: int, last: int, form: str) -> Iterator[Portion]:
    """What begins in some bytes of a file."""
    if form == "parquet":
        groups = [number for number, at in enumerate(_group_starts(path)) if first <= at < last]
        if groups:
            yield Portion(path, form, groups[0], groups[-1] + 1)
        return
    begin, end = _line_start(path, first), _line_start(path, last)
    if begin < end:
        yield Portion(path, form, begin, end)


def _group_starts(path: str) -> list[int]:
    """Where the row groups of a Parquet file begin, bytes; the first counts as 0."""
    try:
        meta = pq.read_metadata(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: not a whole Parquet file; it is truncated or corrupt ({error}).") from error
    columns = [meta.row_group(number).column(0) for number in range(meta.num_row_groups)]
    starts = [column.dictionary_page_offset or column.data_page_offset for column in columns]
    return [0, *starts[1:]] if starts else []


def _line_start(path: str, at: int) -> int:
    """The first byte, from `at` on, with which a line begins; else the end of the file."""
    if at == 0:
        return 0
    with open(path, "rb") as file:
        file.seek(at - 1)
        while block := file.read(LOOK):
            found = block.find(b"\n")
            if found >= 0:
                return file.tell() - len(block) + found + 1
        return file.tell()
