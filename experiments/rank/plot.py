"""Draws `results.jsonl`: agreement against directions kept over entities, one line per graph."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Write docs/img/rank.svg."""
    curves: dict[tuple[str, int, int], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for line in map(json.loads, (HERE / "results.jsonl").read_text().splitlines()):
        curves[line["name"], line["entities"], line["chosen"]][line["rank"]].append(line["agreement"])
    figure, axis = plt.subplots(figsize=(8, 4.5), layout="constrained")
    for (name, entities, chosen), points in curves.items():
        ranks = sorted(points)
        mean = {rank: sum(points[rank]) / len(points[rank]) for rank in ranks}
        (line,) = axis.plot([rank / entities for rank in ranks], [mean[rank] for rank in ranks], ".-",
                            label=f"{name} (n = {entities:,})")  # fmt: skip
        axis.plot(chosen / entities, mean[chosen], "o", color=line.get_color(), markersize=9, fillstyle="none")
    axis.axvline(1 / 16, color="grey", linewidth=0.8, linestyle="--")
    axis.annotate("k = n/16", (1 / 16, 0.31), xytext=(4, 0), textcoords="offset points", color="grey")
    axis.set(xscale="log", xlabel="directions kept / entities (circles: k(n))",
             ylabel="label agrees with most of the 5 nearest", ylim=(0.3, 1))  # fmt: skip
    axis.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.4, 0))
    target = HERE.parents[1] / "docs" / "img" / "rank.svg"
    target.parent.mkdir(exist_ok=True)
    figure.savefig(target, metadata={"Date": None})


if __name__ == "__main__":
    main()
