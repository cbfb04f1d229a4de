"""CCA against scikit-learn's, and scores of alignments on entities that they were not learned on."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cross_decomposition import CCA

import cleora_jax as cj

RNG = np.random.default_rng(0)
SHARED = RNG.normal(size=(400, 3))
X = SHARED @ RNG.normal(size=(3, 6)) + 0.5 * RNG.normal(size=(400, 6)) + 3
Y = SHARED @ RNG.normal(size=(3, 8)) + 0.5 * RNG.normal(size=(400, 8))
VOCAB = cj.Vocab.of([str(row) for row in range(400)])


def test_correlations_are_scikit_learns():
    found = cj.cca(X, Y, ridge=0)
    theirs = CCA(6, max_iter=5000, tol=1e-10).fit(X, Y)
    one, two = theirs.transform(X, Y)
    expected = [np.corrcoef(one[:, at], two[:, at])[0, 1] for at in range(6)]
    np.testing.assert_allclose(found.correlations, expected, atol=1e-3)
    mine = (X - found.left_mean) @ found.left, (Y - found.right_mean) @ found.right
    for at, correlation in enumerate(found.correlations):
        assert np.corrcoef(mine[0][:, at], mine[1][:, at])[0, 1] == pytest.approx(correlation, abs=1e-6)
    np.testing.assert_allclose(mine[0].T @ mine[0] / 400, np.eye(6), atol=1e-6)


def test_null_columns_and_fewer_rows_than_columns_give_no_nonsense():
    wide = np.column_stack([X, np.zeros(400), X[:, 0]])
    found = cj.cca(wide, Y, 4)
    assert np.isfinite(found.left).all() and (found.correlations <= 1).all()
    noise = cj.cca(RNG.normal(size=(400, 5)), RNG.normal(size=(400, 5)))
    assert noise.correlations[0] < 0.3


def test_what_was_turned_is_found_again():
    turn = np.linalg.qr(RNG.normal(size=(6, 6)))[0]
    one = cj.Embedding(X.astype(np.float32), VOCAB)
    two = cj.Embedding((X @ turn).astype(np.float32), VOCAB)
    score = cj.alignment_score(two, one)
    assert (
        score.cosine == pytest.approx(1, abs=1e-5) and score.hits == 1 and (score.anchors, score.held_out) == (320, 80)
    )


def test_noise_scores_at_chance():
    one = cj.Embedding(RNG.normal(size=(400, 20)).astype(np.float32), VOCAB)
    two = cj.Embedding(RNG.normal(size=(400, 20)).astype(np.float32), VOCAB)
    for how in ("procrustes", "cca"):
        score = cj.alignment_score(two, one, how, held_out=0.5)
        assert abs(score.cosine) < 0.15 and score.hits < 0.05 and score.hits_at_10 < 0.12


def test_methods_of_different_width_align_by_cca():
    graph = cj.generators.planted_partition([60] * 6, 0.2, 0.01).graph
    one = cj.embed(graph, cj.Cleora(dim=24))
    two = cj.embed(graph, cj.ProNE(dim=16))
    score = cj.alignment_score(one, two, "cca")
    assert score.cosine > 0.5 and score.hits_at_10 > 0.2
    with pytest.raises(ValueError, match="procrustes"):
        cj.alignment_score(one, two)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: cj.cca(X, Y[:5]), "`x` and `y`"),
        (lambda: cj.cca(X * np.nan, Y), "finite"),
        (lambda: cj.cca(X, Y, 7), "`k`"),
        (lambda: cj.cca(X, Y, ridge=-1), "ridge"),
        (lambda: cj.alignment_score(*2 * [cj.Embedding(X.astype(np.float32), VOCAB)], held_out=1), "held_out"),
        (lambda: cj.alignment_score(cj.Embedding(np.eye(2, dtype=np.float32), cj.Vocab.of("ab")),
                                    cj.Embedding(np.eye(2, dtype=np.float32), cj.Vocab.of("cd"))), "common"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named(call, named):
    with pytest.raises(ValueError, match=named):
        call()
