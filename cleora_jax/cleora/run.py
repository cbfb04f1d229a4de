"""A run of Cleora over a graph: the arrays that a step needs, and the one loop over steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import jax
import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress
from cleora_jax.cleora.checkpoint import Keeper, Saved
from cleora_jax.cleora.loop import Pending, Seen, State, Walk, subspace_change
from cleora_jax.cleora.start import Init
from cleora_jax.cleora.tables import Tables
from cleora_jax.graph.build import Graph
from cleora_jax.sparse.from_graph import markov, metapath
from cleora_jax.sparse.operator import Operator, apply, entry_rows
from cleora_jax.sparse.reorder import reordered
from cleora_jax.sparse.room import roomy
from cleora_jax.vectors.scale import whitening_rank

if TYPE_CHECKING:
    from cleora_jax.cleora.method import Cleora
    from cleora_jax.graph.vocab import Vocab


class RankWarning(UserWarning):
    """Whitening was confined to fewer directions than `dim`, because the graph has few entities."""


class TwoSidedWarning(UserWarning):
    """Vectors of the two sides of a relation will not be comparable with each other, only within a side."""


class Trace(NamedTuple):
    """What each step saw; arrays of one entry per step done.

    Args:
        kept: directions that whitening kept (0 where the step did not whiten).
        effective_rank: (tr C)² / tr C² of the covariance C before whitening, the number of equal eigenvalues that would
            spread as much (NaN where the step did not whiten).
        subspace_change: root mean square sine of the principal angles to the step before (NaN unless `tolerance`
            was set).
        converged: the change fell to `tolerance` before the iterations were used up.
    """

    kept: np.ndarray
    effective_rank: np.ndarray
    subspace_change: np.ndarray
    converged: bool


class Moment(NamedTuple):
    """Where a run stands after a step.

    Args:
        iteration: from 1.
        old: the state before, where it was asked for; good until the next step, which takes its memory.
        state: the state now.
        last: no step follows.
    """

    iteration: int
    old: State | None
    state: State
    last: bool


class Ground(NamedTuple):
    """What a run goes over.

    Args:
        vocab: the entities whose rows are here: all, or those of this process.
        walk: what every step multiplies with.
        alive: bool[len(vocab)], those that are not isolated.
        num_alive: how many these are, those of other processes included.
    """

    vocab: Vocab
    walk: Walk
    alive: np.ndarray
    num_alive: int


class Run:
    """A method on its way over a graph: what each step multiplies with, and what was seen so far.

    Args:
        walk: the operator, and who takes part.
        order: the entity of each row, where rows were reordered, else None.
        rank: directions that whitening keeps.
    """

    def __init__(self, graph: Graph, method: Cleora, *, shared: bool = False, tables: Tables | None = None) -> None:
        """Build the operator; warn where few entities, or two sides, will show in the result.

        Args:
            graph, method: what is run over what.
            shared: make the operator `roomy`, so that runs over other graphs of as many entities find it compiled. Not
                under attention, whose cosines XLA adds up in an order that follows the number of entries.
            tables: where they are. Default: in memory, stored as the method says.
        """
        warn_of_two_sides(graph, method)
        op, self.order = reordered(operator(graph, method))
        attends = method.attention_temperature is not None
        op = roomy(op) if shared and not attends else op
        alive = np.asarray(op.row_sum) > 0
        mask = jax.device_put(alive.astype(np.float32))
        rows = entry_rows(op.factors[0]) if attends else None
        tables = method.own_tables() if tables is None else tables
        walk = tables.spread(Walk(op, mask, apply(op, mask[:, None])[:, 0], rows))
        self._begin(Ground(graph.vocab, walk, alive, int(alive.sum())), method, tables)

    @classmethod
    def over(cls, ground: Ground, method: Cleora, tables: Tables) -> Run:
        """A run over what is there already, in tables that it was made for."""
        run = cls.__new__(cls)
        run.order = None
        run._begin(ground, method, tables)
        return run

    def _begin(self, ground: Ground, method: Cleora, tables: Tables) -> None:
        self.vocab, self.walk, self.alive, self.num_alive = ground
        self.rank = _rank(method, self.num_alive)
        self.tables, self.method, self.numbers = tables, method, method.numbers(self.rank)
        self._seen: list[Seen | None] = []
        self._changes: list[float] = []

    def first(self, init: Init) -> State:
        """The first vectors, isolated entities zero."""
        method = self.method
        table = self.tables.first(self.vocab, method.dim, init, method.seed, self.order, self.alive)
        step = method.step(1, self.rank)
        return State(table, Pending.nothing(method.dim, triangular=step.triangular) if step.whiten else None)

    def steps(self, state: State, progress: Progress, *, done: int = 0, keep_old: bool = False) -> Iterator[Moment]:
        """The loop, from a state after `done` steps; it ends early where the subspace has converged.

        Interrupts pass between steps, after what was yielded has been dealt with.
        """
        method = self.method
        progress("embedding", done, method.num_iterations)
        if done and (done == method.num_iterations or self._settled(done)):
            yield Moment(done, None, state, True)
            return
        for iteration in range(done + 1, method.num_iterations + 1):
            step, old = method.step(iteration, self.rank), state
            state, found = self.tables.advance(self.walk, self.numbers, old, step)
            self._seen.append(found)
            if method.tolerance is not None:
                self._changes.append(float(subspace_change(self.walk.alive, old, state, self.numbers.rank)))
            last = iteration == method.num_iterations or self._settled(iteration)
            if last:
                kept, old = (old, None) if keep_old else (None, None)  # type: ignore[assignment]
                yield Moment(iteration, kept, state, True)
            else:
                yield Moment(iteration, old, state, False)
            progress("embedding", iteration, method.num_iterations)
            if last:
                return

    def ready(self, moment: Moment) -> State:
        """The state with the whitening that what leaves the loop gets."""
        if self.method.whiten != "last":
            return moment.state
        table = moment.state.table
        pending, self._seen[-1] = self.tables.whiten_last(self.walk, self.numbers, table)
        return State(table, pending)

    def vectors(self, state: State, *, last: bool) -> np.ndarray:
        """x, float32[n, d], rows in the order of the vocabulary; `last` gives up the state's table."""
        return self.tables.vectors(self.walk, self.numbers, state, self.order, last=last)

    def parts(self, init: Init, progress: Progress, keeper: Keeper | None = None) -> list[np.ndarray]:
        """Vectors at each depth that the method asks for, as `vectors` gives them.

        With a keeper, from the state that it has, and what it is due is given to it; all of it on an interrupt.
        """
        saved = None if keeper is None else keeper.load(self.tables, len(self.alive))
        if saved is None:
            saved = Saved(0, self.first(init), self._seen, self._changes, [])
        self._seen, self._changes = saved.seen, saved.changes
        depths, parts = self.method.scales or (self.method.num_iterations,), saved.parts
        try:
            for moment in self.steps(saved.state, progress, done=saved.iteration):
                if not moment.last and moment.iteration in depths:
                    parts = [*parts, self.vectors(self.ready(moment), last=False)]
                saved = Saved(moment.iteration, moment.state, self._seen, self._changes, parts)
                if keeper is not None and (moment.last or keeper.is_due(moment.iteration)):
                    keeper.keep(saved)
                if moment.last:
                    saved = None  # its table is given up
                    parts = [*parts, self.vectors(self.ready(moment), last=True)]
        except KeyboardInterrupt:
            if keeper is not None and saved is not None:
                keeper.keep(saved)
            raise
        return parts

    def _settled(self, iteration: int) -> bool:
        """Whether the subspace has stopped moving, at a step where the run may end."""
        may_end = isinstance(self.method.whiten, str) or self.method.step(iteration, self.rank).whiten
        return self._converged and may_end

    @property
    def _converged(self) -> bool:
        return bool(self.method.tolerance and self._changes[-1] <= self.method.tolerance)

    def trace(self) -> Trace:
        """What the steps have seen."""
        kept = np.array([0 if found is None else int(found.kept) for found in self._seen])
        if len(kept) and self._seen[-1] is not None and not kept[-1] and self.num_alive:
            checks.warn(
                "whitening is confined to no direction at all: the steps gave all entities in hyperedges the same "
                "vector, as where all stand in one hyperedge, so all are zero (`whiten='off'` keeps the vector).",
                RankWarning,
            )
        rank = np.array([np.nan if found is None else float(found.effective_rank) for found in self._seen])
        change = np.array(self._changes) if self._changes else np.full(len(self._seen), np.nan)
        return Trace(kept, rank, change, self._converged)


