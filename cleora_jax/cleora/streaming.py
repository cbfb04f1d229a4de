"""Graphs that change: `update` adds and removes hyperedges, and goes on in the basis of what was fitted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress, no_progress
from cleora_jax.cleora.fitted import Fitted
from cleora_jax.cleora.inductive import check_fitted, fit, placed_in, transformed
from cleora_jax.cleora.method import Cleora
from cleora_jax.cleora.start import features_of, start
from cleora_jax.graph.build import Graph
from cleora_jax.graph.edit import add_hyperedges, remove_hyperedges
from cleora_jax.vectors.alignment import procrustes, rotated
from cleora_jax.vectors.embedding import Embedding

WARM_ITERATIONS = 10  # of an update: experiments/inductive has the evidence
SETTLED = 40  # steps, whitened, from which on a walk has settled, so that more of them change little


def update(
    fitted: Fitted,
    more: Graph | None = None,
    *,
    gone: Graph | None = None,
    num_iterations: int | None = None,
    progress: Progress = no_progress,
) -> Fitted:
    """Go on with a graph that has changed: hyperedges come and go as sparse sums, and vectors stay in their basis.

    Where the method whitens after every step and takes 40 or more, its walk has settled: the loop starts from the
    vectors that are known, and for new entities from those of `transform`, and takes ten steps. A shallower walk, or
    one that is not whitened between, is what it is by its depth: it starts from the first vectors again, for the
    method's own number of steps. The result is turned onto the old one by an orthogonal map (Procrustes over the
    entities that both know), so that models built on the vectors go on working; old vectors do move, as their
    neighbourhoods did.

    Args:
        fitted: from `fit`, or the update before.
        more: hyperedges to add, see `add_hyperedges`.
        gone: hyperedges to remove (after the adding), see `remove_hyperedges`.
        num_iterations: steps of a warm start, where you want one in spite of the above (not without whitening between
            steps). Default: as above.
        progress: called after every step.

    Returns:
        A new `Fitted`; the old one stays as it is.

    Raises:
        ValueError: neither `more` nor `gone`, one that does not fit the graph, or a method with `scales`.

    Example:
        >>> import cleora_jax as cj
        >>> fitted = cj.fit(cj.from_hyperedges(["a b", "b c", "c a", "x y", "y z", "z x"]), cj.Cleora(dim=4))
        >>> cj.update(fitted, cj.from_hyperedges(["new a", "new b"])).embedding
        Embedding(7 × 4 float32, 112 bytes; node: 7; settings: ...)
    """
    check_fitted(fitted)
    if more is None and gone is None:
        raise checks.OptionError("give `more` or `gone`.")
    method = fitted.method
    if method.scales:
        raise checks.OptionError("`scales` does not go with `update`: a warm start has no depth.")
    every = method.whiten in ("every", 1)
    if num_iterations is not None and not every:
        raise checks.OptionError(
            f"`num_iterations` is of a warm start, which does not go with whiten={method.whiten!r}."
        )
    warm = every and (num_iterations is not None or method.num_iterations >= SETTLED)
    graph = fitted.graph.counted()
    vectors, first = fitted.vectors, fitted.init
    if more is not None:
        more, where = placed_in(graph, more, "more")
        vectors = np.concatenate([vectors, transformed(fitted, more, where)[1]])
        graph = add_hyperedges(graph, more)
    if gone is not None:
        graph = remove_hyperedges(graph, gone)
    if warm:
        count = WARM_ITERATIONS if num_iterations is None else num_iterations
        steps, first = replace(method, num_iterations=count), _filled(vectors, graph, method)
    else:
        steps = method
        if first is not None and not isinstance(first, (str, Embedding)) and not features_of(first):
            first = np.asarray(first, np.float32)
            first = _filled(np.pad(first, ((0, graph.num_entities - len(first)), (0, 0))), graph, method, len(first))
    found = fit(graph, steps, init=first, relations="joint", progress=progress)
    return _turned(replace(found, method=method, init=fitted.init, notes=fitted.notes), fitted)


def _filled(table: np.ndarray, graph: Graph, method: Cleora, first: int = 0) -> np.ndarray:
    """First vectors, rows from `first` on that are zero replaced by hashed ones: those no path has led to as yet."""
    lost = first + np.flatnonzero(~table[first:].any(axis=1))
    if len(lost):
        table = table.copy()
        table[lost] = start(graph.vocab.take(lost), method.dim, method.init, method.seed)
    return table


def _turned(found: Fitted, fitted: Fitted) -> Fitted:
    """The new result in the basis of the old one."""
    count = len(fitted.vectors)  # rows of known entities stay in place
    both = fitted.vectors.any(axis=1) & found.vectors[:count].any(axis=1)
    rotation = procrustes(found.vectors[:count][both], fitted.vectors[both])
    vectors = rotated(found.vectors, rotation)
    (step,) = found.steps
    step = step._replace(matrix=step.matrix @ rotation)
    embedding = replace(found.embedding, vectors=vectors[found.graph.kept])
    return replace(found, vectors=vectors, embedding=embedding, steps=(step,))
