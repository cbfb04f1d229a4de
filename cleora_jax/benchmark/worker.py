"""The fresh process: one task from standard input, events as JSON lines to standard output. Started by `process.py`.

Embeds all rounds first, as far as the limit of time allows; then reads the memory; and only then imports what judging
needs. Vectors wait on disk, so that those of earlier rounds do not count as memory of later ones.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from cleora_jax._memory import peak_bytes, resident_bytes
from cleora_jax.benchmark.task import RIVALS, Task
from cleora_jax.data import Dataset, load_dataset
from cleora_jax.graph import Graph

Say = Callable[..., None]
MARGIN = 1.2  # a round that takes so much longer than those before must still end in time, or all are lost


def main() -> None:
    """Do the task that the first line of standard input describes."""
    say = _channel()
    sys.excepthook = _failing(say)
    order = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    task, scratch = Task(**order["task"]), Path(order["scratch"])
    if task.method != RIVALS:
        task.embedder(0)  # imports it
    say("ready", rss_start=resident_bytes())
    begun = time.perf_counter()
    data = load_dataset(task.dataset, order["folder"])
    say("loaded", load_seconds=time.perf_counter() - begun, **_about(data))
    rounds = task.rounds if task.method == RIVALS else embed_rounds(task, data, scratch, order["deadline"], say)
    say("embedded", rounds=rounds)
    judge_rounds(task, data, scratch, rounds, say)
    say("done")


def embed_rounds(task: Task, data: Dataset, scratch: Path, deadline: float, say: Say) -> int:
    """Embed with seeds 0, 1, … while there is time for another; how many there were."""
    longest = 0.0
    done = 0
    for at, graph in enumerate(graphs_of(task, data)):
        if at == 0:
            say("before", rss_before=resident_bytes(), rss_before_peak=peak_bytes())
        elif time.monotonic() + MARGIN * longest > deadline:
            break
        vectors, seconds = embed_once(task, graph, at, say)
        np.save(scratch / f"{at}.npy", vectors)
        del vectors
        longest, done = max(longest, seconds), at + 1
        say("round", round=at, seconds=seconds, rss_peak=peak_bytes())
        if at == 0 and task.judge == "links" and time.monotonic() + MARGIN * longest <= deadline:
            say("again", seconds=embed_once(task, graph, at, say)[1], rss_peak=peak_bytes())
    return done


def graphs_of(task: Task, data: Dataset) -> Iterator[Graph]:
    """The graph of each round: where links are judged, what its split leaves to train on."""
    for at in range(task.rounds):
        if task.judge == "nodes":
            yield data.graph
        else:
            from cleora_jax.benchmark.judging import link_split

            yield link_split(data.graph, at).graph


def embed_once(task: Task, graph: Graph, seed: int, say: Say) -> tuple[np.ndarray, float]:
    """Vectors in the order of the graph, and seconds. What a method does in `prepare` is timed apart."""
    method: Any = task.embedder(seed)
    if hasattr(method, "prepare"):
        begun = time.perf_counter()
        method.prepare(graph)
        say("prepared", prepare_seconds=time.perf_counter() - begun)
    begun = time.perf_counter()
    vectors, _ = method(graph)
    vectors = np.asarray(vectors)
    return vectors, time.perf_counter() - begun


def judge_rounds(task: Task, data: Dataset, scratch: Path, rounds: int, say: Say) -> None:
    """Scores of each round, told as they come."""
    from cleora_jax.benchmark.judging import judged_links, judged_nodes, without_vectors

    for at in range(rounds):
        vectors = without_vectors(data.graph) if task.method == RIVALS else np.load(scratch / f"{at}.npy")
        begun = time.perf_counter()
        if task.judge == "nodes":
            scores = list(judged_nodes(data, vectors, at, task.method))
        else:
            scores = list(judged_links(data.graph, vectors, at, task.method))
        say("judged", round=at, scores=scores, seconds=time.perf_counter() - begun)


def _about(data: Dataset) -> dict[str, int]:
    """Sizes of the graph."""
    return {"nodes": data.graph.num_entities, "edges": data.graph.num_hyperedges}


def _channel() -> Say:
    """Writes events to what was standard output, which from here on is standard error: methods may print."""
    channel = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def say(event: str, **about: Any) -> None:
        channel.write(json.dumps({"event": event, **about}) + "\n")

    return say


def _failing(say: Say) -> Callable[[type[BaseException], BaseException, TracebackType | None], None]:
    """Tells an error that nobody caught in one line; the traceback goes to standard error as ever."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        message = " ".join(traceback.format_exception_only(kind, error)[0].split())
        memory = isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in message
        say("failed", reason="memory" if memory else "error", message=message[:500])
        sys.__excepthook__(kind, error, trace)

    return hook


def _end_with_parent() -> None:
    """Standard input ends when the parent is gone, however it went; then so do this process and its children."""
    sys.stdin.read()
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


if __name__ == "__main__":
    main()
