"""Searches that were broken off: by exceptions, by Ctrl-C, by kill -9 at any moment; and records that are not theirs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

import cleora_jax as cj
from cleora_jax.evaluate.tuning import record as record_module
from cleora_jax.evaluate.tuning.fingerprint import digest, function_digest
from tests.conftest import ROOT, TOYS

RNG = np.random.default_rng(2)
GRAPH = cj.from_edges(RNG.integers(0, 60, 200), RNG.integers(0, 60, 200), num_entities=60)
LABELS = cj.labels_of(GRAPH.vocab, np.arange(60) % 3)
SPLIT = cj.split_nodes(LABELS, 0.3, 0.3)
NODES = cj.NodeObjective(GRAPH, LABELS, SPLIT)
SPACE = {"residual_weight": [0.0, 0.5], "num_iterations": [1, 3, 2]}
METHOD = cj.Cleora(dim=4)


def spread(embedding: cj.Embedding) -> float:
    """Some number that differs between settings."""
    return float(np.abs(embedding.vectors).sum())


def lines(path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def stopping_after(count: int, error: type[BaseException]):
    """`NODES` that breaks off at the call after so many."""
    calls = []

    class Breaking(cj.NodeObjective):
        def __call__(self, embedding):
            if len(calls) == count:
                raise error
            calls.append(1)
            return super().__call__(embedding)

    return Breaking(GRAPH, LABELS, SPLIT)


def test_a_record_says_everything(tmp_path):
    path = tmp_path / "search.jsonl"
    found = cj.tune(METHOD, SPACE, objective=NODES, record=path, seeds=[0, 7])
    entries = lines(path)
    assert len(entries) == 12 and len({(line["place"], line["seed"]) for line in entries}) == 12
    for line in entries:
        assert set(line["fingerprint"]) == {"graph", "objective", "space", "search", "seeds"}
        assert line["versions"]["jax"] and line["versions"]["cleora-jax"] == cj.__version__
        assert line["settings"]["dim"] == 4 and line["settings"]["seed"] == line["seed"] and line["seconds"] > 0
        assert line["score"] in found.trials[line["place"]].scores and line["failure"] is None


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
@pytest.mark.parametrize("count", [0, 1, 4])
def test_what_is_done_is_not_done_again(tmp_path, count, error):
    path = tmp_path / "search.jsonl"
    whole = cj.tune(METHOD, SPACE, objective=NODES)
    with pytest.raises(error):
        cj.tune(METHOD, SPACE, objective=stopping_after(count, error), record=path)
    assert len(lines(path)) == count
    before = path.read_bytes()
    resumed = cj.tune(METHOD, SPACE, objective=NODES, record=path)
    assert resumed == whole and resumed.table().count("\n") == whole.table().count("\n")
    assert path.read_bytes().startswith(before) and len(lines(path)) == 6
    again = cj.tune(METHOD, SPACE, objective=stopping_after(0, AssertionError), record=path)
    assert again == whole and again.records() == resumed.records() and len(lines(path)) == 6


@pytest.mark.parametrize("cut", range(1, 200, 17))
def test_a_torn_line_is_dropped_with_a_warning(tmp_path, cut):
    path = tmp_path / "search.jsonl"
    whole = cj.tune(METHOD, SPACE, objective=NODES, record=path)
    content = path.read_bytes()
    path.write_bytes(content[:-cut])
    with pytest.warns(cj.RecordWarning, match=r"search\.jsonl: the last line was not written to its end"):
        assert cj.tune(METHOD, SPACE, objective=NODES, record=path) == whole
    assert [line["place"] for line in lines(path)] == [line["place"] for line in map(json.loads, content.splitlines())]


def test_halving_goes_on_in_any_rung(tmp_path):
    search = cj.Halving(factor=2, rungs=2, resource="num_iterations")
    space = {"residual_weight": [0.0, 0.1, 0.2, 0.3]}
    whole = cj.tune(METHOD, space, objective=NODES, search=search)
    for count in (2, 4, 5):
        path = tmp_path / f"{count}.jsonl"
        with pytest.raises(KeyboardInterrupt):
            cj.tune(METHOD, space, objective=stopping_after(count, KeyboardInterrupt), search=search, record=path)
        assert cj.tune(METHOD, space, objective=NODES, search=search, record=path) == whole
        assert sorted((line["rung"], line["place"]) for line in lines(path))[:4] == [(0, place) for place in range(4)]
        assert len(lines(path)) == 6


def test_failures_are_done_too(tmp_path):
    def picky(embedding):
        if embedding.dim == 3:
            raise cj.OptionError("not three")
        return 1.0

    path = tmp_path / "search.jsonl"
    arguments = {"objective": picky, "graph": GRAPH, "record": path}
    first = cj.tune(METHOD, {"dim": [2, 3]}, **arguments)
    assert (
        cj.tune(METHOD, {"dim": [2, 3]}, **arguments) == first and first.failures[0].failure == "OptionError: not three"
    )
    assert len(lines(path)) == 2


CHANGES = {
    "graph": lambda: {"objective": replace(NODES, graph=cj.from_edges([0, 1], [1, 2], num_entities=60))},
    "objective": lambda: {"objective": replace(NODES, C=2.0)},
    "space": lambda: {"space": {**SPACE, "residual_weight": [0.0, 0.6]}},
    "search": lambda: {"search": cj.RandomSearch(6)},
    "seeds": lambda: {"seeds": [3]},
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_record_of_another_search_is_refused_and_left_alone(tmp_path, name):
    path = tmp_path / "search.jsonl"
    arguments = {"space": SPACE, "objective": NODES, "record": path}
    cj.tune(METHOD, **arguments)
    before = path.read_bytes()
    with pytest.raises(cj.OptionError) as error:
        cj.tune(METHOD, **(arguments | CHANGES[name]()))
    told = str(error.value).partition("What differs: ")[2]
    assert "line 1" in str(error.value) and told.startswith(name) and "; " not in told and path.read_bytes() == before
    with pytest.raises(cj.OptionError, match="space"):  # another setting that all trials share
        cj.tune(replace(METHOD, dim=5), **arguments)


def depth(embedding, sign=1):
    return float(sign * embedding.settings["num_iterations"])


def test_a_partial_is_known_by_its_arguments_and_what_has_no_code_is_refused(tmp_path):
    arguments = {"graph": GRAPH, "record": tmp_path / "search.jsonl"}
    space = {"num_iterations": [1, 2]}
    first = cj.tune(METHOD, space, objective=partial(depth, sign=-1), **arguments)
    assert cj.tune(METHOD, space, objective=partial(depth, sign=-1), **arguments) == first
    with pytest.raises(cj.OptionError, match="another search"):
        cj.tune(METHOD, space, objective=partial(depth, sign=1), **arguments)

    class Judge:
        def __call__(self, embedding):
            return 0.0

    with pytest.raises(TypeError, match="a function, or a partial of one"):
        cj.tune(METHOD, space, objective=Judge(), graph=GRAPH, record=tmp_path / "other.jsonl")
    cj.tune(METHOD, space, objective=Judge(), graph=GRAPH)


def test_files_that_are_no_records(tmp_path):
    path = tmp_path / "search.jsonl"
    for content in (b"notes\n", b"{}\n", b"[1]\n", b'{"fingerprint": 3}\n', b"\n"):
        path.write_bytes(content)
        with pytest.raises(cj.InputError, match=r"search\.jsonl, line 1: no line of a record"):
            cj.tune(METHOD, SPACE, objective=NODES, record=path)
        assert path.read_bytes() == content
    for content in (b"one line, no end", b'{"rung" 1'):
        path.write_bytes(content)
        with pytest.raises(cj.InputError, match="its end is no line of a record"):
            cj.tune(METHOD, SPACE, objective=NODES, record=path)
        assert path.read_bytes() == content
    path.unlink()
    cj.tune(METHOD, SPACE, objective=NODES, record=path)
    path.write_bytes(path.read_bytes() + path.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(cj.InputError, match="line 7: this run stands in the record twice"):
        cj.tune(METHOD, SPACE, objective=NODES, record=path)
    with pytest.raises(IsADirectoryError):
        cj.tune(METHOD, SPACE, objective=NODES, record=tmp_path)


def test_other_versions_are_said(tmp_path, monkeypatch):
    path = tmp_path / "search.jsonl"
    whole = cj.tune(METHOD, SPACE, objective=NODES, record=path)
    path.write_text(path.read_text().replace('"jax": "', '"jax": "9.'))
    with pytest.warns(cj.RecordWarning, match="other versions: jax 9."):
        assert cj.tune(METHOD, SPACE, objective=NODES, record=path) == whole


def test_two_searches_do_not_write_to_one_record(tmp_path):
    path = tmp_path / "search.jsonl"
    with record_module.opened_record(path, {}), pytest.raises(cj.OptionError, match="by another process"):
        cj.tune(METHOD, SPACE, objective=NODES, record=path)


def test_a_full_disk_is_said(tmp_path, monkeypatch):
    path = tmp_path / "search.jsonl"
    write = record_module.os.write
    monkeypatch.setattr(record_module.os, "write", lambda handle, line: write(handle, line[:10]))
    with pytest.raises(OSError, match="took 10 of"):
        cj.tune(METHOD, SPACE, objective=NODES, record=path)
    monkeypatch.undo()
    with pytest.warns(cj.RecordWarning, match="not written to its end"):
        cj.tune(METHOD, SPACE, objective=NODES, record=path)


KILLED = """
import sys, time
import numpy as np
import cleora_jax as cj
from cleora_jax.graph.hyperedges import frozen

