"""Refinement: loss and gradient against float64 NumPy, what is trained and what is left alone, and what it learns."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import jax
import numpy as np
import optax
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from cleora_jax._checks import NotFoundError, OptionError
from cleora_jax.graph.vocab import Vocab
from cleora_jax.learn.pairs import hold_out, pair_keys
from cleora_jax.learn.refinement import batches as batches_module
from cleora_jax.learn.refinement import problem as problem_module
from cleora_jax.learn.refinement.batches import Batch, PairRows, batches_of
from cleora_jax.learn.refinement.head import mapped_vectors, own_vectors
from cleora_jax.learn.refinement.losses import DRAWING, LOSSES
from cleora_jax.learn.refinement.method import Refine
from cleora_jax.learn.refinement.negatives import Known
from cleora_jax.learn.refinement.problem import problem_of
from cleora_jax.learn.refinement.separation import auc, mean_hinge
from cleora_jax.learn.refinement.training import SGD, Model, run_batches
from cleora_jax.learn.refinement.verb import refine
from cleora_jax.vectors.embedding import Embedding


def embedding_of(vectors, **columns) -> Embedding:
    """Entities e0, e1, …"""
    return Embedding(np.asarray(vectors, np.float32), Vocab.of([f"e{i}" for i in range(len(vectors))]), **columns)


def cosines_of(vectors, pairs) -> np.ndarray:
    """float64[m]."""
    unit = np.asarray(vectors, float) / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-30)
    return (unit[pairs[:, 0]] * unit[pairs[:, 1]]).sum(1)


def separation(vectors, positive, negative) -> float:
    """AUC of cosines, by scikit-learn."""
    scores = [cosines_of(vectors, pairs) for pairs in (positive, negative)]
    return float(roc_auc_score([1] * len(positive) + [0] * len(negative), np.concatenate(scores)))


# --- the oracle ---


class Oracle:
    """Loss of one batch, and its gradient with respect to vectors y [r, d]: float64, pair by pair."""

    def __init__(self, y, positive, column, margin, loss):
        self.y, self.margin, self.loss = np.asarray(y, float), margin, loss
        self.column = column
        self.known = {(a, b) for a, b in positive.tolist()} | {(b, a) for a, b in positive.tolist()}
        self.total, self.grad = 0.0, np.zeros_like(self.y)

    def cos(self, a, b):
        return float(self.y[a] @ self.y[b] / np.linalg.norm(self.y[a]) / np.linalg.norm(self.y[b]))

    def slope(self, a, b, weight):
        """Add weight × the gradient of cos(a, b)."""
        length = np.linalg.norm(self.y, axis=1)
        for one, other in ((a, b), (b, a)):
            unit, towards = self.y[one] / length[one], self.y[other] / length[other]
            self.grad[one] += weight * (towards - self.cos(a, b) * unit) / length[one]

    def above(self, low, weight):
        """weight × max(0, cos(low) − margin)."""
        value = self.cos(*low) - self.margin
        if value > 0:
            self.total += weight * value
            self.slope(*low, weight)

    def hinge(self, low, high, weight):
        """weight × max(0, margin + cos(low) − cos(high)); "contrastive" looks at the low one alone, twice."""
        if self.loss == "contrastive":
            return self.above(low, 2 * weight)
        value = self.margin + self.cos(*low) - self.cos(*high)
        if value > 0:
            self.total += weight * value
            self.slope(*low, weight)
            self.slope(*high, -weight)
        return None

    def is_negative(self, anchor, partner, other):
        stranger = other != anchor and (anchor, other) not in self.known
        return stranger and self.column[other] == self.column[partner]

    def run(self, pairs, apart, drawn, k):
        """All pairs of a batch that are no padding."""
        for i, (a, p) in enumerate(pairs):
            if self.loss == "contrastive":
                self.total += 1 - self.cos(a, p)
                self.slope(a, p, -1)
            for anchor, partner, end in ((a, p, 1), (p, a, 0)):
                others = [drawn[(i + s) % len(drawn)] for s in range(k)] if len(drawn) else [q[end] for q in pairs]
                others = [other for other in others if self.is_negative(anchor, partner, other)]
                if self.loss == "hard" and others:
                    others = [max(others, key=lambda other: self.cos(anchor, other))]
                for other in others:
                    self.hinge((anchor, other), (anchor, partner), 0.5 / len(others))
        for b, c in apart:
            for a, p in pairs:
                self.hinge((b, c), (a, p), 1 / len(pairs) / (2 if self.loss == "contrastive" else 1))
        return self.total, self.grad


def one_batch(loss, seed=0, r=40, padding=3):
    """A batch of 13 pairs and `padding` more, 4 pairs apart and one more, two columns, and all that it was made of."""
    rng = np.random.default_rng(seed)
    column = rng.integers(0, 2, r)
    positive = np.unique(np.sort(rng.choice(r, (30, 2)), axis=1), axis=0)
    positive = positive[positive[:, 0] != positive[:, 1]].astype(np.int32)
    known, real = Known(positive, column), positive[:13]
    apart = np.array([[0, 1], [2, 3], [0, 3], [5, 9]], np.int32)
    method = Refine(loss=loss, batch_size=100, num_negatives=4)
    (batch,) = batches_of(rng, known, PairRows(real, apart), method)
    padded = Batch(*(each[0] for each in batch))
    assert padded.weight.sum() == 13 and padded.apart_weight.sum() == 4
    if padding:
        many = padding if loss not in DRAWING else 0  # drawn entities go round: padding among them would shift the rest
        pairs = np.concatenate([padded.positive, rng.integers(0, r, (many, 2), np.int32)])
        weight = np.concatenate([padded.weight, np.zeros(many, np.float32)])
        others = np.concatenate([padded.negative, rng.integers(0, r, (padding, 2), np.int32)])
        counts = padded.counts
        if many:
            counts = batches_module._in_batch(known, pairs[None], weight[None])[0]
        zeros = np.zeros(padding, np.float32)
        padded = Batch(pairs, weight, others, np.concatenate([padded.apart_weight, zeros]), padded.drawn, counts)
    return padded, positive, column, rng.standard_normal((r, 6)).astype(np.float32)


def step_of(vectors, loss, parameters, table, batch, margin):
    """Loss and gradient, as one step of gradient descent shows them."""
    model = Model(vectors, SGD)
    stacked = Batch(*(each[None] for each in batch))
    after, _, total = run_batches(model, loss, parameters, SGD.init(parameters), table, stacked, margin, 1.0)
    return float(total), jax.tree.map(
        lambda old, new: np.asarray(old, float) - np.asarray(new, float), parameters, after
    )


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("target", ["vectors", "linear", "hidden"])
@pytest.mark.parametrize("seed", [0, 1])
def test_loss_and_gradient(loss, target, seed):
    batch, positive, column, x = one_batch(loss, seed)
    rng = np.random.default_rng(seed)
    shapes = {"vectors": [], "linear": [(6, 6)], "hidden": [(6, 5), (5, 6)]}[target]
    head = tuple(rng.standard_normal(shape).astype(np.float32) / 3 for shape in shapes)
    wide = [matrix.astype(float) for matrix in head]
    inner = x.astype(float) @ wide[0] if head else None
    y = {
        "vectors": lambda: x,
        "linear": lambda: x + inner,
        "hidden": lambda: x + np.maximum(inner, 0) @ wide[1],
    }[target]()
    pairs, apart = (batch.positive[:13].tolist(), batch.negative[:4].tolist())
    oracle = Oracle(y, positive, column, 0.4, loss)
    total, grad = oracle.run(pairs, apart, batch.drawn.tolist(), batch.counts.shape[2])
    expected = {
        "vectors": lambda: grad,
        "linear": lambda: (x.T @ grad,),
        "hidden": lambda: (x.T @ (grad @ wide[1].T * (inner > 0)), np.maximum(inner, 0).T @ grad),
    }[target]()
    vectors = own_vectors if target == "vectors" else mapped_vectors
    found, slope = step_of(vectors, loss, x if target == "vectors" else head, x, batch, 0.4)
    assert total > 1 and np.abs(grad).max() > 0.1
    assert found == pytest.approx(total, rel=1e-5)
    for mine, theirs in zip(jax.tree.leaves(slope), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=2e-5)


@pytest.mark.parametrize("loss", LOSSES)
def test_padding_does_not_count(loss):
    plain, _, _, x = one_batch(loss, padding=0)
    padded = one_batch(loss, padding=5)[0]
    assert len(padded.negative) > len(plain.negative)
    for first, second in zip(*(step_of(own_vectors, loss, x, x, batch, 0.4) for batch in (plain, padded)), strict=True):
        np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-6)


def test_zero_rows_get_no_gradient_and_no_nan():
    batch, _, _, x = one_batch("triplet")
    x[batch.positive[0]] = 0
    _, slope = step_of(own_vectors, "triplet", x, x, batch, 0.4)
    assert np.isfinite(slope).all() and not slope[batch.positive[0]].any() and slope.any()


# --- batches and negatives ---


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32), st.integers(2, 25), st.integers(1, 60), st.integers(1, 30), st.integers(0, 6),
    st.sampled_from(["triplet", "in-batch"]), st.integers(1, 4), st.integers(0, 12),
)  # fmt: skip
def test_batches_hold_every_pair_once_and_only_negatives_count(seed, r, m, size, k, loss, together, apart):
    rng = np.random.default_rng(seed)
    column = rng.integers(0, 3, r)
    ends = rng.integers(0, r, (m, 2)).astype(np.int32)
    pairs = PairRows(ends, rng.integers(0, r, (apart, 2)).astype(np.int32))
    partners = {tuple(pair) for pair in ends.tolist()} | {tuple(pair[::-1]) for pair in ends.tolist()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches_module, "TOGETHER", together)
        stacks = list(batches_of(rng, Known(ends, column), pairs, Refine(loss=loss, batch_size=size, num_negatives=k)))
    assert len({tuple(each.shape for each in stack) for stack in stacks}) == 1, "one shape, so one trace"
    seen, seen_apart = [], []
    for stack in stacks:
        assert len(stack.positive) <= together and stack.positive.shape[1] <= size
        for batch in map(Batch._make, zip(*stack, strict=True)):
            seen += batch.positive[batch.weight > 0].tolist()
            seen_apart += batch.negative[batch.apart_weight > 0].tolist()
            for i, pair in enumerate(batch.positive.tolist()):
                for end in (0, 1):
                    others = (
                        [batch.drawn[(i + shift) % len(batch.drawn)] for shift in range(k)]
                        if loss == "triplet" else batch.positive[:, 1 - end]
                    )  # fmt: skip
                    counts = [
                        other != pair[end] and (pair[end], other) not in partners
                        and column[other] == column[pair[1 - end]] and (loss == "triplet" or batch.weight[j] > 0)
                        for j, other in enumerate(others)
                    ]  # fmt: skip
                    assert batch.counts[end, i].tolist() == counts
    assert sorted(seen) == sorted(pairs.positive.tolist())
    assert sorted(seen_apart) == sorted(pairs.negative.tolist())


def test_draws_are_uniform_within_a_column():
    column = np.array([0, 1, 0, 2, 0, 1])
    drawn = Known(np.array([[0, 1]]), column).draw(np.random.default_rng(0), np.repeat([0, 1, 2], 6000))
    found = np.bincount(drawn, minlength=6)
    assert found[3] == 6000 and (abs(found[[0, 2, 4]] - 2000) < 150).all() and (abs(found[[1, 5]] - 3000) < 150).all()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40), st.floats(0, 0.99))
def test_hold_out_keeps_copies_of_a_pair_together(seed, m, share):
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 6, (m, 2))
    train, held = hold_out(rows, share, 6, rng)
    keys = [set(pair_keys(side, 6).tolist()) for side in (train, held)]
    assert not keys[0] & keys[1] and len(keys[1]) == int(share * len(keys[0] | keys[1]))
    assert sorted(train.tolist() + held.tolist()) == sorted(rows.tolist()) and len(train)


def test_strangers_are_bounded(monkeypatch):
    monkeypatch.setattr(problem_module, "STRANGERS", 50)
    rng = np.random.default_rng(0)
    embedding = embedding_of(rng.standard_normal((5000, 8)))
    pairs = rng.integers(0, 100, (200, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    problem = problem_of(embedding, pairs, None, Refine())
    assert set(np.unique(pairs)) <= set(problem.rows) and len(problem.rows) == len(np.unique(pairs)) + 50
    found = refine(embedding, pairs, method=Refine(target="vectors", num_epochs=3, patience=9, validation=0.0))
    changed = (found.embedding.vectors != embedding.vectors).any(axis=1)
    assert changed[np.unique(pairs)].mean() > 0.9
    assert not np.delete(changed, problem.rows).any(), "rows in no pair and not drawn stay as they are, to the bit"


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.integers(-6, 6), min_size=1, max_size=30), st.lists(st.integers(-6, 6), min_size=1, max_size=30),
    st.integers(0, 4),
)  # fmt: skip
def test_separation(positive, negative, margin):
    positive, negative = np.array(positive) / 4, np.array(negative) / 4
    labels = [1] * len(positive) + [0] * len(negative)
    assert auc(positive, negative) == pytest.approx(roc_auc_score(labels, np.concatenate([positive, negative])))
    hinges = np.maximum(0, margin / 2 + negative[None] - positive[:, None])
    assert mean_hinge(positive, negative, margin / 2) == pytest.approx(hinges.mean(), abs=1e-12)


# --- what is learned ---


def planted(n=400, groups=5, noise=1.0, dim=16, seed=0):
    """Entities of groups that a few directions show faintly; pairs within groups, and pairs across."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, groups, n)
    x = rng.standard_normal((n, dim)) * 3 * noise
    x[:, :groups] = np.eye(groups)[group] + 0.3 * rng.standard_normal((n, groups))
    ends = rng.integers(0, n, (40 * n, 2))
    ends = ends[ends[:, 0] != ends[:, 1]]
    same = group[ends[:, 0]] == group[ends[:, 1]]
    return embedding_of(x), ends[same], ends[~same], group


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("target", ["head", "vectors"])
def test_planted_groups_are_found(loss, target):
    embedding, positive, negative, _ = planted()
    found = refine(
        embedding, positive[:1500], method=Refine(target=target, loss=loss, margin=0 if loss == "contrastive" else 0.3)
    )
    before, after = (separation(e.vectors, positive[1500:2500], negative[:1000]) for e in (embedding, found.embedding))
    assert before < 0.6 and after > (0.85 if target == "head" else 0.75), (before, after)
    assert found.history.validation_auc[found.best_epoch] == max(found.history.validation_auc)


