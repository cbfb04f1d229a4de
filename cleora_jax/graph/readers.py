"""The doors for data: files, lines and lists, tables. Each ends in one `Graph`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cleora_jax import _checks as checks
from cleora_jax._checks import InputError
from cleora_jax._progress import Progress, no_progress
from cleora_jax.graph.assemble import Assembler, Layout, Rows, Tally, report_of
from cleora_jax.graph.build import Graph
from cleora_jax.graph.columns import DEFAULT_COLUMNS, Column
from cleora_jax.graph.first_line import (
    check_no_header,
    first_line,
    format_of,
    read_header,
    without_line,
)
from cleora_jax.graph.portions import Portion, check_regular, portions_of, size_of
from cleora_jax.graph.records import BATCH_RECORDS, BLANKS, Fault, Record, json_rows, quoted_rows, record_rows, shown
from cleora_jax.graph.sources import (
    CHUNK_BYTES,
    FORMAT_OF_SUFFIX,
    FORMATS,
    STDIN,
    Chunk,
    cut_chunks,
    expand,
    line_blocks,
    read_chunks,
    suffixes,
)
from cleora_jax.graph.table import as_table, check_schema, table_rows
from cleora_jax.graph.text import delimited_rows, has_quotes

BadLine = Literal["error", "skip"]
_PAIR_WEIGHT = Column("weight of the pair", ignore=True)


def read(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    columns: str = DEFAULT_COLUMNS,
    *,
    format: str = "auto",
    weight: str | None = None,
    group_by: str | None = None,
    shared_ids: bool = False,
    header: bool = False,
    comment: str | None = None,
    on_bad_line: BadLine = "error",
    chunk_bytes: int = CHUNK_BYTES,
    progress: Progress = no_progress,
) -> Graph:
    """Read hyperedges from files into a `Graph`; memory is the graph's, not the files'.

    Args:
        paths: a file, a glob, a folder, "-" for standard input, or several of these, read in the order given; files may
            end in .gz or .zst.
        columns: the column spec, e.g. "user complex::reflexive::product" (see `parse_columns`). With a single complex
            column, a line is a hyperedge whose entities stand apart by tabs or blanks (commas too in a .csv).
        format: "tsv", "csv" (RFC 4180 quoting), "space", "jsonl" or "parquet"; "auto" decides by the suffix, else by
            the first line, for each file, and the report says what it decided.
        weight: the column that holds each hyperedge's weight, or "last": the last entry of each line (single column).
        group_by: the column whose rows of equal value form one hyperedge, e.g. "film" for film–actor pairs.
        shared_ids: equal ids in different columns are one entity (an edge list in two columns).
        header: the first line of each file of delimited text names its columns: those of the spec are found by name, in
            any order, others are ignored. Under the default spec, whose `node` is rarely among them, it is skipped.
            Without `header`, a first line that names all columns of the spec is an error.
        comment: lines that start with this are skipped (and counted).
        on_bad_line: "error" names file, line and fault; "skip" counts such lines and keeps the first ten messages.
        chunk_bytes: bytes read at a time; the result does not depend on it.
        progress: called with (name, bytes done, bytes in all); see `cleora_jax.progress_bar`.

    Returns:
        The graph; `graph.report` tells what was read.

    Raises:
        MissingFileError: no such file.
        InputError: empty, truncated, binary or invalid UTF-8 input, or a bad line, with its place.
        ValueError: an option that does not fit.
    """
    layout = _layout(columns, format, weight, group_by, shared_ids, comment, on_bad_line)
    checks.integer("chunk_bytes", chunk_bytes, low=1)
    portions = [Portion(path, format) for path in expand(paths)]
    return _read_all(portions, layout, header, comment, on_bad_line, chunk_bytes, progress)


def read_portion(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    parts: int,
    part: int,
    columns: str = DEFAULT_COLUMNS,
    *,
    format: str = "auto",
    weight: str | None = None,
    shared_ids: bool = False,
    header: bool = False,
    comment: str | None = None,
    on_bad_line: BadLine = "error",
    progress: Progress = no_progress,
) -> Graph:
    """The graph of what one of several readers reads of some files, see `portions_of`; it may be empty.

    Arguments and errors are those of `read`. Rows of equal value cannot be grouped: others may be read elsewhere.
    """
    layout = _layout(columns, format, weight, None, shared_ids, comment, on_bad_line)
    files = expand(paths)
    check_regular(files)
    forms = [_form_of(path, layout, format, header, comment) for path in files]
    portions = portions_of(files, forms, parts, part, whole=header)
    return _read_all(portions, layout, header, comment, on_bad_line, CHUNK_BYTES, progress, may_be_empty=True)


def _read_all(
    portions: Sequence[Portion],
    layout: Layout,
    header: bool,
    comment: str | None,
    on_bad_line: BadLine,
    chunk_bytes: int,
    progress: Progress,
    *,
    may_be_empty: bool = False,
) -> Graph:
    assembler, tally = Assembler(layout), Tally(on_bad_line)
    formats = []
    sizes = [size_of(portion) for portion in portions]
    for number, portion in enumerate(portions):
        before = sum(sizes[:number])

        def at(position: int, before: int = before) -> None:
            progress("reading", before + position, sum(sizes))

        form, batches = _file_rows(portion, layout, header, comment, chunk_bytes, tally, at)
        formats.append(form)
        for rows in batches:
            assembler.add(rows)
        at(sizes[number])
    report = report_of(tally, [portion.path for portion in portions], "+".join(sorted(set(formats))))
    return assembler.finish(report, may_be_empty=may_be_empty)


def from_hyperedges(
    hyperedges: Iterable[Any],
    columns: str = DEFAULT_COLUMNS,
    *,
    format: str = "auto",
    weight: str | None = None,
    group_by: str | None = None,
    shared_ids: bool = False,
    comment: str | None = None,
    on_bad_line: BadLine = "error",
) -> Graph:
    """A graph of lines of text, of lists of ids, or of (hyperedge, weight) pairs, from any iterable.

    Args:
        hyperedges: strings are lines, split as in a file; lists are the ids of one hyperedge (single-column spec) or a
            row of cells (several columns); a tuple (string or list, number) is a hyperedge and its weight. All of one
            kind. (A single word with an integer could be two ids; that is an error.)
        format: for lines of several columns, "tsv" (default for "auto"), "csv", "space" or "jsonl".
        columns, weight, group_by, shared_ids, comment, on_bad_line: as in `read`.

    Example:
        >>> import cleora_jax as cj
        >>> cj.from_hyperedges([["alice", "laptop"], ["alice", "mouse"], ["bob", "keyboard"]])
        Graph(5 entities, 3 hyperedges; node: 5)
        >>> cj.from_hyperedges([("alice laptop", 2.0), ("bob keyboard", 0.5)])
        Graph(4 entities, 2 hyperedges; node: 4)
    """
    layout = _layout(columns, format, weight, group_by, shared_ids, comment, on_bad_line)
    if isinstance(hyperedges, (str, bytes)) or format == "parquet":
        raise checks.OptionError("`hyperedges` must be an iterable of lines or lists; use `read` for a file.")
    if isinstance(hyperedges, Mapping) or hasattr(hyperedges, "columns"):  # iterated, these give names, not contents
        kind = type(hyperedges).__name__
        raise TypeError(
            f"`hyperedges` must be lines or lists, got {kind}: `from_table` is for frames, `.values()` for a dict."
        )
    tally = Tally(on_bad_line)
    stream = iter(hyperedges)
    head = list(islice(stream, 1))
    if not head:
        raise InputError("`hyperedges` is empty: a graph needs at least one hyperedge.")
    stream = chain(head, stream)
    if isinstance(head[0], str):
        form = "tsv" if format == "auto" else format
        batches = _text_rows(cut_chunks("lines", line_blocks(stream)), layout, form, comment, tally)
    elif _is_weighted(head[0]) and isinstance(head[0][0], str):
        _check_not_two_ids(head[0])
        form = "tsv" if format == "auto" else format
        layout, lines = _weighted_lines(stream, layout, form)
        batches = _text_rows(cut_chunks("lines", line_blocks(lines)), layout, form, comment, tally)
    else:
        form = "lists"
        layout, batches = _list_rows(stream, head[0], layout, tally)
    assembler = Assembler(layout)
    for rows in batches:
        assembler.add(rows)
    return assembler.finish(report_of(tally, (), form))


def from_table(
    data: Any,
    columns: str,
    *,
    weight: str | None = None,
    group_by: str | None = None,
    shared_ids: bool = False,
    on_bad_line: BadLine = "error",
) -> Graph:
    """A graph of a table: pyarrow, a dict of columns, or a pandas or polars frame (by the Arrow PyCapsule interface).

    List columns hold several entities and need `complex::` in the spec. Other arguments as in `read`.

    Example:
        >>> import cleora_jax as cj
        >>> cj.from_table({"user": ["u1", "u2"], "item": [["i1", "i2"], ["i2"]]}, "user complex::item")
        Graph(4 entities, 2 hyperedges; user: 2, item: 2)
    """
    layout = _layout(columns, "auto", weight, group_by, shared_ids, None, on_bad_line)
    table, tally = as_table(data), Tally(on_bad_line)
    check_schema("`data`", table.schema, layout)
    assembler = Assembler(layout)
    for batch in table.to_batches():
        assembler.add(table_rows("`data`", batch, layout, tally, tally.lines))
    return assembler.finish(report_of(tally, (), "table"))


def _layout(
    columns: str, format: str, weight: str | None, group_by: str | None, shared: bool, comment: str | None, bad: str
) -> Layout:
    checks.one_of("format", format, ("auto", *FORMATS))
    checks.one_of("on_bad_line", bad, ("error", "skip"))
    if comment is not None and (not isinstance(comment, str) or not comment or "\n" in comment):
        raise checks.OptionError(f"`comment` must be a string such as '#', got {comment!r}.")
    return Layout.parse(columns, weight, group_by, shared)


def _form_of(path: str, layout: Layout, format: str, header: bool, comment: str | None) -> str:
    """How a file is to be read: as told, or by its suffix, or by its first line."""
    form = _form_told(path, format)
    if form != "auto":
        return form
    line, _ = first_line(read_chunks(path), comment, BLANKS)
    return format_of(line.text, layout, header) if line.text else "space"


def _form_told(path: str, format: str) -> str:
    return format if format != "auto" else FORMAT_OF_SUFFIX.get(suffixes(path)[0], "auto")


def _file_rows(
    portion: Portion,
    layout: Layout,
    header: bool,
    comment: str | None,
    size: int,
    tally: Tally,
    at: Callable[[int], None],
) -> tuple[str, Iterator[Rows]]:
    """The format of a file and its rows; `at` is called with the bytes read so far."""
    path, form = portion.path, _form_told(portion.path, portion.format)
    if form == "parquet":
        _check_no_header(header, path, form)
        if path == STDIN:
            raise InputError("standard input: Parquet needs a file; it cannot be read from a stream.")
        return form, _parquet_rows(portion, layout, tally, at)
    chunks = read_chunks(path, size, at, begin=portion.begin, end=portion.end)
    line, seen = first_line(chunks, comment, BLANKS + "," if form == "csv" and layout.single else BLANKS)
    if not line.text:
        told, form = (
            ("empty", "space") if form == "auto" else (form, form)
        )  # of blank lines and comments, to be counted
        return told, _text_rows(iter(seen), layout, form, comment, tally)
    form = format_of(line.text, layout, header) if form == "auto" else form
    if not header:
        if form != "jsonl" and portion.begin == 0:  # the first line of the file, not of a cut
            check_no_header(line, seen[-1], form, layout)
        return form, _text_rows(chain(seen, chunks), layout, form, comment, tally)
    _check_no_header(form == "jsonl", path, form)
    found = read_header(line, seen[-1], form, layout)
    seen[-1] = without_line(seen[-1], line, tally)
    return form, map(found.arranged, _text_rows(chain(seen, chunks), found.layout, form, comment, tally))


def _check_no_header(header: bool, path: str, form: str) -> None:
    if header:
        raise checks.OptionError(f"`header` is for delimited text; {path} is {form}, which names its columns itself.")


def _text_rows(chunks: Iterable[Chunk], layout: Layout, form: str, comment: str | None, tally: Tally) -> Iterator[Rows]:
    chunks = iter(chunks)
    for chunk in chunks:
        if form == "jsonl":
            yield json_rows(chunk, layout, comment, tally)
        elif form == "csv" and has_quotes(chunk):
            yield from quoted_rows(chain([chunk], chunks), layout, comment, tally)
        else:
            yield delimited_rows(chunk, layout, form, comment, tally)


def _parquet_rows(portion: Portion, layout: Layout, tally: Tally, at: Callable[[int], None]) -> Iterator[Rows]:
    size = size_of(portion)
    for batch, done, total in _parquet_batches(portion, layout):
        yield table_rows(portion.path, batch, layout, tally, done)
        at(size * (done + len(batch)) // total)


def _parquet_batches(portion: Portion, layout: Layout) -> Iterator[tuple[pa.RecordBatch, int, int]]:
    """Batches of a file's rows, each with the number of rows before it, and of all of the file."""
    path = portion.path
    try:
        with pq.ParquetFile(path) as file:
            check_schema(path, file.schema_arrow, layout)
            used = [column.name for column in layout.columns if column.name in file.schema_arrow.names]
            groups = list(range(file.metadata.num_row_groups))
            done = sum(file.metadata.row_group(number).num_rows for number in groups[: portion.begin])
            for batch in file.iter_batches(BATCH_RECORDS, groups[portion.begin : portion.end], columns=used):
                yield batch, done, file.metadata.num_rows
                done += len(batch)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: not a whole Parquet file; it is truncated or corrupt ({error}).") from error


