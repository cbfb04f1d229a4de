"""The verb `compress`, and what it returns: codes that are searched as they are."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._blas import one_blas_thread
from cleora_jax._memory import readable
from cleora_jax._progress import Progress, no_progress
from cleora_jax.graph.hyperedges import frozen
from cleora_jax.graph.vocab import Vocab
from cleora_jax.vectors.coding.codec import Codec, Fit
from cleora_jax.vectors.embedding import Embedding, check_embedding
from cleora_jax.vectors.search import ROW_BLOCK, TopK, drawn_rows, found_share, top_k, unit_table
from cleora_jax.vectors.searchable import Searchable


class Decoded:
    """The rows that codes stand for, decoded when asked for: a table for `search.top_k`. Rows of `zero` are zero."""

    def __init__(self, codes: np.ndarray, codec: Codec, fit: Fit, zero: np.ndarray) -> None:
        self.codes, self.codec, self.fit = codes, codec, fit
        self.live = np.ones(len(codes), bool)
        self.live[zero] = False
        self.shape = len(codes), codec.decode(codes[:1], fit).shape[1]

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: Any) -> np.ndarray:
        codes, live = self.codes[rows], self.live[rows]
        if codes.ndim == 1:
            return self.codec.decode(codes[None], self.fit)[0] * live
        decoded = self.codec.decode(codes, self.fit)
        return decoded if live.all() else decoded * live[:, None]


@dataclass(frozen=True, eq=False, repr=False)
class Compressed(Searchable):
    """Codes of vectors, searched as an `Embedding` is.

    Vectors that are given as queries are exact, only the rows are coded; an id asks with its own row, which is coded,
    too.
    Cosines are those of the query (of what of it lies in the space that the codes know) with the decoded rows, exactly.
    Lengths of vectors are not kept, but that zero vectors are zero is.

    Args:
        codes: [n, c].
        codec: how they were coded.
        fit: what it learned.
        vocab: the n entities.
        width: columns of the vectors that were coded.
        settings: how those were made.
        zero: int64, rows whose vectors are zero.
        notes: what else is to be kept in their file, of JSON's kinds, such as their recall.
    """

    codes: np.ndarray
    codec: Codec
    fit: Fit
    vocab: Vocab
    width: int
    settings: dict[str, Any]
    zero: np.ndarray
    notes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        frozen(self.codes), frozen(self.zero)
        object.__setattr__(self, "vectors", Decoded(self.codes, self.codec, self.fit, self.zero))

    @property
    def dim(self) -> int:
        """Columns of a query: those of the vectors that were coded."""
        return self.width

    @property
    def bytes_per_vector(self) -> int:
        """Of a code; what was learned and the ids are apart."""
        return int(self.codes.shape[1]) * self.codes.itemsize

    def __repr__(self) -> str:
        learned = sum(part.nbytes for part in self.fit.parts.values())
        learned += 0 if self.fit.basis is None else self.fit.basis.nbytes
        return (
            f"Compressed({len(self):,} × {self.bytes_per_vector} bytes by {self.codec}, "
            f"{readable(self.codes.nbytes)} and {readable(learned)} learned)"
        )

    @cached_property
    def _back(self) -> np.ndarray:
        """From the basis of decoded rows to the columns of vectors, float32[p, dim]: its transpose or what serves."""
        assert self.fit.basis is not None
        return np.linalg.pinv(self.fit.basis.astype(np.float64)).astype(np.float32)

    def placed(self, queries: np.ndarray) -> np.ndarray:
        """Queries in the basis of the decoded rows."""
        return queries if self.fit.basis is None else queries @ self.fit.basis

    def shown(self, rows: np.ndarray) -> np.ndarray:
        """Decoded rows in the columns of the vectors that were coded."""
        return rows if self.fit.basis is None else rows @ self._back

    def nearest(self, queries: np.ndarray, k: int, exclude: np.ndarray | None, mask: np.ndarray | None) -> TopK:
        """See `search.top_k`; blocks of rows are decoded in turn."""
        return top_k(self.vectors, queries, k, exclude=exclude, mask=mask)

    def to_embedding(self) -> Embedding:
        """The decoded rows as an embedding, float32[n, dim], in the columns of the vectors that were coded."""
        vectors = np.empty((len(self), self.dim), np.float32)
        for start in range(0, len(self), ROW_BLOCK):
            block = slice(start, start + ROW_BLOCK)
            vectors[block] = self.shown(self.vectors[block])
        told = {"codec": type(self.codec).__name__, **asdict(self.codec)}  # type: ignore[call-overload]
        return Embedding(vectors, self.vocab, self.settings | {"compressed": told})

    def recall(
        self, embedding: Embedding, k: int = 10, *, queries: int = 1000, by_id: bool = False, seed: int = 0
    ) -> float:  # fmt: skip
        """Of the k nearest neighbours by the vectors themselves, the share that is found by the codes.

        Args:
            embedding: that was coded.
            k: at least 1. Default: 10.
            queries: entities whose neighbours are looked up, drawn at random from those with a vector; all where there
                are fewer. Default: 1,000.
            by_id: ask with the decoded row of each, as `most_similar` of an id does, instead of with its vector.
                Default: False.
            seed: of the draw. Default: 0.

        Raises:
            ValueError: an embedding of other entities, or numbers below 1.
        """
        if embedding.vocab != self.vocab:
            raise checks.OptionError("`embedding` must be of the entities that were coded.")
        rows = drawn_rows(embedding.vectors, queries, seed)
        exact = embedding.nearest(embedding.vectors[rows], k, rows, None)
        asked = self.vectors[rows] if by_id else self.placed(embedding.vectors[rows].astype(np.float64))
        return found_share(embedding.vectors, rows, exact, self.nearest(asked, k, rows, None).rows)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to a file (an `.npz`, no pickle), whole or not at all; `load_compressed` reads it back.

        Raises:
            OSError: the folder does not exist, or the disk refuses.
        """
        from cleora_jax.vectors.coding.stored import save_compressed

        save_compressed(self, path)


