"""What one line of a benchmark measures: a method with its settings, on a data set, by a judge."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from cleora_jax import _checks as checks

if TYPE_CHECKING:
    from cleora_jax.cleora.verb import Method

Judge = Literal["nodes", "links"]
JUDGES = ("nodes", "links")
RIVALS = "rivals"  # in place of a method: what needs no vectors, such as the majority, or common neighbours
NOT_SETTINGS = ("seed",)  # drawn by the round


@dataclass(frozen=True)
class Task:
    """One method on one data set: what a fresh process does.

    Args:
        dataset: a name of `list_datasets()`.
        method: a name in `METHODS`, "module:Class" of a method of your own, or "rivals": what is judged without
            vectors (the majority class; common neighbours and other heuristics).
        settings: all of the method but its seed.
        judge: "nodes" (classes of entities) or "links".
        rounds: embeddings, with seeds 0, 1, …, each judged on a split of its own.
        time_limit: seconds that the process may take to embed, start included; and again to judge.
    """

    dataset: str
    method: str
    settings: Mapping[str, Any]
    judge: Judge
    rounds: int = 5
    time_limit: float = 600.0

    def __post_init__(self) -> None:
        checks.one_of("judge", self.judge, JUDGES)
        checks.keep_integers(self, rounds=1)
        checks.keep(self, time_limit=checks.real("time_limit", self.time_limit, low=0))
        if not self.time_limit:
            raise checks.OptionError("`time_limit` must be above 0 seconds, got 0.")

    def embedder(self, seed: int) -> Method:
        """The method with its settings and that seed."""
        kind = kind_named(self.method)
        found: Method = kind(**{name: _tuples(value) for name, value in self.settings.items()})
        return replace(found, seed=seed) if "seed" in _names(kind) else found  # type: ignore[type-var]

    @property
    def label(self) -> str:
        """The method, with the settings that are not its defaults; `dim` and `weighted` apart."""
        if self.method == RIVALS:
            return RIVALS
        usual = {field.name: _lists(_default(field)) for field in fields(kind_named(self.method))}
        told = [f"{name}={value}" for name, value in self.settings.items()
                if name not in ("dim", "weighted") and value != usual.get(name)]  # fmt: skip
        name = self.method.partition(":")[2] or self.method
        return f"{name} ({', '.join(told)})" if told else name


def kind_named(name: str) -> type[Any]:
    """The class of a method: by its name in `METHODS`, or "module:Class".

    Example:
        >>> kind_named("prone") is kind_named("cleora_jax.baselines:ProNE")
        True
    """
    module, colon, attribute = name.partition(":")
    if not colon:
        from cleora_jax.methods import METHODS  # and with it JAX, which not every method needs

        checks.one_of("methods", name, tuple(METHODS))
        return METHODS[name]
    try:
        kind = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise checks.OptionError(f"`methods`: {name!r} cannot be imported: {error}.") from error
    if not isinstance(kind, type) or not is_dataclass(kind) or not callable(kind):
        raise checks.OptionError(f"`methods`: {name!r} must be a dataclass that is called on a graph.")
    return kind


def name_of(method: Any) -> str:
    """The name by which a fresh process finds the class of a method."""
    from cleora_jax.methods import METHODS

    kind = type(method)
    if not is_dataclass(kind) or not callable(method):
        raise TypeError(f"`methods` must be names or methods such as ProNE(dim=64), got {method!r:.100}.")
    own = next((name for name, other in METHODS.items() if other is kind), None)
    name = own or f"{kind.__module__}:{kind.__qualname__}"
    if kind_named(name) is not kind:
        raise checks.OptionError(f"`methods`: {kind.__qualname__} must stand in a module, to be found there again.")
    return name


def settings_of(method: Any) -> dict[str, Any]:
    """All settings of a method but its seed, as JSON gives them back."""
    found = {name: _lists(value) for name, value in asdict(method).items() if name not in NOT_SETTINGS}
    try:
        json.dumps(found)
    except TypeError as error:
        raise checks.OptionError(
            f"`methods`: settings must be what JSON can hold, {method!r} is not: {error}."
        ) from error
    return found


def _names(kind: type[Any]) -> list[str]:
    return [field.name for field in fields(kind)]


def _default(field: Field[Any]) -> Any:
    """Of a setting, or MISSING."""
    return field.default if field.default_factory is MISSING else field.default_factory()


def _lists(value: Any) -> Any:
    """Tuples as lists, numbers of one's own kind as plain ones, and settings of settings by name."""
    if is_dataclass(value) and not isinstance(value, type):
        return _lists(asdict(value))
    if isinstance(value, Mapping):
        return {name: _lists(one) for name, one in value.items()}
    if isinstance(value, (tuple, list)):
        return [_lists(one) for one in value]
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
