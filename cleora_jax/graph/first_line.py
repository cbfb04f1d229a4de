"""What the first line of a text file tells: its format, where no suffix does, and, as a header, its columns."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from typing import NamedTuple

from cleora_jax._checks import InputError
from cleora_jax.graph.assemble import Layout, Rows, Tally
from cleora_jax.graph.columns import DEFAULT_COLUMNS, Column
from cleora_jax.graph.records import BLANKS, cells_of_any_size, shown
from cleora_jax.graph.sources import Chunk
from cleora_jax.graph.tokens import SPACE

SEPARATOR = {"csv": ",", "tsv": "\t", "space": f"[{BLANKS}]+"}


class FirstLine(NamedTuple):
    """The first line that is neither blank nor a comment.

    Args:
        text: without its end; "" where there is no such line.
        start, stop: the bytes of its chunk that it takes, its newline not among them.
        row: of its chunk.
    """

    text: str
    start: int = 0
    stop: int = 0
    row: int = 0


def first_line(chunks: Iterator[Chunk], comment: str | None, blanks: str = BLANKS) -> tuple[FirstLine, list[Chunk]]:
    """The first line, and the chunks read to find it, of which the last holds it."""
    seen: list[Chunk] = []
    for chunk in chunks:
        seen.append(chunk)
        at = 0
        for row, raw in enumerate(BytesIO(chunk.text.tobytes())):
            line = raw.decode()
            if line.strip(blanks + "\r\n") and not (comment is not None and line.startswith(comment)):
                return FirstLine(line.rstrip("\r\n"), at, at + len(raw) - 1, row), seen
            at += len(raw)
    return FirstLine(""), seen


def format_of(line: str, layout: Layout, header: bool) -> str:
    """The format of text without a telling suffix."""
    line = line.strip(BLANKS)
    if line.startswith(("[", "{")) and line.endswith(("]", "}")) and not (header and not _is_json(line)):
        return "jsonl"
    if header:
        return "tsv" if "\t" in line else "csv" if "," in line else "space"
    if layout.single:
        return "space"
    wanted = len(layout.columns) - 1
    return "tsv" if "\t" in line or wanted == 0 else "csv" if line.count(",") == wanted else "space"


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


class Header(NamedTuple):
    """A file whose columns have been found by name.

    Args:
        layout: its columns as they stand in it.
        order: for each entity column of the spec, which of the file's entity columns it is.
    """

    layout: Layout
    order: list[int]

    def arranged(self, rows: Rows) -> Rows:
        """Rows with their columns as in the spec."""
        tokens, counts = ([part[at] for at in self.order] for part in (rows.tokens, rows.counts))
        return replace(rows, tokens=tokens, counts=counts)


def read_header(line: FirstLine, chunk: Chunk, form: str, layout: Layout) -> Header:
    """Find the columns of a spec by the names in the first line.

    The default spec, and a weight that is the last entry of a line, mean lines of entities whatever their header says.
    """
    names = _names(line, chunk, form)
    lines_of_entities = str(layout.columns[0]) == DEFAULT_COLUMNS and layout.columns[0].name not in names
    if layout.single and (layout.last or lines_of_entities or names == [layout.columns[0].name]):
        return Header(layout, [0])
    wanted = {column.name: column for column in layout.columns}
    for name, column in wanted.items():
        if names.count(name) != 1 and (layout.holds_ids(column) or name == layout.weight):
            found = "stands twice in" if name in names else "is not in"
            raise InputError(f"{chunk.place(line.row)}: column {name!r} {found} the header {names}.")
    here = replace(layout, columns=tuple(wanted.get(name, Column(name, ignore=True)) for name in names))
    held = [column.name for column in here.entity_columns]
    return Header(here, [held.index(column.name) for column in layout.entity_columns])


def _names(line: FirstLine, chunk: Chunk, form: str) -> list[str]:
    text = line.text.strip(BLANKS) if form == "space" else line.text
    if form == "csv":
        try:
            with cells_of_any_size():
                cells = next(csv.reader([text], strict=True))
        except csv.Error as error:
            raise InputError(f"{chunk.place(line.row)}: bad quoting in the header ({error}): {shown(text)}.") from error
    else:
        cells = re.split(SEPARATOR[form], text)
    return [name.strip(BLANKS) for name in cells]


def check_no_header(line: FirstLine, chunk: Chunk, form: str, layout: Layout) -> None:
    """Raise InputError where the first line is a header that was not announced: it names all columns of the spec."""
    cells = {cell.strip(BLANKS + '"') for cell in re.split(SEPARATOR[form], line.text)}
    wanted = {column.name for column in layout.columns if layout.holds_ids(column) or column.name == layout.weight}
    if len(wanted) > 1 and wanted <= cells:
        raise InputError(f"{chunk.place(line.row)} is a header: it names the columns of the spec. Pass `header=True`.")


def without_line(chunk: Chunk, line: FirstLine, tally: Tally) -> Chunk:
    """The chunk with a line made blank, so that places stay; it counts as a header and not as blank."""
    text = chunk.text.copy()
    text[line.start : line.stop] = SPACE
    tally.headers += 1
    tally.blank -= 1
    return Chunk(chunk.source, chunk.line, text)
