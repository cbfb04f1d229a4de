"""Every baseline through one contract: shape, dtype, finite, seeds, isolated entities, odd graphs, weights, options,
memory, and that a second call compiles nothing."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from typing import NamedTuple

import jax
import numpy as np
import pytest

import cleora_jax as cj
from cleora_jax import _memory
from cleora_jax._memory import NeedsMemoryError
from tests import dense

DIM = 8
RNG = np.random.default_rng(21)
EDGES = np.concatenate(
    [RNG.integers(0, 25, (90, 2)), 25 + RNG.integers(0, 15, (50, 2))]
    + [np.stack([np.arange(k), (np.arange(k) + 1) % k], 1) + at for k, at in ((25, 0), (15, 25))]
)
WEIGHTS = RNG.integers(1, 4, len(EDGES)).astype(float)


class Case(NamedTuple):
    """A method; whether its result is random (`seeded`), blind to the size of weights, the same after relabelling."""

    method: Callable
    seeded: bool = False
    scale_free: bool = True
    relabels: bool = False


ALL = 200  # a dimension at which nothing is left out on these graphs, so that nothing is left to chance
CASES = {
    "ProNE": Case(cj.ProNE(dim=DIM), True, scale_free=False),
    "ProNE, no ending": Case(cj.ProNE(dim=DIM, filter=cj.Filter(ending="none")), True, scale_free=False),
    "ProNE-SMF": Case(cj.ProNE(dim=DIM, filter=None), True),
    "ProNE, whole": Case(cj.ProNE(dim=ALL), scale_free=False, relabels=True),
    "RandNE": Case(cj.RandNE(dim=DIM), True),
    "RandNE of A": Case(cj.RandNE(dim=DIM, matrix="adjacency", weights=(1, 0.1)), True, scale_free=False),
    "RandNE, standard": Case(cj.RandNE(dim=DIM, scaling="standard"), True),
    "RandNE, arcs": Case(cj.RandNE(dim=DIM, directed=True), True),
    "FastRP": Case(cj.FastRP(dim=DIM), True),
    "FastRP, arcs": Case(cj.FastRP(dim=DIM, directed=True, weights=(1, 1)), True),
    "NetMF": Case(cj.NetMF(dim=DIM), True),
    "NetMF, whole": Case(cj.NetMF(dim=ALL), relabels=True),
    "NetMF of few": Case(cj.NetMF(dim=DIM, rank=10), True),
    "NetMF of few, whole": Case(cj.NetMF(dim=ALL, rank=ALL), relabels=True),
    "GraRep": Case(cj.GraRep(dim=DIM, num_steps=2), True),
    "GraRep, whole": Case(cj.GraRep(dim=ALL), relabels=True),
    "HOPE": Case(cj.HOPE(dim=DIM), True),
    "HOPE, whole": Case(cj.HOPE(dim=ALL), relabels=True),
    "HOPE, arcs": Case(cj.HOPE(dim=DIM, directed=True), True),
    "HOPE, arcs, whole": Case(cj.HOPE(dim=ALL, directed=True), relabels=True),
    "SketchNE": Case(cj.SketchNE(dim=DIM), True),
    "SketchNE, α": Case(cj.SketchNE(dim=DIM, alpha=0.4, scaling="none"), True),
    "SketchNE, filtered": Case(cj.SketchNE(dim=DIM, filter=cj.Filter()), True, scale_free=False),
    "SketchNE, whole": Case(cj.SketchNE(dim=ALL), relabels=True),
    "Spectral Cleora": Case(cj.SpectralCleora(dim=DIM)),
    "Spectral Cleora, whole": Case(cj.SpectralCleora(dim=ALL), relabels=True),
    "Laplacian": Case(cj.LaplacianEigenmaps(dim=DIM), scale_free=False),
    "Laplacian, whole": Case(cj.LaplacianEigenmaps(dim=ALL), scale_free=False, relabels=True),
}


def graph_of(edges=EDGES, weights=WEIGHTS, count: int = 41, order=None) -> cj.Graph:
    """The toy graph: two components and entity 40 by itself; `order` gives each entity another number."""
    order = np.arange(count) if order is None else order
    return cj.from_edges(*order[edges].T, weights, num_entities=count)


GRAPH = graph_of()


@pytest.fixture(params=CASES)
def case(request) -> Case:
    return CASES[request.param]


@pytest.fixture(params=[name for name, case in CASES.items() if case.method.dim == DIM])
def narrow(request) -> Case:
    return CASES[request.param]


def test_shape_dtype_finite_and_seeds(case):
    method = case.method
    found = cj.embed(GRAPH, method)
    assert found.vectors.shape == (41, method.dim) and found.vectors.dtype == np.float32
    assert np.isfinite(found.vectors).all() and found.vocab == GRAPH.vocab
    np.testing.assert_array_equal(found.vectors, cj.embed(GRAPH, method).vectors)
    assert not found.vectors[40].any() and found.vectors[:40].any(axis=1).all()
    other = cj.embed(GRAPH, replace(method, seed=5)).vectors
    assert (other != found.vectors).any()
    if not case.seeded:  # the solver's start is random, what it finds is not
        assert dense.gram_error(other, found.vectors.astype(float)) < 2e-3


def test_two_components_are_told_apart(narrow):
    """Both are spread out, and an entity's own component is nearer."""
    unit = dense.normalize(cj.embed(GRAPH, replace(narrow.method, seed=2)).vectors.astype(float), "l2")
    a, b = unit[:25], unit[25:40]
    assert np.linalg.matrix_rank(a, tol=1e-4) > 1 and np.linalg.matrix_rank(b, tol=1e-4) > 1
    within, between = (np.abs(a @ a.T).mean() + np.abs(b @ b.T).mean()) / 2, np.abs(a @ b.T).mean()
    assert within > between


