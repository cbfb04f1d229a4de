"""VS-kNN: the items of past sessions that are like the current one, which counts the more the later it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax.graph.hyperedges import ranges
from cleora_jax.recommend.sessions.histories import Histories, check_rows

Fading = Literal["linear", "share", "quadratic", "inverse", "same"]
FADINGS = ("linear", "share", "quadratic", "inverse", "same")
STEPS = 10  # after so many, "linear" is 0


@dataclass(frozen=True)
class VSKNN:
    """Vector-multiplication session kNN: exact, over the most recent sessions that share an item.

        similarity(s, t) = Σ w(i) over the items i of s that t holds, w fading with how long ago i stood in s
        score(i) = (1 + idf · log(N / N_i)) Σ similarity(s, t) v(s, t) over the neighbours t that hold i

    v fades with how long ago the latest item that s and t share stood in s; N_i of N sessions hold i.

    Args:
        neighbours: k, the sessions that vote.
        recent: of the sessions that share an item, only so many, the latest, are compared.
        weighting: w, by the steps a back from the end of a session of length l: "linear", max(0, 1 − a/10); "share",
            1 − a/l; "quadratic", its square; "inverse", 1/(1 + a); or "same", 1.
        score_weighting: v, likewise.
        idf: how much rare items are favoured.

    Called on training histories and the number of items it gives a `Scorer`.

    Reference: Ludewig and Jannach, Evaluation of session-based recommendation algorithms, 2018 (arXiv 1803.09587).

    Example:
        >>> past = Histories.of([[0, 1, 2], [0, 3], [4, 3]])
        >>> VSKNN(neighbours=1)(past, 5)(Histories.of([[1]])).tolist()
        [[1.0, 1.0, 1.0, -inf, -inf]]
    """

    neighbours: int = 100
    recent: int = 1000
    weighting: Fading = "linear"
    score_weighting: Fading = "linear"
    idf: float = 0.0

    def __post_init__(self) -> None:
        checks.keep_integers(self, neighbours=1, recent=1)
        checks.one_of("weighting", self.weighting, FADINGS)
        checks.one_of("score_weighting", self.score_weighting, FADINGS)
        checks.keep(self, idf=checks.real("idf", self.idf, low=0))

    def __call__(self, train: Histories, num_items: int) -> SessionNeighbours:
        """Index the sessions."""
        check_rows(train, num_items)
        late = train.take(np.argsort(train.ends(), kind="stable"))
        held = late.weights(num_items)
        held.data[:] = 1
        count = np.bincount(held.indices, minlength=num_items)
        rarity = 1 + self.idf * np.log(max(len(train), 1) / np.maximum(count, 1))
        votes = sp.csr_array((rarity[held.indices], held.indices, held.indptr), shape=held.shape)
        return SessionNeighbours(self, votes, sp.csr_array(held.T))


class SessionNeighbours(NamedTuple):
    """The index of VS-kNN.

    Args:
        method: its settings.
        votes: float64 CSR [N, n], sessions from the earliest to the latest: what a session gives to its items.
        sessions: CSR [n, N]: in which sessions each item stands.
    """

    method: VSKNN
    votes: sp.csr_array
    sessions: sp.csr_array

    def __call__(self, histories: Histories) -> np.ndarray:
        """float32[b, n]; −inf for items that no neighbour holds."""
        check_rows(histories, self.votes.shape[1])
        found = sp.csr_array(self.neighbours(histories) @ self.votes)
        scores = np.full(found.shape, -np.inf, np.float32)
        scores[np.repeat(np.arange(len(histories)), np.diff(found.indptr)), found.indices] = found.data
        return scores

    def neighbours(self, histories: Histories) -> sp.csr_array:
        """float64 CSR [b, N]: similarity(s, t) v(s, t) of the k nearest sessions to each."""
        shared = self._shared(histories)
        shared = _leading(shared, np.lexsort((-shared.session, shared.history)), self.method.recent)
        order = np.lexsort((-shared.session, -shared.similarity, shared.history))
        chosen = _leading(shared, order, self.method.neighbours)
        pairs = chosen.history, chosen.session
        shape = (len(histories), self.votes.shape[0])
        return sp.coo_array((chosen.similarity * chosen.latest, pairs), shape=shape).tocsr()

    def _shared(self, histories: Histories) -> Shared:
        """All pairs of a history and a session that share an item, in order."""
        once = _latest_places(histories)
        history, item, age = histories.owner[once], histories.item[once], _steps_back(histories)[once]
        length = histories.size[history]
        size = np.diff(self.sessions.indptr)[item]
        session = self.sessions.indices[ranges(self.sessions.indptr[item], size)].astype(np.int64)
        weight = np.repeat(faded(self.method.weighting, age, length), size)
        latest = np.repeat(faded(self.method.score_weighting, age, length), size)
        key = np.repeat(history, size) * self.votes.shape[0] + session
        order = np.argsort(key, kind="stable")
        key, weight, latest = key[order], weight[order], latest[order]
        first = np.flatnonzero(np.diff(key, prepend=-1))
        if not len(first):
            return Shared(key, key, weight, latest)
        pair = key[first]
        similarity, nearest = np.add.reduceat(weight, first), np.maximum.reduceat(latest, first)
        some = similarity > 0
        return Shared(*(x[some] for x in (*np.divmod(pair, self.votes.shape[0]), similarity, nearest)))


class Shared(NamedTuple):
    """Pairs of a history and a session.

    Args:
        history, session: int64 both.
        similarity: float64, Σ w over the items that they share.
        latest: float64, v of the latest of these.
    """

    history: np.ndarray
    session: np.ndarray
    similarity: np.ndarray
    latest: np.ndarray


def faded(fading: Fading, age: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Weights float64 in [0, 1] of what stood `age` steps before the end of sessions of some `length`."""
    share = 1 - age / np.maximum(length, 1)
    if fading == "linear":
        return np.maximum(0.0, 1 - age / STEPS)
    found = {"share": share, "quadratic": share**2, "inverse": 1 / (1 + age), "same": np.ones(len(age))}
    return found[fading]


def _steps_back(histories: Histories) -> np.ndarray:
    return np.repeat(histories.offset[1:] - 1, histories.size) - np.arange(len(histories.item))


def _latest_places(histories: Histories) -> np.ndarray:
    """Where each item of each history stands last, int64, in order."""
    order = np.lexsort((_steps_back(histories), histories.item, histories.owner))
    owner, item = histories.owner[order], histories.item[order]
    new = (np.diff(owner, prepend=-1) != 0) | (np.diff(item, prepend=-1) != 0)
    return np.sort(order[new])


def _leading(shared: Shared, order: np.ndarray, count: int) -> Shared:
    """The first `count` pairs of each history, in an order that keeps histories together."""
    history = shared.history[order]
    first = np.flatnonzero(np.diff(history, prepend=-1))
    place = np.arange(len(history)) - np.repeat(first, np.diff(np.append(first, len(history))))
    kept = order[place < count]
    return Shared(*(x[kept] for x in shared))
