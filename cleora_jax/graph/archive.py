"""Arrays and a header in one file: an uncompressed `.npz` (a zip of NumPy arrays), checked when read, no pickle inside.

`header` is UTF-8 bytes of a JSON object with at least `format` and `version`; the other arrays have one or two axes.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import struct
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from cleora_jax._atomic import atomic_path
from cleora_jax._checks import InputError, file_at
from cleora_jax._version import __version__
from cleora_jax.graph.vocab import Vocab, id_parts, ids_from_parts

DAMAGE = (OSError, ValueError, EOFError, KeyError, NotImplementedError, RuntimeError, struct.error, zipfile.BadZipFile)
MISFITS = (AttributeError, KeyError, TypeError, UnicodeDecodeError, json.JSONDecodeError, pa.ArrowException)
# How NumPy begins the file of an array of numbers with one or two axes. Its own parser takes any Python literal.
ARRAY = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '(?P<type>[<>|](?:b1|[iu][1248]|f[248]))', 'fortran_order': False, "
    rb"'shape': \((?P<rows>\d{1,99}),(?: (?P<columns>\d{1,99}))?\), \} *\n",
    re.DOTALL,
)
MOST_HEADER = 1 << 10  # bytes; ours have 128
Arrays = dict[str, np.ndarray]


class Kind(NamedTuple):
    """What a file holds: a word for messages, its `format`, and the version that is written and read."""

    word: str
    format: str
    version: int


def write_archive(path: str | os.PathLike[str], kind: Kind, header: dict[str, Any], arrays: Arrays) -> None:
    """Write a header and arrays to one file, atomically (to a temporary name, then renamed).

    Raises:
        OSError: the folder does not exist, or the disk refuses; nothing is left behind.
    """
    whole = {"format": kind.format, "version": kind.version, "library": __version__, **header}
    packed = {"header": np.frombuffer(json.dumps(whole).encode(), np.uint8), **arrays}
    try:
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, **{name: np.ascontiguousarray(array) for name, array in packed.items()})  # type: ignore
    except OSError as error:
        if error.filename is not None or error.errno is None:
            raise
        raise OSError(error.errno, f"cannot write {os.fspath(path)!r}: {error.strerror or error}") from error


def read_archive(path: str | os.PathLike[str], kind: Kind) -> tuple[dict[str, Any], Arrays]:
    """Header and arrays of a file that `write_archive` wrote; arrays are read-only.

    Raises:
        MissingFileError: no such file.
        InputError: not such a file, of another kind or version, or damaged; the fault is named.
    """
    source = file_at(path)
    try:
        with zipfile.ZipFile(source) as archive:
            arrays = {member.filename.removesuffix(".npy"): _array_of(archive, member) for member in archive.infolist()}
    except DAMAGE as error:
        raise InputError(f"{source}: not a whole {kind.word} file; it is truncated or corrupt ({error}).") from error
    with believed(source, kind):
        header = json.loads(arrays.pop("header").tobytes())
        if header["format"] != kind.format:
            raise InputError(f"{source}: a file of another kind ({header['format']!r}).")
        if header["version"] != kind.version:
            raise InputError(f"{source}: format version {header['version']}, this library reads {kind.version}.")
    return header, arrays


def format_in(path: str | os.PathLike[str]) -> str | None:
    """The `format` of a file that `write_archive` wrote; None of any other. Only the header is read."""
    try:
        with zipfile.ZipFile(os.fspath(path)) as archive:
            header = json.loads(_array_of(archive, archive.getinfo("header.npy")).tobytes())
            return str(header["format"])
    except (*DAMAGE, *MISFITS):
        return None


@contextlib.contextmanager
def believed(source: str, kind: Kind) -> Iterator[None]:
    """Turn what comes of a header or arrays that are not what they should be into an InputError."""
    try:
        yield
    except MISFITS as error:
        raise InputError(f"{source}: a damaged {kind.word} file ({error!r}).") from error


def under(arrays: Arrays, prefix: str) -> Arrays:
    """The arrays whose names begin so, by the rest of their names."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _array_of(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> np.ndarray:
    """An array of the archive, read-only. Its checksum is verified before anything in it is believed."""
    if member.compress_type != zipfile.ZIP_STORED:
        raise zipfile.BadZipFile(f"{member.filename!r} is compressed")
    content = archive.read(member)
    dtype, shape, start = described(content, len(content))
    return np.frombuffer(content, dtype, offset=start).reshape(shape)


def described(content: bytes, size: int) -> tuple[np.dtype[Any], list[int], int]:
    """Type and shape of the array in an `.npy` file of `size` bytes, and where its numbers begin, by its first bytes.

    Raises:
        ValueError: it holds something else than numbers in the order of rows, or not as many as it says.
    """
    told = ARRAY.match(content)
    if told is None:
        fault = (
            "it holds pickled Python objects, which are never loaded"
            if b"'|O" in content[:MOST_HEADER]
            else "it is none"
        )
        raise ValueError(f"an array of numbers, with one or two axes in the order of rows, was expected: {fault}")
    dtype, shape = np.dtype(told["type"].decode()), [int(count) for count in (told["rows"], told["columns"]) if count]
    need, left = math.prod(shape) * dtype.itemsize, size - told.end()
    if need != left:
        raise ValueError(f"shape {shape} of {dtype} takes {need} bytes, there are {left}")
    return dtype, shape, told.end()


def vocab_arrays(vocab: Vocab) -> Arrays:
    """Ids and their columns, without the names of these, which are the header's."""
    text, offset = id_parts(vocab)
    return {"ids_text": text, "ids_offset": offset, "column_of": vocab.column_of}


def vocab_from(source: str, columns: Sequence[str], arrays: Arrays) -> Vocab:
    """What `vocab_arrays` took; KeyError or InputError where they do not hold together."""
    ids, column_of = ids_from_parts(source, arrays["ids_text"], arrays["ids_offset"]), arrays["column_of"]
    if len(ids) != len(column_of) or column_of.dtype != np.uint8 or not is_in_range(column_of, len(columns)):
        raise InputError(f"{source}: damaged: ids and columns do not hold together.")
    return Vocab(ids, tuple(columns), column_of)


def is_offset(offset: np.ndarray, total: int) -> bool:
    """Whether it runs from 0 to `total` and never falls."""
    whole = offset.ndim == 1 and len(offset) > 0 and np.issubdtype(offset.dtype, np.integer)
    return bool(whole and offset[0] == 0 and offset[-1] == total and (np.diff(offset) >= 0).all())


def is_in_range(rows: np.ndarray, size: int) -> bool:
    """Whether all are integers from 0 to `size` − 1."""
    whole = rows.ndim == 1 and np.issubdtype(rows.dtype, np.integer)
    return bool(whole and (len(rows) == 0 or (rows.min() >= 0 and rows.max() < size)))