@pytest.mark.parametrize("hidden", [None, 32])
def test_a_head_maps_entities_that_it_never_saw(hidden):
    embedding, positive, negative, _ = planted(noise=0.5)
    seen = 200
    inside = positive[(positive < seen).all(axis=1)]
    first = Embedding(embedding.vectors[:seen], embedding.vocab.take(np.arange(seen)))
    method = Refine(patience=10) if hidden is None else Refine(hidden=hidden, learning_rate=0.2, patience=10)
    found = refine(first, inside[:1500], method=method)
    unseen = Embedding(embedding.vectors[seen:], embedding.vocab.take(np.arange(seen, 400)))
    outside = [pairs[(pairs >= seen).all(axis=1)] - seen for pairs in (positive, negative)]
    mapped = found.apply(unseen)
    assert separation(unseen.vectors, *outside) < 0.65 < 0.8 < separation(mapped.vectors, *outside)
    assert mapped.vocab == unseen.vocab and mapped.settings["refined"] == found.embedding.settings["refined"]
    np.testing.assert_array_equal(found.head(first.vectors), found.embedding.vectors)
    x = unseen.vectors.astype(float)
    inner = x @ found.parameters[0]
    np.testing.assert_allclose(
        mapped.vectors,
        x + (inner if hidden is None else np.maximum(inner, 0) @ found.parameters[1]),
        rtol=1e-4,
        atol=1e-4,
    )


