"""Which recommender in closed form finds held-out interactions best, how fast, in how much memory?

python -m experiments.recommend.run --part validation   # the settings of GRIDS, on a tenth held out of training
python -m experiments.recommend.run --part test         # what validation chose, else defaults; all of training, once
python -m experiments.recommend.run --smoke             # generated, in seconds

Settings are chosen by recall@20 + ndcg@20 of 3,000 users in validation; how defaults came about is in
docs/experiments.md. Every method runs in a process of its own, so that its peak of memory is its own. Lines that stand
in the output are not run again; `--only gowalla gf-cf` runs some.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from cleora_jax._memory import peak_bytes
from cleora_jax.benchmark.verb import machine
from cleora_jax.recommend import (
    Interactions,
    evaluate_recommender,
    fit_recommender,
    hold_out,
    interactions,
    read_interactions,
    recommender_named,
)
from cleora_jax.recommend.interactions import part_of
from experiments.record import data_folder

GOWALLA, ELECTRONICS, RETAIL, SMOKE = "gowalla", "amazon-electronics-ultragcn", "retail-fimi", "generated"
USERS = 3000  # of validation, drawn once
K = (10, 20)
NARROW = (
    "popularity", "item-knn", "gf-cf", "bspm", "graph-filter", "cleora-knn", "cleora-knn:users", "cleora-filter",
    "emde",
)  # fmt: skip
METHODS = {
    GOWALLA: NARROW,
    ELECTRONICS: (*NARROW, "ease"),
    RETAIL: tuple(name for name in (*NARROW, "ease") if name != "cleora-knn:users"),  # 88,000 users to compare with all
    SMOKE: ("popularity", "ease", "graph-filter", "gf-cf"),
}


def grid(**choices: tuple[Any, ...]) -> list[dict[str, Any]]:
    """All combinations."""
    found: list[dict[str, Any]] = [{}]
    for name, values in choices.items():
        found = [one | {name: value} for one in found for value in values]
    return found


GRIDS: dict[str, list[dict[str, Any]]] = {
    "popularity": [{}],
    "item-knn": grid(neighbours=(50, 100, 200), shrink=(0, 10)),
    "ease": grid(regularisation=(30, 100, 300, 1000)),
    "gf-cf": grid(rank=(64, 256, 512), weight=(0.1, 0.3, 1.0)),
    "bspm": grid(rank=(64, 448), weight=(0.1, 0.2, 0.5), time=(1.0, 2.5)),
    "graph-filter": grid(rank=(None, 256), weight=(0.1, 0.3), sharpen=(0.0, 0.45), turns=(1, 5)),
    "cleora-knn": grid(side=("items",), iterations=(2, 4, 8)),
    "cleora-knn:users": grid(side=("users",), iterations=(2, 4, 8)),
    "cleora-filter": grid(dim=(128, 512), iterations=(5, 10, 20), target=(0.3, 0.5)),
    "emde": grid(random=(0, 16), epsilon=(0.01, 0.1), prior=(1.0, 4.0)),
}
LEAST: dict[str, dict[str, Any]] = {"cleora-knn:users": {"side": "users"}}  # what a name says; all else is default
SMALL: dict[str, dict[str, Any]] = {"graph-filter": {"rank": 8}, "gf-cf": {"rank": 8}}  # of the smoke test


def main() -> None:
    args = _arguments()
    if args.line is not None:
        print(json.dumps(line(*json.loads(args.line))))
        return
    args.output.touch()
    done = [json.loads(text) for text in args.output.read_text().splitlines()]
    for asked in wanted(args, done):
        if any(_key(one) == tuple(map(json.dumps, asked)) for one in done):
            continue
        command = [sys.executable, "-m", "experiments.recommend.run", "--line", json.dumps(asked)]
        text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1]
        with args.output.open("a") as file:
            file.write(text + "\n")
        print(text)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--output", type=Path, default=Path(__file__).resolve().parent / "results.jsonl")
    parser.add_argument("--part", choices=("validation", "test"), default="test")
    parser.add_argument("--only", nargs="+", help="a source, and methods of it")
    parser.add_argument("--line", help="run this one, in this process")
    return parser.parse_args()


def wanted(args: argparse.Namespace, done: list[dict[str, Any]]) -> list[tuple[str, str, str, dict[str, Any]]]:
    """(part, source, method, settings) of all lines."""
    sources = [SMOKE] if args.smoke else args.only[:1] if args.only else [GOWALLA, ELECTRONICS, RETAIL]
    found = []
    for source in sources:
        for name in args.only[1:] if args.only and len(args.only) > 1 else METHODS[source]:
            if args.smoke:
                each = [SMALL.get(name, {})]
            else:
                each = GRIDS[name] if args.part == "validation" else [chosen(done, source, name)]
            found += [(args.part, source, name, settings) for settings in each]
    return found


def chosen(done: list[dict[str, Any]], source: str, name: str) -> dict[str, Any]:
    """The settings of largest recall@20 + ndcg@20 in validation, the first of equal ones; defaults where none ran."""
    ran = [one for one in done if (one["part"], one["source"], one["name"]) == ("validation", source, name)]
    if not ran:
        return LEAST.get(name, {})
    best = max(ran, key=lambda one: one["metrics"]["recall@20"] + one["metrics"]["ndcg@20"])
    settings: dict[str, Any] = best["asked"]
    return settings


def _key(done: dict[str, Any]) -> tuple[str, ...]:
    return tuple(json.dumps(done[name]) for name in ("part", "source", "name", "asked"))


def line(part: str, source: str, name: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Fit and judge one method, with times and memory."""
    train, test = parts_of(source)
    if part == "validation":
        train, held = hold_out(train, 0.1, seed=0)
        test = some_users(held, USERS)
    method = recommender_named(name.partition(":")[0], **asked)
    before, start = peak_bytes(), time.perf_counter()
    found = fit_recommender(train, method)
    fitted, began = time.perf_counter() - start, time.process_time()
    start = time.perf_counter()
    scored = evaluate_recommender(found, test, K)
    times = {"fit": fitted, "evaluate": time.perf_counter() - start, "evaluate_cpu": time.process_time() - began}
    return (
        machine()
        | {"part": part, "source": source, "name": name, "asked": asked, "settings": asdict(method)}
        | {
            "seconds": {stage: round(value, 2) for stage, value in times.items()},
            "peak": peak_bytes(),
            "before": before,
        }
        | scored.record()
    )


