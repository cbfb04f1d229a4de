"""Propagation whose weights follow the vectors: each Markov weight times exp(cos(xᵢ, xⱼ) / T), rows scaled back."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from cleora_jax.sparse.operator import Operator, Weighted, entry_dots
from cleora_jax.vectors.passes import normalize_rows
from cleora_jax.vectors.rows import Blocks, Scalar

# Weights are exp((cos − 1) / T) ≥ exp(−2 / T), which must be far above the smallest float32 (1e-38): here 4e-18.
MIN_TEMPERATURE = 0.05


def attention(op: Operator, rows: jax.Array, table: Blocks, temperature: Scalar) -> Weighted:
    """The operator with weights M_ij exp(cos(x_i, x_j) / T), each row scaled to the sum that it has in M.

    A softmax over the neighbours of i, times the Markov weight, re-normalised: for T → ∞ it is M. The same shift of all
    exponents serves every row, so that (M ∘ E) keeps the diagonal similarity of M, and gradients stay in the kernel.

    Args:
        op: n × n, of one factor.
        rows: `entry_rows` of it.
        table: x, float32[n, d] in column blocks.
        temperature: T, a scalar; below MIN_TEMPERATURE it counts as that.

    Reference: Veličković et al., Graph attention networks (ICLR 2018), here without parameters.
    """
    matrix, temperature = op.factors[0], jnp.maximum(temperature, MIN_TEMPERATURE)
    unit = tuple(normalize_rows(table, "l2"))
    return Weighted.of(op, matrix.data * jnp.exp((entry_dots(matrix, rows, unit, unit) - 1) / temperature))
