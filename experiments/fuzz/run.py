"""Does any input crash, hang or fill the memory of a reader or loader, or get lost in silence?

pip install atheris                          # coverage-guided, libFuzzer inside
python -m experiments.fuzz.run               # a million cases
python -m experiments.fuzz.run --smoke       # some hundred of each target
python -m experiments.fuzz.run --only graphs --cases 100000

Every target begins with valid inputs and changes them towards what has not been run yet. A case fails when anything but
an error with a reason comes of it, when it takes more than ten seconds, or when the process grows beyond 2 GiB; the
input that did it is kept beside the results.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from experiments.fuzz.targets import TARGETS
from experiments.record import write

ROUND = 20_000  # cases of one process: Arrow loses some kB at every gzip file that is none
HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
LIMITS = ("-timeout=10", "-rss_limit_mb=2048", "-max_len=8192", "-print_final_stats=1")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--only", nargs="+", choices=TARGETS)
    parser.add_argument("--cases", type=int, default=1_100_000 // len(TARGETS))
    parser.add_argument("--seconds", type=int, default=0, help="of each target, at most (default: no limit)")
    parser.add_argument("--jobs", type=int, default=1, help="targets at a time")
    parser.add_argument("--output", type=Path, default=HERE / "results.jsonl")
    args = parser.parse_args()
    cases = 300 if args.smoke else args.cases
    seeds = {name: TARGETS[name].seeds() for name in args.only or TARGETS}
    with ThreadPoolExecutor(args.jobs) as pool:
        write(args.output, pool.map(lambda name: fuzzed(name, seeds[name], cases, args.seconds), seeds))


def fuzzed(name: str, seeds: list[bytes], cases: int, seconds: int) -> dict[str, Any]:
    """A target's figures."""
    with TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus"
        corpus.mkdir()
        for seed in seeds:
            (corpus / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
        begun, rounds = time.monotonic(), []
        while sum(rounds) < cases and (not seconds or time.monotonic() - begun < seconds):
            told = _round(name, Path(folder), len(rounds) + 1, min(cases - sum(rounds), ROUND), seconds)
            rounds.append(_stat(told.stderr, "number_of_executed_units") or 0)
            if told.returncode:
                break
        failed = [path.read_bytes() for path in Path(folder).glob("failed-*")]
        kept = len(list(corpus.iterdir()))
    for content in failed:
        (HERE / f"failed-{name.replace(' ', '-')}-{hashlib.sha1(content).hexdigest()[:8]}").write_bytes(content)
    return {
        "target": name, "cases": sum(rounds), "inputs_kept": kept, "peak_mib": _stat(told.stderr, "peak_rss_mb"),
        "seconds": time.monotonic() - begun, "failed": len(failed), "ended": told.returncode,
        "last": "" if told.returncode == 0 else told.stderr[-3000:],
    }  # fmt: skip


def _round(name: str, folder: Path, seed: int, cases: int, seconds: int) -> subprocess.CompletedProcess[str]:
    """Some cases in a process of their own, which keeps what it found new."""
    options = [f"-runs={cases}", f"-seed={seed}", f"-max_total_time={seconds}", *LIMITS]
    command = [sys.executable, "-m", "experiments.fuzz.worker", name, *options, f"-artifact_prefix={folder}/failed-"]
    return subprocess.run(
        [*command, str(folder / "corpus")], cwd=ROOT, capture_output=True, text=True, errors="replace"
    )


def _stat(told: str, name: str) -> int | None:
    found = re.search(rf"stat::{name}:\s+(\d+)", told)
    return None if found is None else int(found[1])


if __name__ == "__main__":
    main()
