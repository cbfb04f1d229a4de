"""Files become columns of numbers and words: their bytes are checked, decompressed within bounds, and parsed."""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import scipy.sparse as sp

from cleora_jax._checks import InputError
from cleora_jax.data.info import DataFile

MAX_TEXT = 1 << 32  # bytes that a file of unknown length may decompress to
INT, REAL, WORD = pa.int64(), pa.float64(), pa.large_string()
COLUMNS = {
    "edges.tsv.gz": (INT, INT, REAL),
    "hyperedges.tsv.gz": (INT, INT),
    "labels.tsv.gz": (INT, WORD),
    "split.tsv.gz": (INT, WORD),
    "train_splits.tsv.gz": (INT, INT),
    "names.tsv.gz": (INT, WORD),
    "feature_names.tsv.gz": (INT, WORD),
    "train.tsv.gz": (INT, INT, INT),
    "test.tsv.gz": (INT, INT),
}
FEATURES = "features.npz"
TRIPLES = ("train.tsv.gz", "valid.tsv.gz", "test.tsv.gz")

Columns = tuple[Any, ...]  # int64[rows] or float64[rows] arrays, and Arrow arrays of words
Tables = Mapping[str, Any]  # of each file by its name: Columns, or the features as a CSR matrix


def types_of(name: str, kind: str) -> tuple[pa.DataType, ...] | None:
    """Types of the columns of a file in the registry's form, of a data set of a kind; None for files not read."""
    if kind == "knowledge graph":
        return (WORD, WORD, WORD) if name in TRIPLES else None
    return COLUMNS.get(name)


def is_read(name: str, kind: str) -> bool:
    """Whether `load_dataset` reads a file of that name."""
    return name == FEATURES or types_of(name, kind) is not None


def checked_bytes(path: Path, sha256: str | None, size: int | None = None) -> bytes:
    """The bytes of a file; InputError where it cannot be read or is not what was expected (None: nothing is).

    They are checked as they are used, so there is no moment between in which a file could change.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error}).") from error
    if size is not None and len(raw) != size:
        raise InputError(f"{path}: {len(raw):,} bytes, expected {size:,}: it is truncated or another file.")
    if sha256 is not None and (found := hashlib.sha256(raw).hexdigest()) != sha256:
        raise InputError(f"{path}: the checksum is wrong: expected sha256 {sha256}, found {found}.")
    return raw


def unzipped(place: str, raw: bytes, limit: int = MAX_TEXT) -> bytes:
    """Gzip's contents, at most `limit` bytes; InputError where they are more or the file is not whole."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as stream:
            text = stream.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{place}: not a whole gzip file; it is truncated or corrupt ({error}).") from error
    if len(text) > limit:
        raise InputError(f"{place}: decompresses to more than the {limit:,} bytes allowed.")
    return text


def parsed(place: str, text: bytes, types: Sequence[pa.DataType], separator: str = "\t") -> Columns:
    """Columns of delimited text without header or quoting: numbers as arrays, words as Arrow arrays."""
    names = [f"column {at}" for at in range(1, len(types) + 1)]
    try:
        table = pacsv.read_csv(
            io.BytesIO(text),
            read_options=pacsv.ReadOptions(column_names=names),
            parse_options=pacsv.ParseOptions(delimiter=separator, quote_char=False),
            convert_options=pacsv.ConvertOptions(column_types=dict(zip(names, types, strict=True)), null_values=[]),
        )
    except pa.ArrowInvalid as error:
        raise InputError(f"{place}: {error}") from error
    whole = [column.combine_chunks() for column in table.columns]
    return tuple(column if pa.types.is_large_string(column.type) else column.to_numpy() for column in whole)


def as_text(columns: Columns) -> bytes:
    """The text that `parsed` reads: how the registry's checksums of text were taken."""
    table = pa.table([pa.array(column) for column in columns], names=[str(at) for at in range(len(columns))])
    sink = io.BytesIO()
    options = pacsv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")
    pacsv.write_csv(table, sink, options)
    return sink.getvalue()


def read_file(path: Path, file: DataFile, kind: str, verify: bool) -> Any:
    """Columns of a file of the registry, or a CSR matrix."""
    raw = checked_bytes(path, file.sha256, file.size) if verify else checked_bytes(path, None)
    if file.name == FEATURES:
        return _matrix(path, raw)
    types = types_of(file.name, kind)
    assert types is not None
    text = unzipped(str(path), raw, file.text_size if verify else MAX_TEXT)
    return parsed(str(path), text, types[: file.columns])


def _matrix(path: Path, raw: bytes) -> sp.csr_array:
    try:
        return sp.csr_array(sp.load_npz(io.BytesIO(raw)), dtype=np.float32)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path}: not a sparse matrix of scipy.sparse.save_npz ({error}).") from error
