"""A file of JSON lines that grows: whole lines only, each on disk before the next; one writer at a time."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cleora_jax._atomic import check_target
from cleora_jax._checks import InputError
from cleora_jax._lock import lock


@dataclass(frozen=True)
class JsonLines:
    """An open file of lines.

    Args:
        lines: what stood in it, as bytes without their ends.
        torn: a last line without an end, if there was one; `cut` it before anything is added.
        handle: of the file; `name` is the argument that named it, for messages.
    """

    lines: tuple[bytes, ...]
    torn: bytes
    handle: int
    name: str

    def cut(self) -> None:
        """Take the torn line off the file."""
        os.ftruncate(self.handle, sum(len(line) + 1 for line in self.lines))

    def append(self, entry: Mapping[str, Any]) -> None:
        """Write a line at once, by one call, and flush it to disk."""
        line = json.dumps(entry, default=repr).encode() + b"\n"
        written = os.write(self.handle, line)
        if written < len(line):
            raise OSError(f"`{self.name}`: the disk took {written} of {len(line)} bytes of a line; is it full?")
        os.fsync(self.handle)


@contextmanager
def opened_lines(path: str | os.PathLike[str], begins: bytes, name: str, what: str) -> Iterator[JsonLines]:
    """The file at `path`, made where there is none, open to be added to.

    Args:
        path: of a file; its folder must exist.
        begins: what every line begins with. A last line that does not is somebody's file, not to be cut.
        name: the argument that names the file, for messages.
        what: the file is of, for messages: "a record of `tune`".

    Raises:
        OptionError: another process has the file open.
        InputError: its end is no line of ours.
        OSError: as `atomic_path`.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "lines.jsonl"
        >>> with opened_lines(path, b'{"a": ', "output", "an example") as file:
        ...     file.append({"a": 1})
        >>> _ = path.write_bytes(path.read_bytes() + b'{"a": 2')
        >>> with opened_lines(path, b'{"a": ', "output", "an example") as file:
        ...     file.lines, file.torn
        ((b'{"a": 1}',), b'{"a": 2')
    """
    handle = os.open(check_target(path), os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
    try:
        lock(handle, path, name)
        lines, torn = whole_lines(path)
        if torn and not (torn.startswith(begins) or begins.startswith(torn)):
            raise InputError(f"{os.fspath(path)}: its end is no line of {what}.")
        yield JsonLines(lines, torn, handle, name)
    finally:
        os.close(handle)


def whole_lines(path: str | os.PathLike[str]) -> tuple[tuple[bytes, ...], bytes]:
    """Lines of a file without their ends, and what follows the last end."""
    whole, end, torn = Path(path).read_bytes().rpartition(b"\n")
    return tuple(whole.split(b"\n")) if end else (), torn
