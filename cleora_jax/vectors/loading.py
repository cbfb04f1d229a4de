"""Whatever can be searched, from its file."""

from __future__ import annotations

import os

from cleora_jax import _checks as checks
from cleora_jax.graph.archive import format_in
from cleora_jax.vectors.embedding import load_embedding
from cleora_jax.vectors.index import KIND as INDEX
from cleora_jax.vectors.index import load_index
from cleora_jax.vectors.searchable import Searchable


def load_searchable(path: str | os.PathLike[str]) -> Searchable:
    """Read what can be searched, by what the file says it is: an index, codes, or else vectors.

    Raises:
        InputError: a file that is damaged or none of the three.
        MissingFileError: no such file.
        ModuleNotFoundError: an index whose engine is not installed.

    Example:
        >>> import os, tempfile
        >>> import numpy as np
        >>> import cleora_jax as cj
        >>> path = os.path.join(tempfile.mkdtemp(), "some.npz")
        >>> vectors = cj.Embedding(np.eye(4, dtype=np.float32), cj.Vocab.of(list("abcd")))
        >>> cj.compress(vectors, cj.Int8()).save(path)
        >>> type(cj.load_searchable(path)).__name__
        'Compressed'
    """
    from cleora_jax.vectors.coding.stored import KIND as CODES
    from cleora_jax.vectors.coding.stored import load_compressed

    found = format_in(checks.file_at(path))
    if found == INDEX.format:
        return load_index(path)
    if found == CODES.format:
        return load_compressed(path)
    return load_embedding(path)
