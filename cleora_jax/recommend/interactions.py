"""Interactions: who took what, as a matrix of users × items over two vocabularies. Here ids of both become rows."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress, no_progress
from cleora_jax._random import generator
from cleora_jax.graph.build import BuildReport, Graph, check_graph, check_weights, distinct_ids
from cleora_jax.graph.hyperedges import frozen, offsets_of, sides
from cleora_jax.graph.readers import from_table, read
from cleora_jax.graph.vocab import Vocab

COLUMNS = "user item"


@dataclass(frozen=True, eq=False, repr=False)
class Interactions:
    """Who took what, and how often.

    Build it by `interactions` (pairs, arrays, frames), `read_interactions` (files) or `interactions_of` (a graph of two
    columns).

    Args:
        users, items: the u users and the i items, in row order.
        matrix: float32[u, i] CSR, sorted, without zeros: weights, those of repeated pairs added up.
        report: how it was read.

    Example:
        >>> taken = interactions([("ann", "tea"), ("ann", "jam"), ("bob", "tea")])
        >>> taken, taken.items[1]
        (Interactions(2 users, 2 items, 3 pairs), 'jam')
    """

    users: Vocab
    items: Vocab
    matrix: sp.csr_array
    report: BuildReport = field(default_factory=BuildReport)

    def __post_init__(self) -> None:
        if self.matrix.shape != (len(self.users), len(self.items)):
            raise checks.OptionError(
                f"`matrix` must have shape {(len(self.users), len(self.items))}, got {self.matrix.shape}."
            )
        frozen(self.matrix.data), frozen(self.matrix.indices), frozen(self.matrix.indptr)

    def __len__(self) -> int:
        return int(self.matrix.nnz)

    def __repr__(self) -> str:
        return f"Interactions({len(self.users):,} users, {len(self.items):,} items, {len(self):,} pairs)"

    def binary(self) -> Interactions:
        """The same pairs, each with weight 1.

        Example:
            >>> interactions([("ann", "tea"), ("ann", "tea")]).binary().matrix.toarray()
            array([[1.]], dtype=float32)
        """
        matrix = self.matrix
        ones = np.ones_like(matrix.data)
        return replace(self, matrix=sp.csr_array((ones, matrix.indices, matrix.indptr), shape=matrix.shape))


def interactions(pairs: Any, weights: Any = None, *, columns: str = COLUMNS, weight: str | None = None) -> Interactions:
    """Interactions of pairs, of arrays, or of a table.

    Args:
        pairs: (user, item) pairs, or an array [m, 2] of ids; or a table as `from_table` takes it: a dict of columns,
            pyarrow, a pandas or polars frame. Ids are strings or integers.
        weights: float[m] ≥ 0 of the pairs. Default: all ones. A pair that stands several times counts as often.
        columns: of a table, the spec of its two columns of ids, users first.
        weight: of a table, the column of weights.

    Raises:
        ValueError: no pairs, pairs of another length, a null or empty id, a weight that is none (its place is named).

    Example:
        >>> interactions([[7, 1], [7, 2], [8, 1]], weights=[1, 3, 2]).matrix.toarray()
        array([[1., 3.],
               [2., 0.]], dtype=float32)
        >>> interactions({"user": ["u1", "u2"], "item": ["i1", "i1"]})
        Interactions(2 users, 1 items, 2 pairs)
    """
    if isinstance(pairs, (str, bytes)):
        raise TypeError("`pairs` must be (user, item) pairs or a table; for a file, `read_interactions`.")
    if isinstance(pairs, Mapping) or hasattr(pairs, "columns") or hasattr(pairs, "__arrow_c_stream__"):
        if weights is not None:
            raise checks.OptionError("`weights` are for pairs; of a table, name the column in `weight`.")
        return interactions_of(from_table(pairs, columns, weight=weight))
    if weight is not None:
        raise checks.OptionError("`weight` names a column of a table; of pairs, give `weights`.")
    first, second = _ends(pairs)
    users, user = distinct_ids(("pairs",), first, "pair")
    items, item = distinct_ids(("pairs",), second, "pair")
    given = np.ones(len(user), np.float32) if weights is None else np.asarray(weights)
    data = check_weights(given, len(user), "`weights`, pair {}".format)
    matrix = sp.coo_array((data, (user, item)), shape=(len(users), len(items)))
    return Interactions(Vocab.of(users, "user"), Vocab.of(items, "item"), tidy(matrix))


def read_interactions(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    columns: str = COLUMNS,
    *,
    progress: Progress = no_progress,
    **ways: Any,
) -> Interactions:
    """Interactions of files: two columns of ids, users first, by the reader of graphs.

    Args:
        paths: files, globs or folders, also compressed, see `read`.
        columns: the spec of both columns and of what is ignored, e.g. "user item ignore::time"; "user complex::item"
            for lines with a user and all their items.
        ways: how lines are read, as in `read`: `format`, `weight`, `header`, `comment`, `on_bad_line`, ….
        progress: called as reading goes on.

    Raises:
        InputError: files that cannot be read, with the place.
        ValueError: a spec of other than two columns.
    """
    return interactions_of(read(paths, columns, progress=progress, **ways))


def interactions_of(graph: Graph) -> Interactions:
    """The interactions of a graph of two columns: users are those of the first, items those of the second.

    Each hyperedge relates all its users to all its items by its weight.

    Raises:
        ValueError: another number of columns, or one that relates to itself, or a graph given as a matrix.

    Example:
        >>> import cleora_jax as cj
        >>> interactions_of(cj.from_hyperedges(["ann\\ttea jam", "bob\\ttea"], "user complex::item"))
        Interactions(2 users, 2 items, 3 pairs)
    """
    check_graph(graph)
    names = graph.vocab.columns
    if len(names) != 2 or not graph.two_sided:
        raise checks.OptionError(
            f"interactions need two columns, users and items (as in 'user item' or 'user complex::item'), got "
            f"{' and '.join(map(repr, names))}{'' if len(names) != 2 else ', of which one relates to itself'}."
        )
    (relation,) = graph.relations
    left, right = sides(relation)
    weight = np.ones(len(left)) if relation.weight is None else relation.weight
    rows = [np.flatnonzero(graph.vocab.column_of == code) for code in (0, 1)]
    one = left.matrix(graph.num_entities, np.ones(len(left)))[:, rows[0]]
    other = right.matrix(graph.num_entities, weight)[:, rows[1]]
    return Interactions(
        graph.vocab.of_column(names[0]), graph.vocab.of_column(names[1]), tidy(one.T @ other), graph.report
    )


def tidy(matrix: Any) -> sp.csr_array:
    """Any sparse matrix as CSR float32, sorted, entries added up in float64, without zeros."""
    found = sp.csr_array(matrix.astype(np.float64))
    found.sum_duplicates()
    found = found.astype(np.float32)
    if not np.isfinite(found.data).all():
        raise checks.OptionError("weights must stay finite as float32 where those of repeated pairs are added up.")
    found.eliminate_zeros()
    return found


def _ends(pairs: Any) -> tuple[np.ndarray, np.ndarray]:
    """Users and items of pairs."""
    if isinstance(pairs, np.ndarray):
        if pairs.ndim != 2 or pairs.shape[1] != 2:
            raise checks.OptionError(f"`pairs` must be [m, 2], got shape {pairs.shape}.")
        first, second = pairs.T
    else:
        listed = list(pairs)
        for place, pair in enumerate(listed):
            if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
                raise TypeError(f"`pairs` must hold (user, item) pairs, got {pair!r:.60} at place {place}.")
        first, second = ([pair[side] for pair in listed] for side in (0, 1))
    if not len(first):
        raise checks.OptionError("`pairs` is empty: at least one interaction is needed.")
    return first, second


class Placed(NamedTuple):
    """Interactions over the rows of others.

    Args:
        matrix: float32[u, i] over the users and items of the others.
        unknown_users, unknown_items: ids of its own that the others do not hold.
        unknown_pairs: pairs left out, as one of their ends is unknown.
    """

    matrix: sp.csr_array
    unknown_users: int
    unknown_items: int
    unknown_pairs: int


def placed(given: Interactions, on: Interactions) -> Placed:
    """Interactions over the rows of others, as test interactions over those of training; what is unknown is counted.

    Example:
        >>> train = interactions([("ann", "tea"), ("bob", "jam")])
        >>> found = placed(interactions([("ann", "jam"), ("cid", "tea"), ("bob", "rum")]), train)
        >>> found.matrix.toarray().tolist(), found[1:]
        ([[0.0, 1.0], [0.0, 0.0]], (1, 1, 2))
    """
    users, items = _rows(on.users, given.users), _rows(on.items, given.items)
    pairs = given.matrix.tocoo()
    user, item = users[pairs.coords[0]], items[pairs.coords[1]]
    known = (user >= 0) & (item >= 0)
    matrix = sp.coo_array((pairs.data[known], (user[known], item[known])), shape=on.matrix.shape)
    return Placed(tidy(matrix), int((users < 0).sum()), int((items < 0).sum()), int((~known).sum()))


def _rows(known: Vocab, other: Vocab) -> np.ndarray:
    """The row of each id of `other` in `known`, −1 for none, whatever their columns are called."""
    return known.rows_of(Vocab(other.ids, known.columns, np.zeros(len(other), np.uint8)))


def hold_out(given: Interactions, share: float = 0.1, seed: int = 0) -> tuple[Interactions, Interactions]:
    """Pairs to choose settings by: the interactions without a share of their pairs, and those pairs.

    Pairs are drawn uniformly, but one of each user stays. Both parts keep all users and items.

    Args:
        given: the interactions to train on.
        share: in (0, 1). Default: a tenth.
        seed: of the draw.

    Example:
        >>> train, held = hold_out(interactions([(u, i) for u in range(5) for i in range(10)]), 0.2)
        >>> train, held
        (Interactions(5 users, 10 items, 40 pairs), Interactions(5 users, 10 items, 10 pairs))
    """
    share = checks.real("share", share, low=0, high=1, open_low=True, open_high=True)
    rng = generator(seed)
    matrix = given.matrix
    order = rng.permutation(len(given))
    user = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    stays = np.zeros(len(given), bool)
    stays[order[np.unique(user[order], return_index=True)[1]]] = True  # the first that is drawn of each user
    free = order[~stays[order]]
    held = np.zeros(len(given), bool)
    held[free[: round(share * len(given))]] = True
    if not held.any():
        raise checks.OptionError(f"`share` {share} of {len(given)} pairs leaves none to hold out.")
    return part_of(given, ~held), part_of(given, held)


def part_of(given: Interactions, kept: np.ndarray) -> Interactions:
    """The pairs where bool[pairs] `kept` is true, in the order of the matrix; over all users and items."""
    matrix = given.matrix
    offset = offsets_of(kept)[matrix.indptr].astype(matrix.indptr.dtype)
    parts = matrix.data[kept], matrix.indices[kept], offset
    return replace(given, matrix=sp.csr_array(parts, shape=matrix.shape))
