"""The command line as a person uses it: answers, exit codes, messages that name the place, nothing left behind."""

from __future__ import annotations

import errno
import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cleora_jax import __version__, from_hyperedges, load_embedding, load_fitted, read, transform, update
from cleora_jax.cli import main
from cleora_jax.vectors import formats

pytestmark = pytest.mark.filterwarnings("ignore:whitening is confined")
BASKETS = "\n".join(f"item{i % 7} item{(i * 3 + 1) % 7} item{(i * 5 + 2) % 11}" for i in range(40)) + "\n"
SMALL = ["--dim", "8", "--iterations", "3"]


@pytest.fixture
def baskets(tmp_path):
    path = tmp_path / "baskets.txt"
    path.write_text(BASKETS)
    return str(path)


@pytest.fixture
def saved(tmp_path, baskets):
    path = str(tmp_path / "saved.npz")
    assert main(["embed", "-i", baskets, "-o", path, "-q", *SMALL]) == 0
    return path


def run(*args: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "cleora_jax", *args], capture_output=True, text=True, **options)


def test_embed_similar_convert_info(tmp_path, baskets, saved, capsys):
    capsys.readouterr()
    assert main(["similar", "--embeddings", saved, "--entity", "item1", "--top-k", "3"]) == 0
    listed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert len(listed) == 3 and "item1" not in [entity for _, entity in listed]
    expected = load_embedding(saved).most_similar("item1", k=3)
    assert [entity for _, entity in listed] == [entity for entity, _ in expected]
    assert main(["similar", "-i", baskets, "--entity", "item1", "-k", "3", *SMALL]) == 0
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == [entity for _, entity in listed]
    for suffix in ("npy", "csv", "tsv", "parquet", "vec", "bin"):
        target = str(tmp_path / f"converted.{suffix}")
        assert main(["convert", "-i", saved, "-o", target]) == 0
        np.testing.assert_array_equal(load_embedding(target).vectors, load_embedding(saved).vectors)
    capsys.readouterr()
    assert main(["info", "--embeddings", saved]) == 0
    assert "dim" in capsys.readouterr().out
    assert main(["info", "-i", baskets]) == 0
    assert "hyperedges       40" in capsys.readouterr().out


def test_json_is_one_object_and_nothing_else(tmp_path, baskets, saved, capsys):
    target = str(tmp_path / "out.parquet")
    capsys.readouterr()
    for command in (
        ["embed", "-i", baskets, "-o", target, *SMALL],
        ["info", "-i", baskets],
        ["info", "--embeddings", saved],
        ["similar", "--embeddings", saved, "--entity", "item1", "--entity", "item2"],
        ["convert", "-i", saved, "-o", target],
    ):
        assert main([*command, "--json"]) == 0
        captured = capsys.readouterr()
        assert isinstance(json.loads(captured.out), dict)
    assert load_embedding(target).settings["dim"] == 8


def test_quiet_in_a_pipe(tmp_path, baskets):
    done = run("embed", "-i", baskets, "-o", str(tmp_path / "out.npz"), *SMALL)
    assert done.returncode == 0 and done.stdout == ""
    assert "%|" not in done.stderr
    assert "11 vectors" in done.stderr or "vectors of 8 columns" in done.stderr


def test_version_and_help_without_jax():
    assert run("--version").stdout.strip() == f"cleora-jax {__version__}"
    code = "import sys, cleora_jax.cli as c\ntry: c.main(['embed', '--help'])\nexcept SystemExit: pass\n"
    code += "print([m for m in ('jax', 'numpy', 'pyarrow', 'scipy') if m in sys.modules], file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "--columns" in done.stdout and done.stderr.strip() == "[]"


def test_standard_input(tmp_path):
    done = run("embed", "-i", "-", "-o", str(tmp_path / "out.npz"), *SMALL, input=BASKETS)
    assert done.returncode == 0 and (tmp_path / "out.npz").exists()


