"""Sparse counts W of a relation, as SciPy matrices: the clique form, its two factors, and the ordered (directed) form.

W = H diag(w_e / |e|²) Hᵀ over one column, W_ab = Σ_e w_e H^a_e H^b_e / (|e_a| |e_b|) over two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import reduce

import numpy as np
import scipy.sparse as sp
from numpy.typing import DTypeLike

from cleora_jax._checks import InputError
from cleora_jax._memory import check_fits
from cleora_jax.graph.hyperedges import (
    Incidence,
    Relation,
    as_weights,
    distinct_sides,
    hyperedge_weight,
    index_array,
    masses,
    ranges,
    sides,
    take_lines,
    with_rows,
    with_sides,
)


def joint_counts(relations: Sequence[Relation], num_entities: int, dtype: DTypeLike = np.float32) -> sp.csr_array:
    """W of several relations, added up in `dtype`."""
    return added(clique_counts(relation, num_entities, dtype) for relation in relations)


def added(matrices: Iterable[sp.csr_array]) -> sp.csr_array:
    """The sum of at least one matrix, added up in pairs of equally many: no entry is copied more than log₂ R times."""
    sums: list[tuple[int, sp.csr_array]] = []
    for matrix in matrices:
        count = 1
        while sums and sums[-1][0] == count:
            matrix, count = sums.pop()[1] + matrix, 2 * count
        sums.append((count, matrix))
    return reduce(lambda late, early: early[1] + late, sums[-2::-1], sums[-1][1])


def clique_counts(relation: Relation, num_entities: int, dtype: DTypeLike = np.float32) -> sp.csr_array:
    """W as one symmetric CSR (n × n, sorted, no duplicates); a given matrix as it was given."""
    if relation.counts is not None:
        return relation.counts.astype(dtype, copy=False)
    return _clique(*sides(relation), hyperedge_weight(relation), num_entities, dtype)


def _clique(left: Incidence, right: Incidence, weight: np.ndarray, num_entities: int, dtype: DTypeLike) -> sp.csr_array:
    """W of two sides. Only pairs in one order are expanded: W = B + Bᵀ, and the diagonal where both are one column."""
    weight, unit = _counted(weight)
    half = _matrix(list(_pairs(left, right, weight)), num_entities)
    total = half + _transpose(half)
    if left is right:  # a member's pair with itself, added up apart: n entries instead of Σ|e|
        total = total + _diagonal(left, weight, num_entities)
    return rounded(total, unit, dtype)


def counts_among(relation: Relation, chosen: np.ndarray) -> sp.csr_array:
    """W among the k entities `chosen`, bool[n], alone: k × k float64. No pair of others is expanded."""
    number = np.cumsum(chosen) - 1
    size = int(number[-1]) + 1
    if relation.counts is not None:
        place, row = _among(relation.counts, chosen)
        column, value = relation.counts.indices[place], relation.counts.data[place].astype(np.float64)
        return _matrix([(number[row], number[column], value)], size)
    rows = np.flatnonzero(np.logical_and.reduce([side.held(chosen) > 0 for side in distinct_sides([relation])]))
    if not len(rows):
        return _matrix([], size)
    (whole,) = take_lines([relation], rows)  # the other members count in |e|, and so in the weight
    (part,) = with_rows(with_sides([whole], lambda side: side.where(chosen[side.member])), number)
    return _clique(*sides(part), hyperedge_weight(whole), size, np.float64)


def replaced_among(counts: sp.csr_array, chosen: np.ndarray, new: sp.csr_array) -> sp.csr_array:
    """Counts whose entries among the `chosen` are those of `new` (see `counts_among`), which has no others."""
    place, row = _among(counts, chosen)
    rows, entries, size = np.flatnonzero(chosen), new.tocoo(), len(chosen)
    key, new_key = row * size + counts.indices[place], rows[entries.coords[0]] * size + rows[entries.coords[1]]
    data = counts.data.copy()
    data[place] = 0
    data[place[np.searchsorted(key, new_key)]] = entries.data
    replaced = sp.csr_array((data, counts.indices.copy(), counts.indptr.copy()), shape=counts.shape)
    replaced.eliminate_zeros()
    return replaced


def _among(counts: sp.csr_array, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places of the entries whose row and column are both chosen, ascending, and the row of each; int64."""
    rows = np.flatnonzero(chosen)
    size = np.diff(counts.indptr)[rows]
    place, row = ranges(counts.indptr[rows], size), np.repeat(rows, size)
    both = chosen[counts.indices[place]]
    return place[both], row[both]


def widened(counts: sp.csr_array, num_entities: int) -> sp.csr_array:
    """The same counts among more entities: those that follow have none."""
    indptr = np.pad(counts.indptr, (0, num_entities - counts.shape[0]), mode="edge")
    return sp.csr_array((counts.data, counts.indices, indptr), shape=(num_entities, num_entities))


def placed(relations: Sequence[Relation], rows: np.ndarray, num_entities: int) -> tuple[Relation, ...]:
    """Relations over a larger vocabulary of n entities, where entity i stands at `rows[i]`."""
    return tuple(
        relation if relation.counts is None else replace(relation, counts=moved(relation.counts, rows, num_entities))
        for relation in with_rows(relations, rows)
    )


def moved(counts: sp.csr_array, rows: np.ndarray, num_entities: int) -> sp.csr_array:
    """Counts among n entities, where row and column i stand at `rows[i]`."""
    entries = counts.tocoo()
    row, column = (rows[at] for at in entries.coords)
    return rounded(_matrix([(row, column, entries.data)], num_entities), dtype=counts.dtype)


