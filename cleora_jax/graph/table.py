"""Arrow record batches (Parquet files, Arrow tables, pandas and polars frames) become `Rows`."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cleora_jax._checks import InputError, OptionError
from cleora_jax.graph.assemble import Layout, Rows, Tally
from cleora_jax.graph.build import as_strings, decoded
from cleora_jax.graph.hyperedges import as_weights
from cleora_jax.graph.records import numbers_of, shown
from cleora_jax.graph.sources import SHOWN


def check_schema(source: str, schema: pa.Schema, layout: Layout) -> None:
    """Raise InputError unless every column of the layout stands in the table, with a type that fits."""
    if layout.last:
        raise OptionError("`weight='last'` is for lines of text; name the weight column of a table.")
    for column in layout.columns:
        if not layout.holds_ids(column) and column.name != layout.weight:
            continue
        times = schema.names.count(column.name)
        if times != 1:
            fault = "no column" if times == 0 else f"{times} columns are named"
            raise InputError(f"{source}: {fault} {column.name!r}; the columns are {', '.join(schema.names)}.")
        kind = schema.field(column.name).type
        if _is_list(kind) and column.name == layout.group_by:
            raise InputError(f"{source}: column {column.name!r} holds lists ({kind}); a group is one id.")
        if _is_list(kind) and layout.holds_ids(column) and not column.complex:
            raise InputError(
                f"{source}: column {column.name!r} holds lists ({kind}); write 'complex::{column.name}' in the spec."
            )


class Place(NamedTuple):
    """Where the cells of a column stand, for messages."""

    source: str
    base: int  # rows of the source before this batch
    column: str

    def row(self, row: int) -> str:
        """Where row `row` of the batch stands."""
        return f"{self.source}, row {self.base + row + 1}, column {self.column!r}"


def table_rows(source: str, batch: pa.RecordBatch, layout: Layout, tally: Tally, base: int) -> Rows:
    """Rows of one record batch; a row with a null, an empty id, an empty list or a bad weight is bad.

    `base` rows of the source came before it.
    """
    used = [column.name for column in layout.columns if layout.holds_ids(column) or column.name == layout.weight]
    tally.lines += batch.num_rows
    fine = np.ones(batch.num_rows, bool)
    cells: dict[str, tuple[pa.LargeStringArray, np.ndarray]] = {}
    for column in layout.columns:
        if not layout.holds_ids(column):
            continue
        ids, counts = _cells(Place(source, base, column.name), batch.column(column.name), column.complex)
        cells[column.name] = ids, counts
        fine &= (counts > 0) & ~_has_empty(ids, counts)
    weight = None
    if layout.weight is not None:
        weight = _numbers(batch.column(layout.weight))
        fine &= np.isfinite(weight) & (weight >= 0)
    tally.bad_rows(
        np.flatnonzero(~fine),
        lambda row: (
            f"{source}, row {base + row + 1}: a null, empty id, empty list or bad weight in "
            + shown({name: batch.column(name)[row].as_py() for name in used})
        ),
    )
    picked = {name: _select(ids, counts, fine) for name, (ids, counts) in cells.items()}
    entities = [picked[column.name] for column in layout.entity_columns]
    return Rows(
        [ids for ids, _ in entities],
        [counts for _, counts in entities],
        None if weight is None else weight[fine],
        picked[layout.group_by][0] if layout.group_by is not None else None,
    )


def as_table(data: Any) -> pa.Table:
    """A pyarrow table of any object with the Arrow PyCapsule interface (pandas, polars, DuckDB, …)."""
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    if isinstance(data, pa.Table):
        return data
    if isinstance(data, dict):
        return pa.table(data)
    if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
        return pa.table(data)
    raise TypeError(
        "`data` must be an Arrow table, a dict of columns, or a frame with the Arrow PyCapsule interface "
        f"(pandas ≥ 2.2, polars ≥ 1), got {type(data).__name__}."
    )


def _cells(place: Place, column: pa.Array, several: bool) -> tuple[pa.LargeStringArray, np.ndarray]:
    """Ids of a column, flat, and how many each row has (0 where null)."""
    if pa.types.is_dictionary(column.type):
        column = decoded(column)
    if pa.types.is_string_view(column.type):  # Arrow cannot filter these
        column = column.cast(pa.large_string())
    if not _is_list(column.type):
        counts = column.is_valid().to_numpy(zero_copy_only=False).astype(np.int64)
        ids = _strings(place, column.drop_null(), counts)
        if not several or pa.types.is_integer(column.type):
            return ids, counts
        words = pc.split_pattern_regex(pc.utf8_trim(ids, " \t"), "[ \t]+")
        counts[counts > 0] = pc.list_value_length(words).to_numpy()
        return words.flatten(), counts
    lists = column.cast(pa.large_list(column.type.value_type))
    counts = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    return _strings(place, lists.flatten(), counts), counts


def _strings(place: Place, values: pa.Array, counts: np.ndarray) -> pa.LargeStringArray:
    """Ids as strings of valid UTF-8, which Arrow does not check on its own; row r holds `counts[r]` of them."""
    try:
        ids = as_strings(values, place.column)
    except TypeError as error:
        raise InputError(f"{place.source}: column {place.column!r}: {error}") from error
    try:
        ids.validate(full=True)
    except pa.ArrowInvalid as error:
        at, raw = next((at, raw) for at, raw in enumerate(ids.cast(pa.large_binary()).to_pylist()) if not _is_utf8(raw))
        row = int(np.repeat(np.arange(len(counts)), counts)[at])
        raise InputError(f"{place.row(row)}: invalid UTF-8 in {raw[:SHOWN]!r}.") from error
    return ids


def _is_utf8(raw: bytes | None) -> bool:
    try:
        (raw or b"").decode()
    except UnicodeDecodeError:
        return False
    return True


def _has_empty(ids: pa.LargeStringArray, counts: np.ndarray) -> np.ndarray:
    """Rows that hold a null or an empty id."""
    empty = pc.fill_null(pc.equal(pc.binary_length(ids), 0), True).to_numpy(zero_copy_only=False)
    if not empty.any():
        return np.zeros(len(counts), bool)
    found: np.ndarray = np.bincount(np.repeat(np.arange(len(counts)), counts)[empty], minlength=len(counts))
    return found > 0


def _numbers(column: pa.Array) -> np.ndarray:
    """Weights as float32; what is no number (a null, a word, a truth value) becomes NaN."""
    if not pa.types.is_boolean(column.type):
        try:
            return as_weights(column.cast(pa.float64()).to_numpy(zero_copy_only=False))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # at least one is not a number: look, one by one
            pass
    return numbers_of(column.to_pylist())


def _select(ids: pa.LargeStringArray, counts: np.ndarray, rows: np.ndarray) -> tuple[pa.LargeStringArray, np.ndarray]:
    if rows.all():
        return ids, counts
    return ids.filter(pa.array(np.repeat(rows, counts))), counts[rows]


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))
