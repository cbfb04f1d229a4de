"""Files of vectors, and of the model beside them: checked before the work, written all or none, and told of."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from cleora_jax._checks import OptionError

if TYPE_CHECKING:
    from cleora_jax import Embedding, Fitted


def output_argument(
    parser: argparse.ArgumentParser, *, required: bool = True, help: str = "where to write; the suffix decides"
) -> None:
    """`--output`."""
    parser.add_argument("--output", "-o", required=required, metavar="FILE", help=help)


def column_argument(parser: argparse.ArgumentParser) -> None:
    """`--column`."""
    parser.add_argument("--column", metavar="NAME", help="write only the entities of this column")


def check_not_an_input(output: str | None, sources: Sequence[str], option: str = "--output") -> None:
    """Raise OptionError where an output would overwrite an input. None is not written."""
    from cleora_jax.vectors.formats import files_of

    if output is None:
        return
    for file in filter(os.path.exists, files_of(output) if option == "--output" else [output]):
        for source in sources:
            if os.path.exists(source) and os.path.samefile(source, file):
                raise OptionError(f"`{option}` {file!r} is an input, too; choose another name.")


def check_two_files(args: argparse.Namespace) -> None:
    """Raise OptionError where vectors and model would be one file."""
    from cleora_jax._atomic import check_target

    if args.save_model is not None and check_target(args.save_model) == (args.output and check_target(args.output)):
        raise OptionError(f"`--save-model` {args.save_model!r} is `--output`, too; choose another name.")


def write(
    args: argparse.Namespace, embeddings: dict[str, Embedding], fitted: Fitted | None = None
) -> tuple[list[str], list[Embedding]]:
    """Write vectors by path, of one column where that is asked, and the model where there is one: all or none.

    Returns:
        The paths of all that is written, and the vectors.
    """
    from cleora_jax._atomic import atomic_path
    from cleora_jax.vectors.embedding import save_embeddings

    if args.column is not None:
        embeddings = {path: embedding.of_column(args.column) for path, embedding in embeddings.items()}
    with nullcontext() if fitted is None else atomic_path(args.save_model) as temporary:
        if fitted is not None and temporary is not None:
            fitted.save(temporary)
        if embeddings:
            save_embeddings(embeddings)
    return [*embeddings, *([] if fitted is None else [args.save_model])], list(embeddings.values())


def vectors_in(embedding: Embedding, paths: Sequence[str]) -> str:
    """What was written, for people."""
    return f"{len(embedding):,} vectors of {embedding.dim} columns in {', '.join(paths)}"


def answer(paths: list[str], embedding: Embedding, **more: Any) -> dict[str, Any]:
    """What was written, for programs."""
    return {"output": paths, "entities": len(embedding), "dim": embedding.dim, **more}
