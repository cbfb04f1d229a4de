"""Features to start from: the table, and how it is mixed in."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cleora_jax._checks import InputError, OptionError
from cleora_jax.cli.options import refuse

if TYPE_CHECKING:
    from cleora_jax import Features

SEPARATORS = {".csv": ",", ".tsv": "\t"}  # by suffix
ABOUT_FEATURES = ("feature_weight", "feature_column")
FEATURE_OPTIONS = ("features", *ABOUT_FEATURES)


def feature_arguments(group: argparse._ArgumentGroup) -> None:
    """`--features` and what is said about them."""
    group.add_argument(
        "--features", metavar="FILE",
        help="start from features: .parquet, or .csv or .tsv with a header; ids in the first column or one called id",
    )  # fmt: skip
    group.add_argument(
        "--feature-weight", type=float, help="of features against hashed vectors, in [0, 1] (default: 0.5)"
    )
    group.add_argument("--feature-column", metavar="NAME", help="the column whose entities have the features")


def features_of(args: argparse.Namespace) -> Features | None:
    """The features to start from, read whole."""
    path = args.features
    if path is None:
        refuse(args, ABOUT_FEATURES, "needs `--features`, the table it speaks of.")
        return None
    import pyarrow as pa

    from cleora_jax import Features

    if Path(path).suffix not in (*SEPARATORS, ".parquet"):
        raise OptionError(f"`--features` must be a .parquet, .csv or .tsv file, got {path!r}.")
    if not os.path.isfile(path):
        raise InputError(f"{path}: no such file.")
    weight = {} if args.feature_weight is None else {"weight": args.feature_weight}
    try:
        return Features(_table(path), column=args.feature_column, **weight)
    except (pa.ArrowException, TypeError) as error:
        raise InputError(f"{path}: not a table of features: {error}") from error


def _table(path: str) -> Any:
    """The file as an Arrow table, with ids as text: 007 is not 7."""
    import pyarrow as pa
    from pyarrow import csv, parquet

    suffix = Path(path).suffix
    if suffix == ".parquet":
        return parquet.read_table(path)
    split = csv.ParseOptions(delimiter=SEPARATORS[suffix])
    names = csv.open_csv(path, parse_options=split).schema.names
    ids = "id" if "id" in names else names[0]
    convert = csv.ConvertOptions(column_types={ids: pa.large_string()})
    return csv.read_csv(path, parse_options=split, convert_options=convert)
