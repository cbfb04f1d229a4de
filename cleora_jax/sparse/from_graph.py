"""Graph to Operator: the only crossing from counts to matrices that propagate. Every matrix has a name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import jax
import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax.graph.build import Graph, check_graph
from cleora_jax.graph.counts import joint_factors, ordered_counts
from cleora_jax.graph.hyperedges import Relation
from cleora_jax.graph.trim import trimmed
from cleora_jax.sparse.operator import Csr, Operator

Propagation = Literal["left", "symmetric", "directed", "directed-in"]
Form = Literal["auto", "clique", "factored"]
PROPAGATIONS = ("left", "symmetric", "directed", "directed-in")
FORMS = ("auto", "clique", "factored")
NO_ORDER = "`hyperedge_trim_n` does not go with directed propagation: its parts know no order."


def markov(
    graph: Graph,
    propagation: Propagation = "left",
    *,
    form: Form = "auto",
    hyperedge_trim_n: int | None = None,
    differentiable: bool = False,
) -> Operator:
    """The Markov operator of a graph.

        left:        P = D⁻¹ W, rows sum to 1 (0 for isolated entities)
        symmetric:   S = D^-½ W D^-½
        directed:    P_out = D_out⁻¹ W with W from earlier to later members; a sink keeps its own vector
        directed-in: the same with Wᵀ

    Args:
        graph: n entities; several relations are added up.
        propagation: which matrix.
        form: "clique" stores W (at most Σ|e|² entries), "factored" stores its two factors (2Σ|e| entries), the same
            result; "auto" takes the one with fewer entries. Directed and given matrices have only the clique form.
        hyperedge_trim_n: of a hyperedge of more entities, keep only pairs with at least one of its so many entities (so
            many of each side, over two columns) that stand most often in the whole input, ties by first appearance.
            Pairs keep their weight, and degrees are of what was kept. Default: all pairs. Not for directed
            propagation, nor for given matrices.
        differentiable: store the adjoint too where it does not follow from the matrix (directed, asymmetric ones).

    Returns:
        The operator, float32.

    Raises:
        ValueError: an unknown option, a form that cannot be, or a matrix without symmetry under "symmetric".
    """
    check_graph(graph)
    checks.one_of("propagation", propagation, PROPAGATIONS)
    checks.one_of("form", form, FORMS)
    given = any(relation.counts is not None for relation in graph.relations)
    directed = propagation.startswith("directed")
    if form == "factored" and (given or directed):
        why = "directed propagation" if directed else "a graph given as a matrix"
        raise checks.OptionError(f"`form='factored'` needs hyperedges without order; {why} has only the clique form.")
    if hyperedge_trim_n is not None:
        top = checks.integer("hyperedge_trim_n", hyperedge_trim_n, low=1)
        if directed:
            raise checks.OptionError(NO_ORDER)
        if given:
            raise checks.OptionError("`hyperedge_trim_n` needs hyperedges; a graph given as a matrix has none.")
        graph = replace(graph, relations=trimmed(graph.relations, graph.occurrences, top))
    if directed:
        return _directed(graph, propagation == "directed-in", differentiable)
    if stored_form(graph, form) == "factored":
        return _factored(graph, propagation)
    return _clique(graph, propagation, differentiable)


def stored_form(graph: Graph, form: Form) -> Literal["clique", "factored"]:
    """What `form` comes to on a graph without direction: of "auto", the form with fewer entries."""
    if form != "auto":
        return form
    entries, given = graph.entries(), any(relation.counts is not None for relation in graph.relations)
    return "factored" if not given and entries["factored"] < entries["clique"] else "clique"


def masses_of(graph: Graph, hyperedge_trim_n: int | None = None) -> np.ndarray:
    """float64[n]: row sums of W, of hyperedges without order, by its two factors; trimmed as in `markov`."""
    relations = graph.relations
    if hyperedge_trim_n is not None:
        relations = trimmed(relations, graph.occurrences, hyperedge_trim_n)
    scatter, gather = joint_factors(relations, graph.num_entities)
    return _masses(scatter, gather)


def _masses(scatter: sp.csr_array, gather: sp.csr_array) -> np.ndarray:
    masses: np.ndarray = scatter.astype(np.float64) @ row_sums(gather)
    return masses


REVERSED = "~"


def metapath(graph: Graph, path: Sequence[str], *, differentiable: bool = False) -> Operator:
    """The walk along relations, in turn and back: a product of one-way Markov steps, one factor each, kept apart.

    A step "author-paper" goes from the left column to the right, "~author-paper" back; within one column a step goes
    from earlier to later members of a hyperedge (the head of a triple to its tail). A path that is not its own reverse
    is continued by it, so that the walk ends where it began: ("author-paper", "paper-venue") walks author, paper,
    venue, paper, author. Entities from which no whole path starts are isolated: they have a zero row.

    Args:
        graph: of named relations.
        path: at least one step.
        differentiable: store the adjoint too, for gradients.

    Returns:
        The operator; rows sum to 1 or 0.

    Raises:
        OptionError: an empty path, an unknown relation, or a path that no walk can follow.

    Example:
        >>> import cleora_jax as cj
        >>> lines = ["ann\\tp1\\tkdd", "bob\\tp1\\tkdd", "cid\\tp2\\tkdd"]
        >>> graph = cj.from_hyperedges(lines, "author paper venue")
        >>> op = cj.metapath(graph, ["author-paper"])
        >>> cj.apply(op, jax.numpy.eye(6))[0].round(2).tolist()  # ann: half herself, half bob, by their paper
        [0.5, 0.0, 0.0, 0.5, 0.0, 0.0]

    Reference: Sun, Han, Yan, Yu and Wu, PathSim: meta path-based top-k similarity search (VLDB 2011).
    """
    check_graph(graph)
    steps = _there_and_back(graph, path)
    one_way = {step: ordered_counts(_named(graph, step), graph.num_entities) for step in {_plain(s) for s in steps}}
    factors = []
    for step in steps:
        counts = one_way[_plain(step)]
        counts = transposed(counts) if step.startswith(REVERSED) else counts
        factors.append(scaled(counts, inverse(row_sums(counts)), None))
    reach = np.ones(graph.num_entities)
    for factor in reversed(factors):
        reach = factor.astype(np.float64) @ reach
    if not reach.any():
        raise checks.OptionError(
            f"`metapath` {list(path)}: no walk can follow it: each step must end in the column where the next begins, "
            "and some entity must stand in both ('~' goes against a relation)."
        )
    factors[0] = scaled(factors[0], inverse(reach), None)
    adjoint = tuple(transposed(factor) for factor in reversed(factors)) if differentiable else None
    return _operator(tuple(factors), reach > 0, None, adjoint)


def _plain(step: str) -> str:
    return step.removeprefix(REVERSED)


def _there_and_back(graph: Graph, path: Sequence[str]) -> list[str]:
    if isinstance(path, str) or not all(isinstance(step, str) for step in path):
        raise TypeError(f"`metapath` must be a sequence of relation names, got {path!r}.")
    if not len(path):
        raise checks.OptionError("`metapath` must have at least one step.")
    for step in path:
        _named(graph, step)
    back = [_plain(step) if step.startswith(REVERSED) else REVERSED + step for step in reversed(path)]
    return list(path) if list(path) == back else [*path, *back]


def _named(graph: Graph, step: str) -> Relation:
    names = [relation.name for relation in graph.relations]
    if _plain(step) not in names:
        known = checks.listed(map(repr, names))
        raise checks.OptionError(f"`metapath`: no relation {step!r}; there are {known}, and '~' goes against one.")
    return graph.relations[names.index(_plain(step))]


def _clique(graph: Graph, propagation: str, differentiable: bool) -> Operator:
    counts = graph.counts()
    degree = row_sums(counts)
    symmetric = all(relation.counts is None for relation in graph.relations) or not (counts - counts.T).nnz
    if propagation == "symmetric":
        if not symmetric:
            raise checks.OptionError(
                "`propagation='symmetric'` needs symmetric counts; this graph's matrix is not symmetric."
            )
        scale = inverse(np.sqrt(degree))
        matrix = scaled(counts, scale, scale)
        return _operator((matrix,), row_sums(matrix), np.ones_like(degree))
    matrix, ones = scaled(counts, inverse(degree), None), degree > 0
    if symmetric:
        return _operator((matrix,), ones, similarity_of(degree))
    return _operator((matrix,), ones, None, (transposed(matrix),) if differentiable else None)


def _factored(graph: Graph, propagation: str) -> Operator:
    scatter, gather = joint_factors(graph.relations, graph.num_entities)
    degree = _masses(scatter, gather)
    if propagation == "symmetric":
        scale = inverse(np.sqrt(degree))
        scatter, gather = scaled(scatter, scale, None), scaled(gather, None, scale)
        return _operator((scatter, gather), scatter.astype(np.float64) @ row_sums(gather), np.ones_like(degree))
    return _operator((scaled(scatter, inverse(degree), None), gather), degree > 0, similarity_of(degree))


def _directed(graph: Graph, inward: bool, differentiable: bool) -> Operator:
    counts = sum(
        (ordered_counts(relation, graph.num_entities) for relation in graph.relations[1:]),
        start=ordered_counts(graph.relations[0], graph.num_entities),
    )
    counts = transposed(counts) if inward else sp.csr_array(counts)
    touched = ~graph.isolated
    sinks = np.flatnonzero((row_sums(counts) == 0) & touched)
    loops = sp.coo_array((np.ones(len(sinks), np.float32), (sinks, sinks)), shape=counts.shape)
    counts = sp.csr_array(counts + loops.tocsr())
    matrix = scaled(counts, inverse(row_sums(counts)), None)
    return _operator((matrix,), touched, None, (transposed(matrix),) if differentiable else None)


def from_csr(matrix: sp.csr_array, *, symmetric: bool = False, adjoint: bool = True) -> Operator:
    """Any matrix as an operator, float32, with what products by its transpose need.

    Args:
        matrix: n × n or n × f, sorted, without duplicates.
        symmetric: it equals its transpose, which then need not be stored.
        adjoint: store the transpose; else products by it, and gradients, raise.
    """
    matrix = sp.csr_array(matrix.astype(np.float32, copy=False))
    ones = np.ones(matrix.shape[0]) if symmetric else None
    return _operator((matrix,), row_sums(matrix), ones, (transposed(matrix),) if adjoint and not symmetric else None)


def _operator(
    matrices: tuple[sp.csr_array, ...],
    row_sum: np.ndarray,
    similarity: np.ndarray | None,
    adjoint: tuple[sp.csr_array, ...] | None = None,
) -> Operator:
    return Operator(
        tuple(Csr.of(matrix) for matrix in matrices),
        jax.device_put(row_sum.astype(np.float32)),  # jnp.asarray would compile
        None if similarity is None else jax.device_put(similarity.astype(np.float32)),
        None if adjoint is None else tuple(Csr.of(matrix) for matrix in adjoint),
    )


def row_sums(matrix: sp.csr_array) -> np.ndarray:
    """float64[n] sums of rows."""
    filled = np.flatnonzero(np.diff(matrix.indptr))
    total = np.zeros(matrix.shape[0])
    if len(filled):
        total[filled] = np.add.reduceat(matrix.data, matrix.indptr[filled], dtype=np.float64)
    return total


def scaled(matrix: sp.csr_array, rows: np.ndarray | None, columns: np.ndarray | None) -> sp.csr_array:
    """diag(rows) M diag(columns), float32 (rounded once, so that tiny degrees do no harm), sharing the indices."""
    scale: np.ndarray = np.ones(1) if columns is None else columns[matrix.indices]
    if rows is not None:
        each = np.repeat(rows, np.diff(matrix.indptr))
        scale = each if columns is None else np.multiply(each, scale, out=each)
    data = np.multiply(matrix.data, scale, out=np.empty_like(matrix.data), dtype=np.float64, casting="same_kind")
    return sp.csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def similarity_of(degree: np.ndarray) -> np.ndarray:
    """float64[n] a with Pᵀ = diag(a) P diag(1/a), for P = D⁻¹ W: the degrees, 1 where there is none, in the unit, a
    power of 2, that has them as far below 1 as above: float32 has to hold them and their inverses. Where they
    span more than it does (72 orders of magnitude), the outermost count as nearer."""
    there = degree > 0
    logs = np.log2(degree[there]) if there.any() else np.zeros(1)
    unit = 2.0 ** -np.round((logs.min() + logs.max()) / 2)
    return np.where(there, np.clip(degree * unit, 2.0**-120, 2.0**120), 1)


def inverse(values: np.ndarray) -> np.ndarray:
    """1 / values, 0 where they are not positive."""
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)


def transposed(matrix: sp.csr_array) -> sp.csr_array:
    """Mᵀ as CSR."""
    return sp.csr_array(matrix.T.tocsr())
