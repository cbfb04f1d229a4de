"""Experiments run: on tiny inputs, without their figures being looked at."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pycleora
import pytest

import cleora_jax as cj
from experiments import report
from experiments.benchmark.peer import Pycleora, lines_of
from experiments.benchmark.run import SOURCES
from experiments.determinism import run as determinism
from tests.conftest import ROOT


def test_speed_smoke(tmp_path):
    command = [sys.executable, "-m", "experiments.speed.run", "--smoke", "--output", str(tmp_path / "out.jsonl")]
    command += ["--inputs", str(tmp_path), "--only", "powerlaw-generated"]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert {line["mode"] for line in lines} == {"whitened", "plain"}
    for line in lines:  # whether a figure is plausible is for readers: on inputs this small, differences are noise
        assert set(line["cleora_jax"]) == set(line["pycleora"]) == {"build", "embed", "step", "whole", "peak_rss"}


def smoke(name: str, tmp_path, *options: str) -> list[dict]:
    """The lines of an experiment on a tiny input."""
    command = [sys.executable, "-m", f"experiments.{name}.run", "--smoke", "--output", str(tmp_path / "out.jsonl")]
    subprocess.run([*command, *options], check=True, capture_output=True, cwd=ROOT)
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert all(line["versions"]["jax"] and line["cores"] for line in lines)
    return lines


@pytest.mark.slow
def test_features_smoke(tmp_path):
    lines = smoke("features", tmp_path)
    choices = [line for line in lines if line.get("chosen")]
    assert {line["source"] for line in lines} == {"karate, features made up"}
    assert len(choices) == len({line["start"] for line in lines}) == 6
    assert all(0 <= line["test"] <= 1 for line in choices)


@pytest.mark.slow
def test_inductive_smoke(tmp_path):
    lines = smoke("inductive", tmp_path)
    assert {line["way"] for line in lines} >= {"anew", "another seed", "mean of neighbours", "transform", "update 10"}
    assert next(line for line in lines if line["way"] == "anew")["overlap"] == 1
    assert all(0 <= line["overlap"] <= 1 and 0 <= line["accuracy"] <= 1 for line in lines)


def test_few_cells_of_the_determinism_table(tmp_path):
    """Bits are those of the first of their form, whatever else differs; the forms agree within rounding."""
    *cells, forms = determinism.lines(tmp_path, True, determinism.FEW)
    assert [(cell["form"], cell["where"]) for cell in cells] == [few[:2] for few in determinism.FEW]
    assert all(cell["bits"] and cell["difference"] == 0 for cell in cells)
    assert 0 < forms["difference"] < 1e-4


@pytest.mark.slow
def test_determinism_smoke(tmp_path):
    cells = [line for line in smoke("determinism", tmp_path) if line["kind"] == "cell"]
    assert len(cells) == 33 and all(line["bits"] for line in cells)


@pytest.mark.slow
def test_growth_smoke(tmp_path):
    lines = smoke("growth", tmp_path)
    assert [line["kind"] for line in lines] == ["entities", "baskets", "spill"]
    assert all(line["peak"] > line["held"] > 0 and line["step"] > 0 for line in lines) and report.growth(lines)
    again = smoke("growth", tmp_path, "--only", "spill")  # what is of other kinds stays as it is
    assert again[:2] == lines[:2] and len(again) == 3
    (tmp_path / "out.jsonl").rename(tmp_path / "results.jsonl")
    (tmp_path / "cores.jsonl").write_text(json.dumps(lines[0] | {"cores": 2}) + "\n")
    command = [sys.executable, "-m", "experiments.growth.plots", "--input", str(tmp_path), "--output", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    assert {path.name for path in tmp_path.glob("*.svg")} == {"growth.svg", "growth-cores.svg"}


@pytest.mark.slow
def test_precision_smoke(tmp_path):
    lines = smoke("precision", tmp_path)
    assert [line["kind"] for line in lines] == ["error"] * 3 + ["size"] * 6 and report.precision(lines)
    assert all(0 < line["gram"] < 0.02 and line["overlap"] > 0.9 for line in lines[:2])


@pytest.mark.slow
def test_kills_smoke(tmp_path):
    lines = smoke("kills", tmp_path)
    assert sum(len(line["kills"]) for line in lines) >= 1
    assert all(line["same"] for line in lines)
    assert all(not line["left"] or line["killed_on_the_way_out"] for line in lines)


@pytest.mark.slow
def test_hops_smoke(tmp_path):
    lines = smoke("hops", tmp_path)
    assert [line["way"] for line in lines] == ["best depth", "all depths", "learned"]
    assert lines[2]["auc_choose"] >= lines[1]["auc_choose"]  # the start is among what is chosen from


@pytest.mark.slow
def test_relations_smoke(tmp_path):
    equal, learned = smoke("relations", tmp_path)
    assert learned["auc_choose"] >= equal["auc_choose"] and learned["heaviest"]


@pytest.mark.slow
def test_sweep_smoke(tmp_path):
    lines = smoke("sweep", tmp_path)
    assert {line["kind"] for line in lines} == {"score", "time"}
    assert len([line for line in lines if line["kind"] == "score"]) == 4


@pytest.mark.slow
def test_vectors_smoke(tmp_path):
    lines = smoke("vectors", tmp_path)
    found = [line for line in lines if line["kind"] != "large"]
    assert {line["engine"] for line in found} == {"exact", "usearch", "faiss", "cleora_jax"}
    assert all(0 < line["recall"] <= 1 for line in found) and report.vectors(lines)


@pytest.mark.slow
def test_graphs_smoke(tmp_path):
    lines = smoke("graphs", tmp_path)
    assert all(line["cleora_jax"] > 0 for line in lines) and report.graphs(lines)


def test_baselines_smoke(tmp_path):
    lines = smoke("baselines", tmp_path)
    assert [line["method"] for line in lines] == ["ProNE", "HOPE"]
    assert all(50 < line["micro"][1] <= 100 for line in lines)


@pytest.mark.slow
def test_worth_smoke(tmp_path):
    lines = smoke("worth", tmp_path)
    choice = next(line for line in lines if line["kind"] == "choice")
    assert choice["mean_rank"][choice["label"]] == min(choice["mean_rank"].values())
    assert next(line["label"] for line in lines if line["kind"] == "test") == f"general: {choice['label']}"
    assert choice["label"] in report.worth(lines)


def test_the_benchmark_is_whole():
    """A line for every method on every set; where there are no scores it says why."""
    path = ROOT / "experiments" / "benchmark" / "results.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    peer = f"{Pycleora.__module__}:{Pycleora.__name__}"
    wanted = {(source.name, method) for source in SOURCES for method in (*cj.METHODS, peer, "rivals")}
    assert {(line["dataset"], line["method"]) for line in lines} == wanted
    assert len(lines) == len(wanted)
    assert all(line["scores"] or line["failure"] for line in lines)


@pytest.mark.slow
def test_benchmark_smoke(tmp_path):
    lines = smoke("benchmark", tmp_path)
    assert [line["method"] for line in lines] == ["randne", "experiments.benchmark.peer:Pycleora", "rivals"]
    assert all(line["failure"] is None and line["dataset"] == "karate" for line in lines)
    command = [sys.executable, "-m", "experiments.benchmark.plots", "--input", "out.jsonl", "--output", "."]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert {path.name for path in tmp_path.glob("*.svg")} == {f"benchmark-{name}.svg" for name in report.PICTURES}
    assert report.benchmark(lines).count("\n| ") == 4  # headings, two methods, the majority


def test_pycleora_takes_part_on_the_same_edges():
    graph = cj.from_edges([4, 0, 2, 4], [1, 2, 1, 0], num_entities=6)
    assert list(lines_of(graph)) == ["4 1", "0 2", "2 1", "4 0"]
    matrix = pycleora.SparseMatrix.from_iterator(iter(lines_of(graph)), "complex::reflexive::node")
    theirs = pycleora.embed(matrix, 4, seed=3)
    ours = cj.embed(graph, Pycleora(dim=4, seed=3))
    assert matrix.entity_ids != sorted(matrix.entity_ids) and not ours.vectors[[3, 5]].any()
    np.testing.assert_array_equal(ours.vectors[[int(entity) for entity in matrix.entity_ids]], theirs)


@pytest.mark.slow
def test_scale_smoke(tmp_path):
    lines = smoke("scale", tmp_path, "--only", "prone")
    assert lines[0]["peak"] > lines[0]["before"] > 0 and lines[0]["arcs"] == 10_000


@pytest.mark.slow
def test_tune_smoke(tmp_path):
    lines = smoke("tune", tmp_path)
    methods = [line for line in lines if line["kind"] == "method"]
    assert {line["trials"] for line in methods} == {3} and len(methods) == 2 * 4 * 2
    for line in methods:  # what was chosen is at least as good on validation as any other trial of its method
        own = [
            x for x in lines if x["kind"] == "trial" and (x["source"], x["method"]) == (line["source"], line["method"])
        ]
        best = max(x["score"] for x in own)
        assert len(own) == 3 and (line["way"] == "default" or line["validation"] == [best])
        assert all(0 <= score <= 1 for score in line["test"])
    command = [sys.executable, "-m", "experiments.tune.times", "--smoke", "--output", str(tmp_path / "out.jsonl")]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert {line["kind"] for line in lines} == {"trial", "method", "time"}


def test_the_report_reads_what_the_experiments_wrote():
    """Figures on the page are those of the recorded lines."""
    for name, tables in report.TABLES.items():
        path = report.results_of(name)
        if name != "sweep" and path.exists():  # which draws a picture, too
            lines = [json.loads(line) for line in path.read_text().splitlines()]
            page = (ROOT / "docs" / report.PAGES.get(name, report.PAGE)).read_text()
            assert tables(lines) in page, f"run python -m experiments.report: {name} has other figures"


@pytest.mark.slow
def test_walks_smoke(tmp_path):
    lines = smoke("walks", tmp_path)
    assert all(line["ours"] > 0 for line in lines if line["kind"] == "walks")
    training = {line["engine"]: line for line in lines if line["kind"] == "training"}
    assert training["ours"]["tokens per second"] > 0 and 0 <= training["ours"]["micro_f1 0.5"] <= 1


@pytest.mark.slow
def test_sessions_smoke(tmp_path):
    lines = smoke("sessions", tmp_path)
    tests = [line for line in lines if line["kind"] == "test"]
    methods = ["popularity", "VS-kNN", "Cleora nearest", "EMDE, no training", "EMDE, net"]
    assert [line["method"] for line in tests] == methods
    assert all(0 <= line["mrr@20"] <= line["hit_rate@20"] <= 1 for line in lines)
    command = [sys.executable, "-m", "experiments.sessions.baskets", "--smoke", "--output", str(tmp_path / "out.jsonl")]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [line["method"] for line in lines if line["kind"] == "test"] == ["popularity", "EMDE, no training"]


@pytest.mark.slow
def test_recommend_smoke(tmp_path):
    lines = smoke("recommend", tmp_path)
    assert {line["name"] for line in lines} == {"popularity", "ease", "graph-filter", "gf-cf"}
    assert all(0 < line["metrics"]["recall@20"] <= 1 and line["peak"] > 0 for line in lines)
    path = tmp_path / "latency.jsonl"
    command = [sys.executable, "-m", "experiments.recommend.latency", "--smoke", "--output", str(path)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert all(0 < line["p50_ms"] <= line["p99_ms"] and line["threads"] == 1 for line in lines)
    assert report.latency(lines).count("\n| ") == len(lines) == 4
    command = [sys.executable, "-m", "experiments.recommend.split", "--smoke", "--output", str(path)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["items"] * 4 + ["held out"] * 8
    assert [line["items"] for line in lines[:4]] == [0, 7, 0, 0]


def test_a_tenth_of_each_user_is_held_out():
    from cleora_jax.recommend import interactions
    from experiments.recommend.split import hold_out_of_each

    sizes = (1, 2, 10, 30)
    given = interactions([(f"u{size}", item) for size in sizes for item in range(size)])
    kept, held = hold_out_of_each(given, 0.1)
    counts = dict(zip(given.users.ids.to_pylist(), np.diff(held.matrix.indptr).tolist(), strict=True))
    assert counts == {"u1": 0, "u2": 1, "u10": 1, "u30": 3}
    both = kept.matrix + held.matrix
    assert (both != given.matrix).nnz == 0 and kept.matrix.multiply(held.matrix).nnz == 0


def test_binding_holds_for_threads_that_imports_began():
    """One bound after them would leave these on all cores."""
    script = "from experiments.recommend.latency import bind, cores_of_threads; bind(); print(cores_of_threads())"
    command = [sys.executable, "-c", script]
    assert subprocess.run(command, check=True, capture_output=True, cwd=ROOT, text=True).stdout == "1\n"


def test_the_test_part_takes_what_validation_chose():
    from experiments.recommend.run import chosen

    about = {"part": "validation", "source": "gowalla", "name": "gf-cf"}
    scores = [(0.1, 0.2), (0.2, 0.3), (0.3, 0.2)]
    done = [
        about | {"asked": {"rank": rank}, "metrics": {"recall@20": recall, "ndcg@20": ndcg}}
        for rank, (recall, ndcg) in enumerate(scores)
    ]
    done.append(about | {"part": "test", "asked": {"rank": 9}, "metrics": {"recall@20": 1.0, "ndcg@20": 1.0}})
    assert chosen(done, "gowalla", "gf-cf") == {"rank": 1}
    assert chosen(done, "retail-fimi", "gf-cf") == {} and chosen([], "gowalla", "cleora-knn:users") == {"side": "users"}
