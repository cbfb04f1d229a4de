"""First vectors: the hash is a good one, pycleora's is reproduced bit for bit."""

from __future__ import annotations

import jax.extend
import numpy as np
import pycleora
import pytest

from cleora_jax import InputError, embed, from_edges, from_hyperedges
from cleora_jax.cleora import Cleora
from cleora_jax.cleora.start import hashed, pycleora_vectors, start, threefry
from cleora_jax.graph.vocab import Vocab


def vectors(vocab: Vocab, dim: int, seed: int = 0) -> np.ndarray:
    return np.asarray(hashed(vocab, dim, seed))


def sequential(count: int, column: str = "node") -> Vocab:
    return Vocab.of([str(i) for i in range(count)], column)


def effective_rank(x: np.ndarray) -> float:
    share = np.linalg.svd(x, compute_uv=False)
    share = share / share.sum()
    return float(np.exp(-(share * np.log(share)).sum()))


def test_threefry_known_answer():
    """The vector published with Random123 (kat_vectors, threefry2x32, 20 rounds), and JAX's own on others."""
    zero = np.zeros(1, np.uint32)
    assert [int(word[0]) for word in threefry(zero, zero, zero)] == [0x6B200159, 0x99BA4EFE]
    for low, high, counter in np.random.default_rng(0).integers(0, 2**32, (20, 3), np.uint32):
        expected = jax.extend.random.threefry_2x32(np.array([low, high]), np.array([counter, 0], np.uint32))
        found = threefry(np.array([low]), np.array([high]), np.array([counter]))
        assert [int(word[0]) for word in found] == expected.tolist()


def test_as_good_as_random_numbers():
    x = vectors(sequential(10_000), 256)
    iid = np.random.default_rng(0).uniform(-1, 1, x.shape)
    assert x.dtype == np.float32 and x.min() >= -1 and x.max() < 1
    assert abs(effective_rank(x) / effective_rank(iid) - 1) < 0.02
    unit, other = (v[:2000] / np.linalg.norm(v[:2000], axis=1, keepdims=True) for v in (x, iid))
    off = ~np.eye(2000, dtype=bool)
    assert abs((unit @ unit.T)[off].std() / (other @ other.T)[off].std() - 1) < 0.02
    assert abs(x.mean()) < 0.002 and abs(x.std() - 3**-0.5) < 0.002


def test_seeds_are_uncorrelated():
    vocab = sequential(10_000)
    a, b = vectors(vocab, 64, 0), vectors(vocab, 64, 1)
    for shift in (0, 1, 2):
        assert abs(np.corrcoef(a[:, shift:].ravel(), b[:, : 64 - shift].ravel())[0, 1]) < 0.01


def test_pure_function_of_id_column_and_place():
    vocab = sequential(5000)
    x = vectors(vocab, 64)
    rows = np.random.default_rng(0).permutation(5000)[:1500]
    np.testing.assert_array_equal(vectors(vocab.take(rows), 64), x[rows])
    np.testing.assert_array_equal(vectors(vocab, 33), x[:, :33])
    assert not np.array_equal(vectors(sequential(5000, "item"), 64), x)


@pytest.mark.parametrize("seed", [0, 1, -3, 2**40])
def test_pycleora_bit_for_bit(seed):
    lines = ["alice żółć", "日本 a", "b 😀", "x y"]
    theirs = pycleora.SparseMatrix.from_iterator(iter(lines), "complex::reflexive::node")
    ours = Vocab.of(list(theirs.entity_ids))
    np.testing.assert_array_equal(pycleora_vectors(ours, 50, seed), theirs.initialize_deterministically(50, seed))


def test_given_vectors_are_checked():
    vocab = Vocab.of(["a", "b"])
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(3, 2\)"):
        start(vocab, 3, np.zeros((3, 2)), 0)
    with pytest.raises(InputError, match=r"nan at row 1 \('b'\), column 2"):
        start(vocab, 3, np.array([[0, 0, 0], [0, 0, np.nan]]), 0)


def test_warm_start_matches_by_id():
    graph = from_edges(["a", "b", "c"], ["b", "c", "d"])
    first = embed(graph, Cleora(dim=4, num_iterations=2, whiten="off"))
    other = from_hyperedges(["d new", "c a"])
    table = np.asarray(start(other.vocab, 4, first, 0))
    np.testing.assert_array_equal(table[other.vocab.index("a")], first["a"])
    np.testing.assert_array_equal(table[other.vocab.index("new")], vectors(other.vocab, 4)[other.vocab.index("new")])
    resumed = embed(graph, Cleora(dim=4, num_iterations=3, whiten="off"), init=first)
    whole = embed(graph, Cleora(dim=4, num_iterations=5, whiten="off"))
    np.testing.assert_allclose(resumed.vectors, whole.vectors, atol=1e-6)
