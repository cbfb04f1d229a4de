"""Every bad input is a clear error that names its place; `on_bad_line="skip"` counts and shows."""

from __future__ import annotations

import gzip
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cleora_jax._checks import InputError
from cleora_jax.graph import from_hyperedges, from_table, read

NODE = "complex::reflexive::node"


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# --- files ------------------------------------------------------------------------------------------------------------


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.tsv: no such file"):
        read(tmp_path / "nowhere.tsv")
    with pytest.raises(InputError, match=r"\*\.tsv: no file matches"):
        read(str(tmp_path / "*.tsv"))
    with pytest.raises(InputError, match=r"holds no readable file \(names ending in \.tsv"):
        read(tmp_path)
    with pytest.raises(ValueError, match="`paths` is empty"):
        read([])


def test_empty_files(tmp_path: Path) -> None:
    for name, content in (("a.tsv", b""), ("b.txt", b"\n \n# x\n"), ("c.txt", b"\xef\xbb\xbf"), ("d", b""),
                          ("e.csv", b"\n"), ("f.gz", gzip.compress(b"")), ("g.jsonl", b"\n")):  # fmt: skip
        path = write(tmp_path, name, content)
        with pytest.raises(InputError, match=f"{name}: no hyperedges"):
            read(path, comment="#")
    pq.write_table(pa.table({"a": pa.array([], pa.string()), "b": pa.array([], pa.string())}), tmp_path / "h.parquet")
    with pytest.raises(InputError, match="h.parquet: no hyperedges"):
        read(tmp_path / "h.parquet", "a b")


def test_an_empty_file_among_others_is_no_fault(tmp_path: Path) -> None:
    assert read([write(tmp_path, "a", ""), write(tmp_path, "b", "x y")]).num_entities == 2


@pytest.mark.parametrize("name, keep", [("a.tsv.gz", 0.5), ("a.tsv.gz", 0.98), ("a.tsv.zst", 0.5)])
def test_truncated_compression(tmp_path: Path, name: str, keep: float) -> None:
    text = "".join(f"u{i} i{i * i}\n" for i in range(5000)).encode()
    raw = gzip.compress(text) if name.endswith("gz") else bytes(pa.compress(text, "zstd", asbytes=True))
    path = write(tmp_path, name, raw[: int(len(raw) * keep)])
    with pytest.raises(InputError, match=f"{name}: not a whole (gzip|zstd) file; it is truncated or corrupt"):
        read(path)


