"""What a search is judged by, on validation alone; higher is better. The test part is looked at by `test` only."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax.cleora.verb import check_embeddable
from cleora_jax.evaluate.arrays import opened
from cleora_jax.evaluate.classification import f1, top_k_labels
from cleora_jax.evaluate.link_protocol import LinkProtocol, against_negatives, vectors_of
from cleora_jax.evaluate.logistic import CLASSIFIERS, Classifier, as_features, class_scores
from cleora_jax.evaluate.node_splits import NodeSplit, check_split
from cleora_jax.evaluate.scorers import ScorerName, scorer
from cleora_jax.evaluate.splits import EdgeSplit, HeldOut
from cleora_jax.evaluate.tuning.fingerprint import digest, function_digest
from cleora_jax.evaluate.tuning.thinning import some_links, some_rows
from cleora_jax.evaluate.tuning.walks import embeddings
from cleora_jax.graph.build import Graph
from cleora_jax.graph.labels import Labels, labels_of
from cleora_jax.learn.classifiers.logistic import checked_strengths
from cleora_jax.vectors.embedding import Embedding

NODE_METRICS = ("micro_f1", "macro_f1")
LINK_METRICS = ("auc", "ap", "auc_uniform", "auc_matched", "ap_uniform", "ap_matched")
NO_TRAINING = "a function says nothing of what it trains on: `Halving` needs the name of a field as `resource`."


class Objective(ABC):
    """What `tune` asks of an objective whose methods embed a graph."""

    graph: Graph

    @abstractmethod
    def __call__(self, embedding: Embedding) -> float:
        """The score of an embedding of `graph`; higher is better."""

    @abstractmethod
    def thinned(self, share: float, seed: int) -> Any:
        """The objective with less to train on."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Letters that tell it from others; nothing of the test part is in them."""

    def check(self, method: Any, relations: Any) -> None:
        """Raise unless the method can be judged."""
        if hasattr(method, "needs"):
            raise checks.OptionError(
                f"`method` {type(method).__name__} learns classes and gives no embedding: use `LearnerObjective`."
            )
        check_embeddable(self.graph, method, relations)

    def results(self, methods: Sequence[Any], relations: Any) -> Iterator[tuple[int, Any]]:
        """The place of each method and what `__call__` scores, or the library's error."""
        return embeddings(self.graph, methods, relations)


