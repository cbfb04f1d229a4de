"""Saved vectors, and commands that take these or interaction files. A kind of file has one option in all commands."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from cleora_jax._checks import OptionError
from cleora_jax.cli.options import refuse
from cleora_jax.cli.reading import READING, input_arguments


def source_arguments(parser: argparse.ArgumentParser, purpose: str) -> None:
    """`--input` with its ways of reading, and `--embeddings`."""
    input_arguments(parser, required=False)
    embeddings_argument(parser, help=f"saved {purpose}", required=False)


def embeddings_argument(
    parser: argparse.ArgumentParser, *, help: str = "saved embeddings", required: bool = True
) -> None:
    """`--embeddings`."""
    parser.add_argument("--embeddings", "-e", required=required, metavar="FILE", help=help)


def check_source(args: argparse.Namespace, either: str, *, beside: Sequence[str] = ()) -> None:
    """Raise OptionError unless one of the two is given.

    Args:
        args: the arguments.
        either: what the two are to this command.
        beside: options that go with files only, as the ways of reading do.
    """
    if bool(args.input) == bool(args.embeddings):
        raise OptionError(f"give either {either}.")
    if args.embeddings:
        made = "does not go with `--embeddings`, which holds vectors that are made already."
        refuse(args, [*READING, "on_bad_line", *beside], made)
