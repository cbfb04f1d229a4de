"""Product quantisation: a vector is cut into parts, each the number of the nearest of 256 patterns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._random import generator
from cleora_jax.vectors.alignment import nearest_rotation
from cleora_jax.vectors.cluster import kmeans
from cleora_jax.vectors.coding.codec import Codec, Fit

TRAINED = 1 << 16  # rows that patterns are learned from, at most
PATTERNS = 256  # of a part: one byte


@dataclass(frozen=True)
class ProductQuantization(Codec):
    """One byte for each part of a vector, after a rotation that makes the parts lose least.

    Args:
        parts: bytes of a vector; they divide its columns, padded with zeros where they must be. Default: 16.
        rotations: rounds of fitting the rotation, each a step of k-means and a Procrustes problem; 0 leaves it out.
            Default: 20.
        iterations: of k-means at the end. Default: 25.
        seed: of the rows looked at and of first patterns. Default: 0.

    Reference: Jégou, Douze and Schmid, Product quantization for nearest neighbor search, PAMI 2011; Ge, He, Ke and Sun,
    Optimized product quantization, PAMI 2014 (non-parametric).
    """

    parts: int = 16
    rotations: int = 20
    iterations: int = 25
    seed: int = 0

    def __post_init__(self) -> None:
        checks.keep_integers(self, parts=1, rotations=0, iterations=1)
        checks.keep(self, seed=checks.seed(self.seed))

    def fit(self, rows: np.ndarray) -> Fit:
        """Patterns float32[parts · (≤ 256), d / parts] and the rotation."""
        if self.parts > rows.shape[1]:
            raise checks.OptionError(
                f"`parts` must be at most the columns of the vectors, {rows.shape[1]}, got {self.parts}."
            )
        rng = generator(self.seed)
        some = rows if len(rows) <= TRAINED else rows[np.sort(rng.choice(len(rows), TRAINED, replace=False))]
        wide = self._padded(some)
        rotation = np.eye(wide.shape[1], dtype=np.float32)
        books = self._books(wide, None, 1 if self.rotations else self.iterations)
        for _ in range(self.rotations):
            turned = wide @ rotation
            books = self._books(turned, books, 1)
            near = _read(_nearest(turned, books), books)
            rotation = nearest_rotation((wide.T @ near).astype(np.float64)).astype(np.float32)
        if self.rotations:
            books = self._books(wide @ rotation, books, self.iterations)
        return Fit({"patterns": books.reshape(-1, books.shape[2])}, rotation[: rows.shape[1]])

    def encode(self, rows: np.ndarray, fit: Fit) -> np.ndarray:
        """uint8[b, parts]."""
        assert fit.basis is not None
        return _nearest(rows @ fit.basis, self._split(fit)).astype(np.uint8)

    def decode(self, codes: np.ndarray, fit: Fit) -> np.ndarray:
        """float32[b, columns], rotated."""
        return _read(codes, self._split(fit))

    def _split(self, fit: Fit) -> np.ndarray:
        """Patterns of each part."""
        patterns = fit.parts["patterns"]
        return patterns.reshape(self.parts, -1, patterns.shape[1])

    def _padded(self, rows: np.ndarray) -> np.ndarray:
        return np.pad(rows, ((0, 0), (0, -rows.shape[1] % self.parts)))

    def _books(self, rows: np.ndarray, start: np.ndarray | None, iterations: int) -> np.ndarray:
        """Patterns of all parts, float32[parts, k, d / parts]; from given ones, or by k-means++."""
        k = min(PATTERNS, len(rows))
        pieces = np.split(rows, self.parts, axis=1)
        return np.stack([
            kmeans(
                piece, k, max_iterations=iterations, seed=(self.seed + at) % 2**64,
                centres=None if start is None else start[at],
            ).centres
            for at, piece in enumerate(pieces)
        ])  # fmt: skip


def _nearest(rows: np.ndarray, books: np.ndarray) -> np.ndarray:
    """The nearest pattern of each part, int64[b, parts]; the lower among equals."""
    pieces = np.split(rows, len(books), axis=1)
    square = (books**2).sum(axis=2)
    scores = (square[at] - 2 * piece @ books[at].T for at, piece in enumerate(pieces))
    return np.stack([score.argmin(axis=1) for score in scores], axis=1)


def _read(codes: np.ndarray, books: np.ndarray) -> np.ndarray:
    """The patterns that codes stand for, side by side, float32[b, d]."""
    return np.concatenate([book[codes[:, at]] for at, book in enumerate(books)], axis=1)
