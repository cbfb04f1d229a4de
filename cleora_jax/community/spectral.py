"""Communities by k-means: of vectors that are there, or of the graph's smoothest functions."""

from __future__ import annotations

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress, no_progress
from cleora_jax.baselines import LaplacianEigenmaps
from cleora_jax.community.communities import Communities
from cleora_jax.graph import Graph, adjacency
from cleora_jax.graph.build import check_graph
from cleora_jax.vectors import cluster
from cleora_jax.vectors.embedding import Embedding, check_embedding
from cleora_jax.vectors.search import unit_rows, unit_table


def kmeans(
    embedding: Embedding, k: int, *, restarts: int = 5, seed: int = 0, progress: Progress = no_progress
) -> Communities:  # fmt: skip
    """Clusters of vectors by direction: k-means of unit rows. Zero vectors (isolated entities) lie in the middle.

    Args:
        embedding: n entities.
        k: clusters, at most n.
        restarts: runs from other centres; the best is kept. Default: 5.
        seed: Default: 0.
        progress: told of each run.

    Raises:
        ValueError: numbers out of range.

    Example:
        >>> import cleora_jax as cj
        >>> graph, planted = cj.generators.planted_partition([100] * 3, 0.2, 0.01)
        >>> found = cj.community.kmeans(cj.embed(graph, cj.Cleora(dim=4)), 3)
        >>> found.sizes.tolist()
        [100, 100, 100]
    """
    check_embedding(embedding)
    rows = unit_table(embedding.vectors, "embedding")
    found = cluster.kmeans(rows, k, restarts=restarts, seed=seed, progress=progress)
    return Communities.of(found.labels, embedding.vocab)


def spectral(
    graph: Graph, k: int, *, weighted: bool = True, restarts: int = 5, seed: int = 0, progress: Progress = no_progress
) -> Communities:  # fmt: skip
    """Normalised spectral clustering: k-means of the unit rows of the k leading eigenvectors of D^-½ A D^-½.

    Args:
        graph: hyperedges count as their cliques. Isolated entities are put together with whatever lies in the middle.
        k: at least 2, at most the entities less 1.
        weighted: Default: True.
        restarts: of k-means. Default: 5.
        seed: Default: 0.
        progress: told of eigenvectors and of runs.

    Raises:
        ValueError: numbers out of range, or a graph without edges.

    Example:
        >>> import cleora_jax as cj
        >>> graph, planted = cj.generators.planted_partition([30] * 4, 0.5, 0.01)
        >>> cj.community.spectral(graph, 4).sizes.tolist()
        [30, 30, 30, 30]

    Reference: Ng, Jordan and Weiss, On spectral clustering: analysis and an algorithm, NeurIPS 2001.
    """
    check_graph(graph)
    if graph.num_entities < 3:
        raise checks.OptionError(f"`graph` must have at least three entities, for two groups; got {graph!r}.")
    k = checks.integer("k", k, low=2, high=graph.num_entities - 1)
    matrix = adjacency(graph, weighted=weighted)
    if not matrix.nnz:
        raise checks.OptionError("`graph` must have an edge.")
    smooth, _ = LaplacianEigenmaps(dim=k - 1, weighted=weighted, seed=seed)(graph, progress=progress)
    constant = (np.diff(matrix.indptr) > 0) * matrix.sum(dtype=np.float64) ** -0.5  # of norm 1 in D, like the others
    rows = unit_rows(np.column_stack([constant, smooth]), "vectors").astype(np.float32)  # times √d: the same rows
    found = cluster.kmeans(rows, k, restarts=restarts, seed=seed, progress=progress)
    return Communities.of(found.labels, graph.vocab, matrix)