def test_not_compressed_at_all(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.gz: not a whole gzip file"):
        read(write(tmp_path, "a.gz", "a b\n"))


def test_binary_and_invalid_utf8(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.tsv, line 3: a NUL byte; this is binary data.*b'x\\x00y"):
        read(write(tmp_path, "a.tsv", b"a\tb\n\nx\0y\tz\n"))
    bad = write(tmp_path, "b.tsv", b"a\tb\n\nc\tf\xfcr\n")
    for size in (1, 5, 1000):
        with pytest.raises(InputError, match=r"b\.tsv, line 3: invalid UTF-8 \(invalid start byte\) at b'.*f\\xfcr"):
            read(bad, chunk_bytes=size, on_bad_line="skip")
    with pytest.raises(InputError, match="line 1: invalid UTF-8"):
        read(write(tmp_path, "c.tsv", "é".encode()[:1]))


def test_parquet_files(tmp_path: Path) -> None:
    table = pa.table({"a": ["x", "y"], "b": ["p", "q"]})
    pq.write_table(table, tmp_path / "a.parquet")
    raw = (tmp_path / "a.parquet").read_bytes()
    for cut in (0, 3, len(raw) // 2, len(raw) - 1):
        with pytest.raises(InputError, match=r"b\.parquet: not a whole Parquet file; it is truncated or corrupt"):
            read(write(tmp_path, "b.parquet", raw[:cut]), "a b")
    with pytest.raises(InputError, match=r"a\.parquet: no column 'c'; the columns are a, b"):
        read(tmp_path / "a.parquet", "a c")
    with pytest.raises(InputError, match="standard input: Parquet needs a file"):
        read("-", "a b", format="parquet")


def test_gzip_without_its_name(tmp_path: Path) -> None:
    (tmp_path / "x.tsv").write_bytes(gzip.compress(b"a b\n"))
    with pytest.raises(InputError, match=r"x.tsv: compressed by gzip; give it a name that ends in .gz, or pipe it"):
        read(tmp_path / "x.tsv")


# --- lines ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 7, 16, 1 << 20])
@pytest.mark.parametrize(
    "name, text, place, fault",
    [
        ("in.tsv", "a\tb\n\n# x\n \t\nc\td\nbad\ne\tf\n", 6, r"expected 2 columns separated by tabs, found 1: 'bad'"),
        ("in.tsv", "a\tb\nc\td\te\n", 2, r"expected 2 columns separated by tabs, found 3"),
        ("in.tsv", "a\tb\n\t x\n", 2, r"column 'u' is empty"),
        ("in.csv", "a,b\n# x\n\nc\n", 4, r"expected 2 columns separated by commas, found 1: 'c'"),
        ("in.csv", 'a,"b"\n\n"c\n d",e\n"f",g,h\n', 5, r"expected 2 columns separated by commas, found 3"),
        ("in.csv", 'a,"b"\n\n"c" x,e\n', 3, r"bad quoting \('?,'? expected after"),
        ("in.csv", 'a,"b"\n"",c\n', 2, r"column 'u' is empty"),
        ("in.csv", 'a,b\n"c,d\ne,f\n', 2, "a quote is opened and never"),
        ("in.txt", "a b\nc d e\n", 2, r"expected 2 columns separated by blanks, found 3"),
        ("in.jsonl", '{"u": 1, "i": 2}\n\nnope\n', 3, r"not JSON \(Expecting value.*'nope'"),
        ("in.jsonl", '{"u": 1, "i": 2}\n{"u": 1}\n', 2, r"no key 'i'; the object has \['u'\]"),
        ("in.jsonl", '{"u": 1, "i": 2}\n[1, 2]\n', 2, r"expected an object with keys \['u', 'i'\], found \[1, 2\]"),
        ("in.jsonl", '{"u": 1, "i": 2}\n{"u": 1, "i": 1.5}\n', 2, r"column 'i' holds 1.5; ids are strings or integers"),
        ("in.jsonl", '{"u": 1, "i": 2}\n{"u": 1, "i": null}\n', 2, r"column 'i' holds None"),
        ("in.jsonl", '{"u": 1, "i": 2}\n{"u": 1, "i": true}\n', 2, r"column 'i' holds True"),
        ("in.jsonl", '{"u": 1, "i": 2}\n{"u": 1, "i": ["x"]}\n', 2, r"column 'i' holds \['x'\]"),
        ("in.jsonl", '{"u": 1, "i": 2}\n{"u": 1, "i": ""}\n', 2, r"column 'i' is empty"),
        ("in.jsonl", '{"u": 1, "i": 2}\n{"u": 1, "u": 3, "i": 2}\n', 2, r"a key stands twice"),
        ("in.jsonl", '{"u": 1, "i": 2}\n{"u": "\\ud800", "i": 2}\n', 2, r"half a character"),
        ("in.jsonl", '{"u": 1, "i": 2}\n{"u": ' + "1" * 5000 + ', "i": 2}\n', 2, r"not JSON \(Exceeds the limit"),
        ("in.jsonl", '{"u": 1, "i": 2}\n' + "[" * 100_000 + "\n", 2, r"not JSON \("),
    ],
)  # fmt: skip
def test_bad_lines(tmp_path: Path, name: str, text: str, place: int, fault: str, size: int) -> None:
    if size == 1 and len(text) > 1000:
        pytest.skip("slow, and the same as size 7")
    path = write(tmp_path, name, text)
    with pytest.raises(InputError, match=f"{name}, line {place}: .*{fault}") as error:
        read(path, "u i", comment="#", chunk_bytes=size)
    assert len(str(error.value)) < 500
    if "never" in fault:
        with pytest.raises(InputError, match="never closed"):  # no telling what the rest is: never skipped
            read(path, "u i", chunk_bytes=size, on_bad_line="skip")
        return
    graph = read(path, "u i", comment="#", on_bad_line="skip", chunk_bytes=size)
    assert graph.report.bad_lines == 1
    assert graph.report.bad_examples[0].startswith(f"{path}, line {place}: ")
    assert graph.num_hyperedges == text.count("\n") - graph.report.blank_lines - graph.report.comment_lines - 1 - (
        "\n d" in text
    )


def test_line_numbers_in_later_chunks(tmp_path: Path) -> None:
    lines = ["u1\ti1"] * 1000
    lines[3] = lines[700] = ""
    lines[900] = "oops"
    path = write(tmp_path, "in.tsv", "\n".join(lines))
    for size in (1 << 11, 1 << 10, 333, 1 << 23):
        with pytest.raises(InputError, match="line 901: "):
            read(path, "u i", chunk_bytes=size)


def test_the_first_fault_is_told_first_whatever_its_kind(tmp_path: Path) -> None:
    path = write(tmp_path, "in.tsv", "a\tb\t1\na\tb\tx\n\tb\t1\na\tb\na\t\t1\na\tb\t-1\n")
    for size in (1, 10, 1000):
        report = read(path, "u i w", weight="w", on_bad_line="skip", chunk_bytes=size).report
        assert [text.split(", line ")[1][0] for text in report.bad_examples] == list("23456")
    quoted = write(tmp_path, "in.csv", 'a,b,"1"\na,b,x\n"",b,1\na,b\n"a" ,b,1\na,b,-1\n')
    report = read(quoted, "u i w", weight="w", on_bad_line="skip").report
    assert [text.split(", line ")[1][0] for text in report.bad_examples] == list("23456")


BAD_WEIGHTS = ["nan", "inf", "-inf", "-1", "-0.001", "x", "1e39", "1e999", "0x10", "1,5"]


@pytest.mark.parametrize("word", BAD_WEIGHTS)
def test_bad_weights(tmp_path: Path, word: str) -> None:
    rule = "must be a finite number of at least 0"
    path = write(tmp_path, "in.tsv", f"a\tb\t1\n\nc\td\t{word}\n")
    with pytest.raises(InputError, match=rf"in\.tsv, line 3: weight '{word}' {rule}"):
        read(path, "u i w", weight="w")
    with pytest.raises(InputError, match=rf"in\.tsv, line 3: weight '{word}' {rule}"):
        read(path, weight="last")
    assert read(path, "u i w", weight="w", on_bad_line="skip").num_hyperedges == 1
    with pytest.raises(InputError, match=rf"lines, line 2: weight '{word}' {rule}"):
        from_hyperedges(["a b 1", f"a b {word}"], weight="last")
    with pytest.raises(InputError, match=rf"hyperedge 2: weight '{word}' {rule}"):
        from_hyperedges([["a", "b", 1], ["a", "b", word]], weight="last")


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0, -np.inf, 1e300])
def test_bad_weights_as_numbers(value: float) -> None:
    with pytest.raises(InputError, match="hyperedge 2: weight .* must be a finite"):
        from_hyperedges([(["a", "b"], 1.0), (["a"], value)])
    with pytest.raises(InputError, match="`data`, row 2: .*bad weight"):
        from_table({"u": ["a", "b"], "i": ["x", "y"], "w": [1.0, value]}, "u i w", weight="w")


def test_a_line_of_only_a_weight(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 2: expected entities and a weight"):
        read(write(tmp_path, "in.tsv", "a b 1\n2\n"), weight="last")
    for edge in ([], ["2"], "2"):
        with pytest.raises(InputError, match="hyperedge 2: expected entities and a weight"):
            from_hyperedges([["a", "b", 1], [edge] if edge == "2" else edge], weight="last")
    with pytest.raises(InputError, match="lines, line 2: expected entities and a weight"):
        from_hyperedges(["[1, 2]", "[]"], weight="last", format="jsonl")


def test_skipping_counts_all_and_keeps_ten(tmp_path: Path) -> None:
    text = "".join("bad\n" if i % 3 else f"u{i}\tx\n" for i in range(90_000))
    path = write(tmp_path, "in.tsv", text)
    begun = time.perf_counter()
    report = read(path, "u i", on_bad_line="skip").report
    assert time.perf_counter() - begun < 5  # once: the lines of the chunk anew for each bad line, minutes
    assert report.bad_lines == 60_000
    assert len(report.bad_examples) == 10
    assert report.bad_examples[9].startswith(f"{path}, line 15: ")
    with pytest.raises(InputError, match="no hyperedges \\(2 lines read, 2 of them bad\\)"):
        read(write(tmp_path, "all.tsv", "x\ny\n"), "u i", on_bad_line="skip")


# --- in memory --------------------------------------------------------------------------------------------------------


def test_hyperedges_in_memory() -> None:
    with pytest.raises(InputError, match="`hyperedges` is empty"):
        from_hyperedges([])
    with pytest.raises(ValueError, match="use `read` for a file"):
        from_hyperedges("edges.tsv")
    with pytest.raises(ValueError, match="use `read` for a file"):
        from_hyperedges(["a b"], format="parquet")
    with pytest.raises(TypeError, match="must hold strings, lists"):
        from_hyperedges([None, None])
    with pytest.raises(TypeError, match="line 2: expected a string"):
        from_hyperedges(["a b", ["c", "d"]])
    with pytest.raises(InputError, match="line 2: a newline inside a line"):
        from_hyperedges(["a b", "c\nd"])
    with pytest.raises(InputError, match="lines, line 2: a NUL byte"):
        from_hyperedges(["a b", "c\0d"])
    with pytest.raises(InputError, match="line 2: .* is half a character"):
        from_hyperedges(["a b", "c \udc80"])
    with pytest.raises(InputError, match="hyperedge 2: .*half a character"):
        from_hyperedges([["a b"], ["\udc80"]])
    with pytest.raises(InputError, match="hyperedge 2: expected the kind of the first hyperedge, found 'c d'"):
        from_hyperedges([["a", "b"], "c d"])
    with pytest.raises(InputError, match="hyperedge 2: expected the kind"):
        from_hyperedges([(["a"], 1.0), ["b"]])
    with pytest.raises(InputError, match="hyperedge 2: column 'node' is empty"):
        from_hyperedges([["a"], []])
    with pytest.raises(InputError, match="hyperedge 2: column 'node' holds an empty id"):
        from_hyperedges([["a"], ["b", ""]])
    with pytest.raises(InputError, match="hyperedge 2: column 'node' holds 1.0; ids are strings or integers"):
        from_hyperedges([["a"], [1.0]])
    with pytest.raises(InputError, match="hyperedge 2: expected 2 cells, found 3"):
        from_hyperedges([["a", "b"], ["a", "b", "c"]], "u i")
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InputError, match="hyperedge 2: .* too large to show"):
        from_hyperedges([["a"], [deep]])
    skipped = from_hyperedges([["a", "b"], 5, ["c"], []], on_bad_line="skip")
    assert skipped.report.bad_lines == 2 and skipped.num_entities == 3


def test_options(tmp_path: Path) -> None:
    path = write(tmp_path, "in.tsv", "a\tb\n")
    with pytest.raises(ValueError, match=r"`format` must be one of 'auto', .*, got 'xls'"):
        read(path, format="xls")
    with pytest.raises(ValueError, match="`on_bad_line` must be one of 'error', 'skip', got 'warn'"):
        read(path, on_bad_line="warn")  # type: ignore[arg-type]
    for comment in ("", "\n", 5):
        with pytest.raises(ValueError, match="`comment` must be a string"):
            read(path, comment=comment)  # type: ignore[arg-type]
    for size in (0, -1):
        with pytest.raises(ValueError, match="`chunk_bytes`"):
            read(path, chunk_bytes=size)
    with pytest.raises(TypeError, match="`chunk_bytes` must be an integer"):
        read(path, chunk_bytes=1.5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="needs `complex`"):
        read(path, "reflexive::a b")
    with pytest.raises(ValueError, match="unknown column modifier"):
        read(path, "comlpex::a b")
    with pytest.raises(ValueError, match="do not go with"):
        from_hyperedges([(["a", "b"], 1.0)], weight="last")
    with pytest.raises(ValueError, match="do not go with"):
        from_hyperedges([(["g", ["b"]], 1.0)], "g complex::reflexive::a", group_by="g")
