"""Tables: Arrow in every layout, dictionaries, slices, nulls; pandas and polars frames that we never import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleora_jax._checks import InputError
from cleora_jax.graph import Graph, from_hyperedges, from_table, read

SETTINGS = settings(max_examples=60, deadline=None, derandomize=True)
USERS = ["u1", "longer-than-eight", "u1", "é"]
ITEMS = [["a", "b"], ["c"], ["a", "a", "longer"], ["b"]]


def same(graph: Graph, other: Graph) -> None:
    assert graph.vocab == other.vocab
    np.testing.assert_array_equal(graph.counts().toarray(), other.counts().toarray())


def wanted(spec: str = "user complex::item") -> Graph:
    return from_hyperedges([[user, items] for user, items in zip(USERS, ITEMS, strict=True)], spec)


LISTS = [pa.list_, pa.large_list]
STRINGS = [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())]


@pytest.mark.parametrize("of", LISTS)
@pytest.mark.parametrize("kind", STRINGS, ids=str)
def test_every_string_type(of, kind: pa.DataType) -> None:
    users = pa.array(USERS).cast(kind)
    flat = pa.array([item for items in ITEMS for item in items]).cast(kind)
    offsets = np.cumsum([0] + [len(items) for items in ITEMS])
    large = of is pa.large_list
    items = (pa.LargeListArray if large else pa.ListArray).from_arrays(
        pa.array(offsets, pa.int64() if large else pa.int32()), flat
    )
    same(from_table(pa.table({"user": users, "item": items}), "user complex::item"), wanted())


def test_complex_cells_as_text() -> None:
    items = ["  a b", "c\t ", "a  a\tlonger", "b"]
    same(from_table({"user": USERS, "item": items}, "user complex::item"), wanted())
    encoded = pa.table({"user": USERS, "item": pa.array(items).dictionary_encode()})
    same(from_table(encoded, "user complex::item"), wanted())


def test_fixed_size_lists_and_nulls_in_them() -> None:
    pairs = pa.array([["a", "b"], None, ["c", "a"]], pa.list_(pa.string(), 2))
    table = pa.table({"user": ["u", "v", "w"], "item": pairs})
    graph = from_table(table, "user complex::item", on_bad_line="skip")
    same(graph, from_hyperedges([["u", ["a", "b"]], ["w", ["c", "a"]]], "user complex::item"))
    assert graph.report.bad_lines == 1
    same(from_table(table.slice(2), "user complex::item"), from_hyperedges([["w", ["c", "a"]]], "user complex::item"))


@SETTINGS
@given(st.data())
def test_slices_and_chunks(data: st.DataObject) -> None:
    users = data.draw(
        st.lists(st.one_of(st.none(), st.sampled_from(["u", "long-user-id", ""])), min_size=1, max_size=9)
    )
    item = st.one_of(st.none(), st.sampled_from(["a", "long-item-id", ""]))
    items = data.draw(
        st.lists(st.one_of(st.none(), st.lists(item, max_size=3)), min_size=len(users), max_size=len(users))
    )
    begin = data.draw(st.integers(0, len(users) - 1))
    cut = data.draw(st.integers(0, len(users)))
    kind = data.draw(st.sampled_from([pa.list_(pa.string()), pa.large_list(pa.large_string())]))
    whole = pa.table({"user": pa.array(users, pa.string()), "item": pa.array(items, kind)})
    if data.draw(st.booleans()):
        at = whole.schema.get_field_index("user")
        whole = whole.set_column(at, "user", whole["user"].dictionary_encode())
    table = pa.concat_tables([whole.slice(0, cut), whole.slice(cut)]).slice(begin)
    good = [[user, row] for user, row in zip(users[begin:], items[begin:], strict=True) if user and row and all(row)]
    try:
        graph = from_table(table, "user complex::item", on_bad_line="skip")
    except InputError as error:
        assert not good and "no hyperedges" in str(error)
        return
    assert graph.report.bad_lines == len(users) - begin - len(good)
    same(graph, from_hyperedges(good, "user complex::item"))


def test_nulls_among_string_views() -> None:
    users = pa.array(["u", None, "v"]).cast(pa.string_view())
    graph = from_table(pa.table({"user": users, "item": ["a", "b", "c"]}), "user item", on_bad_line="skip")
    assert graph.vocab.ids.to_pylist() == ["u", "a", "v", "c"]


def test_nulls_inside_a_dictionary() -> None:
    users = pa.DictionaryArray.from_arrays(pa.array([0, 1, None, 2], pa.int8()), pa.array(["u", None, "v w"]))
    table = pa.table({"user": users, "item": ["a", "b", "c", "d"]})
    for spec, n in (("user item", 4), ("complex::user item", 5)):
        graph = from_table(table, spec, on_bad_line="skip")
        assert graph.report.bad_lines == 2 and graph.num_entities == n


def test_integers_are_ids_in_decimal() -> None:
    for kind in (pa.int8(), pa.uint64(), pa.int64(), pa.dictionary(pa.int8(), pa.int16())):
        data = {"u": pa.array([1, 2]).cast(kind) if not pa.types.is_dictionary(kind) else
                pa.array([1, 2], pa.int16()).dictionary_encode(), "i": [[3], [4, 3]]}  # fmt: skip
        graph = from_table(data, "u complex::i")
        assert graph.vocab.ids.to_pylist() == ["1", "3", "2", "4"]
        assert from_table({"u": data["u"], "i": ["x", "y"]}, "complex::u i").num_entities == 4


def test_weight_columns() -> None:
    for weights in (
        [1, 2],
        [1.0, 2.0],
        ["1", "2.0"],
        pa.array([1, 2], pa.uint8()),
        pa.array(["1", "2"]).dictionary_encode(),
    ):
        graph = from_table({"u": ["a", "b"], "i": ["x", "x"], "w": weights}, "u i w", weight="w")
        assert graph.relations[0].weight.tolist() == [1.0, 2.0]
    with pytest.raises(InputError, match="`data`, row 1: .*bad weight in .*'much'"):
        from_table({"u": ["a"], "i": ["x"], "w": ["much"]}, "u i w", weight="w")
    with pytest.raises(InputError, match="bad weight in"):
        from_table({"u": ["a"], "i": ["x"], "w": [[1.0]]}, "u i w", weight="w")
    with pytest.raises(InputError, match="`data`, row 2: .*bad weight in .*None"):
        from_table({"u": ["a", "b"], "i": ["x", "x"], "w": [1.0, None]}, "u i w", weight="w")
    with pytest.raises(ValueError, match="name the weight column"):
        from_table({"node": [["a", "b"]]}, "complex::reflexive::node", weight="last")


def test_errors_name_the_place() -> None:
    with pytest.raises(InputError, match="`data`: no column 'item'; the columns are user, thing"):
        from_table({"user": ["a"], "thing": ["b"]}, "user item")
    with pytest.raises(InputError, match=r"column 'item' holds lists \(.*\); write 'complex::item'"):
        from_table({"user": ["a"], "item": [["b"]]}, "user item")
    with pytest.raises(InputError, match="column 'film' holds lists"):
        from_table({"film": [["f"]], "actor": [["b"]]}, "film complex::reflexive::actor", group_by="film")
    for spec in ("user item", "user complex::item"):
        for values in ([1.5], [True], [b"x"], [None]):
            with pytest.raises(InputError, match="column 'item': .*ids must be strings or integers"):
                from_table({"user": ["a"], "item": values}, spec)
    twice = pa.Table.from_arrays([pa.array(["a"])] * 3, names=["user", "item", "item"])
    with pytest.raises(InputError, match="2 columns are named 'item'"):
        from_table(twice, "user item")
    with pytest.raises(TypeError, match="`data` must be an Arrow table, .* got list"):
        from_table([["a", "b"]], "user item")
    with pytest.raises(InputError, match="`data`, row 3: a null, empty id"):
        from_table({"user": ["a", "b", None], "item": ["x", "y", "z"]}, "user item")
    with pytest.raises(InputError, match="the input: no hyperedges"):
        from_table(pa.table({"user": pa.array([], pa.string()), "item": pa.array([], pa.string())}), "user item")


@pytest.mark.parametrize("spec", ["user item", "user complex::item"])
def test_invalid_utf8_is_found_and_shown(tmp_path, spec: str) -> None:
    raw = pa.array([b"ok", None, b"f\xfcr", b"x"], pa.binary())
    bad = pa.Array.from_buffers(pa.string(), 4, raw.buffers())
    table = pa.table({"user": ["a", "b", "c", "d"], "item": bad})
    with pytest.raises(InputError, match=r"`data`, row 3, column 'item': invalid UTF-8 in b'f\\xfcr'"):
        from_table(table, spec, on_bad_line="skip")
    pq.write_table(table, tmp_path / "in.parquet")
    with pytest.raises(InputError, match=r"in\.parquet, row 3, column 'item': invalid UTF-8"):
        read(tmp_path / "in.parquet", spec, on_bad_line="skip")


def test_arrow_doors() -> None:
    table = pa.table({"user": USERS, "item": ITEMS})
    batch = table.to_batches()[0]
    for data in (
        table,
        batch,
        pa.RecordBatchReader.from_batches(table.schema, [batch]),
        {"user": USERS, "item": ITEMS},
    ):
        same(from_table(data, "user complex::item"), wanted())


def test_other_columns_do_not_matter() -> None:
    table = pa.table({"user": USERS, "when": [1.5] * 4, "item": ITEMS, "x": [None] * 4})
    same(from_table(table, "user complex::item"), wanted())
    same(from_table(table, "user ignore::absent complex::item"), wanted())


def test_order_is_that_of_the_spec_not_of_the_table() -> None:
    graph = from_table({"item": ["x"], "user": ["a"]}, "user item")
    assert graph.vocab.columns == ("user", "item") and graph.vocab.ids.to_pylist() == ["a", "x"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning:pandas")
def test_pandas() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"user": USERS, "item": ITEMS}, index=[7, 8, 9, 9])
    same(from_table(frame, "user complex::item"), wanted())
    frame["user"] = frame["user"].astype("category")
    same(from_table(frame, "user complex::item"), wanted())
    frame = pd.DataFrame({"u": [1, 2], "i": [3, 3], "w": [0.5, 2.0]})
    graph = from_table(frame, "u i w", weight="w")
    assert graph.vocab.ids.to_pylist() == ["1", "3", "2"]
    same(graph, from_table(frame[::-1][::-1], "u i w", weight="w"))


def test_polars() -> None:
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"user": USERS, "item": ITEMS})
    same(from_table(frame, "user complex::item"), wanted())
    same(from_table(frame.with_columns(pl.col("user").cast(pl.Categorical)), "user complex::item"), wanted())
    same(from_table(pl.concat([frame[:2], frame[2:]], rechunk=False), "user complex::item"), wanted())
    some = pl.DataFrame({"user": [*USERS, None], "item": [*ITEMS, ["x"]]})
    for data in (some, some.with_columns(pl.col("user").cast(pl.Categorical))):
        same(from_table(data, "user complex::item", on_bad_line="skip"), wanted())
    arrays = pl.DataFrame({"user": ["u"], "item": [["a", "b"]]}, schema_overrides={"item": pl.Array(pl.String, 2)})
    same(from_table(arrays, "user complex::item"), from_hyperedges([["u", ["a", "b"]]], "user complex::item"))


def test_reading_text_imports_no_frames_and_no_jax(tmp_path) -> None:
    (tmp_path / "in.tsv").write_text("a\tlonger-than-eight b\nc\tb\n")
    code = (
        "import sys, cleora_jax.graph as g; g.read(sys.argv[1]).counts(); g.read(sys.argv[1], 'u complex::i').counts();"
        "g.read(sys.argv[1], 'u i', shared_ids=True);"
        "print([name for name in ('pandas', 'polars', 'jax') if name in sys.modules])"
    )
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code, str(tmp_path / "in.tsv")]
    found = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_weights_follow_one_rule_through_every_door(tmp_path: Path) -> None:
    """What is no number is a bad row, whether it comes as text, as a table or as a pair."""
    words = ["1.5", "2e1", "1_000", "１２", "true", "nan", "-1", "", " 3 "]
    good = [1.5, 20.0, 3.0]
    (tmp_path / "in.tsv").write_text("".join(f"a\tb\t{word}\n" for word in words))
    lines = read(tmp_path / "in.tsv", "x y w", weight="w", on_bad_line="skip")
    table = {"x": ["a"] * len(words), "y": ["b"] * len(words), "w": words}
    frame = from_table(table, "x y w", weight="w", on_bad_line="skip")
    (tmp_path / "in.csv").write_text("".join(f'"a",b,"{word}"\n' for word in words))
    quoted = read(tmp_path / "in.csv", "x y w", weight="w", on_bad_line="skip")
    for graph in (lines, frame, quoted):
        assert graph.relations[0].weight.tolist() == good
        assert graph.report.bad_lines == len(words) - len(good)
    with pytest.raises(InputError, match="row 1"):
        from_table({"x": ["a"], "y": ["b"], "w": [True]}, "x y w", weight="w")


def test_rows_are_numbered_in_each_file(tmp_path: Path) -> None:
    for number, rows in enumerate([["a", "b", "c"], ["", "d"]]):
        pq.write_table(pa.table({"x": rows, "y": ["z"] * len(rows)}), tmp_path / f"{number}.parquet")
    with pytest.raises(InputError, match=r"1\.parquet, row 1:"):
        read(tmp_path, "x y")
