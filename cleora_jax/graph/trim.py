"""Large hyperedges cut down to the pairs that hold a popular entity: an option, since both forms are exact without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cleora_jax.graph.hyperedges import Incidence, Relation, offsets_of, sides


def trimmed(relations: Sequence[Relation], occurrences: np.ndarray, top: int) -> tuple[Relation, ...]:
    """Relations that add up to given ones without the pairs of a hyperedge in which neither entity is among its first.

    The first of a hyperedge (of one side of it, over two columns) are the `top` of its entities that stand most often
    in the whole input; ties go to the lower row, which is the one that appeared first where ids were read. Pairs that
    are kept keep their weight w_e / (|e_a| |e_b|). With members a = t + l of a side, first and others, they are t tᵀ
    and t lᵀ + l tᵀ over one column, t_a bᵀ and l_a t_bᵀ over two: relations again, in either form, no entry negative.
    They are parts, to be added up; by themselves they mean nothing.

    Args:
        relations: of hyperedges.
        occurrences: of each entity, int64[n], see `Graph.occurrences`.
        top: at least 1.
    """
    rank = np.empty(len(occurrences), np.int64)
    rank[np.argsort(-occurrences, kind="stable")] = np.arange(len(occurrences))
    return tuple(part for relation in relations for part in _parts(relation, rank, top))


def _parts(relation: Relation, rank: np.ndarray, top: int) -> list[Relation]:
    left, right = sides(relation)
    first, others = _divided(left, rank, top)
    if relation.reflexive:
        pairs = [(first, first), (first, others)]
    else:
        pairs = [(first, right), (others, _divided(right, rank, top)[0])]
    return [_part(relation, *pair) for pair in pairs if all(len(side.member) for side in pair)]


def _divided(side: Incidence, rank: np.ndarray, top: int) -> tuple[Incidence, Incidence]:
    """The members among the `top` first of their hyperedge by rank, and the others; repeats go with each other."""
    edge = np.repeat(np.arange(len(side)), side.size)
    order = np.lexsort((rank[side.member], edge))
    ranked, of = side.member[order], edge[order]
    begins = np.diff(of, prepend=-1) > 0
    distinct = np.cumsum(begins | (np.diff(ranked, prepend=-1) != 0))  # entities so far, over all hyperedges
    before = distinct[begins] - 1
    keep = np.empty(len(order), bool)
    keep[order] = distinct - before[np.cumsum(begins) - 1] <= top
    return _members_where(side, edge, keep), _members_where(side, edge, ~keep)


def _members_where(side: Incidence, edge: np.ndarray, keep: np.ndarray) -> Incidence:
    return Incidence(offsets_of(np.bincount(edge[keep], minlength=len(side))), side.member[keep])


def _part(relation: Relation, left: Incidence, right: Incidence) -> Relation:
    """Some pairs of a relation, which keep their weight there: so the part of the mass that they have."""
    whole_left, whole_right = sides(relation)
    whole = whole_left.size * whole_right.size
    share = np.divide(left.size * right.size, whole, out=np.zeros(len(left)), where=whole > 0)
    if relation.weight is None and (share == 1).all():
        weight = None
    else:
        weight = (share if relation.weight is None else share * relation.weight).astype(np.float32)
    return replace(relation, left=left, right=right, weight=weight)
