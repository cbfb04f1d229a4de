"""Which settings are tried: all, some drawn at random, or many at little cost of which the best go on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from itertools import islice, product
from typing import Any, ClassVar

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax.evaluate.tuning.spaces import Candidate, Contest, Range, Settings

TRAIN = "train"
MAX_TRIALS = 100_000


@dataclass(frozen=True)
class Grid:
    """All combinations of the values, the last field varying fastest."""

    shares: ClassVar[tuple[float, ...]] = (1.0,)

    def settings(self, contest: Contest, place: int) -> list[Settings]:
        """Settings to try of the contest at `place`."""
        ranges = [name for name, values in contest.space.items() if isinstance(values, Range)]
        if ranges:
            kind, named = type(contest.method).__name__, ", ".join(map(repr, ranges))
            raise checks.OptionError(f"`space`: a grid needs lists of values; {kind} has ranges for {named}.")
        size = size_of(contest)
        if size > MAX_TRIALS:
            raise checks.OptionError(f"`space` has {size:,} combinations, above {MAX_TRIALS:,}: use `RandomSearch`.")
        return [dict(zip(contest.space, values, strict=True)) for values in product(*lists_of(contest))]

    def reduced(self, method: Any, share: float) -> Any:
        """The method at a share of the resource: itself."""
        return method


@dataclass(frozen=True)
class RandomSearch:
    """Settings drawn at random, all different where there are enough: of lists each combination is as likely.

    Args:
        num_trials: of each method. A space of lists with fewer combinations is tried as a whole.
        seed: draws them.

    Reference: Bergstra and Bengio, Random search for hyper-parameter optimization, JMLR 2012.
    """

    num_trials: int = 20
    seed: int = 0

    shares: ClassVar[tuple[float, ...]] = (1.0,)

    def __post_init__(self) -> None:
        checks.keep_integers(self, num_trials=1, seed=0)
        checks.integer("num_trials", self.num_trials, low=1, high=MAX_TRIALS)

    def settings(self, contest: Contest, place: int) -> list[Settings]:
        """Settings to try of the contest at `place`."""
        rng = np.random.default_rng([self.seed, place])
        if any(isinstance(values, Range) for values in contest.space.values()):
            return list(islice(_mixed(contest, rng), self.num_trials))
        lists, size = lists_of(contest), size_of(contest)
        if size <= self.num_trials:
            return Grid().settings(contest, place)
        if size >= 2**62:
            raise checks.OptionError("`space` has more combinations than can be numbered: use ranges.")
        chosen = rng.choice(size, self.num_trials, replace=False)
        return [dict(zip(contest.space, _combination(lists, int(number)), strict=True)) for number in chosen]

    def reduced(self, method: Any, share: float) -> Any:
        """The method at a share of the resource: itself."""
        return method


@dataclass(frozen=True)
class Halving:
    """Successive halving: all settings at a small share of a resource, the best of them at more, and so on to all.

    Of m settings that are tried at one share, the best ⌊m / factor⌋ (at least one) are tried anew at `factor` times as
    much, the last rung at the whole. Equal scores: the first go on. The best is chosen among the last rung.

    Args:
        num_trials: None begins with the whole grid; a number with so many of each method, drawn as by `RandomSearch`.
        factor: η, at least 2.
        rungs: how many shares: 1, 1/η, 1/η², …, the smallest first.
        resource: "train": a share of what the objective trains on, training labels (of each class) or training links;
            validation stays whole. Or the name of a field that every method has, an integer such as "num_iterations" or
            "num_epochs": that share of its value, rounded up.
        seed: draws settings and shares of training parts.

    Reference: Jamieson and Talwalkar, Non-stochastic best arm identification and hyperparameter optimization, AISTATS
    2016.

    Example:
        >>> Halving(factor=2, rungs=3).shares
        (0.25, 0.5, 1.0)
    """

    num_trials: int | None = None
    factor: int = 3
    rungs: int = 3
    resource: str = TRAIN
    seed: int = 0

    def __post_init__(self) -> None:
        checks.keep_integers(self, factor=2, rungs=1, seed=0)
        if self.num_trials is not None:
            checks.keep_integers(self, num_trials=1)
        if not isinstance(self.resource, str):
            raise TypeError(f"`resource` must be {TRAIN!r} or the name of a field, got {self.resource!r}.")
        checks.integer("rungs", self.rungs, low=1, high=20)

    @property
    def shares(self) -> tuple[float, ...]:
        """Of the resource, one for each rung."""
        return tuple(float(self.factor) ** (rung - self.rungs + 1) for rung in range(self.rungs))

    def settings(self, contest: Contest, place: int) -> list[Settings]:
        """Settings to try of the contest at `place`."""
        search = Grid() if self.num_trials is None else RandomSearch(self.num_trials, self.seed)
        return search.settings(contest, place)

    def reduced(self, method: Any, share: float) -> Any:
        """The method at a share of the resource."""
        if self.resource == TRAIN or share == 1:
            return method
        value = getattr(method, self.resource)
        return replace(method, **{self.resource: max(1, math.ceil(share * value))})

    def kept(self, count: int) -> int:
        """How many of so many go on."""
        return max(1, count // self.factor)


Search = Grid | RandomSearch | Halving


def check_resource(search: Search, candidates: list[Candidate]) -> None:
    """Raise ValueError unless all candidates can be run at every share of the search."""
    if not isinstance(search, Halving) or search.resource == TRAIN:
        return
    faults: dict[str, str] = {}
    for method, _ in candidates:
        kind, name = type(method).__name__, search.resource
        if name not in [field.name for field in fields(method)]:
            faults.setdefault(kind, f"{kind} has no field {name!r}")
            continue
        if isinstance(getattr(method, name), bool) or not isinstance(getattr(method, name), int):
            faults.setdefault(kind, f"{kind}: {name!r} must be an integer, got {getattr(method, name)!r}")
            continue
        try:
            for share in search.shares:
                search.reduced(method, share)
        except (ValueError, TypeError) as error:
            faults.setdefault(f"{kind}: {error}", f"{method!r} at less of it: {error}")
    if faults:
        raise checks.OptionError(
            f"`resource` {search.resource!r} does not go with all methods: {'; '.join(faults.values())}."
        )


def lists_of(contest: Contest) -> list[list[Any]]:
    """Values of all fields, none of them a range."""
    return [values for values in contest.space.values() if not isinstance(values, Range)]


def size_of(contest: Contest) -> int:
    """How many combinations of lists there are."""
    return math.prod(map(len, lists_of(contest)))


def _mixed(contest: Contest, rng: np.random.Generator) -> Iterator[Settings]:
    while True:
        yield {
            name: values.draw(rng) if isinstance(values, Range) else values[int(rng.integers(len(values)))]
            for name, values in contest.space.items()
        }


def _combination(lists: list[list[Any]], number: int) -> list[Any]:
    """The combination of that number, the last list varying fastest."""
    found = []
    for values in reversed(lists):
        number, at = divmod(number, len(values))
        found.append(values[at])
    return found[::-1]
