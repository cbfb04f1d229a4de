"""`cleora-jax compress`."""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial
from typing import Any

from cleora_jax.cli.messages import say
from cleora_jax.cli.options import built, setting_argument
from cleora_jax.cli.searching import recall_arguments, recalled, search_file_arguments, vectors_and_place
from cleora_jax.cli.watching import bar

HELP = "write saved vectors in fewer bytes, which can still be searched"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Two files, and how vectors are coded."""
    search_file_arguments(parser)
    parser.add_argument(
        "--codec", default="int8", metavar="NAME", help="float16, int8, pca, projection, pq or binary (default: int8)"
    )
    setting_argument(parser, "a setting of the codec, e.g. --codec pq --set parts=32")
    recall_arguments(parser)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Read vectors, code them, tell how much the codes find, and write them with a note of that."""
    from cleora_jax import compress
    from cleora_jax.vectors.coding import codec_named

    codec = built(codec_named, args.codec, dict(args.set))
    embedding = vectors_and_place(args)
    with bar(args) as progress:
        codes = compress(embedding, codec, progress=progress)
    recall = recalled(args, partial(codes.recall, embedding))
    replace(codes, notes=recall).save(args.output)
    each, before = codes.bytes_per_vector, embedding.vectors[:1].nbytes
    say(args, f"{len(codes):,} vectors of {each:,} bytes in place of {before:,} in {args.output}")
    return {"output": args.output, "entities": len(codes), "dim": codes.dim, "bytes_per_vector": each, **recall}
