"""`cleora-jax index`."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

from cleora_jax.cli.messages import say
from cleora_jax.cli.searching import recall_arguments, recalled, search_file_arguments, vectors_and_place
from cleora_jax.cli.watching import bar

HELP = "write an index of saved vectors, for approximate search"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Two files, and how the index is made."""
    search_file_arguments(parser)
    parser.add_argument(
        "--engine", default="usearch", choices=("usearch", "faiss"), help="what makes it (default: usearch)"
    )
    parser.add_argument("--links", type=int, default=16, help="of an entity; more find better (default: 16)")
    parser.add_argument("--effort", type=int, default=128, help="candidates; more find better, slower (default: 128)")
    recall_arguments(parser)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Read vectors, put them in an index, tell how much it finds, and write it with a note of that."""
    from cleora_jax import build_index

    embedding = vectors_and_place(args)
    with bar(args) as progress:
        index = build_index(embedding, args.engine, links=args.links, effort=args.effort, progress=progress)
    recall = recalled(args, index.recall)
    replace(index, notes=recall).save(args.output)
    say(args, f"an index of {len(index):,} vectors of {index.dim} columns in {args.output}")
    return {"output": args.output, "entities": len(index), "dim": index.dim, "engine": args.engine, **recall}
