"""`benchmark`: what `run_benchmark` gives, kept by line, and messages in the words of the command line."""

from __future__ import annotations

import json

import pytest

from cleora_jax import load_benchmark
from cleora_jax.cli import main

KARATE = ["benchmark", "--dataset", "karate", "--algorithms", "randne", "--rounds", "2", "--dim", "8"]


def test_a_table_and_a_record_that_is_not_run_again(tmp_path, capsys):
    record = tmp_path / "lines.jsonl"
    assert main([*KARATE, "--output", str(record), "-q"]) == 0
    table = capsys.readouterr().out
    assert "randne" in table and "majority" in table and "2 rounds" in table
    before = record.read_bytes()
    assert main([*KARATE, "--output", str(record), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert record.read_bytes() == before and answer == json.loads(json.dumps(load_benchmark(record).as_dict()))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--algorithms", "rand"], "`--algorithms` must be one of"),
        (["--dataset", "karat"], "`--dataset`: there is no data set 'karat'"),
        (["--rounds", "0"], "`--rounds` must be at least 1"),
        (["--time-limit", "0"], "`--time-limit` must be above 0"),
        (["--judge", "edges"], "`--judge` must be one of"),
    ],
)
def test_messages_name_the_option(more, message, capsys):
    assert main([*KARATE, *more]) == 2
    assert message in capsys.readouterr().err
