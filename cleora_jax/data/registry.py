"""All data sets by name: those of the registry file, those known by their address alone, and those in the package."""

from __future__ import annotations

import difflib
import json
from dataclasses import replace
from importlib import resources
from typing import Any

from cleora_jax import _checks as checks
from cleora_jax.data.addresses import BY_ADDRESS, ORIGINALS
from cleora_jax.data.classics import CLASSICS
from cleora_jax.data.info import DataFile, DatasetInfo


def registry() -> dict[str, DatasetInfo]:
    """All data sets by name, in the order of the names.

    Example:
        >>> cora = registry()["cora"]
        >>> cora.title, cora.counts["edges"], cora.licence
        ('Cora citation network, Planetoid version', 5278, 'repository: MIT; data: none stated')
    """
    text = resources.files("cleora_jax.data").joinpath("registry.json").read_text(encoding="utf-8")
    known = [*map(_info, json.loads(text)), *BY_ADDRESS, *CLASSICS]
    own = [replace(info, counts=dict(info.counts)) for info in known]  # nobody else's to change
    return {info.name: info for info in sorted(own, key=lambda info: info.name)}


def info_of(name: str) -> DatasetInfo:
    """The data set of that name, or OptionError with the names most like it."""
    known = registry()
    if not isinstance(name, str):
        raise TypeError(f"`name` must be the name of a data set, got {name!r:.100}.")
    if name not in known:
        near = difflib.get_close_matches(name.casefold().replace("_", "-"), known, n=3, cutoff=0.5)
        hint = f" Nearest: {', '.join(map(repr, near))}." if near else ""
        raise checks.OptionError(f"`name`: there is no data set {name!r}; `list_datasets()` names all.{hint}")
    return known[name]


def _info(entry: dict[str, Any]) -> DatasetInfo:
    files = tuple(DataFile(**file) for file in entry["files"])
    return DatasetInfo(**entry | {"files": files, "originals": ORIGINALS.get(entry["name"], ())})
