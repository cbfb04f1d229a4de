"""Approximate search behind the call of the exact one: an index by usearch or faiss, whose recall can be measured."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._checks import InputError
from cleora_jax._extras import library
from cleora_jax._progress import Progress, no_progress
from cleora_jax.graph.archive import Kind, believed, read_archive, vocab_arrays, vocab_from, write_archive
from cleora_jax.graph.vocab import Vocab
from cleora_jax.vectors.embedding import Embedding, check_embedding
from cleora_jax.vectors.search import QUERY_BLOCK, ROW_BLOCK, TopK, drawn_rows, found_share, row_norms, top_k, unit_rows
from cleora_jax.vectors.searchable import Searchable

Engine = Literal["usearch", "faiss"]
ENGINES = ("usearch", "faiss")
SPARE = 16  # candidates beyond those wanted
FEW = 8  # beyond one in so many rows as candidates, exact search is quicker
KIND = Kind("search index", "cleora_jax.index", 1)


class Graph(Protocol):
    """A navigable small-world graph of unit rows."""

    def add(self, rows: np.ndarray, first: int) -> None:
        """Unit rows float32[b, d], which get the numbers from `first` on."""

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        """int64[q, k] of unit queries float32[q, d], about the nearest first; −1 where it found fewer."""

    def to_bytes(self) -> bytes:
        """The whole of it."""


class Usearch:
    """usearch's index."""

    def __init__(self, size: int, dim: int, options: dict[str, Any], content: bytes | None = None) -> None:
        links, effort, threads = (options[name] for name in ("links", "effort", "threads"))
        engine = library("usearch.index", "ann", "an index")
        self.threads = threads
        how = {"connectivity": links, "expansion_add": effort, "expansion_search": effort}
        self.index = engine.Index(ndim=dim, metric="ip", dtype="f32", **how)
        if content is not None:
            self.index.load(content)
            if (len(self.index), self.index.ndim) != (size, dim):
                raise ValueError(f"{len(self.index)} × {self.index.ndim} in place of {size} × {dim}")

    def add(self, rows: np.ndarray, first: int) -> None:
        """See `Graph`."""
        self.index.add(np.arange(first, first + len(rows)), rows, threads=self.threads)

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        """See `Graph`."""
        found = self.index.search(queries, k, threads=self.threads)
        if len(queries) == 1 and found.keys.ndim == 1:
            rows, counts = found.keys[None], np.array([len(found.keys)])
        else:
            rows, counts = found.keys, found.counts
        wide = np.full((len(queries), k), -1)
        wide[:, : rows.shape[1]] = rows.astype(np.int64)
        wide[np.arange(k) >= np.asarray(counts)[:, None]] = -1
        return wide

    def to_bytes(self) -> bytes:
        """See `Graph`."""
        return bytes(self.index.save())


