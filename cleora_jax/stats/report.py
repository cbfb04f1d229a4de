"""A report that a newcomer can read: what a graph holds, and what about it will surprise whoever embeds it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pyarrow.compute as pc

from cleora_jax._checks import listed
from cleora_jax.graph import Graph
from cleora_jax.graph.build import check_graph
from cleora_jax.graph.hyperedges import distinct_sides, line_groups
from cleora_jax.graph.lines import line_codes
from cleora_jax.stats.components import connected_components, diameter
from cleora_jax.stats.degrees import degrees
from cleora_jax.stats.popularity import members_of_lines, popular
from cleora_jax.stats.triangles import clustering

MOST_PAIRS = 1 << 24  # of cliques: beyond, what needs them is left out, and said so
QUANTILES = (0.0, 0.5, 0.9, 0.99, 1.0)
POPULAR = 0.1  # of the hyperedges: an entity in more of them is named
VERY_POPULAR = 0.5  # where a tenth is nothing: of few hyperedges, or of edges, where the middle of a star has more
ENOUGH = 30  # entities and hyperedges
FEW = 8  # hyperedges of which half is nothing
SHOWN = 3
FIRST = 1000  # ids that are looked at for what may be no ids
DIM = 256  # columns by default: fewer entities than that need bear fewer directions


@dataclass(frozen=True)
class Report:
    """What a graph holds. `str(report)` is for people, `report.record()` for JSON.

    Args:
        entities, hyperedges: how many.
        per_column: entities of each column.
        sizes: members of a hyperedge, each as often as it stands there: the least, the median, the 90th and 99th of a
            hundred, the most; None of matrices, and where there is no hyperedge.
        single: hyperedges with fewer than two different entities, which relate nothing.
        repeated: hyperedges that are equal to an earlier one, the order of members apart.
        isolated: entities in no hyperedge of positive weight.
        components: connected ones, isolated entities not counted.
        largest: share of all entities that the largest of them holds.
        degrees: numbers of neighbours, as `sizes`; None where cliques have too many pairs.
        transitivity: three times triangles by connected triples; None likewise.
        diameter: lower bound, of the largest component; None likewise.
        selfish: entities in hyperedges with nobody but themselves: they meet no other.
        popular: entities in more than a tenth of the hyperedges, with their shares; in more than half of them, where
            there are fewer than 30 of either or all are pairs; none of fewer than 8 hyperedges.
        warnings: sentences, what surprises first.
    """

    entities: int
    hyperedges: int
    per_column: dict[str, int]
    sizes: tuple[int, ...] | None
    single: int
    repeated: int
    isolated: int
    selfish: int
    components: int
    largest: float
    degrees: tuple[int, ...] | None
    transitivity: float | None
    diameter: int | None
    popular: tuple[tuple[str, float], ...]
    warnings: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        """The fields as what JSON can hold."""
        return {each.name: _plain(getattr(self, each.name)) for each in fields(self)}

    def __str__(self) -> str:
        quantiles = "least {:,}, median {:,}, 90 % {:,}, 99 % {:,}, most {:,}".format
        lines = [
            ("entities", f"{self.entities:,}" + (f", {self.isolated:,} isolated" if self.isolated else "")),
            ("by column", ", ".join(f"{name}: {count:,}" for name, count in self.per_column.items())),
            ("hyperedges", f"{self.hyperedges:,}" + (f", {self.repeated:,} repeated" if self.repeated else "")),
            ("members", quantiles(*self.sizes) if self.sizes else "no hyperedges are listed"),
            ("neighbours", quantiles(*self.degrees) if self.degrees else "not counted: too many pairs"),
            ("components", f"{self.components:,}, the largest with {self.largest:.1%} of all entities"),
        ]
        if self.transitivity is not None:
            lines.append(("triangles", f"{self.transitivity:.1%} of the connected triples are closed"))
        if self.diameter is not None:
            lines.append(("diameter", f"at least {self.diameter}"))
        if self.popular:
            lines.append(("popular", ", ".join(f"{name} in {share:.0%}" for name, share in self.popular[:SHOWN])))
        text = "\n".join(f"{name:<12}{value}" for name, value in lines)
        return text + "".join(f"\n! {sentence}" for sentence in self.warnings)


def report(graph: Graph) -> Report:
    """Describe a graph, with warnings that a newcomer would want.

    What needs pairs of entities is left out where hyperedges have more than 17 million of them.

    Example:
        >>> import cleora_jax as cj
        >>> print(cj.stats.report(cj.from_hyperedges(["ann bob cid", "bob ann cid", "dan eve", "fay"])))
        entities    6
        by column   node: 6
        hyperedges  4, 1 repeated
        members     least 1, median 2, 90 % 3, 99 % 3, most 3
        neighbours  least 0, median 1, 90 % 2, 99 % 2, most 2
        components  3, the largest with 50.0% of all entities
        triangles   100.0% of the connected triples are closed
        diameter    at least 1
        ! 1 hyperedge holds fewer than two entities and relates nothing.
        ! 1 entity meets nobody but itself: its neighbours mean nothing.
        ! 25% of the hyperedges repeat an earlier one, and count again (see `preprocess.dedupe`).
        ! 33.3% of the entities lie in other components than the largest: vectors of two do not tell how near they are.
        ! 6 entities: whitening keeps 2 directions at most, whatever `dim` is (see `whiten_rank`).
    """
    check_graph(graph)
    sizes, single, repeated = _of_lines(graph)
    components = connected_components(graph)
    alone = int(graph.isolated.sum())
    parts = int((np.bincount(components.label[~graph.isolated], minlength=1) > 0).sum())
    few = graph.entries()["clique"] <= MOST_PAIRS
    shares = popular(graph, above=_much(graph, sizes))
    names = [(graph.vocab[row], float(x)) for row, x in zip(*shares, strict=True)]
    apart = ~graph.isolated & (components.size[components.label] == 1)
    counts = np.bincount(graph.vocab.column_of, minlength=len(graph.vocab.columns)).tolist()
    facts: dict[str, Any] = {
        "entities": graph.num_entities,
        "hyperedges": graph.num_hyperedges,
        "per_column": dict(zip(graph.vocab.columns, counts, strict=True)),
        "sizes": sizes,
        "single": single,
        "repeated": repeated,
        "isolated": alone,
        "selfish": int(apart.sum()),
        "components": parts,
        "largest": int(components.size[0]) / graph.num_entities if parts else 0.0,
        "degrees": _quantiles(degrees(graph)) if few else None,
        "transitivity": clustering(graph).transitivity if few else None,
        "diameter": diameter(graph) if few else None,
        "popular": tuple(names),
    }
    return Report(**facts, warnings=tuple(_warnings(graph, facts)))


def _much(graph: Graph, sizes: tuple[int, ...] | None) -> float:
    """The share of hyperedges above which an entity is named."""
    if graph.num_hyperedges < FEW:
        return 1.0
    pairs = sizes is not None and sizes[-1] <= 2
    enough = graph.num_entities >= ENOUGH and graph.num_hyperedges >= ENOUGH
    return POPULAR if enough and not pairs else VERY_POPULAR


def _of_lines(graph: Graph) -> tuple[tuple[int, ...] | None, int, int]:
    """Quantiles of sizes, lines of fewer than two members, and lines that stood there before."""
    sizes, repeated, single = [], 0, 0
    for group in line_groups(graph.relations):
        lines = [graph.relations[at] for at in group]
        if lines[0].counts is not None:
            continue
        sizes.append(np.sum([side.size for side in distinct_sides(lines)], axis=0))
        single += int((np.bincount(members_of_lines(lines)[1], minlength=len(sizes[-1])) < 2).sum())
        codes = line_codes(lines, ordered=False)
        repeated += len(codes) - len(np.unique(codes))
    every = np.concatenate(sizes) if sizes else np.zeros(0, int)
    return _quantiles(every) if len(every) else None, single, repeated


def _quantiles(values: np.ndarray) -> tuple[int, ...]:
    return tuple(np.quantile(values, QUANTILES, method="lower").astype(int).tolist())


def _warnings(graph: Graph, facts: dict[str, Any]) -> list[str]:
    found = []
    if facts["single"]:
        one = facts["single"] == 1
        found.append(
            f"{facts['single']:,} hyperedge{'' if one else 's'} hold{'s' if one else ''} fewer than two entities and "
            f"relate{'s' if one else ''} nothing."
        )
    if facts["isolated"]:
        found.append(f"{facts['isolated']:,} entities stand in no hyperedge of positive weight: they get zero vectors.")
    if facts["selfish"]:
        one = facts["selfish"] == 1
        found.append(
            f"{facts['selfish']:,} entit{'y' if one else 'ies'} meet{'s' if one else ''} nobody but "
            f"{'itself' if one else 'themselves'}: {'its' if one else 'their'} neighbours mean nothing."
        )
    if facts["popular"]:
        name, share = facts["popular"][0]
        more = len(facts["popular"]) - 1
        others = f", and {more:,} more in many" if more else ""
        found.append(
            f"{name!r} stands in {share:.0%} of the hyperedges{others}: such entities make all others "
            "neighbours (see `preprocess.cap_popularity`)."
        )
    if facts["repeated"] > 0.1 * facts["hyperedges"]:
        found.append(
            f"{facts['repeated'] / facts['hyperedges']:.0%} of the hyperedges repeat an earlier one, and count again "
            "(see `preprocess.dedupe`)."
        )
    outside = 1 - facts["largest"] - (facts["isolated"] + facts["selfish"]) / facts["entities"]
    if outside > 0.05:
        found.append(
            f"{outside:.1%} of the entities lie in other components than the largest: vectors of two do not tell "
            "how near they are."
        )
    if graph.two_sided:
        found.append("Hyperedges relate two columns: walks change sides each step (see the page on columns).")
    if any(entity.startswith("#") for entity in graph.vocab.ids.slice(0, FIRST).to_pylist()):
        found.append("Ids begin with '#': are these comments, to be left out by `comment='#'`?")
    return found + _about_names(graph) + _about_size(facts["entities"] - facts["isolated"])


def _about_names(graph: Graph) -> list[str]:
    """Ids that people would take for one."""
    found = []
    for column in graph.vocab.columns:
        ids = graph.vocab.of_column(column).ids
        folded = pc.utf8_lower(pc.utf8_trim_whitespace(ids))
        alike = len(ids) - pc.count_distinct(folded).as_py()
        if alike:
            groups = folded.value_counts()
            twice = pc.filter(groups.field("values"), pc.greater(groups.field("counts"), 1))
            found.append(
                f"{alike:,} ids of {column!r} differ from another only by case or blanks around them: "
                f"{listed(twice.slice(0, SHOWN).to_pylist())}."
            )
    return found


def _about_size(entities: int) -> list[str]:
    from cleora_jax.vectors.scale import whitening_rank  # with JAX, which the rest does not need

    kept = whitening_rank(entities, DIM) if entities else 0
    if kept == DIM:
        return []
    few = f"{kept} direction" + ("" if kept == 1 else "s")
    return [f"{entities:,} entities: whitening keeps {few} at most, whatever `dim` is (see `whiten_rank`)."]


def _plain(value: Any) -> Any:
    return [_plain(each) for each in value] if isinstance(value, tuple) else value
