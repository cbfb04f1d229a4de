"""All methods by name: for the command line, for tables of results, and for settings that were saved."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cleora_jax import _checks as checks
from cleora_jax.baselines import (
    HOPE,
    DeepWalk,
    FastRP,
    GraRep,
    LaplacianEigenmaps,
    NetMF,
    Node2Vec,
    ProNE,
    RandNE,
    SketchNE,
)
from cleora_jax.cleora import Cleora, SpectralCleora
from cleora_jax.cleora.verb import Method

METHODS: Mapping[str, type[Any]] = MappingProxyType(
    {
        "cleora": Cleora,
        "cleora-spectral": SpectralCleora,
        "prone": ProNE,
        "sketchne": SketchNE,
        "netmf": NetMF,
        "grarep": GraRep,
        "hope": HOPE,
        "randne": RandNE,
        "fastrp": FastRP,
        "deepwalk": DeepWalk,
        "node2vec": Node2Vec,
        "laplacian": LaplacianEigenmaps,
    }
)


def method_named(name: str, **settings: Any) -> Method:
    """A method by its name in `METHODS`, with some of its settings.

    Raises:
        ValueError: an unknown name, or a setting that the method does not have or that cannot be.

    Example:
        >>> method_named("netmf", dim=64, window=5)
        NetMF(dim=64, weighted=True, seed=0, window=5, negatives=1.0, rank=None)
    """
    checks.one_of("name", name, tuple(METHODS))
    method: Method = checks.made_of(METHODS[name], settings)
    return method


def list_methods() -> dict[str, str]:
    """The first line that each method says of itself, by name.

    Example:
        >>> list_methods()["cleora"]
        'Markov propagation with per-step normalisation and whitening.'
    """
    return {name: str(kind.__doc__).strip().splitlines()[0] for name, kind in METHODS.items()}
