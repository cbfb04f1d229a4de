"""Every method by one contract, then each against a dense float64 version of its formula."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import scipy.sparse as sp

from cleora_jax.recommend import (
    BSPM,
    EASE,
    EMDE,
    GFCF,
    RECOMMENDERS,
    CleoraFilter,
    CleoraKNN,
    GraphFilter,
    ItemKNN,
    fit_recommender,
    interactions,
    load_recommender,
)
from cleora_jax.recommend.top import score_blocks
from tests.recommend import oracle

pytestmark = pytest.mark.filterwarnings("ignore:whitening is confined")
METHODS = {name: kind() for name, kind in RECOMMENDERS.items()} | {"cleora-knn, users": CleoraKNN("users")}


@pytest.fixture(params=METHODS)
def method(request):
    return METHODS[request.param]


@pytest.fixture
def fitted(taken, method):
    return fit_recommender(taken, method)


def scores_of(found, rows) -> np.ndarray:
    return np.concatenate([scores for _, scores in score_blocks(found.method, found.state, sp.csr_array(rows))])


def test_scores_are_finite_float32_of_all_items_and_the_same_again(taken, fitted, method):
    scores = scores_of(fitted, taken.matrix)
    assert scores.shape == taken.matrix.shape and scores.dtype == np.float32 and np.isfinite(scores).all()
    np.testing.assert_array_equal(scores, scores_of(fit_recommender(taken, method), taken.matrix))


def test_a_known_user_is_a_basket_of_what_it_took(taken, fitted):
    """Lists agree up to what float32 cannot tell apart; alone, a row is in a block of another size."""
    basket = [taken.items[item] for item in taken.matrix[[3]].indices]
    assert fitted.recommend("u3" if "u3" in taken.users else taken.users[3], k=5)
    known, cold = fitted.recommend(taken.users[3], k=30), fitted.recommend(basket, k=30)
    assert known == cold and not {item for item, _ in known} & set(basket)


def test_alone_or_among_others_scores_agree(taken, fitted):
    together, alone = scores_of(fitted, taken.matrix), scores_of(fitted, taken.matrix[[7]])
    np.testing.assert_allclose(alone[0], together[7], rtol=1e-5, atol=1e-6 * np.abs(together[7]).max())


def test_relabelling_permutes_scores(taken, method):
    """Other orders of users and items; vectors of Cleora start from other hashes then, and are left out."""
    if _embeds(method):
        pytest.skip("first vectors are hashes of rows")
    rng = np.random.default_rng(5)
    users, items = (rng.permutation(count) for count in taken.matrix.shape)
    moved = interactions([(f"{u}", f"{i}") for u in range(2) for i in range(2)]).__class__(
        taken.users.take(users), taken.items.take(items), sp.csr_array(taken.matrix[users][:, items])
    )
    moved.matrix.indices.flags.writeable = True
    if isinstance(method, ItemKNN):
        method = ItemKNN(neighbours=len(items))  # else ties at the cut would fall to other items
    one = scores_of(fit_recommender(taken, method), taken.matrix)
    other = scores_of(fit_recommender(moved, method), moved.matrix)
    np.testing.assert_allclose(other, one[users][:, items], rtol=1e-3, atol=1e-3 * np.abs(one).max())


def test_saved_and_read_it_recommends_the_same(tmp_path, taken, fitted):
    fitted.save(path := tmp_path / "found.npz")
    again = load_recommender(path)
    assert again.method == fitted.method and again.interactions.users == taken.users
    assert again.recommend_each(["u1", ["i3", "i4"]], k=7) == fitted.recommend_each(["u1", ["i3", "i4"]], k=7)
    assert again.similar_items("i3", k=4) == fitted.similar_items("i3", k=4)


def test_one_user_and_one_item(method):
    found = fit_recommender(interactions([("ann", "tea")]), method) if not _embeds(method) else None
    if found is not None:
        assert found.recommend("ann") == [] and found.recommend("ann", filter_seen=False)[0][0] == "tea"


def _embeds(method) -> bool:
    return isinstance(method, (CleoraKNN, CleoraFilter, EMDE))


@pytest.mark.parametrize("weight", [0.0, 0.3])
def test_gf_cf(taken, weight):
    dense = taken.matrix.toarray().astype(float)
    found = scores_of(fit_recommender(taken, GFCF(rank=6, weight=weight, turns=30)), taken.matrix)
    np.testing.assert_allclose(found, oracle.gf_cf(dense, dense, 6, weight), atol=2e-5)


@pytest.mark.parametrize("merge", ["early", "late"])
@pytest.mark.parametrize(("solver", "degree", "steps", "average"), [("rk4", 4, 2, False), ("euler", 1, 1, True)])
def test_bspm(taken, merge, solver, degree, steps, average):
    dense = taken.matrix.toarray().astype(float)
    method = BSPM(6, 0.2, 1.5, solver, steps, merge, average, turns=30)
    found = scores_of(fit_recommender(taken, method), taken.matrix)
    np.testing.assert_allclose(found, oracle.bspm(dense, dense, 6, 0.2, 1.5, degree, steps, merge, average), atol=2e-5)


@pytest.mark.parametrize(
    "setting", [(0.3, 0.475, 0.2, 6, 0.1, 0.5), (0.5, 0.5, 0.0, 6, 0.3, 0.0), (0.2, 0.6, 1, 6, 0, 1)]
)
def test_graph_filter(taken, setting):
    dense = taken.matrix.toarray().astype(float)
    users, items, sharpen, rank, weight, flatten = setting
    method = GraphFilter(users, items, sharpen, rank, weight, flatten, turns=30)
    found = scores_of(fit_recommender(taken, method), taken.matrix)
    np.testing.assert_allclose(found, oracle.graph_filter(dense, dense, *setting), atol=2e-5)


@pytest.mark.parametrize(
    ("users", "items", "rank"), [(5000, 1435, 51), (1435, 5000, 51), (29_858, 40_981, 1024), (20, 3, 1)]
)
def test_the_rank_of_a_graph_filter_grows_with_the_data(monkeypatch, users, items, rank):
    asked = []

    def low_pass(matrix, rank, **_):
        asked.append(rank)
        return np.zeros((items, 1), np.float32), np.ones(1, np.float32)

    monkeypatch.setattr("cleora_jax.recommend.graph_filter.low_pass", low_pass)
    matrix = sp.csr_array((np.ones(1, np.float32), ([0], [0])), shape=(users, items))
    GraphFilter().fit(matrix)
    GraphFilter(rank=7).fit(matrix)
    assert asked == [rank, 7]


def test_gf_cf_is_a_graph_filter(taken):
    one = scores_of(fit_recommender(taken, GFCF(rank=6, turns=30)), taken.matrix)
    other = scores_of(fit_recommender(taken, GraphFilter(0.5, 0.5, 0, 6, 0.3, 0, turns=30)), taken.matrix)
    np.testing.assert_allclose(one, other, atol=2e-5)


def test_ease(taken):
    dense = taken.matrix.toarray().astype(float)
    found = scores_of(fit_recommender(taken, EASE(regularisation=3.0)), taken.matrix)
    np.testing.assert_allclose(found, oracle.ease(dense, dense, 3.0), atol=1e-5)


def test_ease_says_how_much_memory_it_needs():
    wide = sp.csr_array((np.ones(1, np.float32), ([0], [0])), shape=(1, 2_000_000))
    with pytest.raises(MemoryError, match=r"EASE of 2,000,000 items needs about 29\.1 TiB.*GraphFilter"):
        EASE().fit(wide)


def test_ease_holds_no_more_arrays_than_it_says():
    matrix = sp.random_array((2000, 3000), density=0.01, format="csr", dtype=np.float32, rng=np.random.default_rng(0))
    tracemalloc.start()
    weights = EASE().fit(matrix).weights
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 2.1 * weights.nbytes and weights.flags.c_contiguous


@pytest.mark.parametrize("shrink", [0.0, 2.5])
def test_item_knn(taken, shrink):
    dense = taken.matrix.toarray().astype(float)
    found = scores_of(fit_recommender(taken, ItemKNN(neighbours=len(taken.items), shrink=shrink)), taken.matrix)
    np.testing.assert_allclose(found, oracle.item_knn(dense, dense, len(taken.items), shrink), atol=1e-5)


@pytest.mark.parametrize("shrink", [0.0, 2.5])
def test_shrinking_is_in_the_unit_of_the_weights(taken, shrink):
    """Columns of many sizes, each scaled by itself."""
    dense = taken.matrix.toarray().astype(float) * 2.0 ** (np.arange(len(taken.items)) % 7 - 3)
    found = ItemKNN(neighbours=len(taken.items), shrink=shrink).fit(sp.csr_array(dense.astype(np.float32)))
    norm = np.sqrt((dense**2).sum(0))
    wanted = dense.T @ dense / (np.outer(norm, norm) + shrink)
    np.fill_diagonal(wanted, 0)
    np.testing.assert_allclose(found.similarity.toarray(), wanted, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("unit", [2.0**-83, 2.0**50])
def test_cosines_know_no_unit(taken, unit):
    """Squares of the smaller one are less than float32 holds."""
    scaled = sp.csr_array(taken.matrix * np.float32(unit))
    one, other = (ItemKNN(neighbours=4).fit(matrix).similarity for matrix in (taken.matrix, scaled))
    np.testing.assert_allclose(other.toarray(), one.toarray(), rtol=1e-6)


def test_cosines_of_an_item_of_tiny_weights():
    """Its squares are less than float32 holds; cosines are as of any other."""
    found = fit_recommender(interactions([("a", "x"), ("a", "y"), ("b", "x")], [1, 1e-25, 1]), ItemKNN())
    assert found.recommend(["x"]) == [("y", pytest.approx(0.5**0.5))]
    both = fit_recommender(interactions([("a", "y"), ("a", "z"), ("b", "x")], [1e-40, 1e-40, 1]), ItemKNN())
    assert both.recommend({"y": 1.0}, k=1) == [("z", pytest.approx(1.0))]


def test_item_knn_keeps_the_nearest(taken):
    state = ItemKNN(neighbours=3).fit(taken.matrix)
    assert (np.diff(state.similarity.indptr) <= 3).all() and not state.similarity.diagonal().any()
    dense = taken.matrix.toarray().astype(float)
    norm = np.sqrt((dense**2).sum(0))
    similar = dense.T @ dense / np.outer(norm, norm)
    np.fill_diagonal(similar, 0)
    least = np.sort(similar, axis=1)[:, -3]  # of the third; whichever of equals is kept
    kept = state.similarity.toarray()
    assert all((row[row > 0] >= low - 1e-6).all() for row, low in zip(kept, least, strict=True))


def test_cleora_knn_is_what_its_vectors_say(taken):
    """Both sides, from the vectors that the state of the side of users holds."""
    by_users = CleoraKNN("users", neighbours=9, dim=8).fit(taken.matrix)
    vectors, dense = by_users.vectors.astype(float), taken.matrix.toarray().astype(float)
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    user = dense @ vectors
    user /= np.linalg.norm(user, axis=1, keepdims=True)
    found = CleoraKNN("users", neighbours=9, dim=8).scores(by_users, taken.matrix)
    np.testing.assert_allclose(found, oracle.nearest(user @ user.T, 9) @ dense, atol=1e-5)
    cosine = unit @ unit.T
    np.fill_diagonal(cosine, -1)
    by_items = CleoraKNN("items", neighbours=9, dim=8)
    scores = by_items.scores(by_items.fit(taken.matrix), taken.matrix)
    np.testing.assert_allclose(scores, dense @ oracle.nearest(cosine, 9).T, atol=1e-5)


@pytest.mark.parametrize("random", [0, 3])
def test_emde_is_what_its_codes_say(taken, random):
    """In plain loops, from the parts that the state holds; with codes of vectors alone, and with random ones."""
    method = EMDE(depth=5, random=random, width=4, epsilon=0.05, prior=2.0, mass=0.5, dim=8)
    state = method.fit(taken.matrix)
    (parts,) = state.parts.factors
    dense, depths = taken.matrix.toarray().astype(float), 5 + random
    codes = np.asarray(parts.indices).reshape(len(taken.items), depths) - 4 * np.arange(depths)
    np.testing.assert_array_equal(np.asarray(parts.data), np.float32(1 / depths))
    found = method.scores(state, taken.matrix)
    np.testing.assert_allclose(found, oracle.emde(dense, dense, codes, 4, 0.05, 2.0, 0.5), atol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: EMDE(width=12), "`width` must be a power of two, got 12"),
        (lambda: EMDE(random=-1), "`random` must be at least 0, got -1"),
        (lambda: EMDE(epsilon=0), "`epsilon` must be finite and above 0, got 0"),
        (lambda: EMDE(thresholds="mean"), "`thresholds` must be one of"),
        (lambda: GFCF(rank=0), "`rank` must be at least 1, got 0"),
        (lambda: GFCF(weight=-1), "`weight` must be finite and at least 0, got -1"),
        (lambda: BSPM(solver="rk5"), "`solver` must be one of 'euler', 'rk4', got 'rk5'"),
        (lambda: BSPM(merge="never"), "`merge` must be one of 'early', 'late'"),
        (lambda: EASE(0), "`regularisation` must be finite and above 0, got 0"),
        (lambda: ItemKNN(shrink=float("nan")), "`shrink` must be finite"),
        (lambda: CleoraKNN("shops"), "`side` must be one of 'items', 'users', got 'shops'"),
        (lambda: CleoraFilter(source=2), "`source` must be finite and in"),
        (lambda: GraphFilter(rank=0), "`rank` must be at least 1, got 0"),
        (lambda: GraphFilter(user_power=1.5), "`user_power` must be finite and in"),
        (lambda: GraphFilter(sharpen=-0.1), "`sharpen` must be finite and at least 0"),
    ],
)
def test_settings_are_checked(make, message):
    with pytest.raises(ValueError, match=message):
        make()


SCRIPT = """
import hashlib, sys, numpy as np
from cleora_jax.recommend import RECOMMENDERS, fit_recommender, interactions
from cleora_jax.recommend.top import score_blocks
rng = np.random.default_rng(0)
pairs = np.unique(np.stack([rng.integers(0, 3000, 30000), rng.zipf(1.6, 30000) % 1500], axis=1), axis=0)
taken, found = interactions(pairs), hashlib.sha256()
for kind in RECOMMENDERS.values():
    fitted = fit_recommender(taken, kind())
    for _, scores in score_blocks(fitted.method, fitted.state, taken.matrix[:700]):
        found.update(scores.tobytes())
print(found.hexdigest())
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_the_same_bits_on_one_core_and_on_two():
    cores = sorted(os.sched_getaffinity(0))
    found = [
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", f"import os; os.sched_setaffinity(0, {some})\n{SCRIPT}"],
            capture_output=True, text=True, check=True,
        ).stdout
        for some in (cores[:1], cores[:2])
    ]  # fmt: skip
    assert found[0] == found[1] and len(found[0].strip()) == len(hashlib.sha256().hexdigest())