@pytest.mark.parametrize("target", ["head", "vectors"])
def test_random_pairs_teach_nothing(target):
    rng = np.random.default_rng(5)
    embedding = embedding_of(rng.standard_normal((300, 16)))
    pairs = rng.integers(0, 300, (4000, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    found = refine(embedding, pairs[:1000], method=Refine(target=target, validation=0.0, num_epochs=10))
    fit = separation(found.embedding.vectors, pairs[:1000], pairs[1000:2000])
    assert fit > (0.9 if target == "vectors" else 0.55), "it did fit these"
    assert abs(separation(found.embedding.vectors, pairs[1000:2500], pairs[2500:]) - 0.5) < 0.05


def test_explicit_negatives_are_all_used_and_need_no_anchor():
    rng = np.random.default_rng(0)
    embedding = embedding_of(rng.standard_normal((60, 8)) + 2)
    positive, apart = np.arange(20).reshape(10, 2), np.arange(20, 60).reshape(20, 2)
    method = Refine(target="vectors", num_negatives=0, num_epochs=20, validation=0.0, margin=1.0)
    found = refine(embedding, positive, apart, method)
    before, after = (cosines_of(e.vectors, apart) for e in (embedding, found.embedding))
    assert (after < before - 0.1).all()
    assert (cosines_of(found.embedding.vectors, positive) > cosines_of(embedding.vectors, positive)).all()
    alone = refine(embedding, positive, method=method)
    np.testing.assert_array_equal(alone.embedding.vectors, embedding.vectors)  # nothing to compare the pairs with


def test_negatives_held_out_are_judged():
    embedding, positive, negative, _ = planted()
    method = Refine(num_negatives=0, validation=0.2, num_epochs=40)
    found = refine(embedding, positive[:1500], negative[:1500], method)
    assert (
        found.history.validation_auc[0]
        < 0.6
        < 0.9
        < separation(found.embedding.vectors, positive[2000:], negative[2000:])
    )


def test_nothing_is_held_out_that_could_not_be_judged():
    embedding, positive, negative, _ = planted(n=60)
    for apart, held in ((None, 0), (negative[:5], 0), (negative[:50], 20)):
        data = problem_of(embedding, positive[:200], apart, Refine(num_negatives=0)).data
        copies = 200 - len(np.unique(pair_keys(positive[:200], 60)))
        assert held - 5 <= len(data.held.positive) <= held + copies and len(data.held.negative) <= 5
        assert len(data.train.positive) + len(data.held.positive) == 200


def test_columns_are_kept_apart():
    """Users and items: negatives of a user are items, so users may all stay near each other."""
    rng = np.random.default_rng(0)
    n, m = 30, 200
    vocab = Vocab.of([str(i) for i in range(n + m)])
    vocab = Vocab(vocab.ids, ("user", "item"), np.repeat([0, 1], [n, m]).astype(np.uint8))
    embedding = Embedding(rng.standard_normal((n + m, 8)).astype(np.float32), vocab)
    pairs = [
        (("user", str(u)), ("item", str(n + i)))
        for u, i in zip(rng.integers(0, n, 300), rng.integers(0, m, 300), strict=True)
    ]
    problem = problem_of(embedding, pairs, None, Refine())
    assert (vocab.column_of[problem.data.held.negative] == [0, 1]).all()
    for batch in batches_of(problem.rng, problem.data.known, problem.data.train, Refine()):
        column = vocab.column_of[batch.drawn]
        assert 0.3 < column.mean() < 0.7, "as many of the one as of the other, though there are seven items to a user"


# --- what comes back ---


def test_the_best_epoch_comes_back():
    embedding, positive, _, _ = planted()
    method = Refine(target="vectors", learning_rate=0.3, margin=0.3, patience=4)
    found = refine(embedding, positive[:1500], method=method)
    history, best = found.history, found.best_epoch
    assert 0 < best < len(history.train_loss) - 1 == best + method.patience < method.num_epochs
    assert np.argmax(history.validation_auc) == best
    until = refine(embedding, positive[:1500], method=replace(method, num_epochs=best))
    np.testing.assert_array_equal(until.embedding.vectors, found.embedding.vectors)
    np.testing.assert_array_equal(until.history.validation_auc, history.validation_auc[: best + 1])
    assert "epoch" in repr(found) and "AUC" in repr(found)


def test_a_start_that_nothing_improves_comes_back_bit_for_bit():
    embedding, positive, _, _ = planted()
    method = Refine(learning_rate=0.0)
    for target in ("vectors", "head"):
        found = refine(embedding, positive[:500], method=replace(method, target=target))
        assert found.best_epoch == 0 and len(found.history.train_loss) == method.patience + 1
        np.testing.assert_array_equal(found.embedding.vectors, embedding.vectors)


def test_without_validation_the_last_epoch_comes_back():
    embedding, positive, _, _ = planted(n=60)
    found = refine(embedding, positive[:200], method=Refine(validation=0.0, num_epochs=7))
    assert found.best_epoch == 7 and np.isnan(found.history.validation_auc).all()
    assert np.isfinite(found.history.train_loss[1:]).all() and "AUC" not in repr(found)


def test_same_seed_same_bits():
    embedding, positive, _, _ = planted(n=100)
    for target in ("vectors", "head"):
        method = Refine(target=target, num_epochs=4)
        first, second = (refine(embedding, positive[:500], method=method) for _ in range(2))
        np.testing.assert_array_equal(first.embedding.vectors, second.embedding.vectors)
        other = refine(embedding, positive[:500], method=replace(method, seed=1))
        assert (first.embedding.vectors != other.embedding.vectors).any()


SCRIPT = """
import hashlib, os, sys
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[1])])
import numpy as np
from cleora_jax.graph.vocab import Vocab
from cleora_jax.learn import Refine, learn_weights, refine
from cleora_jax.vectors.embedding import Embedding
rng = np.random.default_rng(0)
vectors = rng.standard_normal((2000, 200)).astype(np.float32)
embedding = Embedding(vectors, Vocab.of([str(i) for i in range(2000)]))
pairs = np.unique(np.sort(rng.integers(0, 2000, (4500, 2)), axis=1), axis=0)
pairs = rng.permutation(pairs[pairs[:, 0] != pairs[:, 1]])
digest = hashlib.sha256()
for settings in ({}, {"target": "vectors"}, {"hidden": 64}, {"loss": "in-batch"}, {"loss": "hard"}, {"loss": "contrastive"}):
    found = refine(embedding, pairs[:3000], pairs[3000:], Refine(**settings, num_epochs=1, batch_size=1000))
    digest.update(found.embedding.vectors.tobytes() + found.history.train_loss.tobytes())
parts = [Embedding(vectors[:, columns], embedding.vocab) for columns in (slice(0, 64), slice(64, 200))]
digest.update(learn_weights(parts, pairs[:3000], method=Refine(num_epochs=1)).tobytes())
print(digest.hexdigest())
"""


@pytest.mark.slow
def test_bits_do_not_depend_on_threads():
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs 2 processor cores")
    found = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT, cores], check=True, capture_output=True, text=True,
            env=os.environ | ({"NPROC": pool} if pool else {}),
        ).stdout
        for cores, pool in (("1", ""), ("2", ""), ("1", "16"))
    ]  # fmt: skip
    assert len(set(found)) == 1


