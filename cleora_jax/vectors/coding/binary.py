"""One bit for each number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cleora_jax.vectors.coding.codec import Codec, Fit


@dataclass(frozen=True)
class Binary(Codec):
    """A bit a number: below or above the median of its column; read as the mean of the numbers on that side."""

    def fit(self, rows: np.ndarray) -> Fit:
        """Median of each column, and the mean below and above it, float32[d]."""
        median = np.median(rows, axis=0).astype(np.float32)
        top = median == rows.max(axis=0)
        median[top] = np.nextafter(
            median[top], np.float32(-np.inf)
        )  # else the half that is equal to it were below, too
        above = rows > median
        count = above.sum(axis=0)
        high = (rows * above).sum(axis=0, dtype=np.float64) / np.maximum(count, 1)
        low = (rows * ~above).sum(axis=0, dtype=np.float64) / np.maximum(len(rows) - count, 1)
        return Fit({"median": median, "low": low.astype(np.float32), "high": high.astype(np.float32)})

    def encode(self, rows: np.ndarray, fit: Fit) -> np.ndarray:
        """uint8[b, ⌈d / 8⌉], bits from the highest on."""
        return np.packbits(rows > fit.parts["median"], axis=1)

    def decode(self, codes: np.ndarray, fit: Fit) -> np.ndarray:
        """float32[b, d]."""
        bits = np.unpackbits(codes, axis=1, count=len(fit.parts["median"])).astype(bool)
        return np.where(bits, fit.parts["high"], fit.parts["low"])
