"""What reading and counting mean (SEMANTICS §1 and §2), in plain Python and dense float64 NumPy."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import dataclass, field

import numpy as np

from cleora_jax.graph import Column, Graph

BLANKS = " \t"


class BadLine(Exception):
    """A line that does not fit the spec."""


@dataclass
class Naive:
    """Hyperedges as lists of (column, id) per column, each with its weight."""

    columns: tuple[Column, ...]
    shared: bool = False
    edges: list[list[list[str]]] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    rows: list[list[list[str]]] | None = None  # as they came, before they were grouped

    @property
    def entities(self) -> list[tuple[str, str]]:
        """(column, id) by first appearance: by row, then by column, then by place in the cell."""
        names = [column.name for column in self.columns]
        found: dict[tuple[str, str], None] = {}
        for edge in self.edges if self.rows is None else self.rows:
            for name, cell in zip(names, edge, strict=True):
                found.update(((("+".join(names) if self.shared else name), entity), None) for entity in cell)
        return list(found)

    def group(self, keys: list[str]) -> Naive:
        """Hyperedges with equal keys joined, by the key's first appearance."""
        joined: dict[str, list[list[str]]] = {}
        for key, edge in zip(keys, self.edges, strict=True):
            into = joined.setdefault(key, [[] for _ in self.columns])
            for cell, more in zip(into, edge, strict=True):
                cell.extend(more)
        self.rows, self.edges, self.weights = self.edges, list(joined.values()), [1.0] * len(joined)
        return self


def words(text: str, separators: str = BLANKS) -> list[str]:
    """Pieces between runs of separators."""
    for separator in separators:
        text = text.replace(separator, "\0")
    return [word for word in text.split("\0") if word]


def lines_of(content: bytes) -> list[str]:
    """Lines of a text file, without their ends and without a byte order mark; UnicodeDecodeError or BadLine."""
    text = content.decode().removeprefix("\ufeff")
    if "\0" in text:
        raise BadLine("a NUL byte")
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def number(word: object) -> float:
    """A weight."""
    try:
        value = math.nan if isinstance(word, bool) else float(word)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError) as error:
        raise BadLine(f"weight {word!r}") from error
    if not (value == 0 or 2.0**-150 < value < 3.4028235677973366e38):  # else float32 makes it infinite, or 0
        raise BadLine(f"weight {word!r}")
    return value


def cells_of(line: str, form: str, single: bool) -> list[object]:
    """Cells of a line, before the spec is looked at."""
    if form == "jsonl":
        return [json.loads(line)]
    if form == "csv" and '"' in line:
        cells = next(csv.reader(io.StringIO(line + "\n", newline=""), strict=True))
        return [[cell for cell in cells if cell]] if single else list(cells)
    if single:
        return [words(line, BLANKS + "," if form == "csv" else BLANKS)]
    if form == "space":
        return list(words(line))
    return list(line.split("," if form == "csv" else "\t"))


def read(
    lines: list[str], columns: tuple[Column, ...], form: str = "tsv", *, weight: str | None = None,
    group_by: str | None = None, shared: bool = False, comment: str | None = None, skip: bool = False,
) -> Naive:  # fmt: skip
    """Read lines one by one; BadLine at the first that does not fit, unless `skip`."""
    special = (weight, group_by)
    kept = [column for column in columns if not column.ignore and column.name not in special]
    result, keys = Naive(tuple(kept), shared), []
    single = len(columns) == 1
    for line in lines:
        blank = BLANKS + "," if form == "csv" and single else BLANKS
        if not line.strip(blank) or (comment is not None and line.startswith(comment)):
            continue
        try:
            edge, value, key = _edge(cells_of(line, form, single), columns, kept, weight, group_by)
        except (BadLine, json.JSONDecodeError):
            if skip:
                continue
            raise
        result.edges.append(edge)
        result.weights.append(value)
        keys.append(key)
    return result.group(keys) if group_by is not None else result