class Faiss:
    """faiss's HNSW index."""

    def __init__(self, size: int, dim: int, options: dict[str, Any], content: bytes | None = None) -> None:
        links, effort, threads = (options[name] for name in ("links", "effort", "threads"))
        self.faiss = library("faiss", "faiss", "an index by faiss")
        self.threads, self.effort = threads, effort
        if content is not None:
            self.index = self.faiss.deserialize_index(np.frombuffer(content, np.uint8))
            if type(self.index) is not self.faiss.IndexHNSWFlat or (self.index.ntotal, self.index.d) != (size, dim):
                raise ValueError(f"no HNSW graph of {size} × {dim}")
            return
        self.index = self.faiss.IndexHNSWFlat(dim, links, self.faiss.METRIC_INNER_PRODUCT)
        self.index.hnsw.efConstruction = effort

    def add(self, rows: np.ndarray, first: int) -> None:
        """See `Graph`."""
        with self._held():
            self.index.add(rows)

    def search(self, queries: np.ndarray, k: int) -> np.ndarray:
        """See `Graph`."""
        wide = self.faiss.SearchParametersHNSW(efSearch=max(self.effort, k))
        with self._held():
            found: np.ndarray = self.index.search(queries, k, params=wide)[1]
        return found

    def to_bytes(self) -> bytes:
        """See `Graph`."""
        return bytes(self.faiss.serialize_index(self.index))

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Our number of threads while this lasts; faiss has one for the whole process."""
        before = self.faiss.omp_get_max_threads()
        self.faiss.omp_set_num_threads(self.threads)
        try:
            yield
        finally:
            self.faiss.omp_set_num_threads(before)


MAKERS: dict[str, Callable[..., Graph]] = {"usearch": Usearch, "faiss": Faiss}


@dataclass(frozen=True, eq=False, repr=False)
class Index(Searchable):
    """Vectors with a graph through them, searched as an `Embedding` is, but approximately.

    What is found may not be the best; the cosines are exact.

    Args:
        embedding: the vectors.
        graph: through their unit rows.
        options: how it was made.
        notes: what else is to be kept in its file, of JSON's kinds, such as its recall.
    """

    embedding: Embedding
    graph: Graph
    options: dict[str, Any]
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def vectors(self) -> np.ndarray:  # type: ignore[override]
        """float32[n, d]."""
        return self.embedding.vectors

    @property
    def vocab(self) -> Vocab:  # type: ignore[override]
        """Of the n entities."""
        return self.embedding.vocab

    @property
    def dim(self) -> int:
        """d."""
        return self.embedding.dim

    def __repr__(self) -> str:
        return f"Index({len(self):,} × {self.dim} by {self.options['engine']})"

    def placed(self, queries: np.ndarray) -> np.ndarray:
        """Queries as they are."""
        return queries

    def shown(self, rows: np.ndarray) -> np.ndarray:
        """Rows as they are."""
        return rows

    def nearest(self, queries: np.ndarray, k: int, exclude: np.ndarray | None, mask: np.ndarray | None) -> TopK:
        """About the k nearest rows. With a mask or rows to leave out it asks for more, until enough are left.

        Where that would be an eighth of all rows and more, for a filter that leaves few, the rest is searched exactly.
        """
        k = min(checks.integer("k", k, low=1), len(self) if mask is None else int(mask.sum()))
        unit = unit_rows(queries, "queries")
        found = TopK(np.full((len(unit), k), -1), np.full((len(unit), k), -np.inf))
        for start in range(0, len(unit) if k else 0, QUERY_BLOCK):
            part = np.arange(start, min(start + QUERY_BLOCK, len(unit)))
            self._search(found, part, unit, exclude, mask)
        return found

    def _search(
        self, found: TopK, open_: np.ndarray, unit: np.ndarray, exclude: np.ndarray | None, mask: np.ndarray | None
    ) -> None:
        """Fill in the queries `open_`."""
        k = found.rows.shape[1]
        allowed = 1.0 if mask is None else float(mask.mean())
        wanted = int((k + SPARE) / allowed)
        while len(open_) and wanted <= len(self) // FEW:
            rows = self.graph.search(unit[open_].astype(np.float32), wanted)
            bad = rows < 0
            if mask is not None:
                bad |= ~mask[rows]
            if exclude is not None:
                bad |= rows == exclude[open_][:, None]
            done = (~bad).sum(axis=1) >= k
            self._settle(found, open_[done], unit, np.where(bad, -1, rows)[done])
            open_, wanted = open_[~done], 4 * wanted
        if len(open_):
            left = None if exclude is None else exclude[open_]
            found.rows[open_], found.scores[open_] = top_k(self.vectors, unit[open_], k, exclude=left, mask=mask)

    def _settle(self, found: TopK, queries: np.ndarray, unit: np.ndarray, rows: np.ndarray) -> None:
        """Exact cosines of candidates, and the best of these."""
        k = found.rows.shape[1]
        for query, candidates in zip(queries.tolist(), rows, strict=True):
            some = np.sort(candidates[candidates >= 0])
            near = unit_rows(self.embedding.vectors[some], "vectors")
            scores = np.vecdot(near, unit[query]).clip(-1, 1)
            order = np.argsort(-scores, kind="stable")[:k]
            found.rows[query, : len(order)] = some[order]
            found.scores[query, : len(order)] = scores[order]

    def recall(self, k: int = 10, *, queries: int = 1000, seed: int = 0) -> float:
        """Of the k nearest neighbours, the share that is found.

        Args:
            k: at least 1. Default: 10.
            queries: entities whose neighbours are looked up, drawn at random from those with a vector; all where there
                are fewer. Default: 1,000.
            seed: of the draw. Default: 0.

        Raises:
            ValueError: numbers below 1.
        """
        rows = drawn_rows(self.vectors, queries, seed)
        given = self.vectors[rows]
        exact, near = (each.nearest(given, k, rows, None) for each in (self.embedding, self))
        return found_share(self.vectors, rows, exact, near.rows)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write vectors and graph to one file (an `.npz`, no pickle), whole or not at all.

        Raises:
            OSError: the folder does not exist, or the disk refuses.
        """
        header = {"options": self.options, "columns": self.vocab.columns, "settings": self.embedding.settings}
        header["notes"] = self.notes
        content = np.frombuffer(self.graph.to_bytes(), np.uint8)
        write_archive(path, KIND, header, vocab_arrays(self.vocab) | {"vectors": self.vectors, "graph": content})


