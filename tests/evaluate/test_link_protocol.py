"""The protocol of link prediction: its numbers from their definitions, and a test for every leak."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest

import cleora_jax as cj
from cleora_jax._progress import no_progress
from cleora_jax.evaluate import (
    HeldOut,
    LinkProtocol,
    average_precision,
    predict_edges,
    roc_auc,
    split_edges,
    split_hyperedges,
)
from cleora_jax.evaluate.corruptions import DRAWS, Corruptions
from cleora_jax.evaluate.heuristics import HEURISTICS, heuristic
from cleora_jax.evaluate.scorers import SCORERS, fitted, scorer

RNG = np.random.default_rng(21)
GROUP = np.repeat(np.arange(5), 16)
ENDS = RNG.integers(0, 80, (2, 2500))
# A seventh of the edges join groups, so that nothing finds all links.
GRAPH = cj.from_edges(*ENDS[:, (GROUP[ENDS[0]] == GROUP[ENDS[1]]) | (RNG.random(2500) < 0.03)], num_entities=83)
SPLIT = split_edges(GRAPH)
ARCS = split_edges(GRAPH, directed=True)
ITEMS = split_hyperedges(
    cj.from_hyperedges([f"u{n % 25}\t" + " ".join(f"i{i}" for i in RNG.integers(0, 40, 3)) for n in range(150)], "user complex::item")
)  # fmt: skip
SEVERAL = split_edges(cj.from_triples(*(np.random.default_rng(n).integers(0, n, 300) for n in (40, 2, 41))))
NEAR = (np.eye(5)[np.append(GROUP, [0, 1, 2])] + 0.2 * RNG.standard_normal((83, 5))).astype(np.float32)
NOISE = RNG.standard_normal((83, 6)).astype(np.float32)
QUICK = LinkProtocol(candidates=60)


def by_hand(name: str, x: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    left, right = x[pairs[:, 0]].astype(float), x[pairs[:, 1]].astype(float)
    if name == "cosine":
        left, right = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in (left, right))
    if name == "halves":
        h = x.shape[1] // 2
        return np.maximum((left[:, :h] * right[:, h:]).sum(1), (right[:, :h] * left[:, h:]).sum(1))
    return (left * right).sum(axis=1)


@pytest.mark.parametrize("name", ["dot", "cosine", "halves"])
def test_scores_are_judged_as_they_are(name):
    found = predict_edges(SPLIT, NOISE, LinkProtocol(scorers=(name,), heuristics=False, candidates=60))
    for kind in ("uniform", "matched"):
        sides = [by_hand(name, NOISE, getattr(SPLIT.test, side)) for side in ("positive", kind)]
        assert found.best[f"auc_{kind}"] == pytest.approx(roc_auc(*sides), abs=1e-9)
        assert found.best[f"ap_{kind}"] == pytest.approx(average_precision(*sides), abs=1e-9)


@pytest.mark.parametrize("split", [SPLIT, ARCS, ITEMS], ids=["edges", "arcs", "two columns"])
@pytest.mark.parametrize("draw", DRAWS)
def test_corruptions_are_filtered_and_ranks_their_definition(split, draw):
    """Leak list 6: a mask in another order than the scores would show here."""
    x = np.random.default_rng(1).standard_normal((split.known.shape[0], 4))
    judge = scorer("halves", x, split, 1.0, 10, 0)
    corruptions = Corruptions(split, split.test.positive, 50, seed=3)
    full, column = split.known.toarray(), split.graph.vocab.column_of
    expected, met = [], 0
    for block in corruptions._blocks[draw]:
        for (a, b), ignore in zip(block.pairs.tolist(), block.ignore, strict=True):
            beaten = tied = 0
            for candidate, hidden in zip(block.candidates.tolist(), ignore.tolist(), strict=True):
                pair = (a, candidate) if block.end == 1 else (candidate, b)
                assert column[candidate] == column[(a, b)[block.end]]
                assert hidden == (full[pair] or pair[0] == pair[1])
                if not hidden:
                    score, own = judge.pairs(*np.array([pair, (a, b)]).T)
                    beaten, tied = beaten + (score > own), tied + (score == own)
                    met += 1
            expected.append(beaten + tied / 2 + 1)
    np.testing.assert_array_equal(corruptions.ranks(judge, draw), expected)
    assert met > 100 and len(expected) == corruptions.ranked[draw] <= 2 * len(split.test)


def test_weighted_candidates_follow_training_degrees():
    corruptions = Corruptions(SPLIT, SPLIT.test.positive[:1], 200_000, seed=0)
    degree = np.bincount(SPLIT.train.ravel(), minlength=83)
    drawn = np.bincount(corruptions._blocks["weighted"][0].candidates, minlength=83)
    np.testing.assert_allclose(drawn / 200_000, degree / degree.sum(), atol=0.002)
    uniform = corruptions._blocks["uniform"][0].candidates
    assert sorted(uniform) == sorted(np.flatnonzero(~GRAPH.isolated))  # more than there are: each once


@pytest.mark.parametrize("name", [*SCORERS, *HEURISTICS])
def test_a_pair_scores_the_same_alone_and_among_others(name):
    """Else a tie would be lost to rounding."""
    if name in SCORERS:
        judge = scorer(name, np.random.default_rng(0).standard_normal((83, 130)), SPLIT, 1.0, 1000, 0)
    else:
        judge = heuristic(name, SPLIT.graph)
    left, right = RNG.integers(0, 83, 30), RNG.integers(0, 83, 40)
    each = judge.pairs(np.repeat(left, 40), np.tile(right, 30)).reshape(30, 40)
    np.testing.assert_array_equal(judge.grid(left, right), each)


def test_constant_vectors_win_nothing():
    """Leak list 8."""
    found = predict_edges(SPLIT, np.ones((83, 3), np.float32), LinkProtocol(candidates=1000, heuristics=False))
    for row in found.rows:
        assert row.test["auc_uniform"] == row.test["auc_matched"] == 0.5
        assert row.test["hits10_uniform"] == row.test["hits10_weighted"] == 0
        assert row.test["mrr_uniform"] < 0.05


def test_noise_is_at_chance_and_truth_is_not():
    noise, near = (predict_edges(SPLIT, vectors, QUICK) for vectors in (NOISE, NEAR))
    assert noise.best["auc_uniform"] == pytest.approx(0.5, abs=0.12)
    assert near.best["auc_uniform"] > 0.8 and near.best["mrr_uniform"] > 2 * noise.best["mrr_uniform"]
    assert near["common neighbours"]["auc_uniform"] > 0.7


def test_noise_is_at_chance_on_a_dense_graph_whatever_the_scorer():
    """Where half of the pairs are links, what a regression is told of pairs must not give away which are held out."""
    ends = np.array([(a, b) for a in range(60) for b in range(a)])
    graph = cj.from_edges(*ends[np.random.default_rng(1).random(len(ends)) < 0.5].T)
    protocol = LinkProtocol(scorers=("hadamard",), heuristics=False)
    found = [
        predict_edges(
            split_edges(graph, seed=seed), np.random.default_rng([2, seed]).standard_normal((60, 300)), protocol
        )
        for seed in range(12)
    ]
    for name in ("auc_uniform", "auc_matched"):
        values = [one.best[name] for one in found]
        assert np.mean(values) == pytest.approx(0.5, abs=3 * np.std(values) / 12**0.5)


SEEN: list[cj.Graph] = []


@dataclass(frozen=True)
class Spy:
    """A method that shows the graphs it was given; its vectors are rows of the adjacency matrix."""

    def __call__(self, graph, *, init=None, progress=no_progress):
        SEEN.append(graph)
        return cj.adjacency(graph, weighted=False).toarray(), None


def test_a_method_sees_the_training_graph_alone():
    """Leak list 1: rows of the full graph's matrix know more."""
    SEEN.clear()
    protocol = LinkProtocol(scorers=("dot",), candidates=60)
    honest = predict_edges(SPLIT, Spy(), protocol)
    assert [SPLIT.graph] == SEEN and honest.settings["method"] == "Spy"
    assert honest.best["auc_uniform"] == pytest.approx(honest["common neighbours"]["auc_uniform"])
    leaked = predict_edges(SPLIT, Spy()(GRAPH)[0].astype(np.float32), protocol)
    assert leaked.best["auc_uniform"] != honest.best["auc_uniform"]


