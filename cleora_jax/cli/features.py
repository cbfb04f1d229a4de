"""Features to start from: the table, and how it is mixed in."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from cleora_jax._checks import InputError
from cleora_jax.cli.options import refuse
from cleora_jax.cli.tables import KINDS, check_table, header_argument, read_table

if TYPE_CHECKING:
    from cleora_jax import Features

ABOUT_FEATURES = ("feature_weight", "feature_column", "features_without_header")
FEATURE_OPTIONS = ("features", *ABOUT_FEATURES)


def feature_arguments(group: argparse._ArgumentGroup) -> None:
    """`--features` and what is said about them."""
    group.add_argument(
        "--features", metavar="FILE",
        help=f"start from features: {KINDS}",
    )  # fmt: skip
    header_argument(group, "features")
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

    header = not args.features_without_header
    check_table("--features", path, header)
    weight = {} if args.feature_weight is None else {"weight": args.feature_weight}
    try:
        return Features(read_table(path, header), column=args.feature_column, **weight)
    except (pa.ArrowException, TypeError) as error:
        raise InputError(f"{path}: not a table of features: {error}") from error
