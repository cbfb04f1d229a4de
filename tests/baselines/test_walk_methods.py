"""DeepWalk and node2vec through one contract; what they learn; the same bits whatever the number of threads."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace

import networkx as nx
import numpy as np
import optax
import pytest

import cleora_jax as cj
from cleora_jax.baselines import DeepWalk, Node2Vec
from cleora_jax.baselines.corpus import Corpus

SMALL = {"dim": 8, "num_walks": 4, "walk_length": 20, "window": 3}
METHODS = [
    DeepWalk(**SMALL),
    Node2Vec(**SMALL),
    Node2Vec(**SMALL, p=0.5, q=2),
    Node2Vec(**SMALL, p=4, q=0.25, directed=True),
    DeepWalk(**SMALL, weighted=False, sample=0, epochs=2),
]


@pytest.fixture(params=METHODS, ids=repr)
def method(request):
    return request.param


def some_graph() -> cj.Graph:
    """Two components, weights, a loop, and an isolated entity."""
    rng = np.random.default_rng(3)
    source, target = rng.integers(0, 25, (2, 90))
    more = rng.integers(25, 40, (2, 50))
    weight = rng.pareto(1, 140) + 0.1
    return cj.from_edges(np.append(source, more[0]), np.append(target, more[1]), weight, num_entities=41)


def test_contract(method):
    graph = some_graph()
    found = cj.embed(graph, method)
    assert found.vectors.shape == (41, 8) and found.vectors.dtype == np.float32
    assert np.isfinite(found.vectors).all() and np.isfinite(found.trace.loss).all()
    np.testing.assert_array_equal(found.vectors, cj.embed(graph, method).vectors)
    assert (found.vectors != cj.embed(graph, replace(method, seed=1)).vectors).any()
    assert not found.vectors[40].any() and found.vectors[:40].any(axis=1).all()
    for part in (found.vectors[:25], found.vectors[25:40]):
        assert np.linalg.matrix_rank(part) > 1
    assert found.settings["method"] == type(method).__name__ and found.settings["walk_length"] == 20


def test_every_toy_graph(toy):
    found = cj.embed(toy, METHODS[2], relations="joint")
    assert np.isfinite(found.vectors).all() and found.vectors.shape == (len(toy.kept), 8)


def test_deepwalk_is_node2vec_of_first_order():
    graph = some_graph()
    np.testing.assert_array_equal(cj.embed(graph, METHODS[0]).vectors, cj.embed(graph, METHODS[1]).vectors)


@pytest.mark.parametrize("method", [DeepWalk(num_walks=10), Node2Vec(p=0.5, q=0.5)])
def test_communities_are_found(method):
    """Twelve eight-cliques in a ring: every nearest neighbour is of the own clique."""
    edges = np.array(nx.connected_caveman_graph(12, 8).edges)
    found = cj.embed(cj.from_edges(*edges.T, num_entities=96), replace(method, dim=32, epochs=3))
    unit = found.vectors / np.linalg.norm(found.vectors, axis=1, keepdims=True)
    cosine = unit @ unit.T - 2 * np.eye(96)
    assert (cosine.argmax(1) // 8 == np.arange(96) // 8).mean() > 0.95
    assert found.trace.loss[-1] <= found.trace.loss[0]


def test_weights_decide_where_walks_go():
    """Two cliques joined by as many edges as they hold inside, but light ones."""
    pairs = np.array([(a, b) for a in range(16) for b in range(a)])
    inside = (pairs[:, 0] < 8) == (pairs[:, 1] < 8)
    graph = cj.from_edges(*pairs.T, np.where(inside, 1, 0.01), num_entities=16)
    ratios = []
    for weighted in (True, False):
        x = cj.embed(graph, DeepWalk(dim=8, walk_length=20, window=2, epochs=5, sample=0, weighted=weighted)).vectors
        unit = x / np.linalg.norm(x, axis=1, keepdims=True)
        cosine = unit @ unit.T
        ratios.append(cosine[:8, :8].mean() - cosine[:8, 8:].mean())
    assert ratios[0] > 0.2 > abs(ratios[1])


def test_directed_walks_end_in_sinks():
    graph = cj.from_edges([0, 1, 2], [1, 2, 3], num_entities=5)
    found, trace = Node2Vec(**SMALL, directed=True, p=0.5)(graph)
    assert trace.walks == 3 * 4  # the sink starts none
    assert found[:4].any(axis=1).all() and not found[4].any()


def test_progress_and_interrupts():
    graph, seen = cj.from_edges(*nx.path_graph(3000).edges and np.array(nx.path_graph(3000).edges).T), []
    method = Node2Vec(**SMALL | {"num_walks": 3}, sample=0)
    method(graph, progress=lambda *told: seen.append(told))
    assert [told[1] for told in seen] == list(range(1, seen[-1][2] + 1)) and len(seen) > 1

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        method(graph, progress=stop)


def test_an_optimizer_of_optax_learns_too():
    edges = np.array(nx.connected_caveman_graph(12, 8).edges)
    graph = cj.from_edges(*edges.T, num_entities=96)
    vectors, trace = Node2Vec(dim=16, walk_length=40, window=5, epochs=4)(graph, optimizer=optax.adam(0.01))
    assert np.isfinite(vectors).all() and trace.loss[-1] < trace.loss[0]
    with pytest.raises(ValueError, match="smaller steps"):
        Node2Vec(dim=16, walk_length=40, window=5, epochs=4)(graph, optimizer=optax.sgd(1e30))


def test_noise_rates_and_sub_sampling_are_word2vecs():
    """Noise by visits to the power ¾, rates that fall linearly to 0.0001, and all of a walk without `sample`."""
    matrix = cj.adjacency(some_graph())
    method = Node2Vec(dim=4, num_walks=3, walk_length=10, epochs=2, sample=0)
    corpus = Corpus(matrix, None, 3, 10, seed=1)
    batches = list(method._batches(corpus, np.random.default_rng(0)))
    rates = np.concatenate([rates for _, rates, _ in batches])
    assert len(rates) == 2 * corpus.batches * corpus.steps
    np.testing.assert_allclose(rates, np.linspace(0.025, 1e-4, len(rates)), rtol=1e-5)
    chance, other = (np.asarray(part, float) for part in batches[0][2])
    found = chance + np.bincount(other.astype(int), 1 - chance, minlength=len(chance))
    expected = corpus.visits() ** 0.75
    np.testing.assert_allclose(found / found.sum(), expected / expected.sum(), atol=1e-6)
    stays = sum(int((np.asarray(walks) >= 0).sum()) for walks, _, _ in batches)
    thinned = replace(method, sample=1e-3)._batches(corpus, np.random.default_rng(0))
    assert sum(int((np.asarray(walks) >= 0).sum()) for walks, _, _ in thinned) < 0.9 * stays


def test_a_corpus_is_the_same_each_time_and_holds_every_start():
    from cleora_jax.graph import adjacency

    matrix = adjacency(some_graph())
    corpus = Corpus(matrix, None, 5, 12, seed=2**63 + 5)
    walks = np.concatenate([corpus.walks(batch) for batch in range(corpus.batches)])
    real = walks[walks[:, 0] >= 0]
    assert len(real) == corpus.total == 200
    assert np.bincount(real[:, 0], minlength=41).tolist() == [5] * 40 + [0]
    assert all(matrix[a, b] for a, b in zip(real[:, :-1].ravel(), real[:, 1:].ravel(), strict=True))
    again = Corpus(matrix, None, 5, 12, seed=2**63 + 5)
    np.testing.assert_array_equal(again.walks(corpus.batches - 1), corpus.walks(corpus.batches - 1))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dim": 0}, "`dim` must be between 1 and"),
        ({"p": 0}, "`p` must be finite and in"),
        ({"q": float("nan")}, "`q` must be finite"),
        ({"walk_length": 1}, "`walk_length` must be at least 2"),
        ({"window": 0}, "`window`"),
        ({"num_walks": 0}, "`num_walks`"),
        ({"negatives": 0}, "`negatives`"),
        ({"epochs": 0}, "`epochs`"),
        ({"sample": -1}, "`sample`"),
        ({"learning_rate": float("inf")}, "`learning_rate`"),
        ({"directed": "yes"}, "`directed` must be True or False"),
        ({"seed": 2**64}, "`seed`"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        Node2Vec(**options)


def test_bad_kinds():
    with pytest.raises(TypeError, match="`dim` must be an integer"):
        Node2Vec(dim=3.5)
    with pytest.raises(TypeError, match="`p` must be a number"):
        Node2Vec(p="small")


def test_numbers_of_numpy_become_pythons():
    method = Node2Vec(dim=np.int64(4), p=np.float32(0.5))
    assert type(method.dim) is int and type(method.p) is float


def test_bad_graphs_and_starts(method):
    with pytest.raises(ValueError, match="at least two entities"):
        cj.embed(cj.from_edges([0], [0], num_entities=1), method)
    with pytest.raises(ValueError, match="an edge between two entities"):
        cj.embed(cj.from_edges([0], [0], num_entities=3), method)
    with pytest.raises(ValueError, match="`init` does not go with"):
        cj.embed(some_graph(), method, init=np.ones((41, 8), np.float32))


@pytest.mark.parametrize("window", [1, 50])
@pytest.mark.parametrize("length", [2, 17])
def test_any_window_and_length(window, length):
    found, _ = Node2Vec(dim=3, num_walks=1, walk_length=length, window=window)(some_graph())
    assert np.isfinite(found).all()


SCRIPT = """
import hashlib, os, sys
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(sys.argv[1])])
import numpy as np
import cleora_jax as cj
from cleora_jax.baselines import Node2Vec
rng = np.random.default_rng(0)
graph = cj.from_edges(*rng.integers(0, 4000, (2, 20_000)) ** 2 // 4000, rng.random(20_000))
for p in (1, 0.5):
    method = Node2Vec(dim=int(sys.argv[2]), num_walks=1, walk_length=40, p=p)
    print(hashlib.sha256(cj.embed(graph, method).vectors.tobytes()).hexdigest())
"""


@pytest.mark.slow
@pytest.mark.parametrize("dim", [48, 128])
def test_bits_do_not_depend_on_threads(dim):
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two processor cores")

    def run(threads, pool=0):
        command = [sys.executable, "-c", SCRIPT, str(threads), str(dim)]
        environment = {**os.environ, "NPROC": str(pool)} if pool else None
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        return done.stdout.split()

    reference = run(1)
    assert len(set(reference)) == 2 and len(reference[0]) == hashlib.sha256().digest_size * 2
    assert reference == run(2) == run(1, pool=16)
