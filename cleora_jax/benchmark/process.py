"""A task in a fresh process, with a limit of time, and nothing of it left behind."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from queue import Empty, SimpleQueue
from subprocess import PIPE, Popen
from tempfile import TemporaryDirectory
from typing import IO, Any, NamedTuple

from cleora_jax.benchmark.task import Task

COMMAND = (sys.executable, "-P", "-m", "cleora_jax.benchmark.worker")
POLL = 0.2  # seconds between looks at whether the process still lives
GRACE = 5.0  # seconds that it may take to end, once it has said its last
Event = dict[str, Any]


class Failure(NamedTuple):
    """Why a task has no scores, or not all.

    Args:
        reason: "time limit", "memory" or "error".
        message: in which phase, or the error's last line.
    """

    reason: str
    message: str


class Outcome(NamedTuple):
    """What a process said before it ended, and why it ended early, if it did."""

    events: list[Event]
    failure: Failure | None


def run_task(task: Task, folder: str | None, told: Callable[[Event], None]) -> Outcome:
    """Do a task in a process of its own, which is killed with all its children past the limit, and on Ctrl-C.

    Args:
        task: what to do.
        folder: where data sets lie, as in `load_dataset`.
        told: called with each event as it comes.
    """
    events: list[Event] = []
    with TemporaryDirectory(prefix="cleora-jax-benchmark-") as scratch:
        errors = Path(scratch) / "stderr"
        with _started(errors) as process:
            begun = time.monotonic()
            deadline = begun + task.time_limit
            _order(process, {"task": asdict(task), "folder": folder, "scratch": scratch, "deadline": deadline})
            said = _listened(process.stdout)  # type: ignore[arg-type]
            while (event := _next(said, process, deadline)) is not None:
                if event["event"] == "late":
                    return Outcome(events, Failure("time limit", _phase(task, events)))
                if event["event"] == "ready":
                    event["start_seconds"] = time.monotonic() - begun
                if event["event"] == "embedded":
                    deadline = time.monotonic() + task.time_limit
                events.append(event)
                told(event)
            if events and events[-1]["event"] == "done":
                return Outcome(events, _too_few(task, events))
            return Outcome(events, _crash(events, process, errors))


@contextmanager
def _started(errors: Path) -> Iterator[Popen[bytes]]:
    """A process in a session of its own, which imports what its parent imports; killed with all it started."""
    path = os.pathsep.join(os.path.abspath(place) for place in sys.path)
    with errors.open("wb") as sink:
        process = Popen(COMMAND, stdin=PIPE, stdout=PIPE, stderr=sink, start_new_session=True,
                        env=os.environ | {"PYTHONPATH": path})  # fmt: skip
    try:
        yield process
    finally:
        with suppress(ProcessLookupError, PermissionError):  # all gone, or, on macOS, all dead
            os.killpg(process.pid, signal.SIGKILL)  # before `wait`, which frees the number for others
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with suppress(BrokenPipeError):
                pipe.close()  # type: ignore[union-attr]


def _order(process: Popen[bytes], order: dict[str, Any]) -> None:
    """The task, as one line. The pipe stays open: that it ends tells the process that its parent is gone."""
    with suppress(BrokenPipeError):  # it is dead already
        process.stdin.write(json.dumps(order).encode() + b"\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]


def _listened(pipe: IO[bytes]) -> SimpleQueue[Event | None]:
    """Events as they come, then None."""
    said: SimpleQueue[Event | None] = SimpleQueue()

    def listen() -> None:
        with suppress(ValueError):  # the pipe was closed
            for line in pipe:
                said.put(json.loads(line))
        said.put(None)

    threading.Thread(target=listen, daemon=True).start()
    return said


def _next(said: SimpleQueue[Event | None], process: Popen[bytes], deadline: float) -> Event | None:
    """The next event, or "late"; None where there will be none."""
    gone = False
    while (left := deadline - time.monotonic()) > 0:
        try:
            return said.get(timeout=min(left, POLL))
        except Empty:
            if gone:  # a child of it holds the pipe open
                return None
            gone = _ended(process) is not None
    return {"event": "late"}


def _ended(process: Popen[bytes]) -> os.waitid_result | None:
    """How the process ended, without freeing its number; None while it lives."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)


def _phase(task: Task, events: list[Event]) -> str:
    """What the process was at when time was up."""
    names = [event["event"] for event in events]
    if "embedded" in names:
        return f"{task.time_limit:g} s, judging, {names.count('judged')} of {task.rounds} rounds done"
    return f"{task.time_limit:g} s, embedding, {names.count('round')} of {task.rounds} rounds done"


def _too_few(task: Task, events: list[Event]) -> Failure | None:
    """The process saw that another round would not end in time, and judged those that there were."""
    done = sum(event["event"] == "judged" for event in events)
    if done == task.rounds:
        return None
    return Failure("time limit", f"{task.time_limit:g} s, {done} of {task.rounds} rounds done and judged")


def _crash(events: list[Event], process: Popen[bytes], errors: Path) -> Failure:
    """What the process said of its end, else how the system tells it."""
    if events and events[-1]["event"] == "failed":
        return Failure(events[-1]["reason"], events[-1]["message"])
    patience = time.monotonic() + GRACE
    while (end := _ended(process)) is None and time.monotonic() < patience:
        time.sleep(POLL / 10)
    if end is not None and end.si_code != os.CLD_EXITED:
        name = signal.Signals(end.si_status).name
        if end.si_status == signal.SIGKILL:
            return Failure("memory", f"killed by the system ({name}), which it does when memory runs out")
        return Failure("error", f"died of {name}")
    lines = [line.strip() for line in errors.read_text(errors="replace").splitlines() if line.strip()]
    return Failure("error", lines[-1][:500] if lines else "ended without a word")
