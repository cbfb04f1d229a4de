"""The registry: complete, well-formed, made from the manifest of the data folder, and free of places on machines."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

import pytest

from cleora_jax.data.addresses import BY_ADDRESS, ORIGINALS
from cleora_jax.data.info import KINDS
from cleora_jax.data.originals import FORMS
from cleora_jax.data.registry import info_of, registry
from tests.conftest import ROOT

REGISTRY = ROOT / "cleora_jax" / "data" / "registry.json"
ALL = registry()


@pytest.mark.parametrize("name", ALL)
def test_entries(name):
    info = ALL[name]
    assert info.name == name and re.fullmatch("[a-z0-9-]+", name)
    assert info.kind in KINDS and info.title and info.licence and info.home and info.counts
    assert urlsplit(info.homepage).scheme == "https"
    assert bool(info.files) + bool(info.originals) + info.bundled >= 1
    for file in info.files:
        assert re.fullmatch("[0-9a-f]{64}", file.sha256) and file.size > 0 and "/" not in file.name
        assert file.name.endswith(".npz") or (
            file.rows and file.columns and re.fullmatch("[0-9a-f]{64}", file.text_sha256)
        )
    for original in info.originals:
        assert original.form in FORMS and urlsplit(original.url).scheme == "https" and original.name


def test_names_are_there_once():
    named = [entry["name"] for entry in json.loads(REGISTRY.read_text())] + [info.name for info in BY_ADDRESS]
    assert len(set(named)) == len(named) and set(ORIGINALS) <= set(named)
    assert {info.kind for info in ALL.values()} == set(KINDS)


def test_no_places_of_machines():
    assert not re.search(r"/(home|work|tmp|root|Users)/", REGISTRY.read_text())


def test_nobody_elses_to_change():
    info_of("com-dblp").counts["nodes"] = 3
    info_of("karate").counts["nodes"] = 3
    assert info_of("com-dblp").counts["nodes"] == 317_080 and info_of("karate").counts["nodes"] == 34


@pytest.mark.realdata
def test_it_is_what_the_manifest_says(data):
    from experiments.datasets.registry import registry as written

    assert REGISTRY.read_text() == written(data)