def counting():
    """Gradient descent that counts how often it is traced."""
    traces = []

    def update(updates, state, params=None):
        traces.append(1)
        return jax.tree.map(lambda slope: -0.05 * slope, updates), state

    return optax.GradientTransformation(lambda params: (), update), traces


def test_one_trace_for_the_whole_run(monkeypatch):
    monkeypatch.setattr(batches_module, "TOGETHER", 2)
    embedding, positive, negative, _ = planted(n=100)
    optimizer, traces = counting()
    for margin in (0.5, 0.2):  # a number that is not compiled in
        method = Refine(num_epochs=5, batch_size=60, margin=margin, patience=9)
        refine(embedding, positive[:501], negative[:17], method, optimizer=optimizer)
    assert len(traces) == 1


def test_the_optimiser_is_an_argument():
    embedding, positive, _, _ = planted(n=100)
    method = Refine(target="vectors", learning_rate=0.05, num_epochs=3, patience=9)
    plain = refine(embedding, positive[:500], method=method)
    given = refine(embedding, positive[:500], method=replace(method, learning_rate=9.0), optimizer=optax.sgd(0.05))
    np.testing.assert_allclose(given.embedding.vectors, plain.embedding.vectors, rtol=1e-4, atol=1e-5)
    assert given.embedding.settings["refined"][0]["optimizer"] == "given"
    adam = refine(embedding, positive[:500], method=method, optimizer=optax.adam(0.01))
    assert (adam.embedding.vectors != plain.embedding.vectors).any()


