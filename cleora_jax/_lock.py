"""One process at a time: a lock on an open file, gone with the process that holds it."""

from __future__ import annotations

import os
from typing import Any

from cleora_jax._checks import OptionError


def lock(handle: int, path: Any, name: str) -> None:
    """Lock an open file until it is closed, or the process is gone.

    Args:
        handle: of the file.
        path, name: of the file, and the argument that names it, for the message.

    Raises:
        OptionError: another process has it.
    """
    try:
        import fcntl
    except ModuleNotFoundError:  # Windows
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise OptionError(f"`{name}` {os.fspath(path)!r} is being written to by another process.") from error
