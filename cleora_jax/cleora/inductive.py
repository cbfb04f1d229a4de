"""Graphs that grow: `fit` keeps what made the last step, `transform` puts new rows through it, `update` goes on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._blas import one_blas_thread
from cleora_jax._progress import Progress, no_progress
from cleora_jax.cleora.loop import last_step
from cleora_jax.cleora.method import BOTH_WAYS, Cleora
from cleora_jax.cleora.run import Moment, Run, gathered
from cleora_jax.cleora.start import Init, features_of, start
from cleora_jax.cleora.verb import as_embedding, check_embeddable
from cleora_jax.graph.build import Graph
from cleora_jax.graph.counts import joint_factors, ordered_counts
from cleora_jax.graph.edit import add_hyperedges, check_matching, remove_hyperedges
from cleora_jax.vectors.alignment import procrustes, rotated
from cleora_jax.vectors.embedding import Embedding
from cleora_jax.vectors.search import unit_rows

WARM_ITERATIONS = 10  # of an update: experiments/inductive has the evidence
SETTLED = 40  # steps, whitened, from which on a walk has settled, so that more of them change little


class LastStep(NamedTuple):
    """The last step of a run, to put new rows through: x = (normalise(M previous) − shift) matrix.

    Args:
        previous: x before it, float32[n, d].
        back: float64[d, d], the rotation that brings the result nearest to `previous`.
        shift, matrix: the whitening that follows, float64[d] and [d, d] (zeros and the identity where none does).
    """

    previous: np.ndarray
    back: np.ndarray
    shift: np.ndarray
    matrix: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class Fitted:
    """An embedding with what it takes to embed new entities: from `fit`, for `transform` and `update`. Pickles.

    Args:
        graph: what was embedded.
        method: how.
        embedding: the result, as from `embed`.
        vectors: float32[n, parts · d] of all entities, transient ones included.
        steps: the last step, of each of `method.scales` where there are several.
        init: the first vectors, where they were given.
    """

    graph: Graph
    method: Cleora
    embedding: Embedding
    vectors: np.ndarray
    steps: tuple[LastStep, ...]
    init: Init | None = None

    def __repr__(self) -> str:
        return f"Fitted({self.graph!r}, {self.method!r})"

    @cached_property
    def degree(self) -> np.ndarray:
        """float64[n]: the row sums of W."""
        scatter, gather = joint_factors(self.graph.relations, self.graph.num_entities)
        return np.asarray(scatter.astype(np.float64) @ (gather.astype(np.float64) @ np.ones(self.graph.num_entities)))


def fit(
    graph: Graph,
    method: Cleora | None = None,
    *,
    init: Init | None = None,
    relations: str | None = None,
    progress: Progress = no_progress,
) -> Fitted:
    """Embed a graph and keep what `transform` and `update` need: the vectors before the last step, and its whitening.

    `fit(graph, method).embedding` is `embed(graph, method)`, to the bit. Arguments are those of `embed`.

    Raises:
        ValueError: as `embed`; also attention, metapaths, trimming and "directed-both", whose last step needs more than
            the new hyperedges.

    Example:
        >>> import cleora_jax as cj
        >>> fitted = cj.fit(cj.from_hyperedges(["a b", "b c", "c a", "x y", "y z", "z x"]), cj.Cleora(dim=4))
        >>> cj.transform(fitted, cj.from_hyperedges(["new a", "new b"])).vocab.ids.to_pylist()
        ['new']
    """
    method = Cleora() if method is None else method
    _check_inductive(method)
    check_embeddable(graph, method, relations)
    run, parts, steps = Run(graph, method), [], []
    depths = method.scales or (method.num_iterations,)
    with one_blas_thread():
        for moment in run.steps(run.first(method.init if init is None else init), progress, keep_old=True):
            if moment.last or moment.iteration in depths:
                part, step = _part(run, moment)
                parts.append(part)
                steps.append(step)
    vectors = method.joined(parts)
    return Fitted(graph, method, as_embedding(graph, method, vectors, run.trace(), init), vectors, tuple(steps), init)


def _check_inductive(method: Cleora) -> None:
    if not isinstance(method, Cleora):
        raise TypeError(f"`method` must be Cleora(…), got {method!r:.100}.")
    unfit = {"attention_temperature": None, "metapath": (), "hyperedge_trim_n": None, "scale_weights": None}
    for name, fine in unfit.items():
        if getattr(method, name) != fine:
            raise checks.OptionError(
                f"`{name}` does not go with `fit`: new rows would need more than their hyperedges."
            )
    if method.propagation == BOTH_WAYS:
        raise checks.OptionError(f"`propagation` {BOTH_WAYS!r} does not go with `fit`: fit each direction.")


def _part(run: Run, moment: Moment) -> tuple[np.ndarray, LastStep]:
    """The vectors of a moment, and the step that made them."""
    assert moment.old is not None
    state, step = run.ready(moment), run.method.step(moment.iteration, run.rank)
    before, affine = last_step(run.walk, run.numbers, moment.old, state, step=step, rank=run.rank)
    previous, dim = gathered(before, run.order), run.method.dim
    shift, matrix = (np.zeros(dim), np.eye(dim)) if affine is None else (affine.shift, affine.matrix)
    vectors = run.vectors(state, last=moment.last)
    back = procrustes(vectors, previous)
    return vectors, LastStep(previous, back, np.asarray(shift, np.float64), np.asarray(matrix, np.float64))


def transform(fitted: Fitted, new: Graph) -> Embedding:
    """Vectors of new entities, from the fitted state alone: nothing that was embedded moves.

    The last step is applied to the new rows. What it needs of the new entities themselves, their vectors before it, is
    estimated by a first pass over their known neighbours (and outwards from these, where new ones only meet new ones),
    turned back by the rotation that undoes the step best. Time and memory are those of the new hyperedges.

    Args:
        fitted: from `fit` or `update`.
        new: a graph of the new hyperedges alone, built as the old one was, over its own vocabulary; entities are
            matched by (column, id).

    Returns:
        The entities of `new` that the fitted graph does not know, in their order; the zero vector where no path leads
        to a known one (under directed propagation: no path along its direction).

    Raises:
        ValueError: columns or relations that the fitted graph does not have.
    """
    _check_fitted(fitted)
    where = _places(fitted.graph, new, "new")
    chosen, vectors = _transformed(fitted, new, where)
    shown = np.isin(chosen, new.kept)
    return Embedding(vectors[shown], new.vocab.take(chosen[shown]), fitted.embedding.settings | {"init": "transform"})


def _transformed(fitted: Fitted, new: Graph, where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The new entities, int64[m] places in `new.vocab`, and their vectors float32[m, parts · d]."""
    known = np.zeros(len(where), bool)  # of those that are known but have no vector, as of new ones, it is to be found
    known[where >= 0] = fitted.vectors[where[where >= 0]].any(axis=1)
    free, dim = np.flatnonzero(~known), fitted.method.dim
    vectors = np.zeros((len(free), dim * len(fitted.steps)), np.float32)
    rows = _free_rows(fitted, new, where, free)
    with one_blas_thread():
        for at, step in enumerate(fitted.steps):
            vectors[:, at * dim : (at + 1) * dim] = _through(step, rows, where, free, fitted.method)
    new_ones = where[free] < 0
    return free[new_ones], vectors[new_ones]


