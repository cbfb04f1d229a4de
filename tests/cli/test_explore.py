"""`explore`, and the report of `info`."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa

import cleora_jax as cj
from cleora_jax.cli import main


def test_a_page_with_attributes(saved, tmp_path, capsys):
    table = tmp_path / "about.tsv"
    table.write_text("id\tkind\tprice\nitem1\tfruit\t2.5\nitem2\tbread\t\nunknown\tx\t1\n")
    html = tmp_path / "map.html"
    assert main(["explore", "-e", saved, "--html", str(html), "--attributes", str(table)]) == 0
    assert "2 of 11 entities have attributes" in capsys.readouterr().err
    text = html.read_text()
    assert '"kind"' in text and "item7" in text and "<title>saved</title>" in text
    assert main(["explore", "-e", saved, "--html", str(html), "--json", "--neighbours", "3", "--title", "T"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["entities"] == 11 and answer["bytes"] == html.stat().st_size


def test_what_cannot_be_is_named(saved, tmp_path, capsys):
    html = str(tmp_path / "map.html")
    twice = tmp_path / "twice.csv"
    twice.write_text("id,kind\na,1\na,2\n")
    for options, message in (
        (["--attributes", "no.csv"], "no.csv: no such file"),
        (["--attributes", "no.txt"], "`--attributes` must be a .parquet"),
        (["--attributes", str(twice)], "more than once"),
        (["--neighbours", "-1"], "`--neighbours`"),
        (["--attribute-column", "node"], "needs `--attributes`"),
        (["--column", "nothing"], "nothing"),
    ):
        assert main(["explore", "-e", saved, "--html", html, *options]) == 2
        assert message in capsys.readouterr().err
    assert main(["explore", "-e", saved, "--html", saved]) == 2
    assert "`--html`" in capsys.readouterr().err


def test_info_reports_what_will_surprise(tmp_path, capsys):
    path = tmp_path / "in.txt"
    path.write_text("".join(f"bag i{at} i{at + 1}\n" for at in range(30)) + "alone\nbag i1 i2\n")
    capsys.readouterr()
    assert main(["info", "-i", str(path)]) == 0
    shown = capsys.readouterr().out
    assert (
        "popular     bag in 97%" in shown
        and "! 1 hyperedge holds fewer than two" in shown
        and "! 'bag' stands in" in shown
    )
    assert main(["info", "-i", str(path), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)["report"]
    assert report["popular"][0][0] == "bag" and report["warnings"]


def test_attributes_are_those_of_a_column(tmp_path, capsys):
    vocab = cj.Vocab(pa.array(["1", "2", "1"], pa.large_string()), ("user", "item"), np.array([0, 0, 1], np.uint8))
    cj.Embedding(np.eye(3, dtype=np.float32), vocab).save(tmp_path / "both.npz")
    (tmp_path / "prices.csv").write_text("id,price\n1,9.5\n")
    command = ["explore", "-e", str(tmp_path / "both.npz"), "--html", str(tmp_path / "m.html")]
    command += ["--attributes", str(tmp_path / "prices.csv")]
    assert main(command) == 2
    assert "'1' stands in several columns of the graph: give `--attribute-column`" in capsys.readouterr().err
    assert main([*command, "--column", "item"]) == 2  # only one entity is left, but it is clear which has the price
    assert "1 of 1 entities" in capsys.readouterr().err
    assert main([*command, "--attribute-column", "item"]) == 0 and "1 of 3 entities" in capsys.readouterr().err
    assert main([*command, "--attribute-column", "shop"]) == 2 and "no column 'shop'" in capsys.readouterr().err


def test_a_table_without_a_header_loses_no_row(saved, tmp_path, capsys):
    table = tmp_path / "about.csv"
    table.write_text("item1,fruit,2.5\nitem2,bread,1\n")
    command = ["explore", "-e", saved, "--html", str(tmp_path / "m.html"), "--attributes", str(table)]
    assert main(command) == 2
    message = capsys.readouterr().err
    assert "about.csv: its first line ('item1', 'fruit', '2.5') begins with an entity" in message
    assert "`--attributes-without-header`" in message
    assert main([*command, "--attributes-without-header"]) == 0
    assert "2 of 11 entities have attributes" in capsys.readouterr().err
    assert '"column 2"' in (tmp_path / "m.html").read_text()
    table.write_text("item1,id,item2\nfruit,item1,2.5\n")  # one that says so is believed
    assert main(command) == 0 and "1 of 11 entities" in capsys.readouterr().err
    assert main([*command[:-1], "none.parquet", "--attributes-without-header"]) == 2
    assert "`--attributes-without-header` is for .csv and .tsv" in capsys.readouterr().err
    assert main([*command[:-2], "--attributes-without-header"]) == 2
    assert "`--attributes-without-header` needs `--attributes`" in capsys.readouterr().err
