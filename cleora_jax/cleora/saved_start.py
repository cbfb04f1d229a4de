"""First vectors that were given to `fit`, as a header and arrays for a file that keeps them, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from cleora_jax._checks import InputError
from cleora_jax.cleora.features import Features, FeatureTable
from cleora_jax.cleora.start import INITS, Init, features_of
from cleora_jax.graph.archive import Arrays, is_in_range, is_offset, under
from cleora_jax.graph.vocab import Vocab, id_parts, ids_from_parts
from cleora_jax.vectors.embedding import Embedding


def start_parts(init: Init | None) -> tuple[dict[str, Any], Arrays]:
    """First vectors as a header and arrays; what they were given as is kept, so that entities to come start alike."""
    if init is None or isinstance(init, str):
        return {"kind": "named", "name": init}, {}
    if isinstance(init, Embedding):
        arrays = {**_ids("ids", init.vocab), "column_of": init.vocab.column_of, "vectors": init.vectors}
        return {"kind": "embedding", "columns": init.vocab.columns, "settings": init.settings}, arrays
    parts = features_of(init)
    if not parts:
        return {"kind": "array"}, {"table": np.asarray(init, np.float32)}
    packed = [_feature_parts(part) for part in parts]
    arrays = {f"{at}.{name}": array for at, (_, some) in enumerate(packed) for name, array in some.items()}
    return {"kind": "features", "parts": [header for header, _ in packed]}, arrays


def start_from_parts(source: str, header: dict[str, Any], arrays: Arrays) -> Init | None:
    """First vectors as `start_parts` took them; KeyError, TypeError or InputError where they do not hold together."""
    kind = header["kind"]
    if kind == "named":
        _require(source, header["name"] in (None, *INITS))
        return header["name"]
    if kind == "embedding":
        vocab = Vocab(_read_ids(source, arrays, "ids"), tuple(header["columns"]), arrays["column_of"])
        _require(source, vocab.column_of.dtype == np.uint8 and is_in_range(vocab.column_of, len(vocab.columns)))
        _require(source, _is_table(arrays["vectors"]) and len(arrays["vectors"]) == len(vocab))
        return Embedding(arrays["vectors"], vocab, header["settings"])
    if kind == "array":
        _require(source, _is_table(arrays["table"]))
        return arrays["table"]
    _require(source, kind == "features")
    return [_features(source, one, under(arrays, f"{at}.")) for at, one in enumerate(header["parts"])]


def _feature_parts(features: Features) -> tuple[dict[str, Any], Arrays]:
    matrix, ids, names, _ = features.table
    header = {"weight": features.weight, "column": features.column, "shape": list(matrix.shape)}
    arrays = {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr} if sp.issparse(matrix) else {
        "matrix": matrix
    }  # fmt: skip
    for key, words in (("ids", ids), ("names", names)):
        arrays |= {} if words is None else _ids(key, Vocab.of(words))
    return header, arrays


def _features(source: str, header: dict[str, Any], arrays: Arrays) -> Features:
    ids, names = (_read_ids(source, arrays, key).to_pylist() if f"{key}_text" in arrays else None
                  for key in ("ids", "names"))  # fmt: skip
    shape = tuple(header["shape"])
    if "matrix" in arrays:
        matrix: Any = arrays["matrix"]
    else:
        data, indices, indptr = (arrays[name] for name in ("data", "indices", "indptr"))
        whole = len(shape) == 2 and is_offset(indptr, len(indices)) and is_in_range(indices, shape[1])
        _require(source, whole and len(indptr) == shape[0] + 1 and data.shape == indices.shape)
        matrix = sp.csr_array((data, indices, indptr), shape=shape)
    fits = (ids is None or len(ids) == shape[0]) and (names is None or len(names) == shape[1])
    _require(source, fits and matrix.shape == shape and matrix.dtype == np.float32)
    return Features(FeatureTable(matrix, ids, names), header["weight"], header["column"])


def _ids(key: str, vocab: Vocab) -> Arrays:
    text, offset = id_parts(vocab)
    return {f"{key}_text": text, f"{key}_offset": offset}


def _read_ids(source: str, arrays: Arrays, key: str) -> pa.LargeStringArray:
    return ids_from_parts(source, arrays[f"{key}_text"], arrays[f"{key}_offset"])


def _is_table(table: np.ndarray) -> bool:
    return table.dtype == np.float32 and table.ndim == 2 and bool(np.isfinite(table).all())


def _require(source: str, fine: bool) -> None:
    if not fine:
        raise InputError(f"{source}: a damaged model file: the first vectors do not hold together.")
