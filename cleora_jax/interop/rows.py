"""Rows for vector databases: id, vector, payload. Qdrant, Milvus, Weaviate, pgvector and others load such lines."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from cleora_jax._atomic import atomic_path
from cleora_jax.interop.edges import columns_of
from cleora_jax.vectors.embedding import Embedding, check_embedding, check_writable


def vector_rows(embedding: Embedding, attributes: Any = None) -> Iterator[dict[str, Any]]:
    """For each entity `{"id", "column", "vector", "payload"}`, one after the other, for any client.

    Args:
        embedding: n entities.
        attributes: what becomes the payload, a table or frame: see `graph.attributes_of`; nulls are left out. Default:
            none.

    Raises:
        ValueError: another number of attributes than entities.

    Example:
        >>> import numpy as np
        >>> import cleora_jax as cj
        >>> vectors = cj.Embedding(np.eye(2, dtype=np.float32), cj.Vocab.of(["ann", "bob"]))
        >>> next(cj.interop.vector_rows(vectors, {"age": [41, None]}))
        {'id': 'ann', 'column': 'entity', 'vector': [1.0, 0.0], 'payload': {'age': 41}}
    """
    check_embedding(embedding)
    vocab = embedding.vocab
    columns = columns_of(attributes, vocab)
    for row, (entity, code) in enumerate(zip(vocab.ids.to_pylist(), vocab.column_of.tolist(), strict=True)):
        payload = {name: values[row] for name, values in columns.items() if values[row] is not None}
        vector = embedding.vectors[row].tolist()
        yield {"id": entity, "column": vocab.columns[code], "vector": vector, "payload": payload}


def write_rows(embedding: Embedding, path: str | os.PathLike[str], attributes: Any = None) -> None:
    """`vector_rows` as JSON lines, whole or not at all; what JSON has no type for, such as dates, is written as text.

    Raises:
        ValueError: another number of attributes than entities.
        OSError: the folder does not exist, or the disk refuses.
    """
    check_writable(embedding, path)
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8", newline="\n") as file:
        for row in vector_rows(embedding, attributes):
            file.write(json.dumps(row, ensure_ascii=False, allow_nan=False, default=str) + "\n")
