"""What a file of vectors holds, whatever its format: checks on the way out and in, the header, the checksums."""

from __future__ import annotations

import contextlib
import json
import struct
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cleora_jax._checks import InputError, file_at
from cleora_jax._version import __version__
from cleora_jax.graph.vocab import Vocab, id_parts

KIND, VERSION = "cleora_jax embedding", 1
OTHERS = {
    "cleora_jax.index": ", but an index of them: search it by `similar` or `load_index`",
    "cleora_jax.compressed": ", but their codes: search them by `similar` or `load_compressed`",
    "cleora_jax graph": ", but a graph: see `load_graph`",
    "cleora_jax.checkpoint": ", but the state of a run: see `Checkpoint`",
}  # by their `format`: what else this library writes
BLOCK_NUMBERS = 1 << 20  # numbers written or checked at once
DAMAGE = (
    OSError, ValueError, KeyError, TypeError, IndexError, EOFError, OverflowError, RuntimeError, SyntaxError,
    struct.error, tokenize.TokenError, zipfile.BadZipFile, zlib.error, pa.ArrowException,
)  # what the readers of NumPy, zipfile and Arrow raise at damaged bytes  # fmt: skip


class Content(NamedTuple):
    """What a file holds: float32[n, d], the n ids, and a JSON object (empty where the format has no place for it)."""

    vectors: np.ndarray
    vocab: Vocab
    settings: dict[str, Any]


def row_blocks(shape: tuple[int, ...]) -> Iterator[slice]:
    """Slices of rows, in order, of about `BLOCK_NUMBERS` numbers each."""
    step = max(1, BLOCK_NUMBERS // max(1, shape[1]))
    for start in range(0, shape[0], step):
        yield slice(start, min(start + step, shape[0]))


def first_not_finite(vectors: np.ndarray) -> tuple[int, int] | None:
    """(row, column) of the first NaN or infinity, or None."""
    for block in row_blocks(vectors.shape):
        fine = np.isfinite(vectors[block])
        if not fine.all():
            row, column = np.argwhere(~fine)[0]
            return block.start + int(row), int(column)
    return None


def not_finite(content: Content, place: tuple[int, int]) -> str:
    """What stands at `place`, for messages."""
    row, column = place
    return f"the vector of {content.vocab[row]!r} holds {content.vectors[place]} in dimension {column}"


def check_finite(path: str, content: Content) -> None:
    """Raise InputError at the first NaN or infinity, before a file is made."""
    wrong = first_not_finite(content.vectors)
    if wrong is not None:
        raise InputError(f"cannot write {path!r}: {not_finite(content, wrong)}.")


@contextlib.contextmanager
def reading(source: str, kind: str) -> Iterator[None]:
    """Turn what readers raise at damaged bytes into an `InputError` that names the file."""
    file_at(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy warns where it guesses at a damaged header; we check instead
            yield
    except (InputError, PermissionError):
        raise
    except DAMAGE as error:
        raise InputError(f"{source}: not a whole {kind} file; it is truncated or damaged ({error}).") from error


def require(source: str, fine: bool, fault: str) -> None:
    """Raise InputError naming file and fault unless `fine`."""
    if not fine:
        raise InputError(f"{source}: {fault}.")


def header_of(content: Content) -> dict[str, Any]:
    """The header of formats that carry one: all of it JSON, with checksums of the content and of itself."""
    header: dict[str, Any] = {
        "format": KIND,
        "version": VERSION,
        "library": __version__,
        "shape": list(content.vectors.shape),
        "columns": list(content.vocab.columns),
        "settings": content.settings,
        "content_crc32": _content_crc(content),
    }
    return header | {"crc32": _json_crc(header)}


def check_header(source: str, header: dict[str, Any]) -> dict[str, Any]:
    """The header as read, whole and of a version that this library reads, or InputError."""
    kind = header.get("format") if isinstance(header, dict) else None
    require(source, kind == KIND, f"not a file of vectors{OTHERS.get(str(kind), '')}")
    version = header.get("version")
    require(source, version == VERSION, f"format version {version!r}, this library reads {VERSION}")
    rest = {name: value for name, value in header.items() if name != "crc32"}
    require(source, header.get("crc32") == _json_crc(rest), "damaged: the checksum of its header does not fit")
    return header


def settle(
    source: str, vectors: np.ndarray, ids: pa.Array, columns: list[str], column_of: np.ndarray, header: Any = None
) -> Content:
    """Everything that was read, checked: shapes, finite numbers, distinct ids, and the header where there is one."""
    require(source, vectors.dtype == np.float32 and vectors.ndim == 2, "the vectors are not a float32 table")
    require(source, vectors.shape[1] > 0, "the vectors have no columns")
    require(source, len(vectors) == len(ids), f"{len(ids)} ids for {len(vectors)} vectors; the file is truncated")
    require(source, ids.null_count == 0, "an id is missing")
    codes = np.ascontiguousarray(column_of, np.uint8)
    whole = codes.shape == (len(ids),) and len(set(columns)) == len(columns) > 0
    require(source, whole and (not len(codes) or int(codes.max()) < len(columns)), "the columns of the ids do not fit")
    content = Content(vectors, Vocab(ids, tuple(columns), codes), {} if header is None else header["settings"])
    if header is not None:
        fits = list(vectors.shape) == header["shape"]
        require(source, fits, f"shape {list(vectors.shape)}, the header says {header['shape']}")
        require(source, _content_crc(content) == header["content_crc32"], "damaged: the checksum does not fit")
    twice = repeated(content.vocab)
    require(source, twice is None, f"the id {twice!r} stands twice")
    wrong = first_not_finite(vectors)
    if wrong is not None:
        require(source, False, not_finite(content, wrong))
    return content


def repeated(vocab: Vocab, across: bool = False) -> str | None:
    """An id that stands twice in one column (`across`: in all columns together), or None."""
    keys = vocab.ids
    if len(vocab.columns) > 1 and not across:
        codes = pa.array(vocab.column_of).cast(pa.large_string())
        keys = pc.binary_join_element_wise(codes, keys, pa.scalar(":", pa.large_string()))
    if len(pc.unique(keys)) == len(keys):
        return None
    again = np.full(len(keys), True)
    places = keys.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    again[np.unique(places, return_index=True)[1]] = False
    return vocab[int(np.flatnonzero(again)[0])]


def _content_crc(content: Content) -> int:
    crc = 0
    for part in (*id_parts(content.vocab), content.vocab.column_of, content.vectors):
        crc = zlib.crc32(np.ascontiguousarray(part).reshape(-1).view(np.uint8).data, crc)
    return crc


def _json_crc(value: Any) -> int:
    return zlib.crc32(json.dumps(value, sort_keys=True).encode())
