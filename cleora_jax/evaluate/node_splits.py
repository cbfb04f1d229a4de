"""Labelled entities parted into training, validation and test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax.graph.hyperedges import frozen
from cleora_jax.graph.labels import Labels


@dataclass(frozen=True, eq=False, repr=False)
class NodeSplit:
    """Rows of labelled entities, sorted, int64; no row is in two parts.

    Args:
        train, validation, test: rows.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray

    def __post_init__(self) -> None:
        frozen(self.train), frozen(self.validation), frozen(self.test)

    def __repr__(self) -> str:
        return f"NodeSplit({len(self.train):,} training, {len(self.validation):,} validation, {len(self.test):,} test)"


def split_nodes(
    labels: Labels, train: float = 0.5, validation: float = 0.0, seed: int = 0, *, stratified: bool = False
) -> NodeSplit:
    """Part the labelled entities by shares; the rest is the test part, entities without a label are in none.

    With one seed and no stratification a smaller training part lies within a larger one.

    Args:
        labels: of n entities.
        train, validation: shares of the labelled entities, together below 1; rounded.
        seed: draws the parts.
        stratified: part each class by itself (labels must be single). Default: all together.

    Raises:
        ValueError: shares that do not fit, nothing left to train on or to test, or several labels under `stratified`.

    Example:
        >>> import cleora_jax as cj
        >>> labels = cj.labels_of(cj.Vocab.of(list("abcdefgh")), [0, 1, 0, 1, 0, 1, 0, -1])
        >>> split_nodes(labels, 0.6)
        NodeSplit(4 training, 0 validation, 3 test)
    """
    shares = checks.real("train", train, low=0, high=1), checks.real("validation", validation, low=0, high=1)
    if sum(shares) >= 1:
        raise checks.OptionError(f"`train` + `validation` must be below 1, got {train} + {validation}.")
    rng = np.random.default_rng(checks.integer("seed", seed, low=0))
    shuffled = _shuffled(labels, rng)
    groups = [shuffled]
    if stratified:
        groups = [shuffled[labels.codes[shuffled] == code] for code in range(len(labels.classes))]
    bounds = [np.cumsum([round(share * len(group)) for share in shares]) for group in groups]
    return _joined([np.split(group, bound) for group, bound in zip(groups, bounds, strict=True)])


def split_nodes_per_class(
    labels: Labels, per_class: int = 20, validation: int = 500, test: int = 1000, seed: int = 0
) -> NodeSplit:
    """As many training entities of each class, and fixed numbers for validation and test from the rest.

    Args:
        labels: of n entities, one each at most.
        per_class: training entities of each class that anybody has; a class of fewer gives all it has.
        validation, test: how many of the rest.
        seed: draws them.

    Raises:
        ValueError: several labels for an entity, or fewer entities than are asked for.

    Reference: the splits of Yang, Cohen and Salakhutdinov (Planetoid), 2016, with another draw.

    Example:
        >>> import cleora_jax as cj
        >>> labels = cj.labels_of(cj.Vocab.of(list("abcdefgh")), [0, 1, 0, 1, 0, 1, 0, -1])
        >>> split_nodes_per_class(labels, per_class=1, validation=2, test=3)
        NodeSplit(2 training, 2 validation, 3 test)
    """
    per_class = checks.integer("per_class", per_class, low=1)
    wanted = checks.integer("validation", validation, low=0), checks.integer("test", test, low=1)
    rng = np.random.default_rng(checks.integer("seed", seed, low=0))
    shuffled = _shuffled(labels, rng)
    codes = labels.codes[shuffled]
    place = np.argsort(codes, kind="stable")
    rank = np.empty(len(codes), np.int64)  # how many of its class stand before each
    rank[place] = np.arange(len(codes)) - np.searchsorted(codes[place], codes[place])
    rest = shuffled[rank >= per_class]
    if len(rest) < sum(wanted):
        raise checks.OptionError(
            f"`validation` + `test` must be at most the {len(rest):,} entities that are left, got {sum(wanted):,}."
        )
    return _joined([[shuffled[rank < per_class], *np.split(rest[: sum(wanted)], wanted[:1])]])


def check_split(
    labels: Labels, split: Any, needed: tuple[str, ...] = ("train", "validation"), name: str = "split"
) -> None:
    """Raise unless a split parts labelled rows into parts, of which some are `needed`; `name` is the argument's."""
    if not isinstance(split, NodeSplit):
        raise TypeError(f"`{name}` must be a NodeSplit (see `split_nodes`), got {split!r:.100}.")
    for part in ("train", "validation", "test"):
        rows = np.asarray(getattr(split, part))
        if rows.ndim != 1 or rows.dtype.kind not in "iu":
            raise TypeError(f"`{name}`: {part} must be rows int[m], got {rows.dtype}{list(rows.shape)}.")
        if not len(rows) and part in needed:
            raise checks.OptionError(f"`{name}`: there must be {part} rows, got none.")
        if len(rows) and (rows.min() < 0 or rows.max() >= len(labels) or (labels.counts[rows] == 0).any()):
            raise checks.OptionError(f"`{name}`: {part} must hold rows of labelled entities among {len(labels)}.")
    every = np.concatenate([split.train, split.validation, split.test])
    if len(np.unique(every)) < len(every):
        raise checks.OptionError(f"`{name}`: each row may stand once, in one part.")


def _shuffled(labels: Labels, rng: np.random.Generator) -> np.ndarray:
    if not isinstance(labels, Labels):
        raise TypeError(f"`labels` must be Labels (see `labels_of`), got {labels!r:.100}.")
    rows: np.ndarray = labels.labelled[rng.permutation(len(labels.labelled))]
    return rows


def _joined(groups: list[list[np.ndarray]]) -> NodeSplit:
    train, validation, test = (np.sort(np.concatenate(part)) for part in zip(*groups, strict=True))
    if not len(train) or not len(test):
        raise checks.OptionError(f"`labels` are too few: {len(train)} to train on and {len(test)} to test.")
    return NodeSplit(train, validation, test)
