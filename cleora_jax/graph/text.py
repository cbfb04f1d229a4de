"""Chunks of delimited text and JSON lines become `Rows`."""

from __future__ import annotations

import csv
import json
import numbers
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from cleora_jax._checks import InputError
from cleora_jax.graph.assemble import LAST, Layout, Rows, Tally
from cleora_jax.graph.sources import SHOWN, Chunk
from cleora_jax.graph.tokens import (
    COMMA, TAB, Tokens, gather, lines_of, select, split_blanks, split_cells, to_arrow, to_strings,
)  # fmt: skip

QUOTE = ord('"')
BATCH_RECORDS = 1 << 16
WEIGHT_RULE = "must be a finite number of at least 0"
DELIMITER = {"tsv": (TAB, "tabs"), "csv": (COMMA, "commas")}


def delimited_rows(chunk: Chunk, layout: Layout, form: str, comment: str | None, tally: Tally) -> Rows:
    """Rows of a chunk of "tsv", "csv" (without quotes; see `QuotedCsv`) or "space" text."""
    if layout.single:
        tokens = split_blanks(chunk.text, comma=form == "csv")
        return _single_column(chunk, tokens, layout, comment, tally)
    if form == "space":
        tokens, separated = split_blanks(chunk.text), "blanks"
    else:
        separator, separated = DELIMITER[form]
        tokens = split_cells(chunk.text, separator)
    expected = len(layout.columns)
    keep = _without_blank_and_comments(chunk, comment, tally)
    wrong = keep & (tokens.count != expected)
    for row in np.flatnonzero(wrong):
        tally.bad_line(
            f"{chunk.place(row)}: expected {expected} columns separated by {separated}, "
            f"found {tokens.count[row]}: {_line(chunk, row)!r}"
        )
    return _columns(chunk, tokens, keep & ~wrong, layout, tally)


def _single_column(chunk: Chunk, tokens: Tokens, layout: Layout, comment: str | None, tally: Tally) -> Rows:
    keep = _without_blank_and_comments(chunk, comment, tally, tokens.count == 0)
    weight = None
    if layout.weight == LAST:
        for row in np.flatnonzero(keep & (tokens.count < 2)):
            tally.bad_line(f"{chunk.place(row)}: expected entities and a weight, found {_line(chunk, row)!r}")
        keep &= tokens.count >= 2
        at = np.cumsum(tokens.count)[keep] - 1
        last = Tokens(tokens.text, tokens.start[at], tokens.length[at], np.ones(len(at), np.int64))
        rows = np.flatnonzero(keep)
        weight, fine = _weights(chunk, last, rows, tally)
        keep[rows[~fine]] = False
        tokens = select(tokens, keep)
        at = np.cumsum(tokens.count) - 1
        tokens = Tokens(
            tokens.text, np.delete(tokens.start, at), np.delete(tokens.length, at), tokens.count - 1
        )
    else:
        tokens = select(tokens, keep)
    return Rows([to_arrow(tokens)], [tokens.count], weight)


def _without_blank_and_comments(
    chunk: Chunk, comment: str | None, tally: Tally, blank: np.ndarray | None = None
) -> np.ndarray:
    """bool per line: neither blank nor a comment; counts both and all lines."""
    start, length = lines_of(chunk.text) if blank is None or comment is not None else (np.zeros(0, int),) * 2
    blank = length == 0 if blank is None else blank
    skipped = np.zeros(len(blank), bool)
    if comment is not None:
        skipped = ~blank
        for place, byte in enumerate(comment.encode()):
            skipped &= (length > place) & (chunk.text[np.minimum(start + place, len(chunk.text) - 1)] == byte)
    tally.lines += len(blank)
    tally.blank += int(blank.sum())
    tally.comments += int(skipped.sum())
    return ~blank & ~skipped