def parts_of(source: str) -> tuple[Interactions, Interactions]:
    """What there is to train on, and the test part."""
    if source == SMOKE:
        rng = np.random.default_rng(0)
        pairs = np.unique(np.stack([rng.integers(0, 80, 1500), rng.integers(0, 7, 1500) ** 2], axis=1), axis=0)
        return hold_out(interactions(pairs), 0.2)
    if source == RETAIL:
        return one_left_out(read_interactions(data_folder() / source / "hyperedges.tsv.gz"))
    train, test = (read_interactions(data_folder() / source / f"{part}.tsv.gz") for part in ("train", "test"))
    return train, test


def one_left_out(given: Interactions) -> tuple[Interactions, Interactions]:
    """One item, drawn, of a tenth of the baskets of two items at least: what is missing in a basket?"""
    rng, matrix = np.random.default_rng(0), given.matrix
    size = np.diff(matrix.indptr)
    several = np.flatnonzero(size > 1)
    baskets = np.sort(rng.choice(several, len(several) // 10, replace=False))
    held = np.zeros(len(given), bool)
    held[matrix.indptr[baskets] + rng.integers(0, size[baskets])] = True
    return part_of(given, ~held), part_of(given, held)


def some_users(held: Interactions, count: int) -> Interactions:
    """The interactions of some of the users that have any, drawn once."""
    users = np.flatnonzero(np.diff(held.matrix.indptr))
    if len(users) <= count:
        return held
    kept = np.zeros(len(held.users), bool)
    kept[np.random.default_rng(0).choice(users, count, replace=False)] = True
    return part_of(held, np.repeat(kept, np.diff(held.matrix.indptr)))


if __name__ == "__main__":
    main()
