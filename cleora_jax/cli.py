"""The command line, `cleora-jax embed` and others. Heavy libraries load once arguments are read."""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import textwrap
import time
import warnings
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from cleora_jax._checks import InputError, NotFoundError, OptionError, listed
from cleora_jax._version import __version__

if TYPE_CHECKING:
    from cleora_jax import Cleora, Embedding, Features, Fitted, Graph
    from cleora_jax._progress import Progress
    from cleora_jax.cleora import Method

OK, FAILED, WRONG_INPUT = 0, 1, 2
DEFAULT_COLUMNS = "complex::reflexive::node"
DEFAULT_SCALES = (10, 20, 30, 40)
READING = {
    "columns": DEFAULT_COLUMNS, "format": "auto", "weight": None, "group_by": None, "shared_ids": False,
    "header": False, "comment": None,
}  # how lines are read: a model remembers it, for the lines to come  # fmt: skip
METHOD_OPTIONS = (
    "dim", "iterations", "propagation", "normalization", "whiten", "whiten_alpha", "whiten_rank", "residual_weight",
    "init", "seed", "form", "hyperedge_trim_n", "tolerance", "scales", "attention_temperature", "metapath",
)  # fmt: skip
START_OPTIONS = ("features", "feature_weight", "feature_column")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0 done; 2 wrong arguments or input, or interrupted (a message says what to do); 1 anything else.
    """
    args = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: nothing unfinished is left behind
    with warnings.catch_warnings():
        warnings.showwarning = partial(_show_warning, vars(args))
        return _run(args)


def _run(args: argparse.Namespace) -> int:
    try:
        if args.threads is not None:
            _limit_threads(args.threads)
        command: Callable[[argparse.Namespace], dict[str, Any]] = args.command
        answer = command(args)
        if args.json:
            print(json.dumps(answer, ensure_ascii=False))
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has seen enough (`| head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing more to flush into the pipe
        return OK
    except (
        InputError, OptionError, NotFoundError, FileNotFoundError, IsADirectoryError, NotADirectoryError,
    ) as error:  # fmt: skip
        return _fail(_as_options(vars(args), str(error)))
    except OSError as error:  # a full or failing disk
        return _fail(str(error), FAILED)
    except KeyboardInterrupt:
        return _fail("interrupted; no unfinished file was left. Run the command again to start over.")
    except MemoryError as error:
        return _fail(str(error) or "not enough memory: use a smaller --dim.", FAILED)
    return OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cleora-jax",
        description="Embeddings of graphs and hypergraphs: interaction files in, vectors and neighbours out.",
    )
    parser.add_argument("--version", action="version", version=f"cleora-jax {__version__}")
    commands = parser.add_subparsers(metavar="command", required=True)
    _methods_arguments(commands.add_parser("methods", help="list the methods of embedding and their settings"))
    _embed_arguments(commands.add_parser("embed", help="embed the entities of interaction files"))
    _transform_arguments(commands.add_parser("transform", help="vectors of new entities, by a saved model"))
    _update_arguments(commands.add_parser("update", help="add lines to a saved model, or remove some"))
    _info_arguments(commands.add_parser("info", help="describe interaction files or saved embeddings"))
    _similar_arguments(commands.add_parser("similar", help="list the entities most similar to one"))
    _convert_arguments(commands.add_parser("convert", help="write saved embeddings in another format"))
    return parser


def _embed_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_embed, parser=parser)
    _input_arguments(parser, required=True)
    parser.add_argument(
        "--output", "-o", required=True, metavar="FILE",
        help="where to write; the suffix decides: .npz .npy .csv .tsv .parquet .vec .txt .bin",
    )  # fmt: skip
    parser.add_argument("--column", metavar="NAME", help="write only the entities of this column")
    parser.add_argument(
        "--relations", choices=("joint", "apart"), default=None,
        help="several relations: add them up, or write one file each (default: joint, and says so)",
    )  # fmt: skip
    parser.add_argument("--save-model", metavar="FILE", help="keep what `transform` and `update` need (.npz)")
    _method_arguments(parser)
    _common_arguments(parser)


def _methods_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_methods)
    _common_arguments(parser)


def _transform_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_transform, parser=parser)
    parser.add_argument("--model", "-m", required=True, metavar="FILE", help="what `embed --save-model` wrote")
    _input_arguments(parser, required=True, remembered=True)
    parser.add_argument("--output", "-o", required=True, metavar="FILE", help="where to write; the suffix decides")
    parser.add_argument("--all", action="store_true", help="write the known entities, too, their vectors as they are")
    parser.add_argument("--column", metavar="NAME", help="write only the entities of this column")
    _common_arguments(parser)


def _update_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_update, parser=parser)
    parser.add_argument("--model", "-m", required=True, metavar="FILE", help="what `embed --save-model` wrote")
    _input_arguments(parser, required=False, remembered=True)
    parser.add_argument("--gone", nargs="+", metavar="FILE", help="lines to remove, read as those of --input are")
    parser.add_argument("--output", "-o", metavar="FILE", help="where to write all vectors; the suffix decides")
    parser.add_argument("--column", metavar="NAME", help="write only the entities of this column")
    parser.add_argument("--save-model", metavar="FILE", help="where to keep the new model; may be the old one's place")
    parser.add_argument("--iterations", "-n", type=int, help="steps of a warm start (default: 10 where it is one)")
    _common_arguments(parser)


def _info_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_info, parser=parser)
    _input_arguments(parser, required=False)
    parser.add_argument("--embeddings", metavar="FILE", help="saved embeddings to describe")
    _common_arguments(parser)


def _similar_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_similar, parser=parser)
    _input_arguments(parser, required=False)
    parser.add_argument("--embeddings", metavar="FILE", help="saved embeddings to search")
    parser.add_argument("--entity", action="append", required=True, metavar="ID", help="the query; may be repeated")
    parser.add_argument("--column", metavar="NAME", help="the query's column, where ids stand in several")
    parser.add_argument("--among", metavar="NAME", help="list only entities of this column")
    parser.add_argument("--top-k", "-k", type=int, default=10, metavar="K", help="how many (default: 10)")
    _method_arguments(parser)
    _common_arguments(parser)


def _convert_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_convert)
    parser.add_argument("--input", "-i", required=True, metavar="FILE", help="saved embeddings")
    parser.add_argument("--output", "-o", required=True, metavar="FILE", help="where to write; the suffix decides")
    parser.add_argument("--column", metavar="NAME", help="write only the entities of this column")
    _common_arguments(parser)


def _input_arguments(parser: argparse.ArgumentParser, *, required: bool, remembered: bool = False) -> None:
    usual = "as the model's lines" if remembered else "%(default)s, a line of entities"
    group = parser.add_argument_group("input")
    group.add_argument(
        "--input", "-i", nargs="+", required=required, metavar="FILE",
        help="files, globs or folders, also .gz and .zst; '-' is standard input",
    )  # fmt: skip
    group.add_argument(
        "--columns", "-c", default=DEFAULT_COLUMNS, metavar="SPEC",
        help=f"column spec, e.g. 'user complex::reflexive::product' (default: {usual})",
    )  # fmt: skip
    group.add_argument(
        "--format", default="auto", choices=("auto", "tsv", "csv", "space", "jsonl", "parquet"),
        help="how lines are split (default: by suffix and first line)",
    )  # fmt: skip
    group.add_argument("--weight", metavar="COLUMN", help="column of hyperedge weights, or 'last' entry of a line")
    group.add_argument("--group-by", metavar="COLUMN", help="rows with the same value here form one hyperedge")
    group.add_argument("--shared-ids", action="store_true", help="equal ids in different columns are one entity")
    group.add_argument(
        "--header", action="store_true",
        help="the first line of each file names its columns: find those of the spec by name, ignore others",
    )  # fmt: skip
    group.add_argument("--comment", metavar="PREFIX", help="skip lines that start with this, e.g. '#'")
    group.add_argument(
        "--on-bad-line", choices=("error", "skip"), default="error",
        help="a line that does not fit: stop, or leave it out and count it (default: error)",
    )  # fmt: skip
    if remembered:  # what is not given is as the model says, see `_as_read`
        parser.set_defaults(**dict.fromkeys(READING))


def _method_arguments(parser: argparse.ArgumentParser) -> None:
    """Options not given are left to the method, whose defaults hold."""
    group = parser.add_argument_group(
        "method", "(defaults are those of Cleora; other methods take --dim, --seed and --set)"
    )
    group.add_argument(
        "--algorithm", default="cleora", metavar="NAME", help="see `cleora-jax methods` (default: cleora)"
    )
    group.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", type=_setting,
        help="a setting of the method, e.g. --algorithm netmf --set window=5 --set rank=256; may be repeated",
    )  # fmt: skip
    group.add_argument("--dim", "-d", type=int, help="columns of the vectors (default: 256; 128 for other methods)")
    group.add_argument("--iterations", "-n", type=int, help="steps (default: 40)")
    group.add_argument(
        "--propagation", choices=("left", "symmetric", "directed", "directed-in", "directed-both"),
        help="the Markov matrix (default: left)",
    )  # fmt: skip
    group.add_argument("--normalization", choices=("l2", "l1", "none"), help="of rows (default: l2)")
    group.add_argument(
        "--whiten", type=lambda text: int(text) if text.isdecimal() else text,
        help="every, last, off, or a number k of steps (default: every)",
    )  # fmt: skip
    group.add_argument("--whiten-alpha", type=float, help="softness in [0, 1] (default: 1)")
    group.add_argument("--whiten-rank", type=int, help="directions kept (default: entities / 16, at most dim)")
    group.add_argument("--residual-weight", type=float, help="in [0, 1) (default: 0)")
    group.add_argument("--init", choices=("hash", "pycleora"), help="first vectors (default: hash)")
    group.add_argument("--seed", type=int, help="of the first vectors (default: 0)")
    group.add_argument("--form", choices=("auto", "clique", "factored"), help=argparse.SUPPRESS)
    group.add_argument(
        "--hyperedge-trim-n", type=int, metavar="N",
        help="of larger hyperedges, keep only pairs with one of their N most frequent entities (default: all)",
    )  # fmt: skip
    group.add_argument("--tolerance", type=float, help="stop when the column space moves by at most this")
    group.add_argument(
        "--scales", type=_depths, nargs="?", const=DEFAULT_SCALES, metavar="DEPTHS",
        help="vectors of several depths side by side (given without DEPTHS: 10,20,30,40)",
    )  # fmt: skip
    group.add_argument(
        "--attention-temperature", type=float, metavar="T",
        help="weigh neighbours by exp(cosine / T) of the vectors at each step (default: do not)",
    )  # fmt: skip
    group.add_argument(
        "--metapath", type=lambda text: tuple(text.split(",")), metavar="RELATIONS",
        help="walk these relations in turn and back, e.g. user-item,item-shop; '~' goes against one",
    )  # fmt: skip
    group.add_argument(
        "--features", metavar="FILE",
        help="start from features: .parquet, or .csv or .tsv with a header; ids in the first column or one called id",
    )  # fmt: skip
    group.add_argument(
        "--feature-weight", type=float, help="of features against hashed vectors, in [0, 1] (default: 0.5)"
    )
    group.add_argument("--feature-column", metavar="NAME", help="the column whose entities have the features")


def _depths(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"depths are whole numbers with commas, as 10,20,30; got {text!r}") from None


def _common_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--threads", type=int, metavar="N", help="processor cores to use (default: all)")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--quiet", "-q", action="store_true", help="no progress bar and no summary")


def _embed(args: argparse.Namespace) -> dict[str, Any]:
    from cleora_jax.vectors.formats import check_destination

    check_destination(args.output)
    method, init = _method(args), _features(args)
    if args.save_model is not None:
        _check_model(args, method)
    start = time.perf_counter()
    graph = _graph(args, args.input)
    built = time.perf_counter()
    from cleora_jax import embed, embed_apart, fit

    files = _outputs(args, graph)
    fitted: Fitted | None = None
    if init is not None:
        _say(args, f"features of {int((init.rows(graph.vocab) >= 0).sum()):,} of {graph.num_entities:,} entities")
    with _progress(args) as bar, _between_steps(bar) as progress:
        if args.relations == "apart":
            embeddings = embed_apart(graph, method, init=init, progress=progress)
        else:
            joint: Literal["joint"] | None = "joint" if len(graph.relations) > 1 else None
            if joint and args.relations is None and not getattr(method, "metapath", ()):
                names = listed(relation.name for relation in graph.relations)
                _say(args, f"several relations ({names}) added up; --relations apart writes one file each")
            if args.save_model is None:
                embeddings = {"": embed(graph, method, init=init, relations=joint, progress=progress)}
            else:
                fitted = fit(graph, cast("Cleora", method), init=init, relations=joint, progress=progress)
                embeddings = {"": fitted.embedding}
    done = time.perf_counter()
    found = {str(files[name]): embedding for name, embedding in embeddings.items()}
    found = _write(args, found, fitted and _with_reading(args, fitted))
    written, first = [*found, *([args.save_model] if fitted else [])], next(iter(found.values()))
    _say(args, f"{len(first):,} vectors of {first.dim} columns in {', '.join(written)} "
               f"(reading {built - start:.1f} s, embedding {done - built:.1f} s)")  # fmt: skip
    return {
        "output": written, "entities": len(first), "dim": first.dim,
        "seconds_reading": round(built - start, 4), "seconds_embedding": round(done - built, 4),
        **_graph_summary(graph),
    }  # fmt: skip


def _check_model(args: argparse.Namespace, method: Method) -> None:
    """Raise, before the work, unless a model can be fitted and kept as asked."""
    if args.algorithm != "cleora":
        raise OptionError(f"`--save-model` needs Cleora; `--algorithm {args.algorithm}` has no state for new entities.")
    from cleora_jax._atomic import check_target
    from cleora_jax.cleora.inductive import check_inductive

    if args.relations == "apart":
        raise OptionError("`--save-model` keeps one embedding: it does not go with `--relations apart`.")
    check_inductive(cast("Cleora", method))
    if check_target(args.save_model) == check_target(args.output):
        raise OptionError(f"`--save-model` {args.save_model!r} is `--output`, too; choose another name.")


def _with_reading(args: argparse.Namespace, fitted: Fitted) -> Fitted:
    """The model with a note of how its lines were read."""
    from dataclasses import replace

    return replace(fitted, notes={"reading": {name: getattr(args, name) for name in READING}})


def _write(
    args: argparse.Namespace, embeddings: dict[str, Embedding], fitted: Fitted | None = None
) -> dict[str, Embedding]:
    """Write vectors by path, of one column where that is asked, and the model where there is one: all or none."""
    from cleora_jax._atomic import atomic_path
    from cleora_jax.vectors.embedding import save_embeddings

    if args.column is not None:
        embeddings = {path: embedding.of_column(args.column) for path, embedding in embeddings.items()}
    with nullcontext() if fitted is None else atomic_path(args.save_model) as temporary:
        if fitted is not None and temporary is not None:
            fitted.save(temporary)
        if embeddings:
            save_embeddings(embeddings)
    return embeddings


def _transform(args: argparse.Namespace) -> dict[str, Any]:
    import numpy as np

    from cleora_jax import Embedding, load_fitted, transform
    from cleora_jax.vectors.formats import check_destination

    check_destination(args.output)
    fitted = load_fitted(args.model)
    graph = _graph(_as_read(args, fitted), args.input)
    _check_not_an_input(args.output, [*graph.report.sources, args.model])
    found = transform(fitted, graph)
    new, lost = len(found), int((~found.vectors.any(axis=1)).sum())
    if args.all:
        known = fitted.embedding
        vocab = known.vocab.joined(found.vocab)[0]
        found = Embedding(np.concatenate([known.vectors, found.vectors]), vocab, known.settings)
    elif not new:
        raise InputError("`--input` holds no entity that the model does not know; `--all` writes those that it knows.")
    ((written, found),) = _write(args, {args.output: found}).items()
    _say(args, f"{new:,} new entities" + (f", {lost:,} of them with no path to a known one: zeros" if lost else ""))
    _say(args, f"{len(found):,} vectors of {found.dim} columns in {written}")
    return {"output": [written], "entities": len(found), "dim": found.dim, "new": new, "without_path": lost}


def _update(args: argparse.Namespace) -> dict[str, Any]:
    from cleora_jax import load_fitted, update
    from cleora_jax._atomic import check_target
    from cleora_jax.vectors.formats import check_destination

    if args.output is None and args.save_model is None:
        raise OptionError("give `--output`, `--save-model` or both: where what comes of it is to be written.")
    if args.input is None and args.gone is None:
        raise OptionError("give `--input` (lines to add), `--gone` (lines to remove) or both.")
    if args.output is not None:
        check_destination(args.output)
    elif args.column is not None:
        raise OptionError("`--column` says what is written to `--output`, which is not given.")
    if args.save_model is not None and check_target(args.save_model) == (args.output and check_target(args.output)):
        raise OptionError(f"`--save-model` {args.save_model!r} is `--output`, too; choose another name.")
    fitted = load_fitted(args.model)
    more, gone = (None if paths is None else _graph(_as_read(args, fitted), paths) for paths in (args.input, args.gone))
    sources = [source for graph in (more, gone) if graph is not None for source in graph.report.sources]
    if args.output is not None:
        _check_not_an_input(args.output, [*sources, args.model])
    if args.save_model is not None:
        _check_not_an_input(args.save_model, sources, "--save-model")
    with _progress(args) as bar, _between_steps(bar) as progress:
        grown = update(fitted, more, gone=gone, num_iterations=args.iterations, progress=progress)
    found = {} if args.output is None else {args.output: grown.embedding}
    written = [*_write(args, found, None if args.save_model is None else grown), *filter(None, [args.save_model])]
    new = grown.graph.num_entities - fitted.graph.num_entities
    _say(args, f"{new:,} new entities, {len(grown.embedding):,} in all; written: {', '.join(written)}")
    return {"output": written, "entities": len(grown.embedding), "dim": grown.embedding.dim, "new": new}


def _as_read(args: argparse.Namespace, fitted: Fitted) -> argparse.Namespace:
    """The arguments, with the model's ways of reading in place of those that were not given."""
    remembered = READING | fitted.notes.get("reading", {})
    chosen = {name: remembered[name] if getattr(args, name) is None else getattr(args, name) for name in READING}
    return argparse.Namespace(**{**vars(args), **chosen})


