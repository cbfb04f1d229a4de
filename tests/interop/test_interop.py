"""Round trips through the real libraries: weights, direction, isolated entities, attributes, ids."""

from __future__ import annotations

import datetime
import json

import numpy as np
import pyarrow as pa
import pytest

import cleora_jax as cj
from cleora_jax import interop
from cleora_jax.graph import adjacency
from tests.conftest import toy_graphs

TOYS = toy_graphs()
EDGES = cj.from_edges(
    [0, 1, 1, 2, 0], [1, 2, 2, 0, 0], [1.0, 0.5, 0.25, 2.0, 3.0], ids=["ann", "bob", "cid", "eve, alone"]
)
ATTRIBUTES = pa.table({"age": [41, 12, None, 7], "title": ["Ann", None, "Çid", "Eve"], "score": [0.5, 1.5, 2.5, None]})
TYPED = cj.Vocab(pa.array(["1", "2", "1"], pa.large_string()), ("user", "item"), np.array([0, 0, 1], np.uint8))
VECTORS = cj.Embedding(np.arange(12, dtype=np.float32).reshape(4, 3) / 7, EDGES.vocab, {"dim": 3, "seed": 4})


def listed(graph, directed=True):
    """Edges of a graph by name, with their weights, sorted."""
    relation = graph.relations[0]
    names = graph.vocab.keys()
    weight = np.ones(len(relation.left)) if relation.weight is None else relation.weight
    pairs = [tuple(names[row] for row in pair) for pair in relation.left.member.reshape(-1, 2).tolist()]
    if not directed:
        pairs = [tuple(sorted(pair)) for pair in pairs]
    return sorted(zip(pairs, weight.tolist(), strict=True))


@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize("library", ["networkx", "igraph"])
def test_round_trips_lose_nothing(library, directed):
    pytest.importorskip(library)
    if library == "networkx":
        there = interop.to_networkx(EDGES, directed=directed, multigraph=True, attributes=ATTRIBUTES)
        back = interop.from_networkx(there)
    else:
        back = interop.from_igraph(interop.to_igraph(EDGES, directed=directed, attributes=ATTRIBUTES))
    assert back.directed == directed and back.graph.vocab.ids.equals(EDGES.vocab.ids)
    assert listed(back.graph, directed) == listed(EDGES, directed)
    assert back.graph.isolated.tolist() == EDGES.isolated.tolist()
    assert back.attributes.to_pydict() == ATTRIBUTES.to_pydict()


@pytest.mark.parametrize("library", ["networkx", "igraph"])
def test_columns_are_kept(library):
    pytest.importorskip(library)
    graph = cj.from_hyperedges(["1\t1", "2\t1", "2\t2"], "user item")
    there = getattr(interop, f"to_{library}")(graph)
    back = getattr(interop, f"from_{library}")(there)
    assert back.graph.vocab.columns == graph.vocab.columns and back.graph.vocab == graph.vocab
    assert back.graph.two_sided
    np.testing.assert_allclose(back.graph.counts().toarray(), graph.counts().toarray())


def test_pairs_of_numbers_are_no_columns():
    nx = pytest.importorskip("networkx")
    found = interop.from_networkx(nx.grid_2d_graph(300, 2))
    assert found.graph.vocab.columns == ("node",) and "(0, 1)" in found.graph.vocab
    many = nx.Graph([((f"column {at}", "x"), ("column 0", "y")) for at in range(300)])
    with pytest.raises(ValueError, match="columns"):
        interop.from_networkx(many)


