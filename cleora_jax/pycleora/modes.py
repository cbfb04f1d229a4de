"""The modes of embedding a graph: `embed`, multiscale, attention, features of nodes and edges, on a GPU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import jax
import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._checks import OptionError
from cleora_jax.cleora.edge_features import hyperedge_means
from cleora_jax.cleora.features import Features
from cleora_jax.graph.columns import DEFAULT_COLUMNS
from cleora_jax.graph.readers import from_hyperedges
from cleora_jax.pycleora.matrix import SparseMatrix
from cleora_jax.pycleora.run import (
    DEFAULT_FEATURE_DIM,
    DEFAULT_NUM_ITERATIONS,
    Normalization,
    Watcher,
    method_of,
    run,
)
from cleora_jax.sparse.from_graph import Propagation


def embed(
    graph: SparseMatrix,
    feature_dim: int = DEFAULT_FEATURE_DIM,
    num_iterations: int | str = DEFAULT_NUM_ITERATIONS,
    propagation: Propagation = "left",
    normalization: Normalization = "l2",
    seed: int = 0,
    initial_embeddings: np.ndarray | None = None,
    num_workers: int | None = None,
    callback: Watcher | None = None,
    residual_weight: float = 0.0,
    convergence_threshold: float = 0.0,
    whiten: bool = True,
) -> np.ndarray:
    """Vectors float32[n, d] by `Cleora`, from pycleora's first vectors or given ones.

    Args:
        graph: n entities.
        feature_dim: d; that of `initial_embeddings` where they are given.
        num_iterations: steps, or "auto" for 40.
        propagation: "left" or "symmetric".
        normalization: as in `Cleora`; "spectral" is taken as "l2", from which it differs by a rotation alone.
        seed: of the first vectors.
        initial_embeddings: float[n, d], in the order of `graph.entity_ids`.
        num_workers: no effect.
        callback: called after each step with its number, from 0, and the vectors.
        residual_weight: as in `Cleora`.
        convergence_threshold: stop when entries move by less than this, root mean square; 0 does not stop.
        whiten: after every step, rank-safe (see `cleora_jax.whiten`).

    Example:
        >>> graph = SparseMatrix.from_iterator(iter(["a b", "b c", "c d"]), "complex::reflexive::node")
        >>> embed(graph, feature_dim=8, num_iterations=4, whiten=False).shape
        (4, 8)
    """
    if isinstance(num_iterations, str):
        checks.one_of("num_iterations", num_iterations, ("auto",))
        num_iterations = DEFAULT_NUM_ITERATIONS
    start = None if initial_embeddings is None else np.asarray(initial_embeddings, np.float32)
    dim = feature_dim if start is None else start.shape[-1]
    method = method_of(
        dim, num_iterations, propagation, normalization, seed=seed, whiten=whiten, residual_weight=residual_weight
    )
    return run(graph, method, start, callback, convergence_threshold)[0]


def embed_using_baseline_cleora(graph: SparseMatrix, feature_dim: int, iter: int) -> np.ndarray:
    """`embed` with whitening, in so many steps."""
    return embed(graph, feature_dim, iter)


def embed_with_attention(
    graph: SparseMatrix,
    feature_dim: int = DEFAULT_FEATURE_DIM,
    num_iterations: int = DEFAULT_NUM_ITERATIONS,
    propagation: Propagation = "left",
    normalization: Normalization = "l2",
    attention_temperature: float = 1.0,
    seed: int = 0,
    num_workers: int | None = None,
    callback: Watcher | None = None,
    whiten: bool = True,
) -> np.ndarray:
    """`embed` with weights that follow the vectors from the second step on (`Cleora(attention_temperature=…)`)."""
    method = method_of(
        feature_dim, num_iterations, propagation, normalization,
        seed=seed, whiten=whiten, attention_temperature=attention_temperature,
    )  # fmt: skip
    return run(graph, method, callback=callback)[0]


def embed_multiscale(
    graph: SparseMatrix,
    feature_dim: int = DEFAULT_FEATURE_DIM,
    scales: Sequence[int] | None = None,
    propagation: Propagation = "left",
    normalization: Normalization = "l2",
    seed: int = 0,
    num_workers: int | None = None,
    whiten: bool = True,
) -> np.ndarray:
    """Vectors after 10, 20, 30 and 40 steps, or `scales`, side by side (`Cleora(scales=…)`)."""
    depths = tuple(sorted(set((10, 20, 30, 40) if scales is None else scales)))
    if not depths:
        raise OptionError("`scales` must hold at least one depth.")
    method = method_of(feature_dim, depths[-1], propagation, normalization, seed=seed, whiten=whiten, scales=depths)
    return run(graph, method)[0]


def embed_with_node_features(
    graph: SparseMatrix,
    node_features: Mapping[str, np.ndarray],
    num_iterations: int = DEFAULT_NUM_ITERATIONS,
    propagation: Propagation = "left",
    normalization: Normalization = "l2",
    feature_weight: float = 0.5,
    num_workers: int | None = None,
) -> np.ndarray:
    """`embed` from first vectors (1 − weight) h + weight f, h pycleora's own and f as given, not scaled."""
    features = Features(node_features, feature_weight)
    rows = features.rows(graph.graph.vocab)
    known = rows >= 0
    start = graph.initialize_deterministically(features.table.matrix.shape[1])
    start[known] = (1 - feature_weight) * start[known] + feature_weight * features.table.matrix[rows[known]]
    return embed(graph, 0, num_iterations, propagation, normalization, initial_embeddings=start)


