"""`cleora-jax explore`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cleora_jax._checks import InputError, OptionError
from cleora_jax.cli.messages import say
from cleora_jax.cli.options import refuse
from cleora_jax.cli.source import embeddings_argument
from cleora_jax.cli.tables import ID, KINDS, SEPARATORS, check_table, header_argument, ids_of, lost_row, read_table
from cleora_jax.cli.watching import bar

if TYPE_CHECKING:
    import pyarrow as pa

    from cleora_jax import Vocab

HELP = "write a page to look at saved vectors in a browser"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Saved vectors, the page, and what colours it."""
    embeddings_argument(parser)
    parser.add_argument("--html", required=True, metavar="FILE", help="the page: one file, which needs no network")
    parser.add_argument(
        "--layout", default="pca", choices=("pca", "umap", "tsne"), help="how entities are placed (default: pca)"
    )
    parser.add_argument("--attributes", metavar="FILE", help=f"what to colour by and to show: {KINDS}")
    header_argument(parser, "attributes")
    parser.add_argument(
        "--attribute-column",
        metavar="NAME",
        help="the column whose entities have them (default: all)",
    )
    parser.add_argument("--column", metavar="NAME", help="only the entities of this column")
    parser.add_argument("--neighbours", type=int, default=10, metavar="K", help="of each entity (default: 10)")
    parser.add_argument("--title", metavar="TEXT", help="of the page (default: the file's name)")
    parser.add_argument("--seed", type=int, default=0, help="of umap and tsne (default: 0)")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Read vectors, place them, find their neighbours, write the page."""
    from cleora_jax import load_embedding
    from cleora_jax.viz import write_explorer

    if args.attributes is None:
        refuse(args, ["attribute_column", "attributes_without_header"], "needs `--attributes`, the table it speaks of.")
    else:
        check_table("--attributes", args.attributes, header=not args.attributes_without_header)
    if os.path.exists(args.html) and os.path.exists(args.embeddings) and os.path.samefile(args.html, args.embeddings):
        raise OptionError(f"`--html` {args.html!r} is the input, too; choose another name.")
    embedding = load_embedding(args.embeddings)
    if args.column is not None:
        embedding = embedding.of_column(args.column)
    attributes = None if args.attributes is None else _attributes(args, embedding.vocab)
    with bar(args) as progress:
        write_explorer(
            embedding, args.html, layout=args.layout, attributes=attributes, neighbours=args.neighbours,
            title=args.title or Path(args.embeddings).stem, seed=args.seed, progress=progress,
        )  # fmt: skip
    say(args, f"{len(embedding):,} entities in {args.html}: open it in a browser")
    return {"output": args.html, "entities": len(embedding), "bytes": os.path.getsize(args.html)}


def _attributes(args: argparse.Namespace, vocab: Vocab) -> pa.Table:
    """A row for each entity, nulls where the table has none; and a line that says how many it has."""
    import pyarrow as pa

    from cleora_jax.graph.attributes import matching_rows

    try:
        table = read_table(args.attributes, header=not args.attributes_without_header)
        name = ids_of(table.column_names)
        if name != ID and name in vocab and Path(args.attributes).suffix in SEPARATORS:
            raise InputError(f"{args.attributes}: {lost_row(table.column_names, '--attributes')}")
        rows = matching_rows(table.column(name), vocab, args.attribute_column, "give `--attribute-column`")
    except (pa.ArrowException, IndexError, TypeError) as error:
        raise InputError(f"{args.attributes}: not a table of attributes: {error}") from error
    known = int((rows >= 0).sum())
    if not known:
        some = ", ".join(map(repr, table.column(name).slice(0, 3).to_pylist()))
        raise InputError(f"{args.attributes}: none of its ids ({some}, …) is an entity; ids are in column {name!r}.")
    say(args, f"{known:,} of {len(rows):,} entities have attributes")
    return table.drop_columns([name]).take(pa.array(rows, pa.int64(), mask=rows < 0))
