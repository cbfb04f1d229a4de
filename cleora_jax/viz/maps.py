"""Maps that stand still."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
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
    groups: bool | None = None,
    layout: Layout = "pca",
    at: np.ndarray | None = None,
    label: Sequence[Key] = (),
    ax: Any | None = None,
    seed: int = 0,
) -> Any:
    """Entities as dots on a plane.

    Args:
        embedding: n entities.
        colour: of each entity: `Labels` with one class each, `Communities`, names, or numbers. None colours by column
            where there are several. An entity without a class, called "none", or with None or NaN is grey. Default:
            None.
        groups: whether each value is a group with a colour of its own, or all are numbers on a scale. Default: integers
            are groups where they have at most 18 different values, as many as there are colours; other numbers are a
            scale, and what is no number is groups.
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
    if placed.shape != (len(embedding), 2) or placed.dtype.kind not in "iuf" or not np.isfinite(placed).all():
        raise checks.OptionError(f"`at` must be finite numbers, [{len(embedding)}, 2], got shape {placed.shape}.")
    if isinstance(label, str):
        raise TypeError(f"`label` must be a list of ids, got the single id {label!r}.")
    size = float(np.clip(2e4 / len(embedding), 1, 30))
    values = _colours(embedding, colour, groups)
    if values is None:
        axes.scatter(*placed.T, s=size, linewidths=0)
    elif values.dtype.kind == "f":
        _scale(axes, placed, values, size)
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


def _colours(embedding: Embedding, colour: Any | None, groups: bool | None) -> np.ndarray | None:
    """float64[n] of a scale, or groups: names as str[n], or int64[n]; None for one colour."""
    if colour is None:
        names = np.array(embedding.vocab.columns)
        return names[embedding.vocab.column_of] if len(names) > 1 else None
    if isinstance(colour, Labels):
        values = np.array([*colour.classes, NONE])[colour.codes]
    elif type(colour).__name__ == "Communities":
        values = np.array([f"community {code}" for code in colour.codes])
    else:
        listed = getattr(colour, "to_pylist", getattr(colour, "to_list", None))  # of Arrow, else of pandas and polars
        values = np.asarray(colour) if listed is None else np.array(listed(), object)  # integers with nulls stay such
    if values.shape != (len(embedding),):
        raise checks.OptionError(f"`colour` must be one per entity ({len(embedding):,}), got shape {values.shape}.")
    names = np.array([NONE if _is_nothing(value) else str(value) for value in values.tolist()])
    scale = _as_numbers(values)
    if groups is None:
        groups = scale is None or (_is_whole(values) and len(np.unique(names[names != NONE])) <= MOST_GROUPS)
    elif not checks.boolean("groups", groups) and scale is None:
        raise checks.OptionError(f"`groups=False` is for a `colour` of numbers, got {values[:3].tolist()}, ….")
    return names if groups else scale


def _as_numbers(values: np.ndarray) -> np.ndarray | None:
    """Numbers as float64[n], NaN where there is none; None where one is no number."""
    if values.dtype.kind in "iuf":
        return values.astype(np.float64)
    given = [None if _is_nothing(value) else value for value in values.tolist()]
    if all(value is None or (isinstance(value, Real) and not isinstance(value, bool)) for value in given):
        return np.array(given, np.float64)
    return None


def _is_whole(values: np.ndarray) -> bool:
    return values.dtype.kind in "iu" or all(
        _is_nothing(value) or isinstance(value, Integral) for value in values.tolist()
    )


def _is_nothing(value: Any) -> bool:
    return value is None or type(value).__name__ == "NAType" or (isinstance(value, float) and math.isnan(value))


def _scale(axes: Any, placed: np.ndarray, values: np.ndarray, size: float) -> None:
    """Numbers by a bar of colours; grey for what is none."""
    fine = np.isfinite(values)
    if not fine.all():
        axes.scatter(*placed[~fine].T, s=size, color=GREY, linewidths=0)
    if fine.any():
        drawn = axes.scatter(*placed[fine].T, s=size, c=values[fine], cmap="viridis", linewidths=0)
        axes.figure.colorbar(drawn, ax=axes)


def _groups(axes: Any, placed: np.ndarray, names: np.ndarray, size: float) -> None:
    """One colour for each of the largest groups, in the order of their sizes, integers by value; grey for the rest."""
    groups, count = np.unique(names[names != NONE], return_counts=True)
    groups = groups[np.argsort(-count, kind="stable")]
    largest = groups[:MOST_GROUPS].tolist()
    if all(name.removeprefix("-").isdecimal() for name in largest):
        largest.sort(key=int)
    colours = np.delete(library("matplotlib", "plot", "a plot").colormaps["tab20"].colors, GREYS, axis=0)
    if len(groups) <= len(colours) / 2:
        colours = colours[::2]  # pairs of a dark and a light one: the dark ones alone
    rest = ~np.isin(names, largest)
    more, unnamed = len(groups) - MOST_GROUPS, bool((names == NONE).any())
    drawn = {}
    if rest.any():
        axes.scatter(*placed[rest].T, s=size, color=GREY, linewidths=0)
    for number, name in enumerate(largest):
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
