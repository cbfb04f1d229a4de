"""Users with tastes: two groups of items, some popular items, every user and item taken at least once."""

from __future__ import annotations

import numpy as np
import pytest

from cleora_jax.recommend import Interactions, interactions


def taken_pairs(seed: int = 0, users: int = 60, items: int = 25) -> list[tuple[str, str]]:
    rng = np.random.default_rng(seed)
    liking = rng.random((users, items)) * (1 + 2 * ((np.arange(users)[:, None] + np.arange(items)) % 2))
    pairs = np.argwhere(liking > 1.9)
    pairs = np.concatenate([pairs, np.stack([np.arange(users), rng.integers(0, items, users)], axis=1)])
    pairs = np.concatenate([pairs, np.stack([rng.integers(0, users, items), np.arange(items)], axis=1)])
    return [(f"u{user}", f"i{item}") for user, item in np.unique(pairs, axis=0)]


@pytest.fixture(scope="session")
def taken() -> Interactions:
    return interactions(taken_pairs())
