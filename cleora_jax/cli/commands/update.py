"""`cleora-jax update`."""

from __future__ import annotations

import argparse
from typing import Any

from cleora_jax._checks import OptionError
from cleora_jax.cli.messages import say
from cleora_jax.cli.models import as_read, model_argument
from cleora_jax.cli.reading import input_arguments, read_graph
from cleora_jax.cli.watching import steps
from cleora_jax.cli.writing import answer, check_not_an_input, check_two_files, column_argument, output_argument, write

HELP = "add lines to a saved model, or remove some"


def arguments(parser: argparse.ArgumentParser) -> None:
    """A model, lines to add or to remove, and where vectors and the new model go."""
    model_argument(parser)
    input_arguments(parser, required=False, remembered=True)
    parser.add_argument("--gone", nargs="+", metavar="FILE", help="lines to remove, read as those of --input are")
    output_argument(parser, required=False, help="where to write all vectors; the suffix decides")
    column_argument(parser)
    parser.add_argument("--save-model", metavar="FILE", help="where to keep the new model; may be the old one's place")
    parser.add_argument("--iterations", "-n", type=int, help="steps of a warm start (default: 10 where it is one)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Go on from a model, with lines more or fewer."""
    from cleora_jax import load_fitted, update

    _check(args)
    fitted = load_fitted(args.model)
    reading = as_read(args, fitted)
    more, gone = (None if paths is None else read_graph(reading, paths) for paths in (args.input, args.gone))
    sources = [source for graph in (more, gone) if graph is not None for source in graph.report.sources]
    check_not_an_input(args.output, [*sources, args.model])
    check_not_an_input(args.save_model, sources, "--save-model")
    with steps(args) as progress:
        grown = update(fitted, more, gone=gone, num_iterations=args.iterations, progress=progress)
    found = {} if args.output is None else {args.output: grown.embedding}
    written, kept = write(args, found, None if args.save_model is None else grown)
    new = grown.graph.num_entities - fitted.graph.num_entities
    say(args, f"{new:,} new entities, {len(grown.embedding):,} in all; written: {', '.join(written)}")
    return answer(written, *(kept or [grown.embedding]), new=new)


def _check(args: argparse.Namespace) -> None:
    """Raise, before the work, unless there is something to do and a place for what comes of it."""
    from cleora_jax.vectors.formats import check_destination

    if args.output is None and args.save_model is None:
        raise OptionError("give `--output`, `--save-model` or both: where what comes of it is to be written.")
    if args.input is None and args.gone is None:
        raise OptionError("give `--input` (lines to add), `--gone` (lines to remove) or both.")
    if args.output is not None:
        check_destination(args.output)
    elif args.column is not None:
        raise OptionError("`--column` says what is written to `--output`, which is not given.")
    check_two_files(args)
