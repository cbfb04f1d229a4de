"""One call for every data set: found in a folder, or downloaded on request, checked, and brought into one form."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from cleora_jax._checks import MissingFileError
from cleora_jax._progress import Progress, no_progress
from cleora_jax.data.assemble import assembled
from cleora_jax.data.classics import bundled
from cleora_jax.data.dataset import Dataset
from cleora_jax.data.folders import VARIABLE, folders
from cleora_jax.data.info import DatasetInfo, Original
from cleora_jax.data.originals import Checksums, check_contents, check_counts, original_tables
from cleora_jax.data.registry import info_of
from cleora_jax.data.tables import is_read, read_file
from cleora_jax.data.transfer import MismatchError
from cleora_jax.data.transfer import download as fetch
from cleora_jax.data.trust import record, record_path, recorded


def load_dataset(
    name: str,
    folder: str | os.PathLike[str] | None = None,
    *,
    download: bool = False,
    verify: bool = True,
    progress: Progress = no_progress,
) -> Dataset:
    """Load a data set by name: a real one, or an error; nothing is ever made up in its place.

    Args:
        name: one of `list_datasets()`.
        folder: holds a folder `name` with the files of the set. Default: `$CLEORA_JAX_DATA` where it is set and has
            the set, else the cache folder (`$XDG_CACHE_HOME/cleora_jax`, or where the platform has it). Sets that come
            with the package need none.
        download: where the set is not found and has a canonical address, download it: into `folder`, else the cache.
        verify: compare each file read with its checksum. Of a file whose checksum nobody knew, that of the first
            download is recorded in `<name>.downloaded.json` and enforced from then on ("trust on first use").
        progress: called with (file, bytes done, bytes in all) of a download.

    Returns:
        The data set; `info` says what it is, whose, and under which licence.

    Raises:
        OptionError: no data set has that name; the nearest names are listed.
        MissingFileError: the set is not here (the message says where it was looked for, and how to get it).
        InputError: a file is damaged, truncated or not the one expected (named, with both checksums), or a download
            failed.

    Example:
        >>> import cleora_jax as cj
        >>> from cleora_jax.data import load_dataset
        >>> karate = load_dataset("karate")
        >>> karate
        Dataset(karate: Graph(34 entities, 78 hyperedges; node: 34), Labels(34 of 34 entities, 2 classes))
        >>> karate.labels.classes, karate.info.home
        (('Mr. Hi', 'Officer'), 'Zachary 1977')
    """
    info = info_of(name)
    return bundled(info) if info.bundled else load(info, folder, download=download, verify=verify, progress=progress)


def load(
    info: DatasetInfo,
    folder: str | os.PathLike[str] | None = None,
    *,
    download: bool = False,
    verify: bool = True,
    progress: Progress = no_progress,
) -> Dataset:
    """As `load_dataset`, for a data set that need not be in the registry: `info` names its files or originals."""
    places = folders(folder)
    place = find(info, places)
    if place is not None:
        return _loaded(info, place, verify)
    if not download:
        raise MissingFileError(_not_here(info, places))
    return _downloaded(info, places, verify, progress)


class Place(NamedTuple):
    """The folder that a data set was found in, and whether as the originals of its publisher."""

    folder: Path
    originals: bool


def find(info: DatasetInfo, places: list[Path]) -> Place | None:
    """The first place that has all files of a data set that are read, in the one form or the other."""
    for folder in places:
        for originals, names in enumerate((_wanted(info), [original.name for original in info.originals])):
            if names and not _lacking(folder / info.name, names):
                return Place(folder, bool(originals))
    return None


def _wanted(info: DatasetInfo) -> list[str]:
    return [file.name for file in info.files if is_read(file.name, info.kind)]


def _lacking(folder: Path, names: list[str]) -> list[str]:
    return [name for name in names if not (folder / name).is_file()]


def _not_here(info: DatasetInfo, places: list[Path]) -> str:
    wanted = _wanted(info) or [original.name for original in info.originals]
    looked = [f"  {folder / info.name}: {_state(folder / info.name, wanted)}" for folder in places]
    lines = [f"data set {info.name!r} is not on this machine. Looked in:", *looked]
    if info.originals:
        lines.append(f"Download it (from {info.originals[0].url}) by load_dataset({info.name!r}, download=True).")
    else:
        lines.append(f"It cannot be downloaded from here; its home is {info.homepage} (this copy: {info.source}).")
    lines.append(f"Name a folder that has it by `folder` or ${VARIABLE}.")
    return "\n".join(lines)


def _state(folder: Path, wanted: list[str]) -> str:
    return f"lacks {', '.join(_lacking(folder, wanted))}" if folder.is_dir() else "no such folder"


def _downloaded(info: DatasetInfo, places: list[Path], verify: bool, progress: Progress) -> Dataset:
    """The data set from its originals, downloaded into the last place and recorded once they hold what they should."""
    if not info.originals:
        raise MissingFileError(_not_here(info, places))
    folder = places[-1]
    (folder / info.name).mkdir(parents=True, exist_ok=True)
    known = recorded(folder, info.name)
    entries = {original.name: _fetched(info, original, folder, known, progress) for original in info.originals}
    try:
        dataset = _loaded(info, Place(folder, True), verify)
    except BaseException:
        for name in entries.keys() - known.keys():  # not what was meant: the next try begins anew
            (folder / info.name / name).unlink()
        raise
    record(folder, info.name, entries)
    return dataset


def _fetched(
    info: DatasetInfo, original: Original, folder: Path, known: Checksums, progress: Progress
) -> dict[str, str | int]:
    """One original downloaded: what to record of it."""
    sha256, size = known.get(original.name, (original.sha256, None))
    try:
        got = fetch(original.url, folder / info.name / original.name, sha256=sha256, size=size, progress=progress)
    except MismatchError as error:
        if original.name not in known:
            raise
        trusted = record_path(folder, info.name)
        raise MismatchError(f"{error} {trusted} says what to expect: delete it to trust the file anew.") from error
    return {"url": original.url, "sha256": got.sha256, "size": got.size}


def _loaded(info: DatasetInfo, place: Place, verify: bool) -> Dataset:
    folder = place.folder / info.name
    if not place.originals:
        files = [file for file in info.files if is_read(file.name, info.kind)]
        return assembled(info, {file.name: read_file(folder / file.name, file, info.kind, verify) for file in files})
    tables = original_tables(info, folder, recorded(place.folder, info.name) if verify else None)
    if verify:
        check_contents(info, tables, folder)
    dataset = assembled(info, tables)
    if verify and not info.files:
        check_counts(info, dataset, folder)
    return dataset
