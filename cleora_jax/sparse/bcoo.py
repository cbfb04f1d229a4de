"""`jax.experimental.sparse.BCOO` in and out: the public sparse form."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp
from jax.experimental.sparse import BCOO

from cleora_jax._checks import OptionError
from cleora_jax.graph.build import Graph, from_scipy
from cleora_jax.sparse.operator import Operator, operator_to_bcoo


def to_bcoo(matrix: Graph | Operator) -> BCOO:
    """W, the un-normalised counts of a graph, or an operator in clique form, as BCOO: n × n float32, sorted, unique.

    Example:
        >>> import cleora_jax as cj
        >>> cj.to_bcoo(cj.from_edges([0], [1])).todense().tolist()
        [[0.25, 0.25], [0.25, 0.25]]
        >>> cj.to_bcoo(cj.markov(cj.from_edges([0], [1]))).todense().tolist()
        [[0.5, 0.5], [0.5, 0.5]]

    Raises:
        OptionError: an operator of two factors, which is no single matrix.
    """
    if isinstance(matrix, Operator):
        return operator_to_bcoo(matrix)
    counts = matrix.counts().tocoo()
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
        raise OptionError(
            f"`matrix` must be a plain two-dimensional BCOO, got shape {matrix.shape} with batch or dense dimensions."
        )
    indices = np.asarray(matrix.indices)
    inside = (indices < np.asarray(matrix.shape)).all(axis=1)  # BCOO pads with indices out of bounds
    row, column_index = indices[inside].T
    data = np.asarray(matrix.data)[inside]
    return from_scipy(sp.coo_array((data, (row, column_index)), shape=matrix.shape), ids, column=column)
