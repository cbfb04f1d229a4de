"""One method on a generated graph in a fresh process: one JSON object of seconds and bytes. Started by `run.py`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


def edges(entities: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Distinct pairs, both ends drawn with probability ∝ rank^-0.5, so that the largest hub has some thousand edges."""
    rng = np.random.default_rng(0)
    chance = np.cumsum(np.arange(1, entities + 1) ** -0.5)
    ends = np.searchsorted(chance, rng.random((2, int(1.1 * count))) * chance[-1])
    ends = np.sort(np.minimum(ends, entities - 1), axis=0)
    keys = np.unique((ends[0].astype(np.int64) * entities + ends[1])[ends[0] != ends[1]])
    low, high = np.divmod(rng.permutation(keys)[:count], entities)
    return low, high


def ours(name: str, dim: int, low: np.ndarray, high: np.ndarray, entities: int) -> dict[str, Any]:
    import cleora_jax as cj

    graph = cj.from_edges(low, high, num_entities=entities)
    matrix = cj.adjacency(graph)
    method = cj.method_named(name, dim=dim, **({"rank": 256} if name == "netmf" else {}))
    before, start = resident(), time.perf_counter()
    cj.embed(graph, method)
    told = getattr(method, "bytes_needed", lambda *_: None)(entities, matrix.nnz)
    return {"seconds": time.perf_counter() - start, "arcs": int(matrix.nnz), "before": before, "told": told}


def nodevectors(dim: int, low: np.ndarray, high: np.ndarray, entities: int) -> dict[str, Any]:
    import scipy.sparse as sp
    from nodevectors import ProNE

    pairs = (np.concatenate([low, high]), np.concatenate([high, low]))
    matrix = sp.csr_matrix((np.ones(2 * len(low), np.float32), pairs), shape=(entities, entities))
    before, start = resident(), time.perf_counter()
    ProNE(n_components=dim, verbose=False).fit_transform(matrix)
    return {"seconds": time.perf_counter() - start, "arcs": int(matrix.nnz), "before": before}


def resident(field: str = "VmRSS") -> int:
    """Bytes of this process: now, or at most so far (VmHWM)."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status[field].split()[0]) * 1024


if __name__ == "__main__":
    name, entities, count, dim = sys.argv[1], *map(int, sys.argv[2:])
    pairs = edges(entities, count)
    found = nodevectors(dim, *pairs, entities) if name == "nodevectors" else ours(name, dim, *pairs, entities)
    sys.stdout.write(json.dumps(found | {"peak": resident("VmHWM")}) + "\n")