def test_lengths_stay_and_zero_vectors_stay_zero():
    embedding, positive, _, _ = planted(n=100)
    vectors = embedding.vectors.copy()
    vectors[:5] = 0
    embedding = embedding_of(vectors)
    found = refine(embedding, positive[:500], method=Refine(target="vectors", num_epochs=5)).embedding.vectors
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), np.linalg.norm(vectors, axis=1), rtol=1e-6)
    head = refine(embedding, positive[:500], method=Refine(num_epochs=5, hidden=8)).embedding.vectors
    assert not found[:5].any() and not head[:5].any() and found[5:].any(axis=1).all()


def test_scale_of_vectors_says_nothing():
    embedding, positive, _, _ = planted(n=100)
    small = embedding_of(embedding.vectors * np.float32(2.0**-60))
    for target in ("vectors", "head"):
        method = Refine(target=target, num_epochs=3)
        first, second = (refine(each, positive[:500], method=method).embedding.vectors for each in (embedding, small))
        np.testing.assert_allclose(second * 2.0**60, first, rtol=1e-5, atol=1e-6)


def test_progress_and_settings():
    embedding, positive, _, _ = planted(n=60)
    calls = []
    found = refine(embedding, positive[:100], method=Refine(num_epochs=2), progress=lambda *call: calls.append(call))
    assert calls == [("refining", 1, 2), ("refining", 2, 2)]
    again = refine(found.embedding, positive[:100], method=Refine(target="vectors", num_epochs=1))
    assert [step["target"] for step in again.embedding.settings["refined"]] == ["head", "vectors"]


