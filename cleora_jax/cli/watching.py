"""Long work, watched: a bar on a terminal, and Ctrl-C between its steps."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from cleora_jax._progress import Progress, progress_bar
from cleora_jax.cli.messages import complain


def bar(args: argparse.Namespace) -> AbstractContextManager[Progress]:
    """A progress bar on a terminal."""
    return progress_bar(False if args.quiet or args.json else None)


@contextmanager
def steps(args: argparse.Namespace) -> Iterator[Progress]:
    """A bar for steps of XLA, which Ctrl-C does not break off."""
    with bar(args) as progress, _between_steps(progress) as step:
        yield step


@contextmanager
def _between_steps(progress: Progress) -> Iterator[Progress]:
    """Let Ctrl-C wait for the step at hand: to break off inside a running XLA computation can crash. Twice: now."""
    interrupted = False

    def note(*_: Any) -> None:
        nonlocal interrupted
        interrupted = True
        for number in before:
            signal.signal(number, signal.default_int_handler)
        complain("stopping after this step; Ctrl-C again stops at once.")

    def step(stage: str, done: int, total: int) -> None:
        if interrupted:
            raise KeyboardInterrupt
        progress(stage, done, total)

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield step
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if interrupted:  # in the last step
        raise KeyboardInterrupt