@dataclass(frozen=True, eq=False, repr=False)
class NodeObjective(Objective):
    """Classes of validation entities, told by logistic regression that is fitted to training entities.

    Args:
        graph: to embed.
        labels: `Labels` of the graph's entities (those among the results), or what `labels_of` takes.
        split: its validation part is scored; rows as in `labels`, see `split_nodes`.
        metric: "micro_f1" (with single labels the accuracy) or "macro_f1", over the classes of training and validation
            entities. Where an entity has k labels, the k classes of highest score are predicted.
        classifier: as of `NodeProtocol`; "auto" looks at training and validation labels.
        C: inverse weight of L2; of several the best on validation counts, and is the one that `test` takes.
        unit_rows: give vectors unit length first.

    Raises:
        ValueError: labels or rows that do not fit, a part without rows, or rows in two parts.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.from_edges([0, 1, 2, 3, 4, 5, 2], [1, 2, 0, 4, 5, 3, 3])
        >>> split = NodeSplit(np.array([0, 3]), np.array([1, 4]), np.array([2, 5]))
        >>> objective = NodeObjective(graph, [0, 0, 0, 1, 1, 1], split)
        >>> objective(cj.embed(graph, cj.LaplacianEigenmaps(dim=1)))
        1.0
    """

    graph: Graph
    labels: Any
    split: NodeSplit
    metric: Literal["micro_f1", "macro_f1"] = "micro_f1"
    classifier: Classifier | Literal["auto"] = "auto"
    C: float | Sequence[float] = 1.0
    unit_rows: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.graph, Graph):
            raise TypeError(f"`graph` must be a Graph, got {self.graph!r:.100}.")
        checks.one_of("metric", self.metric, NODE_METRICS)
        checks.one_of("classifier", self.classifier, ("auto", *CLASSIFIERS))
        checks.keep(self, unit_rows=checks.boolean("unit_rows", self.unit_rows))
        strengths = checked_strengths(self.C)
        checks.keep(self, C=strengths if isinstance(strengths, tuple) else (strengths,))
        checks.keep(self, labels=labels_of(self.graph.vocab.take(self.graph.kept), self.labels))
        check_split(self.labels, self.split)
        if self.classifier == "multinomial" and not self._seen.single:
            raise checks.OptionError("`classifier` 'multinomial' needs single labels; use 'one-vs-rest'.")

    @property
    def _seen(self) -> Labels:
        return seen_labels(self.labels, self.split)

    def __call__(self, embedding: Embedding) -> float:
        """The metric on validation entities."""
        return max(self._of_strengths(embedding))

    def test(self, embedding: Embedding) -> float:
        """The metric on test entities, with the C that is best on validation; to be asked once, of what was chosen."""
        found = self._of_strengths(embedding)
        strength = self.C[found.index(max(found))]  # type: ignore[index]
        return self._score(self._features(embedding), self.labels, self.split.test, strength)

    def _of_strengths(self, embedding: Embedding) -> list[float]:
        features, seen = self._features(embedding), self._seen
        return [self._score(features, seen, self.split.validation, C) for C in self.C]  # type: ignore[union-attr]

    def _features(self, embedding: Embedding) -> np.ndarray:
        vectors, _, _ = opened(embedding)
        return as_features(vectors, self.unit_rows)

    def _score(self, features: np.ndarray, labels: Labels, rows: np.ndarray, strength: float) -> float:
        """The metric on some rows of a regression fitted to training rows."""
        kind: Any = self.classifier
        if kind == "auto":
            kind = "multinomial" if self._seen.single else "one-vs-rest"
        train = self.split.train
        fitted, truth = (labels.matrix[part].toarray().astype(bool) for part in (train, rows))
        scores = class_scores(kind, features[train], fitted, features[rows], strength)
        average: Any = self.metric.removesuffix("_f1")
        return f1(truth, top_k_labels(scores, truth.sum(axis=1)), average)

    def thinned(self, share: float, seed: int) -> NodeObjective:
        """With that share of the training labels of each class."""
        train = some_rows(self.labels, self.split.train, share, seed)
        return replace(self, split=NodeSplit(train, self.split.validation, self.split.test))

    def fingerprint(self) -> str:
        """Of training and validation labels and all settings."""
        seen, split = self._seen, self.split
        held = (seen.classes, seen.matrix, split.train, split.validation)
        return f"NodeObjective {digest(*held, self.metric, self.classifier, self.C, self.unit_rows)}"


