"""Candidate links: pairs of entities that are alike and do not stand together yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax.graph.build import Graph
from cleora_jax.graph.counts import factors
from cleora_jax.graph.hyperedges import Relation, offsets_of
from cleora_jax.vectors.embedding import Embedding, Key
from cleora_jax.vectors.search import QUERY_BLOCK, top_k

Over = Literal["entity", "all"]
OVERS = ("entity", "all")
KNOWN_PAIRS = 1 << 21  # existing pairs held at once: about as much memory as a block of scores
FIRST_DEPTH = 16  # candidates of a source that a search over all pairs begins with

Factors = tuple[sp.csr_array, sp.csr_array]  # bool [n, m] and [m, n]: their product has an entry at each excluded pair


@dataclass(frozen=True, eq=False, repr=False)
class Links:
    """Candidate links, as arrays; as a list or in a loop, with the names of the entities.

    Args:
        source, target: int64[m] both, rows of `embedding`.
        score: float64[m], cosines.
        embedding: whose rows they are.
    """

    source: np.ndarray
    target: np.ndarray
    score: np.ndarray
    embedding: Embedding

    def __len__(self) -> int:
        return len(self.score)

    def __iter__(self) -> Iterator[tuple[Key, Key, float]]:
        return iter(self.to_list())

    def to_list(self) -> list[tuple[Key, Key, float]]:
        """(source, target, cosine) of each; an entity is its id, or (column, id) where there are several columns."""
        names = (self.embedding.keys(rows) for rows in (self.source, self.target))
        return list(zip(*names, self.score.tolist(), strict=True))

    def __repr__(self) -> str:
        return f"Links({len(self):,} pairs of {len(self.embedding):,} entities)"


class Pairs(NamedTuple):
    """Rows and cosines of pairs; `more` where further pairs of that source may follow, each worse than this one."""

    source: np.ndarray
    target: np.ndarray
    score: np.ndarray
    more: np.ndarray


def predict_links(
    embedding: Embedding,
    graph: Graph,
    k: int = 10,
    *,
    over: Over = "entity",
    entities: Sequence[str] | None = None,
    column: str | None = None,
    among: str | None = None,
    exclude_existing: bool = True,
) -> Links:
    """The pairs of largest cosine that do not exist yet: k for each entity, or k over all. Exact, and in blocks.

    A pair exists where W has an entry for it: two entities of one hyperedge of positive weight, in columns that the
    graph relates, or an entry of a given matrix in either direction. No entity is paired with itself, and none that
    has the zero vector (an isolated one) with any. Cosines are float64; equal ones stand in row order.

    W is not expanded: beside the result, memory is a few blocks of 32 MB and a copy of the graph's incidences.

    Args:
        embedding: of entities of the graph, by (column, id); it may lack some, as those of transient columns.
        graph: in which pairs exist.
        k: at least 1; where there are fewer, all. Default: 10.
        over: "entity", the k best targets of each source, by source; or "all", the k best pairs, best first and each
            once: where source and target might change places, the source is that of the lower row. Default: "entity".
        entities: ids of the sources. Default: all.
        column: column of the sources, needed where ids of `entities` stand in several. Default: any.
        among: column of the targets. Default: any.
        exclude_existing: leave out pairs that exist; if not, `graph` is not looked at. Default: yes.

    Raises:
        NotFoundError: an unknown id or column.
        ValueError: `k` below 1, an unknown `over`, an id in several columns, an entity that `graph` does not hold, or
            NaN or infinity in the vectors.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.from_edges(["ann", "ann", "bob"], ["bob", "cid", "dan"])
        >>> vectors = np.array([[4, 3], [1, 0], [0, 1], [4, 3]], np.float32)
        >>> embedding = cj.Embedding(vectors, graph.vocab)
        >>> predict_links(embedding, graph, k=1, entities=["ann", "bob"]).to_list()
        [('ann', 'dan', 1.0), ('bob', 'cid', 0.0)]
        >>> for source, target, score in predict_links(embedding, graph, k=2, over="all"):
        ...     print(source, target, score)
        ann dan 1.0
        cid dan 0.6
    """
    if not isinstance(embedding, Embedding) or not isinstance(graph, Graph):
        raise TypeError(
            f"`embedding` must be an Embedding and `graph` a Graph, got {embedding!r:.50} and {graph!r:.50}."
        )
    k = checks.integer("k", k, low=1)
    checks.one_of("over", over, OVERS)
    vocab, vectors = embedding.vocab, embedding.vectors
    filled = np.asarray(vectors.any(axis=1))
    sources = _sources(embedding, entities, column)
    sources = sources[filled[sources]]
    targets = filled if among is None else filled & (vocab.column_of == vocab.code_of(among))
    known = _excluded(embedding, graph if exclude_existing else None)
    found = (_of_each if over == "entity" else _of_all)(vectors, known, sources, targets, k)
    return Links(found.source, found.target, found.score, embedding)


def _of_each(vectors: np.ndarray, known: Factors, sources: np.ndarray, targets: np.ndarray, k: int) -> Pairs:
    """The k best pairs of each source, in the order of sources."""
    left, right = known
    return _joined([_found(vectors, block, k, left[block] @ right, targets) for block in _blocks(known, sources)])


def _of_all(vectors: np.ndarray, known: Factors, sources: np.ndarray, targets: np.ndarray, k: int) -> Pairs:
    """The k best pairs over all, best first; sources are searched deeper only while that may still change them.

    What is deeper than a source's candidates is worse than the last of them: where that one is not among the k best so
    far, the source is done. At depth m that goes on for at most k / m sources of a block, so no round holds more than
    2 k candidates. Of pairs that might be found from both ends, the end of the lower row finds them: sources that are
    no targets come first, then those that are, in the order of rows, and after its block each is a target no more.
    """
    sources, targets = np.unique(sources), targets.copy()
    sources = sources[np.argsort(targets[sources], kind="stable")]
    best, (left, right) = _joined([]), known
    for block in _blocks(known, sources):
        depth, todo = max(FIRST_DEPTH, 2 * k // len(sources)), block
        while len(todo):
            others = _taken(best, ~np.isin(best.source, todo))
            exclude = left[todo] @ right + _lower(todo, block, targets)
            found = _found(vectors, todo, min(k, depth), exclude, targets)
            found.more[:] &= depth < k  # of one source, no more than k are wanted
            best = _best(_joined([others, found]), k)
            depth, todo = 2 * depth, np.unique(best.source[best.more])
        targets[block] = False
    return best


def _found(vectors: np.ndarray, sources: np.ndarray, k: int, exclude: sp.csr_array, targets: np.ndarray) -> Pairs:
    rows, scores = top_k(vectors, vectors[sources], k, exclude, targets)
    known = rows >= 0
    more = np.zeros_like(known)
    if rows.shape[1] == k:
        more[:, -1] = known[:, -1]
    return Pairs(np.repeat(sources, known.sum(axis=1)), rows[known], scores[known], more[known])


def _joined(parts: list[Pairs]) -> Pairs:
    nothing = Pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0, bool))
    return Pairs(*map(np.concatenate, zip(nothing, *parts, strict=True)))


def _taken(pairs: Pairs, which: np.ndarray) -> Pairs:
    return Pairs(*(values[which] for values in pairs))


def _best(pairs: Pairs, k: int) -> Pairs:
    return _taken(pairs, np.lexsort((pairs.target, pairs.source, -pairs.score))[:k])


def _lower(sources: np.ndarray, block: np.ndarray, targets: np.ndarray) -> sp.csr_array:
    """For each source that is a target too, those of lower row in its block, which find it themselves."""
    source, lower = np.nonzero((block < sources[:, None]) & targets[sources, None])
    pairs = np.ones(len(source), bool), (source, block[lower])
    return sp.coo_array(pairs, shape=(len(sources), len(targets))).tocsr()


def _blocks(known: Factors, sources: np.ndarray) -> Iterator[np.ndarray]:
    """The sources in blocks whose excluded pairs are at most KNOWN_PAIRS, or those of one source."""
    left, right = known
    cost = left @ np.diff(right.indptr).astype(np.int64)  # with repeats
    total = offsets_of(np.minimum(cost[sources], right.shape[1]))
    start = 0
    while start < len(sources):
        fits = int(np.searchsorted(total, total[start] + KNOWN_PAIRS, side="right")) - 1
        stop = min(max(fits, start + 1), start + QUERY_BLOCK)
        yield sources[start:stop]
        start = stop


def _excluded(embedding: Embedding, graph: Graph | None) -> Factors:
    """Each entity and itself, and the pairs that exist in the graph, if any, over the rows of the embedding."""
    own = sp.eye_array(len(embedding), dtype=bool, format="csr")
    if graph is None:
        return own, own
    rows = graph.vocab.rows_of(embedding.vocab)
    if (rows < 0).any():
        first = embedding.keys(np.flatnonzero(rows < 0)[:1])[0]
        columns = ", ".join(map(repr, graph.vocab.columns))
        raise checks.OptionError(
            "`graph` must hold all entities of `embedding`, by (column, id): "
            f"{np.count_nonzero(rows < 0):,} are missing, the first {first!r}; its columns are {columns}."
        )
    pairs = [_factors(relation, graph.num_entities) for relation in graph.relations]
    left = sp.hstack([own, *(first[rows] for first, _ in pairs)], format="csr")
    right = sp.vstack([own, *(second[:, rows] for _, second in pairs)], format="csr")
    return left, right


def _factors(relation: Relation, num_entities: int) -> Factors:
    """Two factors whose product has the entries of W, and those of Wᵀ where that was given."""
    if relation.counts is None:
        left, right = (matrix.astype(bool) for matrix in factors(relation, num_entities))
    else:
        given = relation.counts.astype(bool)
        left, right = sp.csr_array(given + given.T), sp.eye_array(num_entities, dtype=bool, format="csr")
    left.eliminate_zeros()  # hyperedges of weight 0
    return left, right


def _sources(embedding: Embedding, entities: Sequence[str] | None, column: str | None) -> np.ndarray:
    vocab = embedding.vocab
    if entities is not None:
        return embedding.indices(entities, column)
    return np.flatnonzero(vocab.column_of == vocab.code_of(column)) if column is not None else np.arange(len(vocab))
