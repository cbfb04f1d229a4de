"""How long does refinement take, ours and pycleora's, warm and in turn, by default and as chosen in `run`?

python -m experiments.refine.times    # after `run`, whose lines it adds to; some minutes, nothing beside it
"""

from __future__ import annotations

import json
import time
import warnings
from importlib.metadata import version

import jax

import cleora_jax as cj
from experiments.record import arguments, write
from experiments.refine.run import SMOKE, SOURCES, Options, Source, Split, config, refined, split_of, tries

TURNS = 3
SEED = 0


def main() -> None:
    warnings.simplefilter("ignore", cj.RankWarning)
    args = arguments(__file__, __doc__)
    scores = [line for line in map(json.loads, args.output.read_text().splitlines()) if line["kind"] == "score"]
    turns = 1 if args.smoke else TURNS
    write(args.output, [*scores, *(times(source, scores, turns) for source in (SMOKE if args.smoke else SOURCES))])


def times(source: Source, scores: list[Options], turns: int) -> Options:
    """Seconds of each engine's default and chosen settings, every turn; ours by default with compilation, too."""
    split, runs = split_of(source, SEED), {}
    for engine in ("pycleora", "cleora_jax"):
        runs[f"{engine}, default"] = engine, next(settings for name, settings in tries(source) if name == engine)
        runs[f"{engine}, chosen"] = engine, chosen(source, engine, scores)
    for engine, settings in runs.values():
        if engine == "cleora_jax":
            timed(split, engine, settings)  # compiles
    seconds = [{name: timed(split, *each) for name, each in runs.items()} for _ in range(turns)]
    jax.clear_caches()
    cold = timed(split, *runs["cleora_jax, default"])
    settings = {name: given for name, (_, given) in runs.items()}
    found = {"split": SEED, "settings": settings, "seconds": seconds, "cold": cold, "pycleora": version("pycleora")}
    return {**config(source), "kind": "time", **found}


def chosen(source: Source, engine: str, scores: list[Options]) -> Options:
    wanted = json.loads(json.dumps(config(source))) | {"engine": engine, "split": SEED, "chosen": True}
    return next(line["settings"] for line in scores if wanted.items() <= line.items())


def timed(split: Split, engine: str, settings: Options) -> float:
    """Seconds."""
    start = time.perf_counter()
    refined(split, engine, settings, SEED)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
