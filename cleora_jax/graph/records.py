"""Records of Python values become `Rows`: quoted CSV, JSON lines, and lists handed over in memory."""

from __future__ import annotations

import csv
import json
import numbers
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from cleora_jax._checks import InputError
from cleora_jax.graph.assemble import Layout, Rows, Tally
from cleora_jax.graph.sources import SHOWN, SURROGATE, Chunk

BATCH_RECORDS = 1 << 16
WEIGHT_RULE = "must be a finite number of at least 0, neither too large nor too small for float32"
BLANKS = " \t"
NUMBER = re.compile(r"[ \t]*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t]*")  # what Arrow reads, too


class Fault(str):
    """What is wrong with a record; stands in its place, so that faults are told in the order of the records."""


Record: TypeAlias = "Sequence[Any] | Fault"
"""A cell per column, where a complex cell is a list of ids or a string of them; or what is wrong."""


def record_rows(records: Iterable[tuple[str, Record]], layout: Layout, tally: Tally) -> Rows:
    """Rows of (place, record) pairs."""
    ids: list[list[str]] = [[] for _ in layout.entity_columns]
    counts: list[list[int]] = [[] for _ in layout.entity_columns]
    weights: list[float] = []
    groups: list[str] = []
    for place, record in records:
        found = record if isinstance(record, Fault) else _read_record(record, layout)
        if isinstance(found, Fault):
            tally.bad_line(f"{place}: {found}")
            continue
        cells, key, weight = found
        for position, cell in enumerate(cells):
            ids[position].extend(cell)
            counts[position].append(len(cell))
        groups.extend(key)
        weights.append(weight)
    return Rows(
        [pa.array(column, pa.large_string()) for column in ids],
        [np.asarray(column, np.int64) for column in counts],
        np.asarray(weights, np.float32) if layout.weighted else None,
        pa.array(groups, pa.large_string()) if layout.group_by is not None else None,
    )


def _read_record(record: Sequence[Any], layout: Layout) -> tuple[list[list[str]], list[str], float] | Fault:
    """(Ids of each entity column, the group, the weight)."""
    cells: list[list[str]] = []
    key: list[str] = []
    word: Any = 1.0
    if layout.last:
        entries = _entries(record[0])
        if len(entries) < 2:
            return Fault(f"expected entities and a weight, found {shown(record[0])}")
        record, word = [entries[:-1]], entries[-1]
    for column, cell in zip(layout.columns, record, strict=True):
        if column.name == layout.weight:
            word = cell
        if not layout.holds_ids(column):
            continue
        found = _ids(cell, column.complex)
        if isinstance(found, Fault):
            return Fault(f"column {column.name!r} {found}")
        if column.name == layout.group_by:
            key = found
        else:
            cells.append(found)
    weight = weight_of(word)
    return Fault(f"weight {shown(word)} {WEIGHT_RULE}") if weight is None else (cells, key, weight)


def _entries(cell: Any) -> list[Any]:
    """The entries of a complex cell."""
    if isinstance(cell, str):
        return [word for word in cell.replace("\t", " ").split(" ") if word]
    return list(cell) if isinstance(cell, (list, tuple)) else [cell]


def _ids(cell: Any, several: bool) -> list[str] | Fault:
    """Ids of a cell."""
    values = _entries(cell) if several else [cell]
    if not values:
        return Fault("is empty")
    for value in values:
        if isinstance(value, bool) or not isinstance(value, (str, numbers.Integral)):
            return Fault(f"holds {shown(value)}; ids are strings or integers")
        if value == "":
            return Fault("holds an empty id" if several else "is empty")
        if isinstance(value, str) and not value.isascii() and SURROGATE.search(value):
            return Fault(f"holds {shown(value)}; half a character is no valid Unicode")
    return [str(value) for value in values]


def weight_of(word: Any) -> float | None:
    """A finite number ≥ 0 (also as float32, where none but 0 is 0), or None."""
    if isinstance(word, (bool, np.bool_)) or (isinstance(word, str) and not NUMBER.fullmatch(word)):
        return None
    try:
        with np.errstate(over="ignore"):
            value = np.float32(float(word))
    except (TypeError, ValueError, OverflowError):
        return None
    fine = np.isfinite(value) and value >= 0 and (value > 0 or float(word) == 0)
    return float(value) if fine else None


