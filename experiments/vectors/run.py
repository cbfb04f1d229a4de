"""What do search indexes and codes find, how fast, in how many bytes? faiss beside ours, on real vectors.

python -m experiments.vectors.run            # some ten minutes on 2 cores; 7 GiB of memory
python -m experiments.vectors.run --smoke    # generated, in seconds

Queries are entities of the set, 10 neighbours each; recall is against exact search: what is as near
as the tenth is right, whichever of equals it is. faiss's codes are trained on the
same unit rows. Times are medians of three turns; indexes by one thread, the rest by all cores. Last, exact search of
ten million normal vectors: what it takes beside them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import faiss
import numpy as np

import cleora_jax as cj
from cleora_jax._memory import peak_bytes, resident_bytes
from cleora_jax.vectors.search import TopK, drawn_rows, found_share, top_k, unit_table
from experiments.record import arguments, data_folder, timed, write

K, TURNS = 10, 3


@dataclass(frozen=True)
class Source:
    """Vectors of a data set."""

    name: str
    dim: int = 128
    queries: int = 1000


SOURCES = (Source("ca-astroph"), Source("ego-twitter"))
SMOKE = Source("planted", 32, 50)
CODECS = (
    cj.Float16(), cj.Int8(), cj.PCA(64), cj.PCA(32), cj.RandomProjection(64), cj.ProductQuantization(16),
    cj.ProductQuantization(16, rotations=0), cj.Binary(), cj.ProductQuantization(8),
)  # fmt: skip
LARGE, SMALL = 10_000_000, 100_000  # rows of the last search
PEERS = ("PQ16", "OPQ16,PQ16", "OPQ8,PQ8", "SQ8")


def main() -> None:
    args = arguments(__file__, __doc__)
    write(args.output, lines(args.smoke))


def lines(smoke: bool) -> Iterator[dict[str, Any]]:
    """All of them; the large table comes last, as memory's peak never falls."""
    for source in (SMOKE,) if smoke else SOURCES:
        yield from lines_of(source)
    yield from large(SMALL if smoke else LARGE, 128)


def lines_of(source: Source) -> Iterator[dict[str, Any]]:
    """Searches, then codes."""
    vectors = cj.embed(graph_of(source), cj.Cleora(dim=source.dim))
    rows = drawn_rows(vectors.vectors, source.queries, 0)
    about = {"source": source.name, "entities": len(vectors), "dim": source.dim, "queries": source.queries}
    exact = vectors.nearest(vectors.vectors[rows], K, rows, None)
    one = timed(lambda: vectors.nearest(vectors.vectors[rows[:1]], K, rows[:1], None), TURNS)
    many = timed(lambda: vectors.nearest(vectors.vectors[rows], K, rows, None), TURNS)
    yield about | {"kind": "search", "engine": "exact", "build": 0.0, "recall": 1.0, "one": one, "many": many}
    for engine in ("usearch", "faiss"):
        start = time.perf_counter()
        index = cj.build_index(vectors, engine)
        build = time.perf_counter() - start
        found = index.nearest(vectors.vectors[rows], K, rows, None).rows
        one = timed(lambda: index.nearest(vectors.vectors[rows[:1]], K, rows[:1], None), TURNS)  # noqa: B023
        many = timed(lambda: index.nearest(vectors.vectors[rows], K, rows, None), TURNS)  # noqa: B023
        times = {"build": build, "one": one, "many": many}
        yield (
            about
            | {"kind": "search", "engine": engine, "recall": found_share(vectors.vectors, rows, exact, found)}
            | times
        )
    for codec in CODECS:
        if getattr(codec, "dim", 0) <= source.dim and getattr(codec, "parts", 0) <= source.dim:
            yield about | ours(vectors, codec, rows, exact)
    for name in PEERS:
        yield about | theirs(vectors, name, rows, exact)


def large(entities: int, dim: int) -> Iterator[dict[str, Any]]:
    """Exact search of a large table: seconds, and memory beside the table."""
    rng = np.random.default_rng(0)
    rows = np.empty((entities, dim), np.float32)
    rng.standard_normal(out=rows, dtype=np.float32)
    held = resident_bytes()
    for queries in (1, 100, 1000):
        asked = rng.standard_normal((queries, dim))
        seconds = timed(lambda: top_k(rows, asked, K), TURNS)  # noqa: B023
        beside = None if held is None else max(peak_bytes() - held, 0)
        yield {
            "source": "normal", "entities": entities, "dim": dim, "queries": queries, "kind": "large",
            "table": rows.nbytes, "beside": beside, "seconds": seconds,
        }  # fmt: skip


def graph_of(source: Source) -> cj.Graph:
    """The graph."""
    if source.name == "planted":
        return cj.generators.planted_partition([100] * 5, 0.2, 0.01).graph
    return cj.load_dataset(source.name, data_folder()).graph


def ours(vectors: cj.Embedding, codec: Any, rows: np.ndarray, exact: TopK) -> dict[str, Any]:
    """One of our codecs."""
    start = time.perf_counter()
    small = cj.compress(vectors, codec)
    build = time.perf_counter() - start
    queries = small.placed(vectors.vectors[rows].astype(np.float64))
    found = small.nearest(queries, K, rows, None).rows
    many = timed(lambda: small.nearest(queries, K, rows, None), TURNS)
    return {
        "kind": "codes", "engine": "cleora_jax", "codec": type(codec).__name__, "settings": asdict(codec),
        "build": build, "bytes": small.bytes_per_vector, "many": many,
        "recall": found_share(vectors.vectors, rows, exact, found),
    }  # fmt: skip


def theirs(vectors: cj.Embedding, name: str, rows: np.ndarray, exact: TopK) -> dict[str, Any]:
    """One of faiss's, by its factory."""
    unit = unit_table(vectors.vectors, "vectors")
    start = time.perf_counter()
    index = faiss.index_factory(unit.shape[1], name, faiss.METRIC_L2)
    index.train(unit)
    index.add(unit)
    build = time.perf_counter() - start
    near = index.search(unit[rows], K + 1)[1]
    found = np.stack([one[one != row][:K] for one, row in zip(near, rows, strict=True)])
    many = timed(lambda: index.search(unit[rows], K + 1), TURNS)
    size = index.sa_code_size() if hasattr(index, "sa_code_size") else None
    return {
        "kind": "codes", "engine": "faiss", "codec": name, "settings": {}, "build": build, "bytes": size,
        "recall": found_share(vectors.vectors, rows, exact, found), "many": many,
    }  # fmt: skip


if __name__ == "__main__":
    main()
