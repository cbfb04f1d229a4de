"""`tune`, the verb: the best of many settings, of one method or of several that compete."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from time import perf_counter
from typing import Any, Literal, NamedTuple

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress, no_progress
from cleora_jax.cleora.verb import Method
from cleora_jax.evaluate.tuning.fingerprint import digest
from cleora_jax.evaluate.tuning.learners import LearnerObjective
from cleora_jax.evaluate.tuning.objectives import Objective, objective_of
from cleora_jax.evaluate.tuning.record import Key, Outcome, Record, opened_record
from cleora_jax.evaluate.tuning.searches import TRAIN, Grid, Halving, RandomSearch, Search, check_resource
from cleora_jax.evaluate.tuning.spaces import Candidate, Contest, Space, candidates_of, check_fields, contests_of
from cleora_jax.evaluate.tuning.trials import Trial, Tuned, first_best
from cleora_jax.evaluate.tuning.walks import LIBRARY_ERRORS
from cleora_jax.graph.build import Graph
from cleora_jax.vectors.embedding import Embedding


def tune(
    method: Method | Sequence[tuple[Any, Space]],
    space: Space | None = None,
    *,
    objective: Objective | LearnerObjective | Callable[[Embedding], float],
    graph: Graph | None = None,
    search: Search | None = None,
    seeds: Sequence[int] = (),
    relations: Literal["joint"] | None = None,
    record: str | os.PathLike[str] | None = None,
    progress: Progress = no_progress,
) -> Tuned:
    """Try settings, judge each on validation data, and find the best. The test part of a split is never looked at.

    Everything that can be wrong with the settings is said before any work: unknown fields and values that methods
    refuse, all at once. A trial that the library refuses later (as for lack of memory) is recorded as failed, with the
    message, and shown; any other exception ends the search. Of equal scores the first setting is the best.

    Trials of `Cleora` that differ only in `num_iterations`, `scales` and `scale_weights` share one walk, to the depth
    of the deepest; each result is, to the bit, that of `embed` with its settings.

    Args:
        method: a method such as `Cleora()` or `ProNE()`, whose other settings all trials have; or a list of pairs
            (method, space) that compete.
        space: of each field that varies a list of values, or a range to draw from (`uniform`, `log_uniform`). A field
            that depends on others, as `num_iterations` does on `scales`, must fit them in each combination.
        objective: `NodeObjective`, `LinkObjective` or, for learners of classes, `LearnerObjective`; or any function
            from an `Embedding` of `graph` to a finite number, higher is better.
        graph: to embed, where the objective is a function.
        search: `Grid()`, `RandomSearch(…)` or `Halving(…)`. Default: the grid.
        seeds: several: each setting is run with each of them in place of the method's, and the mean decides; `best` has
            the first. Default: the method's own.
        relations: as of `embed`.
        record: a file to which each finished run is added as a line of JSON. A search that was broken off and is called
            again with the same file skips what is done, and ends with the same result. Failed runs count as done. The
            graph, objective, space, search and seeds must be the same; a function is known by its name and code alone.
        progress: called as ("trials", done, total).

    Returns:
        A `Tuned`: the best method, its score, and all trials.

    Raises:
        ValueError: settings that cannot be, an objective that is not finite, a record of another search, or no trial
            without failure.
        TypeError: arguments of another kind.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.from_edges([0, 1, 2, 3, 4, 5, 2], [1, 2, 0, 4, 5, 3, 3])
        >>> def contrast(embedding):
        ...     return embedding.cosine("0", "1") - embedding.cosine("0", "5")
        >>> contest = [(cj.Cleora(dim=2), {"num_iterations": [1, 2, 4]}), (cj.ProNE(dim=2), {"weighted": [True]})]
        >>> found = tune(contest, objective=contrast, graph=graph)
        >>> [trial.name for trial in found.trials]
        ['Cleora(num_iterations=1)', 'Cleora(num_iterations=2)', 'Cleora(num_iterations=4)', 'ProNE(weighted=True)']
        >>> found.best_score == max(trial.score for trial in found.trials)
        True
    """
    search = Grid() if search is None else search
    if not isinstance(search, (Grid, RandomSearch, Halving)):
        raise TypeError(f"`search` must be Grid(), RandomSearch(…) or Halving(…), got {search!r:.100}.")
    contests, judge = contests_of(method, space), objective_of(objective, graph)
    seeds = _checked_seeds(seeds, contests)
    check_fields(contests)
    for contest in contests:
        judge.check(contest.method, relations)
    candidates = candidates_of((each.method, search.settings(each, place)) for place, each in enumerate(contests))
    check_resource(search, candidates)
    rungs = [_Rung(number, share, _thinned(judge, search, share)) for number, share in enumerate(search.shares)]
    about = {} if record is None else _fingerprint(candidates, contests, judge, search, seeds, relations)
    with opened_record(record, about) as known:
        return _Search(search, candidates, seeds, relations, known, progress).run(rungs)


class _Rung(NamedTuple):
    """A round of trials: its number from 0, the share of the resource, and the objective at that share."""

    number: int
    share: float
    objective: Any


class _Run(NamedTuple):
    """One embedding to be judged."""

    key: Key
    method: Any


@dataclass(frozen=True)
class _Search:
    """What does not change from rung to rung."""

    search: Search
    candidates: list[Candidate]
    seeds: tuple[int, ...]
    relations: Any
    record: Record
    progress: Progress

    def run(self, rungs: Sequence[_Rung]) -> Tuned:
        """All rungs, the best of each going on to the next."""
        places, trials = list(range(len(self.candidates))), list[Trial]()
        sizes = [len(places)]
        for _ in rungs[1:]:
            sizes.append(self._kept(sizes[-1]))
        total, done = sum(sizes) * max(1, len(self.seeds)), 0
        self.progress("trials", 0, total)
        for rung in rungs:
            runs = {place: self._runs(rung, place) for place in places}
            done = self._do([run for several in runs.values() for run in several], rung, done, total)
            found = [self._trial(rung, place, runs[place]) for place in places]
            trials += found
            if all(trial.failure for trial in found):
                raise checks.OptionError(f"all {len(found):,} trials failed; the first: {found[0].failure}")
            places = self._survivors(places, found)
        self.progress("trials", total, total)
        chosen = first_best(trials)
        assert chosen is not None  # the last rung has one
        return Tuned(tuple(trials), chosen)

    def _runs(self, rung: _Rung, place: int) -> list[_Run]:
        method = self.search.reduced(self.candidates[place].method, rung.share)
        if not self.seeds:
            return [_Run(Key(rung.number, place, None), method)]
        return [_Run(Key(rung.number, place, seed), replace(method, seed=seed)) for seed in self.seeds]

    def _do(self, runs: Sequence[_Run], rung: _Rung, done: int, total: int) -> int:
        """Do the runs that the record does not know; how many are done in all."""
        missing = [run for run in runs if run.key not in self.record.known]
        done += len(runs) - len(missing)
        self.progress("trials", done, total)
        began = perf_counter()
        for at, result in rung.objective.results([run.method for run in missing], self.relations):
            run = missing[at]
            score, failure = judged(rung.objective, result, run.method)
            outcome = Outcome(score, failure, perf_counter() - began)
            about = {"method": type(run.method).__name__, "settings": asdict(run.method), "share": rung.share}
            self.record.add(run.key, outcome, about)
            done, began = done + 1, perf_counter()
            self.progress("trials", done, total)
        return done

    def _trial(self, rung: _Rung, place: int, runs: Sequence[_Run]) -> Trial:
        found = [self.record.known[run.key] for run in runs]
        failure = next((one.failure for one in found if one.failure), None)
        scores = () if failure else tuple(one.score for one in found if one.score is not None)
        seconds = sum(one.seconds for one in found)
        return Trial(runs[0].method, self.candidates[place].settings, rung.share, scores, seconds, failure)

    def _survivors(self, places: Sequence[int], found: Sequence[Trial]) -> list[int]:
        score = {place: trial.score for place, trial in zip(places, found, strict=True)}
        able = sorted((-value, place) for place, value in score.items() if value is not None)
        return sorted(place for _, place in able[: self._kept(len(places))])

    def _kept(self, count: int) -> int:
        return self.search.kept(count) if isinstance(self.search, Halving) else count


def judged(objective: Callable[[Any], float], result: Any, method: Any) -> tuple[float | None, str | None]:
    """The score of a result, or the failure.

    Raises:
        ValueError: a score that is not finite.
        TypeError: one that is no number.
    """
    if not isinstance(result, Exception):
        try:
            score = objective(result)
        except LIBRARY_ERRORS as error:
            result = error
    if isinstance(result, Exception):
        return None, f"{type(result).__name__}: {result}"
    value = score.item() if hasattr(score, "item") else score
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"`objective` must give a number, got {value!r:.100} for {method!r}.")
    if not math.isfinite(value):
        raise checks.OptionError(f"`objective` must give a finite number, got {value} for {method!r}.")
    return float(value), None


def _checked_seeds(seeds: Any, contests: Sequence[Contest]) -> tuple[int, ...]:
    if isinstance(seeds, (str, bytes)) or not hasattr(seeds, "__iter__"):
        raise TypeError(f"`seeds` must be a sequence of integers, got {seeds!r:.100}.")
    found = tuple(checks.integer("seeds", seed, low=0) for seed in seeds)
    if len(set(found)) < len(found):
        raise checks.OptionError(f"`seeds` must differ, got {found}.")
    for method, space in contests if found else ():
        if "seed" not in [each.name for each in fields(method)]:
            raise checks.OptionError(f"`seeds` do not go with {type(method).__name__}: it draws nothing at random.")
        if "seed" in space:
            raise checks.OptionError("`seeds` do not go with a `space` of seeds: the one or the other.")
    return found


def _thinned(objective: Any, search: Search, share: float) -> Any:
    if share == 1 or not isinstance(search, Halving) or search.resource != TRAIN:
        return objective
    return objective.thinned(share, search.seed)


def _fingerprint(
    candidates: Sequence[Candidate],
    contests: Sequence[Contest],
    objective: Any,
    search: Any,
    seeds: Any,
    relations: Any,
) -> Mapping[str, str]:
    """What a record must agree in, each by itself so that what differs can be named."""
    names = [list(space) for _, space in contests]
    return {
        "graph": digest(objective.graph, relations),
        "objective": objective.fingerprint(),
        "space": digest([repr(method) for method, _ in candidates], names),
        "search": repr(search),
        "seeds": repr(seeds),
    }
