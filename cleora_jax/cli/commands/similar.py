"""`cleora-jax similar`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from cleora_jax._checks import OptionError
from cleora_jax.cli.features import features_of
from cleora_jax.cli.messages import say, show
from cleora_jax.cli.method import METHOD_OPTIONS, method_arguments, method_of, say_joint
from cleora_jax.cli.reading import read_graph
from cleora_jax.cli.source import check_source, source_arguments
from cleora_jax.cli.watching import steps

if TYPE_CHECKING:
    from cleora_jax import Features
    from cleora_jax.cleora import Method
    from cleora_jax.vectors.searchable import Searchable

HELP = "list the entities most similar to one"

Neighbours = list[tuple[str | tuple[str, str], float]]


def arguments(parser: argparse.ArgumentParser) -> None:
    """Files or saved vectors, the query, and a method for files."""
    source_arguments(parser, "vectors, an index or codes to search")
    parser.add_argument("--entity", action="append", required=True, metavar="ID", help="the query; may be repeated")
    parser.add_argument("--column", metavar="NAME", help="the query's column, where ids stand in several")
    parser.add_argument("--among", metavar="NAME", help="list only entities of this column")
    parser.add_argument("--top-k", "-k", type=int, default=10, metavar="K", help="how many (default: 10)")
    method_arguments(parser)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Load or make vectors, and list the neighbours in them."""
    either = "--embeddings (saved vectors, an index or codes) or --input (interaction files, embedded first)"
    check_source(args, either, beside=METHOD_OPTIONS)
    method, init = method_of(args), features_of(args)
    if args.top_k < 1:
        raise OptionError(f"`--top-k` must be at least 1, got {args.top_k}.")
    vectors = _vectors(args, method, init)
    found = _neighbours(args, vectors)
    for entity, neighbours in zip(args.entity, found, strict=True):
        if len(args.entity) > 1:
            show(args, entity)
        for neighbour, score in neighbours:
            show(args, f"{score:7.4f}  {neighbour if isinstance(neighbour, str) else '  '.join(neighbour)}")
    listed = {
        entity: [{**_named(neighbour), "cosine": round(float(score), 6)} for neighbour, score in neighbours]
        for entity, neighbours in zip(args.entity, found, strict=True)
    }
    return {**_kind(vectors), "neighbours": listed}


def _vectors(args: argparse.Namespace, method: Method, init: Features | None) -> Searchable:
    from cleora_jax import embed, load_searchable

    if args.embeddings:
        found = load_searchable(args.embeddings)
        _say_kind(args, found)
        return found
    graph = read_graph(args, args.input)
    graph.vocab.take(graph.kept).indices(args.entity, args.column)  # before the work, not after it
    say_joint(args, graph, method)
    with steps(args) as progress:
        return embed(graph, method, init=init, relations="joint", progress=progress)


def _kind(found: Searchable) -> dict[str, Any]:
    """How it is searched, for programs: "exact", or by which engine or codec, with what is known of its recall."""
    from cleora_jax import Compressed, Index
    from cleora_jax.vectors.coding import CODECS

    if isinstance(found, Index):
        return {"search": found.options["engine"], **found.notes}
    if isinstance(found, Compressed):
        return {"search": next(name for name, kind in CODECS.items() if isinstance(found.codec, kind)), **found.notes}
    return {"search": "exact"}


def _say_kind(args: argparse.Namespace, found: Searchable) -> None:
    """Say where search is not that of the vectors themselves."""
    from cleora_jax import Compressed, Index

    if isinstance(found, Index):
        say(args, f"approximate, by {found}{_known(found.notes)}")
    elif isinstance(found, Compressed):
        say(args, f"of coded vectors, by {found}{_known(found.notes)}")


def _known(notes: dict[str, Any]) -> str:
    return "".join(f"; {name} {value}" for name, value in notes.items())


def _neighbours(args: argparse.Namespace, vectors: Searchable) -> list[Neighbours]:
    """Neighbours of each entity asked for; an isolated one has none, and that is said."""
    found = vectors.most_similar(args.entity, k=args.top_k, column=args.column, among=args.among)
    for at, vector in enumerate(vectors.rows(args.entity, args.column)):
        if not vector.any():
            say(args, f"{args.entity[at]!r} stands in no hyperedge: it has the zero vector, and no neighbours.")
            found[at] = []
    return found


def _named(entity: str | tuple[str, str]) -> dict[str, str]:
    """An entity for JSON: its id, and its column where there are several."""
    return {"id": entity} if isinstance(entity, str) else {"column": entity[0], "id": entity[1]}
