"""Progress of long work: a callback, silent by default, a tqdm bar where a terminal is watching."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Progress(Protocol):
    """Called as work proceeds."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """`done` of `total` parts of `stage` are finished."""


def no_progress(stage: str, done: int, total: int) -> None:
    """Report nothing: the default."""


@contextmanager
def progress_bar(enabled: bool | None = None) -> Iterator[Progress]:
    """A `Progress` that draws one tqdm bar per stage on standard error.

    Args:
        enabled: None draws only where standard error is a terminal.

    Example:
        >>> import cleora_jax as cj
        >>> with cj.progress_bar() as progress:
        ...     embedding = cj.embed(cj.from_edges([0, 1], [1, 2]), cj.Cleora(dim=4), progress=progress)
    """
    from tqdm import tqdm

    disable = not (sys.stderr.isatty() if enabled is None else enabled)
    bars: dict[str, tqdm[None]] = {}

    def report(stage: str, done: int, total: int) -> None:
        if stage not in bars:
            bars[stage] = tqdm(total=total, desc=stage, disable=disable, unit_scale=True, file=sys.stderr)
        bars[stage].update(done - bars[stage].n)

    try:
        yield report
    finally:
        for bar in bars.values():
            bar.close()