# --- the door ---


def test_pairs_may_be_ids_keys_rows_or_arrays():
    vocab = Vocab(Vocab.of(["a", "b", "c", "d"]).ids, ("u", "v"), np.array([0, 0, 1, 1], np.uint8))
    embedding = Embedding(np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32), vocab)
    method = Refine(num_epochs=3)
    ways = [
        [("a", "c"), ("b", "d")],
        [["a", "c"], ["b", "d"]],
        np.array([["a", "c"], ["b", "d"]]),
        np.array([["a", "c"], ["b", "d"]], object),
        [(("u", "a"), ("v", "c")), ("b", ("v", "d"))],
        np.array([[0, 2], [1, 3]]),
        np.array([[0, 2], [1, 3]], np.uint8),
        [(0, 2), (1, 3)],
        jax.numpy.array([[0, 2], [1, 3]]),
    ]
    found = [refine(embedding, way, method=method).embedding.vectors for way in ways]
    for each in found[1:]:
        np.testing.assert_array_equal(each, found[0])


def test_unknown_ids_are_all_named():
    embedding = embedding_of(np.eye(4))
    with pytest.raises(NotFoundError, match=r"'x', 'y'"):
        refine(embedding, [("e0", "x"), ("y", "e1")])
    with pytest.raises(NotFoundError, match=r"'z'"):
        refine(embedding, [("e0", "e1")], [("e2", "z")])
    with pytest.raises(NotFoundError, match="no column 'user'"):
        refine(embedding, [(("user", "e0"), "e1")])


