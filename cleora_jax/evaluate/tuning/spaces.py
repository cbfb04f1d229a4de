"""What may vary: values of fields of a method, and the methods that come of them, all built before any work."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from cleora_jax import _checks as checks

Settings: TypeAlias = dict[str, Any]
Space: TypeAlias = Mapping[str, Any]  # of each field a sequence of values, or a Range


@dataclass(frozen=True)
class Range:
    """Numbers between two bounds, to be drawn from; see `uniform` and `log_uniform`.

    Args:
        low, high: the bounds.
        log: logarithms are uniform, not the numbers.
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        for name in ("low", "high"):
            checks.keep(self, **{name: checks.real(name, getattr(self, name), low=-np.inf)})
        if self.low >= self.high or (self.log and self.low <= 0):
            above = "0 < `low` < `high`" if self.log else "`low` < `high`"
            raise checks.OptionError(f"a range must have {above}, got {self.low:g} and {self.high:g}.")

    def draw(self, rng: np.random.Generator) -> float:
        """One number."""
        if not self.log:
            return float(rng.uniform(self.low, self.high))
        return min(max(math.exp(rng.uniform(math.log(self.low), math.log(self.high))), self.low), self.high)


def uniform(low: float, high: float) -> Range:
    """Numbers from `low` to `high`, each as likely. (Of whole numbers give a list, or Python's `range`.)

    Example:
        >>> uniform(0, 1)
        Range(low=0.0, high=1.0, log=False)
    """
    return Range(low, high)


def log_uniform(low: float, high: float) -> Range:
    """Numbers from `low` to `high`, both above 0, each order of magnitude as likely.

    Example:
        >>> log_uniform(1e-3, 10)
        Range(low=0.001, high=10.0, log=True)
    """
    return Range(low, high, log=True)


class Contest(NamedTuple):
    """A method and what of it may vary.

    Args:
        method: its other settings are those of all its trials.
        space: of each field its values, a list or a `Range`.
    """

    method: Any
    space: dict[str, list[Any] | Range]


class Candidate(NamedTuple):
    """A method to try, and the settings in which it differs from the one that was given."""

    method: Any
    settings: Settings


def contests_of(method: Any, space: Any) -> list[Contest]:
    """What was given, one method or several, as contests, values as Python's; fields are not looked at yet."""
    pairs: list[tuple[Any, ...]] = [(method, {} if space is None else space)]
    if isinstance(method, (list, tuple)):
        if space is not None:
            raise checks.OptionError("`space` must not be given where `method` is a list of (method, space).")
        pairs = [tuple(pair) if isinstance(pair, (list, tuple)) else (pair,) for pair in method]
    if not pairs or any(len(pair) != 2 for pair in pairs):
        raise TypeError(f"`method` must be a method, or a list of pairs (method, space), got {method!r:.100}.")
    return [Contest(_frozen_method(one), _values(of)) for one, of in pairs]


def _frozen_method(method: Any) -> Any:
    if isinstance(method, type) or not is_dataclass(method) or not callable(method):
        raise TypeError(f"`method` must be a method such as Cleora(dim=64), a frozen dataclass, got {method!r:.100}.")
    return method


def _values(space: Any) -> dict[str, list[Any] | Range]:
    if not isinstance(space, Mapping):
        raise TypeError(f"`space` must map names of fields to lists of values, got {space!r:.100}.")
    found: dict[str, list[Any] | Range] = {}
    for name, values in space.items():
        several = isinstance(values, (Sequence, np.ndarray)) and not isinstance(values, (str, bytes))
        if not several and not isinstance(values, Range):
            raise TypeError(f"`space`: {name!r} must have a list of values, or a range, got {values!r:.100}.")
        found[name] = values if isinstance(values, Range) else [_plain(value) for value in values]
    return found


def _plain(value: Any) -> Any:
    """NumPy's numbers as Python's: what is recorded and compared must not depend on how a list was made."""
    return value.item() if isinstance(value, np.generic) else value


def check_fields(contests: Iterable[Contest]) -> None:
    """Raise ValueError naming every field that its method does not have, or that has no values."""
    faults = []
    for method, space in contests:
        kind, known = type(method).__name__, [field.name for field in fields(method) if field.init]
        unknown = [name for name in space if name not in known]
        if unknown:
            named = ", ".join(map(repr, unknown))
            faults.append(f"{kind} has no field {named}; it has {', '.join(known)}")
        faults += [f"{kind}: {name!r} has no values" for name, values in space.items() if values == []]
    if faults:
        raise checks.OptionError(f"`space`: {'; '.join(faults)}.")


def candidates_of(drawn: Iterable[tuple[Any, Sequence[Settings]]]) -> list[Candidate]:
    """Every method with each of its settings, in order.

    Raises:
        ValueError: values that methods refuse; each is named, with what the method says of it.
    """
    found, faults = [], dict[tuple[str, str], str]()
    for method, several in drawn:
        for settings in several:
            try:
                found.append(Candidate(replace(method, **settings), settings))
            except (ValueError, TypeError) as error:
                kind = type(method).__name__
                faults.setdefault((kind, str(error)), f"{kind}({shown(settings)}): {error}")
    if faults:
        raise checks.OptionError("`space` holds settings that cannot be. " + " ".join(faults.values()))
    return found


def shown(settings: Settings) -> str:
    """Settings as they are written in a call.

    Example:
        >>> shown({"dim": 4, "whiten": "last"})
        "dim=4, whiten='last'"
    """
    return ", ".join(f"{name}={value!r}" for name, value in settings.items())
