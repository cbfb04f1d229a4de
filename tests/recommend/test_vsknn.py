"""VS-kNN against the definition, session by session."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleora_jax._checks import OptionError
from cleora_jax.recommend.sessions.histories import Histories
from cleora_jax.recommend.sessions.vsknn import FADINGS, VSKNN

N = 6
LISTS = st.lists(st.lists(st.integers(0, N - 1), max_size=12), max_size=9)


def fade(kind: str, back: int, length: int) -> float:
    return {
        "linear": max(0.0, 1 - back / 10),
        "share": 1 - back / length,
        "quadratic": (1 - back / length) ** 2,
        "inverse": 1 / (1 + back),
        "same": 1.0,
    }[kind]


def slow(method: VSKNN, past: list[list[int]], session: list[int]) -> np.ndarray:
    """Scores of one session; a dictionary at a time."""
    back = {item: len(session) - 1 - place for place, item in enumerate(session)}  # of the latest place
    found = []
    for number, other in enumerate(past):
        shared = sorted(set(session) & set(other), key=lambda item: -back[item])  # as sums are taken, to the bit
        similarity = sum(fade(method.weighting, back[item], len(session)) for item in shared)
        if similarity > 0:
            found.append(
                (number, similarity, max(fade(method.score_weighting, back[item], len(session)) for item in shared))
            )
    found = sorted(found, key=lambda one: -one[0])[: method.recent]
    found = sorted(found, key=lambda one: (-one[1], -one[0]))[: method.neighbours]
    scores = np.full(N, -np.inf)
    for number, similarity, latest in found:
        for item in set(past[number]):
            rarity = 1 + method.idf * np.log(len(past) / sum(item in other for other in past))
            scores[item] = max(scores[item], 0) + similarity * latest * rarity
    return scores


@given(
    LISTS,
    LISTS,
    st.integers(1, 4),
    st.integers(1, 6),
    st.sampled_from(FADINGS),
    st.sampled_from(FADINGS),
    st.sampled_from([0.0, 2.0]),
)
def test_scores_are_those_of_the_definition(past, sessions, neighbours, recent, weighting, score_weighting, idf):
    method = VSKNN(neighbours, recent, weighting, score_weighting, idf)
    found = method(Histories.of(past), N)(Histories.of(sessions))
    for scores, session in zip(found, sessions, strict=True):
        np.testing.assert_allclose(scores, slow(method, past, session), rtol=1e-6)


def test_recent_is_by_time():
    late_first = Histories(np.array([0, 2, 4]), np.array([0, 1, 0, 2]), np.array([8.0, 9.0, 1.0, 2.0]))
    scores = VSKNN(neighbours=1)(late_first, 3)(Histories.of([[0]]))
    assert np.isfinite(scores[0]).tolist() == [True, True, False]


def test_nothing_known_is_nothing_recommended():
    assert (VSKNN()(Histories.of([[0, 1]]), 4)(Histories.of([[3], []])) == -np.inf).all()


@pytest.mark.parametrize("settings", [{"neighbours": 0}, {"recent": 0}, {"weighting": "cubic"}, {"idf": -1}])
def test_settings_are_checked(settings):
    with pytest.raises(OptionError, match=next(iter(settings))):
        VSKNN(**settings)