def compress(embedding: Embedding, codec: Codec, *, progress: Progress = no_progress) -> Compressed:
    """Vectors in fewer bytes, which can still be searched. Beside the vectors it holds one table of their size.

    Args:
        embedding: n entities; what is coded are the rows at unit length.
        codec: `PCA`, `RandomProjection`, `Float16`, `Int8`, `Binary` or `ProductQuantization`.
        progress: told of the rows coded.

    Raises:
        ValueError: a codec that does not fit the columns, no entity, or NaN or infinity.
        TypeError: no embedding.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.generators.planted_partition([100] * 5, 0.2, 0.01).graph
        >>> vectors = cj.embed(graph, cj.Cleora(dim=32))
        >>> small = cj.compress(vectors, cj.Int8())
        >>> small.bytes_per_vector, small.recall(vectors) > 0.95
        (32, True)
    """
    check_embedding(embedding)
    if isinstance(codec, type) or not hasattr(codec, "fit"):
        raise TypeError(f"`codec` must be a codec, such as Int8() or PCA(32), got {codec!r}.")
    if not len(embedding):
        raise checks.OptionError("`embedding` must hold an entity.")
    rows = unit_table(embedding.vectors, "embedding")
    zero = np.flatnonzero(~rows.any(axis=1))
    codes = []
    with one_blas_thread():  # a product's last bit may decide a code
        fit = codec.fit(rows if len(zero) in (0, len(rows)) else np.delete(rows, zero, axis=0))
        for start in range(0, len(rows), ROW_BLOCK):
            progress("encode", start, len(rows))
            codes.append(codec.encode(rows[start : start + ROW_BLOCK], fit))
    progress("encode", len(rows), len(rows))
    return Compressed(np.concatenate(codes), codec, fit, embedding.vocab, embedding.dim, embedding.settings, zero)
