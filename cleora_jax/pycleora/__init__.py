"""The top-level names of pycleora 3.2.1, with its signatures, over our own functions: change the import, keep the code.

Vectors start from pycleora's own, bit for bit (`init="pycleora"`). Hyperedges of more than `hyperedge_trim_n` entities
are trimmed, as there, but by counts over the whole input; None trims nothing. `num_workers` is taken and has no effect:
all cores work, and bits do not depend on how many there are. What differs on purpose: docs/from-pycleora.md.
"""

from typing import Any

from cleora_jax.pycleora.embedder import CleoraEmbedder as CleoraEmbedder
from cleora_jax.pycleora.lines import embed_directed as embed_directed
from cleora_jax.pycleora.lines import embed_inductive as embed_inductive
from cleora_jax.pycleora.lines import embed_streaming as embed_streaming
from cleora_jax.pycleora.lines import embed_weighted as embed_weighted
from cleora_jax.pycleora.lines import remove_edges as remove_edges
from cleora_jax.pycleora.lines import update_graph as update_graph
from cleora_jax.pycleora.matrix import SparseMatrix as SparseMatrix
from cleora_jax.pycleora.modes import embed as embed
from cleora_jax.pycleora.modes import embed_edge_features as embed_edge_features
from cleora_jax.pycleora.modes import embed_multiscale as embed_multiscale
from cleora_jax.pycleora.modes import embed_using_baseline_cleora as embed_using_baseline_cleora
from cleora_jax.pycleora.modes import embed_with_attention as embed_with_attention
from cleora_jax.pycleora.modes import embed_with_node_features as embed_with_node_features
from cleora_jax.pycleora.modes import propagate_gpu as propagate_gpu
from cleora_jax.pycleora.run import DEFAULT_FEATURE_DIM as DEFAULT_FEATURE_DIM
from cleora_jax.pycleora.run import DEFAULT_NUM_ITERATIONS as DEFAULT_NUM_ITERATIONS
from cleora_jax.pycleora.vectors import cosine_similarity as cosine_similarity
from cleora_jax.pycleora.vectors import find_most_similar as find_most_similar
from cleora_jax.pycleora.vectors import predict_links as predict_links
from cleora_jax.pycleora.vectors import supervised_refine as supervised_refine
from cleora_jax.pycleora.vectors import whiten_embeddings as whiten_embeddings

SUBMODULES = (
    "algorithms", "align", "benchmark", "classify", "cli", "community", "compress", "datasets", "ensemble",
    "generators", "hetero", "io_utils", "metrics", "preprocess", "sampling", "search", "stats", "tuning", "viz",
)  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in SUBMODULES:
        raise AttributeError(
            f"module {__name__!r} has no submodule {name!r}: docs/from-pycleora.md names what takes the place of each "
            "of its functions."
        )
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
