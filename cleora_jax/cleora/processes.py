"""Processes, of one machine or of several, that embed together."""

from __future__ import annotations

import contextlib
import os
import sys
from types import TracebackType
from typing import NoReturn

import jax

from cleora_jax import _checks as checks

MOST_PROCESSES = 65_536
WAIT_AT_END = 60 * 60  # seconds a process that is done waits for the others; of dead ones it hears sooner
INTERRUPTED = 130  # exit status, as shells have it


def join_processes(coordinator: str, processes: int, process: int, *, patience: int = 60) -> None:
    """Join the processes that embed together; then `embed(devices=jax.devices())` spreads the rows over all of them.

    Each calls it once, before anything else of JAX, with the same graph read the same way; all call the same `embed`,
    and all get the result. Where one dies the others get a ConnectionError inside a step; after `patience` without a
    sign of life JAX ends them. An exception that nothing catches ends a process at once, once it is printed (not at an
    interactive prompt), where JAX would have all wait for each other. A process that is done, or calls `sys.exit`,
    waits at its end for the others, up to an hour.

    Args:
        coordinator: "host:port" of process 0, which listens there; any free port.
        processes: how many there are.
        process: which one this is, from 0.
        patience: seconds to wait for the others to join, and for a sign of life of each. Default: 60.

    Raises:
        ValueError: numbers out of range, or an address without a port.
        ConnectionError: the others did not join in time; some versions of JAX end the process, with a message.
        RuntimeError: JAX has been used already.

    Example:
        >>> from cleora_jax import join_processes
        >>> join_processes("localhost", 2, 0)
        Traceback (most recent call last):
            ...
        cleora_jax._checks.OptionError: `coordinator` must be host:port, got 'localhost'.
    """
    host, colon, port = str(coordinator).rpartition(":")
    if not (colon and host and port.isdecimal() and 0 < int(port) < 65_536):
        raise checks.OptionError(f"`coordinator` must be host:port, got {coordinator!r}.")
    processes = checks.integer("processes", processes, low=1, high=MOST_PROCESSES)
    process = checks.integer("process", process, low=0, high=processes - 1)
    patience = checks.integer("patience", patience, low=1)
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    try:
        jax.distributed.initialize(
            coordinator, processes, process, initialization_timeout=patience, heartbeat_timeout_seconds=patience,
            shutdown_timeout_seconds=WAIT_AT_END,
        )  # fmt: skip
    except jax.errors.JaxRuntimeError as error:
        raise ConnectionError(f"not all of {processes} processes joined at {coordinator} in {patience} s.") from error
    _leave_on_exceptions()


def leave(code: int) -> NoReturn:
    """End the process now: JAX would wait at its end for the others, which wait for this one or are gone."""
    try:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):  # unread, closed, or None
                stream.flush()
    finally:
        os._exit(code)


def _leave_on_exceptions() -> None:
    """Of those that nothing catches: what shows them goes on showing them, then the process ends."""
    show = sys.excepthook

    def shown(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        try:
            show(kind, error, trace)
        finally:
            if not _prompts():
                leave(INTERRUPTED if issubclass(kind, KeyboardInterrupt) else 1)

    sys.excepthook = shown


def _prompts() -> bool:
    """Whether a prompt goes on after an exception."""
    return hasattr(sys, "ps1") or bool(sys.flags.interactive or os.environ.get("PYTHONINSPECT"))
