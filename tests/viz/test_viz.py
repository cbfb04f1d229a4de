"""Pictures: what is drawn, not how it looks; and that nothing global is touched."""

from __future__ import annotations

import json
import re
import sys

import numpy as np
import pyarrow as pa
import pytest

import cleora_jax as cj
from cleora_jax import viz
from cleora_jax.viz import explorer

GRAPH, BLOCKS = cj.generators.planted_partition([40] * 3, 0.3, 0.01)
VECTORS = cj.embed(GRAPH, cj.Cleora(dim=8, whiten_rank=8))


def test_the_plane_is_the_principal_one():
    from sklearn.decomposition import PCA

    unit = VECTORS.vectors / np.linalg.norm(VECTORS.vectors, axis=1, keepdims=True)
    theirs = PCA(2).fit_transform(unit)
    ours = viz.plane(VECTORS)
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-4)
    one = cj.Embedding(VECTORS.vectors[:, :1], VECTORS.vocab)
    assert viz.plane(one).shape == (120, 2)


def test_tsne_is_seeded_and_a_missing_umap_is_an_error(monkeypatch):
    np.testing.assert_array_equal(viz.plane(VECTORS, "tsne", seed=3), viz.plane(VECTORS, "tsne", seed=3))
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(ModuleNotFoundError, match=r"cleora-jax\[umap\]"):
        viz.plane(VECTORS, "umap")


def test_no_backend_is_chosen_and_pyplot_stays_away():
    before = "matplotlib.pyplot" in sys.modules
    axes = viz.plot_map(VECTORS, BLOCKS, label=["7"])
    assert ("matplotlib.pyplot" in sys.modules) == before
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["0", "1", "2"]
    assert [text.get_text() for text in axes.texts] == ["7"]


@pytest.mark.parametrize(
    "colour", [None, BLOCKS, BLOCKS.codes.astype(str), np.arange(120) / 7, np.arange(120)], ids=lambda c: type(c).__name__
)  # fmt: skip
def test_every_way_to_colour_draws_every_entity(colour, tmp_path):
    axes = viz.plot_map(VECTORS, colour)
    assert sum(len(part.get_offsets()) for part in axes.collections) == 120
    axes.figure.savefig(tmp_path / "map.png")
    assert (tmp_path / "map.png").stat().st_size > 5000


def drawn_as(axes):
    """Names of the legend, or "scale" with a bar of colours, and how many entities are grey."""
    grey = sum(len(part.get_offsets()) for part in axes.collections if np.ptp(part.get_facecolor()[:1, :3]) == 0)
    legend = axes.get_legend()
    assert (legend is None) == (len(axes.figure.axes) == 2)
    return ("scale" if legend is None else [text.get_text() for text in legend.get_texts()]), grey


AT = np.arange(120)


@pytest.mark.parametrize(
    ("colour", "groups", "told", "grey"),
    [
        (AT % 18, None, list(map(str, range(18))), 0),
        (AT % 19, None, "scale", 0),
        ((AT % 3).tolist(), None, ["0", "1", "2"], 0),
        (AT**2 % 11 - 2, None, ["-2", "-1", "1", "2", "3", "7"], 0),
        (AT % 3, False, "scale", 0),
        (AT % 2 / 2, None, "scale", 0),
        (AT % 2 / 2, True, ["0.0", "0.5"], 0),
        (AT % 2 == 0, None, ["False", "True"], 0),
        ([None if at < 5 else at % 2 for at in AT], None, ["0", "1", "none"], 5),
        ([None if at < 5 else int(at) for at in AT], None, "scale", 5),
        (np.where(AT < 7, np.nan, AT), None, "scale", 7),
        (np.where(AT < 7, np.inf, AT), None, "scale", 7),
    ],
)  # fmt: skip
def test_numbers_are_groups_or_a_scale_by_a_rule(colour, groups, told, grey):
    assert drawn_as(viz.plot_map(VECTORS, colour, groups=groups)) == (told, grey)


def test_columns_of_frames_colour_as_their_values_do():
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    some = [None if at < 5 else int(at) % 4 for at in AT]
    for column in (pd.Series(some, dtype="Int64"), pl.Series(some), pa.chunked_array([some]), pd.Series(some)):
        names, grey = drawn_as(viz.plot_map(VECTORS, column, groups=True))
        assert len(names) == 5 and names[-1] == "none" and grey == 5
    assert drawn_as(viz.plot_map(VECTORS, pd.Series(some, dtype="Int64")))[0] == ["0", "1", "2", "3", "none"]


@pytest.mark.parametrize("more", [0, 22])
def test_entities_of_no_group_are_grey_and_no_group(more):
    names = np.array([f"group {at % (3 + more)}" for at in range(120)], object)
    names[5::10] = None
    axes = viz.plot_map(VECTORS, names)
    told = [text.get_text() for text in axes.get_legend().get_texts()]
    assert told[-1] == ("7 more, none" if more else "none") and told.count("none") == (not more)
    grey = axes.collections[0]
    shown = np.isin(names.astype(str), told)
    assert len(grey.get_offsets()) == (~shown).sum() and np.ptp(grey.get_facecolor()[0, :3]) == 0


def test_communities_and_columns_colour():
    found = cj.community.leiden(GRAPH)
    assert len(viz.plot_map(VECTORS, found).get_legend().get_texts()) == len(found)
    vocab = cj.Vocab(GRAPH.vocab.ids, ("a", "b"), (np.arange(120) % 2).astype(np.uint8))
    legend = viz.plot_map(cj.Embedding(VECTORS.vectors, vocab)).get_legend()
    assert {text.get_text() for text in legend.get_texts()} == {"a", "b"}


