"""`fit_recommender`, `Recommender`, interactions, evaluation and files: what goes in, what comes out, what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import cleora_jax as cj
from cleora_jax.graph.archive import read_archive, write_archive
from cleora_jax.recommend import (
    EASE,
    GFCF,
    Popularity,
    evaluate_recommender,
    fit_recommender,
    hold_out,
    interactions,
    interactions_of,
    load_recommender,
    read_interactions,
    recommender_named,
)
from cleora_jax.recommend.saved import KIND
from cleora_jax.recommend.top import best, score_blocks
from tests.recommend import oracle


@pytest.fixture(scope="module")
def fitted(taken):
    return fit_recommender(taken, GFCF(rank=6))


# --- interactions ---


def test_pairs_files_tables_and_graphs_are_one(tmp_path):
    pairs = [("u1", "b"), ("u2", "a"), ("u1", "a")]
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"{user}\t{item}\n" for user, item in pairs))
    table = {"user": [user for user, _ in pairs], "item": [item for _, item in pairs]}
    lines = cj.from_hyperedges(["u1\tb a", "u2\ta"], "user complex::item")
    made = [interactions(pairs), read_interactions(path), interactions(table), interactions_of(lines)]
    for one in made:
        assert one.users.ids.to_pylist() == ["u1", "u2"] and one.items.ids.to_pylist() == ["b", "a"]
        np.testing.assert_array_equal(one.matrix.toarray(), [[1, 1], [0, 1]])
        assert one.matrix.has_sorted_indices and one.matrix.dtype == np.float32


def test_equal_ids_of_users_and_items_are_two_things():
    np.testing.assert_array_equal(interactions([[1, 1], [2, 1]]).matrix.toarray(), [[1], [1]])


def test_repeats_add_up_and_zeros_are_gone(tmp_path):
    found = interactions([("u", "a"), ("u", "a"), ("u", "b")], weights=[1, 2.5, 0])
    assert found.matrix.toarray().tolist() == [[3.5, 0]] and len(found) == 1
    path = tmp_path / "weighted.csv"
    path.write_text("user,item,times\nu,a,1\nu,a,2.5\n")
    read = read_interactions(path, "user item times", weight="times", header=True)
    assert read.matrix.toarray().tolist() == [[3.5]]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: interactions([]), ValueError, "`pairs` is empty"),
        (lambda: interactions("pairs.tsv"), TypeError, "read_interactions"),
        (lambda: interactions([("u", "a", 1)]), TypeError, r"\('u', 'a', 1\) at place 0"),
        (lambda: interactions(["ab"]), TypeError, "'ab' at place 0"),
        (lambda: interactions(np.ones((2, 3))), ValueError, r"\[m, 2\], got shape \(2, 3\)"),
        (lambda: interactions([("u", "")]), ValueError, "null or empty id"),
        (lambda: interactions([("u", None)]), (ValueError, TypeError), "`pairs`"),
        (lambda: interactions([("u", "a")], [-1]), ValueError, "`weights`, pair 0: weight -1"),
        (lambda: interactions([("u", "a")], [np.nan]), ValueError, "`weights`, pair 0: weight nan"),
        (lambda: interactions([("u", "a")], [1, 2]), ValueError, r"one entry per"),
        (lambda: interactions([("u", "a")], weight="w"), ValueError, "give `weights`"),
        (lambda: interactions({"user": ["u"], "item": ["a"]}, [1]), ValueError, "name the column in `weight`"),
        (lambda: interactions_of(cj.from_hyperedges(["a b"])), ValueError, "two columns, users and items.*got 'node'"),
        (lambda: interactions_of(cj.from_hyperedges(["u\ta b"], "user complex::reflexive::item")), ValueError, "itself"),
        (lambda: interactions_of([("u", "a")]), TypeError, "`graph` must be a Graph"),
        (lambda: hold_out(interactions([("u", "a")])), ValueError, "leaves none to hold out"),
        (lambda: hold_out(interactions([("u", "a")]), 1.0), ValueError, "`share` must be finite and in"),
    ],
)  # fmt: skip
def test_what_are_no_interactions(make, error, message):
    with pytest.raises(error, match=message):
        make()


@given(st.integers(0, 50), st.sampled_from([0.05, 0.3, 0.9]))
@settings(max_examples=20, deadline=None)
def test_held_out_pairs_are_a_part_and_every_user_keeps_one(seed, share):
    rng = np.random.default_rng(seed)
    whole = interactions(np.unique(rng.integers(0, 12, (40, 2)), axis=0))
    train, held = hold_out(whole, share, seed)
    assert not train.matrix.multiply(held.matrix).nnz
    np.testing.assert_array_equal((train.matrix + held.matrix).toarray(), whole.matrix.toarray())
    assert (np.diff(train.matrix.indptr) > 0).all()
    free = len(whole) - len(whole.users)
    assert len(held) == min(free, round(share * len(whole)))


# --- recommending ---


def test_lists_are_those_of_sorting_all_items(taken, fitted):
    (_, scores), *more = score_blocks(fitted.method, fitted.state, taken.matrix)
    assert not more
    for user in (0, 5, 59):
        seen = set(taken.matrix[[user]].indices.tolist())
        for filtered in (True, False):
            wanted = oracle.ranking(scores[user], seen if filtered else set(), 6)
            found = fitted.recommend_each([taken.users[u] for u in range(60)], k=6, filter_seen=filtered)[user]
            assert [item for item, _ in found] == [taken.items[item] for item in wanted]
            assert [score for _, score in found] == [float(scores[user, item]) for item in wanted]


def test_candidates_alone_are_given_and_lists_may_be_short(taken, fitted):
    seen = [taken.items[item] for item in taken.matrix[[0]].indices]
    other = [item for item in taken.items.ids.to_pylist() if item not in seen][:2]
    found = fitted.recommend(taken.users[0], k=10, candidates=[*seen, *other])
    assert {item for item, _ in found} == set(other)
    assert fitted.recommend(taken.users[0], candidates=[]) == []
    assert len(fitted.recommend(taken.users[0], k=1000)) == len(taken.items) - len(seen)


def test_integers_are_ids_and_weights_of_baskets_count():
    found = fit_recommender(interactions([[1, 10], [1, 20], [2, 10], [2, 30], [3, 20], [3, 40]]), GFCF(weight=0))
    assert found.recommend(1, k=1) == found.recommend("1", k=1)
    assert found.recommend([10], k=1)[0][0] == "20" or found.recommend([10], k=1)[0][0] == "30"
    more = dict(found.recommend({10: 3.0, 20: 1.0}, k=2))
    assert more["30"] > more["40"]
    assert found.recommend({10: 2.0}) == [(item, 2 * score) for item, score in found.recommend([10])]


def test_a_basket_may_be_read_once(fitted):
    assert fitted.recommend(item for item in ("i1", "i2")) == fitted.recommend(["i1", "i2"])


def test_ties_fall_to_the_earlier_item():
    found = fit_recommender(interactions([("u", "c"), ("u", "a"), ("u", "b"), ("v", "z")]), Popularity())
    assert [item for item, _ in found.recommend("v", k=2)] == ["c", "a"]


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda found: found.recommend("u999"), KeyError, "unknown entity.*'u999'.*Nearest"),
        (lambda found: found.recommend(["i1", "x1", "x2"]), KeyError, "'x1', 'x2'"),
        (lambda found: found.recommend([]), ValueError, "at least one item"),
        (lambda found: found.recommend({"i1": 0.0}), ValueError, "each of a weight above 0"),
        (lambda found: found.recommend({"i1": 1.0, "i2": 0}), ValueError, "each of a weight above 0"),
        (lambda found: found.recommend({"i1": -1.0}), ValueError, "weight -1.0 must be finite"),
        (lambda found: found.recommend({"i1": 1e19}), ValueError, "`who`: weights add up to 1e\\+19, at most 1e\\+18"),
        (lambda found: found.recommend(["i1"], k=0), ValueError, "`k` must be at least 1, got 0"),
        (lambda found: found.recommend(2.5), TypeError, "`who` must be a user's id, or a basket.*2.5"),
        (lambda found: found.recommend([2.5]), TypeError, "`who`: ids are strings or integers, got 2.5"),
        (lambda found: found.recommend("u1", filter_seen="no"), TypeError, "`filter_seen` must be True or False"),
        (lambda found: found.recommend("u1", candidates=["nothing"]), KeyError, "'nothing'"),
        (lambda found: found.recommend("u1", candidates="i1"), TypeError, "`candidates` must be a list"),
        (lambda found: found.similar_items("i999"), KeyError, "'i999'"),
        (lambda found: found.similar_items(["i1"]), TypeError, "`item` must be the id of one item"),
    ],
)
def test_what_cannot_be_asked(fitted, ask, error, message):
    with pytest.raises(error, match=message):
        ask(fitted)


def test_what_cannot_be_fitted(taken):
    with pytest.raises(TypeError, match="`interactions` must be an Interactions"):
        fit_recommender([("u", "a")], GFCF())
    with pytest.raises(TypeError, match="`method` must be a recommender such as"):
        fit_recommender(taken, GFCF)
    with pytest.raises(ValueError, match="at least one pair"):
        fit_recommender(interactions([("u", "a")], [0.0]), GFCF())
    with pytest.raises(ValueError, match="weights add up to 2e\\+18"):
        fit_recommender(interactions([("u", "a"), ("v", "a")], [1e18, 1e18]), GFCF())
    with pytest.raises(ValueError, match="`name` must be one of"):
        recommender_named("gfcf")
    with pytest.raises(ValueError, match="`width` is no setting of GFCF"):
        recommender_named("gf-cf", width=3)


def test_progress_is_told(taken):
    heard = []
    found = fit_recommender(taken, GFCF(rank=3), progress=lambda *what: heard.append(what))
    found.recommend_each(["u1"], progress=lambda *what: heard.append(what))
    assert heard[0][0] == "singular values" and heard[-1] == ("recommending", 1, 1)


@given(st.integers(1, 12), st.sampled_from([9, 200, 1025]), st.sampled_from([1, 30, 10**6]), st.integers(0, 10**6))
@settings(max_examples=100, deadline=None)
def test_best_is_sorting(k, items, different, seed):
    """Of few columns and of so many that groups of them are looked into; full of ties, and of what is not given."""
    rng = np.random.default_rng(seed)
    scores = rng.integers(-different, different + 1, (5, items)).astype(np.float32)
    scores[rng.random(scores.shape) < rng.choice([0, 0.3, 0.999])] = -np.inf
    columns, values = best(scores, k)
    for row in range(5):
        order = sorted(range(items), key=lambda at: (-scores[row, at], at))[:k]
        assert columns[row].tolist() == [at if scores[row, at] > -np.inf else -1 for at in order]
        np.testing.assert_array_equal(values[row], scores[row, order])


# --- evaluation ---


def test_evaluation_is_that_of_a_slow_reference(taken):
    train, held = hold_out(taken, 0.3)
    found = fit_recommender(train, GFCF(rank=6))
    scored = evaluate_recommender(found, held, k=[3, 20])
    (_, scores), *_ = score_blocks(found.method, found.state, train.matrix)
    rows = range(len(train.users))
    lists = [oracle.ranking(scores[u], set(train.matrix[[u]].indices.tolist()), 20) for u in rows]
    truth = [set(held.matrix[[u]].indices.tolist()) for u in rows]
    for k in (3, 20):
        recall, ndcg = oracle.recall_and_ndcg(lists, truth, k)
        assert scored[f"recall@{k}"] == pytest.approx(recall, rel=1e-12)
        assert scored[f"ndcg@{k}"] == pytest.approx(ndcg, rel=1e-12)
    assert scored.pairs == len(held) and scored.users == sum(map(bool, truth))


def test_blocks_do_not_matter(taken, monkeypatch):
    train, held = hold_out(taken, 0.3)
    found = fit_recommender(train, Popularity())
    whole = evaluate_recommender(found, held)
    monkeypatch.setattr("cleora_jax.recommend.top.BLOCK", 7)
    assert evaluate_recommender(found, held) == whole


def test_what_training_did_not_know_is_counted_not_dropped_in_silence():
    train = interactions([("ann", "tea"), ("ann", "jam"), ("bob", "tea"), ("bob", "rum")])
    test = interactions([("ann", "rum"), ("ann", "tea"), ("cid", "tea"), ("bob", "oil"), ("dan", "oil")])
    scored = evaluate_recommender(fit_recommender(train, Popularity()), test, k=1)
    assert (scored.users, scored.pairs) == (1, 1) and scored["recall@1"] == 1
    assert (scored.unknown_users, scored.unknown_items, scored.unknown_pairs, scored.seen_pairs) == (2, 1, 3, 1)
    assert "3 pairs of unknown ends left out; 1 pairs seen in training left out" in str(scored)
    with pytest.raises(ValueError, match="`test` holds no pair"):
        evaluate_recommender(fit_recommender(train, Popularity()), interactions([("eve", "oil")]))
    with pytest.raises(ValueError, match="`k` must name at least one depth"):
        evaluate_recommender(fit_recommender(train, Popularity()), test, k=[])


# --- files ---


def test_damaged_files_are_refused(tmp_path, fitted):
    path = tmp_path / "found.npz"
    fitted.save(path)
    whole = path.read_bytes()
    for cut in (0, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(cj.InputError):
            load_recommender(path)
    with pytest.raises(cj.InputError, match="no such file"):
        load_recommender(tmp_path / "other.npz")
    cj.embed(cj.from_edges([0, 1], [1, 2]), cj.Cleora(dim=2)).save(path)
    with pytest.raises(cj.InputError):
        load_recommender(path)


def test_scores_that_are_not_finite_are_refused():
    """A file may hold them, and no list is made of them."""
    found = fit_recommender(interactions([("a", "x"), ("a", "y"), ("b", "y"), ("b", "z")]), EASE())
    for wrong in (3e38, np.nan):
        weights = np.full_like(found.state.weights, wrong)
        with pytest.raises(cj.InputError, match="EASE gives scores that are not finite"):
            replace(found, state=found.state._replace(weights=weights)).recommend("a")
    assert found.recommend("a")


FORGED = {
    "a state that is too narrow": lambda arrays, header: arrays.update({"state.out": arrays["state.out"][:, :3]}),
    "a state of other items": lambda arrays, header: arrays.update({"state.into": arrays["state.into"][:-1]}),
    "float64": lambda arrays, header: arrays.update({"state.into": np.full(arrays["state.into"].shape, 1e300)}),
    "an operator that is a matrix": lambda arrays, header: header["states"].update(walk="sparse"),
    "a kind that is none": lambda arrays, header: header["states"].update(walk="tensor"),
    "a shape of three axes": lambda arrays, header: arrays.update({"state.walk.shape": np.array([60, 25, 1])}),
    "a part too many": lambda arrays, header: header["states"].update(more="array") or arrays.update(
        {"state.more": arrays["state.into"]}),
    "negative weights": lambda arrays, header: arrays.update({"matrix.data": -arrays["matrix.data"]}),
    "items not in order": lambda arrays, header: arrays.update({"matrix.indices": arrays["matrix.indices"][::-1]}),
    "a pair twice": lambda arrays, header: arrays.update({"matrix.indices": np.zeros_like(arrays["matrix.indices"])}),
    "an id twice": lambda arrays, header: arrays.update(
        {"items.ids_text": np.where(arrays["items.ids_text"] == ord("2"), ord("3"), arrays["items.ids_text"]).astype(np.uint8)}),
    "a setting that cannot be": lambda arrays, header: header["settings"].update(rank="many"),
    "a method of another state": lambda arrays, header: header.update(method="popularity", settings={}),
}  # fmt: skip


@pytest.mark.parametrize("change", FORGED)
def test_files_that_do_not_hold_together_are_refused(tmp_path, fitted, change):
    """Whole, and with valid checksums."""
    path = tmp_path / "forged.npz"
    fitted.save(path)
    header, arrays = read_archive(path, KIND)
    FORGED[change](arrays, header)
    rest = {name: value for name, value in header.items() if name not in ("format", "version", "library")}
    write_archive(path, KIND, rest, arrays)
    with pytest.raises(cj.InputError, match="forged.npz.*damaged"):
        load_recommender(path)


def test_a_weight_of_another_length_is_refused(tmp_path, taken):
    """It would be broadcast."""
    fit_recommender(taken, Popularity()).save(path := tmp_path / "forged.npz")
    header, arrays = read_archive(path, KIND)
    write_archive(path, KIND, header, arrays | {"state.weight": arrays["state.weight"][:1]})
    with pytest.raises(cj.InputError, match="damaged"):
        load_recommender(path)


def test_a_method_of_somebody_else_works_but_is_not_saved(tmp_path, taken):
    class Nothing(Popularity):
        """Of another class."""

    found = fit_recommender(taken, Nothing())
    assert found.recommend("u1")
    with pytest.raises(ValueError, match="only methods of `RECOMMENDERS` can be saved"):
        found.save(tmp_path / "nothing.npz")


def test_state_is_sparse_or_narrow(taken, fitted):
    """Nothing of items × items."""
    items = len(taken.items)
    for part in fitted.state:
        assert not isinstance(part, (np.ndarray, sp.csr_array)) or part.shape != (items, items)
