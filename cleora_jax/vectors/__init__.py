"""Dense tables of vectors: look-up by id, search, files, scaling, coding. What needs JAX loads on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from cleora_jax.vectors.alignment import align as align
from cleora_jax.vectors.alignment import procrustes as procrustes
from cleora_jax.vectors.correlation import AlignmentScore as AlignmentScore
from cleora_jax.vectors.correlation import Cca as Cca
from cleora_jax.vectors.correlation import alignment_score as alignment_score
from cleora_jax.vectors.correlation import cca as cca
from cleora_jax.vectors.embedding import Embedding as Embedding
from cleora_jax.vectors.embedding import load_embedding as load_embedding
from cleora_jax.vectors.ensemble import combine as combine
from cleora_jax.vectors.index import Index as Index
from cleora_jax.vectors.index import build_index as build_index
from cleora_jax.vectors.index import load_index as load_index
from cleora_jax.vectors.loading import load_searchable as load_searchable

if TYPE_CHECKING:
    from cleora_jax.vectors.cluster import kmeans as kmeans
    from cleora_jax.vectors.coding import PCA as PCA
    from cleora_jax.vectors.coding import Binary as Binary
    from cleora_jax.vectors.coding import Compressed as Compressed
    from cleora_jax.vectors.coding import Float16 as Float16
    from cleora_jax.vectors.coding import Int8 as Int8
    from cleora_jax.vectors.coding import ProductQuantization as ProductQuantization
    from cleora_jax.vectors.coding import RandomProjection as RandomProjection
    from cleora_jax.vectors.coding import compress as compress
    from cleora_jax.vectors.coding import load_compressed as load_compressed
    from cleora_jax.vectors.scale import whiten as whiten
    from cleora_jax.vectors.scale import whitening_rank as whitening_rank

_LATER = {
    "cluster": "kmeans",
    "coding": """
        Binary Compressed Float16 Int8 PCA ProductQuantization RandomProjection compress load_compressed
    """,
    "scale": "whiten whitening_rank",
}
_FILE_OF = {name: file for file, names in _LATER.items() for name in names.split()}
_NOW = [
    "AlignmentScore", "Cca", "Embedding", "Index", "align", "alignment_score", "build_index", "cca", "combine",
    "load_embedding", "load_index", "load_searchable", "procrustes",
]  # fmt: skip
__all__ = sorted([*_NOW, *_FILE_OF])


def __getattr__(name: str) -> Any:
    if name not in _FILE_OF:
        raise AttributeError(f"module 'cleora_jax.vectors' has no attribute {name!r}")
    return getattr(importlib.import_module(f"cleora_jax.vectors.{_FILE_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
