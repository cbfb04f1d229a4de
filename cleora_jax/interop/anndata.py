"""AnnData, as single-cell biology keeps graphs and vectors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._extras import library
from cleora_jax.graph import Graph, Vocab, adjacency, from_scipy
from cleora_jax.interop.edges import Imported, attribute_table, check_foreign
from cleora_jax.vectors.embedding import Embedding

VECTORS, GRAPH, COLUMN = "X_cleora", "connectivities", "column"


def to_anndata(graph: Graph | None = None, embedding: Embedding | None = None) -> Any:
    """An AnnData: vectors in `obsm["X_cleora"]`, the adjacency in `obsp["connectivities"]`, entities are observations.

    Args:
        graph: Default: none.
        embedding: of the same entities. Default: none.

    Raises:
        ValueError: neither, or of different entities, or of ids that stand in several columns.
        ModuleNotFoundError: anndata is not installed.
    """
    anndata = library("anndata", "interop", "`to_anndata`")
    pandas = library("pandas", "interop", "`to_anndata`")
    vocabs = [each.vocab for each in (graph, embedding) if each is not None]
    if not vocabs or any(vocab != vocabs[0] for vocab in vocabs):
        raise checks.OptionError("`graph` and `embedding` must be of the same entities, and one must be given.")
    (vocab, *_) = vocabs
    ids = vocab.ids.to_pylist()
    if len(set(ids)) < len(ids):
        raise checks.OptionError(
            "observations must have names of their own, and ids stand in several columns: take one."
        )
    column = pandas.Categorical.from_codes(vocab.column_of, vocab.columns)
    frame = pandas.DataFrame({COLUMN: column}, index=pandas.Index(ids, dtype=str))
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
        column: name of the entities' column, where `obs["column"]` does not say. Default: "cell".

    Raises:
        NotFoundError: no such matrix.
        ValueError: entries that are not finite and ≥ 0, or names that repeat.
    """
    check_foreign("data", data, "an AnnData", "obs", "obsp", "obsm")
    if graph not in data.obsp:
        raise checks.NotFoundError(f"no matrix {graph!r} in `obsp`; there are {checks.listed(data.obsp)}.")
    matrix = sp.csr_array(data.obsp[graph])
    found = from_scipy(matrix, column=column)
    attributes = {name: data.obs[name].tolist() for name in data.obs.columns if name != COLUMN}
    symmetric = bool(abs(matrix - matrix.T).max() == 0)
    known = replace(found, vocab=_vocab_of(data, column))
    return Imported(known, attribute_table(attributes, found.num_entities), not symmetric)


def _vocab_of(data: Any, column: str) -> Vocab:
    """The observations, with their columns where `to_anndata` has said so."""
    names = list(map(str, data.obs_names))
    if COLUMN not in data.obs.columns:
        return Vocab.of(names, column)
    of = data.obs[COLUMN].astype("category").cat
    columns = tuple(map(str, of.categories))
    return Vocab(pa.array(names, pa.large_string()), columns, of.codes.to_numpy().astype(np.uint8))


def vectors_from_anndata(data: Any, *, key: str = VECTORS, column: str = "cell") -> Embedding:
    """The vectors in `obsm`, float[n, d].

    Raises:
        NotFoundError: no such vectors.
    """
    check_foreign("data", data, "an AnnData", "obs", "obsp", "obsm")
    if key not in data.obsm:
        raise checks.NotFoundError(f"no vectors {key!r} in `obsm`; there are {checks.listed(data.obsm)}.")
    return Embedding(np.asarray(data.obsm[key], np.float32), _vocab_of(data, column))
