"""Tables of results.jsonl in Markdown, printed: methods as chosen and by default, and times.

python -m experiments.tune.report
"""

from __future__ import annotations

import json
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

from experiments.report import grouped, rows

Lines = list[dict[str, Any]]


def main() -> None:
    text = (Path(__file__).resolve().parent / "results.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    print("\n\n".join([methods(lines), times(lines)]))


def methods(lines: Lines) -> str:
    """Validation and test of each method, chosen and default."""
    body = []
    for line in lines:
        if line["kind"] == "method":
            settings = ", ".join(f"{name}={shown(value)}" for name, value in line["settings"].items())
            own = [x for x in lines if x["kind"] == "trial" and key(x) == key(line)]
            worst = f"{min(x['score'] for x in own if x['score'] is not None):.3f}"
            body.append([line["source"], line["method"], settings or "defaults", worst if settings else "–",
                         spread(line["validation"]), spread(line["test"])])  # fmt: skip
    return rows("source | method | settings | worst trial | validation | test", body)


def times(lines: Lines) -> str:
    """Seconds with and without sharing, warm."""
    body = []
    for (source,), some in grouped([x for x in lines if x["kind"] == "time"], "source").items():
        warm = [line for line in some if not line["compiles"]]
        cells = []
        for kind in ("", "_cpu"):
            ratio = median(line[f"alone{kind}"] / line[f"shared{kind}"] for line in warm)
            cells += [f"{median(line[way + kind] for line in warm):.1f} s" for way in ("alone", "shared")]
            cells += [f"**{ratio:.1f}×**"]
        body.append([source, some[0]["settings"], *cells])
    head = "each by itself | sharing walks | ratio, median of turns"
    return rows(f"source | settings of Cleora | {head} | {head.replace(' |', ', CPU |')}, CPU", body)


def key(line: dict[str, Any]) -> tuple[str, str]:
    return line["source"], line["method"]


def shown(value: Any) -> str:
    """A filter as its numbers."""
    return f"({', '.join(map(str, value.values()))})" if isinstance(value, dict) else str(value)


def spread(values: list[float]) -> str:
    return f"{mean(values):.3f} ± {stdev(values) if len(values) > 1 else 0:.3f}"


if __name__ == "__main__":
    main()
