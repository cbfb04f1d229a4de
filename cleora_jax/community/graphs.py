"""Communities by igraph: Louvain, Leiden, label propagation. Seeded; what an igraph user has seeded is left alone."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._extras import library
from cleora_jax.community.communities import Communities
from cleora_jax.graph import Graph, adjacency
from cleora_jax.graph.build import check_graph
from cleora_jax.interop.igraph import matrix_to_igraph


def louvain(graph: Graph, *, resolution: float = 1.0, weighted: bool = True, seed: int = 0) -> Communities:
    """Communities of high modularity: entities move, communities are joined to entities of a smaller graph, and again.

    All phases; igraph's `community_multilevel`.

    Args:
        graph: hyperedges count as their cliques, see `adjacency`.
        resolution: at least 0; more gives smaller communities. Default: 1.
        weighted: Default: True.
        seed: Default: 0.

    Raises:
        ValueError: a number out of range.
        ModuleNotFoundError: igraph is not installed.

    Example:
        >>> import cleora_jax as cj
        >>> graph, planted = cj.generators.planted_partition([30] * 4, 0.5, 0.01)
        >>> cj.community.louvain(graph).sizes.tolist()
        [30, 30, 30, 30]

    Reference: Blondel, Guillaume, Lambiotte and Lefebvre, Fast unfolding of communities in large networks, 2008.
    """
    check_graph(graph)
    resolution = checks.real("resolution", resolution, low=0)
    return _found(
        graph, weighted, seed, "`louvain`",
        lambda whole: whole.community_multilevel(weights="weight", resolution=resolution),
    )  # fmt: skip


def leiden(
    graph: Graph, *, resolution: float = 1.0, iterations: int = 10, weighted: bool = True, seed: int = 0
) -> Communities:  # fmt: skip
    """As `louvain`, refined in each round, so that every community is connected; usually better and as quick.

    Args:
        graph, resolution, weighted, seed: as of `louvain`.
        iterations: rounds, at least 1; it ends before where nothing gets better. Default: 10.

    Raises:
        ValueError: a number out of range.
        ModuleNotFoundError: igraph is not installed.

    Example:
        >>> import cleora_jax as cj
        >>> graph, planted = cj.generators.planted_partition([30] * 4, 0.5, 0.01)
        >>> cj.community.leiden(graph)
        Communities(4 of 120 entities, the largest 30, modularity 0.688)

    Reference: Traag, Waltman and van Eck, From Louvain to Leiden: guaranteeing well-connected communities, 2019.
    """
    check_graph(graph)
    resolution = checks.real("resolution", resolution, low=0)
    iterations = checks.integer("iterations", iterations, low=1)

    def run(whole: Any) -> Any:
        return whole.community_leiden(
            objective_function="modularity", weights="weight", resolution=resolution, n_iterations=iterations
        )

    return _found(graph, weighted, seed, "`leiden`", run)


def label_propagation(graph: Graph, *, weighted: bool = True, seed: int = 0) -> Communities:
    """Each entity takes, again and again, the community that most of its neighbours have, until none would change.

    Quick, and no resolution to choose; results differ more from seed to seed than those of `leiden`.

    Args:
        graph, weighted, seed: as of `louvain`.

    Raises:
        ModuleNotFoundError: igraph is not installed.

    Example:
        >>> import cleora_jax as cj
        >>> graph, planted = cj.generators.planted_partition([30] * 4, 0.5, 0.01)
        >>> len(cj.community.label_propagation(graph))
        4

    Reference: Raghavan, Albert and Kumara, Near linear time algorithm to detect community structures, 2007.
    """
    check_graph(graph)
    return _found(
        graph, weighted, seed, "`label_propagation`", lambda whole: whole.community_label_propagation(weights="weight")
    )


def _found(graph: Graph, weighted: bool, seed: int, purpose: str, run: Callable[[Any], Any]) -> Communities:
    matrix: sp.csr_array = adjacency(graph, weighted=checks.boolean("weighted", weighted))
    whole = matrix_to_igraph(matrix, False, purpose)
    with _seeded(checks.seed(seed)):
        membership = run(whole).membership
    return Communities.of(membership, graph.vocab, matrix)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """igraph draws from a generator of its own while this lasts, then from Python's again, which is its default."""
    igraph = library("igraph", "graph", "this")
    igraph.set_random_number_generator(random.Random(seed))
    try:
        yield
    finally:
        igraph.set_random_number_generator(random)
