"""Methods of the literature in dense float64 NumPy, from their formulas: the oracles of `cleora_jax.baselines`.

All take A, float64[n, n], of a graph without isolated entities.
"""

from __future__ import annotations

import numpy as np
import scipy.linalg
from scipy.special import iv

import cleora_jax as cj


def graph_and_matrix(
    count: int, edges: int, seed: int = 0, *, weighted: bool = False, directed: bool = False, hubs: float = 0.0
) -> tuple[cj.Graph, np.ndarray]:
    """A random graph in which every entity has an edge (a ring holds it together), and its A, built from the edges."""
    rng = np.random.default_rng(seed)
    share = np.arange(1, count + 1.0) ** -hubs
    pairs = rng.choice(count, (edges, 2), p=share / share.sum())
    pairs = np.concatenate([pairs, np.stack([np.arange(count), (np.arange(count) + 1) % count], 1)])
    weight = rng.integers(1, 5, len(pairs)).astype(float) if weighted else np.ones(len(pairs))
    graph = cj.from_edges(*pairs.T, weight, num_entities=count)
    matrix = np.zeros((count, count))
    for (i, j), w in zip(pairs, weight, strict=True):
        if i != j:
            matrix[i, j] += w
            matrix[j, i] += 0 if directed else w
    return graph, matrix


def communities(count: int, blocks: int, inside: float = 0.5, across: float = 0.02) -> tuple[cj.Graph, np.ndarray]:
    """A graph of dense blocks, each of another density, so that leading singular values are apart from the rest."""
    rng = np.random.default_rng(0)
    block = np.arange(count) % blocks
    dense = inside * (1 - 0.5 * block / blocks)
    a = np.triu(rng.random((count, count)) < np.where(block[:, None] == block, dense, across), 1)
    a[np.arange(count - 1), np.arange(1, count)] = True
    return cj.from_edges(*np.nonzero(a), num_entities=count), (a | a.T).astype(float)


def rown(x: np.ndarray) -> np.ndarray:
    """Rows to unit length."""
    size = np.linalg.norm(x, axis=1, keepdims=True)
    return np.divide(x, size, out=np.zeros_like(x), where=size > 0)


def transition(a: np.ndarray) -> np.ndarray:
    """P = D⁻¹ A."""
    degree = a.sum(1, keepdims=True)
    return np.divide(a, degree, out=np.zeros_like(a), where=degree > 0)


def root_svd(matrix: np.ndarray, dim: int) -> np.ndarray:
    """U √Σ."""
    left, values, _ = np.linalg.svd(matrix)
    assert dim >= len(values) or values[dim] < 0.999 * values[dim - 1], "no gap: the oracle is not unique"
    return left[:, :dim] * np.sqrt(values[:dim])


# --- ProNE ---


def prone_matrix(a: np.ndarray) -> np.ndarray:
    """F_ij = ln p_ij − ln c_j on the edges."""
    p = transition(a)
    mass = p.sum(0) ** 0.75
    c = mass / mass.sum()
    f = np.zeros_like(a)
    for i, j in zip(*np.nonzero(a), strict=True):
        f[i, j] = np.log(p[i, j]) - np.log(c[j])
    return f


def laplacian(a: np.ndarray) -> np.ndarray:
    """I − rownormalise(I + A)."""
    eye = np.eye(len(a))
    return eye - transition(a + eye)


def chebyshev(a: np.ndarray, start: np.ndarray, num_terms: int, mu: float, theta: float) -> np.ndarray:
    """Ã (E₀ − C), C the truncated series."""
    m = laplacian(a) - mu * np.eye(len(a))
    x = m @ m / 2 - np.eye(len(a))
    terms = [np.eye(len(a)), x]
    while len(terms) < num_terms:
        terms.append(2 * x @ terms[-1] - terms[-2])
    series = iv(0, theta) * terms[0]
    for i in range(1, num_terms):
        series = series + 2 * (-1) ** i * iv(i, theta) * terms[i]
    return (a + np.eye(len(a))) @ (start - series @ start)


