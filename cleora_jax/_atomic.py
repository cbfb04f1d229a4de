"""Files appear whole or not at all: write to a temporary neighbour, flush it to disk, rename it into place.

A crash, a full disk or Ctrl-C leaves the old file as it was and no temporary file behind. (Only a killed process or a
power cut can leave one; it is named `.<name>.<random>.tmp` and may be deleted.) Nothing here imports anything of ours.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

NAME_KEPT = 100  # characters of the target's name in the temporary one: names end at 255 bytes


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path beside `path`, which becomes `path` when the block ends without an exception.

    The temporary file exists already, empty; write to it and close it inside the block. Links are followed, and a
    file that is replaced keeps its permissions.

    Args:
        path: the file to write.

    Raises:
        FileNotFoundError: the folder of `path` does not exist; it is not created.
        NotADirectoryError, IsADirectoryError: the folder is a file, or `path` is a folder.
        OSError: `path` is a device or a pipe, or the disk refuses (full, read-only).

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with atomic_path(folder / "notes.txt") as temporary:
        ...     _ = temporary.write_text("whole")
        >>> [file.name for file in folder.iterdir()], (folder / "notes.txt").read_text()
        (['notes.txt'], 'whole')
    """
    with atomic_paths(path) as (temporary,):
        yield temporary


@contextmanager
def atomic_paths(*paths: str | os.PathLike[str]) -> Iterator[tuple[Path, ...]]:
    """As `atomic_path` for files that belong together: all are on disk before the first is renamed.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with atomic_paths(folder / "a", folder / "b") as (first, second):
        ...     _ = first.write_text("one"), second.write_text("two")
        >>> sorted(file.name for file in folder.iterdir())
        ['a', 'b']
    """
    targets = [check_target(path) for path in paths]
    with ExitStack() as cleanup:
        temporaries = []
        for target in targets:
            temporary = target.with_name(f".{target.name[:NAME_KEPT]}.{secrets.token_hex(6)}.tmp")
            cleanup.callback(temporary.unlink, missing_ok=True)
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))  # the umask applies
            temporaries.append(temporary)
        yield tuple(temporaries)
        for temporary, target in zip(temporaries, targets, strict=True):
            if target.exists():
                temporary.chmod(target.stat().st_mode & 0o7777)
            _flush(temporary, os.O_RDWR)
        for temporary, target in zip(temporaries, targets, strict=True):
            os.replace(temporary, target)
        for folder in {target.parent for target in targets}:
            if os.name != "nt":  # Windows cannot open a folder; there the rename itself is durable
                _flush(folder, os.O_RDONLY)


def check_target(path: str | os.PathLike[str]) -> Path:
    """The file that `path` means, links followed, or the error (as `atomic_path`) that says what stands in the way."""
    target = Path(os.path.realpath(path))
    if not target.parent.exists():
        raise FileNotFoundError(f"cannot write {os.fspath(path)!r}: folder {str(target.parent)!r} does not exist; "
                                "create it or choose another path.")  # fmt: skip
    if not target.parent.is_dir():
        raise NotADirectoryError(f"cannot write {os.fspath(path)!r}: {str(target.parent)!r} is a file, not a folder.")
    if target.is_dir():
        raise IsADirectoryError(f"cannot write {os.fspath(path)!r}: it is a folder; give the path of a file.")
    if target.exists() and not target.is_file():  # renaming onto /dev/null would replace it for everyone
        raise OSError(f"cannot write {os.fspath(path)!r}: it is not a regular file.")
    return target


def _flush(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
