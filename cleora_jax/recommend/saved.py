"""A fitted recommender on disk: one archive (see `graph.archive`), format version 1.

header            JSON: format, version, library, method (its name), settings, columns of both vocabularies, states
                  (the kind of each part of the state), notes
users.*, items.*  ids
matrix.*          data float32[m], indices, indptr: the interactions
state.{name}      an array, or state.{name}.data, .indices, .indptr and .shape: a sparse matrix or an operator
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import jax
import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax.graph.archive import (
    Arrays,
    Kind,
    believed,
    is_in_range,
    is_offset,
    read_archive,
    under,
    vocab_arrays,
    vocab_from,
    write_archive,
)
from cleora_jax.recommend.interactions import Interactions
from cleora_jax.recommend.methods import RECOMMENDERS, recommender_named
from cleora_jax.sparse.from_graph import from_csr
from cleora_jax.sparse.operator import Operator

if TYPE_CHECKING:
    from cleora_jax.recommend.verb import Recommender

KIND = Kind("recommender", "cleora_jax recommender", 1)


def save_recommender(found: Recommender, path: str | os.PathLike[str]) -> None:
    """Write a recommender, see `Recommender.save`."""
    name = next((name for name, kind in RECOMMENDERS.items() if kind is type(found.method)), None)
    if name is None:
        raise checks.OptionError(
            f"only methods of `RECOMMENDERS` can be saved, so that they can be loaded; got {found.method!r}."
        )
    given, parts = found.interactions, found.state._asdict()
    header = {
        "method": name, "settings": asdict(found.method),  # type: ignore[call-overload]
        "columns": [given.users.columns, given.items.columns],
        "states": {part: _kind(value) for part, value in parts.items()}, "notes": found.notes,
    }  # fmt: skip
    arrays: Arrays = {f"matrix.{part}": array for part, array in _csr_arrays(given.matrix).items()}
    for side, vocab in (("users", given.users), ("items", given.items)):
        arrays |= {f"{side}.{part}": array for part, array in vocab_arrays(vocab).items()}
    for part, value in parts.items():
        arrays |= {f"state.{part}{suffix}": array for suffix, array in _state_arrays(value).items()}
    write_archive(path, KIND, header, arrays)


def load_recommender(path: str | os.PathLike[str]) -> Recommender:
    """Read what `Recommender.save` wrote: it recommends the same, to the bit.

    Raises:
        InputError: not such a file, a newer format version, or a damaged one; the fault is named.
    """
    from cleora_jax.recommend.verb import Recommender

    source = os.fspath(path)
    header, arrays = read_archive(path, KIND)
    with believed(source, KIND), _fitting(source):
        users, items = (
            vocab_from(source, columns, under(arrays, f"{side}."))
            for side, columns in zip(("users", "items"), header["columns"], strict=True)
        )
        shape = len(users), len(items)
        matrix = _csr(source, under(arrays, "matrix.") | {"shape": np.asarray(shape)})
        method = _method(header["method"], header["settings"])
        parts = {part: _state_part(source, kind, part, arrays, shape) for part, kind in header["states"].items()}
        if not isinstance(header["notes"], dict):
            raise checks.InputError(f"{source}: a damaged recommender file: the notes.")
        found = Recommender(Interactions(users, items, matrix), method, method.State(**parts), header["notes"])
        _check_ids_and_pairs(source, found.interactions)
        _check_scores(source, found)
        return found


@contextlib.contextmanager
def _fitting(source: str) -> Iterator[None]:
    """Turn what comes of settings and parts of a state that do not go together into an InputError."""
    try:
        yield
    except checks.InputError:
        raise
    except (ValueError, IndexError) as error:
        raise checks.InputError(f"{source}: a damaged recommender file: {error}") from error


def _check_ids_and_pairs(source: str, given: Interactions) -> None:
    matrix = given.matrix
    named = all(len(vocab.ids.unique()) == len(vocab) for vocab in (given.users, given.items))
    inner = np.ones(max(matrix.nnz - 1, 0), bool)  # whether an entry and the next are of one row
    ends = matrix.indptr[1:-1]
    inner[ends[(ends > 0) & (ends < matrix.nnz)] - 1] = False
    rising = (np.diff(matrix.indices)[inner] > 0).all()
    if not (named and rising and (matrix.data > 0).all()):
        raise checks.InputError(f"{source}: a damaged recommender file: the interactions do not hold together.")


def _check_scores(source: str, found: Recommender) -> None:
    """Whether the parts of a state go together: somebody who took nothing can be given scores."""
    items = len(found.interactions.items)
    scores = np.asarray(found.method.scores(found.state, sp.csr_array((1, items), dtype=np.float32)))
    if scores.shape != (1, items) or scores.dtype != np.float32 or not np.isfinite(scores).all():
        raise checks.InputError(f"{source}: a damaged recommender file: its state does not give finite scores.")


def _method(name: str, settings: dict[str, Any]) -> Any:
    return recommender_named(name, **{key: _hashable(value) for key, value in settings.items()})


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value  # JSON knows no tuples


def _kind(value: Any) -> str:
    if isinstance(value, Operator):
        return "operator"
    if sp.issparse(value):
        return "sparse"
    return "jax" if isinstance(value, jax.Array) else "array"


def _state_arrays(value: Any) -> Arrays:
    """The arrays of one part of a state, by what follows its name."""
    if isinstance(value, Operator):
        (csr,) = value.factors
        parts = {name: np.asarray(getattr(csr, name)) for name in ("data", "indices", "indptr")}
        return {f".{name}": array for name, array in parts.items()} | {".shape": np.asarray(csr.shape)}
    if sp.issparse(value):
        return {f".{name}": array for name, array in _csr_arrays(value).items()} | {".shape": np.asarray(value.shape)}
    return {"": np.asarray(value)}


def _csr_arrays(matrix: sp.csr_array) -> Arrays:
    return {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr}


def _state_part(source: str, kind: str, name: str, arrays: Arrays, shape: tuple[int, int]) -> Any:
    """One part of a state: arrays have a row for each item, or user, or none; matrices are about items either way."""
    users, items = shape
    if kind not in ("array", "jax", "operator", "sparse"):
        raise checks.InputError(f"{source}: a damaged recommender file: a part of kind {kind!r}.")
    if kind in ("array", "jax"):
        array = arrays[f"state.{name}"]
        of_these = len(array) == items or (array.ndim == 2 and len(array) in (0, users))
        if array.dtype != np.float32 or not of_these or not np.isfinite(array).all():
            raise checks.InputError(f"{source}: a damaged recommender file: {name!r} does not hold together.")
        return jax.device_put(array) if kind == "jax" else array
    matrix = _csr(source, under(arrays, f"state.{name}."))
    if items not in matrix.shape:
        raise checks.InputError(f"{source}: a damaged recommender file: {name!r} is not of {items} items.")
    return from_csr(matrix) if kind == "operator" else matrix


def _csr(source: str, arrays: Arrays) -> sp.csr_array:
    data, indices, indptr = (arrays[name] for name in ("data", "indices", "indptr"))
    rows, columns = (int(size) for size in arrays["shape"])
    whole = is_offset(indptr, len(indices)) and len(indptr) == rows + 1 and is_in_range(indices, columns)
    if not (whole and data.dtype == np.float32 and data.shape == indices.shape and np.isfinite(data).all()):
        raise checks.InputError(f"{source}: a damaged recommender file: a matrix does not hold together.")
    return sp.csr_array((data, indices, indptr), shape=(rows, columns))