def test_relabelling_permutes_rows(case):
    if not case.relabels:
        pytest.skip("its vectors are random projections, or its last directions are approximate")
    order = RNG.permutation(41)
    shuffled = RNG.permutation(len(EDGES))
    again = cj.embed(graph_of(EDGES[shuffled], WEIGHTS[shuffled], order=order), case.method).vectors
    assert dense.gram_error(again[order], cj.embed(GRAPH, case.method).vectors.astype(float)) < 2e-3


def test_weights(narrow):
    plain = cj.embed(GRAPH, narrow.method).vectors
    ignored = replace(narrow.method, weighted=False)
    once = np.unique(np.sort(EDGES, axis=1), axis=0)
    if not getattr(narrow.method, "directed", False):
        simple = cj.embed(graph_of(once, np.ones(len(once))), ignored).vectors
        np.testing.assert_array_equal(cj.embed(GRAPH, ignored).vectors, simple)
    assert (cj.embed(GRAPH, ignored).vectors != plain).any()
    doubled = cj.embed(graph_of(weights=2 * WEIGHTS), narrow.method).vectors
    if narrow.scale_free:
        assert dense.gram_error(doubled, plain.astype(float)) < 1e-3
    else:
        assert (doubled != plain).any()


TINY = {
    "one edge": [(0, 1)],
    "path": [(0, 1), (1, 2)],
    "pairs": [(2 * i, 2 * i + 1) for i in range(6)],
    "star": [(0, i) for i in range(1, 12)],
    "complete": [(i, j) for i in range(8) for j in range(i)],
    "cycle": [(i, (i + 1) % 9) for i in range(9)],
    "loops besides": [(0, 0), (0, 1), (1, 1)],
}

QUICK = ("one edge", "pairs", "star")


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name not in QUICK)) for name in TINY])
def test_odd_graphs(narrow, name):
    """Of fewer entities than columns, or of equal eigenvalues: all have finite vectors."""
    found = cj.embed(cj.from_edges(*np.transpose(TINY[name])), narrow.method).vectors
    assert np.isfinite(found).all()
    if getattr(narrow.method, "directed", False) or isinstance(narrow.method, cj.FastRP):
        assert found.any()  # sinks, and rows of a very sparse projection, may have none
    elif not isinstance(narrow.method, cj.NetMF):  # whose matrix is nowhere above 1 on some of these
        assert found.any(axis=1).all()


@pytest.mark.parametrize("count", [2, 5])
def test_without_edges_all_is_zero(narrow, count):
    graph = cj.from_edges([0], [0], num_entities=count)
    assert not cj.embed(graph, narrow.method).vectors.any()


