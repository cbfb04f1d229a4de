"""Fewer bits for each number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cleora_jax.vectors.coding.codec import Codec, Fit

LEVELS = 255  # of a byte, but one


@dataclass(frozen=True)
class Float16(Codec):
    """Half precision: two bytes a number, 11 bits of each."""

    def fit(self, rows: np.ndarray) -> Fit:
        """Nothing to learn."""
        return Fit({})

    def encode(self, rows: np.ndarray, fit: Fit) -> np.ndarray:
        """float16[b, d]."""
        return rows.astype(np.float16)

    def decode(self, codes: np.ndarray, fit: Fit) -> np.ndarray:
        """float32[b, d]."""
        return codes.astype(np.float32)


@dataclass(frozen=True)
class Int8(Codec):
    """One byte a number: 256 levels from the least to the largest number of each column."""

    def fit(self, rows: np.ndarray) -> Fit:
        """Least number and step of each column, float32[d]."""
        low, high = rows.min(axis=0), rows.max(axis=0)
        return Fit({"low": low, "step": ((high - low) / LEVELS).astype(np.float32)})

    def encode(self, rows: np.ndarray, fit: Fit) -> np.ndarray:
        """uint8[b, d]: the nearest level; what lies outside of the column's range gets its end."""
        step = np.where(fit.parts["step"] > 0, fit.parts["step"], 1)
        return np.clip(np.rint((rows - fit.parts["low"]) / step), 0, LEVELS).astype(np.uint8)

    def decode(self, codes: np.ndarray, fit: Fit) -> np.ndarray:
        """float32[b, d]."""
        rows: np.ndarray = codes * fit.parts["step"] + fit.parts["low"]
        return rows
