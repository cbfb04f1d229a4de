"""Which part of a split each line belongs to, and the graph of one part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax.evaluate.non_edges import keys_of
from cleora_jax.graph.adjacency_matrix import adjacency
from cleora_jax.graph.build import Graph, counting_isolated
from cleora_jax.graph.hyperedges import Relation, line_groups, sides, take_lines

TRAIN, VALIDATION, TEST = 0, 1, 2
PARTS = (TRAIN, VALIDATION, TEST)

Lines = list[list[Relation]]  # relations of the same lines together, see `line_groups`


def lines_of(graph: Graph) -> Lines:
    """The relations of a graph, those of the same lines together."""
    return [[graph.relations[at] for at in group] for group in line_groups(graph.relations)]


def widest(group: Sequence[Relation]) -> int:
    """Entities of the largest line; of a matrix 2."""
    if group[0].counts is not None:
        return 2
    every = {id(side): side for relation in group for side in sides(relation)}.values()
    return int(np.sum([side.size for side in every], axis=0).max(initial=0))


def links_of(graph: Graph, directed: bool) -> np.ndarray:
    """Distinct links int64[·, 2], sorted; the lower row first, or from source to target."""
    matrix = adjacency(graph, directed=directed, weighted=False)
    entries = matrix.tocoo() if directed else sp.triu(matrix, k=1).tocoo()
    pairs = np.stack(entries.coords, axis=1).astype(np.int64)
    return pairs[np.argsort(keys_of(pairs, graph.num_entities, directed), kind="stable")]


def random_parts(rng: np.random.Generator, count: int, shares: tuple[float, float]) -> np.ndarray:
    """int8[count]: the part of each, drawn; sizes are the shares, rounded."""
    held_out = [round(share * count) for share in shares]
    parts = np.full(count, TRAIN, np.int8)
    order = rng.permutation(count)
    parts[order[: held_out[0]]] = VALIDATION
    parts[order[held_out[0] : sum(held_out)]] = TEST
    return parts


def by_pair(graph: Graph, lines: Lines, pairs: np.ndarray, parts: np.ndarray) -> list[np.ndarray]:
    """The part of each line that its pair belongs to; lines without a pair, or of weight 0, are training's."""
    count, found = graph.num_entities, []
    keys = np.append(keys_of(pairs, count, False), -1)  # what is not found is compared with the last
    for group in lines:
        part = np.full(group[0].num_hyperedges, TRAIN, np.int8)
        for relation in group:  # a line of two entities has its pair in one of them
            where, own = _pair_of_line(relation)
            key = keys_of(own, count, False)
            place = np.searchsorted(keys[:-1], key)
            known = keys[place] == key
            part[where[known]] = parts[place[known]]
        found.append(part)
    return found


def _pair_of_line(relation: Relation) -> tuple[np.ndarray, np.ndarray]:
    """Which lines hold two entities, and the rows of these, int64[·, 2]; for a matrix, each entry is a line."""
    if relation.counts is not None:
        entries = relation.counts.tocoo()
        return np.arange(entries.nnz), np.stack(entries.coords, axis=1).astype(np.int64)
    left, right = sides(relation)
    whole = left.size == 2 if relation.reflexive else (left.size == 1) & (right.size == 1)
    lines = np.flatnonzero(whole)
    first, last = left.member[left.offset[:-1][lines]], right.member[right.offset[1:][lines] - 1]
    return lines, np.stack([first, last], axis=1).astype(np.int64)


def by_stamp(lines: Lines, stamps: Any, shares: tuple[float, float]) -> list[np.ndarray]:
    """The part of each line by its stamp: cut so that at most the shares are later, unless stamps are equal."""
    if len(lines) > 1 or lines[0][0].counts is not None:
        raise checks.OptionError("`stamps` need a graph of hyperedges all of whose relations are of the same lines.")
    count, when = lines[0][0].num_hyperedges, np.asarray(stamps)
    if when.shape != (count,) or when.dtype.kind not in "iufM":
        raise checks.OptionError(
            f"`stamps` must be {count} numbers or dates, one per line, got {when.dtype}{when.shape}."
        )
    if not np.isfinite(when).all():  # of dates: NaT
        raise checks.OptionError(f"`stamps` must be finite, got {when[~np.isfinite(when)][0]}.")
    ordered = np.sort(when)
    parts = np.full(count, TRAIN, np.int8)
    held_out = [round(share * count) for share in shares]
    for size, part in ((sum(held_out), VALIDATION), (held_out[1], TEST)):
        if size:
            parts[when >= ordered[count - size]] = part
    return [parts]


def of_part(graph: Graph, parts: list[np.ndarray], part: int) -> Graph:
    """The graph of the lines of one part, over the same vocabulary; what the whole input was like is forgotten."""
    kept: dict[int, Relation] = {}
    for group, where in zip(line_groups(graph.relations), parts, strict=True):
        relations = [graph.relations[at] for at in group]
        rows = np.flatnonzero(where == part)
        some = take_lines(relations, rows) if relations[0].counts is None else (_of_entries(relations[0], rows),)
        kept |= zip(group, some, strict=True)
    relations = [kept[at] for at in range(len(kept))]
    return counting_isolated(replace(graph, relations=tuple(relations), whole_input=None))


def _of_entries(relation: Relation, places: np.ndarray) -> Relation:
    """A given matrix with only the entries at some places."""
    entries = relation.counts.tocoo()  # type: ignore[union-attr]
    row, column = (coordinate[places] for coordinate in entries.coords)
    return replace(relation, counts=sp.coo_array((entries.data[places], (row, column)), shape=entries.shape).tocsr())
