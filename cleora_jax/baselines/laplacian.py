"""Laplacian eigenmaps: the smoothest functions on the graph."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress
from cleora_jax.baselines.method import FLOAT, Baseline, fetched
from cleora_jax.sparse.from_graph import from_csr, row_sums
from cleora_jax.sparse.normalized import symmetric
from cleora_jax.sparse.spectral import Linear, largest_eigh, linear
from cleora_jax.vectors.stable import product_over_rows

LAST = -1.1  # the constant direction's eigenvalue, instead of 1: below all others, those of a bipartite graph too


@dataclass(frozen=True)
class LaplacianEigenmaps(Baseline):
    """The smoothest functions on the graph, eigenvectors of its Laplacian.

    y = D^-½ u, u the eigenvectors of L = 1 − D^-½ A D^-½ of smallest eigenvalues but for the constant y.

    Each column solves L' y = λ D y. A graph of c components has c eigenvalues of 0: only one direction, the constant,
    is left out, so that the first c − 1 columns tell components apart. Columns have Σ_i D_ii y_i² = 1.

    Args:
        dim, weighted, seed: as of all baselines.
        tolerance: of the eigenvectors' residuals; a `ConvergenceWarning` says where it was not met.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.from_edges([0, 0, 1, 3, 3, 4, 2], [1, 2, 2, 4, 5, 5, 3])
        >>> first = cj.embed(graph, LaplacianEigenmaps(dim=1)).vectors[:, 0]
        >>> bool((first[:3] * first[3:] < 0).all())
        True

    Reference: Belkin and Niyogi, Laplacian eigenmaps for dimensionality reduction and data representation, 2003.
    """

    tolerance: float = 1e-4

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, tolerance=checks.real("tolerance", self.tolerance, low=1e-7))

    def bytes_needed(self, num_entities: int, num_entries: int) -> int:
        """Six tables and a matrix."""
        return FLOAT * (6 * num_entities * (self.dim + 20) + 8 * num_entries)

    def vectors(self, matrix: sp.csr_array, progress: Progress) -> np.ndarray:
        """See `Baseline`."""
        count, root = matrix.shape[0], np.sqrt(row_sums(matrix))
        constant = jnp.asarray(root[:, None] / np.linalg.norm(root), jnp.float32)
        plain = linear(from_csr(symmetric(matrix), symmetric=True))
        without = Linear(plain.shape, lambda z: _without(plain.forward(z), z, constant), plain.adjoint)
        found = largest_eigh(
            without, min(self.dim, count - 1), lower=LAST, tolerance=self.tolerance, seed=self.seed, progress=progress
        )
        return fetched(found.vectors) / root[:, None].astype(np.float32)


@jax.jit
def _without(product: jax.Array, z: jax.Array, direction: jax.Array) -> jax.Array:
    return product - (1 - LAST) * direction * product_over_rows(direction, z)
