"""One of several processes that each read, embed and write a part."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cleora_jax._checks import OptionError
from cleora_jax.cli.messages import say
from cleora_jax.cli.method import say_joint
from cleora_jax.cli.options import refuse
from cleora_jax.cli.reading import READING, say_read
from cleora_jax.cli.watching import bar, steps
from cleora_jax.cli.writing import answer, check_not_an_input, vectors_in, write

if TYPE_CHECKING:
    from cleora_jax import Cleora
    from cleora_jax.cleora import Method, Share

WHOLE = ("group_by", "features", "dry_run")


def check_shared(args: argparse.Namespace, method: Method) -> None:
    """Raise OptionError, before the others are waited for, for an option that needs the whole in one place."""
    from cleora_jax.cleora.share_run import check_owned

    refuse(args, WHOLE, "does not go with `--read-share`.")
    if args.relations == "apart":
        raise OptionError("`--relations apart` does not go with `--read-share`.")
    check_owned(method)


def embed_part(args: argparse.Namespace, method: Cleora) -> dict[str, Any]:
    """Read a part, embed with the others, write the vectors of a part."""
    from cleora_jax.cleora import embed_share, read_share
    from cleora_jax.cleora.share import all_well
    from cleora_jax.vectors.formats import check_destination

    output = part_path(args.output, args.process_id, args.processes)
    check_destination(output)
    start = time.perf_counter()
    with bar(args) as progress:
        ways = {name: getattr(args, name) for name in READING if name != "group_by"}
        share = read_share(
            args.input, own=args.read_share == "own", **ways, on_bad_line=args.on_bad_line, progress=progress
        )
    built, report = time.perf_counter(), share.graph.report
    say_read(args, share, report)
    all_well(share.peers, _wrong(args, output, share))
    say_joint(args, share.graph, method, "")
    with steps(args) as step:
        embedding = embed_share(share, method, relations="joint", progress=step)
    done = time.perf_counter()
    written, (vectors,) = write(args, {str(output): embedding})
    say(args, f"{vectors_in(vectors, written)} (reading {built - start:.1f} s, embedding {done - built:.1f} s)")
    told = {"process": args.process_id, "processes": args.processes, "entities_of_all": share.num_entities,
            "hyperedges_here": share.graph.num_hyperedges, "lines_here": report.lines,
            "bad_lines_here": report.bad_lines}  # fmt: skip
    took = {"seconds_reading": round(built - start, 4), "seconds_embedding": round(done - built, 4)}
    return answer(written, vectors, **took, **told)


def _wrong(args: argparse.Namespace, output: Path, share: Share) -> Exception | None:
    """What will keep this process from writing, known before the work, so that all can be told."""
    from cleora_jax.vectors.formats import check_destination

    graph = share.graph
    try:
        check_not_an_input(str(output), graph.report.sources)
        vocab = graph.vocab.take(graph.kept)
        if args.column is not None:
            vocab = vocab.of_column(args.column)
            if args.column in graph.transient:
                raise OptionError(f"`--column` {args.column!r} is transient: its entities are not among the results.")
        check_destination(output, vocab=vocab)
    except (ValueError, OSError) as error:
        return error
    return None


def part_path(output: str, part: int, parts: int) -> Path:
    """Where a part is written.

    Example:
        >>> part_path("folder/out.parquet", 3, 16).as_posix()
        'folder/out-0003-of-0016.parquet'
    """
    path = Path(output)
    return path.with_name(f"{path.stem}-{part:04}-of-{parts:04}{path.suffix}")
