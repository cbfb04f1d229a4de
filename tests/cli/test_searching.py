"""`index`, `compress`, and `similar` of what they write."""

from __future__ import annotations

import json

import pytest

import cleora_jax as cj
from cleora_jax.cli import main
from cleora_jax.vectors.coding import CODECS
from tests.cli.conftest import SMALL

pytest.importorskip("usearch")


def neighbours(path, capsys):
    capsys.readouterr()
    assert main(["similar", "--embeddings", path, "--entity", "item1", "--json"]) == 0
    return [(each["id"], each["cosine"]) for each in json.loads(capsys.readouterr().out)["neighbours"]["item1"]]


def test_an_index_is_searched_as_vectors_are_and_says_so(saved, tmp_path, capsys):
    path = str(tmp_path / "index.npz")
    assert main(["index", "-e", saved, "-o", path, "--links", "8"]) == 0
    told = capsys.readouterr().err
    assert "an index of 11 vectors of 8 columns" in told and "recall@10 1.000" in told
    assert cj.load_index(path).options["links"] == 8
    assert neighbours(path, capsys) == neighbours(saved, capsys)
    assert main(["similar", "--embeddings", path, "--entity", "item1"]) == 0
    assert "approximate, by Index(11 × 8 by usearch); recall@10 1.0" in capsys.readouterr().err


def test_json_says_how_it_searched(saved, baskets, tmp_path, capsys):
    index, bare, codes = (str(tmp_path / f"{name}.npz") for name in ("index", "bare", "codes"))
    made = main(["index", "-e", saved, "-o", index, "-q"]), main(["compress", "-e", saved, "-o", codes, "-q"])
    assert made == (0, 0) and main(["index", "-e", saved, "-o", bare, "--recall-queries", "0", "-q"]) == 0
    recall = round(cj.load_compressed(codes).recall(cj.load_embedding(saved)), 4)
    for source, told in (
        (["-e", saved], {"search": "exact"}),
        (["-i", baskets, *SMALL], {"search": "exact"}),
        (["-e", index], {"search": "usearch", "recall@10": 1.0}),
        (["-e", bare], {"search": "usearch"}),
        (["-e", codes], {"search": "int8", "recall@10": recall}),
    ):
        capsys.readouterr()
        assert main(["similar", *source, "--entity", "item1", "--json"]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert list(answer.pop("neighbours")) == ["item1"] and answer == told


@pytest.mark.parametrize("codec", [name for name in CODECS if name != "pq"])
def test_codes_are_searched_as_vectors_are_and_say_so(saved, tmp_path, capsys, codec):
    path = str(tmp_path / "codes.npz")
    capsys.readouterr()
    setting = ["--set", "dim=4"] if codec in ("pca", "projection") else []
    assert main(["compress", "-e", saved, "-o", path, "--codec", codec, "--json", *setting]) == 0
    answer = json.loads(capsys.readouterr().out)
    codes, vectors = cj.load_compressed(path), cj.load_embedding(saved)
    assert answer["bytes_per_vector"] == codes.bytes_per_vector and isinstance(codes.codec, CODECS[codec])
    assert answer["recall@10"] == round(codes.recall(vectors), 4)
    assert [name for name, _ in neighbours(path, capsys)] == [name for name, _ in codes.most_similar("item1")]
    assert main(["similar", "--embeddings", path, "--entity", "item1"]) == 0
    assert "of coded vectors, by Compressed(" in capsys.readouterr().err


def test_an_index_is_no_vectors_and_says_what_it_is(saved, tmp_path, capsys):
    index, codes = str(tmp_path / "index.npz"), str(tmp_path / "codes.npz")
    assert main(["index", "-e", saved, "-o", index, "-q"]) == main(["compress", "-e", saved, "-o", codes, "-q"]) == 0
    for command in (
        ["info", "--embeddings"],
        ["convert", "-o", str(tmp_path / "x.csv"), "--embeddings"],
        ["index", "-o", index, "-e"],
    ):
        for path, told in ((index, "an index of them"), (codes, "their codes")):
            assert main([*command, path]) == 2
            told = "is an input, too" if path in command else told
            assert told in capsys.readouterr().err


def test_recall_is_asked_for_or_not(saved, tmp_path, capsys):
    path = str(tmp_path / "codes.npz")
    capsys.readouterr()
    assert main(["compress", "-e", saved, "-o", path, "--recall-queries", "0"]) == 0
    assert "recall@" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["index", "-e", "SAVED", "-o", "out.bin"], "`--output` must end in .npz"),
        (["index", "-e", "SAVED", "-o", "SAVED"], "is an input, too"),
        (["index", "-e", "SAVED", "-o", "out.npz", "--links", "1"], "`--links`"),
        (["index", "-e", "SAVED", "-o", "out.npz", "--recall-queries", "-1"], "`--recall-queries`"),
        (["compress", "-e", "SAVED", "-o", "out.npz", "--codec", "zip"], "`--codec` must be one of"),
        (
            ["compress", "-e", "SAVED", "-o", "out.npz", "--codec", "pq", "--set", "size=3"],
            "no setting of ProductQuant",
        ),
        (["compress", "-e", "SAVED", "-o", "out.npz", "--codec", "binary", "--set", "dim=3"], "which has none"),
        (["compress", "-e", "SAVED", "-o", "nowhere/out.npz"], "nowhere"),
        (["similar", "--embeddings", "missing.npz", "--entity", "a"], "missing.npz"),
    ],
)
def test_what_cannot_be_is_named(saved, tmp_path, capsys, monkeypatch, command, message):
    monkeypatch.chdir(tmp_path)
    assert main([saved if part == "SAVED" else part for part in command]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out.npz").exists()
