"""Splits of labelled entities."""

from __future__ import annotations

import numpy as np
import pytest

import cleora_jax as cj
from cleora_jax.evaluate import split_nodes, split_nodes_per_class

RNG = np.random.default_rng(8)
CODES = np.concatenate([RNG.integers(0, 4, 180), np.full(20, -1)])[RNG.permutation(200)]
VOCAB = cj.Vocab.of([str(row) for row in range(200)])
LABELS = cj.labels_of(VOCAB, CODES)
MANY = cj.labels_of(VOCAB, RNG.random((200, 3)) < 0.4)


def rows(split):
    return [set(part.tolist()) for part in (split.train, split.validation, split.test)]


@pytest.mark.parametrize("labels", [LABELS, MANY])
@pytest.mark.parametrize("shares", [(0.5, 0.0), (0.1, 0.2), (0.6, 0.3)])
def test_parts_are_the_labelled_entities_each_once(labels, shares):
    split = split_nodes(labels, *shares, seed=3)
    train, validation, test = rows(split)
    assert not train & validation and not train & test and not validation & test
    assert train | validation | test == set(labels.labelled.tolist())
    assert (len(train), len(validation)) == tuple(round(share * len(labels.labelled)) for share in shares)
    assert rows(split_nodes(labels, *shares, seed=3)) == rows(split) != rows(split_nodes(labels, *shares, seed=4))


def test_a_smaller_training_part_lies_within_a_larger_one():
    assert rows(split_nodes(LABELS, 0.1))[0] < rows(split_nodes(LABELS, 0.5))[0]


def test_stratified_keeps_the_shares_of_classes():
    split = split_nodes(LABELS, 0.25, 0.25, stratified=True)
    for code in range(4):
        size = (code == CODES).sum()
        for part in (split.train, split.validation):
            assert (CODES[part] == code).sum() == pytest.approx(size / 4, abs=0.51)
    with pytest.raises(ValueError, match="at most one is wanted"):
        split_nodes(MANY, stratified=True)


def test_as_many_of_each_class():
    split = split_nodes_per_class(LABELS, 5, 30, 60, seed=1)
    train, validation, test = rows(split)
    np.testing.assert_array_equal(np.bincount(CODES[split.train]), [5, 5, 5, 5])
    assert len(validation) == 30 and len(test) == 60 and len(train | validation | test) == 110
    assert (CODES[split.test] >= 0).all()
    rare = cj.labels_of(VOCAB, np.where(np.arange(200) < 3, 1, 0))
    np.testing.assert_array_equal(np.bincount(split_nodes_per_class(rare, 5, 0, 10).train < 3), [5, 3])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: split_nodes(LABELS, 0.6, 0.4), "below 1"),
        (lambda: split_nodes(LABELS, 0.0), "too few: 0 to train on"),
        (lambda: split_nodes(CODES), "must be Labels"),
        (lambda: split_nodes(cj.labels_of(VOCAB, np.full(200, -1))), "too few"),
        (lambda: split_nodes_per_class(MANY), "at most one is wanted"),
        (lambda: split_nodes_per_class(LABELS), "at most the 100 entities that are left, got 1,500"),
        (lambda: split_nodes_per_class(LABELS, 0), "`per_class` must be at least 1"),
    ],
)
def test_what_cannot_be_raises(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()