def _edge(cells, columns, kept, weight, group_by):
    if len(columns) == 1 and weight == "last":
        *entities, word = cells[0]
        if not entities:
            raise BadLine("only a weight")
        return [entities], number(word), ""
    if len(cells) != len(columns):
        raise BadLine(f"{len(cells)} cells")
    by_name = {column.name: cell for column, cell in zip(columns, cells, strict=True)}
    edge = []
    for column in kept:
        cell = by_name[column.name]
        found = (words(cell) if isinstance(cell, str) else list(cell)) if column.complex else [cell]
        if not found or "" in found:
            raise BadLine(f"column {column.name} is empty")
        edge.append(found)
    if group_by is not None and by_name[group_by] == "":
        raise BadLine("no group")
    return edge, 1.0 if weight is None else number(by_name[weight]), by_name.get(group_by, "")


def check_same(graph: Graph, naive: Naive) -> None:
    """The graph has the naive reading's entities, in order, and its W (each relation)."""
    found = [(graph.vocab.columns[code], entity) for code, entity in zip(
        graph.vocab.column_of.tolist(), graph.vocab.ids.to_pylist(), strict=True)]  # fmt: skip
    assert found == naive.entities
    assert graph.num_hyperedges == len(naive.edges)
    expected = relations(naive)
    assert [relation.name for relation in graph.relations] == list(expected)
    for name, matrix in expected.items():
        w = graph.relation(name).counts().toarray()
        np.testing.assert_allclose(w, matrix, rtol=1e-5, atol=1e-30)
    np.testing.assert_allclose(graph.counts().toarray(), sum(expected.values()), rtol=1e-5, atol=1e-30)


def relations(naive: Naive) -> dict[str, np.ndarray]:
    """W of each relation by name, dense float64."""
    n, h = len(naive.entities), incidences(naive)
    names = [column.name for column in naive.columns]
    found = {}
    for a, first in enumerate(naive.columns):
        for b in range(a, len(names)):
            if a == b and first.reflexive:
                found[names[a]] = counts(h[a], naive.weights)
            elif a != b:
                part = counts(h[a], naive.weights, h[b])
                found[f"{names[a]}-{names[b]}"] = part + part.T
    assert all(matrix.shape == (n, n) for matrix in found.values())
    return found


def incidences(naive: Naive) -> list[np.ndarray]:
    """H of each column, n × E."""
    names = [column.name for column in naive.columns]
    row = {entity: position for position, entity in enumerate(naive.entities)}
    found = [np.zeros((len(row), len(naive.edges))) for _ in names]
    for e, edge in enumerate(naive.edges):
        for h, name, cell in zip(found, names, edge, strict=True):
            for entity in cell:
                h[row["+".join(names) if naive.shared else name, entity], e] += 1
    return found


def counts(h: np.ndarray, weights: list[float], other: np.ndarray | None = None) -> np.ndarray:
    """Σ_e w_e H_ie H_je / (|e_a| |e_b|)."""
    other = h if other is None else other
    return h @ np.diag(np.asarray(weights) / (h.sum(0) * other.sum(0))) @ other.T


def ordered(edges: list[list[int]], weights: list[float], n: int) -> np.ndarray:
    """Σ_e w_e [i before j in e] / pairs(e), of one reflexive column."""
    w = np.zeros((n, n))
    for edge, weight in zip(edges, weights, strict=True):
        pairs = [(i, j) for at, i in enumerate(edge) for j in edge[at + 1 :]]
        for i, j in pairs:
            w[i, j] += weight / len(pairs)
    return w


def left(w: np.ndarray) -> np.ndarray:
    """D⁻¹ W."""
    degree = w.sum(1, keepdims=True)
    return np.divide(w, degree, out=np.zeros_like(w), where=degree > 0)


def symmetric(w: np.ndarray) -> np.ndarray:
    """D^-½ W D^-½."""
    root = np.sqrt(w.sum(1))
    scale = np.divide(1, root, out=np.zeros_like(root), where=root > 0)
    return scale[:, None] * w * scale[None, :]
