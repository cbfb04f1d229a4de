"""Several relations as one matrix whose weights are an argument: what learning the weight of a relation needs."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import numpy as np
import scipy.sparse as sp

from cleora_jax._checks import OptionError
from cleora_jax.graph.build import Graph
from cleora_jax.graph.counts import clique_counts
from cleora_jax.graph.hyperedges import index_array
from cleora_jax.sparse.from_graph import inverse, row_sums, scaled, similarity_of
from cleora_jax.sparse.operator import Csr, Operator, Weighted


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Mixture:
    """The counts of several relations over one vocabulary, entry beside entry. A pytree of arrays.

    Args:
        op: one factor, in each row the entries of all relations, not added up; rows sum to 1.
        relation: int32[m], the relation of each entry, by its place in `graph.relations`.
    """

    op: Operator
    relation: jax.Array


def mixture(graph: Graph) -> Mixture:
    """The relations of a graph, ready to be mixed in any proportion.

    Raises:
        OptionError: a given matrix that is not symmetric, whose gradients would need its transpose.
    """
    parts = [clique_counts(relation, graph.num_entities).tocoo() for relation in graph.relations]
    for relation in graph.relations:
        if relation.counts is not None and (relation.counts - relation.counts.T).nnz:
            raise OptionError(f"relation {relation.name!r} must be symmetric to be mixed with others.")
    rows, columns, data = (np.concatenate([getattr(part, name) for part in parts]) for name in ("row", "col", "data"))
    relation_of = np.repeat(np.arange(len(parts), dtype=np.int32), [part.nnz for part in parts])
    order = np.argsort(rows, kind="stable")
    pointers = index_array(np.searchsorted(rows[order], np.arange(graph.num_entities + 1)))
    shape = (graph.num_entities, graph.num_entities)
    matrix = sp.csr_array((data[order], columns[order].astype(np.int32), pointers), shape=shape)
    # Rows in proportion to their sums: weights that are huge or tiny would leave float32 when they are added up.
    degree = row_sums(matrix)
    alive, similarity = (jax.device_put(part.astype(np.float32)) for part in (degree > 0, similarity_of(degree)))
    matrix = scaled(matrix, inverse(degree), None)
    return Mixture(Operator((Csr.of(matrix),), alive, similarity), jax.device_put(relation_of[order]))


def mix(mixture: Mixture, weights: jax.Array) -> Weighted:
    """D⁻¹ Σ_r w_r W_r, the left Markov operator of the weighted relations: differentiable in the weights.

    Args:
        mixture: of R relations.
        weights: float32[R] ≥ 0.

    Example:
        >>> import cleora_jax as cj, jax.numpy as jnp
        >>> graph = cj.from_hyperedges(["ann\\tp1\\tkdd", "bob\\tp1\\tvldb"], "author paper venue")
        >>> op = cj.mix(cj.mixture(graph), jnp.array([3.0, 1.0, 1.0]))  # author-paper counts three times
        >>> (op @ jnp.eye(5))[0].tolist()
        [0.0, 0.75, 0.25, 0.0, 0.0]
    """
    return Weighted.of(mixture.op, mixture.op.factors[0].data * weights[mixture.relation])
