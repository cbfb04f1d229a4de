"""Graphs on disk: the same again, or an InputError."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleora_jax._checks import InputError
from cleora_jax.graph import Graph, from_hyperedges, load_graph, read, save_graph
from tests.conftest import TOYS
from tests.graph.test_graph import arrays_of

FUZZ = settings(
    max_examples=250, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def same(graph: Graph, other: Graph) -> None:
    assert graph.vocab == other.vocab and graph.transient == other.transient and graph.report == other.report
    assert repr(graph) == repr(other)
    for one, two in zip(graph.relations, other.relations, strict=True):
        assert (one.name, one.reflexive, one.factor) == (two.name, two.reflexive, two.factor)
    for mine, theirs in zip(arrays_of(graph), arrays_of(other), strict=True):
        assert mine.dtype == theirs.dtype
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("name", TOYS)
def test_round_trip(tmp_path: Path, name: str) -> None:
    save_graph(TOYS[name], tmp_path / "graph.npz")
    again = load_graph(tmp_path / "graph.npz")
    same(TOYS[name], again)
    np.testing.assert_array_equal(again.counts().toarray(), TOYS[name].counts().toarray())
    assert not any(array.flags.writeable for array in arrays_of(again))


def test_ids_of_every_kind_and_the_report(tmp_path: Path) -> None:
    source = tmp_path / "in.tsv"
    source.write_text("é\t𝄞 b\nbad\n#x\n\nlonger-than-eight\té b\n")
    graph = read(source, "u complex::i", comment="#", on_bad_line="skip")
    save_graph(graph, tmp_path / "g")
    same(graph, load_graph(str(tmp_path / "g")))
    assert load_graph(tmp_path / "g").report.bad_examples == graph.report.bad_examples


def test_a_slice_of_ids_is_saved_alone(tmp_path: Path) -> None:
    graph = from_hyperedges(["aa bb", "bb ccc"])
    vocab = type(graph.vocab)(graph.vocab.ids.slice(1, 2), ("node",), np.zeros(2, np.uint8))
    side = type(graph.relations[0].left)(np.array([0, 2]), np.array([0, 1], np.int32))
    part = Graph(vocab, (type(graph.relations[0])("node", side, side),))
    save_graph(part, tmp_path / "g")
    same(part, load_graph(tmp_path / "g"))


def test_saving_twice_gives_the_same_arrays_and_replaces(tmp_path: Path) -> None:
    save_graph(TOYS["edges"], tmp_path / "g")
    save_graph(TOYS["weighted"], tmp_path / "g")
    same(TOYS["weighted"], load_graph(tmp_path / "g"))
    assert [path.name for path in tmp_path.iterdir()] == ["g"]


def test_not_a_graph_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing: no such file"):
        load_graph(tmp_path / "nothing")
    (tmp_path / "text").write_text("a b\n")
    with pytest.raises(InputError, match="text: not a whole graph file"):
        load_graph(tmp_path / "text")
    np.savez(tmp_path / "other.npz", x=np.arange(3))
    with pytest.raises(InputError, match=r"other\.npz: a damaged graph file"):
        load_graph(tmp_path / "other.npz")
    np.savez(tmp_path / "objects.npz", x=np.array([{}], object))
    with pytest.raises(InputError, match=r"objects\.npz: not a whole graph file"):
        load_graph(tmp_path / "objects.npz")
    np.savez_compressed(tmp_path / "packed.npz", x=np.arange(3))
    with pytest.raises(InputError, match="is compressed"):
        load_graph(tmp_path / "packed.npz")


def saved(folder: Path, name: str) -> bytearray:
    save_graph(TOYS[name], folder / "whole")
    return bytearray((folder / "whole").read_bytes())


@FUZZ
@given(st.sampled_from(["weighted", "relations", "matrix"]), st.data())
def test_flipped_bits(tmp_path: Path, name: str, data: st.DataObject) -> None:
    raw = saved(tmp_path, name)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.one_of(st.integers(0, len(raw) - 1), st.integers(max(0, len(raw) - 900), len(raw) - 1)))
        raw[at] ^= 1 << data.draw(st.integers(0, 7))
    (tmp_path / "flipped").write_bytes(raw)
    try:
        again = load_graph(tmp_path / "flipped")
    except InputError:
        return
    same(TOYS[name], again)


@FUZZ
@given(st.data())
def test_cut_short(tmp_path: Path, data: st.DataObject) -> None:
    raw = saved(tmp_path, "weighted")
    (tmp_path / "cut").write_bytes(raw[: data.draw(st.integers(0, len(raw) - 1))])
    with pytest.raises(InputError, match="cut: not a whole graph file"):
        load_graph(tmp_path / "cut")


def arrays_in(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files}


def with_header(arrays: dict[str, np.ndarray], **changes: object) -> dict[str, np.ndarray]:
    header = json.loads(arrays["header"].tobytes()) | changes
    return arrays | {"header": np.frombuffer(json.dumps(header).encode(), np.uint8)}


@pytest.mark.parametrize(
    "changes, fault",
    [
        ({"format": "other"}, "a file of another kind"),
        ({"version": 2}, "format version 2, this library reads 1"),
        ({"columns": []}, "damaged"),
        ({"columns": 5}, "damaged"),
        ({"columns": "x"}, "damaged"),
        ({"columns": [["x"]]}, "damaged"),
        ({"transient": None}, "damaged"),
        ({"relations": []}, "damaged"),
        ({"relations": ["a", "b"]}, "damaged"),
        ({"factors": [1, 2]}, "damaged"),
        ({"factors": [-1]}, "damaged"),
        ({"factors": ["1"]}, "damaged"),
        ({"factors": 1}, "damaged"),
        ({"report": {"nonsense": 1}}, "damaged"),
        ({"report": []}, "damaged"),
    ],
)
def test_headers_that_do_not_fit(tmp_path: Path, changes: dict, fault: str) -> None:
    save_graph(TOYS["weighted"], tmp_path / "g.npz")
    np.savez(tmp_path / "bad.npz", **with_header(arrays_in(tmp_path / "g.npz"), **changes))
    with pytest.raises(InputError, match=rf"bad\.npz: .*{fault}"):
        load_graph(tmp_path / "bad.npz")


@FUZZ
@given(st.sampled_from(["weighted", "relations", "matrix"]), st.data())
def test_arrays_that_do_not_fit(tmp_path: Path, name: str, data: st.DataObject) -> None:
    """Checksums right, content wrong: refused, or a graph that works; never out of bounds."""
    save_graph(TOYS[name], tmp_path / "g.npz")
    arrays = arrays_in(tmp_path / "g.npz")
    key = data.draw(st.sampled_from(sorted(arrays)))
    how = data.draw(st.sampled_from(["drop", "shorter", "type", "number", "shape", "swapped"]))
    array = arrays.pop(key).copy()
    if how == "shorter":
        arrays[key] = array[:-1]
    elif how == "type":
        arrays[key] = array.astype(data.draw(st.sampled_from(["int8", "int32", "int64", "float64", "complex64", "U3"])))
    elif how == "number":
        array[data.draw(st.integers(0, len(array) - 1))] = data.draw(st.integers(0, 127))
        arrays[key] = array
    elif how == "shape":
        arrays[key] = array[:, None]
    elif how == "swapped":
        arrays[key] = array.astype(array.dtype.newbyteorder(">"))
    np.savez(tmp_path / "bad.npz", **arrays)
    try:
        graph = load_graph(tmp_path / "bad.npz")
    except InputError:
        return
    w = graph.counts()
    assert np.isfinite(w.data).all() and w.indices.max() < graph.num_entities
    assert len(graph.vocab.ids.to_pylist()) == graph.num_entities and repr(graph)


def test_negative_and_large_numbers_are_found(tmp_path: Path) -> None:
    for name, key, value in (
        ("weighted", "r0.left.member", -1),
        ("weighted", "r0.left.member", 10**6),
        ("weighted", "r0.weight", -1),
        ("weighted", "r0.weight", np.nan),
        ("matrix", "r0.counts.indices", -1),
        ("matrix", "r0.counts.data", np.inf),
        ("relations", "column_of", 9),
        ("relations", "ids_offset", -1),
        ("relations", "ids_text", 255),
    ):
        save_graph(TOYS[name], tmp_path / "g.npz")
        arrays = arrays_in(tmp_path / "g.npz")
        arrays[key][1] = value
        np.savez(tmp_path / "bad.npz", **arrays)
        with pytest.raises(InputError, match="damaged"):
            load_graph(tmp_path / "bad.npz")


def test_no_pickle_inside(tmp_path: Path) -> None:
    save_graph(TOYS["relations"], tmp_path / "g.npz")
    with zipfile.ZipFile(tmp_path / "g.npz") as archive:
        assert all(member.compress_type == zipfile.ZIP_STORED for member in archive.infolist())
    assert all(not array.dtype.hasobject for array in arrays_in(tmp_path / "g.npz").values())
