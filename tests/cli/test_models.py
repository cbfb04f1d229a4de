"""`embed --save-model`, then `transform` and `update`: what the same calls in Python give."""

from __future__ import annotations

import errno
import json
import os
import re
from pathlib import Path

import numpy as np

from cleora_jax import from_hyperedges, load_embedding, load_fitted, read, transform, update
from cleora_jax.cli import main
from cleora_jax.vectors import formats
from tests.cli.conftest import BASKETS, SMALL


def test_transform_writes_the_new_ones(tmp_path, baskets, model, capsys):
    lines, out = tmp_path / "new.txt", str(tmp_path / "new.parquet")
    lines.write_text("fresh item1 item2\nalone lost\nitem3 item1\n")
    fitted = load_fitted(model)
    np.testing.assert_array_equal(load_embedding(tmp_path / "first.npz").vectors, fitted.embedding.vectors)
    plain = str(tmp_path / "plain.npz")
    assert main(["embed", "-i", baskets, "-o", plain, "-q", *SMALL]) == 0
    np.testing.assert_array_equal(load_embedding(plain).vectors, fitted.embedding.vectors)
    capsys.readouterr()
    command = ["transform", "--model", model, "-i", str(lines), "-o", out]
    assert main(command) == 0
    assert "3 new entities, 2 of them with no path" in capsys.readouterr().err
    expected = transform(fitted, from_hyperedges(lines.read_text().splitlines()))
    found = load_embedding(out)
    assert found.vocab.ids.to_pylist() == ["fresh", "alone", "lost"] == expected.vocab.ids.to_pylist()
    np.testing.assert_array_equal(found.vectors, expected.vectors)
    assert main([*command, "--all", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["entities"], answer["new"], answer["without_path"], answer["dim"]) == (14, 3, 2, 8)
    both = load_embedding(out)
    np.testing.assert_array_equal(both.vectors[:11], fitted.embedding.vectors)  # the known ones as they were
    np.testing.assert_array_equal(both.vectors[11:], expected.vectors)


def test_nothing_new_is_said(tmp_path, model, capsys):
    (tmp_path / "old.txt").write_text("item1 item2\n")
    command = ["transform", "-m", model, "-i", str(tmp_path / "old.txt"), "-o", str(tmp_path / "out.npz")]
    assert main(command) == 2
    assert "no entity that the model does not know" in capsys.readouterr().err
    assert not (tmp_path / "out.npz").exists()
    assert main([*command, "--all", "-q"]) == 0 and len(load_embedding(tmp_path / "out.npz")) == 11


def test_lines_are_read_as_the_model_s_were(tmp_path, capsys):
    path, more = tmp_path / "orders.csv", tmp_path / "more.csv"
    path.write_text("user,items,count\n" + "".join(f'u{i % 9},"a{i % 5} a{i % 3}",{1 + i % 2}\n' for i in range(40)))
    more.write_text('user,items,count\nu1,"a1 new",3\nnewer,a2,1\n')
    options = ["--columns", "user complex::reflexive::items count", "--header", "--weight", "count", "-q"]
    model, out = str(tmp_path / "m"), str(tmp_path / "out.npz")
    assert main(["embed", "-i", str(path), "-o", out, "--save-model", model, *options, *SMALL]) == 0
    assert load_fitted(model).notes["reading"]["weight"] == "count"
    assert main(["transform", "-m", model, "-i", str(more), "-o", out, "-q"]) == 0
    graph = read(more, "user complex::reflexive::items count", header=True, weight="count")
    np.testing.assert_array_equal(load_embedding(out).vectors, transform(load_fitted(model), graph).vectors)
    assert main(["transform", "-m", model, "-i", str(more), "-o", out, "--column", "items", "-q"]) == 0
    assert load_embedding(out).vocab.ids.to_pylist() == ["new"]
    more.write_text("a1 new\n")  # another way of reading is given, where it is another
    assert main(["transform", "-m", model, "-i", str(more), "-o", out, "--columns", "items", "-q"]) == 2
    assert "`--weight` must name a column of the spec 'items'" in capsys.readouterr().err


def test_update_goes_on(tmp_path, baskets, model, capsys):
    lines, out, kept = tmp_path / "new.txt", str(tmp_path / "out.npz"), str(tmp_path / "second.npz")
    lines.write_text("fresh item1 item2\nfresh item3\n")
    fitted, more = load_fitted(model), from_hyperedges(lines.read_text().splitlines())
    capsys.readouterr()
    assert main(["update", "-m", model, "-i", str(lines), "-o", out, "--save-model", kept]) == 0
    assert "1 new entities, 12 in all" in capsys.readouterr().err
    expected = update(fitted, more)
    np.testing.assert_array_equal(load_embedding(out).vectors, expected.embedding.vectors)
    again = load_fitted(kept)
    np.testing.assert_array_equal(again.vectors, expected.vectors)
    assert again.notes == fitted.notes and again.notes["reading"]["columns"] == "complex::reflexive::node"
    assert main(["update", "-m", kept, "--gone", str(lines), "--save-model", kept, "-q"]) == 0  # in its own place
    gone = load_fitted(kept)
    np.testing.assert_array_equal(gone.vectors, update(expected, gone=more).vectors)
    assert not gone.embedding["fresh"].any()
    assert main(["update", "-m", model, "-i", str(lines), "-o", out, "-n", "2", "-q"]) == 0
    np.testing.assert_array_equal(load_embedding(out).vectors, update(fitted, more, num_iterations=2).embedding.vectors)


def test_what_does_not_go_together(tmp_path, baskets, model, capsys):
    out = str(tmp_path / "out.npz")
    embed = ["embed", "-i", baskets, "-o", out, "--save-model", str(tmp_path / "m.npz"), *SMALL]
    faults = [
        ([*embed, "--relations", "apart"], "does not go with `--relations apart`"),
        ([*embed, "--attention-temperature", "1"], "`--attention-temperature` does not go with"),
        ([*embed[:-2], "--propagation", "directed-both"], "fit each direction"),
        ([*embed[:5], "--save-model", out], "`--save-model` .* is `--output`, too"),
        ([*embed[:5], "--save-model", baskets, *SMALL], "`--save-model` .* is an input, too"),
        ([*embed[:5], "--save-model", str(tmp_path / "no" / "m")], "does not exist"),
        (["transform", "-m", baskets, "-i", baskets, "-o", out], "baskets.txt: not a whole model file"),
        (["transform", "-m", model, "-i", baskets, "-o", model], "`--output` .* is an input, too"),
        (["transform", "-m", model, "-i", baskets, "-c", "a b", "-o", out], "expected 2 columns"),
        (["update", "-m", model, "-i", baskets], "give `--output`, `--save-model` or both"),
        (["update", "-m", model, "-o", out], "give `--input` .* `--gone`"),
        (["update", "-m", model, "-i", baskets, "--save-model", out, "-o", out], "is `--output`, too"),
        (["update", "-m", model, "-i", baskets, "--save-model", out, "--column", "node"], "`--column` says what"),
        (["update", "-m", model, "--gone", str(tmp_path / "none"), "-o", out], "none: no such file"),
    ]
    before = sorted(os.listdir(tmp_path))
    for command, match in faults:
        assert main(command) == 2, command
        message = capsys.readouterr().err
        assert re.search(match, message), message
        assert sorted(os.listdir(tmp_path)) == before and Path(baskets).read_text() == BASKETS


def test_both_files_appear_or_none(tmp_path, baskets, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(formats, "write_contents", full)
    monkeypatch.setattr("cleora_jax.vectors.embedding.write_contents", full)
    command = ["embed", "-i", baskets, "-o", str(tmp_path / "out.npz"), "--save-model", str(tmp_path / "m"), *SMALL]
    assert main(command) == 1
    assert os.listdir(tmp_path) == ["baskets.txt"]
