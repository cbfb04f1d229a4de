"""The classics that come with the package: small, real, and written from the generators of NetworkX."""

from __future__ import annotations

from importlib.resources import files

from cleora_jax.data.dataset import Dataset
from cleora_jax.data.info import DatasetInfo
from cleora_jax.graph import from_edges, from_hyperedges, labels_of

LICENCE = "BSD-3-Clause (networkx)"
COLLECTION = "https://public.websites.umich.edu/~mejn/netdata/"


def _classic(name: str, title: str, kind: str, generator: str, home: str, homepage: str, **counts: int) -> DatasetInfo:
    source = f"PyPI networkx 3.6.1, {generator}"
    return DatasetInfo(name, title, kind, LICENCE, home, homepage, source, counts=counts, bundled=True)


CLASSICS = (
    _classic(
        "karate", "Zachary's karate club: members who meet outside it, and in how many ways; two factions", "graph",
        "karate_club_graph", "Zachary 1977", COLLECTION, nodes=34, edges=78, weight=231, classes=2,
    ),
    _classic(
        "lesmis", "Characters of Les Misérables, and how often they appear together", "graph",
        "les_miserables_graph", "Knuth 1993, The Stanford GraphBase", COLLECTION, nodes=77, edges=254, weight=820,
    ),
    _classic(
        "davis-women", "Women of a town and the events they attended", "hypergraph",
        "davis_southern_women_graph", "Davis, Gardner and Gardner 1941",
        "https://networkx.org/documentation/stable/auto_examples/algorithms/plot_davis_club.html",
        nodes=18, hyperedges=14, incidences=89,
    ),
    _classic(
        "florentine", "Families of Renaissance Florence joined by marriage", "graph",
        "florentine_families_graph", "Padgett 1994; Breiger and Pattison 1986",
        "https://networkx.org/documentation/stable/reference/generated/networkx.generators.social.florentine_families_graph.html",
        nodes=15, edges=20,
    ),
)  # fmt: skip


def bundled(info: DatasetInfo) -> Dataset:
    """A classic; ids are names, but for karate's, and rows by first appearance, but for karate's (by number)."""
    lines = _lines(f"{info.name}.tsv")
    if info.kind == "hypergraph":
        attended = [[name.replace("_", " ") for name in members.split(" ")] for _, members in lines]
        return Dataset(info.name, from_hyperedges(attended, "complex::reflexive::woman"), info)
    source, target, *weight = zip(*lines, strict=True)
    weights = [float(value) for value in weight[0]] if weight else None
    if info.name != "karate":
        return Dataset(info.name, from_edges(source, target, weights), info)
    first, second = ([int(member) for member in side] for side in (source, target))
    graph = from_edges(first, second, weights, num_entities=int(info.counts["nodes"]))
    return Dataset(info.name, graph, info, labels=labels_of(graph.vocab, _lines("karate_labels.tsv")))


def _lines(name: str) -> list[tuple[str, ...]]:
    text = files("cleora_jax.data").joinpath("classics", name).read_text(encoding="utf-8")
    return [tuple(line.split("\t")) for line in text.splitlines()]
