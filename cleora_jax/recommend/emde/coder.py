"""DLSH: codes of vectors by several partitions of the space, along hyperplanes that the data's density sets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._blas import one_blas_thread
from cleora_jax._random import generator

Thresholds = Literal["quantile", "median"]
THRESHOLDS = ("quantile", "median")
ROW_BLOCK = 4096  # rows coded at once
MAX_WIDTH = 1 << 16


@dataclass(frozen=True)
class DLSH:
    """Density-dependent locality-sensitive hashing: how vectors become codes.

    Each depth is a partition of the space of its own, by log₂ `width` hyperplanes in random directions. Where each
    stands is set by the data: a share of the vectors, drawn anew for each or a half, lies below it.

    Args:
        depth: N, how many partitions.
        width: W, parts of each, a power of two.
        thresholds: "quantile": the share is drawn uniformly from [0, 1], as in the paper; "median": a half, so that
            parts are of one size where the hyperplanes are independent.
        seed: of directions and shares.

    Differs from the released code, which draws 16 hyperplanes whatever the width and takes the rest of a division of
    their bits by W: that leaves some of them unused. Reference: Dąbrowski, Rychalska, Daniluk, Basaj, Gołuchowski,
    Bąbel, Michałowski, Jakubowski, An efficient manifold density estimator for all recommendation systems, 2021 (arXiv
    2006.01894).
    """

    depth: int = 10
    width: int = 128
    thresholds: Thresholds = "quantile"
    seed: int = 0

    def __post_init__(self) -> None:
        checks.keep_integers(self, depth=1)
        checks.keep(self, width=checks.integer("width", self.width, low=2, high=MAX_WIDTH))
        if self.width & (self.width - 1):
            raise checks.OptionError(f"`width` must be a power of two, got {self.width}.")
        checks.one_of("thresholds", self.thresholds, THRESHOLDS)
        checks.keep(self, seed=checks.seed(self.seed))

    @property
    def bits(self) -> int:
        """Hyperplanes of a depth, log₂ W."""
        return self.width.bit_length() - 1


class Coder(NamedTuple):
    """Hyperplanes that were fitted to vectors.

    Args:
        mean, scale: float64[d], by which coordinates are standardised; a constant one counts for nothing.
        direction: float64[d, depth · bits].
        threshold: float64[depth · bits].
        width: parts of each partition.
    """

    mean: np.ndarray
    scale: np.ndarray
    direction: np.ndarray
    threshold: np.ndarray
    width: int


def fit_coder(vectors: np.ndarray, method: DLSH | None = None) -> Coder:
    """Hyperplanes among some vectors.

    A threshold lies halfway between two neighbouring values, so that none of these vectors is on a hyperplane, and
    rounding cannot move it to the other side (unless values are equal).

    Args:
        vectors: float[n, d] of n ≥ 2 items.
        method: default `DLSH()`.

    Raises:
        ValueError: fewer than two vectors, or NaN or infinity.

    Example:
        >>> coder = fit_coder(np.array([[0.0], [1.0], [2.0], [3.0]]), DLSH(depth=3, width=2, thresholds="median"))
        >>> codes_of(coder, np.array([[-5.0], [5.0]])).sum(axis=0).tolist()  # opposite sides at every depth
        [1, 1, 1]
    """
    method = DLSH() if method is None else method
    table = _checked(vectors)
    if len(table) < 2:
        raise checks.OptionError(f"`vectors` must be of two items at least, got {len(table)}.")
    mean, spread = table.mean(axis=0, dtype=np.float64), table.std(axis=0, dtype=np.float64)
    scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > np.abs(mean) * 1e-12)
    rng, planes = generator(method.seed), method.depth * method.bits
    direction = rng.standard_normal((table.shape[1], planes))
    level = rng.random(planes) if method.thresholds == "quantile" else np.full(planes, 0.5)
    coder = Coder(mean, scale, direction, np.zeros(planes), method.width)
    values = np.concatenate(list(_projections(coder, table)))
    return coder._replace(threshold=_between(values, level))


def codes_of(coder: Coder, vectors: np.ndarray) -> np.ndarray:
    """The part in which each vector lies, in each partition.

    Args:
        coder: fitted, to these vectors or others.
        vectors: float[n, d].

    Returns:
        int32[n, depth], each in [0, width). Codes of several sources of vectors, side by side (`np.concatenate` along
        axis 1), are codes of greater depth.
    """
    table = _checked(vectors)
    if table.shape[1] != len(coder.mean):
        raise checks.OptionError(
            f"`vectors` must have {len(coder.mean)} columns as those fitted, got {table.shape[1]}."
        )
    bits = coder.width.bit_length() - 1
    power = 1 << np.arange(bits, dtype=np.int32)
    parts = [
        ((values > coder.threshold).reshape(len(values), -1, bits) * power).sum(axis=2, dtype=np.int32)
        for values in _projections(coder, table)
    ]
    return np.concatenate([np.zeros((0, len(coder.threshold) // bits), np.int32), *parts])


def random_codes(count: int, method: DLSH | None = None) -> np.ndarray:
    """Codes that know nothing, int32[count, depth]: as of random vectors, nearly a name for each item.

    Beside codes of vectors they tell apart items that these confuse.
    """
    method = DLSH() if method is None else method
    shape = checks.integer("count", count, low=0), method.depth
    return generator(method.seed).integers(method.width, size=shape, dtype=np.int32)


def _projections(coder: Coder, table: np.ndarray) -> Iterator[np.ndarray]:
    """Standardised vectors along all directions, float64[b, planes], block by block."""
    for start in range(0, len(table), ROW_BLOCK):
        block = (table[start : start + ROW_BLOCK].astype(np.float64) - coder.mean) * coder.scale
        with one_blas_thread():  # for the same bits on any machine's number of cores
            values = block @ coder.direction
        yield values


def _between(values: np.ndarray, level: np.ndarray) -> np.ndarray:
    """For each column the number halfway between two neighbours in order, a share `level` of all being below."""
    values.sort(axis=0)
    below = np.minimum((level * (len(values) - 1)).astype(np.int64), len(values) - 2)
    column = np.arange(values.shape[1])
    halfway: np.ndarray = (values[below, column] + values[below + 1, column]) / 2
    return halfway


def _checked(vectors: np.ndarray) -> np.ndarray:
    table = np.asarray(vectors)
    if table.ndim != 2 or table.dtype.kind != "f":
        raise checks.OptionError(f"`vectors` must be float[n, d], got {table.dtype}{list(table.shape)}.")
    if not np.isfinite(table).all():
        raise checks.OptionError("`vectors` must be finite, got NaN or infinity.")
    return table
