"""Puts the figures of results into docs/experiments.md, large.md and the cookbook, and draws docs/img/sweep.svg.

python -m experiments.report
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

import matplotlib

matplotlib.use("Agg")
import numpy as np
from matplotlib import pyplot as plt

from cleora_jax._memory import readable
from cleora_jax.benchmark.results import BenchmarkResults, Line
from experiments.baselines.targets import TOLERANCES
from experiments.worth.run import mean_ranks

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs"
Lines = list[dict[str, Any]]


def main() -> None:
    """Rewrite what stands between the marks of each experiment that has results."""
    for name, tables in TABLES.items():
        rewrite(DOCS / PAGES.get(name, PAGE), name, results_of(name), tables)


def results_of(name: str) -> Path:
    """Where the lines of a table are."""
    return HERE / FILES.get(name, f"{name}/results.jsonl")


def rewrite(page: Path, name: str, path: Path, tables: Callable[[Lines], str]) -> None:
    """What stands on a page between the marks of a name, by lines of results, where there are any."""
    if path.exists():
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        before, rest = page.read_text().split(begin)
        page.write_text(f"{before}{begin}\n\n{tables(lines)}\n\n{machine(lines)}\n\n{end}{rest.split(end)[1]}")


def machine(lines: Lines) -> str:
    """What they ran on, each machine and set of versions once."""
    return "; ".join(dict.fromkeys(_machine(line) for line in lines)) + "."


def _machine(line: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in sorted(line["versions"].items()))
    on = line["machine"] if line["cores"] is None else f"{line['machine']}, {line['cores']} cores"
    return f"{on}: {versions}"


def rows(header: str, body: Iterable[Iterable[Any]]) -> str:
    """A table; all columns but the first two to the right."""
    names = [name.strip() for name in header.split("|")]
    rule = "|".join("---" if at < 2 else "--:" for at in range(len(names)))
    return "\n".join([f"| {' | '.join(names)} |", f"|{rule}|", *(f"| {' | '.join(map(str, row))} |" for row in body)])


def grouped(lines: Lines, *keys: str) -> dict[tuple[Any, ...], Lines]:
    """Lines by the values of some keys, in order of appearance."""
    groups: dict[tuple[Any, ...], Lines] = defaultdict(list)
    for line in lines:
        groups[tuple(line.get(key) for key in keys)].append(line)
    return groups


def average(lines: Lines, key: str) -> str:
    """Mean, and the standard deviation where there are several; or a dash."""
    values = [line[key] for line in lines if line.get(key) is not None]
    if not values:
        return "–"
    return f"{mean(values):.3f}" + (f" ± {np.std(values):.3f}" if len(values) > 1 else "")


def inductive(lines: Lines) -> str:
    """Overlap and accuracy of each way."""
    body = (
        [source, way, average(some, "overlap"), average(some, "accuracy")]
        for (source, way), some in grouped(lines, "source", "way").items()
    )
    return rows("source | way | same among ten nearest | accuracy on new entities", body)


def hops(lines: Lines) -> str:
    """AUC of each way."""
    body = (
        [source, way, average(some, "auc"), hop_text(some)]
        for (source, way), some in grouped(lines, "source", "way").items()
    )
    return rows("source | way | test AUC | weights of start, hop 1, hop 2, … (first seed)", body)


def hop_text(lines: Lines) -> str:
    return " ".join(f"{weight:.2f}".removesuffix(".00") for weight in lines[0]["hops"])


def relations(lines: Lines) -> str:
    """AUC of each way, and the relations that weigh most and least."""
    body = (["fb15k-237", way, average(some, "auc")] for (way,), some in grouped(lines, "way").items())
    learned = next(line for line in lines if line["way"] == "learned")
    ends = [", ".join(f"`{name}` {weight}" for name, weight in learned[end][:3]) for end in ("heaviest", "lightest")]
    return rows("source | weights | test AUC", body) + f"\n\nHeaviest: {ends[0]}. Lightest: {ends[1]}. (First seed.)"


def features(lines: Lines) -> str:
    """The setting of each start that validation chose."""
    body = (
        [line["source"], line["start"], line.get("whiten", "–"), line.get("steps", "–"), line["val"],
         f"{line['test']} ± {line['test_sd']}"]
        for line in lines if line.get("chosen")
    )  # fmt: skip
    return rows("source | start (weight of features) | whiten | steps | validation | test accuracy", body)


def sweep(lines: Lines) -> str:
    """Times of one call against a loop; the picture."""
    scores = [line for line in lines if line["kind"] == "score"]
    draw(scores)
    body = []
    for (source, dim, runs), some in grouped(
        [x for x in lines if x["kind"] == "time"], "source", "dim", "runs"
    ).items():
        warm = [line["loop"] / line["sweep"] for line in some if not line["compiles"]]
        cold = [line["loop"] / line["sweep"] for line in some if line["compiles"]]
        seconds = median(line["sweep"] for line in some if not line["compiles"])
        spread = f"**{median(warm):.1f}×** ({min(warm):.1f}–{max(warm):.1f})"
        body.append([source, f"{runs} runs of {dim} columns", f"{seconds:.2f} s", spread, f"{median(cold):.1f}×"])
    best = []
    for (source,), some in grouped(scores, "source").items():
        settings = grouped(some, "whiten_alpha", "num_iterations")
        (alpha, depth), chosen = max(settings.items(), key=lambda item: mean(line["choose"] for line in item[1]))
        full = settings[1.0, max(line["num_iterations"] for line in some)]
        best.append([source, f"α = {alpha:g}, {depth} steps", average(chosen, "choose"), average(chosen, "test"),
                     average(full, "test")])  # fmt: skip
    return "\n\n".join([
        rows("source | what | one call, warm | a loop takes, warm | with compilation", body),
        rows("source | chosen on validation | validation | test | test at α = 1, 40 steps", best),
    ])  # fmt: skip


def draw(scores: Lines) -> None:
    """Accuracy to choose by, depth against softness, one panel per source."""
    sources = grouped(scores, "source")
    figure, axes = plt.subplots(1, len(sources), figsize=(4.6 * len(sources), 3.4), layout="constrained", squeeze=False)
    for axis, ((source,), some) in zip(axes[0], sources.items(), strict=True):
        cells = grouped(some, "whiten_alpha", "num_iterations")
        depths, alphas = (sorted({line[key] for line in some}) for key in ("num_iterations", "whiten_alpha"))
        scores_at = [[mean(line["choose"] for line in cells[alpha, depth]) for depth in depths] for alpha in alphas]
        table = np.array(scores_at)
        axis.imshow(table, origin="lower", aspect="auto", cmap="viridis")
        for (row, column), value in np.ndenumerate(table):
            dark = value < (table.min() + table.max()) / 2
            axis.text(
                column,
                row,
                f"{value:.2f}"[1:],
                ha="center",
                va="center",
                fontsize=8,
                color="white" if dark else "black",
            )
        axis.set(title=f"{source}: validation accuracy", xlabel="steps", ylabel="softness α of the whitening")
        axis.set_xticks(range(len(depths)), depths)
        axis.set_yticks(range(len(alphas)), alphas)
    with plt.rc_context({"svg.hashsalt": "cleora_jax"}):  # the same file each time
        figure.savefig(DOCS / "img" / "sweep.svg", metadata={"Date": None})


REFINE_DEFAULT = {"loss": "triplet", "margin": 0.5, "learning_rate": 0.05}
REFINE_WAYS = {
    "not refined": ("plain", {}),
    "pycleora, defaults": ("pycleora", {"learning_rate": 0.01}),
    "pycleora, chosen": ("pycleora", None),
    "cleora_jax, defaults": (
        "cleora_jax",
        {"head": {"loss": "triplet", "margin": 0.5, "learning_rate": 0.05}, "vectors": None},
    ),
    "cleora_jax, chosen": ("cleora_jax", None),
}


def refine(lines: Lines) -> str:
    """AUC of each engine, by its defaults and by what validation chose; seconds of the defaults."""
    for line in lines:
        whitened = "unwhitened" if line["cleora"]["whiten"] == "off" else "whitened"
        line["source"] = f"{line['name']}, {line['pairs']:,} pairs, {line['cleora']['num_iterations']} steps {whitened}"
    scores, times = [], []
    for (source,), some in grouped(lines, "source").items():
        for way, (engine, settings) in REFINE_WAYS.items():
            own = [line for line in some if line.get("engine") == engine]
            fit = [x for x in own if (x["chosen"] if settings is None else settings.items() <= x["settings"].items())]
            scores.append([source, way, average(fit, "test")])
        (line,) = (line for line in some if line["kind"] == "time")
        for way in ("default", "chosen"):
            theirs, ours = (
                [turn[f"{engine}, {way}"] for turn in line["seconds"]] for engine in ("pycleora", "cleora_jax")
            )
            ratio = median(slow / fast for slow, fast in zip(theirs, ours, strict=True))
            both = f"{median(theirs):.1f} s", f"{median(ours):.2f} s"
            cold = f"{line['cold']:.1f} s" if way == "default" else "–"
            times.append([source, way, *both, f"**{ratio:.0f}×**", cold])
    return "\n\n".join([
        rows("embedding | refined by | test AUC", scores),
        rows("embedding | settings | pycleora | cleora_jax, warm | ratio, median of turns | with compilation", times),
    ])  # fmt: skip


def baselines(lines: Lines) -> str:
    """F1 of each method at three shares of labels, beside the target; bold where it is outside the tolerance."""
    body = []
    for line in lines:
        found, aims = line["micro"], line["target"] or [None] * 4
        cells = [beside(ours, aim, off) for ours, aim, off in zip(found, aims, TOLERANCES, strict=False)]
        macro = f"{line['macro'][1]:.1f} / {aims[3]}" if aims[3] else f"{line['macro'][1]:.1f}"
        body.append([line["source"], line["method"], *cells, macro])
    return rows("source | method, ours / target | 10 % | 50 % | 90 % | Macro-F1 at 50 %", body)


def beside(ours: float, aim: float | None, tolerance: float) -> str:
    """A score and its target, bold where they differ by more than the tolerance."""
    if aim is None:
        return f"{ours:.1f}"
    both = f"{ours:.1f} / {aim:.1f}"
    return both if abs(ours - aim) <= tolerance else f"**{both}**"


def scale(lines: Lines) -> str:
    """Time and memory at a million entities; ProNE beside nodevectors'."""
    sizes = [line for line in lines if line["kind"] == "size"]
    body = [[line["method"], f"{line['seconds']:.0f} s", f"{line['peak'] / 2**30:.1f} GiB"] for line in sizes]
    pairs = []
    for (entities, arcs), some in grouped([x for x in lines if x["kind"] == "pair"], "entities", "arcs").items():
        ours, theirs = ([x for x in some if x["method"] == name] for name in ("prone", "nodevectors"))
        ratio = median(slow["seconds"] / fast["seconds"] for slow, fast in zip(theirs, ours, strict=True))
        memory = median(large["peak"] / small["peak"] for large, small in zip(theirs, ours, strict=True))
        both = (f"{median(line['seconds'] for line in side):.1f} s" for side in (theirs, ours))
        pairs.append([f"{entities:,}", f"{arcs:,}", *both, f"**{ratio:.1f}×**", f"{memory:.1f}×"])
    tables = [rows("method | time | peak memory", body)]
    if pairs:
        tables.append(rows("entities | arcs | nodevectors | cleora_jax | faster, median of turns | less memory", pairs))
    return "\n\n".join(tables)


