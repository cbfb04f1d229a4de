"""Lines of a benchmark: written, read back, and shown as tables."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from statistics import median
from typing import Any, NamedTuple

from cleora_jax._checks import InputError, file_at
from cleora_jax._jsonl import whole_lines
from cleora_jax._memory import readable
from cleora_jax.benchmark.process import Failure, Outcome
from cleora_jax.benchmark.task import RIVALS, Judge, Task
from cleora_jax.evaluate.interval import Summary, summary, text_table

BEGINS = b'{"dataset": '  # every line
WHAT = "a benchmark"
MACHINE = ("versions", "machine", "cores", "date")
Column = tuple[str, float | str | None, bool | None]  # metric, share, whether tuned
NODE_COLUMNS = ((0.1, True), (0.5, True), (0.1, False), (0.5, False), (0.9, False))
GIVEN_COLUMNS = (("given", True), ("given", False))
LINK_COLUMNS = {
    "auc_uniform": "AUC", "ap_uniform": "AP", "auc_matched": "AUC deg.", "ap_matched": "AP deg.",
    "mrr_weighted": "MRR deg.", "hits10_weighted": "H@10 deg.",
}  # fmt: skip


@dataclass(frozen=True)
class Score:
    """One figure of one method, for each round.

    Args:
        metric: "accuracy" (single labels) or "micro_f1", and "macro_f1"; of links those of `LinkRow.test`.
        values: of each round; of "scorer" names.
        train: share of the labelled entities trained on, or "given" of a publisher's splits; None of links.
        tuned: the penalty was chosen in the training part; else C = 1. None of links.
        rival: what needs no vectors: "majority", or a heuristic of links; None of a method.
    """

    metric: str
    values: tuple[Any, ...]
    train: float | str | None = None
    tuned: bool | None = None
    rival: str | None = None

    @property
    def summary(self) -> Summary:
        """Mean and interval over rounds."""
        return summary(self.values)


@dataclass(frozen=True)
class Line:
    """What one task came to: a line of the file.

    Args:
        task: what was done.
        protocol: how it was judged.
        version: of this package.
        figures: "nodes", "edges"; "start_seconds" (process and imports), "load_seconds", "prepare_seconds" (what some
            methods do first, apart); "seconds" of each round's embedding, "again" of another of the first round's
            graph, where rounds have graphs of their own; bytes "rss_start" (imported), "rss_before" (loaded) and
            "rss_peak" (embedded), and "rss_before_peak", up to then; "judge_seconds" of each round.
        scores: of the rounds that were judged.
        failure: why it ended early, if it did.
        machine: versions, hardware, date.
    """

    task: Task
    protocol: dict[str, Any]
    version: str
    figures: dict[str, Any]
    scores: tuple[Score, ...]
    failure: Failure | None
    machine: dict[str, Any]

    @property
    def key(self) -> str:
        """Lines of the same key are of the same work."""
        return key_of(self.task, self.protocol, self.version)

    @property
    def cold(self) -> float | None:
        """Seconds of the first embedding: JAX starts, and compiles."""
        seconds = self.figures.get("seconds", [])
        return seconds[0] if seconds else None

    @property
    def warm(self) -> float | None:
        """Median seconds of further embeddings of a graph that was embedded before."""
        again = self.figures.get("again")
        seconds = [again] if again is not None else self.figures.get("seconds", [])[1:]
        return median(seconds) if seconds and (again is not None or self.task.judge == "nodes") else None

    @property
    def peak(self) -> int | None:
        """Bytes that the process held at most, until all was embedded."""
        return self.figures.get("rss_peak")

    def score(
        self, metric: str, train: float | str | None = None, tuned: bool | None = None, rival: str | None = None
    ) -> Score | None:
        """A score by what it is of, or None."""
        wanted = (metric, train, tuned, rival)
        return next((one for one in self.scores if (one.metric, one.train, one.tuned, one.rival) == wanted), None)

    def as_dict(self) -> dict[str, Any]:
        """Everything, as what JSON can hold."""
        plain = {name: getattr(self, name) for name in ("protocol", "version", "figures")}
        scores = [{name: value for name, value in asdict(one).items() if value is not None} for one in self.scores]
        failure = None if self.failure is None else self.failure._asdict()
        return asdict(self.task) | plain | {"scores": scores, "failure": failure} | self.machine

    @staticmethod
    def of(entry: dict[str, Any]) -> Line:
        """A line from what `as_dict` gave."""
        task = Task(**{field.name: entry[field.name] for field in fields(Task)})
        scores = tuple(Score(**one | {"values": tuple(one["values"])}) for one in entry["scores"])
        failure = None if entry["failure"] is None else Failure(**entry["failure"])
        plain = {name: entry[name] for name in ("protocol", "version", "figures")}
        machine = {name: entry[name] for name in MACHINE}
        return Line(task=task, scores=scores, failure=failure, machine=machine, **plain)


def key_of(task: Task, protocol: dict[str, Any], version: str) -> str:
    """What makes two lines the same work; not the limit of time."""
    parts = {name: value for name, value in asdict(task).items() if name != "time_limit"}
    return json.dumps([parts, protocol, version], sort_keys=True)


def line_of(task: Task, protocol: dict[str, Any], version: str, outcome: Outcome, machine: dict[str, Any]) -> Line:
    """The line of a task from what its process said."""
    figures: dict[str, Any] = {}
    values: dict[tuple[Any, ...], list[Any]] = {}
    for event in outcome.events:
        kind = event["event"]
        if kind in ("ready", "loaded", "before", "prepared"):
            figures |= {name: value for name, value in event.items() if name not in ("event", *figures)}
        elif kind in ("round", "again"):
            figures["rss_peak"] = event["rss_peak"]
            if kind == "again":
                figures["again"] = event["seconds"]
            else:
                figures.setdefault("seconds", []).append(event["seconds"])
        elif kind == "judged":
            figures.setdefault("judge_seconds", []).append(event["seconds"])
            for one in event["scores"]:
                of = tuple(one.get(name) for name in ("metric", "train", "tuned", "rival"))
                values.setdefault(of, []).append(one["value"])
    scores = tuple(Score(metric, tuple(found), *rest) for (metric, *rest), found in values.items())
    return Line(task, protocol, version, figures, scores, outcome.failure, machine)


class Table(NamedTuple):
    """A title, headings, rows of cells as text, and notes."""

    title: str
    head: list[str]
    rows: list[list[str]]
    notes: list[str]


@dataclass(frozen=True, repr=False)
class BenchmarkResults:
    """What `run_benchmark` found; prints as a table for each data set.

    Args:
        lines: one for each data set and method.
    """

    lines: tuple[Line, ...]

    def __len__(self) -> int:
        return len(self.lines)

    def __iter__(self) -> Iterator[Line]:
        return iter(self.lines)

    def records(self) -> list[dict[str, Any]]:
        """One flat dict for each score: data set, method, metric and its interval, for tables and lines of JSON."""
        return [
            {"dataset": line.task.dataset, "method": score.rival or line.task.label, "judge": line.task.judge,
             "train": score.train, "tuned": score.tuned, "metric": score.metric, **score.summary.as_dict()}
            for line in self.lines for score in line.scores if score.metric != "scorer"
        ]  # fmt: skip

    def as_dict(self) -> dict[str, Any]:
        """Everything, as what JSON can hold."""
        return {"lines": [line.as_dict() for line in self.lines]}

    def __repr__(self) -> str:
        failed = sum(line.failure is not None for line in self.lines)
        return f"BenchmarkResults({len(self.lines)} lines, {failed} of them cut short)"

    def __str__(self) -> str:
        return "\n\n".join("\n".join([one.title, text_table(one.head, one.rows), *one.notes]) for one in self.tables())

    def tables(self) -> list[Table]:
        """One for each data set (and judge), as what `print` shows is made of."""
        return [table_of(dataset, judge, lines) for (dataset, judge), lines in self.grouped().items()]

    def grouped(self) -> dict[tuple[str, Judge], list[Line]]:
        """Lines by data set and judge."""
        found: dict[tuple[str, Judge], list[Line]] = {}
        for line in self.lines:
            found.setdefault((line.task.dataset, line.task.judge), []).append(line)
        return found


def load_benchmark(path: str | os.PathLike[str]) -> BenchmarkResults:
    """Results from a file that `run_benchmark` wrote, or is still writing: a last line without an end is left out.

    Of lines of the same work the last counts.

    Args:
        path: of JSON lines.

    Raises:
        MissingFileError: no such file.
        InputError: a line that is none of a benchmark.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = Path(tempfile.mkdtemp()) / "results.jsonl"
        >>> _ = path.write_text("")
        >>> load_benchmark(path)
        BenchmarkResults(0 lines, 0 of them cut short)
    """
    return BenchmarkResults(tuple(parsed(whole_lines(file_at(path))[0], path).values()))


def parsed(lines: Sequence[bytes], path: Any) -> dict[str, Line]:
    """Lines by their keys."""
    found = {}
    for number, text in enumerate(lines, 1):
        try:
            line = Line.of(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{os.fspath(path)}, line {number}: no line of {WHAT}: {error!r}.") from error
        found[line.key] = line
    return found


def table_of(dataset: str, judge: Judge, lines: Sequence[Line]) -> Table:
    """The lines of one data set as a table; of those cut short a note says why."""
    columns = _columns(judge, lines)
    rows = [row for line in lines for row in _rows(line, columns)]
    notes = [f"! {line.task.label}: {line.failure.reason}: {line.failure.message}" for line in lines if line.failure]
    title = f"{dataset}, {judge}: {_what(judge, lines)}"
    return Table(title, ["method", *columns, "cold", "warm", "before", "peak"], rows, notes)


def _columns(judge: Judge, lines: Sequence[Line]) -> dict[str, Column]:
    """What is shown, by its heading: metric, share and whether tuned."""
    if judge == "links":
        return {head: (metric, None, None) for metric, head in LINK_COLUMNS.items()}
    metric = main_metric(lines)
    given = any(score.train == "given" for line in lines for score in line.scores)
    return {
        f"{share if share == 'given' else f'{share:.0%}'}{'' if tuned else ', C = 1'}": (metric, share, tuned)
        for share, tuned in (GIVEN_COLUMNS if given else NODE_COLUMNS)
    }


def main_metric(lines: Sequence[Line]) -> str:
    """Accuracy where labels are single, else Micro-F1."""
    metrics = [score.metric for line in lines for score in line.scores]
    return "accuracy" if "accuracy" in metrics else "micro_f1"


def _rows(line: Line, columns: dict[str, Column]) -> Iterator[list[str]]:
    """A row; of rivals one each."""
    costs = [_seconds(line.cold), _seconds(line.warm), _bytes(line.figures.get("rss_before")), _bytes(line.peak)]
    names = dict.fromkeys(score.rival for score in line.scores) if line.task.method == RIVALS else {None: None}
    for rival in names or {RIVALS: None}:
        scores = (line.score(*of, rival) for of in columns.values())
        mark = " !" if line.failure else ""
        yield [f"{rival or line.task.label}{mark}", *map(_shown, scores), *costs]


def _shown(score: Score | None) -> str:
    """Mean and half of the interval; a dash where there is none."""
    if score is None:
        return "–"
    found = score.summary
    return f"{found.mean:.3f}" + (f" ± {(found.high - found.low) / 2:.3f}" if found.count > 1 else "")


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} s"


def _bytes(value: int | None) -> str:
    return "–" if value is None else readable(value)


def _what(judge: Judge, lines: Sequence[Line]) -> str:
    """What the figures are."""
    count = max(line.task.rounds for line in lines)
    rounds = f"{count} rounds, mean ± half of the 95 % interval" if count > 1 else "1 round"
    if judge == "links":
        return f"links held out; {rounds}; deg.: negatives follow degrees"
    return f"{main_metric(lines)} by share of training labels; {rounds}"
