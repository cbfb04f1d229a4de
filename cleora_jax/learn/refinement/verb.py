"""Supervised refinement: vectors, or a map of vectors, fitted to pairs of entities that belong together."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import jax
import numpy as np
import optax

from cleora_jax import _checks as checks
from cleora_jax._progress import Progress, no_progress
from cleora_jax.learn.pairs import Pairs
from cleora_jax.learn.refinement.head import Head, first_head, map_rows, mapped_vectors, own_vectors
from cleora_jax.learn.refinement.method import Refine
from cleora_jax.learn.refinement.problem import Problem, problem_of
from cleora_jax.learn.refinement.training import SGD, History, Model, train
from cleora_jax.vectors.embedding import Embedding
from cleora_jax.vectors.search import row_norms, unit_rows


@dataclass(frozen=True, eq=False, repr=False)
class Refined:
    """What refinement gives.

    Args:
        embedding: refined, entities as before.
        parameters: of the head, (B float32[d, d],) or (B₁ float32[d, h], B₂ float32[h, d]); None where the vectors
            themselves were refined.
        history: what each epoch saw.
        best_epoch: the epoch whose parameters these are; 0 is the start, which no epoch improved on. The last one where
            nothing was held out.
    """

    embedding: Embedding
    parameters: Head | None
    history: History
    best_epoch: int

    def head(self, vectors: np.ndarray) -> np.ndarray:
        """Vectors as refinement maps them, float32[m, d]: of any entities, from the embedding that was refined.

        Args:
            vectors: float[m, d].

        Raises:
            ValueError: vectors of another length, or the vectors themselves were refined, so that there is no map.
        """
        if self.parameters is None:
            raise checks.OptionError(
                "the vectors themselves were refined, so there is no head: `target='head'` fits one."
            )
        return map_rows(self.parameters, np.asarray(vectors))

    def apply(self, embedding: Embedding) -> Embedding:
        """An embedding as refinement maps it, whatever its entities are. Raises ValueError as `head`."""
        return _refined(embedding, self.head(embedding.vectors), self.embedding.settings["refined"][-1])

    def __repr__(self) -> str:
        first, best = self.history.validation_auc[[0, self.best_epoch]]
        judged = "" if np.isnan(best) else f"; validation AUC {first:.4f} -> {best:.4f}"
        return f"Refined(epoch {self.best_epoch} of {len(self.history.train_loss) - 1}{judged}; {self.embedding!r})"


def refine(
    embedding: Embedding,
    positive: Pairs,
    negative: Pairs | None = None,
    method: Refine | None = None,
    *,
    optimizer: optax.GradientTransformation | None = None,
    progress: Progress = no_progress,
) -> Refined:
    """Fit vectors to pairs of entities that belong together, so that their cosines exceed those of other pairs.

    A pair (a, p) has the loss ½ h(a, p) + ½ h(p, a), each of the two being the anchor once:

        triplet:  h(a, p) = mean over negatives n drawn of max(0, margin + cos(a, n) − cos(a, p))
        in-batch: the same, but the negatives are the partners in the other pairs of the batch
        hard:     the largest of these in place of their mean
        contrastive: h(a, p) = 1 − cos(a, p) + twice the mean over negatives n drawn of max(0, cos(a, n) − margin)

    A negative n stands in p's place: it is of p's column, it is not a itself, and it is in no positive pair with a.
    Where none is left, h is 0. Negatives are drawn uniformly from the entities in pairs and up to 16,384 others.

    A pair (b, c) given as negative adds the mean of max(0, margin + cos(b, c) − cos(a, p)) over the positive pairs of
    its batch (contrastive: max(0, cos(b, c) − margin)). It need not share an entity with any of them. All such pairs
    are used in each epoch, beside the negatives that are drawn or in the batch; `num_negatives=0` draws none.

    "contrastive" never stops pulling partners together, which also brings together whom they share: with few pairs it
    finds more of the others, with a margin of 0 for a head (see experiments/refine).

    Steps follow the sum over a batch, so the learning rate is that of one pair. Vectors count by direction alone: they
    keep their lengths, and zero vectors (isolated entities) stay zero. Some pairs are held out, by `seed`, and what
    comes back is the epoch that ranks these best among random pairs (and among the negative ones held out); it may be
    the start.

    A head generalises to entities that are in no pair; vectors fit those that are. Refining twice, first a head and
    then the vectors, is often better than either: with one seed, both hold out the same pairs.

    Args:
        embedding: n vectors.
        positive: pairs of ids or of (column, id), or of rows, int[m, 2]; a pair that stands twice counts twice.
        negative: likewise. Default: none.
        method: default `Refine()`.
        optimizer: of optax; what was compiled is used again for the same object only. Default: plain gradient descent,
            after which pairs held out do better than after Adam (see experiments/refine).
        progress: called after every epoch; see `progress_bar`.

    Raises:
        NotFoundError: unknown ids or columns; all ids are named.
        ValueError: no positive pair, an entity paired with itself, a pair both positive and negative, an id that stands
            in several columns given without one, NaN or infinity, or a loss that is no longer finite.
        TypeError: pairs of something else.

    Example:
        >>> import cleora_jax as cj
        >>> vectors = np.array([[3, 4], [-3, 4], [3, -4]], np.float32)
        >>> embedding = cj.Embedding(vectors, cj.Vocab.of(["ann", "bob", "cid"]))
        >>> refined = refine(embedding, [("ann", "cid")], method=Refine(margin=1))
        >>> embedding.most_similar("ann", k=1)[0][0], refined.embedding.most_similar("ann", k=1)[0][0]
        ('bob', 'cid')
        >>> dan = refined.apply(cj.Embedding(vectors[:1], cj.Vocab.of(["dan"])))
        >>> bool(np.allclose(dan["dan"], refined.embedding["ann"]))
        True

    Reference: Schroff, Kalenichenko and Philbin, FaceNet: a unified embedding for face recognition and clustering,
    2015 (triplets); Hadsell, Chopra and LeCun, Dimensionality reduction by learning an invariant mapping, 2006
    (contrastive).
    """
    method = Refine() if method is None else method
    problem = problem_of(embedding, positive, negative, method)
    settings = asdict(method) | ({} if optimizer is None else {"optimizer": "given"})
    rate = method.learning_rate if optimizer is None else 1.0
    first: Any = problem.data.table
    if method.target == "head":
        first = first_head(embedding.dim, method.hidden, problem.rng)
    model = Model(own_vectors if method.target == "vectors" else mapped_vectors, optimizer or SGD)
    trained = train(model, first, problem.data, method, rate, problem.rng, progress)
    parameters = jax.device_get(trained.parameters)
    head = parameters if method.target == "head" else None
    vectors = turned_rows(embedding.vectors, problem, parameters) if head is None else map_rows(head, embedding.vectors)
    return Refined(_refined(embedding, vectors, settings), head, trained.history, trained.best_epoch)


def turned_rows(vectors: np.ndarray, problem: Problem, trained: np.ndarray) -> np.ndarray:
    """Vectors float32[n, d] with the directions of the rows that training changed; what it left alone is as it was.

    Args:
        vectors: float32[n, d].
        problem: says which rows were trained.
        trained: float32[r, d], what became of its table.
    """
    changed = np.flatnonzero((trained != np.asarray(problem.data.table)).any(axis=1))
    rows = problem.rows[changed]
    out = vectors.copy()
    out[rows] = unit_rows(trained[changed], "vectors") * row_norms(vectors[rows])[:, None]
    return out


def _refined(embedding: Embedding, vectors: np.ndarray, settings: dict[str, Any]) -> Embedding:
    """With the settings of each refinement, as one may follow another."""
    steps = [*embedding.settings.get("refined", []), settings]
    return Embedding(vectors, embedding.vocab, embedding.settings | {"refined": steps}, embedding.trace)
