"""Procrustes against SciPy and its defining properties; alignment of two runs."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import networkx as nx
import numpy as np
import pyarrow as pa
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from cleora_jax import Cleora, Embedding, Vocab, embed, from_edges
from cleora_jax.vectors import align, procrustes

RNG = np.random.default_rng(0)


def orthogonal(rng, d):
    return np.linalg.qr(rng.standard_normal((d, d)))[0]


def distance(x, rotation, reference):
    return np.linalg.norm(x @ rotation - reference)


def cosines(a, b):
    """Row by row."""
    return (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


@pytest.mark.parametrize(("n", "d"), [(50, 1), (50, 7), (9000, 3), (7, 7)])
def test_equals_scipy_where_the_answer_is_unique(n, d):
    x, reference = RNG.standard_normal((2, n, d))
    np.testing.assert_allclose(procrustes(x, reference), scipy.linalg.orthogonal_procrustes(x, reference)[0], atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 30), st.integers(1, 8), st.integers(0, 8), st.integers(0, 2**32 - 1))
def test_orthogonal_and_no_other_rotation_is_nearer(n, d, zeros, seed):
    """Whatever the rank; rotations nearby and far away, and the identity, bring the rows no nearer."""
    rng = np.random.default_rng(seed)
    x, reference = rng.standard_normal((2, n, d)).astype(np.float32)
    x[:, rng.permutation(d)[:zeros]] = 0
    reference[:, rng.permutation(d)[: int(rng.integers(d + 1))]] = 0
    rotation = procrustes(x, reference)
    assert rotation.shape == (d, d) and rotation.dtype == np.float64
    np.testing.assert_allclose(rotation.T @ rotation, np.eye(d), atol=1e-12)
    turn = 1e-3 * rng.standard_normal((d, d))
    for other in (np.eye(d), orthogonal(rng, d), rotation @ scipy.linalg.expm(turn - turn.T)):
        assert distance(x, rotation, reference) <= distance(x, other, reference) + 1e-9


@pytest.mark.parametrize("kept", [0, 1, 3, 9])
def test_columns_of_zeros_are_left_alone(kept):
    """As confined whitening gives them, wherever they stand: not a bit of the others leaks into them."""
    for rng in map(np.random.default_rng, range(9)):
        live, zero = np.split(rng.permutation(9), [kept])
        x, reference = np.zeros((2, 40, 9), np.float32)
        x[:, live] = rng.standard_normal((40, kept))
        reference[:, live] = x[:, live] @ orthogonal(rng, kept) if kept else 0
        rotation = procrustes(x, reference)
        np.testing.assert_allclose(x @ rotation, reference, atol=1e-6)
        np.testing.assert_array_equal(rotation[zero], np.eye(9)[zero])
        np.testing.assert_array_equal(rotation[:, zero], np.eye(9)[:, zero])


def test_what_the_rows_leave_open_moves_as_little_as_it_can():
    """One row in four dimensions: a turn in the plane of it and its image; the two directions beside stay."""
    x, reference = np.array([[1.0, 0, 0, 0]]), np.array([[0.6, 0.8, 0, 0]])
    expected = np.eye(4)
    expected[:2, :2] = [[0.6, 0.8], [-0.8, 0.6]]
    np.testing.assert_allclose(procrustes(x, reference), expected, atol=1e-12)
    basis = orthogonal(np.random.default_rng(3), 4)  # the same in another basis
    found = procrustes(x @ basis, reference @ basis)
    np.testing.assert_allclose(found, basis.T @ expected @ basis, atol=1e-12)


def test_equal_rows_need_no_rotation():
    x = RNG.standard_normal((300, 12)).astype(np.float32)
    np.testing.assert_allclose(procrustes(x, x), np.eye(12), atol=1e-12)
    few = RNG.standard_normal((5, 12))
    np.testing.assert_allclose(procrustes(few, few), np.eye(12), atol=1e-12)
    assert (procrustes(np.zeros((5, 3)), np.zeros((5, 3))) == np.eye(3)).all()
    assert (procrustes(np.zeros((0, 3)), np.zeros((0, 3))) == np.eye(3)).all()


@pytest.mark.parametrize("scale", [1e-30, 1, 1e30])
def test_scale_does_not_matter(scale):
    x, reference = RNG.standard_normal((2, 60, 4))
    found = procrustes((scale * x).astype(np.float32), reference)
    np.testing.assert_allclose(found, scipy.linalg.orthogonal_procrustes(x, reference)[0], atol=1e-5)


@pytest.mark.parametrize("wrong", [np.ones((3, 2)), np.ones((4, 3)), np.ones(3), np.full((4, 2), np.nan),
                                   np.array([[1, np.inf], [1, 1], [1, -np.inf], [0, 0]])])  # fmt: skip
def test_wrong_arrays(wrong):
    for arguments in ((wrong, np.ones((4, 2))), (np.ones((4, 2)), wrong)):
        with pytest.raises(ValueError, match="`x` and `reference` must be"):
            procrustes(*arguments)


SCRIPT = """
import hashlib, numpy as np
from cleora_jax.vectors import procrustes, align, Embedding
from cleora_jax.graph.vocab import Vocab
x, y = np.random.default_rng(0).standard_normal((2, 4000, 300)).astype(np.float32)
vocab = Vocab.of([str(i) for i in range(len(x))])
turned = align(Embedding(x, vocab), Embedding(y, vocab)).vectors
print(hashlib.sha256(procrustes(x, y).tobytes() + turned.tobytes()).hexdigest())
"""


def test_bits_do_not_depend_on_threads():
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs 2 processor cores")
    environments = [{**os.environ, "OPENBLAS_NUM_THREADS": count} for count in "12"]
    runs = [subprocess.run([sys.executable, "-c", SCRIPT], env=each, check=True, capture_output=True).stdout
            for each in environments]  # fmt: skip
    assert runs[0] == runs[1] and len(runs[0]) == 2 * hashlib.sha256().digest_size + 1


# --- embeddings ---


def named(vectors, ids=None, column="entity"):
    return Embedding(vectors, Vocab.of(ids or [f"e{i}" for i in range(len(vectors))], column), {"seed": 3})


def test_recovers_a_rotated_embedding():
    x = RNG.standard_normal((200, 16)).astype(np.float32)
    x[::7] = 0
    found = align(named(x @ orthogonal(RNG, 16).astype(np.float32)), named(x))
    np.testing.assert_allclose(found.vectors, x, atol=1e-5)
    assert not found.vectors[::7].any()
    assert (found.vectors.dtype, found.settings) == (np.float32, {"seed": 3, "aligned_on": 200 - 29})


def test_entities_are_matched_by_column_and_id():
    """Those that the reference lacks turn along; the order and the vocabulary stay."""
    x, turn = RNG.standard_normal((12, 4)).astype(np.float32), orthogonal(RNG, 4)
    codes = np.arange(12, dtype=np.uint8) % 2
    vocab = Vocab(pa.array([str(i // 2) for i in range(12)], pa.large_string()), ("user", "item"), codes)
    order = RNG.permutation(12)[:8]
    swapped = Vocab(vocab.ids.take(pa.array(order)), ("item", "user"), 1 - codes[order])
    found = align(Embedding(x @ turn, vocab), Embedding(x[order], swapped))
    np.testing.assert_allclose(found.vectors, x, atol=1e-5)
    assert found.vocab == vocab and found.settings["aligned_on"] == 8


def grown(extra):
    """A community graph with or without one more edge."""
    graph = nx.planted_partition_graph(12, 50, 0.25, 0.01, seed=1)
    edges = np.array(graph.edges())
    return from_edges(*np.concatenate([edges, [extra]] if extra else [edges]).T, num_entities=600)


def test_two_runs_with_one_added_edge():
    """The same entities are apart by sign and rotation; aligned they agree, also those that had no part in it."""
    method = Cleora(dim=11, num_iterations=30)
    before, after = embed(grown(None), method), embed(grown((7, 300)), method)
    raw = cosines(before.vectors.astype(float), after.vectors.astype(float))
    found = cosines(before.vectors.astype(float), align(after, before).vectors.astype(float))
    assert raw.min() < 0
    assert found.min() > 0.99
    half = before.vocab.take(np.arange(300))
    found = align(after, Embedding(before.vectors[:300], half)).vectors
    assert cosines(before.vectors.astype(float), found.astype(float)).min() > 0.99
    same = align(before, before)
    np.testing.assert_allclose(same.vectors, before.vectors, atol=1e-6)
    assert same.trace is before.trace


def test_what_cannot_be_aligned():
    a = named(np.ones((2, 3), np.float32))
    for other, message in [
        (named(np.ones((2, 4), np.float32)), "one dimension, got 3 and 4"),
        (named(np.ones((2, 3), np.float32), ["x", "y"]), "entity in common"),
        (named(np.ones((2, 3), np.float32), column="node"), "columns: 'entity' and 'node'"),
        (named(np.zeros((2, 3), np.float32)), "a vector in both"),
    ]:
        with pytest.raises(ValueError, match=message):
            align(a, other)
