"""safetensors: vectors and ids as tensors, settings as metadata."""

from __future__ import annotations

import json
import os

import numpy as np
import pyarrow as pa

from cleora_jax._atomic import atomic_path
from cleora_jax._checks import InputError, file_at
from cleora_jax._extras import library
from cleora_jax._version import __version__
from cleora_jax.graph.archive import vocab_arrays, vocab_from
from cleora_jax.vectors.embedding import Embedding, check_writable

FORMAT = "cleora_jax.embedding"


def save_safetensors(embedding: Embedding, path: str | os.PathLike[str]) -> None:
    """Write tensors `vectors` float32[n, d], `column_of` uint8[n], and ids as `ids_text` and `ids_offset`.

    Raises:
        ModuleNotFoundError: safetensors is not installed.
        InputError: NaN or infinity.
        OSError: the folder does not exist, or the disk refuses.
    """
    check_writable(embedding, path)
    numpy = library("safetensors.numpy", "interop", "`save_safetensors`")
    tensors = {"vectors": embedding.to_numpy()}
    tensors |= {name: np.array(part) for name, part in vocab_arrays(embedding.vocab).items()}
    told = {"format": FORMAT, "library": __version__, "columns": json.dumps(embedding.vocab.columns)}
    told["settings"] = json.dumps(embedding.settings)
    with atomic_path(path) as temporary:
        numpy.save_file(tensors, os.fspath(temporary), metadata=told)


def load_safetensors(path: str | os.PathLike[str]) -> Embedding:
    """Read what `save_safetensors` wrote.

    Raises:
        MissingFileError: no such file.
        InputError: one that is damaged or of another kind.
        ModuleNotFoundError: safetensors is not installed.
    """
    safetensors = library("safetensors", "interop", "`load_safetensors`")
    source = file_at(path)
    try:
        with safetensors.safe_open(source, framework="numpy") as file:
            told = file.metadata() or {}
            if told.get("format") != FORMAT:
                raise InputError(f"{source}: a safetensors file of another kind.")
            tensors = {name: file.get_tensor(name) for name in ("vectors", "column_of", "ids_text", "ids_offset")}
        columns, settings = tuple(json.loads(told["columns"])), json.loads(told["settings"])
    except (safetensors.SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise InputError(f"{source}: truncated or damaged ({error}).") from error
    try:
        vocab = vocab_from(source, columns, tensors)
    except pa.ArrowException as error:
        raise InputError(f"{source}: damaged: the ids are no text ({error}).") from error
    if len(vocab) != len(tensors["vectors"]):
        raise InputError(f"{source}: damaged: its parts do not hold together.")
    return Embedding(tensors["vectors"], vocab, settings)
