"""`transform` against SEMANTICS §6 in dense float64: the last step of the walk over the grown graph, old rows as they were.

Nothing here is taken from what `fit` keeps: the walk over the old graph, its whitenings and the matrix of the grown graph
are made anew from their definitions. Vectors are compared by their products with the old ones, blind to rotation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from cleora_jax import Cleora, Graph, fit, from_hyperedges, from_scipy, from_triples, reweighted, transform
from cleora_jax.cleora.start import hashed
from tests import dense

RNG = np.random.default_rng(21)
USERS, ITEMS, GROUPS = 240, 120, 6


@dataclass
class Walk:
    """x before each step over the old graph, the whitening after each (mean and map), and x in the end."""

    before: list[np.ndarray]
    maps: list[tuple[np.ndarray, np.ndarray]]
    vectors: np.ndarray


def walk(graph: Graph, method: Cleora) -> Walk:
    matrix = dense.markov(graph, method.propagation)
    alive, r, nothing = ~graph.isolated, method.residual_weight, (np.zeros(method.dim), np.eye(method.dim))
    x, found = first(graph, method) * alive[:, None], Walk([], [], np.zeros(0))
    for step in range(1, method.num_iterations + 1):
        found.before.append(x)
        y = dense.normalize((1 - r) * matrix @ x + r * x, method.normalization)
        whitens = method.whitens(step)
        found.maps.append(dense.whitening(y[alive], method.whiten_rank, method.whiten_alpha) if whitens else nothing)
        x = np.where(alive[:, None], (y - found.maps[-1][0]) @ found.maps[-1][1], 0)
    found.vectors = x
    return found


def first(graph: Graph, method: Cleora) -> np.ndarray:
    return np.asarray(hashed(graph.vocab, method.dim, method.seed)).astype(float)


def by_definition(old: Graph, grown: Graph, method: Cleora) -> tuple[np.ndarray, np.ndarray]:
    """Old vectors, and new ones that only meet old ones and not themselves: the last step says all, nothing is estimated."""
    known, seen = old.num_entities, walk(old, method)
    matrix = dense.markov(grown, method.propagation)[known:]
    assert not matrix[:, known:].any() and method.residual_weight == 0
    mean, turn = seen.maps[-1]
    y = dense.normalize(matrix[:, :known] @ seen.before[-1], method.normalization)
    return seen.vectors, np.where(matrix.any(1)[:, None], (y - mean) @ turn, 0)


def walking_along(old: Graph, grown: Graph, method: Cleora) -> tuple[np.ndarray, np.ndarray]:
    """Old vectors, and new ones that took every step of the walk with them, while no old one moved."""
    known, seen, r = old.num_entities, walk(old, method), method.residual_weight
    matrix, new = dense.markov(grown, method.propagation)[known:], first(grown, method)[known:]
    for before, (mean, turn) in zip(seen.before, seen.maps, strict=True):
        whole = np.concatenate([before, new])
        new = (dense.normalize((1 - r) * matrix @ whole + r * new, method.normalization) - mean) @ turn
    return seen.vectors, new


def check(found: np.ndarray, fitted_vectors: np.ndarray, expected: tuple[np.ndarray, np.ndarray], atol: float) -> None:
    vectors, new = expected
    wanted = new @ vectors.T
    np.testing.assert_allclose(found.astype(float) @ fitted_vectors.T, wanted, atol=atol * np.abs(wanted).max())


def baskets(users: range, items: int = 3) -> list[str]:
    """Users of a group take items of that group."""
    groups = [RNG.choice(ITEMS // GROUPS, items, replace=False) * GROUPS + user % GROUPS for user in users]
    return [f"u{user}\t" + " ".join(f"i{i}" for i in own) for user, own in zip(users, groups, strict=True)]


OLD = [line for _ in range(2) for line in baskets(range(USERS))]
NEW = [*baskets(range(USERS, USERS + 20)), f"u{USERS + 20}\ti1 i2 i1", f"u{USERS}\ti5"]
SPEC = "user complex::item"
OPTIONS = {
    "every": {}, "one step": {"num_iterations": 1}, "off": {"whiten": "off"}, "last": {"whiten": "last"},
    "soft": {"whiten_alpha": 0.5}, "confined": {"whiten_rank": 3}, "l1": {"normalization": "l1"}, "none": {"normalization": "none"},
    "symmetric": {"propagation": "symmetric"}, "symmetric, none": {"propagation": "symmetric", "normalization": "none"},
}  # fmt: skip


@pytest.mark.parametrize("name", OPTIONS)
def test_new_users_of_known_items(name):
    method = replace(Cleora(dim=5, num_iterations=4, whiten_rank=5), **OPTIONS[name])
    old, grown = from_hyperedges(OLD, SPEC), from_hyperedges(OLD + NEW, SPEC)
    fitted = fit(old, method)
    found = transform(fitted, from_hyperedges(NEW, SPEC))
    assert found.vocab.ids.to_pylist() == grown.vocab.ids.to_pylist()[old.num_entities :] and len(found) == 21
    check(found.vectors, fitted.vectors, by_definition(old, grown, method), 2e-4)


@pytest.mark.parametrize("way", ["directed", "directed-in"])
def test_new_ones_along_and_against_edges(way):
    ends = [f"e{i} e{j}" for i, j in RNG.integers(0, 80, (400, 2))]
    turn = (lambda a, b: f"{a} {b}") if way == "directed" else (lambda a, b: f"{b} {a}")
    new = [turn(f"n{k % 7}", f"e{RNG.integers(0, 80)}") for k in range(20)]
    method = Cleora(dim=6, num_iterations=3, whiten_rank=6, propagation=way)
    fitted = fit(from_hyperedges(ends), method)
    found = transform(fitted, from_hyperedges(new))
    expected = by_definition(from_hyperedges(ends), from_hyperedges(ends + new), method)
    order = [f"n{k}" for k in range(7)]
    check(found.rows(order), fitted.vectors, expected, 2e-4)


@pytest.mark.parametrize("weights", [{}, {"likes": 5.0}, {"likes": 0.2, "knows": 3.0}, {"knows": 0.0}])
@pytest.mark.parametrize("propagation", ["left", "symmetric"])
def test_relations_weigh_what_they_do_in_the_fitted_graph(weights, propagation):
    """Two relations, given as matrices without self-pairs; new ones stand in both, in other proportions."""
    size = 60

    def typed(pairs: dict[str, np.ndarray], count: int) -> Graph:
        from cleora_jax import from_relations

        ids = [f"e{i}" for i in range(count)]
        return from_relations({name: from_scipy(matrix[:count, :count], ids) for name, matrix in pairs.items()})

    count = size + 8
    whole = {
        name: np.triu((RNG.random((count, count)) < 0.1) * RNG.random((count, count)), 1) for name in ("likes", "knows")
    }
    for matrix in whole.values():
        matrix[size:, size:] = 0
        matrix[:3, size:] = RNG.random((3, 8)) + 0.1  # all new ones stand in both relations
    whole = {name: (matrix + matrix.T).astype(np.float32) for name, matrix in whole.items()}
    fresh = {name: matrix.copy() for name, matrix in whole.items()}
    for matrix in fresh.values():
        matrix[:size, :size] = 0
    method = Cleora(dim=4, num_iterations=3, whiten_rank=4, propagation=propagation)
    old, grown = (reweighted(typed(whole, n), weights) for n in (size, count))
    fitted = fit(old, method, relations="joint")
    expected = by_definition(old, grown, method)
    for new in (typed(fresh, count), reweighted(typed(fresh, count), weights)):
        found = transform(fitted, new)
        assert len(found) == 8
        check(found.vectors, fitted.vectors, expected, 2e-4)
    if weights.get("likes", 1) != 1:  # the test can tell
        plain = transform(fit(typed(whole, size), method, relations="joint"), typed(fresh, count))
        assert np.abs(plain.vectors @ plain.vectors.T - found.vectors @ found.vectors.T).max() > 0.01


def test_triples_that_were_reweighted():
    """As above for hyperedges: a new entity known by two relations goes where the heavier one says."""
    group, rng = {f"{side}{i}": side for side in "xy" for i in range(20)}, np.random.default_rng(0)
    old = [
        (f"{side}{i}", name, f"{side}{j}")
        for side in "xy"
        for name in ("a", "b")
        for i, j in rng.integers(0, 20, (80, 2))
    ]
    new = [("new", "a", "x1"), ("new", "a", "x2"), ("new", "b", "y1"), ("new", "b", "y2")]
    graph, more = from_triples(*zip(*old, strict=True)), from_triples(*zip(*new, strict=True))
    method = Cleora(dim=8, num_iterations=2, whiten="off")
    for heavy, side in (("a", "x"), ("b", "y")):
        fitted = fit(reweighted(graph, {heavy: 20}), method, relations="joint")
        near = fitted.embedding.most_similar(transform(fitted, more)["new"], k=10)
        assert np.mean([group[entity] == side for entity, _ in near]) > 0.8  # half, were the weights not heeded


WALKS = {
    "every": {}, "off": {"whiten": "off"}, "last": {"whiten": "last"}, "third, whitened": {"whiten": 3, "num_iterations": 6},
    "third, not whitened": {"whiten": 3, "num_iterations": 7}, "residual": {"residual_weight": 0.3}, "l1": {"normalization": "l1"},
    "soft": {"whiten_alpha": 0.5},
}  # fmt: skip


@pytest.mark.parametrize("name", WALKS)
def test_the_estimate_is_near_to_walking_along(name):
    """Where an entity meets itself, its own x before the step is estimated. Measured by what a walk along with the others
    gives, with no old one moved, this must be well nearer than the mean of its neighbours' final vectors."""
    rng = np.random.default_rng(21)

    def line(k: int) -> str:
        return " ".join(f"e{GROUPS * i + k % GROUPS}" for i in rng.choice(40, 3, replace=False))

    lines, new = [line(k) for k in range(900)], [f"n{k} {line(k)}" for k in range(40)]
    old, grown = from_hyperedges(lines), from_hyperedges(lines + new)
    method = replace(Cleora(dim=5, num_iterations=8, whiten_rank=5), **WALKS[name])
    fitted = fit(old, method)
    found = transform(fitted, from_hyperedges(new)).vectors
    mean = dense.markov(grown, "left")[old.num_entities :, : old.num_entities] @ fitted.vectors
    vectors, along = walking_along(old, grown, method)
    wanted = cosines(along, vectors)
    errors = [np.linalg.norm(cosines(each, fitted.vectors) - wanted) for each in (found, mean)]
    assert errors[0] < 0.6 * errors[1] and errors[0] < 0.3 * np.linalg.norm(wanted)


def cosines(new: np.ndarray, old: np.ndarray) -> np.ndarray:
    return dense.normalize(new.astype(float), "l2") @ dense.normalize(old.astype(float), "l2").T
