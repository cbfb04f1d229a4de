"""Draws `results.jsonl`: scores against time and against labels, memory against entities. For light pages and dark.

python -m experiments.benchmark.plots
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from math import ceil
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.lines import Line2D

import cleora_jax as cj
from cleora_jax.benchmark.results import Line, Score, main_metric

HERE = Path(__file__).resolve().parent
IMAGES = HERE.parents[1] / "docs" / "img"
STYLES = {  # colour and marker of a method on all pictures: of middling lightness, to be seen on white and on black
    "cleora": ("#e0524d", "o"),
    "cleora-spectral": ("#f08a24", "o"),
    "Pycleora": ("#e0524d", "X"),
    "prone": ("#3d8fd1", "s"),
    "sketchne": ("#2aa198", "D"),
    "netmf": ("#b58900", "^"),
    "grarep": ("#9a7b4f", "v"),
    "hope": ("#8a63c9", "P"),
    "randne": ("#5fa843", "<"),
    "fastrp": ("#2f7f4f", ">"),
    "deepwalk": ("#d6619f", "h"),
    "node2vec": ("#a3457a", "*"),
    "laplacian": ("#8a8a8a", "p"),
}
OTHERS = ("#8a8a8a", ".")
INK = "#808080"  # text and axes
LOOK = {
    "text.color": INK, "axes.labelcolor": INK, "axes.edgecolor": INK, "xtick.color": INK, "ytick.color": INK,
    "axes.titlecolor": INK, "grid.color": INK, "grid.alpha": 0.25, "axes.grid": True, "axes.axisbelow": True,
    "font.size": 8, "axes.titlesize": 9, "savefig.transparent": True, "legend.frameon": False,
    "axes.spines.top": False, "axes.spines.right": False, "svg.hashsalt": "cleora_jax",
}  # fmt: skip
COLUMNS = 4
METRIC = {"accuracy": "accuracy", "micro_f1": "Micro-F1", "auc_matched": "AUC, negatives by degree"}
Panels = dict[tuple[str, str], list[Line]]


def main() -> None:
    """Write docs/img/benchmark-time.svg, -labels.svg and -memory.svg."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", type=Path, default=HERE / "results.jsonl")
    parser.add_argument("--output", type=Path, default=IMAGES, help="a folder")
    args = parser.parse_args()
    found = cj.load_benchmark(args.input)
    args.output.mkdir(exist_ok=True)
    with plt.rc_context(LOOK):
        for name, draw in (("time", against_time), ("labels", against_labels), ("memory", against_nodes)):
            figure = draw(found.grouped())
            figure.savefig(args.output / f"benchmark-{name}.svg", metadata={"Date": None})
            plt.close(figure)


def against_time(groups: Panels) -> Any:
    """A panel for each data set: half of the labels, or held-out links, against seconds of a warm embedding."""
    figure, axes = panels(groups, sharex=True)
    for axis, ((dataset, judge), lines) in zip(axes, groups.items(), strict=False):
        metric = "auc_matched" if judge == "links" else main_metric(lines)
        for line in lines:
            score, seconds = headline(line), line.warm or line.cold
            if score is not None and seconds is not None:
                point(axis, line, seconds, score, hollow=line.warm is None)
        axis.set(title=dataset, xscale="log", xlabel="seconds", ylabel=METRIC[metric])
        axis.tick_params(labelbottom=True)
    legend(figure, groups, "One embedding, warm (faint: cold, for want of time). Whiskers: 95 % interval.")
    return figure


def against_labels(groups: Panels) -> Any:
    """A panel for each data set with random splits: the score against the share of labels, C = 1."""
    chosen = {of: lines for of, lines in groups.items() if any(shares(line) for line in lines)}
    figure, axes = panels(chosen)
    for axis, ((dataset, _), lines) in zip(axes, chosen.items(), strict=False):
        metric = main_metric(lines)
        for line in lines:
            color, marker = style(line)
            scores = [line.score(metric, share, False) for share in shares(line)]
            means = [score.summary.mean for score in scores if score is not None]
            axis.plot(
                [100 * share for share in shares(line)], means, color=color, marker=marker, markersize=4, linewidth=1
            )
        axis.set(title=dataset, xlabel="labels trained on, %", ylabel=METRIC[metric])
    legend(figure, chosen, "Logistic regression with C = 1.")
    return figure


def against_nodes(groups: Panels) -> Any:
    """What the embedding takes above what was held before it, against entities."""
    figure, axis = plt.subplots(figsize=(7, 4.5), layout="constrained")
    points: dict[str, list[tuple[int, float]]] = {}
    for lines in groups.values():
        for line in lines:
            if line.peak is not None and line.figures.get("rss_before") is not None:
                grown = (line.peak - line.figures["rss_before"]) / 2**20
                points.setdefault(line.task.label, []).append((line.figures["nodes"], max(grown, 1.0)))
    for name, values in points.items():
        color, marker = STYLES.get(name, OTHERS)
        axis.plot(*zip(*sorted(values), strict=True), color=color, marker=marker, markersize=5, linewidth=0.8)
    axis.set(xscale="log", yscale="log", xlabel="entities", ylabel="peak memory above what was held before, MiB")
    legend(figure, groups, "Compiled programs included.")
    return figure


def panels(groups: Panels, **shared: bool) -> tuple[Any, list[Any]]:
    """A figure with as many axes as there are groups."""
    rows = max(1, ceil(len(groups) / COLUMNS))
    size = (11, 2.6 * rows + 0.6)
    figure, grid = plt.subplots(rows, COLUMNS, figsize=size, layout="constrained", squeeze=False, **shared)
    axes = list(grid.ravel())
    for axis in axes[len(groups) :]:
        axis.set_axis_off()
    return figure, axes


def point(axis: Any, line: Line, seconds: float, score: Score, hollow: bool) -> None:
    found = score.summary
    color, marker = style(line)
    reach = [[found.mean - found.low], [found.high - found.mean]] if found.count > 1 else None
    axis.errorbar(seconds, found.mean, yerr=reach, color=color, marker=marker, markersize=5, elinewidth=0.7,
                  alpha=0.45 if hollow else 1)  # fmt: skip


def headline(line: Line) -> Score | None:
    """The one score that stands for a line."""
    if line.task.judge == "links":
        return line.score("auc_matched")
    metric = main_metric([line])
    return line.score(metric, 0.5, True) or line.score(metric, "given", True)


def shares(line: Line) -> Sequence[float]:
    """Of the labels, at which a method (no rival) was judged with C = 1."""
    return [score.train for score in line.scores if score.metric == main_metric([line]) and score.rival is None
            and score.tuned is False and isinstance(score.train, float)]  # fmt: skip


def style(line: Line) -> tuple[str, str]:
    return STYLES.get(line.task.label, OTHERS)


def legend(figure: Any, groups: Panels, note: str) -> None:
    """Methods below the panels, in one order on all pictures, and what is shown."""
    there = {line.task.label for lines in groups.values() for line in lines if line.figures.get("seconds")}
    names = [name for name in STYLES if name in there] + sorted(there - set(STYLES))
    marks = [Line2D([], [], color=color, marker=marker, linewidth=0, label="pycleora" if name == "Pycleora" else name)
             for name in names for color, marker in [STYLES.get(name, OTHERS)]]  # fmt: skip
    figure.legend(handles=marks, loc="outside lower center", ncols=6, title=note, title_fontsize=8)


if __name__ == "__main__":
    main()
