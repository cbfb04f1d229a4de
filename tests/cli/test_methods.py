"""`methods`, and a method chosen by name with its settings."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

import cleora_jax as cj
from cleora_jax.cli import main
from tests.conftest import ROOT


def test_methods_lists_all_with_their_settings(capsys):
    assert main(["methods"]) == 0
    shown = capsys.readouterr().out
    for name, kind in cj.METHODS.items():
        assert re.search(rf"^{name} +\S", shown, re.MULTILINE), name
        assert f"dim={kind().dim}" in shown
    assert main(["methods", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["netmf"]["settings"]["window"] == "10"


def test_algorithm_with_settings_equals_the_method(tmp_path):
    out = str(tmp_path / "out.npz")
    command = ["embed", "-i", str(ROOT / "examples" / "karate.tsv"), "-o", out, "--algorithm", "netmf", "-d", "8"]
    assert main([*command, "--set", "window=3", "--set", "rank=null", "--seed", "1"]) == 0
    expected = cj.embed(cj.read(ROOT / "examples" / "karate.tsv"), cj.NetMF(dim=8, window=3, seed=1))
    found = cj.load_embedding(out)
    np.testing.assert_array_equal(found.vectors, expected.vectors)
    assert found.settings["method"] == "NetMF" and found.settings["window"] == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--algorithm", "nosuch"], "`--algorithm` must be one of cleora, cleora-spectral"),
        (["--algorithm", "netmf", "--iterations", "3"], "`--iterations` is no setting of NetMF, which has dim"),
        (["--algorithm", "netmf", "--set", "windows=3"], "`windows` is no setting of NetMF"),
        (["--algorithm", "netmf", "--set", "window=0"], "`window` must be at least 1, got 0"),
        (["--algorithm", "prone", "--set", "filter=3"], "`filter` must be a Filter"),
        (["--algorithm", "hope", "-d", "3"], "`--dim` must be even"),
    ],
)
def test_wrong_settings_of_a_method(tmp_path, capsys, options, message):
    command = ["embed", "-i", str(ROOT / "examples" / "karate.tsv"), "-o", str(tmp_path / "out.npz"), *options]
    assert main(command) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_setting_without_a_value(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["embed", "-i", "x", "-o", str(tmp_path / "out.npz"), "--set", "window"])
    assert "name=value" in capsys.readouterr().err