def _refuse(args: argparse.Namespace, names: Sequence[str], why: str) -> None:
    """Raise OptionError for the first of some options that was given another value than its default."""
    for name in names:
        if getattr(args, name) != args.parser.get_default(name):
            raise OptionError(f"`--{name.replace('_', '-')}` {why}")


SAVED = "does not go with `--embeddings`, which holds vectors that are made already."


def _outputs(args: argparse.Namespace, graph: Graph) -> dict[str, Path]:
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
        _check_not_an_input(path, graph.report.sources)
    if args.save_model is not None:
        _check_not_an_input(args.save_model, graph.report.sources, "--save-model")
    return files


def _info(args: argparse.Namespace) -> dict[str, Any]:
    if bool(args.input) == bool(args.embeddings):
        raise OptionError("give either --input (interaction files) or --embeddings (a saved file).")
    if args.embeddings:
        _refuse(args, [*READING, "on_bad_line"], SAVED)
        from cleora_jax import load_embedding

        embedding = load_embedding(args.embeddings)
        summary = {"entities": len(embedding), "dim": embedding.dim, "columns": list(embedding.vocab.columns),
                   "settings": embedding.settings}  # fmt: skip
    else:
        graph = _graph(args, args.input)
        summary = _graph_summary(graph)
    for key, value in summary.items():
        _say(args, f"{key.replace('_', ' '):<16} {_readable(value)}", stream=sys.stdout)
    return summary


