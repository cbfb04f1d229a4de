"""Benchmarks: every line is what the judge says by hand; nothing is run twice; nothing is left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

import cleora_jax as cj
from cleora_jax._memory import peak_bytes
from cleora_jax.benchmark import judging, process, verb, worker
from cleora_jax.benchmark.process import Failure, Outcome, run_task
from cleora_jax.benchmark.results import Line, key_of, line_of
from cleora_jax.benchmark.task import RIVALS, Task, name_of, settings_of
from cleora_jax.data import Split
from cleora_jax.evaluate import LinkProtocol, NodeProtocol, NodeSplit, split_edges
from tests.benchmark.methods import Fails, Hangs, Hungry, Plain

KARATE = cj.load_dataset("karate")
RANDNE = cj.RandNE(dim=8)


def task(method, dataset="karate", judge="nodes", rounds=2, time_limit=60.0) -> Task:
    return Task(dataset, name_of(method), settings_of(method), judge, rounds, time_limit)


@pytest.fixture(scope="module")
def nodes(tmp_path_factory):
    """Two rounds of RandNE and rivals on karate, and the file."""
    path = tmp_path_factory.mktemp("nodes") / "out.jsonl"
    seen = []
    found = cj.run_benchmark("karate", RANDNE, rounds=2, output=path, progress=lambda *told: seen.append(told))
    assert seen[0] == ("karate", 1, 4) and seen[-1] == ("karate", 4, 4)
    return found, path


@pytest.fixture
def not_run(monkeypatch):
    """Tasks that would be run."""
    asked = []

    def run(one, folder, told):
        asked.append(one)
        return Outcome([], Failure("error", "not run"))

    monkeypatch.setattr(verb, "run_task", run)
    return asked


# --- scores ---


def test_scores_are_those_of_classify_nodes(nodes):
    line, rivals = nodes[0]
    for at in range(2):
        embedding = cj.embed(KARATE.graph, replace(RANDNE, seed=at))
        for tuned, shares in ((True, (0.1, 0.5)), (False, (0.1, 0.5, 0.9))):
            protocol = NodeProtocol(train=shares, splits=1, tune=tuned, seed=at)
            found = cj.classify_nodes(embedding, KARATE.labels, protocol)
            for row, share in enumerate(shares):
                assert line.score("accuracy", share, tuned).values[at] == found.values["micro_f1"][row, 0]
                assert line.score("macro_f1", share, tuned).values[at] == found.values["macro_f1"][row, 0]
                if not tuned:
                    rival = rivals.score("accuracy", share, False, "majority")
                    assert rival.values[at] == found.majority["micro_f1"][row, 0]


@pytest.mark.slow
def test_scores_are_those_of_predict_edges():
    line, rivals = cj.run_benchmark("karate", RANDNE, rounds=2, judge="links")
    assert line.task.judge == "links" and line.failure is None and rivals.failure is None
    for at in range(2):
        found = cj.predict_edges(split_edges(KARATE.graph, seed=at), replace(RANDNE, seed=at), LinkProtocol(seed=at))
        assert line.score("scorer").values[at] == found.chosen
        for metric, value in found.best.items():
            assert line.score(metric).values[at] == pytest.approx(value)
        for name in ("common neighbours", "preferential attachment"):
            assert rivals.score("auc_matched", rival=name).values[at] == pytest.approx(found[name]["auc_matched"])
    assert line.warm == line.figures["again"] and len(line.figures["seconds"]) == 2
    assert "Adamic–Adar" in str(cj.BenchmarkResults((line, rivals)))


def test_given_splits_are_taken_in_turn():
    rows = np.random.default_rng(0).permutation(34)
    splits = tuple(Split(np.sort(rows[at : at + 10]), rows[:0], np.sort(rows[at + 10 :])) for at in (0, 5))
    data = replace(KARATE, splits=splits)
    vectors = cj.embed(data.graph, RANDNE)
    for at in range(3):
        own = NodeSplit(splits[at % 2].train, splits[at % 2].val, splits[at % 2].test)
        by_hand = cj.classify_nodes(vectors, data.labels, NodeProtocol(tune=True, seed=at), splits=[own])
        first = next(judging.judged_nodes(data, vectors, at, "randne"))
        assert first == {
            "metric": "accuracy",
            "train": "given",
            "tuned": True,
            "value": by_hand.values["micro_f1"][0, 0],
        }
    assert [one["rival"] for one in judging.judged_nodes(data, vectors, 0, RIVALS)] == ["majority"] * 2
    assert judging.given_split(replace(data, splits=splits[:1]), 0) is None  # one is no interval


@pytest.mark.realdata
def test_the_splits_of_a_publisher(data):
    (line,) = cj.run_benchmark("hg-cora-coauthorship", RANDNE, rounds=2, rivals=False, folder=data)
    assert line.score("accuracy", "given", True).summary.mean > 0.3 and line.score("accuracy", 0.5, True) is None


# --- figures ---


def test_times_and_memory(nodes):
    line = nodes[0].lines[0]
    assert len(line.figures["seconds"]) == 2 and line.cold == line.figures["seconds"][0] > line.warm > 0  # it compiles
    assert line.figures["start_seconds"] > 0 and line.figures["load_seconds"] > 0 and line.figures["nodes"] == 34
    assert line.peak >= line.figures["rss_before"] >= line.figures["rss_start"] > 10**7
    assert "sklearn" not in sys.modules or line.peak < peak_bytes()  # this process has imported much more


def test_the_peak_holds_what_was_allocated_and_nothing_of_the_parent():
    ballast = np.ones(2**29, np.uint8)
    (line,) = cj.run_benchmark("karate", Hungry(2**28), rounds=1, rivals=False)
    taken = line.peak - line.figures["rss_before"]
    assert 2**28 - 2**20 < taken < 2**28 + 2**26  # Linux counts pages of threads a little late
    assert line.figures["rss_before_peak"] < ballast.nbytes


def test_preparation_is_timed_apart_and_prints_are_no_events():
    outcome = run_task(task(Plain(), rounds=1), None, lambda event: None)
    assert outcome.failure is None and outcome.events[-1]["event"] == "done"
    figures = line_of(task(Plain()), {}, "0", outcome, {}).figures
    assert figures["prepare_seconds"] >= 0.2 > figures["seconds"][0]


def test_rounds_have_seeds_of_their_own(tmp_path):
    told = []
    rounds = worker.embed_rounds(task(RANDNE), KARATE, tmp_path, np.inf, lambda event, **about: told.append(event))
    assert rounds == 2 and told == ["before", "round", "round"]
    for seed in range(2):
        expected = cj.embed(KARATE.graph, replace(RANDNE, seed=seed)).vectors
        np.testing.assert_array_equal(np.load(tmp_path / f"{seed}.npy"), expected)
    assert not np.array_equal(np.load(tmp_path / "0.npy"), np.load(tmp_path / "1.npy"))


# --- the limit of time, and other ends ---


def is_gone(pid: int) -> bool:
    """Within a few seconds the process has ended (one that nobody waited for yet counts)."""
    status = Path(f"/proc/{pid}/stat")
    for _ in range(50):
        if not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.1)
    return False


def test_what_hangs_is_killed_at_the_limit_with_its_children(tmp_path):
    begun = time.monotonic()
    (line,) = cj.run_benchmark("karate", Hangs(str(tmp_path / "pid")), time_limit=8, rounds=3, rivals=False)
    assert line.failure == Failure("time limit", "8 s, embedding, 1 of 3 rounds done") and time.monotonic() - begun < 20
    assert len(line.figures["seconds"]) == 1 and line.scores == ()
    assert is_gone(int((tmp_path / "pid").read_text()))
    assert "! Hangs" in str(cj.BenchmarkResults((line,))) and "8 s, embedding" in str(cj.BenchmarkResults((line,)))


def test_rounds_that_would_end_too_late_are_not_begun(tmp_path):
    soon = time.monotonic() - 1
    assert worker.embed_rounds(task(RANDNE, rounds=3), KARATE, tmp_path, soon, lambda *_, **__: None) == 1
    events = [{"event": "judged"}, {"event": "done"}]
    assert process._too_few(task(RANDNE, rounds=3), events).message == "60 s, 1 of 3 rounds done and judged"
    assert process._too_few(task(RANDNE, rounds=1), events) is None


@pytest.mark.parametrize(
    "how, reason, message",
    [
        ("error", "error", "ValueError: `graph` is not to my liking at all"),
        ("memory", "memory", "MemoryError: 16.0 TiB needed"),
        ("SIGKILL", "memory", "killed by the system (SIGKILL)"),
        ("SIGSEGV", "error", "died of SIGSEGV"),
    ],
)
def test_failures_are_lines_with_their_reason(how, reason, message):
    found = cj.run_benchmark("karate", Fails(how), rivals=False)
    (line,) = found
    assert line.failure.reason == reason and line.failure.message.startswith(message)
    assert line.cold is None and line.scores == () and repr(found) == "BenchmarkResults(1 lines, 1 of them cut short)"
    assert message in str(found)


def test_what_cannot_start_says_why(monkeypatch):
    monkeypatch.setattr(process, "COMMAND", (sys.executable, "-c", "import nothing_of_that_name"))
    outcome = run_task(task(Plain()), None, lambda event: None)
    assert outcome == Outcome([], Failure("error", "ModuleNotFoundError: No module named 'nothing_of_that_name'"))


def test_an_interrupt_ends_the_process_and_writes_no_line(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(
        process, "Popen", lambda *args, **how: started.append(subprocess.Popen(*args, **how)) or started[-1]
    )

    def interrupt(event):
        if event["event"] == "loaded":
            raise KeyboardInterrupt

    monkeypatch.setattr(verb._Count, "told", staticmethod(interrupt))
    with pytest.raises(KeyboardInterrupt):
        cj.run_benchmark("karate", Plain(), output=tmp_path / "out.jsonl", rivals=False)
    assert started[0].returncode == -9 and (tmp_path / "out.jsonl").read_text() == ""


def test_a_worker_ends_with_its_parent(tmp_path):
    """Whose end of the pipe closes, however it went."""
    pid = tmp_path / "pid"
    order = {"task": asdict(task(Hangs(str(pid)))), "folder": None, "scratch": str(tmp_path), "deadline": 1e12}
    path = os.pathsep.join(map(os.path.abspath, sys.path))
    with subprocess.Popen(process.COMMAND, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True,
                          env=os.environ | {"PYTHONPATH": path}) as child:  # fmt: skip
        child.stdin.write(json.dumps(order).encode() + b"\n")
        child.stdin.flush()
        while not pid.exists() or not pid.read_text():
            assert child.poll() is None
            time.sleep(0.05)
        child.stdin.close()
        assert child.wait(10) == -9
    assert is_gone(int(pid.read_text()))


# --- the file ---


def test_lines_come_back_from_the_file(nodes):
    found, path = nodes
    again = cj.load_benchmark(path)
    assert [line.as_dict() for line in again] == [line.as_dict() for line in found]
    assert str(again) == str(found) and "majority" in str(found)
    assert {record["method"] for record in found.records()} == {"randne", "majority"}
    assert all(record["count"] == 2 and 0 <= record["mean"] <= 1 for record in found.records())
    entry = json.loads(path.read_text().splitlines()[0])
    assert entry["versions"]["jax"] and entry["cores"] and entry["version"] == cj.__version__


def test_what_stands_in_the_file_is_not_run_again(nodes, not_run, tmp_path):
    found, path = nodes
    copy = tmp_path / "out.jsonl"
    copy.write_bytes(path.read_bytes())
    again = cj.run_benchmark(["karate"], [RANDNE], rounds=2, time_limit=5, output=copy)
    assert not not_run and str(again) == str(found) and copy.read_bytes() == path.read_bytes()
    cj.run_benchmark("karate", [RANDNE, cj.RandNE(dim=8, weighted=False), "prone"], rounds=2, output=copy)
    cj.run_benchmark("karate", RANDNE, rounds=3, output=copy)
    assert [(one.method, one.rounds) for one in not_run] == [("randne", 2), ("prone", 2), ("randne", 3), (RIVALS, 3)]
    assert len(cj.load_benchmark(copy)) == 6


def test_a_torn_line_is_run_again(nodes, not_run, tmp_path):
    _, path = nodes
    copy = tmp_path / "out.jsonl"
    first, second = path.read_bytes().splitlines(keepends=True)
    copy.write_bytes(first + second[:-20])
    assert len(cj.load_benchmark(copy)) == 1  # while it is being written
    cj.run_benchmark("karate", RANDNE, rounds=2, output=copy)
    assert [one.method for one in not_run] == [RIVALS]
    lines = copy.read_bytes().splitlines(keepends=True)
    assert lines[0] == first and json.loads(lines[1])["failure"]["message"] == "not run" and len(lines) == 2


def test_what_ran_out_of_time_is_run_again_with_more_of_it(nodes, not_run, tmp_path):
    line = replace(nodes[0].lines[0], failure=Failure("time limit", "…"))
    path = tmp_path / "out.jsonl"
    path.write_text(json.dumps(line.as_dict()) + "\n")
    cj.run_benchmark("karate", RANDNE, rounds=2, rivals=False, output=path, time_limit=600)
    assert not not_run
    cj.run_benchmark("karate", RANDNE, rounds=2, rivals=False, output=path, time_limit=601)
    assert len(not_run) == 1
    assert cj.load_benchmark(path).lines[0].failure.message == "not run"  # the last of a key counts


def test_keys_tell_work_apart():
    one = task(RANDNE)
    keys = [
        key_of(one, {}, "1"), key_of(one, {}, "2"), key_of(one, {"C": 1}, "1"), key_of(task(Plain()), {}, "1"),
        key_of(replace(one, rounds=3), {}, "1"), key_of(replace(one, dataset="lesmis"), {}, "1"),
        key_of(replace(one, judge="links"), {}, "1"), key_of(task(replace(RANDNE, dim=9)), {}, "1"),
    ]  # fmt: skip
    assert len(set(keys)) == len(keys)
    assert key_of(task(replace(RANDNE, seed=5)), {}, "1") == key_of(replace(one, time_limit=1), {}, "1") == keys[0]


@pytest.mark.parametrize("method", [kind() for kind in cj.METHODS.values()], ids=list(cj.METHODS))
def test_methods_survive_json(method):
    order = json.loads(json.dumps(asdict(task(method))))
    assert Task(**order).embedder(7) == replace(method, seed=7)
    assert Task(**order).label == name_of(method)


def test_labels_name_what_is_not_the_default():
    assert (
        task(cj.Cleora(dim=16, whiten="off", scales=(1, 2))).label
        == "cleora (num_iterations=2, whiten=off, scales=[1, 2])"
    )
    assert task(cj.ProNE(weighted=False, filter=None)).label == "prone (filter=None)"


# --- the door ---


def test_errors_say_what_is_wrong(tmp_path):
    for wrong, message in [
        (dict(datasets="karat"), "no data set 'karat'"),
        (dict(datasets="lesmis", judge="nodes"), "`judge` 'nodes' needs labels, which 'lesmis'"),
        (dict(methods="pron"), "`methods` must be one of 'cleora'"),
        (dict(methods="nowhere:Method"), "cannot be imported"),
        (dict(methods="os:getcwd"), "must be a dataclass"),
        (dict(methods=[]), "`methods` must be at least one"),
        (dict(datasets=[]), "`datasets` must be at least one"),
        (dict(methods=Plain(seed=0), datasets="karat"), "no data set"),
        (dict(methods=Hungry(size=1j)), "what JSON can hold, Hungry"),
        (dict(rounds=0), "`rounds` must be at least 1, got 0"),
        (dict(time_limit=0), "`time_limit` must be above 0 seconds"),
        (dict(judge="words"), "`judge` must be one of 'auto', 'nodes', 'links', got 'words'"),
        (dict(datasets="cora", folder=tmp_path), "data set 'cora' is not on this machine"),
    ]:
        with pytest.raises(ValueError, match=message):
            cj.run_benchmark(**dict(datasets="karate", methods="randne") | wrong)
    with pytest.raises(TypeError, match="must be names or methods"):
        cj.run_benchmark("karate", [3])
    (tmp_path / "notes.jsonl").write_text('{"dataset": "karate"}\n')
    with pytest.raises(cj.InputError, match=r"notes\.jsonl, line 1: no line of a benchmark"):
        cj.run_benchmark("karate", "randne", output=tmp_path / "notes.jsonl")
    with pytest.raises(cj.InputError, match=r"line 1: no line of a benchmark"):
        cj.load_benchmark(tmp_path / "notes.jsonl")


def test_nodes_where_there_are_labels_else_links(not_run):
    cj.run_benchmark(["karate", "lesmis"], "all", dim=4, rivals=False)
    assert [(one.dataset, one.judge) for one in not_run[:: len(cj.METHODS)]] == [
        ("karate", "nodes"),
        ("lesmis", "links"),
    ]
    assert {one.settings["dim"] for one in not_run} == {4} and len(not_run) == 2 * len(cj.METHODS)


def test_lines_that_failed_show_in_the_table():
    line = Line(task(RANDNE), {}, "1", {}, (), Failure("memory", "too large"), {})
    assert str(cj.BenchmarkResults((line,))).splitlines()[1:] == [
        "method    10%  50%  10%, C = 1  50%, C = 1  90%, C = 1  cold  warm  before  peak",
        "randne !    –    –           –           –           –     –     –       –     –",
        "! randne: memory: too large",
    ]
