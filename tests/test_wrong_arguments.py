"""Arguments of a wrong kind at the public doors: a sentence that names the argument, not what failed deep inside."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp

import cleora_jax as cj
from cleora_jax import community, generators, interop, sampling, viz

GRAPH = cj.from_hyperedges(["a b c", "c d e f", "a f", "g h"])
TABLE = np.random.default_rng(0).normal(size=(8, 4)).astype(np.float32)
VECTORS = cj.Embedding(TABLE, GRAPH.vocab)
HOLED = cj.Embedding(np.where(np.arange(8)[:, None] == 1, np.nan, TABLE), GRAPH.vocab)
ONE = cj.Embedding(TABLE[:1], cj.Vocab.of(["a"]))
NONE = cj.Embedding(TABLE[:0], cj.Vocab.of(pa.array([], pa.large_string())))


def networkx_of(*edges):
    nx = pytest.importorskip("networkx")
    graph = nx.Graph()
    graph.add_weighted_edges_from(edges)
    return graph


def igraph_of(**vertices):
    graph = pytest.importorskip("igraph").Graph.Ring(3)
    for name, values in vertices.items():
        graph.vs[name] = values
    return graph


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cj.Embedding(TABLE, list("abcdefgh")), "`vocab` must be a Vocab of cleora_jax"),
        (lambda: cj.Vocab.of(["a"], column=5), "`column` must be"),
        (lambda: VECTORS.most_similar("a", among=5), "`among` must be"),
        (lambda: cj.compress(VECTORS, "int8"), r"`codec` must be a codec, such as Int8\(\)"),
        (lambda: cj.compress(VECTORS, cj.Int8), r"`codec` must be a codec, such as Int8\(\)"),
        (lambda: cj.compress(ONE, cj.Int8()).recall(ONE), "no neighbour to find"),
        (lambda: cj.cca(np.ones((5, 2)), TABLE[:5]), "must vary"),
        (lambda: cj.kmeans(VECTORS, 2), r"`x` must be an array.*`\.vectors`"),
        (lambda: cj.whiten(VECTORS), r"`x` must be an array.*`\.vectors`"),
        (lambda: community.modularity(GRAPH, [["a", "b"], ["c"]]), "`communities` must be one per entity, in their order"),
        (lambda: community.modularity(GRAPH, [np.nan] * 8), "`communities` must be one per entity, got NaN"),
        (lambda: sampling.layers(GRAPH, [0], 2), "`fanouts` must be a list"),
        (lambda: sampling.walked(sp.csr_array(np.full((3, 3), np.nan)), [0], 2), "`graph` must have weights"),
        (lambda: sampling.walked(sp.csr_array(-np.ones((3, 3))), [0], 2), "`graph` must have weights"),
        (lambda: generators.planted_partition(5, 0.1, 0.1), "`sizes` must be a list"),
        (lambda: generators.stochastic_block_model([5], "x"), "`p` must be a matrix of numbers"),
        (lambda: interop.from_networkx([(0, 1)]), "`graph` must be a networkx graph, got list"),
        (lambda: interop.from_networkx(networkx_of((0, 1, 2)), column=5), "`column` must be"),
        (lambda: interop.from_networkx(networkx_of((0, 1, 2)), weight="cost"), "`weight`: no edge has .* 'cost'"),
        (lambda: interop.from_igraph([(0, 1)]), "`graph` must be an igraph graph, got list"),
        (lambda: interop.from_igraph(igraph_of(name=["a", None, "b"])), "vertex 1 has no name"),
        (lambda: interop.from_igraph(igraph_of(), weight="cost"), "`weight`: no edge has .* 'cost'"),
        (lambda: interop.from_pyg([1]), "`data` must be a homogeneous `Data` of PyG, got list"),
        (lambda: interop.from_dgl([1]), "`graph` must be a graph of DGL, got list"),
        (lambda: interop.from_anndata(TABLE), "`data` must be an AnnData, got ndarray"),
        (lambda: interop.vectors_from_anndata(TABLE), "`data` must be an AnnData, got ndarray"),
        (lambda: interop.from_keyed_vectors(TABLE), "`vectors` must be gensim's `KeyedVectors`"),
        (lambda: interop.write_rows(HOLED, "rows.jsonl"), "cannot write 'rows.jsonl': the vector of 'b' holds nan"),
        (lambda: interop.save_projector(HOLED, "folder"), "cannot write 'folder': the vector of 'b' holds nan"),
        (lambda: interop.save_safetensors(HOLED, "x.st"), "cannot write 'x.st': the vector of 'b' holds nan"),
        (lambda: viz.plot_spectrum(HOLED), "NaN"),
        (lambda: viz.plot_map(VECTORS, label="a"), "`label` must be a list"),
        (lambda: viz.plot_map(VECTORS, at=np.full((8, 2), np.nan)), "`at` must be finite"),
        (lambda: viz.plot_map(VECTORS, np.arange(8), groups="x"), "`groups` must be True or False"),
        (lambda: viz.write_explorer(VECTORS, "x.html", title=5), "`title` must be a text"),
    ],
)  # fmt: skip
def test_it_is_named(call, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((TypeError, ValueError), match=message):
        call()
    assert not list(tmp_path.iterdir())


def test_an_index_without_neighbours_has_no_recall():
    pytest.importorskip("usearch")
    for few in (NONE, ONE, cj.Embedding(np.zeros((3, 2), np.float32), cj.Vocab.of(list("abc")))):
        with pytest.raises(ValueError, match="no neighbour to find"):
            cj.build_index(few).recall(2)


def test_no_weight_is_none():
    found = interop.from_networkx(networkx_of((0, 1, 2.0)), weight=None)
    assert cj.adjacency(found.graph).data.tolist() == [1.0, 1.0]
    assert set(cj.adjacency(interop.from_igraph(igraph_of(), weight=None).graph).data.tolist()) == {1.0}
