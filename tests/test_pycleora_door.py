"""The door for pycleora's users: the same names and signatures, the same results where theirs are right."""

from __future__ import annotations

import importlib.metadata
import inspect
import pickle
import random
import re
import runpy
import warnings
from itertools import pairwise
from pathlib import Path

import jax
import networkx as nx
import numpy as np
import pycleora
import pytest
import scipy.sparse as sp

from cleora_jax import RankWarning, from_edges, from_hyperedges
from cleora_jax import pycleora as door
from tests import dense

NODE = "complex::reflexive::node"
RNG = np.random.default_rng(11)
TRIPLES = [" ".join(f"n{i}" for i in row) for row in RNG.integers(0, 300, (1200, 3))]  # n ≫ dim, nothing to trim
ANY = [" ".join(f"n{i}" for i in RNG.integers(0, 60, RNG.integers(1, 9))) for _ in range(150)]
BASKETS = [f"u{u}\t" + " ".join(f"i{i}" for i in RNG.integers(0, 80, 3)) for u in RNG.integers(0, 90, 400)]
MIXED = [f"n{a}\tn{b}" for a, b in RNG.integers(0, 40, (200, 2))]  # ids that stand in both columns
SINGLE = [f"u{a}\ti{b}" for a, b in RNG.integers(0, 40, (200, 2))]
INPUTS = {
    "triples": (TRIPLES, NODE),
    "any size": (ANY, NODE),
    "two columns": (SINGLE, "user item"),
    "one complex": (BASKETS, "user complex::item"),
    "shared ids": (MIXED, "from to"),
}


@pytest.fixture(autouse=True)
def own_draws(monkeypatch):
    """Each test draws from the same beginning, whichever ran before it in this process."""
    monkeypatch.setitem(globals(), "RNG", np.random.default_rng(12))


def theirs(lines=TRIPLES, columns=NODE):
    return pycleora.SparseMatrix.from_iterator(iter(lines), columns, num_workers=1)


def ours(lines=TRIPLES, columns=NODE):
    return door.SparseMatrix.from_iterator(iter(lines), columns, num_workers=1)


@pytest.fixture(params=list(INPUTS))
def pair(request):
    """A graph by ours and by theirs."""
    return ours(*INPUTS[request.param]), theirs(*INPUTS[request.param])


def parameters(function) -> list[tuple[str, object]]:
    return [(one.name, one.default) for one in inspect.signature(function).parameters.values()]


def public_functions() -> list[str]:
    return [name for name, found in vars(pycleora).items() if inspect.isfunction(found) and not name.startswith("_")]


# --- names and signatures ---


def test_every_top_level_name_is_here():
    known = [name for name, found in vars(pycleora).items() if getattr(found, "__module__", "").startswith("pycleora")]
    known += ["DEFAULT_FEATURE_DIM", "DEFAULT_NUM_ITERATIONS"]
    assert len(known) > 20
    assert [name for name in known if not name.startswith("_") and not hasattr(door, name)] == []
    assert (door.DEFAULT_FEATURE_DIM, door.DEFAULT_NUM_ITERATIONS) == (256, 40)


@pytest.mark.parametrize("name", public_functions())
def test_signatures_are_theirs(name):
    assert parameters(getattr(door, name)) == parameters(getattr(pycleora, name))


def test_the_estimator_has_their_signatures():
    assert parameters(door.CleoraEmbedder) == parameters(pycleora.CleoraEmbedder)
    for name in ("fit", "transform", "fit_transform", "get_params", "set_params"):
        assert parameters(getattr(door.CleoraEmbedder, name)) == parameters(getattr(pycleora.CleoraEmbedder, name))


def compiled_members(kind) -> list[str]:
    found = vars(pycleora.SparseMatrix)
    return [name for name in found if not name.startswith("_") and (inspect.isgetsetdescriptor(found[name])) == kind]


@pytest.mark.parametrize("name", compiled_members(False))
def test_compiled_methods_have_their_parameters(name):
    """Names and order as in the extension's own text; which have a default, too (the text does not say which)."""
    text = getattr(pycleora.SparseMatrix, name).__text_signature__
    words = [word.strip() for word in text.strip("()").split(",") if word.strip() != "$self"]
    wanted = [(word.partition("=")[0], "=" in word) for word in words]
    method = inspect.signature(getattr(door.SparseMatrix, name)).parameters.values()
    assert [(one.name, one.default is not one.empty) for one in method if one.name != "self"] == wanted


def test_stubbed_methods_have_their_defaults():
    stub = (Path(pycleora.__file__).parent / "pycleora.pyi").read_text()
    methods = re.findall(r"def ([a-z]\w+)\(([^)]*)\)", stub)
    assert len(methods) > 8
    for name, text in methods:
        defaults = re.findall(r"(\w+):[^=,]*(?:\[[^\]]*\])?[^=,]*= (\w+)", text)
        method = inspect.signature(getattr(door.SparseMatrix, name)).parameters
        assert {key: str(method[key].default) for key, _ in defaults} == dict(defaults)