def walks(lines: Lines) -> str:
    """Walks per second beside PecanPy's two ways of walking; skip-gram beside gensim's on the same walks."""
    drawn = []
    for line in (line for line in lines if line["kind"] == "walks"):
        on_the_fly = next((name for name in ("FirstOrderUnweighted", "SparseOTF") if name in line), None)
        cells = [line["source"], f"{line['p']:g}, {line['q']:g}", f"{line['ours']:,.0f}"]
        for name in (on_the_fly, "PreComp"):
            there = name is not None and name in line
            cells += [f"{line[name]:,.0f}", f"**{line[f'{name} over ours, time']:.1f}×**"] if there else ["–", "–"]
        tables = line.get("PreComp prepares, seconds")
        drawn.append([*cells, "–" if tables is None else f"{tables:.1f} s"])
    trained = []
    for line in (line for line in lines if line["kind"] == "training"):
        scores = [f"{100 * value:.1f}" for name, value in line.items() if name.startswith("micro_f1")]
        trained.append([line["source"], line["engine"], f"{line['tokens per second']:,.0f}", " / ".join(scores) or "–"])
    head = (
        "source | p, q | cleora_jax, walks/s | PecanPy, no tables | slower | PecanPy, tables | slower | tables made in"
    )
    return "\n\n".join([
        rows(head, drawn),
        rows("source | skip-gram of | tokens/s | Micro-F1 at 10 / 50 / 90 %", trained),
    ])  # fmt: skip