def _check_fitted(fitted: Fitted) -> None:
    if not isinstance(fitted, Fitted):
        raise TypeError(f"`fitted` must be what `fit` gives (an `embed` keeps no last step), got {fitted!r:.100}.")


class _Rows(NamedTuple):
    """The rows of M that belong to some entities, as a product, not yet divided by their sums."""

    scatter: sp.csr_array
    gather: sp.csr_array

    def __matmul__(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(self.scatter @ (self.gather @ x))


def _places(graph: Graph, new: Graph, name: str) -> np.ndarray:
    """The row in the fitted graph of each entity of `new`, −1 where it is new; errors where it does not fit."""
    check_matching(name, graph, new)
    return graph.vocab.rows_of(new.vocab)


def _free_rows(fitted: Fitted, new: Graph, where: np.ndarray, free: np.ndarray) -> _Rows:
    propagation, size = fitted.method.propagation, new.num_entities
    if propagation.startswith("directed"):
        counts = sum((ordered_counts(each, size) for each in new.relations), start=sp.csr_array((size, size)))
        scatter = sp.csr_array(counts.T if propagation == "directed-in" else counts)
        gather = sp.eye_array(size, format="csr")
    else:
        scatter, gather = joint_factors(new.relations, size)
    scatter, gather = (sp.csr_array(part, dtype=np.float64) for part in (scatter, gather))
    if propagation == "symmetric":
        degree = scatter @ (gather @ np.ones(size)) + np.where(where >= 0, fitted.degree[where], 0)
        scale = sp.diags_array(np.divide(1, np.sqrt(degree), out=np.zeros(size), where=degree > 0))
        scatter, gather = scale @ scatter, gather @ scale
    return _Rows(sp.csr_array(scatter)[free], sp.csr_array(gather))


def _through(step: LastStep, rows: _Rows, where: np.ndarray, free: np.ndarray, method: Cleora) -> np.ndarray:
    """The new rows after the step, float64[new, d]."""
    before = np.zeros((len(where), method.dim))
    before[where >= 0] = step.previous[where[where >= 0]]
    live = np.asarray(before.any(axis=1), np.float64)
    while True:  # outwards from the known: each round estimates x before the step of those whose neighbours have it
        mass = np.asarray(rows @ live)
        reached = np.flatnonzero((mass > 0) & (live[free] == 0))
        if not len(reached):
            break
        mean = (rows @ before)[reached] / mass[reached, None]
        before[free[reached]] = _settled(step, mean, method) @ step.back
        live[free[reached]] = 1
    own, there = before[free], mass > 0
    mean = np.divide(rows @ before, mass[:, None], out=np.zeros_like(own), where=there[:, None])
    if method.propagation == "symmetric":
        mean *= mass[:, None]
    weight = method.residual_weight
    return np.where(there[:, None], _settled(step, (1 - weight) * mean + weight * own, method), 0)


def _settled(step: LastStep, rows: np.ndarray, method: Cleora) -> np.ndarray:
    """Rows normalised and whitened as the step did it; in NumPy, since their number differs from call to call."""
    if method.normalization == "l2":
        rows = unit_rows(rows, "new")
    elif method.normalization == "l1":
        size = np.abs(rows).sum(axis=1, keepdims=True)
        rows = rows / np.where(size > 0, size, 1)
    return (rows - step.shift) @ step.matrix


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
    _check_fitted(fitted)
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
        places = _places(graph, more, "more")
        vectors = np.concatenate([vectors, _transformed(fitted, more, places)[1]])
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
    return _turned(replace(found, method=method, init=fitted.init), fitted)


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
    step = step._replace(matrix=step.matrix @ rotation, back=rotation.T @ step.back)
    embedding = replace(found.embedding, vectors=vectors[found.graph.kept])
    return replace(found, vectors=vectors, embedding=embedding, steps=(step,))