def _check_not_two_ids(pair: tuple[str, Any]) -> None:
    """Raise OptionError where a pair may as well be two ids, the second an integer."""
    line, number = pair
    if isinstance(number, (int, np.integer)) and len(line.split()) == 1:
        raise checks.OptionError(
            f"`hyperedges`: {pair!r} may be two ids, or one entity and its weight: "
            f"write [{line!r}, '{number}'] for ids, ({line!r}, {float(number)}) for a weight."
        )


def _with_weight(layout: Layout) -> Layout:
    """The layout of rows that have their weight as one more cell."""
    if layout.weighted or layout.group_by is not None:
        raise checks.OptionError("`weight` and `group_by` do not go with (hyperedge, weight) pairs.")
    return replace(layout, columns=(*layout.columns, _PAIR_WEIGHT), weight=_PAIR_WEIGHT.name)


def _weighted_lines(pairs: Iterator[Any], layout: Layout, form: str) -> tuple[Layout, Iterator[str]]:
    """(line, weight) pairs as lines that end in their weight, and the layout of those."""
    if form == "jsonl":
        raise checks.OptionError("(line, weight) pairs do not go with JSON lines: name a `weight` key of the objects.")
    wide = _with_weight(layout)
    separator = {"csv": ",", "space": " "}.get(form, "\t")

    def lines() -> Iterator[str]:
        for number, pair in enumerate(pairs, start=1):
            if not (_is_weighted(pair) and isinstance(pair[0], str)):
                raise TypeError(f"hyperedge {number}: expected (line, weight), as the first is, got {shown(pair)}.")
            line = pair[0].removesuffix("\n").removesuffix("\r")
            yield f"{line}{separator}{float(pair[1])!r}" if line.strip() else line

    return (replace(layout, last=True) if layout.single else wide), lines()


