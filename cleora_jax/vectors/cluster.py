"""k-means, shared by communities and by the codebooks of product quantisation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._blas import one_blas_thread
from cleora_jax._progress import Progress, no_progress
from cleora_jax._random import drawn, generator
from cleora_jax.vectors.stable import stored

CHUNK = 1024  # rows of a product, whose bits do not depend on the number of threads
SEED_ROWS = 1 << 16  # of which first centres are chosen, at most


class KMeans(NamedTuple):
    """Clusters of the rows of a table.

    Args:
        centres: float32[k, d].
        labels: int32[n], of each row the nearest centre; the lower one among equals.
        inertia: sum of the squared distances of the rows from their centres.
        iterations: how many times centres were moved.
        converged: no label changed in the last of them.
    """

    centres: np.ndarray
    labels: np.ndarray
    inertia: float
    iterations: int
    converged: bool


def kmeans(
    x: np.ndarray,
    k: int,
    *,
    restarts: int = 1,
    max_iterations: int = 100,
    centres: np.ndarray | None = None,
    seed: int = 0,
    progress: Progress = no_progress,
) -> KMeans:
    """Lloyd's algorithm from centres by greedy k-means++, in JAX.

    A cluster that loses all its rows takes the row that is farthest from its own centre. The bits do not depend on the
    number of threads.

    Args:
        x: float[n, d], finite.
        k: between 1 and n.
        restarts: runs, each from other centres; that of least inertia is kept. Default: 1.
        max_iterations: of a run, at least 1. Default: 100.
        centres: float[k, d] to begin with, in a single run. Default: chosen by k-means++.
        seed: Default: 0.
        progress: told of each run.

    Raises:
        ValueError: numbers out of range, no matrix, NaN or infinity.

    Example:
        >>> x = np.array([[0, 0], [0, 1], [9, 9], [9, 8]], np.float32)
        >>> found = kmeans(x, 2)
        >>> found.labels.tolist() in ([0, 0, 1, 1], [1, 1, 0, 0]), round(found.inertia, 5)
        (True, 1.0)

    Reference: Lloyd, Least squares quantization in PCM, 1982; Arthur and Vassilvitskii, k-means++: the advantages of
    careful seeding, SODA 2007.
    """
    checks.no_embedding("x", x)
    x = np.asarray(x)
    if x.ndim != 2 or not len(x):
        raise checks.OptionError(f"`x` must be a matrix with a row at least, got shape {x.shape}.")
    if not np.isfinite(x).all():
        raise checks.OptionError("`x` must be finite, got NaN or infinity.")
    k = checks.integer("k", k, low=1, high=len(x))
    restarts = checks.integer("restarts", restarts, low=1)
    max_iterations = checks.integer("max_iterations", max_iterations, low=1)
    if centres is not None and np.shape(centres) != (k, x.shape[1]):
        raise checks.OptionError(f"`centres` must be [{k}, {x.shape[1]}], got shape {np.shape(centres)}.")
    if centres is not None and not np.isfinite(centres).all():
        raise checks.OptionError("`centres` must be finite, got NaN or infinity.")
    middle = x.mean(axis=0, dtype=np.float64)  # distances lose less where the cloud lies at zero,
    size = _size(x, middle, centres)  # and squares where it has size 1
    table = _Table(x, middle, size)
    rng = generator(seed)
    if centres is not None:
        begin = ((np.asarray(centres, np.float64) - middle) / size).astype(np.float32)
        return _grown(_run(table, begin, max_iterations), middle, size)
    runs = []
    for number in range(restarts):
        progress("k-means", number, restarts)
        with one_blas_thread():
            begin = first_centres(table.rows, k, rng)
        runs.append(_run(table, begin, max_iterations))
    progress("k-means", restarts, restarts)
    best = min(runs, key=lambda run: run.inertia)
    return _grown(best, middle, size)


def _size(x: np.ndarray, middle: np.ndarray, centres: np.ndarray | None) -> float:
    """The farthest that a row or a centre lies from the middle, in one column; not less than rounding makes it."""
    parts = [*_blocks(x), *([] if centres is None else [centres])]
    far = max(np.abs(part - middle).max() for part in parts)
    most = max(float(x.max()), -float(x.min()))
    return float(max(far, most * np.finfo(np.float32).eps, np.finfo(np.float32).tiny))


def _blocks(x: np.ndarray) -> Iterator[np.ndarray]:
    """Its rows, so many at a time that what is computed on them in float64 stays small."""
    return (x[start : start + SEED_ROWS] for start in range(0, len(x), SEED_ROWS))


def _grown(found: KMeans, middle: np.ndarray, size: float) -> KMeans:
    """What was found, where the rows were before they were moved and scaled."""
    centres = (found.centres * size + middle).astype(np.float32)
    return found._replace(centres=centres, inertia=found.inertia * size**2)


class _Table:
    """Rows, moved and scaled, in whole chunks, as JAX has them: one copy of the table."""

    def __init__(self, x: np.ndarray, middle: np.ndarray, size: float) -> None:
        self.count = len(x)
        chunks = -(-len(x) // CHUNK)
        padded, at = np.zeros((chunks * CHUNK, x.shape[1]), np.float32), 0
        for block in _blocks(x):
            padded[at : at + len(block)] = (block - middle) / size
            at += len(block)
        self.rows = padded[: len(x)]
        there = (np.arange(len(padded)) < len(x)).astype(np.float32)
        self.chunks = jax.device_put(padded.reshape(chunks, CHUNK, -1))
        self.there = jax.device_put(there.reshape(chunks, CHUNK))


def _run(table: _Table, centres: np.ndarray, max_iterations: int) -> KMeans:
    labels: np.ndarray | None = None
    for iteration in range(max_iterations + 1):
        found, distance, sums, counts = (np.asarray(part) for part in _assign(table.chunks, table.there, centres))
        found, distance = found.reshape(-1)[: table.count], distance.reshape(-1)[: table.count]
        same = labels is not None and bool((found == labels).all())
        labels = found
        if same or iteration == max_iterations:
            break
        centres = _moved(table.rows, centres, sums, counts, distance)
    assert labels is not None
    return KMeans(centres, labels, float(distance.sum(dtype=np.float64)), iteration, same)


def _moved(
    rows: np.ndarray, centres: np.ndarray, sums: np.ndarray, counts: np.ndarray, distance: np.ndarray
) -> np.ndarray:
    """Means of the clusters; empty ones go to the rows farthest from their centres."""
    empty = np.flatnonzero(counts == 0)
    moved = sums / np.maximum(counts, 1)[:, None]
    if len(empty):
        moved[empty] = rows[np.argsort(-distance, kind="stable")[: len(empty)]]
    return moved.astype(np.float32)


@jax.jit
def _assign(
    chunks: jax.Array, there: jax.Array, centres: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:  # fmt: skip
    """Labels and squared distances, int32 and float32[chunks, CHUNK]; sums and numbers of the rows of each cluster."""
    square = (centres**2).sum(axis=1)

    def one(carry: tuple[jax.Array, jax.Array], chunk: tuple[jax.Array, jax.Array]) -> Any:
        rows, mask = chunk
        score = square - 2 * rows @ centres.T
        label = jnp.argmin(score, axis=1).astype(jnp.int32)
        distance = jnp.maximum(score.min(axis=1) + (rows**2).sum(axis=1), 0) * mask
        member = jax.nn.one_hot(label, centres.shape[0], dtype=jnp.float32) * mask[:, None]
        return (carry[0] + stored(member.T) @ rows, carry[1] + member.sum(axis=0)), (label, distance)

    empty = jnp.zeros_like(centres), jnp.zeros(centres.shape[0], jnp.float32)
    totals, each = jax.lax.scan(one, empty, (chunks, there))
    return *each, *totals


def first_centres(x: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """k rows float32[k, d] far from each other; of many rows a sample is looked at.

    Each is, of a few drawn by their squared distance from the centres so far, the one that leaves the least distance.
    """
    most = max(SEED_ROWS, 4 * k)
    rows = x if len(x) <= most else x[np.sort(rng.choice(len(x), most, replace=False))]
    square = (rows.astype(np.float64) ** 2).sum(axis=1)
    tries = 2 + int(np.log(k))
    centres = np.empty((k, x.shape[1]), np.float32)
    centres[0] = rows[rng.integers(len(rows))]
    near = _distances(rows, square, centres[:1])[0]
    for at in range(1, k):
        some = drawn(np.cumsum(near), tries, rng)
        left = np.minimum(_distances(rows, square, rows[some]), near)
        best = int(np.argmin(left.sum(axis=1)))
        centres[at], near = rows[some[best]], left[best]
    return centres


def _distances(rows: np.ndarray, square: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Squared distances float64[c, n]."""
    products = (rows @ centres.T).T.astype(np.float64)
    own = (centres.astype(np.float64) ** 2).sum(axis=1)
    return np.maximum(square - 2 * products + own[:, None], 0)
