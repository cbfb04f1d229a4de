"""Features of entities: a vector per id in any common form, and which entity of a graph has which."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax.graph.build import as_strings
from cleora_jax.graph.table import as_table
from cleora_jax.graph.vocab import Vocab

Matrix: TypeAlias = Any  # np.ndarray | sp.csr_array; SciPy has no types
ID = "id"  # the column of a frame that holds ids
SCALARS = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal)
LISTS = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)


class FeatureTable(NamedTuple):
    """Feature rows, read and checked.

    Args:
        matrix: float32[m, w], an array or a sparse CSR matrix, finite.
        ids: the m ids, or None where rows stand in the order of a graph's entities.
        names: the w names of the features, or None where they have only positions.
        called: what the ids' column was called, or None where that is not known.
    """

    matrix: Matrix
    ids: list[str] | None = None
    names: list[str] | None = None
    called: str | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Features:
    """Features of entities to start from: `embed(graph, method, init=Features(values))`.

    The first vector of an entity is (1 − weight) h + weight f, both of unit length: h is its hashed vector, f its row
    of features, projected to `dim` columns by a seeded Gaussian matrix unless it has just so many. A feature's row of
    that matrix is a pure function of its name (of its position, where it has none) and the seed, so that neither order
    nor number of the other features matters; features of one name, or at one position, get the same row in every
    `Features` of a list. Entities without features, or with all of them zero, start from h alone.

    Propagation smooths features over the graph: use this where they say something of the entities, with 2 to 20 steps
    and `whiten="off"`. Whitening removes what a start gave, step by step; after forty whitened steps little is left.

    Ids that are no entities of the graph are left out, as a table of features often covers more than what took part;
    `rows` says which entities have features.

    Args:
        values: one of
            a dict of id -> vector float[w];
            an array float[m, w] or SciPy sparse matrix, with `ids`; without, in the order of `graph.vocab` (of the
            entities of `column`, where that is given), which is that of first appearance, not of ids;
            a pandas frame, ids its index (or its column `id`, where the index only counts), columns the features;
            a polars frame, Arrow table, or other with the Arrow PyCapsule interface: ids the column `id`, or else the
            first, which must then hold strings. Columns are numbers, or lists of numbers of one length.
            They are read at once, as float32; an array that is float32 already is not copied.
        weight: in [0, 1]; 0 is the hashed start, 1 features alone.
        ids: of the rows of an array or matrix, e.g. range(m) where row i is node i. Default: the graph's order.
        column: the column of the graph whose entities these are; needed where an id stands in several. A list of
            `Features`, one for each column, gives each type features of its own, of any width.

    Raises:
        ValueError: no rows or no features, vectors of different lengths, NaN or infinity or numbers beyond float32
            (the id and the feature are named), an id or a feature's name that stands twice, a weight out of range.
        TypeError: anything but numbers in the features, anything but strings or integers in the ids.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.from_hyperedges(["ann tea", "bob tea", "bob jam"])
        >>> features = cj.Features({"tea": [1.0, 0.0, 2.0], "jam": [0.0, 1.0, 0.0]}, weight=0.8)
        >>> features
        Features(2 × 3, by id, weight=0.8)
        >>> features.rows(graph.vocab).tolist()
        [-1, 0, -1, 1]
        >>> cj.embed(graph, cj.Cleora(dim=2, num_iterations=3, whiten="off"), init=features).vectors.shape
        (4, 2)
    """

    values: Any
    weight: float = 0.5
    column: str | None = None
    ids: Any = None

    def __post_init__(self) -> None:
        checks.keep(self, weight=checks.real("weight", self.weight, low=0, high=1))
        if self.column is not None and not isinstance(self.column, str):
            raise TypeError(f"`column` must be a column's name, got {self.column!r:.100}.")
        _ = self.table  # faults are told here, not when it is used

    @cached_property
    def table(self) -> FeatureTable:
        """The values as one matrix."""
        return read_features(self.values, self.ids)

    def __repr__(self) -> str:
        rows, width = self.table.matrix.shape
        kind = " sparse" if sp.issparse(self.table.matrix) else ""
        order = "in order" if self.table.ids is None else "by id"
        column = "" if self.column is None else f", column={self.column!r}"
        return f"Features({rows:,} × {width:,}{kind}, {order}, weight={self.weight:g}{column})"

    def rows(self, vocab: Vocab) -> np.ndarray:
        """For each of n entities the row of its features, int64[n]; −1 where it has none.

        Raises:
            ValueError: an array of another length, an id in several columns of `vocab` without `column`, no id that is
                an entity, or ids in a column that is called as an entity: a first row taken for a header.
            NotFoundError: no such column.
        """
        names = vocab.columns if self.column is None else (vocab.columns[vocab.code_of(self.column)],)
        ids = self.table.ids
        if ids is None:
            return self._in_order(np.isin(vocab.column_of, [vocab.code_of(name) for name in names]))
        called = self.table.called
        if called not in (None, ID) and called in vocab:
            raise checks.OptionError(
                f"`values`: the column of ids is called {called!r}, as an entity of the graph is: was a first row "
                "taken for a header? It would be lost. Read the table without one (on the command line, "
                f"`--features-without-header`), or, if it is one, call that column {ID!r}."
            )
        known = pa.array(ids, pa.large_string())
        rows = np.max([Vocab.of(known, name).rows_of(vocab) for name in names], axis=0)
        times = np.bincount(rows[rows >= 0], minlength=len(ids))
        if times.max() > 1:
            twice = ids[int(times.argmax())]
            raise checks.OptionError(f"`values`: {twice!r} stands in several columns of the graph: give `column`.")
        if times.max() == 0:
            where = "" if self.column is None else f" in column {self.column!r}"
            raise checks.OptionError(
                f"`values`: none of the ids ({checks.listed(map(repr, ids))}) is an entity{where} of the graph, "
                f"whose first is {vocab[0]!r}."
            )
        return rows

    def _in_order(self, held: np.ndarray) -> np.ndarray:
        count, given = int(held.sum()), self.table.matrix.shape[0]
        if given != count:
            of = "entity" if self.column is None else f"entity of column {self.column!r}"
            raise checks.OptionError(f"`values` must have {count:,} rows, one per {of}, got {given:,}.")
        return np.where(held, np.cumsum(held) - 1, -1)


def read_features(values: Any, ids: Any = None) -> FeatureTable:
    """Features in any of the forms that `Features` takes; errors as there."""
    if isinstance(values, FeatureTable):  # read before, and kept in a file
        return _checked(values)
    if ids is not None:
        matrix, names = as_matrix(values), [as_id(key) for key in np.asarray(ids).tolist()]
        if len(names) != matrix.shape[0]:
            raise checks.OptionError(f"`ids` must have one id per row ({matrix.shape[0]:,}), got {len(names):,}.")
        return _checked(FeatureTable(matrix, names))
    if isinstance(values, Mapping):
        ids = [as_id(key) for key in values]
        return _checked(FeatureTable(stacked(values.values(), lambda row: repr(ids[row])), ids))
    if hasattr(values, "reset_index"):
        return _checked(_pandas(values))
    if isinstance(values, (pa.Table, pa.RecordBatch)) or hasattr(values, "__arrow_c_stream__"):
        return _checked(_arrow(as_table(values)))
    return FeatureTable(as_matrix(values))


def as_matrix(values: Any) -> Matrix:
    """float32[m, w] of an array, a SciPy sparse matrix or a list of vectors, checked."""
    if sp.issparse(values):
        given = values
    elif isinstance(values, (list, tuple)):
        given = stacked(values, "row {}".format)
    elif hasattr(values, "__array__"):
        given = np.asarray(values)
    else:
        raise TypeError(
            "`values` must be a dict of vectors, an array, a SciPy sparse matrix or a frame, "
            f"got {type(values).__name__}."
        )
    if given.dtype.kind not in "biuf":
        raise TypeError(f"`values` must be numbers, got {given.dtype}.")
    if given.ndim != 2 or 0 in given.shape:
        raise checks.OptionError(f"`values` must be a matrix with rows and columns, got shape {given.shape}.")
    matrix = _float32(given)
    check_finite(FeatureTable(matrix))
    return matrix


def as_id(key: Any) -> str:
    """An id as a string; integers in decimal, as where graphs are built."""
    if isinstance(key, str):
        return str(key)
    if isinstance(key, (int, np.integer)) and not isinstance(key, bool):
        return str(int(key))
    raise TypeError(f"`values`: ids must be strings or integers, got {key!r:.100}.")


def stacked(vectors: Iterable[Any], label: Callable[[int], str]) -> np.ndarray:
    """float32[m, w] of m vectors; a fault is told with `label(row)`."""
    rows = [np.asarray(vector) for vector in vectors]
    if not rows:
        raise checks.OptionError("`values` is empty: at least one vector is needed.")
    for at, row in enumerate(rows):
        if row.dtype.kind not in "biuf" or row.ndim != 1:
            raise TypeError(f"`values`: {label(at)} must be a vector of numbers, got {row.dtype}{list(row.shape)}.")
        if len(row) != len(rows[0]) or not len(row):
            raise checks.InputError(f"`values`: {label(at)} has {len(row)} numbers, {label(0)} has {len(rows[0])}.")
    return np.stack([_float32(row) for row in rows])


def _float32(values: Any) -> Any:
    """Numbers as float32, CSR where sparse; what is too large becomes infinite."""
    with np.errstate(over="ignore"):
        given = sp.csr_array(values) if sp.issparse(values) else values
        return given.astype(np.float32, copy=False)


def _pandas(frame: Any) -> FeatureTable:
    if frame.index.nlevels > 1:
        raise checks.OptionError(
            f"`values`: the frame's index has {frame.index.nlevels} levels, ids need one; `column` says their column."
        )
    counts = type(frame.index).__name__ == "RangeIndex"
    ids = frame[ID] if counts and ID in frame.columns else frame.index
    rest = frame.drop(columns=ID) if ids is not frame.index else frame
    names = [str(name) for name in rest.columns]
    _distinct("feature", names)
    named = rest.set_axis(names, axis=1).reset_index(drop=True)
    called = None if ids.name is None else str(ids.name)
    return _of_columns([as_id(key) for key in ids.tolist()], as_table(named))._replace(called=called)


def _arrow(table: pa.Table) -> FeatureTable:
    if not table.column_names:
        raise checks.OptionError("`values`: the table has no columns; ids and at least one feature are needed.")
    _distinct("column", table.column_names)
    name = ID if ID in table.column_names else table.column_names[0]
    column = table.column(name).combine_chunks()
    if name != ID and pa.types.is_integer(column.type):
        raise TypeError(
            f"`values`: no column {ID!r}, and the first, {name!r}, holds {column.type}, not ids as strings."
        )
    ids = as_strings(column, f"values, column {name}")
    if ids.null_count:
        raise checks.InputError(f"`values`, column {name!r}: {ids.null_count} ids are null.")
    return _of_columns(ids.to_pylist(), table.drop_columns([name]))._replace(called=name)


def _of_columns(ids: list[str], table: pa.Table) -> FeatureTable:
    """The features of a table that holds nothing else: columns of numbers, or of lists of so many numbers."""
    if not ids or not table.column_names:
        raise checks.OptionError(f"`values` must have rows and features, got {len(ids)} rows of {table.column_names}.")
    pieces, names = [], []
    for name, column in zip(table.column_names, table.columns, strict=True):
        piece = _numbers(name, column, ids)
        pieces.append(piece.reshape(len(ids), -1))
        names += [name] if piece.ndim == 1 else [f"{name}[{j}]" for j in range(piece.shape[1])]
    return FeatureTable(np.concatenate(pieces, axis=1), ids, names)


def _numbers(name: str, column: pa.ChunkedArray, ids: list[str]) -> np.ndarray:
    """float32[m] of a column of numbers, float32[m, k] of one of lists; a null is NaN."""
    kind = column.type
    if any(fits(kind) for fits in SCALARS):
        wide = column.cast(pa.float64(), safe=False)  # integers beyond 2⁵³ are rounded, as they are by NumPy
        return _float32(wide.to_numpy())
    if not any(fits(kind) for fits in LISTS):
        raise TypeError(f"`values`: features must be numbers, column {name!r} holds {kind}.")
    sizes = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
    odd = np.flatnonzero((sizes != sizes[0]) | (sizes == 0))
    if len(odd):
        at = int(odd[0])
        raise checks.InputError(f"`values`, column {name!r}: {ids[at]!r} has {sizes[at]} numbers, "
                                f"{ids[0]!r} has {sizes[0]}.")  # fmt: skip
    return _numbers(name, pc.list_flatten(column), ids).reshape(len(ids), -1)


def _checked(table: FeatureTable) -> FeatureTable:
    _distinct("id", table.ids)
    _distinct("feature", table.names)
    check_finite(table)
    return table


def _distinct(what: str, names: list[str] | None) -> None:
    """Raise InputError at the first name that stands twice."""
    seen: set[str] = set()
    for name in names or ():
        if name in seen:
            raise checks.InputError(f"`values`: the {what} {name!r} stands twice.")
        seen.add(name)


def check_finite(table: FeatureTable) -> None:
    """Raise InputError at the first entry that is not finite, with its row and feature."""
    matrix = table.matrix
    data = matrix.data if sp.issparse(matrix) else matrix
    wrong = ~np.isfinite(data)
    if not wrong.any():
        return
    at = np.argwhere(wrong)[0].tolist()
    row, feature = at if len(at) == 2 else _place(matrix, at[0])
    owner = f"row {row}" if table.ids is None else repr(table.ids[row])
    name = f"position {feature}" if table.names is None else f"feature {table.names[feature]!r}"
    raise checks.InputError(f"`values`: {data[*at]} at {owner}, {name}; features must be finite, in float32.")


def _place(matrix: sp.csr_array, entry: int) -> tuple[int, int]:
    """Row and column of a stored entry."""
    return int(np.searchsorted(matrix.indptr, entry, side="right")) - 1, int(matrix.indices[entry])
