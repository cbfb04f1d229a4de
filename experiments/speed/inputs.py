"""Inputs of the speed runs: seeded generators with honest names, and real data sets unpacked to plain lines."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

POWERLAW, LATTICE, BASKETS = "powerlaw-generated", "lattice-generated", "baskets-generated"
REAL = {"ego-facebook": "edges", "cnr-2000": "edges", "actor-network": "hyperedges"}


def prepare(name: str, folder: Path, scale: float = 1.0) -> Path:
    """The input `name` as a text file of one hyperedge a line; made once. `scale` shrinks generated ones."""
    path = folder / f"{name}{'' if scale == 1 else f'-{scale:g}'}.tsv"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        lines = real_lines(name) if name in REAL else GENERATORS[name](scale)
        temporary = path.with_suffix(".part")
        temporary.write_text("\n".join(lines) + "\n")
        temporary.replace(path)
    return path


def powerlaw(scale: float) -> Iterable[str]:
    """100,000 nodes, 1,000,000 edge lines; both ends drawn with probability ∝ rank^-0.75."""
    rng = np.random.default_rng(0)
    nodes, edges = int(100_000 * scale), int(1_000_000 * scale)
    chance = np.arange(1, nodes + 1) ** -0.75
    ids = rng.permutation(nodes)
    source, target = (ids[rng.choice(nodes, edges, p=chance / chance.sum())] for _ in range(2))
    target = np.where(source == target, (target + 1) % nodes, target)
    return (f"{a} {b}" for a, b in zip(source, target, strict=True))


def lattice(scale: float) -> Iterable[str]:
    """A square grid of 2,000,000 nodes that keeps 70% of its edges (2.8 million lines), in random order."""
    rng = np.random.default_rng(0)
    side = int((2_000_000 * scale) ** 0.5)
    node = np.arange(side * side).reshape(side, side)
    across = np.stack([node[:, :-1].ravel(), node[:, 1:].ravel()], 1)
    down = np.stack([node[:-1].ravel(), node[1:].ravel()], 1)
    edges = np.concatenate([across, down])
    edges = edges[rng.random(len(edges)) < 0.7]
    return (f"{a} {b}" for a, b in edges[rng.permutation(len(edges))])


def baskets(scale: float) -> Iterable[str]:
    """200,000 baskets of 2 to 60 of 50,000 items, item popularity ∝ rank^-0.8."""
    rng = np.random.default_rng(0)
    items, count = int(50_000 * scale), int(200_000 * scale)
    chance = np.arange(1, items + 1) ** -0.8
    size = rng.integers(2, 61, count)
    drawn = rng.choice(items, size.sum(), p=chance / chance.sum())
    return (" ".join(map(str, np.unique(part))) for part in np.split(drawn, np.cumsum(size)[:-1]))


GENERATORS = {POWERLAW: powerlaw, LATTICE: lattice, BASKETS: baskets}


def data_folder() -> Path | None:
    """Where the real data sets lie, or None."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    given = os.environ.get("CLEORA_JAX_DATA")
    return next((f for f in ([Path(given)] if given else []) + [beside] if (f / "MANIFEST.json").exists()), None)


def real_lines(name: str) -> Iterable[str]:
    """Lines of a real data set: an edge, or a whole hyperedge (grouped from its incidence list)."""
    folder = data_folder()
    if folder is None:
        raise FileNotFoundError(f"{name}: set CLEORA_JAX_DATA to the folder of real data sets.")
    with gzip.open(folder / name / f"{REAL[name]}.tsv.gz", "rt") as file:
        rows = [line.split() for line in file]
    if REAL[name] == "edges":
        return [f"{row[0]} {row[1]}" for row in rows]
    groups: dict[str, list[str]] = {}
    for edge, member in rows:
        groups.setdefault(edge, []).append(member)
    return [" ".join(members) for members in groups.values()]
