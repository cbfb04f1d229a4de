"""Rows over devices, of one process and of several: the result of one device, up to rounding; nobody waits for the dead."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time

import jax
import numpy as np
import pytest

import cleora_jax as cj

PRETEND = """
import json, sys
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
every = sys.argv[1] == "every"
for method in methods if every else (plain, methods[6]):
    whole = cj.embed(links, method)
    for count in (1, 2, 3, 4) if every and method is plain else (1, 3):
        parts = cj.embed(links, method, devices=jax.devices()[:count])
        again = cj.embed(links, method, devices=jax.devices()[:count])
        print(json.dumps({
            "count": count, "apart": apart(whole.vectors, parts.vectors),
            "bits": bool((whole.vectors == parts.vectors).all()),
            "again": bool((again.vectors == parts.vectors).all()),
            "zero": bool((whole.vectors.any(axis=1) == parts.vectors.any(axis=1)).all()),
        }))
"""


@pytest.mark.parametrize(("which", "count"), [("some", 4), pytest.param("every", 20, marks=pytest.mark.slow)])
def test_pretended_devices_give_the_result_of_one(which, count):
    environment = os.environ | {
        "XLA_FLAGS": "--xla_force_host_platform_device_count=4", "PYTHONPATH": os.pathsep.join(sys.path)
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PRETEND, which],
        check=True,
        capture_output=True,
        text=True,
        env=environment,
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == count
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
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        )


def told(output, number):
    with open(f"{output}.{number}.err") as file:
        return file.read()


@pytest.mark.parametrize("count", [2, *(pytest.param(count, marks=pytest.mark.slow) for count in (1, 4))])
def test_processes_give_the_result_of_one(baskets, tmp_path, port, count):
    output = tmp_path / "out.npz"
    processes = [started(baskets, output, port, number, count, "-n", "5", "--json") for number in range(count)]
    outs = [process.communicate(timeout=120)[0] for process in processes]
    assert not any(process.returncode for process in processes), [told(output, number) for number in range(count)]
    found = cj.load_embedding(output)
    whole = cj.embed(cj.read(baskets), cj.Cleora(dim=6, num_iterations=5, whiten_rank=6))
    assert found.vocab == whole.vocab
    np.testing.assert_allclose(found.vectors @ found.vectors.T, whole.vectors @ whole.vectors.T, atol=1e-4)
    assert [json.loads(out)["output"] for out in outs] == [[str(output)]] + [[]] * (count - 1)


@pytest.mark.slow
def test_the_others_end_when_one_is_killed(baskets, tmp_path, port):
    output = tmp_path / "out.npz"
    processes = [started(baskets, output, port, number, 2, "-n", "1000000") for number in range(2)]
    try:
        time.sleep(15)  # to read, to meet, and some steps; should it take longer, the others notice it even so
        assert all(process.poll() is None for process in processes), told(output, 0)
        processes[1].send_signal(signal.SIGKILL)
        assert processes[0].wait(90) != 0
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert not output.exists()
    assert "another process is gone" in told(output, 0) or "heartbeat" in told(output, 0)


TWO = """
import sys
import cleora_jax as cj
port, number = sys.argv[1], int(sys.argv[2])
cj.join_processes(f"127.0.0.1:{port}", 2, number, patience=30)
import jax, numpy as np
graph = cj.generators.planted_partition([20] * 3, 0.5, 0.1).graph
method = cj.Cleora(dim=3, num_iterations=2, whiten_rank=3, seed=number)
alone = cj.embed(graph, method, devices=jax.local_devices()).vectors
here = cj.embed(graph, method).vectors
print(bool(np.allclose(alone @ alone.T, here @ here.T, atol=1e-5)))
for wrong in ({"seed": number}, {"seed": 0, "dim": 3 + number}):
    try:
        cj.embed(graph, cj.Cleora(**{"dim": 3, "num_iterations": 2} | wrong), devices=jax.devices())
    except cj.OptionError as error:
        print("differ in their settings" in str(error))
init = cj.embed(graph, method)
try:
    cj.embed(graph, cj.Cleora(dim=3, num_iterations=2), init=init, devices=jax.devices())
except cj.OptionError as error:
    print("differ in their start" in str(error))
"""


@pytest.mark.slow
def test_processes_alone_and_processes_that_differ(port):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-W", "ignore", "-c", TWO, str(port)]
    both = [subprocess.Popen([*command, str(number)], stdout=subprocess.PIPE, env=environment) for number in (0, 1)]
    outs = [process.communicate(timeout=120)[0].decode().splitlines() for process in both]
    told = [[line for line in lines if not line.startswith("[Gloo]")] for lines in outs]
    assert told == [["True"] * 4] * 2


RAISES = """
import sys
import cleora_jax as cj
port, number = sys.argv[1], int(sys.argv[2])
cj.join_processes(f"127.0.0.1:{port}", 2, number, patience=60)
import jax
graph = cj.generators.planted_partition([20] * 3, 0.5, 0.1).graph
def progress(stage, done, total):
    if number == 1 and done == 3:
        raise KeyError("of one process")
cj.embed(graph, cj.Cleora(dim=3, num_iterations=10**6, whiten_rank=3), devices=jax.devices(), progress=progress)
"""


@pytest.mark.slow
def test_what_one_process_raises_ends_the_other(port):
    """Before its patience is over, let alone the five minutes that JAX waits at an end."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-W", "ignore", "-c", RAISES, str(port)]
    both = [subprocess.Popen([*command, str(number)], stderr=subprocess.PIPE, env=environment) for number in (0, 1)]
    try:
        errors = [process.communicate(timeout=50)[1].decode() for process in both]
    finally:
        for process in both:
            process.kill()
    assert [process.returncode for process in both] == [1, 1]
    assert "another process is gone" in errors[0] and "of one process" in errors[1]


def test_what_cannot_be_is_named(tmp_path):
    graph = cj.from_edges([0, 1, 2], [1, 2, 3])
    for method, options, name in (
        (cj.Cleora(dim=2, tolerance=0.1), {"devices": []}, "tolerance"),
        (cj.Cleora(dim=2), {"devices": []}, "devices"),
        (cj.Cleora(dim=2), {"devices": [1], "spill": tmp_path}, "spill"),
        (cj.RandNE(dim=2), {"devices": [1]}, "devices"),
    ):
        with pytest.raises(cj.OptionError, match=f"`{name}`"):
            cj.embed(graph, method, **options)
    device = jax.devices()[0]
    with pytest.raises(cj.OptionError, match="each once"):
        cj.embed(graph, cj.Cleora(dim=2), devices=[device, device])
    for devices in (["cpu"], device):
        with pytest.raises(TypeError, match="`devices`"):
            cj.embed(graph, cj.Cleora(dim=2), devices=devices)
    for arguments in (("here", 2, 0), ("here:0", 2, 0), ("here:1", 0, 0), ("here:1", 2, 2)):
        with pytest.raises(cj.OptionError, match="`(coordinator|processes|process)`"):
            cj.join_processes(*arguments)
