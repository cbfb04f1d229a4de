"""Graphs on disk: one archive (see `archive`), format version 1.

    header            UTF-8 bytes of a JSON object: format, version, library, columns, transient, relations, shared,
                      report, factors (of the relations, see `reweighted`; absent: ones)
    ids_text, ids_offset    the n ids as one run of UTF-8 bytes, and int64[n + 1] where each begins
    column_of         uint8[n]
    r{i}.left.offset, r{i}.left.member (and right, where another column)    int64[E + 1], int32[m]; relations of the
                      same lines share sides, written once: `shared` in the header tells where, {"r1.left": "r0.right"}
    r{i}.weight       float32[E], where there are weights
    occurrences       int64[n], where there were more relations: how often each entity stands in the whole input
    r{i}.counts.data, .indices, .indptr    where the relation was given as a matrix

Everything is checked on loading, so that a damaged file is an `InputError`, never a wrong graph.
"""

from __future__ import annotations

import math
import os
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from cleora_jax._checks import InputError
from cleora_jax.graph.archive import Arrays, Kind, believed, is_in_range, is_offset, read_archive, write_archive
from cleora_jax.graph.build import BuildReport, Graph, counting_isolated
from cleora_jax.graph.hyperedges import Incidence, Relation
from cleora_jax.graph.vocab import Vocab, id_parts, ids_from_parts

KIND = Kind("graph", "cleora_jax graph", 1)


def save_graph(graph: Graph, path: str | os.PathLike[str]) -> None:
    """Write a graph to one file, atomically (to a temporary name, then renamed).

    Example:
        >>> import cleora_jax as cj, tempfile, os
        >>> path = os.path.join(tempfile.mkdtemp(), "graph.npz")
        >>> cj.save_graph(cj.from_edges(["a"], ["b"]), path)
        >>> cj.load_graph(path)
        Graph(2 entities, 1 hyperedges; node: 2)
    """
    write_archive(path, KIND, *graph_parts(graph))


def graph_parts(graph: Graph) -> tuple[dict[str, Any], Arrays]:
    """A graph as a header and arrays, for a file that holds it."""
    text, offset = id_parts(graph.vocab)
    arrays: Arrays = {"ids_text": text, "ids_offset": offset, "column_of": graph.vocab.column_of}
    if graph.whole_input is not None:
        arrays["occurrences"] = graph.whole_input
    first: dict[int, str] = {}
    shared: dict[str, str] = {}
    for number, relation in enumerate(graph.relations):
        arrays |= {f"r{number}.{name}": array for name, array in _relation_arrays(relation).items()}
        for key, side in _own_sides(relation, number).items():
            if first.setdefault(id(side), key) == key:
                arrays |= {f"{key}.offset": side.offset, f"{key}.member": side.member}
            else:
                shared[key] = first[id(side)]
    header = {
        "columns": graph.vocab.columns, "transient": graph.transient, "shared": shared,
        "relations": [relation.name for relation in graph.relations], "report": asdict(graph.report),
        "factors": [relation.factor for relation in graph.relations],
    }  # fmt: skip
    return header, arrays


def load_graph(path: str | os.PathLike[str]) -> Graph:
    """Read a graph written by `save_graph`.

    Raises:
        MissingFileError: no such file.
        InputError: not such a file, a newer format version, or a damaged one; the fault is named.
    """
    header, arrays = read_archive(path, KIND)
    return graph_from_parts(os.fspath(path), header, arrays)


def graph_from_parts(source: str, header: dict[str, Any], arrays: Arrays) -> Graph:
    """The graph of `graph_parts`, as read from the file `source`; InputError where it does not hold together."""
    with believed(source, KIND):
        return _graph_of(source, header, arrays)


def _relation_arrays(relation: Relation) -> Arrays:
    """The arrays of a relation, but for its sides."""
    if relation.counts is not None:
        counts = relation.counts
        return {"counts.data": counts.data, "counts.indices": counts.indices, "counts.indptr": counts.indptr}
    return {} if relation.weight is None else {"weight": relation.weight}


def _own_sides(relation: Relation, number: int) -> dict[str, Incidence]:
    both = {"left": relation.left, "right": None if relation.reflexive else relation.right}
    return {f"r{number}.{name}": side for name, side in both.items() if side is not None}


