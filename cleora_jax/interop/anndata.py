"""AnnData, as single-cell biology keeps graphs and vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._extras import library
from cleora_jax.graph import Graph, Vocab, adjacency, from_scipy
from cleora_jax.interop.edges import Imported, _table
from cleora_jax.vectors.embedding import Embedding

VECTORS, GRAPH = "X_cleora", "connectivities"


def to_anndata(graph: Graph | None = None, embedding: Embedding | None = None) -> Any:
    """An AnnData: vectors in `obsm["X_cleora"]`, the adjacency in `obsp["connectivities"]`, entities are observations.

    Args:
        graph: Default: none.
        embedding: of the same entities. Default: none.

    Raises:
        ValueError: neither, or of different entities.
        ModuleNotFoundError: anndata is not installed.
    """
    anndata = library("anndata", "interop", "`to_anndata`")
    pandas = library("pandas", "interop", "`to_anndata`")
    vocabs = [each.vocab for each in (graph, embedding) if each is not None]
    if not vocabs or any(vocab != vocabs[0] for vocab in vocabs):
        raise checks.OptionError("`graph` and `embedding` must be of the same entities, and one must be given.")
    (vocab, *_) = vocabs
    column = pandas.Categorical.from_codes(vocab.column_of, vocab.columns)
    frame = pandas.DataFrame({"column": column}, index=pandas.Index(vocab.ids.to_pylist(), dtype=str))
    found = anndata.AnnData(obs=frame)
    if embedding is not None:
        found.obsm[VECTORS] = embedding.to_numpy()
    if graph is not None:
        found.obsp[GRAPH] = sp.csr_matrix(adjacency(graph))
    return found


def from_anndata(data: Any, *, graph: str = GRAPH, column: str = "cell") -> Imported:
    """A graph given as a matrix in `obsp`, with the columns of `obs` as attributes.

    Args:
        data: n observations.
        graph: which of `obsp`. Default: "connectivities".
        column: name of the entities' column. Default: "cell".

    Raises:
        NotFoundError: no such matrix.
        ValueError: entries that are not finite and ≥ 0, or names that repeat.
    """
    if graph not in data.obsp:
        raise checks.NotFoundError(f"no matrix {graph!r} in `obsp`; there are {checks.listed(data.obsp)}.")
    matrix = sp.csr_array(data.obsp[graph])
    found = from_scipy(matrix, list(map(str, data.obs_names)), column=column)
    attributes = {name: data.obs[name].tolist() for name in data.obs.columns}
    symmetric = bool(abs(matrix - matrix.T).max() == 0)
    return Imported(found, _table(attributes, found.num_entities), not symmetric)


def vectors_from_anndata(data: Any, *, key: str = VECTORS, column: str = "cell") -> Embedding:
    """The vectors in `obsm`, float[n, d].

    Raises:
        NotFoundError: no such vectors.
    """
    if key not in data.obsm:
        raise checks.NotFoundError(f"no vectors {key!r} in `obsm`; there are {checks.listed(data.obsm)}.")
    return Embedding(np.asarray(data.obsm[key], np.float32), Vocab.of(list(map(str, data.obs_names)), column))
