"""Which hyperedges are equal: lines found again among others, exactly, without a loop over them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np

from cleora_jax.graph.hyperedges import Incidence, Relation, distinct_sides, group_rows, masses, take_lines, with_sides


def find_lines(
    lines: Sequence[Relation], wanted: Sequence[Relation], num_entities: int, *, every_copy: bool
) -> tuple[np.ndarray, np.ndarray]:
    """For each wanted line one that is equal to it: the same members in the same order in every column.

    Equal lines are taken in order, no line twice. Where a wanted relation has weights, those must be equal, too.

    Args:
        lines: relations of the same lines, over n entities.
        wanted: the same relations of other lines, over the same entities; a member −1 is equal to none.
        num_entities: n.
        every_copy: all lines equal to a wanted one.

    Returns:
        Numbers of the lines found, ascending; and numbers of the wanted lines for which none is left.
    """
    weighted = [relation.weight is not None for relation in wanted]
    near = _lines_among(lines, _members(wanted, num_entities))
    found, sought = (_words(relations, weighted) for relations in (take_lines(lines, near), wanted))
    mine, theirs = np.split(_codes(found.followed_by(sought)), [len(near)])
    available, asked = (np.bincount(codes, minlength=len(mine) + len(theirs)) for codes in (mine, theirs))
    if every_copy:
        return near[asked[mine] > 0], np.flatnonzero(available[theirs] == 0)
    return near[_rank(mine) < asked[mine]], np.flatnonzero(_rank(theirs) >= available[theirs])


def line_codes(lines: Sequence[Relation], *, ordered: bool = True) -> np.ndarray:
    """int64[E]: equal for equal lines and for no others; weights do not count.

    Args:
        lines: relations of the same lines.
        ordered: the members of a cell must stand in the same order.
    """
    if not ordered:
        lines = with_sides(lines, _sorted_members)
    return _codes(_words(lines, [False] * len(lines)))


def _sorted_members(side: Incidence) -> Incidence:
    line = np.repeat(np.arange(len(side)), side.size)
    return Incidence(side.offset, side.member[np.lexsort((side.member, line))])


def _members(relations: Sequence[Relation], num_entities: int) -> np.ndarray:
    """bool[n]: stands in a hyperedge."""
    found = np.zeros(num_entities, bool)
    for side in distinct_sides(relations):
        found[side.member[side.member >= 0]] = True
    return found


def _lines_among(relations: Sequence[Relation], chosen: np.ndarray) -> np.ndarray:
    """Numbers of the lines of which all members are chosen: as a rule few, and only those need a closer look."""
    return np.flatnonzero(np.logical_and.reduce([cell.held(chosen) == cell.size for cell in distinct_sides(relations)]))


def _words(relations: Sequence[Relation], weighted: Sequence[bool]) -> Incidence:
    """Of each line the integers that tell it from others: sizes of its cells, bits of its weights, its members."""
    cells = distinct_sides(relations)
    weights = [masses(relation) + np.float32(0) for relation, has in zip(relations, weighted, strict=True) if has]
    numbers = [cell.size for cell in cells[:-1]] + [weight.view(np.int32) for weight in weights]  # −0.0 + 0 is 0.0
    count = len(cells[0])
    alone = [Incidence(np.arange(count + 1), values.astype(np.int32)) for values in numbers]
    pieces = reduce(Incidence.followed_by, [*alone, *cells])
    return group_rows(np.tile(np.arange(count), len(alone) + len(cells)), pieces, count)


def _codes(words: Incidence) -> np.ndarray:
    """int64[E]: equal for equal rows of words and for no others."""
    code = np.zeros(len(words), np.int64)
    used = 0
    for size in np.unique(words.size):
        rows = np.flatnonzero(words.size == size)
        table = words.take(rows).member.reshape(len(rows), size)
        order = np.lexsort(table.T) if size else np.arange(len(rows))
        differs = (np.diff(table[order], axis=0) != 0).any(axis=1)
        code[rows[order]] = used + np.concatenate([[0], np.cumsum(differs)])
        used = int(code.max()) + 1
    return code


def _rank(code: np.ndarray) -> np.ndarray:
    """int64[E]: how many equal codes stand before each."""
    order = np.argsort(code, kind="stable")
    ranked = code[order]
    rank = np.empty(len(code), np.int64)
    rank[order] = np.arange(len(code)) - np.searchsorted(ranked, ranked)
    return rank
