"""New entities: `fit` keeps what made the last step, `transform` puts new rows through it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._blas import one_blas_thread
from cleora_jax._progress import Progress, no_progress
from cleora_jax.cleora.fitted import Fitted, LastStep
from cleora_jax.cleora.loop import last_step
from cleora_jax.cleora.method import BOTH_WAYS, Cleora
from cleora_jax.cleora.needs import check_memory
from cleora_jax.cleora.run import Moment, Run
from cleora_jax.cleora.start import Init
from cleora_jax.cleora.tables import gathered
from cleora_jax.cleora.verb import as_embedding, check_embeddable
from cleora_jax.graph.build import Graph
from cleora_jax.graph.counts import joint_factors, ordered_counts
from cleora_jax.graph.edit import proportioned
from cleora_jax.vectors.embedding import Embedding
from cleora_jax.vectors.passes import Moments
from cleora_jax.vectors.search import unit_rows


def fit(
    graph: Graph,
    method: Cleora | None = None,
    *,
    init: Init | None = None,
    relations: str | None = None,
    progress: Progress = no_progress,
    memory: int | None = None,
) -> Fitted:
    """Embed a graph and keep what `transform` and `update` need: the vectors before the last step, and its whitening.

    `fit(graph, method).embedding` is `embed(graph, method)`, to the bit. Arguments are those of `embed`.

    Raises:
        ValueError: as `embed`; also attention, metapaths, trimming and "directed-both", whose last step needs more than
            the new hyperedges.
        NeedsMemoryError: it would take more than `memory`, or than is free: that is more than `embed` takes.

    Example:
        >>> import cleora_jax as cj
        >>> fitted = cj.fit(cj.from_hyperedges(["a b", "b c", "c a", "x y", "y z", "z x"]), cj.Cleora(dim=4))
        >>> cj.transform(fitted, cj.from_hyperedges(["new a", "new b"])).vocab.ids.to_pylist()
        ['new']
    """
    method = Cleora() if method is None else method
    check_inductive(method)
    check_embeddable(graph, method, relations)
    check_memory(graph, method, memory=memory, spill=False, fit=True)
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


def check_inductive(method: Cleora) -> None:
    """Raise OptionError for a method whose last step new rows cannot be put through."""
    if not isinstance(method, Cleora):
        raise TypeError(f"`method` must be Cleora(…), got {method!r:.100}.")
    unfit = {"attention_temperature": None, "metapath": (), "hyperedge_trim_n": None, "scale_weights": None}
    for name, fine in unfit.items():
        if getattr(method, name) != fine:
            raise checks.OptionError(
                f"`{name}` does not go with `fit`: new rows would need more than their hyperedges."
            )
    if method.storage != "float32":
        raise checks.OptionError(f"`storage` {method.storage!r} does not go with `fit`: it keeps the last two tables.")
    if method.propagation == BOTH_WAYS:
        raise checks.OptionError(f"`propagation` {BOTH_WAYS!r} does not go with `fit`: fit each direction.")


def _part(run: Run, moment: Moment) -> tuple[np.ndarray, LastStep]:
    """The vectors of a moment, and the step that made them."""
    assert moment.old is not None
    state, step = run.ready(moment), run.method.step(moment.iteration, run.rank)
    before, affine, joint = last_step(run.walk, run.numbers, moment.old, state, step=step)
    dim = run.method.dim
    previous = gathered(before, (len(run.alive), dim), run.order)
    shift, matrix = (np.zeros(dim), np.eye(dim)) if affine is None else (affine.shift, affine.matrix)
    vectors = run.vectors(state, last=moment.last)
    back, offset = _least_squares(joint, dim)
    # In C order, as from a file: bits of a product follow the layout.
    shift, matrix = (np.array(part, np.float64, order="C") for part in (shift, matrix))
    return vectors, LastStep(previous, back, offset, shift, matrix)


def _least_squares(joint: Moments, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """B and b of x ≈ y B + b, of the joint moments of y and x; directions of y that do not vary tell nothing."""
    mean, cov = (np.asarray(part, np.float64) for part in (joint.mean, joint.cov))
    values, vectors = np.linalg.eigh(cov[:dim, :dim])
    kept = values > dim * np.finfo(np.float32).eps * max(values[-1], np.finfo(np.float32).tiny)
    inverse = (vectors[:, kept] / values[kept]) @ vectors[:, kept].T
    back = np.ascontiguousarray(inverse @ cov[:dim, dim:])
    return back, mean[dim:] - mean[:dim] @ back


def transform(fitted: Fitted, new: Graph) -> Embedding:
    """Vectors of new entities, from the fitted state alone: nothing that was embedded moves.

    The last step is applied to the new rows. What it needs of the new entities themselves, their vectors before it, is
    estimated from a first pass over their known neighbours (and outwards from these, where new ones only meet new
    ones), by what tells it best for the known entities. Time and memory are those of the new hyperedges.

    Args:
        fitted: from `fit` or `update`.
        new: a graph of the new hyperedges alone, built as the old one was, over its own vocabulary; entities are
            matched by (column, id). Where the old one is `reweighted`, so are these.

    Returns:
        The entities of `new` that the fitted graph does not know, in their order; the zero vector where no path leads
        to a known one (under directed propagation: no path along its direction).

    Raises:
        ValueError: columns or relations that the fitted graph does not have.
    """
    check_fitted(fitted)
    new, where = placed_in(fitted.graph, new, "new")
    chosen, vectors = transformed(fitted, new, where)
    shown = np.isin(chosen, new.kept)
    return Embedding(vectors[shown], new.vocab.take(chosen[shown]), fitted.embedding.settings | {"init": "transform"})


def transformed(fitted: Fitted, new: Graph, where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
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


def check_fitted(fitted: Fitted) -> None:
    """Raise TypeError for what `fit` did not give."""
    if not isinstance(fitted, Fitted):
        raise TypeError(f"`fitted` must be what `fit` gives (an `embed` keeps no last step), got {fitted!r:.100}.")


class _Rows(NamedTuple):
    """The rows of M that belong to some entities, as a product, not yet divided by their sums."""

    scatter: sp.csr_array
    gather: sp.csr_array

    def __matmul__(self, x: np.ndarray) -> np.ndarray:
        return np.asarray(self.scatter @ (self.gather @ x))


def placed_in(graph: Graph, new: Graph, name: str) -> tuple[Graph, np.ndarray]:
    """`new`, its relations as heavy as the fitted graph's, and the row there of each of its entities (−1: a new one).

    Raises:
        ValueError: it does not fit the graph.
    """
    return proportioned(name, graph, new), graph.vocab.rows_of(new.vocab)


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
        before[free[reached]] = _normalised(mean, method) @ step.back + step.offset
        live[free[reached]] = 1
    own, there = before[free], mass > 0
    mean = np.divide(rows @ before, mass[:, None], out=np.zeros_like(own), where=there[:, None])
    if method.propagation == "symmetric":
        mean *= mass[:, None]
    weight = method.residual_weight
    found = _normalised((1 - weight) * mean + weight * own, method)
    return np.where(there[:, None], (found - step.shift) @ step.matrix, 0)


def _normalised(rows: np.ndarray, method: Cleora) -> np.ndarray:
    """Rows normalised as the step did it; in NumPy, since their number differs from call to call."""
    if method.normalization == "l2":
        return unit_rows(rows, "new")
    if method.normalization == "l1":
        size = np.abs(rows).sum(axis=1, keepdims=True)
        return rows / np.where(size > 0, size, 1)
    return rows
