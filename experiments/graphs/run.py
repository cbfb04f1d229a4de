"""How long do statistics, samples, generators and communities take on 100,000 entities and a million edges?

python -m experiments.graphs.run            # a quarter of an hour on 2 cores, most of it networkx's
python -m experiments.graphs.run --smoke    # a thousand entities, in seconds

networkx beside ours where it has the same thing. Medians of three turns for ours; one for networkx where it takes long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np

import cleora_jax as cj
from experiments.record import arguments, timed, write

TURNS = 3


@dataclass(frozen=True)
class Size:
    """Entities, and mean degree 2 k."""

    entities: int = 100_000
    k: int = 10


def main() -> None:
    args = arguments(__file__, __doc__)
    write(args.output, lines(Size(1_000, 5) if args.smoke else Size()))


def lines(size: Size) -> Iterator[dict[str, Any]]:
    """One line for each task."""
    graph = cj.generators.barabasi_albert(size.entities, size.k)
    matrix = cj.adjacency(graph)
    other = cj.interop.to_networkx(graph)
    about = {"entities": size.entities, "edges": graph.num_hyperedges}
    for name, ours, theirs in tasks(size, graph, matrix, other):
        yield about | {
            "task": name,
            "cleora_jax": timed(ours, TURNS),
            "networkx": None if theirs is None else timed(theirs, 1),
        }


Task = tuple[str, Callable[[], Any], Callable[[], Any] | None]


def tasks(size: Size, graph: cj.Graph, matrix: Any, other: nx.Graph) -> Iterator[Task]:
    """What is timed: name, ours, networkx's."""
    n, p = size.entities, 2 * size.k / (size.entities - 1)
    made, sampled, seen = cj.generators, cj.sampling, cj.stats
    blocks = [n // 100] * 100
    yield "erdos_renyi", lambda: made.erdos_renyi(n, p), lambda: nx.fast_gnp_random_graph(n, p, seed=0)
    yield (
        "watts_strogatz",
        lambda: made.watts_strogatz(n, 2 * size.k, 0.1),
        lambda: nx.watts_strogatz_graph(n, 2 * size.k, 0.1, seed=0),
    )
    yield (
        "barabasi_albert",
        lambda: made.barabasi_albert(n, size.k),
        lambda: nx.barabasi_albert_graph(n, size.k, seed=0),
    )
    yield "planted_partition", lambda: made.planted_partition(blocks, 50 * p, p / 2), None
    yield "lfr", lambda: made.lfr(n, mean_degree=2 * size.k), None
    yield "power_law_baskets", lambda: made.power_law_baskets(n, n), None
    yield "adjacency", lambda: cj.adjacency(graph), None
    yield "connected_components", lambda: seen.connected_components(graph), lambda: list(nx.connected_components(other))
    yield "clustering", lambda: seen.clustering(graph), lambda: nx.triangles(other)
    yield "pagerank", lambda: seen.pagerank(graph), lambda: nx.pagerank(other)
    yield "core_numbers", lambda: seen.core_numbers(graph), lambda: nx.core_number(other)
    yield "diameter", lambda: seen.diameter(graph), None
    yield (
        "betweenness, 50 samples",
        lambda: seen.betweenness(graph, samples=50),
        lambda: nx.betweenness_centrality(other, k=50, seed=0),
    )
    yield "report", lambda: seen.report(graph), None
    yield "draw_entities", lambda: sampled.draw_entities(graph, n // 2), None
    yield "draw_hyperedges", lambda: sampled.draw_hyperedges(graph, graph.num_hyperedges // 2), None
    yield "k_hop, 2 hops of 1 % of the entities", lambda: sampled.k_hop(matrix, np.arange(n // 100), 2), None
    yield (
        "layers, 1,024 entities, fan-out 10, 10",
        lambda: sampled.layers(matrix, np.arange(min(1024, n)), (10, 10)),
        None,
    )
    yield "walked, 1,000 walks of 20", lambda: sampled.walked(matrix, np.arange(1000), 20), None
    yield "forest_fire, a tenth", lambda: sampled.forest_fire(matrix, n // 10), None
    yield "draw_negatives, 5 of each entity", lambda: sampled.draw_negatives(matrix, np.arange(n), 5), None
    yield "louvain", lambda: cj.community.louvain(graph), lambda: nx.community.louvain_communities(other, seed=0)
    yield "leiden", lambda: cj.community.leiden(graph), None
    yield "label_propagation", lambda: cj.community.label_propagation(graph), None


if __name__ == "__main__":
    main()