def test_compiled_attributes():
    assert len(compiled_members(True)) == 4
    for name in compiled_members(True):
        assert hasattr(ours(), name)


def test_submodules_point_at_the_page():
    assert {name for name, found in vars(pycleora).items() if inspect.ismodule(found)} - {"np", "pycleora"} <= set(
        door.SUBMODULES
    )
    for name in door.SUBMODULES:
        with pytest.raises(AttributeError, match=rf"'{name}'.*from-pycleora\.md"):
            getattr(door, name)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = door.nonsense


# --- the README of the installed pycleora ---


def readme_blocks() -> list[str]:
    """Python blocks of their README that use the package, with our import."""
    text = importlib.metadata.metadata("pycleora").get_payload()
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    return [block.replace("from pycleora import", "from cleora_jax.pycleora import") for block in blocks]


def test_the_readme_has_the_two_examples():
    assert [block.count("from cleora_jax.pycleora import") for block in readme_blocks()] == [1, 1]


@pytest.mark.parametrize("number", range(2))
def test_the_readme_runs_unchanged_but_for_the_import(number, tmp_path, capsys):
    script = tmp_path / "readme.py"
    script.write_text(readme_blocks()[number])
    random.seed(number)  # their baskets are drawn
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RankWarning)
        names = runpy.run_path(str(script))
    assert np.isfinite(names["embeddings"]).all()
    assert capsys.readouterr().out
    if number == 0:  # alice has a laptop and a mouse, and no keyboard: theirs ranks them below −0.2
        nearest = [found["entity_id"] for found in names["similar"]]
        assert set(nearest[:2]) == {"item_laptop", "item_mouse"}
        assert "alice" not in nearest


# --- the matrix ---


def as_matrix(entries) -> np.ndarray:
    rows, columns, values, n, m = entries
    assert (rows.dtype, columns.dtype, values.dtype) == (np.uint32, np.uint32, np.float32)
    return sp.coo_array((values, (rows, columns)), shape=(n, m)).toarray()


def test_entities_are_theirs_in_their_order(pair):
    mine, their = pair
    assert mine.entity_ids == their.entity_ids
    assert mine.num_entities == len(mine) == their.num_entities
    assert mine.num_edges == their.num_edges
    assert mine.get_entity_indices(their.entity_ids[::-1]) == their.get_entity_indices(their.entity_ids[::-1])
    assert mine.get_entity_index(their.entity_ids[3]) == 3
    for seed in (0, 7, -3):
        np.testing.assert_array_equal(
            mine.initialize_deterministically(9, seed), their.initialize_deterministically(9, seed)
        )


def test_first_vectors_of_any_id():
    lines = ["žluťoučký kůň", "日本 kůň", "🂡 日本"]
    for seed in (-1, 2**40):
        found, expected = (graph.initialize_deterministically(6, seed) for graph in (ours(lines), theirs(lines)))
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("markov_type", [None, "left", "symmetric"])
@pytest.mark.parametrize("name", ["triples", "any size", "two columns", "shared ids"])
def test_matrices_are_theirs(name, markov_type):
    mine, their = ours(*INPUTS[name]), theirs(*INPUTS[name])
    found = as_matrix(mine.to_sparse_csr(markov_type))
    np.testing.assert_allclose(found, as_matrix(their.to_sparse_csr(markov_type)), rtol=2e-5)
    np.testing.assert_allclose(mine.entity_degrees, their.entity_degrees, rtol=1e-5)
    assert mine.entity_degrees.dtype == np.float32
    x = RNG.normal(size=(len(mine), 5)).astype(np.float32)
    for method in ("left_markov_propagate", "symmetric_markov_propagate"):
        np.testing.assert_allclose(getattr(mine, method)(x), getattr(their, method)(x), atol=2e-6)


def test_a_complex_column_of_two_has_true_row_sums():
    """Theirs is off by a factor for each row; the pattern and the shares in a row are equal."""
    mine, their = (
        as_matrix(graph.to_sparse_csr()) for graph in (ours(*INPUTS["one complex"]), theirs(*INPUTS["one complex"]))
    )
    assert abs(their.sum(1) - 1).max() > 0.3
    np.testing.assert_allclose(mine.sum(1), 1, rtol=1e-6)
    np.testing.assert_allclose(mine, their / their.sum(1, keepdims=True), rtol=1e-5)


def test_neighbours(pair):
    mine, their = pair
    for entity in their.entity_ids[:20]:
        expected = dict(their.get_neighbors(entity))
        found = dict(mine.get_neighbors(entity))
        assert list(found) == list(expected)
        total = sum(expected.values())
        np.testing.assert_allclose(list(found.values()), [share / total for share in expected.values()], rtol=1e-5)


