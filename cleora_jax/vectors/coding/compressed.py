"""The verb `compress`, and what it returns: codes that are searched as they are."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._memory import readable
from cleora_jax._progress import Progress, no_progress
from cleora_jax.graph.hyperedges import frozen
from cleora_jax.graph.vocab import Vocab
from cleora_jax.vectors.coding.codec import Codec, Fit
from cleora_jax.vectors.embedding import Embedding
from cleora_jax.vectors.search import ROW_BLOCK, TopK, top_k, unit_rows
from cleora_jax.vectors.searchable import Searchable


class Decoded:
    """The rows that codes stand for, decoded when asked for: a table for `search.top_k`."""

    def __init__(self, codes: np.ndarray, codec: Codec, fit: Fit) -> None:
        self.codes, self.codec, self.fit = codes, codec, fit
        self.shape = len(codes), codec.decode(codes[:1], fit).shape[1]

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: Any) -> np.ndarray:
        codes = self.codes[rows]
        return self.codec.decode(codes, self.fit) if codes.ndim == 2 else self.codec.decode(codes[None], self.fit)[0]


@dataclass(frozen=True, eq=False, repr=False)
class Compressed(Searchable):
    """Codes of vectors. It is searched as an `Embedding` is: queries are exact, only the rows are coded.

    Cosines are those of the query (of what of it lies in the space that the codes know) with the decoded rows, exactly.
    Lengths of vectors are not kept.

    Args:
        codes: [n, c].
        codec: how they were coded.
        fit: what it learned.
        vocab: the n entities.
        width: columns of the vectors that were coded.
        settings: how those were made.
    """

    codes: np.ndarray
    codec: Codec
    fit: Fit
    vocab: Vocab
    width: int
    settings: dict[str, Any]

    def __post_init__(self) -> None:
        frozen(self.codes)
        object.__setattr__(self, "vectors", Decoded(self.codes, self.codec, self.fit))

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

    def placed(self, queries: np.ndarray) -> np.ndarray:
        """Queries in the basis of the decoded rows."""
        return queries if self.fit.basis is None else queries @ self.fit.basis

    def nearest(self, queries: np.ndarray, k: int, exclude: np.ndarray | None, mask: np.ndarray | None) -> TopK:
        """See `search.top_k`; blocks of rows are decoded in turn."""
        return top_k(self.vectors, queries, k, exclude=exclude, mask=mask)

    def to_embedding(self) -> Embedding:
        """The decoded rows as an embedding, float32[n, p]: their cosines are those that searches go by."""
        blocks = [self.vectors[start : start + ROW_BLOCK] for start in range(0, len(self), ROW_BLOCK)]
        settings = self.settings | {"compressed": {"codec": type(self.codec).__name__, **asdict(self.codec)}}  # type: ignore[call-overload]
        return Embedding(np.concatenate(blocks), self.vocab, settings)

    def recall(self, embedding: Embedding, k: int = 10, *, queries: int = 1000, seed: int = 0) -> float:
        """Of the k nearest neighbours by the vectors themselves, the share that is found by the codes.

        Args:
            embedding: that was coded.
            k: at least 1. Default: 10.
            queries: entities whose neighbours are looked up, drawn at random; all where there are fewer. Default:
                1,000.
            seed: of the draw. Default: 0.

        Raises:
            ValueError: an embedding of other entities, or numbers below 1.
        """
        if embedding.vocab != self.vocab:
            raise checks.OptionError("`embedding` must be of the entities that were coded.")
        count = min(checks.integer("queries", queries, low=1), len(self))
        rows = np.random.default_rng(checks.seed(seed) % 2**64).choice(len(self), count, replace=False)
        exact = embedding.nearest(embedding.vectors[rows], k, rows, None).rows
        coded = self.nearest(self.placed(embedding.vectors[rows].astype(np.float64)), k, rows, None).rows
        return float(np.mean([len(np.intersect1d(*both)) for both in zip(exact, coded, strict=True)]) / exact.shape[1])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write to a file (an `.npz`, no pickle), whole or not at all; `load_compressed` reads it back.

        Raises:
            OSError: the folder does not exist, or the disk refuses.
        """
        from cleora_jax.vectors.coding.stored import save_compressed

        save_compressed(self, path)


def compress(embedding: Embedding, codec: Codec, *, progress: Progress = no_progress) -> Compressed:
    """Vectors in fewer bytes, which can still be searched.

    Args:
        embedding: n entities; what is coded are the rows at unit length.
        codec: `PCA`, `RandomProjection`, `Float16`, `Int8`, `Binary` or `ProductQuantization`.
        progress: told of the rows coded.

    Raises:
        ValueError: a codec that does not fit the columns.
        TypeError: no embedding.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.generators.planted_partition([100] * 5, 0.2, 0.01).graph
        >>> vectors = cj.embed(graph, cj.Cleora(dim=32))
        >>> small = cj.compress(vectors, cj.Int8())
        >>> small.bytes_per_vector, small.recall(vectors) > 0.95
        (32, True)
    """
    if not isinstance(embedding, Embedding):
        raise TypeError(f"`embedding` must be an Embedding, got {type(embedding).__name__}.")
    if not len(embedding):
        raise checks.OptionError("`embedding` must hold an entity.")
    rows = unit_rows(embedding.vectors, "embedding").astype(np.float32)
    fit = codec.fit(rows)
    codes = []
    for start in range(0, len(rows), ROW_BLOCK):
        progress("encode", start, len(rows))
        codes.append(codec.encode(rows[start : start + ROW_BLOCK], fit))
    progress("encode", len(rows), len(rows))
    return Compressed(np.concatenate(codes), codec, fit, embedding.vocab, embedding.dim, embedding.settings)
