"""A file of finished runs, one JSON line each, whole lines only: a search that was killed goes on from there."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NamedTuple

from cleora_jax import _checks as checks
from cleora_jax._jsonl import JsonLines, opened_lines
from cleora_jax._version import __version__

BEGINS = b'{"rung": '  # every line
WHAT = "a record of `tune`"
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

    def __init__(self, known: dict[Key, Outcome], file: JsonLines | None, constant: Mapping[str, Any]) -> None:
        self.known, self._file, self._constant = known, file, constant

    def add(self, key: Key, outcome: Outcome, about: Mapping[str, Any]) -> None:
        """Remember an outcome; the line is written at once, by one call, and flushed to disk."""
        self.known[key] = outcome
        if self._file is not None:
            self._file.append({**key._asdict(), **about, **outcome._asdict(), **self._constant})


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
    with opened_lines(path, BEGINS, "record", WHAT) as file:
        known = _read(file, path, fingerprint)
        yield Record(known, file, {"versions": versions(), "fingerprint": dict(fingerprint)})


def versions() -> dict[str, str]:
    """Of everything that scores depend on."""
    found = {"cleora-jax": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):  # scikit-learn is an extra
            found[name] = version(name)
    return found


def _read(file: JsonLines, path: Any, fingerprint: Mapping[str, str]) -> dict[Key, Outcome]:
    """Finished runs; a torn last line was cut off, with a warning."""
    found: dict[Key, Outcome] = {}
    seen: set[str] = set()
    for number, line in enumerate(file.lines, 1):
        where = f"{os.fspath(path)}, line {number}"
        key, outcome, lines_versions = _parsed(line, where, fingerprint)
        if key in found:
            raise checks.InputError(f"{where}: this run stands in the record twice.")
        found[key] = outcome
        seen |= {f"{name} {number}" for name, number in lines_versions.items() if versions().get(name) != number}
    if file.torn:
        file.cut()
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
        raise checks.InputError(f"{where}: no line of {WHAT}: {error!r}.") from error
    differs = [name for name in {**theirs, **fingerprint} if theirs.get(name) != fingerprint.get(name)]
    if differs:
        told = "; ".join(f"{name} (there {theirs.get(name)}, here {fingerprint.get(name)})" for name in differs)
        raise checks.OptionError(
            f"`record`: {where} is of another search. What differs: {told}. Give another path, or delete the file."
        )
    return key, outcome, made_by