def _columns(chunk: Chunk, tokens: Tokens, keep: np.ndarray, layout: Layout, tally: Tally) -> Rows:
    """Rows of lines that have the right number of cells; a line with an empty cell or a bad weight is bad."""
    cells = select(tokens, keep)
    width = len(layout.columns)
    rows = np.flatnonzero(keep)
    columns = [
        Tokens(cells.text, cells.start[place::width], cells.length[place::width], np.ones(len(rows), np.int64))
        for place in range(width)
    ]
    split = {
        place: _split_cells_at_blanks(columns[place]) if column.complex else columns[place]
        for place, column in enumerate(layout.columns)
        if not column.ignore or column.name == layout.group_by
    }
    fine = np.ones(len(rows), bool)
    for place, found in split.items():
        empty = (found.count == 0) if layout.columns[place].complex else (found.length == 0)
        for row in np.flatnonzero(fine & empty):
            tally.bad_line(
                f"{chunk.place(rows[row])}: column {layout.columns[place].name!r} is empty: "
                f"{_line(chunk, rows[row])!r}"
            )
        fine &= ~empty
    weight = None
    if layout.weight is not None:
        place = [column.name for column in layout.columns].index(layout.weight)
        some = select(columns[place], fine)
        weight, good = _weights(chunk, some, rows[fine], tally)
        fine[np.flatnonzero(fine)[~good]] = False
    entities = [select(split[place], fine) for place, column in enumerate(layout.columns) if not column.ignore]
    group = None
    if layout.group_by is not None:
        place = [column.name for column in layout.columns].index(layout.group_by)
        group = to_arrow(select(split[place], fine))
    return Rows([to_arrow(column) for column in entities], [column.count for column in entities], weight, group)


def _split_cells_at_blanks(cells: Tokens) -> Tokens:
    if len(cells.start) == 0:
        return cells
    text, _ = gather(cells, terminator=True)
    return split_blanks(text)


