"""Histories: what each session or user took, in order, as rows of items; their prefixes, weights and splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax.graph.build import distinct_ids
from cleora_jax.graph.hyperedges import Incidence, frozen, index_array, offsets_of, ranges
from cleora_jax.graph.vocab import Vocab


@dataclass(frozen=True, eq=False, repr=False)
class Histories:
    """h lists of items, each in the order taken; an item may stand in a list more than once.

    Args:
        offset: int64[h + 1]: history r holds `item[offset[r]:offset[r + 1]]`.
        item: int32[m], rows of items.
        time: float64[m], when each was taken, not falling within a history; or None: only the order is known.

    Example:
        >>> Histories.of([[4, 1, 4], [2]])
        Histories(2 of 4 items)
    """

    offset: np.ndarray
    item: np.ndarray
    time: np.ndarray | None = None

    def __post_init__(self) -> None:
        offset, item = np.asarray(self.offset, np.int64), np.asarray(self.item)
        whole = offset.ndim == item.ndim == 1 and len(offset) > 0 and offset[0] == 0 and offset[-1] == len(item)
        if not whole or (np.diff(offset) < 0).any():
            raise checks.OptionError("`offset` must rise from 0 to the number of items, one more than histories.")
        if len(item) and (item.dtype.kind not in "iu" or item.min() < 0):
            raise checks.OptionError(
                f"`item` must hold rows, integers from 0 on, got {item.dtype}, {item.min()} least."
            )
        checks.keep(self, offset=frozen(offset.copy()), item=frozen(item.astype(np.int32)))
        if self.time is not None:
            checks.keep(self, time=frozen(_checked_times(self.time, offset)))

    @classmethod
    def of(cls, lists: Incidence | Sequence[Sequence[int]]) -> Histories:
        """From lists of rows, or from hyperedges whose members stand in order (see `Sequences` of a data set)."""
        if isinstance(lists, Incidence):
            return cls(lists.offset, lists.member)
        size = np.array([len(each) for each in lists], np.int64)
        return cls(offsets_of(size), np.array([row for each in lists for row in each], np.int32))

    def __len__(self) -> int:
        return len(self.offset) - 1

    def __repr__(self) -> str:
        return f"Histories({len(self):,} of {len(self.item):,} items{', with times' if self.time is not None else ''})"

    @property
    def size(self) -> np.ndarray:
        """int64[h]: items of each."""
        return np.diff(self.offset)

    @property
    def owner(self) -> np.ndarray:
        """int64[m]: the history in which each item stands."""
        return np.repeat(np.arange(len(self)), self.size)

    @property
    def last(self) -> np.ndarray:
        """int32[h]: the last item of each; −1 of empty ones."""
        if not len(self.item):
            return np.full(len(self), -1, np.int32)
        return np.where(self.size > 0, self.item[np.maximum(self.offset[1:] - 1, 0)], -1).astype(np.int32)

    def incidence(self) -> Incidence:
        """As hyperedges, members in order."""
        return Incidence(self.offset.copy(), self.item.copy())

    def take(self, rows: Any) -> Histories:
        """Those at `rows` (positions or a slice), in that order."""
        chosen = np.arange(len(self))[rows]
        return self.heads(chosen, self.size[chosen])

    def heads(self, rows: np.ndarray, length: np.ndarray) -> Histories:
        """The first `length[i]` items of history `rows[i]`, for each i."""
        at = ranges(self.offset[:-1][rows], length)
        return Histories(offsets_of(length), self.item[at], None if self.time is None else self.time[at])

    def ends(self) -> np.ndarray:
        """float64[h]: by which histories are ordered in time: that of their last item, or else their place in the file.

        Empty ones end before all others.
        """
        if self.time is None:
            return np.arange(len(self), dtype=np.float64)
        last = self.time[np.maximum(self.offset[1:] - 1, 0)] if len(self.time) else np.zeros(len(self))
        return np.where(self.size > 0, last, -np.inf)

    def ages(self) -> np.ndarray:
        """float64[m]: how long before the last item of its history each was taken: in steps, or in units of time."""
        end = np.repeat(self.offset[1:] - 1, self.size)
        if self.time is None:
            return (end - np.arange(len(self.item))).astype(np.float64)
        ages: np.ndarray = self.time[end] - self.time
        return ages

    def weights(self, num_items: int, decay: float = 1.0) -> sp.csr_array:
        """float64 CSR [h, n]: the sum of decay^age over the times that a history took an item.

        So the weights of a history that goes on are decay^(time passed) times the old ones, plus the new.

        Args:
            num_items: n.
            decay: in (0, 1], for a step or a unit of time. Default: none.
        """
        decay = checks.real("decay", decay, low=0, high=1, open_low=True)
        check_rows(self, num_items)
        data = np.power(decay, self.ages())
        matrix = sp.csr_array(
            (data, self.item.copy(), index_array(self.offset)), shape=(len(self), num_items), copy=True
        )
        matrix.sum_duplicates()
        return matrix


def _checked_times(time: Any, offset: np.ndarray) -> np.ndarray:
    found = np.array(time, np.float64)
    if found.shape != (offset[-1],) or not np.isfinite(found).all():
        raise checks.OptionError(f"`time` must be finite, one for each item ({offset[-1]:,}), got {found.shape}.")
    falls = np.flatnonzero(np.diff(found) < 0) + 1
    inside = falls[~np.isin(falls, offset)]
    if len(inside):
        raise checks.OptionError(f"`time` must not fall within a history, but does at place {inside[0]}.")
    return found


def check_rows(histories: Histories, num_items: int) -> None:
    """Raise OptionError unless all items are rows below `num_items`."""
    checks.integer("num_items", num_items, low=1)
    top = int(histories.item.max(initial=-1))
    if top >= num_items:
        raise checks.OptionError(f"`histories` hold item {top}, but there are only {num_items:,} items.")


class Cases(NamedTuple):
    """What to tell from what: of c histories the item that came next."""

    histories: Histories
    target: np.ndarray  # int32[c]

    def take(self, rows: Any) -> Cases:
        """Those at `rows`."""
        return Cases(self.histories.take(rows), self.target[rows])


def prefixes(histories: Histories) -> Cases:
    """Every prefix of every history, and the item that came next: c = Σ (|history| − 1) cases, in order.

    Example:
        >>> cases = prefixes(Histories.of([[4, 1, 7], [2]]))
        >>> cases.histories.item.tolist(), cases.target.tolist()
        ([4, 4, 1], [1, 7])
    """
    count = np.maximum(histories.size - 1, 0)
    length = ranges(np.ones(len(histories), np.int64), count)
    owner = np.repeat(np.arange(len(histories)), count)
    return Cases(histories.heads(owner, length), histories.item[histories.offset[:-1][owner] + length])


def split_last(histories: Histories, share: float) -> tuple[Histories, Histories]:
    """The earlier histories, and the last `share` of them, at least one: what is learned from is never later.

    By the time of their last item, or else by their place. Within each part they stay in order.

    Example:
        >>> early, late = split_last(Histories.of([[0], [1], [2]]), 0.34)
        >>> early.item.tolist(), late.item.tolist()
        ([0, 1], [2])
    """
    share = checks.real("share", share, low=0, high=1, open_low=True, open_high=True)
    if len(histories) < 2:
        raise checks.OptionError(f"`histories` must be two at least, to be split; got {histories!r}.")
    late = min(max(1, int(share * len(histories))), len(histories) - 1)
    order = np.argsort(histories.ends(), kind="stable")
    return histories.take(np.sort(order[:-late])), histories.take(np.sort(order[-late:]))


def histories_of(
    sessions: Any, items: Any, times: Any = None, *, vocab: Vocab | None = None
) -> tuple[Histories, Vocab]:
    """Histories from columns of ids, one click a row: what the door for files and frames ends in.

    Args:
        sessions: ids, strings or integers [m]; sessions are in the order in which they first appear.
        items: ids [m].
        times: numbers [m]; rows of a session are then put in the order of time, equal ones as given. Default: the order
            of rows counts.
        vocab: of items, whose rows are meant. Default: the items, by first appearance.

    Returns:
        The histories, and the vocabulary of items.

    Raises:
        NotFoundError: items that `vocab` does not hold; all are named.
        ValueError: columns of different lengths, an empty or null id, or a time that is not finite.

    Example:
        >>> histories, vocab = histories_of(["s", "t", "s"], ["tea", "tea", "cup"])
        >>> histories.offset.tolist(), histories.item.tolist(), vocab.ids.to_pylist()
        ([0, 2, 3], [0, 1, 0], ['tea', 'cup'])
    """
    names, owner = distinct_ids(("sessions",), np.asarray(sessions), "row")
    found, row = distinct_ids(("items",), np.asarray(items), "row")
    if len(owner) != len(row) or (times is not None and len(times) != len(row)):
        raise checks.OptionError(
            f"`sessions`, `items` and `times` must be of one length, got {len(owner)}, {len(row)}."
        )
    if vocab is None:
        vocab = Vocab.of(found, "item")
    else:
        row = vocab.indices(found.to_pylist())[row]
    when = None if times is None else np.asarray(times, np.float64)
    order = np.argsort(owner, kind="stable") if when is None else np.lexsort((when, owner))
    offset = offsets_of(np.bincount(owner, minlength=len(names)))
    return Histories(offset, row[order].astype(np.int32), None if when is None else when[order]), vocab


def basket_histories(owner: np.ndarray, baskets: Incidence) -> Histories:
    """The baskets of each user as one history, in which an item's time is the number of its basket, from 0.

    So a decay is for each basket passed, and what is in one basket is of one age.

    Args:
        owner: int[b], whose each basket is; those of one user stand together, in order.
        baskets: b of them.

    Example:
        >>> users = basket_histories(np.array([7, 7, 9]), Incidence(np.array([0, 2, 3, 4]), np.array([4, 1, 4, 0])))
        >>> users.weights(5, decay=0.5).toarray().tolist()
        [[0.0, 0.5, 0.0, 0.0, 1.5], [1.0, 0.0, 0.0, 0.0, 0.0]]
    """
    owners = np.asarray(owner)
    if owners.shape != (len(baskets),):
        raise checks.OptionError(f"`owner` must be one per basket ({len(baskets):,}), got shape {owners.shape}.")
    first = np.flatnonzero(np.append(True, owners[1:] != owners[:-1])) if len(owners) else np.zeros(0, np.int64)
    if len(np.unique(owners)) != len(first):
        raise checks.OptionError("`owner` must have the baskets of each user together.")
    count = np.diff(np.append(first, len(owners)))
    number = np.arange(len(owners)) - np.repeat(first, count)
    offset = np.append(baskets.offset[first], baskets.offset[-1])
    return Histories(offset, baskets.member, np.repeat(number, baskets.size).astype(np.float64))