@pytest.mark.parametrize(
    ("positive", "negative", "error", "match"),
    [
        ([], None, OptionError, "`positive` must hold at least one pair"),
        ([("e0", "e0")], None, OptionError, "'e0' with itself, at place 0"),
        ([("e0", "e1")], [("e2", "e3"), ("e1", "e0")], OptionError, "in `positive` and in `negative`"),
        ([("e0", "e1", "e2")], None, OptionError, "pairs of two entities"),
        (["ab", "cd"], None, OptionError, "pairs of two entities, got 'ab' at place 0"),
        ([(0, 4)], None, OptionError, "from 0 to 3, got 4 at place 0"),
        ([(0, 1), (-1, 2)], None, OptionError, "got -1 at place 1"),
        (np.zeros((2, 3), int), None, OptionError, r"\[m, 2\]"),
        (np.zeros((2, 2)), None, TypeError, "of row numbers, got"),
        ([(0.5, 1)], None, TypeError, "got 0.5"),
        ([(None, "e1")], None, TypeError, "got None"),
    ],
)
def test_bad_pairs(positive, negative, error, match):
    with pytest.raises(error, match=match):
        refine(embedding_of(np.eye(4)), positive, negative)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"target": "both"}, OptionError), ({"loss": "softmax"}, OptionError), ({"margin": -0.1}, OptionError),
        ({"margin": 2.1}, OptionError), ({"num_epochs": 0}, OptionError), ({"batch_size": 0}, OptionError),
        ({"num_negatives": -1}, OptionError), ({"learning_rate": np.nan}, OptionError), ({"validation": 1.0}, OptionError),
        ({"patience": 0}, OptionError), ({"hidden": 0}, OptionError), ({"hidden": 4, "target": "vectors"}, OptionError),
        ({"num_epochs": 2.5}, TypeError), ({"seed": "x"}, TypeError),
    ],
)  # fmt: skip
def test_bad_options(options, error):
    with pytest.raises(error, match=f"`{next(iter(options))}`"):
        Refine(**options)


