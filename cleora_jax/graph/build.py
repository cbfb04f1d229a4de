"""Graph: un-normalised counts over one vocabulary. Everything else is derived from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax.graph.counts import check_counts, joint_counts, rounded
from cleora_jax.graph.hyperedges import (
    Incidence,
    Relation,
    as_weights,
    clique_entries,
    distinct_sides,
    factored_entries,
    frozen,
    index_array,
    line_groups,
)
from cleora_jax.graph.vocab import Vocab

ID_TYPES = (pa.types.is_integer, pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)


@dataclass(frozen=True)
class BuildReport:
    """What was read and what was not: printed by the CLI, kept with the graph.

    Args:
        sources: the files, in the order read; empty for in-memory input.
        format: how cells were split, e.g. "tsv" (decided from suffix and first lines where not given).
        lines: lines or rows read, those below included.
        blank_lines, header_lines, comment_lines: lines that hold no hyperedge.
        bad_lines: lines left out by `on_bad_line="skip"`.
        bad_examples: messages of the first ten of them.
        isolated_entities: entities without a hyperedge of positive weight; they get the zero vector.
    """

    sources: tuple[str, ...] = ()
    format: str = "arrays"
    lines: int = 0
    blank_lines: int = 0
    header_lines: int = 0
    comment_lines: int = 0
    bad_lines: int = 0
    bad_examples: tuple[str, ...] = ()
    isolated_entities: int = 0


@dataclass(frozen=True, eq=False)
class Graph:
    """Entities and how they occur together: one or several relations over one vocabulary. Immutable; pickles.

    Build one by `read` (files), `from_hyperedges` (lines or lists), `from_table` (Arrow, pandas, polars), `from_edges`,
    `from_scipy` or `from_bcoo`.

    Args:
        vocab: the n entities.
        relations: at least one `Relation`; several where the column spec has several.
        transient: names of the columns whose entities propagate but are not among the results.
        report: how it was built.
        whole_input: `occurrences`, where they are of more relations than there are here (see `relation`); else None.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.from_hyperedges(["alice laptop", "alice mouse", "bob keyboard"])
        >>> graph
        Graph(5 entities, 3 hyperedges; node: 5)
    """

    vocab: Vocab
    relations: tuple[Relation, ...]
    transient: tuple[str, ...] = ()
    report: BuildReport = field(default_factory=BuildReport)
    whole_input: np.ndarray | None = None
    known_counts: sp.csr_array | None = field(default=None, init=False, repr=False)  # see `counted`

    @property
    def num_entities(self) -> int:
        """n, transient entities included."""
        return len(self.vocab)

    @property
    def num_hyperedges(self) -> int:
        """Hyperedges (a line of several relations counts once); stored entries where a matrix was given."""
        return sum(self.relations[group[0]].num_hyperedges for group in line_groups(self.relations))

    @cached_property
    def isolated(self) -> np.ndarray:
        """bool[n]: entities that stand in no hyperedge of positive weight, nor in an entry of a given matrix."""
        touched = np.zeros(self.num_entities, bool)
        for relation in self.relations:
            _touch(touched, relation)
        return frozen(~touched)

    @cached_property
    def occurrences(self) -> np.ndarray:
        """int64[n]: how often each entity stands in a hyperedge of the whole input, repeats counted."""
        if self.whole_input is not None:
            return frozen(self.whole_input)
        return frozen(occurrences_in(self.relations, self.num_entities))

    @cached_property
    def kept(self) -> np.ndarray:
        """int64: rows of the entities that are among the results (all but those of transient columns)."""
        hidden = [code for code, name in enumerate(self.vocab.columns) if name in self.transient]
        return frozen(np.flatnonzero(~np.isin(self.vocab.column_of, hidden)))

    @property
    def two_sided(self) -> bool:
        """Hyperedges relate one column to another, and no entity to its own kind: a walk changes sides each step."""
        return len(self.relations) == 1 and not self.relations[0].reflexive and len(self.vocab.columns) > 1

    def __repr__(self) -> str:
        counts = np.bincount(self.vocab.column_of, minlength=len(self.vocab.columns))
        columns = ", ".join(f"{name}: {count:,}" for name, count in zip(self.vocab.columns, counts, strict=True))
        given = self.relations[0].counts is not None
        edges = f"{self.num_hyperedges:,} {'matrix entries' if given else 'hyperedges'}"
        parts = [f"Graph({self.num_entities:,} entities, {edges}; {columns}"]
        if len(self.relations) > 1:
            parts.append("; relations " + checks.listed(relation.name for relation in self.relations))
        if self.isolated.any():
            parts.append(f"; {int(self.isolated.sum()):,} isolated")
        if self.report.bad_lines:
            parts.append(f"; {self.report.bad_lines:,} bad lines skipped")
        return "".join(parts) + ")"

    def relation(self, name: str) -> Graph:
        """The graph of one relation alone, over the same vocabulary."""
        names = [relation.name for relation in self.relations]
        checks.one_of("name", name, names)
        one = replace(self, relations=(self.relations[names.index(name)],), whole_input=self.occurrences)
        return counting_isolated(one)

    def counts(self) -> sp.csr_array:
        """W, the un-normalised symmetric counts: n × n CSR float32, self-pairs included, relations added."""
        if self.known_counts is not None:
            return sp.csr_array(rounded(self.known_counts), copy=True)
        total = joint_counts(self.relations, self.num_entities)
        return sp.csr_array(total, copy=total is self.relations[0].counts)

    to_scipy = counts

    def counted(self) -> Graph:
        """This graph with W at hand: `counts` only copies it, and edits bring it up to date instead of counting anew.

        Kept in float64, so that a long stream of edits loses nothing, at 12 bytes an entry; not in files or pickles.
        Where the factored form has fewer entries W is not wanted, and where W was given it is there: the graph itself.
        """
        given = all(relation.counts is not None for relation in self.relations)
        if given or self.known_counts is not None or not self.clique_pays:
            return self
        return knowing(replace(self), joint_counts(self.relations, self.num_entities, np.float64))

    @property
    def clique_pays(self) -> bool:
        """W has no more entries than its two factors, see `entries`."""
        entries = self.entries()
        return entries["clique"] <= entries["factored"]

    def entries(self) -> dict[str, int]:
        """Stored entries of the two ways to multiply: {"clique": at most Σ|e|², "factored": 2Σ|e|}."""
        loops = any(relation.reflexive and relation.counts is None for relation in self.relations)
        return {
            "clique": sum(map(clique_entries, self.relations)) + loops * self.num_entities,
            "factored": sum(map(factored_entries, self.relations)),
        }

    def __reduce__(self) -> tuple[Any, ...]:
        return Graph, (self.vocab, self.relations, self.transient, self.report, self.whole_input)


def check_graph(graph: Any) -> None:
    """Raise TypeError unless it is a `Graph`."""
    checks.kind("graph", graph, Graph, "see `read`, `from_hyperedges`; `interop.from_networkx(…).graph` and its kin")


def from_edges(
    src: Sequence[Any] | np.ndarray,
    dst: Sequence[Any] | np.ndarray,
    weight: Sequence[float] | np.ndarray | None = None,
    *,
    num_entities: int | None = None,
    ids: Sequence[str] | None = None,
    column: str = "node",
) -> Graph:
    """A graph of edges, each a hyperedge of two entities (in the order source, target) with weight `weight`.

    Args:
        src, dst: [E] both; either ids (strings or integers; rows by first appearance), or, where `num_entities` or
            `ids` is given, rows 0 … n−1.
        weight: float[E] ≥ 0; default all ones.
        num_entities: n, where src and dst are rows; entities without an edge are isolated.
        ids: names of the n rows (default "0", "1", …).
        column: name of the only column.

    Raises:
        ValueError: lengths that differ, rows out of range, a negative, NaN or infinite weight (its place is named).

    Example:
        >>> import cleora_jax as cj
        >>> cj.from_edges(["a", "b"], ["b", "c"], [1.0, 2.0])
        Graph(3 entities, 2 hyperedges; node: 3)
        >>> cj.from_edges([0, 1], [1, 2], num_entities=5)
        Graph(5 entities, 2 hyperedges; node: 5; 2 isolated)
    """
    member = in_turn(("src", "dst"), src, dst, "edge")
    if num_entities is None and ids is None:
        names, rows = distinct_ids(("src", "dst"), member, "edge")
    else:
        if num_entities is not None and ids is not None and num_entities != len(ids):
            raise checks.OptionError(
                f"`ids` must have one id per row (`num_entities` is {num_entities}), got {len(ids)}."
            )
        count = len(ids) if ids is not None else checks.integer("num_entities", num_entities, low=1)
        rows, names = _checked_rows(member, count), list(ids) if ids is not None else [str(i) for i in range(count)]
    side = pairs_of(rows)
    weights = None if weight is None else check_weights(np.asarray(weight), len(side), "`weight`, edge {}".format)
    return counting_isolated(Graph(Vocab.of(names, column), (Relation(column, side, side, weights),)))


def in_turn(names: tuple[str, str], first: Any, second: Any, what: str) -> np.ndarray:
    """Two sequences of E things each as one, [2E]: the ends of pair 0, then of pair 1, and so on."""
    one, two = np.asarray(first), np.asarray(second)
    if one.ndim != 1 or one.shape != two.shape:
        raise checks.OptionError(
            f"`{names[0]}` and `{names[1]}` must be one-dimensional of equal length, got {one.shape}, {two.shape}."
        )
    if len(one) == 0:
        raise checks.OptionError(f"`{names[0]}` is empty: a graph needs at least one {what}.")
    return np.stack([one, two], axis=1).ravel()


def distinct_ids(names: tuple[str, ...], member: np.ndarray, what: str) -> tuple[pa.LargeStringArray, np.ndarray]:
    """Distinct ids by first appearance, and which of them each is; of arguments `names` in turn (see `in_turn`)."""
    ids = as_strings(pa.array(member), names[0])
    empty = pc.fill_null(pc.equal(pc.binary_length(ids), 0), True)
    if pc.any(empty).as_py():
        at = pc.index(empty, True).as_py()
        raise checks.OptionError(f"`{names[at % len(names)]}`, {what} {at // len(names)}: a null or empty id.")
    encoded = ids.dictionary_encode()
    return encoded.dictionary, encoded.indices.to_numpy()


def pairs_of(rows: np.ndarray) -> Incidence:
    """Hyperedges of two entities each, from the rows of their ends in turn."""
    return Incidence(np.arange(0, len(rows) + 1, 2), rows.astype(np.int32))


def from_scipy(matrix: Any, ids: Sequence[str] | None = None, *, column: str = "node") -> Graph:
    """A graph whose counts W are a given square SciPy sparse matrix (or array): entry (i, j) relates row i to row j.

    Nothing is added: no self-pairs, no symmetrisation. Duplicate entries are summed, explicit zeros dropped.

    Args:
        matrix: n × n, entries finite and ≥ 0.
        ids: names of the n rows (default "0", "1", …).
        column: name of the only column.
    """
    shape = np.shape(matrix)
    if len(shape) != 2 or shape[0] != shape[1] or shape[0] == 0:
        raise checks.OptionError(f"`matrix` must be square and not empty, got shape {shape}.")
    given = sp.coo_array(matrix)
    check_weights(given.data, given.nnz, lambda at: f"`matrix`, entry ({given.coords[0][at]}, {given.coords[1][at]})")
    counts = given.astype(np.float64).tocsr()
    counts.sum_duplicates()
    with np.errstate(over="ignore"):
        counts = counts.astype(np.float32)
    check_counts(counts.data)
    counts.eliminate_zeros()
    counts.indices, counts.indptr = counts.indices.astype(np.int32, copy=False), index_array(counts.indptr)
    names = [str(i) for i in range(counts.shape[0])] if ids is None else ids
    if len(names) != counts.shape[0]:
        raise checks.OptionError(f"`ids` must have one id per row ({counts.shape[0]}), got {len(names)}.")
    relation = Relation(column, counts=counts)
    return counting_isolated(Graph(Vocab.of(names, column), (relation,), report=BuildReport(format="matrix")))


def knowing(graph: Graph, counts: sp.csr_array) -> Graph:
    """The same, new graph, told its W (float64), which `dataclasses.replace` and pickling forget again."""
    object.__setattr__(graph, "known_counts", counts)
    return graph


def occurrences_in(relations: Sequence[Relation], num_entities: int) -> np.ndarray:
    """int64[n]: how often each entity stands in a hyperedge of the relations, repeats counted, shared sides once."""
    count = np.zeros(num_entities, np.int64)
    for side in distinct_sides(relations):
        count += np.bincount(side.member, minlength=num_entities)
    return count


def of_members(side: Incidence, vocab: Vocab) -> Graph:
    """The graph of hyperedges of one column, which it relates to itself, over entities that are known already."""
    return counting_isolated(Graph(vocab, (Relation(vocab.columns[0], side, side),)))


def counting_isolated(graph: Graph) -> Graph:
    """The graph, its isolated entities counted in its report."""
    report = replace(graph.report, isolated_entities=int(graph.isolated.sum()))
    return replace(graph, report=report) if report != graph.report else graph


def check_weights(weight: np.ndarray, count: int, place: Callable[[int], str]) -> np.ndarray:
    """Weights as float32[count], or an error that names the first that is not finite and ≥ 0."""
    if weight.shape != (count,):
        raise checks.OptionError(f"`weight` must have one entry per hyperedge ({count}), got shape {weight.shape}.")
    if weight.dtype.kind not in "biuf":
        raise TypeError(f"`weight` must be numbers, got {weight.dtype}.")
    values = as_weights(weight)
    wrong = ~(np.isfinite(values) & (values >= 0))
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise checks.InputError(f"{place(at)}: weight {weight[at]} must be finite and at least 0, also as float32.")
    return values


def decoded(values: pa.DictionaryArray) -> pa.Array:
    """The values that a dictionary array stands for."""
    words = values.dictionary
    if pa.types.is_string_view(words.type):  # Arrow cannot take from these
        words = words.cast(pa.large_string())
    return words.take(values.indices)


def as_strings(values: pa.Array, name: str) -> pa.LargeStringArray:
    """Ids as large_string: strings as they are, integers in decimal; anything else is a TypeError."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return as_strings(decoded(values), name)
    if not any(fits(kind) for fits in ID_TYPES):
        raise TypeError(f"`{name}`: ids must be strings or integers, got {kind}.")
    return values.cast(pa.large_string())


def _checked_rows(rows: np.ndarray, count: int) -> np.ndarray:
    if not np.issubdtype(rows.dtype, np.integer):
        raise TypeError(
            f"`src` and `dst` must be integer rows where `num_entities` or `ids` is given, got {rows.dtype}."
        )
    wrong = (rows < 0) | (rows >= count)
    if wrong.any():
        at = int(np.flatnonzero(wrong)[0])
        raise checks.OptionError(
            f"`{('src', 'dst')[at % 2]}`, edge {at // 2}: row {rows[at]} is not in 0 … {count - 1}."
        )
    return rows


def _touch(touched: np.ndarray, relation: Relation) -> None:
    """Mark the entities in hyperedges of positive weight, or in entries of a given matrix."""
    if relation.counts is not None:
        touched[np.diff(relation.counts.indptr) > 0] = True
        touched[relation.counts.indices] = True
        return
    for side, other in ((relation.left, relation.right), (relation.right, relation.left)):
        assert side is not None and other is not None
        live = other.size > 0 if relation.weight is None else (other.size > 0) & (relation.weight > 0)
        touched[side.member if live.all() else side.member[np.repeat(live, side.size)]] = True
