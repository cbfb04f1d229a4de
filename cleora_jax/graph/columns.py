"""Column specs: `"user complex::reflexive::product"` becomes a tuple of frozen `Column`s, once; then text is gone."""

from __future__ import annotations

from dataclasses import dataclass

from cleora_jax._checks import OptionError

DEFAULT_COLUMNS = "complex::reflexive::node"  # a line is a hyperedge
MAX_COLUMNS = 255  # the column of an entity is kept as one byte
MODIFIERS = ("complex", "reflexive", "transient", "ignore")


@dataclass(frozen=True)
class Column:
    """One column of the input.

    Args:
        name: its name; entities are keyed by (name, id).
        complex: a cell holds several entities, separated by blanks; without it the whole cell is one entity.
        reflexive: entities of one cell relate to each other (needs `complex`).
        transient: its entities take part in propagation but are not among the results.
        ignore: the column is skipped.
    """

    name: str
    complex: bool = False
    reflexive: bool = False
    transient: bool = False
    ignore: bool = False

    def __post_init__(self) -> None:
        if self.reflexive and not self.complex:
            raise OptionError(
                f"column {self.name!r}: `reflexive` needs `complex` (one entity a cell cannot relate to itself); "
                f"write 'complex::reflexive::{self.name}'."
            )
        if self.ignore and (self.complex or self.transient):
            raise OptionError(f"column {self.name!r}: `ignore` cannot be combined with another modifier.")

    def __str__(self) -> str:
        return "::".join([modifier for modifier in MODIFIERS if getattr(self, modifier)] + [self.name])


def parse_columns(spec: str) -> tuple[Column, ...]:
    """Parse a column spec: columns separated by blanks, each `modifier::modifier::name`.

    Example:
        >>> [str(column) for column in parse_columns("user complex::reflexive::product")]
        ['user', 'complex::reflexive::product']

    Args:
        spec: the text, e.g. `"complex::reflexive::node"`.

    Returns:
        One `Column` per word, in order.

    Raises:
        ValueError: an empty spec, an unknown or repeated modifier, `reflexive` without `complex`, a missing or
            repeated name, or a spec that relates nothing to anything.
    """
    if not isinstance(spec, str):
        raise TypeError(f"`columns` must be a string such as 'complex::reflexive::node', got {spec!r}.")
    columns = tuple(_parse_column(word) for word in spec.split())
    if not columns:
        raise OptionError("`columns` is empty; a single column of entities that relate is 'complex::reflexive::node'.")
    if len(columns) > MAX_COLUMNS:
        raise OptionError(f"`columns` names {len(columns)} columns; at most {MAX_COLUMNS} are possible.")
    names = [column.name for column in columns]
    for name in names:
        if names.count(name) > 1:
            raise OptionError(f"`columns`: the name {name!r} stands twice in {spec!r}; names must differ.")
    if not relations_of(columns):
        raise OptionError(
            f"`columns`: {spec!r} relates nothing to anything; "
            "use a second column, or 'complex::reflexive::' on the only one."
        )
    relations = [relation_name(columns, *pair) for pair in relations_of(columns)]
    for name in relations:
        if relations.count(name) > 1:
            raise OptionError(f"`columns`: two relations of {spec!r} would both be called {name!r}; rename a column.")
    if all(column.transient for column in columns if not column.ignore):
        raise OptionError(f"`columns`: every column of {spec!r} is transient, so no entity would be among the results.")
    return columns


def _parse_column(word: str) -> Column:
    *modifiers, name = word.split("::")
    for modifier in modifiers:
        if modifier not in MODIFIERS:
            raise OptionError(
                f"`columns`: unknown column modifier {modifier!r} in {word!r}; "
                f"the modifiers are {', '.join(MODIFIERS)}."
            )
        if modifiers.count(modifier) > 1:
            raise OptionError(f"`columns`: the modifier {modifier!r} stands twice in {word!r}.")
    if not name:
        raise OptionError(f"`columns`: no name after '::' in {word!r}.")
    return Column(name, **dict.fromkeys(modifiers, True))


def relations_of(columns: tuple[Column, ...]) -> tuple[tuple[int, int], ...]:
    """The relations of a spec as pairs of column positions: each pair of columns, and each reflexive with itself.

    Example:
        >>> relations_of(parse_columns("user complex::reflexive::product shop"))
        ((0, 1), (0, 2), (1, 1), (1, 2))
    """
    used = [position for position, column in enumerate(columns) if not column.ignore]
    pairs = [(a, b) for i, a in enumerate(used) for b in used[i + 1 :]]
    pairs += [(a, a) for a in used if columns[a].reflexive]
    return tuple(sorted(pairs))


def relation_name(columns: tuple[Column, ...], a: int, b: int) -> str:
    """How the relation of two columns is called: "user-product", or "product" for one with itself."""
    return columns[a].name if a == b else f"{columns[a].name}-{columns[b].name}"
