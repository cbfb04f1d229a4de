"""The matrix by which graph convolutions smooth: the adjacency with self-loops, scaled on both sides."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp


def smoothing(adjacency: sp.csr_array) -> sp.csr_array:
    """S = D̃^-½ (A + I) D̃^-½ with D̃ the row sums of A + I, n × n CSR float32; an isolated entity keeps itself.

    Args:
        adjacency: A, n × n, symmetric, at least 0.

    Reference: Kipf and Welling, Semi-supervised classification with graph convolutional networks, ICLR 2017.
    """
    looped = sp.csr_array(adjacency.astype(np.float64) + sp.eye_array(adjacency.shape[0], format="csr"))
    scale = sp.diags_array(1 / np.sqrt(looped.sum(axis=1)))
    smoothed = sp.csr_array((scale @ looped @ scale).astype(np.float32))
    smoothed.sort_indices()
    return smoothed
