"""Sparse matrices inside jit, and the one product of the package.

On CPU a `BCSR @ dense` of two dimensions and equal dtypes lowers to jaxlib's threaded native kernel; anything batched
or differentiated falls back, silently, to a path that is ten times slower and allocates entries × d. So the product is
taken here only, and carries its own rules: `custom_vmap` runs a batch as column blocks of the same kernel, and
`custom_vjp` multiplies by the adjoint, which is either a diagonal similarity of the same matrix or stored.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp
from jax.custom_batching import custom_vmap
from jax.experimental.sparse import BCOO, BCSR

from cleora_jax._checks import OptionError
from cleora_jax.graph.hyperedges import index_array
from cleora_jax.vectors.rows import Blocks, join_columns, split_columns

ENTRY_BLOCK = 4096  # entries whose two rows are gathered at once
NARROW = 32  # columns below which a batch of right-hand sides is folded into one


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Csr:
    """A sparse matrix in compressed rows: data float32[m], indices int32[m], indptr int[rows + 1]."""

    data: jax.Array
    indices: jax.Array
    indptr: jax.Array
    shape: tuple[int, int] = field(metadata={"static": True})

    @classmethod
    def of(cls, matrix: sp.csr_array) -> Csr:
        """From a SciPy CSR of float32; index and pointer types are made equal, as the kernel wants."""
        pointers = index_array(matrix.indptr)
        return cls.put(matrix.data, matrix.indices.astype(pointers.dtype, copy=False), pointers, tuple(matrix.shape))

    @classmethod
    def put(cls, data: np.ndarray, indices: np.ndarray, pointers: np.ndarray, shape: tuple[int, int]) -> Csr:
        """From its three arrays as they are."""
        wide = pointers.dtype == np.int64  # where entries exceed int32: else JAX would cut the pointers short
        with jax.enable_x64(True) if wide else nullcontext():
            return cls(jax.device_put(data), jax.device_put(indices), jax.device_put(pointers), shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the three arrays."""
        return int(self.data.nbytes + self.indices.nbytes + self.indptr.nbytes)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Operator:
    """A linear map on n entities as a product of sparse factors: `factors[0] @ factors[1] @ …`.

    The clique form has one factor, the factored form two. A pytree of arrays: pass it to jit as an argument.

    Args:
        factors: the matrices, applied from the last to the first.
        row_sum: float32[n], the operator's row sums (1, but 0 for isolated entities, under "left").
        similarity: float32[n] a > 0 with Mᵀ = diag(a) M diag(1/a), where there is one (left: degrees; symmetric: ones).
        adjoint: factors of Mᵀ where there is no similarity and gradients are wanted, else None.
    """

    factors: tuple[Csr, ...]
    row_sum: jax.Array
    similarity: jax.Array | None = None
    adjoint: tuple[Csr, ...] | None = None

    def __matmul__(self, x: jax.Array) -> jax.Array:
        """M x, see `apply`."""
        return apply(self, x)

    def __repr__(self) -> str:  # of what is static, so that it holds under jit and for any leaves
        return f"Operator({self.num_entities:,} entities, {'clique' if len(self.factors) == 1 else 'factored'})"

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n); (n, f) where the last factor has f columns."""
        return self.num_entities, self.factors[-1].shape[1]

    @property
    def num_entities(self) -> int:
        """n."""
        return self.factors[0].shape[0]

    @property
    def num_entries(self) -> int:
        """Stored entries over all factors: multiply-adds of one product, per column."""
        return sum(factor.data.shape[0] for factor in self.factors)

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays."""
        return sum(leaf.nbytes for leaf in jax.tree.leaves(self))


def apply(op: Operator, x: jax.Array) -> jax.Array:
    """M x, in column blocks of the native kernel; works under jit, scan, vmap and grad.

    Args:
        op: n × n, or n × f.
        x: float32[n, d], or float32[f, d].

    Returns:
        float32[n, d].

    Example:
        >>> import cleora_jax as cj, jax.numpy as jnp
        >>> op = cj.markov(cj.from_edges([0, 0], [1, 2]), "left")
        >>> cj.apply(op, jnp.ones((3, 2)))[:, 0].tolist()  # or op @ …
        [1.0, 1.0, 1.0]
    """
    if x.ndim != 2 or x.shape[0] != op.shape[1]:
        raise OptionError(f"`x` must have shape ({op.shape[1]}, d), got {x.shape}.")
    if x.dtype != jnp.float32:
        raise TypeError(f"`x` must be float32 (the native kernel needs equal types), got {x.dtype}.")
    return join_columns([apply_block(op, block) for block in split_columns(x)])


@jax.custom_vjp
def apply_block(op: Operator, x: jax.Array) -> jax.Array:
    """M x for one block of columns, in one call of the native kernel per factor."""
    return _chain(op.factors, x)


def _forward(op: Operator, x: jax.Array) -> tuple[jax.Array, Operator]:
    return apply_block(op, x), op


def _backward(op: Operator, grad: jax.Array) -> tuple[None, jax.Array]:
    return None, apply_adjoint(op, grad)


apply_block.defvjp(_forward, _backward)


def apply_adjoint(op: Operator, x: jax.Array) -> jax.Array:
    """Mᵀ x for one block of columns."""
    if op.similarity is not None:
        scale = op.similarity[:, None]
        return scale * _chain(op.factors, x / scale)
    if op.adjoint is None:
        raise OptionError("this operator was built without its adjoint: pass `differentiable=True` to `markov`.")
    return _chain(op.adjoint, x)


def _chain(factors: tuple[Csr, ...], x: jax.Array) -> jax.Array:
    for factor in reversed(factors):
        x = _product(factor, x)
    return x


