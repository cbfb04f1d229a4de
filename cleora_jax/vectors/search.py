"""Exact top-k by cosine, over blocks of rows. On the CPU NumPy's partition and sort are much faster than XLA's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from cleora_jax import _checks as checks

ROW_BLOCK = 8192  # rows of one product
QUERY_BLOCK = 1024  # queries of one product: with ROW_BLOCK rows its scores are 32 MB
GRID = np.float32(2**21)  # while searching, cosines that agree to 2⁻²¹ ≈ 5e-7 (the noise of float32 products) tie
SPARE = 8  # candidates kept beyond k, so that the final scores, in float64, decide at the cut


class TopK(NamedTuple):
    """Best rows of each query, best first.

    Args:
        rows: int64[q, k]; −1 at the end where a query has fewer than k rows to choose from.
        scores: float64[q, k], their cosines; −inf where the row is −1.
    """

    rows: np.ndarray
    scores: np.ndarray


def top_k(
    vectors: np.ndarray,
    queries: np.ndarray,
    k: int,
    exclude: np.ndarray | None = None,
    mask: np.ndarray | None = None,
) -> TopK:
    """The k rows of largest cosine to each query.

    Equal scores stand in row order. A zero vector has cosine 0 with everything. Beside the result, memory is one
    block of scores: `QUERY_BLOCK` × `ROW_BLOCK` numbers.

    Args:
        vectors: float32[n, d].
        queries: float[q, d].
        k: at least 1; more than the rows there are gives them all.
        exclude: int[q], for each query a row it must not get (−1: none). Default: none.
        mask: bool[n], rows that may be found. Default: all.

    Raises:
        ValueError: shapes that do not fit, k below 1, or NaN or infinity in `vectors` or `queries`.

    Example:
        >>> vectors = np.array([[1, 0], [0, 1], [1, 1], [0, 0]], np.float32)
        >>> rows, scores = top_k(vectors, vectors[:1], k=2, exclude=np.array([0]))
        >>> rows.tolist(), scores.round(3).tolist()
        ([[2, 1]], [[0.707, 0.0]])
    """
    exclude = np.full(len(queries), -1) if exclude is None else np.asarray(exclude)
    _check(vectors, queries, k, exclude, mask)
    allowed = None if mask is None else np.flatnonzero(mask)
    k = min(k, len(vectors) if allowed is None else len(allowed))
    found = TopK(np.empty((len(queries), k), np.int64), np.empty((len(queries), k)))
    unit = unit_rows(queries, "queries")
    sizes = None if len(queries) <= QUERY_BLOCK else row_norms(vectors)  # many query blocks: norms once
    for start in range(0, len(queries), QUERY_BLOCK):
        part = slice(start, start + QUERY_BLOCK)
        rows = _candidates(vectors, unit[part], min(k + SPARE, len(vectors)), exclude[part], allowed, sizes)
        found.rows[part], found.scores[part] = _rescored(vectors, unit[part], rows, k)
    return found


def row_norms(vectors: np.ndarray, first: int = 0) -> np.ndarray:
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
            raise ValueError(f"`vectors` must be finite, got NaN or infinity in row {row}.")
        square[start : start + ROW_BLOCK] = piece
    return np.sqrt(square)


def _check(vectors: np.ndarray, queries: np.ndarray, k: int, exclude: np.ndarray, mask: np.ndarray | None) -> None:
    if vectors.ndim != 2 or queries.ndim != 2 or vectors.shape[1] != queries.shape[1]:
        raise ValueError(f"`queries` must be [q, d] for `vectors` [n, d], got {queries.shape} for {vectors.shape}.")
    checks.integer("k", k, low=1)
    if exclude.shape != (len(queries),):
        raise ValueError(f"`exclude` must have one row per query ({len(queries)}), got shape {exclude.shape}.")
    if mask is not None and (mask.shape != (len(vectors),) or mask.dtype != bool):
        raise ValueError(f"`mask` must be bool[{len(vectors)}], got {mask.dtype}{list(mask.shape)}.")


def unit_rows(rows: np.ndarray, name: str) -> np.ndarray:
    """Rows over their norms, in float64; zero rows stay zero."""
    wide = np.asarray(rows, np.float64)
    if not np.isfinite(wide).all():
        raise ValueError(f"`{name}` must be finite, got NaN or infinity.")
    top = np.abs(wide).max(axis=1, keepdims=True, initial=0)  # against overflow, where float64 was given
    wide = wide / np.where(top > 0, top, 1)
    size = np.sqrt(np.square(wide).sum(axis=1, keepdims=True))
    return wide / np.where(size > 0, size, 1)


def _row_blocks(
    vectors: np.ndarray, allowed: np.ndarray | None, sizes: np.ndarray | None
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(row numbers [b], rows [b, d], norms [b]), block by block, in row order."""
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


def _candidates(
    vectors: np.ndarray,
    unit: np.ndarray,
    keep: int,
    exclude: np.ndarray,
    allowed: np.ndarray | None,
    sizes: np.ndarray | None,
) -> np.ndarray:
    """Rows int64[q, keep] of the best scores, −1 where there are none left."""
    queries = unit.astype(np.float32)
    best = np.full((len(queries), keep), -np.inf, np.float32)
    best_rows = np.full((len(queries), keep), -1)
    for rows, block, norms in _row_blocks(vectors, allowed, sizes):
        scores = queries @ block.T
        scores *= (GRID / norms).astype(np.float32)
        np.rint(scores, out=scores)
        place = np.searchsorted(rows, exclude).clip(max=len(rows) - 1)
        hit = np.flatnonzero(rows[place] == exclude)
        scores[hit, place[hit]] = -np.inf
        best, best_rows = _merge(best, best_rows, scores, rows)
    return best_rows


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
    merged = np.full((queries, keep + int(counts.max())), -np.inf, np.float32)
    merged_rows = np.full(merged.shape, -1)
    merged[:, :keep], merged_rows[:, :keep] = best, best_rows
    merged[query, place], merged_rows[query, place] = scores[query, column], rows[column]
    order = np.argsort(-merged, axis=1, kind="stable")[:, :keep]
    return np.take_along_axis(merged, order, 1), np.take_along_axis(merged_rows, order, 1)


def _rescored(vectors: np.ndarray, unit: np.ndarray, rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The k best of the candidates by cosines in float64: equal rows get equal scores."""
    scores = np.full(rows.shape, -np.inf)
    for query, candidates in enumerate(rows):
        known = candidates >= 0
        near = unit_rows(vectors[candidates[known]], "vectors")
        scores[query, known] = ((near * unit[query]).sum(axis=1)).clip(-1, 1)
    order = np.lexsort((rows, -scores), axis=1)[:, :k]
    return np.take_along_axis(rows, order, 1), np.take_along_axis(scores, order, 1)
