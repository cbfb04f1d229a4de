"""Many settings at once: `jax.vmap` over seeds and numbers, one scan over depths, compiled together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._blas import one_blas_thread
from cleora_jax._progress import Progress, no_progress
from cleora_jax.cleora.loop import Numbers, Pending, State, Step, Walk, one_step, whiten_last, whitened
from cleora_jax.cleora.method import BOTH_WAYS, MAX_ITERATIONS, Cleora
from cleora_jax.cleora.run import Run
from cleora_jax.cleora.start import Init
from cleora_jax.cleora.tables import gathered
from cleora_jax.cleora.verb import as_embedding, check_embeddable
from cleora_jax.graph.build import Graph
from cleora_jax.vectors.embedding import Embedding
from cleora_jax.vectors.rows import Blocks

MAPPED = ("seed", "residual_weight", "whiten_alpha", "attention_temperature", "num_iterations")
MAX_BYTES = 1 << 31  # of tables of runs that go together
TABLES = 4  # that a run holds while it goes, beside two for each depth


def sweep(
    graph: Graph,
    method: Cleora | None = None,
    *,
    seed: Sequence[int] = (),
    residual_weight: Sequence[float] = (),
    whiten_alpha: Sequence[float] = (),
    attention_temperature: Sequence[float] = (),
    num_iterations: Sequence[int] = (),
    init: Init | None = None,
    relations: str | None = None,
    max_bytes: int = MAX_BYTES,
    progress: Progress = no_progress,
) -> list[Embedding]:
    """All combinations of some settings of one method, in one compiled call: one build, one compilation, one walk.

    Depths cost what the deepest costs. Products of narrow tables (under 32 columns) are folded into the columns of one
    call of the kernel; wider ones take it in turn. Every result equals that of `embed` with its settings, up to
    rounding.

    Args:
        graph: as in `embed`.
        method: the settings that all share; `whiten` must be "every", "last" or "off".
        seed, residual_weight, whiten_alpha, attention_temperature, num_iterations: values of each setting; those left
            out stay as in `method`.
        init: as in `embed`; with an array or an Embedding seeds make no difference.
        relations: as in `embed`.
        max_bytes: of tables at a time; more runs than fit go in turn, still compiled once.
        progress: called after each group of runs.

    Returns:
        One embedding per combination, the last named setting above varying fastest; `settings` tells them apart.

    Raises:
        ValueError: no values, a value out of range, or a method that cannot be mapped.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.from_edges([0, 1, 2, 3, 4, 5], [1, 2, 3, 4, 5, 0])
        >>> found = cj.sweep(graph, cj.Cleora(dim=4, whiten="last"), seed=[0, 1], num_iterations=[1, 2, 3])
        >>> [(each.settings["seed"], each.settings["num_iterations"]) for each in found]
        [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3)]
    """
    method = Cleora() if method is None else method
    if not isinstance(method, Cleora):
        raise TypeError(f"`method` must be Cleora(…), got {method!r:.100}.")
    check_embeddable(graph, method, relations)
    max_bytes = checks.integer("max_bytes", max_bytes, low=1)
    given: dict[str, Sequence[Any]] = dict(
        zip(MAPPED, (seed, residual_weight, whiten_alpha, attention_temperature, num_iterations), strict=True)
    )
    _check(method, given)
    values: list[list[Any]] = [list(given[name]) or [getattr(method, name)] for name in MAPPED]
    *others, given_depths = values
    depths = checks.rising("num_iterations", given_depths, low=1, high=MAX_ITERATIONS)
    deepest = replace(method, num_iterations=depths[-1])
    methods = [replace(deepest, **dict(zip(MAPPED, each, strict=False))) for each in product(*others)]
    run = Run(graph, methods[0])
    table = 4 * graph.num_entities * method.dim
    size = max(1, max_bytes // ((TABLES + 2 * len(depths)) * table))
    found: list[Embedding] = []
    progress("runs", 0, len(methods))
    for start in range(0, len(methods), size):
        some = methods[start : start + size]
        for one, tables in zip(some, _together(run, some, depths, init, min(size, len(methods))), strict=True):
            for depth, vectors in zip(depths, tables, strict=True):
                found.append(as_embedding(graph, replace(one, num_iterations=depth), vectors, None, init))
        progress("runs", min(start + size, len(methods)), len(methods))
    return found


def _check(method: Cleora, given: dict[str, Sequence[Any]]) -> None:
    for name, values in given.items():
        if isinstance(values, str) or not hasattr(values, "__len__"):
            raise TypeError(f"`{name}` must be a sequence of values, got {values!r}.")
        if None in values:
            raise checks.OptionError(f"`{name}`: None does not go with `sweep`, whose runs differ in numbers alone.")
    if not any(len(values) for values in given.values()):
        raise checks.OptionError(f"give values for at least one of {', '.join(MAPPED)}.")
    for name, unfit in (("scales", ()), ("tolerance", None), ("storage", "float32"), ("whiten", None)):
        value = getattr(method, name)
        if (name == "whiten" and not isinstance(value, str)) or (name != "whiten" and value != unfit):
            raise checks.OptionError(f"`{name}`={value!r} does not go with `sweep`; use `embed` for each setting.")
    if method.propagation == BOTH_WAYS:
        raise checks.OptionError(f"`propagation` {BOTH_WAYS!r} does not go with `sweep`: sweep each direction.")


class _Plan(NamedTuple):
    """What is compiled in: the first step, the later ones, and the whitening of what comes out."""

    first: Step
    later: Step
    last: bool


def _together(
    run: Run, methods: list[Cleora], depths: Sequence[int], init: Init | None, size: int
) -> Iterator[list[np.ndarray]]:
    """For each method its vectors at each depth; padded to `size` runs, so that all groups share one compilation."""
    padded = methods + methods[:1] * (size - len(methods))
    residual = any(each.residual_weight for each in methods)
    steps = [each.step(iteration, run.rank) for each in methods for iteration in (1, 2)]
    triangular = all(step.triangular for step in steps)
    first, later = (replace(step, residual=residual, triangular=triangular) for step in steps[:2])
    plan = _Plan(first, later, methods[0].whiten == "last")
    columns = zip(*(each.numbers(run.rank) for each in padded), strict=True)
    numbers = Numbers(*(jnp.asarray(column) for column in columns))
    starts: dict[int, State] = {}
    for each in padded:
        if each.seed not in starts:
            run.method = each
            starts[each.seed] = run.first(each.init if init is None else init)
    table = tuple(jnp.stack(blocks) for blocks in zip(*(starts[each.seed].table for each in padded), strict=True))
    counts = np.diff(np.array([1, *depths]))
    with one_blas_thread():
        blocks = jax.block_until_ready(_runs(run.walk, numbers, table, counts, plan=plan))
    for at in range(len(methods)):
        shape = len(run.alive), run.method.dim
        yield [gathered((block[at, depth] for block in blocks), shape, run.order) for depth in range(len(depths))]


@partial(jax.jit, static_argnames="plan")
def _runs(walk: Walk, numbers: Numbers, table: Blocks, counts: jax.Array, *, plan: _Plan) -> Blocks:
    """x of each run at each depth, float32[runs, depths, n, d] in column blocks.

    Args:
        walk: what all multiply with.
        numbers: [runs] each.
        table: first vectors, float32[runs, n, d] in column blocks.
        counts: int[depths], steps from one depth to the next, the first step not counted.
        plan: what is compiled in.
    """
    dim = sum(block.shape[-1] for block in table)

    def one(numbers: Numbers, table: Blocks) -> Blocks:
        pending = Pending.nothing(dim, triangular=plan.first.triangular) if plan.first.whiten else None
        state = one_step(walk, numbers, State(table, pending), plan.first)[0]

        def deeper(state: State, count: jax.Array) -> tuple[State, Blocks]:
            state = jax.lax.fori_loop(0, count, lambda _, held: one_step(walk, numbers, held, plan.later)[0], state)
            pending = state.pending
            if plan.last:
                pending = whiten_last(walk.alive, state.table, numbers.alpha, numbers.rank)[0]
            return state, whitened(walk.alive, state.table, pending, numbers.alpha, numbers.rank)

        return jax.lax.scan(deeper, state, counts)[1]

    return jax.vmap(one)(numbers, table)
