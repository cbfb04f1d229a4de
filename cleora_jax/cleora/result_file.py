"""The vectors of a run, written part by part where they will stand in the result: in a file without a name."""

from __future__ import annotations

import os
import weakref
from functools import cached_property
from pathlib import Path

import numpy as np

from cleora_jax.cleora.stored_table import ITEM, nameless_file


class ResultFile:
    """float32[k, parts · d]: parts side by side, of the k entities that are results.

    Args:
        folder: where the file is.
        entities: of the graph, n.
        kept: int[k], those that are results, ascending.
        columns: of all parts.
    """

    def __init__(self, folder: Path, entities: int, kept: np.ndarray, columns: int) -> None:
        self.shape, self.filled = (len(kept), columns), 0
        self.places: np.ndarray | None = None  # the row of each entity, −1 where it has none; None: its number
        if len(kept) < entities:
            self.places = np.full(entities, -1)
            self.places[kept] = np.arange(len(kept))
        self.handle = nameless_file(folder, len(kept) * columns * ITEM)
        weakref.finalize(self, os.close, self.handle)

    def put(self, entities: np.ndarray | slice, vectors: np.ndarray) -> None:
        """Write vectors float32[m, d] of some entities into the part that is due."""
        rows: np.ndarray | slice = entities
        if self.places is not None:
            there = self.places[entities]
            rows, vectors = there[there >= 0], vectors[there >= 0]
        self.put_rows(rows, vectors)

    def put_rows(self, rows: np.ndarray | slice, vectors: np.ndarray) -> None:
        """Write vectors into rows of the part that is due."""
        # Mapped anew each time, so that what was written is let go.
        self._mapped("r+")[rows, self.filled : self.filled + vectors.shape[1]] = vectors

    def end_part(self, dim: int) -> np.ndarray:
        """The part of so many columns is written: float32[k, d], mapped; the next is due."""
        part = self._mapped("r")[:, self.filled : self.filled + dim]
        self.filled += dim
        return part

    @cached_property
    def whole(self) -> np.ndarray:
        """All of it, mapped; the same object each time."""
        return self._mapped("r")

    def _mapped(self, mode: str) -> np.ndarray:
        with os.fdopen(os.dup(self.handle), "r+b") as file:
            return np.memmap(file, np.float32, mode, shape=self.shape)  # type: ignore[call-overload]