def vectors(lines: Lines) -> str:
    """Recall, bytes and times of searches and of codes."""
    searched, coded = [], []
    large = [
        [f"{x['entities']:,} × {x['dim']}", readable(x["table"]), x["queries"], f"{x['seconds']:.1f} s",
         readable(x["beside"])]
        for x in lines if x["kind"] == "large"
    ]  # fmt: skip
    small = [x for x in lines if x["kind"] != "large"]
    for x in sorted(small, key=lambda x: (x["source"], -(x.get("bytes") or 0), x["engine"])):
        told = [f"{x['recall']:.3f}", f"{x['build']:.1f} s"]
        if x["kind"] == "search":
            searched.append([x["source"], x["engine"], *told, f"{1e3 * x['one']:.1f} ms", f"{x['many']:.2f} s"])
        else:
            coded.append([x["source"], named(x), x["engine"], x["bytes"] or "–", *told, f"{x['many']:.2f} s"])
    return "\n\n".join([
        rows("source | search | recall of 10 | built in | a query | 1,000 queries", searched),
        rows("source | codes | by | bytes | recall of 10 | coded in | 1,000 queries", coded),
        rows("table | its size | queries | exact search | memory beside the table", large),
    ])  # fmt: skip


def named(line: dict[str, Any]) -> str:
    """A codec with what sets it apart."""
    settings = {name: value for name, value in line["settings"].items() if name in ("dim", "parts", "rotations")}
    if settings.get("rotations") != 0:
        settings.pop("rotations", None)
    return (
        f"{line['codec']}({', '.join(f'{name}={value}' for name, value in settings.items())})"
        if settings
        else line["codec"]
    )


