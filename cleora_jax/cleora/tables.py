"""Where the tables of a run are: in memory, two that take turns; `striped` and `sharded` have other places."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from cleora_jax.cleora.loop import (
    Numbers,
    Pending,
    Seen,
    State,
    Step,
    Walk,
    advance,
    finish,
    snapshot,
    whiten_last,
)  # fmt: skip
from cleora_jax.cleora.result_file import ResultFile
from cleora_jax.cleora.start import Init, start
from cleora_jax.vectors.passes import dim_of
from cleora_jax.vectors.rows import Blocks, split_columns

if TYPE_CHECKING:
    from cleora_jax.graph.vocab import Vocab


class Tables(Protocol):
    """What a run asks of the place where its tables are.

    Args:
        result: where vectors are written, those of all parts side by side; None: they are given back in memory.
    """

    result: ResultFile | None

    def spread(self, walk: Walk) -> Walk:
        """What every step multiplies with, put where it is multiplied."""

    def first(self, vocab: Vocab, dim: int, init: Init, seed: int, order: np.ndarray | None, alive: np.ndarray) -> Any:
        """The first vectors, see `start`, zero where `alive` is."""

    def advance(self, walk: Walk, numbers: Numbers, state: State, step: Step) -> tuple[State, Seen | None]:
        """`one_step`; the state before is good until the next one, in memory."""

    def whiten_last(self, walk: Walk, numbers: Numbers, table: Any) -> tuple[Pending, Seen]:
        """The whitening of a table that no step has whitened."""

    def vectors(
        self, walk: Walk, numbers: Numbers, state: State, order: np.ndarray | None, *, last: bool
    ) -> np.ndarray:
        """x, float32[n, d], rows in the order of the vocabulary; `last` gives up the state's table.

        Where there is a `result`, they are those that it has rows for, as they lie in it.
        """


class InMemory:
    """Two tables that take turns."""

    result: ResultFile | None = None

    def __init__(self) -> None:
        self.spare: Blocks | None = None

    def spread(self, walk: Walk) -> Walk:
        """See `Tables`."""
        return walk

    def first(
        self, vocab: Vocab, dim: int, init: Init, seed: int, order: np.ndarray | None, alive: np.ndarray
    ) -> Blocks:
        """See `Tables`."""
        table = start(vocab, dim, init, seed, order)
        if not alive.all():
            table = table * alive[:, None]  # under its name, so that memory holds two, not three
        return split_columns(table)

    def advance(self, walk: Walk, numbers: Numbers, state: State, step: Step) -> tuple[State, Seen | None]:
        """See `Tables`."""
        spare = self.spare or tuple(jnp.zeros_like(block) for block in state.table)
        found, seen = advance(walk, numbers, state, spare, step=step)
        self.spare = state.table
        return jax.block_until_ready(found), seen

    def whiten_last(self, walk: Walk, numbers: Numbers, table: Blocks) -> tuple[Pending, Seen]:
        """See `Tables`."""
        return whiten_last(walk.alive, table, numbers.alpha, numbers.rank)

    def vectors(
        self, walk: Walk, numbers: Numbers, state: State, order: np.ndarray | None, *, last: bool
    ) -> np.ndarray:
        """See `Tables`."""
        if last:
            self.spare = None
        take = finish if last else snapshot
        blocks = jax.block_until_ready(take(walk.alive, *state, numbers.alpha, numbers.rank))
        return gathered(blocks, (len(blocks[0]), dim_of(blocks)), order)


def gathered(blocks: Iterable[Any], shape: tuple[int, int], order: np.ndarray | None) -> np.ndarray:
    """Column blocks as one table, rows put back where they were before `reordered`."""
    vectors, first = np.empty(shape, np.float32), 0
    for block in blocks:
        vectors[slice(None) if order is None else order, first : first + block.shape[1]] = block
        first += block.shape[1]
    return vectors
