"""Column specs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleora_jax.graph import Column, parse_columns
from cleora_jax.graph.assemble import Layout
from cleora_jax.graph.columns import MODIFIERS, relations_of


def test_modifiers_and_order() -> None:
    assert parse_columns("user  complex::reflexive::product\ttransient::shop ignore::date") == (
        Column("user"),
        Column("product", complex=True, reflexive=True),
        Column("shop", transient=True),
        Column("date", ignore=True),
    )


def test_relations_are_pairs_of_columns_and_each_reflexive_one() -> None:
    assert relations_of(parse_columns("a complex::reflexive::b ignore::x c")) == ((0, 1), (0, 3), (1, 1), (1, 3))
    assert relations_of(parse_columns("reflexive::complex::node")) == ((0, 0),)


@pytest.mark.parametrize(
    "spec, fault",
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("reflexive::a", "needs `complex`"),
        ("komplex::a b", "unknown column modifier 'komplex'"),
        ("complex::complex::a b", "stands twice"),
        ("complex:: b", "no name"),
        ("a a", "stands twice"),
        ("a", "relates nothing"),
        ("complex::a", "relates nothing"),
        ("a ignore::b", "relates nothing"),
        ("ignore::a", "relates nothing"),
        ("ignore::complex::a b c", "cannot be combined"),
        ("transient::a transient::b", "every column"),
        (" ".join(f"c{i}" for i in range(256)), "at most 255"),
    ],
)
def test_bad_specs(spec: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse_columns(spec)


def test_spec_must_be_text() -> None:
    with pytest.raises(TypeError, match="must be a string"):
        parse_columns(["a", "b"])  # type: ignore[arg-type]


@given(st.text(alphabet="ab: complexrefivtsngo", max_size=40))
def test_any_text_is_a_spec_or_a_value_error(spec: str) -> None:
    try:
        columns = parse_columns(spec)
    except ValueError:
        return
    assert parse_columns(" ".join(map(str, columns))) == columns


@given(st.lists(st.sampled_from(MODIFIERS), unique=True), st.text(alphabet="abé_-.", min_size=1))
def test_str_round_trip(modifiers: list[str], name: str) -> None:
    try:
        column = Column(name, **dict.fromkeys(modifiers, True))
    except ValueError:
        return
    assert parse_columns(f"{column} other another")[0] == column


@pytest.mark.parametrize(
    "spec, options, fault",
    [
        ("a b", {"weight": "w"}, "`weight` must name a column"),
        ("a b", {"weight": "last"}, "'last' serves a spec of a single column"),
        ("complex::a b w", {"weight": "a"}, "no modifier"),
        ("a b", {"group_by": "g"}, "`group_by` must name a column"),
        ("complex::reflexive::a", {"group_by": "last"}, "`group_by` must name"),
        ("a b w", {"weight": "w", "group_by": "w"}, "cannot be combined"),
        ("a b w g", {"weight": "w", "group_by": "g"}, "cannot be combined"),
        ("a w", {"weight": "w"}, "relates nothing"),
        ("transient::a b", {"shared_ids": True}, "cannot be combined with `transient::`"),
    ],
)
def test_bad_options(spec: str, options: dict, fault: str) -> None:
    given = {"weight": None, "group_by": None, "shared_ids": False} | options
    with pytest.raises(ValueError, match=fault):
        Layout.parse(spec, **given)


def test_a_column_may_be_called_last() -> None:
    layout = Layout.parse("a b last", "last", None, False)
    assert layout.weight == "last" and not layout.last
    layout = Layout.parse("complex::reflexive::last", "last", None, False)
    assert layout.weight is None and layout.last
