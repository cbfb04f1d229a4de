"""Bytes to tokens to codes, against plain Python."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleora_jax.graph import intern
from cleora_jax.graph.tokens import (
    COMMA,
    TAB,
    Tokens,
    gather,
    lines_of,
    select,
    split_blanks,
    split_cells,
    to_arrow,
    to_strings,
    unpack,
)  # fmt: skip

TEXTS = st.lists(st.text(alphabet="ab,\t \ré𝄞x", max_size=25), min_size=1, max_size=8).map(
    lambda lines: "".join(line + "\n" for line in lines)
)


def array_of(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


def rows_of(tokens: Tokens) -> list[list[str]]:
    flat = iter(to_strings(tokens).to_pylist())
    return [[next(flat) for _ in range(count)] for count in tokens.count]


def bare_lines(text: str) -> list[str]:
    return [line.removesuffix("\r") for line in text.split("\n")[:-1]]


@given(TEXTS, st.booleans())
def test_split_blanks(text: str, comma: bool) -> None:
    plain = [line.replace("\t", " ").replace("," if comma else " ", " ").split(" ") for line in bare_lines(text)]
    assert rows_of(split_blanks(array_of(text), comma=comma)) == [[word for word in line if word] for line in plain]


@given(TEXTS, st.sampled_from([TAB, COMMA]))
def test_split_cells(text: str, separator: int) -> None:
    assert rows_of(split_cells(array_of(text), separator)) == [line.split(chr(separator)) for line in bare_lines(text)]


@given(TEXTS)
def test_lines_of(text: str) -> None:
    start, length = lines_of(array_of(text))
    raw = text.encode()
    assert [raw[s : s + n].decode() for s, n in zip(start, length, strict=True)] == bare_lines(text)


@given(TEXTS, st.data())
def test_select(text: str, data: st.DataObject) -> None:
    tokens = split_blanks(array_of(text))
    rows = np.array(data.draw(st.lists(st.booleans(), min_size=len(tokens.count), max_size=len(tokens.count))))
    assert rows_of(select(tokens, rows)) == [row for row, kept in zip(rows_of(tokens), rows, strict=True) if kept]


@given(TEXTS)
def test_gather_with_terminator(text: str) -> None:
    packed, _ = gather(split_cells(array_of(text), TAB), terminator=True)
    cells = [cell for line in bare_lines(text) for cell in line.split("\t")]
    assert packed.tobytes().decode() == "".join(cell + "\n" for cell in cells)


@given(st.lists(st.text(alphabet="ab\x7fé𝄞", max_size=2), min_size=1))
def test_short_ids_survive_packing(ids: list[str]) -> None:
    ids = [entity or "x" for entity in ids]
    array = to_arrow(split_blanks(array_of(" ".join(ids) + "\n")))
    assert pa.types.is_uint64(array.type)
    assert unpack(array.to_numpy()).to_pylist() == ids


IDS = st.lists(st.one_of(st.text("abc", min_size=1, max_size=2), st.text("é𝄞x", min_size=3, max_size=12)), max_size=20)


@given(st.lists(IDS, min_size=1, max_size=6), st.integers(1, 30))
def test_codes_are_by_first_appearance_whatever_the_chunks(chunks: list[list[str]], flush: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intern, "FLUSH_TOKENS", flush)
        interner = intern.Interner()
        for ids in chunks:
            interner.add(to_arrow(split_blanks(array_of(" ".join(ids) + "\n"))))
        found, codes = interner.finish()
    everything = [entity for ids in chunks for entity in ids]
    distinct = list(dict.fromkeys(everything))
    assert found.to_pylist() == distinct
    assert codes.dtype == np.int32
    assert codes.tolist() == [distinct.index(entity) for entity in everything]
    assert intern.first_tokens(codes).tolist() == [everything.index(entity) for entity in distinct]


def test_packed_strings_are_copies_not_views_of_the_chunk() -> None:
    text = bytearray(b"abc defg\n")
    array = to_arrow(split_blanks(np.frombuffer(text, np.uint8)))
    text[0:3] = b"xyz"
    assert unpack(array.to_numpy()).to_pylist() == ["abc", "defg"]


@pytest.mark.parametrize("form", ["{}", "user{:04d}", "{:08d}", "{:x}", "{}aaaaaaa"])
def test_codes_of_many_ids_are_those_of_arrow(form: str) -> None:
    """Ids that differ in their first, their last or all bytes, so many that keys collide and are hashed anew."""
    rng = np.random.default_rng(0)
    ids = [form.format(number) for number in rng.integers(0, 9000 if "user" in form else 40_000, 60_000)]
    packed = to_arrow(split_blanks(array_of(" ".join(entity[:8] for entity in ids) + "\n")))
    assert pa.types.is_uint64(packed.type)
    interner = intern.Interner()
    interner.add(packed)
    found, codes = interner.finish()
    wanted = pa.array([entity[:8] for entity in ids], pa.large_string()).dictionary_encode()
    assert found.equals(wanted.dictionary)
    assert np.array_equal(codes, wanted.indices.to_numpy())
