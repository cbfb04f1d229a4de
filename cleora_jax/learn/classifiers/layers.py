"""Layers of the networks: dense or sparse features, dropout that forward and backward share, sums of fixed order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp

from cleora_jax.learn.classifiers.problem import Matrix
from cleora_jax.sparse.from_graph import from_csr
from cleora_jax.sparse.operator import Operator, apply
from cleora_jax.vectors.stable import product


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class SparseTable:
    """Matrix in compressed rows. A pytree of arrays.

    Args:
        op: n × f, with its transpose.
        place: int[m], which entry of the one each entry of the other is.
    """

    op: Operator
    place: jax.Array


Table = jax.Array | SparseTable
Parameters = tuple[tuple[jax.Array, jax.Array], ...]  # weight float32[in, out] and bias float32[out] of each layer


class Inputs(NamedTuple):
    """What a network is applied to.

    Args:
        table: features of n entities.
        op: n × n, by which each layer smooths; None for a plain perceptron.
    """

    table: Table
    op: Operator | None


def table_of(features: Matrix) -> Table:
    """Matrix on the device."""
    if not sp.issparse(features):
        return jax.device_put(features)
    op = from_csr(features)
    entries = sp.csr_array((np.arange(features.nnz), features.indices, features.indptr), shape=features.shape)
    return SparseTable(op, jax.device_put(entries.T.tocsr().data.astype(features.indices.dtype)))


def logits_of(parameters: Parameters, inputs: Inputs, dropout: float, key: jax.Array | None) -> jax.Array:
    """x ← S drop(x) W + b layer by layer, with max(0, ·) between them: logits float32[n, c].

    Args:
        parameters: of each layer.
        inputs: features, and S where there is one.
        dropout: share of each layer's inputs that is dropped while it learns.
        key: for what is dropped; None drops nothing.
    """
    x = inputs.table
    for layer, (weight, bias) in enumerate(parameters):
        if key is not None and dropout:
            x = dropped(x, jax.random.fold_in(key, layer), dropout)
        y = _multiplied(x, weight)
        y = y if inputs.op is None else apply(inputs.op, y)
        y = y + product(jnp.ones((len(y), 1), jnp.float32), bias[None])
        x = jax.nn.relu(y)
    return y


def _multiplied(x: Table, weight: jax.Array) -> jax.Array:
    return apply(x.op, weight) if isinstance(x, SparseTable) else product(x, weight)


def dropped(x: Table, key: jax.Array, dropout: float) -> Table:
    """Each stored entry set to 0 with probability `dropout`, else divided by 1 − `dropout`, so that means stay.

    A sparse table and its transpose lose the same entries: the backward pass sees what the forward pass saw.
    """
    if not isinstance(x, SparseTable):
        return x * _mask(key, x.shape, dropout)
    assert x.op.adjoint is not None
    forward, backward = x.op.factors[0], x.op.adjoint[0]
    data = forward.data * _mask(key, forward.data.shape, dropout)
    op = replace(x.op, factors=(replace(forward, data=data),), adjoint=(replace(backward, data=data[x.place]),))
    return SparseTable(op, x.place)


def _mask(key: jax.Array, shape: tuple[int, ...], dropout: float) -> jax.Array:
    return jax.random.bernoulli(key, 1 - dropout, shape) / np.float32(1 - dropout)
