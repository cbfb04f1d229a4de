"""`CleoraEmbedder` with pycleora's settings; `cleora_jax.estimator` has the one that keeps scikit-learn's contract."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._checks import OptionError
from cleora_jax.graph.columns import DEFAULT_COLUMNS
from cleora_jax.pycleora.matrix import SparseMatrix
from cleora_jax.pycleora.modes import embed
from cleora_jax.pycleora.run import DEFAULT_FEATURE_DIM, DEFAULT_NUM_ITERATIONS, HYPEREDGE_TRIM_N, Normalization
from cleora_jax.sparse.from_graph import Propagation


@dataclass(eq=False)
class CleoraEmbedder:
    """`embed` with pycleora's fit and transform; `cleora_jax.estimator` has one that keeps scikit-learn's contract.

    Args:
        feature_dim, num_iterations, propagation, normalization, seed, num_workers, whiten: as in `embed`.
        columns, hyperedge_trim_n: as in `SparseMatrix.from_iterator`.

    Example:
        >>> model = CleoraEmbedder(feature_dim=8, whiten=False)
        >>> model.fit_transform(["a b", "b c"]).shape, model.transform(["c a"]).shape
        ((3, 8), (2, 8))
    """

    feature_dim: int = DEFAULT_FEATURE_DIM
    num_iterations: int = DEFAULT_NUM_ITERATIONS
    propagation: Propagation = "left"
    normalization: Normalization = "l2"
    columns: str = DEFAULT_COLUMNS
    seed: int = 0
    hyperedge_trim_n: int | None = HYPEREDGE_TRIM_N
    num_workers: int | None = None
    whiten: bool = True
    graph_: SparseMatrix | None = field(default=None, init=False, repr=False)
    embeddings_: np.ndarray | None = field(default=None, init=False, repr=False)
    entity_ids_: list[str] | None = field(default=None, init=False, repr=False)

    def fit(self, edges: Iterable[str], y: Any = None) -> CleoraEmbedder:
        """Embed the entities of lines."""
        self.graph_ = SparseMatrix.from_iterator(edges, self.columns, self.hyperedge_trim_n)
        self.embeddings_ = embed(
            self.graph_, self.feature_dim, self.num_iterations, self.propagation, self.normalization, self.seed,
            whiten=self.whiten,
        )  # fmt: skip
        self.entity_ids_ = self.graph_.entity_ids
        return self

    def transform(self, edges: Iterable[str] | None = None) -> np.ndarray:
        """All vectors, or those of the entities of lines by first appearance; a warning counts those not fitted."""
        if self.graph_ is None or self.embeddings_ is None:
            raise RuntimeError("`transform` needs `fit` before it.")
        if edges is None:
            return self.embeddings_
        rows = self.graph_.graph.vocab.rows_of(SparseMatrix.from_iterator(edges, self.columns).graph.vocab)
        if (rows < 0).all():
            raise OptionError("`edges` holds none of the entities that were fitted.")
        if (rows < 0).any():
            checks.warn(f"{np.count_nonzero(rows < 0):,} entities of `edges` were not fitted: left out.", UserWarning)
        found: np.ndarray = self.embeddings_[rows[rows >= 0]]
        return found

    def fit_transform(self, edges: Iterable[str], y: Any = None) -> np.ndarray:
        """`fit`, then all vectors."""
        return self.fit(edges).transform()

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The settings by name."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.init}

    def set_params(self, **params: Any) -> CleoraEmbedder:
        """Change settings by name."""
        for name, value in params.items():
            checks.one_of("params", name, tuple(self.get_params()))
            setattr(self, name, value)
        return self
