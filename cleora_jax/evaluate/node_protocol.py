"""The protocol of node classification: vectors of the whole graph, logistic regression on a part of the labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any, Literal, NamedTuple

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax.evaluate.arrays import opened
from cleora_jax.evaluate.classification import f1, top_k_labels
from cleora_jax.evaluate.interval import Summary, summary, text_table
from cleora_jax.evaluate.logistic import CLASSIFIERS, Classifier, as_features, class_scores, folds_of
from cleora_jax.evaluate.node_splits import NodeSplit, check_split, split_nodes
from cleora_jax.graph.hyperedges import frozen
from cleora_jax.graph.labels import Labels, labels_of
from cleora_jax.vectors.embedding import Embedding

STRENGTHS = (0.1, 1.0, 10.0, 100.0)  # of C, tried by `tune`
METRICS = ("micro_f1", "macro_f1")
MAJORITY = "majority"


@dataclass(frozen=True)
class NodeProtocol:
    """Settings of `classify_nodes`.

    Args:
        train: shares of the labelled entities that are trained on, each in (0, 1).
        splits: how many random splits for each share; the same for every embedding.
        classifier: "one-vs-rest" (liblinear), "multinomial" (L-BFGS; single labels only), or "auto": multinomial where
            no entity has several labels.
        C: inverse weight of L2; 1 is the literature's.
        unit_rows: give the vectors unit length first.
        tune: choose C from 0.1, 1, 10 and 100 together with raw or unit rows, by Micro-F1 over `folds` folds of the
            training part, in each split anew; `C` and `unit_rows` are not looked at.
        folds: of `tune`.
        seed: draws the splits.
    """

    train: tuple[float, ...] = (0.1, 0.5, 0.9)
    splits: int = 10
    classifier: Classifier | Literal["auto"] = "auto"
    C: float = 1.0
    unit_rows: bool = False
    tune: bool = False
    folds: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.train, (tuple, list)) or not self.train:
            raise TypeError(f"`train` must be a tuple of shares, got {self.train!r}.")
        shares = tuple(checks.real("train", share, low=0, high=1, open_high=True) for share in self.train)
        checks.keep(self, train=shares, C=checks.real("C", self.C, low=0))
        checks.keep_integers(self, splits=1, folds=2, seed=0)
        checks.one_of("classifier", self.classifier, ("auto", *CLASSIFIERS))
        if not self.C:
            raise checks.OptionError(f"`C` must be above 0, got {self.C}.")
        for name in ("unit_rows", "tune"):
            checks.keep(self, **{name: checks.boolean(name, getattr(self, name))})

    def seed_of(self, split: int) -> int:
        """What draws one of the splits."""
        return int(np.random.default_rng([self.seed, split]).integers(2**62))


@dataclass(frozen=True, eq=False, repr=False)
class NodeScores:
    """What `classify_nodes` found; prints as a table, of which `records` are the lines.

    Args:
        protocol: how it was judged.
        settings: of the embedding, if it has any.
        classes, labelled: how many classes and labelled entities there are.
        single: no entity has several labels, so that Micro-F1 is the accuracy.
        values: for each metric float64[shares, splits], on the test parts.
        majority: the same for the commonest classes of the training part, whatever the entity.
        chosen: for each share and split, C and whether rows were of unit length.
    """

    protocol: NodeProtocol
    settings: dict[str, Any]
    classes: int
    labelled: int
    single: bool
    values: dict[str, np.ndarray]
    majority: dict[str, np.ndarray]
    chosen: tuple[tuple[tuple[float, bool], ...], ...]

    def __post_init__(self) -> None:
        for found in (*self.values.values(), *self.majority.values()):
            frozen(found)

    @cached_property
    def summaries(self) -> dict[str, tuple[Summary, ...]]:
        """For each metric its summary at each training share."""
        return {name: tuple(map(summary, found)) for name, found in self.values.items()}

    @property
    def label(self) -> str:
        """What Micro-F1 is called: accuracy where labels are single."""
        return "accuracy" if self.single else "micro_f1"

    def records(self) -> list[dict[str, Any]]:
        """One flat dict for each training share, metric and method (the embedding, the majority), for lines of JSON."""
        sources = {str(self.settings.get("method", "embedding")): self.values, MAJORITY: self.majority}
        how = {name: getattr(self.protocol, name) for name in ("classifier", "C", "unit_rows", "tune", "seed")}
        return [
            {"method": method, "train": share, "metric": self.label if name == "micro_f1" else name}
            | summary(found[at]).as_dict()
            | how
            for method, values in sources.items()
            for name, found in values.items()
            for at, share in enumerate(self.protocol.train)
        ]

    def as_dict(self) -> dict[str, Any]:
        """Everything, as what JSON can hold."""
        return {
            "protocol": asdict(self.protocol),
            "settings": self.settings,
            "classes": self.classes,
            "labelled": self.labelled,
            "single": self.single,
            "values": {name: found.tolist() for name, found in self.values.items()},
            "majority": {name: found.tolist() for name, found in self.majority.items()},
            "chosen": [[list(one) for one in splits] for splits in self.chosen],
        }

    def __repr__(self) -> str:
        found = self.summaries["micro_f1"]
        parts = [f"{one.mean:.3f} at {share:.0%}" for one, share in zip(found, self.protocol.train, strict=True)]
        return f"NodeScores({self.label}: {', '.join(parts)})"

    def __str__(self) -> str:
        rows = []
        for at, share in enumerate(self.protocol.train):
            micro, macro = (self.summaries[name][at] for name in METRICS)
            bounds = f"[{micro.low:.4f}, {micro.high:.4f}]"
            base = f"{self.majority['micro_f1'][at].mean():.4f}"
            rows.append([f"{share:.0%}", str(micro), bounds, str(macro), base])
        head = ["train", self.label, "95 %", "macro_f1", MAJORITY]
        rule = "" if self.single else "; as many classes predicted as each entity has"
        note = f"{self.labelled:,} labelled entities, {self.classes} classes; {self.protocol.splits} splits{rule}"
        return f"{text_table(head, rows)}\n{note}"


def classify_nodes(
    embedding: Embedding | np.ndarray,
    labels: Any,
    protocol: NodeProtocol | None = None,
    *,
    splits: Sequence[NodeSplit] | None = None,
) -> NodeScores:
    """How well logistic regression on the vectors tells the classes of entities it was not shown.

    Entities without a label are dropped. Where an entity has k labels, the k classes of highest score are predicted:
    the literature's rule, which is told k. Micro- and Macro-F1 are over all classes; with single labels Micro-F1 is the
    accuracy. Vectors may have seen the whole graph, but no label.

    Args:
        embedding: of n entities, or float[n, d].
        labels: `Labels` of the same n entities in the same order, or what `labels_of` takes.
        protocol: default `NodeProtocol()`: 10 splits at 10, 50 and 90 %, C = 1.
        splits: given ones, such as a publisher's, in place of random ones: their training parts are trained on, their
            test parts judged, and validation parts not looked at. The result's protocol then has their number as
            `splits`, and the mean share of the labelled entities that they train on as `train`.

    Raises:
        ValueError: another number of labels than vectors, NaN or infinity, fewer than two classes, a share that leaves
            nothing to train on or to test, a multinomial regression of several labels, or given splits with rows
            without a label, or in two parts.

    Reference: Perozzi, Al-Rfou and Skiena, DeepWalk, 2014; Qiu et al., NetMF, 2018, for C = 1 and liblinear.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> codes = np.arange(60) % 3
        >>> vectors = np.eye(3)[codes] + 0.1 * rng.standard_normal((60, 3))
        >>> found = classify_nodes(vectors, codes, NodeProtocol(train=(0.5,), splits=3))
        >>> found
        NodeScores(accuracy: 1.000 at 50%)
        >>> print(found)
        train         accuracy              95 %         macro_f1  majority
        50%    1.0000 ± 0.0000  [1.0000, 1.0000]  1.0000 ± 0.0000    0.2444
        60 labelled entities, 3 classes; 3 splits
    """
    protocol = NodeProtocol() if protocol is None else protocol
    vectors, vocab, settings = opened(embedding)
    known = labels_of(vocab, labels)
    if np.count_nonzero(known.matrix.sum(axis=0)) < 2:
        raise checks.OptionError(f"`labels` must hold at least two classes that some entity has, got {known!r}.")
    kind = protocol.classifier
    if kind == "auto":
        kind = "multinomial" if known.single else "one-vs-rest"
    if kind == "multinomial" and not known.single:
        raise checks.OptionError("`classifier` 'multinomial' needs single labels; use 'one-vs-rest'.")
    judge = _Judge(vectors, known, kind, protocol)
    if splits is None:
        runs = [[judge.random(share, split) for split in range(protocol.splits)] for share in protocol.train]
    else:
        given = _checked(splits, known)
        runs = [[judge.run(parts, protocol.seed_of(split)) for split, parts in enumerate(given)]]
        share = float(np.mean([len(parts.train) for parts in given])) / len(known.labelled)
        protocol = replace(protocol, train=(share,), splits=len(given))
    values = {name: np.array([[run.scores[name] for run in splits] for splits in runs]) for name in METRICS}
    majority = {name: np.array([[run.majority[name] for run in splits] for splits in runs]) for name in METRICS}
    chosen = tuple(tuple(run.choice for run in splits) for splits in runs)
    sizes = len(known.classes), len(known.labelled), known.single
    return NodeScores(protocol, settings, *sizes, values, majority, chosen)


def _checked(splits: Any, labels: Labels) -> list[NodeSplit]:
    given = [splits] if isinstance(splits, NodeSplit) else list(splits)
    if not given:
        raise checks.OptionError("`splits` must hold at least one split, got none.")
    for split in given:
        check_split(labels, split, needed=("train", "test"), name="splits")
    return given


Choice = tuple[float, bool]  # C, and whether rows are of unit length
Scores = dict[str, float]


class _Run(NamedTuple):
    """What one split gave: scores of the embedding and of the majority on the test part, and what was chosen."""

    scores: Scores
    majority: Scores
    choice: Choice


class _Judge:
    """Fits and scores splits; features of both kinds are made once."""

    def __init__(self, vectors: np.ndarray, labels: Labels, kind: Classifier, protocol: NodeProtocol) -> None:
        self.labels, self.kind, self.protocol = labels, kind, protocol
        self.classes = labels.matrix.toarray()
        units = (False, True) if protocol.tune else (protocol.unit_rows,)
        self.features = {unit: as_features(vectors, unit) for unit in units}

    def random(self, share: float, split: int) -> _Run:
        """One random split; a smaller share of it lies within a larger one."""
        seed = self.protocol.seed_of(split)
        return self.run(split_nodes(self.labels, share, seed=seed), seed)

    def run(self, parts: NodeSplit, seed: int) -> _Run:
        """One split; `seed` draws the folds within its training part."""
        choice = self.choose(parts.train, seed) if self.protocol.tune else (self.protocol.C, self.protocol.unit_rows)
        frequency = np.tile(self.classes[parts.train].sum(axis=0), (len(parts.test), 1))
        return _Run(self.score(parts.train, parts.test, choice), self.scored(frequency, parts.test), choice)

    def choose(self, train: np.ndarray, seed: int) -> Choice:
        """C and the kind of rows of best mean Micro-F1 over folds of the training part; among equals the first."""
        if len(train) < self.protocol.folds:
            raise checks.OptionError(f"`train` leaves {len(train)} entities, fewer than {self.protocol.folds} folds.")
        folds = folds_of(len(train), self.protocol.folds, np.random.default_rng([seed, 1]))
        choices = list(product(STRENGTHS, self.features))
        means = [
            np.mean([self.score(train[fit], train[held], choice)["micro_f1"] for fit, held in folds])
            for choice in choices
        ]
        return choices[int(np.argmax(means))]

    def score(self, train: np.ndarray, test: np.ndarray, choice: Choice) -> Scores:
        """Metrics on `test` of a regression fitted to `train`."""
        strength, unit = choice
        features = self.features[unit]
        return self.scored(
            class_scores(self.kind, features[train], self.classes[train], features[test], strength), test
        )

    def scored(self, scores: np.ndarray, test: np.ndarray) -> Scores:
        """Metrics of class scores, as many classes predicted as each entity has."""
        truth = self.classes[test]
        predicted = top_k_labels(scores, truth.sum(axis=1))
        return {"micro_f1": f1(truth, predicted, "micro"), "macro_f1": f1(truth, predicted, "macro")}
