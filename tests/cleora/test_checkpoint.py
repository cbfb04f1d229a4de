"""A run that goes on from its checkpoint gives the bits of the unbroken run; one of another run is refused."""

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
from cleora_jax.cleora.checkpoint import STATE
from cleora_jax.cli import main

GRAPH = cj.generators.planted_partition([40] * 4, 0.2, 0.02).graph
PLAIN = cj.Cleora(dim=24, num_iterations=7)
METHODS = [
    PLAIN,
    replace(PLAIN, dim=8),  # the triangular whitening
    replace(PLAIN, whiten="off"),
    replace(PLAIN, whiten="last", scales=(2, 5, 7)),
    replace(PLAIN, whiten=3, residual_weight=0.3, normalization="l1"),
    replace(PLAIN, scales=(2, 4, 7)),
    replace(PLAIN, scales=(2, 4, 7), scale_weights=(1.0, 0.5, 0.25)),
    replace(PLAIN, attention_temperature=0.5),
    replace(PLAIN, propagation="directed-both"),
    replace(PLAIN, tolerance=0.3),
]


def until(step):
    """Progress that interrupts after a step."""

    def progress(stage, done, total):
        if done == step:
            raise KeyboardInterrupt

    return progress


@pytest.mark.filterwarnings("ignore::cleora_jax.RankWarning")
@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 4, 7])
@pytest.mark.parametrize("method", METHODS, ids=lambda method: f"{method.whiten}-{method.dim}-{method.scales}")
def test_an_interrupted_run_goes_on_to_the_same_bits(method, step, tmp_path):
    whole = cj.embed(GRAPH, method)
    keep = cj.Checkpoint(tmp_path / "run", every=3)
    if method.tolerance is None or step < 4:
        with pytest.raises(KeyboardInterrupt):
            cj.embed(GRAPH, method, checkpoint=keep, progress=until(step))
        assert list(tmp_path.rglob(STATE))
    again = cj.embed(GRAPH, method, checkpoint=replace(keep, resume=True))
    np.testing.assert_array_equal(again.vectors.view(np.uint32), whole.vectors.view(np.uint32))
    for one, other in zip(traces(again), traces(whole), strict=True):
        np.testing.assert_array_equal(one.effective_rank, other.effective_rank)
        np.testing.assert_array_equal(one.kept, other.kept)
        np.testing.assert_array_equal(one.subspace_change, other.subspace_change)
        assert one.converged == other.converged
    keep.clear()
    assert not (tmp_path / "run").exists()


def traces(embedding):
    return [embedding.trace] if isinstance(embedding.trace, cj.Trace) else list(embedding.trace)


def test_only_what_is_ours_is_cleared(tmp_path):
    foreign = [tmp_path / name for name in ("state.npz", "lock", "data/cleora-checkpoint.npz", "relation-0/notes.txt")]
    for path in foreign:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    (tmp_path / "empty").mkdir()
    keep = cj.Checkpoint(tmp_path)
    cj.embed(GRAPH, PLAIN, checkpoint=keep)
    assert keep.states() == [tmp_path / STATE]
    keep.clear()
    assert all(path.read_text() == "mine" for path in foreign) and (tmp_path / "empty").is_dir()
    assert not keep.states() and not (tmp_path / "cleora-checkpoint.lock").exists()


@pytest.mark.parametrize("resume", [False, True])
def test_runs_of_another_kind_do_not_share_a_folder(tmp_path, resume):
    both = replace(PLAIN, propagation="directed-both")
    for first, second in ((PLAIN, both), (both, PLAIN)):
        keep = cj.Checkpoint(tmp_path / first.propagation, resume=resume)
        cj.embed(GRAPH, first, checkpoint=keep)
        with pytest.raises(cj.OptionError, match="holds the state of a run"):
            cj.embed(GRAPH, second, checkpoint=keep)
        assert keep.states()


def test_other_versions_would_give_other_bits(kept, monkeypatch):
    monkeypatch.setattr("cleora_jax.cleora.checkpoint.platform.machine", lambda: "abacus")
    with pytest.raises(cj.InputError, match="written with machine .*; with abacus"):
        cj.embed(GRAPH, PLAIN, checkpoint=cj.Checkpoint(kept, resume=True))


