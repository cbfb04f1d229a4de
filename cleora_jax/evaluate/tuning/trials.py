"""What a search found: every trial with its score or failure, and the best method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import Any

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax.evaluate.interval import text_table
from cleora_jax.evaluate.tuning.spaces import Settings, shown


@dataclass(frozen=True)
class Trial:
    """A setting that was tried.

    Args:
        method: with all its settings, as it was run (with the first of several seeds).
        settings: those in which it differs from the method that was given.
        share: of the resource of `Halving`; else 1.
        scores: one for each seed; none where it failed.
        seconds: that it took, embedding and score, all seeds together. Where trials share a walk, each bears the steps
            from the one before to its own depth. Not compared by `==`.
        failure: the library's error, or None.
    """

    method: Any
    settings: Settings
    share: float
    scores: tuple[float, ...]
    seconds: float = field(compare=False)
    failure: str | None = None

    @property
    def score(self) -> float | None:
        """Mean of the scores; None where it failed."""
        return None if self.failure else float(np.mean(self.scores))

    @property
    def std(self) -> float:
        """Sample deviation of the scores over seeds (n − 1); 0 for one."""
        return float(np.std(self.scores, ddof=1)) if len(self.scores) > 1 else 0.0

    @property
    def name(self) -> str:
        """The method and the settings that vary, as in a call."""
        return f"{type(self.method).__name__}({shown(self.settings)})"

    def record(self) -> dict[str, Any]:
        """As a flat dict of what JSON can hold."""
        return {
            "method": type(self.method).__name__, "settings": plain(self.settings), "share": self.share,
            "score": self.score, "std": self.std, "scores": list(self.scores), "seconds": self.seconds,
            "failure": self.failure,
        }  # fmt: skip


@dataclass(frozen=True, repr=False)
class Tuned:
    """What `tune` found; prints as a table.

    Args:
        trials: in the order tried.
        chosen: the place of the best among them.
    """

    trials: tuple[Trial, ...]
    chosen: int

    @property
    def best(self) -> Any:
        """The best method, ready for `embed` (or `classify`)."""
        return self.trials[self.chosen].method

    @property
    def best_score(self) -> float:
        """Its score on validation: the best of many, and so more than it will have on test data."""
        return float(np.mean(self.trials[self.chosen].scores))

    @property
    def failures(self) -> tuple[Trial, ...]:
        """Trials without a score."""
        return tuple(trial for trial in self.trials if trial.failure)

    @property
    def seconds(self) -> float:
        """Of all trials together."""
        return sum(trial.seconds for trial in self.trials)

    def best_of(self, kind: type) -> Trial:
        """The best trial of one kind of method, where several compete.

        Raises:
            ValueError: none of that kind has a score at the whole of the resource.

        Example:
            >>> import cleora_jax as cj
            >>> graph = cj.from_edges([0, 1, 2], [1, 2, 3])
            >>> contest = [(cj.Cleora(), {"dim": [1, 2]}), (cj.ProNE(), {"dim": [1, 2]})]
            >>> found = cj.tune(contest, objective=lambda embedding: -embedding.dim, graph=graph)
            >>> found.best_of(cj.ProNE).name
            'ProNE(dim=1)'
        """
        at = first_best(self.trials, kind)
        if at is None:
            raise checks.OptionError(f"`kind`: no trial of {kind.__name__} has a score.")
        return self.trials[at]

    def records(self) -> list[dict[str, Any]]:
        """One flat dict for each trial, of what JSON can hold."""
        return [trial.record() | {"chosen": place == self.chosen} for place, trial in enumerate(self.trials)]

    def table(self) -> str:
        """All trials, the best first, failures last; `*` marks the one chosen."""
        order = sorted(range(len(self.trials)), key=lambda place: self._rank(place))
        several = any(len(trial.scores) > 1 for trial in self.trials)
        partly = any(trial.share < 1 for trial in self.trials)
        rows = []
        for place in order:
            trial = self.trials[place]
            spread = f" ± {trial.std:.4f}" if several else ""
            score = "failed" if trial.failure else f"{trial.score:.4f}{spread}"
            share = [f"{trial.share:.3g}"] if partly else []
            rows.append([trial.name + " *" * (place == self.chosen), *share, score, f"{trial.seconds:.2f}"])
        lines = [text_table(["trial", *(["share"] if partly else []), "score", "seconds"], rows)]
        return "\n".join([*lines, *(f"{trial.name}: {trial.failure}" for trial in self.failures)])

    def _rank(self, place: int) -> tuple[Any, ...]:
        trial = self.trials[place]
        return bool(trial.failure), -trial.share, 0 if trial.failure else -np.mean(trial.scores), place

    def __str__(self) -> str:
        return self.table()

    def __repr__(self) -> str:
        failed = f", {len(self.failures):,} failed" if self.failures else ""
        name = self.trials[self.chosen].name
        return f"Tuned({name}: {self.best_score:.4f}, best of {len(self.trials):,} trials{failed})"


def first_best(trials: Sequence[Trial], kind: type = object) -> int | None:
    """The place of the best trial at the whole resource, the first among equals; None where all failed."""
    whole = (at for at, trial in enumerate(trials) if trial.share == 1 and isinstance(trial.method, kind))
    able = [at for at in whole if not trials[at].failure]
    return max(able, key=lambda at: float(np.mean(trials[at].scores)), default=None)


def plain(settings: Settings) -> dict[str, Any]:
    """Settings as what JSON can hold; parts that are settings of their own become dicts."""
    return {name: asdict(value) if is_dataclass(value) else value for name, value in settings.items()}  # type: ignore[arg-type]
