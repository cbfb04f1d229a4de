"""Options of every command, and what may be said about any option."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from cleora_jax._checks import OptionError

Made = TypeVar("Made")


def common_arguments(parser: argparse.ArgumentParser, *, again: bool = False) -> None:
    """`--threads`, `--json` and `--quiet`.

    Args:
        parser: of a command.
        again: it is a command within one that has them, too; they may stand before it or after it.
    """
    unset: dict[str, Any] = {"default": argparse.SUPPRESS} if again else {}
    parser.add_argument("--threads", type=int, metavar="N", help="processor cores to use (default: all)", **unset)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output", **unset)
    parser.add_argument("--quiet", "-q", action="store_true", help="no progress bar and no summary", **unset)


def setting_argument(parser: argparse._ActionsContainer, help: str) -> None:
    """`--set`, for settings that have no option of their own."""
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", type=_setting, help=f"{help}; may be repeated"
    )


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"settings are written as name=value, got {text!r}")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def built(maker: Callable[..., Made], name: str, settings: dict[str, Any]) -> Made:
    """What a maker makes of a name and settings. A wrong type is a bug of the caller in Python; here it is input."""
    try:
        return maker(name, **settings)
    except TypeError as error:
        raise OptionError(str(error)) from error


def limit_threads(count: int) -> None:
    """Confine this process to `count` cores, before jax is imported: XLA sizes its thread pool by them."""
    if not hasattr(os, "sched_setaffinity"):
        raise OptionError("`--threads` needs an operating system with processor affinity (Linux).")
    cores = sorted(os.sched_getaffinity(0))
    if not 1 <= count <= len(cores):
        raise OptionError(f"`--threads` must be between 1 and {len(cores)}, got {count}.")
    os.sched_setaffinity(0, cores[:count])


def refuse(args: argparse.Namespace, names: Sequence[str], why: str) -> None:
    """Raise OptionError for the first of some options that was given another value than its default."""
    for name in names:
        if getattr(args, name) != args.parser.get_default(name):
            raise OptionError(f"`--{name.replace('_', '-')}` {why}")
