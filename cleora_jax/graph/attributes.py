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


def attributes_of(attributes: Any, vocab: Vocab) -> pa.Table | None:
    """A row for each entity, without ids; None where there are no attributes.

    Args:
        attributes: an Arrow table, a dict of columns, or a pandas or polars frame. With a column `id`, rows are matched
            by it (nulls where it has none of an entity); else they are the entities' in their order. Or None.
        vocab: n entities.

    Raises:
        ValueError: ids that stand there more than once or match no entity, or another number of rows than entities.
        TypeError: no table.

    Example:
        >>> attributes_of({"id": ["b", "a"], "age": [7, 9]}, Vocab.of(["a", "b", "c"])).to_pydict()
        {'age': [9, 7, None]}
    """
    if attributes is None:
        return None
    try:
        table = as_table(attributes)
    except TypeError as error:
        raise TypeError(str(error).replace("`data`", "`attributes`")) from error
    if ID not in table.column_names:
        if table.num_columns and table.num_rows != len(vocab):
            raise OptionError(
                f"`attributes` must have a row per entity ({len(vocab):,}) or a column {ID!r}, got {table.num_rows:,}."
            )
        return table
    rows = matching_rows(table.column(ID), vocab)
    if len(vocab) and (rows < 0).all():
        raise OptionError(f"`attributes` know none of the {len(vocab):,} entities by their column {ID!r}.")
    return table.drop_columns([ID]).take(pa.array(rows, pa.int64(), mask=rows < 0))


def matching_rows(ids: Any, vocab: Vocab) -> np.ndarray:
    """For each entity the row of a column of ids, int64[n], −1 where it is not there. Raises ValueError as above."""
    keys = as_strings(ids.combine_chunks() if isinstance(ids, pa.ChunkedArray) else ids, "attributes")
    twice = len(keys) - len(pc.unique(keys))
    if twice:
        raise OptionError(f"`attributes`: {twice:,} ids stand there more than once.")
    rows = pc.index_in(vocab.ids, value_set=keys).fill_null(-1)
    return np.array(rows, np.int64)
