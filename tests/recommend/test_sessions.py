"""EMDE on sessions and baskets: against the formulas on a few, and against chance on real ones."""

from __future__ import annotations

import numpy as np
import pytest

import cleora_jax as cj
from cleora_jax._checks import OptionError
from cleora_jax.graph.hyperedges import Incidence
from cleora_jax.recommend.emde.coder import DLSH, codes_of, fit_coder, random_codes
from cleora_jax.recommend.emde.net import SketchNet
from cleora_jax.recommend.emde.training import train_net
from cleora_jax.recommend.sessions.graphs import history_graph, step_graph
from cleora_jax.recommend.sessions.histories import Histories, basket_histories, prefixes, split_last
from cleora_jax.recommend.sessions.nearest import VectorNeighbours
from cleora_jax.recommend.sessions.popularity import SessionPopularity
from cleora_jax.recommend.sessions.ranking import next_item_metrics, target_ranks
from cleora_jax.recommend.sessions.sketched import Foretold, Matching, examples_of
from cleora_jax.recommend.sessions.vsknn import VSKNN

PAST = Histories.of([[0, 1, 2], [2, 3], [4, 0, 0]])
CODES = random_codes(6, DLSH(depth=7, width=4))


def test_matching_is_the_formula():
    """Item by item: sketch, shares of each depth, their geometric mean, and the correction."""
    found = Matching(decay=0.5, epsilon=0.01)(PAST, CODES, 4)(Histories.of([[3, 1, 3]]))
    weight, taken = {3: 1.25, 1: 0.5}, np.bincount(PAST.item, minlength=6)
    for item in range(5):
        score = np.log(taken[item] / taken.sum())
        for depth in range(7):
            mass = sum(w for other, w in weight.items() if CODES[other, depth] == CODES[item, depth]) / 1.75
            whole = sum(taken[other] for other in range(6) if CODES[other, depth] == CODES[item, depth]) / taken.sum()
            score += np.log(0.01 + mass) - np.log(0.01 + whole)
        assert found[0, item] == pytest.approx(score / 7, abs=1e-5)
    assert taken[5] == 0 and found[0, 5] < found[0, :5].min()


def test_nearest_is_the_cosine():
    vectors = np.random.default_rng(0).standard_normal((5, 3)).astype(np.float32)
    vectors[4] = 0
    found = VectorNeighbours(decay=0.5)(vectors)(Histories.of([[1, 0], [4]]))
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-30)
    query = 0.5 * unit[1] + unit[0]
    np.testing.assert_allclose(found[0], unit @ query / np.linalg.norm(query), atol=1e-6)
    assert not found[1].any()


def test_the_past_of_baskets_fades_by_baskets():
    owner, baskets = np.array([5, 5, 2]), Incidence(np.array([0, 2, 3, 3]), np.array([1, 0, 1], np.int32))
    users = basket_histories(owner, baskets)
    assert users.weights(3, 0.5).toarray().tolist() == [[0.5, 1.5, 0], [0, 0, 0]]
    with pytest.raises(OptionError, match="together"):
        basket_histories(np.array([5, 2, 5]), baskets)
    with pytest.raises(OptionError, match="one per basket"):
        basket_histories(np.array([5]), baskets)


def test_examples_hold_the_history_and_the_last_item():
    history, last = (part.toarray() for part in examples_of(prefixes(Histories.of([[2, 0, 1]])), 3, 0.5).inputs)
    assert history.tolist() == [[0, 0, 1], [1, 0, 0.5]] and last.tolist() == [[0, 0, 1], [1, 0, 0]]


@pytest.mark.realdata
@pytest.mark.slow
def test_sessions_of_diginetica(data):
    """On 3,000 held-out cases: EMDE and Cleora's nearest near VS-kNN, a net of a few steps far above popularity."""
    loaded = cj.load_dataset("session-diginetica", data)
    train, late = split_last(Histories.of(loaded.sessions.train.items), 0.1)
    vocab, n = loaded.graph.vocab, loaded.graph.num_entities
    held = prefixes(late)
    held = held.take(np.sort(np.random.default_rng(0).permutation(len(held.target))[:3000]))
    vectors = cj.embed(step_graph(train, vocab), cj.Cleora(num_iterations=4)).vectors
    codes = codes_of(fit_coder(vectors, DLSH(64, 128, "median")), vectors)
    few = np.concatenate([codes[:, :16], random_codes(n, DLSH(8, 128))], axis=1)
    cases = prefixes(train)
    latest = cases.take(slice(len(cases.target) - 40_000, None))
    net = train_net(examples_of(latest, n, 0.8), few, 128, SketchNet(hidden=256, num_epochs=1))
    scorers = {
        "popular": SessionPopularity(personal_weight=0)(train, n),
        "VS-kNN": VSKNN()(train, n),
        "nearest": VectorNeighbours(0.6)(vectors),
        "matching": Matching()(train, codes, 128),
        "net": Foretold(net, Matching(epsilon=1e-6, prior=0, mass=0).decoder(train, few, 128), 0.8),
    }
    found = {name: next_item_metrics(target_ranks(scorer, held, n))["hit_rate@20"] for name, scorer in scorers.items()}
    assert found["popular"] < 0.02 and 0.45 < found["VS-kNN"] < 0.53
    assert found["nearest"] > 0.45 and found["matching"] > 0.42 and found["net"] > 0.2


@pytest.mark.realdata
def test_the_files_are_read_as_the_publisher_counted(data):
    loaded = cj.load_dataset("session-diginetica", data)
    train, test = (Histories.of(part.items) for part in (loaded.sessions.train, loaded.sessions.test))
    assert len(prefixes(train).target) == 719_470 and len(prefixes(test).target) == 60_858
    graph = history_graph(train, loaded.graph.vocab)
    assert (graph.counts() != loaded.graph.counts()).nnz == 0