@pytest.mark.parametrize("name", ["two columns", "one complex", "shared ids"])
def test_column_masks(name):
    mine, their = ours(*INPUTS[name]), theirs(*INPUTS[name])
    for column in mine.columns:
        np.testing.assert_array_equal(mine.get_entity_column_mask(column), their.get_entity_column_mask(column))
    with pytest.raises(ValueError, match="column_name"):
        mine.get_entity_column_mask("nope")


def test_a_single_column_holds_all():
    """Theirs says none."""
    assert ours().get_entity_column_mask("node").all()


def test_unknown_entities_are_value_errors_that_name_them():
    graph = ours()
    for call in (lambda: graph.get_entity_index("nobody"), lambda: graph.get_entity_indices(["n1", "nobody"]),
                 lambda: graph.get_neighbors("nobody")):  # fmt: skip
        with pytest.raises(ValueError, match="nobody"):
            call()


def test_pickles_and_prints():
    graph = ours(ANY)
    again = pickle.loads(pickle.dumps(graph))
    assert repr(again) == repr(graph) == repr(theirs(ANY))
    np.testing.assert_array_equal(as_matrix(again.to_sparse_csr()), as_matrix(graph.to_sparse_csr()))
    with pytest.raises(AttributeError):
        graph.columns = ("a", "b")


def test_files(tmp_path):
    (tmp_path / "one.tsv").write_text("\n".join(ANY[:70]))
    (tmp_path / "two.tsv").write_text("\n".join(ANY[70:]))
    graph = door.SparseMatrix.from_files([str(tmp_path / "one.tsv"), str(tmp_path / "two.tsv")], NODE)
    assert graph.entity_ids == ours(ANY).entity_ids
    with pytest.raises(ValueError, match="no such file"):
        door.SparseMatrix.from_files([str(tmp_path / "three.tsv")], NODE)


def test_commas_split_where_there_is_no_tab():
    lines = [line.replace("\t", ",") for line in SINGLE]
    mine, their = ours(lines, "user item"), theirs(lines, "user item")
    assert mine.entity_ids == their.entity_ids == ours(SINGLE, "user item").entity_ids
    assert ours(["a,b c"], NODE).entity_ids == ["a,b", "c"]
    assert ours(["a,b\tc"], "user item").entity_ids == theirs(["a,b\tc"], "user item").entity_ids == ["a,b", "c"]
    with pytest.raises(ValueError, match="line 2"):
        ours(["a,b", "c"], "user item")  # theirs leaves it out
    weighted, _ = door.embed_weighted([("a,b", 3), ("a,c", 1)], "user item", 2, 1)
    assert weighted.get_neighbors("a") == [("b", 0.75), ("c", 0.25)]


def test_large_hyperedges_are_trimmed_as_announced():
    lines = [" ".join(f"n{i}" for i in RNG.choice(60, 30, replace=False)) for _ in range(40)]
    exact = door.SparseMatrix.from_iterator(lines, NODE, hyperedge_trim_n=None)
    default, same = ours(lines), ours(lines)
    np.testing.assert_array_equal(as_matrix(default.to_sparse_csr()), as_matrix(same.to_sparse_csr()))
    few, all_of_them = (as_matrix(graph.to_sparse_csr()) for graph in (ours(lines), exact))
    assert np.count_nonzero(few) < np.count_nonzero(all_of_them)
    for matrix in (few, all_of_them):
        np.testing.assert_allclose(matrix.sum(1), 1, rtol=1e-5)
    h = np.zeros((60, 40))
    for edge, line in enumerate(lines):
        h[exact.get_entity_indices(line.split()), edge] = 1
    w = h @ h.T / 30**2
    np.testing.assert_allclose(all_of_them, w / w.sum(1, keepdims=True), rtol=1e-5)
    np.testing.assert_allclose(exact.entity_degrees, 2 * w.sum(1), rtol=1e-5)
    assert exact.num_edges == np.count_nonzero(w)
    for graph in (default, exact):  # what embeds is the matrix that is shown
        step = door.embed(graph, 5, 1, normalization="none", whiten=False)
        np.testing.assert_allclose(
            step, as_matrix(graph.to_sparse_csr()) @ graph.initialize_deterministically(5), atol=1e-6
        )


def test_a_graph_of_ours_comes_in():
    graph = door.SparseMatrix(from_edges(["a", "b"], ["b", "c"], [1.0, 3.0]), ("node", "node"))
    np.testing.assert_allclose(dict(graph.get_neighbors("b"))["c"], 0.375)
    assert door.embed(graph, 4, 3, whiten=False).shape == (3, 4)


@pytest.mark.parametrize("columns", ["a b c", "a complex::reflexive::b", "transient::a complex::b"])
def test_several_relations_are_an_error_that_shows_the_way(columns):
    with pytest.raises(ValueError, match=r"relations='joint'|transient"):
        ours(["x\ty\tz"] if columns == "a b c" else ["x\ty"], columns)
    with pytest.raises(ValueError, match="shared_ids=True"):
        door.SparseMatrix(from_hyperedges(["x\ty"], "a b"), ("a", "b"))