def test_hypergraphs_relations_and_columns(narrow):
    baskets = cj.from_hyperedges([["a", "b", "c"], ["c", "d"], ["e", "f", "a"], ["lone"]])
    found = cj.embed(baskets, narrow.method)
    assert (
        found.vectors.shape == (7, narrow.method.dim) and np.isfinite(found.vectors).all() and not found["lone"].any()
    )
    lines = [f"u{u}\ti{i} i{(i + 1) % 4}\ts{(u + i) % 3}" for u in range(5) for i in range(4)]
    several = cj.from_hyperedges(lines, "user complex::item shop")
    with pytest.raises(cj.OptionError, match="several relations"):
        cj.embed(several, narrow.method)
    joint = cj.embed(several, narrow.method, relations="joint")
    assert joint.vectors.any(axis=1).mean() > 0.5 and np.isfinite(joint.vectors).all()
    hidden = cj.embed(cj.from_hyperedges(lines, "transient::user complex::item shop"), narrow.method, relations="joint")
    assert len(hidden) == len(joint) - 5


def test_settings_are_json_whatever_numbers_are_given(narrow):
    """NumPy's numbers become Python's, so that an embedding can be saved."""
    numpys = {int: np.int64, float: np.float32, bool: np.bool_}
    values = {f.name: getattr(narrow.method, f.name) for f in fields(narrow.method)}
    given = {name: numpys[type(v)](v) if type(v) in numpys else v for name, v in values.items()}
    settings = cj.embed(GRAPH, type(narrow.method)(**given)).settings
    assert json.loads(json.dumps(settings))["method"] == type(narrow.method).__name__
    assert hash(narrow.method) == hash(replace(narrow.method)) and asdict(narrow.method)["dim"] == narrow.method.dim


def test_init_is_refused(narrow):
    with pytest.raises(cj.OptionError, match=f"`init` does not go with {type(narrow.method).__name__}"):
        cj.embed(GRAPH, narrow.method, init=np.zeros((41, narrow.method.dim), np.float32))


def test_memory_is_checked_before_the_work(narrow, monkeypatch):
    monkeypatch.setattr(_memory, "available_bytes", lambda: 1500)
    with pytest.raises(NeedsMemoryError, match=r"needs about .*iB, 1.5 KiB are available\. \S"):
        cj.embed(GRAPH, narrow.method)
    monkeypatch.setattr(_memory, "available_bytes", lambda: None)  # where it is not told, nothing is refused
    cj.embed(GRAPH, narrow.method)


@pytest.mark.parametrize("method", [cj.NetMF(dim=DIM), cj.GraRep(dim=DIM)], ids=repr)
def test_too_many_entities_for_tables_of_all_pairs(method, monkeypatch):
    monkeypatch.setattr("cleora_jax.baselines.dense.MAX_DENSE", 39)
    monkeypatch.setattr("cleora_jax.baselines.netmf.MAX_DENSE", 39)
    with pytest.raises(NeedsMemoryError, match=r"all pairs, 6.2 KiB for 40 entities.* up to 39 .*SketchNE"):
        cj.embed(GRAPH, method)


def compiled_by(call: Callable[[], object]) -> list[str]:
    """What JAX says it compiled meanwhile."""
    said = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())
    logging.getLogger("jax").addHandler(handler)
    try:
        with jax.log_compiles():
            call()
    finally:
        logging.getLogger("jax").removeHandler(handler)
    return [line for line in said if "ompil" in line]


def test_the_same_shape_compiles_once(narrow):
    """Another seed and other weights are the same shape."""
    again = graph_of(weights=WEIGHTS + 1)
    # HOPE finds more eigenvalues where many are negative: the two graphs differ in that, so it has seen both.
    for graph in (GRAPH, again) if isinstance(narrow.method, cj.HOPE) else (GRAPH,):
        cj.embed(graph, narrow.method)
    assert not compiled_by(lambda: cj.embed(again, replace(narrow.method, seed=77)))


def test_compilations_are_seen():
    assert compiled_by(lambda: jax.jit(lambda x: x * 3 + len(EDGES))(np.ones(17)))


def test_progress_ends_where_it_said(narrow):
    told = {}

    def progress(label, done, total):
        assert 0 < done <= total and told.get(label, (0, total))[1] == total
        told[label] = (done, total)

    cj.embed(GRAPH, narrow.method, progress=progress)
    assert told and all(done == total for done, total in told.values())


