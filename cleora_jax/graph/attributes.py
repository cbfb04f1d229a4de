"""Attributes of entities: a table of them, put in the order of a vocabulary."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cleora_jax._checks import OptionError
from cleora_jax.graph.build import as_strings
from cleora_jax.graph.table import as_table
from cleora_jax.graph.vocab import Vocab

ID = "id"


def attributes_of(attributes: Any, vocab: Vocab, column: str | None = None) -> pa.Table | None:
    """A row for each entity, without ids; None where there are no attributes.

    Args:
        attributes: an Arrow table, a dict of columns, or a pandas or polars frame. With a column `id`, rows are matched
            by it (nulls where it has none of an entity), else by the index of a pandas frame, unless that only counts;
            else they are the entities' in their order. Or None.
        vocab: n entities.
        column: of the entities that the ids are of; needed where one stands in several. The others get nulls. What is
            returned has no ids and stands in order: it can be handed to whatever takes attributes. Default: all.

    Raises:
        ValueError: ids that stand there more than once, in several columns of the entities or match none, or another
            number of rows than entities.
        NotFoundError: no such column.
        TypeError: no table.

    Example:
        >>> attributes_of({"id": ["b", "a"], "age": [7, 9]}, Vocab.of(["a", "b", "c"])).to_pydict()
        {'age': [9, 7, None]}
    """
    if attributes is None:
        return None
    try:
        table = as_table(_by_index(attributes))
    except TypeError as error:
        raise TypeError(str(error).replace("`data`", "`attributes`")) from error
    if ID not in table.column_names:
        return _in_order(table, vocab)
    rows = matching_rows(table.column(ID), vocab, column)
    if len(vocab) and (rows < 0).all():
        raise OptionError(f"`attributes` know none of the {len(vocab):,} entities by their column {ID!r}.")
    return table.drop_columns([ID]).take(pa.array(rows, pa.int64(), mask=rows < 0))


def _by_index(attributes: Any) -> Any:
    """A pandas frame with its index as the column of ids, where it has no other and the index is more than a count."""
    if not hasattr(attributes, "reset_index"):
        return attributes
    if attributes.index.nlevels > 1:
        raise OptionError(f"`attributes`: the frame's index has {attributes.index.nlevels} levels, ids need one.")
    counts = np.array_equal(attributes.index.to_numpy(), np.arange(len(attributes)))
    if counts or ID in attributes.columns:
        return attributes.reset_index(drop=True)
    return attributes.rename_axis(ID).reset_index()


def _in_order(table: pa.Table, vocab: Vocab) -> pa.Table:
    """A table without ids, if it has a row for each entity."""
    if not table.num_columns or table.num_rows == len(vocab):
        return table
    rule = f"`attributes` must have a row per entity ({len(vocab):,}) or a column {ID!r}, got {table.num_rows:,}."
    first = table.column_names[0]
    if first in vocab:
        rule += f" Its first column is called {first!r}, as an entity is: was the file read as if it had a header?"
    raise OptionError(rule)


def matching_rows(
    ids: Any, vocab: Vocab, column: str | None = None, way_out: str = "give `graph.attributes_of` their `column`"
) -> np.ndarray:
    """For each entity the row of a column of ids, int64[n], −1 where it is not there. Raises as above."""
    keys = as_strings(ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids, "attributes")
    twice = len(keys) - len(pc.unique(keys))
    if twice:
        raise OptionError(f"`attributes`: {twice:,} ids stand there more than once.")
    rows = np.array(pc.index_in(vocab.ids, value_set=keys).fill_null(-1), np.int64)
    if column is not None:
        rows[vocab.column_of != vocab.code_of(column)] = -1
    times = np.bincount(rows[rows >= 0], minlength=1)
    if times.max() > 1:
        several = keys[int(times.argmax())].as_py()
        raise OptionError(f"`attributes`: {several!r} stands in several columns of the graph: {way_out}.")
    return rows