def test_edges_both_ways_are_taken_once_and_others_stay():
    from cleora_jax.interop import torch as ours
    from cleora_jax.interop.edges import Edges

    edges = Edges(
        np.array([0, 1, 2, 3, 1, 4, 4, 5, 5, 6, 6, 6]),
        np.array([1, 0, 0, 1, 3, 4, 4, 6, 6, 5, 5, 5]),
        np.array([1.0, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 2]),
    )
    one = ours._one_way(edges)
    found = sorted(zip(*(part.tolist() for part in one), strict=True))
    assert found == [
        (0, 1, 1), (1, 3, 1), (2, 0, 1), (3, 1, 2), (4, 4, 1), (4, 4, 1), (5, 6, 1), (5, 6, 1), (6, 5, 2)
    ]  # fmt: skip
    assert not ours._symmetric(edges) and ours._symmetric(ours._both_ways(Edges(*(part[:3] for part in one))))


@pytest.mark.parametrize("graph", TOYS.values(), ids=TOYS)
@pytest.mark.parametrize("library", ["networkx", "igraph"])
def test_hyperedges_become_their_cliques(library, graph):
    other = pytest.importorskip(library)
    there = getattr(interop, f"to_{library}")(graph)
    if library == "networkx":
        found = other.to_numpy_array(there)
    else:
        found = np.array(there.get_adjacency(attribute="weight").data, float) if there.ecount() else 0
        found = found + 0.0
    expected = adjacency(graph).toarray()
    off = ~np.eye(len(expected), dtype=bool)
    if library == "networkx" or not there.has_multiple():
        np.testing.assert_allclose(found[off], expected[off], rtol=1e-6)


def test_networkx_adds_up_parallel_edges_where_it_cannot_hold_them():
    nx = pytest.importorskip("networkx")
    found = interop.to_networkx(EDGES)
    assert isinstance(found, nx.Graph) and found["bob"]["cid"]["weight"] == 0.75
    assert set(found.nodes) == {"ann", "bob", "cid", "eve, alone"}


def test_networkx_nodes_of_any_kind():
    nx = pytest.importorskip("networkx")
    other = nx.DiGraph()
    other.add_edge(1, frozenset({2}), weight=3)
    other.add_node(("a", 1), colour={"r": 1})
    found = interop.from_networkx(other)
    assert found.graph.vocab.ids.to_pylist() == ["1", "frozenset({2})", "('a', 1)"]
    assert found.attributes["colour"].to_pylist() == [None, None, {"r": 1}]
    other.add_edge("1", 1)
    with pytest.raises(ValueError, match="distinct"):
        interop.from_networkx(other)
    with pytest.raises(ValueError, match="no edges"):
        interop.from_networkx(nx.empty_graph(3))


@pytest.mark.parametrize(
    ("values", "kind", "read"),
    [
        ([1, 2.5, None], "double", [1.0, 2.5, None]),
        ([np.int64(1), np.float32(2.5), 3], "double", [1.0, 2.5, 3.0]),
        ([None, True, False], "bool", [None, True, False]),
        ([2**64 - 1, None, 1], "uint64", [2**64 - 1, None, 1]),
        (["x", float("nan"), "y"], "string", ["x", None, "y"]),
        ([None, None, None], "null", [None] * 3),
    ],
)  # fmt: skip
def test_attributes_keep_a_type_that_holds_them(values, kind, read):
    nx = pytest.importorskip("networkx")
    other = nx.path_graph(3)
    nx.set_node_attributes(other, dict(enumerate(values)), "about")
    about = interop.from_networkx(other).attributes["about"]
    assert str(about.type) == kind and about.to_pylist() == read


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([1, "two", None], "int and str"), ([True, 1, 2], "bool and int"), ([2**70, 1, 2], "int"),
        ([2**60 + 1, 0.5, 1.0], "float and int"), ([datetime.date(2026, 1, 2), datetime.datetime(2026, 1, 2, 3), None],
        "date and datetime"), ([b"x", "x", "y"], "bytes and str"), ([1j, 2j, 3j], "complex"),
    ],
)  # fmt: skip
def test_attributes_that_become_text_are_told_of(values, told):
    nx = pytest.importorskip("networkx")
    other = nx.path_graph(3)
    nx.set_node_attributes(other, dict(enumerate(values)), "about")
    with pytest.warns(interop.MixedTypesWarning, match=f"'about' holds {told}, .* becomes text"):
        found = interop.from_networkx(other)
    assert found.attributes["about"].to_pylist() == [None if value is None else str(value) for value in values]


