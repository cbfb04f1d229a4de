"""cleora_jax: graph and hypergraph embeddings on JAX for the CPU. Names only; rooms load on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from cleora_jax._version import __version__ as __version__

if TYPE_CHECKING:
    from cleora_jax._checks import InputError as InputError
    from cleora_jax._checks import NotFoundError as NotFoundError
    from cleora_jax._checks import OptionError as OptionError
    from cleora_jax._progress import progress_bar as progress_bar
    from cleora_jax.baselines import HOPE as HOPE
    from cleora_jax.baselines import FastRP as FastRP
    from cleora_jax.baselines import Filter as Filter
    from cleora_jax.baselines import GraRep as GraRep
    from cleora_jax.baselines import NetMF as NetMF
    from cleora_jax.baselines import ProNE as ProNE
    from cleora_jax.baselines import RandNE as RandNE
    from cleora_jax.baselines import SketchNE as SketchNE
    from cleora_jax.baselines import spectral_propagation as spectral_propagation
    from cleora_jax.cleora import Cleora as Cleora
    from cleora_jax.cleora import Features as Features
    from cleora_jax.cleora import Fitted as Fitted
    from cleora_jax.cleora import RankWarning as RankWarning
    from cleora_jax.cleora import Trace as Trace
    from cleora_jax.cleora import TwoSidedWarning as TwoSidedWarning
    from cleora_jax.cleora import embed as embed
    from cleora_jax.cleora import embed_apart as embed_apart
    from cleora_jax.cleora import embed_edge_features as embed_edge_features
    from cleora_jax.cleora import fit as fit
    from cleora_jax.cleora import hyperedge_means as hyperedge_means
    from cleora_jax.cleora import load_fitted as load_fitted
    from cleora_jax.cleora import propagate as propagate
    from cleora_jax.cleora import sweep as sweep
    from cleora_jax.cleora import transform as transform
    from cleora_jax.cleora import update as update
    from cleora_jax.data import Dataset as Dataset
    from cleora_jax.data import DatasetInfo as DatasetInfo
    from cleora_jax.data import download as download
    from cleora_jax.data import list_datasets as list_datasets
    from cleora_jax.data import load_dataset as load_dataset
    from cleora_jax.estimator import CleoraEmbedder as CleoraEmbedder
    from cleora_jax.graph import BuildReport as BuildReport
    from cleora_jax.graph import Column as Column
    from cleora_jax.graph import Graph as Graph
    from cleora_jax.graph import Labels as Labels
    from cleora_jax.graph import Vocab as Vocab
    from cleora_jax.graph import add_hyperedges as add_hyperedges
    from cleora_jax.graph import adjacency as adjacency
    from cleora_jax.graph import from_edges as from_edges
    from cleora_jax.graph import from_hyperedges as from_hyperedges
    from cleora_jax.graph import from_relations as from_relations
    from cleora_jax.graph import from_scipy as from_scipy
    from cleora_jax.graph import from_table as from_table
    from cleora_jax.graph import from_triples as from_triples
    from cleora_jax.graph import labels_of as labels_of
    from cleora_jax.graph import load_graph as load_graph
    from cleora_jax.graph import parse_columns as parse_columns
    from cleora_jax.graph import read as read
    from cleora_jax.graph import remove_hyperedges as remove_hyperedges
    from cleora_jax.graph import reweighted as reweighted
    from cleora_jax.graph import save_graph as save_graph
    from cleora_jax.learn import History as History
    from cleora_jax.learn import Links as Links
    from cleora_jax.learn import Refine as Refine
    from cleora_jax.learn import Refined as Refined
    from cleora_jax.learn import learn_weights as learn_weights
    from cleora_jax.learn import predict_links as predict_links
    from cleora_jax.learn import refine as refine
    from cleora_jax.sparse import Mixture as Mixture
    from cleora_jax.sparse import Operator as Operator
    from cleora_jax.sparse import apply as apply
    from cleora_jax.sparse import from_bcoo as from_bcoo
    from cleora_jax.sparse import markov as markov
    from cleora_jax.sparse import metapath as metapath
    from cleora_jax.sparse import mix as mix
    from cleora_jax.sparse import mixture as mixture
    from cleora_jax.sparse import to_bcoo as to_bcoo
    from cleora_jax.vectors import Embedding as Embedding
    from cleora_jax.vectors import align as align
    from cleora_jax.vectors import combine as combine
    from cleora_jax.vectors import load_embedding as load_embedding
    from cleora_jax.vectors import procrustes as procrustes
    from cleora_jax.vectors import whiten as whiten
    from cleora_jax.vectors import whitening_rank as whitening_rank

_NAMES_OF = {
    "_checks": "InputError NotFoundError OptionError",
    "_progress": "progress_bar",
    "baselines": "FastRP Filter GraRep HOPE NetMF ProNE RandNE SketchNE spectral_propagation",
    "data": "Dataset DatasetInfo download list_datasets load_dataset",
    "cleora": """
        Cleora Features Fitted RankWarning Trace TwoSidedWarning embed embed_apart embed_edge_features
        fit hyperedge_means load_fitted propagate sweep transform update
    """,
    "graph": """
        BuildReport Column Graph Labels Vocab add_hyperedges adjacency from_edges from_hyperedges
        from_relations from_scipy from_table from_triples labels_of load_graph parse_columns read
        remove_hyperedges reweighted save_graph
    """,
    "sparse": "Mixture Operator apply from_bcoo markov metapath mix mixture to_bcoo",
    "learn": "History Links Refine Refined learn_weights predict_links refine",
    "estimator": "CleoraEmbedder",
    "vectors": "Embedding align combine load_embedding procrustes whiten whitening_rank",
}
_ROOM_OF = {name: room for room, names in _NAMES_OF.items() for name in names.split()}
__all__ = ["__version__", *(name for name in _ROOM_OF if name != "CleoraEmbedder")]  # which needs an extra


def __getattr__(name: str) -> Any:
    if name not in _ROOM_OF:
        raise AttributeError(f"module 'cleora_jax' has no attribute {name!r}")
    return getattr(importlib.import_module(f"cleora_jax.{_ROOM_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