def slow(embedding):
    time.sleep(0.02)
    return float(np.abs(embedding.vectors).sum())

rng = np.random.default_rng(2)
graph = cj.from_edges(rng.integers(0, 60, 200), rng.integers(0, 60, 200), num_entities=60)
contest = [(cj.Cleora(dim=4), {"num_iterations": list(range(1, 9)), "whiten": ["off", "last"]}),
           (cj.FastRP(dim=4), {"seed": list(range(8))})]
print("begins", flush=True)
found = cj.tune(contest, objective=slow, graph=graph, record=sys.argv[1])
print(repr([(trial.name, trial.scores, trial.failure) for trial in found.trials]), found.chosen)
"""


@pytest.mark.slow
def test_killed_at_random_moments_and_resumed(tmp_path):
    """kill -9, again and again, until the search comes to its end: the same result, and no run twice."""

    def start(path):
        command = [sys.executable, "-W", "ignore", "-c", KILLED, str(path)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)

    whole = start(tmp_path / "whole.jsonl").communicate()[0]
    path, rng = tmp_path / "killed.jsonl", np.random.default_rng(0)
    kills, before = 0, b""
    while True:
        process = start(path)
        assert process.stdout.readline() == "begins\n"
        known, patience = before.count(b"\n"), time.monotonic() + 60
        wanted = known + 1 + int(rng.integers(8))  # so that every life makes some progress
        while process.poll() is None and time.monotonic() < patience:
            if path.exists() and path.read_bytes().count(b"\n") >= wanted:
                time.sleep(rng.random() * 0.03)
                break
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        rest = process.communicate()[0]
        now = path.read_bytes()
        assert now.startswith(before[: before.rfind(b"\n") + 1])
        before = now
        if process.returncode == 0:
            break
        kills += 1
    assert kills >= 2 and "begins\n" + rest == whole
    keys = [(line["rung"], line["place"], line["seed"]) for line in lines(path)]
    assert len(keys) == len(set(keys)) == 24


# --- fingerprints ---


def test_graphs_have_fingerprints_of_their_own():
    found = {name: digest(graph) for name, graph in TOYS.items()}
    assert len(set(found.values())) == len(found)
    edges = [0, 1, 2], [1, 2, 0]
    same = cj.from_edges(*edges, ids=["a", "b", "c"])
    assert digest(same) == digest(cj.from_edges(*edges, ids=["a", "b", "c"]))
    others = [
        cj.from_edges(*edges, ids=["a", "b", "d"]), cj.from_edges(*edges, ids=["a", "b", "c"], column="x"),
        cj.from_edges(*edges, [1, 1, 2], ids=["a", "b", "c"]), cj.from_edges([0, 1, 2], [1, 2, 1], ids=["a", "b", "c"]),
    ]  # fmt: skip
    assert len({digest(graph) for graph in [same, *others]}) == 5
    assert digest(np.zeros(3)) != digest(np.zeros(3, np.float32)) != digest(np.zeros((3, 1), np.float32))
    assert digest(["a", "b"]) != digest(["ab"]) and digest([[], 1]) != digest([1, []])


def test_functions_have_fingerprints_of_their_code():
    def outer(value):
        def inner(embedding):
            return max(each + value for each in embedding)

        return inner

    assert function_digest(outer(1)) == function_digest(outer(2))  # what is closed over is not looked at
    functions = [
        outer(1),
        spread,
        lambda x: x + 1,
        lambda x: x + 2,
        lambda x: sum(y for y in x),
        lambda x: sum(-y for y in x),
    ]
    assert len({function_digest(one) for one in functions}) == len(functions)
    assert function_digest(np.max) != function_digest(np.min)


def test_the_fingerprint_is_the_same_in_another_process():
    code = (
        "import cleora_jax as cj\n"
        "from cleora_jax.evaluate.tuning.fingerprint import digest, function_digest\n"
        "print(digest(cj.from_edges([0, 1], [1, 2])), function_digest(lambda x: [y + 1 for y in x if y in {'p', 'q', 'r', 's'}]))"
    )
    runs = {
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT,
                       env={"PYTHONHASHSEED": seed, "PATH": ""}).stdout
        for seed in ("1", "2")
    }  # fmt: skip
    assert len(runs) == 1
