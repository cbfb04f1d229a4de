"""Random walks of first and of second order over a sparse adjacency matrix, many walkers at a time.

Jitted rather than NumPy: one pass over the walkers does what would take NumPy a dozen, and on both cores. Measured on
two cores that were shared with other work (PPI): first order 15–40 ns a step against 60–170.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax.baselines.alias import Alias, alias_tables, below, coins, kept

NOBODY = -1  # what stands in a walk after its end


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Arcs:
    """What a walker may take, in rows of tails.

    Args:
        indptr: int32[n + 1].
        head: int32[m], rising in each row.
        alias: tables of m entries; None where all arcs of a row weigh the same.
        share: float32[m], the chance of an arc in its row; None where no bias towards the way back asks for it.
        back: float32[m], the chance of the arc from its head to its tail, 0 where there is none; likewise.
    """

    indptr: jax.Array
    head: jax.Array
    alias: Alias | None
    share: jax.Array | None
    back: jax.Array | None

    @classmethod
    def of(cls, matrix: sp.csr_array, bias: Bias | None = None) -> Arcs:
        """From n × n weights > 0, sorted, without duplicates; with what walks of this bias need."""
        if matrix.nnz >= 2**31:
            raise checks.OptionError(f"`graph` must have fewer than 2**31 arcs for walks, got {matrix.nnz:,}.")
        size = np.diff(matrix.indptr)
        row = np.repeat(np.arange(len(size), dtype=np.int32), size)
        weights = matrix.data.astype(np.float64)
        equal = bool((weights == weights[matrix.indptr[row]]).all())
        alias = None if equal else jax.device_put(alias_tables(weights, matrix.indptr))
        share = back = None
        if bias is not None and bias.turns:
            share = (weights / np.bincount(row, weights, len(size))[row]).astype(np.float32)
            back = jax.device_put(_reversed(matrix, row, share))
            share = jax.device_put(share)
        indptr, head = jax.device_put((matrix.indptr.astype(np.int32), matrix.indices))
        return cls(indptr, head, alias, share, back)


@dataclass(frozen=True)
class Bias:
    """Weights of a second-order step from t over v to x: 1/p for x = t, 1 where x has an arc to t, else 1/q."""

    p: float
    q: float

    @property
    def top(self) -> float:
        """The largest weight of a step that is not the way back: proposals are accepted with weight / top."""
        return max(1.0, 1 / self.q)

    @property
    def turns(self) -> bool:
        """Whether the way back weighs more than that; the excess is then a choice of its own."""
        return 1 / self.p > self.top


def _reversed(matrix: sp.csr_array, row: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The share of the arc x → v for each arc v → x; 0 where there is none."""
    n = matrix.shape[0]
    own, wanted = row.astype(np.int64) * n + matrix.indices, matrix.indices.astype(np.int64) * n + row
    at = np.minimum(np.searchsorted(own, wanted), len(own) - 1)
    return np.where(own[at] == wanted, share[at], 0).astype(np.float32)


def random_walks(arcs: Arcs, starts: jax.Array, key: jax.Array, length: int, bias: Bias | None = None) -> jax.Array:
    """A walk from each start: the first step by weight, later ones by weight and by `bias`, which looks one step back.

    A proposal x ∝ w_vx is accepted with chance α / top; each walker goes on proposing, at its own pace, until it has
    taken all steps, so walks are exact in distribution (but for rounding of chances, about 1e-7). Where 1/p is the
    largest weight its excess over `top` is a choice apart, so that one arc does not make most proposals fail.

    Args:
        arcs: of n nodes.
        starts: int32[k], `NOBODY` where there is no walker.
        key: of JAX.
        length: nodes of a walk, at least 1.
        bias: None or p = q = 1 for walks of first order.

    Returns:
        int32[k, length]; `NOBODY` after a node without arcs, where a walk ends.

    Reference: Grover and Leskovec, node2vec, KDD 2016; the choice apart as in Yang et al., KnightKing, SOSP 2019.

    Example:
        >>> path = sp.csr_array(np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]], np.float32))
        >>> random_walks(Arcs.of(path), jnp.array([0, 1]), jax.random.key(0), length=4).tolist()
        [[0, 1, 2, -1], [1, 2, -1, -1]]
    """
    if bias is None or (bias.p == bias.q == 1):
        return _first_order(arcs, starts, key, length)
    numbers = np.array([1 / bias.p, 1 / bias.q, bias.top], np.float32)
    return _second_order(arcs, starts, key, numbers, length)


