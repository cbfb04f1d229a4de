"""Two columns of many: where each entity lies on a map."""

from __future__ import annotations

from typing import Literal

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._blas import one_blas_thread
from cleora_jax._extras import library
from cleora_jax.vectors.coding.linear import PCA
from cleora_jax.vectors.embedding import Embedding, check_embedding
from cleora_jax.vectors.search import unit_table

Layout = Literal["pca", "umap", "tsne"]
LAYOUTS = ("pca", "umap", "tsne")


def plane(embedding: Embedding, layout: Layout = "pca", *, seed: int = 0) -> np.ndarray:
    """Coordinates float32[n, 2] of a map.

    Args:
        embedding: n entities, at least 3; rows count by direction.
        layout: "pca" (two principal components; instant, and the same for everyone), "umap" (umap-learn) or "tsne"
            (scikit-learn), which pull groups apart and make distances between groups mean little. Default: "pca".
        seed: of "umap" and "tsne". Default: 0.

    Raises:
        ValueError: a layout that is not known, or too few entities.
        ModuleNotFoundError: the library is not installed; there is no other in its place.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.generators.planted_partition([50] * 3, 0.3, 0.01).graph
        >>> cj.viz.plane(cj.embed(graph, cj.Cleora(dim=8))).shape
        (150, 2)

    Reference: McInnes, Healy and Melville, UMAP, 2018; van der Maaten and Hinton, Visualizing data using t-SNE, 2008.
    """
    check_embedding(embedding)
    checks.one_of("layout", layout, LAYOUTS)
    if len(embedding) < 3:
        raise checks.OptionError(f"`embedding` must hold at least 3 entities, got {len(embedding)}.")
    state = checks.seed(seed) % 2**32
    rows = unit_table(embedding.vectors, "embedding")
    if not (rows != rows[0]).any():  # nothing to lay out, and t-SNE would divide by the spread
        return np.zeros((len(rows), 2), np.float32)
    if layout == "umap":
        umap = library("umap", "umap", "`layout='umap'`")
        placed = umap.UMAP(metric="cosine", random_state=state, n_jobs=1).fit_transform(rows)
    elif layout == "tsne":
        manifold = library("sklearn.manifold", "sklearn", "`layout='tsne'`")
        few = min(30.0, (len(rows) - 1) / 3)
        placed = manifold.TSNE(perplexity=few, init="pca", random_state=state).fit_transform(rows)
    else:
        codec = PCA(min(2, rows.shape[1]))
        with one_blas_thread():
            placed = codec.encode(rows, codec.fit(rows))
        placed = placed * np.where(placed[np.abs(placed).argmax(axis=0), np.arange(placed.shape[1])] < 0, -1, 1)
        placed = np.pad(placed, ((0, 0), (0, 2 - placed.shape[1])))
    return np.ascontiguousarray(placed, np.float32)
