"""Files as their publishers give them become the same tables as the registry's files; what comes out is checked."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from cleora_jax._checks import InputError
from cleora_jax.data.dataset import Dataset
from cleora_jax.data.info import DatasetInfo
from cleora_jax.data.tables import (
    FEATURES,
    INT,
    TRIPLES,
    WORD,
    Columns,
    Tables,
    as_text,
    checked_bytes,
    parsed,
    unzipped,
)

BLANKS_AT_END = re.compile(rb"[ \t\r]+$", re.MULTILINE)
CHANGED = "The publisher may have changed them; `verify=False` loads them all the same."
Checksums = Mapping[str, tuple[str | None, int | None]]  # of files by name: sha256 and size, where known


def original_tables(info: DatasetInfo, folder: Path, known: Checksums | None) -> Tables:
    """Tables of the originals in a folder, whose bytes must have the checksums known; None checks none."""
    tables: dict[str, Any] = {}
    for original in info.originals:
        path = folder / original.name
        expected = (None, None) if known is None else known.get(original.name, (original.sha256, None))
        raw = checked_bytes(path, *expected)
        text = unzipped(str(path), raw) if path.suffix in (".gz", ".tgz") else raw
        tables |= FORMS[original.form](info, str(path), text)
    return tables


def check_contents(info: DatasetInfo, tables: Tables, folder: Path) -> None:
    """Raise InputError unless the tables are, byte for byte, those that the registry counted."""
    for file in info.files:
        if file.name not in tables or not file.text_sha256:
            continue
        found = hashlib.sha256(as_text(tables[file.name])).hexdigest()
        if found != file.text_sha256:
            raise InputError(
                f"{folder}: the originals of {info.name!r} do not hold what was counted: the text of {file.name} "
                f"made of them has sha256 {found}, expected {file.text_sha256}. {CHANGED}"
            )


def check_counts(info: DatasetInfo, dataset: Dataset, folder: Path) -> None:
    """Raise InputError unless a data set known by its address alone has the counts published."""
    found = {"nodes": dataset.graph.num_entities, "edges": dataset.graph.num_hyperedges}
    if dataset.labels is not None:
        found["classes"] = len(dataset.labels.classes)
    wrong = [what for what in found if found[what] != info.counts.get(what, found[what])]
    if wrong:
        told = ", ".join(f"{found[what]:,} {what} instead of {info.counts[what]:,}" for what in wrong)
        raise InputError(f"{folder}: not the published {info.name!r}: {told}. {CHANGED}")


def _edges(info: DatasetInfo, place: str, text: bytes) -> dict[str, Columns]:
    """Pairs of numbers: distinct and sorted; of undirected sets, where both directions may stand, each once."""
    first, second = parsed(place, *_data_lines(place, text, (INT, INT)))
    return {"edges.tsv.gz": distinct_pairs(first, second, info.directed)}


def distinct_pairs(first: np.ndarray, second: np.ndarray, directed: bool) -> Columns:
    """Each pair once, sorted; the smaller first where there is no direction.

    Example:
        >>> distinct_pairs(np.array([5, 2, 2]), np.array([2, 5, 3]), directed=False)
        (array([2, 2]), array([3, 5]))
    """
    if not directed:
        first, second = np.minimum(first, second), np.maximum(first, second)
    order = np.lexsort((second, first))
    first, second = first[order], second[order]
    new = np.ones(len(first), bool)
    new[1:] = (np.diff(first) != 0) | (np.diff(second) != 0)
    return first[new], second[new]


def _labels(info: DatasetInfo, place: str, text: bytes) -> dict[str, Columns]:
    """A number and a label a line; sorted by the number."""
    node, label = parsed(place, *_data_lines(place, text, (INT, WORD)))
    order = np.argsort(node, kind="stable")
    return {"labels.tsv.gz": (node[order], label.take(pa.array(order)))}


def _data_lines(place: str, text: bytes, types: tuple[pa.DataType, ...]) -> tuple[bytes, tuple[pa.DataType, ...], str]:
    """The text without the comments at its head and blanks at line ends, the types, and the separator."""
    start = 0
    while text[start : start + 1] == b"#":
        start = text.find(b"\n", start) + 1 or len(text)
    lines = BLANKS_AT_END.sub(b"", text[start:])
    if not lines.strip():
        raise InputError(f"{place}: it has no lines of data.")
    return lines, types, "\t" if b"\t" in lines.split(b"\n", 1)[0] else " "


def _triples(info: DatasetInfo, place: str, text: bytes) -> dict[str, Columns]:
    """An archive with train.txt, valid.txt and test.txt: head, relation, tail."""
    members = _members(place, text, {f"{name.split('.')[0]}.txt": name for name in TRIPLES})
    return {name: parsed(f"{place}: {name}", member, (WORD, WORD, WORD)) for name, member in members.items()}


def _linqs(info: DatasetInfo, place: str, text: bytes) -> dict[str, Any]:
    """An archive of papers (id, a 0 or 1 for each word, class) and of links (cited paper, citing paper)."""
    stem = info.name.removesuffix("-linqs")
    members = _members(place, text, {f"{stem}.content": "content", f"{stem}.cites": "cites"})
    words = members["content"].split(b"\n", 1)[0].count(b"\t") - 1
    if words < 1:
        raise InputError(f"{place}: {stem}.content has no words.")
    paper, *columns, label = parsed(place, members["content"], (INT, *[pa.float32()] * words, WORD))
    cited, citing = parsed(place, members["cites"], (INT, INT))
    order = np.argsort(paper)  # rows of features are in the order of the ids, as those of the graph
    kept = cited != citing
    return {
        "edges.tsv.gz": distinct_pairs(cited[kept], citing[kept], directed=False),
        "labels.tsv.gz": (paper[order], label.take(pa.array(order))),
        FEATURES: sp.csr_array(np.stack(columns, axis=1)[order]),
    }


def _members(place: str, archive: bytes, wanted: Mapping[str, str]) -> dict[str, bytes]:
    """Members of a tar archive by the names wanted, whatever folder they are in; nothing is unpacked to disk."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as tar:
            for member in tar:
                name = wanted.get(member.name.rsplit("/", 1)[-1])
                plain = member.isreg() and not member.issparse()  # what says that it is large must be large
                if name is not None and plain and (stream := tar.extractfile(member)) is not None:
                    found[name] = stream.read()
    except tarfile.TarError as error:
        raise InputError(f"{place}: not a whole tar archive ({error}).") from error
    if lacking := [file for file, name in wanted.items() if name not in found]:
        raise InputError(f"{place}: the archive has no {', '.join(lacking)}.")
    return found


FORMS: dict[str, Callable[[DatasetInfo, str, bytes], dict[str, Any]]] = {
    "edges": _edges,
    "labels": _labels,
    "triples": _triples,
    "linqs": _linqs,
}
