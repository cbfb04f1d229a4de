"""Tiny data sets made up in a folder, with their own checksums, and named so that none is taken for a real one."""

from __future__ import annotations

import gzip
import hashlib
import io
from dataclasses import replace
from pathlib import Path

import scipy.sparse as sp

from cleora_jax.data.info import DataFile, DatasetInfo

TABLES = {
    "edges.tsv.gz": [(0, 1), (0, 3), (1, 3), (3, 3)],
    "labels.tsv.gz": [(0, 10), (1, 9), (3, 10), (4, 9)],
    "split.tsv.gz": [(0, "train"), (3, "val"), (1, "test"), (4, "test")],
    "names.tsv.gz": [(row, f"node {row}") for row in range(5)],
}


def made(folder: Path, kind: str, tables: dict, features=None, **more) -> DatasetInfo:
    """A data set "made-up" in `folder`, and its entry."""
    home = folder / "made-up"
    home.mkdir(parents=True, exist_ok=True)
    files = []
    for name, rows in tables.items():
        text = "".join("\t".join(map(str, row)) + "\n" for row in rows).encode()
        raw = gzip.compress(text, mtime=0)
        (home / name).write_bytes(raw)
        known = len(rows), len(rows[0]), len(text), hashlib.sha256(text).hexdigest()
        files.append(DataFile(name, len(raw), hashlib.sha256(raw).hexdigest(), *known))
    if features is not None:
        sink = io.BytesIO()
        sp.save_npz(sink, sp.csr_array(features))
        (home / "features.npz").write_bytes(sink.getvalue())
        files.append(DataFile("features.npz", len(sink.getvalue()), hashlib.sha256(sink.getvalue()).hexdigest()))
    info = DatasetInfo(
        "made-up", "made up for a test", kind, "none", "nobody", "https://example.org", files=tuple(files)
    )
    return replace(info, **more)
