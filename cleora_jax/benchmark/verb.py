"""`run_benchmark`: every method on every data set, one fresh process after the other."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

from cleora_jax import _checks as checks
from cleora_jax._jsonl import JsonLines, opened_lines
from cleora_jax._progress import Progress, no_progress
from cleora_jax._version import __version__
from cleora_jax.benchmark.judging import protocol_of
from cleora_jax.benchmark.process import Event, run_task
from cleora_jax.benchmark.results import BEGINS, WHAT, BenchmarkResults, Line, key_of, line_of, parsed
from cleora_jax.benchmark.task import RIVALS, Judge, Task, kind_named, name_of, settings_of
from cleora_jax.data.load import load_dataset
from cleora_jax.data.registry import info_of
from cleora_jax.evaluate.tuning.record import versions
from cleora_jax.methods import METHODS

DIM = 128


def run_benchmark(
    datasets: str | Sequence[str],
    methods: Any = "all",
    *,
    judge: Literal["auto", "nodes", "links"] = "auto",
    dim: int = DIM,
    rounds: int = 5,
    time_limit: float = 600.0,
    output: str | os.PathLike[str] | None = None,
    folder: str | os.PathLike[str] | None = None,
    rivals: bool = True,
    progress: Progress = no_progress,
) -> BenchmarkResults:
    """Measure every method on every data set: scores with intervals, seconds cold and warm, peak memory.

    Each pair runs in a fresh process, one after the other. It embeds with seeds 0, 1, …, reads its memory, and only
    then judges: round r is the embedding of seed r on split r, so that an interval holds the chance of both. Classes
    are judged by `classify_nodes`, at 10 and 50 % with `tune` and at 10, 50 and 90 % with C = 1, or on the given splits
    of a data set that has several; links by `predict_edges` with its defaults, each round on a training graph of its
    own. Where time does not suffice for all rounds, those that were done are judged, and the line says so.

    Args:
        datasets: names of `list_datasets()`; they are not downloaded (see `load_dataset`).
        methods: "all" of `METHODS`, or some: names, names "module:Class" of methods of your own, or methods with their
            settings, such as `ProNE(dim=64)`; their seed is not looked at.
        judge: "nodes", "links", or "auto": nodes where a data set has labels.
        dim: columns of methods given by name.
        rounds: at least 1; an interval needs 2.
        time_limit: seconds that a process may take to embed, start included, and again to judge; then it is killed
            with all that it started.
        output: a file of JSON lines, one for each pair as soon as it is done. What stands in it is not run again,
            unless it ran out of a smaller `time_limit`. None keeps no file.
        folder: where data sets lie, as in `load_dataset`.
        rivals: measure what needs no vectors, too: the majority class, or heuristics of links.
        progress: called with (data set, rounds done, rounds in all).

    Raises:
        OptionError: an unknown name, or a number out of range; or another process writes to `output`.
        InputError: a data set that is not here, or a line of `output` that is none of a benchmark.
        OSError: `output` cannot be written.

    Example:
        >>> import cleora_jax as cj
        >>> found = cj.run_benchmark("karate", cj.RandNE(dim=8), rounds=2, rivals=False)
        >>> line = found.lines[0]
        >>> line.task.method, line.failure, line.cold > 0, line.peak > 10**7
        ('randne', None, True, True)
        >>> 0 <= line.score("accuracy", 0.5, tuned=True).summary.mean <= 1
        True
    """
    dim, rivals = checks.integer("dim", dim, low=1), checks.boolean("rivals", rivals)
    place = None if folder is None else os.path.abspath(folder)
    names = [datasets] if isinstance(datasets, str) else list(datasets)
    if not names:
        raise checks.OptionError("`datasets` must be at least one, got none.")
    tasks = [
        Task(name, method, settings, judge_of(name, judge), rounds, time_limit)
        for name in dict.fromkeys(names)
        for method, settings in [*contestants(methods, dim), *([(RIVALS, {})] if rivals else [])]
    ]
    with _record(output) as (known, file):
        waiting = [task for task in tasks if not _is_done(task, known)]
        for name in dict.fromkeys(task.dataset for task in waiting):
            load_dataset(name, place)  # is it here, and whole?
        for task in tasks:
            count = _Count(task, tasks, progress)
            if task in waiting:
                outcome = run_task(task, place, count.told)
                line = line_of(task, protocol_of(task.judge), __version__, outcome, machine())
                known[line.key] = line
                if file is not None:
                    file.append(line.as_dict())
            count.finished()
    return BenchmarkResults(tuple(known[_key(task)] for task in tasks))


def judge_of(dataset: str, judge: str) -> Judge:
    """How a data set is judged."""
    checks.one_of("judge", judge, ("auto", "nodes", "links"))
    labelled = "classes" in info_of(dataset).counts
    if judge == "nodes" and not labelled:
        raise checks.OptionError(f"`judge` 'nodes' needs labels, which {dataset!r} does not have.")
    return "links" if judge == "links" or not labelled else "nodes"


def contestants(methods: Any, dim: int) -> list[tuple[str, dict[str, Any]]]:
    """Names and settings of methods, each once."""
    if isinstance(methods, str):
        chosen: list[Any] = list(METHODS) if methods == "all" else [methods]
    else:
        chosen = list(methods) if isinstance(methods, Sequence) else [methods]
    if not chosen:
        raise checks.OptionError("`methods` must be at least one, got none.")
    found = []
    for one in chosen:
        method = kind_named(one)(dim=dim) if isinstance(one, str) else one
        pair = name_of(method), settings_of(method)
        if pair not in found:
            found.append(pair)
    return found


def machine() -> dict[str, Any]:
    """What a line was measured on."""
    return {
        "versions": versions(),
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "date": time.strftime("%Y-%m-%d"),
    }


@contextmanager
def _record(output: str | os.PathLike[str] | None) -> Iterator[tuple[dict[str, Line], JsonLines | None]]:
    """Lines by their keys, and the file to add to."""
    if output is None:
        yield {}, None
        return
    with opened_lines(output, BEGINS, "output", WHAT) as file:
        known = parsed(file.lines, output)
        file.cut()
        yield known, file


def _key(task: Task) -> str:
    return key_of(task, protocol_of(task.judge), __version__)


def _is_done(task: Task, known: dict[str, Line]) -> bool:
    """Its line is there, and more time would not better it."""
    line = known.get(_key(task))
    if line is None:
        return False
    late = line.failure is not None and line.failure.reason == "time limit"
    return not late or line.task.time_limit >= task.time_limit


class _Count:
    """Tells progress in rounds of the data set that a task is of."""

    def __init__(self, task: Task, tasks: list[Task], progress: Progress) -> None:
        same = [other for other in tasks if other.dataset == task.dataset]
        self.before = sum(other.rounds for other in same[: same.index(task)])
        self.total = sum(other.rounds for other in same)
        self.task, self.progress = task, progress

    def told(self, event: Event) -> None:
        if event["event"] == "judged":
            self.progress(self.task.dataset, self.before + event["round"] + 1, self.total)

    def finished(self) -> None:
        """However it ended."""
        self.progress(self.task.dataset, self.before + self.task.rounds, self.total)