def test_relations(tmp_path, capsys):
    path = tmp_path / "in.tsv"
    path.write_text("".join(f"u{i % 5}\ti{i % 7} i{i % 3}\n" for i in range(30)))
    command = ["embed", "-i", str(path), "--columns", "user complex::reflexive::item", *SMALL]
    assert main([*command, "-o", str(tmp_path / "all.npz")]) == 0
    assert "several relations (user-item, item) added up" in capsys.readouterr().err
    assert main([*command, "-o", str(tmp_path / "each.npz"), "--relations", "apart"]) == 0
    assert (tmp_path / "each.user-item.npz").exists() and (tmp_path / "each.item.npz").exists()
    (tmp_path / "blocked.item.npz").mkdir()
    assert main([*command, "-o", str(tmp_path / "blocked.npz"), "--relations", "apart"]) == 2
    assert "blocked.item.npz" in capsys.readouterr().err and not (tmp_path / "blocked.user-item.npz").exists()


def test_relations_apart_are_written_all_or_none(tmp_path, monkeypatch):
    path = tmp_path / "in.tsv"
    path.write_text("".join(f"u{i % 5}\ti{i % 7} i{i % 3}\n" for i in range(30)))
    written, calls = formats.FORMATS[".npy"], []

    def fails_at_the_second(*args):
        calls.append(args)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "no space left")
        written.write(*args)

    monkeypatch.setitem(formats.FORMATS, ".npy", replace(written, write=fails_at_the_second))
    command = ["embed", "-i", str(path), "--columns", "user complex::reflexive::item", *SMALL]
    assert main([*command, "-o", str(tmp_path / "each.npy"), "--relations", "apart"]) == 1
    assert os.listdir(tmp_path) == ["in.tsv"]
    (tmp_path / "each.item.ids.json").mkdir()
    assert main([*command, "-o", str(tmp_path / "each.npy"), "--relations", "apart"]) == 2
    assert sorted(os.listdir(tmp_path)) == ["each.item.ids.json", "in.tsv"]


def test_relations_apart_replace_no_input(tmp_path, capsys):
    path = tmp_path / "out.item.tsv"
    path.write_text("".join(f"u{i % 5}\ti{i % 7} i{i % 3}\n" for i in range(30)))
    spec = "user complex::reflexive::item"
    command = ["embed", "-i", str(tmp_path), "--columns", spec, *SMALL, "--relations", "apart"]
    assert main([*command, "-o", str(tmp_path / "out.tsv")]) == 2
    assert "is an input, too" in capsys.readouterr().err and path.read_text().startswith("u0\t")
    command[4] = spec.replace("user", "a/user")
    assert main([*command, "-o", str(tmp_path / "x.tsv")]) == 2
    assert "must not hold '/'" in capsys.readouterr().err
    command[4] = "transient::user complex::reflexive::item"
    assert main([*command[:-2], "-o", str(tmp_path / "x.tsv"), "--column", "user"]) == 2
    assert "`--column` 'user' is transient" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["out.item.tsv"]


def test_ids_that_the_format_cannot_hold_are_known_before_the_work(tmp_path, capsys):
    path = tmp_path / "in.tsv"
    path.write_text("1\t1\n2\t1\n")
    command = ["embed", "-i", str(path), "--columns", "user item", *SMALL, "--json"]
    assert main([*command, "-o", str(tmp_path / "out.vec"), "--iterations", "100000"]) == 2
    assert "the id '1' stands in several columns" in capsys.readouterr().err
    assert main([*command, "-o", str(tmp_path / "out.vec"), "--column", "item"]) == 0
    assert load_embedding(tmp_path / "out.vec").vocab.ids.to_pylist() == ["1"]
    assert main([*command, "-o", str(tmp_path / "out.vec"), "--column", "shop"]) == 2
    assert "no column 'shop'" in capsys.readouterr().err
    assert main([*command, "-o", str(tmp_path / "out.npz")]) == 0
    assert main(["convert", "-i", str(tmp_path / "out.npz"), "-o", str(tmp_path / "u.csv"), "--column", "user"]) == 0
    assert load_embedding(tmp_path / "u.csv").vocab.ids.to_pylist() == ["1", "2"]


