"""`cleora-jax info`."""

from __future__ import annotations

import argparse
from typing import Any

from cleora_jax.cli.messages import show
from cleora_jax.cli.reading import graph_summary, read_graph
from cleora_jax.cli.source import check_source, source_arguments

HELP = "describe interaction files or saved embeddings"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Files or saved vectors."""
    source_arguments(parser, "embeddings to describe")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Describe the one or the other."""
    check_source(args, "--input (interaction files) or --embeddings (a saved file)")
    if args.embeddings:
        summary = _of_saved(args.embeddings)
        _show_all(args, summary)
        return summary
    from cleora_jax.stats import report

    graph = read_graph(args, args.input)
    found, summary = report(graph), graph_summary(graph)
    show(args, f"{found}\n")
    _show_all(args, summary)
    return summary | {"report": found.record()}


def _show_all(args: argparse.Namespace, summary: dict[str, Any]) -> None:
    for key, value in summary.items():
        show(args, f"{key.replace('_', ' '):<16} {_readable(value)}")


def _of_saved(path: str) -> dict[str, Any]:
    from cleora_jax import load_embedding

    embedding = load_embedding(path)
    return {
        "entities": len(embedding),
        "dim": embedding.dim,
        "columns": list(embedding.vocab.columns),
        "settings": embedding.settings,
    }


def _readable(value: Any) -> str:
    """A value of a summary, for people."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_readable(part)}" for name, part in value.items()) or "-"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_readable, value)) or "-"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return "-" if value is None else str(value)