@jax.custom_vjp
def apply_with(op: Operator, data: jax.Array, x: jax.Array) -> jax.Array:
    """M x for one block of columns, M's entries in place of which are `data`: differentiable in these, too.

    Args:
        op: of one factor, whose pattern is used; its `similarity` must hold for the new entries as well.
        data: float32[m].
        x: float32[n, d].
    """
    return _chain(with_data(op, data).factors, x)


def _forward_with(op: Operator, data: jax.Array, x: jax.Array) -> tuple[jax.Array, tuple[Operator, jax.Array]]:
    return apply_with(op, data, x), (with_data(op, data), x)


def _backward_with(kept: tuple[Operator, jax.Array], grad: jax.Array) -> tuple[None, jax.Array, jax.Array]:
    op, x = kept
    if op.similarity is None:  # its stored adjoint is that of other entries
        raise OptionError(
            "gradients through weights that change (attention, `mix`) need a matrix with a diagonal similarity: "
            "'left' or 'symmetric' propagation, not directed, a metapath or an asymmetric matrix."
        )
    return None, entry_dots(op.factors[0], entry_rows(op.factors[0]), (grad,), (x,)), apply_adjoint(op, grad)


apply_with.defvjp(_forward_with, _backward_with)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Weighted:
    """diag(scale) (M with entries `data`): an operator whose weights are computed, and may be differentiated.

    Args:
        op: of one factor; its pattern, and its `similarity`, which must hold for `data` as well.
        data: float32[m].
        scale: float32[n].
    """

    op: Operator
    data: jax.Array
    scale: jax.Array

    @classmethod
    def of(cls, op: Operator, data: jax.Array) -> Weighted:
        """With rows scaled to the sums that they have in `op`; rows of which nothing is left stay zero."""
        mass = apply_with(op, data, jnp.ones((op.num_entities, 1), jnp.float32))[:, 0]
        there = mass > 0
        return cls(op, data, jnp.where(there, op.row_sum / jnp.where(there, mass, 1), 0))

    def __matmul__(self, x: jax.Array) -> jax.Array:
        """The product with float32[n, d]."""
        return self.scale[:, None] * join_columns([apply_with(self.op, self.data, part) for part in split_columns(x)])

    @property
    def row_sum(self) -> jax.Array:
        """float32[n], those of `op`, but 0 where nothing is left of a row."""
        return jnp.where(self.scale > 0, self.op.row_sum, 0)

    @property
    def num_entities(self) -> int:
        """n."""
        return self.op.num_entities


def with_data(op: Operator, data: jax.Array) -> Operator:
    """The operator with other entries in the places of its only factor."""
    if len(op.factors) != 1:
        raise OptionError("entries of a factored operator are no pairs of entities: build it with `form='clique'`.")
    return replace(op, factors=(replace(op.factors[0], data=data),))


def entry_rows(matrix: Csr) -> jax.Array:
    """int[m]: the row of each stored entry."""
    rows = jnp.arange(matrix.shape[0], dtype=matrix.indices.dtype)
    return jnp.repeat(rows, jnp.diff(matrix.indptr), total_repeat_length=matrix.data.shape[0])


def entry_dots(matrix: Csr, rows: jax.Array, left: Blocks, right: Blocks) -> jax.Array:
    """left[i] · right[j] for each stored entry (i, j), float32[m], a block of entries at a time.

    Args:
        matrix: n × n, of which only the pattern is used.
        rows: `entry_rows` of it.
        left, right: float32[n, d] in column blocks.
    """
    count = matrix.data.shape[0]
    size = min(ENTRY_BLOCK, max(count, 1))
    pairs = tuple(jnp.pad(ends, (0, -count % size)).reshape(-1, size) for ends in (rows, matrix.indices))

    @jax.checkpoint  # the gathered rows of one block are all that a backward pass holds at a time
    def dots(pair: tuple[jax.Array, jax.Array]) -> jax.Array:
        return jnp.stack([(a[pair[0]] * b[pair[1]]).sum(axis=1) for a, b in zip(left, right, strict=True)]).sum(axis=0)

    return jax.lax.map(dots, pairs).reshape(-1)[:count]


@custom_vmap
def _product(matrix: Csr, x: jax.Array) -> jax.Array:
    """The only line that knows the sparse library."""
    return BCSR((matrix.data, matrix.indices, matrix.indptr), shape=matrix.shape) @ x


@_product.def_vmap
def _product_of_batch(size: int, batched: tuple[Any, bool], matrix: Csr, x: jax.Array) -> tuple[jax.Array, bool]:
    """A batch of right-hand sides: narrow ones folded into columns, wide ones one after another."""
    of_matrix, of_x = batched
    if of_matrix.indices or of_matrix.indptr:
        raise NotImplementedError("vmap over the operator itself: map over vectors, seeds and numbers instead.")
    if of_matrix.data:
        x = x if of_x else jnp.broadcast_to(x, (size, *x.shape))
        return jax.lax.map(lambda one: _product(replace(matrix, data=one[0]), one[1]), (matrix.data, x)), True
    if x.shape[2] >= NARROW:
        return jax.lax.map(lambda one: _product(matrix, one), x), True
    columns = x.transpose(1, 0, 2).reshape(x.shape[1], -1)
    return _product(matrix, columns).reshape(-1, size, x.shape[2]).transpose(1, 0, 2), True


def operator_to_bcoo(op: Operator) -> BCOO:
    """The operator as a BCOO matrix, n × n, indices sorted and unique; one factor only."""
    if len(op.factors) != 1:
        raise OptionError("a factored operator is no single matrix: build it with `form='clique'`.")
    csr = op.factors[0]
    return BCSR((csr.data, csr.indices, csr.indptr), shape=csr.shape).to_bcoo()
