"""Checkpoints: where a run stands, whole, in one file, from which it goes on to the same bits.

Of tables in stripes, which memory may not hold, the table and snapshots are in files beside it (see `table_files`).
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jaxlib
import numpy as np
import scipy

from cleora_jax import _checks as checks
from cleora_jax._checks import InputError
from cleora_jax._lock import lock
from cleora_jax._version import __version__
from cleora_jax.cleora.loop import Pending, Seen, State
from cleora_jax.cleora.saved_start import start_parts
from cleora_jax.cleora.stored_table import StoredTable
from cleora_jax.cleora.striped import Striped
from cleora_jax.cleora.table_files import Told, read_parts, read_table, remove_files, remove_unfinished, write_files
from cleora_jax.graph.archive import Arrays, Kind, believed, format_in, read_archive, under, write_archive
from cleora_jax.graph.save import graph_parts
from cleora_jax.vectors.passes import Affine, Moments

if TYPE_CHECKING:
    from cleora_jax.cleora.method import Cleora
    from cleora_jax.cleora.start import Init
    from cleora_jax.cleora.tables import Tables
    from cleora_jax.graph.build import Graph

KIND = Kind("checkpoint", "cleora_jax.checkpoint", 1)
STATE, LOCK = "cleora-checkpoint.npz", "cleora-checkpoint.lock"
INSIDE = re.compile(r"directed|directed-in|relation-\d+")  # folders of the runs that several are made of
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
        if not os.fspath(self.folder):
            raise checks.OptionError("`checkpoint` must be a folder, got an empty name.")
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

    def states(self) -> list[Path]:
        """The files of states that there are, of runs that one is made of too."""
        folders = _folders(Path(self.folder))
        return [state for folder in folders if format_in(state := folder / STATE) == KIND.format]

    def check(self, names: Sequence[str] = ("",)) -> None:
        """Raise OptionError where the folder holds a state that would not be gone on from.

        Args:
            names: the folders inside that the run will use, "" for the folder itself. Default: that alone.
        """
        known = {Path(self.folder) / name / STATE for name in names}
        for state in self.states():
            if not self.resume or state not in known:
                told = "go on from it by `resume`, or" if state in known else "it is of a run of another kind;"
                raise checks.OptionError(
                    f"`checkpoint` {os.fspath(self.folder)!r} holds the state of a run: {told} choose another folder."
                )

    def clear(self) -> None:
        """Remove the states that are kept; the folder too, where nothing else is in it.

        Raises:
            OptionError: another process has the folder.
        """
        kept = [folder for folder in _folders(Path(self.folder)) if (folder / LOCK).exists()]
        for folder in kept:
            with _held(folder):
                if format_in(folder / STATE) == KIND.format:
                    (folder / STATE).unlink()
                remove_files(folder)
                (folder / LOCK).unlink()
        outer = {above for folder in kept for above in folder.parents if above.is_relative_to(self.folder)}
        for folder in sorted({*kept, *outer}, reverse=True):  # those inside come first
            if not any(folder.iterdir()):
                folder.rmdir()


def _folders(folder: Path) -> list[Path]:
    """The folder, after those inside that runs may have made."""
    inside = [] if not folder.is_dir() else [one for one in folder.iterdir() if INSIDE.fullmatch(one.name)]
    return [*(deeper for one in sorted(inside) if one.is_dir() for deeper in _folders(one)), folder]


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """The lock of a folder, while this lasts. Raises OptionError where another process has it."""
    while True:
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            lock(handle, folder, "checkpoint")
            if _is_named(handle, folder / LOCK):  # else whoever had it before has removed it: others see another file
                yield
                return
        finally:
            os.close(handle)


def _is_named(handle: int, path: Path) -> bool:
    """Whether an open file is the one that has this name."""
    return path.exists() and os.fstat(handle).st_ino == os.stat(path).st_ino


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
        self.files: Told = {}  # those of the state that is kept, where it has some

    def load(self, tables: Tables, rows: int) -> Saved | None:
        """What is in the folder; None where nothing is.

        Args:
            tables: where the table will be.
            rows: of it.

        Raises:
            InputError: a state of another run, or a damaged one.
        """
        if not self.path.exists():
            return None
        header, arrays = read_archive(self.path, KIND)
        with believed(os.fspath(self.path), KIND):
            self._check(header)
            saved = unpacked(header, arrays)
            if isinstance(tables, Striped) != bool(header["files"]):
                raise KeyError("files")
            if isinstance(tables, Striped):
                saved, self.files = _with_files(self.path.parent, header, saved, tables, rows), header["files"]
        self.kept = saved.iteration
        return saved

    def keep(self, saved: Saved) -> None:
        """Write where the run stands, unless that is written, or nothing whole: a step was broken off in a table that
        it overwrites; then the state that is kept stands.
        """
        table, folder = saved.state.table, self.path.parent
        striped = isinstance(table, StoredTable)
        if saved.iteration == self.kept or (striped and table.done != saved.iteration):  # type: ignore[attr-defined]
            return
        if striped:
            self.files = write_files(folder, saved.iteration, table, saved.parts, self.files)  # type: ignore[arg-type]
        write_archive(self.path, KIND, *_packed(saved, self.identity, self.files))
        self.kept, self.since = saved.iteration, time.monotonic()
        if striped:
            remove_files(folder, self.files)

    def is_due(self, iteration: int) -> bool:
        """Whether the last file is old enough."""
        every, minutes = self.checkpoint.every, self.checkpoint.minutes
        late = minutes is not None and time.monotonic() - self.since >= 60 * minutes
        return late or (every is not None and iteration - self.kept >= every)

    def _check(self, header: dict[str, Any]) -> None:
        """Raise InputError unless the state is one of this run."""
        there = header["identity"]
        for name, version in self.identity["versions"].items():
            if there["versions"].get(name) != version:
                raise InputError(
                    f"{self.path}: written with {name} {there['versions'].get(name)}; with {version} the bits would be "
                    "others. Start again, or install that."
                )
        for name, mine in self.identity["settings"].items():
            theirs = there["settings"].get(name)
            if theirs != mine:
                raise InputError(f"{self.path}: the state of another run, with `{name}` {theirs!r}, not {mine!r}.")
        for name, what in (("graph", "over another graph"), ("start", "from other first vectors")):
            if there[name] != self.identity[name]:
                raise InputError(f"{self.path}: the state of another run, {what}.")


@contextmanager
def kept_in(
    checkpoint: Checkpoint | None, graph: Graph, method: Cleora, init: Init | None, *, spill: bool = False
) -> Iterator[Keeper | None]:
    """The keeper of a run; its folder is ours while it lasts. None keeps nothing. `spill`: its tables are in files.

    Raises:
        OptionError: another process has the folder.
        OSError: it cannot be made.
    """
    if checkpoint is None:
        yield None
        return
    folder = Path(checkpoint.folder)
    folder.mkdir(parents=True, exist_ok=True)
    with _held(folder):
        checkpoint.check()
        for torn in folder.glob(f".{STATE}.*.tmp"):  # of a process that was killed while it wrote
            torn.unlink()
        remove_unfinished(folder)
        identity = identity_of(graph, method, init)
        identity["settings"]["spill"] = spill
        yield Keeper(checkpoint, identity)


def identity_of(graph: Graph, method: Cleora, init: Init | None) -> dict[str, Any]:
    """What must be the same for a run to go on: settings, graph, first vectors, and the code that rounds."""
    header, arrays = graph_parts(graph)
    header.pop("report")  # how it was read, which changes nothing
    settings: dict[str, Any] = json.loads(json.dumps(asdict(method)))
    return {
        "settings": settings,
        "graph": digest(header, arrays),
        "start": digest(*start_parts(init)),
        "versions": _versions(),
    }


def _versions() -> dict[str, str]:
    """Of what rounds."""
    modules = {"jax": jax, "jaxlib": jaxlib, "numpy": np, "scipy": scipy}
    named = {name: str(module.__version__) for name, module in modules.items()}
    return {"cleora-jax": __version__, **named, "machine": platform.machine()}


def digest(header: dict[str, Any], arrays: Arrays) -> str:
    """BLAKE2 of a header and arrays, with their names, types and shapes."""
    found = hashlib.blake2b(json.dumps(header, sort_keys=True, default=repr).encode(), digest_size=16)
    for name, array in sorted(arrays.items()):
        found.update(f"{name} {array.dtype} {array.shape}".encode())
        found.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return found.hexdigest()


def _packed(saved: Saved, identity: dict[str, Any], files: Told) -> tuple[dict[str, Any], Arrays]:
    """Where a run stands as a header and arrays; without table and snapshots, where these have files of their own."""
    arrays: Arrays = {}
    if not files:
        arrays |= {f"table.{at}": np.asarray(block) for at, block in enumerate(saved.state.table)}
        arrays |= {f"part.{at}": part for at, part in enumerate(saved.parts)}
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
    return {"identity": identity, "iteration": saved.iteration, "files": files}, arrays


def unpacked(header: dict[str, Any], arrays: Arrays) -> Saved:
    """What `_packed` took; KeyError or TypeError where it does not hold together."""
    _require_whole(header, arrays)
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


def _with_files(folder: Path, header: dict[str, Any], saved: Saved, tables: Striped, rows: int) -> Saved:
    """The state with table and snapshots of the files that it names; KeyError or InputError where they are damaged."""
    told, table = header["files"], tables.empty(rows, header["identity"]["settings"]["dim"])
    read_table(folder, told, table)
    table.done = saved.iteration
    shape = (rows if tables.result is None else tables.result.shape[0], table.dim)
    parts = [tables.restored(pieces, shape) for pieces in read_parts(folder, told, shape)]
    return saved._replace(state=saved.state._replace(table=table), parts=parts)  # type: ignore[arg-type]


def _require_whole(header: dict[str, Any], arrays: Arrays) -> None:
    """Raise KeyError unless shapes fit each other: checksums find chance, this finds what no run wrote."""
    done, dim = header["iteration"], header["identity"]["settings"]["dim"]
    blocks, panels, parts = (_numbered(arrays, name) for name in ("table.", "panel.", "part."))
    rows = {len(block) for block in (*blocks, *parts)}
    fine = all(block.ndim == 2 and block.dtype == np.float32 for block in (*blocks, *panels, *parts))
    if not header["files"]:
        fine = fine and len(rows) == 1 and sum(block.shape[1] for block in blocks) == dim
    if "shift" in arrays:
        shapes = [(dim,), (dim,), (dim, dim), (1,)]
        fine = fine and [arrays[name].shape for name in ("shift", "mean", "cov", "square")] == shapes
        fine = fine and sum(panel.shape[1] for panel in panels) == dim
    fine = fine and len(arrays["saw"]) == done and len(arrays["kept"]) == len(arrays["rank"]) == arrays["saw"].sum()
    if not fine:
        raise KeyError("its parts do not hold together")


def _numbered(arrays: Arrays, prefix: str) -> list[np.ndarray]:
    """The arrays called prefix0, prefix1, …"""
    found = under(arrays, prefix)
    return [found[str(at)] for at in range(len(found))]
