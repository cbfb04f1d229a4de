"""Decoding: how well each item agrees with a sketch, by the mass of the parts that it lies in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax.recommend.emde.sketch import check_codes, code_matrix, normalised
from cleora_jax.sparse.from_graph import from_csr
from cleora_jax.sparse.operator import Operator, apply

EPSILON = 1e-6  # mass of a part in which a sketch has none


@dataclass(frozen=True, eq=False)
class Decoder:
    """Scores of all n items from sketches.

        score(i) = 1/N Σ_k log(ε + s[k, c_k(i)]) + bias(i)

    the logarithm of the geometric mean of the masses. As a product: log(ε + s) Cᵀ / N, of which C is sparse.

    Args:
        op: C / N, [n, depth · width].
        bias: float32[n]; zeros for the geometric mean alone; see `popularity_bias`.
        epsilon: ε > 0.
    """

    op: Operator
    bias: np.ndarray
    epsilon: float

    def __call__(self, sketch: Any) -> np.ndarray:
        """float32[h, n] of sketches, CSR or array [h, depth · width], whose depths each sum to 1 (see `normalised`).

        The work is h · n · depth; for many sketches call it block by block. Sparse ones are made dense.
        """
        if sketch.ndim != 2 or sketch.shape[1] != self.op.shape[1]:
            raise checks.OptionError(f"`sketch` must be [h, {self.op.shape[1]}], got shape {sketch.shape}.")
        mass = sketch.toarray() if sp.issparse(sketch) else sketch
        return np.asarray(_decoded(self.op, mass.astype(np.float32), self.bias, np.float32(self.epsilon))).T


def decoder(codes: np.ndarray, width: int, *, bias: np.ndarray | None = None, epsilon: float = EPSILON) -> Decoder:
    """A `Decoder` for items of some codes.

    Args:
        codes: int32[n, depth].
        width: W.
        bias: float[n] added to the scores. Default: zeros.
        epsilon: ε, above 0.

    Example:
        >>> codes = np.array([[0, 1], [0, 0], [1, 1]], np.int32)
        >>> sketch = np.array([[1.0, 0.0, 0.25, 0.75]])  # all in part 0 of depth 0, a quarter in part 0 of depth 1
        >>> np.exp(decoder(codes, 2)(sketch)).round(2).tolist()  # √(1 · ¾), √(1 · ¼), and next to nothing
        [[0.8700000047683716, 0.5, 0.0]]
    """
    table = check_codes(codes, width)
    epsilon = checks.real("epsilon", epsilon, low=0, open_low=True)
    matrix = code_matrix(table, width) / table.shape[1]
    added = np.zeros(len(table)) if bias is None else np.asarray(bias)
    if added.shape != (len(table),) or not np.isfinite(added).all():
        raise checks.OptionError(f"`bias` must be finite, one number per item ({len(table):,}), got {added.shape}.")
    op = from_csr(sp.csr_array(matrix.astype(np.float32)), adjoint=False)
    return Decoder(op, added.astype(np.float32), epsilon)


def popularity_bias(
    popularity: np.ndarray, codes: np.ndarray, width: int, *, prior: float = 1.0, mass: float = 1.0,
    epsilon: float = EPSILON,
) -> np.ndarray:  # fmt: skip
    """What corrects the geometric mean for popularity, float64[n].

        bias(i) = (prior · log p_i − mass · Σ_k log(ε + π_k(c_k(i)))) / N

    π is the sketch of what all take, p their shares. With both at 1 the score is that of independent depths, a naive
    Bayes: log p_i + Σ_k log(s_k / π_k), over N. A part that much falls into anyway then tells little. An item that was
    never taken is below all that were, whatever the sketch: π knows nothing of its parts, so they would tell most.

    Args:
        popularity: float[n] ≥ 0, how often each item was taken; one never taken counts as half the least that was.
        codes: int32[n, depth].
        width: W.
        prior: how much p counts.
        mass: how much π counts.
        epsilon: ε, as of the decoder.
    """
    table = check_codes(codes, width)
    count = np.asarray(popularity, np.float64)
    if count.shape != (len(table),) or not (np.isfinite(count).all() and (count >= 0).all() and count.any()):
        raise checks.OptionError(f"`popularity` must be one number of at least 0 per item, not all 0; {count.shape}.")
    total = normalised(sp.csr_array(count[None]) @ code_matrix(table, width), width, "l1").toarray()[0]
    taken = count > 0
    share = np.where(taken, count, count[taken].min() / 2) / count.sum()
    expected = code_matrix(table, width) @ np.log(epsilon + total)
    bias: np.ndarray = (prior * np.log(share) - mass * expected) / table.shape[1]
    least = bias[taken].min()
    apart = 1 + np.log1p(1 / epsilon) + 1e-6 * abs(least)  # more than sketches differ by, and than float32 rounds off
    bias[~taken] = np.minimum(bias[~taken], least - apart)
    return bias


@jax.jit
def _decoded(op: Operator, mass: jax.Array, bias: jax.Array, epsilon: jax.Array) -> jax.Array:
    return apply(op, jnp.log(epsilon + mass).T) + bias[:, None]
