"""What takes lines of text: weighted and directed graphs, graphs that change, new entities."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import chain

import numpy as np

from cleora_jax._checks import OptionError
from cleora_jax.cleora.inductive import fit, transform
from cleora_jax.cleora.streaming import update
from cleora_jax.pycleora.matrix import SparseMatrix
from cleora_jax.pycleora.modes import embed
from cleora_jax.pycleora.run import (
    DEFAULT_FEATURE_DIM,
    DEFAULT_NUM_ITERATIONS,
    HYPEREDGE_TRIM_N,
    Normalization,
    method_of,
)
from cleora_jax.pycleora.vectors import as_embedding
from cleora_jax.sparse.from_graph import Propagation
from cleora_jax.vectors.alignment import procrustes


def embed_weighted(
    edges_with_weights: Iterable[tuple[str, float]],
    columns: str,
    feature_dim: int = DEFAULT_FEATURE_DIM,
    num_iterations: int = DEFAULT_NUM_ITERATIONS,
    propagation: Propagation = "left",
    normalization: Normalization = "l2",
    seed: int = 0,
    hyperedge_trim_n: int | None = HYPEREDGE_TRIM_N,
    num_workers: int | None = None,
    whiten: bool = True,
) -> tuple[SparseMatrix, np.ndarray]:
    """The graph of (line, weight) pairs and its vectors; a weight counts as so many copies of its line."""
    weighted = ((line, float(weight)) for line, weight in edges_with_weights)
    graph = SparseMatrix.from_iterator(weighted, columns, hyperedge_trim_n)
    return graph, embed(graph, feature_dim, num_iterations, propagation, normalization, seed, whiten=whiten)


def embed_directed(
    edges: Iterable[str],
    columns: str,
    feature_dim: int = DEFAULT_FEATURE_DIM,
    num_iterations: int = DEFAULT_NUM_ITERATIONS,
    normalization: Normalization = "l2",
    seed: int = 0,
    hyperedge_trim_n: int | None = HYPEREDGE_TRIM_N,
    num_workers: int | None = None,
    whiten: bool = True,
) -> tuple[SparseMatrix, np.ndarray]:
    """The graph of lines and its vectors along their order (`Cleora(propagation="directed")`), which trims nothing."""
    graph = SparseMatrix.from_iterator(edges, columns, hyperedge_trim_n)
    return graph, embed(graph, feature_dim, num_iterations, "directed", normalization, seed, whiten=whiten)


def update_graph(
    existing_edges: Iterable[str],
    new_edges: Iterable[str],
    columns: str,
    hyperedge_trim_n: int | None = HYPEREDGE_TRIM_N,
    num_workers: int | None = None,
) -> SparseMatrix:
    """The graph of both lists of lines. `cleora_jax.add_hyperedges` adds to a graph without its lines."""
    return SparseMatrix.from_iterator(chain(existing_edges, new_edges), columns, hyperedge_trim_n)


def remove_edges(
    existing_edges: Iterable[str],
    edges_to_remove: Iterable[str],
    columns: str,
    hyperedge_trim_n: int | None = HYPEREDGE_TRIM_N,
    num_workers: int | None = None,
) -> SparseMatrix:
    """The graph of the lines without all copies of some. `cleora_jax.remove_hyperedges` needs no lines."""
    gone = set(edges_to_remove)
    return SparseMatrix.from_iterator((line for line in existing_edges if line not in gone), columns, hyperedge_trim_n)


def embed_inductive(
    trained_graph: SparseMatrix,
    trained_embeddings: np.ndarray,
    existing_edges: Iterable[str],
    new_edges: Sequence[str],
    columns: str,
    num_iterations: int = DEFAULT_NUM_ITERATIONS,
    propagation: Propagation = "left",
    normalization: Normalization = "l2",
    hyperedge_trim_n: int | None = HYPEREDGE_TRIM_N,
    num_workers: int | None = None,
) -> tuple[SparseMatrix, np.ndarray]:
    """The graph with new lines, and vectors: of trained entities as they were, bit for bit, and of new ones.

    One more step is taken over the trained graph; new entities go through it by `transform`, and are turned onto the
    trained vectors. `num_iterations` has no effect.
    """
    graph = update_graph(existing_edges, new_edges, columns, hyperedge_trim_n)
    trained = as_embedding(trained_graph, trained_embeddings)
    whitened = trained.vectors.var(axis=0).max() > 0.5  # 1 in each column; in unit rows less than 1 over all of them
    method = method_of(trained.dim, 1, propagation, normalization, whiten=whitened)
    fitted = fit(trained_graph.graph, method, init=trained)
    new = transform(fitted, SparseMatrix.from_iterator(new_edges, columns).graph)
    back = procrustes(fitted.embedding.vectors, trained.vectors)
    vectors = np.zeros((len(graph), trained.dim), np.float32)
    vectors[graph.get_entity_indices(new.vocab.ids.to_pylist())] = new.vectors @ back
    vectors[graph.get_entity_indices(trained_graph.entity_ids)] = trained.vectors
    return graph, vectors


def embed_streaming(
    edge_batches: Iterable[Iterable[str]],
    columns: str,
    feature_dim: int = DEFAULT_FEATURE_DIM,
    num_iterations: int = DEFAULT_NUM_ITERATIONS,
    propagation: Propagation = "left",
    normalization: Normalization = "l2",
    hyperedge_trim_n: int | None = HYPEREDGE_TRIM_N,
    num_workers: int | None = None,
    batch_callback: Callable[[int, SparseMatrix, np.ndarray], None] | None = None,
) -> tuple[SparseMatrix, np.ndarray]:
    """The graph of all batches of lines and its vectors, brought up to date batch by batch by `update`."""
    fitted = None
    for number, batch in enumerate(edge_batches):
        more = SparseMatrix.from_iterator(batch, columns, hyperedge_trim_n)
        if fitted is None:
            method = method_of(feature_dim, num_iterations, propagation, normalization, whiten=True)
            fitted = fit(more.graph, method)
        else:
            fitted = update(fitted, more.graph, num_iterations=num_iterations)
        graph, vectors = SparseMatrix(fitted.graph, more.columns, hyperedge_trim_n), fitted.embedding.to_numpy()
        if batch_callback is not None:
            batch_callback(number, graph, vectors)
    if fitted is None:
        raise OptionError("`edge_batches` is empty: at least one batch of lines is needed.")
    return graph, vectors
