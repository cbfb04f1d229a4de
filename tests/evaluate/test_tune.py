"""Search over settings: against a plain loop, without a look at the test part, and loud where something cannot be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score

import cleora_jax as cj
from cleora_jax.evaluate import tuning

RNG = np.random.default_rng(11)
GROUP = np.repeat(np.arange(3), 30)
ENDS = RNG.integers(0, 90, (2, 2400))
NEAR = (GROUP[ENDS[0]] == GROUP[ENDS[1]]) | (RNG.random(2400) < 0.15)
GRAPH = cj.from_edges(*ENDS[:, NEAR], num_entities=90)
LABELS = cj.labels_of(GRAPH.vocab, GROUP)
SPLIT = cj.split_nodes(LABELS, train=0.2, validation=0.3)
NODES = cj.NodeObjective(GRAPH, LABELS, SPLIT)
LINKS = cj.LinkObjective(cj.split_edges(GRAPH, validation=0.1))
CLEORA = cj.Cleora(dim=8)


@dataclass(frozen=True)
class Toy:
    """A method whose vectors are its settings: nothing is random, nothing slow."""

    a: float = 0.0
    b: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.a < 0:
            raise ValueError(f"`a` must be at least 0, got {self.a}.")
        if self.a == 0.25 and self.b == 2:
            raise ValueError("`a` ¼ does not go with `b` 2.")

    def __call__(self, graph, *, init=None, progress=None):
        if self.b == 13:
            raise cj.InputError("thirteen")
        if self.b == 14:
            raise ZeroDivisionError("a bug")
        return np.full((graph.num_entities, 3), [self.a, self.b, self.seed], np.float32), None


def first(embedding: cj.Embedding) -> float:
    return float(embedding.vectors[0, 0])


def toy(space, objective=first, **more) -> cj.Tuned:
    return cj.tune(Toy(), space, objective=objective, graph=GRAPH, **more)


# --- oracles ---


@pytest.mark.parametrize("objective", [NODES, LINKS], ids=["nodes", "links"])
def test_as_a_loop_over_embed(objective):
    values = {"num_iterations": [1, 4, 2], "whiten_alpha": [0.5, 1.0], "seed": [3]}
    found = cj.tune(CLEORA, values, objective=objective)
    methods = [replace(CLEORA, **dict(zip(values, each, strict=True))) for each in product(*values.values())]
    scores = [objective(cj.embed(objective.graph, method)) for method in methods]
    assert [trial.method for trial in found.trials] == methods
    assert [trial.score for trial in found.trials] == scores
    assert found.best == methods[int(np.argmax(scores))] and found.best_score == max(scores)


def test_node_objective_is_logistic_regression_on_validation():
    embedding = cj.embed(GRAPH, CLEORA)
    x, train, held, test = embedding.vectors.astype(float), SPLIT.train, SPLIT.validation, SPLIT.test
    scores = {}
    for C in (0.01, 100):
        model = LogisticRegression(C=C, max_iter=1000).fit(x[train], GROUP[train])
        scores[C] = model.score(x[held], GROUP[held]), model.score(x[test], GROUP[test])
        macro = replace(NODES, C=C, metric="macro_f1")(embedding)
        assert macro == pytest.approx(f1_score(GROUP[held], model.predict(x[held]), average="macro"))
        assert replace(NODES, C=C)(embedding) == pytest.approx(scores[C][0])
    both = replace(NODES, C=(0.01, 100))
    best = max(scores, key=lambda C: scores[C][0])
    assert both(embedding) == pytest.approx(scores[best][0]) and both.test(embedding) == pytest.approx(scores[best][1])


def test_link_objective_is_auc_on_validation():
    embedding = cj.embed(LINKS.graph, CLEORA)
    unit = embedding.vectors / np.linalg.norm(embedding.vectors, axis=1, keepdims=True)
    held = LINKS.split.validation

    def auc(negative):
        pairs = np.concatenate([held.positive, negative])
        return roc_auc_score(np.repeat([1, 0], len(held)), (unit[pairs[:, 0]] * unit[pairs[:, 1]]).sum(1))

    cosine = replace(LINKS, protocol=cj.LinkProtocol(scorers=("cosine",)))
    assert cosine(embedding) == pytest.approx((auc(held.uniform) + auc(held.matched)) / 2)
    assert replace(cosine, metric="auc_matched")(embedding) == pytest.approx(auc(held.matched))
    judged = cj.predict_edges(LINKS.split, embedding)
    assert LINKS.test(embedding) == pytest.approx((judged.best["auc_uniform"] + judged.best["auc_matched"]) / 2)


def test_learners_are_judged_by_classify():
    features = cj.embed(GRAPH, CLEORA)
    objective = cj.LearnerObjective(LABELS, SPLIT, features=features, graph=GRAPH)
    contest = [
        (cj.LabelPropagation(), {"alpha": [0.5, 0.9, None]}),
        (cj.LogisticRegression(), {"C": [0.01, 1.0]}),
    ]
    found = cj.tune(contest, objective=objective)
    parts = SPLIT.train, SPLIT.validation, []
    for trial in found.trials:
        given = {name: getattr(objective, name) for name in trial.method.needs}
        assert trial.score == cj.classify(LABELS, trial.method, split=parts, **given).validation.micro_f1
    assert found.best_of(cj.LogisticRegression).score == max(trial.score for trial in found.trials[3:])


# --- the test part ---


def test_test_labels_change_nothing(tmp_path):
    changed = np.array(GROUP)
    changed[SPLIT.test] = (changed[SPLIT.test] + 1) % 3
    strange = [int(code) for code in changed]
    strange[SPLIT.test[0]] = 77  # a class of its own
    several = LABELS.matrix.toarray().astype(bool)
    several[SPLIT.test] = True  # no longer single
    space = {"num_iterations": [1, 3]}
    for metric in ("micro_f1", "macro_f1"):
        path = tmp_path / metric
        wanted = cj.tune(CLEORA, space, objective=replace(NODES, metric=metric), record=path)
        for labels in (changed, strange, several):
            other = cj.NodeObjective(GRAPH, labels, SPLIT, metric=metric)
            assert cj.tune(CLEORA, space, objective=other) == wanted
        assert (
            cj.tune(CLEORA, space, objective=cj.NodeObjective(GRAPH, changed, SPLIT, metric=metric), record=path)
            == wanted
        )


def test_test_labels_change_nothing_for_learners():
    several = LABELS.matrix.toarray().astype(bool)
    several[SPLIT.test] = True
    found = [
        cj.tune(cj.GCN(hidden=(4,), num_epochs=5), {"learning_rate": [0.01, 0.1]},
                objective=cj.LearnerObjective(cj.labels_of(GRAPH.vocab, labels), SPLIT,
                                              features=np.eye(90, dtype=np.float32), graph=GRAPH))
        for labels in (GROUP, several)
    ]  # fmt: skip
    assert found[0] == found[1]


def test_test_links_change_nothing():
    split, rng = LINKS.split, np.random.default_rng(1)
    junk = tuning.objectives.HeldOut(*(rng.integers(0, 90, (9, 2)) for _ in range(3)))
    other = replace(LINKS, split=replace(split, test=junk))
    space = {"num_iterations": [1, 3]}
    assert cj.tune(CLEORA, space, objective=other) == cj.tune(CLEORA, space, objective=LINKS)
    assert other.fingerprint() == LINKS.fingerprint()


# --- what cannot be ---


def test_all_faults_of_a_space_are_named_before_any_work():
    def never(embedding):
        raise AssertionError("worked")

    with pytest.raises(
        cj.OptionError, match="Toy has no field 'c', 'd'.*ProNE has no field 'steps'.*'dim' has no values"
    ):
        cj.tune([(Toy(), {"c": [1], "d": [2]}), (cj.ProNE(), {"steps": [1], "dim": []})], objective=never, graph=GRAPH)
    with pytest.raises(cj.OptionError) as error:
        cj.tune(
            [(Toy(), {"a": [1, -1, 0.25], "b": [1, 2, -3]}), (CLEORA, {"dim": [2, 0]})], objective=never, graph=GRAPH
        )
    text = str(error.value)
    assert "Toy(a=-1, b=1): `a` must be at least 0" in text and "a=0.25, b=2" in text and "Cleora(dim=0): `dim`" in text
    assert text.count("at least 0") == 1  # said once, not for each combination


@pytest.mark.parametrize(
    "change, error, message",
    [
        ({"method": Toy}, TypeError, "`method`"),
        ({"method": [Toy()], "space": None}, TypeError, "pairs"),
        ({"method": [], "space": None}, TypeError, "pairs"),
        ({"method": [(Toy(), {})]}, ValueError, "must not be given"),
        ({"space": ["a"]}, TypeError, "`space`"),
        ({"space": {"a": 1.0}}, TypeError, "'a' must have a list"),
        ({"space": {"a": "12"}}, TypeError, "'a' must have a list"),
        ({"space": {"a": cj.uniform(0, 1)}}, ValueError, "a grid needs lists"),
        ({"space": {"a": range(1000), "b": range(3, 1000)}}, ValueError, "use `RandomSearch`"),
        ({"objective": 3}, TypeError, "`objective`"),
        ({"objective": cj.NodeObjective}, TypeError, "`objective`"),
        ({"objective": NODES}, ValueError, "`graph` must not be given"),
        ({"graph": None}, TypeError, "`graph`"),
        ({"search": "grid"}, TypeError, "`search`"),
        ({"search": cj.Halving()}, ValueError, "what it trains on"),
        ({"search": cj.Halving(resource="dim")}, ValueError, "no field 'dim'"),
        ({"search": cj.Halving(resource="a")}, ValueError, "must be an integer, got 1.0"),
        ({"seeds": [0, 0]}, ValueError, "must differ"),
        ({"seeds": 3}, TypeError, "`seeds`"),
        ({"seeds": [-1]}, ValueError, "`seeds`"),
        ({"seeds": [0], "space": {"seed": [1]}}, ValueError, "the one or the other"),
        ({"relations": "apart"}, ValueError, "`relations`"),
        ({"method": cj.LabelPropagation(), "space": {}}, ValueError, "LearnerObjective"),
        ({"record": "/no such folder/x"}, FileNotFoundError, "does not exist"),
    ],
)
def test_arguments_that_cannot_be(change, error, message):
    arguments = {"method": Toy(), "space": {"a": [1.0]}, "objective": first, "graph": GRAPH} | change
    with pytest.raises(error, match=message):
        cj.tune(arguments.pop("method"), arguments.pop("space"), **arguments)


def test_objectives_that_cannot_be():
    overlap = tuning.objectives.NodeSplit(SPLIT.train, SPLIT.train, SPLIT.test)
    empty = tuning.objectives.NodeSplit(SPLIT.train, SPLIT.test[:0], SPLIT.test)
    outside = tuning.objectives.NodeSplit(SPLIT.train, np.array([90]), SPLIT.test)
    for split, message in ((overlap, "stand once"), (empty, "validation rows"), (outside, "among 90")):
        for make in (lambda split: replace(NODES, split=split), lambda split: cj.LearnerObjective(LABELS, split)):
            with pytest.raises(ValueError, match=message):
                make(split)
    with pytest.raises(ValueError, match="no validation links"):
        cj.LinkObjective(cj.split_edges(GRAPH, validation=0))
    with pytest.raises(ValueError, match="`features` must be given: MLP"):
        cj.tune(cj.MLP(), {}, objective=cj.LearnerObjective(LABELS, SPLIT))
    with pytest.raises(ValueError, match="must be a learner"):
        cj.tune(CLEORA, {}, objective=cj.LearnerObjective(LABELS, SPLIT))
    with pytest.raises(ValueError, match="below 1|range must have"):
        cj.uniform(1, 1)
    with pytest.raises(ValueError, match="0 < `low`"):
        cj.log_uniform(0, 1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, np.float32("nan")])
def test_a_score_that_is_not_finite_is_an_error(bad):
    with pytest.raises(cj.OptionError, match=r"finite number, got .* for Toy\(a=2"):
        toy({"a": [1.0, 2.0]}, lambda embedding: bad if first(embedding) == 2 else 1.0)


def test_a_score_that_is_no_number_is_an_error():
    with pytest.raises(TypeError, match="must give a number, got 'high'"):
        toy({}, lambda embedding: "high")


def test_library_errors_are_recorded_and_bugs_are_not():
    found = toy({"b": [1, 13]})
    assert found.trials[1].failure == "InputError: thirteen" and found.trials[1].score is None
    assert found.failures == found.trials[1:] and found.best.b == 1
    assert "failed" in found.table() and "InputError: thirteen" in found.table() and "1 failed" in repr(found)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        toy({"b": [1, 14]})
    with pytest.raises(cj.OptionError, match="all 2 trials failed.*thirteen"):
        toy({"b": [13], "a": [1.0, 2.0]})


def test_lack_of_memory_is_a_failed_trial(monkeypatch):
    import cleora_jax._memory as memory

    monkeypatch.setattr(memory, "available_bytes", lambda: 2**20)
    big = cj.tune([(cj.NetMF(dim=4000), {}), (CLEORA, {})], objective=NODES)
    assert "NeedsMemoryError" in big.trials[0].failure and big.best == CLEORA


def test_errors_of_the_objective_are_failures_too():
    def picky(embedding):
        if first(embedding) == 1:
            raise cj.OptionError("not this one")
        return 0.0

    assert [trial.failure for trial in toy({"a": [1.0, 2.0]}, picky).trials] == ["OptionError: not this one", None]


# --- ties, seeds, results ---


def test_of_equal_scores_the_first_is_best():
    assert toy({"a": [3.0, 1.0], "b": [5, 2]}, lambda embedding: 1.0).best == Toy(a=3.0, b=5)
    contest = [(Toy(b=7), {}), (Toy(b=3), {})]
    assert cj.tune(contest, objective=lambda embedding: 0.0, graph=GRAPH).best == Toy(b=7)


def test_seeds_are_averaged():
    def score(embedding):
        a, _, seed = embedding.vectors[0]
        return float(a + (seed == 5) * 6 * (a == 1))

    found = toy({"a": [1.0, 3.0]}, score, seeds=[5, 8])
    assert found.trials[0].scores == (7, 1) and found.trials[0].score == 4 and found.best == Toy(a=1.0, seed=5)
    assert found.trials[0].std == pytest.approx(np.std([7, 1], ddof=1)) and "4.0000 ± 4.2426" in found.table()
    one = cj.tune(CLEORA, {"num_iterations": [1, 2]}, objective=NODES, seeds=[2, 4])
    alone = [NODES(cj.embed(GRAPH, replace(CLEORA, num_iterations=2, seed=seed))) for seed in (2, 4)]
    assert list(one.trials[1].scores) == alone


def test_a_failure_of_one_seed_fails_the_trial():
    def score(embedding):
        if embedding.vectors[0, 2] == 8 and first(embedding) == 3:
            raise cj.OptionError("no")
        return first(embedding)

    found = toy({"a": [1.0, 3.0]}, score, seeds=[5, 8])
    assert found.trials[1].failure == "OptionError: no" and found.best.a == 1


def test_records_and_table():
    import json

    found = cj.tune([(cj.ProNE(dim=4), {"filter": [None, cj.Filter(mu=-4)]}), (CLEORA, {})], objective=NODES)
    lines = json.loads(json.dumps(found.records()))
    assert [line["method"] for line in lines] == ["ProNE", "ProNE", "Cleora"]
    assert lines[1]["settings"]["filter"]["mu"] == -4 and sum(line["chosen"] for line in lines) == 1
    assert found.table().splitlines()[0].split() == ["trial", "score", "seconds"]
    assert found.table().splitlines()[1].split("  ")[0] == f"{found.trials[found.chosen].name} *"
    assert repr(found).startswith("Tuned(") and "best of 3 trials" in repr(found)
    with pytest.raises(ValueError, match="no trial of NetMF"):
        found.best_of(cj.NetMF)


def test_values_of_numpy_are_kept_as_pythons():
    found = toy({"a": np.linspace(0, 1, 3), "b": np.arange(2)})
    assert [type(value) for value in found.trials[5].settings.values()] == [float, int]


def test_progress_counts_runs():
    seen = []
    toy({"a": [1.0, 2.0, 3.0]}, seeds=[0, 1], progress=lambda *call: seen.append(call))
    assert seen[0] == ("trials", 0, 6) and seen[-1] == ("trials", 6, 6)
    assert {done for _, done, _ in seen} == set(range(7))


def test_several_relations_need_to_be_joint():
    graph = cj.from_hyperedges(["a\tx y", "b\ty z", "c\tz x"], "user complex::reflexive::item")
    score = {"objective": first, "graph": graph}
    with pytest.raises(ValueError, match="several relations"):
        cj.tune(cj.Cleora(dim=2), {}, **score)
    assert len(cj.tune(cj.Cleora(dim=2), {"num_iterations": [1, 2]}, relations="joint", **score).trials) == 2


# --- random search ---


@settings(max_examples=30, deadline=None)
@given(
    counts=st.lists(st.integers(1, 5), min_size=1, max_size=4), trials=st.integers(1, 40), seed=st.integers(0, 2**32)
)
def test_random_search_draws_distinct_combinations(counts, trials, seed):
    contest = tuning.spaces.Contest(Toy(), {str(at): list(range(count)) for at, count in enumerate(counts)})
    search = cj.RandomSearch(trials, seed)
    drawn = search.settings(contest, 0)
    assert len({tuple(one.values()) for one in drawn}) == len(drawn) == min(trials, np.prod(counts))
    every = cj.Grid().settings(contest, 0)
    assert all(one in every for one in drawn) and drawn == search.settings(contest, 0)


def test_random_search_within_ranges():
    contest = tuning.spaces.Contest(Toy(), {"a": cj.log_uniform(1e-4, 1), "b": [1, 2], "c": cj.uniform(-1, 1)})
    drawn = cj.RandomSearch(4000).settings(contest, 0)
    logs = np.log10([one["a"] for one in drawn])
    assert (np.histogram(logs, 4, (-4, 0))[0] > 900).all()
    c = np.array([one["c"] for one in drawn])
    assert (np.histogram(c, 4, (-1, 1))[0] > 900).all() and 1800 < sum(one["b"] == 1 for one in drawn) < 2200
    assert cj.RandomSearch(9, seed=1).settings(contest, 0) != drawn[:9] == cj.RandomSearch(9).settings(contest, 0)
    assert cj.RandomSearch(9).settings(contest, 1) != drawn[:9]


# --- halving ---


def halving_by_hand(scores, factor, rungs):
    """Places tried at each rung, for a score of (place, rung)."""
    alive, tried = list(range(len(scores))), []
    for rung in range(rungs):
        tried += [(rung, place) for place in alive]
        keep = max(1, len(alive) // factor)
        alive = sorted(sorted(alive, key=lambda place: -scores[place][rung])[:keep])
    last = [place for rung, place in tried if rung == rungs - 1]
    return tried, max(last, key=lambda place: scores[place][rungs - 1])


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_halving_keeps_the_right_ones(data):
    factor, rungs = data.draw(st.integers(2, 4)), data.draw(st.integers(1, 3))
    count = data.draw(st.integers(1, 20))
    rows = st.lists(st.integers(0, 5), min_size=rungs, max_size=rungs)
    scores = data.draw(st.lists(rows, min_size=count, max_size=count))
    full = factor ** (rungs - 1)

    def score(embedding):
        place, steps, _ = embedding.vectors[0].astype(int)
        return scores[place][round(np.log(steps) / np.log(factor))]

    search = cj.Halving(factor=factor, rungs=rungs, resource="b")
    found = cj.tune(Toy(b=full), {"a": list(map(float, range(count)))}, objective=score, graph=SMALL, search=search)
    tried, best = halving_by_hand(scores, factor, rungs)
    assert [(search.shares.index(trial.share), int(trial.method.a)) for trial in found.trials] == tried
    assert found.best == Toy(a=float(best), b=full)


SMALL = cj.from_edges([0, 1], [1, 2])


def test_halving_drops_what_fails():
    search = cj.Halving(factor=2, rungs=2, resource="b")
    contest = [(Toy(b=26), {"a": [9.0, 8.0]}), (Toy(b=4), {"a": [1.0, 2.0]})]  # 26 / 2 = 13 fails
    found = cj.tune(contest, objective=first, graph=GRAPH, search=search)
    assert [trial.failure is None for trial in found.trials] == [False, False, True, True, True, True]
    assert found.best == Toy(a=2.0, b=4)


def test_halving_over_steps_and_its_faults():
    search = cj.Halving(factor=2, rungs=3, resource="num_iterations")
    found = cj.tune(replace(CLEORA, num_iterations=8), {"residual_weight": [0.0, 0.2, 0.4, 0.6]}, objective=NODES,
                    search=search)  # fmt: skip
    assert [trial.method.num_iterations for trial in found.trials] == [2, 2, 2, 2, 4, 4, 8]
    assert found.best.num_iterations == 8 and "share" in found.table()
    with pytest.raises(ValueError, match="does not go with `scales`"):
        cj.tune(CLEORA, {"scales": [(1, 4)]}, objective=NODES, search=search)
    with pytest.raises(ValueError, match="NetMF has no field"):
        cj.tune(cj.NetMF(), {}, objective=NODES, search=search)
    with pytest.raises(ValueError, match="NetMF: 'rank' must be an integer, got None"):
        cj.tune(cj.NetMF(), {}, objective=NODES, search=cj.Halving(resource="rank"))


@pytest.mark.slow
@pytest.mark.parametrize("objective", [NODES, LINKS], ids=["nodes", "links"])
def test_halving_over_what_is_trained_on(objective):
    search = cj.Halving(num_trials=4, factor=2, rungs=2)
    contest = [(CLEORA, {"num_iterations": [1, 2, 3, 4, 5]}), (cj.ProNE(dim=8), {"seed": range(9)})]
    found = cj.tune(contest, objective=objective, search=search)
    assert [trial.share for trial in found.trials] == [0.5] * 8 + [1.0] * 4
    assert found == cj.tune(contest, objective=objective, search=search)
    last = found.trials[-1]
    assert last.score == objective(cj.embed(objective.graph, last.method))
    thin = objective.thinned(0.5, 0)
    assert found.trials[0].score == thin(cj.embed(thin.graph, found.trials[0].method))


def test_thinner_splits_lie_within_each_other_and_lose_no_class():
    rows = [NODES.thinned(share, 3).split.train for share in (0.05, 0.3, 0.6, 1.0)]
    for small, large in pairwise(rows):
        assert set(small) < set(large)
    assert set(GROUP[rows[0]]) == {0, 1, 2} and len(rows[0]) == 3 and set(rows[-1]) == set(SPLIT.train)
    halves = NODES.thinned(0.5, 3).split
    assert halves.validation is SPLIT.validation and halves.test is SPLIT.test


@pytest.mark.parametrize("kind", ["edges", "hyperedges", "directed"])
def test_thinner_links_are_those_of_a_thinner_graph(kind):
    if kind == "hyperedges":
        lines = [[f"i{i}" for i in RNG.choice(60, 3, replace=False)] for _ in range(150)]
        split = cj.split_hyperedges(cj.from_hyperedges(lines))
    else:
        split = cj.split_edges(GRAPH, directed=kind == "directed")
    before: set[tuple[int, ...]] = set()
    for share in (0.1, 0.5, 0.9):
        thin = tuning.thinning.some_links(split, share, 7)
        pairs = set(map(tuple, thin.train.tolist()))
        assert before < pairs < set(map(tuple, split.train.tolist()))
        matrix = cj.adjacency(thin.graph, directed=kind == "directed", weighted=False)
        assert matrix.nnz - np.count_nonzero(matrix.diagonal()) == len(pairs) * (1 if kind == "directed" else 2)
        assert all(matrix[pair] for pair in list(pairs)[:20])
        assert len(thin.train_negative) <= len(pairs) and thin.validation is split.validation
        if kind == "edges":
            assert len(pairs) == pytest.approx(share * len(split.train), abs=1)
        before = pairs
    with pytest.raises(ValueError, match="leaves none"):
        tuning.thinning.some_links(split, 1e-9, 7)
