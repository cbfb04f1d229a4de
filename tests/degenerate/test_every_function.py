"""Every public function on every odd graph: what comes back is finite, or an error of ours says what is wrong.

A cell of the table is a call and a graph. Which cells raise, and what they say, is listed in `REFUSED`: a cell that
raises where it should not fails, and so does one that does not where it should. Cells that only compile anew what
others try are slow ones, see `QUICK`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp

import cleora_jax as cj
from cleora_jax._memory import NeedsMemoryError
from tests.degenerate.calls import CALLS
from tests.degenerate.graphs import GRAPHS, Case

ERRORS = (cj.OptionError, cj.InputError, cj.NotFoundError, NeedsMemoryError)

pytestmark = [
    pytest.mark.filterwarnings("ignore::cleora_jax.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::cleora_jax.RankWarning"),
]


class Refusal(NamedTuple):
    """Calls that refuse graphs, patterns of names both, and what they say."""

    calls: str
    graphs: str
    message: str


SAME = "one pair|one hyperedge of all|no weight"  # whitening leaves no vector
REFUSED: list[Refusal] = []

# Calls, and the graphs that they are tried on at once. The first that fits counts; others are tried on all.
QUICK: list[tuple[str, tuple[str, ...]]] = []


def first(rows: list[Any], call: str, graph: str) -> Any:
    """The first row whose patterns fit."""
    return next((row for row in rows if re.fullmatch(row[0], call) and re.fullmatch(row[1], graph)), None)


def is_quick(call: str, graph: str) -> bool:
    return next((graph in graphs for calls, graphs in QUICK if re.fullmatch(calls, call)), True)


def cells() -> Iterator[Any]:
    for call in CALLS:
        for graph in GRAPHS:
            marks = [] if is_quick(call, graph) else [pytest.mark.slow]
            yield pytest.param(call, graph, marks=marks, id=f"{call}-{graph}")


def not_finite(found: Any, place: str = "") -> Iterator[str]:
    """Where something in a result is NaN or infinite."""
    if isinstance(found, (float, np.ndarray, np.floating, jax.Array)):
        values = np.asarray(found)
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            yield f"{place}: {values[~np.isfinite(values)][0]} in {values.dtype}{list(values.shape)}"
    elif isinstance(found, cj.Embedding):
        yield from not_finite(found.vectors, f"{place}.vectors")
    elif sp.issparse(found):
        yield from not_finite(found.data, f"{place}.data")
    elif isinstance(found, pa.Table):
        yield from not_finite(found.to_pydict(), place)
    elif isinstance(found, dict):
        for key, value in found.items():
            yield from not_finite(value, f"{place}[{key!r}]")
    elif isinstance(found, (list, tuple)):
        for key, value in enumerate(found):
            yield from not_finite(value, f"{place}[{key}]")
    elif isinstance(found, cj.Operator):
        yield from not_finite(jax.tree.leaves(found), place)


@pytest.mark.parametrize(("call", "graph"), cells())
def test_cell(call: str, graph: str, tmp_path: Path) -> None:
    case, refused = GRAPHS[graph], first(REFUSED, call, graph)
    if refused is not None:
        with pytest.raises(ERRORS, match=refused.message):
            CALLS[call](case, tmp_path)
        return
    found = CALLS[call](case, tmp_path)
    assert not list(not_finite(found))
    if call in UNIT:
        check_rows(found, case, UNIT[call])


UNIT = {
    "embed, unwhitened": 2,
    "embed, symmetric unwhitened": 2,
    "embed, sharp attention": 2,
    "randne": 2,
    "prone": 2,
    "netmf": None,
}


def check_rows(found: Any, case: Case, order: int) -> None:
    """Vectors of unit length, but zero ones of entities in no hyperedge of positive weight."""
