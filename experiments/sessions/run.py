"""What comes next in a session? Popularity, VS-kNN, nearest items by Cleora, EMDE without training and EMDE's net.

python -m experiments.sessions.run                                # an hour or two on 2 cores
python -m experiments.sessions.run --only session-diginetica
python -m experiments.sessions.run --smoke                        # generated walks, in seconds

Every test prefix is a case, and every item is ranked, none left out. The last tenth of the training sessions (they
stand in the order of time) is held out, and settings are chosen by MRR@20 on some of its cases, then HR@20; the test is
taken once, with what was chosen, fitted to all training sessions. P@20, in this literature, is HR@20.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from cleora_jax.recommend.emde.net import SketchNet
from cleora_jax.recommend.emde.training import train_net
from cleora_jax.recommend.sessions.histories import prefixes
from cleora_jax.recommend.sessions.nearest import VectorNeighbours
from cleora_jax.recommend.sessions.popularity import SessionPopularity
from cleora_jax.recommend.sessions.ranking import Scorer
from cleora_jax.recommend.sessions.sketched import Foretold, Matching, examples_of
from cleora_jax.recommend.sessions.vsknn import VSKNN
from experiments.record import write
from experiments.sessions.setting import Coding, Modality, Part, parts_of

HERE = Path(__file__).resolve().parent
SOURCES = ("session-diginetica", "session-nowplaying")
PARTS = ("methods", "matching", "net", "ablation")
TUNED_BY, SMOKE_CASES = 4000, 200

Fit = Callable[
    [Part], tuple[Scorer, dict[str, Any]]
]  # to a part's training sessions: a scorer, and what there is to tell


@dataclass(frozen=True)
class Way:
    """One setting of a method.

    Args:
        method: its name.
        settings: for the record.
        fit: to training sessions.
    """

    method: str
    settings: dict[str, Any]
    fit: Fit


@dataclass(frozen=True)
class NetPlan:
    """How the net is trained here: on so many of the latest cases, once an epoch."""

    net: SketchNet
    latest: int
    decay: float
    matching: Matching


STEPS, SESSIONS, RANDOM = Modality("steps", 64), Modality("sessions", 64), Modality("random", 8)
BASE = Coding((STEPS,))
NET_CODING = Coding((replace(STEPS, depth=16), replace(SESSIONS, depth=8), replace(RANDOM, depth=16)))
NET_PLAN = NetPlan(
    SketchNet(hidden=512, num_epochs=2, batch_size=1024), 1_000_000, 0.8, Matching(epsilon=1e-6, prior=0, mass=0)
)
SMOKE_PLAN = replace(NET_PLAN, net=SketchNet(hidden=32, num_epochs=3, batch_size=64))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--only", nargs="+", choices=SOURCES, default=SOURCES)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--output", type=Path, default=HERE / "results.jsonl")
    args = parser.parse_args()
    names = args.only[:1] if args.smoke else args.only
    write(args.output, (line for name in names for line in lines_of(name, args.parts, args.smoke)))


def lines_of(name: str, wanted: tuple[str, ...], smoke: bool) -> Iterator[dict[str, Any]]:
    """All that is learned on a data set."""
    validation, test = parts_of(name, SMOKE_CASES if smoke else TUNED_BY, smoke)
    about = {
        "source": "walks on a ring" if smoke else name,
        "items": test.num_items,
        "test_cases": len(test.cases.target),
    }
    if "methods" in wanted:
        for ways in (popularity(), vsknn(), nearest()):
            yield from (about | line for line in tuned(ways, validation, test))
    if "matching" in wanted:
        yield from (about | line for line in tuned(matching(), validation, test))
    if "net" in wanted:  # of one setting, that of the plan: to tune it would take hours
        yield about | {"kind": "test", "of": 1} | line_of(net(SMOKE_PLAN if smoke else NET_PLAN), test)
    if "ablation" in wanted:
        for label, coding, how in ablation():
            way = matching_way(coding, how)
            yield about | {"kind": "ablation", "label": label} | line_of(way, validation)


def tuned(ways: list[Way], validation: Part, test: Part) -> Iterator[dict[str, Any]]:
    """A line for each setting on validation, and one for the chosen on test."""
    found: list[dict[str, Any]] = []
    for way in ways:
        found.append(line_of(way, validation))
        yield {"kind": "tuning"} | found[-1]
    best = max(range(len(ways)), key=lambda at: (found[at]["mrr@20"], found[at]["hit_rate@20"]))
    yield {"kind": "test", "of": len(ways)} | line_of(ways[best], test)


def line_of(way: Way, part: Part) -> dict[str, Any]:
    """Fitted and judged."""
    start = time.perf_counter()
    scorer, told = way.fit(part)
    seconds = time.perf_counter() - start
    about = {"method": way.method, "settings": way.settings, "part": part.name, "fit_seconds": seconds}
    return about | told | part.judged(scorer)


def popularity() -> list[Way]:
    def way(method: SessionPopularity) -> Way:
        return Way("popularity", asdict(method), lambda part: (method(part.train, part.num_items), {}))

    return [way(SessionPopularity(personal_weight=0)), *(way(SessionPopularity(decay)) for decay in (0.5, 0.9))]


def vsknn() -> list[Way]:
    def way(method: VSKNN) -> Way:
        return Way("VS-kNN", asdict(method), lambda part: (method(part.train, part.num_items), {}))

    grid = product((100, 500), ("linear", "quadratic", "inverse"), ("linear", "inverse"), (0.0, 1.0))
    return [way(VSKNN(k, 10 * k, weighting, score, idf)) for k, weighting, score, idf in grid]


def nearest() -> list[Way]:
    def way(modality: Modality, decay: float) -> Way:
        settings = {"modality": asdict(modality), "decay": decay}
        return Way("Cleora nearest", settings, lambda part: (VectorNeighbours(decay)(part.embedded(modality)), {}))

    plain = [way(Modality("steps", 0, iterations), decay) for iterations, decay in product((3, 4, 6), (0.4, 0.6, 0.8))]
    return [*plain, *(way(Modality("sessions", 0, iterations), 0.6) for iterations in (3, 4, 6))]


def matching() -> list[Way]:
    steps = BASE
    both = Coding((replace(STEPS, depth=48), replace(SESSIONS, depth=16)))
    hows = (Matching(), Matching(decay=0.8))
    return [matching_way(steps, how) for how in hows] + [matching_way(both, Matching())]


def matching_way(coding: Coding, how: Matching) -> Way:
    def fit(part: Part) -> tuple[Scorer, dict[str, Any]]:
        return how(part.train, part.codes(coding), coding.width), {}

    return Way("EMDE, no training", {"coding": asdict(coding), "matching": asdict(how)}, fit)


def net(plan: NetPlan, coding: Coding = NET_CODING) -> Way:
    def fit(part: Part) -> tuple[Scorer, dict[str, Any]]:
        cases = prefixes(part.train)
        late = cases.take(np.arange(len(cases.target))[-plan.latest :])
        codes = part.codes(coding)
        examples = examples_of(late, part.num_items, plan.decay)
        trained = train_net(examples, codes, coding.width, plan.net)
        told = {"learned_from": len(examples), "epoch": trained.best_epoch} | {
            name: None if np.isnan(losses[1:]).any() else losses[1:].tolist()
            for name, losses in trained.history._asdict().items()
        }
        return Foretold(trained, plan.matching.decoder(part.train, codes, coding.width), plan.decay), told

    return Way("EMDE, net", {"coding": asdict(coding), "plan": asdict(plan)}, fit)


def ablation() -> Iterator[tuple[str, Coding, Matching]]:
    """One thing changed at a time, and modalities at one depth in all."""
    base = Matching()
    yield "base", BASE, base
    for depth in (8, 32, 128):
        yield f"depth {depth}", Coding((replace(STEPS, depth=depth),)), base
    for width in (16, 1024):
        yield f"width {width}", replace(BASE, width=width), base
    yield "quantiles", replace(BASE, thresholds="quantile"), base
    yield "no whitening", Coding((replace(STEPS, whiten="off"),)), base
    yield "40 iterations", Coding((replace(STEPS, iterations=40),)), base
    yield "sessions", Coding((SESSIONS,)), base
    yield "steps and sessions", Coding((replace(STEPS, depth=32), replace(SESSIONS, depth=32))), base
    yield "steps and random", Coding((replace(STEPS, depth=56), RANDOM)), base
    yield "geometric mean", BASE, replace(base, prior=0, mass=0)
    yield "epsilon 1e-6", BASE, replace(base, epsilon=1e-6)
    yield "no decay", BASE, replace(base, decay=1.0)


if __name__ == "__main__":
    main()
