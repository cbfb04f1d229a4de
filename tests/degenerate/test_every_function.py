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
from tests.degenerate.calls import CALLS, EVALUATE, LEARN, VECTORS
from tests.degenerate.graphs import GRAPHS, Case

ERRORS = (cj.OptionError, cj.InputError, cj.NotFoundError, NeedsMemoryError, TypeError)  # each with its message

pytestmark = [
    pytest.mark.filterwarnings("ignore::cleora_jax.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::cleora_jax.RankWarning"),
]


class Refusal(NamedTuple):
    """Calls that refuse graphs, patterns of names both, and what they say."""

    calls: str
    graphs: str
    message: str


NO_VECTORS = "one pair|one hyperedge of all|no weight"  # steps make all alike, or there is none
NO_EDGE = "one entity|no weight"
MATRIX = "period 2"
REFUSED = [
    # Vectors are of two entities at least.
    Refusal("embed|embed[,_].*|fit|transform|update|load_fitted|sweep|from_relations|tune", "one entity", "at least two entities"),
    Refusal("(cleora-spectral|prone|sketchne|netmf|grarep|hope|randne|fastrp|deepwalk|node2vec|laplacian).*", "one entity", "at least two entities"),
    # What needs hyperedges, or order, or a way to go.
    Refusal("embed, factored|embed, trimmed", MATRIX, "needs hyperedges.*given as a matrix"),
    Refusal("embed_edge_features|hyperedge_means", MATRIX, "given as a matrix and holds no hyperedges"),
    Refusal("transform|update|add_hyperedges", MATRIX, "`(new|more)`: relation 'node' is of hyperedges, and of a matrix"),
    Refusal("remove_hyperedges|draw_hyperedges", MATRIX, "`graph` must be of hyperedges .* no matrix"),
    Refusal("draw_entities", MATRIX, "`by='occurrences'` needs hyperedges"),
    Refusal("split_hyperedges", MATRIX, "given as a matrix .* use `split_edges`"),
    Refusal("embed, metapath", "no weight", "no walk can follow it"),
    Refusal("metapath", NO_EDGE, "no walk can follow it"),
    Refusal("(deepwalk|node2vec).*", "no weight", "must have an edge between two entities"),
    Refusal("spectral", "no weight", "`graph` must have an edge"),
    Refusal("modularity|graph saint", NO_EDGE, "`graph` must have an edge"),
    Refusal("networkx|igraph", "one entity", "`graph` has no edges"),
    # Numbers beyond float32.
    Refusal("randne .'matrix': 'adjacency'.*", "weights of 30 orders|huge weights|extreme weights", "left the range of float32"),
    Refusal("tfidf", "extreme weights", "add up to more than float32 holds"),
    # Nothing would be left, or there is too little.
    Refusal("remove_hyperedges", "one (entity|pair|hyperedge of all)", "holds every hyperedge of the graph"),
    Refusal("cap_popularity", "one (entity|pair|hyperedge of all)", "leaves no entity"),
    Refusal("cap_popularity", "star", "no hyperedge is left"),
    Refusal("filter_degrees|without_self_loops|restrict", "one entity", "no hyperedge is left"),
    Refusal("ppmi", f"one hyperedge of all|one pair|{NO_EDGE}", "`shift` must leave an entry"),
    Refusal("spectral", "one (entity|pair)", "at least three entities"),
    Refusal("communities by kmeans|kmeans", "one entity", "`k` must be between 1 and 1"),
    Refusal("draw_negatives", "one .*|complete|star", "nothing is left to draw for row 0"),
    Refusal("align|combine mean", NO_VECTORS, "a vector in both"),
    Refusal("alignment_score", f"one entity|{NO_VECTORS}", "a vector in both"),
    Refusal("cca", "one entity", "of as many rows, 2 at least"),
    Refusal("cca", "one hyperedge of all|one pair|no weight", "must vary"),
    Refusal("plane.*|plot_map|write_explorer", "one (entity|pair)", "at least 3 entities"),
    Refusal("refine.*|learn_weights", NO_EDGE, "`positive` must hold at least one pair"),
    Refusal("classify_nodes", "one entity", "at least two classes"),
    Refusal("logistic regression", "one (entity|pair)", "training entities of at least two classes"),
    Refusal("sgc", "one entity", "is chosen on validation entities"),
    Refusal("sgc", "one pair", "training entities of at least two classes"),
    Refusal("split_edges.*|split_hyperedges", NO_EDGE, "too small: no link is left for the train part"),
    Refusal("split_edges.*|split_hyperedges", "one pair", "too small: no link is left for the validation part"),
    Refusal("split_edges.*", "one hyperedge of all", "use `split_hyperedges`"),
    Refusal("split_hyperedges", "one hyperedge of all|repeated lines", "no link is left for the validation part"),
    Refusal("split_edges|split_hyperedges", "complete", "too dense: 26 negatives are wanted"),
    Refusal("split_edges, directed", "star", "too dense: 4 negatives are wanted"),
    Refusal("split_nodes", "one entity", "too few: 0 to train on"),
    Refusal("split_nodes_per_class", "one (entity|pair)", "at most the 0 entities that are left"),
    Refusal("silhouette", "one (entity|pair)", "at least three rows"),
    # Of interactions.
    Refusal("recommend .*|evaluate_recommender", "one entity", "`pairs` is empty"),
    Refusal("recommend .*", "no weight", "at least one pair of a weight above 0"),
    Refusal("recommend .*|evaluate_recommender", "extreme weights", "weights add up to .*, at most 1e\\+18 can be"),
    Refusal("recommend ease", "weights of 30 orders|huge weights", "`regularisation` is too small for these interactions"),
    Refusal("read_interactions", "one entity", "no hyperedges"),
    Refusal("evaluate_recommender", "one pair|pairs|no weight", "leaves none to hold out"),
    Refusal("interactions_of", "(?!two sides).*", "interactions need two columns"),
]  # fmt: skip

