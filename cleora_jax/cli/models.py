"""Saved models: where one is, and how its lines were read."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from cleora_jax.cli.reading import READING

if TYPE_CHECKING:
    from cleora_jax import Fitted


def model_argument(parser: argparse.ArgumentParser) -> None:
    """`--model`."""
    parser.add_argument("--model", "-m", required=True, metavar="FILE", help="what `embed --save-model` wrote")


def with_reading(args: argparse.Namespace, fitted: Fitted) -> Fitted:
    """The model with a note of how its lines were read."""
    return replace(fitted, notes={"reading": {name: getattr(args, name) for name in READING}})


def as_read(args: argparse.Namespace, fitted: Fitted) -> argparse.Namespace:
    """The arguments, with the model's ways of reading in place of those that were not given."""
    remembered = READING | fitted.notes.get("reading", {})
    chosen = {name: remembered[name] if getattr(args, name) is None else getattr(args, name) for name in READING}
    return argparse.Namespace(**{**vars(args), **chosen})
