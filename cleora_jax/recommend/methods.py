"""All recommenders by name: for the command line, for tables of results, and for those that were saved."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from cleora_jax import _checks as checks
from cleora_jax.recommend.bspm import BSPM
from cleora_jax.recommend.cleora_filter import CleoraFilter
from cleora_jax.recommend.cleora_knn import CleoraKNN
from cleora_jax.recommend.ease import EASE
from cleora_jax.recommend.gf_cf import GFCF
from cleora_jax.recommend.graph_filter import GraphFilter
from cleora_jax.recommend.item_knn import ItemKNN
from cleora_jax.recommend.method import RecommenderMethod
from cleora_jax.recommend.popularity import Popularity
from cleora_jax.recommend.sketched import EMDE

RECOMMENDERS: Mapping[str, type[Any]] = MappingProxyType(
    {
        "popularity": Popularity,
        "item-knn": ItemKNN,
        "ease": EASE,
        "gf-cf": GFCF,
        "bspm": BSPM,
        "graph-filter": GraphFilter,
        "cleora-knn": CleoraKNN,
        "cleora-filter": CleoraFilter,
        "emde": EMDE,
    }
)


def recommender_named(name: str, **settings: Any) -> RecommenderMethod:
    """A recommender by its name in `RECOMMENDERS`, with some of its settings.

    Raises:
        ValueError: an unknown name, or a setting that the method does not have or that cannot be.

    Example:
        >>> recommender_named("gf-cf", rank=64)
        GFCF(rank=64, weight=0.3, turns=5, seed=0)
    """
    checks.one_of("name", name, tuple(RECOMMENDERS))
    method: RecommenderMethod = checks.made_of(RECOMMENDERS[name], settings)
    return method


def list_recommenders() -> dict[str, str]:
    """The first line that each recommender says of itself, by name.

    Example:
        >>> list_recommenders()["popularity"]
        'Items by how much they were taken, whoever asks.'
    """
    return {name: str(kind.__doc__).strip().splitlines()[0] for name, kind in RECOMMENDERS.items()}
