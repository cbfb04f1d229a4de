"""Chunks of delimited text become `Rows`: vectorised, with no Python per line but where a line is at fault."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from cleora_jax.graph.assemble import Layout, Rows, Tally
from cleora_jax.graph.hyperedges import as_weights
from cleora_jax.graph.records import WEIGHT_RULE, numbers_of
from cleora_jax.graph.sources import SHOWN, Chunk
from cleora_jax.graph.tokens import (
    COMMA,
    SPACE,
    TAB,
    Tokens,
    gather,
    lines_of,
    select,
    split_blanks,
    split_cells,
    to_arrow,
    to_strings,
)

QUOTE = ord('"')
DELIMITER = {"tsv": (TAB, "tabs"), "csv": (COMMA, "commas")}


class Faults:
    """What is wrong with lines of a chunk; told in the order of the lines, whatever the order of the checks."""

    def __init__(self, chunk: Chunk) -> None:
        self._chunk = chunk
        self._rows: list[np.ndarray] = []
        self._told: list[Callable[[int], str]] = []

    def add(self, rows: np.ndarray, told: Callable[[int], str]) -> None:
        """Lines at fault (ascending), and what to say of one of them."""
        self._rows.append(rows)
        self._told.append(told)

    def report(self, tally: Tally) -> None:
        """Raise, or count."""
        if not any(map(len, self._rows)):
            return
        rows = np.concatenate(self._rows)
        kind = np.repeat(np.arange(len(self._rows)), [len(some) for some in self._rows])
        tally.bad_rows(
            np.argsort(rows),
            lambda at: f"{self._chunk.place(rows[at])}: {self._told[kind[at]](rows[at])}: {self._line(rows[at])!r}",
        )

    def _line(self, row: int) -> str:
        start, length = lines_of(self._chunk.text)
        text = self._chunk.text[start[row] : start[row] + length[row]].tobytes().decode()
        return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def delimited_rows(chunk: Chunk, layout: Layout, form: str, comment: str | None, tally: Tally) -> Rows:
    """Rows of a chunk of "tsv", "csv" (without quotes; see `records.quoted_rows`) or "space" text."""
    faults = Faults(chunk)
    if layout.single:
        tokens = split_blanks(chunk.text, comma=form == "csv")
        keep = _without_blank_and_comments(chunk, tokens.count == 0, comment, tally)
        rows = _single_column(tokens, keep, layout, faults)
    else:
        if form == "space":
            tokens, separated = split_blanks(chunk.text), "blanks"
        else:
            separator, separated = DELIMITER[form]
            tokens = split_cells(chunk.text, separator)
        keep = _without_blank_and_comments(chunk, _blank(chunk), comment, tally)
        wrong = keep & (tokens.count != len(layout.columns))
        expected = f"expected {len(layout.columns)} columns separated by {separated}, found"
        faults.add(np.flatnonzero(wrong), lambda row: f"{expected} {tokens.count[row]}")
        rows = _columns(tokens, keep & ~wrong, layout, faults)
    faults.report(tally)
    return rows


def has_quotes(chunk: Chunk) -> bool:
    """Whether RFC 4180 quoting may be in use, so that cells cannot be split byte by byte."""
    return bool((chunk.text == QUOTE).any())


def _blank(chunk: Chunk) -> np.ndarray:
    """bool per line: nothing but blanks."""
    start, length = lines_of(chunk.text)
    first = chunk.text[start]
    some = bool(((first == SPACE) | (first == TAB)).any())
    blank: np.ndarray = (split_blanks(chunk.text).count if some else length) == 0
    return blank


def _without_blank_and_comments(chunk: Chunk, blank: np.ndarray, comment: str | None, tally: Tally) -> np.ndarray:
    """bool per line: neither blank nor a comment; counts both and all lines."""
    skipped = np.zeros(len(blank), bool)
    if comment is not None:
        start, length = lines_of(chunk.text)
        skipped = ~blank
        for place, byte in enumerate(comment.encode()):
            skipped &= (length > place) & (chunk.text[np.minimum(start + place, len(chunk.text) - 1)] == byte)
    tally.lines += len(blank)
    tally.blank += int(blank.sum())
    tally.comments += int(skipped.sum())
    return ~blank & ~skipped


def _single_column(tokens: Tokens, keep: np.ndarray, layout: Layout, faults: Faults) -> Rows:
    """Rows of lines of entities, the last entry of each a weight where `layout.last`."""
    if not layout.last:
        tokens = select(tokens, keep)
        return Rows([to_arrow(tokens)], [tokens.count])
    short = keep & (tokens.count < 2)
    faults.add(np.flatnonzero(short), lambda row: "expected entities and a weight")
    rows = np.flatnonzero(keep & ~short)
    at = np.cumsum(tokens.count)[rows] - 1
    last = Tokens(tokens.text, tokens.start[at], tokens.length[at], np.ones(len(at), np.int64))
    weight, fine = _weights(last, rows, faults)
    keep = np.zeros(len(keep), bool)
    keep[rows[fine]] = True
    tokens = select(tokens, keep)
    at = np.cumsum(tokens.count) - 1
    tokens = Tokens(tokens.text, np.delete(tokens.start, at), np.delete(tokens.length, at), tokens.count - 1)
    return Rows([to_arrow(tokens)], [tokens.count], weight)


def _columns(tokens: Tokens, keep: np.ndarray, layout: Layout, faults: Faults) -> Rows:
    """Rows of lines that have the right number of cells; a line with an empty cell or a bad weight is bad."""
    cells = select(tokens, keep)
    rows = np.flatnonzero(keep)
    columns = _cells_by_column(cells, len(layout.columns))
    fine = np.ones(len(rows), bool)
    split: dict[str, Tokens] = {}
    for column, found in zip(layout.columns, columns, strict=True):
        if not layout.holds_ids(column):
            continue
        split[column.name] = found = _split_cells_at_blanks(found) if column.complex else found
        full = (found.count if column.complex else found.length) > 0
        faults.add(rows[fine & ~full], lambda row, name=column.name: f"column {name!r} is empty")  # type: ignore[misc]
        fine &= full
    weight = group = None
    if layout.weight is not None:
        place = [column.name for column in layout.columns].index(layout.weight)
        weight, good = _weights(select(columns[place], fine), rows[fine], faults)
        fine[np.flatnonzero(fine)[~good]] = False
    if layout.group_by is not None:
        group = to_arrow(select(split[layout.group_by], fine))
    entities = [select(split[column.name], fine) for column in layout.entity_columns]
    return Rows([to_arrow(column) for column in entities], [column.count for column in entities], weight, group)


def _cells_by_column(cells: Tokens, width: int) -> list[Tokens]:
    one = np.ones(len(cells.count), np.int64)
    return [Tokens(cells.text, cells.start[at::width], cells.length[at::width], one) for at in range(width)]


def _split_cells_at_blanks(cells: Tokens) -> Tokens:
    if len(cells.start) == 0:
        return cells
    text, _ = gather(cells, terminator=True)
    return split_blanks(text)


def _weights(cells: Tokens, rows: np.ndarray, faults: Faults) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the good cells (float32), and which cells are good; `rows` are their lines."""
    words = to_strings(cells)
    try:
        values = as_weights(words.cast(pa.float64()).to_numpy(zero_copy_only=False))
    except pa.ArrowInvalid:  # at least one is not a number: look for it, one by one
        values = numbers_of(words.to_pylist())
    good = np.isfinite(values) & (values >= 0)
    faults.add(rows[~good], lambda row: f"weight {words[int(np.searchsorted(rows, row))].as_py()!r} {WEIGHT_RULE}")
    return values[good], good
