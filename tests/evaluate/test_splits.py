"""Splits of links: what each leak of the literature would break is a test here."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from conftest import toy_graphs
from hypothesis import given, settings
from hypothesis import strategies as st

import cleora_jax as cj
from cleora_jax.evaluate import non_edges, preferential_attachment, roc_auc, split_edges, split_hyperedges
from cleora_jax.evaluate.non_edges import draw

RNG = np.random.default_rng(4)
EDGES = RNG.integers(0, 60, (400, 2))  # loops, parallel and reverse edges
TIMES = RNG.integers(0, 30, 400)
LINES = [[f"i{i}" for i in RNG.choice(50, RNG.integers(1, 6), replace=False)] for _ in range(120)]
MATRIX = sp.random_array((40, 40), density=0.12, rng=np.random.default_rng(1), format="csr")


def shopping() -> cj.Graph:
    """Users 0–19 and items; more items than users, so that columns cannot be mixed up unnoticed."""
    return cj.from_hyperedges([f"u{a % 20}\ti{b}" for a, b in EDGES.tolist()], "user item")


SPLITS = {
    "edges": lambda seed=0: (g := cj.from_edges(*EDGES.T, num_entities=64), split_edges(g, seed=seed)),
    "weighted": lambda seed=0: (g := cj.from_edges(*EDGES.T, RNG.random(400)), split_edges(g, seed=seed)),
    "directed": lambda seed=0: (g := cj.from_edges(*EDGES.T, num_entities=64), split_edges(g, seed=seed, directed=True)),
    "matrix": lambda seed=0: (g := cj.from_scipy(MATRIX), split_edges(g, seed=seed)),
    "directed matrix": lambda seed=0: (g := cj.from_scipy(MATRIX), split_edges(g, seed=seed, directed=True)),
    "two columns": lambda seed=0: (g := shopping(), split_edges(g, seed=seed)),
    "relations": lambda seed=0: (
        g := cj.from_relations({"a": cj.from_edges(*EDGES[:200].T, num_entities=60), "b": cj.from_edges(*EDGES[150:, ::-1].T, num_entities=60)}),
        split_edges(g, seed=seed),
    ),
    "times": lambda seed=0: (g := cj.from_edges(*EDGES.T, num_entities=64), split_edges(g, seed=seed, stamps=TIMES)),
    "hyperedges": lambda seed=0: (g := cj.from_hyperedges(LINES), split_hyperedges(g, seed=seed)),
    "hyperedges, times": lambda seed=0: (
        g := cj.from_hyperedges(LINES),
        split_hyperedges(g, seed=seed, stamps=np.arange(120)[::-1]),
    ),
    "baskets": lambda seed=0: (
        g := cj.from_hyperedges([f"u{n % 30}\t" + " ".join(line) for n, line in enumerate(LINES)], "user complex::item"),
        split_hyperedges(g, seed=seed),
    ),
}  # fmt: skip


@pytest.fixture(params=SPLITS, scope="module")
def both(request):
    return SPLITS[request.param]()


def dense(graph: cj.Graph, directed: bool = False) -> np.ndarray:
    return cj.adjacency(graph, directed=directed, weighted=False).toarray() > 0


def rows(pairs: np.ndarray) -> set[tuple[int, int]]:
    return set(map(tuple, pairs.tolist()))


def parts(split):
    return {"validation": split.validation, "test": split.test}


def test_no_held_out_pair_stays_in_training_either_way_round(both):
    """Leak list 2: duplicates and reverse arcs."""
    _, split = both
    train = dense(split.graph)
    for part in parts(split).values():
        assert len(part) > 0
        assert not train[tuple(part.positive.T)].any() and not train[tuple(part.positive.T[::-1])].any()


def test_the_parts_of_pairs_are_the_links_each_once(both):
    graph, split = both
    full = dense(graph, split.directed)
    np.testing.assert_array_equal(split.known.toarray(), full)
    train = dense(split.graph, split.directed)
    assert rows(split.train) == rows(np.argwhere(train if split.directed else np.triu(train)))
    every = np.concatenate([split.train, split.validation.positive, split.test.positive])
    assert len(rows(every)) == len(every) and rows(every) <= rows(
        np.argwhere(full if split.directed else np.triu(full))
    )
    unordered = [rows(np.sort(part, axis=1)) for part in (split.train, split.validation.positive, split.test.positive)]
    assert not unordered[0] & unordered[1] and not unordered[0] & unordered[2] and not unordered[1] & unordered[2]


def test_negatives_are_no_links_of_the_full_graph(both):
    """Leak list 4: held-out links must not be drawn as negatives."""
    graph, split = both
    full, column = dense(graph, split.directed), graph.vocab.column_of
    for kind in ("uniform", "matched"):
        drawn = [getattr(part, kind) for part in parts(split).values()]
        assert [len(one) for one in drawn] == [len(split.validation), len(split.test)]
        together = np.concatenate(drawn)
        assert not full[tuple(together.T)].any() and (together[:, 0] != together[:, 1]).all()
        assert len(rows(together)) == len(together)
        if not split.directed:
            assert (together[:, 0] < together[:, 1]).all()
        for part in parts(split).values():  # of the same columns as the links they stand against
            mine = np.sort(column[getattr(part, kind)], axis=1)
            np.testing.assert_array_equal(mine, np.sort(column[part.positive], axis=1))


def test_training_negatives_know_only_the_training_graph(both):
    """Leak list 3: a classifier that avoids held-out links as negatives has seen them."""
    _, split = both
    train = dense(split.graph, split.directed)
    negative = split.train_negative
    assert not train[tuple(negative.T)].any() and len(rows(negative)) == len(negative) > 0
    seen = np.zeros(len(train), bool)
    seen[split.train] = True
    assert seen[negative].all()


def test_training_negatives_do_not_avoid_held_out_links():
    graph = cj.from_edges(*np.array([(a, b) for a in range(40) for b in range(a) if (a + b) % 2]).T)
    split = split_edges(graph, 0.2, 0.3)
    held_out = rows(split.validation.positive) | rows(split.test.positive)
    share = len(rows(split.train_negative) & held_out) / len(split.train_negative)
    assert share == pytest.approx(len(held_out) / (780 - len(split.train)), abs=0.1)


@pytest.mark.parametrize("listed", [1 << 20, 100])
@pytest.mark.parametrize(("share", "expected"), [(0.3, None), (0.7, 0.5)])
def test_training_negatives_are_half_of_the_pairs_where_a_graph_is_dense(listed, share, expected, monkeypatch):
    """However they are drawn: from all pairs listed, or by rejection."""
    monkeypatch.setattr(non_edges, "LISTED_PAIRS", listed)
    ends = np.array([(a, b) for a in range(60) for b in range(a)])
    graph = cj.from_edges(*ends[np.random.default_rng(0).random(len(ends)) < share].T)
    split = split_edges(graph, 0.05, 0.1)
    wanted = len(split.train) if expected is None else (1770 - len(split.train)) // 2
    assert len(split.train_negative) == len(rows(split.train_negative)) == wanted


def test_pairs_there_are_counted_without_listing_them():
    rng = np.random.default_rng(0)
    for directed in (False, True):
        ends = np.flatnonzero(rng.random(30) < 0.6), np.flatnonzero(rng.random(30) < 0.5)
        taken = rng.integers(0, 30, (150, 2))
        keys = np.sort(non_edges.keys_of(taken, 30, directed))
        pairs = {
            (int(i), int(j)) if directed else tuple(sorted((int(i), int(j))))
            for i in ends[0]
            for j in ends[1]
            if i != j
        }
        pairs -= {(int(i), int(j)) if directed else tuple(sorted((int(i), int(j)))) for i, j in taken}
        weight = tuple(np.bincount(side, minlength=30) for side in ends)
        assert non_edges._num_eligible(weight, keys, directed) == len(pairs)


def test_vocabulary_and_order_stay_and_isolated_entities_are_counted(both):
    graph, split = both
    assert split.graph.vocab == graph.vocab and split.graph.transient == graph.transient
    before, after = dense(graph).any(axis=1), dense(split.graph).any(axis=1)
    assert split.isolated_share == pytest.approx((before & ~after).sum() / before.sum())
    assert split.graph.report.isolated_entities == split.graph.isolated.sum() >= (~after & ~before).sum()


@pytest.mark.parametrize("name", SPLITS)
def test_the_seed_fixes_everything(name):
    if name == "weighted":
        pytest.skip("its weights are drawn anew")
    (_, one), (_, same), (_, other) = SPLITS[name](1), SPLITS[name](1), SPLITS[name](2)
    for part in ("validation", "test"):
        for kind in ("positive", "uniform", "matched"):
            mine, again, another = (getattr(getattr(split, part), kind) for split in (one, same, other))
            np.testing.assert_array_equal(mine, again)
            if kind != "positive" or "times" not in name:
                assert rows(mine) != rows(another)
    np.testing.assert_array_equal(one.train_negative, same.train_negative)


def test_sizes_are_the_shares_of_distinct_pairs_and_lines_keep_weights():
    graph = cj.from_edges([0, 1, 0, 2, 3, 3], [1, 0, 2, 3, 3, 4], [1, 2, 3, 4, 5, 6], num_entities=9)
    split = split_edges(graph, 0.25, 0.25)  # of four pairs
    assert (len(split.train), len(split.validation), len(split.test)) == (2, 1, 1)
    kept, full = cj.adjacency(split.graph).toarray(), cj.adjacency(graph).toarray()
    np.testing.assert_array_equal(kept[kept > 0], full[kept > 0])
    assert split.graph.relations[0].num_hyperedges == 6 - sum(
        2 if (a, b) == (0, 1) else 1 for a, b in [*split.validation.positive.tolist(), *split.test.positive.tolist()]
    )


@given(
    st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14)), min_size=12, max_size=40),
    st.integers(0, 9),
    st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_no_leak_in_any_multigraph(edges, seed, directed):
    graph = cj.from_edges(*np.array(edges).T, num_entities=30)
    try:
        split = split_edges(graph, 0.2, 0.2, seed, directed=directed)
    except ValueError as error:
        assert "too small" in str(error) or "too dense" in str(error)
        return
    train, full = dense(split.graph), dense(graph, directed)
    held_out = np.concatenate([split.validation.positive, split.test.positive])
    assert full[tuple(held_out.T)].all() and not train[tuple(held_out.T)].any()
    total = full.sum() if directed else np.triu(full).sum()
    assert len(split.train) + len(held_out) == total


def test_times_keep_the_future_out_of_training():
    graph = cj.from_edges(*EDGES.T, num_entities=64)
    split = split_edges(graph, 0.1, 0.2, stamps=TIMES)
    first = {}
    for edge, time in zip(np.sort(EDGES, axis=1).tolist(), TIMES.tolist(), strict=True):
        first[tuple(edge)] = min(time, first.get(tuple(edge), 99))
    seen = [
        [first[pair] for pair in rows(part)] for part in (split.train, split.validation.positive, split.test.positive)
    ]
    assert max(seen[0]) < min(seen[1]) <= max(seen[1]) < min(seen[2])
    cut = min(seen[1])
    assert split.graph.num_hyperedges == (cut > TIMES).sum()  # later repeats of known pairs are gone, too
    dates = np.datetime64("2020-01-01") + TIMES
    again = split_edges(graph, 0.1, 0.2, stamps=dates)
    np.testing.assert_array_equal(again.test.positive, split.test.positive)


def test_hyperedges_are_held_out_whole():
    """Splitting their pairs would leave the other pairs of a held-out one in training."""
    graph = cj.from_hyperedges(LINES)
    split = split_hyperedges(graph, 0.1, 0.2)
    kept = split.graph.relations[0].left
    lines = {tuple(kept.member[a:b]) for a, b in zip(kept.offset[:-1], kept.offset[1:], strict=True)}
    full = graph.relations[0].left
    every = [tuple(full.member[a:b]) for a, b in zip(full.offset[:-1], full.offset[1:], strict=True)]
    assert len(kept) == 84 and lines <= set(every)
    gone = [line for line in every if line not in lines]
    held_out = rows(split.validation.positive) | rows(split.test.positive)
    of_gone = {tuple(sorted((a, b))) for line in gone for a in line for b in line if a < b or b < a}
    assert held_out == {pair for pair in of_gone if not dense(split.graph)[pair]}


def test_matched_negatives_follow_training_degrees():
    """Where links follow degrees, their product tells links from uniform negatives, and not from matched ones."""
    weight = np.arange(1, 1001) ** -0.4
    ends = np.random.default_rng(0).choice(1000, (6000, 2), p=weight / weight.sum())
    split = split_edges(cj.from_edges(*ends.T, num_entities=1000))
    positive, uniform, matched = (
        preferential_attachment(split.graph, getattr(split.test, kind)) for kind in ("positive", "uniform", "matched")
    )
    assert roc_auc(positive, uniform) > 0.65
    assert 0.4 < roc_auc(positive, matched) < 0.52  # below a half: large training degrees are so by luck, in part


@pytest.mark.parametrize("listed", [0, 1 << 20])
@pytest.mark.parametrize("directed", [False, True])
def test_draws_are_distinct_and_in_proportion(monkeypatch, listed, directed):
    monkeypatch.setattr(non_edges, "LISTED_PAIRS", listed)
    weight = np.array([0.0, 1, 1, 2, 4])
    count = np.zeros((5, 5))
    for seed in range(3000):
        (pair,) = draw(np.random.default_rng(seed), 1, (weight, weight), np.array([8]), directed)  # key of (1, 3)
        count[tuple(pair)] += 1
    chance = np.outer(weight, weight)
    np.fill_diagonal(chance, 0)
    chance[1, 3] = 0
    if not directed:
        chance = np.triu(chance)
    np.testing.assert_allclose(count / 3000, chance / chance.sum(), atol=0.03)
    every = draw(np.random.default_rng(0), int((chance > 0).sum()), (weight, weight), np.array([8]), directed)
    assert rows(every) == rows(np.argwhere(chance > 0))


@pytest.mark.parametrize("listed", [0, 1 << 20])
def test_too_dense_graphs_say_so(monkeypatch, listed):
    monkeypatch.setattr(non_edges, "LISTED_PAIRS", listed)
    complete = cj.from_edges(*np.array([(a, b) for a in range(12) for b in range(a)]).T)
    with pytest.raises(ValueError, match="too dense"):
        split_edges(complete)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: split_edges(cj.from_hyperedges(["a b c"])), "more than two entities: use `split_hyperedges`"),
        (lambda: split_edges(toy_graphs()["relations"]), "use `split_hyperedges`"),
        (lambda: split_hyperedges(cj.from_scipy(MATRIX)), "use `split_edges`"),
        (lambda: split_edges("graph"), "must be a Graph"),
        (lambda: split_edges(cj.from_edges([0], [1]), 0.5, 0.5), "must be below 1"),
        (lambda: split_edges(cj.from_edges([0], [1]), -0.1, 0.5), "`validation` must be"),
        (lambda: split_edges(cj.from_edges([0], [1]), seed=-1), "`seed` must be at least 0"),
        (lambda: split_edges(cj.from_edges([0], [1])), "too small: no link is left for the validation part"),
        (lambda: split_edges(cj.from_edges([0], [0], num_entities=2)), "no link is left for the train part"),
        (lambda: split_edges(cj.from_edges([0, 1], [1, 2]), stamps=[1]), "2 numbers or dates, one per line"),
        (lambda: split_edges(cj.from_edges([0, 1], [1, 2]), stamps=[1, np.nan]), "must be finite, got nan"),
        (lambda: split_edges(cj.from_edges([0, 1], [1, 2]), stamps=["a", "b"]), "numbers or dates"),
        (lambda: split_edges(cj.from_edges([0, 1], [1, 2]), 0, 0.5, stamps=[3, 3]), "left for the train part"),
        (
            lambda: split_edges(cj.from_scipy(MATRIX), stamps=np.arange(MATRIX.nnz)),
            "`stamps` need a graph of hyperedges",
        ),
    ],
)
def test_what_cannot_be_raises(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_a_pair_in_the_relation_of_two_columns_of_one_line_is_held_out():
    """Where a line has several relations, its pair may stand in any of them."""
    lines = [f"i{a} \tb{b}" for a, b in RNG.integers(0, 15, (80, 2)).tolist()]
    graph = cj.from_hyperedges(lines, "complex::reflexive::a b")
    assert len(graph.relations) == 2
    split = split_edges(graph, 0.1, 0.2)
    assert not dense(split.graph)[tuple(split.test.positive.T)].any() and len(split.test) > 5


def test_arrays_are_read_only():
    _, split = SPLITS["edges"]()
    for array in (split.train, split.train_negative, split.test.positive, split.test.matched, split.known.data):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
