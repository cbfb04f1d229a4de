"""The page on clusters says what the arithmetic says, and its commands have the options that it gives them."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import numpy as np
import pytest

from cleora_jax.cli.program import _parser
from experiments.scale import arithmetic
from experiments.scale.arithmetic import (
    Constants,
    Machine,
    Work,
    constants_of,
    fewest,
    figures,
    met,
    recorded,
    remote_share,
)
from tests.conftest import ROOT

KNOWN = Constants(
    cores=2, entry_ns={8: 4.0, 32: 10.0}, row_ns={128: 1000.0}, line_bytes=100, name_bytes=200, held_line_bytes=16,
    held_name_bytes=50, building_bytes=30, running_bytes=12, lines_per_second=1e6,
)  # fmt: skip


def test_the_tables_are_those_of_the_recorded_constants():
    text = arithmetic.PAGE.read_text()
    assert arithmetic.page(text, recorded()) == text


def test_figures_by_hand():
    told = figures(Work(1e6, 1e7, 128), Machine(4, 1e9, 1e9), 10, KNOWN)
    lines, rows, entries = 1e6, 1e5, 2.1e6
    names = 1e6 * (1 - np.exp(-2))
    held = 16 * lines + 50 * names
    assert told.reading == pytest.approx(100 * lines + 200 * names)
    assert told.building == pytest.approx(held + 30 * entries)
    assert told.running == pytest.approx(held + 8 * entries + 1e6 * 32 * 4 + rows * 128 * 12)
    assert told.traffic == pytest.approx(0.9 * 1e6 * 128 * 4) and told.gather == pytest.approx(0.4608)
    assert told.product == pytest.approx(entries * 4 * 10e-9 / 2)  # four times 32 columns, on twice the cores
    assert told.dense == pytest.approx(rows * 1e-6 / 2)
    assert told.before == pytest.approx(1 + 16 * entries * 0.9 / 1e9)
    assert told.memory == max(told[:3]) and told.step == told.product + told.dense + told.gather and told.enough


def test_where_all_rows_are_too_many_fewer_columns_are_gathered():
    told = figures(Work(), Machine(), 64, KNOWN)
    assert told.gathered_columns == 8 and not told.enough  # 8 × 10⁹ × 4 bytes; 3 × 10⁹ entries each
    assert figures(Work(), Machine(), 128, KNOWN).enough
    assert fewest(Work(), Machine(), KNOWN) == 94  # 2.01 × 10¹¹ / 2³¹
    assert fewest(Work(1e3, 1e4), Machine(), KNOWN) == 1


def test_one_machine_gathers_nothing():
    told = figures(Work(1e6, 1e7, 128), Machine(), 1, KNOWN)
    assert told.traffic == told.gather == 0 and remote_share(20, 1, 1) == 0


@pytest.mark.parametrize(("degree", "parts"), [(3, 4), (20, 8), (40, 64)])
def test_needed_rows_against_drawn_ones(degree, parts):
    rng = np.random.default_rng(0)
    rows, own = 64_000, 64_000 // parts
    drawn = rng.integers(own, rows, degree * own)  # of one part, all leading outside
    assert len(np.unique(drawn)) / (rows - own) == pytest.approx(remote_share(degree, 1, parts), abs=0.01)
    assert len(np.unique(drawn)) == pytest.approx(met(rows - own, degree * own), rel=0.02)


def test_the_recorded_halo_is_as_told():
    halos = [line for line in recorded() if line["kind"] == "halo"]
    assert len(halos) == 6
    for line in halos:
        assert line["needed"] == pytest.approx(line["told"], abs=0.02)


def test_the_constants_are_sound():
    known = constants_of(recorded())
    assert known.line_bytes >= known.held_line_bytes > 0 and known.name_bytes >= known.held_name_bytes > 0
    assert 8 < known.building_bytes < 200 and 4 < known.running_bytes < 40
    assert sorted(known.entry_ns) == [8, 32, 128] and sorted(known.row_ns) == [128, 256]


def test_the_commands_have_their_options():
    text = re.sub(r"\\\n", " ", arithmetic.PAGE.read_text())
    commands = re.findall(r"cleora-jax embed(?: [^`]*?)?(?=`|'\n|#|&|\n\n|\n {10}volume)", text)
    parser = _parser()
    for command in commands:
        words = re.findall(r"(?<=\s)(--[a-z-]+|-[io])", command)
        assert {"-i", "-o", "--coordinator", "--processes", "--process-id", "--read-share"} <= set(words), command
        answers = {"-i": "in.tsv", "-o": "out.npz", "--coordinator": "here:1", "--processes": "4", "--process-id": "0",
                   "--columns": "from to", "--patience": "600"}  # fmt: skip
        given = [part for word in words for part in ([word, answers[word]] if word in answers else [word])]
        assert parser.parse_args(["embed", *given]).read_share == "cut"
    assert len(commands) == 5


@pytest.mark.slow
def test_constants_smoke(tmp_path):
    output = tmp_path / "out.jsonl"
    command = [sys.executable, "-m", "experiments.scale.constants", "--smoke", "--output", str(output)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    lines = [json.loads(line) for line in output.read_text().splitlines()]
    assert {line["kind"] for line in lines} == {"product", "halo", "dense", "share", "loopback"}
    assert "| machines |" in arithmetic.tables(lines)