def graphs(lines: Lines) -> str:
    """Times of tasks on graphs."""
    body = []
    for line in lines:
        ours, theirs = line["cleora_jax"], line["networkx"]
        both = ["–", "–"] if theirs is None else [f"{theirs:.2f} s", f"**{theirs / ours:.1f}×**"]
        body.append([line["task"], f"{ours:.2f} s", *both])
    return rows("task | cleora_jax | networkx | faster", body)


def determinism(lines: Lines) -> str:
    """Cells whose bits are those of the first of their form, by what was varied."""
    body = []
    for (form, where), some in grouped([line for line in lines if line["kind"] == "cell"], "form", "where").items():
        most = max(line["difference"] for line in some)
        alike = sum(line["bits"] for line in some)
        body.append([form, where, f"{alike} of {len(some)}", "0" if most == 0 else f"{most:.1e}"])
    apart = next(line["difference"] for line in lines if line["kind"] == "forms")
    told = rows("hyperedges | table in | processes with the first one's bits | largest difference", body)
    return f"{told}\n\nThe Gram matrices of the two forms are {apart:.1e} apart (Frobenius norm, relative)."


def kills(lines: Lines) -> str:
    """What became of runs that were killed."""
    moments = sum(len(line["kills"]) for line in lines)
    late = sum(line["killed_on_the_way_out"] for line in lines)
    resumed = sum(any(name.endswith(".npz") for name in found) for line in lines for found in line["found"][1:])
    return rows(
        "kills | before a state | with a state | after the output | other bits | left files",
        [[moments, moments - resumed - late, resumed, late, sum(not line["same"] for line in lines),
          sum(bool(line["left"]) and not line["killed_on_the_way_out"] for line in lines)]],
    )  # fmt: skip


def tune(lines: Lines) -> str:
    """Validation and test of each method, by default and as chosen; what sharing walks saves, warm."""
    body = [
        [line["source"], line["method"], ", ".join(f"{name}={shown(value)}" for name, value in line["settings"].items())
         or "defaults", spread(line["validation"]), spread(line["test"])]
        for line in lines if line["kind"] == "method"
    ]  # fmt: skip
    times = []
    for (source,), some in grouped([line for line in lines if line["kind"] == "time"], "source").items():
        warm = [line for line in some if not line["compiles"]]
        both = (f"{median(line[way] for line in warm):.1f} s" for way in ("alone", "shared"))
        ratio = median(line["alone"] / line["shared"] for line in warm)
        times.append([source, some[0]["settings"], *both, f"**{ratio:.1f}×**"])
    return "\n\n".join([
        rows("source | method | settings | validation | test", body),
        rows("source | settings of Cleora | each by itself | sharing walks | ratio, median of turns", times),
    ])  # fmt: skip