def test_header_and_trim(tmp_path, capsys):
    path = tmp_path / "orders.csv"
    path.write_text("id,items\n" + "".join(f'{i},"a{i % 5} a{i % 3} a{i % 7}"\n' for i in range(20)))
    command = ["embed", "-i", str(path), "--columns", "complex::reflexive::items", "--header", *SMALL, "--json"]
    assert main([*command, "-o", str(tmp_path / "all.npz")]) == 0
    assert json.loads(capsys.readouterr().out)["header_lines"] == 1
    assert main([*command, "-o", str(tmp_path / "cut.npz"), "--hyperedge-trim-n", "1"]) == 0
    one, other = (load_embedding(tmp_path / name) for name in ("all.npz", "cut.npz"))
    assert one.vocab == other.vocab and not np.allclose(one.vectors, other.vectors)
    assert main([*command, "-o", str(tmp_path / "cut.npz"), "--hyperedge-trim-n", "0"]) == 2
    assert "`--hyperedge-trim-n` must be at least 1" in capsys.readouterr().err


def test_an_isolated_entity_has_no_neighbours(tmp_path, capsys):
    path = tmp_path / "in.txt"
    path.write_text("a b 1\nb c 1\nc d 1\nd a 1\nlone only 0\n")
    command = ["similar", "-i", str(path), "--weight", "last", "--entity", "lone", "--entity", "a", *SMALL]
    assert main(command) == 0
    out, err = capsys.readouterr()
    assert "'lone' stands in no hyperedge" in err and out.splitlines()[:2] == ["lone", "a"]
    assert main([*command, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["lone"] == [] and len(answer["a"]) == 5


def test_info_is_for_people(tmp_path, baskets, saved, capsys):
    capsys.readouterr()
    assert main(["info", "-i", baskets]) == 0
    assert main(["info", "--embeddings", saved]) == 0
    shown = capsys.readouterr().out
    assert not set("{}[]'\"") & set(shown), shown
    assert "isolated         0\n" in shown and "per column       node 11\n" in shown


def test_bad_lines_are_counted(tmp_path, capsys):
    path = tmp_path / "in.tsv"
    path.write_text("u1\ti1\nu2\nu3\ti1\ti2\nu2\ti1\n")
    command = ["embed", "-i", str(path), "--columns", "user item", "-o", str(tmp_path / "out.npz"), *SMALL]
    assert main(command) == 2
    assert f"{path}, line 2" in capsys.readouterr().err
    assert main([*command, "--on-bad-line", "skip"]) == 0
    assert "2 of 4 lines left out" in capsys.readouterr().err


def put(name: str, content: bytes):
    def make(folder):
        (folder / name).write_bytes(content)
        return str(folder / name)

    return make


def make_empty_folder(folder):
    (folder / "empty").mkdir()
    (folder / "empty" / "picture.png").write_bytes(b"x")
    return str(folder / "empty")


FAULTS = {
    "missing file": (lambda folder: str(folder / "none.tsv"), [], "none.tsv: no such file"),
    "folder without readable files": (make_empty_folder, [], "empty: .*no readable file"),
    "empty file": (put("e.tsv", b""), [], "e.tsv: no hyperedges"),
    "truncated gzip": (put("t.tsv.gz", gzip.compress(BASKETS.encode() * 50)[:-40]), [], "t.tsv.gz: .*truncated"),
    "binary junk": (put("b.tsv", b"a b\n\x00\x01\x02 x\n"), [], "b.tsv, line 2: a NUL byte"),
    "invalid UTF-8": (put("u.tsv", b"a b\nc \xff\xfe\n"), [], r"u.tsv, line 2: .*\\xff"),
    "wrong column count": (put("w.tsv", b"a\tb\na\n"), ["--columns", "x y"], "w.tsv, line 2: expected 2 columns"),
    "unknown modifier": (put("m.tsv", b"a b\n"), ["--columns", "fancy::x"], "unknown column modifier 'fancy'"),
    "reflexive without complex": (put("r.tsv", b"a b\n"), ["--columns", "reflexive::x"], "needs `complex`"),
    "NaN weight": (put("n.tsv", b"a b 1\na b nan\n"), ["--weight", "last"], "n.tsv, line 2: weight 'nan'"),
    "negative weight": (put("g.tsv", b"a b -1\n"), ["--weight", "last"], "g.tsv, line 1: weight '-1'"),
    "dim out of range": (put("d.tsv", b"a b\n"), ["--dim", "0"], "`--dim` must be between 1"),
    "iterations out of range": (put("i.tsv", b"a b\n"), ["--iterations", "0"], "`--iterations`"),
    "whiten": (put("h.tsv", b"a b\n"), ["--whiten", "often"], "`--whiten` must be one of"),
    "threads": (put("c.tsv", b"a b\n"), ["--threads", "0"], "`--threads` must be between"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_name_the_place_and_leave_nothing(fault, tmp_path, capsys):
    make, options, match = FAULTS[fault]
    source = make(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert main(["embed", "-i", source, "-o", str(tmp_path / "out.npz"), *options]) == 2
    message = capsys.readouterr().err
    assert re.search(match, message), message
    assert "Traceback" not in message
    assert sorted(tmp_path.rglob("*")) == before


def test_output_is_checked_before_the_work(tmp_path, baskets, capsys):
    assert main(["embed", "-i", baskets, "-o", str(tmp_path / "no" / "out.npz")]) == 2
    assert str(tmp_path / "no") in capsys.readouterr().err
    assert main(["embed", "-i", baskets, "-o", str(tmp_path / "out.xyz")]) == 2
    assert ".xyz" in capsys.readouterr().err


def test_unknown_entity_suggests_the_nearest(saved, baskets, capsys):
    for source in (["--embeddings", saved], ["-i", baskets]):
        assert main(["similar", *source, "--entity", "itm1"]) == 2
        message = capsys.readouterr().err
        assert "unknown entity: 'itm1'" in message and "'item1'" in message


def test_unknown_option_value(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["embed", "-i", "x", "-o", "y.npz", "--propagation", "right"])
    assert stop.value.code == 2 and "--propagation" in capsys.readouterr().err


def test_full_disk_leaves_nothing(tmp_path, baskets, capsys, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    assert main(["embed", "-i", baskets, "-o", str(tmp_path / "out.npz"), *SMALL]) == 1
    message = capsys.readouterr().err
    assert "out.npz" in message and "No space left on device" in message
    assert os.listdir(tmp_path) == ["baskets.txt"]


def test_interrupt_leaves_nothing(tmp_path, baskets):
    command = [sys.executable, "-m", "cleora_jax", "embed", "-i", baskets, "-o", str(tmp_path / "out.npz")]
    process = subprocess.Popen([*command, "--iterations", "1000000", "--dim", "8"], stderr=subprocess.PIPE, text=True)
    assert "hyperedges" in process.stderr.readline()  # reading is done: it is in the loop, or about to be
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    _, message = process.communicate(timeout=60)
    assert process.returncode == 2 and "interrupted" in message
    assert os.listdir(tmp_path) == ["baskets.txt"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_writing_leaves_nothing(tmp_path, baskets, number):
    code = (
        "import os, sys, time\n"
        "from cleora_jax import cli\n"
        "flush = os.fsync\n"
        "def slow(handle):\n"
        "    print('writing', flush=True); time.sleep(20); flush(handle)\n"
        "os.fsync = slow\n"
        "sys.exit(cli.main(sys.argv[1:]))\n"
    )
    command = [sys.executable, "-c", code, "embed", "-i", baskets, "-o", str(tmp_path / "out.npz"), "-q", *SMALL]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "writing\n"
    process.send_signal(number)
    _, message = process.communicate(timeout=15)
    assert process.returncode == 2 and "interrupted" in message
    assert os.listdir(tmp_path) == ["baskets.txt"]


def test_a_closed_pipe_is_no_error(saved):
    command = [sys.executable, "-m", "cleora_jax", "similar", "--embeddings", saved, "--entity", "item1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b"" and process.wait() == 0


def test_closed_standard_input(tmp_path):
    done = subprocess.run(
        f"{sys.executable} -m cleora_jax embed -i - -o {tmp_path}/out.npz <&-",
        shell=True,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and "standard input is closed" in done.stderr


def test_the_input_is_not_overwritten(tmp_path, baskets, capsys):
    assert main(["embed", "-i", baskets, "-o", baskets, *SMALL]) == 2
    assert "is an input, too" in capsys.readouterr().err
    assert Path(baskets).read_text() == BASKETS


def test_a_fault_of_ours_is_not_blamed_on_the_user(baskets, tmp_path, monkeypatch):
    import cleora_jax.graph.readers as readers

    def broken(*_, **__):
        raise ValueError("operands could not be broadcast")

    monkeypatch.setattr(readers.Assembler, "finish", broken)
    with pytest.raises(ValueError, match="broadcast"):
        main(["embed", "-i", baskets, "-o", str(tmp_path / "out.npz")])


def test_neighbours_of_several_columns_say_which(tmp_path, capsys):
    path = tmp_path / "in.tsv"
    path.write_text("".join(f"{i % 5}\t{i % 7}\n" for i in range(35)))
    command = ["-i", str(path), "--columns", "user item", "--entity", "1", "--column", "user", "-k", "20", *SMALL]
    done = run("similar", *command)
    assert done.returncode == 0 and "`--residual-weight 0.5`" in done.stderr  # two sides: the warning names the option
    listed = [line.split()[1:] for line in done.stdout.splitlines()]
    assert len(listed) == 11 and ["item", "1"] in listed and ["user", "1"] not in listed
    assert main(["similar", *command, "--json"]) == 0
    assert {"column", "id", "cosine"} == set(json.loads(capsys.readouterr().out)["1"][0])
    hidden = [*command[:2], "--columns", "transient::user item", *command[4:]]
    assert main(["similar", *hidden]) == 2
    assert "unknown entity" in capsys.readouterr().err


def test_an_isolated_entity_is_said_to_be_one(tmp_path, capsys):
    path = tmp_path / "in.tsv"
    path.write_text("a b 1\nb c 1\nc d 1\nx y 0\n")
    assert main(["similar", "-i", str(path), "--weight", "last", "--entity", "x", *SMALL]) == 0
    assert "stands in no hyperedge" in capsys.readouterr().err


class TestModes:
    """Options of the modes reach the method; what they need is said."""

    def test_scales_attention_and_directions(self, tmp_path, baskets):
        for options, columns in [
            (["--scales", "1,3"], 16), (["--scales", "--iterations", "40"], 32), (["--attention-temperature", "0.5"], 8),
            (["--propagation", "directed-both"], 16),
        ]:  # fmt: skip
            path = str(tmp_path / "out.npz")
            rest = [] if "--iterations" in options or "--scales" in options else ["--iterations", "3"]
            assert main(["embed", "-i", baskets, "-o", path, "-q", "--dim", "8", *rest, *options]) == 0
            assert load_embedding(path).dim == columns

    def test_metapath(self, tmp_path):
        lines = tmp_path / "lines.tsv"
        lines.write_text("".join(f"u{i % 9}\ti{i * 7 % 5}\ts{i % 3}\n" for i in range(40)))
        path = str(tmp_path / "out.npz")
        command = ["embed", "-i", str(lines), "-c", "user item shop", "-o", path, "-q", *SMALL]
        assert main([*command, "--metapath", "user-item,item-shop"]) == 0
        found = load_embedding(path)
        assert (
            found.settings["metapath"] == ["user-item", "item-shop"] and found.vectors[found.vocab.column_of == 0].any()
        )
        assert main([*command, "--metapath", "user-price"]) == 2

    def test_features(self, tmp_path, baskets, capsys):
        table = tmp_path / "features.csv"
        table.write_text("id,size,price\nitem1,1.5,2\nitem2,0.5,-1\nunknown,3,3\n")
        path = str(tmp_path / "out.npz")
        command = ["embed", "-i", baskets, "-o", path, "-q", *SMALL, "--whiten", "off", "--features"]
        assert main([*command, str(table), "--feature-weight", "0.9"]) == 0
        assert load_embedding(path).settings["init"] == "features"
        table.write_text("id,size\nitem1,large\n")
        assert main([*command, str(table)]) == 2
        assert "size" in capsys.readouterr().err
        assert main([*command, str(tmp_path / "none.csv")]) == 2

    def test_options_of_features_need_features(self, tmp_path, baskets, capsys):
        for options in (["--feature-weight", "0.5"], ["--feature-column", "node"]):
            assert main(["embed", "-i", baskets, "-o", str(tmp_path / "out.npz"), *SMALL, *options]) == 2
            assert f"`{options[0]}` needs `--features`" in capsys.readouterr().err
        assert not (tmp_path / "out.npz").exists()

    def test_steps_that_do_not_go_with_scales(self, tmp_path, baskets, capsys):
        command = ["embed", "-i", baskets, "-o", str(tmp_path / "out.npz"), "--dim", "8", "--scales", "1,3"]
        assert main([*command, "--iterations", "40"]) == 2
        assert "`--iterations` 40 does not go with `--scales` (1, 3)" in capsys.readouterr().err

    def test_saved_vectors_are_made_already(self, saved, capsys):
        for options in (["--dim", "8"], ["--header"], ["--features", "x.csv"], ["--scales"], ["--whiten-alpha", "0.5"]):
            assert main(["similar", "--embeddings", saved, "--entity", "item1", *options]) == 2
            assert f"`{options[0]}` does not go with `--embeddings`" in capsys.readouterr().err
        assert main(["info", "--embeddings", saved, "--columns", "a b"]) == 2
        assert "`--columns` does not go with `--embeddings`" in capsys.readouterr().err


@pytest.fixture
def model(tmp_path, baskets):
    path = str(tmp_path / "model.npz")
    assert main(["embed", "-i", baskets, "-o", str(tmp_path / "first.npz"), "--save-model", path, "-q", *SMALL]) == 0
    return path


class TestModels:
    """`embed --save-model`, then `transform` and `update`: what the same calls in Python give."""

    def test_transform_writes_the_new_ones(self, tmp_path, baskets, model, capsys):
        lines, out = tmp_path / "new.txt", str(tmp_path / "new.parquet")
        lines.write_text("fresh item1 item2\nalone lost\nitem3 item1\n")
        fitted = load_fitted(model)
        np.testing.assert_array_equal(load_embedding(tmp_path / "first.npz").vectors, fitted.embedding.vectors)
        plain = str(tmp_path / "plain.npz")
        assert main(["embed", "-i", baskets, "-o", plain, "-q", *SMALL]) == 0
        np.testing.assert_array_equal(load_embedding(plain).vectors, fitted.embedding.vectors)
        capsys.readouterr()
        command = ["transform", "--model", model, "-i", str(lines), "-o", out]
        assert main(command) == 0
        assert "3 new entities, 2 of them with no path" in capsys.readouterr().err
        expected = transform(fitted, from_hyperedges(lines.read_text().splitlines()))
        found = load_embedding(out)
        assert found.vocab.ids.to_pylist() == ["fresh", "alone", "lost"] == expected.vocab.ids.to_pylist()
        np.testing.assert_array_equal(found.vectors, expected.vectors)
        assert main([*command, "--all", "--json"]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert (answer["entities"], answer["new"], answer["without_path"], answer["dim"]) == (14, 3, 2, 8)
        both = load_embedding(out)
        np.testing.assert_array_equal(both.vectors[:11], fitted.embedding.vectors)  # the known ones as they were
        np.testing.assert_array_equal(both.vectors[11:], expected.vectors)

    def test_nothing_new_is_said(self, tmp_path, model, capsys):
        (tmp_path / "old.txt").write_text("item1 item2\n")
        command = ["transform", "-m", model, "-i", str(tmp_path / "old.txt"), "-o", str(tmp_path / "out.npz")]
        assert main(command) == 2
        assert "no entity that the model does not know" in capsys.readouterr().err
        assert not (tmp_path / "out.npz").exists()
        assert main([*command, "--all", "-q"]) == 0 and len(load_embedding(tmp_path / "out.npz")) == 11

    def test_lines_are_read_as_the_model_s_were(self, tmp_path, capsys):
        path, more = tmp_path / "orders.csv", tmp_path / "more.csv"
        path.write_text(
            "user,items,count\n" + "".join(f'u{i % 9},"a{i % 5} a{i % 3}",{1 + i % 2}\n' for i in range(40))
        )
        more.write_text('user,items,count\nu1,"a1 new",3\nnewer,a2,1\n')
        options = ["--columns", "user complex::reflexive::items count", "--header", "--weight", "count", "-q"]
        model, out = str(tmp_path / "m"), str(tmp_path / "out.npz")
        assert main(["embed", "-i", str(path), "-o", out, "--save-model", model, *options, *SMALL]) == 0
        assert load_fitted(model).notes["reading"]["weight"] == "count"
        assert main(["transform", "-m", model, "-i", str(more), "-o", out, "-q"]) == 0
        graph = read(more, "user complex::reflexive::items count", header=True, weight="count")
        np.testing.assert_array_equal(load_embedding(out).vectors, transform(load_fitted(model), graph).vectors)
        assert main(["transform", "-m", model, "-i", str(more), "-o", out, "--column", "items", "-q"]) == 0
        assert load_embedding(out).vocab.ids.to_pylist() == ["new"]
        more.write_text("a1 new\n")  # another way of reading is given, where it is another
        assert main(["transform", "-m", model, "-i", str(more), "-o", out, "--columns", "items", "-q"]) == 2
        assert "`--weight` must name a column of the spec 'items'" in capsys.readouterr().err

    def test_update_goes_on(self, tmp_path, baskets, model, capsys):
        lines, out, kept = tmp_path / "new.txt", str(tmp_path / "out.npz"), str(tmp_path / "second.npz")
        lines.write_text("fresh item1 item2\nfresh item3\n")
        fitted, more = load_fitted(model), from_hyperedges(lines.read_text().splitlines())
        capsys.readouterr()
        assert main(["update", "-m", model, "-i", str(lines), "-o", out, "--save-model", kept]) == 0
        assert "1 new entities, 12 in all" in capsys.readouterr().err
        expected = update(fitted, more)
        np.testing.assert_array_equal(load_embedding(out).vectors, expected.embedding.vectors)
        again = load_fitted(kept)
        np.testing.assert_array_equal(again.vectors, expected.vectors)
        assert again.notes == fitted.notes and again.notes["reading"]["columns"] == "complex::reflexive::node"
        assert main(["update", "-m", kept, "--gone", str(lines), "--save-model", kept, "-q"]) == 0  # in its own place
        gone = load_fitted(kept)
        np.testing.assert_array_equal(gone.vectors, update(expected, gone=more).vectors)
        assert not gone.embedding["fresh"].any()
        assert main(["update", "-m", model, "-i", str(lines), "-o", out, "-n", "2", "-q"]) == 0
        np.testing.assert_array_equal(
            load_embedding(out).vectors, update(fitted, more, num_iterations=2).embedding.vectors
        )

    def test_what_does_not_go_together(self, tmp_path, baskets, model, capsys):
        out = str(tmp_path / "out.npz")
        embed = ["embed", "-i", baskets, "-o", out, "--save-model", str(tmp_path / "m.npz"), *SMALL]
        faults = [
            ([*embed, "--relations", "apart"], "does not go with `--relations apart`"),
            ([*embed, "--attention-temperature", "1"], "`--attention-temperature` does not go with"),
            ([*embed[:-2], "--propagation", "directed-both"], "fit each direction"),
            ([*embed[:5], "--save-model", out], "`--save-model` .* is `--output`, too"),
            ([*embed[:5], "--save-model", baskets, *SMALL], "`--save-model` .* is an input, too"),
            ([*embed[:5], "--save-model", str(tmp_path / "no" / "m")], "does not exist"),
            (["transform", "-m", baskets, "-i", baskets, "-o", out], "baskets.txt: not a whole model file"),
            (["transform", "-m", model, "-i", baskets, "-o", model], "`--output` .* is an input, too"),
            (["transform", "-m", model, "-i", baskets, "-c", "a b", "-o", out], "expected 2 columns"),
            (["update", "-m", model, "-i", baskets], "give `--output`, `--save-model` or both"),
            (["update", "-m", model, "-o", out], "give `--input` .* `--gone`"),
            (["update", "-m", model, "-i", baskets, "--save-model", out, "-o", out], "is `--output`, too"),
            (["update", "-m", model, "-i", baskets, "--save-model", out, "--column", "node"], "`--column` says what"),
            (["update", "-m", model, "--gone", str(tmp_path / "none"), "-o", out], "none: no such file"),
        ]
        before = sorted(os.listdir(tmp_path))
        for command, match in faults:
            assert main(command) == 2, command
            message = capsys.readouterr().err
            assert re.search(match, message), message
            assert sorted(os.listdir(tmp_path)) == before and Path(baskets).read_text() == BASKETS

    def test_both_files_appear_or_none(self, tmp_path, baskets, monkeypatch):
        def full(*_):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(formats, "write_contents", full)
        monkeypatch.setattr("cleora_jax.vectors.embedding.write_contents", full)
        command = ["embed", "-i", baskets, "-o", str(tmp_path / "out.npz"), "--save-model", str(tmp_path / "m"), *SMALL]
        assert main(command) == 1
        assert os.listdir(tmp_path) == ["baskets.txt"]
