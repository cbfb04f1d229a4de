"""Exact top-k by cosine, over blocks of rows. On the CPU NumPy's partition and sort are much faster than XLA's."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._random import generator

ROW_BLOCK = 8192  # rows of one product
QUERY_BLOCK = 1024  # queries of one product: with ROW_BLOCK rows its scores are 32 MB
SPARE = 8  # candidates kept beyond k: the gap from the k-th to the last must exceed the noise of float32
REDO_QUERIES, REDO_ROWS = 128, 1024  # done again at once, in float64
PAIR_BLOCK = 512  # pairs of rows gathered at once, for cosines one by one in float64

Block = tuple[np.ndarray, np.ndarray, np.ndarray]  # row numbers [b], rows [b, d], norms [b]


class Rows(Protocol):
    """A table of rows: an array, or what decodes those that it is asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, p)."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: Any, /) -> np.ndarray:
        """float32[b, p] of a slice, of row numbers or of a mask; float32[p] of one number."""


class TopK(NamedTuple):
    """Best rows of each query, best first.

    Args:
        rows: int64[q, k]; −1 at the end where a query has fewer than k rows to choose from.
        scores: float64[q, k], their cosines; −inf where the row is −1.
    """

    rows: np.ndarray
    scores: np.ndarray


def top_k(
    vectors: Rows,
    queries: np.ndarray,
    k: int,
    exclude: np.ndarray | sp.csr_array | None = None,
    mask: np.ndarray | None = None,
) -> TopK:
    """The k rows of largest cosine to each query, exactly: as if all cosines were computed in float64 and sorted.

    Equal scores stand in row order. A zero vector has cosine 0 with everything. Candidates come from products in
    float32; where their noise could hide a better row (ties, or nearly, at the cut), that query is done again. Beside
    the result, memory is one block of scores: `QUERY_BLOCK` × `ROW_BLOCK` numbers.

    Args:
        vectors: float32[n, d], or what decodes such rows block by block.
        queries: float[q, d].
        k: at least 1; more than the rows there are gives them all.
        exclude: rows that a query must not get: int[q], one for each query (−1: none), or a SciPy sparse matrix [q, n],
            in which every stored entry forbids its column to its row. Default: none.
        mask: bool[n], rows that may be found. Default: all.

    Raises:
        ValueError: shapes that do not fit, k below 1, or NaN or infinity in `vectors` or `queries`.

    Example:
        >>> vectors = np.array([[1, 0], [0, 1], [1, 1], [0, 0]], np.float32)
        >>> rows, scores = top_k(vectors, vectors[:1], k=2, exclude=np.array([0]))
        >>> rows.tolist(), scores.round(3).tolist()
        ([[2, 1]], [[0.707, 0.0]])
    """
    _check(vectors, queries, k, mask)
    shunned = _excluded(exclude, len(queries), len(vectors))
    allowed = None if mask is None else np.flatnonzero(mask)
    k = min(k, len(vectors) if allowed is None else len(allowed))
    found = TopK(np.empty((len(queries), k), np.int64), np.empty((len(queries), k)))
    unit = unit_rows(queries, "queries")
    if k == 0:
        return found
    sizes = None if len(queries) <= QUERY_BLOCK else row_norms(vectors)  # many query blocks: norms once
    blocks = partial(_row_blocks, vectors, allowed, sizes)
    for start in range(0, len(queries), QUERY_BLOCK):
        part = slice(start, start + QUERY_BLOCK)
        rows, last = _candidates(blocks(), unit[part], k + SPARE, shunned[part].tocsc())
        found.rows[part], found.scores[part] = _rescored(vectors, unit[part], rows, k)
        again = start + _unsettled(unit[part], last, found.scores[part, -1])
        for at in range(0, len(again), REDO_QUERIES):
            few = again[at : at + REDO_QUERIES]
            floor = found.scores[few, -1]
            found.rows[few], found.scores[few] = _redone(vectors, blocks(), unit[few], k, shunned[few].tocsc(), floor)
    return found


