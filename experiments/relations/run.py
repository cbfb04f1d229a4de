"""What do learned weights of relations buy? FB15k-237: 237 relations added up as they are, or with weights from pairs.

The joint walk D⁻¹ Σ_r w_r W_r is differentiable in w. 85% of the training triples make the graph, 15% are pairs to fit
w to; the validation triples choose depth and epoch, the test triples are reported. Negatives replace the tail by any
entity and are in no triple of any part.

python -m experiments.relations.run            # about ten minutes on 2 cores; needs the real data sets
python -m experiments.relations.run --smoke    # a few triples that are made up, in seconds
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from sklearn.metrics import roc_auc_score

import cleora_jax as cj
from experiments.record import arguments, table, write


@dataclass(frozen=True)
class Config:
    """All settings."""

    dim: int = 64
    depths: tuple[int, ...] = (5, 8, 12)  # of which the validation triples choose one, weights equal
    rate: float = 0.1
    epochs: int = 40
    sharpness: float = 10.0
    seeds: tuple[int, ...] = (0, 1, 2)


def main() -> None:
    """One JSON line per seed and way."""
    args = arguments(__file__, __doc__)
    config = Config(dim=4, epochs=2, seeds=(0,)) if args.smoke else Config()
    parts = made_up() if args.smoke else [table("fb15k-237", f"{part}.tsv.gz") for part in ("train", "valid", "test")]
    write(args.output, (line for seed in config.seeds for line in compare(parts, seed, config)))


def made_up() -> list[np.ndarray]:
    """Triples of two relations, one of which says nothing of the pairs."""
    rng = np.random.default_rng(0)
    rows = [(f"e{i % 30}", f"r{i % 2}", f"e{rng.integers(0, 30) if i % 2 else (i + 4) % 30}") for i in range(90)]
    return [np.array(rows[:60]), np.array(rows[60:75]), np.array(rows[75:])]


def pairs_of(graph: cj.Graph, triples: np.ndarray, known: set[tuple[str, str]], rng: np.random.Generator) -> Any:
    """Rows of heads and tails int[m, 2] of triples whose ends are in the graph, then as many false ones; labels."""
    ids = graph.vocab.ids.to_pylist()
    row = {entity: at for at, entity in enumerate(ids)}
    true = [(row[h], row[t]) for h, _, t in triples.tolist() if h in row and t in row and h != t]
    false = []
    for head, _ in true:
        tail = int(rng.integers(0, len(ids)))
        while head == tail or (ids[head], ids[tail]) in known:
            tail = int(rng.integers(0, len(ids)))
        false.append((head, tail))
    return np.array(true + false), np.repeat([1, 0], len(true))


def cosines(vectors: jax.Array, pairs: jax.Array) -> jax.Array:
    """Of both ends of each pair."""
    a, b = vectors[pairs[:, 0]], vectors[pairs[:, 1]]
    return (a * b).sum(1) / jnp.sqrt(jnp.maximum((a * a).sum(1) * (b * b).sum(1), 1e-20))


def compare(parts: list[np.ndarray], seed: int, config: Config) -> Iterator[dict[str, Any]]:
    """Equal and learned weights on one split."""
    rng = np.random.default_rng(seed)
    train, valid, test = parts
    train = train[rng.permutation(len(train))]
    cut = int(0.85 * len(train))
    graph = cj.from_triples(*train[:cut].T)
    known = {(h, t) for part in parts for h, _, t in part.tolist()}
    fit, choose, report = (pairs_of(graph, part, known, rng) for part in (train[cut:], valid, test))
    mixture = cj.mixture(graph)
    start = jax.random.normal(jax.random.key(seed), (graph.num_entities, config.dim))

    @partial(jax.jit, static_argnames="depth")
    def vectors(raw: jax.Array, mixture: cj.Mixture, start: jax.Array, depth: int) -> jax.Array:
        return cj.propagate(cj.mix(mixture, jax.nn.softplus(raw)), start, num_iterations=depth)

    def loss(raw: jax.Array, mixture: cj.Mixture, start: jax.Array, pairs: jax.Array, labels: jax.Array) -> jax.Array:
        scores = config.sharpness * (cosines(vectors(raw, mixture, start, depth), pairs) - 0.5)
        return optax.sigmoid_binary_cross_entropy(scores, labels).mean()

    def auc(raw: jax.Array, part: Any, depth: int) -> float:
        return float(roc_auc_score(part[1], np.asarray(cosines(vectors(raw, mixture, start, depth), part[0]))))

    equal = jnp.full(len(graph.relations), jnp.log(jnp.expm1(1.0)))  # softplus of it is 1
    depth = max(config.depths, key=lambda steps: auc(equal, choose, steps))
    optimizer, raw, began = optax.adam(config.rate), equal, time.perf_counter()
    state, gradient = optimizer.init(raw), jax.jit(jax.grad(loss))
    best = (auc(raw, choose, depth), raw, 0)
    for epoch in range(1, config.epochs + 1):
        update, state = optimizer.update(gradient(raw, mixture, start, *fit), state)
        raw = optax.apply_updates(raw, update)
        if epoch % 2 == 0:
            best = max(best, (auc(raw, choose, depth), raw, epoch), key=lambda one: one[0])
    seconds = time.perf_counter() - began
    learned = np.asarray(jax.nn.softplus(best[1]))
    order = np.argsort(-learned)
    names = [relation.name for relation in graph.relations]
    for way, weights in (("equal", equal), ("learned", best[1])):
        yield {
            "seed": seed, "way": way, "auc": auc(weights, report, depth), "auc_choose": auc(weights, choose, depth),
            "depth": depth,
            "entities": graph.num_entities, "relations": len(names), "config": asdict(config),
            **({} if way == "equal" else {
                "epoch": best[2], "seconds": round(seconds, 1),
                "heaviest": [(names[at], round(float(learned[at]), 2)) for at in order[:5]],
                "lightest": [(names[at], round(float(learned[at]), 2)) for at in order[-5:]],
            }),
        }  # fmt: skip


if __name__ == "__main__":
    main()
