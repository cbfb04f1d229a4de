"""Draws a table from results.jsonl: held-out AUC, mean and range over splits, and seconds of the defaults, medians.

python -m experiments.refine.report [results.jsonl]
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from statistics import mean, median
from typing import Any

ENGINES = ("plain", "pycleora, default", "pycleora", "cleora_jax, default", "cleora_jax")

DEFAULTS = {
    "pycleora": {"learning_rate": 0.01},
    "cleora_jax": {"target": "head", "margin": 0.5, "learning_rate": 0.05},
}


def main(path: Path) -> None:
    """One row for each source and way to embed it."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for line in map(json.loads, path.read_text().splitlines()):
        whitened = "plain" if line["cleora"]["whiten"] == "off" else "whitened"
        groups[
            f"{line['name']}, {line['pairs']:,} pairs", f"{line['cleora']['num_iterations']} steps, {whitened}"
        ].append(line)
    print(
        "| edges | embedding |",
        " | ".join(ENGINES),
        "| pycleora (s) | cleora_jax (s) | ratio | cold (s) |",
    )
    print("|---" * (len(ENGINES) + 6) + "|")
    for (source, embedding), lines in groups.items():
        scores = [spread([line["test"] for line in lines if belongs(line, engine)]) for engine in ENGINES]
        print(f"| {source} | {embedding} |", " | ".join(scores), "|", " | ".join(seconds(lines)), "|")


def belongs(line: dict[str, Any], engine: str) -> bool:
    """Whether a line is that of an engine's choice, or of its defaults."""
    name, default = engine.removesuffix(", default"), engine.endswith(", default")
    known = DEFAULTS.get(name, {}).items() <= line["settings"].items()
    return bool(line["engine"] == name and (known if default else line["chosen"]))


def spread(values: list[float]) -> str:
    """Mean and range."""
    return f"{mean(values):.4f} ({min(values):.4f}-{max(values):.4f})"


def seconds(lines: list[dict[str, Any]]) -> list[str]:
    """Of the defaults, medians over all turns of all splits; the ratio is the median of those of each turn."""
    turns = [turn for line in lines for turn in line.get("seconds", [])]
    theirs, ours = ([turn[f"{engine}, default"] for turn in turns] for engine in ("pycleora", "cleora_jax"))
    ratio = median(slow / fast for slow, fast in zip(theirs, ours, strict=True))
    cold = median(line["cold"] for line in lines if "cold" in line)
    return [f"{median(theirs):.1f}", f"{median(ours):.2f}", f"{ratio:.0f}", f"{cold:.1f}"]


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent / "results.jsonl")
