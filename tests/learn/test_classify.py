"""Every learner of classes through one contract, and what `classify` refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import asdict, replace
from typing import NamedTuple

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

import cleora_jax as cj
from cleora_jax._checks import InputError, OptionError
from cleora_jax.learn.classifiers import GCN, MLP, SGC, Classified, LabelPropagation, LogisticRegression, classify
from cleora_jax.learn.classifiers.problem import Known
from cleora_jax.learn.classifiers.scores import loss_of, score_of, top_classes

SHORT = {"num_epochs": 30, "patience": 30, "learning_rate": 0.05}
METHODS = {
    "logistic": LogisticRegression(),
    "logistic, chosen": LogisticRegression(C=(0.01, 1, 100)),
    "perceptron": MLP(hidden=(8,), **SHORT),
    "linear perceptron": MLP(hidden=(), dropout=0, **SHORT),
    "convolution": GCN(hidden=(8,), **SHORT),
    "deep convolution": GCN(hidden=(8, 6), dropout=0, **SHORT),
    "simplified": SGC(C=(1, 100)),
    "clamped": LabelPropagation(alpha=None),
    "clamped, masses": LabelPropagation(alpha=None, class_mass=True),
    "spreading": LabelPropagation(alpha=0.8),
}


class Toy(NamedTuple):
    """Three groups of 30 entities, denser inside, features that hint at the group, and two isolated entities."""

    graph: cj.Graph
    features: np.ndarray
    labels: cj.Labels
    split: tuple[np.ndarray, np.ndarray, np.ndarray]


def toy(seed: int = 0, several: bool = False, order: np.ndarray | None = None) -> Toy:
    rng = np.random.default_rng(seed)
    group = np.repeat([0, 1, 2], 30)
    pairs = np.argwhere(np.triu(rng.random((90, 90)) < np.where(group[:, None] == group, 0.15, 0.02), 1))
    group = np.concatenate([group, [0, 1]])
    features = (rng.standard_normal((92, 12)) + 3 * np.eye(3, 12)[group]).astype(np.float32)
    target = np.eye(3, dtype=bool)[group]
    if several:
        target[:, 2] |= features[:, 5] > 0.5
    rows = rng.permutation(90)
    split = rows[:40], rows[40:60], np.concatenate([rows[60:], [90, 91]])
    place = np.arange(92) if order is None else np.argsort(order)  # where each old row is now
    old = np.arange(92) if order is None else order
    graph = cj.from_edges(place[pairs[:, 0]], place[pairs[:, 1]], num_entities=92)
    return Toy(graph, features[old], cj.labels_of(graph.vocab, target[old]), tuple(place[part] for part in split))


TOY, SEVERAL = toy(), toy(several=True)


def run(method, given: Toy, **changes) -> Classified:
    """`classify` with what the method wants."""
    wanted = {"features": given.features, "graph": given.graph} | changes
    split, labels = wanted.pop("split", given.split), wanted.pop("labels", given.labels)
    return classify(labels, method, split=split, **{name: wanted[name] for name in method.needs})


@pytest.fixture(params=METHODS)
def method(request):
    return METHODS[request.param]


@pytest.mark.parametrize("case", [TOY, SEVERAL], ids=["single", "several"])
def test_shape_dtype_finite_and_the_same_bits_again(method, case):
    found, again = run(method, case), run(method, case)
    assert found.scores.shape == (92, 3) and found.scores.dtype == np.float32
    assert np.isfinite(found.scores).all() and (found.scores >= 0).all() and (found.scores <= 1 + 1e-6).all()
    np.testing.assert_array_equal(found.scores, again.scores)
    for one, other in zip(found.history, again.history, strict=True):
        np.testing.assert_array_equal(one, other)
    assert found.best == again.best and found.test == again.test and not found.scores.flags.writeable


def test_it_learns(method):
    assert run(method, TOY).test.accuracy > 0.7  # chance is 1/3
    assert run(method, SEVERAL).test.micro_f1 > 0.7


def test_single_scores_are_distributions(method):
    found = run(method, TOY)
    np.testing.assert_allclose(found.scores.sum(axis=1)[~found.unreached], 1, atol=1e-5)
    np.testing.assert_array_equal(found.codes[~found.unreached], found.scores.argmax(axis=1)[~found.unreached])
    assert found.codes.dtype == np.int32
    np.testing.assert_array_equal(found.predicted.codes, found.codes)
    if isinstance(method, LabelPropagation):
        assert (found.codes[[90, 91]] == -1).all() and found.unreached[[90, 91]].all() and found.unreached.sum() == 2
    else:
        assert not found.unreached.any()


def test_several_classes_have_predictions_but_no_codes(method):
    found = run(method, SEVERAL)
    np.testing.assert_array_equal(found.predicted.matrix.toarray(), found.scores >= 0.5)
    with pytest.raises(OptionError, match="several classes"):
        _ = found.codes


@pytest.mark.parametrize("case", [TOY, SEVERAL], ids=["single", "several"])
def test_classes_of_test_entities_change_the_test_score_alone(method, case):
    target = case.labels.matrix.toarray()
    target[case.split[2]] = np.roll(target[case.split[2]], 1, axis=1)
    found, other = run(method, case), run(method, case, labels=cj.labels_of(case.graph.vocab, target))
    np.testing.assert_array_equal(found.scores, other.scores)
    for one, another in zip(found.history, other.history, strict=True):
        np.testing.assert_array_equal(one, another)
    assert found.best == other.best and found.validation == other.validation
    assert found.test != other.test


def test_entities_outside_the_split_are_not_looked_at(method):
    train, held, judged = TOY.split
    target = TOY.labels.matrix.toarray()
    target[judged] = False
    target[judged[0]] = True  # nor is whether they have several
    found = run(method, TOY, labels=cj.labels_of(TOY.graph.vocab, target), split=(train, held, []))
    np.testing.assert_array_equal(found.scores, run(method, TOY).scores)
    assert found.test is None


def test_relabelling_entities_permutes_the_result(method):
    if getattr(method, "dropout", 0):  # what is dropped follows the order of rows
        method = replace(method, dropout=0)
    order = np.random.default_rng(8).permutation(92)
    found, moved = run(method, TOY), run(method, toy(order=order))
    np.testing.assert_allclose(moved.scores, found.scores[order], atol=2e-4)
    np.testing.assert_array_equal(moved.unreached, found.unreached[order])


def test_labels_at_random_are_told_at_chance(method):
    """A learner that chose its epoch or its settings on test entities would do better; so would one that saw them."""
    accuracy, n = [], 600
    graph = cj.from_edges(*np.random.default_rng(5).integers(0, n, (2, 1500)), num_entities=n)
    for seed in range(6):
        rng = np.random.default_rng(seed)
        labels = cj.labels_of(graph.vocab, rng.permutation(np.arange(n) % 2))
        rows = rng.permutation(n)
        case = Toy(
            graph, rng.standard_normal((n, 12)).astype(np.float32), labels, (rows[:200], rows[200:300], rows[300:])
        )
        found = run(method, case)
        reached = ~found.unreached[rows[300:]]
        accuracy.append((found.codes == labels.codes)[rows[300:]][reached].mean())
    assert abs(np.mean(accuracy) - 0.5) < 4 * 0.5 / np.sqrt(6 * 300)


def test_dense_sparse_and_embedding_agree(method):
    if "features" not in method.needs:
        pytest.skip("no features")
    method = replace(method, dropout=0) if hasattr(method, "dropout") else method
    kept = np.where(np.abs(TOY.features) > 1, TOY.features, 0)
    dense = run(method, TOY, features=kept)
    for other in (sp.csr_array(kept), sp.coo_matrix(kept), cj.Embedding(kept, TOY.graph.vocab), kept.astype(float)):
        np.testing.assert_allclose(run(method, TOY, features=other).scores, dense.scores, atol=1e-4)


def test_one_entity_without_edges_or_all_in_training(method):
    if isinstance(method, (LogisticRegression, SGC)):
        pytest.skip("wants two classes")
    graph = cj.from_edges([0], [0], num_entities=1)
    labels = cj.labels_of(graph.vocab, ["a"])
    found = run(method, Toy(graph, np.ones((1, 2), np.float32), labels, ([0], [], [])))
    assert found.codes.tolist() == [0] and found.validation is None and found.test is None


def test_zero_features_and_isolated_entities_are_finite(method):
    features = TOY.features.copy()
    features[[3, 90, 91]] = 0
    for given_ in (features, sp.csr_array(features), np.zeros_like(features)):
        assert np.isfinite(run(method, TOY, features=given_).scores).all()


def test_masks_are_rows(method):
    masks = [np.isin(np.arange(92), part) for part in TOY.split]
    sorted_rows = tuple(np.sort(part) for part in TOY.split)
    found = run(method, TOY, split=masks)
    np.testing.assert_array_equal(found.scores, run(method, TOY, split=sorted_rows).scores)


def test_without_validation_the_last_epoch_is_kept():
    train, _, judged = TOY.split
    for method in (METHODS["perceptron"], METHODS["convolution"]):
        found = run(method, TOY, split=(train, [], judged))
        assert found.best == 30 and np.isnan(found.history.validation_loss).all() and found.validation is None
    found = run(LogisticRegression(), TOY, split=(train, [], judged))
    assert np.isnan(found.history.validation_f1).all()


def test_reprs_tell_the_story():
    assert repr(run(METHODS["logistic, chosen"], TOY)).startswith("Classified(92 entities, 3 classes by LogisticRegression; "
                                                                   "validation accuracy ")  # fmt: skip
    assert "; C=" in repr(run(METHODS["simplified"], TOY))
    assert "epoch " in repr(run(METHODS["convolution"], TOY)) and " of 30" in repr(run(METHODS["convolution"], TOY))
    assert "2 unreached" in repr(run(METHODS["clamped"], TOY)) and "iterations" in repr(run(METHODS["clamped"], TOY))
    assert "F1 " in repr(run(METHODS["clamped"], SEVERAL))


def test_progress_is_told(method):
    told = []
    wanted = {"features": TOY.features, "graph": TOY.graph}
    classify(TOY.labels, method, split=TOY.split, progress=lambda *at: told.append(at),
             **{name: wanted[name] for name in method.needs})  # fmt: skip
    assert told and {stage for stage, _, _ in told} == {"classifying"}
    assert [done for _, done, _ in told] == list(range(1, len(told) + 1))


# --- what is refused ---


@pytest.mark.parametrize(
    ("split", "error", "message"),
    [
        (([], [1], [2]), OptionError, "at least one training entity"),
        (([0, 1], [1], [2]), OptionError, "row 1 stands twice"),
        (([0, 0], [], []), OptionError, "row 0 stands twice"),
        (([0, 92], [], []), OptionError, "rows from 0 to 91, got 92"),
        (([0, -1], [], []), OptionError, "got -1"),
        (([0.5], [], []), TypeError, "train must be rows"),
        (([0], [[1]], []), TypeError, "validation must be rows"),
        (([0], [], ["a"]), TypeError, "test must be rows"),
        (([0], [1]), TypeError, "three arrays"),
        ("abc", TypeError, "three arrays"),
        (None, TypeError, "three arrays"),
        (([True, False], [], []), TypeError, "mask"),
    ],
)
def test_splits_that_cannot_be(split, error, message):
    with pytest.raises(error, match=message):
        run(LabelPropagation(), TOY, split=split)


def test_entities_of_a_split_must_have_a_class():
    labels = cj.labels_of(TOY.graph.vocab, ["a", None, *["b"] * 90])
    with pytest.raises(OptionError, match="1 have none, such as row 1"):
        run(LabelPropagation(), TOY, labels=labels, split=([0, 2], [], [1]))


@pytest.mark.parametrize(
    ("features", "error", "message"),
    [
        (np.ones((91, 2)), OptionError, r"one row per entity \(92\).*\(91, 2\)"),
        (np.ones((92, 0)), OptionError, "at least one column"),
        (np.ones(92), OptionError, r"\(92,\)"),
        (np.full((92, 2), "a"), TypeError, "numbers"),
        (np.ones((92, 2), complex), TypeError, "numbers"),
        ([[1.0]] * 92, TypeError, "got list"),
        (np.where(np.arange(184).reshape(92, 2) == 7, np.nan, 1), InputError, "got nan at row 3, column 1"),
        (sp.csr_array(np.where(np.arange(184).reshape(92, 2) == 7, np.inf, 0)), InputError, "inf at row 3, column 1"),
        (np.full((92, 1), 1e300), InputError, "inf at row 0, column 0"),
    ],
)
def test_features_that_cannot_be(features, error, message):
    with pytest.raises(error, match=message):
        run(MLP(), TOY, features=features)


def test_graphs_that_cannot_be():
    with pytest.raises(TypeError, match="must be a Graph"):
        run(LabelPropagation(), TOY, graph=[[0, 1]])
    with pytest.raises(OptionError, match=r"one entity per label \(92\)"):
        run(LabelPropagation(), TOY, graph=cj.from_edges([0], [1]))
    other = cj.Embedding(TOY.features, cj.Vocab.of([f"e{i}" for i in range(92)]))
    with pytest.raises(OptionError, match="the embedding has others"):
        run(GCN(), TOY, features=other)


def test_what_a_method_wants_must_be_given_and_nothing_else():
    with pytest.raises(OptionError, match="`graph` must be given: GCN"):
        classify(TOY.labels, GCN(), features=TOY.features, split=TOY.split)
    with pytest.raises(OptionError, match="`features` must be given: MLP"):
        classify(TOY.labels, MLP(), split=TOY.split)
    with pytest.raises(OptionError, match="`features` must not be given: LabelPropagation does not look"):
        classify(TOY.labels, LabelPropagation(), features=TOY.features, graph=TOY.graph, split=TOY.split)
    for wrong in (GCN, "gcn", None, cj.Cleora(dim=2)):
        with pytest.raises(TypeError, match="must be a learner"):
            classify(TOY.labels, wrong, graph=TOY.graph, split=TOY.split)
    with pytest.raises(TypeError, match="must be Labels"):
        classify([0, 1], LabelPropagation(), graph=TOY.graph, split=TOY.split)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: MLP(hidden=(0,)), OptionError),
        (lambda: MLP(hidden=16), TypeError),
        (lambda: MLP(hidden="16"), TypeError),
        (lambda: GCN(dropout=1), OptionError),
        (lambda: GCN(dropout=-0.1), OptionError),
        (lambda: GCN(learning_rate=np.nan), OptionError),
        (lambda: GCN(weight_decay="1"), TypeError),
        (lambda: GCN(num_epochs=0), OptionError),
        (lambda: GCN(patience=0), OptionError),
        (lambda: GCN(normalization="max"), OptionError),
        (lambda: GCN(seed=-1), OptionError),
        (lambda: LogisticRegression(C=0), OptionError),
        (lambda: LogisticRegression(C=()), OptionError),
        (lambda: LogisticRegression(C=(1, -1)), OptionError),
        (lambda: LogisticRegression(C="1"), TypeError),
        (lambda: SGC(num_steps=-1), OptionError),
        (lambda: LabelPropagation(alpha=1), OptionError),
        (lambda: LabelPropagation(num_iterations=0), OptionError),
        (lambda: LabelPropagation(class_mass="yes"), OptionError),
        (lambda: LabelPropagation(tolerance=-1), OptionError),
    ],
)
def test_settings_that_cannot_be(make, error):
    with pytest.raises(error, match="`"):
        make()


def test_settings_of_numpy_become_pythons():
    method = GCN(hidden=[np.int64(4)], dropout=np.float32(0.5), seed=np.int64(3))
    assert method == GCN(hidden=(4,), dropout=0.5, seed=3) and hash(method) == hash(GCN(hidden=(4,), seed=3))
    assert type(asdict(method)["seed"]) is int
    assert LogisticRegression(C=[1, 2]) == LogisticRegression(C=(1.0, 2.0))


# --- scores ---


@given(st.data())
@settings(deadline=None, max_examples=30)
def test_scores_are_those_of_scikit_learn(data):
    m, c = data.draw(st.integers(1, 8)), data.draw(st.integers(2, 5))
    bits = st.lists(st.lists(st.booleans(), min_size=c, max_size=c).filter(any), min_size=m, max_size=m)
    truth = np.array(data.draw(bits))
    found = np.array(data.draw(st.lists(st.lists(st.integers(0, 9), min_size=c, max_size=c), min_size=m, max_size=m)))
    guess = top_classes(found / 9, truth.sum(axis=1))
    for row, wanted in enumerate(truth.sum(axis=1)):
        best = sorted(range(c), key=lambda at, row=row: (-found[row, at], at))[:wanted]
        assert set(np.flatnonzero(guess[row])) == {at for at in best if found[row, at]}
    score = score_of(found / 9, Known(np.arange(m), truth))
    for average, value in (("micro", score.micro_f1), ("macro", score.macro_f1)):
        assert value == pytest.approx(f1_score(truth, guess, average=average, zero_division=0))
    assert score.accuracy == pytest.approx((truth == guess).all(axis=1).mean())


def test_accuracy_of_single_classes_counts_unreached_entities_as_wrong():
    truth = np.eye(2, dtype=bool)[[0, 1, 0, 1]]
    score = score_of(np.array([[0.9, 0.1], [0.2, 0.8], [0, 0], [0.6, 0.4]]), Known(np.arange(4), truth))
    assert score.accuracy == 0.5 and score.micro_f1 == pytest.approx(4 / 7)
    assert score_of(np.zeros((4, 2)), Known(np.zeros(0, int), truth[:0])) is None


def test_losses_by_hand():
    truth = Known(np.arange(2), np.array([[True, False], [True, True]]))
    found = np.array([[0.5, 0.25], [0.125, 0.0]])
    expected = -(np.log(0.5) + np.log(0.75) + np.log(0.125) + np.log(1e-12)) / 4
    assert loss_of(found, truth, False) == pytest.approx(expected)
    single = Known(np.arange(2), np.eye(2, dtype=bool))
    assert loss_of(np.array([[0.5, 0.5], [0.75, 0.25]]), single, True) == pytest.approx(
        -(np.log(0.5) + np.log(0.25)) / 2
    )


# --- bits ---

SCRIPT = """
import hashlib, os, sys
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[1])])
import numpy as np, scipy.sparse as sp
import cleora_jax as cj
from cleora_jax.learn.classifiers import GCN, MLP, SGC, LabelPropagation, LogisticRegression, classify
rng = np.random.default_rng(0)
n = 5000
graph = cj.from_edges(rng.integers(0, n, 4 * n), rng.integers(0, n, 4 * n), num_entities=n)
dense = rng.standard_normal((n, 100)).astype(np.float32)
sparse = sp.random_array((n, 1433), density=0.01, rng=rng, format="csr", dtype=np.float32)
rows = rng.permutation(n)
split = rows[:3000], rows[3000:4000], rows[4000:]
target = np.eye(5, dtype=bool)[rng.integers(0, 5, n)]
one, several = (cj.labels_of(graph.vocab, each) for each in (target, target | (rng.random((n, 5)) < 0.3)))
runs = [
    (one, MLP(num_epochs=4), dense), (several, MLP(num_epochs=4), sparse),
    (one, GCN(num_epochs=4), dense), (several, GCN(num_epochs=4, hidden=(16, 8)), sparse),
    (one, LogisticRegression(), dense), (several, LogisticRegression(), dense),
    (one, SGC(C=(0.1, 1)), dense), (one, SGC(C=(0.1, 1)), sparse),
    (one, LabelPropagation(alpha=None, class_mass=True), None), (several, LabelPropagation(alpha=0.9), None),
]
for labels, method, features in runs:
    wanted = {"features": features, "graph": graph}
    found = classify(labels, method, split=split, **{name: wanted[name] for name in method.needs})
    parts = [found.scores.tobytes(), *(part.tobytes() for part in found.history)]
    print(type(method).__name__, hashlib.sha256(b"".join(parts)).hexdigest())
"""


def hashes(threads: int, pool: int = 0) -> list[str]:
    """Of runs on so many cores; `pool`, where given, is the size of XLA's thread pool on them."""
    environment = {**os.environ, **({"NPROC": str(pool)} if pool else {})}
    command = [sys.executable, "-c", SCRIPT, str(threads)]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("pool", [0, 16])
def test_same_bits_on_any_number_of_threads(pool):
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs 2 processor cores")
    one = hashes(1)
    assert len(one) == 10 and one == hashes(2, pool)
