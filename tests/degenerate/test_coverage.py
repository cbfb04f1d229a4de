"""Nothing public is left out of the table: each name is in it, or in a list of exceptions with the reason."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import cleora_jax as cj

HERE = Path(__file__).parent
SETTINGS = "settings, checked by themselves: a graph has no part in them"
RESULT = "a result that a call in the table returns"
NOT_A_GRAPH = "takes no graph and no vectors; its own tests try odd numbers"
FROM_NOTHING = "makes a graph, of numbers or text; its own tests try odd ones, and the table's graphs come from some"
ELSEWHERE = "another process, the network or real data; its own tests"
MISSING = "needs a library that the tests do not have"
EXCEPTIONS = {
    "BuildReport Column Vocab Graph Labels Operator Mixture Links Trace Classified Score Candidates Epochs Iterations "
    "History Refined Share EdgeSplit HeldOut NodeSplit NodeScores LinkScores Trial Tuned Weighed Fitted Compressed Index Cca "
    "AlignmentScore Interactions Recommender RecommenderScores Communities Clustering Components Report Layer Saint Imported Planted Summary Estimate": RESULT,
    "InputError OptionError NotFoundError RankWarning TwoSidedWarning ConvergenceWarning RecordWarning "
    "MissingFileError MixedTypesWarning NeedsMemoryError": RESULT,
    "Grid Halving RandomSearch Range uniform log_uniform LearnerObjective LinkObjective NodeObjective Filter": SETTINGS,
    "progress_bar parse_columns list_methods list_recommenders whitening_rank accuracy f1 one_hot top_k_labels nmi ari purity "
    "clustering_accuracy average_precision hits_at_k hits_within mean_reciprocal_rank ranks roc_auc ranking_metrics "
    "summary plot_history": NOT_A_GRAPH,
    "read read_share from_table from_triples power_law_baskets hypergraph_block_model planted_partition stochastic_block_model "
    "barabasi_albert lfr erdos_renyi watts_strogatz": FROM_NOTHING,
    "run_benchmark load_benchmark BenchmarkResults Dataset DatasetInfo download list_datasets load_dataset "
    "join_processes embed_share": ELSEWHERE,
    "from_dgl to_dgl from_pyg to_pyg": MISSING,
    "load_searchable": "chooses between load_embedding, load_compressed and load_index, which are in the table",
}
EXCEPTED = {name for names in EXCEPTIONS for name in names.split()}
ROOMS = ("community", "evaluate", "generators", "interop", "preprocess", "recommend", "sampling", "stats", "viz")


def public() -> list[str]:
    """Names of all callables that a user can reach by `cj.name` or `cj.room.name`."""
    found = {name for name in cj.__all__ if callable(getattr(cj, name))}
    for room in (getattr(cj, name) for name in ROOMS):
        found |= {name for name in vars(room) if not name.startswith("_") and callable(getattr(room, name))}
    return sorted(found)


@pytest.fixture(scope="module")
def table() -> str:
    """The code of the table."""
    return "".join((HERE / name).read_text() for name in ("graphs.py", "calls.py", "taken.py"))


@pytest.mark.parametrize("name", public())
def test_every_public_name_is_in_the_table(name, table):
    by_name = {kind.__name__ for kind in (*cj.METHODS.values(), *cj.recommend.RECOMMENDERS.values())}
    there = name in by_name or re.search(rf"\b(cj|[a-z]+)\.{name}\(", table) is not None
    assert there != (name in EXCEPTED), "is in neither the table nor the exceptions, or in both"


def test_every_method_is_in_the_table():
    from tests.degenerate.calls import SETTINGS as tried

    assert set(tried) == set(cj.METHODS) - {"cleora"}


def test_every_recommender_is_in_the_table():
    from tests.degenerate.taken import SMALL

    assert set(SMALL) == set(cj.recommend.RECOMMENDERS)


def test_exceptions_are_public():
    assert set(public()) >= EXCEPTED
    assert all(inspect.isclass(getattr(cj, name, type)) for name in EXCEPTED & {"Graph", "Vocab", "Labels"})
