"""Tables about entities: .parquet, or .csv or .tsv with a header line; ids in the first column or one called `id`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from cleora_jax._checks import OptionError, file_at

ID = "id"
SEPARATORS = {".csv": ",", ".tsv": "\t"}  # by suffix
KINDS = ".parquet, or .csv or .tsv with a header; ids in the first column or one called id"


def header_argument(group: argparse._ActionsContainer, table: str) -> None:
    """`--<table>-without-header`."""
    group.add_argument(
        f"--{table}-without-header", action="store_true",
        help=f"the first line of --{table} is a row as the others are; ids stand in the first column",
    )  # fmt: skip


def check_table(option: str, path: str, header: bool = True) -> None:
    """Raise OptionError or InputError where a file cannot be a table."""
    if Path(path).suffix not in (*SEPARATORS, ".parquet"):
        raise OptionError(f"`{option}` must be a .parquet, .csv or .tsv file, got {path!r}.")
    if not header and Path(path).suffix not in SEPARATORS:
        raise OptionError(f"`{option}-without-header` is for .csv and .tsv, got {path!r}.")
    file_at(path)


def read_table(path: str, header: bool = True) -> Any:
    """The file as an Arrow table, with ids as text: 007 is not 7. Raises what Arrow raises."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    suffix = Path(path).suffix
    if suffix == ".parquet":
        return parquet.read_table(path)
    split, read = csv.ParseOptions(delimiter=SEPARATORS[suffix]), csv.ReadOptions(autogenerate_column_names=not header)
    ids = ids_of(csv.open_csv(path, read, split).schema.names)
    table = csv.read_csv(path, read, split, csv.ConvertOptions(column_types={ids: pa.large_string()}))
    return table if header else table.rename_columns([ID, *(f"column {at}" for at in range(2, table.num_columns + 1))])


def lost_row(names: list[str], option: str) -> str:
    """What is wrong where the first line of a table begins with an entity."""
    first = ", ".join(map(repr, names[:3])) + (", …" if len(names) > 3 else "")
    return (
        f"its first line ({first}) begins with an entity, and would be lost as a header. "
        f"Give `{option}-without-header`, or, if it is a header, call its column of ids {ID!r}."
    )


def ids_of(names: list[str]) -> str:
    """The column that holds ids."""
    return ID if ID in names else names[0]
