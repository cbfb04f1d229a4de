"""Ragged hyperedges: which entities stand in which hyperedge, and what pairs of columns they relate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components


@dataclass(frozen=True, eq=False)
class Incidence:
    """One column's side of the hyperedges: hyperedge r holds `member[offset[r]:offset[r + 1]]`, repeats counted.

    Args:
        offset: int64[E + 1], non-decreasing from 0 to m.
        member: int32[m], rows of the vocabulary, in the order read.
    """

    offset: np.ndarray
    member: np.ndarray

    def __post_init__(self) -> None:
        frozen(self.offset), frozen(self.member)

    def __reduce__(self) -> tuple[Any, ...]:  # arrays come out of a pickle writeable: freeze them anew
        return Incidence, (self.offset, self.member)

    def __len__(self) -> int:
        return len(self.offset) - 1

    @cached_property
    def size(self) -> np.ndarray:
        """|e| of each hyperedge, int64[E]."""
        return frozen(np.diff(self.offset))

    def matrix(self, num_entities: int, value: np.ndarray) -> sp.csr_array:
        """CSR (E × n) with `value[r]` at each member of hyperedge r; repeated members stay separate entries."""
        data = np.repeat(value.astype(np.float32), self.size)
        return sp.csr_array((data, self.member, index_array(self.offset)), shape=(len(self), num_entities))

    def take(self, rows: np.ndarray) -> Incidence:
        """The hyperedges at `rows` (int positions), in that order."""
        size = self.size[rows]
        return Incidence(offsets_of(size), self.member[ranges(self.offset[:-1][rows], size)])

    def without(self, rows: np.ndarray) -> Incidence:
        """The hyperedges but for those at `rows`."""
        gone = ranges(self.offset[:-1][rows], self.size[rows])
        return Incidence(offsets_of(np.delete(self.size, rows)), np.delete(self.member, gone))

    def held(self, chosen: np.ndarray) -> np.ndarray:
        """int64[E]: how many members of each hyperedge are `chosen`, bool[n]; quick where these are few."""
        edge = np.searchsorted(self.offset, np.flatnonzero(chosen[self.member]), side="right") - 1
        return np.bincount(edge, minlength=len(self))

    def where(self, keep: np.ndarray) -> Incidence:
        """All hyperedges, each with only those of its members at which `keep`, bool[m], holds."""
        return Incidence(offsets_of(keep)[self.offset], self.member[keep])

    def followed_by(self, other: Incidence) -> Incidence:
        """These hyperedges and then those of `other`, over one vocabulary."""
        if not len(other):
            return self
        offset = np.concatenate([self.offset, other.offset[1:] + self.offset[-1]])
        return Incidence(offset, np.concatenate([self.member, other.member]))


@dataclass(frozen=True, eq=False)
class Relation:
    """Un-normalised counts of one relation: hyperedges between two columns (or one and itself), or a given matrix.

    Args:
        name: e.g. "product" (reflexive) or "user-product".
        left, right: the two sides; the same object where a column relates to itself; None where `counts` is given.
        weight: float32[E] ≥ 0, or None for all ones.
        counts: a given matrix W (n × n CSR, float32) in place of hyperedges, as imported.
        factor: what `reweighted` has multiplied the weights by; new hyperedges are, too, when they join these.
    """

    name: str
    left: Incidence | None = None
    right: Incidence | None = None
    weight: np.ndarray | None = None
    counts: sp.csr_array | None = None
    factor: float = 1.0

    def __post_init__(self) -> None:
        if self.weight is not None:
            frozen(self.weight)
        if self.counts is not None:
            frozen(self.counts.data), frozen(self.counts.indices), frozen(self.counts.indptr)

    def __reduce__(self) -> tuple[Any, ...]:
        return Relation, (self.name, self.left, self.right, self.weight, self.counts, self.factor)

    @property
    def reflexive(self) -> bool:
        """A column related to itself."""
        return self.left is self.right

    @property
    def num_hyperedges(self) -> int:
        """Hyperedges, or stored entries of a given matrix."""
        if self.counts is not None:
            return int(self.counts.nnz)
        assert self.left is not None
        return len(self.left)


def sides(relation: Relation) -> tuple[Incidence, Incidence]:
    """Both sides of a relation of hyperedges."""
    if relation.left is None or relation.right is None:
        raise TypeError(f"relation {relation.name!r} was given as a matrix and holds no hyperedges.")
    return relation.left, relation.right


def distinct_sides(relations: Sequence[Relation]) -> list[Incidence]:
    """The sides of relations, each once: relations of the same lines share those of the columns they have in common."""
    both = (side for relation in relations for side in (relation.left, relation.right))
    return list({id(side): side for side in both if side is not None}.values())


def with_sides(relations: Sequence[Relation], change: Callable[[Incidence], Incidence]) -> tuple[Relation, ...]:
    """The relations with each side changed, once, so that shared sides stay shared; given matrices as they are."""
    changed = {id(side): change(side) for side in distinct_sides(relations)}
    return tuple(
        replace(relation, left=changed.get(id(relation.left)), right=changed.get(id(relation.right)))
        for relation in relations
    )


def with_rows(relations: Sequence[Relation], rows: np.ndarray) -> tuple[Relation, ...]:
    """Relations of hyperedges over a vocabulary where entity i stands at `rows[i]`; given matrices as they are."""
    return with_sides(relations, lambda side: Incidence(side.offset, rows[side.member].astype(np.int32)))


def take_lines(relations: Sequence[Relation], rows: np.ndarray) -> tuple[Relation, ...]:
    """Relations of the same lines, of only those at `rows` (int positions), in that order."""
    return tuple(
        relation if relation.weight is None else replace(relation, weight=relation.weight[rows])
        for relation in with_sides(relations, lambda side: side.take(rows))
    )


def drop_lines(relations: Sequence[Relation], rows: np.ndarray) -> tuple[Relation, ...]:
    """Relations of the same lines, without those at `rows`."""
    return tuple(
        relation if relation.weight is None else replace(relation, weight=np.delete(relation.weight, rows))
        for relation in with_sides(relations, lambda side: side.without(rows))
    )


def line_groups(relations: Sequence[Relation]) -> list[list[int]]:
    """Positions of the relations, those of the same lines together.

    Relations that share a side are of the same lines: hyperedge r of each is line r. Others have lines of their own.
    """
    number = {id(side): len(relations) + at for at, side in enumerate(distinct_sides(relations))}
    links = [
        (position, number[id(side)])
        for position, relation in enumerate(relations)
        for side in (relation.left, relation.right)
        if side is not None
    ]
    size = len(relations) + len(number)
    first, second = np.asarray(links, np.int64).reshape(-1, 2).T
    linked = sp.coo_array((np.ones(len(links)), (first, second)), shape=(size, size))
    groups: dict[int, list[int]] = {}
    for position, group in enumerate(connected_components(linked, directed=False)[1][: len(relations)].tolist()):
        groups.setdefault(group, []).append(position)
    return list(groups.values())


def masses(relation: Relation) -> np.ndarray:
    """float32[E]: w_e, ones where there are no weights."""
    return np.ones(relation.num_hyperedges, np.float32) if relation.weight is None else relation.weight


def as_weights(values: np.ndarray) -> np.ndarray:
    """Numbers as float32, infinite where they are too large for it, NaN where too small: 0 would lose a hyperedge."""
    with np.errstate(over="ignore"):
        weight = values.astype(np.float32)
    lost = (weight == 0) & (values != 0)
    return np.where(lost, np.float32(np.nan), weight) if lost.any() else weight


def hyperedge_weight(relation: Relation) -> np.ndarray:
    """float64[E]: w_e / (|e_a| |e_b|), so that a hyperedge's total mass is w_e whatever its size."""
    left, right = sides(relation)
    pairs = left.size.astype(np.float64) * right.size
    mass = masses(relation).astype(np.float64)
    weight: np.ndarray = np.divide(mass, pairs, out=np.zeros_like(mass), where=pairs > 0)
    return weight