def test_degrees_and_spectra_are_what_they_are():
    line = viz.plot_degrees(cj.from_edges(["h"] * 4, list("abcd"))).lines[0]
    np.testing.assert_allclose(line.get_xydata(), [[1, 1], [4, 0.2]])
    values = np.sort(np.var(VECTORS.vectors @ np.linalg.svd(np.cov(VECTORS.vectors.T))[0], axis=0))[::-1]
    np.testing.assert_allclose(viz.plot_spectrum(VECTORS).lines[0].get_ydata(), values / values.sum(), rtol=1e-3)


def test_training_curves_are_those_recorded():
    from types import SimpleNamespace

    history = SimpleNamespace(loss=[3.0, 2.0, 1.0], validation=[0.1, 0.2, 0.3], best=2, name="x")
    axes = viz.plot_history(history)
    assert [line.get_label() for line in axes.lines] == ["loss", "validation"]
    with pytest.raises(ValueError, match="history"):
        viz.plot_history(SimpleNamespace(best=1))


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: viz.plane(VECTORS, "svd"), "layout"),
        (lambda: viz.plot_map(VECTORS, np.arange(3)), "colour"),
        (lambda: viz.plot_map(VECTORS, ["x"] * 120, groups=False), "`groups=False` is for"),
        (lambda: viz.plot_map(VECTORS, at=np.ones((3, 2))), "`at`"),
        (lambda: viz.plot_map(VECTORS, label=["nobody"]), "nobody"),
        (lambda: viz.plot_similarity(VECTORS, []), "entities"),
        (lambda: viz.write_explorer(VECTORS, "x.html", neighbours=101), "neighbours"),
        (lambda: viz.write_explorer(VECTORS, "x.html", attributes=pa.table({"a": [1]})), "attributes"),
        (lambda: viz.write_explorer(VECTORS, "x.html", at=np.full((120, 2), np.nan)), "`at`"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named(call, named):
    with pytest.raises((ValueError, KeyError), match=named):
        call()


# --- the page ---


def page(tmp_path, embedding=VECTORS, **options):
    path = tmp_path / "map.html"
    viz.write_explorer(embedding, path, **options)
    text = path.read_text()
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    return text, json.loads(found[1])


def unpacked(text, kind):
    import base64

    return np.frombuffer(base64.b64decode(text), kind)


def test_a_page_holds_exact_neighbours_and_asks_no_network(tmp_path):
    text, data = page(tmp_path, neighbours=5)
    rows, cosines = (
        unpacked(data["neighbours"], "<i4").reshape(120, 5),
        unpacked(data["cosines"], "<f4").reshape(120, 5),
    )
    for entity in ("0", "50", "119"):
        exact = VECTORS.most_similar(entity, k=5)
        at = data["ids"].index(entity)
        assert [data["ids"][row] for row in rows[at]] == [name for name, _ in exact]
        np.testing.assert_allclose(cosines[at], [score for _, score in exact], atol=1e-6)
    assert not re.search(r"https?://|@import|src=", text)
    assert np.abs(unpacked(data["at"], "<f4")).max() == pytest.approx(1)


def test_ids_cannot_break_out_of_the_page(tmp_path):
    nasty = ["</script><script>alert(1)</script>", "<b>&amp;", "quote\"'", "\u2028line", "{{data}}"]
    embedding = cj.Embedding(np.eye(5, dtype=np.float32), cj.Vocab.of(nasty))
    text, data = page(tmp_path, embedding, title="<i>{{title}}</i>", neighbours=0)
    assert data["ids"] == nasty and data["k"] == 0
    assert "<script>alert" not in text and "<title>&lt;i&gt;" in text


def test_attributes_become_numbers_and_names(tmp_path):
    attributes = pa.table({
        "score": pa.array([None, 1.5] * 60), "block": pa.array(["x", None, "y"] * 40), "flag": pa.array([True, False] * 60),
    })  # fmt: skip
    _, data = page(tmp_path, attributes=attributes)
    score, block, flag = data["attributes"]
    assert np.isnan(unpacked(score["numbers"], "<f8")[0]) and unpacked(score["numbers"], "<f8")[1] == 1.5
    assert [block["names"][code] for code in unpacked(block["codes"], "<i4")[:3]] == ["x", "", "y"]
    assert set(flag["names"]) == {"True", "False"}
    vocab = cj.Vocab(GRAPH.vocab.ids, ("a", "b"), (np.arange(120) % 2).astype(np.uint8))
    _, data = page(tmp_path, cj.Embedding(VECTORS.vectors, vocab))
    assert data["attributes"][0]["name"] == "column"


def test_zero_vectors_have_no_neighbours(tmp_path):
    table = VECTORS.vectors.copy()
    table[3] = 0
    _, data = page(tmp_path, cj.Embedding(table, VECTORS.vocab), neighbours=4)
    assert (unpacked(data["neighbours"], "<i4").reshape(120, 4)[3] == -1).all()


def test_the_template_is_packaged():
    assert explorer.TEMPLATE.is_file()


def test_large_integers_and_dollars_do_no_harm(tmp_path):
    attributes = pa.table({"steam": pa.array([76561197960287930] * 120)})
    _, data = page(tmp_path, attributes=attributes)
    assert unpacked(data["attributes"][0]["numbers"], "<f8")[0] == float(76561197960287930)
    strange = cj.Embedding(VECTORS.vectors[:4], cj.Vocab.of([r"$\frac$", "_b", "c$$", "d"]))
    axes = viz.plot_map(strange, np.array([r"$\frac$", "_b", "c", "d"]), label=[r"$\frac$"])
    axes.figure.savefig(tmp_path / "map.png")
    assert len(axes.get_legend().get_texts()) == 4
    viz.plot_similarity(strange, [r"$\frac$", "c$$"]).figure.savefig(tmp_path / "heat.png")
