"""Every mode through one contract: shape, dtype, finite, same call same bits, isolated entities, two components,
relabelling, empty and one-entity graphs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

import cleora_jax as cj
from tests import dense

DIM = 8
BASE = cj.Cleora(dim=DIM, num_iterations=4, whiten_rank=3)
RNG = np.random.default_rng(21)
EDGES = [
    *(f"a{i} a{j}" for i, j in RNG.integers(0, 25, (90, 2))),
    *(f"b{i} b{j}" for i, j in RNG.integers(0, 15, (50, 2))),
]
IDS = [f"a{i}" for i in range(25)] + [f"b{i}" for i in range(15)] + ["alone"]
FEATURES = {entity: RNG.standard_normal(5) for entity in IDS[::2]}


class Mode(NamedTuple):
    """A way to embed a graph: `call(graph)`; columns of the result; whether vectors may be compared after relabelling."""

    call: Callable[[cj.Graph], cj.Embedding]
    width: int = DIM
    relabels: bool = True


def cleora(**options) -> Callable[[cj.Graph], cj.Embedding]:
    return lambda graph: cj.embed(graph, replace(BASE, **options))


def started(init) -> Callable[[cj.Graph], cj.Embedding]:
    return lambda graph: cj.embed(graph, BASE, init=init(graph))


def edge_features(combine: str) -> Callable[[cj.Graph], cj.Embedding]:
    def call(graph):
        values = np.random.default_rng(3).standard_normal((graph.num_hyperedges, 4))
        return cj.embed_edge_features(graph, values, BASE, combine=combine)

    return call


def updated(graph: cj.Graph) -> cj.Embedding:
    fitted = cj.fit(graph, BASE)
    return cj.update(fitted, cj.from_hyperedges(EDGES[:7]), gone=cj.from_hyperedges(EDGES[:7])).embedding


MODES = {
    "plain": Mode(cleora()),
    "symmetric": Mode(cleora(propagation="symmetric")),
    "residual": Mode(cleora(residual_weight=0.3)),
    "soft": Mode(cleora(whiten_alpha=0.5)),
    "unwhitened": Mode(cleora(whiten="off")),
    "l1": Mode(cleora(normalization="l1", whiten="last")),
    "scales": Mode(cleora(scales=(1, 2, 4)), 3 * DIM),
    "weighted scales": Mode(cleora(scales=(1, 2, 4), scale_weights=(1, 2, 3))),
    "attention": Mode(cleora(attention_temperature=0.5)),
    "out": Mode(cleora(propagation="directed")),
    "in": Mode(cleora(propagation="directed-in")),
    "both ways": Mode(cleora(propagation="directed-both"), 2 * DIM),
    "metapath": Mode(cleora(metapath=("node",))),
    "features": Mode(started(lambda graph: cj.Features(FEATURES))),
    "warm": Mode(started(lambda graph: cj.embed(graph, BASE))),
    "edge features": Mode(edge_features("concat"), 2 * DIM, relabels=False),  # lines are permuted, too
    "edge features, mean": Mode(edge_features("mean"), relabels=False),
    "edge features only": Mode(edge_features("only"), relabels=False),
    "fit": Mode(lambda graph: cj.fit(graph, BASE).embedding),
    "update": Mode(updated),
    "sweep": Mode(lambda graph: cj.sweep(graph, BASE, seed=[0, 5])[1]),
    "combined": Mode(lambda graph: cj.combine([cj.embed(graph, BASE), cleora(seed=4)(graph)]), 2 * DIM),
    "aligned": Mode(lambda graph: cj.align(cj.embed(graph, BASE), cleora(seed=4)(graph))),
}


def graph_of(lines, ids=None) -> cj.Graph:
    source, target = np.array([line.split() for line in lines]).T
    ids = IDS if ids is None else ids
    row = {entity: at for at, entity in enumerate(ids)}
    return cj.from_edges([row[e] for e in source], [row[e] for e in target], ids=ids)


GRAPH = graph_of(EDGES)
pytestmark = pytest.mark.filterwarnings("ignore:whitening is confined")


@pytest.fixture(params=MODES)
def mode(request) -> Mode:
    return MODES[request.param]


def test_shape_dtype_finite_and_the_same_bits_again(mode):
    found = mode.call(GRAPH)
    assert found.vectors.shape == (41, mode.width) and found.vectors.dtype == np.float32
    assert np.isfinite(found.vectors).all()
    assert found.vocab == GRAPH.vocab
    np.testing.assert_array_equal(found.vectors, mode.call(GRAPH).vectors)


def test_isolated_entities_have_the_zero_vector_and_others_do_not(mode):
    found = mode.call(GRAPH)
    assert not found["alone"].any()
    touched = ~GRAPH.isolated
    if mode is MODES["metapath"]:  # sinks start no path
        touched = np.asarray(cj.metapath(GRAPH, ["node"]).row_sum) > 0
    assert found.vectors[touched].any(axis=1).all()


def test_two_components_are_both_embedded(mode):
    """And told apart: on the whole, an entity's own component is nearer."""
    found = mode.call(GRAPH)
    unit = dense.normalize(found.vectors.astype(float), "l2")
    a, b = unit[:25], unit[25:40]
    assert np.linalg.matrix_rank(a, tol=1e-4) > 1 and np.linalg.matrix_rank(b, tol=1e-4) > 1


def test_relabelling_permutes_rows(mode):
    if not mode.relabels:
        pytest.skip("its input follows the order of lines")
    order = RNG.permutation(41)
    lines = [EDGES[at] for at in RNG.permutation(len(EDGES))]
    found, again = mode.call(GRAPH), mode.call(graph_of(lines, [IDS[at] for at in order]))
    assert dense.gram_error(again.rows(IDS), found.vectors.astype(float)) < 1e-3


def test_graphs_without_two_entities_raise(mode):
    with pytest.raises(ValueError, match="at least two entities"):
        mode.call(cj.from_edges([0], [0], num_entities=1))
    with pytest.raises(ValueError, match="no hyperedges|empty"):
        mode.call(cj.from_hyperedges([]))
