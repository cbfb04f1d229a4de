"""Embedding: vectors with the names of their rows; look-up, nearest neighbours, conversion, files."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from cleora_jax import _checks as checks
from cleora_jax._checks import OptionError
from cleora_jax._memory import readable
from cleora_jax.graph.vocab import Vocab
from cleora_jax.vectors.formats import Content, as_table, read_content, write_contents
from cleora_jax.vectors.search import TopK, top_k
from cleora_jax.vectors.searchable import Key as Key
from cleora_jax.vectors.searchable import Searchable
from cleora_jax.vectors.stored import check_finite

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Embedding(Searchable):
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
        checks.kind("vocab", self.vocab, Vocab, "see `Vocab.of`")
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

    def placed(self, queries: np.ndarray) -> np.ndarray:
        """Queries as they are."""
        return queries

    def shown(self, rows: np.ndarray) -> np.ndarray:
        """Rows as they are."""
        return rows

    def nearest(self, queries: np.ndarray, k: int, exclude: np.ndarray | None, mask: np.ndarray | None) -> TopK:
        """See `search.top_k`."""
        return top_k(self.vectors, queries, k, exclude=exclude, mask=mask)

    def __repr__(self) -> str:
        counts = np.bincount(self.vocab.column_of, minlength=len(self.vocab.columns))
        parts = ", ".join(f"{name}: {count:,}" for name, count in zip(self.vocab.columns, counts, strict=True))
        text = f"Embedding({len(self):,} × {self.dim} float32, {readable(self.vectors.nbytes)}; {parts}"
        if self.settings:
            text += "; settings: " + ", ".join(f"{name}={value!r}" for name, value in self.settings.items())
        return text + ")"

    # --- conversion and files ---

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


def check_writable(embedding: Embedding, path: str | os.PathLike[str]) -> None:
    """Raise TypeError unless it is an `Embedding`, InputError at its first NaN or infinity."""
    check_embedding(embedding)
    check_finite(os.fspath(path), embedding._content())


def save_embeddings(embeddings: Mapping[str, Embedding], format: str | None = None) -> None:
    """Write several embeddings, by path: all files appear, or none. Otherwise as `Embedding.save`."""
    write_contents({path: embedding._content() for path, embedding in embeddings.items()}, format)


def check_embedding(embedding: Any) -> None:
    """Raise TypeError unless it is an `Embedding`."""
    checks.kind("embedding", embedding, Embedding, "see `embed`, `load_embedding`")


def load_embedding(path: str | os.PathLike[str], format: str | None = None, *, column: str = "entity") -> Embedding:
    """Read an embedding that `Embedding.save` wrote, or a word2vec file or delimited table of other origin.

    Args:
        path: the file; its suffix is the format, see `Embedding.save`.
        format: the format, whatever the suffix.
        column: name of the entities' column where the file does not tell. Default: "entity".

    Raises:
        MissingFileError: no such file.
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
