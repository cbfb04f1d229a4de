"""`fit_recommender`, the verb, and the `Recommender` that it gives: ids in, ids and scores out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress, no_progress
from cleora_jax.graph.build import check_weights
from cleora_jax.graph.vocab import Vocab
from cleora_jax.recommend.interactions import Interactions, tidy
from cleora_jax.recommend.method import RecommenderMethod
from cleora_jax.recommend.top import top_items
from cleora_jax.vectors.search import TopK

Id = str | int | np.integer[Any]
Basket = Sequence[Id] | Mapping[Id, float]
Recommended = list[tuple[str, float]]  # ids with their scores, best first


@dataclass(frozen=True, eq=False, repr=False)
class Recommender:
    """A method fitted to interactions: from `fit_recommender` or `load_recommender`.

    Args:
        interactions: what it was fitted to; known users are asked for by their rows here.
        method: the settings.
        state: what was fitted, the method's `State`.
        notes: what is to be kept with it, of what JSON can hold.
    """

    interactions: Interactions
    method: RecommenderMethod
    state: Any
    notes: dict[str, Any]

    def __repr__(self) -> str:
        return f"Recommender({self.interactions!r}, {self.method!r})"

    def recommend(
        self,
        who: Id | Basket,
        k: int = 10,
        *,
        filter_seen: bool = True,
        candidates: Iterable[Id] | None = None,
    ) -> Recommended:
        """The items of largest score for a known user, or for a basket: items of somebody unknown.

        Args:
            who: the id of a user; or a basket, a list of item ids, or a dict of item ids with weights above 0.
            k: how many, at least 1.
            filter_seen: leave out what the user took, or what is in the basket.
            candidates: the only items that may be given. Default: all.

        Returns:
            (item, score) pairs, best first, equal scores in the order of items; fewer than k where there are no more.

        Raises:
            NotFoundError: an unknown user, or unknown items; all are named.
            ValueError: an empty basket, k below 1, or a weight that is none.

        Example:
            >>> import cleora_jax as cj
            >>> from cleora_jax.recommend import Popularity, fit_recommender, interactions
            >>> found = fit_recommender(
            ...     interactions([("ann", "tea"), ("ann", "jam"), ("bob", "tea"), ("bob", "rum")]), Popularity()
            ... )
            >>> found.recommend("ann", k=2), found.recommend(["jam"], k=1)
            ([('rum', 1.0)], [('tea', 2.0)])
        """
        (found,) = self.recommend_each([who], k, filter_seen=filter_seen, candidates=candidates)
        return found

    def recommend_each(
        self,
        whos: Iterable[Id | Basket],
        k: int = 10,
        *,
        filter_seen: bool = True,
        candidates: Iterable[Id] | None = None,
        progress: Progress = no_progress,
    ) -> list[Recommended]:
        """What `recommend` gives, for each of several users and baskets, in blocks: far faster than one by one."""
        filter_seen = checks.boolean("filter_seen", filter_seen)
        rows = self._rows_of(list(whos))
        allowed = None if candidates is None else self._mask(candidates)
        found = self.top(rows, k, unwanted=rows if filter_seen else None, allowed=allowed, progress=progress)
        return [self._named(*pair) for pair in zip(found.rows, found.scores, strict=True)]

    def similar_items(self, item: Any, k: int = 10, *, candidates: Iterable[Id] | None = None) -> Recommended:
        """The items that go best with one, by this method: those of largest score for a basket of it alone.

        Args:
            item: its id.
            k, candidates: as in `recommend`.

        Raises:
            NotFoundError: an unknown item.

        Example:
            >>> from cleora_jax.recommend import GFCF, fit_recommender, interactions
            >>> baskets = [("ann", "tea"), ("ann", "jam"), ("bob", "tea"), ("bob", "jam"), ("cid", "rum")]
            >>> fit_recommender(interactions(baskets), GFCF(rank=2)).similar_items("tea", k=1)[0][0]
            'jam'
        """
        if not isinstance(item, (str, int, np.integer)):
            raise TypeError(f"`item` must be the id of one item, got {item!r:.60}.")
        return self.recommend([item], k, candidates=candidates)

    def top(
        self,
        rows: sp.csr_array,
        k: int,
        *,
        unwanted: sp.csr_array | None = None,
        allowed: np.ndarray | None = None,
        progress: Progress = no_progress,
    ) -> TopK:
        """The best items of rows of interactions, as row numbers of `interactions.items`; see `top_items`."""
        k = checks.integer("k", k, low=1)
        return top_items(self.method, self.state, rows, k, unwanted=unwanted, allowed=allowed, progress=progress)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to one file, an `.npz` without pickle, atomically; `load_recommender` reads it.

        What is read recommends the same, to the bit.

        Raises:
            OSError: the folder does not exist, or the disk refuses; nothing is left behind.

        Example:
            >>> import os, tempfile
            >>> from cleora_jax.recommend import Popularity, fit_recommender, interactions, load_recommender
            >>> path = os.path.join(tempfile.mkdtemp(), "popular.npz")
            >>> fit_recommender(interactions([("ann", "tea"), ("bob", "jam")]), Popularity()).save(path)
            >>> load_recommender(path).recommend("ann")
            [('jam', 1.0)]
        """
        from cleora_jax.recommend.saved import save_recommender

        save_recommender(self, path)

    def _rows_of(self, whos: Sequence[Id | Basket]) -> sp.csr_array:
        """Rows of interactions of users and baskets, in turn."""
        is_user = np.array([isinstance(who, (str, int, np.integer)) for who in whos], bool)
        users = [who for who, alone in zip(whos, is_user, strict=True) if alone]
        baskets = [who for who, alone in zip(whos, is_user, strict=True) if not alone]
        known = self.interactions.matrix[indices_of(self.interactions.users, users, "who", "users")]
        both = sp.csr_array(sp.vstack([known, self._made(baskets)], format="csr"))
        return both[np.argsort(np.argsort(~is_user, kind="stable"))]

    def _made(self, baskets: Sequence[Any]) -> sp.csr_array:
        """Rows of baskets; all unknown items are named at once."""
        weighted = [_basket(who) for who in baskets]
        items = indices_of(self.interactions.items, [item for some in weighted for item, _ in some], "who", "items")
        weight = np.array([value for some in weighted for _, value in some])
        data = check_weights(weight.astype(np.float64), len(items), "`who`, item {} of the baskets".format)
        place = np.repeat(np.arange(len(baskets)), [len(some) for some in weighted])
        made = tidy(sp.coo_array((data, (place, items)), shape=(len(baskets), len(self.interactions.items))))
        if not data.all() or (np.diff(made.indptr) == 0).any():
            raise checks.OptionError("`who`: a basket must hold at least one item, each of a weight above 0.")
        _check_total(made, "who")
        return made

    def _mask(self, candidates: Iterable[Id]) -> np.ndarray:
        if isinstance(candidates, (str, int)):
            raise TypeError(f"`candidates` must be a list of item ids, got {candidates!r}.")
        allowed = np.zeros(len(self.interactions.items), bool)
        allowed[indices_of(self.interactions.items, list(candidates), "candidates", "items")] = True
        return allowed

    def _named(self, rows: np.ndarray, scores: np.ndarray) -> Recommended:
        given = rows >= 0
        ids = self.interactions.items.ids.take(pa.array(rows[given])).to_pylist()
        return list(zip(ids, scores[given].tolist(), strict=True))


