"""How long does one user wait for a list? Known users and cold baskets, one at a time, on one core.

python -m experiments.recommend.latency             # gowalla: popularity, item-knn, gf-cf, graph-filter
python -m experiments.recommend.latency --smoke     # generated, in seconds

The process starts itself anew bound to one core, so that no thread of any library was begun on another. Each method is
fitted (of GF-CF and the graph filter what is fitted is kept small by few power iterations, which change no time of an
answer), and asked for the top 20 of users drawn once, seen items left out, after some that are not counted. A basket is
what such a user took, but its last item.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from cleora_jax.recommend import Recommender, fit_recommender, recommender_named
from experiments.recommend.run import GOWALLA, SMOKE, parts_of
from experiments.record import arguments, write

METHODS: dict[str, dict[str, Any]] = {
    "popularity": {}, "item-knn": {}, "gf-cf": {"turns": 0}, "graph-filter": {"turns": 0},
}  # fmt: skip
SMALL: dict[str, dict[str, Any]] = {"popularity": {}, "gf-cf": {"rank": 8}}
WARM, ASKED, TOP = 50, 1000, 20


def main() -> None:
    args = arguments(__file__, __doc__)
    bind()
    output = args.output.with_name("latency.jsonl") if args.output.name == "results.jsonl" else args.output
    write(output, lines(args.smoke))


def bind() -> None:
    """Start this program again on one core. Only the thread that asks is bound, not those that imports began."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(0, cores[:1])
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def cores_of_threads() -> int:
    """Cores that any thread of this process may run on."""
    return len(set().union(*(os.sched_getaffinity(int(thread)) for thread in os.listdir("/proc/self/task"))))


def lines(smoke: bool) -> Iterator[dict[str, Any]]:
    """One for each method, and for users and baskets."""
    source = SMOKE if smoke else GOWALLA
    train, _ = parts_of(source)
    for name, settings in (SMALL if smoke else METHODS).items():
        found = fit_recommender(train, recommender_named(name, **settings))
        for whom, whos in asked(found, 20 if smoke else WARM + ASKED).items():
            seconds = waits(found, whos)[5 if smoke else WARM :]
            shares = {f"p{share}_ms": round(1e3 * float(np.percentile(seconds, share)), 3) for share in (50, 90, 99)}
            about = {"source": source, "name": name, "settings": settings, "whom": whom, "asked": len(seconds)}
            yield about | shares | {"threads": cores_of_threads()}


def asked(found: Recommender, count: int) -> dict[str, list[Any]]:
    """Users who took two items at least, drawn, and their baskets."""
    taken, rng = found.interactions, np.random.default_rng(0)
    users = rng.choice(np.flatnonzero(np.diff(taken.matrix.indptr) > 1), count)
    ids = taken.items.ids.to_pylist()
    baskets = [[ids[item] for item in taken.matrix[[user]].indices[:-1]] for user in users]
    return {"known user": [taken.users[user] for user in users], "cold basket": baskets}


def waits(found: Recommender, whos: list[Any]) -> np.ndarray:
    """Seconds that each waited."""
    seconds = []
    for who in whos:
        start = time.perf_counter()
        found.recommend(who, TOP)
        seconds.append(time.perf_counter() - start)
    return np.array(seconds)


if __name__ == "__main__":
    main()
