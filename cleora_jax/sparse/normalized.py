"""Matrices made of an adjacency matrix A, each named."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from cleora_jax.sparse.from_graph import inverse, row_sums, scaled


def in_fit_unit(matrix: sp.csr_array) -> sp.csr_array:
    """A in another unit of its weights, in which row sums are about 1 on the mean: what is made of huge weights then
    stays within float32. The unit is a power of 4, so that nothing is rounded, nor in square roots."""
    unit = 4.0 ** -np.round(np.log2(row_sums(matrix).mean()) / 2)
    data = (matrix.data * np.float64(unit)).astype(np.float32)
    return sp.csr_array((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def transition(matrix: sp.csr_array) -> sp.csr_array:
    """P = D⁻¹ A: rows sum to 1, empty ones stay empty."""
    return scaled(matrix, inverse(row_sums(matrix)), None)


def symmetric(matrix: sp.csr_array) -> sp.csr_array:
    """X = D^-½ A D^-½, of a symmetric A."""
    root = inverse(np.sqrt(row_sums(matrix)))
    return scaled(matrix, root, root)


def with_loops(matrix: sp.csr_array) -> sp.csr_array:
    """A + I."""
    return sp.csr_array(matrix + sp.eye_array(matrix.shape[0], dtype=np.float32, format="csr"))


def smoothing(matrix: sp.csr_array) -> sp.csr_array:
    """S = D̃^-½ (A + I) D̃^-½, D̃ the row sums of A + I, by which graph convolutions smooth.

    Reference: Kipf and Welling, Semi-supervised classification with graph convolutional networks, ICLR 2017.
    """
    return symmetric(with_loops(matrix))
