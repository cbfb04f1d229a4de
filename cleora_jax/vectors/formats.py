"""Embeddings on disk: the suffix decides the format.

    .npz            exact, with columns, settings and library version; the format to keep things in
    .npy            exact, a plain array, ids and settings in `.ids.json` beside it
    .parquet        exact, columns `id`, `column` (where there are several) and `vector`; settings in the metadata
    .csv, .tsv      exact, for people and spreadsheets; no settings
    .vec, .txt      word2vec text, exact; no columns, no settings; blanks in ids are escaped, see `vectors.word2vec`
    .bin            word2vec binary; the same

Every file is written under a temporary name and then renamed, and checked in full when it is read: a damaged file is an
`InputError`. The first three carry checksums, so any change is found; a changed digit in the others cannot be.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice

from cleora_jax import _checks as checks
from cleora_jax._atomic import atomic_paths, check_target
from cleora_jax.graph.vocab import Vocab
from cleora_jax.vectors import numpy_files, tables, word2vec
from cleora_jax.vectors.stored import Content as Content
from cleora_jax.vectors.stored import check_finite
from cleora_jax.vectors.tables import as_table as as_table

Path = str | os.PathLike[str]


@dataclass(frozen=True)
class Format:
    """A way to keep vectors.

    Args:
        name: as in `format=`.
        write: `write(content, *files)`, plainly: that all appear or none is seen to in `write_contents`.
        read: `read(path, column)`.
        check: `check(vocab, path)` raises InputError where some ids cannot be held, or what is not ours overwritten.
        files: the files that belong to a path, itself first.
    """

    name: str
    write: Callable[..., None]
    read: Callable[[str, str], Content]
    check: Callable[[Vocab, str], None] = lambda vocab, path: None
    files: Callable[[str], tuple[str, ...]] = lambda path: (path,)


_NPZ = Format("npz", numpy_files.write_npz, numpy_files.read_npz)
_NPY = Format(
    "npy", numpy_files.write_npy, numpy_files.read_npy, numpy_files.check_sidecar,
    lambda path: (path, numpy_files.sidecar_path(path)),
)  # fmt: skip
_TEXT = Format("word2vec", word2vec.write_text, word2vec.read_text, word2vec.check_ids)

FORMATS: dict[str, Format] = {
    ".npz": _NPZ,
    ".npy": _NPY,
    ".parquet": Format("parquet", tables.write_parquet, tables.read_parquet),
    ".csv": Format("csv", tables.write_csv, tables.read_csv),
    ".tsv": Format("tsv", tables.write_tsv, tables.read_tsv),
    ".vec": _TEXT,
    ".txt": _TEXT,
    ".bin": Format("word2vec_binary", word2vec.write_binary, word2vec.read_binary, word2vec.check_ids),
}
NAMES = tuple(dict.fromkeys(entry.name for entry in FORMATS.values()))


def format_of(path: Path, format: str | None = None) -> Format:
    """The format of a path: `format` where it is given, otherwise by suffix.

    Raises:
        ValueError: neither says which.

    Example:
        >>> format_of("people.vec").name, format_of("people.dat", "csv").name
        ('word2vec', 'csv')
    """
    if format is not None:
        checks.one_of("format", format, NAMES)
        return next(entry for entry in FORMATS.values() if entry.name == format)
    suffix = os.path.splitext(os.fspath(path))[1].lower()
    if suffix not in FORMATS:
        raise checks.OptionError(
            f"`path` {os.fspath(path)!r}: the suffix must be one of {', '.join(FORMATS)}, got {suffix!r}; "
            f"or, in Python, give `format=`, one of {', '.join(map(repr, NAMES))}."
        )
    return FORMATS[suffix]


def check_destination(path: Path, format: str | None = None, vocab: Vocab | None = None) -> None:
    """Raise what `save` would raise about the path (and the ids), so that it is known before the work and not after.

    Raises:
        InputError: the format cannot hold an id of `vocab`, or a file in the way is not one of ours.
        ValueError: an unknown suffix or format.
        FileNotFoundError, IsADirectoryError: the folder of `path` does not exist, or `path` is a folder.
    """
    chosen = format_of(path, format)
    for file in chosen.files(os.fspath(path)):
        check_target(file)
    if vocab is not None:
        chosen.check(vocab, os.fspath(path))


def files_of(path: Path, format: str | None = None) -> tuple[str, ...]:
    """The files that saving to a path writes, itself first."""
    return format_of(path, format).files(os.fspath(path))


def write_contents(contents: Mapping[str, Content], format: str | None = None) -> None:
    """Write vectors, ids and settings, each to its path: all files appear, or none; see `Embedding.save`."""
    for path, content in contents.items():
        check_destination(path, format, content.vocab)
        check_finite(path, content)
    files = [files_of(path, format) for path in contents]
    try:
        with atomic_paths(*(file for some in files for file in some)) as temporaries:
            left = iter(temporaries)
            for (path, content), some in zip(contents.items(), files, strict=True):
                format_of(path, format).write(content, *islice(left, len(some)))
    except OSError as error:
        if error.filename is not None or error.errno is None:
            raise
        names = ", ".join(map(repr, contents))
        raise OSError(error.errno, f"cannot write {names}: {error.strerror or error}") from error


def read_content(path: Path, format: str | None = None, column: str = "entity") -> Content:
    """Read vectors, ids and settings; see `load_embedding`."""
    source = checks.file_at(path)  # whatever its suffix
    return format_of(path, format).read(source, column)
