"""`cleora-jax convert`."""

from __future__ import annotations

import argparse
from typing import Any

from cleora_jax.cli.messages import say
from cleora_jax.cli.source import embeddings_argument
from cleora_jax.cli.writing import answer, check_not_an_input, column_argument, output_argument, vectors_in, write

HELP = "write saved embeddings in another format"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Two files."""
    embeddings_argument(parser)
    output_argument(parser)
    column_argument(parser)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Read vectors and write them."""
    from cleora_jax import load_embedding
    from cleora_jax.vectors.formats import check_destination, files_of

    check_destination(args.output)
    check_not_an_input(args.output, files_of(args.embeddings))
    written, (embedding,) = write(args, {args.output: load_embedding(args.embeddings)})
    say(args, vectors_in(embedding, written))
    return answer(written, embedding)
