"""`recommend`: fit, ask, judge, from files."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cleora_jax.cli import main
from cleora_jax.cli.commands.recommend import NAMES
from cleora_jax.recommend import RECOMMENDERS, Popularity, load_recommender


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    pairs = [f"u{user}\ti{item}" for user, item in np.unique(rng.integers(0, 20, (200, 2)), axis=0)]
    (tmp_path / "train.tsv").write_text("\n".join(pairs[::2]) + "\n")
    (tmp_path / "test.tsv").write_text("\n".join([*pairs[1::2], "stranger\ti1", "u1\tnovelty"]) + "\n")
    return str(tmp_path / "train.tsv"), str(tmp_path / "test.tsv")


@pytest.fixture
def kept(tmp_path, files):
    path = str(tmp_path / "kept.npz")
    assert main(["recommend", "fit", "-i", files[0], "-o", path, "--set", "rank=4", "-q"]) == 0
    return path


def test_the_names_in_the_help_are_those_there_are():
    assert tuple(RECOMMENDERS) == NAMES


def test_fit_and_ask(kept, files, capsys):
    capsys.readouterr()
    found = load_recommender(kept)
    assert found.method.rank == 4
    user, item = found.interactions.users[0], found.interactions.items[0]
    assert main(["recommend", "for", "-m", kept, "--user", user, "-k", "3"]) == 0
    listed = [row.split() for row in capsys.readouterr().out.splitlines()]
    assert [one for _, one in listed] == [one for one, _ in found.recommend(user, 3)]
    for options, name, wanted in (
        (["--user", user], user, found.recommend(user, 3)),
        (["--user", user, "--keep-seen"], user, found.recommend(user, 3, filter_seen=False)),
        (["--basket", item, "i3"], f"{item} i3", found.recommend([item, "i3"], 3)),
        (["--basket", item, "--candidates", "i3", "i4"], item, found.recommend([item], 3, candidates=["i3", "i4"])),
        (["--item", item], item, found.similar_items(item, 3)),
    ):
        assert main(["recommend", "for", "-m", kept, "-k", "3", "--json", *options]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert answer == {name: [{"id": one, "score": float(f"{score:.7g}")} for one, score in wanted]}
    assert main(["recommend", "--json", "for", "-m", kept, "--user", user, "--user", "u3"]) == 0
    assert list(json.loads(capsys.readouterr().out)) == [user, "u3"]


def test_small_scores_stay_and_zero_has_no_sign(tmp_path, capsys, monkeypatch):
    (tmp_path / "few.tsv").write_text("u1\ti1\t1e-9\nu2\ti2\t3e-9\n")
    path = str(tmp_path / "kept.npz")
    ways = ["--columns", "user item times", "--weight", "times", "--algorithm", "popularity", "-q"]
    assert main(["recommend", "fit", "-i", str(tmp_path / "few.tsv"), "-o", path, *ways]) == 0
    command = ["recommend", "for", "-m", path, "--user", "u1"]
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"u1": [{"id": "i2", "score": 3e-9}]}
    monkeypatch.setattr(Popularity, "scores", lambda self, state, block: np.full(block.shape, -0.0, np.float32))
    for form in ([], ["--json"]):
        assert main([*command, *form]) == 0
        assert "-0" not in capsys.readouterr().out


def test_evaluate_gives_one_object(files, capsys):
    command = ["recommend", "evaluate", "--train", files[0], "--test", files[1]]
    assert main([*command, "--algorithm", "gf-cf, popularity", "-k", "5", "20", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    for name in ("gf-cf/recall@20", "popularity/ndcg@20", "gf-cf/hit_rate@5", "gf-cf/mrr@20", "popularity/coverage@5"):
        assert 0 <= answer[name] <= 1
    assert answer["unknown_users"] == 1 and answer["unknown_items"] >= 1 and answer["unknown_pairs"] >= 2
    assert main([*command, "--set", "weight=0"]) == 0
    assert "recall@20" in capsys.readouterr().out


def test_what_a_header_is_told_to_need_works(tmp_path, capsys):
    (tmp_path / "named.tsv").write_text("user\titem\nu1\ti1\nu2\ti1\n")
    path, kept = (str(tmp_path / name) for name in ("named.tsv", "kept.npz"))
    command = ["recommend", "fit", "-i", path, "-o", kept, "--set", "rank=1"]
    assert main(command) == 2
    advice = capsys.readouterr().err.split("Pass `")[1].split("`")[0]
    assert main([*command, *advice.split()]) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["for", "-m", "none.npz", "--user", "u1"], "none.npz: no such file"),
        (["for", "-m", "KEPT", "--user", "nobody"], "among users: unknown entity: 'nobody'"),
        (["for", "-m", "KEPT", "--basket", "nothing"], "among items: unknown entity: 'nothing'"),
        (["for", "-m", "KEPT", "--user", "u1", "-k", "0"], "`--top-k` must be at least 1"),
        (["for", "-m", "KEPT", "--item", "i1", "--keep-seen"], "`--keep-seen` does not go with"),
        (["fit", "-i", "TRAIN", "-o", "x.npy"], "`--output` must end in .npz"),
        (["fit", "-i", "TRAIN", "-o", "x.npz", "--set", "width=3"], "`width` is no setting of GFCF"),
        (["fit", "-i", "TRAIN", "-o", "x.npz", "--set", "rank=many"], "`rank` must be an integer"),
        (["fit", "-i", "TRAIN", "-o", "x.npz", "--algorithm", "best"], "`--algorithm` must be of popularity"),
        (["fit", "-i", "TRAIN", "-o", "x.npz", "--columns", "complex::reflexive::item"], "two columns, users and items"),
        (["evaluate", "--train", "TRAIN", "--test", "TRAIN"], "`--test` holds no pair"),
        (["evaluate", "--train", "none.tsv", "--test", "none.tsv", "-k", "5", "0"], "`--top-k` must be at least 1, got 0"),
        (["evaluate", "--train", "TRAIN", "--test", "TRAIN", "--algorithm", "gf-cf,ease", "--set", "rank=3"], "one method"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path, files, kept, capsys, monkeypatch, options, message):
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    known = {"KEPT": kept, "TRAIN": files[0]}
    assert main(["recommend", *(known.get(option, option) for option in options)]) == 2
    assert message in capsys.readouterr().err