def row_norms(vectors: Rows, first: int = 0) -> np.ndarray:
    """Euclidean norms float64[n] of the rows, without overflow or underflow. Raises ValueError at NaN or infinity.

    Args:
        vectors: float32[n, d].
        first: number of the first row, for the message.
    """
    square = np.empty(len(vectors))
    for start in range(0, len(vectors), ROW_BLOCK):
        block = vectors[start : start + ROW_BLOCK]
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            piece = np.einsum("ij,ij->i", block, block).astype(np.float64)
        odd = np.flatnonzero(~((piece > 1e-30) & (piece < 1e30)))  # what float32 cannot square, and zeros
        piece[odd] = np.square(block[odd].astype(np.float64)).sum(axis=1)
        if not np.isfinite(piece).all():
            row = first + start + int(np.flatnonzero(~np.isfinite(piece))[0])
            raise checks.OptionError(f"`vectors` must be finite, got NaN or infinity in row {row}.")
        square[start : start + ROW_BLOCK] = piece
    return np.sqrt(square)


def _check(vectors: Rows, queries: np.ndarray, k: int, mask: np.ndarray | None) -> None:
    if len(vectors.shape) != 2 or queries.ndim != 2 or vectors.shape[1] != queries.shape[1]:
        raise checks.OptionError(
            f"`queries` must be [q, d] for `vectors` [n, d], got {queries.shape} for {vectors.shape}."
        )
    checks.integer("k", k, low=1)
    if mask is not None and (mask.shape != (len(vectors),) or mask.dtype != bool):
        raise checks.OptionError(f"`mask` must be bool[{len(vectors)}], got {mask.dtype}{list(mask.shape)}.")


def _excluded(exclude: np.ndarray | sp.csr_array | None, queries: int, rows: int) -> sp.csr_array:
    """What `top_k` was told to exclude, as a CSR [q, n]: its stored entries, whatever their value."""
    given = np.full(queries, -1) if exclude is None else exclude
    if sp.issparse(given):
        if given.shape != (queries, rows):
            raise checks.OptionError(f"`exclude` must be [{queries}, {rows}], got shape {given.shape}.")
        return sp.csr_array(given)
    row = np.asarray(given)
    if row.shape != (queries,):
        raise checks.OptionError(f"`exclude` must have one row per query ({queries}), got shape {row.shape}.")
    query = np.flatnonzero((row >= 0) & (row < rows))
    pairs = query, row[query].astype(np.int64)
    return sp.coo_array((np.ones(len(query), bool), pairs), shape=(queries, rows)).tocsr()


def unit_rows(rows: np.ndarray, name: str) -> np.ndarray:
    """Rows over their norms, in float64; zero rows stay zero."""
    wide = np.asarray(rows, np.float64, order="C")
    if not np.isfinite(wide).all():
        raise checks.OptionError(f"`{name}` must be finite, got NaN or infinity.")
    top = np.abs(wide).max(axis=1, keepdims=True, initial=0)  # against overflow, where float64 was given
    wide = wide / np.where(top > 0, top, 1)
    size = np.sqrt(np.square(wide).sum(axis=1, keepdims=True))
    return wide / np.where(size > 0, size, 1)


def unit_table(vectors: Rows, name: str) -> np.ndarray:
    """Rows over their norms as one table float32[n, d], block by block; zero rows stay zero."""
    unit = np.empty(vectors.shape, np.float32)
    for start in range(0, len(vectors), ROW_BLOCK):
        block = slice(start, start + ROW_BLOCK)
        unit[block] = unit_rows(vectors[block], name)
    return unit


def found_share(embedding: Rows, rows: np.ndarray, exact: TopK, found: np.ndarray) -> float:
    """Of k neighbours the share that is as near as the k-th by exact cosines: which of equal ones does not matter.

    Args:
        embedding: float32[n, d], the vectors.
        rows: int64[q], whose neighbours they are; their vectors are not zero.
        exact: their k nearest.
        found: int64[q, k], −1 where there is none.
    """
    hits = 0
    for row, near, floor in zip(rows.tolist(), found, exact.scores[:, -1], strict=True):
        known = np.unique(near[near >= 0])
        cosines = _cosines(unit_rows(embedding[known], "vectors"), unit_rows(embedding[[row]], "vectors")[0])
        hits += int((cosines >= floor - 1e-12).sum())
    return hits / max(exact.rows.size, 1)


