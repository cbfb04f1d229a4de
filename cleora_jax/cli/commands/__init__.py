"""One file for each command, and the table of them. What two commands need lies one folder up.

A new command is a module with `HELP`, `arguments` and `run`, and its line in the table. Every module is imported before
arguments are read: what is heavy is imported where `run` needs it.
"""

import argparse
from typing import Any, Protocol

from cleora_jax.cli.commands import (
    benchmark,
    compress,
    convert,
    embed,
    explore,
    index,
    info,
    methods,
    recommend,
    similar,
    transform,
    update,
)


class Command(Protocol):
    """What the program asks of a command."""

    HELP: str

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add its arguments, but for those of every command (`options.common_arguments`)."""

    def run(self, args: argparse.Namespace) -> dict[str, Any]:
        """Do it, and return the answer as `--json` prints it."""


COMMANDS: dict[str, Command] = {
    "methods": methods,
    "embed": embed,
    "transform": transform,
    "update": update,
    "info": info,
    "similar": similar,
    "index": index,
    "compress": compress,
    "explore": explore,
    "recommend": recommend,
    "convert": convert,
    "benchmark": benchmark,
}  # in the order of `cleora-jax --help`
