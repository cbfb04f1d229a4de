"""Is Gowalla's published split a random one, and would another way of holding out choose as its test part does?

python -m experiments.recommend.split    # minutes

A line for each class of items by how often they were taken in all: the share of their pairs in the test part. A line
for each way of holding out a tenth of training, and each method: its scores on 3,000 users.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from cleora_jax.recommend import Interactions, evaluate_recommender, fit_recommender, hold_out, recommender_named
from cleora_jax.recommend.interactions import part_of, placed
from experiments.recommend.run import GOWALLA, SMOKE, USERS, parts_of, some_users
from experiments.record import write

CLASSES = (0, 20, 100, 300, np.inf)  # pairs of an item
METHODS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("graph-filter", {"turns": 1}), ("bspm", {}), ("bspm", {"weight": 0.1}), ("gf-cf", {}),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--output", type=Path, default=Path(__file__).resolve().parent / "split.jsonl")
    args = parser.parse_args()
    train, test = parts_of(SMOKE if args.smoke else GOWALLA)
    write(args.output, lines(train, test, {"rank": 8} if args.smoke else {}))


def lines(train: Interactions, test: Interactions, settings: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What the module says."""
    in_test = np.diff(placed(test, train).matrix.tocsc().indptr)
    pairs = np.diff(train.matrix.tocsc().indptr) + in_test
    for low, high in pairwise(CLASSES):
        some = (pairs >= low) & (pairs < high)
        share = float(in_test[some].sum() / max(pairs[some].sum(), 1))
        yield {"kind": "items", "pairs_from": int(low), "items": int(some.sum()), "share_in_test": share}
    for way, (fitted, held) in (("pairs", hold_out(train, 0.1)), ("of each user", hold_out_of_each(train, 0.1))):
        for name, more in METHODS:
            found = fit_recommender(fitted, recommender_named(name, **more, **settings))
            scored = evaluate_recommender(found, some_users(held, USERS), 20)
            yield {"kind": "held out", "way": way, "name": name, "asked": more, "metrics": scored.metrics}


def hold_out_of_each(given: Interactions, share: float) -> tuple[Interactions, Interactions]:
    """A share of the pairs of each user, drawn: one at least, and one at least stays."""
    matrix = given.matrix
    user, size = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr)), np.diff(matrix.indptr)
    order = np.lexsort((np.random.default_rng(0).random(matrix.nnz), user))
    place = np.empty(matrix.nnz, np.int64)
    place[order] = np.arange(matrix.nnz) - matrix.indptr[user[order]]
    held = place < np.minimum(np.maximum(1, np.round(share * size)), size - 1)[user]
    return part_of(given, ~held), part_of(given, held)


if __name__ == "__main__":
    main()
