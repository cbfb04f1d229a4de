"""Histories: prefixes, weights and splits against plain loops; what cannot be one."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cleora_jax as cj
from cleora_jax._checks import NotFoundError, OptionError
from cleora_jax.recommend.sessions.graphs import history_graph, step_graph
from cleora_jax.recommend.sessions.histories import Histories, histories_of, prefixes, split_last

LISTS = st.lists(st.lists(st.integers(0, 6), max_size=6), max_size=8)
VOCAB = cj.Vocab.of([f"i{row}" for row in range(7)], "item")


def lists_of(histories: Histories) -> list[list[int]]:
    return [part.tolist() for part in np.split(histories.item, histories.offset[1:-1])] if len(histories) else []


@given(LISTS)
def test_prefixes_are_those_of_a_loop(lists):
    cases = prefixes(Histories.of(lists))
    wanted = [(one[:at], one[at]) for one in lists for at in range(1, len(one))]
    assert lists_of(cases.histories) == [before for before, _ in wanted]
    assert cases.target.tolist() == [after for _, after in wanted]


@given(LISTS, st.sampled_from([1.0, 0.5, 0.9]))
def test_weights_are_those_of_a_loop(lists, decay):
    dense = np.zeros((len(lists), 7))
    for row, one in enumerate(lists):
        for back, item in enumerate(reversed(one)):
            dense[row, item] += decay**back
    np.testing.assert_allclose(Histories.of(lists).weights(7, decay).toarray(), dense, rtol=1e-14)


def test_weights_in_time_grow_as_a_stream():
    """S ← α^Δt S + s(item), the update of a stream, is what the whole history gives."""
    histories = Histories(np.array([0, 4]), np.array([0, 1, 0, 2]), np.array([0.0, 2.5, 2.5, 7.0]))
    state, before = np.zeros(3), 0.0
    for item, now in zip(histories.item, histories.time, strict=True):
        state = 0.8 ** (now - before) * state + np.eye(3)[item]
        before = now
    np.testing.assert_allclose(histories.weights(3, 0.8).toarray()[0], state, rtol=1e-14)


def test_last_items():
    assert Histories.of([[3, 1], [], [2]]).last.tolist() == [1, -1, 2]
    assert Histories.of([[], []]).last.tolist() == [-1, -1]


def test_splits_look_at_the_end_of_a_history():
    offset, item = np.array([0, 2, 3, 5]), np.arange(5)
    early, late = split_last(Histories(offset, item, np.array([0.0, 9.0, 1.0, 2.0, 3.0])), 0.3)
    assert late.item.tolist() == [0, 1] and early.item.tolist() == [2, 3, 4]  # the first ends last
    early, late = split_last(Histories(offset, item), 0.3)
    assert late.item.tolist() == [3, 4]


@given(LISTS.filter(lambda lists: len(lists) > 1), st.floats(0.01, 0.99))
def test_splits_lose_nothing(lists, share):
    early, late = split_last(Histories.of(lists), share)
    assert len(early) and len(late) and lists_of(early) + lists_of(late) == lists


def test_columns_become_histories():
    histories, vocab = histories_of([7, 8, 7, 7], ["b", "a", "c", "b"], [3, 1, 2, 2])
    assert lists_of(histories) == [[2, 0, 0], [1]] and vocab.ids.to_pylist() == ["b", "a", "c"]
    assert histories.time.tolist() == [2, 2, 3, 1]
    again, _ = histories_of(["x"], ["c"], vocab=vocab)
    assert again.item.tolist() == [2]
    with pytest.raises(NotFoundError, match="'d'"):
        histories_of(["x"], ["d"], vocab=vocab)


def test_columns_are_what_the_reader_reads(tmp_path):
    """The house's reader, grouped by session, holds the same lists in the same order."""
    rows = [("s", "tea"), ("t", "cup"), ("s", "pot"), ("s", "tea")]
    path = tmp_path / "clicks.tsv"
    path.write_text("".join(f"{session}\t{item}\n" for session, item in rows))
    graph = cj.read(path, "session complex::reflexive::item", group_by="session")
    histories, vocab = histories_of(*zip(*rows, strict=True))
    assert graph.vocab.ids.to_pylist() == vocab.ids.to_pylist()
    assert lists_of(Histories.of(graph.relations[0].left)) == lists_of(histories)


@pytest.mark.parametrize(
    "make, told",
    [
        (lambda: Histories(np.array([0, 2]), np.array([0])), "`offset` must rise"),
        (lambda: Histories(np.array([0, 2, 1, 3]), np.arange(3)), "`offset` must rise"),
        (lambda: Histories.of([[0, -1]]), "`item` must hold rows"),
        (lambda: Histories(np.array([0, 2]), np.arange(2), np.array([1.0, 0.0])), "must not fall"),
        (lambda: Histories(np.array([0, 2]), np.arange(2), np.array([1.0, np.nan])), "`time` must be finite"),
        (lambda: Histories.of([[5]]).weights(5), "hold item 5"),
        (lambda: Histories.of([[5]]).weights(9, 0.0), "`decay`"),
        (lambda: split_last(Histories.of([[0]]), 0.5), "two at least"),
        (lambda: histories_of([1, 2], ["a"]), "of one length"),
        (lambda: histories_of([1, 2], ["a", ""]), "null or empty id"),
        (lambda: history_graph(Histories.of([[7]]), VOCAB), "hold item 7"),
        (lambda: step_graph(Histories.of([[1], [1, 1]]), VOCAB), "empty"),
    ],
)
def test_what_cannot_be(make, told):
    with pytest.raises(OptionError, match=told):
        make()


@given(LISTS.filter(lambda lists: any(a != b for one in lists for a, b in pairwise(one))))
def test_steps_are_those_of_a_loop(lists):
    graph = step_graph(Histories.of(lists), VOCAB)
    wanted = [(a, b) for one in lists for a, b in pairwise(one) if a != b]
    assert graph.relations[0].left.member.reshape(-1, 2).tolist() == [list(pair) for pair in wanted]
    assert graph.vocab == VOCAB
