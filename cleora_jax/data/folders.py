"""Where data sets lie: the folder given, else $CLEORA_JAX_DATA, else the cache folder of the user."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from cleora_jax import _checks as checks

VARIABLE = "CLEORA_JAX_DATA"


def folders(folder: str | os.PathLike[str] | None = None) -> list[Path]:
    """Folders in which to look, in this order; the last is where downloads go.

    Each data set lies in a folder of its own name in one of them.
    """
    if folder is not None:
        if not isinstance(folder, (str, os.PathLike)) or not os.fspath(folder):
            raise TypeError(f"`folder` must be the path of a folder, got {folder!r:.100}.")
        path = Path(folder).expanduser()
        if path.exists() and not path.is_dir():
            raise checks.OptionError(f"`folder`: {str(path)!r} is not a folder.")
        return [path]
    given = os.environ.get(VARIABLE)
    return ([Path(given)] if given else []) + [cache_folder()]


def cache_folder() -> Path:
    """`cleora_jax` in the user's cache: $XDG_CACHE_HOME where it is set, else where the platform has it."""
    given = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(given):  # the XDG specification says to ignore relative ones
        return Path(given) / "cleora_jax"
    home = Path.home()
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "cleora_jax"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "cleora_jax" / "Cache"
    return home / ".cache" / "cleora_jax"
