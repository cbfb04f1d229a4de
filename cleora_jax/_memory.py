"""What a run will need, and what the machine has: a refusal with figures is better than a killed process."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")
UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB")


class NeedsMemoryError(MemoryError):
    """More memory is needed than there is: the message has both figures and says what would fit."""


def available_bytes() -> int | None:
    """Memory that may be taken without swapping, as Linux reckons it; None where it is not told."""
    table = Path("/proc/meminfo")
    if not table.exists():
        return None
    fields = dict(line.split(":", 1) for line in table.read_text().splitlines())
    return int(fields["MemAvailable"].split()[0]) * 1024


def check_fits(what: str, needed: int, instead: str) -> None:
    """Raise NeedsMemoryError where `needed` bytes are not available.

    Args:
        what: needs them.
        needed: bytes.
        instead: what to do, a sentence.
    """
    there = available_bytes()
    if there is not None and needed > there:
        raise NeedsMemoryError(f"{what} needs about {readable(needed)}, {readable(there)} are available. {instead}")


def readable(count: float) -> str:
    """Bytes, for people.

    Example:
        >>> readable(1_500_000)
        '1.4 MiB'
    """
    at = 0
    while count >= 1024 and at < len(UNITS) - 1:
        count, at = count / 1024, at + 1
    return f"{count:.1f} {UNITS[at]}" if at else f"{int(count)} bytes"


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