def drawn_rows(vectors: Rows, count: int, seed: int) -> np.ndarray:
    """Some rows that are not zero, int64[≤ count], to measure a search with; OptionError where none has a neighbour."""
    live = np.flatnonzero(row_norms(vectors))
    if not len(live) or len(vectors) < 2:
        raise checks.OptionError("`vectors` must hold two rows, one of them not zero: there is no neighbour to find.")
    return generator(seed).choice(live, min(checks.integer("queries", count, low=1), len(live)), replace=False)


def _row_blocks(vectors: Rows, allowed: np.ndarray | None, sizes: np.ndarray | None) -> Iterator[Block]:
    """The rows that may be found, block by block, in row order."""
    count = len(vectors) if allowed is None else len(allowed)
    for start in range(0, count, ROW_BLOCK):
        stop = min(start + ROW_BLOCK, count)
        rows = np.arange(start, stop) if allowed is None else allowed[start:stop]
        block = vectors[start:stop] if allowed is None else vectors[rows]
        norms = row_norms(block, int(rows[0])) if sizes is None else sizes[rows]
        odd = np.flatnonzero((norms > 0) & ((norms < 1e-15) | (norms > 1e15)))
        if len(odd):  # products of these would leave float32: unit rows in their place
            block, norms = block.copy(), norms.copy()
            block[odd] = unit_rows(block[odd], "vectors")
            norms[odd] = 1
        yield rows, block, np.where(norms > 0, norms, 1)


def _scores(queries: np.ndarray, part: Block, exclude: sp.csc_array) -> np.ndarray:
    """Cosines float32[q, b] with a block of rows, up to `_noise`; −inf for rows that a query must not get."""
    rows, block, norms = part
    scores = queries @ block.T
    scores *= (1 / norms).astype(np.float32)
    first, stop = int(rows[0]), int(rows[-1]) + 1
    offset = exclude.indptr[first : stop + 1]
    query, row = exclude.indices[offset[0] : offset[-1]], np.repeat(np.arange(stop - first), np.diff(offset))
    place = np.full(stop - first, -1)
    place[rows - first] = np.arange(len(rows))
    hit = place[row] >= 0  # else a row that may not be found at all
    scores[query[hit], place[row[hit]]] = -np.inf
    return scores


def _noise(dim: int, kind: type[np.floating]) -> float:
    """How far a cosine from products in `kind` can be from the one that `_cosines` computes, in whatever order it adds.

    With unit roundoff u and Cauchy–Schwarz, a product of d terms is off by d·u of the norms at most, and the square of
    a float32 norm by d·u of itself, so the norm by half that; each of the five roundings left (of the query, the
    reciprocal norm, its product with the score, and a row and its norm that were scaled first) adds u. In float64
    there is no norm, but a second product. All are below 2·(d + 4)·u, second orders included where d·u < 0.1.
    """
    return (dim + 4) * float(np.finfo(kind).eps)


def _candidates(
    blocks: Iterator[Block], unit: np.ndarray, keep: int, exclude: sp.csc_array
) -> tuple[np.ndarray, np.ndarray]:
    """Rows int64[q, keep] of the best scores in float32, −1 where there are none left; the last of these scores [q]."""
    queries = unit.astype(np.float32)
    best = np.full((len(queries), keep), -np.inf, np.float32)
    best_rows = np.full((len(queries), keep), -1)
    for part in blocks:
        best, best_rows = _merge(best, best_rows, _scores(queries, part, exclude), part[0])
    return best_rows, best[:, -1].astype(np.float64)


def _unsettled(unit: np.ndarray, last: np.ndarray, kth: np.ndarray) -> np.ndarray:
    """Queries int64[m] for which a row that is no candidate might belong to the k best.

    Where the candidates are all the rows (`last` is −∞), there is none; for a zero query all cosines are 0 exactly,
    and its candidates are the first rows.
    """
    open_cut = last + _noise(unit.shape[1], np.float32) >= kth
    return np.flatnonzero(open_cut & (last > -np.inf) & unit.any(axis=1))


