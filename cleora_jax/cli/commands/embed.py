"""`cleora-jax embed`."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from cleora_jax._checks import OptionError
from cleora_jax.cli.features import features_of
from cleora_jax.cli.messages import say
from cleora_jax.cli.method import method_arguments, method_of, say_joint
from cleora_jax.cli.models import with_reading
from cleora_jax.cli.options import refuse
from cleora_jax.cli.places import place_arguments, places_of
from cleora_jax.cli.reading import graph_summary, input_arguments, read_graph
from cleora_jax.cli.sharing import check_shared, embed_part
from cleora_jax.cli.watching import steps
from cleora_jax.cli.writing import (
    answer,
    check_not_an_input,
    check_two_files,
    column_argument,
    output_argument,
    vectors_in,
    write,
)

if TYPE_CHECKING:
    from cleora_jax import Cleora, Embedding, Features, Fitted, Graph
    from cleora_jax.cleora import Method

HELP = "embed the entities of interaction files"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Files, a method, and where vectors and model go."""
    input_arguments(parser, required=True)
    output_argument(parser, help="where to write; the suffix decides: .npz .npy .csv .tsv .parquet .vec .txt .bin")
    column_argument(parser)
    parser.add_argument(
        "--relations", choices=("joint", "apart"), default=None,
        help="several relations: add them up, or write one file each (default: joint, and says so)",
    )  # fmt: skip
    parser.add_argument("--save-model", metavar="FILE", help="keep what `transform` and `update` need (.npz)")
    parser.add_argument(
        "--dry-run", action="store_true", help="read, and tell what memory and time it would take; no more"
    )
    place_arguments(parser)
    method_arguments(parser)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Read, embed, write; what can be checked is checked before the step that it would spoil."""
    from cleora_jax.vectors.formats import check_destination

    check_destination(args.output)
    method, init = method_of(args), features_of(args)
    if args.save_model is not None:
        _check_model(args, method)
    if args.dry_run:
        refuse(args, ["save_model", "coordinator"], "does not go with `--dry-run`, which does not reckon with it.")
    if args.read_share is not None:
        check_shared(args, method)
    places = places_of(args, method)
    if args.read_share is not None:
        return embed_part(args, cast("Cleora", method))
    start = time.perf_counter()
    graph = read_graph(args, args.input)
    built = time.perf_counter()
    files = _files(args, graph)
    _say_how(args, graph, method, init)
    if args.dry_run:
        return _dry(args, graph, method, places)
    embeddings, fitted = _embed(args, graph, method, init, places)
    done = time.perf_counter()
    if args.process_id:
        say(args, f"process {args.process_id} of {args.processes} is done; process 0 writes the output")
        return {"output": [], **graph_summary(graph)}
    found = {str(files[name]): embedding for name, embedding in embeddings.items()}
    written, (first, *_) = write(args, found, fitted)
    if "checkpoint" in places:
        places["checkpoint"].clear()
    seconds = f"(reading {built - start:.1f} s, embedding {done - built:.1f} s)"
    say(args, f"{vectors_in(first, written)} {seconds}")
    took = {"seconds_reading": round(built - start, 4), "seconds_embedding": round(done - built, 4)}
    return answer(written, first, **took, **graph_summary(graph))


def _check_model(args: argparse.Namespace, method: Method) -> None:
    """Raise, before the work, unless a model can be fitted and kept as asked."""
    if args.algorithm != "cleora":
        raise OptionError(f"`--save-model` needs Cleora; `--algorithm {args.algorithm}` has no state for new entities.")
    from cleora_jax.cleora.inductive import check_inductive

    if args.relations == "apart":
        raise OptionError("`--save-model` keeps one embedding: it does not go with `--relations apart`.")
    check_inductive(cast("Cleora", method))
    check_two_files(args)


def _files(args: argparse.Namespace, graph: Graph) -> dict[str, Path]:
    """The file of each embedding, checked before the work: with relations apart, their names go before the suffix."""
    from cleora_jax.vectors.formats import check_destination

    output = Path(args.output)
    names = [one.name for one in graph.relations] if args.relations == "apart" else [""]
    if any(os.sep in name for name in names):
        raise OptionError(f"`--relations apart`: the names {names} go into file names and must not hold {os.sep!r}.")
    files = {name: output.with_name(f"{output.stem}.{name}{output.suffix}") if name else output for name in names}
    vocab = graph.vocab.take(graph.kept)
    if args.column is not None:
        vocab = vocab.of_column(args.column)
        if not len(vocab):
            raise OptionError(f"`--column` {args.column!r} is transient: its entities are not among the results.")
    for path in files.values():
        check_destination(path, vocab=vocab)
        check_not_an_input(str(path), graph.report.sources)
    check_not_an_input(args.save_model, graph.report.sources, "--save-model")
    return files


def _say_how(args: argparse.Namespace, graph: Graph, method: Method, init: Features | None) -> None:
    """Say what the vectors start from, and what becomes of several relations where nobody asked."""
    if init is not None:
        say(args, f"features of {int((init.rows(graph.vocab) >= 0).sum()):,} of {graph.num_entities:,} entities")
    if args.relations is None:
        say_joint(args, graph, method, "; --relations apart writes one file each")


def _dry(args: argparse.Namespace, graph: Graph, method: Method, places: dict[str, Any]) -> dict[str, Any]:
    """What it would take; refused where it would be."""
    from cleora_jax import estimate
    from cleora_jax._memory import available_bytes, readable
    from cleora_jax.cleora.needs import check_memory

    spill, memory, free = places.get("spill"), places.get("memory"), available_bytes()
    check_memory(graph, method, memory=memory, spill=spill is not None)
    told = estimate(graph, method, spill=spill)
    say(args, f"would take {told}" + ("" if free is None else f"; {readable(free)} are free"))
    figures = {"bytes_held": told.held, "bytes_needed": told.needed, "bytes_free": free, "seconds": told.seconds}
    return {"output": [], **figures, **graph_summary(graph)}


def _embed(
    args: argparse.Namespace, graph: Graph, method: Method, init: Features | None, places: dict[str, Any]
) -> tuple[dict[str, Embedding], Fitted | None]:
    """The embeddings, by relation where they are apart, and the model where it is to be kept."""
    from cleora_jax import embed, embed_apart, fit

    with steps(args) as progress:
        if args.relations == "apart":
            return embed_apart(graph, method, init=init, progress=progress, **places), None
        if args.save_model is None:
            return {"": embed(graph, method, init=init, relations="joint", progress=progress, **places)}, None
        fitted = fit(graph, cast("Cleora", method), init=init, relations="joint", progress=progress)
        return {"": fitted.embedding}, with_reading(args, fitted)