def test_attributes_of_one_name_are_an_error():
    nx = pytest.importorskip("networkx")
    other = nx.path_graph(2)
    other.nodes[0].update({1: "x", "1": "y"})
    with pytest.raises(ValueError, match="of the same name: 1, '1'"):
        interop.from_networkx(other)


def test_tables_read_back():
    table = interop.edge_table(EDGES)
    assert table.column_names == ["source", "target", "weight"]
    again = cj.from_edges(table["source"].to_pylist(), table["target"].to_pylist(), table["weight"].to_numpy())
    assert listed(again) == listed(EDGES)
    assert table.to_pandas().weight.sum() == 6.75
    polars = pytest.importorskip("polars")
    assert polars.from_arrow(table).shape == (5, 3)


@pytest.mark.parametrize("directed", [False, True])
def test_pyg(directed):
    pytest.importorskip("torch_geometric")
    data = interop.to_pyg(EDGES, directed=directed, embedding=VECTORS)
    assert data.num_nodes == 4 and data.edge_index.shape[1] == (5 if directed else 9)
    np.testing.assert_array_equal(data.x.numpy(), VECTORS.vectors)
    back = interop.from_pyg(data, directed=directed)
    assert listed(back.graph, directed) == listed(EDGES, directed) and back.directed == directed


def test_dgl():
    try:
        import dgl  # noqa: F401
    except (ImportError, OSError, RuntimeError) as error:
        pytest.skip(f"dgl cannot be imported here: {error}")
    back = interop.from_dgl(interop.to_dgl(EDGES, directed=True), ids=EDGES.vocab.ids.to_pylist())
    assert listed(back.graph) == listed(EDGES)


def test_anndata():
    pytest.importorskip("anndata")
    there = interop.to_anndata(EDGES, VECTORS)
    there.obs["kind"] = ["x", "y", "x", "y"]
    back = interop.from_anndata(there)
    assert not back.directed and back.graph.vocab.ids.equals(EDGES.vocab.ids)
    np.testing.assert_allclose(adjacency(back.graph).toarray(), adjacency(EDGES).toarray())
    assert back.attributes["kind"].to_pylist() == ["x", "y", "x", "y"]
    np.testing.assert_array_equal(interop.vectors_from_anndata(there).vectors, VECTORS.vectors)
    vocab = cj.Vocab(pa.array(["1", "2", "3"], pa.large_string()), TYPED.columns, TYPED.column_of)
    assert interop.vectors_from_anndata(interop.to_anndata(None, cj.Embedding(np.eye(3), vocab))).vocab == vocab
    with pytest.raises(ValueError, match="several columns"):
        interop.to_anndata(None, cj.Embedding(np.eye(3), TYPED))
    with pytest.raises(KeyError, match="obsp"):
        interop.from_anndata(there, graph="distances")
    with pytest.raises(ValueError, match="same entities"):
        interop.to_anndata()


def test_gensim():
    pytest.importorskip("gensim")
    there = interop.to_keyed_vectors(VECTORS)
    assert there.similarity("ann", "bob") == pytest.approx(VECTORS.cosine("ann", "bob"))
    back = interop.from_keyed_vectors(there)
    np.testing.assert_array_equal(back.vectors, VECTORS.vectors)
    with pytest.raises(ValueError, match="several columns"):
        interop.to_keyed_vectors(cj.Embedding(np.eye(3, dtype=np.float32), TYPED))


