"""Guards of the door: every option is checked once, before any work, with an error that names
the argument, the rule and the value. Nothing here imports anything of ours."""

from __future__ import annotations

import math
import numbers
import os
import sys
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any


class InputError(ValueError):
    """Input data that cannot be read as asked: the message names the place (file, line) and the fault."""


class MissingFileError(InputError, FileNotFoundError):
    """A path to read from that does not exist: the message names it. One kind, whatever was to be read."""


class OptionError(ValueError):
    """An argument that cannot be: the message names it, the rule and the value."""


class NotFoundError(KeyError):
    """An id that the vocabulary does not hold; the message lists the unknown ids and the nearest known ones."""

    def __str__(self) -> str:  # KeyError shows the repr of its argument; people read a sentence
        return str(self.args[0]) if self.args else ""


def file_at(path: str | os.PathLike[str]) -> str:
    """Return the path as text, or raise MissingFileError where nothing is there, InputError where that is no file."""
    source = os.fspath(path)
    if not os.path.exists(source):
        raise MissingFileError(f"{source}: no such file.")
    if not os.path.isfile(source):
        raise InputError(f"{source}: not a file.")
    return source


def one_of(name: str, value: Any, choices: Sequence[Any]) -> None:
    """Raise ValueError unless `value` is one of `choices`."""
    if value not in choices:
        listed = ", ".join(repr(choice) for choice in choices)
        raise OptionError(f"`{name}` must be one of {listed}, got {value!r}.")


SHOWN = 5  # names in a message


def listed(names: Iterable[object]) -> str:
    """Names for people, the first few and how many more there are.

    Example:
        >>> listed("abc"), listed("abcdefgh")
        ('a, b, c', 'a, b, c, d, e and 3 more')
    """
    every = [str(name) for name in names]
    more = len(every) - SHOWN
    return ", ".join(every[:SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def integer(name: str, value: Any, *, low: int, high: int | None = None) -> int:
    """Return `value` as an int, or raise unless it is an integer with low <= value <= high."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"`{name}` must be an integer, got {value!r}.")
    number = int(value)
    if number < low or (high is not None and number > high):
        rule = f"at least {low}" if high is None else f"between {low} and {high}"
        raise OptionError(f"`{name}` must be {rule}, got {value}.")
    return number


def real(
    name: str, value: Any, *, low: float, high: float | None = None, open_low: bool = False, open_high: bool = False
) -> float:
    """Return `value` as a float, or raise unless it is finite with low <= value <= high (an open end is left out)."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"`{name}` must be a number, got {value!r}.")
    number = float(value)
    too_high = high is not None and (number >= high if open_high else number > high)
    too_low = number <= low if open_low else number < low
    if not math.isfinite(number) or too_low or too_high:
        least = f"{'above' if open_low else 'at least'} {low:g}"
        rule = least if high is None else f"in {'[('[open_low]}{low:g}, {high:g}{'])'[open_high]}"
        raise OptionError(f"`{name}` must be finite and {rule}, got {value!r}.")
    return number


def rising(name: str, values: Iterable[Any], *, low: int, high: int) -> tuple[int, ...]:
    """Return `values` as ints, or raise unless they are integers with low <= value <= high, each above the last."""
    found = tuple(integer(name, value, low=low, high=high) for value in values)
    if list(found) != sorted(set(found)):
        raise OptionError(f"`{name}` must be rising, got {found}.")
    return found


def boolean(name: str, value: Any) -> bool:
    """Return `value` as a bool, or raise unless it is True or False."""
    if not isinstance(value, bool) and type(value).__name__ not in ("bool_", "bool"):  # NumPy's, which is not imported
        raise TypeError(f"`{name}` must be True or False, got {value!r}.")
    return bool(value)


def seed(value: Any) -> int:
    """Return `value` as a seed: any integer of 64 bits, with a sign or without."""
    return integer("seed", value, low=-(2**63), high=2**64 - 1)


def keep(settings: Any, **values: Any) -> None:
    """Replace fields of a frozen dataclass by their checked values, so that NumPy's numbers become Python's."""
    for name, value in values.items():
        object.__setattr__(settings, name, value)


def keep_integers(settings: Any, **low: int) -> None:
    """Check fields of a frozen dataclass, integers of at least so much, and keep them."""
    for name, least in low.items():
        keep(settings, **{name: integer(name, getattr(settings, name), low=least)})


def kind(name: str, value: Any, wanted: type[Any], see: str) -> None:
    """Raise TypeError unless `value` is of a class of ours; `see` says how one is made."""
    if not isinstance(value, wanted):
        given, article = type(value), "an" if wanted.__name__[0] in "AEIOU" else "a"
        room = "" if given.__module__ == "builtins" else f"{given.__module__.split('.')[0]}."
        rule = f"{article} {wanted.__name__} of cleora_jax ({see})"
        raise TypeError(f"`{name}` must be {rule}, got {room}{given.__name__}.")


def no_embedding(name: str, value: Any) -> None:
    """Raise TypeError where an embedding is given in place of its vectors."""
    if hasattr(value, "vocab"):
        raise TypeError(f"`{name}` must be an array; of an embedding, give its `.vectors`.")


def made_of(wanted: type[Any], settings: dict[str, Any]) -> Any:
    """An object of a dataclass, of some of its fields by name; OptionError for one that it does not have."""
    known = [field.name for field in fields(wanted)]
    for setting in settings:
        if setting not in known:
            raise OptionError(
                f"`{setting}` is no setting of {wanted.__name__}, which has {', '.join(known) or 'none'}."
            )
    return wanted(**settings)


def warn(message: str, category: type[Warning]) -> None:
    """Warn at the line outside this package that called it, however deep the call came."""
    frame, depth = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == __package__:
        frame, depth = frame.f_back, depth + 1
    warnings.warn(message, category, stacklevel=depth)
