"""Dense tables of vectors: look-up by id, exact search, files, scaling. What needs JAX loads on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from cleora_jax.vectors.alignment import align as align
from cleora_jax.vectors.alignment import procrustes as procrustes
from cleora_jax.vectors.embedding import Embedding as Embedding
from cleora_jax.vectors.embedding import load_embedding as load_embedding
from cleora_jax.vectors.ensemble import combine as combine

if TYPE_CHECKING:
    from cleora_jax.vectors.scale import whiten as whiten
    from cleora_jax.vectors.scale import whitening_rank as whitening_rank

__all__ = ["Embedding", "align", "combine", "load_embedding", "procrustes", "whiten", "whitening_rank"]


def __getattr__(name: str) -> Any:
    if name not in ("whiten", "whitening_rank"):
        raise AttributeError(f"module 'cleora_jax.vectors' has no attribute {name!r}")
    return getattr(importlib.import_module("cleora_jax.vectors.scale"), name)


def __dir__() -> list[str]:
    return __all__