def numbers_of(words: Iterable[Any]) -> np.ndarray:
    """Weights as float32, NaN where `weight_of` finds none."""
    return np.array([np.nan if (value := weight_of(word)) is None else value for word in words], np.float32)


def shown(value: Any) -> str:
    """A value for a message: its repr, cut short."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # nested too deep; an integer of too many digits
        return f"a {type(value).__name__} too large to show"
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def quoted_rows(chunks: Iterable[Chunk], layout: Layout, comment: str | None, tally: Tally) -> Iterator[Rows]:
    """Rows of CSV with quoting (RFC 4180).

    A line without a quote is read as `text.delimited_rows` reads it. In a spec of one column, a line with a quote is
    split at commas alone, any other line also at blanks.
    """
    records = _csv_records(chunks, layout, comment, tally)
    while True:
        with cells_of_any_size():
            batch = list(islice(records, BATCH_RECORDS))
        if not batch:
            return
        yield record_rows(batch, layout, tally)


@contextmanager
def cells_of_any_size() -> Iterator[None]:
    """Lift the csv module's limit of 128 KiB per cell: a cell may hold a large hyperedge."""
    limit = csv.field_size_limit((1 << 31) - 1)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def _csv_records(
    chunks: Iterable[Chunk], layout: Layout, comment: str | None, tally: Tally
) -> Iterator[tuple[str, Record]]:
    separators = BLANKS + "," if layout.single else BLANKS
    lines = ((chunk.place(row), line) for chunk in chunks for row, line in enumerate(_lines(chunk)))
    for place, line in lines:
        tally.lines += 1
        bare = line.removesuffix("\r")
        if not bare.strip(separators):
            tally.blank += 1
        elif comment is not None and line.startswith(comment):
            tally.comments += 1
        elif '"' in line:
            yield place, _quoted_record(place, line, (following for _, following in lines), layout)
        elif layout.single:
            yield place, [re.split(r"[ \t,]+", bare.strip(separators))]
        else:
            yield place, _of_width(bare.split(","), layout)


def _quoted_record(place: str, line: str, following: Iterator[str], layout: Layout) -> Record:
    """The record that begins in a line with a quote; a quoted cell may go on over the following lines."""

    def text() -> Iterator[str]:
        for part in chain([line], following):
            yield part + "\n"
        raise InputError(f"{place}: a quote is opened and never closed: {shown(line)}.")

    try:
        cells = next(csv.reader(text(), strict=True))
    except csv.Error as error:
        return Fault(f"bad quoting ({error}): {shown(line)}")
    return [[cell for cell in cells if cell]] if layout.single else _of_width(cells, layout)


def _of_width(cells: list[str], layout: Layout) -> Record:
    if len(cells) == len(layout.columns):
        return cells
    return Fault(f"expected {len(layout.columns)} columns separated by commas, found {len(cells)}: {shown(cells)}")


def json_rows(chunk: Chunk, layout: Layout, comment: str | None, tally: Tally) -> Rows:
    """Rows of JSON lines: a list of ids where there is one column, or an object by column name."""
    records: list[tuple[str, Record]] = []
    for row, line in enumerate(_lines(chunk)):
        tally.lines += 1
        if not line.removesuffix("\r").strip(BLANKS):
            tally.blank += 1
        elif comment is not None and line.startswith(comment):
            tally.comments += 1
        else:
            records.append((chunk.place(row), _json_record(line, layout)))
    return record_rows(records, layout, tally)


def _json_record(line: str, layout: Layout) -> Record:
    try:
        value = _JSON.decode(line)
    except (ValueError, RecursionError) as error:  # ValueError: not JSON, or an integer of thousands of digits
        return Fault(f"not JSON ({error}): {shown(line)}")
    if layout.single and isinstance(value, list):
        return [value]
    if not isinstance(value, dict):
        form = "a list of ids or an object" if layout.single else "an object"
        return Fault(f"expected {form} with keys {[column.name for column in layout.columns]}, found {shown(value)}")
    for column in layout.columns:
        if column.name not in value and (layout.holds_ids(column) or column.name == layout.weight):
            return Fault(f"no key {column.name!r}; the object has {list(value)[:8]}")
    return [value.get(column.name) for column in layout.columns]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("a key stands twice")
    return value


_JSON = json.JSONDecoder(object_pairs_hook=_object)


def _lines(chunk: Chunk) -> list[str]:
    return chunk.text.tobytes().decode().split("\n")[:-1]
