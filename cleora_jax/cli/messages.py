"""All that is printed. Answers go to standard output, words about the work to standard error."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Container
from typing import Any

OPTIONS = {
    "num_iterations": "iterations", "paths": "input", "datasets": "dataset", "methods": "algorithms", "folder": "data",
    "name": "dataset", "every": "checkpoint_every", "minutes": "checkpoint_every", "process": "process_id",
    "devices": "coordinator", "own": "read_share",
}  # fmt: skip
"""Names of arguments in Python that are others on the command line."""


def show(args: argparse.Namespace, answer: str) -> None:
    """A line of the answer, for people: with `--json` it is in the object instead."""
    if not args.json:
        print(answer)


def show_json(answer: dict[str, Any]) -> None:
    """The answer as one object, for programs."""
    print(json.dumps(answer, ensure_ascii=False))


def say(args: argparse.Namespace, message: str) -> None:
    """A line about the work, for people who watch it."""
    if not (args.json or args.quiet):
        print(message, file=sys.stderr)


def complain(message: str) -> None:
    """A line that is said to everyone: why the program ends, or may."""
    print(f"cleora-jax: {message}", file=sys.stderr)


def show_warning(options: Container[str], message: Warning | str, *_: Any, **__: Any) -> None:
    """A warning of the library in the words of the command line; stands in for `warnings.showwarning`."""
    complain(f"warning: {as_options(options, str(message))}")


def as_options(options: Container[str], message: str) -> str:
    """Names of arguments in a message as the options of the command line that they are.

    Example:
        >>> as_options(["dim", "iterations"], "`dim` and `num_iterations=3`, but not `graph`")
        '`--dim` and `--iterations 3`, but not `graph`'
        >>> as_options(["header"], "Pass `header=True`.")  # a switch takes no value
        'Pass `--header`.'
    """

    def option(match: re.Match[str]) -> str:
        name = OPTIONS.get(match[1], match[1])
        value = "" if match[2] == "=True" else match[2].replace("=", " ")
        return f"`--{name.replace('_', '-')}{value}`" if name in options else match[0]

    return re.sub(r"`([a-z_]+)((?:=[^`]*)?)`", option, message)