def _graph_of(source: str, header: dict[str, Any], arrays: Arrays) -> Graph:
    ids, column_of = ids_from_parts(source, arrays["ids_text"], arrays["ids_offset"]), arrays["column_of"]
    columns, transient, names = (_names(source, header, key) for key in ("columns", "transient", "relations"))
    _require(source, column_of.dtype == np.uint8 and column_of.shape == (len(ids),), "the columns of ids")
    _require(source, len(column_of) > 0 and column_of.max() < len(columns), "the columns of ids")
    for code in range(len(columns)):
        own = ids.filter(pa.array(column_of == code))
        _require(source, len(own.unique()) == len(own), "the ids (some stand twice)")
    sides = _sides_of(source, header.get("shared", {}), arrays, len(ids))
    factors = _factors(source, header, len(names))
    relations = tuple(
        replace(_relation_of(source, name, f"r{i}", arrays, sides, len(ids)), factor=factor)
        for i, (name, factor) in enumerate(zip(names, factors, strict=True))
    )
    _require(source, len(relations) > 0, "the relations")
    report: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in header["report"].items()
    }
    occurrences = arrays.get("occurrences")
    if occurrences is not None:
        whole = occurrences.dtype == np.int64 and occurrences.shape == (len(ids),) and bool((occurrences >= 0).all())
        _require(source, whole, "the occurrences")
    vocab = Vocab(ids, columns, column_of)
    return counting_isolated(Graph(vocab, relations, transient, BuildReport(**report), occurrences))


def _names(source: str, header: dict[str, Any], key: str) -> tuple[str, ...]:
    names = header[key]
    _require(source, isinstance(names, list) and all(isinstance(name, str) for name in names), f"the {key}")
    return tuple(names)


def _factors(source: str, header: dict[str, Any], count: int) -> list[float]:
    factors = header.get("factors", [1.0] * count)
    fine = isinstance(factors, list) and len(factors) == count and all(_is_factor(factor) for factor in factors)
    _require(source, fine, "the factors of relations")
    return [float(factor) for factor in factors]


def _is_factor(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


def _sides_of(source: str, shared: dict[str, str], arrays: Arrays, size: int) -> dict[str, Incidence]:
    """All sides by key, such as "r0.left"."""
    sides: dict[str, Incidence] = {}
    for key in (key.removesuffix(".offset") for key in arrays if key.endswith(".offset")):
        offset, member = arrays[f"{key}.offset"], arrays[f"{key}.member"]
        whole = offset.dtype == np.int64 and member.dtype == np.int32 and is_offset(offset, len(member))
        _require(source, whole and is_in_range(member, size), f"the hyperedges of {key!r}")
        sides[key] = Incidence(offset, member)
    return sides | {key: sides[first] for key, first in shared.items()}


def _relation_of(source: str, name: str, key: str, arrays: Arrays, sides: dict[str, Incidence], size: int) -> Relation:
    if f"{key}.counts.data" in arrays:
        data, indices, indptr = (arrays[f"{key}.counts.{part}"] for part in ("data", "indices", "indptr"))
        whole = len(indptr) == size + 1 and is_offset(indptr, len(indices)) and len(data) == len(indices)
        _require(source, whole and is_in_range(indices, size) and _is_weight(data), f"the matrix of {name!r}")
        return Relation(name, counts=sp.csr_array((data, indices, indptr), shape=(size, size)))
    left = sides[f"{key}.left"]
    right = sides.get(f"{key}.right", left)
    _require(source, len(left) == len(right), f"the hyperedges of {name!r}")
    weight = arrays.get(f"{key}.weight")
    _require(
        source, weight is None or (weight.shape == (len(left),) and _is_weight(weight)), f"the weights of {name!r}"
    )
    return Relation(name, left, right, weight)


def _is_weight(values: np.ndarray) -> bool:
    return bool(values.dtype == np.float32 and values.ndim == 1 and np.isfinite(values).all() and (values >= 0).all())


def _require(source: str, fine: bool, what: str) -> None:
    if not fine:
        raise InputError(f"{source}: a damaged graph file: {what} do not hold together.")
