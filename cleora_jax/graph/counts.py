"""Sparse counts W of a relation, as SciPy matrices: the clique form, its two factors, and the ordered (directed) form.

W = H diag(w_e / |e|²) Hᵀ over one column, W_ab = Σ_e w_e H^a_e H^b_e / (|e_a| |e_b|) over two.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.sparse as sp

from cleora_jax._checks import InputError
from cleora_jax.graph.hyperedges import Incidence, Relation, hyperedge_weight, index_array, sides


def clique_counts(relation: Relation, num_entities: int) -> sp.csr_array:
    """W as one symmetric CSR (n × n, float32, sorted, no duplicates); a given matrix as it was given.

    Only pairs in one order are expanded: W = B + Bᵀ, and the diagonal where a column relates to itself.
    """
    if relation.counts is not None:
        return relation.counts
    left, right = sides(relation)
    weight, unit = _counted(hyperedge_weight(relation))
    half = _matrix(list(_pairs(left, right, weight)), num_entities)
    total = half + _transpose(half)
    if relation.reflexive:  # a member's pair with itself, added up apart: n entries instead of Σ|e|
        total = total + _diagonal(left, weight, num_entities)
    return _in_units(total, unit)


def ordered_counts(relation: Relation, num_entities: int) -> sp.csr_array:
    """W = Σ_e w_e [i before j in e] / pairs(e): from earlier to later members, or from the left column to the right."""
    if relation.counts is not None:
        return relation.counts
    left, right = sides(relation)
    if not relation.reflexive:
        return _in_units(_matrix(list(_pairs(left, right, hyperedge_weight(relation))), num_entities))
    mass = np.ones(len(left)) if relation.weight is None else relation.weight.astype(np.float64)
    pairs = left.size * (left.size - 1) / 2
    weight = np.divide(mass, pairs, out=np.zeros_like(mass), where=pairs > 0)
    return _in_units(_matrix(list(_pairs(left, right, weight)), num_entities))


def factors(relation: Relation, num_entities: int) -> tuple[sp.csr_array, sp.csr_array]:
    """(F, G) with W = F G exactly: n × E' and E' × n, E' = E over one column and 2E over two."""
    left, right = sides(relation)
    weight = hyperedge_weight(relation)
    ones = np.ones(len(left))
    if relation.reflexive:
        plain = left.matrix(num_entities, ones)
        return _transpose(left.matrix(num_entities, weight)), plain
    from_left, from_right = left.matrix(num_entities, weight), right.matrix(num_entities, weight)
    gather = sp.vstack([right.matrix(num_entities, ones), left.matrix(num_entities, ones)], format="csr")
    return _transpose(sp.vstack([from_left, from_right], format="csr")), gather


def _transpose(matrix: sp.csr_array) -> sp.csr_array:
    return sp.csr_array(matrix.T.tocsr())


Pairs = tuple[np.ndarray, np.ndarray, np.ndarray]


def _pairs(left: Incidence, right: Incidence, weight: np.ndarray) -> Iterator[Pairs]:
    """(row, column, value) of member pairs, hyperedges of equal shape at a time.

    Over one column: from each place to every later one; over two: all pairs.
    """
    reflexive = left is right
    shape = left.size * (int(right.size.max(initial=0)) + 1) + right.size
    for code in _distinct(shape):
        rows = np.flatnonzero(shape == code)
        size_left, size_right = int(left.size[rows[0]]), int(right.size[rows[0]])
        place_left, place_right = np.divmod(np.arange(size_left * size_right), max(size_right, 1))
        if reflexive:
            kept = place_left < place_right
            place_left, place_right = place_left[kept], place_right[kept]
        if len(place_left) == 0:
            continue
        every = len(rows) == len(left)
        first = slice(None) if every else rows
        members_left = _members(left, first, size_left)
        members_right = members_left if reflexive else _members(right, first, size_right)
        value = np.repeat(weight[first], len(place_left))
        yield members_left[:, place_left].ravel(), members_right[:, place_right].ravel(), value


def _counted(weight: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights and the unit they count: ones (int32, added up exactly and quickly) where all are equal."""
    if len(weight) and weight[0] and (weight == weight[0]).all():
        return np.ones(len(weight), np.int32), float(weight[0])
    return weight, 1.0


def _distinct(values: np.ndarray) -> np.ndarray:
    """Sorted distinct values; quick where there is one (an edge list)."""
    return values[:1] if len(values) and values.min() == values.max() else np.unique(values)


def _members(side: Incidence, rows: np.ndarray | slice, size: int) -> np.ndarray:
    """int32[len(rows), size]: members of hyperedges that all hold `size` entities."""
    if isinstance(rows, slice):
        return side.member.reshape(-1, size)
    members: np.ndarray = side.member[side.offset[:-1][rows][:, None] + np.arange(size)]
    return members


def _diagonal(side: Incidence, weight: np.ndarray, num_entities: int) -> sp.csr_array:
    each = None if weight.dtype == np.int32 else np.repeat(weight, side.size)
    value: np.ndarray = np.bincount(side.member, weights=each, minlength=num_entities).astype(weight.dtype)
    rows = np.arange(num_entities + 1, dtype=np.int32)
    return sp.csr_array((value, rows[:-1], rows), shape=(num_entities, num_entities))


def _matrix(parts: list[Pairs], num_entities: int) -> sp.csr_array:
    """Sum of pairs as a CSR, sorted, no duplicates; added up in int32 or float64, in an order fixed by the data."""
    shape = (num_entities, num_entities)
    if not parts:
        return sp.csr_array(shape, dtype=np.float64)
    row, column, value = parts[0] if len(parts) == 1 else map(np.concatenate, zip(*parts, strict=True))
    return sp.csr_array(sp.coo_array((value, (row, column)), shape=shape).tocsr())


def _in_units(matrix: sp.csr_array, unit: float = 1.0) -> sp.csr_array:
    """The matrix in float32, times the unit that its entries count."""
    data = np.empty(matrix.nnz, np.float32)
    with np.errstate(over="ignore"):
        np.multiply(matrix.data, unit, out=data, dtype=np.float64, casting="same_kind")
    check_counts(data)
    indices, indptr = matrix.indices.astype(np.int32, copy=False), index_array(matrix.indptr)
    return sp.csr_array((data, indices, indptr), shape=matrix.shape)


def check_counts(data: np.ndarray) -> None:
    """Raise InputError where weights add up to more than float32 holds."""
    if len(data) and not np.isfinite(data.max()):
        raise InputError("the weights of one pair of entities add up to more than float32 holds (3.4e38): scale them.")
