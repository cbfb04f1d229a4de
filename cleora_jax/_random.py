"""Random numbers on the host: a generator of a seed, and draws by weight."""

from __future__ import annotations

import numpy as np

from cleora_jax import _checks as checks


def generator(seed: int) -> np.random.Generator:
    """NumPy's generator of any integer of 64 bits; TypeError or ValueError for what is none."""
    return np.random.default_rng(checks.seed(seed) % 2**64)


def drawn(table: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Places int64[count] in proportion to weights, with replacement.

    Args:
        table: running sums of the weights, the last above 0.
        count: how many.
        rng: draws one number for each.

    Example:
        >>> drawn(np.cumsum([0.0, 1.0, 0.0]), 3, generator(0)).tolist()
        [1, 1, 1]
    """
    found = np.searchsorted(table, rng.random(count) * table[-1], side="right")
    return np.minimum(found, len(table) - 1)  # where rounding has reached the sum
