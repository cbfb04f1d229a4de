"""The rows of the operator that a process owns, made of the lines that all processes read.

Each expands its own lines and sends every entry to the process that owns its row, which adds them up. Rows are cut
between devices in a way that gives all about as much work, so the longest shard is not much longer than the mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import jax
import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax.cleora.agree import joined, send_ids, split_by
from cleora_jax.cleora.loop import Walk
from cleora_jax.cleora.run import Ground
from cleora_jax.cleora.sharded import multiplied, put_factor, put_vector
from cleora_jax.graph.counts import added, joint_counts, joint_factors, rounded
from cleora_jax.graph.hyperedges import (
    Incidence,
    Relation,
    distinct_sides,
    offsets_of,
    sides,
    take_lines,
    with_sides,
)  # fmt: skip
from cleora_jax.graph.vocab import Vocab
from cleora_jax.sparse.from_graph import inverse, row_sums, scaled
from cleora_jax.sparse.operator import Csr, Operator

if TYPE_CHECKING:
    from jax.sharding import Mesh

    from cleora_jax.cleora.peers import Peers
    from cleora_jax.cleora.share import Share
    from cleora_jax.graph.build import Graph

BUCKETS = 1 << 14  # ranges of rows whose work is added up before rows are cut: no process counts all n
ROW_WORTH = 32  # entries whose product takes about as long as the dense work on a row
SLICE_PAIRS = 1 << 24  # of members of a line, that are expanded and sent at a time
PLACED = 1 << 22  # columns that are placed at a time
MOST_ROWS = np.iinfo(np.int32).max


@dataclass(frozen=True, eq=False)
class Cut:
    """Consecutive rows for each device.

    Args:
        bounds: int64[parts + 1], device p has rows bounds[p] to bounds[p + 1].
        owners: int64[processes + 1], process q has devices owners[q] to owners[q + 1].
    """

    bounds: np.ndarray
    owners: np.ndarray

    @cached_property
    def each(self) -> int:
        """Rows of the device that has most, for all have room for as many; one at least."""
        return max(int(np.diff(self.bounds).max()), 1)

    @property
    def size(self) -> int:
        """Rows of all devices, with those that only fill up."""
        return self.each * (len(self.bounds) - 1)

    @cached_property
    def process_bounds(self) -> np.ndarray:
        """int64[processes + 1], process q has rows process_bounds[q] to process_bounds[q + 1]."""
        return self.bounds[self.owners]

    def process_of(self, rows: np.ndarray) -> np.ndarray:
        """The process that owns each row."""
        return np.searchsorted(self.process_bounds, rows, side="right") - 1

    def places(self, rows: np.ndarray) -> np.ndarray:
        """int32: where rows stand among those of all devices, with those that only fill up."""
        found = np.empty(len(rows), np.int32)
        for begin in range(0, len(rows), PLACED):
            some = rows[begin : begin + PLACED]
            part = np.searchsorted(self.bounds, some, side="right") - 1
            found[begin : begin + PLACED] = part * self.each + some - self.bounds[part]
        return found

    def mine(self, part: int, process: int) -> slice:
        """The rows of a device of a process, counted from the first of the process."""
        first = self.process_bounds[process]
        return slice(int(self.bounds[part] - first), int(self.bounds[part + 1] - first))


class Entries(NamedTuple):
    """Of a matrix: rows and columns among all, integers, and values."""

    row: np.ndarray
    column: np.ndarray
    value: np.ndarray


def owners_of(mesh: Mesh) -> np.ndarray:
    """int64[processes + 1], see `Cut`; devices must come process by process."""
    processes = [device.process_index for device in mesh.devices]
    return offsets_of(np.bincount(processes, minlength=jax.process_count()))


def ground_of(share: Share, mesh: Mesh, owners: np.ndarray, propagation: str, form: str) -> tuple[Ground, Cut]:
    """What a run goes over, of which this process has its own rows, and how rows are cut."""
    build = _factored if form == "factored" else _clique
    factors, degree, cut = build(share, owners, propagation, mesh)
    alive = degree > 0

    def rows(part: int) -> np.ndarray:
        return alive[cut.mine(part, share.peers.index)].astype(np.float32)

    mask = put_vector(mesh, cut.each, rows)
    op = Operator(factors, mask)
    num_alive = int(share.peers.everyones(np.array(alive.sum(), np.int64)).sum())
    walk = Walk(op, mask, multiplied(op, mask, mesh=mesh))
    return Ground(own_vocab(share, cut), walk, alive, num_alive), cut


def form_of(share: Share, form: str) -> str:
    """What `form` comes to over the lines of all processes, as `stored_form` over those of one."""
    if form != "auto":
        return form
    entries = share.graph.entries()
    loops = any(relation.reflexive for relation in share.graph.relations)
    mine = np.array([entries["clique"] - loops * share.graph.num_entities, entries["factored"]], np.int64)
    clique, factored = share.peers.everyones(mine).sum(axis=0)
    return "factored" if factored < clique + loops * share.num_entities else "clique"


def own_vocab(share: Share, cut: Cut) -> Vocab:
    """The entities whose rows this process owns."""
    mine = np.flatnonzero(share.first)
    groups = split_by(cut.process_of(share.rows[mine]), share.peers.count)
    return joined(send_ids(share.peers, [share.graph.vocab.take(mine[group]) for group in groups]))


def _clique(share: Share, owners: np.ndarray, propagation: str, mesh: Mesh) -> tuple[tuple[Csr, ...], np.ndarray, Cut]:
    owned, cut = owned_counts(share, owners)
    degree = row_sums(owned)
    if propagation == "symmetric":
        scale = inverse(np.sqrt(degree))
        owned = scaled(owned, scale, everyones_rows(share.peers, cut, scale))
    else:
        owned = scaled(owned, inverse(degree), None)
    return (put_owned(share.peers, mesh, cut, owned, cut),), degree, cut


def owned_counts(share: Share, owners: np.ndarray) -> tuple[sp.csr_array, Cut]:
    """The rows of W that this process owns, float32, as `Graph.counts` of the whole has them; and how rows are cut.

    Lines are expanded some at a time, so that pairs need not be held all at once; every process takes as many turns.
    """
    graph, peers = share.graph, share.peers
    cut = even_cut(share, owners, _pairs_of_each(graph))
    done = offsets_of(np.sum([_pairs_of_line(relation) for relation in graph.relations], axis=0))
    turns = int(peers.everyones(np.array(-(-done[-1] // SLICE_PAIRS), np.int64)).max())
    ends = np.minimum(np.searchsorted(done, np.arange(turns + 1) * SLICE_PAIRS), len(done) - 1)

    def part(turn: int) -> sp.csr_array:
        lines = np.arange(ends[turn], ends[turn + 1])
        few, names = compacted(take_lines(graph.relations, lines))
        entries = joint_counts(few, len(names), np.float64).tocoo()
        rows = share.rows[names]
        row, column = (rows[at] for at in entries.coords)
        return owned_matrix(peers, cut, Entries(row, column, entries.data), share.num_entities)

    return rounded(added(part(turn) for turn in range(turns))), cut


def compacted(relations: Sequence[Relation]) -> tuple[tuple[Relation, ...], np.ndarray]:
    """Relations over only those entities that stand in them, and which these are."""
    names = np.unique(np.concatenate([side.member for side in distinct_sides(relations)]))

    def renamed(side: Incidence) -> Incidence:
        return Incidence(side.offset, np.searchsorted(names, side.member).astype(np.int32))

    return with_sides(relations, renamed), names


def _pairs_of_line(relation: Relation) -> np.ndarray:
    """int64[E]: entries of each line in the clique form, before they are added up."""
    left, right = sides(relation)
    return left.size * right.size * (1 if relation.reflexive else 2)


def _pairs_of_each(graph: Graph) -> np.ndarray:
    """float64[k]: the same of each entity."""
    total = np.zeros(graph.num_entities)
    for relation in graph.relations:
        left, right = sides(relation)
        total += np.bincount(left.member, np.repeat(right.size, left.size), graph.num_entities)
        if not relation.reflexive:
            total += np.bincount(right.member, np.repeat(left.size, right.size), graph.num_entities)
    return total


def _factored(
    share: Share, owners: np.ndarray, propagation: str, mesh: Mesh
) -> tuple[tuple[Csr, ...], np.ndarray, Cut]:
    """W = F G: a process keeps the rows of G, its lines, and sends the entries of F to the owners of their rows."""
    peers = share.peers
    scatter, gather = joint_factors(share.graph.relations, share.graph.num_entities)
    cut = even_cut(share, owners, np.diff(scatter.indptr))
    lines = even_lines(peers, owners, np.diff(gather.indptr))
    entries = scatter.tocoo()
    row, line = share.rows[entries.coords[0]], lines.process_bounds[peers.index] + entries.coords[1].astype(np.int64)
    check_size(lines.size)
    found = owned_matrix(peers, cut, Entries(row, line, entries.data), int(lines.bounds[-1])).astype(np.float32)
    mass = np.bincount(entries.coords[0], entries.data * row_sums(gather)[entries.coords[1]], len(share.rows))
    at = np.zeros_like(share.rows)
    degree = owned_matrix(peers, cut, Entries(share.rows, at, mass), 1).toarray()[:, 0]
    gather = sp.csr_array(
        (gather.data, share.rows[gather.indices], gather.indptr), (gather.shape[0], share.num_entities)
    )
    if propagation == "symmetric":
        scale = inverse(np.sqrt(degree))
        found, gather = scaled(found, scale, None), scaled(gather, None, everyones_rows(peers, cut, scale))
    else:
        found = scaled(found, inverse(degree), None)
    return (put_owned(peers, mesh, cut, found, lines), put_owned(peers, mesh, lines, gather, cut)), degree, cut


def even_cut(share: Share, owners: np.ndarray, entries: np.ndarray) -> Cut:
    """Rows cut so that devices have about as much work each: entries, of those that will be added up each, and rows.

    A row counts as much as its entries on the mean, at least, so none has more than twice the mean of rows.
    """
    count = share.num_entities
    check_size(count)
    width = -(-count // BUCKETS)
    work = np.bincount(share.rows // width, entries, -(-count // width)).astype(np.int64)
    work = share.peers.everyones(work).sum(axis=0)
    bounds = np.minimum(np.arange(len(work) + 1) * width, count)
    worth = max(ROW_WORTH, int(work.sum()) // count)
    done = offsets_of(work + worth * np.diff(bounds))
    parts = int(owners[-1])
    at = np.searchsorted(done, done[-1] * np.arange(1, parts) // parts)
    return Cut(np.array([0, *bounds[at], count], np.int64), owners)


def check_size(count: int) -> None:
    """Raise OptionError where rows or lines, those included that fill up, are more than indices can tell apart."""
    if count > MOST_ROWS:
        raise checks.OptionError(f"`share` has {count:,} rows or lines, more than 2³¹ − 1.")


def even_lines(peers: Peers, owners: np.ndarray, entries: np.ndarray) -> Cut:
    """The lines of each process, cut between its devices."""
    parts = int(owners[peers.index + 1] - owners[peers.index])
    done = offsets_of(entries)
    ends = [*np.searchsorted(done, done[-1] * np.arange(1, parts) // parts), len(entries)]
    mine = np.zeros(int(owners[-1]), np.int64)
    mine[owners[peers.index] : owners[peers.index + 1]] = np.diff(ends, prepend=0)
    return Cut(offsets_of(peers.everyones(mine).sum(axis=0)), owners)


def owned_matrix(peers: Peers, cut: Cut, entries: Entries, columns: int) -> sp.csr_array:
    """The rows of a matrix that this process owns, of the entries of all, added up in float64; sorted."""
    groups = split_by(cut.process_of(entries.row), peers.count)
    kinds = (np.int32, np.int32, np.float64)
    row, column, value = (
        np.concatenate(peers.swap([part[group].astype(kind) for group in groups]))
        for part, kind in zip(entries, kinds, strict=True)
    )
    first, last = cut.process_bounds[peers.index : peers.index + 2]
    shape = (int(last - first), columns)
    if not shape[0]:
        return sp.csr_array((1, columns), dtype=np.float64)[:0]
    return sp.csr_array(sp.coo_array((value, (row - first, column)), shape=shape).tocsr())


def everyones_rows(peers: Peers, cut: Cut, mine: np.ndarray) -> np.ndarray:
    """float64[n] of a number for each row, of the owners'."""
    most = int(np.diff(cut.process_bounds).max())
    every = peers.everyones(np.pad(mine, (0, most - len(mine))))
    return np.concatenate([part[:size] for part, size in zip(every, np.diff(cut.process_bounds), strict=True)])


def put_owned(peers: Peers, mesh: Mesh, rows: Cut, matrix: sp.csr_array, columns: Cut) -> Csr:
    """The rows that this process owns, on its devices."""
    check_size(columns.size)
    pointers, data, indices = matrix.indptr.astype(np.int64), matrix.data, columns.places(matrix.indices)
    owned = range(int(rows.owners[peers.index]), int(rows.owners[peers.index + 1]))
    sizes = [pointers[some.stop] - pointers[some.start] for some in (rows.mine(part, peers.index) for part in owned)]
    most = int(peers.everyones(np.array(max(sizes, default=0), np.int64)).max())

    def part_of(part: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        some = rows.mine(part, peers.index)
        begin, end = pointers[some.start], pointers[some.stop]
        return data[begin:end], indices[begin:end], (pointers[some.start : some.stop + 1] - begin).astype(np.int32)

    return put_factor(mesh, most, (rows.each, columns.size), part_of)