def clique_entries(relation: Relation) -> int:
    """Upper bound on the stored entries of W off its diagonal: Σ|e|(|e|−1) (2 Σ|e_a||e_b| over two columns)."""
    if relation.counts is not None:
        return int(relation.counts.nnz)
    left, right = sides(relation)
    if relation.reflexive:
        return int((left.size * (left.size - 1)).sum())
    return 2 * int((left.size * right.size).sum())


def factored_entries(relation: Relation) -> int:
    """Stored entries of the two factors: 2Σ|e| (2Σ(|e_a| + |e_b|) over two columns)."""
    if relation.counts is not None:
        return int(relation.counts.nnz)
    left, right = sides(relation)
    return 2 * (len(left.member) + (0 if relation.reflexive else len(right.member)))


def frozen(array: np.ndarray) -> np.ndarray:
    """The same array, read-only from now on."""
    array.flags.writeable = False
    return array


def offsets_of(size: np.ndarray) -> np.ndarray:
    """int64[len(size) + 1] running sum of sizes, from 0."""
    offset = np.zeros(len(size) + 1, np.int64)
    np.cumsum(size, out=offset[1:])
    return offset


def ranges(start: np.ndarray, size: np.ndarray) -> np.ndarray:
    """int64: start[0], start[0] + 1, … (size[0] of them), start[1], … and so on."""
    offset = offsets_of(size)
    return np.arange(offset[-1]) + np.repeat(start - offset[:-1], size)


def index_array(values: np.ndarray) -> np.ndarray:
    """int32 where the largest value fits, else int64."""
    fits = len(values) == 0 or values[-1] <= np.iinfo(np.int32).max
    return values.astype(np.int32 if fits else np.int64, copy=False)


def group_rows(key: np.ndarray, side: Incidence, num_groups: int) -> Incidence:
    """Hyperedges with the same key joined into one; members in the order read (an incidence list, grouped)."""
    order = np.argsort(key, kind="stable")
    joined = side.take(order)
    size = np.bincount(key, weights=side.size, minlength=num_groups).astype(np.int64)
    return Incidence(offsets_of(size), joined.member)