def _readable(value: Any) -> str:
    """A value of a summary, for people."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_readable(part)}" for name, part in value.items()) or "-"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_readable, value)) or "-"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "-" if value is None else str(value)


def _similar(args: argparse.Namespace) -> dict[str, Any]:
    if bool(args.input) == bool(args.embeddings):
        raise OptionError("give either --embeddings (a saved file) or --input (interaction files, embedded first).")
    if args.embeddings:
        _refuse(args, [*READING, "on_bad_line", "algorithm", "set", *METHOD_OPTIONS, *START_OPTIONS], SAVED)
    method, init = _method(args), _features(args)
    if args.top_k < 1:
        raise OptionError(f"`--top-k` must be at least 1, got {args.top_k}.")
    if args.embeddings:
        from cleora_jax import load_embedding

        embedding = load_embedding(args.embeddings)
    else:
        from cleora_jax import embed

        graph = _graph(args, args.input)
        graph.vocab.take(graph.kept).indices(args.entity, args.column)  # before the work, not after it
        with _progress(args) as bar, _between_steps(bar) as progress:
            joint: Literal["joint"] | None = "joint" if len(graph.relations) > 1 else None
            embedding = embed(graph, method, init=init, relations=joint, progress=progress)
    found = embedding.most_similar(args.entity, k=args.top_k, column=args.column, among=args.among)
    for at, vector in enumerate(embedding.rows(args.entity, args.column)):
        if not vector.any():
            _say(args, f"{args.entity[at]!r} stands in no hyperedge: it has the zero vector, and no neighbours.")
            found[at] = []
    for entity, neighbours in zip(args.entity, found, strict=True):
        if len(args.entity) > 1:
            _say(args, entity, stream=sys.stdout)
        for neighbour, score in neighbours:
            _say(
                args,
                f"{score:7.4f}  {neighbour if isinstance(neighbour, str) else '  '.join(neighbour)}",
                stream=sys.stdout,
            )
    return {
        entity: [{**_named(neighbour), "cosine": round(float(score), 6)} for neighbour, score in neighbours]
        for entity, neighbours in zip(args.entity, found, strict=True)
    }


def _named(entity: str | tuple[str, str]) -> dict[str, str]:
    """An entity for JSON: its id, and its column where there are several."""
    return {"id": entity} if isinstance(entity, str) else {"column": entity[0], "id": entity[1]}


def _convert(args: argparse.Namespace) -> dict[str, Any]:
    from cleora_jax import load_embedding
    from cleora_jax.vectors.formats import check_destination

    check_destination(args.output)
    embedding = load_embedding(args.input)
    if args.column is not None:
        embedding = embedding.of_column(args.column)
    embedding.save(args.output)
    _say(args, f"{len(embedding):,} vectors of {embedding.dim} columns in {args.output}")
    return {"output": [args.output], "entities": len(embedding), "dim": embedding.dim}


def _graph(args: argparse.Namespace, paths: Sequence[str]) -> Graph:
    from cleora_jax.graph import read

    with _progress(args) as progress:
        graph = read(
            paths, args.columns, format=args.format, weight=args.weight, group_by=args.group_by,
            shared_ids=args.shared_ids, header=args.header, comment=args.comment, on_bad_line=args.on_bad_line,
            progress=progress,
        )  # fmt: skip
    report = graph.report
    _say(args, f"{graph} read as {report.format}")
    if report.bad_lines:
        _say(args, f"{report.bad_lines:,} of {report.lines:,} lines left out, the first: {report.bad_examples[0]}")
    return graph


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"settings are written as name=value, got {text!r}")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


FIELDS = {"iterations": "num_iterations"}  # of options that have another name


def _method(args: argparse.Namespace) -> Method:
    """The method, of the options that were given."""
    from cleora_jax import METHODS, method_named

    if args.algorithm not in METHODS:
        raise OptionError(f"`--algorithm` must be one of {', '.join(METHODS)}, got {args.algorithm!r}.")
    given = {FIELDS.get(name, name): getattr(args, name) for name in METHOD_OPTIONS if getattr(args, name) is not None}
    try:
        return method_named(args.algorithm, **given | dict(args.set))
    except TypeError as error:  # in Python a bug of the caller; here the user's input
        raise OptionError(str(error)) from error


def _methods(args: argparse.Namespace) -> dict[str, Any]:
    from cleora_jax import METHODS, list_methods

    found: dict[str, dict[str, Any]] = {
        name: {"about": about, "settings": {field.name: repr(field.default) for field in fields(METHODS[name])}}
        for name, about in list_methods().items()
    }
    for name, one in found.items():
        _say(args, f"{name:<12} {one['about']}", stream=sys.stdout)
        settings = ", ".join(f"{setting}={default}" for setting, default in one["settings"].items())
        if not args.quiet:
            _say(args, textwrap.indent(textwrap.fill(settings, 100), " " * 13), stream=sys.stdout)
    return found


def _features(args: argparse.Namespace) -> Features | None:
    """The features to start from, read whole."""
    if args.features is None:
        _refuse(args, ["feature_weight", "feature_column"], "needs `--features`, the table it speaks of.")
        return None
    import pyarrow as pa
    from pyarrow import csv, parquet

    from cleora_jax import Features

    path, separators = args.features, {".csv": ",", ".tsv": "\t"}
    suffix = Path(path).suffix
    if suffix not in (*separators, ".parquet"):
        raise OptionError(f"`--features` must be a .parquet, .csv or .tsv file, got {path!r}.")
    if not os.path.isfile(path):
        raise InputError(f"{path}: no such file.")
    try:
        if suffix == ".parquet":
            table = parquet.read_table(path)
        else:
            split = csv.ParseOptions(delimiter=separators[suffix])
            names = csv.open_csv(path, parse_options=split).schema.names
            ids = "id" if "id" in names else names[0]  # as text: 007 is not 7
            convert = csv.ConvertOptions(column_types={ids: pa.large_string()})
            table = csv.read_csv(path, parse_options=split, convert_options=convert)
        weight = {} if args.feature_weight is None else {"weight": args.feature_weight}
        return Features(table, column=args.feature_column, **weight)
    except (pa.ArrowException, TypeError) as error:
        raise InputError(f"{path}: not a table of features: {error}") from error


def _graph_summary(graph: Graph) -> dict[str, Any]:
    import numpy as np

    counts = np.bincount(graph.vocab.column_of, minlength=len(graph.vocab.columns)).tolist()
    report = graph.report
    return {
        "entities_read": graph.num_entities,
        "per_column": dict(zip(graph.vocab.columns, counts, strict=True)),
        "hyperedges": graph.num_hyperedges,
        "relations": [relation.name for relation in graph.relations],
        "entries": graph.entries(),
        "isolated": report.isolated_entities,
        "lines": report.lines,
        "blank_lines": report.blank_lines,
        "header_lines": report.header_lines,
        "comment_lines": report.comment_lines,
        "bad_lines": report.bad_lines,
        "bad_examples": list(report.bad_examples),
        "format": report.format,
    }


@contextmanager
def _progress(args: argparse.Namespace) -> Iterator[Progress]:
    """A progress bar on a terminal."""
    from cleora_jax._progress import progress_bar

    with progress_bar(False if args.quiet or args.json else None) as bar:
        yield bar


@contextmanager
def _between_steps(progress: Progress) -> Iterator[Progress]:
    """Let Ctrl-C wait for the step at hand: to break off inside a running XLA computation can crash. Twice: now."""
    interrupted = False

    def note(*_: Any) -> None:
        nonlocal interrupted
        interrupted = True
        for number in before:
            signal.signal(number, signal.default_int_handler)
        print("cleora-jax: stopping after this step; Ctrl-C again stops at once.", file=sys.stderr)

    def step(stage: str, done: int, total: int) -> None:
        if interrupted:
            raise KeyboardInterrupt
        progress(stage, done, total)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield step
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if interrupted:  # in the last step
        raise KeyboardInterrupt


def _check_not_an_input(output: Path | str, sources: Sequence[str], option: str = "--output") -> None:
    """Raise OptionError where an output would overwrite an input."""
    from cleora_jax.vectors.formats import files_of

    for file in filter(os.path.exists, files_of(output) if option == "--output" else [str(output)]):
        for source in sources:
            if os.path.exists(source) and os.path.samefile(source, file):
                raise OptionError(f"`{option}` {file!r} is an input, too; choose another name.")


def _limit_threads(count: int) -> None:
    """Confine this process to `count` cores, before jax is imported: XLA sizes its thread pool by them."""
    if not hasattr(os, "sched_setaffinity"):
        raise OptionError("`--threads` needs an operating system with processor affinity (Linux).")
    cores = sorted(os.sched_getaffinity(0))
    if not 1 <= count <= len(cores):
        raise OptionError(f"`--threads` must be between 1 and {len(cores)}, got {count}.")
    os.sched_setaffinity(0, cores[:count])


def _say(args: argparse.Namespace, message: str, stream: Any = None) -> None:
    """Words for people: standard error, or standard output where they are the answer."""
    if args.json or (args.quiet and stream is None):
        return
    print(message, file=stream or sys.stderr)


def _show_warning(options: Container[str], message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"cleora-jax: warning: {_as_options(options, str(message))}", file=sys.stderr)


def _as_options(options: Container[str], message: str) -> str:
    """Names of arguments in a message as the options of the command line that they are."""

    def option(match: re.Match[str]) -> str:
        name = {"num_iterations": "iterations", "paths": "input"}.get(match[1], match[1])
        return f"`--{name.replace('_', '-')}{match[2].replace('=', ' ')}`" if name in options else match[0]

    return re.sub(r"`([a-z_]+)((?:=[^`]*)?)`", option, message)


def _fail(message: str, code: int = WRONG_INPUT) -> int:
    print(f"cleora-jax: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
