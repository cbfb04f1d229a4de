"""The peers of `run.py`: PecanPy in an interpreter of its own, gensim in ours."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import cleora_jax as cj
from cleora_jax.baselines import Node2Vec
from cleora_jax.baselines.corpus import Corpus
from cleora_jax.graph import adjacency

PECANPY = """
import json, sys, time
import numba
from pecanpy import pecanpy
path, p, q, count, length, workers, repeats, tables = sys.argv[1:]
numba.set_num_threads(int(workers))
kinds = ["FirstOrderUnweighted"] if float(p) == float(q) == 1 else ["SparseOTF", "PreComp"][: 1 + int(tables)]
found = {}
for kind in kinds:
    graph = getattr(pecanpy, kind)(p=float(p), q=float(q), workers=int(workers))
    graph.read_edg(path, weighted=False, directed=False)
    start = time.perf_counter()
    graph.preprocess_transition_probs()
    before = time.perf_counter() - start
    graph.simulate_walks(1, int(length))
    seconds = []
    for _ in range(int(repeats)):
        start = time.perf_counter()
        walks = graph.simulate_walks(int(count), int(length))
        seconds.append(time.perf_counter() - start)
    found[kind] = {"prepare": before, "seconds": seconds, "walks": len(walks)}
print(json.dumps(found))
"""


def pecanpy_walks(
    edges: np.ndarray, p: float, q: float, method: Node2Vec, repeats: int, tables: bool
) -> dict[str, Any]:  # fmt: skip
    """What its ways of walking took, by name; nothing where it is not installed."""
    python = os.environ.get("CLEORA_JAX_PECANPY")
    if not python:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.edg"
        path.write_text("".join(f"{a}\t{b}\n" for a, b in edges))
        rest = map(
            str, [p, q, method.num_walks, method.walk_length, len(os.sched_getaffinity(0)), repeats, int(tables)]
        )
        done = subprocess.run([python, "-c", PECANPY, str(path), *rest], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def word2vec(method: Node2Vec, graph: cj.Graph) -> Callable[[], np.ndarray]:
    """gensim's training of our walks, with as many workers as cores; walks as lists of words are made beforehand."""
    from gensim.models import Word2Vec

    corpus = Corpus(adjacency(graph, weighted=False), method.bias, method.num_walks, method.walk_length, seed=0)
    walks = np.concatenate([corpus.walks(batch) for batch in range(corpus.batches)])
    sentences = [[str(node) for node in walk if node >= 0] for walk in walks.tolist() if walk[0] >= 0]

    def run() -> np.ndarray:
        options = {"vector_size": method.dim, "window": method.window, "negative": method.negatives, "sg": 1}
        workers = len(os.sched_getaffinity(0))
        found = Word2Vec(sentences, min_count=0, epochs=method.epochs, sample=method.sample, workers=workers, **options)
        vectors = np.zeros((graph.num_entities, method.dim), np.float32)
        vectors[[int(word) for word in found.wv.index_to_key]] = found.wv.vectors
        return vectors

    return run
