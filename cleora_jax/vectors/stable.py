"""Products of dense tables whose gradients keep their bits, whatever the number of threads.

A product whose transpose XLA folds in, and a sum over many rows, are split among threads, so that the order of their
sums depends on how many there are. Here transposes are stored, and sums over rows go chunk by chunk.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from cleora_jax.vectors.rows import Window, fold_rows, fresh_rows, get_rows


@jax.custom_vjp
def product(x: jax.Array, y: jax.Array) -> jax.Array:
    """x y, of float32[n, a] and float32[a, b]."""
    return x @ y


@jax.custom_vjp
def all_products(x: jax.Array, y: jax.Array) -> jax.Array:
    """x yᵀ, the products of all rows with all rows, of float32[n, a] and float32[m, a]."""
    return x @ y.T


def product_over_rows(x: jax.Array, y: jax.Array) -> jax.Array:
    """xᵀ y, float32[a, b], of float32[n, a] and float32[n, b]."""

    def body(total: jax.Array, window: Window) -> jax.Array:
        return total + stored(get_rows(x, window).T) @ fresh_rows(y, window)

    return fold_rows(body, jnp.zeros((x.shape[1], y.shape[1]), jnp.float32), len(x), few=True)


def stored(transposed: jax.Array) -> jax.Array:
    """A transpose that is made, not folded into a product."""
    return jax.lax.optimization_barrier(transposed)


product.defvjp(
    lambda x, y: (x @ y, (x, y)),
    lambda inputs, slope: (slope @ stored(inputs[1].T), product_over_rows(inputs[0], slope)),
)
all_products.defvjp(
    lambda x, y: (x @ y.T, (x, y)),
    lambda inputs, slope: (slope @ inputs[1], product_over_rows(slope, inputs[0])),
)
