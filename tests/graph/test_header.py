"""A header row: columns found by name, whatever their order."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleora_jax._checks import InputError, OptionError
from cleora_jax.graph import Graph, from_hyperedges, read

SPEC = "user complex::reflexive::items w"
ROWS = [["u1", "a b", "2"], ["u2", "b, c", "0.5"], ["u1", "c", "1"]]


def same(one: Graph, other: Graph) -> bool:
    return one.vocab.ids.equals(other.vocab.ids) and not (one.counts() != other.counts()).nnz


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.permutations(["user", "items", "w", "date", ""]), st.sampled_from(["csv", "tsv"]), st.booleans())
def test_columns_are_found_by_name(tmp_path: Path, names: list[str], form: str, comment: bool) -> None:
    path = tmp_path / f"rows.{form}"
    by_name = [dict(zip(["user", "items", "w"], row, strict=True)) for row in ROWS]
    with path.open("w", newline="") as file:
        if comment:
            file.write("# made by hand\n\n")
        writer = csv.writer(file, delimiter={"csv": ",", "tsv": "\t"}[form], lineterminator="\n")
        writer.writerows([names, *([row.get(name, "x") for name in names] for row in by_name)])
    graph = read(path, SPEC, weight="w", header=True, comment="#")
    assert same(graph, from_hyperedges(ROWS, SPEC, weight="w"))
    assert graph.report.header_lines == 1
    assert graph.report.lines == 4 + 2 * comment
    assert (graph.report.blank_lines, graph.report.comment_lines) == (int(comment), int(comment))


def test_one_column_among_others(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv.gz"
    path.write_bytes(gzip.compress(b'id,items,date\n1,"a b",x\n2,b c,y\n'))
    assert same(read(path, "complex::reflexive::items", header=True), from_hyperedges(["a b", "b c"]))


@pytest.mark.parametrize("first", ["src\tdst", "src dst", "edges", "src\tdst\tw"])
def test_lines_of_entities_under_any_header(tmp_path: Path, first: str) -> None:
    path = tmp_path / "edges"
    path.write_text(f"{first}\na\tb\nb\tc\n")
    assert same(read(path, header=True), from_hyperedges(["a b", "b c"]))


def test_a_column_of_ones_own_must_be_there(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("u,b,items\n1,2,a b\n")
    with pytest.raises(InputError, match=r"column 'item' is not in the header \['u', 'b', 'items'\]"):
        read(path, "complex::reflexive::item", header=True)
    path.write_text("items\na b\n")
    with pytest.raises(InputError, match="'item' is not in the header"):
        read(path, "complex::reflexive::item", header=True)
    assert same(read(path, "complex::reflexive::items", header=True), from_hyperedges(["a b"]))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.csv", 'date,"user",item,stars\n1,u,i,2\n'),
        ("x.tsv", "# c\n\nuser\titem\tstars\nu\ti\t2\n"),
        ("x", "user item stars\nu i 2\n"),
    ],
)
def test_a_header_that_was_not_announced_is_noticed(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError, match=r"line \d is a header.*Pass `header=True`"):
        read(path, "user item stars", weight="stars", comment="#")
    assert read(path, "user item stars", weight="stars", comment="#", header=True).num_entities == 2


def test_each_file_has_its_own(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text("user,item\nu1,i1\n")
    (tmp_path / "2.tsv").write_text("item\tuser\ni2\tu1\n")
    (tmp_path / "3.txt").write_text("item other user\ni2 x u2\n")
    graph = read(tmp_path, "user item", header=True)
    assert same(graph, from_hyperedges([["u1", "i1"], ["u1", "i2"], ["u2", "i2"]], "user item"))
    assert graph.report.header_lines == 3
    assert graph.report.format == "csv+space+tsv"


def test_groups_and_shared_ids(tmp_path: Path) -> None:
    path = tmp_path / "cast.csv"
    path.write_text("actor,film\na,f1\nb,f1\nb,f2\n")
    grouped = read(path, "film complex::reflexive::actor", group_by="film", header=True)
    assert same(grouped, from_hyperedges(["a b", "b"]))
    shared = read(path, "film actor", shared_ids=True, header=True)
    assert shared.vocab.ids.to_pylist() == ["f1", "a", "b", "f2"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("user,thing\nu,i\n", r"line 1: column 'item' is not in the header \['user', 'thing'\]"),
        ("\nitem,user,item\nu,i,j\n", "line 2: column 'item' stands twice in the header"),
        ("user,item\n", "no hyperedges"),
        ("\n\n", "no hyperedges"),
        ("user,item\nu,i\nu\n", "line 3: expected 2 columns"),
        ('"user,item\nu,i\n', "line 1: bad quoting in the header"),
        ('"user\nid",user,item\nx,u,i\n', "line 1: bad quoting in the header"),
        ("user\rx,item\nu,i\n", "line 1: bad quoting in the header"),
    ],
)
def test_faults_name_their_line(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "rows.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=what):
        read(path, "user item", header=True)


def test_odd_headers(tmp_path: Path) -> None:
    wide, commas, blanks = (tmp_path / name for name in ("wide.csv", "commas.csv", "blanks.txt"))
    wide.write_text("user,item," + "x" * 140_000 + "\nu,i,z\n")
    assert read(wide, "user item", header=True).num_entities == 2
    commas.write_text(",,\nid,items\n1,a b\n2,b c\n")
    with pytest.raises(InputError, match="line 1: expected 2 columns"):  # it is not the header
        read(commas, "complex::reflexive::items", header=True)
    blanks.write_text("  user  item price\u00a0usd\nu i 3\n")
    assert read(blanks, "user item", header=True).num_entities == 2
    blanks.write_text("[user],[item]\nu,i\n")
    assert read(blanks, "[user] [item]", header=True).report.format == "csv"
    blanks.write_text("user,item\nu,i\n")
    assert read(blanks, "user item", header=True).report.format == "csv"


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.txt", "rows.parquet"])
def test_formats_that_name_their_columns_have_no_header(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text('{"user": "u", "item": "i"}\n')
    with pytest.raises(OptionError, match="`header` is for delimited text"):
        read(path, "user item", header=True)


def test_an_ignored_column_need_not_be_there(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("item,user\ni,u\n")
    graph = read(path, "user ignore::date item", header=True)
    assert graph.vocab.ids.to_pylist() == ["u", "i"]
    assert np.isclose(graph.counts().sum(), 2)
