"""Cleora, the method, and `embed`, the verb."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._blas import one_blas_thread
from cleora_jax._progress import Progress, no_progress
from cleora_jax.cleora.loop import Pending, Seen, State, Step, advance, finish, settle, subspace_change
from cleora_jax.cleora.start import INITS, start
from cleora_jax.graph.build import Graph
from cleora_jax.sparse.from_graph import FORMS, NO_ORDER, PROPAGATIONS, Form, Propagation, markov
from cleora_jax.sparse.operator import Operator, apply
from cleora_jax.sparse.reorder import reordered
from cleora_jax.vectors.embedding import Embedding
from cleora_jax.vectors.rows import BLOCK_COLUMNS, Blocks, split_columns
from cleora_jax.vectors.scale import whitening_rank
from cleora_jax.vectors.sweep import NORMALIZATIONS, Normalization

SCHEDULES = ("every", "last", "off")
MAX_DIM = 65_536
MAX_ITERATIONS = 1_000_000


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


class Method(Protocol):
    """What `embed` asks of a method: a frozen dataclass, callable on a graph."""

    def __call__(self, graph: Graph, *, init: Any = None, progress: Progress = no_progress) -> tuple[np.ndarray, Any]:
        """Vectors float32[n, d] in the order of `graph.vocab`, and a trace."""


@dataclass(frozen=True)
class Cleora:
    """Markov propagation with per-step normalisation and whitening.

    Args:
        dim: d, columns of the result.
        num_iterations: steps.
        propagation: "left", "symmetric", "directed" (along hyperedge order) or "directed-in" (against it).
        normalization: of rows after each step: "l2", "l1" or "none".
        whiten: "every" step, after the "last" one done, "off", or k: after every k-th step.
        whiten_alpha: softness in [0, 1]: columns are scaled by λ^(−α/2); 1 whitens fully.
        whiten_rank: directions kept; None is k(n) of `whitening_rank`.
        residual_weight: r in [0, 1): a step mixes (1 − r) M x + r x.
        init: "hash" or "pycleora" (first vectors; an array or Embedding goes to `embed(init=…)`).
        seed: of the first vectors.
        form: "auto", "clique" or "factored": how hyperedges are multiplied; the result is the same.
        hyperedge_trim_n: None, or of larger hyperedges only pairs with at least one of their so many most frequent
            entities are kept (see `markov`).
        tolerance: None, or stop when the column space moves by at most this (see `Trace.subspace_change`); 0 only
            measures. Costs three covariances a step.

    Reference: Rychalska et al., Cleora: A Simple, Strong and Scalable Graph Embedding Scheme, 2021 (arXiv 2102.02302).
    """

    dim: int = 256
    num_iterations: int = 40
    propagation: Propagation = "left"
    normalization: Normalization = "l2"
    whiten: Literal["every", "last", "off"] | int = "every"
    whiten_alpha: float = 1.0
    whiten_rank: int | None = None
    residual_weight: float = 0.0
    init: str = "hash"
    seed: int = 0
    form: Form = "auto"
    hyperedge_trim_n: int | None = None
    tolerance: float | None = None

    def __post_init__(self) -> None:
        self._keep(dim=checks.integer("dim", self.dim, low=1, high=MAX_DIM))
        self._keep(num_iterations=checks.integer("num_iterations", self.num_iterations, low=1, high=MAX_ITERATIONS))
        checks.one_of("propagation", self.propagation, PROPAGATIONS)
        checks.one_of("normalization", self.normalization, NORMALIZATIONS)
        checks.one_of("init", self.init, INITS)
        checks.one_of("form", self.form, FORMS)
        self._keep(whiten_alpha=checks.real("whiten_alpha", self.whiten_alpha, low=0, high=1))
        self._keep(residual_weight=checks.real("residual_weight", self.residual_weight, low=0, high=1, open_high=True))
        self._keep(seed=checks.integer("seed", self.seed, low=-(2**63), high=2**64 - 1))
        if isinstance(self.whiten, str):
            checks.one_of("whiten", self.whiten, SCHEDULES)
        else:
            self._keep(whiten=checks.integer("whiten", self.whiten, low=1))
        if self.whiten_rank is not None:
            self._keep(whiten_rank=checks.integer("whiten_rank", self.whiten_rank, low=1, high=self.dim))
        if self.hyperedge_trim_n is not None:
            self._keep(hyperedge_trim_n=checks.integer("hyperedge_trim_n", self.hyperedge_trim_n, low=1))
            if self.propagation.startswith("directed"):
                raise checks.OptionError(NO_ORDER)
        if self.tolerance is not None:
            self._keep(tolerance=checks.real("tolerance", self.tolerance, low=0))

    def _keep(self, **values: Any) -> None:
        """Replace a setting by its checked value, so that NumPy's numbers become Python's."""
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def whitens(self, iteration: int) -> bool:
        """Whether step `iteration` (from 1) is followed by a whitening."""
        if isinstance(self.whiten, str):
            return self.whiten == "every" or (self.whiten == "last" and iteration == self.num_iterations)
        return iteration % self.whiten == 0

    def __call__(
        self, graph: Graph, *, init: np.ndarray | Embedding | None = None, progress: Progress = no_progress
    ) -> tuple[np.ndarray, Trace]:
        """Vectors float32[n, dim] of all entities, and the trace."""
        self._warn_of_two_sides(graph)
        op, order = reordered(markov(graph, self.propagation, form=self.form, hyperedge_trim_n=self.hyperedge_trim_n))
        alive = np.asarray(op.row_sum) > 0
        rank = self._rank(int(alive.sum()))
        table = start(graph.vocab, self.dim, self.init if init is None else init, self.seed, order)
        state = self._first(table, alive, rank)
        del table
        mask = jax.device_put(alive.astype(np.float32))
        with one_blas_thread():
            state, trace = self._iterate(op, mask, rank, state, progress)
            blocks = jax.block_until_ready(finish(mask, *state, rank=rank, alpha=self.whiten_alpha))
            del state
        return _gathered(blocks, order), trace

    def _warn_of_two_sides(self, graph: Graph) -> None:
        """A walk between two sides that never stays makes two chains, each from the first vectors of one side."""
        if graph.two_sided and self.residual_weight == 0 and not self.propagation.startswith("directed"):
            checks.warn(
                f"relation {graph.relations[0].name!r} relates two columns only to each other, so the walk changes "
                "sides at every step: vectors are comparable within a column, not between the two. "
                "`residual_weight=0.5`, or 'complex::reflexive::' on a column, makes them comparable.",
                TwoSidedWarning,
            )

    def _rank(self, num_entities: int) -> int:
        if self.whiten_rank is not None:
            return self.whiten_rank
        rank = whitening_rank(num_entities, self.dim)
        if rank < self.dim and self.whiten != "off":
            checks.warn(
                f"whitening is confined to {rank} of {self.dim} directions, because the graph has only "
                f"{num_entities:,} entities in hyperedges; the other columns are zero (`whiten_rank` overrides).",
                RankWarning,
            )
        return rank

    def _first(self, table: jax.Array, alive: np.ndarray, rank: int) -> State:
        step = self._step(1, rank)
        pending = Pending.nothing(self.dim, triangular=step.triangular) if step.whiten else None
        return State(split_columns(table if alive.all() else table * alive[:, None]), pending)

    def _step(self, iteration: int, rank: int) -> Step:
        whiten = self.whitens(iteration) and self.whiten != "last"  # the last whitening follows the loop, see `settle`
        # Later steps only rotate with a rotated whitening, and the last is put right by `finish`; but where steps
        # without whitening come last, or norms are not blind to rotation, the rotation would be seen.
        free = self.whiten in ("every", 1) and self.normalization != "l1"
        triangular = free and rank == self.dim and self.whiten_alpha == 1
        return Step(self.normalization, whiten, rank, self.whiten_alpha, self.residual_weight > 0, triangular)

    def _iterate(
        self, op: Operator, alive: jax.Array, rank: int, state: State, progress: Progress
    ) -> tuple[State, Trace]:
        """The loop over steps; stops early where the subspace has converged."""
        weight = np.float32(self.residual_weight)
        seen: list[Seen | None] = []
        changes: list[float] = []
        spare = tuple(jnp.zeros_like(block) for block in state.table)
        reach = apply(op, alive[:, None])[:, 0]
        progress("embedding", 0, self.num_iterations)
        for iteration in range(1, self.num_iterations + 1):
            step = self._step(iteration, rank)
            old = state
            state, found = advance(op, alive, reach, weight, old, spare, step=step)
            seen.append(found)
            if self.tolerance is not None:
                changes.append(float(subspace_change(alive, old, state, rank=rank)))
            spare = jax.block_until_ready(old.table)
            jax.block_until_ready(state)
            progress("embedding", iteration, self.num_iterations)
            if self.tolerance and changes[-1] <= self.tolerance and (step.whiten or isinstance(self.whiten, str)):
                break
        if self.whiten == "last":
            pending, seen[-1] = jax.block_until_ready(settle(alive, state.table, rank=rank, alpha=self.whiten_alpha))
            state = State(state.table, pending)
        converged = bool(self.tolerance and changes[-1] <= self.tolerance)
        return state, _trace(seen, changes, converged)


def embed(
    graph: Graph,
    method: Method | None = None,
    *,
    init: np.ndarray | Embedding | None = None,
    relations: Literal["joint"] | None = None,
    progress: Progress = no_progress,
) -> Embedding:
    """Vectors for the entities of a graph.

    Args:
        graph: n entities; those of transient columns propagate but are not among the results.
        method: default `Cleora()`: 256 dimensions, 40 steps, whitened after each.
        init: first vectors in place of the method's own: float[n, d] in the order of `graph.vocab`, or an `Embedding`
            to start from (matched by column and id).
        relations: must be "joint" where the graph has several relations: their counts are added up. `embed_apart`
            embeds each by itself.
        progress: called after every step; see `progress_bar`.

    Returns:
        An `Embedding` with the method's settings and its trace.

    Raises:
        ValueError: an option out of range, or several relations without `relations="joint"`.
        InputError: NaN or infinity in `init` (with its place).

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.from_hyperedges(["alice laptop", "alice mouse", "bob keyboard"])
        >>> embedding = cj.embed(graph, cj.Cleora(dim=2))
        >>> sorted(entity for entity, score in embedding.most_similar("alice", k=2))
        ['laptop', 'mouse']
    """
    method = Cleora() if method is None else method
    if not isinstance(graph, Graph):
        raise TypeError(f"`graph` must be a Graph (see `read`, `from_hyperedges`, `from_edges`), got {graph!r:.100}.")
    if not callable(method):
        raise TypeError(f"`method` must be a method such as Cleora(dim=64), got {method!r:.100}.")
    if relations is not None:
        checks.one_of("relations", relations, ("joint",))
    if len(graph.relations) > 1 and relations is None:
        names = ", ".join(relation.name for relation in graph.relations)
        raise checks.OptionError(
            f"the graph has several relations ({names}): pass `relations='joint'` to add them up, "
            "or call `embed_apart` for one embedding of each."
        )
    vectors, trace = method(graph, init=init, progress=progress)
    vocab = graph.vocab
    if len(graph.kept) < len(vocab):
        vectors, vocab = vectors[graph.kept], vocab.take(graph.kept)
    given = {} if init is None else {"init": "warm start" if isinstance(init, Embedding) else "array"}
    return Embedding(vectors, vocab, _settings(method) | given, trace)


def embed_apart(
    graph: Graph, method: Method | None = None, *, progress: Progress = no_progress
) -> dict[str, Embedding]:
    """One embedding per relation, by name, each over all entities of the graph.

    Entities that do not stand in a relation are isolated there and have the zero vector.
    """
    return {
        relation.name: embed(graph.relation(relation.name), method, progress=progress) for relation in graph.relations
    }


def _settings(method: Method) -> dict[str, Any]:
    return {"method": type(method).__name__, **asdict(method)}  # type: ignore[call-overload]


def _gathered(blocks: Blocks, order: np.ndarray | None) -> np.ndarray:
    """Column blocks as one table, rows put back where they were before `reordered`."""
    vectors = np.empty((len(blocks[0]), sum(block.shape[1] for block in blocks)), np.float32)
    for first, block in zip(range(0, vectors.shape[1], BLOCK_COLUMNS), blocks, strict=True):
        vectors[slice(None) if order is None else order, first : first + block.shape[1]] = block
    return vectors


def _trace(seen: list[Seen | None], changes: list[float], converged: bool) -> Trace:
    kept = np.array([0 if found is None else int(found.kept) for found in seen])
    rank = np.array([np.nan if found is None else float(found.effective_rank) for found in seen])
    change = np.array(changes) if changes else np.full(len(seen), np.nan)
    return Trace(kept, rank, change, converged)
