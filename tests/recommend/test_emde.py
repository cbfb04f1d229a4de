"""EMDE against its formulas in plain loops: codes, sketches, decoding."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from cleora_jax._checks import OptionError
from cleora_jax.recommend import EMDE, fit_recommender, interactions
from cleora_jax.recommend.emde.coder import DLSH, codes_of, fit_coder, random_codes
from cleora_jax.recommend.emde.decode import decoder, popularity_bias
from cleora_jax.recommend.emde.sketch import code_matrix, normalised, sketches

RNG = np.random.default_rng(3)
VECTORS = (RNG.standard_normal((101, 6)) * [1, 2, 3, 4, 5, 0] + 7).astype(np.float32)  # the last column is constant
CODES = random_codes(11, DLSH(depth=5, width=4, seed=1))
COUNTS = nps.arrays(np.float64, (3, 11), elements=st.integers(0, 9).map(float))


def test_a_code_is_the_side_of_each_hyperplane():
    """The definition, a bit at a time; and a level's share of the items lies below each threshold."""
    method = DLSH(depth=3, width=8, seed=5)
    coder = fit_coder(VECTORS, method)
    rng = np.random.default_rng(5)
    direction = rng.standard_normal((6, 9))
    level = rng.random(9)
    wide = VECTORS.astype(np.float64)
    spread = wide.std(axis=0)
    standard = (wide - wide.mean(axis=0)) / np.where(spread > 1e-9, spread, np.inf)
    values = standard @ direction
    bits = values > coder.threshold
    wanted = [[sum(int(bits[row, 3 * k + j]) << j for j in range(3)) for k in range(3)] for row in range(101)]
    np.testing.assert_array_equal(codes_of(coder, VECTORS), wanted)
    np.testing.assert_array_equal((values <= coder.threshold).sum(axis=0), (level * 100).astype(int) + 1)


def test_medians_halve():
    coder = fit_coder(VECTORS, DLSH(depth=20, width=2, thresholds="median"))
    assert set(codes_of(coder, VECTORS).sum(axis=0).tolist()) <= {50, 51}


def test_medians_balance_better_than_quantiles():
    """Entropy of the parts, of 4,000 vectors: the reason to choose medians."""
    table = RNG.standard_normal((4000, 16))

    def entropy(thresholds):
        codes = codes_of(fit_coder(table, DLSH(depth=20, width=16, thresholds=thresholds)), table)
        share = np.stack([np.bincount(one, minlength=16) for one in codes.T]) / 4000
        return float(-(share * np.log2(np.maximum(share, 1e-12))).sum(axis=1).mean())

    assert entropy("median") > 3.7 > entropy("quantile")


def test_codes_of_one_are_those_of_all():
    coder = fit_coder(VECTORS, DLSH(depth=40, width=32, thresholds="median"))
    every = codes_of(coder, VECTORS)
    np.testing.assert_array_equal(np.concatenate([codes_of(coder, row[None]) for row in VECTORS]), every)
    assert every.dtype == np.int32 and every.max() < 32 and codes_of(coder, VECTORS[:0]).shape == (0, 40)


def test_near_vectors_share_parts():
    coder = fit_coder(VECTORS, DLSH(depth=200, width=4, thresholds="median"))
    near, far = VECTORS[:1] + np.float32(0.01), 14 - VECTORS[:1]
    own = codes_of(coder, VECTORS[:1])
    assert (codes_of(coder, near) == own).mean() > 0.95 and (codes_of(coder, far) == own).mean() < 0.3


def test_seeds_differ_and_repeat():
    one, again, other = (codes_of(fit_coder(VECTORS, DLSH(seed=seed)), VECTORS) for seed in (1, 1, -2))
    assert (one == again).all() and (one != other).any()


@given(COUNTS)
def test_a_sketch_is_a_histogram(counts):
    wanted = np.zeros((3, 5, 4))
    for (row, item), weight in np.ndenumerate(counts):
        for depth, part in enumerate(CODES[item]):
            wanted[row, depth, part] += weight
    found = sketches(sp.csr_array(counts), CODES, 4)
    np.testing.assert_array_equal(found.toarray(), wanted.reshape(3, 20))


@given(COUNTS, COUNTS)
def test_sketches_add_up(old, new):
    """Streaming: to the bit for counts, and so for a decay that is a power of two."""
    both = sketches(sp.csr_array(0.5 * old + new), CODES, 4)
    apart = 0.5 * sketches(sp.csr_array(old), CODES, 4) + sketches(sp.csr_array(new), CODES, 4)
    np.testing.assert_array_equal(both.toarray(), apart.toarray())


@given(COUNTS, st.sampled_from(["l1", "l2"]))
def test_each_depth_is_scaled_by_itself(counts, norm):
    sketch = sketches(sp.csr_array(counts), CODES, 4)
    depths = sketch.toarray().reshape(3, 5, 4)
    size = depths.sum(axis=2, keepdims=True) if norm == "l1" else np.sqrt((depths**2).sum(axis=2, keepdims=True))
    wanted = np.divide(depths, size, out=np.zeros_like(depths), where=size > 0)
    np.testing.assert_allclose(normalised(sketch, 4, norm).toarray(), wanted.reshape(3, 20), rtol=1e-14)


