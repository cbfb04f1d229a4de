"""Vectors made into another file that is searched: what the commands for these share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cleora_jax._checks import OptionError
from cleora_jax.cli.messages import say
from cleora_jax.cli.source import embeddings_argument
from cleora_jax.cli.writing import check_not_an_input, output_argument

if TYPE_CHECKING:
    from cleora_jax import Embedding

NEIGHBOURS = 10  # whose recall is told


def search_file_arguments(parser: argparse.ArgumentParser) -> None:
    """Saved vectors, and the file to write."""
    embeddings_argument(parser)
    output_argument(parser, help="where to write; ends in .npz")


def recall_arguments(parser: argparse.ArgumentParser) -> None:
    """`--recall-queries`."""
    parser.add_argument(
        "--recall-queries", type=int, default=1000, metavar="N",
        help=f"entities whose {NEIGHBOURS} neighbours are compared with those of exact search; 0: none (default: 1000)",
    )  # fmt: skip


def vectors_and_place(args: argparse.Namespace) -> Embedding:
    """The vectors; and what is wrong with the place to write to is known before the work."""
    from cleora_jax import load_embedding
    from cleora_jax._atomic import check_target
    from cleora_jax.vectors.formats import files_of

    if Path(args.output).suffix != ".npz":
        raise OptionError(f"`--output` must end in .npz, got {args.output!r}.")
    if args.recall_queries < 0:
        raise OptionError(f"`--recall-queries` must be at least 0, got {args.recall_queries}.")
    check_target(args.output)
    check_not_an_input(args.output, files_of(args.embeddings))
    return load_embedding(args.embeddings)


def recalled(args: argparse.Namespace, recall: Callable[..., float]) -> dict[str, float]:
    """The share of neighbours found, told and for programs; nothing where it is not asked for."""
    if not args.recall_queries:
        return {}
    found = recall(NEIGHBOURS, queries=args.recall_queries)
    say(args, f"recall@{NEIGHBOURS} {found:.3f}: the share of exact search's neighbours that it finds")
    return {f"recall@{NEIGHBOURS}": round(found, 4)}
