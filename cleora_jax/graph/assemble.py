"""Rows of tokens, chunk by chunk, become one Graph: the step between every reader and `Graph`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from cleora_jax._checks import InputError, OptionError
from cleora_jax.graph.build import BuildReport, Graph, counting_isolated
from cleora_jax.graph.columns import Column, parse_columns, relation_name, relations_of
from cleora_jax.graph.hyperedges import Incidence, Relation, group_rows, offsets_of
from cleora_jax.graph.intern import Interner, first_tokens, merge_columns
from cleora_jax.graph.vocab import Vocab

LAST = "last"
BAD_EXAMPLES = 10


@dataclass(frozen=True)
class Layout:
    """What the columns of a row mean, checked once.

    Args:
        columns: all columns as they stand in the input.
        weight: None, or the name of the column that holds w_e.
        group_by: None, or the name of the column whose equal values make one hyperedge of several rows.
        shared_ids: columns name the same things.
        last: w_e is the last entry of a line of entities (a single column).
    """

    columns: tuple[Column, ...]
    weight: str | None = None
    group_by: str | None = None
    shared_ids: bool = False
    last: bool = False

    @classmethod
    def parse(cls, spec: str, weight: str | None, group_by: str | None, shared_ids: bool) -> Layout:
        """A layout from a column spec and options; errors name the argument.

        A column named by `weight` or `group_by` need not relate to anything: it holds no entities.
        """
        words = spec.split() if isinstance(spec, str) else []
        last = weight == LAST and len(words) == 1
        if weight is not None and group_by is not None:
            raise OptionError("`weight` cannot be combined with `group_by`: a group of rows has no one weight.")
        for argument, name in (("weight", None if last else weight), ("group_by", group_by)):
            if name in words:
                words[words.index(name)] = f"ignore::{name}"
            elif name is not None:
                raise OptionError(
                    f"`{argument}` must name a column of the spec {spec!r} that has no modifier, got {name!r}"
                    + (" ('last' serves a spec of a single column)." if argument == "weight" else ".")
                )
        columns = parse_columns(" ".join(words) if words else spec)
        if shared_ids and any(column.transient for column in columns):
            raise OptionError("`shared_ids` cannot be combined with `transient::`: its entities would be results, too.")
        return cls(columns, None if last else weight, group_by, shared_ids, last)

    @property
    def entity_columns(self) -> tuple[Column, ...]:
        """The columns that hold entities."""
        return tuple(column for column in self.columns if not column.ignore)

    @property
    def weighted(self) -> bool:
        """Each row holds a weight."""
        return self.last or self.weight is not None

    def holds_ids(self, column: Column) -> bool:
        """Whether a column's cells are ids: of entities, or of groups."""
        return not column.ignore or column.name == self.group_by

    @property
    def single(self) -> bool:
        """A line is one cell of entities: `complex::reflexive::node`."""
        return len(self.columns) == 1


@dataclass
class Tally:
    """Counts of a reading in progress, frozen into a `BuildReport` at its end."""

    on_bad_line: str = "error"
    lines: int = 0
    blank: int = 0
    headers: int = 0
    comments: int = 0
    bad: int = 0
    examples: tuple[str, ...] = ()

    def bad_line(self, message: str) -> None:
        """Raise on a line that does not fit, or count it."""
        if self.on_bad_line == "error":
            raise InputError(message + ' (`on_bad_line="skip"` leaves such lines out and counts them)')
        self.bad += 1
        if len(self.examples) < BAD_EXAMPLES:
            self.examples += (message,)

    def bad_rows(self, rows: np.ndarray, message: Callable[[int], str]) -> None:
        """`bad_line` for each of some rows; only messages that will be seen are written."""
        shown = rows[: BAD_EXAMPLES - len(self.examples)]
        for row in shown.tolist():
            self.bad_line(message(row))
        self.bad += len(rows) - len(shown)


@dataclass(frozen=True)
class Rows:
    """Some rows: for each entity column its tokens and how many of them each row has, then weights and group keys."""

    tokens: Sequence[pa.Array]
    counts: Sequence[np.ndarray]
    weight: np.ndarray | None = None
    group: pa.Array | None = None


class Assembler:
    """Collects `Rows` and builds the `Graph`; holds codes, never text of the past."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._interners = [Interner() for _ in layout.entity_columns]
        self._counts: list[list[np.ndarray]] = [[] for _ in layout.entity_columns]
        self._weights: list[np.ndarray] = []
        self._groups = Interner()

    def add(self, rows: Rows) -> None:
        """Take the next rows."""
        for position, (tokens, count) in enumerate(zip(rows.tokens, rows.counts, strict=True)):
            self._interners[position].add(tokens)
            self._counts[position].append(count)
        if rows.weight is not None:
            self._weights.append(rows.weight)
        if rows.group is not None:
            self._groups.add(rows.group)

    def finish(self, report: BuildReport, *, may_be_empty: bool = False) -> Graph:
        """The graph of all rows. Raises InputError where there is none, and there must be."""
        columns = self.layout.entity_columns
        offsets = [offsets_of(np.concatenate([*parts, np.zeros(0, np.int64)])) for parts in self._counts]
        if len(offsets[0]) == 1 and not may_be_empty:
            where = ", ".join(report.sources) or "the input"
            raise InputError(f"{where}: no hyperedges ({report.lines} lines read, {report.bad_lines} of them bad).")
        parts = [interner.finish() for interner in self._interners]
        names = tuple(column.name for column in columns)
        vocab, sides = self._merge(names, parts, offsets)
        weight = np.concatenate(self._weights).astype(np.float32) if self._weights else None
        relations = tuple(
            Relation(relation_name(columns, a, b), sides[a], sides[b], weight) for a, b in relations_of(columns)
        )
        transient = tuple(column.name for column in columns if column.transient)
        graph = Graph(vocab, relations, transient, report)
        return graph if weight is None else counting_isolated(graph)  # what is read stands in a hyperedge

    def _merge(
        self, names: tuple[str, ...], parts: list[tuple[pa.Array, np.ndarray]], offsets: list[np.ndarray]
    ) -> tuple[Vocab, list[Incidence]]:
        if len(parts) == 1:  # nothing to merge: codes are rows already
            ids, codes = parts[0]
            vocab, members = Vocab(ids, names, np.zeros(len(ids), np.uint8)), [codes]
        else:
            first_row = [
                np.searchsorted(offset, first_tokens(codes), side="right") - 1
                for (_, codes), offset in zip(parts, offsets, strict=True)
            ]
            vocab, maps = merge_columns(names, [part[0] for part in parts], first_row, self.layout.shared_ids)
            members = [rows[codes] for rows, (_, codes) in zip(maps, parts, strict=True)]
        sides = [Incidence(offset, member) for offset, member in zip(offsets, members, strict=True)]
        if self.layout.group_by is not None:
            groups, key = self._groups.finish()
            sides = [group_rows(key, side, len(groups)) for side in sides]
        return vocab, sides


def report_of(tally: Tally, sources: Sequence[str], layout: str) -> BuildReport:
    """The frozen report of a reading."""
    return replace(
        BuildReport(tuple(sources), layout),
        lines=tally.lines,
        blank_lines=tally.blank,
        header_lines=tally.headers,
        comment_lines=tally.comments,
        bad_lines=tally.bad,
        bad_examples=tally.examples,
    )
