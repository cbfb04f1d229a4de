"""The compiled step: traced once, in the native kernel, two tables and nothing of a table's size beside them."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from cleora_jax import Cleora, embed, from_edges, markov
from cleora_jax.cleora import loop
from cleora_jax.cleora.loop import Numbers, Pending, State, Step, Walk, advance
from cleora_jax.vectors.rows import CHUNK_ROWS, split_columns

RNG = np.random.default_rng(2)


@pytest.mark.parametrize("rows", [4 * CHUNK_ROWS, 4 * CHUNK_ROWS + 100])
@pytest.mark.parametrize("dim", [100, 256])
@pytest.mark.parametrize(
    "step",
    [
        Step("l2", True, False, True),
        Step("l2", True, False, False),
        Step("l1", True, False, False),
        Step("l2", False, False, False),
        Step("none", True, False, True),
    ],
    ids=str,
)
def test_a_step_holds_no_table_of_its_own(rows, dim, step):
    op = markov(from_edges(RNG.integers(0, rows, 3 * rows), RNG.integers(0, rows, 3 * rows), num_entities=rows))
    table = jnp.ones((rows, dim))
    pending = Pending.nothing(dim, triangular=step.triangular) if step.whiten else None
    ones = jnp.ones(rows)
    state, numbers = State(split_columns(table), pending), Numbers(*[np.float32(0.5)] * 3, np.float32(dim))
    compiled = advance.lower(Walk(op, ones, ones), numbers, state, split_columns(table), step=step).compile()
    assert compiled.as_text().count("cpu_csr_sparse_dense_ffi") == len(split_columns(table))
    room = 4 * (4 * CHUNK_ROWS * dim + 8 * dim * dim)  # some chunks and some Gram matrices
    assert compiled.memory_analysis().temp_size_in_bytes < min(room, 2 * table.nbytes)
    copies = [line for line in compiled.as_text().splitlines() if "copy(" in line and f"[{rows}," in line]
    assert not copies


def test_a_run_compiles_onestep():
    rows = 5000
    graph = from_edges(RNG.integers(0, rows, 3 * rows), RNG.integers(0, rows, 3 * rows), num_entities=rows)
    before = loop.advance._cache_size()
    embed(graph, Cleora(dim=16, num_iterations=6))
    embed(graph, Cleora(dim=16, num_iterations=9, seed=3))
    assert loop.advance._cache_size() == before + 1
