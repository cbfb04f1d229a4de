"""`similar` and `info`, of files and of saved vectors."""

from __future__ import annotations

import json

from cleora_jax.cli import main
from tests.cli.conftest import SMALL, run


def test_an_isolated_entity_has_no_neighbours(tmp_path, capsys):
    path = tmp_path / "in.txt"
    path.write_text("a b 1\nb c 1\nc d 1\nd a 1\nlone only 0\n")
    command = ["similar", "-i", str(path), "--weight", "last", "--entity", "lone", "--entity", "a", *SMALL]
    assert main(command) == 0
    out, err = capsys.readouterr()
    assert "'lone' stands in no hyperedge" in err and out.splitlines()[:2] == ["lone", "a"]
    assert main([*command, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)["neighbours"]
    assert answer["lone"] == [] and len(answer["a"]) == 5


def test_an_isolated_entity_is_said_to_be_one(tmp_path, capsys):
    path = tmp_path / "in.tsv"
    path.write_text("a b 1\nb c 1\nc d 1\nx y 0\n")
    assert main(["similar", "-i", str(path), "--weight", "last", "--entity", "x", *SMALL]) == 0
    assert "stands in no hyperedge" in capsys.readouterr().err


def test_unknown_entity_suggests_the_nearest(saved, baskets, capsys):
    for source in (["--embeddings", saved], ["-i", baskets]):
        assert main(["similar", *source, "--entity", "itm1"]) == 2
        message = capsys.readouterr().err
        assert "unknown entity: 'itm1'" in message and "'item1'" in message


def test_neighbours_of_several_columns_say_which(tmp_path, capsys):
    path = tmp_path / "in.tsv"
    path.write_text("".join(f"{i % 5}\t{i % 7}\n" for i in range(35)))
    command = ["-i", str(path), "--columns", "user item", "--entity", "1", "--column", "user", "-k", "20", *SMALL]
    done = run("similar", *command)
    assert done.returncode == 0 and "`--residual-weight 0.5`" in done.stderr  # two sides: the warning names the option
    listed = [line.split()[1:] for line in done.stdout.splitlines()]
    assert len(listed) == 11 and ["item", "1"] in listed and ["user", "1"] not in listed
    assert main(["similar", *command, "--json"]) == 0
    assert {"column", "id", "cosine"} == set(json.loads(capsys.readouterr().out)["neighbours"]["1"][0])
    hidden = [*command[:2], "--columns", "transient::user item", *command[4:]]
    assert main(["similar", *hidden]) == 2
    assert "unknown entity" in capsys.readouterr().err


def test_info_is_for_people(tmp_path, baskets, saved, capsys):
    capsys.readouterr()
    assert main(["info", "-i", baskets]) == 0
    assert main(["info", "--embeddings", saved]) == 0
    shown = capsys.readouterr().out
    assert not set('{}[]"') & set(shown), shown
    assert "isolated         0\n" in shown and "per column       node 11\n" in shown


def test_saved_vectors_are_made_already(saved, capsys):
    for options in (["--dim", "8"], ["--header"], ["--features", "x.csv"], ["--scales"], ["--whiten-alpha", "0.5"]):
        assert main(["similar", "--embeddings", saved, "--entity", "item1", *options]) == 2
        assert f"`{options[0]}` does not go with `--embeddings`" in capsys.readouterr().err
    assert main(["info", "--embeddings", saved, "--columns", "a b"]) == 2
    assert "`--columns` does not go with `--embeddings`" in capsys.readouterr().err


def test_several_relations_are_said_to_be_added_up(tmp_path, capsys):
    path = tmp_path / "in.tsv"
    path.write_text("".join(f"u{i % 5}\ti{i % 7} i{i % 3}\n" for i in range(30)))
    command = ["similar", "-i", str(path), "--columns", "user complex::reflexive::item", "--entity", "u1", *SMALL]
    assert main(command) == 0
    assert "several relations (user-item, item) added up\n" in capsys.readouterr().err
