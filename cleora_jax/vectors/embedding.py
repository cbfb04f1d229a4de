"""Embedding: vectors with the names of their rows; look-up, nearest neighbours, conversion, files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import pyarrow as pa

from cleora_jax._checks import OptionError
from cleora_jax._memory import readable
from cleora_jax.graph.vocab import Vocab
from cleora_jax.vectors.formats import Content, as_table, read_content, write_contents
from cleora_jax.vectors.search import top_k, unit_rows

if TYPE_CHECKING:
    import pandas as pd

Key = str | tuple[str, str]  # an id, or (column, id)
Neighbours = list[tuple[Key, float]]  # keys with their cosines, best first


@dataclass(frozen=True, eq=False, repr=False)
class Embedding:
    """Vectors, the entities they belong to, and how they came about.

    Args:
        vectors: float[n, d], d ≥ 1, one row per entity; kept as read-only, C-ordered float32, not copied where it is
            float32 in C order already.
        vocab: the n entities in row order.
        settings: how the vectors were made, a dict of what JSON can hold; tuples become lists. Default: nothing.
        trace: what the method recorded while it ran; not saved. Default: None.

    Raises:
        ValueError: `vectors` is not a matrix with one row per entity and at least one column.
        TypeError: `vectors` is not floating, or `settings` not a dict that JSON can hold.

    Example:
        >>> vectors = np.array([[1, 0], [1, 1], [0, 2]], np.float32)
        >>> embedding = Embedding(vectors, Vocab.of(["ann", "bob", "cid"]), {"dim": 2})
        >>> embedding
        Embedding(3 × 2 float32, 24 bytes; entity: 3; settings: dim=2)
        >>> embedding["bob"], embedding.dim, len(embedding)
        (array([1., 1.], dtype=float32), 2, 3)
        >>> embedding.most_similar("ann", k=1)
        [('bob', 0.7071067811865475)]
    """

    vectors: np.ndarray
    vocab: Vocab
    settings: dict[str, Any] = field(default_factory=dict)
    trace: Any | None = None

    def __post_init__(self) -> None:
        vectors = np.asarray(self.vectors)
        if vectors.ndim != 2 or vectors.shape[0] != len(self.vocab) or vectors.shape[1] < 1:
            raise OptionError(f"`vectors` must be a matrix of {len(self.vocab)} rows, one per entity, and at least one "
                             f"column, got shape {vectors.shape}.")  # fmt: skip
        if not np.issubdtype(vectors.dtype, np.floating):
            raise TypeError(f"`vectors` must be floating, got {vectors.dtype}.")
        vectors = np.ascontiguousarray(vectors, np.float32).view()  # a view: the caller's own array stays writable
        vectors.flags.writeable = False
        object.__setattr__(self, "vectors", vectors)
        object.__setattr__(self, "settings", _as_json(self.settings))

    @property
    def dim(self) -> int:
        """Length of a vector, d."""
        return int(self.vectors.shape[1])

    def __len__(self) -> int:
        return len(self.vocab)

    def __contains__(self, entity: object) -> bool:
        return isinstance(entity, str) and entity in self.vocab

    def __repr__(self) -> str:
        counts = np.bincount(self.vocab.column_of, minlength=len(self.vocab.columns))
        parts = ", ".join(f"{name}: {count:,}" for name, count in zip(self.vocab.columns, counts, strict=True))
        text = f"Embedding({len(self):,} × {self.dim} float32, {readable(self.vectors.nbytes)}; {parts}"
        if self.settings:
            text += "; settings: " + ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        return text + ")"

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
        vector: np.ndarray = self.vectors[self.indices([entity], column)[0]]
        return vector

    def rows(self, entities: Sequence[str], column: str | None = None) -> np.ndarray:
        """Vectors float32[m, d] of m entities, in the order given. Errors as `[]`; all unknown ids are named."""
        vectors: np.ndarray = self.vectors[self.indices(entities, column)]
        return vectors

    def of_column(self, column: str) -> Embedding:
        """The entities of one column alone, e.g. for a format without columns.

        Raises:
            NotFoundError: no such column.

        Example:
            >>> vocab = Vocab(pa.array(["ann", "tea"], pa.large_string()), ("user", "item"), np.array([0, 1], np.uint8))
            >>> Embedding(np.eye(2, dtype=np.float32), vocab).of_column("item")
            Embedding(1 × 2 float32, 8 bytes; item: 1)
        """
        rows = self.vectors[self.vocab.column_of == self.vocab.code_of(column)]
        return Embedding(rows, self.vocab.of_column(column), self.settings, self.trace)

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
        self, query: Key, k: int = ..., *, column: str | None = ..., among: str | None = ...
    ) -> Neighbours: ...

    @overload
    def most_similar(
        self, query: list[str], k: int = ..., *, column: str | None = ..., among: str | None = ...
    ) -> list[Neighbours]: ...

    @overload
    def most_similar(
        self, query: np.ndarray, k: int = ..., *, column: str | None = ..., among: str | None = ...
    ) -> Neighbours | list[Neighbours]: ...

    def most_similar(
        self,
        query: Key | Sequence[str] | np.ndarray,
        k: int = 10,
        *,
        column: str | None = None,
        among: str | None = None,
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
            among: keep to the entities of this column. Default: all.

        Returns:
            For one query a list of (id, cosine), or ((column, id), cosine) where there are several columns, best first;
            for several queries a list of such lists.

        Raises:
            NotFoundError: an unknown id or column.
            ValueError: `k` below 1, an id in several columns, vectors of another length, or NaN or infinity.

        Example:
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
        mask = None if among is None else self.vocab.column_of == self.vocab.code_of(among)
        found = top_k(self.vectors, queries, k, exclude=own_rows, mask=mask)
        lists = []
        for rows, scores, query_vector in zip(found.rows, found.scores, queries, strict=True):
            known = (rows >= 0) & query_vector.any()
            lists.append(list(zip(self.keys(rows[known]), scores[known].tolist(), strict=True)))
        return lists[0] if single else lists

    def keys(self, rows: np.ndarray) -> list[Key]:
        """The ids of some rows, each with its column where there are several columns."""
        ids = self.vocab.ids.take(pa.array(rows)).to_pylist()
        if len(self.vocab.columns) == 1:
            return ids
        names = [self.vocab.columns[code] for code in self.vocab.column_of[rows]]
        return list(zip(names, ids, strict=True))

    def _query(self, query: Any, column: str | None) -> tuple[np.ndarray, np.ndarray | None, bool]:
        """The query as float[q, d]; the rows never to list, int64[q] or None; whether it is a single query."""
        if isinstance(query, tuple) and len(query) == 2 and all(isinstance(part, str) for part in query):
            column, query = query
        if isinstance(query, str):
            rows = self.indices([query], column)
            return self.vectors[rows], rows, True
        if _holds_ids(query):
            rows = self.indices(query, column)
            return self.vectors[rows], rows, False
        vectors = np.asarray(query)
        if vectors.ndim not in (1, 2) or vectors.shape[-1] != self.dim:
            raise OptionError(f"`query` must be ids, or vectors of length {self.dim}, got shape {vectors.shape}.")
        if not (np.issubdtype(vectors.dtype, np.floating) or np.issubdtype(vectors.dtype, np.integer)):
            raise TypeError(f"`query` must be ids, or vectors of numbers, got {vectors.dtype}.")
        wide = vectors.astype(np.float64)
        return np.atleast_2d(wide), None, vectors.ndim == 1

    # --- conversion and files ---

    def to_numpy(self) -> np.ndarray:
        """The vectors, float32[n, d], as a copy that may be written to."""
        return self.vectors.copy()

    def to_pandas(self) -> pd.DataFrame:
        """A DataFrame of float32, one row per entity, index `id`; (`column`, `id`) where there are several columns.

        Raises:
            ModuleNotFoundError: pandas is not installed.

        Example:
            >>> Embedding(np.eye(2, dtype=np.float32), Vocab.of(["ann", "bob"])).to_pandas()
                   0    1
            id
            ann  1.0  0.0
            bob  0.0  1.0
        """
        try:
            import pandas as pd
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError("`to_pandas` needs pandas: pip install 'cleora-jax[pandas]'") from error

        ids = self.vocab.ids.to_pylist()
        if len(self.vocab.columns) == 1:
            index = pd.Index(ids, name="id")
        else:
            names = pd.Categorical.from_codes(self.vocab.column_of, self.vocab.columns)
            index = pd.MultiIndex.from_arrays([names, ids], names=["column", "id"])
        return pd.DataFrame(self.vectors, index=index, copy=True)

    def to_arrow(self) -> pa.Table:
        """A table of `id` large_string, `column` dictionary (only where there are several), `vector` float32[d].

        The numbers are not copied.

        Example:
            >>> table = Embedding(np.eye(2, dtype=np.float32), Vocab.of(["ann", "bob"])).to_arrow()
            >>> table.column_names, str(table.schema.field("vector").type)
            (['id', 'vector'], 'fixed_size_list<item: float>[2]')
        """
        return as_table(self._content())

    def save(self, path: str | os.PathLike[str], format: str | None = None) -> None:
        """Write to a file, whole or not at all; `cleora_jax.vectors.formats` says what each format keeps.

        Args:
            path: its suffix is the format: .npz, .npy, .parquet, .csv, .tsv, .vec or .txt (word2vec text), .bin.
            format: "npz", "npy", "parquet", "csv", "tsv", "word2vec" or "word2vec_binary", whatever the suffix.

        Raises:
            ValueError: no such format.
            InputError: a vector holds NaN or infinity, or the format cannot hold an id; the id is named.
            FileNotFoundError: the folder does not exist.
            OSError: the disk refuses; nothing is left behind, and an older file stays as it was.

        Example:
            >>> import os, tempfile
            >>> path = os.path.join(tempfile.mkdtemp(), "people.npz")
            >>> Embedding(np.eye(2, dtype=np.float32), Vocab.of(["ann", "bob"]), {"seed": 0}).save(path)
            >>> load_embedding(path)
            Embedding(2 × 2 float32, 16 bytes; entity: 2; settings: seed=0)
        """
        save_embeddings({os.fspath(path): self}, format)

    def _content(self) -> Content:
        return Content(self.vectors, self.vocab, self.settings)


def save_embeddings(embeddings: Mapping[str, Embedding], format: str | None = None) -> None:
    """Write several embeddings, by path: all files appear, or none. Otherwise as `Embedding.save`."""
    write_contents({path: embedding._content() for path, embedding in embeddings.items()}, format)


def load_embedding(path: str | os.PathLike[str], format: str | None = None, *, column: str = "entity") -> Embedding:
    """Read an embedding that `Embedding.save` wrote, or a word2vec file or delimited table of other origin.

    Args:
        path: the file; its suffix is the format, see `Embedding.save`.
        format: the format, whatever the suffix.
        column: name of the entities' column where the file does not tell. Default: "entity".

    Raises:
        FileNotFoundError: no such file.
        ValueError: no such format.
        InputError: a file that is damaged, cut short, of another kind or version, that repeats an id or holds NaN or
            infinity; file and fault are named.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp()) / "people.vec"
        >>> Embedding(np.eye(2, dtype=np.float32), Vocab.of(["ann", "bob smith"])).save(path)
        >>> path.read_text()
        '2 2\\nann 1 0\\nbob%20smith 0 1\\n'
        >>> load_embedding(path, column="person")
        Embedding(2 × 2 float32, 16 bytes; person: 2)
    """
    return Embedding(*read_content(path, format, column))


def _as_json(settings: Any) -> dict[str, Any]:
    """A copy of the settings as JSON gives them back, so that an embedding equals its own file."""
    if not isinstance(settings, dict):
        raise TypeError(f"`settings` must be a dict, got {type(settings).__name__}.")
    try:
        copied: dict[str, Any] = json.loads(json.dumps(settings, allow_nan=False))
    except (TypeError, ValueError) as fault:
        raise TypeError(f"`settings` must be what JSON can hold: {fault}.") from fault
    return copied


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