def test_safetensors(tmp_path):
    pytest.importorskip("safetensors")
    path = tmp_path / "v.safetensors"
    embedding = cj.Embedding(np.eye(3, dtype=np.float32), TYPED, {"method": "Cleora"})
    interop.save_safetensors(embedding, path)
    back = interop.load_safetensors(path)
    assert back.vocab == TYPED and back.settings == embedding.settings
    np.testing.assert_array_equal(back.vectors, embedding.vectors)
    whole = path.read_bytes()
    for cut in (0, 5, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(cj.InputError, match=r"v\.safetensors"):
            interop.load_safetensors(path)
    with pytest.raises(cj.InputError, match="no such file"):
        interop.load_safetensors(tmp_path / "none")


def test_projector(tmp_path):
    strange = cj.Embedding(VECTORS.vectors[:2], cj.Vocab.of(["a\tb", "c\nd"]))
    interop.save_projector(strange, tmp_path / "p", pa.table({"age": [1, None]}))
    rows = (tmp_path / "p" / "metadata.tsv").read_text().splitlines()
    assert rows == ["id\tcolumn\tage", "a b\tentity\t1", "c d\tentity\t"]
    np.testing.assert_array_equal(np.loadtxt(tmp_path / "p" / "vectors.tsv", dtype=np.float32), VECTORS.vectors[:2])
    assert "metadata.tsv" in (tmp_path / "p" / "projector_config.pbtxt").read_text()


def test_own_names_are_not_overwritten(tmp_path):
    pytest.importorskip("igraph")
    taken = pa.table({"column": [1, 2, 3, 4], "name": ["a", "b", "c", "d"]})
    with pytest.raises(ValueError, match="column"):
        interop.save_projector(VECTORS, tmp_path / "p", taken)
    with pytest.raises(ValueError, match="name"):
        interop.to_igraph(EDGES, attributes=taken.drop_columns(["column"]))


def test_dates_are_written_as_text(tmp_path):
    days = pa.table({"day": [datetime.date(2026, 1, 2)] * 4})
    interop.write_rows(VECTORS, tmp_path / "rows.jsonl", days)
    assert json.loads((tmp_path / "rows.jsonl").read_text().splitlines()[0])["payload"] == {"day": "2026-01-02"}


def test_rows_for_databases(tmp_path):
    interop.write_rows(VECTORS, tmp_path / "rows.jsonl", ATTRIBUTES)
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == VECTORS.vocab.ids.to_pylist()
    assert rows[1]["payload"] == {"age": 12, "score": 1.5}
    np.testing.assert_array_equal(np.array([row["vector"] for row in rows], np.float32), VECTORS.vectors)
    with pytest.raises(ValueError, match="attributes"):
        list(interop.vector_rows(VECTORS, pa.table({"age": [1]})))


def test_what_is_missing_says_how_to_get_it(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(ModuleNotFoundError, match=r"cleora-jax\[interop\]"):
        interop.to_networkx(EDGES)


# --- attributes, whatever table they are in ---


def test_attributes_are_matched_by_id_or_stand_in_order():
    frames = pytest.importorskip("pandas"), pytest.importorskip("polars")
    by_id = {"id": ["eve, alone", "ann"], "age": [7, 41]}
    in_order = {"age": [41, None, None, 7]}
    for attributes in (by_id, pa.table(by_id), *(one.DataFrame(by_id) for one in frames), in_order):
        assert cj.graph.attributes_of(attributes, EDGES.vocab).to_pydict() == in_order
        nodes = interop.to_networkx(EDGES, attributes=attributes).nodes
        assert nodes["ann"]["age"] == 41 and nodes["eve, alone"]["age"] == 7 and "age" not in nodes["bob"]
        assert next(interop.vector_rows(VECTORS, attributes))["payload"] == {"age": 41}


def test_the_index_of_a_frame_holds_ids_unless_it_counts():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"age": [7, 41]}, index=["eve, alone", "ann"])
    for one in (frame, frame.rename_axis("name"), frame.rename_axis("id").reset_index().set_index("age", drop=False)):
        assert cj.graph.attributes_of(one, EDGES.vocab).to_pydict() == {"age": [41, None, None, 7]}
    in_order = pd.DataFrame({"age": [41, 12, 3, 7]}, index=np.array([0, 1, 2, 3]))
    assert cj.graph.attributes_of(in_order, EDGES.vocab).to_pydict() == {"age": [41, 12, 3, 7]}
    numbered = cj.Vocab.of(["0", "1", "2"])
    assert cj.graph.attributes_of(pd.DataFrame({"age": [1, 2, 3]})[::-1], numbered).to_pydict() == {"age": [1, 2, 3]}
    shuffled = pd.DataFrame({"age": [1, 2, 3]}, index=[2, 0, 1])
    assert cj.graph.attributes_of(shuffled, numbered).to_pydict() == {"age": [2, 3, 1]}
    with pytest.raises(ValueError, match="2 levels"):
        cj.graph.attributes_of(frame.set_index("age", append=True), EDGES.vocab)


