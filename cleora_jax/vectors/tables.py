"""Tables for other programs: `.parquet` (with settings), `.csv` and `.tsv` (without)."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cleora_jax._checks import InputError
from cleora_jax.vectors.stored import Content, check_header, header_of, reading, require, row_blocks, settle

METADATA_KEY, MARK_KEY = b"cleora_jax", b"cleora_jax.mark"  # the mark tells a damaged header from a missing one
CSV_BLOCK = 1 << 24  # bytes parsed at once; a line must fit into it
NUL_SINCE = 26  # of pyarrow: before, a NUL in a file of several blocks costs a line
NEEDS_QUOTES = re.compile(r'[,\t"\r\n\x00]|^\s|\s$|^$|^\ufeff')


def as_table(content: Content) -> pa.Table:
    """Columns `id`, `column` (where there are several) and `vector`, a fixed-size list; numbers are not copied."""
    vectors, vocab, _ = content
    columns: dict[str, pa.Array] = {"id": vocab.ids}
    if len(vocab.columns) > 1:
        codes = pa.array(vocab.column_of.astype(np.int32))
        columns["column"] = pa.array(vocab.columns, pa.string()).take(codes)
    columns["vector"] = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1])
    return pa.table(columns)


def write_parquet(content: Content, path: Path) -> None:
    """The table of `as_table`, row group by row group, uncompressed, with page checksums.

    The metadata of the schema holds under the key `cleora_jax` the header of `.npz` files, as JSON.
    """
    import pyarrow.parquet as pq

    metadata = {METADATA_KEY: json.dumps(header_of(content)).encode(), MARK_KEY: b"1"}
    table = as_table(content).replace_schema_metadata(metadata)
    rows = max(1, (1 << 24) // content.vectors.shape[1])
    pq.write_table(
        table, path, compression="NONE", use_dictionary=["column"], write_statistics=False,
        write_page_checksum=True, row_group_size=rows,
    )  # fmt: skip


def read_parquet(path: str, column: str) -> Content:
    """Read what `write_parquet` wrote, or any Parquet table with columns `id`, `vector` and perhaps `column`."""
    import pyarrow.parquet as pq

    with reading(path, ".parquet"), pq.ParquetFile(path, page_checksum_verification=True) as file:
        names = file.schema_arrow.names
        require(path, "id" in names and "vector" in names, f"needs the columns `id` and `vector`, has {names}")
        metadata = file.schema_arrow.metadata or {}
        text = metadata.get(METADATA_KEY)
        require(path, text is not None or MARK_KEY not in metadata, "damaged: its header is missing")
        header = None if text is None else check_header(path, json.loads(text))
        wanted = [name for name in ("id", "column", "vector") if name in names]
        batches = file.iter_batches(columns=wanted, batch_size=1 << 14)
        ids, vectors, of_rows = _parquet_pieces(path, batches, file.metadata.num_rows, header)
        columns, column_of = _codes(of_rows, len(ids), column, header)
    return settle(path, vectors, ids, columns, column_of, header)


def _parquet_pieces(
    path: str, batches: Iterable[pa.RecordBatch], rows: int, header: dict[str, Any] | None
) -> tuple[pa.Array, np.ndarray, pa.Array | None]:
    ids: list[pa.Array] = []
    names: list[pa.Array] = []
    vectors = None if header is None else np.empty(header["shape"], np.float32)
    done = 0
    for batch in batches:
        block = _list_block(path, batch.column("vector"))
        vectors = np.empty((rows, block.shape[1]), np.float32) if vectors is None else vectors
        fits = block.shape[1] == vectors.shape[1] and done + len(block) <= len(vectors)
        require(path, fits, "the vectors differ in length, or there are more than the header says")
        vectors[done : done + len(block)] = block
        done += len(block)
        ids.append(batch.column("id").cast(pa.large_string()))
        if "column" in batch.schema.names:
            names.append(batch.column("column").cast(pa.large_string()))
    if vectors is None:
        raise InputError(f"{path}: no rows.")
    require(path, done == len(vectors), f"{done} vectors, the header says {len(vectors)}")
    return _joined(ids), vectors, _joined(names) if names else None


def _list_block(path: str, lists: pa.Array) -> np.ndarray:
    """float32[b, d] of a column of lists, all of the same length."""
    kind = lists.type
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    require(path, is_list and pa.types.is_floating(kind.value_type), f"`vector` must hold lists of floats, not {kind}")
    require(path, lists.null_count == 0, "a vector is missing")
    lengths = pc.list_value_length(lists).to_numpy(zero_copy_only=False)
    require(path, bool((lengths == lengths[0]).all()) and lengths[0] > 0, "the vectors differ in length")
    flat = lists.flatten()
    require(path, flat.null_count == 0, "a number of a vector is missing")
    block: np.ndarray = flat.to_numpy(zero_copy_only=False).astype(np.float32, copy=False)
    return block.reshape(len(lists), int(lengths[0]))


def _codes(
    names: pa.Array | None, count: int, default: str, header: dict[str, Any] | None = None
) -> tuple[list[str], np.ndarray]:
    """(columns, uint8[n]) of the column names of rows; without a header, columns are in order of appearance."""
    if names is None:
        return [default] if header is None else header["columns"], np.zeros(count, np.uint8)
    if names.null_count:
        raise ValueError("the column of an id is missing")
    columns = pc.unique(names).to_pylist() if header is None else header["columns"]
    if len(columns) > 256:
        raise ValueError(f"{len(columns)} different values in `column`, at most 256 are possible")
    codes = pc.index_in(names, pa.array(columns, pa.large_string()))
    return columns or [default], np.asarray(codes.to_numpy(zero_copy_only=False), np.uint8)


def _joined(pieces: list[pa.Array]) -> pa.Array:
    return pa.concat_arrays(pieces) if pieces else pa.array([], pa.large_string())


def write_csv(content: Content, path: Path, delimiter: str = ",") -> None:
    """A header line `id,x0,x1,…` (`id,column,x0,…` where there are several columns), then a line per entity.

    Numbers have 9 significant digits, which float32 needs to come back exact. Ids are quoted where they hold a
    delimiter, a quote or a line break. There is no place for settings, nor for the name of a single column.
    """
    several = len(content.vocab.columns) > 1
    names = [_quoted(name) for name in content.vocab.columns]
    head = ["id", *(["column"] if several else []), *(f"x{i}" for i in range(content.vectors.shape[1]))]
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(delimiter.join(head) + "\n")
        for block in row_blocks(content.vectors.shape):
            keys = [_quoted(entity) for entity in content.vocab.ids[block.start : block.stop].to_pylist()]
            if several:
                codes = content.vocab.column_of[block].tolist()
                keys = [f"{key}{delimiter}{names[code]}" for key, code in zip(keys, codes, strict=True)]
            file.writelines(number_lines(keys, content.vectors[block], delimiter))


def write_tsv(content: Content, path: Path) -> None:
    """As `write_csv`, with tabs for commas."""
    write_csv(content, path, "\t")


def number_lines(keys: Sequence[str], block: np.ndarray, delimiter: str) -> Iterator[str]:
    """A line for each row: its key, then its numbers with 9 significant digits."""
    template = delimiter.join(["%.9g"] * block.shape[1]) + "\n"  # formats a row in one call
    for key, row in zip(keys, block.tolist(), strict=True):
        yield key + delimiter + template % tuple(row)


def _quoted(entity: str) -> str:
    return '"' + entity.replace('"', '""') + '"' if NEEDS_QUOTES.search(entity) else entity


def read_csv(path: str, column: str, delimiter: str = ",") -> Content:
    """Read what `write_csv` wrote, or another table of `id`, perhaps `column`, and numbers."""
    with reading(path, ".csv" if delimiter == "," else ".tsv"):
        with open(path, encoding="utf-8-sig", newline="") as file:
            head = file.readline().rstrip("\r\n").split(delimiter)
        head = [name.strip('"') for name in head]
        require(path, head[0] == "id", f"the first line must begin with `id`, found {head[0][:40]!r}")
        several = len(head) > 1 and head[1] == "column"
        texts, vectors = read_numbers(path, len(head) - 1 - several, delimiter, texts=1 + several, quote='"')
        columns, column_of = _codes(texts[1] if several else None, len(vectors), column)
    return settle(path, vectors, texts[0], columns, column_of)


def read_tsv(path: str, column: str) -> Content:
    """As `read_csv`, with tabs for commas."""
    return read_csv(path, column, "\t")


def read_numbers(
    path: str, dim: int, delimiter: str, texts: int = 1, quote: str | bool = False, blank_end: bool = False
) -> tuple[list[pa.Array], np.ndarray]:
    """Text columns and float32[n, dim] of all lines but the first; `blank_end`: lines end in a delimiter."""
    import pyarrow.csv as csv

    require(path, dim > 0, "the vectors have no columns")
    numbers = [f"x{i}" for i in range(dim)]
    words = [f"t{i}" for i in range(texts)]
    kinds = {name: pa.float32() for name in numbers} | {name: pa.large_string() for name in words}
    vectors = np.empty((_most_lines(path, dim), dim), np.float32)  # pages that stay empty cost nothing
    pieces: list[list[pa.Array]] = [[] for _ in words]
    done = 0
    with csv.open_csv(
        path,
        csv.ReadOptions(skip_rows=1, column_names=words + numbers + ["end"] * blank_end, block_size=CSV_BLOCK),
        csv.ParseOptions(delimiter=delimiter, quote_char=quote, newlines_in_values=bool(quote)),
        csv.ConvertOptions(column_types=kinds, null_values=[], include_columns=words + numbers),
    ) as batches:
        for batch in batches:
            block = np.empty((dim, batch.num_rows), np.float32)
            for column, name in enumerate(numbers):
                block[column] = batch.column(name).to_numpy(zero_copy_only=False)
            vectors[done : done + batch.num_rows] = block.T
            done += batch.num_rows
            for piece, name in zip(pieces, words, strict=True):
                piece.append(batch.column(name))
    return [_joined(piece) for piece in pieces], vectors[:done]


def _most_lines(path: str, dim: int) -> int:
    """No more lines of numbers than this are in the file. Raises InputError where the last line is cut."""
    count = 0
    loses_nul = int(pa.__version__.split(".")[0]) < NUL_SINCE
    with open(path, "rb") as file:
        last = b""
        while chunk := file.read(1 << 22):
            require(path, not (loses_nul and b"\0" in chunk), f"NUL in an id needs pyarrow {NUL_SINCE} or newer")
            count += chunk.count(b"\n")
            last = chunk[-1:]
    require(path, last == b"\n", "the last line has no end: the file may be truncated; if it is whole, add a newline")
    return min(count, os.path.getsize(path) // (2 * dim))