@partial(jax.jit, static_argnames="length")
def _first_order(arcs: Arcs, starts: jax.Array, key: jax.Array, length: int) -> jax.Array:
    def step(node: jax.Array, number: jax.Array) -> tuple[jax.Array, jax.Array]:
        arc, ends = _proposed(arcs, node, _bits(arcs, key, number, len(starts)))
        node = jnp.where(ends, NOBODY, arcs.head[arc])
        return node, node

    _, rest = jax.lax.scan(step, starts, jnp.arange(1, length))
    return jnp.concatenate([starts[None], rest]).T


def _bits(arcs: Arcs, key: jax.Array, number: jax.Array, walkers: int) -> jax.Array:
    """Random bits uint32[2 or 3, walkers] of one round: for a slot, for acceptance, and for alias tables."""
    return jax.random.bits(jax.random.fold_in(key, number), (2 if arcs.alias is None else 3, walkers))


def _proposed(arcs: Arcs, node: jax.Array, bits: jax.Array) -> tuple[jax.Array, jax.Array]:
    """An arc of each node by weight, and whether there is none."""
    start, end = arcs.indptr[node], arcs.indptr[node + 1]
    ends = (node < 0) | (start == end)
    arc = jnp.where(ends, 0, start + below(bits[0], end - start))
    return (arc if arcs.alias is None else kept(arcs.alias, arc, coins(bits[2]))), ends


@partial(jax.jit, static_argnames="length")
def _second_order(arcs: Arcs, starts: jax.Array, key: jax.Array, numbers: jax.Array, length: int) -> jax.Array:
    """Walkers at their own pace: the state is the round, nodes (last, current), places, and shares of the last arc."""
    inverse_p, inverse_q, top = numbers
    count = len(starts)
    rounds_of_search = _bisections(arcs)

    def going(state: tuple[Any, ...]) -> jax.Array:
        return (state[3] < length).any()

    def step(state: tuple[Any, ...]) -> tuple[Any, ...]:
        number, last, node, place, share, back, walks = state
        bits = _bits(arcs, key, number, count)
        arc, ends = _proposed(arcs, node, bits)
        head, coin = arcs.head[arc], coins(bits[1])
        if arcs.back is not None:
            excess = jnp.where(last < 0, 0, (inverse_p - top) * back)
            turn = excess / (top + excess)
            turns, coin = coin < turn, (coin - turn) / (1 - turn)  # uniform again where it does not turn
            head = jnp.where(turns, last, head)
        near = _has_arc(arcs, head, last, rounds_of_search)
        weight = jnp.where(head == last, jnp.minimum(inverse_p, top), jnp.where(near, 1, inverse_q))
        free = (last < 0) | (arcs.indptr[node + 1] - arcs.indptr[node] == 1)  # the only arc needs no luck
        taken = free | (coin * top < weight)
        if arcs.back is not None and arcs.share is not None:
            taken |= turns
            new = (jnp.where(turns, back, arcs.share[arc]), jnp.where(turns, share, arcs.back[arc]))
            share, back = (jnp.where(taken, one, old) for one, old in zip(new, (share, back), strict=True))
        place = jnp.where(ends, length, place)
        taken &= place < length
        at = jnp.where(taken, place * count + jnp.arange(count), length * count)  # past the end: dropped
        walks = walks.at[at].set(head, mode="drop", unique_indices=True)
        last, node = jnp.where(taken, node, last), jnp.where(taken, head, node)
        return number + 1, last, node, place + taken, share, back, walks

    nobody, none = jnp.full(count, NOBODY), jnp.zeros(count)
    walks = jnp.full((length, count), NOBODY).at[0].set(starts).reshape(-1)
    state: tuple[Any, ...] = jnp.int32(0), nobody, starts, jnp.ones(count, jnp.int32), none, none, walks
    return jax.lax.while_loop(going, step, state)[-1].reshape(length, count).T


def _bisections(arcs: Arcs) -> jax.Array:
    """Halvings after which a search in the longest row is over."""
    return 32 - jax.lax.clz(jnp.diff(arcs.indptr).max())


def _has_arc(arcs: Arcs, tail: jax.Array, head: jax.Array, rounds: jax.Array) -> jax.Array:
    """Whether there is an arc from tail to head, by bisection of the tail's row."""

    def halve(_: int, bounds: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        low, high = bounds
        middle = (low + high) >> 1
        less, open_ = arcs.head[middle] < head, low < high
        return jnp.where(open_ & less, middle + 1, low), jnp.where(open_ & ~less, middle, high)

    end = arcs.indptr[tail + 1]
    low, _ = jax.lax.fori_loop(0, rounds, halve, (arcs.indptr[tail], end))
    return (low < end) & (arcs.head[low] == head)