def fit_recommender(
    interactions: Interactions, method: RecommenderMethod, *, progress: Progress = no_progress
) -> Recommender:
    """Fit a method to interactions.

    Args:
        interactions: see `interactions` and `read_interactions`.
        method: one of `RECOMMENDERS`, such as `GFCF()`.
        progress: called as the work goes on; see `progress_bar`.

    Returns:
        A `Recommender`.

    Raises:
        TypeError: anything but interactions and a method.
        ValueError: no interaction of a weight above 0, or weights that add up to more than 1e18.

    Example:
        >>> from cleora_jax.recommend import GFCF, interactions
        >>> taken = [("ann", "tea"), ("ann", "jam"), ("bob", "tea"), ("bob", "jam"), ("bob", "rum"), ("cid", "tea")]
        >>> found = fit_recommender(interactions(taken), GFCF(rank=2))
        >>> [item for item, score in found.recommend("cid")]
        ['jam', 'rum']
    """
    checks.kind("interactions", interactions, Interactions, "see `interactions`, `read_interactions`")
    if isinstance(method, type) or not (hasattr(method, "fit") and hasattr(method, "scores")):
        raise TypeError(f"`method` must be a recommender such as GFCF(rank=64), got {method!r:.100}.")
    if not len(interactions):
        raise checks.OptionError("`interactions` must hold at least one pair of a weight above 0.")
    _check_total(interactions.matrix, "interactions")
    return Recommender(interactions, method, method.fit(interactions.matrix, progress=progress), {})


MOST = 1e18  # of weights in all: products of two such sums are within float32


def _check_total(matrix: sp.csr_array, name: str) -> None:
    total = float(matrix.data.sum(dtype=np.float64))
    if total > MOST:
        raise checks.OptionError(
            f"`{name}`: weights add up to {total:.3g}, at most {MOST:g} can be: choose another unit."
        )


def indices_of(vocab: Vocab, ids: Sequence[Any], name: str, among: str) -> np.ndarray:
    """Rows of ids, strings or integers; errors name the argument, and say among which an id is unknown."""
    for one in ids:
        if isinstance(one, bool) or not isinstance(one, (str, int, np.integer)):
            raise TypeError(f"`{name}`: ids are strings or integers, got {one!r:.60}.")
    try:
        return vocab.indices([str(one) for one in ids])
    except checks.NotFoundError as error:
        raise checks.NotFoundError(f"among {among}: {error}") from error


def _basket(who: Any) -> list[tuple[Any, float]]:
    """Items and their weights."""
    if not isinstance(who, Iterable):
        raise TypeError(f"`who` must be a user's id, or a basket: a list or dict of item ids; got {who!r:.60}.")
    return list(who.items()) if isinstance(who, Mapping) else [(item, 1.0) for item in who]
