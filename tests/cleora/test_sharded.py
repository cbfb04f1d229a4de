"""Rows over devices, of one process and of several: the result of one device, up to rounding; nobody waits for the dead."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

import cleora_jax as cj

PRETEND = """
import json
import jax, numpy as np
import cleora_jax as cj
from dataclasses import replace

def apart(one, other):
    one, other = (table.astype(np.float64) @ table.T for table in (one, other))
    return float(np.linalg.norm(one - other) / np.linalg.norm(one))

links = cj.generators.planted_partition([300] * 4, 0.01, 0.0005).graph  # some are isolated
plain = cj.Cleora(dim=40, num_iterations=4)
methods = [
    plain, replace(plain, dim=200), replace(plain, residual_weight=0.3), replace(plain, whiten="last", scales=(2, 4)),
    replace(plain, whiten="off"), replace(plain, whiten_alpha=0.5), replace(plain, form="factored"),
    replace(plain, propagation="directed-both"), replace(plain, whiten=3, normalization="l1"),
]
for method in methods:
    whole = cj.embed(links, method)
    for count in (1, 2, 3, 4) if method is plain else (3,):
        parts = cj.embed(links, method, devices=jax.devices()[:count])
        again = cj.embed(links, method, devices=jax.devices()[:count])
        print(json.dumps({
            "count": count, "apart": apart(whole.vectors, parts.vectors),
            "bits": bool((whole.vectors == parts.vectors).all()),
            "again": bool((again.vectors == parts.vectors).all()),
            "zero": bool((whole.vectors.any(axis=1) == parts.vectors.any(axis=1)).all()),
        }))
"""


def test_pretended_devices_give_the_result_of_one():
    environment = os.environ | {
        "XLA_FLAGS": "--xla_force_host_platform_device_count=4", "PYTHONPATH": os.pathsep.join(sys.path)
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PRETEND], check=True, capture_output=True, text=True, env=environment
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == 12
    assert all(each["apart"] < 1e-5 and each["again"] and each["zero"] for each in found)
    assert all(each["bits"] for each in found if each["count"] == 1)


@pytest.fixture
def baskets(tmp_path):
    path = tmp_path / "in.txt"
    path.write_text("".join(f"a{i % 90} a{(7 * i + 1) % 101} a{(i * i) % 57}\n" for i in range(600)))
    return path


@pytest.fixture
def port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def started(baskets, output, port, number, count, *more):
    command = [sys.executable, "-m", "cleora_jax", "embed", "-i", str(baskets), "-o", str(output), "--dim", "6",
               "--coordinator", f"127.0.0.1:{port}", "--processes", str(count), "--process-id", str(number),
               "--whiten-rank", "6", *more]  # fmt: skip
    errors = open(f"{output}.{number}.err", "wb")  # noqa: SIM115
    with errors:
        return subprocess.Popen(command, stderr=errors, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})


def told(output, number):
    with open(f"{output}.{number}.err") as file:
        return file.read()


@pytest.mark.parametrize("count", [1, 2, pytest.param(4, marks=pytest.mark.slow)])
def test_processes_give_the_result_of_one(baskets, tmp_path, port, count):
    output = tmp_path / "out.npz"
    processes = [started(baskets, output, port, number, count, "-n", "5") for number in range(count)]
    codes = [process.wait(120) for process in processes]
    assert codes == [0] * count, [told(output, number) for number in range(count)]
    found = cj.load_embedding(output)
    whole = cj.embed(cj.read(baskets), cj.Cleora(dim=6, num_iterations=5, whiten_rank=6))
    assert found.vocab == whole.vocab
    np.testing.assert_allclose(found.vectors @ found.vectors.T, whole.vectors @ whole.vectors.T, atol=1e-4)
    assert "process 0 writes" in told(output, count - 1) or count == 1


def test_the_others_end_when_one_is_killed(baskets, tmp_path, port):
    output = tmp_path / "out.npz"
    processes = [started(baskets, output, port, number, 2, "-n", "1000000") for number in range(2)]
    try:
        while "Rank 0 is connected to 1 peer" not in told(output, 0):
            assert all(process.poll() is None for process in processes), told(output, 0)
            time.sleep(0.1)
        time.sleep(3)  # some steps
        processes[1].send_signal(signal.SIGKILL)
        assert processes[0].wait(90) != 0
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert not output.exists()
    assert "another process is gone" in told(output, 0)


def test_what_cannot_be_is_named(tmp_path):
    graph = cj.from_edges([0, 1, 2], [1, 2, 3])
    for method, options, name in (
        (cj.Cleora(dim=2, tolerance=0.1), {"devices": []}, "tolerance"),
        (cj.Cleora(dim=2), {"devices": []}, "devices"),
        (cj.Cleora(dim=2), {"devices": ["cpu"]}, "devices"),
        (cj.Cleora(dim=2), {"devices": [1], "spill": tmp_path}, "spill"),
        (cj.RandNE(dim=2), {"devices": [1]}, "devices"),
    ):
        with pytest.raises(cj.OptionError, match=f"`{name}`"):
            cj.embed(graph, method, **options)
    for arguments in (("here", 2, 0), ("here:0", 2, 0), ("here:1", 0, 0), ("here:1", 2, 2)):
        with pytest.raises(cj.OptionError, match="`(coordinator|processes|process)`"):
            cj.join_processes(*arguments)
