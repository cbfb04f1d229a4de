"""What is done with vectors: whitening, likeness, candidate links, refinement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import numpy as np

from cleora_jax.learn.links import predict_links as links_of
from cleora_jax.learn.refinement.method import Refine
from cleora_jax.learn.refinement.verb import refine
from cleora_jax.pycleora.matrix import SparseMatrix
from cleora_jax.vectors.embedding import Embedding
from cleora_jax.vectors.scale import whiten
from cleora_jax.vectors.search import top_k as nearest
from cleora_jax.vectors.search import unit_rows


def whiten_embeddings(embeddings: np.ndarray, n_components: int | None = None) -> np.ndarray:
    """Vectors whitened, float32[n, d], rank-safe (see `cleora_jax.whiten`); or on just so many directions, [n, k]."""
    if len(embeddings) < 2:
        return np.array(embeddings)
    if n_components is None:
        return np.array(whiten(embeddings))
    directions = min(n_components, embeddings.shape[1])
    return np.array(whiten(embeddings, rank=directions)[:, :directions])


def cosine_similarity(a: np.ndarray, b: np.ndarray) -> float:
    """Cosine of two vectors, or tables taken as one vector each; 0 where one is zero."""
    first, second = unit_rows(np.stack([np.ravel(a), np.ravel(b)]), "vectors")
    return float(first @ second)


def find_most_similar(
    graph: SparseMatrix, embeddings: np.ndarray, query_entity: str, top_k: int = 10, exclude_self: bool = True
) -> list[dict[str, Any]]:
    """The entities of largest cosine, best first, each as {"entity_id", "index", "similarity"}."""
    vectors, row = as_embedding(graph, embeddings).vectors, graph.get_entity_index(query_entity)
    rows, cosines = nearest(vectors, vectors[[row]], top_k, exclude=np.array([row]) if exclude_self else None)
    found = zip(rows[0].tolist(), cosines[0].tolist(), strict=True)
    return [{"entity_id": graph.entity_ids[at], "index": at, "similarity": cosine} for at, cosine in found if at >= 0]


def predict_links(
    graph: SparseMatrix,
    embeddings: np.ndarray,
    top_k: int = 10,
    exclude_existing: bool = True,
    source_entities: Sequence[str] | None = None,
) -> list[dict[str, Any]]:
    """The pairs of largest cosine that do not exist yet, best first and each once: {"source", "target", "score"}."""
    if source_entities is not None:
        graph.get_entity_indices(source_entities)  # unknown ones are a ValueError here
    found = links_of(
        as_embedding(graph, embeddings), graph.graph, top_k, over="all",
        entities=source_entities, exclude_existing=exclude_existing,
    )  # fmt: skip
    return [{"source": source, "target": target, "score": score} for source, target, score in found]


def supervised_refine(
    graph: SparseMatrix,
    embeddings: np.ndarray,
    positive_pairs: Sequence[tuple[str, str]],
    negative_pairs: Sequence[tuple[str, str]] | None = None,
    learning_rate: float = 0.01,
    num_epochs: int = 50,
    margin: float = 0.5,
    num_negatives_per_positive: int = 5,
    callback: Callable[[int, float], None] | None = None,
) -> np.ndarray:
    """Unit vectors float32[n, d], refined so that positive pairs are nearer than negative ones by a margin of cosine.

    All pairs are trained on, in every epoch; where there are negative pairs, no others are drawn. `cleora_jax.refine`
    holds some out to stop in time, and can fit a map that new entities go through.

    Args:
        graph: n entities.
        embeddings: float[n, d].
        positive_pairs, negative_pairs: of ids.
        learning_rate, num_epochs, margin: as in `Refine`.
        num_negatives_per_positive: drawn for each entity of a pair, anew in each epoch.
        callback: called with the number of each epoch, from 0, and its mean loss, when all are done.
    """
    graph.get_entity_indices([entity for pair in chain(positive_pairs, negative_pairs or ()) for entity in pair])
    settings = Refine(
        target="vectors",
        margin=margin,
        num_epochs=num_epochs,
        num_negatives=num_negatives_per_positive if negative_pairs is None else 0,
        learning_rate=learning_rate,
        validation=0.0,
    )
    refined = refine(as_embedding(graph, embeddings), positive_pairs, negative_pairs, settings)
    if callback is not None:
        for epoch, loss in enumerate(refined.history.train_loss[1:].tolist()):
            callback(epoch, loss)
    return unit_rows(refined.embedding.vectors, "embeddings").astype(np.float32)


def as_embedding(graph: SparseMatrix, embeddings: np.ndarray) -> Embedding:
    """Vectors in the order of `graph.entity_ids` with their names."""
    return Embedding(np.asarray(embeddings, np.float32), graph.graph.vocab)
