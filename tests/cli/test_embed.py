"""`embed`: how lines are read, relations, modes, and where the vectors go."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cleora_jax import load_embedding
from cleora_jax.cli import main
from cleora_jax.vectors import formats
from tests.cli.conftest import BASKETS, SMALL


def test_relations(tmp_path, capsys):
    path = tmp_path / "in.tsv"
    path.write_text("".join(f"u{i % 5}\ti{i % 7} i{i % 3}\n" for i in range(30)))
    command = ["embed", "-i", str(path), "--columns", "user complex::reflexive::item", *SMALL]
    assert main([*command, "-o", str(tmp_path / "all.npz")]) == 0
    assert "several relations (user-item, item) added up" in capsys.readouterr().err
    assert main([*command, "-o", str(tmp_path / "each.npz"), "--relations", "apart"]) == 0
    assert (tmp_path / "each.user-item.npz").exists() and (tmp_path / "each.item.npz").exists()
    (tmp_path / "blocked.item.npz").mkdir()
    assert main([*command, "-o", str(tmp_path / "blocked.npz"), "--relations", "apart"]) == 2
    assert "blocked.item.npz" in capsys.readouterr().err and not (tmp_path / "blocked.user-item.npz").exists()


def test_relations_apart_are_written_all_or_none(tmp_path, monkeypatch):
    path = tmp_path / "in.tsv"
    path.write_text("".join(f"u{i % 5}\ti{i % 7} i{i % 3}\n" for i in range(30)))
    written, calls = formats.FORMATS[".npy"], []

    def fails_at_the_second(*args):
        calls.append(args)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "no space left")
        written.write(*args)

    monkeypatch.setitem(formats.FORMATS, ".npy", replace(written, write=fails_at_the_second))
    command = ["embed", "-i", str(path), "--columns", "user complex::reflexive::item", *SMALL]
    assert main([*command, "-o", str(tmp_path / "each.npy"), "--relations", "apart"]) == 1
    assert os.listdir(tmp_path) == ["in.tsv"]
    (tmp_path / "each.item.ids.json").mkdir()
    assert main([*command, "-o", str(tmp_path / "each.npy"), "--relations", "apart"]) == 2
    assert sorted(os.listdir(tmp_path)) == ["each.item.ids.json", "in.tsv"]


def test_relations_apart_replace_no_input(tmp_path, capsys):
    path = tmp_path / "out.item.tsv"
    path.write_text("".join(f"u{i % 5}\ti{i % 7} i{i % 3}\n" for i in range(30)))
    spec = "user complex::reflexive::item"
    command = ["embed", "-i", str(tmp_path), "--columns", spec, *SMALL, "--relations", "apart"]
    assert main([*command, "-o", str(tmp_path / "out.tsv")]) == 2
    assert "is an input, too" in capsys.readouterr().err and path.read_text().startswith("u0\t")
    command[4] = spec.replace("user", "a/user")
    assert main([*command, "-o", str(tmp_path / "x.tsv")]) == 2
    assert "must not hold '/'" in capsys.readouterr().err
    command[4] = "transient::user complex::reflexive::item"
    assert main([*command[:-2], "-o", str(tmp_path / "x.tsv"), "--column", "user"]) == 2
    assert "`--column` 'user' is transient" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["out.item.tsv"]


def test_ids_that_the_format_cannot_hold_are_known_before_the_work(tmp_path, capsys):
    path = tmp_path / "in.tsv"
    path.write_text("1\t1\n2\t1\n")
    command = ["embed", "-i", str(path), "--columns", "user item", *SMALL, "--json"]
    assert main([*command, "-o", str(tmp_path / "out.vec"), "--iterations", "100000"]) == 2
    assert "the id '1' stands in several columns" in capsys.readouterr().err
    assert main([*command, "-o", str(tmp_path / "out.vec"), "--column", "item"]) == 0
    assert load_embedding(tmp_path / "out.vec").vocab.ids.to_pylist() == ["1"]
    assert main([*command, "-o", str(tmp_path / "out.vec"), "--column", "shop"]) == 2
    assert "no column 'shop'" in capsys.readouterr().err
    assert main([*command, "-o", str(tmp_path / "out.npz")]) == 0
    assert main(["convert", "-e", str(tmp_path / "out.npz"), "-o", str(tmp_path / "u.csv"), "--column", "user"]) == 0
    assert load_embedding(tmp_path / "u.csv").vocab.ids.to_pylist() == ["1", "2"]


def test_output_is_checked_before_the_work(tmp_path, baskets, capsys):
    assert main(["embed", "-i", baskets, "-o", str(tmp_path / "no" / "out.npz")]) == 2
    assert str(tmp_path / "no") in capsys.readouterr().err
    assert main(["embed", "-i", baskets, "-o", str(tmp_path / "out.xyz")]) == 2
    assert ".xyz" in capsys.readouterr().err


def test_the_input_is_not_overwritten(tmp_path, baskets, capsys):
    assert main(["embed", "-i", baskets, "-o", baskets, *SMALL]) == 2
    assert "is an input, too" in capsys.readouterr().err
    assert Path(baskets).read_text() == BASKETS


def test_header_and_trim(tmp_path, capsys):
    path = tmp_path / "orders.csv"
    path.write_text("id,items\n" + "".join(f'{i},"a{i % 5} a{i % 3} a{i % 7}"\n' for i in range(20)))
    command = ["embed", "-i", str(path), "--columns", "complex::reflexive::items", "--header", *SMALL, "--json"]
    assert main([*command, "-o", str(tmp_path / "all.npz")]) == 0
    assert json.loads(capsys.readouterr().out)["header_lines"] == 1
    assert main([*command, "-o", str(tmp_path / "cut.npz"), "--hyperedge-trim-n", "1"]) == 0
    one, other = (load_embedding(tmp_path / name) for name in ("all.npz", "cut.npz"))
    assert one.vocab == other.vocab and not np.allclose(one.vectors, other.vectors)
    assert main([*command, "-o", str(tmp_path / "cut.npz"), "--hyperedge-trim-n", "0"]) == 2
    assert "`--hyperedge-trim-n` must be at least 1" in capsys.readouterr().err


def test_bad_lines_are_counted(tmp_path, capsys):
    path = tmp_path / "in.tsv"
    path.write_text("u1\ti1\nu2\nu3\ti1\ti2\nu2\ti1\n")
    command = ["embed", "-i", str(path), "--columns", "user item", "-o", str(tmp_path / "out.npz"), *SMALL]
    assert main(command) == 2
    assert f"{path}, line 2" in capsys.readouterr().err
    assert main([*command, "--on-bad-line", "skip"]) == 0
    assert "2 of 4 lines left out" in capsys.readouterr().err


class TestModes:
    """Options of the modes reach the method; what they need is said."""

    def test_scales_attention_and_directions(self, tmp_path, baskets):
        for options, columns in [
            (["--scales", "1,3"], 16), (["--scales", "--iterations", "40"], 32), (["--attention-temperature", "0.5"], 8),
            (["--propagation", "directed-both"], 16),
        ]:  # fmt: skip
            path = str(tmp_path / "out.npz")
            rest = [] if "--iterations" in options or "--scales" in options else ["--iterations", "3"]
            assert main(["embed", "-i", baskets, "-o", path, "-q", "--dim", "8", *rest, *options]) == 0
            assert load_embedding(path).dim == columns

    def test_metapath(self, tmp_path):
        lines = tmp_path / "lines.tsv"
        lines.write_text("".join(f"u{i % 9}\ti{i * 7 % 5}\ts{i % 3}\n" for i in range(40)))
        path = str(tmp_path / "out.npz")
        command = ["embed", "-i", str(lines), "-c", "user item shop", "-o", path, "-q", *SMALL]
        assert main([*command, "--metapath", "user-item,item-shop"]) == 0
        found = load_embedding(path)
        assert (
            found.settings["metapath"] == ["user-item", "item-shop"] and found.vectors[found.vocab.column_of == 0].any()
        )
        assert main([*command, "--metapath", "user-price"]) == 2

    def test_features(self, tmp_path, baskets, capsys):
        table = tmp_path / "features.csv"
        table.write_text("id,size,price\nitem1,1.5,2\nitem2,0.5,-1\nunknown,3,3\n")
        path = str(tmp_path / "out.npz")
        command = ["embed", "-i", baskets, "-o", path, "-q", *SMALL, "--whiten", "off", "--features"]
        assert main([*command, str(table), "--feature-weight", "0.9"]) == 0
        assert load_embedding(path).settings["init"] == "features"
        table.write_text("id,size\nitem1,large\n")
        assert main([*command, str(table)]) == 2
        assert "size" in capsys.readouterr().err
        assert main([*command, str(tmp_path / "none.csv")]) == 2

    def test_features_without_a_header_lose_no_row(self, tmp_path, baskets, capsys):
        table, path = tmp_path / "features.csv", str(tmp_path / "out.npz")
        table.write_text("item1,1.5,2\nitem2,0.5,-1\n")
        command = ["embed", "-i", baskets, "-o", path, *SMALL, "--whiten", "off", "--features", str(table)]
        assert main(command) == 2
        message = capsys.readouterr().err
        assert "the column of ids is called 'item1', as an entity" in message
        assert "`--features-without-header`" in message
        assert main([*command, "--features-without-header"]) == 0
        assert "features of 2 of 11 entities" in capsys.readouterr().err

    def test_options_of_features_need_features(self, tmp_path, baskets, capsys):
        for options in (["--feature-weight", "0.5"], ["--feature-column", "node"]):
            assert main(["embed", "-i", baskets, "-o", str(tmp_path / "out.npz"), *SMALL, *options]) == 2
            assert f"`{options[0]}` needs `--features`" in capsys.readouterr().err
        assert not (tmp_path / "out.npz").exists()

    def test_steps_that_do_not_go_with_scales(self, tmp_path, baskets, capsys):
        command = ["embed", "-i", baskets, "-o", str(tmp_path / "out.npz"), "--dim", "8", "--scales", "1,3"]
        assert main([*command, "--iterations", "40"]) == 2
        assert "`--iterations` 40 does not go with `--scales` (1, 3)" in capsys.readouterr().err


def test_dry_run_tells_and_writes_nothing(tmp_path, baskets, capsys):
    command = ["embed", "-i", baskets, "-o", str(tmp_path / "out.npz"), "--dry-run", *SMALL]
    assert main(command) == 0
    assert "would take" in capsys.readouterr().err
    assert main([*command, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["bytes_needed"] > 0 and answer["seconds"] > 0 and answer["output"] == []
    assert not (tmp_path / "out.npz").exists()
    assert main([*command, "--save-model", str(tmp_path / "model.npz")]) == 2
    assert "`--save-model` does not go with `--dry-run`" in capsys.readouterr().err


def test_memory_is_a_size_and_a_limit(tmp_path, baskets, capsys):
    command = ["embed", "-i", baskets, "-o", str(tmp_path / "out.npz"), *SMALL, "--memory"]
    assert main([*command, "1.5M"]) == 1
    assert "of the 1.5 MiB that `--memory` allows the process" in capsys.readouterr().err
    assert not (tmp_path / "out.npz").exists()
    for wrong in ("much", "8X", ""):
        with pytest.raises(SystemExit):
            main([*command, wrong])
    assert main([*command, "1TiB"]) == 0
    assert (tmp_path / "out.npz").exists()
