"""Trust on first use: the checksum of a file as first downloaded is recorded beside its folder, and enforced after."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cleora_jax._atomic import atomic_path
from cleora_jax._checks import InputError


def record_path(folder: Path, name: str) -> Path:
    """Where the checksums of a data set's downloads are recorded; deleting it withdraws the trust."""
    return folder / f"{name}.downloaded.json"


def recorded(folder: Path, name: str) -> dict[str, tuple[str | None, int | None]]:
    """For each file of a data set that was downloaded, its sha256 and size; empty where nothing was."""
    path = record_path(folder, name)
    if not path.exists():
        return {}
    try:
        entries: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return {file: (str(entry["sha256"]), int(entry["size"])) for file, entry in entries.items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{path}: damaged ({error!r}); delete it to trust the files anew.") from error


def record(folder: Path, name: str, entries: dict[str, dict[str, Any]]) -> None:
    """Write the record: for each file its address, sha256 and size."""
    with atomic_path(record_path(folder, name)) as temporary:
        temporary.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
