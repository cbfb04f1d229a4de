"""What a search was about, in a few letters: so that a record is not continued with another graph or question."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from types import CodeType
from typing import Any

import numpy as np
import scipy.sparse as sp
import xxhash

from cleora_jax.cleora.start import entity_hashes
from cleora_jax.graph.build import Graph
from cleora_jax.graph.hyperedges import Incidence
from cleora_jax.graph.vocab import Vocab
from cleora_jax.vectors.embedding import Embedding


def digest(*parts: Any) -> str:
    """16 letters of what the parts hold: arrays, sparse matrices, graphs, embeddings, and values by their `repr`."""
    total = xxhash.xxh3_64()
    _add(total, parts)
    return total.hexdigest()


def _add(total: Any, part: Any) -> None:
    if isinstance(part, np.ndarray):
        total.update(f"{part.dtype}{part.shape}".encode())
        total.update(np.ascontiguousarray(part).data.cast("B") if part.size else b"")
    elif sp.issparse(part):
        _add(total, (part.shape, part.data, *(part.coords if part.format == "coo" else (part.indices, part.indptr))))
    elif isinstance(part, Graph):
        _add(total, (part.vocab, part.transient, [vars(relation) for relation in part.relations]))
    elif isinstance(part, Vocab):
        _add(total, (part.columns, entity_hashes(part, 0)))
    elif isinstance(part, Embedding):
        _add(total, (part.vocab, part.vectors))
    elif isinstance(part, Incidence):
        _add(total, (part.offset, part.member))
    elif isinstance(part, dict):
        _add(total, list(part.items()))
    elif isinstance(part, (tuple, list)):
        total.update(f"{len(part)} parts".encode())
        for each in part:
            _add(total, each)
    else:
        total.update(f"{part!r};".encode())


def function_digest(function: Callable[..., Any]) -> str:
    """Of a function its name and code, of a `partial` its arguments, too; what it closes over is not looked at.

    Raises:
        TypeError: another callable, of which nobody knows what it would do: one with state, or one compiled.
    """
    if isinstance(function, partial):
        return f"partial {function_digest(function.func)} {digest(function.args, function.keywords)}"
    plain = inspect.unwrap(function)
    if not inspect.isfunction(plain):
        raise TypeError(
            f"`objective` must be a function, or a partial of one, to be kept in a record; got {function!r}."
        )
    return f"{plain.__qualname__} {digest(plain.__module__, *_code(plain.__code__))}"


def _code(code: CodeType) -> tuple[Any, ...]:
    return code.co_code, code.co_names, [_constant(each) for each in code.co_consts]


def _constant(value: Any) -> Any:
    if isinstance(value, frozenset):  # whose order differs from process to process
        return sorted(map(repr, value))
    return _code(value) if isinstance(value, CodeType) else value
