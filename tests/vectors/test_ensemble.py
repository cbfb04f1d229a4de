"""Combined embeddings against their definition, entity by entity."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from cleora_jax import Cleora, Embedding, Vocab, embed_apart, from_hyperedges
from cleora_jax.vectors import combine, ensemble

SETTINGS = settings(max_examples=80, deadline=None, derandomize=True)
COLUMNS = ("user", "item", "shop")


def random_part(rng, dim, size=12):
    """Up to `size` of 3 × 6 entities, some with the zero vector; columns in an order of their own."""
    columns = tuple(rng.permutation(COLUMNS)[: rng.integers(1, 4)].tolist())
    entities = [(column, str(i)) for column in columns for i in range(6)]
    chosen = [entities[row] for row in rng.permutation(len(entities))[: rng.integers(1, size)]]
    codes = np.array([columns.index(column) for column, _ in chosen], np.uint8)
    vocab = Vocab(pa.array([entity for _, entity in chosen], pa.large_string()), columns, codes)
    vectors = rng.standard_normal((len(chosen), dim)) * np.exp2(rng.integers(-9, 9, (len(chosen), 1)))
    vectors[rng.random(len(chosen)) < 0.2] = 0
    return Embedding(vectors.astype(np.float32), vocab, {"dim": dim})


def keys(vocab):
    return [(vocab.columns[code], entity) for code, entity in zip(vocab.column_of, vocab.ids.to_pylist(), strict=True)]


def unit(vector):
    size = np.linalg.norm(vector.astype(np.float64))
    return vector / size if size > 0 else np.zeros(len(vector))


def as_dict(part):
    return {key: unit(vector) for key, vector in zip(keys(part.vocab), part.vectors, strict=True)}


def in_order(parts):
    return list(dict.fromkeys(key for part in parts for key in keys(part.vocab)))


def random_weights(rng, count):
    weights = rng.integers(0, 3, count) * rng.random(count)
    weights[rng.integers(count)] = 1
    return weights


@SETTINGS
@given(st.integers(1, 4), st.booleans(), st.integers(0, 2**32 - 1))
def test_side_by_side(count, weighted, seed):
    rng = np.random.default_rng(seed)
    parts = [random_part(rng, int(dim)) for dim in rng.integers(1, 5, count)]
    weights = random_weights(rng, count) if weighted else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ensemble, "ROW_BLOCK", 4)
        found = combine(parts, "concat", weights)
    share = np.ones(count) / count if weights is None else weights / weights.sum()
    known = [as_dict(part) for part in parts]
    expected = [
        np.concatenate(
            [np.sqrt(w) * rows.get(key, np.zeros(part.dim)) for w, rows, part in zip(share, known, parts, strict=True)]
        )
        for key in in_order(parts)
    ]
    assert keys(found.vocab) == in_order(parts)
    assert found.vectors.dtype == np.float32
    np.testing.assert_allclose(found.vectors, expected, atol=1e-7)


@SETTINGS
@given(st.integers(2, 4), st.integers(0, 2**32 - 1))
def test_cosines_are_weighted_means_of_cosines(count, seed):
    rng = np.random.default_rng(seed)
    vocab, weights = Vocab.of(["a", "b", "c"]), random_weights(rng, count)
    parts = [Embedding(rng.standard_normal((3, int(dim))), vocab) for dim in rng.integers(1, 6, count)]
    found = combine(parts, weights=weights)
    for pair in ("ab", "bc", "aa"):
        mean = np.average([part.cosine(*pair) for part in parts], weights=weights)
        assert found.cosine(*pair) == pytest.approx(mean, abs=1e-6)


def test_cosine_of_entities_that_not_all_parts_know():
    rng = np.random.default_rng(2)
    first, second = rng.standard_normal((3, 4)), rng.standard_normal((2, 5))
    parts = [Embedding(first, Vocab.of(["a", "b", "c"])), Embedding(second, Vocab.of(["b", "c"]))]
    found = combine(parts, weights=[1, 3])
    assert found.cosine("a", "b") == pytest.approx(0.25 * parts[0].cosine("a", "b") / np.sqrt(0.25), abs=1e-6)


@SETTINGS
@given(st.integers(1, 4), st.booleans(), st.integers(0, 2**32 - 1))
def test_mean(count, weighted, seed):
    rng = np.random.default_rng(seed)
    dim = int(rng.integers(1, 4))
    parts = [random_part(rng, dim, size=18) for _ in range(count)]
    weights = random_weights(rng, count) if weighted else None
    share = np.ones(count) if weights is None else weights
    known = [as_dict(part) for part in parts]
    turned = []
    for rows in known:
        common = [key for key in rows if known[0].get(key, np.zeros(1)).any() and rows[key].any()]
        x, first = (np.array([each[key] for key in common]).reshape(-1, dim) for each in (rows, known[0]))
        values = scipy.linalg.svdvals(x.T @ first)
        if not common or values[-1] < 1e-6:  # another rotation is as near: test_align.py
            return
        turn = scipy.linalg.orthogonal_procrustes(x, first)[0]
        turned.append({key: row @ turn for key, row in rows.items()})
    sums = np.array([sum(w * rows.get(key, np.zeros(dim)) for w, rows in zip(share, turned, strict=True))
                     for key in in_order(parts)])  # fmt: skip
    clear = ~((np.linalg.norm(sums, axis=1) < 1e-6) & sums.any(axis=1))  # else what cancels, but for rounding
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ensemble, "ROW_BLOCK", 4)
        found = combine(parts, "mean", weights)
    assert keys(found.vocab) == in_order(parts)
    np.testing.assert_allclose(found.vectors[clear], [unit(row) for row in sums[clear]], atol=1e-5)


def test_the_mean_of_one_embedding_in_two_bases_is_that_embedding():
    rng = np.random.default_rng(0)
    x, turn = rng.standard_normal((90, 6)), np.linalg.qr(rng.standard_normal((6, 6)))[0]
    vocab = Vocab.of([str(i) for i in range(90)])
    found = combine([Embedding(x, vocab), Embedding(5 * x @ turn, vocab)], "mean")
    np.testing.assert_allclose(found.vectors, x / np.linalg.norm(x, axis=1, keepdims=True), atol=1e-6)


def test_a_new_entity_of_a_later_part_comes_in_the_basis_of_the_first():
    rng = np.random.default_rng(1)
    x, turn = rng.standard_normal((9, 3)), np.linalg.qr(rng.standard_normal((3, 3)))[0]
    ids = [str(i) for i in range(9)]
    found = combine([Embedding(x[:8], Vocab.of(ids[:8])), Embedding((x @ turn)[::-1], Vocab.of(ids[::-1]))], "mean")
    np.testing.assert_allclose(found["8"], unit(x[8]), atol=1e-6)


def test_relations_combine():
    lines = ["u1\ta b", "u2\tb c", "u3\tc d", "u1\td e"]
    parts = embed_apart(from_hyperedges(lines, "user complex::reflexive::item"), Cleora(dim=4))
    found = combine(list(parts.values()))
    assert found.vectors.shape == (8, 8) and np.isfinite(found.vectors).all()
    assert found.settings["how"] == "concat" and found.settings["weights"] == [0.5, 0.5]
    assert [part["method"] for part in found.settings["combined"]] == ["Cleora", "Cleora"]


def test_wrong_arguments():
    a, b, c = (Embedding(np.ones((1, dim)), Vocab.of([name])) for name, dim in (("a", 2), ("b", 2), ("a", 3)))
    for arguments, error, message in [
        (([],), ValueError, "at least one"),
        ((a,), TypeError, "list of embeddings"),
        (([a, "b"],), TypeError, "got 'b'"),
        (([a, b], "sum"), ValueError, "`how`.*'sum'"),
        (([a, b], "concat", [1]), ValueError, r"one entry per part \(2\), got 1"),
        (([a, b], "concat", [1, -1]), ValueError, "`weights`.*-1"),
        (([a, b], "concat", [1, np.nan]), ValueError, "`weights`.*nan"),
        (([a, b], "concat", [0, 0]), ValueError, "not all be 0"),
        (([a, c], "mean"), ValueError, r"one dimension, got \[2, 3\]"),
        (([a, a, b], "mean"), ValueError, r"`parts\[2\]` and `parts\[0\]` must have an entity in common"),
        (([a, Embedding(np.full((1, 2), np.inf), Vocab.of(["a"]))],), ValueError, "`parts` must be finite"),
    ]:
        with pytest.raises(error, match=message):
            combine(*arguments)


def test_svd_keeps_the_inner_products_that_so_few_columns_can():
    rng = np.random.default_rng(3)
    vocab = Vocab.of([str(row) for row in range(40)])
    parts = [Embedding(rng.standard_normal((40, dim)), vocab) for dim in (5, 9)]
    whole = combine(parts, weights=[1, 2]).vectors.astype(float)
    u, s, _ = np.linalg.svd(whole, full_matrices=False)
    for dim in (3, 9, 14):
        found = combine(parts, "svd", [1, 2], dim=dim).vectors.astype(float)
        np.testing.assert_allclose(found @ found.T, (u[:, :dim] * s[:dim] ** 2) @ u[:, :dim].T, atol=1e-5)
    assert combine(parts, "svd").dim == 9
    for how, dim in (("concat", 3), ("svd", 0), ("svd", 15)):
        with pytest.raises(ValueError, match="dim"):
            combine(parts, how, dim=dim)