def test_attributes_of_ids_in_several_columns_say_of_which():
    about = {"id": ["1"], "age": [7]}
    with pytest.raises(ValueError, match="'1' stands in several columns of the graph: give `graph.attributes_of`"):
        interop.to_networkx(cj.from_hyperedges(["1\t1", "2\t1"], "user item"), attributes=about)
    of_items = cj.graph.attributes_of(about, TYPED, "item")
    assert of_items.to_pydict() == {"age": [None, None, 7]}
    embedding = cj.Embedding(np.eye(3, dtype=np.float32), TYPED)
    assert [row["payload"] for row in interop.vector_rows(embedding, of_items)] == [{}, {}, {"age": 7}]
    with pytest.raises(KeyError, match="no column 'shop'"):
        cj.graph.attributes_of(about, TYPED, "shop")


@pytest.mark.parametrize(
    ("attributes", "error", "message"),
    [
        ({"age": [1]}, ValueError, "a row per entity"),
        ({"ann": ["bob", "cid"], "41": [12, 7]}, ValueError, "first column is called 'ann', as an entity is"),
        ({"id": ["ann", "ann"], "age": [1, 2]}, ValueError, "more than once"),
        ({"id": ["nobody"], "age": [1]}, ValueError, "know none"),
        ([1, 2, 3, 4], TypeError, "`attributes`"),
        ({"id": [0.5], "age": [1]}, TypeError, "ids must be strings"),
    ],
)
def test_attributes_that_do_not_fit_are_named(attributes, error, message, tmp_path):
    for call in (
        lambda: interop.to_networkx(EDGES, attributes=attributes),
        lambda: interop.to_igraph(EDGES, attributes=attributes),
        lambda: interop.save_projector(VECTORS, tmp_path / "projector", attributes),
        lambda: cj.viz.write_explorer(VECTORS, tmp_path / "page.html", attributes=attributes),
        lambda: next(interop.vector_rows(VECTORS, attributes)),
    ):
        with pytest.raises(error, match=message):
            call()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "call",
    [
        cj.stats.report, cj.stats.degrees, cj.stats.popular, cj.stats.connected_components, cj.preprocess.dedupe,
        cj.preprocess.largest_component, cj.community.louvain, cj.community.label_propagation, cj.adjacency, cj.markov,
        interop.to_networkx, interop.edge_table, cj.viz.plot_degrees, cj.embed,
    ],
)  # fmt: skip
def test_another_librarys_graph_is_no_graph(call):
    nx = pytest.importorskip("networkx")
    with pytest.raises(TypeError, match=r"must be a Graph of cleora_jax .*from_networkx.*got networkx\.Graph"):
        call(nx.karate_club_graph())


@pytest.mark.parametrize(
    "call",
    [cj.viz.plot_map, lambda x, _: cj.viz.plot_spectrum(x), cj.community.kmeans, interop.save_safetensors,
     interop.write_rows],
)  # fmt: skip
def test_an_array_is_no_embedding(call, tmp_path):
    with pytest.raises(TypeError, match=r"must be an? Embedding of cleora_jax"):
        call(np.eye(3), tmp_path / "x")
