"""What can be looked up and searched: a table of rows, and the names of these. Embeddings are, and compressed ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, overload

import numpy as np
import pyarrow as pa

from cleora_jax._checks import OptionError
from cleora_jax.graph.hyperedges import frozen
from cleora_jax.graph.vocab import Key as Key
from cleora_jax.graph.vocab import Vocab
from cleora_jax.vectors.search import Rows, TopK, unit_rows

Neighbours = list[tuple[Key, float]]  # keys with their cosines, best first
Among = str | Sequence[Key] | np.ndarray  # a column, keys, or a mask bool[n]


class Searchable(ABC):
    """Rows with names.

    Attributes:
        vectors: float32[n, p], or what gives such rows when it is indexed.
        vocab: the n entities in row order.
        dim: columns of a query.
    """

    vectors: Rows
    vocab: Vocab

    @property
    @abstractmethod
    def dim(self) -> int:
        """Columns of a query."""

    def __len__(self) -> int:
        return len(self.vocab)

    def __contains__(self, entity: object) -> bool:
        return isinstance(entity, str) and entity in self.vocab

    @abstractmethod
    def placed(self, queries: np.ndarray) -> np.ndarray:
        """Queries float64[q, dim] as what the rows are compared with, float64[q, p]."""

    @abstractmethod
    def shown(self, rows: np.ndarray) -> np.ndarray:
        """Rows float32[m, p] as vectors float32[m, dim], which are queries again."""

    @abstractmethod
    def nearest(self, queries: np.ndarray, k: int, exclude: np.ndarray | None, mask: np.ndarray | None) -> TopK:
        """The k rows of largest cosine to each placed query, see `search.top_k`."""

    # --- look-up ---

    def __getitem__(self, key: Key | Sequence[str] | tuple[str, Sequence[str]]) -> np.ndarray:
        """Vector float32[d] of an id, or vectors float32[m, d] of a list of m ids; `[column, key]` within a column.

        Raises:
            NotFoundError: an unknown id or column.
            ValueError: an id that stands in several columns, without a column.
            TypeError: anything but ids.
        """
        column, wanted = (key[0], key[1]) if isinstance(key, tuple) and len(key) == 2 else (None, key)
        if isinstance(wanted, str):
            return self.vector(wanted, column)
        return self.rows(wanted, column)

    def vector(self, entity: str, column: str | None = None) -> np.ndarray:
        """Vector float32[d] of one entity, read-only; `column` where its id stands in several. Errors as `[]`."""
        return frozen(self.shown(self.vectors[self.indices([entity], column)])[0])

    def rows(self, entities: Sequence[str], column: str | None = None) -> np.ndarray:
        """Vectors float32[m, d] of m entities, in the order given. Errors as `[]`; all unknown ids are named."""
        return self.shown(self.vectors[self.indices(entities, column)])

    def middle(self, entities: Sequence[str], column: str | None = None) -> np.ndarray:
        """The mean float32[dim] of the directions of several entities: a query for what is like all of them.

        Zero vectors (isolated entities) have no direction and do not count; where there are no others, it is zero.
        Errors as `[]`.

        Example:
            >>> from cleora_jax import Embedding
            >>> vectors = np.array([[2, 0], [0, 1], [0, 0]], np.float32)
            >>> embedding = Embedding(vectors, Vocab.of(["ann", "bob", "cid"]))
            >>> embedding.middle(["ann", "bob", "cid"]).tolist()
            [0.5, 0.5]
        """
        unit = unit_rows(self.rows(entities, column), "vectors")
        live = unit.any(axis=1)
        return (unit.sum(axis=0) / max(int(live.sum()), 1)).astype(np.float32)

    def indices(self, entities: Sequence[str], column: str | None = None) -> np.ndarray:
        """Rows int64[m] of m entities, in the order given. Errors as `[]`; all unknown ids are named."""
        if isinstance(entities, str):
            raise TypeError(f"`entities` must be a list of ids, got the single id {entities!r}; use `vector`.")
        if not isinstance(entities, Iterable):
            raise TypeError(f"ids are strings, got {entities!r}.")
        listed = entities.to_pylist() if isinstance(entities, (pa.Array, pa.ChunkedArray)) else list(entities)
        wrong = next((entity for entity in listed if not isinstance(entity, str)), None)
        if wrong is not None:
            raise TypeError(f"ids are strings, got {wrong!r}.")
        return self.vocab.indices(listed, column)

    # --- similarity ---

    def cosine(self, a: Key | np.ndarray, b: Key | np.ndarray) -> float:
        """Cosine of two entities or vectors, computed in float64; 0 where one is the zero vector.

        Args:
            a, b: an id, a pair (column, id), or a vector float[d].

        Raises:
            NotFoundError, ValueError: as `[]`; ValueError also for a vector of another length or not finite.

        Example:
            >>> from cleora_jax import Embedding
            >>> embedding = Embedding(np.eye(2, dtype=np.float32), Vocab.of(["ann", "bob"]))
            >>> embedding.cosine("ann", "bob"), embedding.cosine("ann", np.array([2.0, 0.0]))
            (0.0, 1.0)
        """
        pair = np.concatenate([self._query(each, None)[0] for each in (a, b)])
        if len(pair) != 2:
            raise OptionError("`a` and `b` must each be one entity or one vector; for several, use `most_similar`.")
        first, second = unit_rows(pair, "vectors")
        return float(np.clip((first * second).sum(), -1.0, 1.0))

    @overload
    def most_similar(
        self, query: Key, k: int = ..., *, column: str | None = ..., among: Among | None = ...
    ) -> Neighbours: ...

    @overload
    def most_similar(
        self, query: list[str], k: int = ..., *, column: str | None = ..., among: Among | None = ...
    ) -> list[Neighbours]: ...

    @overload
    def most_similar(
        self, query: np.ndarray, k: int = ..., *, column: str | None = ..., among: Among | None = ...
    ) -> Neighbours | list[Neighbours]: ...

    def most_similar(
        self,
        query: Key | Sequence[str] | np.ndarray,
        k: int = 10,
        *,
        column: str | None = None,
        among: Among | None = None,
    ) -> Neighbours | list[Neighbours]:
        """The k entities of largest cosine with the query, exactly; never the queried entity itself.

        Several queries are one blocked matrix product. Ties go to the entity that comes first in `vocab`. The cosine
        with a zero vector (an isolated entity) is 0, and a zero vector itself has no neighbours: its list is empty.
        Where `vocab` has several columns, a neighbour is a pair (column, id), as the same id may stand in each; such
        pairs are queries too.

        Args:
            query: an id, a pair (column, id), a list of ids, a vector float[d] or a matrix float[q, d].
            k: how many; where there are fewer to choose from, all. Default: 10.
            column: the column of the queried ids, where they stand in several. Default: any.
            among: keep to the entities of a column, given by name; to those of a list of ids or pairs (column, id); or
                to those of a mask bool[n]. Default: all.

        Returns:
            For one query a list of (id, cosine), or ((column, id), cosine) where there are several columns, best first;
            for several queries a list of such lists.

        Raises:
            NotFoundError: an unknown id or column.
            ValueError: `k` below 1, an id in several columns, vectors of another length, NaN or infinity, or a mask of
                another shape.

        Example:
            >>> from cleora_jax import Embedding
            >>> vectors = np.array([[1, 0], [3, 4], [0, 2]], np.float32)
            >>> embedding = Embedding(vectors, Vocab.of(["ann", "bob", "cid"]))
            >>> embedding.most_similar(["ann", "cid"], k=1)
            [[('bob', 0.6)], [('bob', 0.8)]]
            >>> embedding.most_similar(np.array([1.0, 0.0]), k=2)
            [('ann', 1.0), ('bob', 0.6)]
            >>> columns = Vocab(embedding.vocab.ids, ("user", "item"), np.array([0, 1, 1], np.uint8))
            >>> Embedding(vectors, columns).most_similar(("user", "ann"), among="item")
            [(('item', 'bob'), 0.6), (('item', 'cid'), 0.0)]
        """
        queries, own_rows, single = self._query(query, column)
        found = self.nearest(queries, k, own_rows, None if among is None else self._mask(among))
        lists = []
        for rows, scores, query_vector in zip(found.rows, found.scores, queries, strict=True):
            known = (rows >= 0) & query_vector.any()
            lists.append(list(zip(self.keys(rows[known]), scores[known].tolist(), strict=True)))
        return lists[0] if single else lists

    def _mask(self, among: Among) -> np.ndarray:
        """bool[n] of a column, keys or a mask."""
        if isinstance(among, str):
            return self.vocab.column_of == self.vocab.code_of(among)
        if _holds_flags(among):
            among = np.asarray(among)
            if among.shape != (len(self),):
                raise OptionError(f"`among` must be bool[{len(self)}] where it is a mask, got shape {among.shape}.")
            return among
        if not isinstance(among, Iterable):
            raise TypeError(f"`among` must be a column's name, a list of ids or a mask, got {among!r}.")
        mask = np.zeros(len(self), bool)
        mask[self.rows_of_keys(among)] = True
        return mask

    def rows_of_keys(self, keys: Iterable[Key]) -> np.ndarray:
        """Row numbers int64[m] of ids and of pairs (column, id), in the order given. Errors as `[]`."""
        listed = list(keys)
        columns = np.array([key[0] if isinstance(key, tuple) else None for key in listed], object)
        rows = np.empty(len(listed), np.int64)
        for column in dict.fromkeys(columns.tolist()):
            mine = np.flatnonzero(columns == column)
            entities = [key[1] if isinstance(key, tuple) else key for key in (listed[at] for at in mine)]
            rows[mine] = self.indices(entities, column)
        return rows

    def keys(self, rows: np.ndarray) -> list[Key]:
        """The ids of some rows, each with its column where there are several columns."""
        return self.vocab.keys(rows)

    def _query(self, query: Any, column: str | None) -> tuple[np.ndarray, np.ndarray | None, bool]:
        """The query as float[q, d]; the rows never to list, int64[q] or None; whether it is a single query."""
        if isinstance(query, tuple) and len(query) == 2 and all(isinstance(part, str) for part in query):
            if column not in (None, query[0]):
                raise OptionError(f"`column` must be that of the query {query!r}, got {column!r}.")
            column, query = query
        if isinstance(query, str):
            rows = self.indices([query], column)
            return self.vectors[rows], rows, True
        if _holds_pairs(query):
            rows = self.rows_of_keys(query)
            return self.vectors[rows], rows, False
        if _holds_ids(query):
            rows = self.indices(query, column)
            return self.vectors[rows], rows, False
        if column is not None:
            raise OptionError(f"`column` goes with ids alone, and the query is vectors; got {column!r}.")
        vectors = np.asarray(query)
        if vectors.ndim not in (1, 2) or vectors.shape[-1] != self.dim:
            raise OptionError(f"`query` must be ids, or vectors of length {self.dim}, got shape {vectors.shape}.")
        if not (np.issubdtype(vectors.dtype, np.floating) or np.issubdtype(vectors.dtype, np.integer)):
            raise TypeError(f"`query` must be ids, or vectors of numbers, got {vectors.dtype}.")
        wide = vectors.astype(np.float64)
        return self.placed(np.atleast_2d(wide)), None, vectors.ndim == 1


def _holds_flags(among: Any) -> bool:
    """Whether it is a mask: an array, a list or a Series of True and False."""
    if isinstance(among, list):
        return bool(among) and all(isinstance(flag, (bool, np.bool_)) for flag in among)
    return getattr(getattr(among, "dtype", None), "kind", "") == "b"


def _holds_pairs(query: Any) -> bool:
    """Whether a query is a list of pairs (column, id)."""
    return isinstance(query, list) and len(query) > 0 and all(
        isinstance(key, tuple) and len(key) == 2 and all(isinstance(part, str) for part in key) for key in query
    )  # fmt: skip


def _holds_ids(query: Any) -> bool:
    """Whether a query is a list of ids rather than vectors; an empty list is a list of no ids."""
    if isinstance(query, np.ndarray):
        return query.dtype.kind in "UOT"
    if isinstance(query, (pa.Array, pa.ChunkedArray)):
        return bool(pa.types.is_string(query.type) or pa.types.is_large_string(query.type))
    if not isinstance(query, Sequence) and hasattr(query, "__array__"):  # a JAX array, a Series or an Index
        return _holds_ids(np.asarray(query))
    if not isinstance(query, Sequence):
        raise TypeError(f"`query` must be an id, a list of ids, or vectors, got {query!r}.")
    return not len(query) or isinstance(query[0], str)