def test_rows_to_unit_length():
    x = RNG.normal(size=(20, 4)).astype(np.float32)
    x[3] = 0
    np.testing.assert_allclose(ours().l2_normalize(x), theirs().l2_normalize(x), atol=1e-7)


def test_float64_and_other_layouts_are_taken():
    graph, x = ours(), np.asfortranarray(RNG.normal(size=(300, 4)))
    found = graph.left_markov_propagate(x)
    np.testing.assert_allclose(found, as_matrix(graph.to_sparse_csr()) @ x, atol=1e-5)
    found /= 2  # theirs can be written to, and their README does
    with pytest.raises(ValueError, match=r"\(300, d\)"):
        graph.left_markov_propagate(x[:5])


# --- embedding ---


@pytest.mark.parametrize("propagation", ["left", "symmetric"])
@pytest.mark.parametrize("normalization", ["l2", "l1"])
@pytest.mark.parametrize("residual", [0.0, 0.3])
def test_unwhitened(propagation, normalization, residual):
    settings = dict(propagation=propagation, normalization=normalization, residual_weight=residual, seed=3)
    expected = pycleora.embed(theirs(), 16, 6, whiten=False, num_workers=1, **settings)
    found = door.embed(ours(), 16, 6, whiten=False, num_workers=1, **settings)
    np.testing.assert_allclose(found, expected, atol=3e-5 * abs(expected).max())
    assert found.dtype == np.float32 and found.flags.writeable


def test_without_normalisation():
    found, expected = (each.embed(graph, 8, 3, normalization="none", whiten=False)
                       for each, graph in ((door, ours()), (pycleora, theirs())))  # fmt: skip
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("normalization", ["l2", "l1", "none"])
@pytest.mark.parametrize("residual", [0.0, 0.4])
def test_whitened_gram(normalization, residual):
    steps = 8 if normalization == "l2" else 1  # whitened rows have no stable l1 norm: it sees rotations
    settings = dict(normalization=normalization, residual_weight=residual)
    expected = pycleora.embed(theirs(), 16, steps, **settings)
    assert dense.gram_error(door.embed(ours(), 16, steps, **settings), expected.astype(float)) < 1e-4


def test_spectral_only_rotates():
    expected = pycleora.embed(theirs(), 16, 5, normalization="spectral", whiten=False)
    found = door.embed(ours(), 16, 5, normalization="spectral", whiten=False)
    assert dense.gram_error(found, expected.astype(float)) < 1e-4


def test_the_baseline_is_embed():
    expected = pycleora.embed_using_baseline_cleora(theirs(), 16, 4)
    assert dense.gram_error(door.embed_using_baseline_cleora(ours(), 16, 4), expected.astype(float)) < 1e-4


def test_auto_is_forty():
    np.testing.assert_array_equal(door.embed(ours(), 8, "auto"), door.embed(ours(), 8))
    with pytest.raises(ValueError, match="auto"):
        door.embed(ours(), 8, "many")


def test_given_vectors():
    start = RNG.normal(size=(300, 7))
    expected = pycleora.embed(theirs(), initial_embeddings=start, num_iterations=4, whiten=False)
    found = door.embed(ours(), initial_embeddings=start, num_iterations=4, whiten=False)
    np.testing.assert_allclose(found, expected, atol=2e-6)
    with pytest.raises(ValueError, match=r"shape \(300, 7\).*\(5, 7\)"):
        door.embed(ours(), initial_embeddings=start[:5])


@pytest.mark.parametrize("whiten", [False, True])
def test_callbacks_see_each_step(whiten):
    mine, their = [], []
    last = door.embed(ours(), 12, 5, whiten=whiten, callback=lambda *seen: mine.append(seen))
    pycleora.embed(theirs(), 12, 5, whiten=whiten, callback=lambda *seen: their.append(seen))
    assert [number for number, _ in mine] == [number for number, _ in their] == list(range(5))
    for (_, found), (_, expected) in zip(mine, their, strict=True):
        assert dense.gram_error(found, expected.astype(float)) < 1e-4
    np.testing.assert_array_equal(mine[-1][1], last)
    np.testing.assert_allclose(door.embed(ours(), 12, 5, whiten=whiten), last, atol=2e-5)


@pytest.mark.parametrize("threshold", [0.1, 0.01, 0.001])
@pytest.mark.parametrize("residual", [0.0, 0.3])
def test_convergence_stops_where_theirs_does(threshold, residual):
    settings = dict(residual_weight=residual, convergence_threshold=threshold)
    expected, steps = theirs().embed_fast_convergence(8, 60, **settings)
    found, count = ours().embed_fast_convergence(8, 60, **settings)
    assert count == steps < 60
    np.testing.assert_allclose(found, expected, atol=2e-6)
    np.testing.assert_allclose(door.embed(ours(), 8, 60, whiten=False, **settings), expected, atol=2e-6)


