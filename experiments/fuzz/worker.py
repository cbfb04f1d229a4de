"""One target under atheris (libFuzzer), in a process of its own. Started by `run.py`."""

from __future__ import annotations

import sys
import warnings

import atheris

with atheris.instrument_imports(include=["cleora_jax"], enable_loader_override=False):
    from experiments.fuzz.targets import EXPECTED, TARGETS

if __name__ == "__main__":
    name, *options = sys.argv[1:]
    run = TARGETS[name].run
    warnings.simplefilter("ignore")
    for seed in TARGETS[name].seeds():  # a door at which nothing is let in would look safe
        try:
            run(seed)
            break
        except EXPECTED:
            continue
    else:
        sys.exit("none of the inputs to begin with is valid")

    def one(content: bytes) -> None:
        try:
            run(content)
        except EXPECTED:
            return

    atheris.Setup([sys.argv[0], *options], one)
    atheris.Fuzz()
