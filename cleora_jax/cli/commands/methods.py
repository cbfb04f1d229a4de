"""`cleora-jax methods`."""

from __future__ import annotations

import argparse
import textwrap
from dataclasses import fields
from typing import Any

from cleora_jax.cli.messages import show

HELP = "list the methods of embedding and their settings"


def arguments(parser: argparse.ArgumentParser) -> None:
    """None of its own."""


def run(args: argparse.Namespace) -> dict[str, Any]:
    """List the methods; their settings, too, unless it is to be quiet."""
    from cleora_jax import METHODS, list_methods

    found: dict[str, dict[str, Any]] = {
        name: {"about": about, "settings": {field.name: repr(field.default) for field in fields(METHODS[name])}}
        for name, about in list_methods().items()
    }
    for name, one in found.items():
        show(args, f"{name:<12} {one['about']}")
        settings = ", ".join(f"{setting}={default}" for setting, default in one["settings"].items())
        if not args.quiet:
            show(args, textwrap.indent(textwrap.fill(settings, 100), " " * 13))
    return found
