"""`embed`, the verb: one call for every method and every kind of start."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Literal, Protocol

import jax
import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress, no_progress
from cleora_jax.cleora.checkpoint import Checkpoint
from cleora_jax.cleora.method import Cleora
from cleora_jax.cleora.needs import check_memory
from cleora_jax.cleora.places import Places
from cleora_jax.cleora.start import Init, features_of
from cleora_jax.graph.build import Graph, check_graph
from cleora_jax.vectors.embedding import Embedding


class Method(Protocol):
    """What `embed` asks of a method: a frozen dataclass, callable on a graph."""

    def __call__(self, graph: Graph, *, init: Any = None, progress: Progress = no_progress) -> tuple[np.ndarray, Any]:
        """Vectors float32[n, d] in the order of `graph.vocab`, and a trace."""


def embed(
    graph: Graph,
    method: Method | None = None,
    *,
    init: Init | None = None,
    relations: Literal["joint"] | None = None,
    progress: Progress = no_progress,
    checkpoint: Checkpoint | None = None,
    spill: str | os.PathLike[str] | None = None,
    devices: Sequence[jax.Device] | None = None,
    memory: int | None = None,
) -> Embedding:
    """Vectors for the entities of a graph.

    Args:
        graph: n entities; those of transient columns propagate but are not among the results.
        method: default `Cleora()`: 256 dimensions, 40 steps, whitened after each.
        init: first vectors in place of the method's own: float[n, d] in the order of `graph.vocab`, an `Embedding` to
            start from (matched by column and id), `Features`, or a list of `Features`, one for each column.
        relations: must be "joint" where the graph has several relations (and the method walks no metapath): their
            counts are added up. `embed_apart` embeds each by itself.
        progress: called after every step; see `progress_bar`.
        checkpoint: where a run of `Cleora` keeps its state, and goes on from; see `Checkpoint`. Default: nowhere.
        spill: a folder for the table of a run of `Cleora`, which then memory need not hold: beside the graph it takes
            32 columns of it at a time. The result is the same, to the bit, mapped from a file that is gone with it.
            Default: memory.
        devices: of JAX, over which the rows of a run of `Cleora` are spread: `jax.devices()` are those of all processes
            that joined by `join_processes`. The result is the same up to rounding, which depends on how many
            there are. Default: one.
        memory: bytes that the process may hold. Default: what it holds, and what is free.

    Returns:
        An `Embedding` with the method's settings and its trace.

    Raises:
        ValueError: an option out of range, or several relations without `relations="joint"`.
        NeedsMemoryError: it would take more than that (see `estimate`), before it begins; says what would fit.
        InputError: NaN or infinity in `init` (with its place), or a checkpoint of another run.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.from_hyperedges(["alice laptop", "alice mouse", "bob keyboard"])
        >>> embedding = cj.embed(graph, cj.Cleora(dim=2))
        >>> sorted(entity for entity, score in embedding.most_similar("alice", k=2))
        ['laptop', 'mouse']
    """
    method = Cleora() if method is None else method
    check_embeddable(graph, method, relations)
    places = Places(checkpoint, spill, devices)
    places.check(method)
    _check_room(graph, method, places, memory)
    vectors, trace = places.of(method, graph, init)(graph, init=init, progress=progress)
    return as_embedding(graph, method, vectors, trace, init)


def _check_room(graph: Graph, method: Any, places: Places, memory: int | None) -> None:
    """Raise unless memory suffices; baselines look themselves where nothing is said, at the matrix that they make."""
    if memory is not None and places.devices is not None:
        raise checks.OptionError("`memory` does not go with `devices`: what each process holds is not reckoned.")
    if memory is not None or (isinstance(method, Cleora) and places.devices is None):
        check_memory(graph, method, memory=memory, spill=places.spill is not None)


def check_embeddable(graph: Graph, method: Method, relations: str | None) -> None:
    """Raise unless the graph is one, the method a method, and several relations are wanted as one."""
    check_graph(graph)
    if graph.num_entities < 2:
        raise checks.OptionError(f"`graph` must have at least two entities, for vectors to differ; got {graph!r}.")
    if not callable(method):
        raise TypeError(f"`method` must be a method such as Cleora(dim=64), got {method!r:.100}.")
    check_relations(graph, method, relations)


def check_relations(graph: Graph, method: Method, relations: str | None) -> None:
    """Raise unless several relations are wanted as one."""
    if relations is not None:
        checks.one_of("relations", relations, ("joint",))
    if len(graph.relations) > 1 and relations is None and not getattr(method, "metapath", ()):
        names = checks.listed(relation.name for relation in graph.relations)
        raise checks.OptionError(
            f"the graph has several relations ({names}): pass `relations='joint'` to add them up, "
            "or call `embed_apart` for one embedding of each."
        )


def as_embedding(graph: Graph, method: Method, vectors: np.ndarray, trace: Any, init: Init | None) -> Embedding:
    """The vectors of all entities as an `Embedding` of those that are results."""
    vocab = graph.vocab
    if len(graph.kept) < len(vocab):
        vocab = vocab.take(graph.kept)
        vectors = vectors if len(vectors) == len(vocab) else vectors[graph.kept]
    return Embedding(vectors, vocab, _settings(method) | _start_settings(init), trace)


def embed_apart(
    graph: Graph,
    method: Method | None = None,
    *,
    init: Init | None = None,
    progress: Progress = no_progress,
    checkpoint: Checkpoint | None = None,
    spill: str | os.PathLike[str] | None = None,
    devices: Sequence[jax.Device] | None = None,
    memory: int | None = None,
) -> dict[str, Embedding]:
    """One embedding per relation, by name, each over all entities of the graph; `combine` makes one of them.

    Entities that do not stand in a relation are isolated there and have the zero vector. Arguments are as in `embed`,
    and so are the vectors, to the bit; but relations share what is compiled for them (except under attention).

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.from_hyperedges(["ann\\ttea\\tshop", "bob\\ttea\\tfair"], "user item place")
        >>> parts = cj.embed_apart(graph, cj.Cleora(dim=2, num_iterations=3, residual_weight=0.5))
        >>> list(parts), cj.combine(list(parts.values())).dim
        (['user-item', 'user-place', 'item-place'], 6)
    """
    method = Cleora() if method is None else method
    check_graph(graph)
    options = {"shared": True} if isinstance(method, Cleora) else {}
    places, runs = Places(checkpoint, spill, devices), [f"relation-{number}" for number in range(len(graph.relations))]
    places.check(method, runs)
    found: dict[str, Embedding] = {}
    for name, relation in zip(runs, graph.relations, strict=True):
        one = graph.relation(relation.name)
        check_embeddable(one, method, None)
        _check_room(one, method, places, memory)
        run = places.within(name).of(method, one, init)
        vectors, trace = run(one, init=init, progress=progress, **options)
        found[relation.name] = as_embedding(one, method, vectors, trace, init)
    return found


def _settings(method: Method) -> dict[str, Any]:
    return {"method": type(method).__name__, **asdict(method)}  # type: ignore[call-overload]


def _start_settings(init: Init | None) -> dict[str, Any]:
    """How the first vectors were given, where they were."""
    if init is None or isinstance(init, str):
        return {} if init is None else {"init": init}
    if isinstance(init, Embedding):
        return {"init": "warm start"}
    return {"init": "features" if features_of(init) else "array"}
