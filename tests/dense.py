"""The definitions of SEMANTICS §2–§4 in dense float64 NumPy, written for clarity: the oracle of the engine."""

from __future__ import annotations

import numpy as np

from cleora_jax.graph import Graph
from tests import oracles


def incidence(side, num_entities: int) -> np.ndarray:
    """H: how often entity i stands in hyperedge e, [n, E]."""
    h = np.zeros((num_entities, len(side)))
    for edge in range(len(side)):
        for member in side.member[side.offset[edge] : side.offset[edge + 1]]:
            h[member, edge] += 1
    return h


def counts(graph: Graph) -> np.ndarray:
    """W, relations added."""
    n = graph.num_entities
    total = np.zeros((n, n))
    for relation in graph.relations:
        if relation.counts is not None:
            total += relation.counts.toarray()
            continue
        a, b = incidence(relation.left, n), incidence(relation.right, n)
        product = oracles.counts(a, weights(relation), b)
        total += product if relation.reflexive else product + product.T
    return total


def weights(relation) -> np.ndarray:
    """w_e."""
    return np.ones(len(relation.left)) if relation.weight is None else relation.weight.astype(float)


def ordered_counts(graph: Graph) -> np.ndarray:
    """W of directed propagation, relations added."""
    n = graph.num_entities
    total = np.zeros((n, n))
    for relation in graph.relations:
        if relation.counts is not None:
            total += relation.counts.toarray()
        elif relation.reflexive:
            total += oracles.ordered(members(relation.left), weights(relation), n)
        else:
            for left, right, weight in zip(
                members(relation.left), members(relation.right), weights(relation), strict=True
            ):
                for i in left:
                    for j in right:
                        total[i, j] += weight / (len(left) * len(right))
    return total


def members(side) -> list[np.ndarray]:
    """The entities of each hyperedge."""
    return np.split(side.member, side.offset[1:-1])


def markov(graph: Graph, propagation: str) -> np.ndarray:
    """The Markov matrix, dense."""
    if propagation in ("left", "symmetric"):
        return getattr(oracles, propagation)(counts(graph))
    w = ordered_counts(graph)
    w = w.T if propagation == "directed-in" else w
    sinks = (w.sum(1) == 0) & ~graph.isolated
    return oracles.left(w + np.diag(sinks.astype(float)))


def normalize(x: np.ndarray, normalization: str) -> np.ndarray:
    """Rows to unit length; zero rows stay zero."""
    if normalization == "none":
        return x
    size = np.abs(x).sum(1) if normalization == "l1" else np.sqrt((x**2).sum(1))
    return np.divide(x, size[:, None], out=np.zeros_like(x), where=size[:, None] > 0)


def whitening(rows: np.ndarray, rank: int, alpha: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean and map of the PCA whitening of some rows, on at most `rank` directions that are not null; signs fixed."""
    mean = rows.mean(0)
    cov = (rows - mean).T @ (rows - mean) / (len(rows) - 1)
    values, vectors = np.linalg.eigh(cov)
    values, vectors = values[::-1], vectors[:, ::-1]
    vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(0), np.arange(len(values))])
    kept = (values > len(values) * np.finfo(np.float32).eps * values[0]) & (np.arange(len(values)) < rank)
    return mean, vectors * np.where(kept, np.where(kept, values, 1) ** (-alpha / 2), 0)


def whiten(x: np.ndarray, alive: np.ndarray, rank: int, alpha: float) -> np.ndarray:
    """The whitening of the rows that are alive."""
    mean, matrix = whitening(x[alive], rank, alpha)
    out = np.zeros_like(x)
    out[alive] = (x[alive] - mean) @ matrix
    return out


def attention(matrix: np.ndarray, x: np.ndarray, temperature: float) -> np.ndarray:
    """A softmax over neighbours of cosines over T, times the matrix, rows scaled back to their sums."""
    unit = normalize(x, "l2")
    out = np.zeros_like(matrix)
    for i in range(len(matrix)):
        near = np.flatnonzero(matrix[i])
        if len(near):
            softmax = np.exp(unit[near] @ unit[i] / temperature)
            weight = softmax / softmax.sum() * matrix[i, near]
            out[i, near] = weight / weight.sum() * matrix[i].sum()
    return out


def cleora(
    matrix: np.ndarray, start: np.ndarray, *, steps: int, normalization: str = "l2", residual: float = 0.0,
    whitens=lambda step: True, rank: int, alpha: float = 1.0, temperature: float | None = None,
) -> np.ndarray:  # fmt: skip
    """The loop, float64."""
    alive = matrix.sum(1) > 0
    x = start * alive[:, None]
    for step in range(1, steps + 1):
        weights = matrix if temperature is None or step == 1 else attention(matrix, x, temperature)
        x = normalize((1 - residual) * (weights @ x) + residual * x, normalization)
        if whitens(step):
            x = whiten(x, alive, rank, alpha)
    return x


def gram_error(a: np.ndarray, b: np.ndarray) -> float:
    """Relative Frobenius distance of Gram matrices: blind to rotation, not to scale."""
    left, right = a.astype(float) @ a.T.astype(float), b @ b.T
    return float(np.linalg.norm(left - right) / np.linalg.norm(right))


def path(graph: Graph, steps: list[str]) -> np.ndarray:
    """The product of one-way Markov steps along relations ("~" reversed), rows scaled to sum to 1 where they can."""
    total = np.eye(graph.num_entities)
    for step in steps:
        w = ordered_counts(graph.relation(step.removeprefix("~")))
        total = total @ oracles.left(w.T if step.startswith("~") else w)
    return oracles.left(total)