BAD = [
    (cj.ProNE, {"dim": 0}, "`dim`"),
    (cj.ProNE, {"dim": 2.0}, "`dim`"),
    (cj.ProNE, {"dim": True}, "`dim`"),
    (cj.ProNE, {"dim": 70_000}, "`dim`"),
    (cj.ProNE, {"seed": 1.5}, "`seed`"),
    (cj.ProNE, {"seed": 2**64}, "`seed`"),
    (cj.ProNE, {"weighted": 1}, "`weighted`"),
    (cj.ProNE, {"filter": 0.2}, "`filter`"),
    (cj.ProNE, {"filter": cj.Filter}, "`filter`"),
    (cj.Filter, {"num_terms": 0}, "`num_terms`"),
    (cj.Filter, {"num_terms": 10**9}, "`num_terms`"),
    (cj.Filter, {"mu": np.nan}, "`mu`"),
    (cj.Filter, {"mu": "low"}, "`mu`"),
    (cj.Filter, {"theta": -1}, "`theta`"),
    (cj.Filter, {"ending": "qr"}, "`ending`"),
    (cj.RandNE, {"matrix": "laplacian"}, "`matrix`"),
    (cj.RandNE, {"weights": ()}, "`weights`"),
    (cj.RandNE, {"weights": (0, 0)}, "`weights`"),
    (cj.RandNE, {"weights": 3}, "`weights`"),
    (cj.RandNE, {"weights": "12"}, "`weights`"),
    (cj.RandNE, {"weights": (1, np.inf)}, "`weights`"),
    (cj.RandNE, {"scaling": "l1"}, "`scaling`"),
    (cj.RandNE, {"directed": "no"}, "`directed`"),
    (cj.FastRP, {"weights": (None,)}, "`weights`"),
    (cj.FastRP, {"degree_power": np.inf}, "`degree_power`"),
    (cj.FastRP, {"normalize_steps": 1}, "`normalize_steps`"),
    (cj.FastRP, {"directed": None}, "`directed`"),
    (cj.NetMF, {"window": 0}, "`window`"),
    (cj.NetMF, {"negatives": 0}, "`negatives`"),
    (cj.NetMF, {"rank": 0}, "`rank`"),
    (cj.NetMF, {"rank": "all"}, "`rank`"),
    (cj.GraRep, {"num_steps": 0}, "`num_steps`"),
    (cj.GraRep, {"num_steps": 129}, "`num_steps`"),
    (cj.HOPE, {"dim": 9}, "`dim`"),
    (cj.HOPE, {"decay": 0}, "`decay`"),
    (cj.HOPE, {"decay": 1}, "`decay`"),
    (cj.HOPE, {"scaling": "standard"}, "`scaling`"),
    (cj.HOPE, {"directed": 0}, "`directed`"),
    (cj.SketchNE, {"window": 0}, "`window`"),
    (cj.SketchNE, {"rank": 0}, "`rank`"),
    (cj.SketchNE, {"power": 0}, "`power`"),
    (cj.SketchNE, {"alpha": 1.1}, "`alpha`"),
    (cj.SketchNE, {"alpha": np.nan}, "`alpha`"),
    (cj.SketchNE, {"negatives": -1}, "`negatives`"),
    (cj.SketchNE, {"scaling": "unit"}, "`scaling`"),
    (cj.SketchNE, {"filter": True}, "`filter`"),
    (cj.SpectralCleora, {"depths": ()}, "`depths`"),
    (cj.SpectralCleora, {"depths": (2, 1)}, "`depths`"),
    (cj.SpectralCleora, {"depths": (1, 1)}, "`depths`"),
    (cj.SpectralCleora, {"depths": 3}, "`depths`"),
    (cj.SpectralCleora, {"depths": (-1,)}, "`depths`"),
    (cj.SpectralCleora, {"power": -1}, "`power`"),
    (cj.LaplacianEigenmaps, {"tolerance": 0}, "`tolerance`"),
]


@pytest.mark.parametrize(("method", "options", "match"), BAD, ids=[f"{m.__name__} {o}" for m, o, _ in BAD])
def test_bad_options_name_the_argument(method, options, match):
    with pytest.raises((ValueError, TypeError), match=match):
        method(**options)


def test_weights_beyond_float32_are_told():
    """Powers of an adjacency matrix of huge weights."""
    graph = cj.from_edges([0, 1], [1, 2], [1e30, 1e30])
    with pytest.raises(cj.OptionError, match="left the range of float32"):
        cj.embed(graph, cj.RandNE(dim=4, matrix="adjacency", weights=(1, 1, 1), scaling="none"))
