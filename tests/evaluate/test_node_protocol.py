"""The protocol of node classification: equal to the literature's steps written out, without leaks, at chance on noise."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.multiclass import OneVsRestClassifier

import cleora_jax as cj
from cleora_jax.evaluate import NodeProtocol, NodeSplit, classify_nodes, split_nodes, summary
from cleora_jax.evaluate.node_protocol import STRENGTHS

RNG = np.random.default_rng(12)
N = 240
CODES = np.arange(N) % 4
NEAR = (np.eye(4)[CODES] + 0.8 * RNG.standard_normal((N, 4))) @ RNG.standard_normal((4, 6))
MANY = (NEAR @ RNG.standard_normal((6, 5)) + RNG.standard_normal((N, 5))) > 0.5
MANY[:10] = False  # unlabelled
NOISE = RNG.standard_normal((N, 6))
SMALL = NodeProtocol(train=(0.2, 0.5), splits=3)


def test_several_labels_as_the_literature_does():
    """One-vs-rest liblinear, C = 1, and the k highest probabilities where an entity has k labels."""
    found = classify_nodes(NEAR, MANY, SMALL)
    labelled = np.flatnonzero(MANY.any(axis=1))
    assert found.labelled == len(labelled) < N - 9 and not found.single
    for at, share in enumerate(SMALL.train):
        for split in range(SMALL.splits):
            seed = int(np.random.default_rng([0, split]).integers(2**62))
            order = labelled[np.random.default_rng(seed).permutation(len(labelled))]
            train, test = np.split(order, [round(share * len(order))])
            model = OneVsRestClassifier(LogisticRegression(solver="liblinear")).fit(NEAR[train], MANY[train])
            chance = model.predict_proba(NEAR[test])
            predicted = np.zeros_like(MANY[test])
            for row, top, k in zip(predicted, np.argsort(-chance, axis=1), MANY[test].sum(axis=1), strict=True):
                row[top[:k]] = True
            for name in ("micro", "macro"):
                expected = f1_score(MANY[test], predicted, average=name, zero_division=0)
                assert found.values[f"{name}_f1"][at, split] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("kind", ["auto", "one-vs-rest"])
def test_single_labels(kind):
    found = classify_nodes(NEAR, CODES, NodeProtocol(train=(0.5,), splits=2, classifier=kind, C=3.0))
    seed = int(np.random.default_rng([0, 1]).integers(2**62))
    train, test = np.split(np.random.default_rng(seed).permutation(N), [N // 2])
    model = LogisticRegression(C=3.0, max_iter=1000)
    if kind == "one-vs-rest":
        model = OneVsRestClassifier(LogisticRegression(C=3.0, solver="liblinear"))
    right = model.fit(NEAR[train], CODES[train]).predict(NEAR[test]) == CODES[test]
    assert found.values["micro_f1"][0, 1] == pytest.approx(right.mean()) and found.label == "accuracy"
    assert found.values["micro_f1"].mean() > 0.6 > found.majority["micro_f1"].mean()


def test_intervals_are_students():
    values = RNG.random(10)
    found = summary(values)
    low, high = stats.t.interval(0.95, 9, values.mean(), stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high)) and found.std == pytest.approx(values.std(ddof=1))
    assert summary([2.0]).as_dict() == {"mean": 2.0, "std": 0.0, "low": None, "high": None, "count": 1}
    with pytest.raises(ValueError, match="must be finite"):
        summary([1.0, np.nan])


def test_noise_is_at_chance_and_majority_stands_beside():
    skewed = np.where(RNG.random(N) < 0.7, 0, 1)
    found = classify_nodes(NOISE, skewed, NodeProtocol(train=(0.5,), splits=10))
    assert found.majority["micro_f1"].mean() == pytest.approx((skewed == 0).mean(), abs=0.05)
    assert found.values["micro_f1"].mean() <= found.majority["micro_f1"].mean() + 0.02
    constant = classify_nodes(np.zeros((N, 2)), CODES, NodeProtocol(train=(0.5,)))
    assert constant.values["micro_f1"].mean() == pytest.approx(0.25, abs=0.05)


def test_tuning_finds_what_helps_and_never_sees_a_test_label():
    """Leak list 5 and 7: other test labels leave every choice as it was."""
    lengths = np.exp(2 * RNG.standard_normal((N, 1)))  # directions tell classes, lengths disturb
    protocol = NodeProtocol(train=(0.5,), splits=2, classifier="one-vs-rest", tune=True)
    found = classify_nodes(NEAR * lengths, CODES, protocol)
    plain = classify_nodes(NEAR * lengths, CODES, replace(protocol, tune=False))
    assert found.values["micro_f1"].mean() > plain.values["micro_f1"].mean()
    assert any(unit for _, unit in found.chosen[0]) and {c for c, _ in found.chosen[0]} <= set(STRENGTHS)
    assert plain.chosen == (((1.0, False),) * 2,)
    for split in range(2):
        seed = int(np.random.default_rng([0, split]).integers(2**62))
        test = np.random.default_rng(seed).permutation(N)[N // 2 :]
        other = CODES.copy()
        other[test] = (CODES[test] + 1) % 4
        assert classify_nodes(NEAR * lengths, other, protocol).chosen[0][split] == found.chosen[0][split]


def test_a_class_that_is_never_trained_on_is_predicted_last():
    rare = CODES.copy()
    rare[0] = 4
    for kind in ("one-vs-rest", "multinomial"):
        found = classify_nodes(NEAR, rare, NodeProtocol(train=(0.1,), splits=5, classifier=kind))
        assert found.classes == 5 and (found.values["macro_f1"] < 0.85).all()  # of five classes one is 0
    one = np.where(np.arange(N) == 0, 1, 0)  # one class in training: all are predicted to be it
    found = classify_nodes(NEAR, one, NodeProtocol(train=(0.01,), splits=3))
    assert (found.values["micro_f1"] > 0.99).all()


def test_labels_by_name_and_arrays_agree_and_the_order_of_rows_does_not_matter_to_the_embedding():
    vocab = cj.Vocab.of([f"v{row}" for row in range(N)])
    embedding = cj.Embedding(NEAR.astype(np.float32), vocab, {"method": "mine"})
    by_name = classify_nodes(embedding, {f"v{row}": f"c{code}" for row, code in enumerate(CODES)}, SMALL)
    plain = classify_nodes(NEAR.astype(np.float32), CODES, SMALL)
    np.testing.assert_array_equal(by_name.values["micro_f1"], plain.values["micro_f1"])
    labels = cj.labels_of(vocab, CODES)
    np.testing.assert_array_equal(classify_nodes(embedding, labels, SMALL).values["macro_f1"], plain.values["macro_f1"])


def test_results_print_and_turn_into_json():
    found = classify_nodes(NEAR, MANY, SMALL)
    text = str(found)
    assert "20%" in text and "micro_f1" in text and "as many classes predicted" in text
    records = json.loads(json.dumps(found.records()))
    assert len(records) == 2 * 2 * 2 and records[0]["method"] == "embedding" and records[0]["train"] == 0.2
    assert records[0]["mean"] == pytest.approx(found.values["micro_f1"][0].mean())
    assert {record["method"] for record in records} == {"embedding", "majority"}
    again = json.loads(json.dumps(found.as_dict()))
    assert again["protocol"]["C"] == 1.0 and len(again["values"]["micro_f1"][0]) == 3
    with pytest.raises(ValueError, match="read-only"):
        found.values["micro_f1"][0] = 0


def test_the_same_call_gives_the_same_bits():
    one, two = (classify_nodes(NEAR, MANY, NodeProtocol(train=(0.3,), splits=2, tune=True, seed=5)) for _ in range(2))
    np.testing.assert_array_equal(one.values["macro_f1"], two.values["macro_f1"])
    other = classify_nodes(NEAR, MANY, NodeProtocol(train=(0.3,), splits=2, seed=6))
    assert (other.values["macro_f1"] != one.values["macro_f1"]).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: classify_nodes(NEAR, CODES[:-1]), "must be one per entity"),
        (lambda: classify_nodes(np.where(np.eye(3) > 0, np.nan, 0.0), [0, 1, 0]), "NaN or infinity in row 0"),
        (lambda: classify_nodes(np.zeros((3, 0)), [0, 1, 0]), "an Embedding or float"),
        (lambda: classify_nodes(NEAR, np.zeros(N, int)), "at least two classes"),
        (lambda: classify_nodes(NEAR, np.full(N, -1)), "at least two classes"),
        (lambda: classify_nodes(NEAR, MANY, NodeProtocol(classifier="multinomial")), "needs single labels"),
        (lambda: classify_nodes(NEAR[:8], CODES[:8], NodeProtocol(train=(0.01,))), "too few: 0 to train on"),
        (lambda: classify_nodes(NEAR[:8], CODES[:8], NodeProtocol(train=(0.3,), tune=True)), "fewer than 3 folds"),
        (lambda: NodeProtocol(train=0.5), "must be a tuple"),
        (lambda: NodeProtocol(train=(1.0,)), r"in \[0, 1\)"),
        (lambda: NodeProtocol(splits=0), "`splits`"),
        (lambda: NodeProtocol(classifier="svm"), "`classifier` must be one of"),
        (lambda: NodeProtocol(C=0.0), "`C` must be above 0"),
        (lambda: NodeProtocol(tune=1), "`tune` must be True or False"),
        (lambda: NodeProtocol(folds=1), "`folds`"),
    ],
)
def test_what_cannot_be_raises(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()


@pytest.mark.parametrize("tune", [False, True])
def test_given_splits_stand_in_for_random_ones(tune):
    protocol = NodeProtocol(train=(0.5,), splits=3, tune=tune)
    labels = cj.labels_of(cj.Vocab.of([str(at) for at in range(N)]), CODES)
    drawn = [split_nodes(labels, 0.5, seed=protocol.seed_of(at)) for at in range(3)]
    found, expected = (classify_nodes(NEAR, CODES, protocol, splits=some) for some in (drawn, None))
    for name, values in expected.values.items():
        np.testing.assert_array_equal(found.values[name], values)
    assert found.chosen == expected.chosen and found.protocol == protocol and str(found) == str(expected)
    smaller = [NodeSplit(drawn[0].train[:6], drawn[0].train[:0], drawn[0].test)] * 2
    few = classify_nodes(NEAR, CODES, NodeProtocol(), splits=smaller)
    assert few.protocol.train == (6 / len(CODES),) and few.protocol.splits == 2 and len(few.records()) == 4


def test_given_splits_are_checked():
    rows = np.arange(len(CODES))
    for split, error, message in [
        ([], ValueError, "at least one split"),
        ([rows], TypeError, "`splits` must be a NodeSplit"),
        ([NodeSplit(rows[:5], rows[:0], rows[:0])], ValueError, "there must be test rows"),
        ([NodeSplit(rows[:5], rows[:0], rows[4:])], ValueError, "each row may stand once"),
        ([NodeSplit(rows[:5], rows[:0], rows[5:] + 1)], ValueError, "test must hold rows of labelled entities"),
    ]:
        with pytest.raises(error, match=message):
            classify_nodes(NEAR, CODES, splits=split)
