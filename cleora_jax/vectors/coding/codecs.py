"""The ways of coding by name. A new one is its file and a line here."""

from __future__ import annotations

from typing import Any

from cleora_jax import _checks as checks
from cleora_jax.vectors.coding.binary import Binary
from cleora_jax.vectors.coding.codec import Codec
from cleora_jax.vectors.coding.linear import PCA, RandomProjection
from cleora_jax.vectors.coding.product import ProductQuantization
from cleora_jax.vectors.coding.scalar import Float16, Int8

CODECS: dict[str, type[Any]] = {
    "float16": Float16,
    "int8": Int8,
    "pca": PCA,
    "projection": RandomProjection,
    "pq": ProductQuantization,
    "binary": Binary,
}


def codec_named(name: str, **settings: Any) -> Codec:
    """A codec by its name in `CODECS`, with some of its settings.

    Raises:
        ValueError: an unknown name, or a setting that the codec does not have or that cannot be.

    Example:
        >>> codec_named("pca", dim=32)
        PCA(dim=32)
    """
    checks.one_of("codec", name, tuple(CODECS))
    codec: Codec = checks.made_of(CODECS[name], settings)
    return codec
