"""SEMANTICS §5: bit-identical vectors over processes, threads, chunk sizes, and one file or several."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

SCRIPT = """
import hashlib, os, sys
threads, chunk, dim, form, *files = sys.argv[1:]
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(threads)])
import cleora_jax as cj
graph = cj.read(files, chunk_bytes=int(chunk))
for _ in range(5):
    found = cj.embed(graph, cj.Cleora(dim=int(dim), num_iterations=4, form=form))
    print(hashlib.sha256(found.vectors.tobytes() + repr(found.vocab.ids.to_pylist()).encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The same 40,000 baskets over 9,000 entities as one file and as three."""
    rng = np.random.default_rng(1)
    lines = [" ".join(f"item{i}" for i in row[: 1 + row[0] % 6]) for row in rng.integers(0, 9000, (40_000, 6))]
    folder = tmp_path_factory.mktemp("baskets")
    parts = [lines[:11_111], lines[11_111:30_000], lines[30_000:]]
    (folder / "all.tsv").write_text("\n".join(lines) + "\n")
    for number, part in enumerate(parts):
        (folder / f"part{number}.tsv").write_text("\n".join(part) + "\n")
    return [str(folder / "all.tsv")], [str(folder / f"part{number}.tsv") for number in range(3)]


def run(threads: int, chunk: int, dim: int, form: str, paths: list[str], pool: int = 0) -> str:
    """The hash of a run on so many cores; `pool`, where larger, is the size of XLA's thread pool on them."""
    if threads > len(os.sched_getaffinity(0)):
        pytest.skip(f"needs {threads} processor cores")
    command = [sys.executable, "-c", SCRIPT, str(threads), str(chunk), str(dim), form, *paths]
    environment = {**os.environ, "NPROC": str(pool)} if pool else None
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    hashes = set(done.stdout.split())
    assert len(hashes) == 1, "runs in one process differ"
    return hashes.pop()


WIDE = [
    pytest.param(dim, form, marks=pytest.mark.slow)
    for dim, form in ((200, "factored"), (256, "clique"), (512, "clique"))
]


@pytest.mark.parametrize(("dim", "form"), [(64, "factored"), *WIDE])
def test_bit_identical(files, dim, form):
    one, three = files
    reference = run(1, 1 << 23, dim, form, one)
    assert reference == run(2, 1 << 23, dim, form, one)
    assert reference == run(2, 10_007, dim, form, three)
    assert reference == run(1, 1 << 23, dim, form, one, pool=16)


MOMENTS = """
import hashlib, os, sys
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[1])])
import jax, jax.numpy as jnp, numpy as np
from cleora_jax._blas import one_blas_thread
from cleora_jax.vectors.passes import Affine, measure, transform_and_measure
from cleora_jax.vectors.rows import split_columns
for rows, dim in ((16_470, 128), (9_000, 200), (40_001, 96)):
    table, alive = np.random.default_rng(0).normal(size=(rows, dim)).astype(np.float32), jnp.ones(rows)
    identity = Affine.identity(dim, triangular=True)
    with one_blas_thread():
        found = jax.jit(measure)(split_columns(jnp.asarray(table)), alive)
        both = jax.jit(transform_and_measure, static_argnums=4)(
            split_columns(jnp.asarray(table)), alive, alive, identity, "l2"
        )
    for leaf in jax.tree.leaves((found, both)):
        print(hashlib.sha256(np.asarray(leaf).tobytes()).hexdigest())
"""


def test_moments_are_the_same_on_one_core_and_on_two():
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs 2 processor cores")
    one, two = (
        subprocess.run([sys.executable, "-c", MOMENTS, cores], check=True, capture_output=True, text=True).stdout
        for cores in "12"
    )
    assert one == two and one.count("\n") > 20
