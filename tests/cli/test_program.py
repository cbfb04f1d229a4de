"""The program as a whole: answers, exit codes, messages that name the place, nothing left behind."""

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
from pathlib import Path

import numpy as np
import pytest

from cleora_jax import __version__, load_embedding
from cleora_jax.cli import main
from cleora_jax.cli.commands import COMMANDS
from tests.cli.conftest import BASKETS, SMALL, run
from tests.conftest import ROOT


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
        assert main(["convert", "-e", saved, "-o", target]) == 0
        np.testing.assert_array_equal(load_embedding(target).vectors, load_embedding(saved).vectors)
    capsys.readouterr()
    assert main(["info", "--embeddings", saved]) == 0
    assert "dim" in capsys.readouterr().out
    assert main(["info", "-i", baskets]) == 0
    assert "hyperedges       40" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["info", "similar", "explore", "convert", "index", "compress"])
def test_saved_vectors_are_named_alike_everywhere(name, tmp_path, saved):
    if name == "index":
        pytest.importorskip("usearch")
    target = str(tmp_path / "made.npz")
    more = {"info": [], "similar": ["--entity", "item1"], "explore": ["--html", target]}.get(name, ["-o", target])
    for option in ("--embeddings", "-e"):
        assert main([name, option, saved, "-q", *more]) == 0
    with pytest.raises(SystemExit):
        main([name, saved, "-q", *more])


def test_json_is_one_object_and_nothing_else(tmp_path, baskets, saved, capsys):
    target = str(tmp_path / "out.parquet")
    capsys.readouterr()
    for command in (
        ["embed", "-i", baskets, "-o", target, *SMALL],
        ["info", "-i", baskets],
        ["info", "--embeddings", saved],
        ["similar", "--embeddings", saved, "--entity", "item1", "--entity", "item2"],
        ["convert", "-e", saved, "-o", target],
    ):
        assert main([*command, "--json"]) == 0
        captured = capsys.readouterr()
        assert isinstance(json.loads(captured.out), dict)
    assert load_embedding(target).settings["dim"] == 8


def test_convert_does_not_overwrite_what_it_reads(saved, capsys):
    before = Path(saved).read_bytes()
    assert main(["convert", "-e", saved, "-o", saved, "--column", "node"]) == 2
    assert "is an input, too" in capsys.readouterr().err and Path(saved).read_bytes() == before


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


def test_closed_standard_input(tmp_path):
    done = subprocess.run(
        f"{sys.executable} -m cleora_jax embed -i - -o {tmp_path}/out.npz <&-",
        shell=True,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and "standard input is closed" in done.stderr


def test_a_closed_pipe_is_no_error(saved):
    command = [sys.executable, "-m", "cleora_jax", "similar", "--embeddings", saved, "--entity", "item1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b"" and process.wait() == 0


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


def test_a_fault_of_ours_is_not_blamed_on_the_user(baskets, tmp_path, monkeypatch):
    import cleora_jax.graph.readers as readers

    def broken(*_, **__):
        raise ValueError("operands could not be broadcast")

    monkeypatch.setattr(readers.Assembler, "finish", broken)
    with pytest.raises(ValueError, match="broadcast"):
        main(["embed", "-i", baskets, "-o", str(tmp_path / "out.npz")])


def test_every_command_is_in_the_docs():
    page = (ROOT / "docs" / "cli.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \|", page.partition("## ")[0], re.MULTILINE)) == set(COMMANDS)