def _weights(chunk: Chunk, cells: Tokens, rows: np.ndarray, tally: Tally) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the good cells (float32), and which cells are good."""
    words = to_strings(cells)
    try:
        values = words.cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float32)
    except pa.ArrowInvalid:  # at least one is not a number: look for it, one by one
        values = np.array([_weight(word) for word in words.to_pylist()], np.float32)
    good = np.isfinite(values) & (values >= 0)
    for cell in np.flatnonzero(~good):
        tally.bad_line(f"{chunk.place(rows[cell])}: weight {words[cell].as_py()!r} {WEIGHT_RULE}")
    return values[good], good


def _weight(word: Any) -> float | None:
    """A finite number ≥ 0 (also as float32), or None."""
    try:
        value = np.float32(float(word)) if not isinstance(word, bool) else np.float32("nan")
    except (TypeError, ValueError, OverflowError):
        return None
    return float(value) if np.isfinite(value) and value >= 0 else None


def _line(chunk: Chunk, row: int) -> str:
    start, length = lines_of(chunk.text)
    text = chunk.text[start[row] : start[row] + length[row]].tobytes().decode()
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def has_quotes(chunk: Chunk) -> bool:
    """Whether RFC 4180 quoting may be in use, so that cells cannot be split byte by byte."""
    return bool((chunk.text == QUOTE).any())


def quoted_rows(chunks: Iterable[Chunk], layout: Layout, comment: str | None, tally: Tally) -> Iterator[Rows]:
    """Rows of CSV with quoting (RFC 4180), by Python's csv module.

    In a spec of one column, a line with a quote is split at commas alone, any other line also at blanks.
    """
    chunks = iter(chunks)
    first = next(chunks)
    consumed: list[str] = []

    def lines() -> Iterator[str]:
        for chunk in chain([first], chunks):
            for line in chunk.text.tobytes().split(b"\n")[:-1]:
                consumed.append(line.decode() + "\n")
                yield consumed[-1]

    reader = csv.reader(lines(), strict=True)
    batch: list[list[Any]] = []
    places: list[str] = []
    while True:
        place = f"{first.source}, line {first.line + reader.line_num}"
        consumed.clear()
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise InputError(f"{place}: bad quoting ({error}).") from error
        if cells is None:
            break
        tally.lines += 1
        if not "".join(consumed).strip():
            tally.blank += 1
        elif comment is not None and consumed[0].startswith(comment):
            tally.comments += 1
        elif layout.single:
            quoted = any('"' in line for line in consumed)
            batch.append([cells if quoted else re.split(r"[ \t,]+", consumed[0].strip(" \t,\r\n"))])
            places.append(place)
        elif len(cells) != len(layout.columns):
            found = f"expected {len(layout.columns)} columns separated by commas, found {len(cells)}"
            tally.bad_line(f"{place}: {found}: {str(cells)[:SHOWN]}")
        else:
            batch.append(cells)
            places.append(place)
        if len(batch) == BATCH_RECORDS:
            yield record_rows(batch, places, layout, tally)
            batch, places = [], []
    yield record_rows(batch, places, layout, tally)


def json_rows(chunk: Chunk, layout: Layout, comment: str | None, tally: Tally) -> Rows:
    """Rows of JSON lines: a list of ids where there is one column, or an object by column name."""
    batch, places = [], []
    for row, line in enumerate(chunk.text.tobytes().split(b"\n")[:-1]):
        tally.lines += 1
        if not line.strip():
            tally.blank += 1
            continue
        if comment is not None and line.startswith(comment.encode()):
            tally.comments += 1
            continue
        place = chunk.place(row)
        try:
            value = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            tally.bad_line(f"{place}: not JSON ({error}): {line[:SHOWN].decode(errors='replace')!r}")
            continue
        cells = _json_cells(value, layout)
        if isinstance(cells, str):
            tally.bad_line(f"{place}: {cells}")
        else:
            batch.append(cells)
            places.append(place)
    return record_rows(batch, places, layout, tally)


def _json_cells(value: Any, layout: Layout) -> list[Any] | str:
    """The cells of one JSON value in column order, or what is wrong with it."""
    if layout.single and isinstance(value, list):
        return [value]
    if not isinstance(value, dict):
        form = "a list of ids or an object" if layout.single else "an object"
        return f"expected {form} with keys {[column.name for column in layout.columns]}, found {str(value)[:SHOWN]!r}"
    used = [column.name for column in layout.columns if not column.ignore or column.name in (layout.weight, layout.group_by)]
    missing = [name for name in used if name not in value]
    if missing:
        return f"no key {missing[0]!r}; the object has {list(value)[:8]}"
    return [value.get(column.name) for column in layout.columns]


def record_rows(records: Sequence[Sequence[Any]], places: Sequence[str], layout: Layout, tally: Tally) -> Rows:
    """Rows of Python values: each record has a cell per column; a complex cell is a list of ids or a string of them."""
    ids: list[list[str]] = [[] for _ in layout.entity_columns]
    counts: list[list[int]] = [[] for _ in layout.entity_columns]
    weights: list[float] = []
    groups: list[str] = []
    for record, place in zip(records, places, strict=True):
        cells, weight, fault = _record(record, layout)
        if fault:
            tally.bad_line(f"{place}: {fault}")
            continue
        if layout.group_by is not None:
            groups.extend(cells.pop())
        for position, cell in enumerate(cells):
            ids[position].extend(cell)
            counts[position].append(len(cell))
        weights.append(weight)
    return Rows(
        [pa.array(column, pa.large_string()) for column in ids],
        [np.asarray(column, np.int64) for column in counts],
        np.asarray(weights, np.float32) if layout.weight is not None else None,
        pa.array(groups, pa.large_string()) if layout.group_by is not None else None,
    )


def _record(record: Sequence[Any], layout: Layout) -> tuple[list[list[str]], float, str]:
    """(ids of each entity column, and of the group column last; weight; what is wrong or "")."""
    cells: list[list[str]] = []
    weight, key = 1.0, None
    if layout.weight == LAST:
        *entities, word = record[0] if isinstance(record[0], (list, tuple)) else str(record[0]).split()
        record, value = [entities], _weight(word)
        if value is None:
            return cells, weight, f"weight {word!r} {WEIGHT_RULE}"
        weight = value
    for column, cell in zip(layout.columns, record, strict=True):
        if column.name == layout.weight:
            value = _weight(cell)
            if value is None:
                return cells, weight, f"weight {cell!r} {WEIGHT_RULE}"
            weight = value
            continue
        if column.ignore and column.name != layout.group_by:
            continue
        found = _ids(cell, column.complex)
        if isinstance(found, str):
            return cells, weight, f"column {column.name!r} {found}"
        if column.name == layout.group_by:
            key = found
        else:
            cells.append(found)
    return cells if key is None else [*cells, key], weight, ""


def _ids(cell: Any, several: bool) -> list[str] | str:
    """Ids of a cell, or what is wrong with it."""
    if several and isinstance(cell, str):
        cell = cell.replace("\t", " ").split(" ")
        cell = [word for word in cell if word]
    values = list(cell) if several and isinstance(cell, (list, tuple)) else [cell]
    if not values:
        return "is empty"
    for value in values:
        if isinstance(value, bool) or not isinstance(value, (str, numbers.Integral)):
            return f"holds {value!r}; ids are strings or integers"
        if value == "":
            return "holds an empty id"
    return [str(value) for value in values]
