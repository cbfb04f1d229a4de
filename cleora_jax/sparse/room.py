"""Operators with room to spare: matrices of one size share what is compiled, whatever the graphs they come from.

JAX compiles anew for every number of stored entries. Here arrays are made as long as the next power of two, which the
row pointers do not reach: no product reads what lies there, so results are the same to the bit and cost no more.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cleora_jax.sparse.operator import Csr, Operator

MIN_ROOM = 1 << 12  # entries, or hyperedges; below, sizes are not told apart


def roomy(op: Operator) -> Operator:
    """The operator, its arrays of entries and its hyperedges made up to powers of two; its adjoint as it is.

    Example:
        >>> import cleora_jax as cj, jax.numpy as jnp
        >>> op = roomy(cj.markov(cj.from_edges([0, 0], [1, 2])))
        >>> op.num_entries, (op @ jnp.eye(3))[1].tolist()
        (4096, [0.5, 0.5, 0.0])
    """
    sizes = {op.num_entities: op.num_entities}
    return replace(op, factors=tuple(_roomy(factor, sizes) for factor in op.factors))


def _roomy(matrix: Csr, sizes: dict[int, int]) -> Csr:
    """A matrix with room; rows and columns that are no entities go by `room_for`, but those in `sizes`."""
    rows, columns = (sizes.get(count, room_for(count)) for count in matrix.shape)
    entries = room_for(len(matrix.data)) - len(matrix.data)
    data, indices = (np.pad(np.asarray(array), (0, entries)) for array in (matrix.data, matrix.indices))
    pointers = np.pad(np.asarray(matrix.indptr), (0, rows - matrix.shape[0]), mode="edge")
    return Csr.put(data, indices, pointers, (rows, columns))


def room_for(count: int) -> int:
    """The next power of two, at least MIN_ROOM.

    Example:
        >>> room_for(5), room_for(4096), room_for(4097)
        (4096, 4096, 8192)
    """
    return max(MIN_ROOM, 1 << (count - 1).bit_length())
