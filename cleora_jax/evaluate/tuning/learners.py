"""Learners of classes, judged by how they tell validation entities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from cleora_jax import _checks as checks
from cleora_jax.evaluate.node_splits import NodeSplit, check_split
from cleora_jax.evaluate.tuning.fingerprint import digest
from cleora_jax.evaluate.tuning.objectives import NODE_METRICS, seen_labels
from cleora_jax.evaluate.tuning.thinning import some_rows
from cleora_jax.evaluate.tuning.walks import LIBRARY_ERRORS
from cleora_jax.graph.build import Graph
from cleora_jax.graph.labels import Labels
from cleora_jax.learn import Classified, classify


@dataclass(frozen=True, eq=False, repr=False)
class LearnerObjective:
    """Classes of validation entities, told by what `classify` learns from training entities.

    Learners also stop, and choose C, by validation entities, as they always do. `classify` with the best method and the
    whole split says what it is worth on test entities.

    Args:
        labels: of n entities, see `labels_of`.
        split: its validation part is scored; see `split_nodes`.
        features: as of `classify`, for methods that need them.
        graph: as of `classify`, for methods that need it.
        metric: "micro_f1" (with single labels the accuracy) or "macro_f1", over the classes of training and validation
            entities.

    Raises:
        ValueError: rows that do not fit, a part without rows, or rows in two parts.

    Example:
        >>> import cleora_jax as cj, numpy as np
        >>> graph = cj.from_edges([0, 1, 2, 3, 4, 5, 2], [1, 2, 0, 4, 5, 3, 3])
        >>> labels = cj.labels_of(graph.vocab, [0, 0, 0, 1, 1, 1])
        >>> split = NodeSplit(np.array([0, 3]), np.array([1, 4]), np.array([2, 5]))
        >>> objective = LearnerObjective(labels, split, graph=graph)
        >>> cj.tune(cj.LabelPropagation(), {"alpha": [0.5, 0.9]}, objective=objective).best_score
        1.0
    """

    labels: Labels
    split: NodeSplit
    features: Any = None
    graph: Graph | None = None
    metric: Literal["micro_f1", "macro_f1"] = "micro_f1"

    def __post_init__(self) -> None:
        if not isinstance(self.labels, Labels):
            raise TypeError(f"`labels` must be Labels (see `labels_of`), got {self.labels!r:.100}.")
        checks.one_of("metric", self.metric, NODE_METRICS)
        check_split(self.labels, self.split)

    def __call__(self, found: Classified) -> float:
        """The metric on validation entities."""
        return float(getattr(found.validation, self.metric))

    def check(self, method: Any, relations: Any) -> None:
        """Raise unless the method can be judged."""
        needs = getattr(method, "needs", None)
        if needs is None:
            raise checks.OptionError(
                f"`method` must be a learner such as LabelPropagation(), got {method!r:.100}; "
                "of embeddings judge `NodeObjective` and `LinkObjective`."
            )
        missing = [name for name in needs if getattr(self, name) is None]
        if missing:
            raise checks.OptionError(f"`{missing[0]}` must be given: {type(method).__name__} learns from it.")
        if relations is not None:
            raise checks.OptionError("`relations` must not be given: learners take the edges of all.")

    def results(self, methods: Sequence[Any], relations: Any) -> Iterator[tuple[int, Any]]:
        """The place of each method and what it learned, or the library's error."""
        seen = seen_labels(self.labels, self.split)
        split: tuple[Any, ...] = (self.split.train, self.split.validation, [])
        for place, method in enumerate(methods):
            given = {name: getattr(self, name) for name in method.needs}
            try:
                found: Any = classify(seen, method, split=split, **given)
            except LIBRARY_ERRORS as error:
                found = error
            yield place, found

    def thinned(self, share: float, seed: int) -> LearnerObjective:
        """With that share of the training labels of each class."""
        train = some_rows(self.labels, self.split.train, share, seed)
        return replace(self, split=NodeSplit(train, self.split.validation, self.split.test))

    def fingerprint(self) -> str:
        """Of training and validation labels, features, and all settings."""
        seen, split = seen_labels(self.labels, self.split), self.split
        held = (seen.classes, seen.matrix, split.train, split.validation, self.features)
        return f"LearnerObjective {digest(*held, self.metric)}"