def test_embed_fast():
    np.testing.assert_allclose(ours().embed_fast(8, 5), theirs().embed_fast(8, 5), atol=2e-6)
    np.testing.assert_allclose(
        ours().embed_fast(8, 5, "symmetric", 2, 0.2), theirs().embed_fast(8, 5, "symmetric", 2, 0.2), atol=2e-6
    )
    found, steps = ours().embed_fast_convergence(8, 5)
    np.testing.assert_array_equal(found, ours().embed_fast(8, 5))
    assert steps == theirs().embed_fast_convergence(8, 5)[1] == 5


def test_multiscale():
    expected = pycleora.embed_multiscale(theirs(), 12, [6, 2, 4])
    found = door.embed_multiscale(ours(), 12, [6, 2, 4])
    assert found.shape == (300, 36)
    for part in range(3):
        columns = slice(12 * part, 12 * part + 12)
        assert dense.gram_error(found[:, columns], expected[:, columns].astype(float)) < 1e-4
    assert door.embed_multiscale(ours(), 3, whiten=False).shape == (300, 12)
    with pytest.raises(ValueError, match="scales"):
        door.embed_multiscale(ours(), 12, [])


@pytest.mark.parametrize("temperature", [0.5, 1.0])
def test_attention(temperature):
    seen = []
    expected = pycleora.embed_with_attention(theirs(), 12, 4, attention_temperature=temperature)
    found = door.embed_with_attention(
        ours(), 12, 4, attention_temperature=temperature, callback=lambda *step: seen.append(step)
    )
    assert dense.gram_error(found, expected.astype(float)) < 2e-4
    assert [number for number, _ in seen] == [0, 1, 2, 3]


def test_node_features():
    features = {f"n{i}": RNG.normal(size=10) for i in range(0, 300, 3)} | {"stranger": np.zeros(10)}
    expected = pycleora.embed_with_node_features(theirs(), features, 3, feature_weight=0.7)
    found = door.embed_with_node_features(ours(), features, 3, feature_weight=0.7)
    assert dense.gram_error(found, expected.astype(float)) < 1e-4
    with pytest.raises(ValueError, match="2 numbers"):
        door.embed_with_node_features(ours(), features | {"n1": np.zeros(2)})


@pytest.mark.parametrize("combine", ["concat", "mean", "edge_only"])
@pytest.mark.parametrize("whiten", [False, True])
def test_edge_features(combine, whiten):
    ends = RNG.permutation(300).reshape(-1, 2)
    features = {f"n{a} n{b}": RNG.normal(size=6) for a, b in ends}
    settings = dict(combine=combine, whiten=whiten, num_iterations=3, feature_dim=8)
    expected = pycleora.embed_edge_features(theirs(), features, **settings)
    found = door.embed_edge_features(ours(), features, **settings)
    assert found.shape == expected.shape
    if combine != "mean":  # which columns meet which depends on signs where vectors are whitened
        assert dense.gram_error(found, expected.astype(float)) < 1e-4
    elif not whiten:
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert door.embed_edge_features(ours(), {}, **settings).shape == (300, 8)


def test_edge_features_of_strangers_are_an_error():
    """Theirs leaves them out without a word."""
    with pytest.raises(ValueError, match="stranger"):
        door.embed_edge_features(ours(), {"n1 stranger": [1.0]})


# --- lines ---


def test_weights_count():
    """Theirs multiplies each row by a weight and divides by its sum again."""
    weights = RNG.integers(1, 4, len(TRIPLES))
    pairs = [(line, float(weight)) for line, weight in zip(TRIPLES, weights, strict=True)]
    graph, found = door.embed_weighted(pairs, NODE, 8, 3, whiten=False)
    copies = [line for line, weight in zip(TRIPLES, weights, strict=True) for _ in range(weight)]
    np.testing.assert_allclose(found, door.embed(ours(copies), 8, 3, whiten=False)[_rows(copies, graph)], atol=2e-6)
    assert abs(found - door.embed(ours(), 8, 3, whiten=False)).max() > 0.01
    theirs_too = pycleora.embed_weighted([(line, 1) for line in TRIPLES], NODE, 8, 3, whiten=False)[1]
    np.testing.assert_allclose(
        door.embed_weighted([(line, 1) for line in TRIPLES], NODE, 8, 3, whiten=False)[1], theirs_too, atol=2e-6
    )


def _rows(lines, graph) -> list[int]:
    return ours(lines).get_entity_indices(graph.entity_ids)


def test_directed_is_theirs_where_there_are_no_sinks():
    """A cycle with chords, no edge twice or both ways: the walk along edges has one weight per edge."""
    chords = {(i, (i + step) % 300) for i in range(300) for step in RNG.choice([1, 2, 5, 9, 20, 33, 70, 101], 3, False)}
    edges = [f"n{i} n{j}" for i, j in sorted(chords)]
    (mine, found), (their, expected) = (each.embed_directed(edges, NODE, 8, 4) for each in (door, pycleora))
    assert mine.entity_ids == their.entity_ids
    # theirs walks by weights of the undirected graph, which differ with the degrees of an edge's ends only by row
    assert dense.gram_error(found, expected.astype(float)) < 1e-4


