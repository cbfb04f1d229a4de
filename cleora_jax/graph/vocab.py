"""The vocabulary: which entity stands at which row. The last home of strings."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cleora_jax._checks import InputError, NotFoundError, OptionError

Key = str | tuple[str, str]  # an id, or (column, id)


@dataclass(frozen=True, eq=False)
class Vocab:
    """Entity ids in row order, each with the column it came from; look-up both ways in constant time.

    Entities are keyed by (column, id): user `1` and item `1` are two entities.

    Args:
        ids: the n ids, a pyarrow large_string array without nulls, in row order.
        columns: names of the columns, e.g. ("user", "item").
        column_of: uint8[n], for each entity the position of its column in `columns`.

    Example:
        >>> vocab = Vocab.of(["alice", "bob"], column="user")
        >>> vocab.index("bob"), vocab[0], len(vocab)
        (1, 'alice', 2)
    """

    ids: pa.LargeStringArray
    columns: tuple[str, ...]
    column_of: np.ndarray

    def __post_init__(self) -> None:
        if len(self.ids) != len(self.column_of):
            raise OptionError(f"`column_of` must have one entry per id ({len(self.ids)}), got {len(self.column_of)}.")
        self.column_of.flags.writeable = False

    def __reduce__(self) -> tuple[Any, ...]:  # without the look-up tables, and frozen anew
        return Vocab, (self.ids, self.columns, self.column_of)

    @classmethod
    def of(cls, ids: Sequence[str] | pa.Array, column: str = "entity") -> Vocab:
        """A vocabulary of one column. Raises ValueError where an id stands twice."""
        if not isinstance(column, str):
            raise TypeError(f"`column` must be a column's name, got {column!r}.")
        array = pa.array(ids, type=pa.large_string()) if not isinstance(ids, pa.Array) else ids.cast(pa.large_string())
        vocab = cls(array, (column,), np.zeros(len(array), np.uint8))
        if array.null_count or len(pc.unique(array)) != len(array):
            raise OptionError("`ids` must be distinct and without nulls.")
        return vocab

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, row: int) -> str:
        return str(self.ids[int(row)])

    def __contains__(self, entity: str) -> bool:
        return any(entity in rows for rows in self._rows.values())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Vocab):
            return NotImplemented
        same_columns = self.columns == other.columns and np.array_equal(self.column_of, other.column_of)
        return bool(same_columns and self.ids.equals(other.ids))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        counts = np.bincount(self.column_of, minlength=len(self.columns))
        parts = ", ".join(f"{name}: {count:,}" for name, count in zip(self.columns, counts, strict=True))
        return f"Vocab({len(self):,} entities; {parts})"

    @cached_property
    def _rows(self) -> dict[str, dict[str, int]]:
        """For each column, id -> row. Built at the first look-up by id."""
        ids = self.ids.to_pylist()
        if len(self.columns) == 1:
            return {self.columns[0]: dict(zip(ids, range(len(ids)), strict=True))}
        rows: dict[str, dict[str, int]] = {name: {} for name in self.columns}
        by_code = [rows[name] for name in self.columns]
        for row, (entity, code) in enumerate(zip(ids, self.column_of.tolist(), strict=True)):
            by_code[code][entity] = row
        return rows

    def code_of(self, column: str) -> int:
        """The position of a column in `columns`. Raises NotFoundError where there is no such column."""
        if column not in self.columns:
            raise NotFoundError(f"no column {column!r}; the columns are {', '.join(map(repr, self.columns))}.")
        return self.columns.index(column)

    def find(self, entity: str, column: str) -> int | None:
        """Row of one entity of a column, or None."""
        return self._rows.get(column, {}).get(entity)

    def index(self, entity: str, column: str | None = None) -> int:
        """Row of one entity.

        Args:
            entity: its id.
            column: its column; needed only where the same id stands in several columns.

        Raises:
            NotFoundError: no such entity (the nearest ids are suggested), or no such column.
            ValueError: the id stands in several columns and `column` was not given.
        """
        return int(self.indices([entity], column)[0])

    def indices(self, entities: Sequence[str], column: str | None = None) -> np.ndarray:
        """Rows of several entities, int64[len(entities)]; as `index`, but naming *all* unknown ids."""
        tables = list(self._rows.values())
        if column is not None:
            tables = [tables[self.code_of(column)]]
        if len(tables) == 1:  # nearly always: no Python per id
            rows = list(map(tables[0].get, entities))
            if None not in rows:
                return np.asarray(rows, np.int64)
        found: list[int] = []
        unknown: list[str] = []
        for entity in entities:
            hits = [table[entity] for table in tables if entity in table]
            if len(hits) > 1:
                names = [name for name in self.columns if entity in self._rows[name]]
                raise OptionError(f"`entity` {entity!r} stands in several columns ({', '.join(names)}): give `column`.")
            if hits:
                found.append(hits[0])
            else:
                unknown.append(entity)
        if unknown:
            raise NotFoundError(self._unknown_message(unknown, column))
        return np.asarray(found, np.int64)

    def _unknown_message(self, unknown: list[str], column: str | None) -> str:
        known = [entity for name, rows in self._rows.items() if column in (None, name) for entity in rows]
        shown = ", ".join(repr(entity) for entity in unknown[:10])
        if len(unknown) > 10:
            shown += f" and {len(unknown) - 10} more"
        where = f" in column {column!r}" if column is not None else ""
        message = f"unknown {'entity' if len(unknown) == 1 else 'entities'}{where}: {shown}."
        nearest = nearest_ids(str(unknown[0]), known)
        if nearest:
            message += f" Nearest to {unknown[0]!r}: {', '.join(repr(entity) for entity in nearest)}."
        return message

    def rows_of(self, other: Vocab) -> np.ndarray:
        """The row here of each entity of `other`, by (column, id), int64[len(other)]; −1 where it is not here."""
        rows = np.full(len(other), -1, np.int64)
        for name in other.columns:
            if name in self.columns:
                mine, theirs = (np.flatnonzero(vocab.column_of == vocab.code_of(name)) for vocab in (self, other))
                at = pc.index_in(_taken(self.ids, mine), value_set=_taken(other.ids, theirs))
                rows[theirs[at.drop_null()]] = mine[at.is_valid().to_numpy(zero_copy_only=False)]
        return rows

    def joined(self, other: Vocab) -> tuple[Vocab, np.ndarray]:
        """This vocabulary and then what `other` has besides, in its order; and the row there of each of `other`, int64.

        Example:
            >>> joined, rows = Vocab.of(["alice", "bob"]).joined(Vocab.of(["carol", "alice"]))
            >>> joined.ids.to_pylist(), rows
            (['alice', 'bob', 'carol'], array([2, 0]))
        """
        columns = self.columns + tuple(name for name in other.columns if name not in self.columns)
        rows = self.rows_of(other)
        new = np.flatnonzero(rows < 0)
        rows[new] = len(self) + np.arange(len(new))
        code = np.asarray([columns.index(name) for name in other.columns], np.uint8)
        column_of = np.concatenate([self.column_of, code[other.column_of[new]]])
        return Vocab(pa.concat_arrays([self.ids, _taken(other.ids, new)]), columns, column_of), rows

    def keys(self, rows: np.ndarray | None = None) -> list[Key]:
        """The ids of some rows, or of all; each with its column where there are several columns."""
        ids = (self.ids if rows is None else self.ids.take(pa.array(rows))).to_pylist()
        if len(self.columns) == 1:
            return ids
        codes = self.column_of if rows is None else self.column_of[rows]
        return [(self.columns[code], entity) for code, entity in zip(codes.tolist(), ids, strict=True)]

    def of_column(self, column: str) -> Vocab:
        """The entities of one column, in the order that they have here. Raises NotFoundError: no such column."""
        rows = np.flatnonzero(self.column_of == self.code_of(column))
        return Vocab(self.ids.take(pa.array(rows)), (column,), np.zeros(len(rows), np.uint8))

    def take(self, rows: np.ndarray) -> Vocab:
        """The vocabulary of some rows, in the order given."""
        return Vocab(self.ids.take(pa.array(rows)), self.columns, self.column_of[rows])


def _taken(ids: pa.LargeStringArray, rows: np.ndarray) -> pa.LargeStringArray:
    """The ids at some rows, which are distinct and in order."""
    return ids if len(rows) == len(ids) else ids.take(pa.array(rows))


def id_parts(vocab: Vocab) -> tuple[np.ndarray, np.ndarray]:
    """The ids as one run of UTF-8 bytes uint8[bytes], and where each begins int64[n + 1]: how files keep them."""
    if not len(vocab):
        return np.zeros(0, np.uint8), np.zeros(1, np.int64)
    _, where, data = vocab.ids.buffers()
    offset = np.frombuffer(where, np.int64)[vocab.ids.offset :][: len(vocab) + 1]
    text = np.frombuffer(data if data is not None else b"", np.uint8)[offset[0] : offset[-1]]
    return text, offset - offset[0]


def ids_from_parts(source: str, text: np.ndarray, offset: np.ndarray) -> pa.LargeStringArray:
    """The ids of `id_parts`, as read from the file `source`; InputError where they are not what they claim to be."""
    whole = text.dtype == np.uint8 and offset.dtype == np.int64 and text.ndim == offset.ndim == 1 and len(offset) > 0
    if not (whole and offset[0] == 0 and offset[-1] == len(text) and (np.diff(offset) >= 0).all()):
        raise InputError(f"{source}: damaged: the ids do not hold together.")
    ids = pa.LargeStringArray.from_buffers(len(offset) - 1, pa.py_buffer(offset), pa.py_buffer(text))
    ids.validate(full=True)
    return ids


def nearest_ids(entity: str, known: Sequence[str], count: int = 3, pool: int = 20_000) -> list[str]:
    """The known ids most like `entity`: case-blind, then by common substring ratio, over at most `pool` candidates."""
    folded = entity.casefold()
    near = [other for other in known if other.casefold() == folded]
    if len(known) > pool:  # a ratio over millions would take minutes: keep those that share a beginning
        stem = folded[: max(1, len(folded) // 2)]
        known = [other for other in known if other.casefold().startswith(stem)][:pool]
    near += [other for other in difflib.get_close_matches(entity, known, n=count, cutoff=0.5) if other not in near]
    return near[:count]
