"""How well vectors tell labels, by the protocol of DeepWalk and its successors."""

from __future__ import annotations

import networkx as nx
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from experiments.record import table


def labels_of(name: str, nodes: int) -> np.ndarray:
    """bool[nodes, classes]."""
    if name == "karate":
        clubs = nx.get_node_attributes(nx.karate_club_graph(), "club")
        rows = np.array([[str(node), club] for node, club in clubs.items()])
    else:
        rows = table(name, "labels.tsv.gz")
    classes, column = np.unique(rows[:, 1], return_inverse=True)
    truth = np.zeros((nodes, len(classes)), bool)
    truth[rows[:, 0].astype(int), column] = True
    return truth


def micro_f1(vectors: np.ndarray, truth: np.ndarray, share: float, splits: int) -> float:
    """One-vs-rest logistic regression (C = 1); a node with k labels is given the k likeliest. Mean over splits."""
    known = truth.any(axis=1)
    return float(np.mean([one_split(vectors[known], truth[known], share, seed) for seed in range(splits)]))


def one_split(x: np.ndarray, truth: np.ndarray, share: float, seed: int) -> float:
    """Micro-F1 on what is not trained on."""
    train, test = np.split(np.random.default_rng(seed).permutation(len(x)), [int(share * len(x))])
    score = np.full((len(test), truth.shape[1]), -1.0)
    for label in np.flatnonzero(truth[train].any(axis=0) & ~truth[train].all(axis=0)):
        model = LogisticRegression(solver="liblinear").fit(x[train], truth[train, label])
        score[:, label] = model.predict_proba(x[test])[:, 1]
    rank = (-score).argsort(axis=1).argsort(axis=1)
    predicted = rank < truth[test].sum(axis=1)[:, None]
    return float(f1_score(truth[test], predicted, average="micro", zero_division=0))