def test_sinks_keep_vectors_of_their_own():
    """Theirs gives all sinks one vector."""
    edges = [f"n{i} s{j}" for i, j in zip(range(60), RNG.integers(0, 20, 60), strict=True)]
    graph, found = door.embed_directed(edges, NODE, 8, 3, whiten=False)
    _, expected = pycleora.embed_directed(edges, NODE, 8, 3, whiten=False)
    sinks = graph.get_entity_indices(sorted({edge.split()[1] for edge in edges}))
    assert not expected[sinks].any()
    assert len(np.unique(found[sinks].round(4), axis=0)) == len(sinks) > 10


def test_update_and_remove():
    whole = ours(ANY)
    updated = door.update_graph(ANY[:100], ANY[100:], NODE)
    np.testing.assert_array_equal(as_matrix(updated.to_sparse_csr()), as_matrix(whole.to_sparse_csr()))
    left = door.remove_edges([*ANY, ANY[0]], [ANY[0], "not there"], NODE)
    expected = pycleora.remove_edges([*ANY, ANY[0]], [ANY[0], "not there"], NODE, num_workers=1)
    assert left.entity_ids == expected.entity_ids
    np.testing.assert_allclose(as_matrix(left.to_sparse_csr()), as_matrix(expected.to_sparse_csr()), rtol=1e-5)
    with pytest.raises(ValueError, match="empty"):
        door.remove_edges(ANY[:1], ANY[:1], NODE)


# --- what is done with vectors ---


def test_whitening_where_theirs_is_right():
    x = (RNG.normal(size=(500, 12)) * np.arange(1, 13)).astype(np.float32)
    assert dense.gram_error(door.whiten_embeddings(x), pycleora.whiten_embeddings(x).astype(float)) < 1e-4
    few = door.whiten_embeddings(x, n_components=5)
    assert few.shape == (500, 5)
    assert dense.gram_error(few, pycleora.whiten_embeddings(x, n_components=5).astype(float)) < 1e-4
    np.testing.assert_array_equal(door.whiten_embeddings(x[:1]), x[:1])


def test_whitening_of_few_rows_keeps_what_is_near():
    """Theirs makes all pairs of karate's members equally far: cosine −1/33."""
    club = nx.karate_club_graph()
    edges = [f"{a} {b}" for a, b in club.edges]
    expected, found = pycleora.embed(theirs(edges), 48), door.embed(ours(edges), 48)
    units = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (expected, found))
    cosines = [(unit @ unit.T)[np.triu_indices(34, 1)] for unit in units]
    assert np.ptp(cosines[0]) < 0.01 and np.ptp(cosines[1]) > 1


def test_cosine_similarity():
    for a, b in (RNG.normal(size=(2, 6)), RNG.normal(size=(2, 3, 4)), np.zeros((2, 3)), [np.ones(3), np.zeros(3)]):
        np.testing.assert_allclose(door.cosine_similarity(a, b), pycleora.cosine_similarity(a, b), atol=1e-7)


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    return np.random.default_rng(13).normal(size=(300, 8)).astype(np.float32)


@pytest.mark.parametrize("exclude_self", [True, False])
def test_find_most_similar(vectors, exclude_self):
    for entity in ("n3", "n77"):
        found, expected = (
            each.find_most_similar(graph, vectors, entity, 12, exclude_self)
            for each, graph in ((door, ours()), (pycleora, theirs()))
        )
        assert [(one["entity_id"], one["index"]) for one in found] == [
            (one["entity_id"], one["index"]) for one in expected
        ]
        np.testing.assert_allclose(
            [one["similarity"] for one in found], [one["similarity"] for one in expected], atol=1e-6
        )
    with pytest.raises(ValueError, match="nobody"):
        door.find_most_similar(ours(), vectors, "nobody")


def test_the_query_itself_is_never_listed(vectors):
    """Theirs lists it last where all are asked for."""
    everyone = pycleora.find_most_similar(theirs(), vectors, "n3", 300)
    assert "n3" in [one["entity_id"] for one in everyone]
    assert "n3" not in [one["entity_id"] for one in door.find_most_similar(ours(), vectors, "n3", 300)]


@pytest.mark.parametrize("exclude_existing", [True, False])
@pytest.mark.parametrize("sources", [None, ["n1", "n2", "n30"]])
def test_predict_links(vectors, exclude_existing, sources):
    expected = pycleora.predict_links(theirs(), vectors, 40, exclude_existing, sources)
    found = door.predict_links(ours(), vectors, 20, exclude_existing, sources)
    once = {}
    for one in expected:  # theirs lists a pair from either end
        once.setdefault(frozenset((one["source"], one["target"])), one["score"])
    mine = {frozenset((one["source"], one["target"])): one["score"] for one in found}
    assert len(mine) == 20
    assert list(mine) == list(once)[:20]
    np.testing.assert_allclose(list(mine.values()), list(once.values())[:20], atol=1e-6)
    assert sources is None or {one["source"] for one in found} <= set(sources)