def ordered_counts(relation: Relation, num_entities: int) -> sp.csr_array:
    """W = Σ_e w_e [i before j in e] / pairs(e): from earlier to later members, or from the left column to the right."""
    if relation.counts is not None:
        return relation.counts
    left, right = sides(relation)
    if not relation.reflexive:
        return rounded(_matrix(list(_pairs(left, right, hyperedge_weight(relation))), num_entities))
    mass = np.ones(len(left)) if relation.weight is None else relation.weight.astype(np.float64)
    pairs = left.size * (left.size - 1) / 2
    weight = np.divide(mass, pairs, out=np.zeros_like(mass), where=pairs > 0)
    return rounded(_matrix(list(_pairs(left, right, weight)), num_entities))


def neighbour_counts(relation: Relation, num_entities: int) -> sp.csr_array:
    """Weights between different entities, n × n float64: w_e / (|e| − 1) for each pair of a hyperedge of one column, so
    that a member's share of it is w_e whatever its size; W_ab over two columns; a given matrix as it was given."""
    if relation.counts is not None:
        return relation.counts.astype(np.float64)
    left, right = sides(relation)
    weight = hyperedge_weight(relation)
    if relation.reflexive:  # w / |e|² becomes w / (|e| − 1)
        others = np.maximum(left.size - 1, 1)
        weight = weight * left.size.astype(np.float64) ** 2 / others
    half = _matrix(list(_pairs(left, right, weight)), num_entities)
    return half + _transpose(half)


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


def joint_factors(relations: Sequence[Relation], num_entities: int) -> tuple[sp.csr_array, sp.csr_array]:
    """(F, G) with W = F G for several relations; a given matrix goes in whole, with the identity beside it."""
    pairs = [
        factors(relation, num_entities)
        if relation.counts is None
        else (relation.counts, sp.eye_array(num_entities, dtype=np.float32, format="csr"))
        for relation in relations
    ]
    if len(pairs) == 1:
        return pairs[0]
    scatter, gather = zip(*pairs, strict=True)
    return sp.csr_array(sp.hstack(scatter, format="csr")), sp.csr_array(sp.vstack(gather, format="csr"))


def _transpose(matrix: sp.csr_array) -> sp.csr_array:
    return sp.csr_array(matrix.T.tocsr())


Pairs = tuple[np.ndarray, np.ndarray, np.ndarray]
MANY_PAIRS = 1 << 22  # from which on memory is asked for
BYTES_OF_PAIR = 100  # at most, while pairs become a symmetric matrix
WITHOUT_PAIRS = (
    "`embed` by Cleora needs none (`form='factored'`); else leave out large hyperedges, or let `hyperedge_trim_n` of "
    "`markov` keep fewer pairs."
)


def _pairs(left: Incidence, right: Incidence, weight: np.ndarray) -> Iterator[Pairs]:
    """(row, column, value) of member pairs, hyperedges of equal shape at a time.

    Over one column: from each place to every later one; over two: all pairs.

    Raises:
        NeedsMemoryError: there are more of them than memory holds.
    """
    reflexive = left is right
    count = int((left.size * (left.size - 1)).sum()) // 2 if reflexive else int((left.size * right.size).sum())
    if count > MANY_PAIRS:
        check_fits(f"a matrix of the {count:,} pairs in hyperedges", count * BYTES_OF_PAIR, WITHOUT_PAIRS)
    shape = left.size * (int(right.size.max(initial=0)) + 1) + right.size
    for code in _distinct(shape):
        rows = np.flatnonzero(shape == code)
        size_left, size_right = int(left.size[rows[0]]), int(right.size[rows[0]])
        if reflexive:
            place_left, place_right = np.triu_indices(size_left, 1)
        else:
            place_left, place_right = np.divmod(np.arange(size_left * size_right), max(size_right, 1))
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


def rounded(matrix: sp.csr_array, unit: float = 1.0, dtype: DTypeLike = np.float32) -> sp.csr_array:
    """The matrix in `dtype`, times the unit that its entries count; indices as narrow as they can be."""
    data = np.empty(matrix.nnz, dtype)
    with np.errstate(over="ignore"):
        np.multiply(matrix.data, unit, out=data, dtype=np.float64, casting="same_kind")
    check_counts(data)
    indices, indptr = matrix.indices.astype(np.int32, copy=False), index_array(matrix.indptr)
    return sp.csr_array((data, indices, indptr), shape=matrix.shape)


def check_counts(data: np.ndarray) -> None:
    """Raise InputError where weights add up to more than float32 holds."""
    if len(data) and not np.isfinite(data.max()):
        raise InputError("the weights of one pair of entities add up to more than float32 holds (3.4e38): scale them.")


def times(relation: Relation, factor: float) -> Relation:
    """The relation with its weights multiplied, which it remembers; InputError where they become too large."""
    if factor == 1:
        return relation
    product = relation.factor * factor
    if relation.counts is None:
        return replace(relation, weight=_product(masses(relation), factor), factor=product)
    counts = relation.counts.copy()
    counts.data = _product(relation.counts.data, factor)
    counts.eliminate_zeros()
    return replace(relation, counts=counts, factor=product)


def _product(values: np.ndarray, factor: float) -> np.ndarray:
    product = as_weights(values * np.float64(factor))
    if np.isnan(product).any():
        raise InputError(f"a weight times {factor:g} is less than float32 holds (1e-45): scale them.")
    check_counts(product)
    return product
