"""Tables beside a checkpoint, in files of their own: written from pieces and read into pieces, with their checksums.

A file is whole on disk before the state that names it is written, and is removed only after a state that does not name
it: so the files that a state names are there at any time.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from cleora_jax._atomic import atomic_path
from cleora_jax._checks import InputError
from cleora_jax.cleora.stored_table import ITEM, StoredTable

OURS = re.compile(r"cleora-(table|part)-\d+\.bin")
UNFINISHED = re.compile(rf"\.{OURS.pattern}\.[0-9a-f]+\.tmp")
PIECE_BYTES = 16 << 20
Told = dict[str, Any]  # what a state says of its files: name, bytes and checksum of each


def write_files(folder: Path, iteration: int, table: StoredTable, parts: Sequence[np.ndarray], before: Told) -> Told:
    """Write a table as it stands, and snapshots that are not written yet.

    Args:
        folder: of the checkpoint.
        iteration: steps done.
        table, parts: what is written; parts are float32[k, d], which may be mapped.
        before: what was told of the state before.

    Returns:
        What the new state is to say.
    """
    there = before.get("parts", [])
    more = (written(folder / f"cleora-part-{at}.bin", _rows_of(parts[at])) for at in range(len(there), len(parts)))
    return {"table": written(folder / f"cleora-table-{iteration}.bin", _pieces_of(table)), "parts": [*there, *more]}


def read_table(folder: Path, told: Told, table: StoredTable) -> None:
    """Fill a table from its file.

    Raises:
        InputError: the file is not there, or not as it was written.
    """
    with _checked(folder, told["table"], table.size) as pieces:
        place = 0
        for piece in pieces:
            table.room.put(place, piece)
            place += len(piece)


def read_parts(folder: Path, told: Told, shape: tuple[int, int]) -> Iterator[Iterator[np.ndarray]]:
    """Each snapshot, float32 of a shape, by some rows at a time. Raises InputError as `read_table`."""
    row = ITEM * shape[1]
    for one in told["parts"]:
        with _checked(folder, one, shape[0] * row, unit=row) as pieces:
            yield (piece.view(np.float32).reshape(-1, shape[1]) for piece in pieces)


def remove_files(folder: Path, told: Told | None = None) -> None:
    """Remove the files that a state does not name; None: all."""
    named = set() if told is None else {one["name"] for one in (told["table"], *told["parts"])}
    for path in folder.iterdir():
        if UNFINISHED.fullmatch(path.name) or (OURS.fullmatch(path.name) and path.name not in named):
            path.unlink()


def remove_unfinished(folder: Path) -> None:
    """Remove what a process that was killed while it wrote has left."""
    for path in folder.iterdir():
        if UNFINISHED.fullmatch(path.name):
            path.unlink()


def written(path: Path, pieces: Iterator[np.ndarray]) -> Told:
    """Write bytes to a file, whole or not at all: its name, size and checksum."""
    size = crc = 0
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        for piece in pieces:
            file.write(piece.data)
            size, crc = size + len(piece), zlib.crc32(piece.data, crc)
    return {"name": path.name, "bytes": size, "crc": crc}


@contextmanager
def _checked(folder: Path, told: Told, size: int, unit: int = 1) -> Iterator[Iterator[np.ndarray]]:
    """The bytes of a file, some at a time, which must all be read; they are checked when they have been."""
    if not OURS.fullmatch(told["name"]):
        raise KeyError(told["name"])
    path = folder / told["name"]
    if not path.exists():
        raise InputError(f"{path}: the state beside it needs this file, which is not there.")
    if not size == told["bytes"] == path.stat().st_size:
        raise InputError(f"{path}: {path.stat().st_size} bytes, and {size} are wanted; it is truncated or corrupt.")
    crc = 0

    def pieces(file: IO[bytes]) -> Iterator[np.ndarray]:
        nonlocal crc
        while content := file.read(max(1, PIECE_BYTES // unit) * unit):
            crc = zlib.crc32(content, crc)
            yield np.frombuffer(content, np.uint8)

    with open(path, "rb") as file:
        yield pieces(file)
    if crc != told["crc"]:
        raise InputError(f"{path}: its checksum is another; it is corrupt.")


def _pieces_of(table: StoredTable) -> Iterator[np.ndarray]:
    for place in range(0, table.size, PIECE_BYTES):
        yield table.room.get(place, min(PIECE_BYTES, table.size - place))


def _rows_of(part: np.ndarray) -> Iterator[np.ndarray]:
    count = max(1, PIECE_BYTES // (ITEM * part.shape[1]))
    for first in range(0, len(part), count):
        yield np.ascontiguousarray(part[first : first + count]).reshape(-1).view(np.uint8)
