"""NetMF: the matrix behind DeepWalk, made and factorised."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse as sp

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress
from cleora_jax.baselines.dense import MAX_DENSE, OVERSAMPLING, POWER, entrywise_product, factorised, no_dense, stored
from cleora_jax.baselines.method import FLOAT, Baseline
from cleora_jax.baselines.walk_matrix import COLUMNS, LowRank, low_rank, walk_columns
from cleora_jax.sparse.spectral import Linear


@dataclass(frozen=True)
class NetMF(Baseline):
    """The matrix behind DeepWalk, made and factorised.

    U √Σ of log max(M, 1), M = vol / (b T) · Σ_{r ≤ T} P^r D⁻¹.

    Args:
        dim, weighted, seed: as of all baselines.
        window: T; 1 is LINE of the second order.
        negatives: b.
        rank: None makes M exactly ("small window"), for up to 20,000 entities; h takes it from the h largest
            eigenvalues of D^-½ A D^-½ ("large window"; the authors' h is 256), never stored above 20,000 entities.

    How it differs from the authors' code: isolated entities are left out (there each takes a direction of its own),
    and self-loops do not count in vol.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.from_edges([0, 0, 1, 3, 3, 4, 2], [1, 2, 2, 4, 5, 5, 3])
        >>> embedding = cj.embed(graph, NetMF(dim=4, window=2))
        >>> embedding.cosine("0", "1") > embedding.cosine("0", "5")
        True

    Reference: Qiu, Dong, Ma, Li, Wang and Tang, Network embedding as matrix factorization: unifying DeepWalk, LINE,
    PTE, and node2vec, WSDM 2018.
    """

    window: int = 10
    negatives: float = 1.0
    rank: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, window=checks.integer("window", self.window, low=1))
        checks.keep(self, negatives=checks.real("negatives", self.negatives, low=1e-6))
        if self.rank is not None:
            checks.keep(self, rank=checks.integer("rank", self.rank, low=1))

    @property
    def instead(self) -> str:
        """The ways that need less."""
        return (
            "`NetMF(rank=256)` stores no table of all pairs above 20,000 entities, and SketchNE looks at few of them."
        )

    def bytes_needed(self, num_entities: int, num_entries: int) -> int:
        """The table of all pairs, made and handed over, or tables of h columns."""
        tables = 4 * num_entities * (self.dim + OVERSAMPLING + (self.rank or 0)) + 8 * num_entries
        stored = num_entities <= MAX_DENSE
        pairs = (3 if self.rank is None else 1) * num_entities**2 if stored else 0  # XLA takes logs in place
        return FLOAT * (tables + pairs + 4 * num_entities * COLUMNS)

    def vectors(self, matrix: sp.csr_array, progress: Progress) -> np.ndarray:
        """See `Baseline`."""
        count = matrix.shape[0]
        if self.rank is None:
            no_dense(self, count)
            logs = np.empty((count, count), np.float32)
            for block, columns in walk_columns(matrix, self.window, self.negatives):
                logs[:, block] = np.log(np.maximum(columns, 1))
                progress("matrix", block.stop, count)
            return factorised(stored(logs), self.dim, self.seed, progress)
        few = low_rank(matrix, self.window, self.negatives, min(self.rank, count), POWER, self.seed, progress)
        table = stored(_logs(few.factor, np.float32(few.scale))) if count <= MAX_DENSE else unstored(few)
        return factorised(table, self.dim, self.seed, progress)


def unstored(few: LowRank) -> Linear:
    """log max(scale F Fᵀ, 1) by its products, never stored."""
    scaled = few.factor * np.float32(few.scale)

    def product(z: jax.Array) -> jax.Array:
        return entrywise_product(log_above_one, scaled, few.factor, z)

    return Linear((len(few.factor), len(few.factor)), product, product)


def log_above_one(entries: jax.Array) -> jax.Array:
    """log max(x, 1)."""
    return jnp.log(jnp.maximum(entries, 1))


@jax.jit
def _logs(factor: jax.Array, scale: jax.Array) -> jax.Array:
    return log_above_one(scale * (factor @ factor.T))
