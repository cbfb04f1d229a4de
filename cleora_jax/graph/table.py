"""Arrow record batches (Parquet files, Arrow tables, pandas and polars frames) become `Rows`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cleora_jax._checks import InputError
from cleora_jax.graph.assemble import LAST, Layout, Rows, Tally
from cleora_jax.graph.build import as_strings


def check_schema(source: str, schema: pa.Schema, layout: Layout) -> None:
    """Raise InputError unless every column of the layout stands in the table, with a type that fits."""
    if layout.weight == LAST:
        raise ValueError("`weight='last'` is for lines of text; name the weight column of a table.")
    for column in layout.columns:
        needed = not column.ignore or column.name in (layout.weight, layout.group_by)
        if not needed:
            continue
        if column.name not in schema.names:
            raise InputError(f"{source}: no column {column.name!r}; the columns are {', '.join(schema.names)}.")
        kind = schema.field(column.name).type
        if _is_list(kind) and not column.complex:
            raise InputError(
                f"{source}: column {column.name!r} holds lists ({kind}); write 'complex::{column.name}' in the spec."
            )


def table_rows(source: str, batch: pa.RecordBatch, layout: Layout, tally: Tally) -> Rows:
    """Rows of one record batch; a row with a null, an empty id, an empty list or a bad weight is bad."""
    base = tally.lines
    tally.lines += batch.num_rows
    fine = np.ones(batch.num_rows, bool)
    cells: dict[str, tuple[pa.LargeStringArray, np.ndarray]] = {}
    for column in layout.columns:
        if column.ignore and column.name != layout.group_by:
            continue
        ids, counts = _cells(source, column.name, batch.column(column.name), column.complex)
        cells[column.name] = ids, counts
        fine &= (counts > 0) & ~_has_empty(ids, counts)
    weight = None
    if layout.weight is not None:
        weight = _numbers(source, layout.weight, batch.column(layout.weight))
        fine &= np.isfinite(weight) & (weight >= 0)
    for row in np.flatnonzero(~fine):
        content = str(batch.slice(row, 1).to_pylist()[0])[:80]
        tally.bad_line(f"{source}, row {base + row + 1}: a null, empty id, empty list or bad weight in {content}")
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


def _cells(source: str, name: str, column: pa.Array, several: bool) -> tuple[pa.LargeStringArray, np.ndarray]:
    """Ids of a column, flat, and how many each row has (0 where null)."""
    if _is_list(column.type):
        column = column.cast(pa.large_list(column.type.value_type))
        counts = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False).astype(np.int64)
        flat = column.flatten()
    elif several and not pa.types.is_integer(column.type):
        words = pc.split_pattern_regex(as_strings(column, name), "[ \t]+")
        return _cells(source, name, _without_blanks(words), several)
    else:
        counts, flat = column.is_valid().to_numpy(zero_copy_only=False).astype(np.int64), column.drop_null()
    try:
        return as_strings(flat, name), counts
    except TypeError as error:
        raise InputError(f"{source}: column {name!r} holds {flat.type}; ids are strings or integers.") from error


def _without_blanks(words: pa.LargeListArray) -> pa.LargeListArray:
    """Lists without the empty words that leading and trailing blanks leave."""
    rows = words.to_pylist()
    return pa.array([None if row is None else [word for word in row if word] for row in rows],
                    pa.large_list(pa.large_string()))  # fmt: skip


def _has_empty(ids: pa.LargeStringArray, counts: np.ndarray) -> np.ndarray:
    """Rows that hold a null or an empty id."""
    empty = pc.fill_null(pc.equal(pc.binary_length(ids), 0), True).to_numpy(zero_copy_only=False)
    if not empty.any():
        return np.zeros(len(counts), bool)
    return np.bincount(np.repeat(np.arange(len(counts)), counts)[empty], minlength=len(counts)) > 0


def _numbers(source: str, name: str, column: pa.Array) -> np.ndarray:
    """Weights as float32; nulls become NaN."""
    try:
        return column.cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float32)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(f"{source}: weight column {name!r} of type {column.type} is not numeric ({error}).") from error


def _select(ids: pa.LargeStringArray, counts: np.ndarray, rows: np.ndarray) -> tuple[pa.LargeStringArray, np.ndarray]:
    if rows.all():
        return ids, counts
    return ids.filter(pa.array(np.repeat(rows, counts))), counts[rows]


def _is_list(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )

