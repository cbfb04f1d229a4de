"""What do an entry, a row, a name and a byte between processes cost here? For the arithmetic of docs/clusters.md.

python -m experiments.scale.constants                            # some minutes on 2 cores
python -m experiments.scale.constants --smoke                    # a thousand entities, half a minute
python -m experiments.scale.arithmetic                           # puts what follows from them into docs/clusters.md
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

import cleora_jax as cj
from cleora_jax.vectors.passes import Affine, transform_and_measure
from cleora_jax.vectors.rows import split_columns
from experiments.record import timed, write
from experiments.scale.arithmetic import remote_share

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
COLUMNS = (8, 32, 128)  # of one product
DIMS = (128, 256)
PARTS = (4, 16, 64)
TURNS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--output", type=Path, default=HERE / "constants.jsonl")
    write((args := parser.parse_args()).output, lines(1_000 if args.smoke else 1_000_000))


def lines(entities: int) -> Iterator[dict[str, Any]]:
    """Of graphs of so many entities, ten edges each."""
    for name, (low, high) in {"random": random_edges(entities), "communities": community_edges(entities)}.items():
        graph = cj.from_edges(low, high, num_entities=entities)
        for columns in COLUMNS:
            yield {"kind": "product", "graph": name, "columns": columns, **product(graph, columns)}
        for parts in PARTS:
            yield {"kind": "halo", "graph": name, "parts": parts, **halo(graph, parts)}
    for dim in DIMS:
        yield {"kind": "dense", "dim": dim, "ns_per_row": dense(entities // 2, dim)}
    for shape in ((entities // 5, 4 * entities), (3 * entities, 3 * entities)):  # many lines a name, and few
        yield {"kind": "share", "processes": 2, **share(*shape)}
    yield {"kind": "share", "processes": 2, **share(100, 200)}
    yield {"kind": "loopback", "processes": 2, **loopback(max(entities * 128, 1 << 20))}


def random_edges(entities: int) -> tuple[np.ndarray, np.ndarray]:
    """Ten edges an entity, ends drawn evenly."""
    ends = np.random.default_rng(0).integers(0, entities, (2, 10 * entities))
    return ends[0], ends[1]


def community_edges(entities: int, size: int = 1_000, outside: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """The same, but all except a twentieth lead within runs of a thousand entities: a graph in a good order."""
    rng = np.random.default_rng(1)
    low, far = random_edges(entities)
    near = low // size * size + rng.integers(0, size, len(low))
    return low, np.where(rng.random(len(low)) < outside, far, np.minimum(near, entities - 1))


def product(graph: cj.Graph, columns: int) -> dict[str, float]:
    """Nanoseconds per entry of a product with a table of some columns, all cores together."""
    op = cj.markov(graph, form="clique")
    table = jnp.ones((op.num_entities, columns), jnp.float32)
    multiply = jax.jit(cj.apply)
    jax.block_until_ready(multiply(op, table))
    seconds = best(lambda: jax.block_until_ready(multiply(op, table)))
    return {"entries": op.num_entries, "ns_per_entry": seconds / op.num_entries * 1e9}


def dense(rows: int, dim: int) -> float:
    """Nanoseconds per row of all that a step does beside the product: map, norm, mean and covariance."""
    step = jax.jit(lambda blocks, alive, affine: transform_and_measure(blocks, alive, alive, affine, "l2"))
    table = np.random.default_rng(0).standard_normal((rows, dim), dtype=np.float32)
    given = split_columns(jnp.asarray(table)), jnp.ones(rows), Affine.identity(dim, triangular=True)
    jax.block_until_ready(step(*given))
    return best(lambda: jax.block_until_ready(step(*given))) / rows * 1e9


def best(run: Callable[[], Any]) -> float:
    """Seconds, the least of some turns: what the machine can do, whatever else it does besides."""
    return min(timed(run, 1) for _ in range(TURNS))


def halo(graph: cj.Graph, parts: int) -> dict[str, float]:
    """Of the rows that are not of a part, the share that its product needs, on the mean; and what is expected of it."""
    counts = graph.counts().tocsr()
    bounds = np.linspace(0, graph.num_entities, parts + 1).astype(int)
    needed, outside = [], 0
    for low, high in pairwise(bounds):
        columns = counts.indices[counts.indptr[low] : counts.indptr[high]]
        far = columns[(columns < low) | (columns >= high)]
        needed.append(len(np.unique(far)) / (graph.num_entities - (high - low)))
        outside += len(far)
    share = outside / counts.nnz
    told = remote_share(counts.nnz / graph.num_entities, share, parts)
    return {"outside": share, "needed": float(np.mean(needed)), "told": told}


def share(entities: int, count: int) -> dict[str, Any]:
    """Two processes on a generated edge list: seconds and bytes of each, the larger."""
    rng = np.random.default_rng(2)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "edges.tsv"
        np.savetxt(path, rng.integers(0, entities, (count, 2)), "%08d\t%08d")
        done = pair("share", str(path))
    return {"entities": entities, "lines": count, **{name: max(one[name] for one in done) for name in done[0]}}


def loopback(size: int) -> dict[str, float]:
    """Bytes a second that each of two processes gets from the other, through the loopback of this machine."""
    done = pair("loopback", str(size))
    return {"bytes": size, **{name: min(one[name] for one in done) for name in done[0]}}


def pair(*what: str) -> list[dict[str, Any]]:
    """What two fresh processes measure together."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{one.getsockname()[1]}"
    command = [sys.executable, "-W", "ignore", "-m", "experiments.scale.pair", address]
    both = [subprocess.Popen([*command, str(number), *what], stdout=subprocess.PIPE, cwd=ROOT) for number in (0, 1)]
    told = [process.communicate()[0].decode().splitlines()[-1] for process in both]
    return [json.loads(line) for line in told]


if __name__ == "__main__":
    main()
