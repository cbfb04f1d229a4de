"""Labels in every form they may be given."""

from __future__ import annotations

import numpy as np
import pytest

import cleora_jax as cj

VOCAB = cj.Vocab.of(["ann", "bob", "cid"])
EXPECTED = [[False, True], [True, True], [False, False]]


@pytest.mark.parametrize(
    "given",
    [
        {"ann": "red", "bob": ["red", "blue"]},
        {"ann": {"red"}, "bob": np.array(["blue", "red"]), "cid": []},
        [("bob", "red"), ("ann", "red"), ("bob", "blue"), ("bob", "blue")],
        np.array([["bob", "red"], ["ann", "red"], ["bob", "blue"]]),
    ],
    ids=["mapping", "of sets", "pairs", "array of pairs"],
)
def test_forms_that_name_ids(given):
    labels = cj.labels_of(VOCAB, given)
    assert labels.classes == ("blue", "red")
    np.testing.assert_array_equal(labels.matrix.todense(), EXPECTED)
    assert labels.counts.tolist() == [1, 2, 0] and labels.labelled.tolist() == [0, 1] and not labels.single
    with pytest.raises(ValueError, match="has 2 classes"):
        _ = labels.codes


def test_forms_in_order():
    assert cj.labels_of(VOCAB, ["x", None, "a"]).codes.tolist() == [1, -1, 0]
    numbers = cj.labels_of(VOCAB, np.array([10, -1, 9]))
    assert numbers.classes == ("9", "10") and numbers.codes.tolist() == [1, -1, 0]
    np.testing.assert_array_equal(cj.labels_of(VOCAB, np.array(EXPECTED)).matrix.todense(), EXPECTED)


def test_take_keeps_classes():
    labels = cj.labels_of(VOCAB, ["x", None, "a"]).take(np.array([1, 0]))
    assert labels.classes == ("a", "x") and labels.codes.tolist() == [-1, 1]
    assert cj.labels_of(cj.Vocab.of(["q", "r"]), labels) is labels


def test_what_cannot_be():
    with pytest.raises(KeyError, match="dan"):
        cj.labels_of(VOCAB, {"ann": 1, "dan": 2})
    with pytest.raises(ValueError, match=r"one per entity \(3\), got 2"):
        cj.labels_of(VOCAB, [1, 2])
    with pytest.raises(TypeError, match="strings or integers, got 1.5"):
        cj.labels_of(VOCAB, {"ann": 1.5})
    assert cj.labels_of(VOCAB, {}).classes == ()