def embed_edge_features(
    graph: SparseMatrix,
    edge_features: Mapping[str, np.ndarray],
    feature_dim: int = DEFAULT_FEATURE_DIM,
    num_iterations: int = DEFAULT_NUM_ITERATIONS,
    propagation: Propagation = "left",
    normalization: Normalization = "l2",
    combine: Literal["concat", "mean", "edge_only"] = "concat",
    num_workers: int | None = None,
    whiten: bool = True,
) -> np.ndarray:
    """Vectors of the structure, and of edges' features averaged over the edges of each entity and propagated.

    Keys are edges as lines, "a b"; an unknown entity in one is an error. Entities without such an edge start from zero.
    """
    checks.one_of("combine", combine, ("concat", "mean", "edge_only"))
    structure = embed(graph, feature_dim, num_iterations, propagation, normalization, whiten=whiten)
    if not edge_features:
        return structure
    keyed = from_hyperedges(list(edge_features), DEFAULT_COLUMNS)
    means = hyperedge_means(keyed, list(edge_features.values()))
    start = np.zeros((len(graph), means.shape[1]), np.float32)
    start[graph.get_entity_indices(keyed.vocab.ids.to_pylist())] = means
    edges = embed(graph, 0, num_iterations, propagation, initial_embeddings=start, whiten=whiten)
    if combine == "mean":
        dim = min(structure.shape[1], edges.shape[1])
        return (structure[:, :dim] + edges[:, :dim]) / 2
    return edges if combine == "edge_only" else np.concatenate([structure, edges], axis=1)


def propagate_gpu(
    graph: SparseMatrix,
    embeddings: np.ndarray,
    num_iterations: int = DEFAULT_NUM_ITERATIONS,
    propagation: Propagation = "left",
    normalization: Normalization = "l2",
    device: str = "cuda",
    callback: Watcher | None = None,
    whiten: bool = True,
) -> np.ndarray:
    """`embed` from given vectors on a GPU, where JAX sees one, or on "cpu". Raises RuntimeError where it sees none.

    Products are of full float32 there, too: rounded to TF32, as GPUs do by default, the Gram matrix would be 1e-3 off.
    """
    checks.one_of("device", device, ("cuda", "gpu", "cpu"))
    try:
        where = jax.devices("cpu" if device == "cpu" else "gpu")[0]
    except RuntimeError as error:
        raise RuntimeError(
            f"`device={device!r}`: JAX sees no GPU; install jax with one (pip install 'jax[cuda12]'), pass "
            "device='cpu', or call `embed(graph, initial_embeddings=…)`, which runs on all cores."
        ) from error
    with jax.default_device(where), jax.default_matmul_precision("highest"):
        return embed(
            graph, 0, num_iterations, propagation, normalization,
            initial_embeddings=embeddings, callback=callback, whiten=whiten,
        )  # fmt: skip
