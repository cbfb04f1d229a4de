"""TensorBoard's Embedding Projector: a folder that it, or projector.tensorflow.org, opens."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cleora_jax import _checks as checks
from cleora_jax._atomic import atomic_path
from cleora_jax.interop.edges import columns_of
from cleora_jax.vectors.embedding import Embedding, check_writable

CONFIG = """embeddings {
  tensor_name: "cleora_jax"
  tensor_path: "vectors.tsv"
  metadata_path: "metadata.tsv"
}
"""
BLANKS = str.maketrans("\t\n\r", "   ")  # a table has no other way to hold them


def save_projector(
    embedding: Embedding, folder: str | os.PathLike[str], attributes: Any = None
) -> None:  # fmt: skip
    """Write `vectors.tsv`, `metadata.tsv` and `projector_config.pbtxt`. Tabs and line ends in texts become blanks.

    Args:
        embedding: n entities.
        folder: made where there is none.
        attributes: further columns of the metadata, a table or frame: see `graph.attributes_of`. Default: none.

    Raises:
        ValueError: another number of attributes than entities, or one called `column`.
        OSError: the disk refuses.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> import cleora_jax as cj
        >>> folder = tempfile.mkdtemp()
        >>> cj.interop.save_projector(cj.Embedding(np.eye(2, dtype=np.float32), cj.Vocab.of(["ann", "bob"])), folder)
        >>> print(Path(folder, "metadata.tsv").read_text())
        id	column
        ann	entity
        bob	entity
    """
    check_writable(embedding, folder)
    vocab, place = embedding.vocab, Path(folder)
    further = columns_of(attributes, vocab)
    if "column" in further:
        raise checks.OptionError("`attributes` must not be called 'column': the metadata have that already.")
    place.mkdir(parents=True, exist_ok=True)
    names = [vocab.columns[code] for code in vocab.column_of.tolist()]
    columns = {"id": vocab.ids.to_pylist(), "column": names, **further}
    rows = zip(*columns.values(), strict=True)
    _write(place / "metadata.tsv", ["\t".join(columns), *("\t".join(map(_cell, row)) for row in rows)])
    _write(
        place / "vectors.tsv",
        ("\t".join(format(number, ".9g") for number in row.tolist()) for row in embedding.vectors),
    )
    _write(place / "projector_config.pbtxt", [CONFIG.rstrip()])


def _cell(value: object) -> str:
    return "" if value is None else str(value).translate(BLANKS)


def _write(path: Path, lines: Iterable[str]) -> None:
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8", newline="\n") as file:
        file.writelines(line + "\n" for line in lines)
