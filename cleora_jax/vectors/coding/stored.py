"""Compressed vectors in files."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any

import numpy as np

from cleora_jax._checks import InputError
from cleora_jax.graph.archive import (
    Arrays,
    Kind,
    believed,
    is_in_range,
    read_archive,
    under,
    vocab_arrays,
    vocab_from,
    write_archive,
)
from cleora_jax.vectors.coding.codec import Codec, Fit
from cleora_jax.vectors.coding.codecs import CODECS
from cleora_jax.vectors.coding.compressed import Compressed
from cleora_jax.vectors.search import ROW_BLOCK

KIND = Kind("compressed embedding", "cleora_jax.compressed", 1)
KINDS = {codec.__name__: codec for codec in CODECS.values()}  # by their names in files


def save_compressed(compressed: Compressed, path: str | os.PathLike[str]) -> None:
    """See `Compressed.save`."""
    header = {
        "codec": type(compressed.codec).__name__,
        "options": asdict(compressed.codec),  # type: ignore[call-overload]
        "columns": compressed.vocab.columns,
        "width": compressed.width,
        "settings": compressed.settings,
        "notes": compressed.notes,
    }
    arrays = vocab_arrays(compressed.vocab) | {"codes": compressed.codes, "zero": compressed.zero}
    arrays |= {f"fit.{name}": part for name, part in compressed.fit.parts.items()}
    if compressed.fit.basis is not None:
        arrays["basis"] = compressed.fit.basis
    write_archive(path, KIND, header, arrays)


def load_compressed(path: str | os.PathLike[str]) -> Compressed:
    """Read what `Compressed.save` wrote.

    Raises:
        MissingFileError: no such file.
        InputError: one that is damaged or of another kind; the fault is named.

    Example:
        >>> import os, tempfile
        >>> import numpy as np
        >>> import cleora_jax as cj
        >>> vectors = cj.Embedding(np.eye(4, dtype=np.float32), cj.Vocab.of(list("abcd")))
        >>> path = os.path.join(tempfile.mkdtemp(), "small.npz")
        >>> cj.compress(vectors, cj.Float16()).save(path)
        >>> cj.load_compressed(path)
        Compressed(4 × 8 bytes by Float16(), 32 bytes and 0 bytes learned)
    """
    source = os.fspath(path)
    header, arrays = read_archive(path, KIND)
    try:
        return _read(source, header, arrays)
    except (ValueError, IndexError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{source}: damaged: its parts do not hold together ({error}).") from error


def _read(source: str, header: dict[str, Any], arrays: Arrays) -> Compressed:
    with believed(source, KIND):
        if header["codec"] not in KINDS:
            raise InputError(f"{source}: coded by {header['codec']!r}, which this library does not know.")
        codec: Codec = KINDS[header["codec"]](**header["options"])
        vocab = vocab_from(source, header["columns"], arrays)
        fit, codes, zero = Fit(under(arrays, "fit."), arrays.get("basis")), arrays["codes"], arrays["zero"]
        _require(source, codes.ndim == 2 and len(codes) == len(vocab) and is_in_range(zero, len(codes)))
        for part in (*fit.parts.values(), *([] if fit.basis is None else [fit.basis]), codes):
            _require(source, part.dtype.kind in "uf" and bool(np.isfinite(part).all()))
        _require(source, fit.basis is None or (fit.basis.ndim == 2 and len(fit.basis) == header["width"]))
        settings, notes = header["settings"], dict(header.get("notes", {}).items())
        found = Compressed(codes, codec, fit, vocab, int(header["width"]), settings, zero, notes)
        wanted = header["width"] if fit.basis is None else fit.basis.shape[1]
        for start in range(0, len(codes), ROW_BLOCK):  # every code is one that was learned
            _require(source, found.vectors[start : start + ROW_BLOCK].shape[1:] == (wanted,))
    return found


def _require(source: str, holds: bool) -> None:
    if not holds:
        raise InputError(f"{source}: damaged: its parts do not hold together.")