def test_steps_that_are_done_are_not_done_again(tmp_path):
    keep, stages = cj.Checkpoint(tmp_path, every=2, resume=True), []
    with pytest.raises(KeyboardInterrupt):
        cj.embed(GRAPH, PLAIN, checkpoint=keep, progress=until(5))
    cj.embed(GRAPH, PLAIN, checkpoint=keep, progress=lambda stage, done, total: stages.append(done))
    assert stages == [5, 6, 7]
    stages.clear()
    cj.embed(GRAPH, PLAIN, checkpoint=keep, progress=lambda stage, done, total: stages.append(done))
    assert stages == [7]


def test_files_are_written_as_often_as_asked(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr("cleora_jax.cleora.checkpoint.write_archive", lambda path, kind, header, arrays: written.append(
        header["iteration"]
    ))  # fmt: skip
    cj.embed(GRAPH, PLAIN, checkpoint=cj.Checkpoint(tmp_path / "a", every=3))
    cj.embed(GRAPH, PLAIN, checkpoint=cj.Checkpoint(tmp_path / "b", minutes=0))
    cj.embed(GRAPH, PLAIN, checkpoint=cj.Checkpoint(tmp_path / "c", minutes=60))
    assert written == [3, 6, 7, 1, 2, 3, 4, 5, 6, 7, 7]


def test_relations_apart_keep_their_own(tmp_path):
    graph = cj.from_hyperedges(["a\tx\tp", "b\ty\tq", "a\ty\tq", "c\tx\tp"], "user item place")
    method, keep = cj.Cleora(dim=2, num_iterations=3, residual_weight=0.5), cj.Checkpoint(tmp_path / "k", resume=True)
    whole = cj.embed_apart(graph, method)
    for _ in range(2):
        parts = cj.embed_apart(graph, method, checkpoint=keep)
        for name, part in whole.items():
            np.testing.assert_array_equal(parts[name].vectors, part.vectors)
    assert len(list((tmp_path / "k").rglob(STATE))) == 3


@pytest.fixture
def kept(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        cj.embed(GRAPH, PLAIN, checkpoint=cj.Checkpoint(tmp_path), progress=until(2))
    return tmp_path


def test_another_run_is_refused(kept):
    keep = cj.Checkpoint(kept, resume=True)
    other = cj.generators.planted_partition([40] * 4, 0.2, 0.02, seed=1).graph
    for graph, method, init, message in (
        (GRAPH, replace(PLAIN, seed=1), None, "`seed` 0, not 1"),
        (GRAPH, replace(PLAIN, num_iterations=9), None, "`num_iterations` 7, not 9"),
        (other, PLAIN, None, "over another graph"),
        (GRAPH, PLAIN, np.ones((160, 24), np.float32), "from other first vectors"),
    ):
        with pytest.raises(cj.InputError, match=message):
            cj.embed(graph, method, init=init, checkpoint=keep)


def test_a_state_is_not_written_over_unasked(kept):
    with pytest.raises(cj.OptionError, match="holds the state of a run"):
        cj.embed(GRAPH, PLAIN, checkpoint=cj.Checkpoint(kept))


@pytest.mark.parametrize("harm", ["cut", "flip", "other"])
def test_a_damaged_state_is_named(kept, harm):
    path = kept / STATE
    content = bytearray(path.read_bytes())
    if harm == "cut":
        content = content[:-1000]
    elif harm == "flip":
        content[len(content) // 2] ^= 1
    path.write_bytes(content)
    if harm == "other":
        cj.save_graph(GRAPH, path)
    with pytest.raises(cj.InputError, match="cleora-checkpoint.npz"):
        cj.embed(GRAPH, PLAIN, checkpoint=cj.Checkpoint(kept, resume=True))


def test_what_a_killed_process_left_is_removed(kept):
    torn = kept / f".{STATE}.0123456789ab.tmp"
    torn.write_bytes(b"half")
    cj.embed(GRAPH, PLAIN, checkpoint=cj.Checkpoint(kept, resume=True))
    assert not torn.exists()


def test_options_are_checked(tmp_path):
    for options, name in (({"every": 0}, "every"), ({"minutes": -1}, "minutes"), ({"resume": 1.5}, "resume")):
        with pytest.raises((cj.OptionError, TypeError), match=name):
            cj.Checkpoint(tmp_path, **options)
    for folder, error in (("", cj.OptionError), (3, TypeError)):
        with pytest.raises(error):
            cj.Checkpoint(folder)
    with pytest.raises(TypeError, match="`checkpoint`"):
        cj.embed_apart(GRAPH, PLAIN, checkpoint=str(tmp_path))
    with pytest.raises(cj.OptionError, match="`checkpoint` is for the steps of Cleora"):
        cj.embed(GRAPH, cj.RandNE(dim=8), checkpoint=cj.Checkpoint(tmp_path))
    with pytest.raises(TypeError, match="`checkpoint`"):
        cj.embed(GRAPH, PLAIN, checkpoint=str(tmp_path))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--checkpoint", "in.txt"], "must be a folder"),
        (["--checkpoint", "."], "must not lie in the folder"),
        (["--checkpoint", "k", "--checkpoint-every", "0"], "`--checkpoint-every`"),
        (["--spill", "s", "--coordinator", "here:1"], "`--spill` does not go with `--coordinator`"),
        (["--checkpoint", "k", "--save-model", "m.npz"], "`--checkpoint` does not go with `--save-model`"),
        (["--checkpoint", "k", "--algorithm", "randne"], "`--checkpoint` is for the steps of Cleora"),
        (["--spill", "s", "--tolerance", "0.1"], "`--tolerance` does not go with `--spill`"),
        (["--coordinator", "here:1", "--algorithm", "randne"], "`--coordinator` is for the steps of Cleora"),
        (["--coordinator", "here:1"], "needs `--processes`"),
        (["--coordinator", "here", "--processes", "1", "--process-id", "0"], "`--coordinator` must be host:port"),
        (["--resume"], "`--resume` needs `--checkpoint`"),
        (["--process-id", "0"], "`--process-id` needs `--coordinator`"),
    ],
)
def test_the_command_line_refuses_before_it_reads(options, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os._exit", lambda code: None)  # of processes that joined others, or would have
    (tmp_path / "in.txt").write_text("not\x00read")
    assert main(["embed", "-i", "in.txt", "-o", "out.npz", *options]) == 2
    assert message in capsys.readouterr().err and sorted(path.name for path in tmp_path.iterdir()) == ["in.txt"]


COMMAND = "import sys; from cleora_jax.cli import main; sys.exit(main())"


def test_a_folder_is_of_one_process(tmp_path):
    (tmp_path / "in.txt").write_text("".join(f"a{i} a{(7 * i + 1) % 50}\n" for i in range(200)))
    many = ["--dim", "8", "-n", "1000000", "--checkpoint-every", "1", "-q", "--whiten-rank", "8"]
    with start(tmp_path, many) as first:
        wait_for(tmp_path / "keep" / STATE, first)
        try:
            with start(tmp_path, many, "--resume") as second:
                assert second.wait(60) == 2
                assert b"being written to by another process" in second.stderr.read()
            first.send_signal(signal.SIGTERM)
            assert first.wait(60) == 2 and b"interrupted" in first.stderr.read()
        finally:
            first.kill()
    assert (tmp_path / "keep" / STATE).exists() and not list(tmp_path.rglob("*.tmp"))


def test_a_killed_run_goes_on(tmp_path):
    (tmp_path / "in.txt").write_text("".join(f"a{i} a{(7 * i + 1) % 50}\n" for i in range(200)))
    some = ["--dim", "8", "-n", "100", "--checkpoint-every", "1", "-q", "--whiten-rank", "8"]
    with start(tmp_path, some, output="whole.npz", keep="other") as whole:
        assert whole.wait(60) == 0 and not (tmp_path / "other").exists()
    with start(tmp_path, some) as killed:
        wait_for(tmp_path / "keep" / STATE, killed)
        killed.kill()
    assert not (tmp_path / "out.npz").exists()
    with start(tmp_path, some, "--resume") as resumed:
        assert resumed.wait(60) == 0
    assert (tmp_path / "out.npz").read_bytes() == (tmp_path / "whole.npz").read_bytes()
    assert not (tmp_path / "keep").exists()


def start(folder, options, *more, output="out.npz", keep="keep"):
    files = ["-i", str(folder / "in.txt"), "-o", str(folder / output), "--checkpoint", str(folder / keep)]
    command = [sys.executable, "-c", COMMAND, "embed", *files, *options, *more]
    return subprocess.Popen(command, stderr=subprocess.PIPE, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})


def wait_for(path, process):
    """Until a file is there; a process that ended before has failed."""
    for _ in range(1200):
        if path.exists():
            return
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    raise AssertionError(f"{path} did not appear")
