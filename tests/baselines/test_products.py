"""The products of the baselines: in the native kernel, without a temporary of a row per edge."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse as sp

from cleora_jax.baselines import prone, walk_matrix
from cleora_jax.sparse.from_graph import from_csr
from tests.baselines.test_spectral import NATIVE

RNG = np.random.default_rng(0)
HALF = sp.random_array((2000, 2000), density=0.01, rng=RNG, format="csr", dtype=np.float32)
OP = from_csr(sp.csr_array(HALF + HALF.T), symmetric=True)
Z = jnp.ones((2000, 64))
PRODUCTS = {
    "½ M²": lambda: prone._half_square.lower(OP, Z, jnp.float32(0.8)),
    "Chebyshev term": lambda: prone._next_term.lower(OP, Z, Z, jnp.float32(0.8)),
    "walk matrix": lambda: walk_matrix._walked.lower(OP, jnp.ones(2000), jnp.arange(64), 10),
}


@pytest.mark.parametrize("name", PRODUCTS)
def test_native_kernel(name):
    compiled = PRODUCTS[name]().compile()
    assert NATIVE in compiled.as_text()
    assert compiled.memory_analysis().temp_size_in_bytes < 5 * Z.nbytes < OP.num_entries * 64 * 4
