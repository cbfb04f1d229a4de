"""Interaction files: how they are to be read, the graph that is read from them, and what it holds."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cleora_jax.cli.messages import say
from cleora_jax.cli.watching import bar

if TYPE_CHECKING:
    from cleora_jax import BuildReport, Graph

DEFAULT_COLUMNS = "complex::reflexive::node"
READING = {
    "columns": DEFAULT_COLUMNS, "format": "auto", "weight": None, "group_by": None, "shared_ids": False,
    "header": False, "comment": None,
}  # how lines are read: a model remembers it, for the lines to come  # fmt: skip


def input_arguments(parser: argparse.ArgumentParser, *, required: bool, remembered: bool = False) -> None:
    """`--input` and the ways of reading; where a model remembers these, None stands for its own."""
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
    group.add_argument("--weight", metavar="COLUMN", help="column of hyperedge weights, or 'last' entry of a line")
    group.add_argument("--group-by", metavar="COLUMN", help="rows with the same value here form one hyperedge")
    group.add_argument("--shared-ids", action="store_true", help="equal ids in different columns are one entity")
    line_arguments(group)
    if remembered:  # what is not given is as the model says, see `models.as_read`
        parser.set_defaults(**dict.fromkeys(READING))


def line_arguments(group: argparse._ActionsContainer) -> None:
    """How lines are split, and what is done with those that are no rows; of every command that reads files."""
    group.add_argument(
        "--format", default="auto", choices=("auto", "tsv", "csv", "space", "jsonl", "parquet"),
        help="how lines are split (default: by suffix and first line)",
    )  # fmt: skip
    group.add_argument(
        "--header", action="store_true",
        help="the first line of each file names its columns: find those of the spec by name, ignore others",
    )  # fmt: skip
    group.add_argument("--comment", metavar="PREFIX", help="skip lines that start with this, e.g. '#'")
    group.add_argument(
        "--on-bad-line", choices=("error", "skip"), default="error",
        help="a line that does not fit: stop, or leave it out and count it (default: error)",
    )  # fmt: skip


def read_graph(args: argparse.Namespace, paths: Sequence[str]) -> Graph:
    """The graph of some files, and a line that says what it is."""
    from cleora_jax.graph import read

    with bar(args) as progress:
        ways = {name: getattr(args, name) for name in READING}
        graph = read(paths, **ways, on_bad_line=args.on_bad_line, progress=progress)
    say_read(args, graph, graph.report)
    return graph


def say_read(args: argparse.Namespace, found: Any, report: BuildReport) -> None:
    """A line that says what was read, and one of what was left out."""
    say(args, f"{found} read as {report.format}")
    if report.bad_lines:
        say(args, f"{report.bad_lines:,} of {report.lines:,} lines left out, the first: {report.bad_examples[0]}")


def graph_summary(graph: Graph) -> dict[str, Any]:
    """What a graph holds, and what its lines were."""
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
