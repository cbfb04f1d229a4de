"""`CleoraEmbedder`: Cleora for scikit-learn's pipelines and searches. A thin shell; needs the extra `sklearn`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp

from cleora_jax._checks import OptionError, one_of
from cleora_jax.cleora import Cleora, embed, fit, transform
from cleora_jax.graph import Graph, from_hyperedges, from_scipy, from_table
from cleora_jax.graph.columns import DEFAULT_COLUMNS, parse_columns
from cleora_jax.graph.hyperedges import distinct_sides
from cleora_jax.vectors import Embedding

try:
    from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
    from sklearn.utils.validation import check_is_fitted, validate_data
except ModuleNotFoundError as error:
    raise ModuleNotFoundError("`CleoraEmbedder` needs scikit-learn: pip install 'cleora-jax[sklearn]'") from error

UNKNOWN = ("transform", "ignore")


class CleoraEmbedder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Samples are hyperedges: `fit` embeds their entities, `transform` gives each sample the mean of their vectors.

    So it stands in a pipeline before a classifier of baskets, sessions or papers; the vectors of the entities are in
    `embedding_`. What X may be:

    - hyperedges: a list, array or Series of strings as for `from_hyperedges`, lists of ids, or a pandas, polars or
      Arrow table for `from_table`, whose columns `columns` names;
    - an incidence matrix: an array of numbers [samples, entities], dense or sparse, of how much of each entity a sample
      holds (≥ 0); entities are called by the feature names, or "x0", "x1", …

    Where a graph is large, leave the whitening on: without, vectors are nearly parallel, and a classifier that is not
    scaled sees little of what tells them apart.

    Args:
        columns: the column spec of hyperedges; no part of it counts for an incidence matrix.
        unknown: what new samples do with entities that `fit` has not seen: "transform" embeds them by the samples they
            stand in (see `cleora_jax.transform`), "ignore" leaves them out. An incidence matrix has none.
        dim, num_iterations, propagation, normalization: as in `Cleora`, like those below; None for the number of steps
            means 40, or the last of `scales`.
        whiten, whiten_alpha, whiten_rank, residual_weight: likewise.
        init, seed, form, hyperedge_trim_n, tolerance: likewise; some need `unknown="ignore"`, see `cleora_jax.fit`.
        scales, scale_weights, attention_temperature: likewise.

    Attributes:
        embedding_: the `Embedding` of all entities.
        entity_ids_: their ids, object array[n].
        graph_: the `Graph`.
        n_features_in_, feature_names_in_: of an incidence matrix.

    Example:
        >>> from sklearn.linear_model import LogisticRegression
        >>> from sklearn.pipeline import make_pipeline
        >>> baskets = ["tea milk sugar", "tea sugar cup", "milk tea", "nail hammer", "hammer saw nail", "saw nail"] * 5
        >>> model = make_pipeline(CleoraEmbedder(dim=4, whiten="off", num_iterations=3), LogisticRegression())
        >>> model.fit(baskets, ["kitchen"] * 3 + ["shed"] * 3 + (["kitchen"] * 3 + ["shed"] * 3) * 4)
        Pipeline(...)
        >>> model.predict(["cup milk", "saw screw"]).tolist()
        ['kitchen', 'shed']
    """

    def __init__(
        self,
        columns: str = DEFAULT_COLUMNS,
        *,
        unknown: Literal["transform", "ignore"] = "transform",
        dim: int = 256,
        num_iterations: int | None = None,
        propagation: str = "left",
        normalization: str = "l2",
        whiten: str | int = "every",
        whiten_alpha: float = 1.0,
        whiten_rank: int | None = None,
        residual_weight: float = 0.0,
        init: str = "hash",
        seed: int = 0,
        form: str = "auto",
        hyperedge_trim_n: int | None = None,
        tolerance: float | None = None,
        scales: Sequence[int] = (),
        scale_weights: Sequence[float] | None = None,
        attention_temperature: float | None = None,
    ) -> None:
        self.columns = columns
        self.unknown = unknown
        self.dim = dim
        self.num_iterations = num_iterations
        self.propagation = propagation
        self.normalization = normalization
        self.whiten = whiten
        self.whiten_alpha = whiten_alpha
        self.whiten_rank = whiten_rank
        self.residual_weight = residual_weight
        self.init = init
        self.seed = seed
        self.form = form
        self.hyperedge_trim_n = hyperedge_trim_n
        self.tolerance = tolerance
        self.scales = scales
        self.scale_weights = scale_weights
        self.attention_temperature = attention_temperature

    def fit(self, X: Any, y: Any = None) -> CleoraEmbedder:
        """Embed the entities of the samples; `y` is not looked at."""
        one_of("unknown", self.unknown, UNKNOWN)
        settings = {each.name: getattr(self, each.name) for each in fields(Cleora) if hasattr(self, each.name)}
        if self.num_iterations is None:
            del settings["num_iterations"]
        method = Cleora(**settings)
        self._matrix = is_matrix(X, self.columns)
        self.graph_, _ = self._read(X, reset=True)
        if self._matrix or self.unknown == "ignore":
            self._fitted, self.embedding_ = None, embed(self.graph_, method, relations="joint")
        else:
            self._fitted = fit(self.graph_, method, relations="joint")
            self.embedding_ = self._fitted.embedding
        self.entity_ids_ = np.array(self.embedding_.vocab.ids.to_pylist(), object)
        self._n_features_out = self.embedding_.dim
        return self

    def transform(self, X: Any) -> np.ndarray:
        """One vector per sample, float32[samples, d]: the mean of its entities' vectors; zeros where it has none."""
        check_is_fitted(self, "embedding_")
        if is_matrix(X, self.columns) != self._matrix:
            kind = "an incidence matrix" if self._matrix else "hyperedges"
            raise OptionError(f"`X` must be {kind}, as it was in `fit`, got {type(X).__name__}.")
        graph, held = self._read(X, reset=False)
        vectors = self.embedding_.vectors if self._matrix else self._vectors_of(graph)
        known = vectors.any(axis=1)
        total = held @ known.astype(np.float64)
        pooled = held @ vectors.astype(np.float64)
        mean: np.ndarray = np.divide(pooled, total[:, None], out=np.zeros_like(pooled), where=total[:, None] > 0)
        return mean.astype(np.float32)

    def _read(self, X: Any, *, reset: bool) -> tuple[Graph, sp.csr_array]:
        """The graph of some samples, and how much of each of its entities a sample holds, [samples, n]."""
        if self._matrix:
            X = validate_data(
                self, X, reset=reset, accept_sparse="csr", dtype=np.float64, ensure_non_negative=True,
                ensure_min_features=2 if reset else 1,
            )  # fmt: skip
            held = sp.csr_array(X)
            names = [str(name) for name in getattr(self, "feature_names_in_", [f"x{i}" for i in range(X.shape[1])])]
            return (graph_of_incidence(held, names) if reset else self.graph_), held
        if isinstance(X, str):
            raise TypeError(f"`X` must be a sequence of hyperedges, got the one string {X!r:.50}.")
        if names_of(X):
            graph = from_table(X, self.columns)
            return graph, _held(graph)
        listed = getattr(X, "to_pylist", None) or getattr(X, "tolist", None) or getattr(X, "to_list", None)
        return self._of_lines(list(X if listed is None else listed()))

    def _of_lines(self, samples: list[Any]) -> tuple[Graph, sp.csr_array]:
        """As `_read`, of strings or lists; samples that hold nothing hold none of the entities."""
        if not all(isinstance(sample, (str, list, tuple)) for sample in samples):
            raise TypeError("`X` must hold strings or lists of ids, or be a table or a matrix of numbers.")
        some = [at for at, sample in enumerate(samples) if len(sample.split() if isinstance(sample, str) else sample)]
        if samples and not some:
            if not hasattr(self, "embedding_"):
                raise OptionError("`X` holds nothing: every sample is empty.")
            return self.graph_, sp.csr_array((len(samples), self.graph_.num_entities))
        graph = from_hyperedges([samples[at] for at in some], self.columns)
        held = _held(graph)
        place = sp.csr_array((np.ones(len(some)), (some, range(len(some)))), shape=(len(samples), len(some)))
        return graph, sp.csr_array(place @ held)

    def _vectors_of(self, graph: Graph) -> np.ndarray:
        """Vectors of a graph's entities: known ones, those of `transform` where it is wanted, and zeros."""
        found = np.zeros((graph.num_entities, self.embedding_.dim), np.float32)
        parts: list[Embedding] = [self.embedding_]
        if self._fitted is not None:
            parts.append(transform(self._fitted, graph))
        for part in parts:
            rows = part.vocab.rows_of(graph.vocab)
            found[rows >= 0] = part.vectors[rows[rows >= 0]]
        return found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = []
        return tags


