"""gensim's KeyedVectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._extras import library
from cleora_jax.graph import Vocab
from cleora_jax.interop.edges import check_foreign
from cleora_jax.vectors.embedding import Embedding, check_embedding


def to_keyed_vectors(embedding: Embedding) -> Any:
    """`gensim.models.KeyedVectors` of the same ids and vectors.

    Raises:
        ValueError: ids that stand in several columns: take one (`Embedding.of_column`).
        ModuleNotFoundError: gensim is not installed.

    Example:
        >>> import cleora_jax as cj
        >>> vectors = cj.Embedding(np.eye(2, dtype=np.float32), cj.Vocab.of(["ann", "bob"]))
        >>> cj.interop.to_keyed_vectors(vectors)["bob"].tolist()
        [0.0, 1.0]
    """
    check_embedding(embedding)
    models = library("gensim.models", "interop", "`to_keyed_vectors`")
    ids = embedding.vocab.ids.to_pylist()
    if len(set(ids)) < len(ids):
        raise checks.OptionError("`embedding` has ids that stand in several columns: take one by `of_column`.")
    found = models.KeyedVectors(embedding.dim)
    found.add_vectors(ids, embedding.to_numpy())
    return found


def from_keyed_vectors(vectors: Any, *, column: str = "entity") -> Embedding:
    """An embedding of gensim's `KeyedVectors`.

    Example:
        >>> import cleora_jax as cj
        >>> vectors = cj.Embedding(np.eye(2, dtype=np.float32), cj.Vocab.of(["ann", "bob"]))
        >>> cj.interop.from_keyed_vectors(cj.interop.to_keyed_vectors(vectors))
        Embedding(2 × 2 float32, 16 bytes; entity: 2)
    """
    check_foreign("vectors", vectors, "gensim's `KeyedVectors` (of a model, its `wv`)", "vectors", "index_to_key")
    return Embedding(np.asarray(vectors.vectors, np.float32), Vocab.of(list(vectors.index_to_key), column))
