"""Maps that stand still."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from cleora_jax import _checks as checks
from cleora_jax._extras import library
from cleora_jax.graph import Labels
from cleora_jax.vectors.embedding import Embedding, check_embedding
from cleora_jax.vectors.searchable import Key
from cleora_jax.viz.plane import Layout, plane

MOST_GROUPS = 18  # with a colour of their own; the smaller ones are grey
GREY = "0.75"
NONE = "none"  # the name of no group
GREYS = (14, 15)  # of matplotlib's twenty


def plot_map(
    embedding: Embedding,
    colour: Any | None = None,
    *,
    layout: Layout = "pca",
    at: np.ndarray | None = None,
    label: Sequence[Key] = (),
    ax: Any | None = None,
    seed: int = 0,
) -> Any:
    """Entities as dots on a plane.

    Args:
        embedding: n entities.
        colour: of each entity: `Labels` with one class each, `Communities`, names, or numbers (float: a scale). None
            colours by column where there are several. An entity without a class, or called None or "none", is grey.
            Default: None.
        layout: see `plane`. Default: "pca".
        at: float[n, 2], coordinates that are there already. Default: of `layout`.
        label: entities whose ids are written beside their dots. Default: none.
        ax: matplotlib's axes to draw on. Default: those of a new figure, which no window shows by itself.
        seed: of the layout. Default: 0.

    Returns:
        The axes; `.figure.savefig(…)` writes a file.

    Raises:
        ValueError: colours or coordinates that do not fit the entities.
        NotFoundError: an id to be written that is not known.
        ModuleNotFoundError: matplotlib, or the layout's library, is not installed.

    Example:
        >>> import cleora_jax as cj
        >>> graph, blocks = cj.generators.planted_partition([50] * 3, 0.3, 0.01)
        >>> ax = cj.viz.plot_map(cj.embed(graph, cj.Cleora(dim=8)), blocks, label=["7"])
        >>> len(ax.get_legend().get_texts())
        3
    """
    check_embedding(embedding)
    axes = new_axes(ax)
    placed = plane(embedding, layout, seed=seed) if at is None else np.asarray(at)
    if placed.shape != (len(embedding), 2):
        raise checks.OptionError(f"`at` must be [{len(embedding)}, 2], got shape {placed.shape}.")
    size = float(np.clip(2e4 / len(embedding), 1, 30))
    values = _colours(embedding, colour)
    if values is None:
        axes.scatter(*placed.T, s=size, linewidths=0)
    elif values.dtype.kind == "f":
        drawn = axes.scatter(*placed.T, s=size, c=values, cmap="viridis", linewidths=0)
        axes.figure.colorbar(drawn, ax=axes)
    else:
        _groups(axes, placed, values, size)
    for row in embedding.indices([key for key in label if isinstance(key, str)]).tolist():
        _named(axes, placed[row], embedding.vocab[row])
    for column, entity in (key for key in label if not isinstance(key, str)):
        _named(axes, placed[embedding.indices([entity], column)[0]], entity)
    axes.set_xticks([]), axes.set_yticks([])
    return axes


def new_axes(ax: Any | None) -> Any:
    """Axes as given, or those of a figure that no global state knows."""
    if ax is not None:
        return ax
    figure = library("matplotlib.figure", "plot", "a plot")
    return figure.Figure(figsize=(7, 6), layout="constrained").add_subplot()


def _colours(embedding: Embedding, colour: Any | None) -> np.ndarray | None:
    """float64[n], or names as str[n]; None for one colour."""
    if colour is None:
        names = np.array(embedding.vocab.columns)
        return names[embedding.vocab.column_of] if len(names) > 1 else None
    if isinstance(colour, Labels):
        values = np.array([*colour.classes, NONE])[colour.codes]
    elif type(colour).__name__ == "Communities":
        values = np.array([f"community {code}" for code in colour.codes])
    else:
        values = np.asarray(colour)
        if values.dtype == object and values.ndim == 1:
            values = np.array([NONE if value is None else str(value) for value in values])
    if values.shape != (len(embedding),):
        raise checks.OptionError(f"`colour` must be one per entity ({len(embedding):,}), got shape {values.shape}.")
    return values.astype(np.float64) if values.dtype.kind == "f" else values.astype(str)


def _groups(axes: Any, placed: np.ndarray, names: np.ndarray, size: float) -> None:
    """One colour for each of the largest groups, in the order of their sizes; grey for small ones and for none."""
    groups, count = np.unique(names[names != NONE], return_counts=True)
    groups = groups[np.argsort(-count, kind="stable")]
    colours = np.delete(library("matplotlib", "plot", "a plot").colormaps["tab20"].colors, GREYS, axis=0)
    if len(groups) <= len(colours) / 2:
        colours = colours[::2]  # pairs of a dark and a light one: the dark ones alone
    rest = ~np.isin(names, groups[:MOST_GROUPS])
    more, unnamed = len(groups) - MOST_GROUPS, bool((names == NONE).any())
    drawn = {}
    if rest.any():
        axes.scatter(*placed[rest].T, s=size, color=GREY, linewidths=0)
    for number, name in enumerate(groups[:MOST_GROUPS]):
        drawn[name] = axes.scatter(*placed[names == name].T, s=size, color=colours[number], linewidths=0)
    if rest.any():
        drawn[", ".join([f"{more} more"] * (more > 0) + [NONE] * unnamed)] = axes.scatter([], [], color=GREY)
    legend = axes.legend(
        list(drawn.values()), list(drawn), loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, fontsize=8
    )
    for handle, text in zip(legend.legend_handles, legend.get_texts(), strict=True):
        handle.set_sizes([30])
        text.set_parse_math(False)


def _named(axes: Any, place: np.ndarray, text: str) -> None:
    effects = library("matplotlib.patheffects", "plot", "a plot")
    written = axes.annotate(text, place, xytext=(4, 4), textcoords="offset points", fontsize=8, parse_math=False)
    written.set_path_effects([effects.withStroke(linewidth=2, foreground="white")])
