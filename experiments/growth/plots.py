"""Draws `results.jsonl` and `cores.jsonl`: seconds of a step and bytes of a run against entities, columns and cores.

python -m experiments.growth.plots
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.lines import Line2D

from experiments.benchmark.plots import IMAGES, INK, LOOK

HERE = Path(__file__).resolve().parent
STYLES = {  # of a kind of graph
    "uniform": ("#3d8fd1", "o", "edges at random, ten arcs an entity"),
    "baskets": ("#e0524d", "s", "baskets of eight, factored, four entities a basket"),
    "lattice": ("#5fa843", "^", "a lattice, shuffled"),
}
LARGEST = 3  # sizes that a slope is fitted to
COLUMNS, ENTITIES = 128, 100_000  # what is held fast on the left, and on the right
Lines = Sequence[dict[str, Any]]
Measure = Callable[[dict[str, Any]], float]


def main() -> None:
    """Write docs/img/growth.svg and -cores.svg."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", type=Path, default=HERE, help="a folder")
    parser.add_argument("--output", type=Path, default=IMAGES, help="a folder")
    args = parser.parse_args()
    with plt.rc_context(LOOK):
        for name, source, draw in (("growth", "results", sizes), ("growth-cores", "cores", cores)):
            lines = [json.loads(line) for line in (args.input / f"{source}.jsonl").read_text().splitlines()]
            figure = draw(lines)
            figure.savefig(args.output / f"{name}.svg", metadata={"Date": None})
            plt.close(figure)


def sizes(lines: Lines) -> Any:
    """Seconds above, bytes below; entities on the left, columns on the right."""
    figure, axes = plt.subplots(2, 2, figsize=(9, 7), layout="constrained", sharex="col")
    there = [line for line in lines if not line["spill"]]
    for column, (along, fixed, at) in enumerate((("entities", "dim", COLUMNS), ("dim", "entities", ENTITIES))):
        some = [line for line in there if line[fixed] == at]
        some = [line for line in some if along == "entities" or line["graph"] == "uniform"]
        curves(axes[0, column], some, along, step_seconds)
        curves(axes[1, column], some, along, run_mebibytes, told=told_mebibytes)
    axes[1, 0].set_xlabel(f"entities, {COLUMNS} columns")
    axes[1, 1].set_xlabel(f"columns, {ENTITIES:,} entities")
    axes[0, 0].set_ylabel("seconds of a step")
    axes[1, 0].set_ylabel("peak memory above what was held before, MiB")
    marks = [Line2D([], [], color=color, marker=mark, linewidth=1, label=told) for color, mark, told in STYLES.values()]
    marks.append(Line2D([], [], color=INK, linewidth=0.8, linestyle=":", label="as `estimate` had told"))
    title = f"Exponents: least squares through the {LARGEST} largest sizes. Bytes: between the two largest."
    figure.legend(handles=marks, loc="outside lower center", ncols=2, title=title, title_fontsize=8)
    return figure


def curves(axis: Any, lines: Lines, along: str, value: Measure, told: Measure | None = None) -> None:
    """A curve for each graph, and what it grows with."""
    axis.set(xscale="log", yscale="log")
    axis.xaxis.set_major_formatter(plain)
    axis.yaxis.set_major_formatter(plain)
    axis.yaxis.set_minor_formatter("")
    shown = []
    for name, (color, mark, _) in STYLES.items():
        own = sorted((line for line in lines if line["graph"] == name), key=lambda line: line[along])
        if not own:
            continue
        at, values = [line[along] for line in own], [value(line) for line in own]
        axis.plot(at, values, color=color, marker=mark, markersize=4, linewidth=1)
        if told is not None:
            axis.plot(at, [told(line) for line in own], color=color, linewidth=0.8, linestyle=":")
        label = growth(at, values, along, of_bytes=told is not None)
        shown.append(Line2D([], [], color=color, marker=mark, markersize=4, linewidth=1, label=label))
    axis.legend(handles=shown, loc="upper left")


def growth(at: Sequence[float], values: Sequence[float], along: str, *, of_bytes: bool) -> str:
    """The exponent, and the bytes of one more."""
    letter, more = ("n", "an entity") if along == "entities" else ("d", "a column")
    found = exponent(at, values)
    text = "" if found is None else f"{letter}$^{{{found:.2f}}}$"
    if of_bytes and len(at) > 1:
        each = (values[-1] - values[-2]) / (at[-1] - at[-2])
        text += f", {1024 * 1024 * each:,.0f} bytes {more}" if along == "entities" else f", {each:.2f} MiB {more}"
    return text


def cores(lines: Lines) -> Any:
    """Seconds of a step against cores, beside what sharing all of the work would give."""
    figure, axis = plt.subplots(figsize=(4.6, 3.2), layout="constrained")
    counts, seconds = [line["cores"] for line in lines], [line["step"] for line in lines]
    axis.plot(counts, seconds, color=STYLES["uniform"][0], marker="o", markersize=4, linewidth=1, label="measured")
    shared = [seconds[0] * counts[0] / count for count in counts]
    axis.plot(counts, shared, color=INK, linewidth=0.8, linestyle=":", label="if all were shared")
    axis.set(xscale="log", yscale="log", xlabel="cores", ylabel="seconds of a step")
    axis.set_xticks(counts, [str(count) for count in counts], minor=False)
    axis.minorticks_off()
    low, high = shared[-1], seconds[0]
    ticks = [tick for tick in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0) if low / 1.5 <= tick <= 1.5 * high]
    axis.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.set_title(f"{lines[0]['entities']:,} entities, {lines[0]['dim']} columns")
    axis.legend()
    return figure


def exponent(at: Sequence[float], values: Sequence[float]) -> float | None:
    """b of value ≈ a · sizeᵇ through the largest sizes; None where they are fewer."""
    if len(at) < LARGEST:
        return None
    return float(np.polyfit(np.log(at[-LARGEST:]), np.log(values[-LARGEST:]), 1)[0])


def plain(number: float, _: int) -> str:
    """A tick as people write it."""
    return f"{number:,.0f}" if number >= 1 else f"{number:g}"


def step_seconds(line: dict[str, Any]) -> float:
    """Of a step, the median of several."""
    return line["step"]


def run_mebibytes(line: dict[str, Any]) -> float:
    """What the run took above what was held before it."""
    return max((line["peak"] - line["held"]) / 2**20, 1.0)


def told_mebibytes(line: dict[str, Any]) -> float:
    """What `estimate` had told of it."""
    return line["told"] / 2**20


if __name__ == "__main__":
    main()
