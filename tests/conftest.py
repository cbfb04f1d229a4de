"""Fixtures: toy graphs with every quirk, and the way to the real data sets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cleora_jax.graph import from_edges, from_hyperedges, from_scipy

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data sets, or a skip with the reason."""
    given = os.environ.get("CLEORA_JAX_DATA")
    for folder in ([Path(given)] if given else []) + [ROOT.parent / "shared" / "data"]:
        if (folder / "MANIFEST.json").is_file():
            return folder
    pytest.skip("real data sets not found: set CLEORA_JAX_DATA or place them in ../shared/data")


def toy_graphs() -> dict:
    """Small graphs: one relation and several, weights, repeats, singletons, isolated entities, two components."""
    import numpy as np
    import scipy.sparse as sp

    rng = np.random.default_rng(7)
    baskets = [[f"i{i}" for i in rng.integers(0, 40, rng.integers(1, 9))] for _ in range(60)]
    bipartite = [f"u{u}\t" + " ".join(f"i{i}" for i in rng.integers(0, 15, rng.integers(1, 5))) for u in range(25)]
    matrix = sp.random_array((30, 30), density=0.1, rng=rng, format="csr", dtype=np.float32)
    return {
        "edges": from_edges(rng.integers(0, 50, 120), rng.integers(0, 50, 120)),
        "weighted": from_edges(rng.integers(0, 30, 70), rng.integers(0, 30, 70), rng.random(70)),
        "isolated": from_edges(rng.integers(0, 20, 40), rng.integers(0, 20, 40), num_entities=26),
        "baskets": from_hyperedges(baskets),
        "two columns": from_hyperedges(bipartite, "user complex::item"),
        "relations": from_hyperedges(bipartite, "user complex::reflexive::item"),
        "transient": from_hyperedges(bipartite, "transient::user complex::item"),
        "components": from_hyperedges(["a b", "b c", "c a", "x y", "y z"]),
        "symmetric matrix": from_scipy(matrix + matrix.T),
        "matrix": from_scipy(matrix),
    }


TOYS = toy_graphs()


@pytest.fixture(params=list(TOYS))
def toy(request: pytest.FixtureRequest):
    """Each toy graph in turn."""
    return TOYS[request.param]
