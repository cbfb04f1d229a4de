"""What every mode of the door ends in: our settings of theirs, and a run of our loop that a callback may watch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._blas import one_blas_thread
from cleora_jax._progress import no_progress
from cleora_jax.cleora.method import Cleora
from cleora_jax.cleora.run import Run
from cleora_jax.cleora.verb import embed
from cleora_jax.sparse.from_graph import Propagation

if TYPE_CHECKING:
    from cleora_jax.pycleora.matrix import SparseMatrix

DEFAULT_FEATURE_DIM = 256
DEFAULT_NUM_ITERATIONS = 40
HYPEREDGE_TRIM_N = 16
NORMALIZATIONS = ("l2", "l1", "none", "spectral")
Normalization = Literal["l2", "l1", "none", "spectral"]
Watcher = Callable[[int, np.ndarray], None]


def method_of(
    dim: int,
    num_iterations: int,
    propagation: Propagation = "left",
    normalization: Normalization = "l2",
    *,
    whiten: bool = False,
    **settings: Any,
) -> Cleora:
    """Our method by their settings, from their first vectors. "spectral" is "l2" and a rotation, which is left out."""
    checks.one_of("normalization", normalization, NORMALIZATIONS)
    return Cleora(
        dim=dim,
        num_iterations=num_iterations,
        propagation=propagation,
        normalization="l2" if normalization == "spectral" else normalization,
        whiten="every" if whiten else "off",
        init="pycleora",
        **settings,
    )


def run(
    graph: SparseMatrix,
    method: Cleora,
    start: np.ndarray | None = None,
    callback: Watcher | None = None,
    threshold: float = 0.0,
) -> tuple[np.ndarray, int]:
    """Run a method over a graph.

    Args:
        graph: n entities; its trimming is that of the run, unless the walk follows the order of hyperedges.
        method: from `method_of`.
        start: float32[n, d]; default the method's own.
        callback: called after each step with its number, from 0, and the vectors.
        threshold: stop where entries moved by less, root mean square; 0 does not stop.

    Returns:
        Vectors float32[n, d], which may be written to, and the number of steps done.
    """
    trim = None if method.propagation.startswith("directed") else graph.hyperedge_trim_n
    method = replace(method, hyperedge_trim_n=trim)
    if callback is None and threshold <= 0:
        return embed(graph.graph, method, init=start).to_numpy(), method.num_iterations
    way, before = Run(graph.graph, method), None
    with one_blas_thread():
        for moment in way.steps(way.first(method.init if start is None else start), no_progress):
            found = way.vectors(moment.state, last=moment.last)
            if callback is not None:
                callback(moment.iteration - 1, found)
            if before is not None and np.sqrt(np.mean((found - before) ** 2, dtype=np.float64)) < threshold:
                break
            before = found
    return found, moment.iteration
