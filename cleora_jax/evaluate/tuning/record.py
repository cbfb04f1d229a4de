"""A file of finished runs, one JSON line each, whole lines only: a search that was killed goes on from there."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

from cleora_jax import _checks as checks
from cleora_jax._atomic import check_target
from cleora_jax._version import __version__

BEGINS = b'{"rung": '  # every line
PACKAGES = ("jax", "jaxlib", "numpy", "scipy", "scikit-learn")


class RecordWarning(UserWarning):
    """A record was not quite what was written, or was written by other versions."""


class Key(NamedTuple):
    """Which run: the rung of `Halving` (else 0), the place of its setting, and its seed, where there are several."""

    rung: int
    place: int
    seed: int | None


class Outcome(NamedTuple):
    """What came of a run: a score or a failure."""

    score: float | None
    failure: str | None
    seconds: float


class Record:
    """Outcomes by key; each new one is on disk before the next run begins."""

    def __init__(self, known: dict[Key, Outcome], handle: int | None, constant: Mapping[str, Any]) -> None:
        self.known, self._handle, self._constant = known, handle, constant

    def add(self, key: Key, outcome: Outcome, about: Mapping[str, Any]) -> None:
        """Remember an outcome; the line is written at once, by one call, and flushed to disk."""
        self.known[key] = outcome
        if self._handle is None:
            return
        entry = {**key._asdict(), **about, **outcome._asdict(), **self._constant}
        line = json.dumps(entry, default=repr).encode() + b"\n"
        written = os.write(self._handle, line)
        if written < len(line):
            raise OSError(f"`record`: the disk took {written} of {len(line)} bytes of a line; is it full?")
        os.fsync(self._handle)


@contextmanager
def opened_record(path: str | os.PathLike[str] | None, fingerprint: Mapping[str, str]) -> Iterator[Record]:
    """The record at `path`, made where there is none; without a path, one in memory.

    Args:
        path: of a file; its folder must exist. No other process may have it open for a search.
        fingerprint: of what is searched; the record's must be the same.

    Raises:
        ValueError: another fingerprint (what differs is named), or another process writes to the file.
        InputError: a line that is no line of a record.
        OSError: as `atomic_path`.
    """
    if path is None:
        yield Record({}, None, {})
        return
    handle = os.open(check_target(path), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
    try:
        _lock(handle, path)
        known = _read(handle, path, fingerprint)
        yield Record(known, handle, {"versions": versions(), "fingerprint": dict(fingerprint)})
    finally:
        os.close(handle)


def versions() -> dict[str, str]:
    """Of everything that scores depend on."""
    found = {"cleora-jax": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):  # scikit-learn is an extra
            found[name] = version(name)
    return found


def _lock(handle: int, path: Any) -> None:
    """Until the file is closed, or the process is gone."""
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise checks.OptionError(f"`record` {os.fspath(path)!r} is being written to by another search.") from error


def _read(handle: int, path: Any, fingerprint: Mapping[str, str]) -> dict[Key, Outcome]:
    """Finished runs; what follows the last whole line is cut off, with a warning."""
    content = Path(path).read_bytes()
    whole, end, torn = content.rpartition(b"\n")
    found: dict[Key, Outcome] = {}
    seen: set[str] = set()
    for number, line in enumerate(whole.split(b"\n") if end else (), 1):
        where = f"{os.fspath(path)}, line {number}"
        key, outcome, lines_versions = _parsed(line, where, fingerprint)
        if key in found:
            raise checks.InputError(f"{where}: this run stands in the record twice.")
        found[key] = outcome
        seen |= {f"{name} {number}" for name, number in lines_versions.items() if versions().get(name) != number}
    if torn:
        if not (torn.startswith(BEGINS) or BEGINS.startswith(torn)):  # somebody's file, not to be cut
            raise checks.InputError(f"{os.fspath(path)}: its end is no line of a record of `tune`.")
        os.ftruncate(handle, len(content) - len(torn))
        checks.warn(
            f"{os.fspath(path)}: the last line was not written to its end and is dropped; its run is done again.",
            RecordWarning,
        )
    if seen:
        checks.warn(
            f"{os.fspath(path)}: some runs were done with other versions: {', '.join(sorted(seen))}.", RecordWarning
        )
    return found


def _parsed(line: bytes, where: str, fingerprint: Mapping[str, str]) -> tuple[Key, Outcome, dict[str, str]]:
    try:
        entry = json.loads(line)
        theirs = entry["fingerprint"]
        key = Key(*(entry[name] for name in Key._fields))
        outcome = Outcome(*(entry[name] for name in Outcome._fields))
        made_by = entry["versions"]
        hash(key)
    except (ValueError, KeyError, TypeError) as error:
        raise checks.InputError(f"{where}: no line of a record of `tune`: {error!r}.") from error
    differs = [name for name in {**theirs, **fingerprint} if theirs.get(name) != fingerprint.get(name)]
    if differs:
        told = "; ".join(f"{name} (there {theirs.get(name)}, here {fingerprint.get(name)})" for name in differs)
        raise checks.OptionError(
            f"`record`: {where} is of another search. What differs: {told}. Give another path, or delete the file."
        )
    return key, outcome, made_by
