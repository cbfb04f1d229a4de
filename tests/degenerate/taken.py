"""Recommenders on the graphs: both ends of an edge took the other, as often as it weighs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from cleora_jax import interop, recommend
from tests.degenerate.graphs import DIM, Case

Call = Callable[[Case, Path], Any]
SMALL: dict[str, dict[str, Any]] = {
    "popularity": {},
    "item-knn": {"neighbours": 3},
    "ease": {},
    "gf-cf": {"rank": DIM},
    "bspm": {"rank": DIM},
    "graph-filter": {"rank": DIM},
    "cleora-knn": {"dim": DIM},
    "cleora-filter": {"dim": DIM, "iterations": 3},
    "emde": {"dim": DIM, "depth": 4, "random": 2, "width": 4},
}


def taken(case: Case) -> recommend.Interactions:
    pairs, weights = ends(case)
    return recommend.interactions(pairs, weights)


def ends(case: Case) -> tuple[list[tuple[str, str]], list[float]]:
    rows = interop.edge_table(case.graph).to_pylist()
    pairs = [(row["source"], row["target"]) for row in rows]
    return pairs + [(target, source) for source, target in pairs], 2 * [row["weight"] for row in rows]


def asked(found: recommend.Recommender, folder: Path) -> Any:
    """All users, a cold basket and an item, of what was saved and read again."""
    found.save(folder / "found.npz")
    again = recommend.load_recommender(folder / "found.npz")
    users, item = again.interactions.users.ids.to_pylist(), again.interactions.items[0]
    return again.recommend_each([*users, [item]], 3, filter_seen=False), again.similar_items(item, 3)


def recommended(name: str, **more: Any) -> Call:
    method = recommend.recommender_named(name, **SMALL[name] | more)
    return lambda case, folder: asked(recommend.fit_recommender(taken(case), method), folder)


def from_a_file(case: Case, folder: Path) -> Any:
    lines = [f"{user}\t{item}\t{weight}" for (user, item), weight in zip(*ends(case), strict=True)]
    (folder / "taken.tsv").write_text("\n".join(lines) + "\n")
    found = recommend.read_interactions(folder / "taken.tsv", "user item weight", weight="weight")
    assert len(found) == len(taken(case))
    return found.matrix, found.binary().matrix


def judged(case: Case, folder: Path) -> Any:
    train, held = recommend.hold_out(taken(case), 0.3)
    found = recommend.fit_recommender(train, recommend.Popularity())
    return recommend.evaluate_recommender(found, held, [1, 20]).metrics


def of_its_graph(case: Case, folder: Path) -> Any:
    found = recommend.interactions_of(case.graph)
    return found.matrix, replace(found).binary().matrix


CALLS: dict[str, Call] = {
    **{f"recommend {name}": recommended(name) for name in SMALL},
    "recommend cleora-knn, users": recommended("cleora-knn", side="users"),
    "recommend bspm, late": recommended("bspm", merge="late", solver="euler", average=True),
    "read_interactions": from_a_file,
    "interactions_of": of_its_graph,
    "evaluate_recommender": judged,
}
