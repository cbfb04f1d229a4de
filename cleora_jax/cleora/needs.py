"""What a run will take, before it begins: bytes from counts alone, seconds from a short calibration."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._blas import one_blas_thread
from cleora_jax._memory import NeedsMemoryError, available_bytes, readable, resident_bytes
from cleora_jax.cleora.loop import Pending, State, Walk
from cleora_jax.cleora.method import BOTH_WAYS, Cleora
from cleora_jax.cleora.run import Run
from cleora_jax.cleora.start import starter
from cleora_jax.cleora.stored_table import STORAGES, STRIPE_COLUMNS, batch_windows
from cleora_jax.cleora.striped import Striped, check_on_disk
from cleora_jax.cleora.tables import InMemory, Tables
from cleora_jax.graph.build import Graph, check_graph
from cleora_jax.sparse.from_graph import from_csr, stored_form
from cleora_jax.sparse.operator import apply_block
from cleora_jax.sparse.reorder import MIN_ENTITIES
from cleora_jax.vectors.rows import BLOCK_COLUMNS, CHUNK_ROWS

ITEM = 4  # bytes of a float32
# Measured by `experiments.growth.run`, which compares all of this with what the system reports.
COMPILED = 100 << 20  # programs, and what compiling them leaves behind
COMPILED_ATTENTION = 110 << 20
BUILT = {"clique": 40, "factored": 16}  # bytes for each entry while the operator is built, its own among them
KEPT = 8  # bytes of a stored entry
ATTENDED = 26  # bytes for each entry whose weight is computed
ROW = 16  # bytes of what is known of each entity: pointers, degrees, who takes part
STRIPES, BATCHES = 3, 12  # of a table in a file, in memory at a time
SAMPLE_ROWS = 64 * CHUNK_ROWS  # rows by which a pass is timed
SAMPLE_IDS = 20_000  # ids by which first vectors are timed
SMALL = 32  # columns; fewer are not proposed


class Estimate(NamedTuple):
    """What a run will take.

    Args:
        held: bytes that the process holds now, the graph among them; None where the system does not tell.
        needed: bytes that the run holds beside them, at most at a time.
        seconds: a guess; None where there is none.
    """

    held: int | None
    needed: int
    seconds: float | None

    @property
    def peak(self) -> int:
        """Bytes that the process will hold, at most at a time."""
        return (self.held or 0) + self.needed

    def __str__(self) -> str:
        """In words."""
        took = "" if self.seconds is None else f", {self.seconds:.3g} s"
        return f"{readable(self.peak)} of memory at most ({readable(self.needed)} more than now){took}"


def estimate(
    graph: Graph, method: Any = None, *, spill: str | os.PathLike[str] | None = None, calibrate: bool = True
) -> Estimate:
    """The memory and the time that `embed` would take, without running it.

    Bytes follow from counts, of hyperedges, entities and columns. They are within a fifth of what the system reports
    at the end (`experiments.growth`), but more where the same pairs of entities come many times in the clique form.
    Seconds are those of a short calibration on this machine, now: the operator is built, and one product of some
    columns and one pass over some rows are timed. First vectors from arrays or features are not reckoned with.

    Args:
        graph: n entities; several relations as one.
        method: default `Cleora()`.
        spill: a folder for the table, as in `embed`.
        calibrate: False leaves `seconds` None, and takes no time. They are None, too, for other methods than Cleora,
            and under attention.

    Raises:
        OptionError: a method that does not tell what it needs (`bytes_needed`).
        NeedsMemoryError: not even the calibration fits into what is free.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.generators.erdos_renyi(10_000, 0.001)
        >>> cj.estimate(graph, cj.Cleora(dim=1024), calibrate=False).needed // 2**20  # MiB
        179
    """
    method = Cleora() if method is None else method
    check_graph(graph)
    if spill is not None and isinstance(method, Cleora):
        check_on_disk(method)
    needed, held = needed_bytes(graph, method, spill=spill is not None), resident_bytes()
    seconds = None
    if calibrate and isinstance(method, Cleora) and method.attention_temperature is None:
        _check_calibration(graph, method)
        with one_blas_thread():
            striped = spill is not None or method.storage != "float32"
            seconds = _seconds(graph, method, (lambda: Striped(spill, method.storage)) if striped else InMemory)
    return Estimate(held, needed, seconds)


def check_memory(graph: Graph, method: Any, *, memory: int | None, spill: bool, fit: bool = False) -> None:
    """Raise NeedsMemoryError where a run would take more than it may, or than is free, and say what would fit.

    Args:
        graph, method: what is run over what.
        memory: bytes that the process may hold; None: as much as is free.
        spill: the table lies in a file.
        fit: what `fit` keeps is made, too.
    """
    needed = needed_bytes(graph, method, spill=spill, fit=fit)
    for room, told in _rooms(memory):
        if needed > room:
            instead = _instead(graph, method, room, spill=spill, fit=fit)
            raise NeedsMemoryError(f"this run needs about {readable(needed)} more memory, {told}.{instead}")


def _rooms(memory: int | None) -> list[tuple[int, str]]:
    """Bytes that may be taken, by each limit there is, and its words."""
    held, free, rooms = resident_bytes() or 0, available_bytes(), []
    if memory is not None:
        memory = checks.integer("memory", memory, low=1)
        told = f"and of the {readable(memory)} that `memory` allows the process, it holds {readable(held)}"
        rooms.append((max(memory - held, 0), told))
    if free is not None:
        rooms.append((free, f"{readable(free)} are available"))
    return rooms


def _instead(graph: Graph, method: Any, room: int, *, spill: bool, fit: bool) -> str:
    """Other ways to run that fit, as a sentence."""
    narrow = [(f"`dim={one.dim}`", needed_bytes(graph, one, spill=spill, fit=fit)) for one in _narrower(method)]
    ways = [next((way for way in narrow if way[1] <= room), None)]
    if isinstance(method, Cleora) and not spill and not fit and _spills(method):
        ways.insert(0, ("`spill`, the table in a file", needed_bytes(graph, method, spill=True)))
    fits = [f"{words} ({readable(needed)})" for words, needed in filter(None, ways) if needed <= room]
    return f" What would fit: {' or '.join(fits)}." if fits else ""


def _narrower(method: Any) -> Iterator[Any]:
    """The method with fewer and fewer columns, where its other settings allow it."""
    dim = method.dim // 2
    while dim >= SMALL:
        with suppress(checks.OptionError):
            yield replace(method, dim=dim)
        dim //= 2


def _spills(method: Cleora) -> bool:
    try:
        check_on_disk(method)
    except checks.OptionError:
        return False
    return True


def needed_bytes(graph: Graph, method: Any, *, spill: bool = False, fit: bool = False) -> int:
    """Bytes that a run holds at most at a time, beside what is there before it; see `estimate`."""
    if not isinstance(method, Cleora):
        if not hasattr(method, "bytes_needed"):
            raise checks.OptionError(f"`method` {type(method).__name__} does not tell what it needs (`bytes_needed`).")
        return COMPILED + int(method.bytes_needed(graph.num_entities, graph.entries()["clique"]))
    rows, form = graph.num_entities, _form(graph, method)
    entries = graph.entries()[form]
    kept = KEPT * entries + ROW * rows
    striped = spill or method.storage != "float32"
    columns = STRIPE_COLUMNS if striped else BLOCK_COLUMNS
    between = 0 if form == "clique" else ITEM * graph.num_hyperedges * min(method.dim, columns)
    attended = 0 if method.attention_temperature is None else COMPILED_ATTENTION + ATTENDED * entries
    # `fit` keeps two tables for each part, while it works with those of two steps and what became of one.
    count = 2 * method.num_parts + 3 if fit else _tables(method)
    tables = _stripes(method, rows, spill) if striped else int(count * ITEM * rows * method.dim)
    return max(BUILT[form] * entries, COMPILED + kept + between + attended + tables)


def _stripes(method: Cleora, rows: int, spill: bool) -> int:
    """Bytes of a table in stripes that are in memory at a time, at most."""
    table = ITEM * rows * method.dim
    stripes = STRIPES * ITEM * rows * min(method.dim, STRIPE_COLUMNS)
    batches = BATCHES * min(batch_windows(method.dim) * CHUNK_ROWS * ITEM * method.dim, table)
    if spill:
        return stripes + batches
    # The result takes the place of the table as it grows, but not where rows may have been reordered.
    given_back = 0.0 if rows >= MIN_ENTITIES else _share(method)
    return int(max(stripes + _share(method) * table, (_tables(method) - given_back) * table)) + batches


def _share(method: Cleora) -> float:
    """Of a table of float32, what the stored one takes."""
    return STORAGES[method.storage].itemsize / ITEM


def _form(graph: Graph, method: Cleora) -> str:
    """In which form hyperedges are multiplied."""
    if method.metapath or method.attention_temperature is not None or method.propagation.startswith("directed"):
        return "clique"
    return stored_form(graph, method.form)


def _tables(method: Cleora) -> float:
    """Tables of all entities, as float32, that are in memory at a time, at most: those of the steps and of a result."""
    parts, turns = method.num_parts, 2.0 if method.storage == "float32" else _share(method)  # one narrow serves alone
    result = 1 if method.scale_weights is not None else parts
    if method.scale_weights is not None:
        most = parts + 4.0  # their sum is float64
    elif parts > 1:
        most = max(parts + turns + 1, 2 * parts)  # a snapshot beside those; then all of them, and side by side
    else:
        most = turns if turns == 2 else 1 + turns  # the result takes the place of one of two, or stands beside one
    return max(most + result, 4 * result) if method.propagation == BOTH_WAYS else most


def _check_calibration(graph: Graph, method: Cleora) -> None:
    """Raise NeedsMemoryError unless the operator and a few columns fit."""
    count, free = (
        needed_bytes(graph, replace(method, dim=1, whiten_rank=None, scales=(), scale_weights=None)),
        available_bytes(),
    )
    if free is not None and count > free:
        told = "the operator of this graph alone needs about"
        raise NeedsMemoryError(f"{told} {readable(count)}, {readable(free)} are available.")


def _seconds(graph: Graph, method: Cleora, tables: Callable[[], Tables]) -> float:
    """How long a run takes, by its pieces."""
    ways = 1
    if method.propagation == BOTH_WAYS:
        method, ways = replace(method, propagation="directed"), 2
    begun = time.perf_counter()
    run = Run(graph, method)
    building = time.perf_counter() - begun
    make, some = starter(graph.vocab, method.dim, method.init, method.seed), np.arange(_few(graph))
    first = _clocked(lambda: make(some))
    product = _product_seconds(run, min(method.dim, STRIPE_COLUMNS)) * method.dim / min(method.dim, STRIPE_COLUMNS)
    kinds = _kinds(method)
    passes = {one: _pass_seconds(run, method, tables(), one) for one in kinds}
    scale = graph.num_entities / _few(graph)
    steps = method.num_iterations * product + sum(kinds[kind] * each for kind, (_, each) in passes.items())
    compiling, around = (max(times) for times in zip(*passes.values(), strict=True))
    return ways * (building + first * scale + compiling * len(kinds) + steps + around * (1 + method.num_parts))


def _kinds(method: Cleora) -> dict[int, int]:
    """How many steps there are of each kind, by the number of one of them: some whiten, some do not."""
    if isinstance(method.whiten, str):
        return {1: method.num_iterations}
    whitened = method.num_iterations // method.whiten
    kinds = {method.whiten: whitened, method.whiten - 1: method.num_iterations - whitened}
    return {one: count for one, count in kinds.items() if count}


def _few(graph: Graph) -> int:
    return min(graph.num_entities, SAMPLE_IDS)


def _product_seconds(run: Run, columns: int) -> float:
    """Of one product with so many columns."""
    stripe = jnp.zeros((run.walk.op.num_entities, columns), jnp.float32)
    product = jax.jit(apply_block)
    return _clocked(lambda: product(run.walk.op, stripe))


def _pass_seconds(run: Run, method: Cleora, tables: Tables, iteration: int) -> tuple[float, float]:
    """Seconds that a step takes to compile, and those of everything in it but its product, of all rows."""
    count = min(run.walk.op.num_entities, SAMPLE_ROWS)
    alone = from_csr(sp.eye_array(count, dtype=np.float32, format="csr"), symmetric=True)
    ones = jnp.ones(count, jnp.float32)
    walk, step = Walk(alone, ones, ones, None), replace(method.step(iteration, run.rank), attention=False)
    vocab = run.vocab.take(np.arange(count))
    table = tables.first(vocab, method.dim, method.init, method.seed, None, np.ones(count, bool))
    state = State(table, Pending.nothing(method.dim, triangular=step.triangular) if step.whiten else None)
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        state, _ = tables.advance(walk, run.numbers, state, step)
        times.append(time.perf_counter() - begun)
    warm = min(times[1:])
    return times[0] - warm, warm * run.walk.op.num_entities / count


def _clocked(work: Callable[[], Any]) -> float:
    """Seconds of a second call, when all is compiled."""
    jax.block_until_ready(work())
    begun = time.perf_counter()
    jax.block_until_ready(work())
    return time.perf_counter() - begun