def _merge(
    best: np.ndarray, best_rows: np.ndarray, scores: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The best of the best so far and of a block of later rows; among equals, earlier rows."""
    queries, keep = best.shape
    better = scores > best[:, -1:]  # a later row must be strictly better to enter
    if np.count_nonzero(better) > 4 * best.size and scores.shape[1] > keep:
        cut = np.partition(scores, scores.shape[1] - keep, axis=1)[:, scores.shape[1] - keep]
        better &= scores >= cut[:, None]
    query, column = np.nonzero(better)
    if not len(query):
        return best, best_rows
    counts = np.bincount(query, minlength=queries)
    place = keep + np.arange(len(query)) - np.repeat(np.cumsum(counts) - counts, counts)
    merged = np.full((queries, keep + int(counts.max())), -np.inf, best.dtype)
    merged_rows = np.full(merged.shape, -1)
    merged[:, :keep], merged_rows[:, :keep] = best, best_rows
    merged[query, place], merged_rows[query, place] = scores[query, column], rows[column]
    order = np.argsort(-merged, axis=1, kind="stable")[:, :keep]
    return np.take_along_axis(merged, order, 1), np.take_along_axis(merged_rows, order, 1)


def _cosines(near: np.ndarray, unit: np.ndarray) -> np.ndarray:
    """Cosines in float64 of unit rows [..., d] and unit queries [..., d], each by itself: equal rows get equal ones."""
    cosines: np.ndarray = np.vecdot(near, unit).clip(-1, 1)
    return cosines


def _rescored(vectors: Rows, unit: np.ndarray, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k best of the candidates by cosines in float64, with these."""
    scores = np.full(rows.shape, -np.inf)
    for query, candidates in enumerate(rows):
        known = np.flatnonzero(candidates >= 0)
        for start in range(0, len(known), PAIR_BLOCK):
            some = known[start : start + PAIR_BLOCK]
            scores[query, some] = _cosines(unit_rows(vectors[candidates[some]], "vectors"), unit[query])
    order = np.lexsort((rows, -scores), axis=1)[:, :k]
    return np.take_along_axis(rows, order, 1), np.take_along_axis(scores, order, 1)


def _redone(
    vectors: Rows, blocks: Iterator[Block], unit: np.ndarray, k: int, exclude: sp.csc_array, floor: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The k best of all rows by cosines in float64, with these; `floor` [q] is what k rows are known to reach."""
    queries, noise = unit.astype(np.float32), _noise(unit.shape[1], np.float32)
    best = np.full((len(unit), k), -np.inf)
    best_rows = np.full(best.shape, -1)
    for part in blocks:
        near = _scores(queries, part, exclude) >= (floor - noise)[:, None]
        hit = np.flatnonzero(near.any(axis=0))
        for start in range(0, len(hit), REDO_ROWS):
            some = hit[start : start + REDO_ROWS]
            rows = part[0][some]
            scores = np.where(near[:, some], _cosines_from(vectors[rows], unit, floor), -np.inf)
            best, best_rows = _merge(best, best_rows, scores, rows)
            floor = np.maximum(floor, best[:, -1])
    return best_rows, best


def _cosines_from(rows: np.ndarray, unit: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """Cosines float64[q, m] of rows [m, d] as `_cosines` has them; −inf where they do not reach `floor` [q].

    Equal rows are computed once, and pairs one by one only where a product of all leaves a doubt: thousands of equal
    or nearly equal rows are common, such as entities that share all their neighbours.
    """
    whole = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).reshape(-1)
    _, first, place = np.unique(whole, return_index=True, return_inverse=True)
    wide = unit_rows(rows[first], "vectors")
    doubt = unit @ wide.T >= (floor - _noise(unit.shape[1], np.float64))[:, None]
    query, row = np.nonzero(doubt)
    if len(query) > doubt.size / 8:  # without gathering, all of them are faster than these
        return np.where(doubt, _cosines(wide, unit[:, None]), -np.inf)[:, place]
    cosines = np.full(doubt.shape, -np.inf)
    for start in range(0, len(query), PAIR_BLOCK):
        pair = query[start : start + PAIR_BLOCK], row[start : start + PAIR_BLOCK]
        cosines[pair] = _cosines(wide[pair[1]], unit[pair[0]])
    return cosines[:, place]
