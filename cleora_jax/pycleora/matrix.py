"""`SparseMatrix`: a graph and its Markov matrices, by pycleora's names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from typing import Any

import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._checks import NotFoundError, OptionError
from cleora_jax.cleora.start import pycleora_vectors
from cleora_jax.graph.build import Graph
from cleora_jax.graph.columns import parse_columns
from cleora_jax.graph.hyperedges import Incidence, sides
from cleora_jax.graph.readers import from_hyperedges, read
from cleora_jax.pycleora.run import HYPEREDGE_TRIM_N, method_of, run
from cleora_jax.sparse.from_graph import Propagation, markov, masses_of
from cleora_jax.sparse.operator import Operator, apply
from cleora_jax.vectors.search import unit_rows


@dataclass(frozen=True, eq=False, repr=False)
class SparseMatrix:
    """A graph and its Markov matrices, by pycleora's names; immutable, pickles.

    Args:
        graph: of one relation whose entities differ by id alone (`shared_ids=True` where there are two columns).
        columns: names of the relation's two columns, the same twice where a column relates to itself.
        hyperedge_trim_n: of larger hyperedges only pairs with one of their so many most frequent entities count.

    Example:
        >>> graph = SparseMatrix.from_iterator(iter(["alice laptop", "alice mouse"]), "complex::reflexive::product")
        >>> graph, graph.entity_ids
        (SparseMatrix(entities=3, edges=7, columns=('product', 'product')), ['alice', 'laptop', 'mouse'])
        >>> graph.get_neighbors("laptop")
        [('alice', 0.5), ('laptop', 0.5)]
    """

    graph: Graph
    columns: tuple[str, str]
    hyperedge_trim_n: int | None = None

    def __post_init__(self) -> None:
        if len(self.graph.relations) != 1 or self.graph.transient or len(self.graph.vocab.columns) != 1:
            raise OptionError(
                "a `SparseMatrix` has one relation, no transient column and, as pycleora's names know ids only, one "
                "vocabulary (`shared_ids=True`). For more, use `cleora_jax.read` or `from_hyperedges`, and "
                "`cleora_jax.embed(…, relations='joint')`."
            )

    @classmethod
    def from_iterator(
        cls,
        hyperedges: Iterable[str | tuple[str, float]],
        columns: str,
        hyperedge_trim_n: int | None = HYPEREDGE_TRIM_N,
        num_workers: int | None = None,
    ) -> SparseMatrix:
        """A graph of lines of text; a line that does not fit is an error (see `from_hyperedges`).

        Two columns are split by tabs, or by commas where the first line has no tab but a comma. Pairs of a line and a
        weight are taken too.
        """
        lines = iter(hyperedges)
        head = list(islice(lines, 1))
        first = "" if not head else head[0] if isinstance(head[0], str) else head[0][0]
        commas = len(columns.split()) > 1 and "," in first and "\t" not in first
        graph = from_hyperedges(chain(head, lines), columns, format="csv" if commas else "auto", shared_ids=True)
        return cls(graph, _ends(columns), hyperedge_trim_n)

    @classmethod
    def from_files(
        cls,
        filepaths: Sequence[str],
        columns: str,
        hyperedge_trim_n: int | None = HYPEREDGE_TRIM_N,
        num_workers: int | None = None,
    ) -> SparseMatrix:
        """A graph of files, in the order given; a missing file is an error (see `read`)."""
        return cls(read(filepaths, columns, shared_ids=True), _ends(columns), hyperedge_trim_n)

    def __reduce__(self) -> tuple[Any, ...]:  # without the matrices, which follow from the graph
        return SparseMatrix, (self.graph, self.columns, self.hyperedge_trim_n)

    def __repr__(self) -> str:
        return f"SparseMatrix(entities={len(self)}, edges={self.num_edges}, columns={self.columns})"

    def __len__(self) -> int:
        return self.graph.num_entities

    @property
    def num_entities(self) -> int:
        """n."""
        return len(self)

    @property
    def num_edges(self) -> int:
        """Stored entries of the Markov matrix, self-pairs included."""
        return int(self._left_entries.nnz)

    @cached_property
    def entity_ids(self) -> list[str]:
        """The n ids, by first appearance."""
        return self.graph.vocab.ids.to_pylist()

    @property
    def entity_degrees(self) -> np.ndarray:
        """float32[n] row sums of W; twice those where a column relates to itself, as pycleora counts either side."""
        sums = masses_of(self.graph, self.hyperedge_trim_n).astype(np.float32)
        return sums * np.float32(2 if self.graph.relations[0].reflexive else 1)

    @cached_property
    def _left(self) -> Operator:
        return markov(self.graph, "left", hyperedge_trim_n=self.hyperedge_trim_n)

    @cached_property
    def _symmetric(self) -> Operator:
        return markov(self.graph, "symmetric", hyperedge_trim_n=self.hyperedge_trim_n)

    @cached_property
    def _left_entries(self) -> sp.csr_array:
        return self._entries("left")

    def _entries(self, propagation: Propagation) -> sp.csr_array:
        """The operator as one matrix, CSR[n, n]."""
        found = self._left if propagation == "left" else self._symmetric
        if len(found.factors) > 1:
            found = markov(self.graph, propagation, form="clique", hyperedge_trim_n=self.hyperedge_trim_n)
        (matrix,) = found.factors
        arrays = (np.asarray(each) for each in (matrix.data, matrix.indices, matrix.indptr))
        return sp.csr_array(tuple(arrays), shape=matrix.shape)

    def left_markov_propagate(self, x: np.ndarray, num_workers: int | None = None) -> np.ndarray:
        """P x, float32[n, d], rows of P summing to 1."""
        return _applied(self._left, x)

    def symmetric_markov_propagate(self, x: np.ndarray, num_workers: int | None = None) -> np.ndarray:
        """D^-½ W D^-½ x, float32[n, d]."""
        return _applied(self._symmetric, x)

    def initialize_deterministically(self, feature_dim: int, seed: int = 0) -> np.ndarray:
        """pycleora's first vectors float32[n, feature_dim], bit for bit."""
        return pycleora_vectors(self.graph.vocab, feature_dim, seed)

    def l2_normalize(self, x: np.ndarray, num_workers: int | None = None) -> np.ndarray:
        """Rows to unit length, float32; zero rows stay zero."""
        return unit_rows(x, "x").astype(np.float32)

    def embed_fast(
        self,
        feature_dim: int,
        num_iterations: int,
        propagation: Propagation = "left",
        seed: int = 0,
        residual_weight: float = 0.0,
        num_workers: int | None = None,
    ) -> np.ndarray:
        """`embed` without whitening."""
        method = method_of(feature_dim, num_iterations, propagation, seed=seed, residual_weight=residual_weight)
        return run(self, method)[0]

    def embed_fast_convergence(
        self,
        feature_dim: int,
        max_iterations: int,
        propagation: Propagation = "left",
        seed: int = 0,
        residual_weight: float = 0.0,
        convergence_threshold: float = 0.0,
        num_workers: int | None = None,
    ) -> tuple[np.ndarray, int]:
        """`embed_fast` until the root mean square change is below the threshold; the vectors, and the steps done."""
        method = method_of(feature_dim, max_iterations, propagation, seed=seed, residual_weight=residual_weight)
        return run(self, method, threshold=convergence_threshold)

    def get_entity_index(self, entity_id: str) -> int:
        """Row of an entity. Raises ValueError where there is none (the nearest ids are suggested)."""
        return self.get_entity_indices([entity_id])[0]

    def get_entity_indices(self, entity_ids: Sequence[str]) -> list[int]:
        """Rows of several entities. Raises ValueError naming all that are unknown."""
        try:
            return self.graph.vocab.indices(entity_ids).tolist()
        except NotFoundError as error:  # a KeyError: pycleora's callers expect a ValueError
            raise OptionError(str(error)) from error

    def get_entity_column_mask(self, column_name: str) -> np.ndarray:
        """bool[n]: entities that appeared first in this column (an id is one entity, whatever columns it is in)."""
        checks.one_of("column_name", column_name, self.columns)
        left, right = (_first_hyperedge(side, len(self)) for side in sides(self.graph.relations[0]))
        return (left <= right) == (column_name == self.columns[0])

    def get_neighbors(self, entity_id: str) -> list[tuple[str, float]]:
        """An entity's row of the left Markov matrix: (id, share), the entity itself included."""
        row, matrix = self.get_entity_index(entity_id), self._left_entries
        part = slice(matrix.indptr[row], matrix.indptr[row + 1])
        pairs = zip(matrix.indices[part].tolist(), matrix.data[part].tolist(), strict=True)
        return [(self.entity_ids[other], share) for other, share in pairs]

    def to_sparse_csr(self, markov_type: str | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray, int, int]:
        """Entries of the "left" (default) or "symmetric" matrix: rows, columns uint32, values float32, n, n."""
        checks.one_of("markov_type", markov_type, (None, "left", "symmetric"))
        matrix = (self._entries("symmetric") if markov_type == "symmetric" else self._left_entries).tocoo()
        rows, columns = (index.astype(np.uint32) for index in matrix.coords)
        return rows, columns, matrix.data.copy(), len(self), len(self)


def _ends(columns: str) -> tuple[str, str]:
    names = [column.name for column in parse_columns(columns) if not column.ignore]
    return names[0], names[-1]


def _applied(op: Operator, x: np.ndarray) -> np.ndarray:
    return np.array(apply(op, jnp.asarray(x, jnp.float32)))


def _first_hyperedge(side: Incidence, num_entities: int) -> np.ndarray:
    """int64[n]: the first hyperedge of each entity; past the last where it stands in none."""
    found = np.full(num_entities, len(side))
    member, place = np.unique(side.member, return_index=True)
    found[member] = np.searchsorted(side.offset, place, side="right") - 1
    return found
