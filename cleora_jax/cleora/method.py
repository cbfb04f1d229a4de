"""Cleora, the method: its settings, checked, and what a run makes of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._blas import one_blas_thread
from cleora_jax._progress import Progress, no_progress
from cleora_jax.cleora.checkpoint import Checkpoint, kept_in
from cleora_jax.cleora.loop import Numbers, Step
from cleora_jax.cleora.run import Run, Trace
from cleora_jax.cleora.start import INITS, Init
from cleora_jax.cleora.stored_table import STORAGES, Storage
from cleora_jax.cleora.striped import Striped, check_striped
from cleora_jax.cleora.tables import InMemory, Tables
from cleora_jax.graph.build import Graph
from cleora_jax.sparse.attention import MIN_TEMPERATURE
from cleora_jax.sparse.from_graph import FORMS, NO_ORDER, PROPAGATIONS, Form, Propagation
from cleora_jax.vectors.alignment import procrustes, rotated
from cleora_jax.vectors.passes import NORMALIZATIONS, Normalization

SCHEDULES = ("every", "last", "off")
BOTH_WAYS = "directed-both"
MAX_DIM = 65_536
MAX_ITERATIONS = 1_000_000


class Unchosen(int):
    """A number that nobody chose, which gives way to another option. It stays so in `replace`, unlike None resolved."""


DEFAULT_ITERATIONS = Unchosen(40)


MOST_PLAIN_STEPS = 8  # of a narrow table: more lose a hundredth of the result and soon all of it


@dataclass(frozen=True)
class Cleora:
    """Markov propagation with per-step normalisation and whitening.

    Args:
        dim: d, columns of the result (of each of its parts, under `scales` and "directed-both").
        num_iterations: steps. Default: the last of `scales`, or 40.
        propagation: "left", "symmetric", "directed" (along hyperedge order), "directed-in" (against it) or
            "directed-both": both, side by side.
        normalization: of rows after each step: "l2", "l1" or "none".
        whiten: "every" step, after the "last" one done, "off", or k: after every k-th step.
        whiten_alpha: softness in [0, 1]: columns are scaled by λ^(−α/2); 1 whitens fully.
        whiten_rank: directions kept; None is k(n) of `whitening_rank`.
        residual_weight: r in [0, 1): a step mixes (1 − r) M x + r x.
        init: "hash" or "pycleora" (first vectors; arrays, features or an Embedding go to `embed(init=…)`).
        seed: of the first vectors.
        form: "auto", "clique" or "factored": how hyperedges are multiplied; the result is the same.
        hyperedge_trim_n: None, or of larger hyperedges only pairs with at least one of their so many most frequent
            entities are kept (see `markov`).
        tolerance: None, or stop when the column space moves by at most this (see `Trace.subspace_change`); 0 only
            measures. Costs three covariances a step.
        scales: depths whose vectors stand side by side, e.g. (10, 20, 30, 40); the run ends at the last of them.
            Default: only the end.
        scale_weights: one number per scale: their weighted sum, each turned onto the deepest by `procrustes`, in place
            of side by side.
        attention_temperature: None, or T: from the second step on, weights are multiplied by exp(cos / T) of the
            vectors at both ends, and each row is scaled back (see `attention`). The first step is plain, because hashed
            vectors know nothing yet. For T → ∞ it is plain propagation.
        metapath: relations walked in turn, and back, in place of `propagation` (see `metapath`). Default: none.
        storage: "float32", "float16" or "bfloat16": what the table is stored as between the passes of a step. Narrow
            numbers are widened where they are worked with, and the result is float32; but it is another result, by
            their rounding, and so this is a setting of the method.

    Reference: Rychalska et al., Cleora: A Simple, Strong and Scalable Graph Embedding Scheme, 2021 (arXiv 2102.02302).
    """

    dim: int = 256
    num_iterations: int = DEFAULT_ITERATIONS
    propagation: Propagation | Literal["directed-both"] = "left"
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
    scales: tuple[int, ...] = ()
    scale_weights: tuple[float, ...] | None = None
    attention_temperature: float | None = None
    metapath: tuple[str, ...] = ()
    storage: Storage = "float32"

    def __post_init__(self) -> None:
        checks.keep(self, dim=checks.integer("dim", self.dim, low=1, high=MAX_DIM))
        if not isinstance(self.num_iterations, Unchosen):
            checks.keep(
                self, num_iterations=checks.integer("num_iterations", self.num_iterations, low=1, high=MAX_ITERATIONS)
            )
        checks.one_of("propagation", self.propagation, (*PROPAGATIONS, BOTH_WAYS))
        checks.one_of("normalization", self.normalization, NORMALIZATIONS)
        checks.one_of("init", self.init, INITS)
        checks.one_of("form", self.form, FORMS)
        checks.keep(self, whiten_alpha=checks.real("whiten_alpha", self.whiten_alpha, low=0, high=1))
        checks.keep(
            self, residual_weight=checks.real("residual_weight", self.residual_weight, low=0, high=1, open_high=True)
        )
        checks.keep(self, seed=checks.seed(self.seed))
        if isinstance(self.whiten, str) and self.whiten not in SCHEDULES:
            told = checks.listed(map(repr, SCHEDULES))
            raise checks.OptionError(f"`whiten` must be one of {told}, or a number of steps, got {self.whiten!r}.")
        if not isinstance(self.whiten, str):
            checks.keep(self, whiten=checks.integer("whiten", self.whiten, low=1))
        if self.whiten_rank is not None:
            checks.keep(self, whiten_rank=checks.integer("whiten_rank", self.whiten_rank, low=1, high=self.dim))
        if self.hyperedge_trim_n is not None:
            checks.keep(self, hyperedge_trim_n=checks.integer("hyperedge_trim_n", self.hyperedge_trim_n, low=1))
            if self.propagation.startswith("directed"):
                raise checks.OptionError(NO_ORDER)
        if self.tolerance is not None:
            checks.keep(self, tolerance=checks.real("tolerance", self.tolerance, low=0))
        self._check_scales()
        self._check_walk()
        checks.one_of("storage", self.storage, tuple(STORAGES))
        if self.storage != "float32":
            check_striped(self, f"`storage` {self.storage!r}")
            self._check_narrow()

    def _check_narrow(self) -> None:
        """Steps without whitening make rows alike, until what is left between them is below the rounding of storing."""
        steps = self.num_iterations
        plain = steps if self.whiten == "last" else min(self.whiten, steps) if isinstance(self.whiten, int) else 1
        if plain > MOST_PLAIN_STEPS:
            raise checks.OptionError(
                f"`storage` {self.storage!r} does not go with more than {MOST_PLAIN_STEPS} steps between whitenings, "
                f"after which rows differ by less than it rounds; got `whiten` {self.whiten!r}."
            )

    def _check_scales(self) -> None:
        for name in ("scales", "scale_weights", "metapath"):
            if isinstance(getattr(self, name), str) or not isinstance(getattr(self, name), (Sequence, type(None))):
                raise TypeError(f"`{name}` must be a sequence, got {getattr(self, name)!r}.")
        scales = checks.rising("scales", self.scales or (), low=1, high=MAX_ITERATIONS)
        chosen = not isinstance(self.num_iterations, Unchosen)
        if scales and chosen and self.num_iterations != scales[-1]:
            raise checks.OptionError(
                f"`num_iterations` {self.num_iterations} does not go with `scales` {scales}: the run ends at the last."
            )
        if scales and self.tolerance:
            raise checks.OptionError("`tolerance` does not go with `scales`: every depth must be reached.")
        if self.scale_weights is not None and not scales:
            raise checks.OptionError("`scale_weights` needs `scales`: the depths that it weighs.")
        if self.scale_weights is not None:
            weights = tuple(checks.real("scale_weights", weight, low=-np.inf) for weight in self.scale_weights)
            if len(weights) != len(scales):
                raise checks.OptionError(
                    f"`scale_weights` must be one number per scale ({len(scales)}), got {weights}."
                )
            checks.keep(self, scale_weights=weights)
        checks.keep(self, scales=scales)
        if not chosen:
            checks.keep(self, num_iterations=Unchosen(scales[-1]) if scales else DEFAULT_ITERATIONS)

    def _check_walk(self) -> None:
        if self.attention_temperature is not None:
            low = MIN_TEMPERATURE
            checks.keep(
                self, attention_temperature=checks.real("attention_temperature", self.attention_temperature, low=low)
            )
            if self.form == "factored":
                raise checks.OptionError(
                    "`attention_temperature` weighs pairs of entities; `form='factored'` has none."
                )
        checks.keep(self, metapath=tuple(self.metapath or ()))
        if self.metapath:
            taken = {"propagation": "left", "form": "auto", "hyperedge_trim_n": None, "attention_temperature": None}
            for name, default in taken.items():
                if getattr(self, name) != default:
                    raise checks.OptionError(f"`metapath` does not go with `{name}`: it is a matrix of its own.")

    @property
    def num_parts(self) -> int:
        """Snapshots that are taken: one for each scale, else one."""
        return len(self.scales) or 1

    def whitens(self, iteration: int) -> bool:
        """Whether step `iteration` (from 1) is followed by a whitening."""
        if isinstance(self.whiten, str):
            return self.whiten == "every" or (self.whiten == "last" and iteration == self.num_iterations)
        return iteration % self.whiten == 0

    def numbers(self, rank: int) -> Numbers:
        """The settings that may be traced, and the rank of whitenings."""
        temperature = 1.0 if self.attention_temperature is None else self.attention_temperature
        return Numbers(*(np.float32(value) for value in (self.residual_weight, self.whiten_alpha, temperature, rank)))

    def step(self, iteration: int, rank: int) -> Step:
        """What is compiled for step `iteration` (from 1)."""
        whiten = self.whitens(iteration) and self.whiten != "last"  # "last" whitens what leaves the loop, see `Run`
        # Later steps only rotate with a rotated whitening, and the last is put right by `finish`; but where steps
        # without whitening come last, or norms are not blind to rotation, the rotation would be seen.
        free = self.whiten in ("every", 1) and self.normalization != "l1"
        triangular = free and rank == self.dim and self.whiten_alpha == 1
        attends = self.attention_temperature is not None and iteration > 1
        return Step(self.normalization, whiten, self.residual_weight > 0, triangular, attends)

    def __call__(
        self,
        graph: Graph,
        *,
        init: Init | None = None,
        progress: Progress = no_progress,
        shared: bool = False,
        checkpoint: Checkpoint | None = None,
        tables: Callable[[], Tables] | None = None,
    ) -> tuple[np.ndarray, Trace | tuple[Trace, Trace]]:
        """Vectors float32[n, dim] of all entities (all parts side by side), and the trace (one for each direction).

        Where the tables have a file for the result, the vectors are of the entities that it has rows for.

        With `shared`, other graphs of as many entities share what is compiled for this one; the result is the same.
        `checkpoint` keeps the state of the run, `tables` makes the place of its tables (default: memory); see
        `embed`, which checks that they fit.
        """
        if self.propagation == BOTH_WAYS:
            return self._both_ways(graph, checkpoint, init=init, progress=progress, shared=shared, tables=tables)
        place = self.own_tables() if tables is None else tables()
        spill = isinstance(place, Striped) and place.folder is not None
        with kept_in(checkpoint, graph, self, init, spill=spill) as keeper, one_blas_thread():
            run = Run(graph, self, shared=shared, tables=place)
            parts = run.parts(self.init if init is None else init, progress, keeper)
        result = place.result
        return self.joined(parts) if result is None else result.whole, run.trace()

    def own_tables(self) -> Tables:
        """In memory: two of float32 that take turns, or a narrow one."""
        return InMemory() if self.storage == "float32" else Striped(None, self.storage)

    def _both_ways(
        self, graph: Graph, checkpoint: Checkpoint | None, **options: Any
    ) -> tuple[np.ndarray, tuple[Trace, Trace]]:
        """Along the direction and against it, side by side."""
        found = []
        for way in ("directed", "directed-in"):
            inside = None if checkpoint is None else checkpoint.within(way)
            found.append(replace(self, propagation=way)(graph, checkpoint=inside, **options))
        (out, one), (inward, other) = found
        if out is inward:  # of a file that both were written to
            return out, (one, other)  # type: ignore[return-value]
        return np.concatenate([out, inward], axis=1), (one, other)  # type: ignore[return-value]

    def joined(self, parts: Sequence[np.ndarray]) -> np.ndarray:
        """Snapshots as one table."""
        if self.scale_weights is None:
            return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
        total = np.zeros(parts[-1].shape)
        for weight, part in zip(self.scale_weights, parts, strict=True):
            total += weight * rotated(part, procrustes(part, parts[-1]))
        return total.astype(np.float32)
