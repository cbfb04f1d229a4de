"""Features of hyperedges: averaged over the hyperedges of each entity, and propagated from there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress, no_progress
from cleora_jax.cleora.features import Features, FeatureTable, Matrix, as_id, as_matrix, check_finite, stacked
from cleora_jax.cleora.verb import Method, embed
from cleora_jax.graph.build import Graph
from cleora_jax.graph.hyperedges import Incidence, distinct_sides, line_groups, masses, sides
from cleora_jax.sparse.from_graph import row_sums
from cleora_jax.vectors.embedding import Embedding
from cleora_jax.vectors.ensemble import combine as combined
from cleora_jax.vectors.rows import BLOCK_COLUMNS

Combine = Literal["concat", "mean", "only"]
COMBINES = ("concat", "mean", "only")
Lines = list[tuple[Incidence, np.ndarray]]  # of some hyperedges each column's side, and w_e there, float64


def hyperedge_means(graph: Graph, values: Any) -> np.ndarray | sp.csr_array:
    """Features of hyperedges, averaged over the hyperedges of each entity.

        f_i = Σ_e H_ie w_e f_e / Σ_e H_ie w_e

    over the hyperedges e that have features: H_ie is how often the entity stands in e, w_e the weight of e (the mean
    over its relations, where `reweighted` made them differ). Entities in none of them, or only in such of weight 0,
    get the zero row.

    Args:
        graph: n entities, E = `graph.num_hyperedges`: lines in the order read; where relations are of different
            lines, those of the first relation come first.
        values: an array float[E, w], a SciPy sparse matrix or a list of vectors, in the order of the hyperedges; or a
            dict of hyperedge -> vector float[w]. Its keys are tuples of the members' ids in the order read, column by
            column, or such ids in one string with blanks between. A key serves all hyperedges of these members; one of
            two members also serves the reverse, unless that has a key of its own. Hyperedges without a key take no
            part.

    Returns:
        float32[n, w] in the order of `graph.vocab`; a CSR matrix where `values` is sparse.

    Raises:
        ValueError: another number of rows than E, vectors of different lengths, NaN or infinity (with its place), or
            two keys of one hyperedge.
        NotFoundError: keys that no hyperedge takes; they are named.
        TypeError: a graph given as a matrix, which has no hyperedges.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.from_hyperedges(["ann tea", "bob tea", "bob jam"])
        >>> graph.vocab.ids.to_pylist()
        ['ann', 'tea', 'bob', 'jam']
        >>> hyperedge_means(graph, {"ann tea": [1.0, 0.0], ("tea", "bob"): [0.0, 4.0]}).tolist()
        [[1.0, 0.0], [0.5, 2.0], [0.0, 4.0], [0.0, 0.0]]
    """
    groups = _lines(graph)
    if isinstance(values, Mapping):
        rows, matrix = _by_key(graph, groups, values)
    else:
        rows, matrix = np.arange(graph.num_hyperedges), as_matrix(values)
        if matrix.shape[0] != len(rows):
            raise checks.OptionError(
                f"`values` must have {len(rows):,} rows, one per hyperedge, got {matrix.shape[0]:,}."
            )
    means = _means(groups, rows, graph.num_entities)
    if sp.issparse(matrix):
        return sp.csr_array(means @ matrix).astype(np.float32)
    out = np.empty((graph.num_entities, matrix.shape[1]), np.float32)
    for first in range(0, matrix.shape[1], BLOCK_COLUMNS):
        part = slice(first, first + BLOCK_COLUMNS)
        out[:, part] = means @ matrix[:, part]  # added up in float64
    return out


def embed_edge_features(
    graph: Graph,
    values: Any,
    method: Method | None = None,
    *,
    combine: Combine = "concat",
    relations: Literal["joint"] | None = None,
    progress: Progress = no_progress,
) -> Embedding:
    """Vectors of the structure and of the hyperedges' features, as one embedding.

    The structure is embedded as always; the features by the same method started from `hyperedge_means` alone (from
    hashed vectors where an entity has none). Use it where hyperedges say something that their members do not: amounts,
    hours, texts of transactions; with few steps and little whitening, as for `Features`.

    Args:
        graph: n entities.
        values: features of the hyperedges, as for `hyperedge_means`.
        method: default `Cleora()`.
        combine: "concat" puts both side by side, with equal weight in every cosine; "mean" turns the features' onto
            the structure's and averages them, in as many columns as each has; "only" leaves the structure out.
        relations: as for `embed`.
        progress: called after every step, of the structure first, then of the features.

    Returns:
        float32[n, 2·dim] for "concat", else float32[n, dim]; see `cleora_jax.vectors.ensemble.combine`.

    Raises:
        ValueError, NotFoundError, TypeError: as `hyperedge_means` and `embed`.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.from_hyperedges(["ann tea", "bob tea", "bob jam"])
        >>> prices = [[2.0, 0.0], [2.5, 1.0], [7.0, 1.0]]
        >>> embed_edge_features(graph, prices, cj.Cleora(dim=2, num_iterations=3)).vectors.shape
        (4, 4)
    """
    checks.one_of("combine", combine, COMBINES)
    first = Features(hyperedge_means(graph, values), weight=1.0)
    if combine == "only":
        return embed(graph, method, init=first, relations=relations, progress=progress)
    structure = embed(graph, method, relations=relations, progress=progress)
    return combined([structure, embed(graph, method, init=first, relations=relations, progress=progress)], combine)


def _lines(graph: Graph) -> list[Lines]:
    """The hyperedges, those of relations that share them together; w_e is the mean over the relations of a column."""
    groups = []
    for positions in line_groups(graph.relations):
        relations = [graph.relations[position] for position in positions]
        of = [(sides(relation), masses(relation).astype(np.float64)) for relation in relations]
        columns = distinct_sides(relations)
        weights = [[mass for pair, mass in of if any(side is column for side in pair)] for column in columns]
        groups.append([(side, np.mean(weight, axis=0)) for side, weight in zip(columns, weights, strict=True)])
    return groups


def _means(groups: Sequence[Lines], rows: np.ndarray, num_entities: int) -> sp.csr_array:
    """The averages over some hyperedges as a matrix, float64 CSR[n, len(rows)]; its rows sum to 1, or are empty."""
    columns = [[side.matrix(num_entities, mass) for side, mass in lines] for lines in groups]
    members = sp.vstack([sum(parts[1:], start=parts[0]) for parts in columns], format="csr")[rows]
    total = sp.csr_array(members.astype(np.float64).T.tocsr())
    degree = row_sums(total)
    share = np.divide(1.0, degree, out=np.zeros_like(degree), where=degree > 0)
    total.data *= np.repeat(share, np.diff(total.indptr))
    return total


def _by_key(graph: Graph, groups: Sequence[Lines], values: Mapping[Any, Any]) -> tuple[np.ndarray, Matrix]:
    """The hyperedges that have a key, int64[k], and their vectors float32[k, w]."""
    keys = list(values)
    place: dict[tuple[str, ...], int] = {}
    for at, key in enumerate(keys):
        first = place.setdefault(_members_of(key), at)
        if first != at:
            raise checks.OptionError(f"`values`: {keys[first]!r} and {key!r} are the same hyperedge.")
    vectors = stacked(values.values(), lambda row: repr(keys[row]))
    check_finite(FeatureTable(vectors, [str(key) for key in keys]))
    found = np.array([place.get(members, _reverse(place, members)) for members in _members(graph, groups)])
    unused = np.setdiff1d(np.arange(len(keys)), found)
    if len(unused):
        raise checks.NotFoundError(f"`values`: no hyperedge for {checks.listed(repr(keys[at]) for at in unused)}.")
    rows = np.flatnonzero(found >= 0)
    return rows, vectors[found[rows]]


def _reverse(place: Mapping[tuple[str, ...], int], members: tuple[str, ...]) -> int:
    return place.get(members[::-1], -1) if len(members) == 2 else -1


def _members_of(key: Any) -> tuple[str, ...]:
    """The members that a key names."""
    if isinstance(key, str):
        return tuple(key.split())
    if isinstance(key, tuple):
        return tuple(as_id(member) for member in key)
    raise TypeError(f"`values`: a hyperedge is a tuple of ids or a string of them, got {key!r:.100}.")


def _members(graph: Graph, groups: Sequence[Lines]) -> Iterator[tuple[str, ...]]:
    """The ids of each hyperedge, column by column, in the order read."""
    ids = graph.vocab.ids.to_pylist()
    for lines in groups:
        words = [[ids[row] for row in side.member.tolist()] for side, _ in lines]
        bounds = [side.offset.tolist() for side, _ in lines]
        for edge in range(len(lines[0][0])):
            cells = (column[at[edge] : at[edge + 1]] for column, at in zip(words, bounds, strict=True))
            yield tuple(word for cell in cells for word in cell)
