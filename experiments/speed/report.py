"""Draws `results.jsonl` and `machine.jsonl`: the tables of docs/benchmarks.md and the plot docs/img/speed.svg."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

HERE = Path(__file__).resolve().parent
DOCS = HERE.parents[1] / "docs"
FIGURES = {"build": "build from file", "step": "one step", "whole": "whole process", "peak_rss": "peak memory"}
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


def main() -> None:
    """Rewrite the tables between the marks in docs/benchmarks.md and README.md, and the plot."""
    lines = [json.loads(line) for line in (HERE / "results.jsonl").read_text().splitlines()]
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        groups[line["input"], line["mode"]].append(line)
    rewrite(DOCS / "benchmarks.md", "\n\n".join([describe(lines), table(groups), machine_table()]))
    rewrite(DOCS.parent / "README.md", f"{summary(groups)}\n\n{describe(lines)}")
    draw(groups)


def rewrite(page: Path, text: str) -> None:
    """Put `text` between the marks of a page."""
    before, rest = page.read_text().split(BEGIN)
    page.write_text(f"{before}{BEGIN}\n\n{text.strip()}\n\n{END}{rest.split(END)[1]}")


def summary(groups: dict[tuple[str, str], list[dict[str, Any]]]) -> str:
    """One row per input: how many times faster, or smaller, than the peer (medians of ratios)."""
    rows = ["| input | mode | build from file | one step | peak memory |", "|---|---|--:|--:|--:|"]
    for (name, mode), lines in groups.items():
        if mode != "cli":
            cells = (f"{median(ratio(lines, figure)):.1f}×" for figure in ("build", "step", "peak_rss"))
            rows.append(f"| {name} | {mode} | {' | '.join(cells)} |")
    return "\n".join(rows)


def ratio(lines: list[dict[str, Any]], figure: str) -> list[float]:
    """pycleora / cleora_jax, pair by pair."""
    return [line["pycleora"][figure] / line["cleora_jax"][figure] for line in lines]


def describe(lines: list[dict[str, Any]]) -> str:
    """The machine and the versions."""
    last = lines[-1]
    versions = ", ".join(f"{name} {number}" for name, number in last["versions"].items())
    return f"{last['cpu']}, {last['cores']} cores, Python {last['python']}; {versions}; {last['date']}."


def table(groups: dict[tuple[str, str], list[dict[str, Any]]]) -> str:
    """Medians of both, and the median and range of the ratio."""
    rows = [
        "| input | mode | figure | cleora_jax | pycleora 3.2.1 | ratio, median (min–max) | pairs |",
        "|---|---|---|--:|--:|--:|--:|",
    ]
    for (name, mode), lines in groups.items():
        for figure, title in FIGURES.items():
            if figure not in lines[0]["cleora_jax"] or (figure == "whole" and mode != "cli"):
                continue
            ours, theirs = (median(line[engine][figure] for line in lines) for engine in ("cleora_jax", "pycleora"))
            ratios = ratio(lines, figure)
            spread = f"**{median(ratios):.1f}×** ({min(ratios):.1f}–{max(ratios):.1f})"
            both = f"{show(figure, ours)} | {show(figure, theirs)}"
            rows.append(f"| {name} | {mode} | {title} | {both} | {spread} | {len(lines)} |")
    return "\n".join(rows)


def show(figure: str, value: float) -> str:
    """Seconds or gigabytes."""
    if figure == "peak_rss":
        return f"{value / 1e9:.2f} GB"
    return f"{value:.2f} s" if value >= 0.1 else f"{value * 1e3:.1f} ms"


def machine_table() -> str:
    """Fractions of the machine, from `machine.py`."""
    path = HERE / "machine.jsonl"
    if not path.exists():
        return ""
    rows = ["| input | product, GB/s | copy, GB/s | share | whitening, GFlop/s | best GEMM, GFlop/s | share |",
            "|---|--:|--:|--:|--:|--:|--:|"]  # fmt: skip
    for line in map(json.loads, path.read_text().splitlines()):
        rows.append(
            f"| {line['input']} | {line['product']:.1f} | {line['copy']:.1f} | {line['product'] / line['copy']:.0%} "
            f"| {line['whitening']:.0f} | {line['gemm']:.0f} | {line['whitening'] / line['gemm']:.0%} |"
        )
    return "\n".join(rows)


def draw(groups: dict[tuple[str, str], list[dict[str, Any]]]) -> None:
    """Medians of the ratios on a logarithmic scale; the whiskers are the range over pairs."""
    bars = [
        (f"{name.removesuffix('-generated')}, {mode}: {title}", ratio(lines, figure))
        for (name, mode), lines in groups.items()
        for figure, title in FIGURES.items()
        if figure in lines[0]["cleora_jax"] and (figure != "whole" or mode == "cli")
    ]
    figure, axis = plt.subplots(figsize=(8, 0.28 * len(bars) + 1), layout="constrained")
    place = range(len(bars))
    middle = [median(ratios) for _, ratios in bars]
    reach = [[m - min(r) for m, (_, r) in zip(middle, bars, strict=True)],
             [max(r) - m for m, (_, r) in zip(middle, bars, strict=True)]]  # fmt: skip
    axis.errorbar(middle, place, xerr=reach, fmt="o", color="#3f7fbf", ecolor="#888888", markersize=5)
    axis.set_xscale("log", base=2)
    axis.xaxis.set_major_formatter("{x:g}×")
    axis.grid(axis="x", color="#dddddd")
    axis.set_axisbelow(True)
    axis.set_yticks(place, [label for label, _ in bars], fontsize=8)
    axis.axvline(1, color="black", linewidth=0.8)
    axis.invert_yaxis()
    axis.set_xlabel("pycleora 3.2.1 / cleora_jax (more is better for cleora_jax)")
    (DOCS / "img").mkdir(exist_ok=True)
    figure.savefig(DOCS / "img" / "speed.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
