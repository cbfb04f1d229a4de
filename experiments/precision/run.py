"""What do narrow tables cost, and what do they save?

python -m experiments.precision.run             # half an hour on 2 cores
python -m experiments.precision.run --smoke

"error": a graph embedded with tables of each type, compared with float32: the Gram matrix of 2,000 rows (relative, in
the Frobenius norm), and how many of the ten nearest of 1,000 entities are the same. Beside them another seed, which is
as good an embedding. "size": a generated graph in a fresh process, its table in memory or in a file.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import cleora_jax as cj
from cleora_jax.cleora.stored_table import STORAGES
from cleora_jax.vectors.search import top_k
from experiments.record import arguments, table, write

ROOT = Path(__file__).resolve().parents[2]
ROWS, QUERIES, NEAREST = 2000, 1000, 10
DIMS, STEPS = (128, 512), (4, 40)


def main() -> None:
    args = arguments(__file__, __doc__)
    write(args.output, (line for some in (errors(args.smoke), sizes(args.smoke)) for line in some))


def errors(smoke: bool) -> Iterator[dict[str, Any]]:
    """A line for each way of making vectors that is compared with float32."""
    sources = {"generated": made()} if smoke else {"ca-astroph": coauthors(), "retail-fimi": baskets()}
    dims, steps = ((16,), (4,)) if smoke else (DIMS, STEPS)
    for source, graph in sources.items():
        for method in (cj.Cleora(dim=dim, num_iterations=count) for dim in dims for count in steps):
            exact = cj.embed(graph, method)
            ways = {name: replace(method, storage=name) for name in STORAGES if name != "float32"}
            for way, other in (ways | {"another seed": replace(method, seed=1)}).items():
                found = cj.embed(graph, other)
                yield {
                    "kind": "error", "source": source, "dim": method.dim, "steps": method.num_iterations, "way": way,
                    "gram": gram_error(found.vectors, exact.vectors), "overlap": overlap(found, exact),
                    "kept": [int(one.trace.kept[-1]) for one in (found, exact)],
                }  # fmt: skip


def sizes(smoke: bool) -> Iterator[dict[str, Any]]:
    """A line for each type and place of a table."""
    entities, dim, steps = (2_000, 32, 3) if smoke else (1_000_000, 256, 3)
    for spill in (False, True):
        for storage in STORAGES:
            with TemporaryDirectory(dir=Path(__file__).parent) as folder:
                order = {"graph": "uniform", "entities": entities, "dim": dim, "cores": None, "steps": steps,
                         "storage": storage, "folder": folder if spill else None}  # fmt: skip
                command = [sys.executable, "-m", "experiments.growth.worker", json.dumps(order)]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
            line = {"kind": "size", "storage": storage, "spill": spill, "entities": entities, "dim": dim}
            yield line | json.loads(done.stdout.splitlines()[-1])


def made() -> cj.Graph:
    """A small graph."""
    return cj.generators.planted_partition([200] * 4, 0.05, 0.01).graph


def coauthors() -> cj.Graph:
    """Astrophysicists who wrote together."""
    one, other = table("ca-astroph", "edges.tsv.gz").T[:2]
    return cj.from_edges(one, other)


def baskets() -> cj.Graph:
    """Those of a supermarket."""
    basket, item = table("retail-fimi", "hyperedges.tsv.gz").T
    starts = np.flatnonzero(np.r_[True, basket[1:] != basket[:-1]])
    return cj.from_hyperedges([" ".join(some) for some in np.split(item, starts[1:])])


def gram_error(found: np.ndarray, exact: np.ndarray) -> float:
    """Relative distance of Gram matrices of some rows."""
    rows = np.random.default_rng(0).choice(len(exact), min(ROWS, len(exact)), replace=False)
    one, other = (side[rows].astype(np.float64) @ side[rows].T.astype(np.float64) for side in (found, exact))
    return float(np.linalg.norm(one - other) / np.linalg.norm(other))


def overlap(found: cj.Embedding, exact: cj.Embedding) -> float:
    """Mean share of the nearest that both name."""
    some = np.random.default_rng(1).choice(len(exact), min(QUERIES, len(exact)), replace=False)
    near = [top_k(each.vectors, each.vectors[some], NEAREST, exclude=some).rows for each in (found, exact)]
    return float(np.mean([len(np.intersect1d(one, other)) / NEAREST for one, other in zip(*near, strict=True)]))


if __name__ == "__main__":
    main()