def changed(split, part: str):
    """The split with other links in one part: links and negatives have changed places."""
    held_out = getattr(split, part)
    return replace(split, **{part: HeldOut(held_out.uniform, held_out.positive, held_out.positive)})


def test_the_classifier_is_fitted_to_training_pairs_alone():
    """Leak list 3: other validation and test parts leave its weights as they were."""
    weight = fitted(NEAR, SPLIT, 1.0, 1000, 0).weight
    for part in ("validation", "test"):
        np.testing.assert_array_equal(fitted(NEAR, changed(SPLIT, part), 1.0, 1000, 0).weight, weight)
    wide = np.random.default_rng(9).standard_normal((83, 400))  # fits anything that it is shown
    found = predict_edges(SPLIT, wide, LinkProtocol(scorers=("hadamard",), C=100.0, heuristics=False, candidates=60))
    judge = fitted(wide, SPLIT, 100.0, 1000, 0)
    seen = roc_auc(judge.pairs(*SPLIT.train.T), judge.pairs(*SPLIT.train_negative.T))
    assert seen > 0.9 > 0.75 > found.best["auc_uniform"]


def test_the_scorer_is_chosen_on_validation_alone():
    """Leak list 5."""
    mixed = np.concatenate([NEAR, 4 * NOISE], axis=1)
    found = predict_edges(SPLIT, mixed, QUICK)
    means = {row.name: np.mean(list(row.validation.values())) for row in found.rows if row.fitted}
    assert set(means) == {"dot", "cosine", "hadamard"} and found.chosen == max(means, key=means.get) == "hadamard"
    assert predict_edges(changed(SPLIT, "test"), mixed, QUICK).chosen == "hadamard"
    assert predict_edges(changed(SPLIT, "validation"), mixed, QUICK).chosen != "hadamard"


