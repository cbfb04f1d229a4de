"""Which data sets there are, and which of them are on this machine."""

from __future__ import annotations

import os
from dataclasses import dataclass

from cleora_jax import _checks as checks
from cleora_jax.data.folders import folders
from cleora_jax.data.info import KINDS, DatasetInfo
from cleora_jax.data.load import find
from cleora_jax.data.registry import registry


@dataclass(frozen=True)
class Listed:
    """A data set in a listing; `str` of it is its line.

    Args:
        name, kind, title: of the set.
        present: it can be loaded without a download.
        where: "in the package", the folder it is in, "to download", or "not here".
    """

    name: str
    kind: str
    title: str
    present: bool
    where: str

    def __str__(self) -> str:
        return f"{self.name:27} {self.kind:15}  {self.title} ({self.where})"


def list_datasets(kind: str | None = None, folder: str | os.PathLike[str] | None = None) -> tuple[Listed, ...]:
    """All data sets that `load_dataset` knows, by name, and whether they are on this machine.

    Args:
        kind: only those of a kind: "graph", "directed graph", "hypergraph", "interactions", "sessions", "baskets" or
            "knowledge graph".
        folder: where to look, as in `load_dataset`.

    Example:
        >>> from cleora_jax.data import list_datasets
        >>> [listed.name for listed in list_datasets("knowledge graph")]
        ['fb15k-237', 'kinship', 'umls', 'wn18rr']
        >>> print(list_datasets("hypergraph")[1])
        davis-women                 hypergraph       Women of a town and the events they attended (in the package)
    """
    if kind is not None:
        checks.one_of("kind", kind, KINDS)
    places = folders(folder)

    def listed(info: DatasetInfo) -> Listed:
        place = None if info.bundled else find(info, places)
        absent = "to download" if info.originals else "not here"
        where = "in the package" if info.bundled else absent if place is None else f"in {place.folder}"
        return Listed(info.name, info.kind, info.title, info.bundled or place is not None, where)

    return tuple(listed(info) for info in registry().values() if kind in (None, info.kind))