def test_decoding_is_the_geometric_mean_and_its_correction():
    sketch = normalised(sketches(sp.csr_array(RNG.integers(0, 3, (7, 11)).astype(float)), CODES, 4), 4, "l1")
    popularity, dense, epsilon = np.append(RNG.integers(1, 50, 10), 0), sketch.toarray().reshape(7, 5, 4), 1e-3
    whole = np.zeros((5, 4))
    for item, count in enumerate(popularity):
        for depth, part in enumerate(CODES[item]):
            whole[depth, part] += count / popularity.sum()
    plain, corrected = np.zeros((7, 11)), np.zeros((7, 11))
    for (row, item), _ in np.ndenumerate(plain):
        masses = [dense[row, depth, part] for depth, part in enumerate(CODES[item])]
        expected = [whole[depth, part] for depth, part in enumerate(CODES[item])]
        plain[row, item] = np.mean([np.log(epsilon + mass) for mass in masses])
        share = max(popularity[item], 0.5 * popularity[:-1].min()) / popularity.sum()
        odds = [np.log(epsilon + mass) - np.log(epsilon + all_) for mass, all_ in zip(masses, expected, strict=True)]
        corrected[row, item] = (np.log(share) + sum(odds)) / 5
    corrected = corrected[:, :-1]  # the last item, which nobody took, is below all others
    bias = popularity_bias(popularity, CODES, 4, epsilon=epsilon)
    for form in (sketch, sketch.toarray()):  # two ways to multiply, of one result
        mean, naive = (decoder(CODES, 4, epsilon=epsilon, bias=added)(form) for added in (None, bias))
        assert mean.dtype == naive.dtype == np.float32
        np.testing.assert_allclose(mean, plain, rtol=1e-5)
        np.testing.assert_allclose(naive[:, :-1], corrected, rtol=1e-5, atol=1e-5)
        assert (naive[:, -1] < naive[:, :-1].min(axis=1)).all() and np.isfinite(naive).all()


@pytest.mark.parametrize("unit", [1.0, 1e-3])
def test_what_nobody_took_comes_last(unit):
    """300 users, 60 items of which 5 have weight 0, and weights of any unit."""
    pairs = np.argwhere(np.random.default_rng(4).random((300, 60)) < 0.1)
    given = interactions(pairs, np.where(pairs[:, 1] < 5, 0, unit))
    found = fit_recommender(given, EMDE(dim=8, width=16))
    lists = found.recommend_each(given.users.ids.to_pylist(), k=60, filter_seen=False)
    assert all({item for item, _ in one[-5:]} == set("01234") for one in lists)
    assert all(np.isfinite([score for _, score in one]).all() for one in lists)


def test_an_item_agrees_best_with_its_own_sketch():
    codes = random_codes(300, DLSH(depth=8, width=64))
    scores = decoder(codes, 64)(code_matrix(codes, 64))
    assert (scores.argmax(axis=1) == np.arange(300)).all()


@pytest.mark.parametrize(
    "make, told",
    [
        (lambda: DLSH(width=12), "power of two"),
        (lambda: DLSH(width=1), "`width`"),
        (lambda: DLSH(depth=0), "`depth`"),
        (lambda: DLSH(thresholds="mean"), "`thresholds`"),
        (lambda: fit_coder(VECTORS[:1]), "two items"),
        (lambda: fit_coder(VECTORS * np.float32(np.nan)), "finite"),
        (lambda: fit_coder(np.arange(4)), "`vectors` must be float"),
        (lambda: codes_of(fit_coder(VECTORS), VECTORS[:, :2]), "6 columns"),
        (lambda: code_matrix(CODES, 3), "in \\[0, 3\\)"),
        (lambda: code_matrix(CODES[0], 4), "integers \\[n, depth\\]"),
        (lambda: sketches(sp.csr_array((2, 10)), CODES, 4), "column per item"),
        (lambda: sketches(sp.csr_array(-np.ones((1, 11))), CODES, 4), "at least 0"),
        (lambda: normalised(sp.csr_array((1, 20)), 4, "l3"), "`norm`"),
        (lambda: decoder(CODES, 4, epsilon=0), "`epsilon`"),
        (lambda: decoder(CODES, 4, bias=np.zeros(3)), "`bias`"),
        (lambda: decoder(CODES, 4)(np.zeros((2, 19))), "`sketch`"),
        (lambda: popularity_bias(np.zeros(11), CODES, 4), "`popularity`"),
    ],
)
def test_what_cannot_be(make, told):
    with pytest.raises(OptionError, match=told):
        make()


def test_a_constant_table_has_one_code():
    codes = codes_of(fit_coder(np.full((9, 3), 0.1, np.float32)), np.full((9, 3), 0.1, np.float32))
    assert (codes == codes[0]).all()
