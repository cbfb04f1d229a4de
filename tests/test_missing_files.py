"""A file that is not there is one kind of error, which names it, whatever was to be read."""

from __future__ import annotations

import pickle

import pytest

import cleora_jax as cj
from cleora_jax.vectors.formats import FORMATS

LOADERS = {
    "read": cj.read,
    "load_benchmark": cj.load_benchmark,
    "load_compressed": cj.load_compressed,
    "load_dataset": lambda path: cj.load_dataset("cora", path),
    "load_embedding": cj.load_embedding,
    "load_fitted": cj.load_fitted,
    "load_graph": cj.load_graph,
    "load_index": cj.load_index,
    "load_searchable": cj.load_searchable,
    "load_safetensors": cj.interop.load_safetensors,
}


def test_every_loader_is_tried():
    public = [*cj.__all__, *(name for name in dir(cj.interop) if not name.startswith("_"))]
    assert {name for name in public if name == "read" or name.startswith("load_")} == set(LOADERS)


@pytest.mark.parametrize("name", ["nowhere", "nowhere/none.dat", *(f"none{suffix}" for suffix in FORMATS)])
@pytest.mark.parametrize("load", LOADERS.values(), ids=LOADERS)
def test_a_missing_file_is_one_kind_of_error(load, name, tmp_path):
    if load is cj.interop.load_safetensors:
        pytest.importorskip("safetensors")
    path = tmp_path / name
    with pytest.raises(cj.MissingFileError) as found:
        load(path)
    assert str(path) in str(found.value)
    assert isinstance(found.value, cj.InputError) and isinstance(found.value, FileNotFoundError)
    assert str(pickle.loads(pickle.dumps(found.value))) == str(found.value)


@pytest.mark.parametrize("load", [load for name, load in LOADERS.items() if name not in ("read", "load_dataset")])
def test_a_folder_is_no_file(load, tmp_path):
    if load is cj.interop.load_safetensors:
        pytest.importorskip("safetensors")
    with pytest.raises(cj.InputError, match="not a file"):
        load(tmp_path)


def test_several_files_of_which_one_is_missing(tmp_path):
    (tmp_path / "there.tsv").write_text("a b\n")
    for missing in ("none.tsv", "none*.tsv"):
        with pytest.raises(cj.MissingFileError, match=r"none.*\.tsv: no"):
            cj.read([tmp_path / "there.tsv", tmp_path / missing])
