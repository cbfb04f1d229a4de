"""Less to train on: a share of the training labels or links of a split; what is held out stays whole.

With one seed a smaller share lies within a larger one.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax.evaluate.parts import TRAIN, by_pair, lines_of, links_of, of_part, random_parts, widest
from cleora_jax.evaluate.splits import EdgeSplit
from cleora_jax.graph.labels import Labels


def some_rows(labels: Labels, rows: np.ndarray, share: float, seed: int) -> np.ndarray:
    """That share of labelled rows, rounded up, sorted: of each class where labels are single, so that none is lost."""
    shuffled = np.random.default_rng([seed, 4]).permutation(rows)
    given = labels.take(shuffled)
    codes = given.codes if given.single else np.zeros(len(rows), np.int32)
    groups = (shuffled[codes == code] for code in np.unique(codes))
    return np.sort(np.concatenate([group[: int(np.ceil(share * len(group)))] for group in groups]))


def some_links(split: EdgeSplit, share: float, seed: int) -> EdgeSplit:
    """The split with that share of its training links (of hyperedges, where some have more than two entities)."""
    graph, rng = split.graph, np.random.default_rng([seed, 5])
    lines, gone = lines_of(graph), (1 - share, 0.0)
    if any(widest(group) > 2 for group in lines):
        parts = [random_parts(rng, group[0].num_hyperedges, gone) for group in lines]
    else:
        pairs = links_of(graph, False)
        parts = by_pair(graph, lines, pairs, random_parts(rng, len(pairs), gone))
    thin = of_part(graph, parts, TRAIN)
    train = links_of(thin, split.directed)
    if not len(train):
        raise checks.OptionError(f"`share` {share:g} of {len(split.train):,} training links leaves none.")
    order = rng.permutation(len(split.train_negative))[: len(train)]
    return replace(split, graph=thin, train=train, train_negative=split.train_negative[np.sort(order)])
