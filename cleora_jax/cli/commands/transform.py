"""`cleora-jax transform`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from cleora_jax._checks import InputError
from cleora_jax.cli.messages import say
from cleora_jax.cli.models import as_read, model_argument
from cleora_jax.cli.reading import input_arguments, read_graph
from cleora_jax.cli.writing import answer, check_not_an_input, column_argument, output_argument, vectors_in, write

if TYPE_CHECKING:
    from cleora_jax import Embedding

HELP = "vectors of new entities, by a saved model"


def arguments(parser: argparse.ArgumentParser) -> None:
    """A model, files, and where the vectors go."""
    model_argument(parser)
    input_arguments(parser, required=True, remembered=True)
    output_argument(parser)
    parser.add_argument("--all", action="store_true", help="write the known entities, too, their vectors as they are")
    column_argument(parser)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Vectors of the entities that the model does not know; nothing of it moves."""
    from cleora_jax import load_fitted, transform
    from cleora_jax.vectors.formats import check_destination

    check_destination(args.output)
    fitted = load_fitted(args.model)
    graph = read_graph(as_read(args, fitted), args.input)
    check_not_an_input(args.output, [*graph.report.sources, args.model])
    found = transform(fitted, graph)
    new, lost = len(found), int((~found.vectors.any(axis=1)).sum())
    if not (new or args.all):
        raise InputError("`--input` holds no entity that the model does not know; `--all` writes those that it knows.")
    found = _with_known(fitted.embedding, found) if args.all else found
    written, (found,) = write(args, {args.output: found})
    say(args, f"{new:,} new entities" + (f", {lost:,} of them with no path to a known one: zeros" if lost else ""))
    say(args, vectors_in(found, written))
    return answer(written, found, new=new, without_path=lost)


def _with_known(known: Embedding, found: Embedding) -> Embedding:
    """Both, the known ones first."""
    import numpy as np

    from cleora_jax import Embedding

    vocab = known.vocab.joined(found.vocab)[0]
    return Embedding(np.concatenate([known.vectors, found.vectors]), vocab, known.settings)