def test_vectors_of_another_graph_are_an_error(vectors):
    for call in (door.find_most_similar, door.predict_links):
        with pytest.raises(ValueError, match="300 rows"):
            call(ours(), vectors[:10], *(["n1"] if call is door.find_most_similar else []))


PAIRS = [(f"n{a}", f"n{b}") for a, b in RNG.permutation(300)[:200].reshape(-1, 2)]
APART = [(f"n{a}", f"n{b}") for a, b in RNG.permutation(300)[:80].reshape(-1, 2)]


def cosines(graph, vectors, pairs) -> np.ndarray:
    first, second = (vectors[graph.get_entity_indices(list(ends))] for ends in zip(*pairs, strict=True))
    return (first * second).sum(axis=1)


def test_refinement_brings_pairs_together(vectors):
    graph, losses = ours(), []
    found = door.supervised_refine(graph, vectors, PAIRS, num_epochs=20, callback=lambda *seen: losses.append(seen))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    before = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert cosines(graph, found, PAIRS).mean() > cosines(graph, before, PAIRS).mean() + 0.2
    assert [epoch for epoch, _ in losses] == list(range(20)) and losses[-1][1] < losses[0][1]
    again = door.supervised_refine(graph, vectors, PAIRS, num_epochs=20)
    np.testing.assert_array_equal(found, again)
    with pytest.raises(ValueError, match="nobody"):
        door.supervised_refine(graph, vectors, [("n1", "nobody")])


def test_refinement_uses_every_negative_pair(vectors):
    """Theirs uses the first five."""
    graph = ours()
    for found, used in (
        (door.supervised_refine(graph, vectors, PAIRS, APART, num_epochs=30, learning_rate=0.1), True),
        (pycleora.supervised_refine(theirs(), vectors, PAIRS, APART, num_epochs=30), False),
        (door.supervised_refine(graph, vectors, PAIRS, APART[:5], num_epochs=30, learning_rate=0.1), False),
    ):
        fell = cosines(graph, found, APART[5:]).max() < 0.6
        assert fell == used
    few, many = (
        door.supervised_refine(graph, vectors, PAIRS, APART, num_epochs=2, num_negatives_per_positive=count)
        for count in (1, 9)
    )
    np.testing.assert_array_equal(few, many)  # given ones are all there are


# --- a GPU ---


def test_propagation_on_the_cpu():
    start = RNG.normal(size=(300, 7)).astype(np.float32)
    seen = []
    found = door.propagate_gpu(
        ours(), start, 4, device="cpu", whiten=False, callback=lambda *step: seen.append(step[0])
    )
    np.testing.assert_array_equal(
        found, door.embed(ours(), initial_embeddings=start, num_iterations=4, whiten=False, callback=lambda *step: None)
    )
    assert seen == [0, 1, 2, 3]


@pytest.mark.skipif(all(device.platform == "cpu" for device in jax.devices()), reason="JAX sees no GPU")
@pytest.mark.parametrize("whiten", [False, True])
def test_on_a_gpu_the_gram_matrix_is_that_of_the_cpu(whiten):
    start = RNG.normal(size=(300, 16)).astype(np.float32)
    here, there = (
        door.propagate_gpu(ours(), start, 10, device=device, whiten=whiten).astype(np.float64)
        for device in ("cpu", "cuda")
    )
    assert np.linalg.norm(here @ here.T - there @ there.T) < 1e-4 * np.linalg.norm(here @ here.T)


def test_without_a_gpu_it_says_what_to_do():
    if any(device.platform != "cpu" for device in jax.devices()):
        pytest.skip("there is one")
    with pytest.raises(RuntimeError, match="device='cpu'"):
        door.propagate_gpu(ours(), np.ones((300, 2)))
    with pytest.raises(ValueError, match="device"):
        door.propagate_gpu(ours(), np.ones((300, 2)), device="tpu")


# --- the estimator ---


def test_the_estimator_does_as_theirs():
    settings = dict(feature_dim=8, num_iterations=3, whiten=False)
    mine, their = door.CleoraEmbedder(**settings), pycleora.CleoraEmbedder(**settings)
    np.testing.assert_allclose(mine.fit_transform(TRIPLES), their.fit_transform(TRIPLES), atol=2e-6)
    assert mine.get_params() == their.get_params()
    assert mine.entity_ids_ == their.entity_ids_ and len(mine.graph_) == 300
    np.testing.assert_array_equal(mine.transform(), mine.embeddings_)
    np.testing.assert_allclose(mine.transform(["n5 n3", "n3 n9"]), their.transform(["n5 n3", "n3 n9"]), atol=2e-6)
    assert mine.set_params(seed=4) is mine and mine.seed == 4
    with pytest.raises(ValueError, match="nonsense"):
        mine.set_params(nonsense=1)


