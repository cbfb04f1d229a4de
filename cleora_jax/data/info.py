"""What is known of a data set without reading it: kind, licence, where it comes from, counts, checksums, addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import urlsplit

KINDS = ("graph", "directed graph", "hypergraph", "interactions", "sessions", "baskets", "knowledge graph")


@dataclass(frozen=True)
class DataFile:
    """One file of a data set, in the form that `load_dataset` reads from a folder.

    Args:
        name: its name in the folder of the set, e.g. "edges.tsv.gz".
        size: bytes.
        sha256: of the file, 64 hexadecimal digits.
        rows, columns: of its text; 0 where it is not text.
        text_size, text_sha256: of the text once decompressed; 0 and "" where it is not text.
    """

    name: str
    size: int
    sha256: str
    rows: int = 0
    columns: int = 0
    text_size: int = 0
    text_sha256: str = ""


@dataclass(frozen=True)
class Original:
    """A file at its canonical address, in the form of its publisher.

    Args:
        url: where it is.
        form: how it is read, one of "edges", "labels", "triples", "linqs" (see `originals.py`).
        sha256: of the file, where its publisher or we know it; else the first download is recorded and trusted.
    """

    url: str
    form: str
    sha256: str | None = None

    @property
    def name(self) -> str:
        """The file's name: the last part of its address."""
        return PurePosixPath(urlsplit(self.url).path).name


@dataclass(frozen=True)
class DatasetInfo:
    """A data set as the registry knows it.

    Args:
        name: of the set, and of its folder.
        title: what it is, in one line.
        kind: one of `KINDS`.
        licence: as stated by the source; most sources state none.
        home: who made it and where it was published, in short: what to cite.
        homepage: its canonical page.
        source: the public repository and path that this copy was made from.
        revision: repository and commit of the source, where it has them.
        published: the counts usually quoted, as text.
        counts: what was counted in this copy, e.g. {"nodes": 2708, "edges": 5278}; for sets that were never seen
            here, what must be counted in them.
        note: what else to know.
        protocol: how publications use it.
        files: the files of the set; none where it is only read from its originals.
        originals: where it can be downloaded; none where it cannot.
        bundled: it comes with the package.
    """

    name: str
    title: str
    kind: str
    licence: str
    home: str
    homepage: str
    source: str = ""
    revision: str = ""
    published: str = ""
    counts: Mapping[str, int | float | str] = field(default_factory=dict)
    note: str = ""
    protocol: str = ""
    files: tuple[DataFile, ...] = ()
    originals: tuple[Original, ...] = ()
    bundled: bool = False

    @property
    def directed(self) -> bool:
        """Its edges have a direction: from source to target."""
        return self.kind == "directed graph"

    @property
    def citation(self) -> str:
        """What to cite, in short: who made it, where it was published, and its page."""
        return f"{self.home}, {self.homepage}"

    def file(self, name: str) -> DataFile | None:
        """The file of that name, or None."""
        return next((file for file in self.files if file.name == name), None)