def _held(graph: Graph) -> sp.csr_array:
    """How often each entity stands in each line, [lines, n]."""
    members = [side.matrix(graph.num_entities, np.ones(len(side))) for side in distinct_sides(graph.relations)]
    return sp.csr_array(sum(members[1:], start=members[0]))


def names_of(X: Any) -> list[str]:
    """The columns of a frame or table; of anything else, none."""
    columns = getattr(X, "column_names", getattr(X, "columns", None))
    return [] if columns is None or sp.issparse(X) else [str(name) for name in columns]


def is_matrix(X: Any, columns: str) -> bool:
    """Whether samples come as an incidence matrix: numbers in two dimensions, and no table of the spec's columns."""
    names = names_of(X)
    if names:
        of_spec = {column.name for column in parse_columns(columns)}.intersection(names)
        kinds = [getattr(dtype, "kind", "O") for dtype in np.atleast_1d(getattr(X, "dtypes", "O"))]
        return not of_spec and all(kind in "biuf" for kind in kinds)
    if isinstance(X, (list, tuple)):
        first = X[0] if len(X) and isinstance(X[0], (list, tuple, np.ndarray)) else []
        return len(first) > 0 and isinstance(first[0], (float, np.floating))
    kind = getattr(getattr(X, "dtype", None), "kind", None)
    if sp.issparse(X) or hasattr(X, "to_pylist") or (kind is None and hasattr(X, "to_list")):
        return bool(sp.issparse(X))
    return kind in "biufc" or (kind == "O" and np.ndim(X) == 2) if kind is not None else hasattr(X, "__array__")


def graph_of_incidence(held: sp.csr_array, names: Sequence[str]) -> Graph:
    """W = Hᵀ diag(1 / |e|²) H of samples that hold any amount of each entity, |e| the sum of a sample's amounts."""
    if not held.nnz:
        raise OptionError("`X` holds nothing: an incidence matrix needs an entry above 0.")
    size = held.sum(axis=1)
    share = sp.diags_array(np.divide(1, size, out=np.zeros_like(size), where=size > 0)) @ held
    return from_scipy(share.T @ share, names, column="feature")