def _list_rows(stream: Iterator[Any], first: Any, layout: Layout, tally: Tally) -> tuple[Layout, Iterator[Rows]]:
    """The layout (weighted where hyperedges come as pairs) and the rows of Python lists."""
    if not isinstance(first, (list, tuple)):
        raise TypeError(f"`hyperedges` must hold strings, lists of ids or (hyperedge, weight) pairs, got {first!r}.")
    weighted = _is_weighted(first)
    if weighted:
        layout = _with_weight(layout)

    def rows() -> Iterator[Rows]:
        while batch := list(islice(stream, BATCH_RECORDS)):
            base = tally.lines
            tally.lines += len(batch)
            records = (
                (f"hyperedge {base + number}", _list_record(item, layout, weighted))
                for number, item in enumerate(batch, start=1)
            )
            yield record_rows(records, layout, tally)

    return layout, rows()


def _list_record(item: Any, layout: Layout, weighted: bool) -> Record:
    """A hyperedge as a record of cells, the weight of a pair its last."""
    if not isinstance(item, (list, tuple)) or _is_weighted(item) != weighted:
        return Fault(f"expected the kind of the first hyperedge, found {shown(item)}")
    edge, extra = (item[0], [item[1]]) if weighted else (item, [])
    width = len(layout.columns) - weighted
    if width == 1:
        return [edge, *extra]
    cells = edge.split("\t") if isinstance(edge, str) else edge
    return [*cells, *extra] if len(cells) == width else Fault(f"expected {width} cells, found {len(cells)}")


def _is_weighted(item: Any) -> bool:
    """A (string or list, number) tuple."""
    return (
        isinstance(item, tuple)
        and len(item) == 2
        and isinstance(item[0], (str, list, tuple))
        and isinstance(item[1], (int, float, np.number))
    )