def kernel(a: np.ndarray, start: np.ndarray, mu: float, theta: float) -> np.ndarray:
    """Ã (E₀ − e^θ exp(−½ θ (L − μ)²) E₀), which the series tends to."""
    m = laplacian(a) - mu * np.eye(len(a))
    return (a + np.eye(len(a))) @ (start - np.exp(theta) * scipy.linalg.expm(-theta / 2 * m @ m) @ start)


# --- projections ---


def powers(s: np.ndarray, start: np.ndarray, weights, rows: bool = False) -> np.ndarray:
    """Σ a_i S^i R; with `rows`, rows of each power (but the first) at unit length."""
    total = weights[0] * start
    for step, weight in enumerate(weights[1:], 1):
        power = np.linalg.matrix_power(s, step) @ start
        total = total + weight * (rown(power) if rows else power)
    return total


def standard(x: np.ndarray) -> np.ndarray:
    """Columns to mean 0 and variance 1."""
    return (x - x.mean(0)) / x.std(0)


# --- walks ---


def netmf_matrix(a: np.ndarray, window: int, negatives: float) -> np.ndarray:
    """M = vol / (b T) Σ P^r D⁻¹."""
    p = transition(a)
    total = sum(np.linalg.matrix_power(p, r) for r in range(1, window + 1))
    return a.sum() / (negatives * window) * total / a.sum(1)


def low_rank_matrix(a: np.ndarray, window: int, negatives: float, rank: int) -> np.ndarray:
    """(vol / b) D^-½ U f(Λ) Uᵀ D^-½ of the `rank` largest eigenvalues, f by its closed form."""
    root = 1 / np.sqrt(a.sum(1))
    values, vectors = np.linalg.eigh(root[:, None] * a * root)
    values, vectors = values[::-1][:rank], vectors[:, ::-1][:, :rank]
    below = np.where(values < 1 - 1e-12, values, 0)
    f = np.where(values < 1 - 1e-12, below * (1 - below**window) / (window * (1 - below)), 1)
    factor = root[:, None] * vectors * np.sqrt(np.maximum(f, 0))
    return a.sum() / negatives * factor @ factor.T


def sketchne_matrix(a: np.ndarray, window: int, negatives: float, alpha: float, rank: int) -> np.ndarray:
    """F C for any α."""
    degree = a.sum(1)
    scale = degree**-alpha
    values, u = np.linalg.eigh(scale[:, None] * a * scale)
    values, u = values[::-1][:rank], u[:, ::-1][:, :rank]
    step = u.T @ (degree[:, None] ** (2 * alpha - 1) * u) @ np.diag(values)
    series = sum(np.linalg.matrix_power(step, i) for i in range(window))
    factor = degree[:, None] ** (alpha - 1) * u
    return factor @ (a.sum() / (negatives * window) * np.diag(values) @ series) @ factor.T


def log_plus(m: np.ndarray) -> np.ndarray:
    """log max(m, 1)."""
    return np.log(np.maximum(m, 1))


def log_of_more(m: np.ndarray) -> np.ndarray:
    """log(1 + m) where m > 0, else 0."""
    return np.where(m > 0, np.log1p(np.maximum(m, 0)), 0)


def sketched(logs: np.ndarray, first: np.ndarray, second: np.ndarray, dim: int) -> np.ndarray:
    """U √Σ of a log matrix from two sketches, Ω₁ᵀ and Ω₂ᵀ."""
    q = np.linalg.qr(logs @ first.T)[0]
    back = np.linalg.pinv(second @ q)
    left, values, _ = np.linalg.svd(back @ (second @ logs @ second.T) @ back.T)
    return q @ left[:, :dim] * np.sqrt(values[:dim])


def grarep(a: np.ndarray, dims: list[int]) -> np.ndarray:
    """Steps side by side."""
    parts = []
    for step, dim in enumerate(dims, 1):
        power = np.linalg.matrix_power(transition(a), step)
        with np.errstate(divide="ignore"):
            logs = np.log(power / power.sum(0)) - np.log(1 / len(a))
        parts.append(rown(root_svd(np.maximum(logs, 0), dim)))
    return np.concatenate(parts, 1)


def katz(a: np.ndarray, beta: float) -> np.ndarray:
    """(I − β A)⁻¹ − I."""
    eye = np.eye(len(a))
    return np.linalg.inv(eye - beta * a) - eye
