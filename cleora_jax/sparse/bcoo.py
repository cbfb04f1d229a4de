"""`jax.experimental.sparse.BCOO` in and out: the public sparse form."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp
from jax.experimental.sparse import BCOO

from cleora_jax.graph.build import Graph, from_scipy


def to_bcoo(graph: Graph) -> BCOO:
    """W, the un-normalised counts of a graph, as BCOO: n × n float32, indices sorted and unique.

    Example:
        >>> import cleora_jax as cj
        >>> cj.to_bcoo(cj.from_edges([0], [1])).todense().tolist()
        [[0.25, 0.25], [0.25, 0.25]]
    """
    counts = graph.counts().tocoo()
    indices = np.stack([counts.row, counts.col], axis=1).astype(np.int32)
    return BCOO(
        (jnp.asarray(counts.data), jnp.asarray(indices)), shape=counts.shape, indices_sorted=True, unique_indices=True
    )


def from_bcoo(matrix: BCOO, ids: Sequence[str] | None = None, *, column: str = "node") -> Graph:
    """As `from_scipy`, from a two-dimensional BCOO without batch or dense dimensions.

    Example:
        >>> import cleora_jax as cj
        >>> cj.from_bcoo(cj.to_bcoo(cj.from_edges(["a"], ["b"])), ids=["a", "b"])
        Graph(2 entities, 4 matrix entries; node: 2)
    """
    if matrix.n_batch or matrix.n_dense or len(matrix.shape) != 2:
        raise ValueError(
            f"`matrix` must be a plain two-dimensional BCOO, got shape {matrix.shape} with batch or dense dimensions."
        )
    indices = np.asarray(matrix.indices)
    inside = (indices < np.asarray(matrix.shape)).all(axis=1)  # BCOO pads with indices out of bounds
    row, column_index = indices[inside].T
    data = np.asarray(matrix.data)[inside]
    return from_scipy(sp.coo_array((data, (row, column_index)), shape=matrix.shape), ids, column=column)
