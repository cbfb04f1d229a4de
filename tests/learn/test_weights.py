"""Learned weights of embeddings: what helps counts, what does not is left out."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from cleora_jax._checks import NotFoundError, OptionError
from cleora_jax.graph.vocab import Vocab
from cleora_jax.learn import Refine, learn_weights
from cleora_jax.learn.weights import Weighted
from cleora_jax.vectors.embedding import Embedding
from cleora_jax.vectors.ensemble import combine


def planted(n=300, seed=0):
    """A part that shows the groups, one that shows them faintly, and one of noise; pairs within groups and across."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 6, n)
    shown = np.eye(6)[group]
    vocab = Vocab.of([f"e{i}" for i in range(n)])
    tables = [
        shown + 0.5 * rng.standard_normal((n, 6)),
        shown + 1.2 * rng.standard_normal((n, 6)),
        rng.standard_normal((n, 9)),
    ]
    ends = rng.integers(0, n, (30 * n, 2))
    ends = ends[ends[:, 0] != ends[:, 1]]
    same = group[ends[:, 0]] == group[ends[:, 1]]
    return [Embedding(table.astype(np.float32), vocab) for table in tables], ends[same], ends[~same]


def separation(embedding, positive, negative):
    unit = embedding.vectors / np.linalg.norm(embedding.vectors, axis=1, keepdims=True)
    scores = [(unit[pairs[:, 0]] * unit[pairs[:, 1]]).sum(1) for pairs in (positive, negative)]
    return roc_auc_score([1] * len(positive) + [0] * len(negative), np.concatenate(scores))


@pytest.mark.parametrize("loss", ["triplet", "in-batch", "hard", "contrastive"])
def test_a_useless_part_gets_less_weight(loss):
    parts, positive, negative = planted()
    weights = learn_weights(parts, positive[:600], method=Refine(loss=loss))
    assert weights.shape == (3,) and weights.dtype == np.float64 and (weights >= 0).all()
    assert weights.sum() == pytest.approx(1)
    assert weights[0] > 0.5 and weights[2] < 0.25
    assert loss == "hard" or weights[1] > weights[2]  # the hardest negatives are those that chance brings near
    equal, learned = (separation(combine(parts, weights=w), positive[600:], negative) for w in (None, weights))
    assert learned > equal + 0.04


def test_order_of_parts_does_not_matter():
    parts, positive, _ = planted()
    first, second = learn_weights(parts, positive[:300]), learn_weights(parts[::-1], positive[:300])
    np.testing.assert_allclose(first, second[::-1], rtol=1e-3)


def test_explicit_negatives():
    parts, positive, negative = planted()
    weights = learn_weights(parts, positive[:300], negative[:300], Refine(num_negatives=0))
    assert weights[0] > weights[2]


def test_the_trained_cosine_is_that_of_the_combination():
    parts, _, _ = planted(n=40)
    parts[1] = Embedding(parts[1].vectors[:30], parts[1].vocab.take(np.arange(30)))  # it does not know all
    theta = np.array([0.3, -1.0, 0.5], np.float32)
    weights = np.exp(theta) / np.exp(theta).sum()
    dims = tuple(part.dim for part in parts)
    found = np.asarray(Weighted(dims)(theta, combine(parts).vectors, np.arange(40)))
    whole = combine(parts, weights=weights).vectors
    whole = whole / np.linalg.norm(whole, axis=1, keepdims=True)
    np.testing.assert_allclose(found @ found.T, whole @ whole.T, atol=1e-5)


def test_one_part_has_all_the_weight():
    parts, positive, _ = planted(n=40)
    assert learn_weights(parts[:1], positive[:50], method=Refine(num_epochs=2)).tolist() == [1.0]


def test_errors():
    parts, positive, _ = planted(n=40)
    with pytest.raises(OptionError, match="`parts` must hold at least one"):
        learn_weights([], positive)
    with pytest.raises(TypeError, match="`parts`"):
        learn_weights(parts[0], positive)
    with pytest.raises(NotFoundError, match="'x'"):
        learn_weights(parts, [("e0", "x")])
