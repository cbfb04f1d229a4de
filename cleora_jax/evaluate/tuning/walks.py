"""Embeddings of many methods on one graph. Those of Cleora that differ only in depth come of one walk, to the bit as
each would alone.

That holds because what a step does depends on its number alone, not on how many follow: `whiten="every"` and every k-th
step count from the start, and `whiten="last"` whitens what leaves the loop, not what stays in it. With `tolerance` the
walk ends where it converges, and so would every deeper one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cleora_jax._blas import one_blas_thread
from cleora_jax._checks import InputError, NotFoundError, OptionError
from cleora_jax._memory import NeedsMemoryError
from cleora_jax._progress import no_progress
from cleora_jax.cleora.method import BOTH_WAYS, Cleora
from cleora_jax.cleora.run import Moment, Run, Trace
from cleora_jax.cleora.verb import Method, as_embedding, check_embeddable, embed
from cleora_jax.graph.build import Graph
from cleora_jax.vectors.embedding import Embedding

LIBRARY_ERRORS = (InputError, OptionError, NotFoundError, NeedsMemoryError)
Made = tuple[np.ndarray, Any]  # vectors float32[n, d] and a trace


def embeddings(
    graph: Graph, methods: Sequence[Method], relations: Any = None
) -> Iterator[tuple[int, Embedding | Exception]]:
    """The place of each method and its embedding, walk after walk, or the library's error where it cannot be."""
    for places in walks_of(methods):
        some, left = [methods[place] for place in places], list(places)
        try:
            for at, embedding in _together(graph, some, relations):
                left.remove(places[at])
                yield places[at], embedding
        except LIBRARY_ERRORS as error:
            yield from ((place, error) for place in left)


def walks_of(methods: Sequence[Any]) -> list[list[int]]:
    """Places of methods that share a walk, in the order of the first of each."""
    found: dict[Any, list[int]] = {}
    for place, method in enumerate(methods):
        key = _without_depths(method) if type(method) is Cleora else place
        found.setdefault(key, []).append(place)
    return list(found.values())


def _without_depths(method: Cleora) -> Cleora:
    return replace(method, num_iterations=1, scales=(), scale_weights=None)


def _depths(method: Cleora) -> tuple[int, ...]:
    return method.scales or (method.num_iterations,)


def _together(graph: Graph, methods: Sequence[Any], relations: Any) -> Iterator[tuple[int, Embedding]]:
    """Embeddings of methods that share a walk, the shallowest first."""
    if type(methods[0]) is not Cleora:
        yield 0, embed(graph, methods[0], relations=relations)
        return
    check_embeddable(graph, methods[0], relations)
    for at, (vectors, trace) in (_both_ways if methods[0].propagation == BOTH_WAYS else _one_way)(graph, methods):
        yield at, as_embedding(graph, methods[at], vectors, trace, None)


def _both_ways(graph: Graph, methods: Sequence[Cleora]) -> Iterator[tuple[int, Made]]:
    """As `Cleora` does under "directed-both": two walks, side by side."""
    outward = dict(_one_way(graph, [replace(method, propagation="directed") for method in methods]))
    for at, (inward, trace) in _one_way(graph, [replace(method, propagation="directed-in") for method in methods]):
        vectors, other = outward.pop(at)
        yield at, (np.concatenate([vectors, inward], axis=1), (other, trace))


def _one_way(graph: Graph, methods: Sequence[Cleora]) -> Iterator[tuple[int, Made]]:
    """Each method's vectors and trace when the walk has come to its depth."""
    deepest = max(_depths(method)[-1] for method in methods)
    run = Run(graph, replace(methods[0], num_iterations=deepest, scales=(), scale_weights=None))
    with one_blas_thread():
        steps = run.steps(run.first(methods[0].init), no_progress)
    waiting, tables = list(range(len(methods))), dict[int, np.ndarray]()
    while waiting:
        wanted = {depth for at in waiting for depth in _depths(methods[at])}
        with one_blas_thread():  # held only while the walk goes on, not while others look at what came of it
            moment = _next(steps, wanted)
            tables[moment.iteration] = run.vectors(run.ready(moment), last=moment.last)
        here = [at for at in waiting if moment.last or _depths(methods[at])[-1] == moment.iteration]
        for at in here:
            parts = [tables[min(depth, moment.iteration)] for depth in _depths(methods[at])]
            yield at, (methods[at].joined(parts), _trace(run, methods[at]))
        waiting = [at for at in waiting if at not in here]
        still = {depth for at in waiting for depth in _depths(methods[at])}
        tables = {depth: table for depth, table in tables.items() if depth in still}


def _next(steps: Iterator[Moment], wanted: set[int]) -> Moment:
    """Where the walk stands when it first comes to a wanted depth, or ends."""
    return next(moment for moment in steps if moment.last or moment.iteration in wanted)


def _trace(run: Run, method: Cleora) -> Trace:
    """What the walk has seen so far, but for whitenings of snapshots that the method alone would not have taken."""
    trace = run.trace()
    if method.whiten != "last":
        return trace
    own = np.isin(np.arange(1, len(trace.kept) + 1), [*_depths(method), len(trace.kept)])
    return trace._replace(kept=np.where(own, trace.kept, 0), effective_rank=np.where(own, trace.effective_rank, np.nan))