def worth(lines: Lines) -> str:
    """Candidates by their mean rank on the half that chose; the chosen one and the rivals on the other half."""
    choice = next(line for line in lines if line["kind"] == "choice")
    ranked = sorted(choice["mean_rank"].items(), key=lambda pair: pair[1])
    tested = [line for line in lines if line["kind"] == "test"]
    names = [source + ("" if some[0]["chose"] else " *") for (source,), some in grouped(tested, "source").items()]
    ranks = mean_ranks(tested)
    body = [
        [label.replace("general: ", "**general:** "), f"{rank:.1f}", *(
            " / ".join(f"{score:.1f}" for score in line["micro"]) for line in tested if line["label"] == label
        )]
        for label, rank in sorted(ranks.items(), key=lambda pair: pair[1])
    ]  # fmt: skip
    return "\n\n".join([
        rows(" | ".join(["method", "mean rank", *names]), body),
        rows("candidate | mean rank", [[label, f"{rank:.1f}"] for label, rank in ranked]),
    ])  # fmt: skip


PICTURES = {
    "time": "Score against the seconds of an embedding",
    "labels": "Score against the share of labels",
    "memory": "Peak memory against entities",
}


def benchmark(lines: Lines) -> str:
    """The pictures of `experiments.benchmark.plots`, and a table for each data set."""
    parts = [f"![{title}](img/benchmark-{name}.svg)" for name, title in PICTURES.items()]
    for table in BenchmarkResults(tuple(map(Line.of, lines))).tables():
        parts += [
            f"**{table.title}**",
            rows(" | ".join(table.head), table.rows),
            "\n".join(f"- {note}" for note in table.notes),
        ]
    return "\n\n".join(part for part in parts if part)


def shown(value: Any) -> str:
    """A filter as its numbers."""
    return f"({', '.join(map(str, value.values()))})" if isinstance(value, dict) else str(value)


def spread(values: list[float]) -> str:
    """Mean and sample deviation over seeds."""
    return f"{mean(values):.3f} ± {stdev(values) if len(values) > 1 else 0:.3f}"


def fuzz(lines: Lines) -> str:
    """What was tried at each door, and what came of it."""
    body = [
        [line["target"], f"{line['cases']:,}", line["inputs_kept"], line["peak_mib"], line["failed"]] for line in lines
    ]
    total = ["all", f"{sum(line['cases'] for line in lines):,}", "", "", sum(line["failed"] for line in lines)]
    return rows("door | cases | inputs that ran something new | MiB at most | failed", [*body, total])


def recommend(lines: Lines) -> str:
    """Scores on the test part, best first, with what they cost."""
    tested = [line for line in lines if line["part"] == "test"]
    sources = list(dict.fromkeys(line["source"] for line in tested))
    tested.sort(key=lambda line: (sources.index(line["source"]), -line["metrics"]["recall@20"]))
    body = (
        [line["source"], name_of(line), *(f"{line['metrics'][key]:.4f}" for key in ("recall@20", "ndcg@20", "mrr@20")),
         f"{line['seconds']['fit']:.1f}", f"{line['seconds']['evaluate']:.0f}", f"{line['peak'] / 2**30:.1f}"]
        for line in tested
    )  # fmt: skip
    return rows("data | method | recall@20 | NDCG@20 | MRR@20 | fit, s | all users, s | peak, GiB", body)


def split(lines: Lines) -> str:
    """Where a published split is not a random one."""
    classes = [line for line in lines if line["kind"] == "items"]
    ends = [f"to {line['pairs_from'] - 1}" for line in classes[1:]] + ["and more"]
    items = (
        [f"{line['pairs_from']} {end}", f"{line['items']:,}", f"{100 * line['share_in_test']:.1f} %"]
        for line, end in zip(classes, ends, strict=True)
    )
    held = (
        [line["way"], name_of(line), *(f"{line['metrics'][key]:.3f}" for key in ("recall@20", "ndcg@20"))]
        for line in lines if line["kind"] == "held out"
    )  # fmt: skip
    return "\n\n".join([
        rows("pairs of an item, in all | such items | of their pairs in the test part", items),
        rows("a tenth held out | method | recall@20 | NDCG@20", held),
    ])  # fmt: skip


