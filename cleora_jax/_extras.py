"""Libraries that are wanted now and then: imported when called; the error says what installs one that is missing."""

from __future__ import annotations

import importlib
from typing import Any


def library(module: str, extra: str, purpose: str) -> Any:
    """A module of an extra.

    Args:
        module: what to import.
        extra: the extra of cleora-jax that installs it.
        purpose: what needs it, as it begins the message.

    Raises:
        ModuleNotFoundError: it is not installed.

    Example:
        >>> library("no_such_module", "plot", "A map")
        Traceback (most recent call last):
        ...
        ModuleNotFoundError: A map needs no_such_module: pip install 'cleora-jax[plot]'
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and not (module + ".").startswith(error.name + "."):
            raise  # it is there, and lacks something itself
        root = module.partition(".")[0]
        raise ModuleNotFoundError(f"{purpose} needs {root}: pip install 'cleora-jax[{extra}]'", name=module) from error