# Calls, and the graphs that they are tried on at once. The first that fits counts; others are tried on all. What is
# compiled for one graph of 12 entities and 11 edges serves the others.
TRIVIAL = ("one entity", "no weight")
APART = ("star", "weights of 30 orders", "extreme weights", "two sides", "period 2")
FEW = ("one entity", "extreme weights")
MAIN = "prone|sketchne {'rank': 8}|netmf|grarep.*|hope|randne|fastrp|laplacian|cleora-spectral"
QUICK = [
    (MAIN, (*TRIVIAL, *APART)),
    ("(cleora-spectral|prone|sketchne|netmf|grarep|hope|randne|fastrp|laplacian|node2vec|deepwalk).*", ()),
    (
        "mlp|gcn|sweep|spectral_propagation|refine.*|learn_weights|embed_edge_features|fit|update|from_relations|tune|embed, (on disk|sharded|attention)",
        (),
    ),
    ("plane, t-SNE|propagate, whitened", ("one entity",)),
    ("estimate", ("weights of 30 orders",)),
    ("propagate, .*", ()),
    ("graph saint|walked|embed|transform|load_fitted", FEW),
    ("embed, (sharp attention|metapath|directed.*|both ways|factored)", FEW),
    ("embed, (l1|not normalised|full rank|residual|tolerance|.*scales|whitened.*|.*features)", FEW),
    ("embed,.*|embed_apart|propagate|mix", (*TRIVIAL, *APART)),
    ("plot_.*|embed and info of the program", ("one entity", "one hyperedge of all", "two sides")),
    ("(communities by )?kmeans|spectral", FEW),
    ("|".join(map(re.escape, (VECTORS | EVALUATE | LEARN))), (*FEW, "one hyperedge of all", "pairs")),
    (".*", (*TRIVIAL, "one hyperedge of all", "extreme weights", "pairs")),
]


def first(rows: list[Any], call: str, graph: str) -> Any:
    """The first row whose patterns fit."""
    return next((row for row in rows if re.fullmatch(row[0], call) and re.fullmatch(row[1], graph)), None)


def is_quick(call: str, graph: str) -> bool:
    return next((graph in graphs for calls, graphs in QUICK if re.fullmatch(calls, call)), True)


CELLS = [
    pytest.param(call, graph, marks=[] if is_quick(call, graph) else [pytest.mark.slow], id=f"{call}-{graph}")
    for call in CALLS
    for graph in GRAPHS
]


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


@pytest.mark.parametrize(("call", "graph"), CELLS)
def test_cell(call: str, graph: str, tmp_path: Path) -> None:
    case, refused = GRAPHS[graph], first(REFUSED, call, graph)
    if refused is not None:
        with pytest.raises(ERRORS, match=refused.message):
            CALLS[call](case, tmp_path)
        return
    found = CALLS[call](case, tmp_path)
    assert not list(not_finite(found))
    if call in UNIT:
        check_rows(found, case)


UNIT = ("embed, unwhitened", "embed, symmetric unwhitened", "embed, sharp attention", "prone", "randne")


def check_rows(found: Any, case: Case) -> None:
    """Vectors of unit length, but zero ones of entities in no hyperedge of positive weight."""
    (embedding,) = found.values() if isinstance(found, dict) else (found,)
    alive = ~case.graph.isolated
    np.testing.assert_allclose(np.linalg.norm(embedding.vectors, axis=1), alive, atol=1e-5)
