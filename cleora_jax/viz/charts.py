"""Charts of graphs, spectra, training and similarities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax.graph import Graph
from cleora_jax.graph.build import check_graph
from cleora_jax.stats.degrees import degrees
from cleora_jax.vectors.embedding import Embedding, check_embedding
from cleora_jax.vectors.search import ROW_BLOCK, row_norms, unit_rows
from cleora_jax.viz.maps import new_axes

LABELS_IN_SEVEN = 55  # labels of seven points that a side has room for
MOST_SIMILARITIES = 200  # entities of a heat map


def plot_degrees(graph: Graph, *, ax: Any | None = None) -> Any:
    """Of each degree the share of entities that have at least so many neighbours, both on logarithmic scales.

    Power laws are straight lines; isolated entities are left out.

    Args:
        graph: hyperedges count as their cliques.
        ax: matplotlib's axes to draw on. Default: new ones.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.

    Example:
        >>> import cleora_jax as cj
        >>> ax = cj.viz.plot_degrees(cj.generators.barabasi_albert(500, 3))
        >>> ax.get_xscale(), len(ax.lines)
        ('log', 1)
    """
    check_graph(graph)
    axes = new_axes(ax)
    degree = np.sort(degrees(graph))
    values, first = np.unique(degree, return_index=True)
    live = values > 0
    axes.loglog(values[live], 1 - first[live] / len(degree), ".-", markersize=4, linewidth=0.8)
    axes.set_xlabel("neighbours, at least")
    axes.set_ylabel("share of the entities")
    axes.grid(alpha=0.3)
    return axes


def plot_spectrum(embedding: Embedding, *, ax: Any | None = None) -> Any:
    """The variance along each principal axis of the vectors, as shares of the whole.

    Flat: all directions are used alike, as after whitening. Steep: few of them carry everything.

    Args:
        embedding: n entities.
        ax: matplotlib's axes to draw on. Default: new ones.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.

    Example:
        >>> import cleora_jax as cj
        >>> ax = cj.viz.plot_spectrum(cj.embed(cj.generators.erdos_renyi(300, 0.05), cj.Cleora(dim=8)))
        >>> len(ax.lines[0].get_xdata())
        8
    """
    check_embedding(embedding)
    row_norms(embedding.vectors)  # finite
    axes = new_axes(ax)
    middle, scatter = embedding.vectors.mean(axis=0, dtype=np.float64), np.zeros((embedding.dim, embedding.dim))
    for start in range(0, len(embedding), ROW_BLOCK):
        block = embedding.vectors[start : start + ROW_BLOCK] - middle
        scatter += block.T @ block
    values = np.linalg.eigvalsh(scatter)[::-1].clip(0)
    axes.plot(np.arange(1, len(values) + 1), values / max(values.sum(), np.finfo(float).tiny), ".-", markersize=4)
    axes.set_xlabel("principal axis")
    axes.set_ylabel("share of the variance")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    return axes


def plot_history(history: Any, *, ax: Any | None = None) -> Any:
    """Training and validation by epoch, as `refine`, `learn_weights` and the classifiers record them.

    Args:
        history: a record of numbers by epoch: its fields that are sequences of one length, above 1, are drawn.
        ax: matplotlib's axes to draw on. Default: new ones.

    Raises:
        ValueError: nothing in it to draw.
        ModuleNotFoundError: matplotlib is not installed.
    """
    axes = new_axes(ax)
    curves = {name: np.asarray(values, float) for name, values in _fields(history).items() if _is_curve(values)}
    if not curves:
        raise checks.OptionError(f"`history` must hold sequences of numbers, got {type(history).__name__}.")
    for name, values in curves.items():
        axes.plot(np.arange(1, len(values) + 1), values, label=name.replace("_", " "))
    axes.set_xlabel("epoch")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(frameon=False)
    axes.grid(alpha=0.3)
    return axes


def _fields(history: Any) -> Mapping[str, Any]:
    """What a record holds, by name."""
    if isinstance(history, Mapping):
        return history
    if hasattr(history, "_asdict"):
        return dict(history._asdict())
    return dict(getattr(history, "__dict__", {}))


def _is_curve(values: Any) -> bool:
    if isinstance(values, str) or not hasattr(values, "__len__") or len(values) < 2:
        return False
    array = np.asarray(values)
    return array.ndim == 1 and array.dtype.kind in "fiu"


def plot_similarity(
    embedding: Embedding, entities: Sequence[str], column: str | None = None, *, ax: Any | None = None
) -> Any:
    """Cosines of some entities with each other, as a heat map in the order given.

    Args:
        embedding: n entities.
        entities: ids, 200 at most.
        column: theirs, where they stand in several. Default: any.
        ax: matplotlib's axes to draw on. Default: new ones.

    Raises:
        NotFoundError: an unknown id.
        ValueError: none, or too many.
        ModuleNotFoundError: matplotlib is not installed.

    Example:
        >>> import cleora_jax as cj
        >>> graph = cj.generators.planted_partition([50] * 3, 0.3, 0.01).graph
        >>> ax = cj.viz.plot_similarity(cj.embed(graph, cj.Cleora(dim=8)), ["0", "1", "50", "51"])
        >>> ax.images[0].get_array().shape
        (4, 4)
    """
    check_embedding(embedding)
    axes = new_axes(ax)
    if not 0 < len(entities) <= MOST_SIMILARITIES:
        raise checks.OptionError(f"`entities` must be 1 to {MOST_SIMILARITIES} ids, got {len(entities)}.")
    rows = unit_rows(embedding.rows(entities, column), "embedding")
    drawn = axes.imshow(rows @ rows.T, cmap="RdBu_r", vmin=-1, vmax=1)
    if ax is None:
        axes.figure.set_layout_engine("compressed")  # which knows that the map is square: else labels are cut off
    font = min(7, LABELS_IN_SEVEN * 7 / len(entities))
    axes.set_xticks(range(len(entities)), entities, rotation=90, fontsize=font, parse_math=False)
    axes.set_yticks(range(len(entities)), entities, fontsize=font, parse_math=False)
    axes.figure.colorbar(drawn, ax=axes, label="cosine")
    return axes
