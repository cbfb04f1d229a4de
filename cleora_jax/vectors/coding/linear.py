"""Fewer columns: principal components, and random projection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._random import generator
from cleora_jax.vectors.coding.codec import Codec, Fit
from cleora_jax.vectors.search import ROW_BLOCK


@dataclass(frozen=True)
class PCA(Codec):
    """The leading principal components: of all projections to so many columns the one that loses least.

    Args:
        dim: columns kept, as float32; at most those of the vectors.

    Reference: Pearson, On lines and planes of closest fit to systems of points in space, 1901.
    """

    dim: int = 64

    def __post_init__(self) -> None:
        checks.keep_integers(self, dim=1)

    def fit(self, rows: np.ndarray) -> Fit:
        """Axes by the covariance, summed block by block in float64.

        The mean is kept, too: what of it stands across the axes is a column that all rows share, in no code.
        """
        if self.dim > rows.shape[1]:
            raise checks.OptionError(
                f"`dim` must be at most the columns of the vectors, {rows.shape[1]}, got {self.dim}."
            )
        mean = rows.mean(axis=0, dtype=np.float64)
        scatter = np.zeros((rows.shape[1], rows.shape[1]))
        for start in range(0, len(rows), ROW_BLOCK):
            block = rows[start : start + ROW_BLOCK] - mean
            scatter += block.T @ block
        axes = np.linalg.eigh(scatter)[1][:, ::-1][:, : self.dim]
        within = mean @ axes
        across = mean - axes @ within
        size = float(np.linalg.norm(across))
        last = across / size if size > np.finfo(np.float32).eps else np.zeros_like(across)
        basis = np.column_stack([axes, last]).astype(np.float32)
        return Fit({"mean": mean.astype(np.float32), "within": np.append(within, size).astype(np.float32)}, basis)

    def encode(self, rows: np.ndarray, fit: Fit) -> np.ndarray:
        """Coordinates float32[b, dim] on the axes, of the rows less their mean."""
        assert fit.basis is not None
        codes: np.ndarray = (rows - fit.parts["mean"]) @ fit.basis[:, :-1]
        return codes

    def decode(self, codes: np.ndarray, fit: Fit) -> np.ndarray:
        """Coordinates float32[b, dim + 1], the mean added."""
        rows = np.empty((len(codes), codes.shape[1] + 1), np.float32)
        rows[:, :-1] = codes + fit.parts["within"][:-1]
        rows[:, -1] = fit.parts["within"][-1]
        return rows


@dataclass(frozen=True)
class RandomProjection(Codec):
    """Products with random directions, which keep angles to about 1/√dim. Nothing is learned from the vectors.

    Args:
        dim: columns kept, as float32.
        seed: of the directions. Default: 0.

    Reference: Johnson and Lindenstrauss, 1984; Indyk and Motwani, Approximate nearest neighbors, STOC 1998.
    """

    dim: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        checks.keep_integers(self, dim=1)
        checks.keep(self, seed=checks.seed(self.seed))

    def fit(self, rows: np.ndarray) -> Fit:
        """Gaussian directions over √dim."""
        rng = generator(self.seed)
        return Fit({}, (rng.normal(size=(rows.shape[1], self.dim)) / np.sqrt(self.dim)).astype(np.float32))

    def encode(self, rows: np.ndarray, fit: Fit) -> np.ndarray:
        """Products float32[b, dim]."""
        assert fit.basis is not None
        codes: np.ndarray = rows @ fit.basis
        return codes

    def decode(self, codes: np.ndarray, fit: Fit) -> np.ndarray:
        """The codes."""
        return codes
