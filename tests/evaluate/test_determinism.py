"""Scores do not depend on the number of threads."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

import cleora_jax as cj
from cleora_jax.evaluate import LinkProtocol, NodeProtocol, classify_nodes, predict_edges, silhouette, split_edges

RNG = np.random.default_rng(0)


def test_one_and_two_threads_give_the_same_bits():
    codes = RNG.integers(0, 6, 3000)
    vectors = RNG.standard_normal((3000, 96)) + np.eye(96)[codes]
    split = split_edges(cj.from_edges(*RNG.integers(0, 3000, (2, 9000)), num_entities=3000))

    def scores() -> tuple:
        kinds = ("multinomial", "one-vs-rest")
        nodes = [classify_nodes(vectors, codes, NodeProtocol((0.5,), 1, kind)).as_dict()["values"] for kind in kinds]
        links = predict_edges(split, vectors, LinkProtocol(ranked=300, candidates=200)).rows
        return nodes, links, silhouette(vectors[:1500], codes[:1500])

    with threadpool_limits(1):
        one = scores()
    with threadpool_limits(2):
        assert scores() == one