def test_scaling_columns_changes_nothing_of_the_classifier():
    weight = np.exp(3 * RNG.standard_normal(5))
    one, other = (
        fitted(vectors.astype(float), SPLIT, 1.0, 1000, 0).pairs(*SPLIT.test.positive.T)
        for vectors in (NEAR, NEAR * weight)
    )
    np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)


def test_rows_are_matched_by_id_and_order_changes_nothing():
    order = np.random.default_rng(2).permutation(83)
    embedding = cj.Embedding(NEAR[order], GRAPH.vocab.take(order), {"method": "mine"})
    plain, shuffled = predict_edges(SPLIT, NEAR, QUICK), predict_edges(SPLIT, embedding, QUICK)
    assert plain.rows == shuffled.rows
    linked = np.flatnonzero(~GRAPH.isolated)
    assert predict_edges(SPLIT, cj.Embedding(NEAR[linked], GRAPH.vocab.take(linked)), QUICK).rows == plain.rows


@pytest.mark.parametrize("split", [ARCS, ITEMS, SPLIT])
def test_every_kind_of_split_is_judged_alike_twice(split):
    one, two = (predict_edges(split, cj.Cleora(dim=8, num_iterations=3), QUICK) for _ in range(2))
    assert one.rows == two.rows and one.directed == split.directed
    assert all(0 <= value <= 1 for row in one.rows for value in row.test.values())


def test_arcs_are_judged_by_their_direction():
    """Halves that know sources and targets apart score (i, j) and not (j, i)."""
    source, target = RNG.integers(0, 30, 500), RNG.integers(30, 60, 500)
    split = split_edges(cj.from_edges(source, target, num_entities=60), directed=True)
    assert (split.test.positive[:, 0] < 30).all()
    x = np.zeros((60, 2), np.float32)
    x[:30, 0] = 1
    x[30:, 1] = 1
    found = predict_edges(split, x, LinkProtocol(scorers=("halves",), candidates=60, heuristics=False))
    backwards = predict_edges(split, x[:, ::-1], LinkProtocol(scorers=("halves",), candidates=60, heuristics=False))
    assert found.best["auc_uniform"] > 0.8 and backwards.best["auc_uniform"] < 0.5


def test_only_some_are_ranked_if_so_wished():
    found = predict_edges(SPLIT, NEAR, LinkProtocol(ranked=7, candidates=60, heuristics=False))
    assert found.ranked == {"uniform": 14, "weighted": 14} and found.test == len(SPLIT.test)


def test_results_print_and_turn_into_json():
    found = predict_edges(SPLIT, NEAR, QUICK)
    assert f"{found.chosen} *" in str(found) and "preferential attachment" in str(found)
    records = json.loads(json.dumps(found.records()))
    assert [record["scorer"] for record in records] == ["dot", "cosine", "hadamard", *HEURISTICS]
    assert sum(record["chosen"] for record in records) == 1 and records[0]["method"] == "embedding"
    assert json.loads(json.dumps(found.as_dict()))["protocol"]["candidates"] == 60
    assert found.best == found[found.chosen]
    with pytest.raises(ValueError, match="`name` must be one of 'dot'"):
        found["nothing"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: predict_edges(GRAPH, NEAR), "`split` must be an EdgeSplit"),
        (lambda: predict_edges(SPLIT, NEAR[:-1]), r"a row for each entity of the graph \(83\), got 82"),
        (lambda: predict_edges(SPLIT, NEAR * np.nan), "must be finite, got NaN or infinity in row 0"),
        (lambda: predict_edges(SPLIT, "x"), "an Embedding or float"),
        (lambda: predict_edges(SEVERAL, cj.RandNE(dim=4), QUICK), "several relations"),
        (
            lambda: predict_edges(SPLIT, cj.Embedding(NEAR[:9], GRAPH.vocab.take(np.arange(9)))),
            "lacks .* the first is '9'",
        ),
        (lambda: predict_edges(split_edges(GRAPH, 0.0), NEAR), "no validation links to choose among"),
        (lambda: predict_edges(SPLIT, NEAR, LinkProtocol(scorers=("halves",))), "even number of columns, got 5"),
        (lambda: LinkProtocol(scorers=()), "must be a tuple of names"),
        (lambda: LinkProtocol(scorers=("l2",)), "`scorers` must be one of"),
        (lambda: LinkProtocol(candidates=0), "`candidates` must be at least 1"),
        (lambda: LinkProtocol(C=0.0), "`C` must be above 0"),
        (lambda: LinkProtocol(heuristics=1), "must be True or False"),
    ],
)
def test_what_cannot_be_raises(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_without_validation_one_scorer_may_be_named():
    found = predict_edges(split_edges(GRAPH, 0.0), NEAR, LinkProtocol(scorers=("dot",), candidates=60))
    assert found.chosen == "dot" and found.rows[0].validation == {}