def test_the_estimator_says_what_it_leaves_out():
    model = door.CleoraEmbedder(4, 2, whiten=False)
    with pytest.raises(RuntimeError, match="fit"):
        model.transform()
    model.fit(["a b", "b c"])
    with pytest.warns(UserWarning, match="1 entities"):
        assert model.transform(["c stranger"]).shape == (1, 4)
    with pytest.raises(ValueError, match="none"):
        model.transform(["stranger other"])


# --- graphs that grow ---


def communities(count: int, rng) -> list[str]:
    """Edges of 240 people in 6 groups, `count` of them."""
    people = np.arange(240)
    ends = rng.integers(0, 240, (8 * count, 2))
    same = (people[ends[:, 0]] % 6 == people[ends[:, 1]] % 6) | (rng.random(len(ends)) < 0.02)
    return [f"p{a} p{b}" for a, b in ends[same & (ends[:, 0] != ends[:, 1])]][:count]


def group_of(entity: str) -> int:
    return int(entity[1:]) % 6


@pytest.mark.parametrize("whiten", [True, False])
def test_new_entities_leave_the_old_as_they_are(whiten):
    """Theirs starts them from noise without a seed, and embeds everything anew."""
    lines = communities(1500, np.random.default_rng(2))
    graph = ours(lines)
    trained = door.embed(graph, 12, 10, whiten=whiten)
    new = [f"p{240 + at} p{friend}" for at in range(12) for friend in (at, at + 6, at + 12, at + 60)]
    (updated, found), (_, again) = (door.embed_inductive(graph, trained, lines, new, NODE) for _ in range(2))
    np.testing.assert_array_equal(found, again)
    np.testing.assert_array_equal(found[updated.get_entity_indices(graph.entity_ids)], trained)
    assert len(updated) == len(graph) + 12
    for at in range(12):
        nearest = [near["entity_id"] for near in door.find_most_similar(updated, found, f"p{240 + at}", 8)]
        assert np.mean([group_of(near) == at % 6 for near in nearest]) > 0.7
    first, second = (pycleora.embed_inductive(theirs(lines), trained, lines, new, NODE, 10)[1] for _ in range(2))
    assert not np.array_equal(first, second)  # by how much is chance: noise, and for whitened tables its basis
    assert abs(first[:240] - trained).max() > 0.1


def test_new_entities_come_in_the_basis_of_the_trained():
    lines = communities(1500, np.random.default_rng(4))
    graph, new = ours(lines), ["p240 p1", "p240 p7", "p240 p13"]
    trained = door.embed(graph, 12, 10)
    turn = np.linalg.qr(RNG.normal(size=(12, 12)))[0].astype(np.float32)
    (_, found), (_, turned) = (
        door.embed_inductive(graph, each, lines, new, NODE) for each in (trained, trained @ turn)
    )
    np.testing.assert_allclose(turned[-1], found[-1] @ turn, atol=2e-3)


def test_large_hyperedges_do_not_stop_new_entities():
    lines = [" ".join(f"n{i}" for i in RNG.choice(60, 30, replace=False)) for _ in range(40)]
    graph = ours(lines)
    updated, found = door.embed_inductive(graph, door.embed(graph, 4, 3), lines, ["n1 n2 new"], NODE)
    assert len(updated) == 61 and found[updated.get_entity_index("new")].any()


def test_streaming_keeps_the_basis():
    """Theirs draws new entities at random, and each batch turns all vectors."""
    lines = communities(1800, np.random.default_rng(3))
    batches = [lines[:1400], lines[1400:1600], [*lines[1600:], "newcomer p1", "newcomer p7"]]
    seen = []
    graph, found = door.embed_streaming(
        iter(batches), NODE, 12, 10, batch_callback=lambda number, graph, vectors: seen.append((number, graph, vectors))
    )
    assert [number for number, _, _ in seen] == [0, 1, 2]
    assert [len(each) for _, each, _ in seen] == [len(vectors) for _, _, vectors in seen]
    np.testing.assert_array_equal(seen[-1][2], found)
    np.testing.assert_array_equal(
        as_matrix(graph.to_sparse_csr()), as_matrix(ours([line for batch in batches for line in batch]).to_sparse_csr())
    )
    for (_, before, old), (_, after, new) in pairwise(seen):
        moved = new[after.get_entity_indices(before.entity_ids)]
        assert np.mean([door.cosine_similarity(*pair) for pair in zip(old, moved, strict=True)]) > 0.8
    nearest = [near["entity_id"] for near in door.find_most_similar(graph, found, "newcomer", 5)]
    assert sum(group_of(near) == 1 for near in nearest) >= 4
    with pytest.raises(ValueError, match="edge_batches"):
        door.embed_streaming([], NODE)