def latency(lines: Lines) -> str:
    """How long one user waits for a list of twenty."""
    body = (
        [line["name"], line["whom"], *(f"{line[f'p{share}_ms']:.1f}" for share in (50, 90, 99))] for line in lines
    )  # fmt: skip
    return rows("method | asked for | p50, ms | p90, ms | p99, ms", body)


def name_of(line: dict[str, Any]) -> str:
    """A recommender, and the settings that were chosen."""
    asked = {name: value for name, value in line["asked"].items() if not isinstance(value, str)}
    chosen = ", ".join(f"{name} {'by size' if value is None else f'{value:g}'}" for name, value in asked.items())
    return f"{line['name']} ({chosen})" if chosen else line["name"]


def sessions(lines: Lines) -> str:
    """Scores of prefixes, and what EMDE's parts contribute."""
    test = (
        [line["source"], line["method"], f"{line['hit_rate@20']:.4f}", f"{line['mrr@20']:.4f}"]
        for line in lines if line["kind"] == "test"
    )  # fmt: skip
    parts = (
        [line["source"], line["label"], f"{line['hit_rate@20']:.3f}", f"{line['mrr@20']:.3f}"]
        for line in lines if line["kind"] == "ablation"
    )  # fmt: skip
    whole, ablation = (
        rows("data | method | P@20 | MRR@20", test),
        rows("data | EMDE without training | P@20 | MRR@20", parts),
    )
    return f"{whole}\n\nOn validation cases, one thing changed at a time:\n\n{ablation}"


def baskets(lines: Lines) -> str:
    """Scores of next baskets."""
    keys = ("recall@10", "ndcg@10", "hit_rate@10", "recall@20", "ndcg@20")
    body = (
        [line["source"], line["method"], *(f"{line[key]:.4f}" for key in keys)]
        for line in lines if line["kind"] == "test"
    )  # fmt: skip
    return rows("data | method | recall@10 | NDCG@10 | a hit in 10 | recall@20 | NDCG@20", body)


def growth(lines: Lines) -> str:
    """Seconds and bytes of each size, beside what `estimate` told before."""
    body = (
        [line["graph"], "a file" if line["spill"] else "memory", f"{line['entities']:,}", f"{line['dim']:,}",
         f"{line['step']:.3g} s", f"{line['seconds']:.3g} / {line['guess']:.3g} s",
         f"{readable(line['peak'])} / {readable(line['held'] + line['told'])}", f"{round(100 * line['error']):+d} %"]
        for line in lines
    )  # fmt: skip
    head = "graph | table in | entities | columns | a step | whole, taken / told | peak, taken / told | error"
    return rows(head, body)


def precision(lines: Lines) -> str:
    """How far narrow tables move a result, beside another seed; and what they save."""
    errors = (
        [line["source"], line["way"], line["dim"], line["steps"], f"{line['gram']:.1e}",
         f"{100 * line['overlap']:.1f} %"]
        for line in lines if line["kind"] == "error"
    )  # fmt: skip
    sizes = (
        ["a file" if line["spill"] else "memory", line["storage"], f"{line['step']:.1f} s",
         readable(line["peak"] - line["held"]), readable(line["told"])]
        for line in lines if line["kind"] == "size"
    )  # fmt: skip
    return "\n\n".join([
        rows("graph | table of | columns | steps | Gram matrix, relative | same among ten nearest", errors),
        rows("table in | of | a step | peak above what was held | told", sizes),
    ])  # fmt: skip


PAGE = "experiments.md"  # where tables are put, but for these:
PAGES = {"growth": "large.md", "precision": "large.md", "latency": "cookbook/recommendations.md"}
FILES = {"latency": "recommend/latency.jsonl", "split": "recommend/split.jsonl", "baskets": "sessions/baskets.jsonl"}
TABLES = {
    "baselines": baselines, "scale": scale, "walks": walks, "inductive": inductive, "hops": hops,
    "relations": relations, "features": features, "refine": refine, "tune": tune, "worth": worth,
    "benchmark": benchmark, "sweep": sweep, "vectors": vectors, "graphs": graphs,
    "determinism": determinism, "kills": kills, "fuzz": fuzz,
    "recommend": recommend, "split": split, "latency": latency, "sessions": sessions, "baskets": baskets,
    "growth": growth, "precision": precision,
}  # fmt: skip

if __name__ == "__main__":
    main()