def operator(graph: Graph, method: Cleora) -> Operator:
    """The matrix that a method propagates with."""
    if method.metapath:
        return metapath(graph, method.metapath)
    form = "clique" if method.attention_temperature is not None else method.form
    return markov(graph, method.propagation, form=form, hyperedge_trim_n=method.hyperedge_trim_n)  # type: ignore


def warn_of_two_sides(graph: Graph, method: Cleora) -> None:
    """A walk between two sides that never stays makes two chains, each from the first vectors of one side."""
    stays = method.residual_weight > 0 or method.propagation.startswith("directed") or method.metapath
    if graph.two_sided and not stays:
        checks.warn(
            f"relation {graph.relations[0].name!r} relates two columns only to each other, so the walk changes "
            "sides at every step: vectors are comparable within a column, not between the two. "
            "`residual_weight=0.5`, or 'complex::reflexive::' on a column, makes them comparable.",
            TwoSidedWarning,
        )


def _rank(method: Cleora, num_entities: int) -> int:
    if method.whiten_rank is not None:
        return method.whiten_rank
    rank = whitening_rank(num_entities, method.dim)
    if rank < method.dim and method.whiten != "off":
        checks.warn(
            f"whitening is confined to {rank} of {method.dim} directions, because the graph has only "
            f"{num_entities:,} entities in hyperedges; the other columns are zero (`whiten_rank` overrides).",
            RankWarning,
        )
    return rank
