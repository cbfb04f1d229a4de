"""`.npz` and `.npy`: the exact numbers, the settings and the library version. No pickle, neither way."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa

from cleora_jax._checks import InputError
from cleora_jax.graph.archive import MOST_HEADER, described
from cleora_jax.graph.vocab import Vocab, id_parts, ids_from_parts
from cleora_jax.vectors.stored import (
    KIND,
    Content,
    check_header,
    header_of,
    reading,
    require,
    settle,
)

SIDECAR = ".ids.json"
OWN_SIDECAR = json.dumps({"format": KIND})[:-1].encode()  # how it begins


def write_npz(content: Content, path: Path) -> None:
    """An uncompressed zip of arrays: `header` (JSON bytes), `ids_text`, `ids_offset`, `column_of`, `vectors`.

    `header` holds format, version, library, shape, columns, settings and checksums; `ids_text` the ids as one run of
    UTF-8 bytes and `ids_offset` int64[n + 1] where each begins; `column_of` uint8[n]; `vectors` float32[n, d].
    """
    text, offset = id_parts(content.vocab)
    header = np.frombuffer(json.dumps(header_of(content)).encode(), np.uint8)
    with open(path, "wb") as file:
        np.savez(
            file, header=header, ids_text=text, ids_offset=offset, column_of=content.vocab.column_of,
            vectors=np.ascontiguousarray(content.vectors),
        )  # fmt: skip


def read_npz(path: str, column: str) -> Content:
    """Read what `write_npz` wrote; the file says what its columns are."""
    with reading(path, ".npz"), zipfile.ZipFile(path) as archive:
        if "header.npy" not in archive.namelist():
            raise InputError(f"{path}: an .npz file of another kind, without `header`.")
        header = check_header(path, json.loads(_array(path, archive, "header").tobytes()))
        ids = ids_from_parts(path, _array(path, archive, "ids_text"), _array(path, archive, "ids_offset"))
        vectors, column_of = _array(path, archive, "vectors"), _array(path, archive, "column_of")
    return settle(path, vectors, ids, header["columns"], column_of, header)


def _array(path: str, archive: zipfile.ZipFile, name: str) -> np.ndarray:
    place = archive.getinfo(f"{name}.npy")
    require(path, place.compress_type == zipfile.ZIP_STORED, f"{name!r} is compressed, which we never write")
    with archive.open(place) as file:  # NumPy makes room for an array before it reads it: look what it says of itself
        described(file.read(MOST_HEADER), place.file_size)
    with archive.open(place) as file:  # opened anew: seeking back would switch off the check of its CRC-32
        array: np.ndarray = np.lib.format.read_array(file, allow_pickle=False)
    return array


def sidecar_path(path: str) -> str:
    """Where the ids of an `.npy` file are: `x.npy` has them in `x.ids.json`."""
    return os.path.splitext(path)[0] + SIDECAR


def check_sidecar(vocab: Vocab, path: str) -> None:
    """Raise InputError where the file that would hold the ids is there, and not one of ours."""
    beside = sidecar_path(path)
    if os.path.isfile(beside):
        with open(beside, "rb") as file:
            start = file.read(len(OWN_SIDECAR))
        if start != OWN_SIDECAR:
            raise InputError(f"cannot write {path!r}: its ids go to {beside!r}, which is a file of another kind.")


def write_npy(content: Content, path: Path, beside: Path) -> None:
    """A plain NumPy array float32[n, d], which anything can map into memory, and a JSON file beside it.

    `x.ids.json` holds the header of `write_npz`, `ids` (a list of n strings) and `column_of` (a list of n numbers,
    only where there are several columns). Each file is checked against the other on loading, by a checksum.
    """
    sidecar = header_of(content) | {"ids": content.vocab.ids.to_pylist()}
    if len(content.vocab.columns) > 1:
        sidecar["column_of"] = content.vocab.column_of.tolist()
    with open(beside, "w", encoding="utf-8", newline="\n") as text:
        json.dump(sidecar, text, ensure_ascii=False)
    with open(path, "wb") as file:
        np.save(file, np.ascontiguousarray(content.vectors))


def read_npy(path: str, column: str) -> Content:
    """Read what `write_npy` wrote; the file says what its columns are."""
    beside = sidecar_path(path)
    with reading(beside, SIDECAR), open(beside, encoding="utf-8", newline="") as text:
        sidecar = json.load(text)
        if not isinstance(sidecar, dict) or not isinstance(sidecar.get("ids"), list):
            raise InputError(f"{beside}: not the ids of an .npy file of cleora_jax.")
        ids = pa.array(sidecar.pop("ids"), pa.large_string())
        column_of = np.array(sidecar.pop("column_of", [0] * len(ids)), np.uint8)
        header = check_header(beside, sidecar)
    with reading(path, ".npy"), open(path, "rb") as file:
        _, shape, _ = described(file.read(MOST_HEADER), os.path.getsize(path))
        require(path, shape == header["shape"], f"shape {shape}, {beside} says {header['shape']}")
        file.seek(0)
        vectors = np.load(file, allow_pickle=False)
    return settle(path, vectors, ids, header["columns"], column_of, header)
