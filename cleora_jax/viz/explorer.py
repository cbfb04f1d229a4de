"""One page that shows a map in a browser: it holds everything, and asks no network for anything."""

from __future__ import annotations

import base64
import html
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from cleora_jax import _checks as checks
from cleora_jax._atomic import atomic_path
from cleora_jax._progress import Progress, no_progress
from cleora_jax.graph.attributes import attributes_of
from cleora_jax.vectors.embedding import Embedding, check_embedding
from cleora_jax.viz.plane import Layout, plane

TEMPLATE = Path(__file__).with_name("explorer.html")
MOST_NEIGHBOURS = 100
BATCH = 4096  # queries at once


def write_explorer(
    embedding: Embedding,
    path: str | os.PathLike[str],
    *,
    layout: Layout = "pca",
    at: np.ndarray | None = None,
    attributes: Any = None,
    neighbours: int = 10,
    title: str = "Embedding",
    seed: int = 0,
    progress: Progress = no_progress,
) -> None:
    """Write one HTML file to look at an embedding: pan, zoom, search an id, click for neighbours, colour by attribute.

    It opens from the file system. 100,000 entities are drawn smoothly (WebGL) and take 13 MB with ten neighbours each.

    Args:
        embedding: n entities, at least 3.
        path: the file.
        layout: see `plane`. Default: "pca".
        at: float[n, 2], coordinates that are there already. Default: of `layout`.
        attributes: to colour by and to show, a table or frame (see `graph.attributes_of`): numbers become a scale, also
            integers; texts groups, the largest of which have a colour of their own. Columns of the vocabulary are one,
            where there are several. Default: none.
        neighbours: of each entity, by exact search among all; 0 to 100. Default: 10.
        title: of the page.
        seed: of the layout. Default: 0.
        progress: told of the neighbours found.

    Raises:
        ValueError: attributes or coordinates that do not fit, or numbers out of range.
        ModuleNotFoundError: the layout's library is not installed.
        OSError: the folder does not exist, or the disk refuses.

    Example:
        >>> import os, tempfile
        >>> import cleora_jax as cj
        >>> graph, blocks = cj.generators.planted_partition([50] * 3, 0.3, 0.01)
        >>> path = os.path.join(tempfile.mkdtemp(), "map.html")
        >>> attributes = pa.table({"block": blocks.codes.astype(str)})
        >>> cj.viz.write_explorer(cj.embed(graph, cj.Cleora(dim=8)), path, attributes=attributes)
        >>> os.path.getsize(path) > 10_000
        True
    """
    check_embedding(embedding)
    if not isinstance(title, str):
        raise TypeError(f"`title` must be a text, got {title!r}.")
    k = checks.integer("neighbours", neighbours, low=0, high=MOST_NEIGHBOURS)
    placed = plane(embedding, layout, seed=seed) if at is None else np.asarray(at, np.float32)
    if placed.shape != (len(embedding), 2) or not np.isfinite(placed).all():
        raise checks.OptionError(f"`at` must be finite, [{len(embedding)}, 2], got shape {placed.shape}.")
    rows, scores = _neighbours(embedding, k, progress)
    content = {
        "title": title,
        "about": f"{len(embedding):,} entities, {embedding.dim} columns, layout {layout if at is None else 'given'}",
        "ids": embedding.vocab.ids.to_pylist(),
        "columns": list(embedding.vocab.columns),
        "column_of": _packed(embedding.vocab.column_of),
        "k": rows.shape[1],
        "at": _packed(_unit_square(placed)),
        "neighbours": _packed(rows.astype(np.int32)),
        "cosines": _packed(scores.astype(np.float32)),
        "attributes": _attributes(embedding, attributes),
    }
    # No text of the data may end the script that holds it.
    data = json.dumps(content, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    page = TEMPLATE.read_text(encoding="utf-8").replace("{{title}}", html.escape(title)).replace("{{data}}", data)
    with atomic_path(path) as temporary:
        Path(temporary).write_text(page, encoding="utf-8")


def _neighbours(embedding: Embedding, k: int, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
    """int64[n, ≤ k], −1 where there is none, and their cosines; none for zero vectors."""
    count = len(embedding)
    if not k:
        return np.zeros((count, 0), np.int64), np.zeros((count, 0))
    found = []
    for start in range(0, count, BATCH):
        progress("neighbours", start, count)
        rows = np.arange(start, min(start + BATCH, count))
        near = embedding.nearest(embedding.vectors[rows], k, rows, None)
        live = (near.rows >= 0) & np.any(embedding.vectors[rows], axis=1, keepdims=True)
        found.append((np.where(live, near.rows, -1), np.where(live, near.scores, 0)))
    progress("neighbours", count, count)
    return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))  # type: ignore[return-value]


def _unit_square(placed: np.ndarray) -> np.ndarray:
    """The middle at 0, the farther side from −1 to 1."""
    low, high = placed.min(axis=0), placed.max(axis=0)
    return (2 * (placed - (low + high) / 2) / max(float((high - low).max()), 1e-30)).astype(np.float32)


def _packed(array: np.ndarray) -> str:
    """Little-endian bytes in base 64."""
    return base64.b64encode(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()).decode()


def _attributes(embedding: Embedding, attributes: Any) -> list[dict[str, Any]]:
    """Numbers as {"name", "numbers"} (NaN: none), the rest as {"name", "names", "codes"}, the most frequent first."""
    vocab, found = embedding.vocab, []
    if len(vocab.columns) > 1:
        names = np.array(vocab.columns, object)[vocab.column_of]
        found.append(_named("column", pa.array(names, pa.string())))
    table = attributes_of(attributes, vocab)
    if table is None:
        return found
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
            numbers = column.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy(zero_copy_only=False)
            found.append({"name": name, "numbers": _packed(numbers.astype(np.float64))})
        else:
            found.append(_named(name, column))
    return found


def _named(name: str, column: pa.Array) -> dict[str, Any]:
    texts = column if pa.types.is_string(column.type) or pa.types.is_large_string(column.type) else pa.array(
        [None if value is None else str(value) for value in column.to_pylist()], pa.string()
    )  # fmt: skip
    encoded = texts.fill_null("").dictionary_encode()
    codes, words = encoded.indices.to_numpy(), encoded.dictionary.to_pylist()
    order = np.argsort(-np.bincount(codes, minlength=len(words)), kind="stable")
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order))
    return {"name": name, "names": [words[at] for at in order], "codes": _packed(rank[codes])}