def test_other_errors():
    vectors = np.eye(4)
    vectors[2, 1] = np.nan
    with pytest.raises(OptionError, match="`embedding` must be finite"):
        refine(embedding_of(vectors), [(0, 1)])
    found = refine(embedding_of(np.eye(4)), [(0, 1)], method=Refine(target="vectors"))
    with pytest.raises(OptionError, match="no head"):
        found.head(np.eye(4))
    with pytest.raises(OptionError, match=r"\[m, 4\]"):
        refine(embedding_of(np.eye(4)), [(0, 1)]).head(np.eye(3))
    with pytest.raises(OptionError, match="smaller steps"):
        refine(embedding_of(np.eye(4)), [(0, 1)], method=Refine(num_epochs=9), optimizer=optax.sgd(np.inf))


@pytest.mark.parametrize(
    ("loss", "target"),
    [("triplet", "head"), ("triplet", "vectors"), ("in-batch", "head"), ("hard", "vectors"), ("contrastive", "head")],
)
def test_tiny_and_degenerate(loss, target):
    method = Refine(target=target, loss=loss, num_epochs=5)
    rng = np.random.default_rng(0)
    three = embedding_of(rng.standard_normal((3, 2)))
    two = embedding_of(rng.standard_normal((2, 3)))
    for embedding, positive, negative in (
        (three, [("e0", "e1")], None),
        (three, [("e0", "e1"), ("e1", "e2"), ("e0", "e2")], None),  # no negative is left
        (three, [("e0", "e1")], [("e1", "e2")]),
        (two, [("e0", "e1")], None),
        (three, [("e0", "e1")] * 100, None),  # one pair over and over: nothing to hold out
        (embedding_of(np.zeros((3, 2))), [("e0", "e1")], None),
        (embedding_of(np.ones((3, 1))), [("e0", "e1")], None),
    ):
        found = refine(embedding, positive, negative, method)
        assert np.isfinite(found.embedding.vectors).all() and found.embedding.vectors.shape == embedding.vectors.shape
        assert found.best_epoch == 5


def test_seeds_of_any_sign():
    embedding, positive, _, _ = planted(n=40)
    vectors = [
        refine(embedding, positive[:50], method=Refine(num_epochs=1, seed=seed)).embedding.vectors
        for seed in (-1, 2**64 - 1, 3)
    ]
    np.testing.assert_array_equal(vectors[0], vectors[1])  # modulo 2⁶⁴, as of Cleora
    assert (vectors[0] != vectors[2]).any()
