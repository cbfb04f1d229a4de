"""What a run will need, and what the machine has: a refusal with figures is better than a killed process."""

from __future__ import annotations

from pathlib import Path

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
