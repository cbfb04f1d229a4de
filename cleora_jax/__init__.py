"""cleora_jax: graph and hypergraph embeddings on JAX for the CPU. Names only; rooms load on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from cleora_jax._version import __version__ as __version__

if TYPE_CHECKING:
    from cleora_jax._checks import InputError as InputError
    from cleora_jax._checks import NotFoundError as NotFoundError
    from cleora_jax._checks import OptionError as OptionError
    from cleora_jax._progress import progress_bar as progress_bar
    from cleora_jax.cleora import Cleora as Cleora
    from cleora_jax.cleora import RankWarning as RankWarning
    from cleora_jax.cleora import Trace as Trace
    from cleora_jax.cleora import TwoSidedWarning as TwoSidedWarning
    from cleora_jax.cleora import embed as embed
    from cleora_jax.cleora import embed_apart as embed_apart
    from cleora_jax.graph import BuildReport as BuildReport
    from cleora_jax.graph import Column as Column
    from cleora_jax.graph import Graph as Graph
    from cleora_jax.graph import Vocab as Vocab
    from cleora_jax.graph import from_edges as from_edges
    from cleora_jax.graph import from_hyperedges as from_hyperedges
    from cleora_jax.graph import from_scipy as from_scipy
    from cleora_jax.graph import from_table as from_table
    from cleora_jax.graph import load_graph as load_graph
    from cleora_jax.graph import parse_columns as parse_columns
    from cleora_jax.graph import read as read
    from cleora_jax.graph import save_graph as save_graph
    from cleora_jax.sparse import Operator as Operator
    from cleora_jax.sparse import apply as apply
    from cleora_jax.sparse import from_bcoo as from_bcoo
    from cleora_jax.sparse import markov as markov
    from cleora_jax.sparse import to_bcoo as to_bcoo
    from cleora_jax.vectors import Embedding as Embedding
    from cleora_jax.vectors import load_embedding as load_embedding
    from cleora_jax.vectors import whiten as whiten
    from cleora_jax.vectors import whitening_rank as whitening_rank

_ROOM_OF = {
    "InputError": "_checks",
    "NotFoundError": "_checks",
    "OptionError": "_checks",
    "progress_bar": "_progress",
    **dict.fromkeys(("Cleora", "RankWarning", "Trace", "TwoSidedWarning", "embed", "embed_apart"), "cleora"),
    **dict.fromkeys(
        (
            "BuildReport", "Column", "Graph", "Vocab", "from_edges", "from_hyperedges", "from_scipy", "from_table",
            "load_graph", "parse_columns", "read", "save_graph",
        ),
        "graph",
    ),
    **dict.fromkeys(("Operator", "apply", "from_bcoo", "markov", "to_bcoo"), "sparse"),
    **dict.fromkeys(("Embedding", "load_embedding", "whiten", "whitening_rank"), "vectors"),
}  # fmt: skip
__all__ = ["__version__", *_ROOM_OF]


def __getattr__(name: str) -> Any:
    if name not in _ROOM_OF:
        raise AttributeError(f"module 'cleora_jax' has no attribute {name!r}")
    return getattr(importlib.import_module(f"cleora_jax.{_ROOM_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
