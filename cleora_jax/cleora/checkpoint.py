"""Checkpoints: where a run stands, whole, in one file, from which it goes on to the same bits."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._checks import InputError
from cleora_jax._lock import lock
from cleora_jax._version import __version__
from cleora_jax.cleora.loop import Pending, Seen, State
from cleora_jax.cleora.saved_start import start_parts
from cleora_jax.graph.archive import Arrays, Kind, believed, read_archive, under, write_archive
from cleora_jax.graph.save import graph_parts
from cleora_jax.vectors.passes import Affine, Moments

if TYPE_CHECKING:
    from cleora_jax.cleora.method import Cleora
    from cleora_jax.cleora.start import Init
    from cleora_jax.graph.build import Graph

KIND = Kind("checkpoint", "cleora_jax.checkpoint", 1)
STATE, LOCK = "state.npz", "lock"
EVERY = 5


@dataclass(frozen=True)
class Checkpoint:
    """Where a run keeps its state, and how often; for `embed(checkpoint=…)`.

    The file is replaced whole or not at all, so that there is one good state at any time. It is written after so many
    steps or minutes, whichever comes first, when the run is interrupted (Ctrl-C), and at the end. It is removed by
    `clear`, once what came of the run is safe.

    Args:
        folder: a folder of its own, made where there is none.
        every: steps between two files. Default: 5, or where `minutes` is given never.
        minutes: between two files. Default: never.
        resume: go on from the state in the folder, to the bits that the unbroken run gives; where there is none, begin.
            Without, a state in the folder is an error, so that it is not lost.
    """

    folder: str | os.PathLike[str]
    every: int | None = None
    minutes: float | None = None
    resume: bool = False

    def __post_init__(self) -> None:
        if self.every is not None:
            checks.keep(self, every=checks.integer("every", self.every, low=1))
        elif self.minutes is None:
            checks.keep(self, every=EVERY)
        if self.minutes is not None:
            checks.keep(self, minutes=checks.real("minutes", self.minutes, low=0))
        checks.keep(self, resume=checks.boolean("resume", self.resume))

    def within(self, name: str) -> Checkpoint:
        """The same in a folder inside, for one run of several."""
        return replace(self, folder=Path(self.folder) / name)

    def clear(self) -> None:
        """Remove what was kept, in the folders inside as well; the folder too, where nothing else is in it."""
        folder = Path(self.folder)
        for file in (STATE, LOCK):
            for place in folder.rglob(file):
                place.unlink()
        for place in [*sorted(folder.rglob("*/"), reverse=True), folder]:
            if place.is_dir() and not any(place.iterdir()):
                place.rmdir()


class Saved(NamedTuple):
    """Where a run stood.

    Args:
        iteration: steps done.
        state: after them.
        seen: what each saw.
        changes: of the subspace, where they are measured.
        parts: snapshots taken.
    """

    iteration: int
    state: State
    seen: list[Seen | None]
    changes: list[float]
    parts: list[np.ndarray]


class Keeper:
    """The checkpoint of one run.

    Args:
        checkpoint: where and how often.
        identity: of the run, by what must be the same when it goes on.
    """

    def __init__(self, checkpoint: Checkpoint, identity: dict[str, Any]) -> None:
        self.checkpoint, self.identity = checkpoint, identity
        self.path = Path(checkpoint.folder) / STATE
        self.kept, self.since = 0, time.monotonic()

    def load(self) -> Saved | None:
        """What is in the folder; None where nothing is.

        Raises:
            InputError: a state of another run, or a damaged one.
            OptionError: a state that was not asked for.
        """
        if not self.path.exists():
            return None
        if not self.checkpoint.resume:
            raise checks.OptionError(
                f"`checkpoint` {os.fspath(self.checkpoint.folder)!r} holds the state of a run: go on from it by "
                "`resume`, or choose another folder."
            )
        header, arrays = read_archive(self.path, KIND)
        with believed(os.fspath(self.path), KIND):
            self._check(header)
            saved = _unpacked(header, arrays)
        self.kept = saved.iteration
        return saved

    def keep(self, saved: Saved) -> None:
        """Write where the run stands, unless that is written."""
        if saved.iteration != self.kept:
            write_archive(self.path, KIND, *_packed(saved, self.identity))
            self.kept, self.since = saved.iteration, time.monotonic()

    def is_due(self, iteration: int) -> bool:
        """Whether the last file is old enough."""
        every, minutes = self.checkpoint.every, self.checkpoint.minutes
        late = minutes is not None and time.monotonic() - self.since >= 60 * minutes
        return late or (every is not None and iteration - self.kept >= every)

    def _check(self, header: dict[str, Any]) -> None:
        """Raise InputError unless the state is one of this run."""
        there = header["identity"]
        for name, mine in self.identity["settings"].items():
            theirs = there["settings"].get(name)
            if theirs != mine:
                raise InputError(f"{self.path}: the state of another run, with `{name}` {theirs!r}, not {mine!r}.")
        for name, what in (("graph", "over another graph"), ("start", "from other first vectors")):
            if there[name] != self.identity[name]:
                raise InputError(f"{self.path}: the state of another run, {what}.")
        for name in ("cleora-jax", "jax"):
            if there["versions"][name] != self.identity["versions"][name]:
                raise InputError(
                    f"{self.path}: written with {name} {there['versions'][name]}; with "
                    f"{self.identity['versions'][name]} the bits would be others. Start again, or install that."
                )


@contextmanager
def kept_in(checkpoint: Checkpoint | None, graph: Graph, method: Cleora, init: Init | None) -> Iterator[Keeper | None]:
    """The keeper of a run; its folder is ours while it lasts. None keeps nothing.

    Raises:
        OptionError: another process has the folder.
        OSError: it cannot be made.
    """
    if checkpoint is None:
        yield None
        return
    folder = Path(checkpoint.folder)
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        lock(handle, folder, "checkpoint")
        for torn in folder.glob(f".{STATE}.*.tmp"):  # of a process that was killed while it wrote
            torn.unlink()
        yield Keeper(checkpoint, _identity(graph, method, init))
    finally:
        os.close(handle)


def _identity(graph: Graph, method: Cleora, init: Init | None) -> dict[str, Any]:
    """What must be the same for a run to go on: settings, graph, first vectors, and the code that rounds."""
    header, arrays = graph_parts(graph)
    header.pop("report")  # how it was read, which changes nothing
    settings: dict[str, Any] = json.loads(json.dumps(asdict(method)))
    return {
        "settings": settings,
        "graph": _digest(header, arrays),
        "start": _digest(*start_parts(init)),
        "versions": {"cleora-jax": __version__, "jax": jax.__version__},
    }


def _digest(header: dict[str, Any], arrays: Arrays) -> str:
    """BLAKE2 of a header and arrays, with their names, types and shapes."""
    found = hashlib.blake2b(json.dumps(header, sort_keys=True, default=repr).encode(), digest_size=16)
    for name, array in sorted(arrays.items()):
        found.update(f"{name} {array.dtype} {array.shape}".encode())
        found.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return found.hexdigest()


def _packed(saved: Saved, identity: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
    """Where a run stands as a header and arrays."""
    arrays: Arrays = {f"table.{at}": np.asarray(block) for at, block in enumerate(saved.state.table)}
    if saved.state.pending is not None:
        affine, moments = saved.state.pending
        arrays |= {f"panel.{at}": np.asarray(panel) for at, panel in enumerate(affine.panels)}
        arrays |= {"shift": np.asarray(affine.shift), "mean": np.asarray(moments.mean), "cov": np.asarray(moments.cov)}
        arrays["square"] = np.atleast_1d(np.asarray(moments.square))
    seen = saved.seen[: saved.iteration]  # a step that was broken off may have seen more
    arrays["saw"] = np.array([found is not None for found in seen], np.uint8)
    arrays["kept"] = np.array([int(found.kept) for found in seen if found is not None], np.int32)
    arrays["rank"] = np.array([found.effective_rank for found in seen if found is not None], np.float32)
    arrays["changes"] = np.array(saved.changes[: saved.iteration], np.float64)
    arrays |= {f"part.{at}": part for at, part in enumerate(saved.parts)}
    return {"identity": identity, "iteration": saved.iteration}, arrays


def _unpacked(header: dict[str, Any], arrays: Arrays) -> Saved:
    """What `_packed` took."""
    table = tuple(map(jax.device_put, _numbered(arrays, "table.")))
    pending = None
    if "shift" in arrays:
        panels = tuple(map(jax.device_put, _numbered(arrays, "panel.")))
        shift, mean, cov, square = (jax.device_put(arrays[name]) for name in ("shift", "mean", "cov", "square"))
        pending = Pending(Affine(shift, panels), Moments(mean, cov, square[0]))
    whitened = iter(zip(arrays["kept"], arrays["rank"], strict=True))
    seen = [Seen(*map(jax.device_put, next(whitened))) if saw else None for saw in arrays["saw"]]
    parts = _numbered(arrays, "part.")
    return Saved(int(header["iteration"]), State(table, pending), seen, arrays["changes"].tolist(), parts)


def _numbered(arrays: Arrays, prefix: str) -> list[np.ndarray]:
    """The arrays called prefix0, prefix1, …"""
    found = under(arrays, prefix)
    return [found[str(at)] for at in range(len(found))]
