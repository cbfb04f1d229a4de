"""What every way of coding provides: it is fitted to unit rows, gives codes, and reads rows out of codes."""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple, Protocol

import numpy as np

Parts = dict[str, np.ndarray]  # what was fitted: small arrays by name, kept in files as they are


class Fit(NamedTuple):
    """A codec fitted to rows.

    Args:
        parts: what `decode` needs.
        basis: float32[d, p], what queries are multiplied with before they meet decoded rows; None: with nothing.
    """

    parts: Parts
    basis: np.ndarray | None = None


class Codec(Protocol):
    """A way of coding: a frozen dataclass of its settings."""

    @abstractmethod
    def fit(self, rows: np.ndarray) -> Fit:
        """Learn what there is to learn from unit rows float32[n, d]."""

    @abstractmethod
    def encode(self, rows: np.ndarray, fit: Fit) -> np.ndarray:
        """Codes [b, c] of unit rows float32[b, d], in whatever type."""

    @abstractmethod
    def decode(self, codes: np.ndarray, fit: Fit) -> np.ndarray:
        """Rows float32[b, p] of codes [b, c], in the basis of the fit."""