def build_index(
    embedding: Embedding,
    engine: Engine = "usearch",
    *,
    links: int = 16,
    effort: int = 128,
    threads: int = 1,
    progress: Progress = no_progress,
) -> Index:
    """An index for approximate search, for when `Embedding.most_similar`, which is exact, takes too long.

    Args:
        embedding: n entities.
        engine: "usearch" or "faiss", both HNSW graphs. Default: "usearch".
        links: of an entity in the graph; more find better and take more memory. Default: 16.
        effort: candidates looked at while building and searching; more find better and take longer. Default: 128.
        threads: with one, the same vectors give the same index; with more it is built faster. Default: 1.
        progress: told of the rows added.

    Raises:
        ValueError: an engine that is not known, or numbers out of range.
        ModuleNotFoundError: the engine is not installed; there is no other in its place.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.generators.planted_partition([100] * 5, 0.2, 0.01).graph
        >>> index = cj.build_index(cj.embed(graph, cj.Cleora(dim=32)))
        >>> index.recall(10) > 0.95, len(index.most_similar("7", k=3))
        (True, 3)

    Reference: Malkov and Yashunin, Efficient and robust approximate nearest neighbor search using hierarchical
    navigable small world graphs, PAMI 2018.
    """
    check_embedding(embedding)
    checks.one_of("engine", engine, ENGINES)
    links = checks.integer("links", links, low=2, high=512)
    effort = checks.integer("effort", effort, low=1)
    options = {"engine": engine, "links": links, "effort": effort, "threads": checks.integer("threads", threads, low=1)}
    graph = MAKERS[engine](len(embedding), embedding.dim, options)
    row_norms(embedding.vectors)  # finite
    for start in range(0, len(embedding), ROW_BLOCK):
        progress("index", start, len(embedding))
        graph.add(unit_rows(embedding.vectors[start : start + ROW_BLOCK], "embedding").astype(np.float32), start)
    progress("index", len(embedding), len(embedding))
    return Index(embedding, graph, options)


def load_index(path: str | os.PathLike[str]) -> Index:
    """Read what `Index.save` wrote. The graph's bytes are read by the engine itself: load files that you trust.

    Raises:
        MissingFileError: no such file.
        InputError: one that is damaged or of another kind.
        ModuleNotFoundError: the engine it was made by is not installed.
    """
    source = os.fspath(path)
    header, arrays = read_archive(path, KIND)
    with believed(source, KIND):
        options = header["options"]
        if options["engine"] not in MAKERS:
            raise InputError(f"{source}: made by {options['engine']!r}, which this library does not know.")
        for name in ("links", "effort", "threads"):
            checks.integer(name, options[name], low=1)
        vocab = vocab_from(source, header["columns"], arrays)
        try:
            embedding = Embedding(arrays["vectors"], vocab, header["settings"])
            row_norms(embedding.vectors)  # finite
            graph = MAKERS[options["engine"]](len(embedding), embedding.dim, options, arrays["graph"].tobytes())
        except (ValueError, RuntimeError) as error:
            raise InputError(f"{source}: damaged: its parts do not hold together ({error}).") from error
        notes = dict(header.get("notes", {}).items())
    return Index(embedding, graph, options, notes)
