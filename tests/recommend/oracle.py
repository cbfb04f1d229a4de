"""The same formulas on dense float64 arrays, written to be read."""

from __future__ import annotations

import numpy as np


def power(degree: np.ndarray, exponent: float) -> np.ndarray:
    return np.where(degree > 0, np.where(degree > 0, degree, 1) ** exponent, 0)


def symmetric(taken: np.ndarray) -> np.ndarray:
    return power(taken.sum(1), -0.5)[:, None] * taken * power(taken.sum(0), -0.5)


def ideal(taken: np.ndarray, rank: int) -> np.ndarray:
    """D_I^−½ V Vᵀ D_I^½."""
    degree = taken.sum(0)
    right = np.linalg.svd(symmetric(taken))[2][:rank].T
    return power(degree, -0.5)[:, None] * (right @ right.T) * power(degree, 0.5)


def gf_cf(taken: np.ndarray, block: np.ndarray, rank: int, weight: float) -> np.ndarray:
    smooth = symmetric(taken)
    return block @ (smooth.T @ smooth) + weight * block @ ideal(taken, rank)


def bspm(taken, block, rank, weight, time, degree, steps, merge, average) -> np.ndarray:
    """`degree` of the Taylor polynomial of exp(−h P) that a step multiplies by: 1 for Euler, 4 for Runge and Kutta."""
    smooth = symmetric(taken)
    walk = smooth.T @ smooth
    blurred, low = block @ walk, weight * block @ ideal(taken, rank)
    start = blurred + low if merge == "early" else blurred
    step = term = np.eye(len(walk))
    for j in range(1, degree + 1):
        term = term @ walk * (-time / steps / j)
        step = step + term
    found = start @ np.linalg.matrix_power(step, steps)
    found = (start + found) / 2 if average else found
    return found + low if merge == "late" else found


def graph_filter(taken, block, users, items, sharpen, rank, weight, flatten) -> np.ndarray:
    degree = taken.sum(0)
    walk = power(taken.sum(1), -users)[:, None] * taken * power(degree, -items)
    _, values, right = np.linalg.svd(walk)
    square = walk.T @ walk / values[0] ** 2
    right, values = right[:rank].T, values[:rank] / values[0]
    low = power(degree, -items)[:, None] * (right * values**-flatten @ right.T) * power(degree, 1 - items)
    return block @ (square - sharpen * square @ square + weight * low)


def ease(taken: np.ndarray, block: np.ndarray, regularisation: float) -> np.ndarray:
    """By least squares, item by item, as the model is defined; not by its inverse."""
    items = taken.shape[1]
    weights = np.zeros((items, items))
    for item in range(items):
        others = np.delete(np.arange(items), item)
        some = taken[:, others]
        left = some.T @ some + regularisation * np.eye(items - 1)
        weights[others, item] = np.linalg.solve(left, some.T @ taken[:, item])
    return block @ weights


def nearest(similar: np.ndarray, count: int) -> np.ndarray:
    """Each row with only its `count` largest entries above 0, the earlier among equals."""
    kept = np.zeros_like(similar)
    for row, values in enumerate(similar):
        for column in sorted(range(len(values)), key=lambda at: (-values[at], at))[:count]:
            kept[row, column] = max(values[column], 0)
    return kept


def item_knn(taken: np.ndarray, block: np.ndarray, count: int, shrink: float) -> np.ndarray:
    norm = np.sqrt((taken**2).sum(0))
    similar = (taken.T @ taken) / (np.outer(norm, norm) + shrink)
    np.fill_diagonal(similar, 0)
    return block @ nearest(similar, count).T


def emde(taken, block, codes, width, epsilon, prior, mass) -> np.ndarray:
    """Loops over users, items and depths."""
    popular = taken.sum(0)

    def shares(row: np.ndarray) -> np.ndarray:
        """float64[depth, width], each depth of sum 1."""
        found = np.zeros((codes.shape[1], width))
        for item, depth in np.ndindex(codes.shape):
            found[depth, codes[item, depth]] += row[item]
        return found / found.sum(1, keepdims=True)

    everybody, scores = shares(popular), np.zeros(block.shape)
    for user, row in enumerate(block):
        own = shares(row)
        for item in range(len(codes)):
            score = prior * np.log(popular[item] / popular.sum())
            for depth, part in enumerate(codes[item]):
                score += np.log(epsilon + own[depth, part]) - mass * np.log(epsilon + everybody[depth, part])
            scores[user, item] = score / codes.shape[1]
    return scores


def ranking(scores: np.ndarray, seen: set[int], k: int) -> list[int]:
    """The best items of one user by sorting them all."""
    return [item for item in sorted(range(len(scores)), key=lambda at: (-scores[at], at)) if item not in seen][:k]


def recall_and_ndcg(lists: list[list[int]], truth: list[set[int]], k: int) -> tuple[float, float]:
    recalls, gains = [], []
    for found, wanted in zip(lists, truth, strict=True):
        if wanted:
            recalls.append(len(wanted & set(found[:k])) / len(wanted))
            gain = sum(1 / np.log2(place + 2) for place, item in enumerate(found[:k]) if item in wanted)
            gains.append(gain / sum(1 / np.log2(place + 2) for place in range(min(k, len(wanted)))))
    return float(np.mean(recalls)), float(np.mean(gains))
