"""Processes that each read, embed and write a part give together the result of one, and end together."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import cleora_jax as cj
from tests.cleora.test_sharded import port as port


def started(command, count):
    """Processes 0 … count − 1; `{number}` in a command is which."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    return [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", *(word.replace("{number}", str(number)) for word in command)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True,
        )
        for number in range(count)
    ]  # fmt: skip


def ended(processes, seconds=150):
    """What each has written to standard output and to standard error."""
    try:
        return [process.communicate(timeout=seconds) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def embedding_command(paths, output, port, count, *more):
    return ["-m", "cleora_jax", "embed", "-i", *map(str, paths), "-o", str(output), "--dim", "6", "--whiten-rank", "6",
            "--coordinator", f"127.0.0.1:{port}", "--processes", str(count), "--process-id", "{number}",
            "--read-share", *more]  # fmt: skip


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(1)
    paths = [tmp_path / f"{name}.tsv" for name in "ab"]
    for path in paths:
        path.write_text("".join(f"a{a}\ta{b}\n" for a, b in rng.integers(0, 150, (500, 2))))
    return paths


def names_of_parts(output, count):
    return [output.with_name(f"{output.stem}-{number:04}-of-{count:04}{output.suffix}") for number in range(count)]


@pytest.mark.parametrize("count", [2, *(pytest.param(count, marks=pytest.mark.slow) for count in (1, 4))])
def test_processes_give_the_result_of_one(files, tmp_path, port, count):
    output = tmp_path / "out.parquet"
    processes = started(embedding_command(files, output, port, count, "-n", "5", "--json", "--shared-ids",
                                          "--columns", "from to"), count)  # fmt: skip
    outs = ended(processes)
    assert not any(process.returncode for process in processes), outs
    whole = cj.embed(cj.read(files, "from to", shared_ids=True), cj.Cleora(dim=6, num_iterations=5, whiten_rank=6))
    parts = [cj.load_embedding(path) for path in names_of_parts(output, count)]
    assert [name for part in parts for name in part.vocab.ids.to_pylist()] == whole.vocab.ids.to_pylist()
    found, wanted = (table @ table.T for table in (np.concatenate([p.vectors for p in parts]), whole.vectors))
    assert np.linalg.norm(found - wanted) < 1e-5 * np.linalg.norm(wanted)
    told = [json.loads(out) for out, _ in outs]
    assert [one["output"] for one in told] == [[str(path)] for path in names_of_parts(output, count)]
    assert {one["entities_of_all"] for one in told} == {len(whole)}
    assert count == 1 or max(one["hyperedges_here"] for one in told) < 1100 / count


FEW = """
import sys
import jax, numpy as np
import cleora_jax as cj
from cleora_jax.cleora import embed_share, read_share
for form in ("clique", "factored"):
    method = cj.Cleora(dim=2, num_iterations=2, whiten_rank=2, form=form)
    whole = cj.embed(cj.read(sys.argv[1]), method)
    for found in (embed_share(read_share(sys.argv[1]), method), cj.embed(cj.read(sys.argv[1]), method, devices=jax.devices())):
        print(len(jax.devices()), np.allclose(found.vectors @ found.vectors.T, whole.vectors @ whole.vectors.T, atol=1e-5))
"""


def test_more_devices_than_entities(tmp_path, monkeypatch):
    path = tmp_path / "in.tsv"
    path.write_text("a b\nb c\n")
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=7")
    ((out, errors),) = ended(started(["-c", FEW, str(path)], 1))
    assert out.splitlines() == ["7 True"] * 4, errors


ALL_WAYS = """
import json, sys, warnings
warnings.simplefilter("ignore")
import numpy as np
import cleora_jax as cj
from dataclasses import replace
from cleora_jax.cleora import embed_share, read_share
from jax.experimental.multihost_utils import process_allgather

port, count, number, *paths = sys.argv[1:]
cj.join_processes(f"127.0.0.1:{port}", int(count), int(number))

def apart(one, other):
    one, other = (table.astype(np.float64) @ table.T for table in (one, other))
    return np.linalg.norm(one - other) / np.linalg.norm(other)

def all_rows(vectors):
    sizes = np.asarray(process_allgather(np.array(len(vectors))))
    padded = np.asarray(process_allgather(np.pad(vectors, ((0, sizes.max() - len(vectors)), (0, 0)))))
    return np.concatenate([part[:size] for part, size in zip(padded, sizes)])

results = []
plain = cj.Cleora(dim=9, num_iterations=4, whiten_rank=9)
for method in (plain, replace(plain, dim=150, whiten_rank=None), replace(plain, form="factored"),
               replace(plain, propagation="symmetric"), replace(plain, propagation="symmetric", form="factored"),
               replace(plain, residual_weight=0.3, whiten="last", scales=(2, 4)), replace(plain, normalization="l1")):
    spec = "user transient::complex::item" if method.form == "factored" else "complex::reflexive::node"
    whole = cj.embed(cj.read(paths, spec), method)
    share = read_share(paths, spec)
    part = embed_share(share, method)
    again = embed_share(share, method) if method is plain else part
    same = bool((part.vectors == again.vectors).all())
    near = 1e-5 if method.normalization == "l2" else 3e-5  # "l1" leaves more to rounding: `devices=` differs by 0.7e-5
    results.append([len(part), bool(apart(all_rows(part.vectors), whole.vectors) < near), same])
print("\\n" + json.dumps(results))  # on a line of its own, whatever gloo has printed
"""


@pytest.mark.slow
@pytest.mark.parametrize(("count", "devices"), [(2, 1), (4, 1), (2, 3)])
def test_all_ways_in_processes(files, port, count, devices, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", f"--xla_force_host_platform_device_count={devices}")
    processes = started(["-c", ALL_WAYS, str(port), str(count), "{number}", *map(str, files)], count)
    for out, errors in ended(processes, 400):
        told = [line for line in out.splitlines() if line.startswith("[[")]
        results = json.loads(told[0]) if told else errors[-2000:]
        assert len(results) == 7 and all(rows > 0 and near and same for rows, near, same in results), results


@pytest.mark.slow
@pytest.mark.parametrize(("how", "patience", "seconds"), [("SIGKILL", 60, 60), ("SIGSTOP", 20, 120)])
def test_the_others_end_when_one_is_gone(files, tmp_path, port, how, patience, seconds):
    """Killed, its connections break at once; stopped, it is silent."""
    output = tmp_path / "out.npz"
    command = embedding_command(files, output, port, 2, "-n", "1000000", "--patience", str(patience))
    processes = started(command, 2)
    time.sleep(20)
    assert all(process.poll() is None for process in processes)
    processes[1].send_signal(getattr(signal, how))
    try:
        _, errors = processes[0].communicate(timeout=seconds)
    finally:
        processes[1].kill()
        ended(processes)
    assert processes[0].returncode != 0
    assert "another process is gone" in errors or "heartbeat" in errors, errors[-2000:]
    assert not list(tmp_path.glob("out*"))


@pytest.mark.slow
def test_a_bad_line_ends_all_processes(files, tmp_path, port):
    with files[1].open("a") as file:
        file.write("only one\n")
    processes = started(embedding_command(files, tmp_path / "out.npz", port, 2, "--columns", "from to"), 2)
    told = [errors for _, errors in ended(processes, 60)]
    assert all(process.returncode == 2 for process in processes), told
    assert "process 1: " in told[0] and "found 1: 'only one'" in told[1]
