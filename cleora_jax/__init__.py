"""cleora_jax: graph and hypergraph embeddings on JAX for the CPU. Names only; rooms load on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from cleora_jax._version import __version__ as __version__

if TYPE_CHECKING:
    from cleora_jax import community as community
    from cleora_jax import evaluate as evaluate
    from cleora_jax import generators as generators
    from cleora_jax import interop as interop
    from cleora_jax import preprocess as preprocess
    from cleora_jax import recommend as recommend
    from cleora_jax import sampling as sampling
    from cleora_jax import stats as stats
    from cleora_jax import viz as viz
    from cleora_jax._checks import InputError as InputError
    from cleora_jax._checks import MissingFileError as MissingFileError
    from cleora_jax._checks import NotFoundError as NotFoundError
    from cleora_jax._checks import OptionError as OptionError
    from cleora_jax._memory import NeedsMemoryError as NeedsMemoryError
    from cleora_jax._progress import progress_bar as progress_bar
    from cleora_jax.baselines import HOPE as HOPE
    from cleora_jax.baselines import DeepWalk as DeepWalk
    from cleora_jax.baselines import FastRP as FastRP
    from cleora_jax.baselines import Filter as Filter
    from cleora_jax.baselines import GraRep as GraRep
    from cleora_jax.baselines import LaplacianEigenmaps as LaplacianEigenmaps
    from cleora_jax.baselines import NetMF as NetMF
    from cleora_jax.baselines import Node2Vec as Node2Vec
    from cleora_jax.baselines import ProNE as ProNE
    from cleora_jax.baselines import RandNE as RandNE
    from cleora_jax.baselines import SketchNE as SketchNE
    from cleora_jax.baselines import spectral_propagation as spectral_propagation
    from cleora_jax.benchmark.results import BenchmarkResults as BenchmarkResults
    from cleora_jax.benchmark.results import load_benchmark as load_benchmark
    from cleora_jax.benchmark.verb import run_benchmark as run_benchmark
    from cleora_jax.cleora import Checkpoint as Checkpoint
    from cleora_jax.cleora import Cleora as Cleora
    from cleora_jax.cleora import Estimate as Estimate
    from cleora_jax.cleora import Features as Features
    from cleora_jax.cleora import Fitted as Fitted
    from cleora_jax.cleora import RankWarning as RankWarning
    from cleora_jax.cleora import Share as Share
    from cleora_jax.cleora import SpectralCleora as SpectralCleora
    from cleora_jax.cleora import Trace as Trace
    from cleora_jax.cleora import TwoSidedWarning as TwoSidedWarning
    from cleora_jax.cleora import embed as embed
    from cleora_jax.cleora import embed_apart as embed_apart
    from cleora_jax.cleora import embed_edge_features as embed_edge_features
    from cleora_jax.cleora import embed_share as embed_share
    from cleora_jax.cleora import estimate as estimate
    from cleora_jax.cleora import fit as fit
    from cleora_jax.cleora import hyperedge_means as hyperedge_means
    from cleora_jax.cleora import join_processes as join_processes
    from cleora_jax.cleora import load_fitted as load_fitted
    from cleora_jax.cleora import propagate as propagate
    from cleora_jax.cleora import read_share as read_share
    from cleora_jax.cleora import sweep as sweep
    from cleora_jax.cleora import transform as transform
    from cleora_jax.cleora import update as update
    from cleora_jax.data import Dataset as Dataset
    from cleora_jax.data import DatasetInfo as DatasetInfo
    from cleora_jax.data import download as download
    from cleora_jax.data import list_datasets as list_datasets
    from cleora_jax.data import load_dataset as load_dataset
    from cleora_jax.estimator import CleoraEmbedder as CleoraEmbedder
    from cleora_jax.evaluate import EdgeSplit as EdgeSplit
    from cleora_jax.evaluate import Grid as Grid
    from cleora_jax.evaluate import Halving as Halving
    from cleora_jax.evaluate import LearnerObjective as LearnerObjective
    from cleora_jax.evaluate import LinkObjective as LinkObjective
    from cleora_jax.evaluate import LinkProtocol as LinkProtocol
    from cleora_jax.evaluate import LinkScores as LinkScores
    from cleora_jax.evaluate import NodeObjective as NodeObjective
    from cleora_jax.evaluate import NodeProtocol as NodeProtocol
    from cleora_jax.evaluate import NodeScores as NodeScores
    from cleora_jax.evaluate import NodeSplit as NodeSplit
    from cleora_jax.evaluate import RandomSearch as RandomSearch
    from cleora_jax.evaluate import Range as Range
    from cleora_jax.evaluate import RecordWarning as RecordWarning
    from cleora_jax.evaluate import Trial as Trial
    from cleora_jax.evaluate import Tuned as Tuned
    from cleora_jax.evaluate import Weighed as Weighed
    from cleora_jax.evaluate import classify_nodes as classify_nodes
    from cleora_jax.evaluate import log_uniform as log_uniform
    from cleora_jax.evaluate import predict_edges as predict_edges
    from cleora_jax.evaluate import split_edges as split_edges
    from cleora_jax.evaluate import split_hyperedges as split_hyperedges
    from cleora_jax.evaluate import split_nodes as split_nodes
    from cleora_jax.evaluate import split_nodes_per_class as split_nodes_per_class
    from cleora_jax.evaluate import tune as tune
    from cleora_jax.evaluate import uniform as uniform
    from cleora_jax.evaluate import weigh as weigh
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
    from cleora_jax.learn import GCN as GCN
    from cleora_jax.learn import MLP as MLP
    from cleora_jax.learn import SGC as SGC
    from cleora_jax.learn import Candidates as Candidates
    from cleora_jax.learn import Classified as Classified
    from cleora_jax.learn import Epochs as Epochs
    from cleora_jax.learn import History as History
    from cleora_jax.learn import Iterations as Iterations
    from cleora_jax.learn import LabelPropagation as LabelPropagation
    from cleora_jax.learn import Links as Links
    from cleora_jax.learn import LogisticRegression as LogisticRegression
    from cleora_jax.learn import Refine as Refine
    from cleora_jax.learn import Refined as Refined
    from cleora_jax.learn import Score as Score
    from cleora_jax.learn import classify as classify
    from cleora_jax.learn import learn_weights as learn_weights
    from cleora_jax.learn import predict_links as predict_links
    from cleora_jax.learn import refine as refine
    from cleora_jax.methods import METHODS as METHODS
    from cleora_jax.methods import list_methods as list_methods
    from cleora_jax.methods import method_named as method_named
    from cleora_jax.sparse import ConvergenceWarning as ConvergenceWarning
    from cleora_jax.sparse import Mixture as Mixture
    from cleora_jax.sparse import Operator as Operator
    from cleora_jax.sparse import apply as apply
    from cleora_jax.sparse import from_bcoo as from_bcoo
    from cleora_jax.sparse import markov as markov
    from cleora_jax.sparse import metapath as metapath
    from cleora_jax.sparse import mix as mix
    from cleora_jax.sparse import mixture as mixture
    from cleora_jax.sparse import to_bcoo as to_bcoo
    from cleora_jax.vectors import PCA as PCA
    from cleora_jax.vectors import AlignmentScore as AlignmentScore
    from cleora_jax.vectors import Binary as Binary
    from cleora_jax.vectors import Cca as Cca
    from cleora_jax.vectors import Compressed as Compressed
    from cleora_jax.vectors import Embedding as Embedding
    from cleora_jax.vectors import Float16 as Float16
    from cleora_jax.vectors import Index as Index
    from cleora_jax.vectors import Int8 as Int8
    from cleora_jax.vectors import ProductQuantization as ProductQuantization
    from cleora_jax.vectors import RandomProjection as RandomProjection
    from cleora_jax.vectors import align as align
    from cleora_jax.vectors import alignment_score as alignment_score
    from cleora_jax.vectors import build_index as build_index
    from cleora_jax.vectors import cca as cca
    from cleora_jax.vectors import combine as combine
    from cleora_jax.vectors import compress as compress
    from cleora_jax.vectors import kmeans as kmeans
    from cleora_jax.vectors import load_compressed as load_compressed
    from cleora_jax.vectors import load_embedding as load_embedding
    from cleora_jax.vectors import load_index as load_index
    from cleora_jax.vectors import load_searchable as load_searchable
    from cleora_jax.vectors import procrustes as procrustes
    from cleora_jax.vectors import whiten as whiten
    from cleora_jax.vectors import whitening_rank as whitening_rank

_NAMES_OF = {
    "_checks": "InputError MissingFileError NotFoundError OptionError",
    "_memory": "NeedsMemoryError",
    "_progress": "progress_bar",
    "baselines": """
        DeepWalk FastRP Filter GraRep HOPE LaplacianEigenmaps NetMF Node2Vec ProNE RandNE SketchNE
        spectral_propagation
    """,
    "benchmark.results": "BenchmarkResults load_benchmark",
    "benchmark.verb": "run_benchmark",
    "data": "Dataset DatasetInfo download list_datasets load_dataset",
    "cleora": """
        Checkpoint Cleora Estimate Features Fitted RankWarning Share SpectralCleora Trace TwoSidedWarning embed
        embed_apart embed_edge_features embed_share estimate fit hyperedge_means join_processes load_fitted propagate
        read_share sweep transform update
    """,
    "graph": """
        BuildReport Column Graph Labels Vocab add_hyperedges adjacency from_edges from_hyperedges
        from_relations from_scipy from_table from_triples labels_of load_graph parse_columns read
        remove_hyperedges reweighted save_graph
    """,
    "sparse": "ConvergenceWarning Mixture Operator apply from_bcoo markov metapath mix mixture to_bcoo",
    "learn": """
        Candidates Classified Epochs GCN History Iterations LabelPropagation Links LogisticRegression MLP
        Refine Refined SGC Score classify learn_weights predict_links refine
    """,
    "evaluate": """
        EdgeSplit LinkProtocol LinkScores NodeProtocol NodeScores classify_nodes predict_edges split_edges
        split_hyperedges split_nodes split_nodes_per_class
        Grid Halving LearnerObjective LinkObjective NodeObjective NodeSplit RandomSearch Range RecordWarning Trial
        Tuned Weighed log_uniform tune uniform weigh
    """,
    "methods": "METHODS list_methods method_named",
    "estimator": "CleoraEmbedder",
    "vectors": """
        AlignmentScore Binary Cca Compressed Embedding Float16 Index Int8 PCA ProductQuantization RandomProjection align
        alignment_score build_index cca combine compress kmeans load_compressed load_embedding load_index
        load_searchable procrustes whiten whitening_rank
    """,
}
_ROOMS = (
    "community",
    "evaluate",
    "generators",
    "interop",
    "preprocess",
    "recommend",
    "sampling",
    "stats",
    "viz",
)  # cj.stats.report
_ROOM_OF = {name: room for room, names in _NAMES_OF.items() for name in names.split()}
__all__ = ["__version__", *_ROOMS, *(name for name in _ROOM_OF if name != "CleoraEmbedder")]  # which needs an extra


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"cleora_jax.{name}")
    if name not in _ROOM_OF:
        raise AttributeError(f"module 'cleora_jax' has no attribute {name!r}")
    return getattr(importlib.import_module(f"cleora_jax.{_ROOM_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
