"""Logistic regression and SGC against scikit-learn on dense matrices of one's own."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn import linear_model

import cleora_jax as cj
from cleora_jax._checks import OptionError
from cleora_jax.learn.classifiers import SGC, LogisticRegression, classify
from cleora_jax.learn.classifiers.features import scaled_rows
from cleora_jax.learn.classifiers.simplified import smoothed
from cleora_jax.sparse.normalized import smoothing
from tests.learn.test_classify import SEVERAL, TOY, run


def dense_smoothing(adjacency: np.ndarray) -> np.ndarray:
    looped = adjacency.astype(float) + np.eye(len(adjacency))
    scale = 1 / np.sqrt(looped.sum(axis=1))
    return scale[:, None] * looped * scale


def by_scikit_learn(features, split, target, strength: float) -> np.ndarray:
    model = linear_model.LogisticRegression(C=strength, max_iter=10_000)
    return model.fit(features[split[0]], target[split[0]]).predict_proba(features)


def test_logistic_regression_is_scikit_learns():
    found = run(LogisticRegression(C=0.3), TOY)
    expected = by_scikit_learn(TOY.features.astype(float), TOY.split, TOY.labels.codes, 0.3)
    np.testing.assert_allclose(found.scores, expected, atol=1e-4)


def test_several_classes_are_one_against_the_rest():
    found, target = run(LogisticRegression(C=2), SEVERAL), SEVERAL.labels.matrix.toarray()
    for at in range(3):
        expected = by_scikit_learn(SEVERAL.features.astype(float), SEVERAL.split, target[:, at], 2.0)
        np.testing.assert_allclose(found.scores[:, at], expected[:, 1], atol=1e-4)


def test_several_classes_that_all_or_none_of_the_training_entities_have():
    target = np.concatenate([SEVERAL.labels.matrix.toarray(), np.ones((92, 1), bool), np.zeros((92, 1), bool)], axis=1)
    found = run(LogisticRegression(), SEVERAL, labels=cj.labels_of(SEVERAL.graph.vocab, target))
    assert (found.scores[:, 3] == 1).all() and (found.scores[:, 4] == 0).all()
    np.testing.assert_allclose(found.scores[:, :3], run(LogisticRegression(), SEVERAL).scores, atol=1e-6)


def test_a_class_without_training_entities_has_score_zero():
    codes = TOY.labels.codes.copy()
    codes[TOY.split[2][0]] = 3
    found = run(LogisticRegression(), TOY, labels=cj.labels_of(TOY.graph.vocab, codes))
    assert found.scores.shape == (92, 4) and not found.scores[:, 3].any()


def test_two_classes():
    codes = TOY.labels.codes % 2
    found = run(LogisticRegression(), TOY, labels=cj.labels_of(TOY.graph.vocab, codes))
    np.testing.assert_allclose(found.scores, by_scikit_learn(TOY.features, TOY.split, codes, 1.0), atol=1e-4)


def test_the_best_on_validation_is_chosen():
    strengths = (1e-4, 0.1, 10.0)
    found = run(LogisticRegression(C=strengths), TOY)
    each = [run(LogisticRegression(C=strength), TOY) for strength in strengths]
    held = TOY.split[1]
    for at, one in enumerate(each):
        accuracy = (one.codes == TOY.labels.codes)[held].mean()
        assert found.history.validation_f1[at] == pytest.approx(accuracy) == one.validation.accuracy
        loss = -np.log(one.scores[held, TOY.labels.codes[held]].astype(float)).mean()
        assert found.history.validation_loss[at] == pytest.approx(loss, rel=1e-5)
    order = [(f1, -loss) for _, loss, f1 in zip(*found.history, strict=True)]
    assert found.best == order.index(max(order))
    np.testing.assert_array_equal(found.scores, each[found.best].scores)


def test_what_cannot_be_fitted():
    train, _, judged = TOY.split
    with pytest.raises(OptionError, match="chosen on validation entities, and there are none"):
        run(LogisticRegression(C=(1, 2)), TOY, split=(train, [], judged))
    with pytest.raises(OptionError, match="at least two classes"):
        run(LogisticRegression(), TOY, split=(np.flatnonzero(TOY.labels.codes == 1), [], []))


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("steps", [0, 1, 2, 5])
def test_smoothing_against_dense(sparse, steps):
    adjacency = cj.adjacency(TOY.graph)
    assert cj.adjacency(TOY.graph)[[90, 91]].nnz == 0
    expected = np.linalg.matrix_power(dense_smoothing(adjacency.toarray()), steps) @ TOY.features.astype(float)
    features = sp.csr_array(TOY.features) if sparse else TOY.features
    found = smoothed(smoothing(adjacency), features, steps)
    assert sp.issparse(found) == sparse and found.dtype == np.float32
    np.testing.assert_allclose(found.toarray() if sparse else found, expected, atol=1e-5)


def test_smoothing_of_weights():
    graph = cj.from_edges([0, 1, 1], [1, 2, 1], [2.0, 0.5, 9.0], num_entities=4)
    expected = dense_smoothing(np.array([[0, 2, 0, 0], [2, 0, 0.5, 0], [0, 0.5, 0, 0], [0, 0, 0, 0]]))
    np.testing.assert_allclose(smoothing(cj.adjacency(graph)).toarray(), expected, atol=1e-7)


def test_sgc_is_logistic_regression_of_smoothed_features():
    found = run(SGC(num_steps=2, C=10, normalization="none"), TOY)
    smooth = np.linalg.matrix_power(dense_smoothing(cj.adjacency(TOY.graph).toarray()), 2) @ TOY.features
    np.testing.assert_allclose(found.scores, by_scikit_learn(smooth, TOY.split, TOY.labels.codes, 10.0), atol=1e-3)
    plain = classify(TOY.labels, LogisticRegression(C=10), features=TOY.features, split=TOY.split)
    np.testing.assert_allclose(run(SGC(num_steps=0, C=10, normalization="none"), TOY).scores, plain.scores, atol=1e-6)


@pytest.mark.parametrize("normalization", ["l1", "l2"])
def test_rows_are_scaled(normalization):
    table = TOY.features.copy()
    table[5] = 0
    size = np.abs(table).sum(axis=1) if normalization == "l1" else np.linalg.norm(table, axis=1)
    expected = table / np.where(size > 0, size, 1)[:, None]
    np.testing.assert_allclose(scaled_rows(table, normalization), expected, rtol=1e-6)
    found = scaled_rows(sp.csr_array(table), normalization)
    np.testing.assert_allclose(found.toarray(), expected, rtol=1e-6)
    assert found.dtype == np.float32 and scaled_rows(table, "none") is table