@dataclass(frozen=True, eq=False, repr=False)
class LinkObjective(Objective):
    """Validation links told from pairs without one, by vectors of the training graph.

    Args:
        split: see `split_edges`; methods embed `split.graph`.
        metric: "auc" and "ap" are means of those against uniform ("auc_uniform", "ap_uniform") and against
            degree-matched negatives ("auc_matched", "ap_matched").
        protocol: its `scorers`, `C`, `fit_pairs` and `seed` count; the best scorer on validation is the score, and is
            the one that `test` takes. Default: `LinkProtocol()`.

    Raises:
        ValueError: no validation links.

    Example:
        >>> import cleora_jax as cj
        >>> ring = np.arange(40)
        >>> graph = cj.from_edges(np.tile(ring, 3), (ring + [[1], [2], [3]]).ravel() % 40)
        >>> objective = LinkObjective(cj.split_edges(graph, validation=0.1), metric="auc_uniform")
        >>> objective(cj.embed(objective.graph, cj.Cleora(dim=4, num_iterations=8))) > 0.8
        True
    """

    split: EdgeSplit
    metric: Literal["auc", "ap", "auc_uniform", "auc_matched", "ap_uniform", "ap_matched"] = "auc"
    protocol: LinkProtocol = field(default_factory=LinkProtocol)

    def __post_init__(self) -> None:
        if not isinstance(self.split, EdgeSplit) or not isinstance(self.protocol, LinkProtocol):
            raise TypeError(f"`split` must be an EdgeSplit and `protocol` a LinkProtocol, got {self.split!r:.100}.")
        checks.one_of("metric", self.metric, LINK_METRICS)
        if not len(self.split.validation):
            raise checks.OptionError("`split` has no validation links to be judged by.")

    @property
    def graph(self) -> Graph:  # type: ignore[override]
        """The training graph."""
        return self.split.graph

    def __call__(self, embedding: Embedding) -> float:
        """The metric on validation links, of the best scorer."""
        return max(self._of_scorers(embedding, self.split.validation).values())

    def test(self, embedding: Embedding) -> float:
        """The metric on test links, of the scorer that is best on validation; to be asked once, of what was chosen.

        `predict_edges` says more: all scorers, ranks, and heuristics beside.
        """
        found = self._of_scorers(embedding, self.split.validation)
        best = max(found, key=found.__getitem__)
        return self._of_scorers(embedding, self.split.test, (best,))[best]

    def _of_scorers(
        self, embedding: Embedding, held_out: HeldOut, names: Sequence[ScorerName] = ()
    ) -> dict[ScorerName, float]:
        vectors, _ = vectors_of(self.split, embedding)
        how = self.protocol
        judges = {
            name: scorer(name, vectors, self.split, how.C, how.fit_pairs, how.seed) for name in names or how.scorers
        }
        return {name: self._value(against_negatives(judge, held_out)) for name, judge in judges.items()}

    def _value(self, found: dict[str, float]) -> float:
        return float(np.mean([value for name, value in found.items() if name.startswith(self.metric)]))

    def thinned(self, share: float, seed: int) -> LinkObjective:
        """With that share of the training links."""
        return replace(self, split=some_links(self.split, share, seed))

    def fingerprint(self) -> str:
        """Of training and validation links and all settings."""
        one, how = self.split, self.protocol
        held = (one.train, one.train_negative, *vars(one.validation).values(), one.directed)
        return f"LinkObjective {digest(*held, self.metric, how.scorers, how.C, how.fit_pairs, how.seed)}"


@dataclass(frozen=True, eq=False, repr=False)
class FunctionObjective(Objective):
    """Any function of an embedding.

    Args:
        graph: to embed.
        function: from an `Embedding` to a number; higher is better.
    """

    graph: Graph
    function: Callable[[Embedding], float]

    def __call__(self, embedding: Embedding) -> float:
        """What the function says."""
        return self.function(embedding)

    def thinned(self, share: float, seed: int) -> FunctionObjective:
        """Not known."""
        raise checks.OptionError(NO_TRAINING)

    def fingerprint(self) -> str:
        """Of its name and code."""
        return function_digest(self.function)


def objective_of(given: Any, graph: Graph | None) -> Any:
    """What was given as an objective; a function goes with the graph to embed."""
    ready = hasattr(given, "fingerprint") and hasattr(given, "results")
    if not callable(given) or isinstance(given, type):
        raise TypeError(
            f"`objective` must be NodeObjective(…), LinkObjective(…), LearnerObjective(…) or a function from an "
            f"Embedding to a number, got {given!r:.100}."
        )
    if ready and graph is not None:
        raise checks.OptionError(f"`graph` must not be given: {type(given).__name__} has one, or none to embed.")
    if not ready and not isinstance(graph, Graph):
        raise TypeError(f"`graph` must be a Graph, for methods to embed and the function to judge, got {graph!r:.100}.")
    return given if ready else FunctionObjective(graph, given)  # type: ignore[arg-type]


def seen_labels(labels: Labels, split: NodeSplit) -> Labels:
    """Training and validation labels alone, and the classes that these have: nothing else may sway a search."""
    rows = np.zeros(len(labels), bool)
    rows[split.train] = rows[split.validation] = True
    matrix = sp.csr_array(labels.matrix.multiply(rows[:, None])).astype(bool)
    matrix.eliminate_zeros()
    some = np.flatnonzero(np.bincount(matrix.indices, minlength=matrix.shape[1]))
    return Labels(tuple(labels.classes[at] for at in some), sp.csr_array(matrix[:, some]))
