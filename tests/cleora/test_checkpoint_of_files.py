"""Checkpoints of tables in files: to the same bits from any moment, without the table in memory, and clean behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

import cleora_jax as cj
from cleora_jax.cleora import striped, table_files
from cleora_jax.cleora.checkpoint import KIND, STATE
from cleora_jax.cleora.stored_table import StoredTable
from cleora_jax.graph.archive import read_archive

GRAPH = cj.generators.planted_partition([40] * 4, 0.2, 0.02).graph
PLAIN = cj.Cleora(dim=40, num_iterations=7)
METHODS = [
    PLAIN,
    replace(PLAIN, dim=8),  # the triangular whitening
    replace(PLAIN, whiten="off", residual_weight=0.3),
    replace(PLAIN, whiten="last", scales=(2, 5, 7)),
    replace(PLAIN, scales=(2, 4, 7), storage="float16"),
    replace(PLAIN, propagation="directed-both", scales=(3, 7)),
]
pytestmark = pytest.mark.filterwarnings("ignore::cleora_jax.RankWarning")


def until(step):
    """Progress that interrupts after a step."""

    def progress(stage, done, total):
        if done == step:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 4, 7])
@pytest.mark.parametrize("method", METHODS, ids=lambda method: f"{method.whiten}-{method.dim}-{method.scales}")
def test_an_interrupted_run_goes_on_to_the_same_bits(method, step, tmp_path):
    whole = cj.embed(GRAPH, method)
    keep, spill = cj.Checkpoint(tmp_path / "run", every=3), tmp_path / "spill"
    with pytest.raises(KeyboardInterrupt):
        cj.embed(GRAPH, method, checkpoint=keep, spill=spill, progress=until(step))
    assert list((tmp_path / "run").rglob("cleora-table-*.bin"))
    again = cj.embed(GRAPH, method, checkpoint=replace(keep, resume=True), spill=spill)
    np.testing.assert_array_equal(again.vectors.view(np.uint32), whole.vectors.view(np.uint32))
    assert not list(spill.iterdir())
    keep.clear()
    assert not (tmp_path / "run").exists()


def test_narrow_tables_in_memory_keep_narrow_files(tmp_path):
    method = replace(PLAIN, storage="bfloat16", scales=(2, 7))
    whole = cj.embed(GRAPH, method)
    with pytest.raises(KeyboardInterrupt):
        cj.embed(GRAPH, method, checkpoint=cj.Checkpoint(tmp_path, every=3), progress=until(4))
    assert [path.stat().st_size for path in tmp_path.glob("cleora-table-*")] == [2 * 40 * GRAPH.num_entities]
    again = cj.embed(GRAPH, method, checkpoint=cj.Checkpoint(tmp_path, resume=True))
    np.testing.assert_array_equal(again.vectors, whole.vectors)
    with pytest.raises(cj.InputError, match="`spill` False, not True"):
        cj.embed(GRAPH, method, checkpoint=cj.Checkpoint(tmp_path, resume=True), spill=tmp_path / "spill")


@pytest.mark.parametrize("transient", [False, True])
def test_snapshots_are_of_the_entities_that_are_results(transient, tmp_path):
    lines = [f"b{line}\ti{line % 37} i{(7 * line) % 41}" for line in range(200)]
    graph = cj.from_hyperedges(lines, f"{'transient::' if transient else ''}basket complex::item")
    method = replace(PLAIN, dim=4, scales=(2, 4, 7), residual_weight=0.2)
    keep = cj.Checkpoint(tmp_path / "run", every=1, resume=True)
    with pytest.raises(KeyboardInterrupt):
        cj.embed(graph, method, checkpoint=keep, spill=tmp_path, progress=until(5))
    again = cj.embed(graph, method, checkpoint=keep, spill=tmp_path)
    np.testing.assert_array_equal(again.vectors, cj.embed(graph, method).vectors)


def test_a_step_that_is_broken_off_is_not_kept(tmp_path, monkeypatch):
    """The table is overwritten by a step: one that an interrupt broke off leaves the state before it."""
    whole, passes = cj.embed(GRAPH, PLAIN), striped._transform_and_measure
    calls = []

    def broken(*args):
        calls.append(args)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return passes(*args)

    monkeypatch.setattr(striped, "STRIPED", striped.STRIPED._replace(transform_and_measure=broken))
    keep = cj.Checkpoint(tmp_path / "run", every=3, resume=True)
    with pytest.raises(KeyboardInterrupt):
        cj.embed(GRAPH, PLAIN, checkpoint=keep, spill=tmp_path)
    assert [path.name for path in (tmp_path / "run").glob("*.bin")] == ["cleora-table-3.bin"]
    np.testing.assert_array_equal(cj.embed(GRAPH, PLAIN, checkpoint=keep, spill=tmp_path).vectors, whole.vectors)


@pytest.mark.parametrize("moment", ["before the table", "before the state", "before the old one goes"])
def test_a_write_that_is_broken_off_leaves_a_state(moment, tmp_path, monkeypatch):
    """Where a process dies between two files, the state that is there has all of its own."""
    place = {"before the table": "write_files", "before the state": "write_archive"}.get(moment, "remove_files")
    target, calls = f"cleora_jax.cleora.checkpoint.{place}", []
    real = getattr(cj.cleora.checkpoint, place)

    class Died(Exception):
        pass

    def dies(*args):
        calls.append(args)
        if len(calls) == 2:
            raise Died
        return real(*args)

    keep = cj.Checkpoint(tmp_path / "run", every=2, resume=True)
    with monkeypatch.context() as patch:
        patch.setattr(target, dies)
        with pytest.raises(Died):
            cj.embed(GRAPH, PLAIN, checkpoint=keep, spill=tmp_path)
    header, _ = read_archive(tmp_path / "run" / STATE, KIND)
    assert header["iteration"] == (4 if moment == "before the old one goes" else 2)
    again = cj.embed(GRAPH, PLAIN, checkpoint=keep, spill=tmp_path)
    np.testing.assert_array_equal(again.vectors, cj.embed(GRAPH, PLAIN).vectors)
    assert [path.name for path in (tmp_path / "run").glob("*.bin")] == ["cleora-table-7.bin"]


@pytest.fixture
def kept(tmp_path):
    method = replace(PLAIN, scales=(2, 7))
    with pytest.raises(KeyboardInterrupt):
        cj.embed(GRAPH, method, checkpoint=cj.Checkpoint(tmp_path / "run"), spill=tmp_path, progress=until(3))
    return method, tmp_path


@pytest.mark.parametrize("name", ["cleora-table-3.bin", "cleora-part-0.bin"])
@pytest.mark.parametrize("harm", ["cut", "flip", "gone"])
def test_a_damaged_file_is_named(kept, name, harm):
    method, folder = kept
    path = folder / "run" / name
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(content if harm == "flip" else content[:-4])
    with pytest.raises(cj.InputError, match=f"{name}: .*(not there|truncated|checksum)"):
        cj.embed(GRAPH, method, checkpoint=cj.Checkpoint(folder / "run", resume=True), spill=folder)


def test_files_of_a_name_that_is_not_ours_are_not_read(kept):
    _, folder = kept
    with pytest.raises(KeyError):
        table_files.read_table(folder, {"table": {"name": "../secret"}}, StoredTable(None, 2, 2))


def test_a_state_of_another_place_is_refused(kept):
    method, folder = kept
    with pytest.raises(cj.InputError, match="`spill` True, not False"):
        cj.embed(GRAPH, method, checkpoint=cj.Checkpoint(folder / "run", resume=True))


def test_what_is_not_ours_is_left(kept):
    _, folder = kept
    (folder / "run" / "cleora-table-mine.bin").write_text("mine")
    cj.Checkpoint(folder / "run").clear()
    assert [path.name for path in (folder / "run").iterdir()] == ["cleora-table-mine.bin"]


COMMAND = "import sys; from cleora_jax.cli import main; sys.exit(main())"


def test_a_killed_run_goes_on(tmp_path):
    (tmp_path / "in.txt").write_text("".join(f"a{i} a{(7 * i + 1) % 50}\n" for i in range(200)))
    some = ["--dim", "8", "-n", "200", "-q", "--whiten-rank", "8", "--scales", "3,200"]
    places = ["--checkpoint", str(tmp_path / "keep"), "--checkpoint-every", "1", "--spill", str(tmp_path / "spill")]
    with start(tmp_path, some, "whole.npz") as whole:
        assert whole.wait(60) == 0
    for moment in (1, 20):
        with start(tmp_path, [*some, *places, "--resume"], "out.npz") as killed:
            wait_for(tmp_path / "keep", moment, killed)
            killed.send_signal(signal.SIGKILL)
        assert not (tmp_path / "out.npz").exists() and not list((tmp_path / "spill").iterdir())
    with start(tmp_path, [*some, *places, "--resume"], "out.npz") as resumed:
        assert resumed.wait(60) == 0
    assert (tmp_path / "out.npz").read_bytes() == (tmp_path / "whole.npz").read_bytes()
    assert not (tmp_path / "keep").exists()


def start(folder, options, output):
    command = [sys.executable, "-c", COMMAND, "embed", "-i", str(folder / "in.txt"), "-o", str(folder / output)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([*command, *options], stderr=subprocess.PIPE, env=environment)


def wait_for(folder, step, process):
    """Until a table after that step, or a later one, is there; a process that ended before has failed."""
    for _ in range(6000):
        names = [path.stem for path in folder.glob("cleora-table-*.bin")]
        if (folder / STATE).exists() and any(int(name.rpartition("-")[2]) >= step for name in names):
            return
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    raise AssertionError(f"no table after step {step}")
