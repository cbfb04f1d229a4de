"""Label propagation against scikit-learn and against the linear systems that it solves, dense and in float64."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import semi_supervised

import cleora_jax as cj
from cleora_jax.learn.classifiers import LabelPropagation, classify

N = 12


def graph_of(pairs, weights=None) -> cj.Graph:
    source, target = np.array(pairs).T
    return cj.from_edges(source, target, weights, num_entities=N)


def random_graph(seed: int) -> cj.Graph:
    """Connected, weighted."""
    rng = np.random.default_rng(seed)
    ring = [(i, (i + 1) % N) for i in range(N)]
    chords = [tuple(pair) for pair in rng.integers(0, N, (10, 2)) if pair[0] != pair[1]]
    return graph_of([*ring, *chords], rng.integers(1, 5, N + len(chords)).astype(float))


def dense_scores(adjacency: np.ndarray, target: np.ndarray, rows: np.ndarray, alpha: float | None) -> np.ndarray:
    """The fixed point, solved for; rows of 0 where no label reaches."""
    a, n = adjacency.astype(float), len(adjacency)
    y = np.zeros((n, target.shape[1] + 1))
    y[rows] = np.concatenate([target[rows], np.ones((len(rows), 1))], axis=1)
    degree = a.sum(axis=1)
    inverse = np.divide(1, degree, out=np.zeros(n), where=degree > 0)
    if alpha is None:
        step = inverse[:, None] * a
        step[rows] = 0
        reached = np.linalg.matrix_power(a + np.eye(n), n)[:, rows].any(axis=1)
        f = np.zeros_like(y)
        f[reached] = np.linalg.solve((np.eye(n) - step)[np.ix_(reached, reached)], y[reached])
    else:
        root = np.sqrt(inverse)
        f = np.linalg.solve(np.eye(n) - alpha * root[:, None] * a * root, (1 - alpha) * y)
        f[np.abs(f) < 1e-15] = 0
    mass = f[:, -1:]
    return np.divide(f[:, :-1], mass, out=np.zeros((n, target.shape[1])), where=mass > 0)


def run(graph: cj.Graph, labels: cj.Labels, rows, **options):
    method = LabelPropagation(num_iterations=5000, tolerance=1e-6, **options)
    return classify(labels, method, graph=graph, split=(rows, [], []))


edges = st.lists(st.tuples(st.integers(0, N - 1), st.integers(0, N - 1)), min_size=1, max_size=25)
classes = st.lists(st.lists(st.booleans(), min_size=3, max_size=3).filter(any), min_size=N, max_size=N)
some_rows = st.sets(st.integers(0, N - 1), min_size=1, max_size=6)


@given(edges, classes, some_rows, st.sampled_from([None, 0.0, 0.3, 0.9]), st.booleans())
@settings(deadline=None, max_examples=30)
def test_scores_solve_the_linear_system(pairs, target, rows, alpha, single):
    graph, rows, target = graph_of(pairs), np.array(sorted(rows)), np.array(target)
    if single:
        target = np.eye(3, dtype=bool)[target.argmax(axis=1)]
    found = run(graph, cj.labels_of(graph.vocab, target), rows, alpha=alpha)
    expected = dense_scores(cj.adjacency(graph).toarray(), target, rows, alpha)
    np.testing.assert_allclose(found.scores, expected, atol=2e-4)
    if alpha != 0:  # with α = 0 nothing moves
        near = np.linalg.matrix_power(cj.adjacency(graph).toarray() + np.eye(N), N)[:, rows].any(axis=1)
        np.testing.assert_array_equal(found.unreached, ~near)
    else:
        np.testing.assert_array_equal(np.flatnonzero(~found.unreached), rows)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("alpha", [None, 0.2, 0.9])
def test_as_scikit_learn(seed, alpha):
    graph, rng = random_graph(seed), np.random.default_rng(seed)
    weights = cj.adjacency(graph).toarray().astype(float)
    codes = rng.permutation(np.arange(N) % 3)
    rows = np.sort(rng.permutation(N)[:5])
    if len(set(codes[rows])) < 3:
        rows = np.array([np.flatnonzero(codes == code)[0] for code in range(3)])
    given_ = np.full(N, -1)
    given_[rows] = codes[rows]
    options = {"kernel": lambda x, y: weights, "max_iter": 50_000, "tol": 1e-12}
    model = semi_supervised.LabelPropagation(**options) if alpha is None else semi_supervised.LabelSpreading(
        alpha=alpha, **options)  # fmt: skip
    model.fit(np.zeros((N, 1)), given_)
    found = run(graph, cj.labels_of(graph.vocab, codes), rows, alpha=alpha)
    np.testing.assert_allclose(found.scores, model.label_distributions_, atol=1e-4)
    np.testing.assert_array_equal(found.codes, model.transduction_)


def test_training_entities_keep_their_classes_where_clamped():
    graph = random_graph(1)
    found = run(graph, cj.labels_of(graph.vocab, np.arange(N) % 4), [0, 1, 2, 3, 4], alpha=None)
    np.testing.assert_array_equal(found.scores[:5], np.eye(4)[[0, 1, 2, 3, 0]])


def test_a_long_path_is_walked_to_its_end():
    """The last entity hears of the label after 199 steps; scores stand still only then."""
    graph = cj.from_edges(np.arange(199), np.arange(1, 200))
    labels = cj.labels_of(graph.vocab, ["a"] + ["b"] * 199)
    found = classify(labels, LabelPropagation(alpha=None), graph=graph, split=([0], [], []))
    assert not found.unreached.any() and (found.codes == 0).all() and len(found.history.change) >= 199
    short = classify(labels, LabelPropagation(alpha=None, num_iterations=10), graph=graph, split=([0], [], []))
    assert len(short.history.change) == 10 and short.best == 9
    assert (short.codes[:11] == 0).all() and (short.codes[11:] == -1).all()


def test_between_two_labels_scores_fall_evenly():
    """On a path the clamped scores are linear in place: the chance to meet one end before the other."""
    graph = cj.from_edges(np.arange(10), np.arange(1, 11))
    labels = cj.labels_of(graph.vocab, ["a"] + ["x"] * 9 + ["b"])
    found = classify(labels, LabelPropagation(alpha=None, tolerance=1e-6), graph=graph, split=([0, 10], [], []))
    np.testing.assert_allclose(found.scores[:, labels.classes.index("b")], np.linspace(0, 1, 11), atol=1e-4)


def test_weights_and_hyperedges_count():
    graph = cj.from_edges([0, 1], [1, 2], [3.0, 1.0])
    found = classify(
        cj.labels_of(graph.vocab, ["a", "a", "b"]), LabelPropagation(alpha=None), graph=graph, split=([0, 2], [], [])
    )
    np.testing.assert_allclose(found.scores[1], [0.75, 0.25], atol=1e-5)
    lines = cj.from_hyperedges(["a b c", "b d"])
    labels = cj.labels_of(lines.vocab, {"a": "x", "c": "y", "d": "y", "b": "y"})
    rows = lines.vocab.indices(["a", "c", "d"])
    found = classify(labels, LabelPropagation(alpha=None), graph=lines, split=(rows, [], []))
    np.testing.assert_allclose(found.scores[lines.vocab.index("b")], [0.25, 0.75], atol=1e-5)


def by_masses(scores: np.ndarray, target: np.ndarray, rows, single: bool) -> np.ndarray:
    """Class mass normalisation, entity by entity."""
    others = [i for i in range(len(scores)) if i not in rows and scores[i].any()]
    share, mean = target[rows].mean(axis=0), scores[others].mean(axis=0)
    out = np.zeros_like(scores)
    for i, row in enumerate(scores):
        for c, score in enumerate(row):
            out[i, c] = score * share[c] / mean[c] if score else 0
        if single and row.any():
            out[i] /= out[i].sum()
        if not single and row.any():
            absent = [(1 - row[c]) * (1 - share[c]) / (1 - mean[c]) if mean[c] < 1 else 0 for c in range(len(row))]
            out[i] = [one / (one + other) if one else 0 for one, other in zip(out[i], absent, strict=True)]
    return out


@pytest.mark.parametrize("single", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_class_masses(seed, single):
    graph, rng = random_graph(seed), np.random.default_rng(seed)
    target = np.eye(3, dtype=bool)[rng.permutation(np.arange(N) % 3)]
    target = target if single else target | (rng.random((N, 3)) < 0.3)
    labels, rows = cj.labels_of(graph.vocab, target), np.arange(6)
    plain = run(graph, labels, rows, alpha=None).scores.astype(float)
    found = run(graph, labels, rows, alpha=None, class_mass=True)
    np.testing.assert_allclose(found.scores, by_masses(plain, target, rows, single), atol=1e-5)
    everyone = run(graph, labels, np.arange(N), alpha=None, class_mass=True)
    np.testing.assert_array_equal(everyone.scores, target)


def test_class_masses_that_are_right_change_nothing():
    """A star whose hub hears of all labels alike."""
    graph = cj.from_edges(np.zeros(12, int), np.arange(1, 13))
    labels = cj.labels_of(graph.vocab, ["x", "b", *["a"] * 2, *["x"] * 9])
    found = classify(labels, LabelPropagation(alpha=None), graph=graph, split=([1, 2, 3], [], []))
    np.testing.assert_allclose(found.scores[0], [2 / 3, 1 / 3, 0], atol=1e-4)
    weighed = classify(labels, LabelPropagation(alpha=None, class_mass=True), graph=graph, split=([1, 2, 3], [], []))
    np.testing.assert_allclose(weighed.scores[[0, 12]], [[2 / 3, 1 / 3, 0]] * 2, atol=1e-4)


def test_a_bipartite_graph_does_not_stop_between_two_steps():
    """Shares of one side stand still in every second step; on a star the masses tell that they will move."""
    graph = cj.from_edges([0, 1], [2, 2], num_entities=3)
    labels = cj.labels_of(graph.vocab, np.array([[0, 1], [1, 0], [0, 1]], bool))
    found = classify(labels, LabelPropagation(alpha=0.3), graph=graph, split=([0, 1], [], []))
    np.testing.assert_allclose(found.scores, [[0.045, 0.955], [0.955, 0.045], [0.5, 0.5]], atol=1e-4)


@pytest.mark.parametrize("weight", [1e-38, 1e38])
@pytest.mark.parametrize("alpha", [None, 0.9])
def test_size_of_weights_does_not_matter(weight, alpha):
    labels = cj.Labels(("a", "b"), sp.csr_array(np.eye(2, dtype=bool)[np.arange(N) // 6]))
    path = [(i, i + 1) for i in range(N - 1)]
    plain, extreme = (
        run(graph_of(path, np.full(N - 1, w)), labels, np.array([0, N - 1]), alpha=alpha) for w in (1.0, weight)
    )
    np.testing.assert_allclose(extreme.scores, plain.scores, atol=1e-4)
    assert not extreme.unreached.any()
