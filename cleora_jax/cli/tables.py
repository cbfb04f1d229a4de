"""Tables about entities: .parquet, or .csv or .tsv with a header line; ids in the first column or one called `id`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cleora_jax._checks import OptionError, file_at

SEPARATORS = {".csv": ",", ".tsv": "\t"}  # by suffix
KINDS = ".parquet, or .csv or .tsv with a header; ids in the first column or one called id"


def check_table(option: str, path: str) -> None:
    """Raise OptionError or InputError where a file cannot be a table."""
    if Path(path).suffix not in (*SEPARATORS, ".parquet"):
        raise OptionError(f"`{option}` must be a .parquet, .csv or .tsv file, got {path!r}.")
    file_at(path)


def read_table(path: str) -> Any:
    """The file as an Arrow table, with ids as text: 007 is not 7. Raises what Arrow raises."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    suffix = Path(path).suffix
    if suffix == ".parquet":
        return parquet.read_table(path)
    split = csv.ParseOptions(delimiter=SEPARATORS[suffix])
    convert = csv.ConvertOptions(
        column_types={ids_of(csv.open_csv(path, parse_options=split).schema.names): pa.large_string()}
    )
    return csv.read_csv(path, parse_options=split, convert_options=convert)


def ids_of(names: list[str]) -> str:
    """The column that holds ids."""
    return "id" if "id" in names else names[0]
