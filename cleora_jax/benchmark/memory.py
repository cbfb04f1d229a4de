"""Memory of this process, as the operating system reports it."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")


def peak_bytes() -> int:
    """The most memory that this process has held so far (resident set).

    Linux tells it as VmHWM. `getrusage` is for other systems only: on Linux its figure begins at the memory that the
    parent held when it started this process, so that a large parent would be measured in place of a small child.
    """
    told = _field("VmHWM")
    if told is None:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return told


def resident_bytes() -> int | None:
    """Memory that this process holds now; None where Linux does not tell it."""
    return _field("VmRSS")


def _field(name: str) -> int | None:
    if not STATUS.exists():
        return None
    fields = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
    return int(fields[name].split()[0]) * 1024
