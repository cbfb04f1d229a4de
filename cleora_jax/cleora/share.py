"""A graph that several processes read, each its part of the input: none holds all lines, nor all names."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress, no_progress
from cleora_jax.cleora.agree import agreed_rows
from cleora_jax.cleora.peers import Joined, Peers
from cleora_jax.graph.build import Graph
from cleora_jax.graph.columns import DEFAULT_COLUMNS
from cleora_jax.graph.readers import BadLine, read_portion
from cleora_jax.graph.sources import expand

TOLD_BYTES = 400  # of what goes wrong in one process, for the others


@dataclass(frozen=True, eq=False)
class Share:
    """What one process read of a graph: its lines, and where their entities stand among those of all.

    Made by `read_share`, embedded by `embed_share`.

    Args:
        graph: the lines of this process, over the k entities that stand in them.
        rows: int64[k], the row of each in the vocabulary of all: that of one process that reads everything.
        first: bool[k], whether no process before this one has read it, too.
        num_entities: n, of all processes.
        peers: the processes.
    """

    graph: Graph
    rows: np.ndarray
    first: np.ndarray
    num_entities: int
    peers: Peers

    def __repr__(self) -> str:
        here = f"{self.graph.num_hyperedges:,} hyperedges with {len(self.rows):,} of {self.num_entities:,} entities"
        return f"Share({here}; process {self.peers.index} of {self.peers.count})"


def read_share(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    columns: str = DEFAULT_COLUMNS,
    *,
    own: bool = False,
    format: str = "auto",
    weight: str | None = None,
    shared_ids: bool = False,
    header: bool = False,
    comment: str | None = None,
    on_bad_line: BadLine = "error",
    progress: Progress = no_progress,
    peers: Peers | None = None,
) -> Share:
    """Read this process's part of some files, and agree with the others on where each entity stands.

    All processes that joined by `join_processes` call it alike. The bytes of all files are cut into as many runs as
    there are processes: text at line ends, Parquet between row groups. Compressed files, CSV and files with a header
    are not cut, so there must be as many as processes. The vocabulary is the one that `read` makes, whatever their
    number.

    Args:
        paths: as in `read`; the same for all processes.
        own: `paths` are the files of this process alone, all of which it reads, other processes name others; then
            entities stand in the order of processes.
        peers: the processes. Default: those that joined, or this one alone.

    The others are as in `read`; there is no `group_by`, because rows of one group may be read by several processes.

    Raises:
        InputError, OptionError: as `read`, in every process where it is so in one; or processes that were not called
            alike, or with fewer files that cannot be cut than processes.
        ConnectionError: another process is gone.

    Example:
        >>> import tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "in.tsv"
        >>> _ = path.write_text("alice laptop\\nalice mouse\\nbob keyboard\\n")
        >>> read_share(path)
        Share(3 hyperedges with 5 of 5 entities; process 0 of 1)
    """
    peers = Joined() if peers is None else peers
    ways: dict[str, Any] = {
        "columns": columns, "format": format, "weight": weight, "shared_ids": shared_ids, "header": header,
        "comment": comment, "on_bad_line": on_bad_line,
    }  # fmt: skip
    graph: Graph | None = None
    wrong: Exception | None = None
    parts, part = (1, 0) if checks.boolean("own", own) else (peers.count, peers.index)
    try:
        files = expand(paths)
        graph = read_portion(files, parts, part, progress=progress, **ways)
        if not own:
            ways["input"] = [(os.path.basename(path), os.path.getsize(path)) for path in files]
    except (ValueError, OSError, TypeError, MemoryError) as error:  # others wait, and must be told
        wrong = error
    all_well(peers, wrong)
    assert graph is not None
    check_same(peers, ways | {"own": own})
    rows, first, count = agreed_rows(graph.vocab, peers)
    if not count:
        raise checks.InputError("no hyperedges: the input of all processes is empty.")
    return Share(graph, rows, first, count, peers)


def all_well(peers: Peers, wrong: Exception | None) -> None:
    """Raise what went wrong here, or, where it did elsewhere, an InputError that tells it."""
    told = np.zeros(TOLD_BYTES, np.uint8)
    if wrong is not None:
        text = str(wrong).encode(errors="backslashreplace")[:TOLD_BYTES] or b"?"
        told[: len(text)] = np.frombuffer(text, np.uint8)
    every = peers.everyones(told)
    if wrong is not None:
        raise wrong
    for process, other in enumerate(every):
        if other.any():
            text = other.tobytes().rstrip(b"\0").decode(errors="replace")
            raise checks.InputError(f"process {process}: {text}")


def check_same(peers: Peers, settings: dict[str, Any]) -> None:
    """Raise OptionError where processes were called with settings that differ, and name the first."""
    for name, value in settings.items():
        text = json.dumps(value, sort_keys=True, default=str).encode()
        every = peers.everyones(np.frombuffer(hashlib.sha256(text).digest(), np.uint8))
        if (every != every[0]).any():
            raise checks.OptionError(f"`{name}` differs between processes: all must be called alike.")
