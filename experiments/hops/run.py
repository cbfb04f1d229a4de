"""What do learned hop weights buy? Held-out links: the best single depth, the mean of all depths, learned weights.

Vectors are Σ_t a_t x_t, where x_t follow t unwhitened steps. Edges are split into a graph (70%), pairs to fit a to
(10%), pairs to choose by (5%: depth, learning rate, when to stop) and pairs to report (15%), each with as many pairs
that are no edges of the whole graph. Test pairs choose nothing.

python -m experiments.hops.run            # about five minutes on 2 cores; needs the real data sets
python -m experiments.hops.run --smoke    # the karate club, in seconds
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import jax
import jax.numpy as jnp
import networkx as nx
import numpy as np
import optax
from sklearn.metrics import roc_auc_score

import cleora_jax as cj
from experiments.record import arguments, table, write


@dataclass(frozen=True)
class Config:
    """All settings."""

    sources: tuple[str, ...] = ("ca-grqc", "ca-hepth", "email-eu-core")
    hops: int = 10
    dim: int = 64
    learning_rates: tuple[float, ...] = (0.01, 0.05)
    epochs: int = 100
    sharpness: float = 10.0  # of the logistic loss on cosines
    seeds: tuple[int, ...] = (0, 1, 2)


@dataclass(frozen=True)
class Split:
    """The graph of the training edges, and pairs int[m, 2] with labels, by what they are for."""

    graph: cj.Graph
    pairs: dict[str, tuple[np.ndarray, np.ndarray]]


def main() -> None:
    """One JSON line per source, seed and way."""
    args = arguments(__file__, __doc__)
    config = Config(("karate",), 4, 8, (0.05,), 10, seeds=(0,)) if args.smoke else Config()
    write(
        args.output, (line for name in config.sources for seed in config.seeds for line in compare(name, seed, config))
    )


def split(name: str, seed: int) -> Split:
    """Undirected edges, each once, in four parts; non-edges of the whole graph."""
    edges = (
        np.array(nx.karate_club_graph().edges) if name == "karate" else table(name, "edges.tsv.gz")[:, :2].astype(int)
    )
    edges = np.unique(np.sort(edges, axis=1), axis=0)
    edges = edges[edges[:, 0] != edges[:, 1]]
    n, rng = int(edges.max()) + 1, np.random.default_rng(seed)
    order = rng.permutation(len(edges))
    bounds = (np.array([0.7, 0.8, 0.85]) * len(edges)).astype(int)
    train, *parts = np.split(edges[order], bounds)
    known = set((edges[:, 0] * n + edges[:, 1]).tolist())
    pairs = {}
    for part, positive in zip(("fit", "choose", "test"), parts, strict=True):
        negative: list[tuple[int, int]] = []
        while len(negative) < len(positive):
            a, b = sorted(rng.integers(0, n, 2).tolist())
            if a != b and a * n + b not in known:
                negative.append((a, b))
        labels = np.repeat([1, 0], [len(positive), len(negative)])
        pairs[part] = np.concatenate([positive, np.array(negative)]), labels
    return Split(cj.from_edges(*train.T, num_entities=n), pairs)


def cosines(vectors: jax.Array, pairs: jax.Array) -> jax.Array:
    """Of both ends of each pair; 0 where one is the zero vector."""
    a, b = vectors[pairs[:, 0]], vectors[pairs[:, 1]]
    return (a * b).sum(1) / jnp.sqrt(jnp.maximum((a * a).sum(1) * (b * b).sum(1), 1e-20))


@jax.jit
def loss(hops: jax.Array, op: cj.Operator, start: jax.Array, pairs: jax.Array, labels: jax.Array, sharp: float) -> Any:
    """Logistic, on cosines; and the vectors."""
    vectors = cj.propagate(op, start, hop_weights=hops)
    scores = sharp * (cosines(vectors, pairs) - 0.5)
    return optax.sigmoid_binary_cross_entropy(scores, labels).mean(), vectors


def compare(name: str, seed: int, config: Config) -> Iterator[dict[str, Any]]:
    """All ways on one split."""
    data = split(name, seed)
    op = cj.markov(data.graph)
    first = cj.Cleora(dim=config.dim, seed=seed)
    start = jax.random.normal(jax.random.key(seed), (data.graph.num_entities, first.dim))
    depths = np.eye(config.hops + 1, dtype=np.float32)

    def auc(hops: np.ndarray, part: str) -> float:
        vectors = cj.propagate(op, start, hop_weights=jnp.asarray(hops, jnp.float32))
        return float(roc_auc_score(data.pairs[part][1], np.asarray(cosines(vectors, data.pairs[part][0]))))

    best = max(range(1, config.hops + 1), key=lambda depth: auc(depths[depth], "choose"))
    uniform = np.full(config.hops + 1, 1 / (config.hops + 1))
    began = time.perf_counter()
    learned, epochs = learn(op, start, data, uniform, auc, config)
    seconds = time.perf_counter() - began
    for way, hops in (("best depth", depths[best]), ("all depths", uniform), ("learned", learned)):
        yield {
            "source": name, "seed": seed, "way": way, "auc": auc(hops, "test"), "auc_choose": auc(hops, "choose"),
            "hops": np.round(hops, 3).tolist(), "epochs": epochs if way == "learned" else None,
            "seconds": round(seconds, 2) if way == "learned" else None, "config": asdict(config),
        }  # fmt: skip


def learn(
    op: cj.Operator, start: jax.Array, data: Split, hops: np.ndarray, auc: Any, config: Config
) -> tuple[np.ndarray, int]:
    """The weights, of all learning rates and epochs, that are best on the pairs to choose by; and their epoch."""
    pairs, labels = data.pairs["fit"]
    gradient = jax.jit(jax.grad(loss, has_aux=True))
    best = (auc(hops, "choose"), hops, 0)
    for rate in config.learning_rates:
        optimizer, weights = optax.adam(rate), jnp.asarray(hops, jnp.float32)
        state = optimizer.init(weights)
        for epoch in range(1, config.epochs + 1):
            update, state = optimizer.update(gradient(weights, op, start, pairs, labels, config.sharpness)[0], state)
            weights = optax.apply_updates(weights, update)
            if epoch % 10 == 0:
                best = max(
                    best, (auc(np.asarray(weights), "choose"), np.asarray(weights), epoch), key=lambda one: one[0]
                )
    return best[1], best[2]


if __name__ == "__main__":
    main()
