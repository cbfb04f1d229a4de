"""Fitted models on disk: the same bits of `transform` and `update` again, or an InputError."""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleora_jax import (
    Cleora,
    Features,
    Fitted,
    __version__,
    embed,
    fit,
    from_hyperedges,
    from_relations,
    from_scipy,
    load_embedding,
    load_fitted,
    load_graph,
    reweighted,
    save_graph,
    transform,
    update,
)
from cleora_jax._checks import InputError
from tests.graph.test_save import same

RNG = np.random.default_rng(12)
FUZZ = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
LINES = [" ".join(f"e{i}" for i in RNG.choice(90, 3, replace=False)) for _ in range(200)]
GRAPH, MORE = from_hyperedges(LINES), from_hyperedges(["n1 e1 e2", "n2 n1", "e5 é", "far far2", "n3 n2"])
LATER = from_hyperedges(["e1 zz e2", "e3 zz n1"])
BASE = Cleora(dim=6, num_iterations=3, whiten_rank=5)
SPEC = "author transient::venue complex::reflexive::paper"
TYPED = from_hyperedges([f"a{i % 17}\tv{i % 3}\tp{i % 29} p{i * 7 % 23}" for i in range(120)], SPEC)
TYPED_MORE = from_hyperedges(["a1\tv1\tnew p3", "stranger\tv9\tp4 new"], SPEC)
MODES = {
    "default": {}, "off": {"whiten": "off"}, "last, l1": {"whiten": "last", "normalization": "l1"},
    "symmetric": {"propagation": "symmetric", "residual_weight": 0.4}, "third": {"whiten": 3, "seed": -5},
    "directed": {"propagation": "directed-in"}, "soft": {"whiten_alpha": 0.5, "form": "factored"},
    "full rank": {"whiten_rank": 6, "tolerance": 0.0}, "warm": {"num_iterations": 40},
    "scales": {"scales": (1, 2, 5), "num_iterations": 5},
}  # fmt: skip


def check_same(fitted: Fitted, again: Fitted, more=None) -> None:
    """Equal in all they hold, and in all they give."""
    same(fitted.graph, again.graph)
    assert again.method == fitted.method and type(again.method.num_iterations) is int
    assert again.embedding.settings == fitted.embedding.settings and again.notes == fitted.notes
    assert again.embedding.vocab == fitted.embedding.vocab and repr(again) == repr(fitted)
    pairs = [(fitted.vectors, again.vectors), (fitted.embedding.vectors, again.embedding.vectors)]
    pairs += [pair for steps in zip(fitted.steps, again.steps, strict=True) for pair in zip(*steps, strict=True)]
    for one, two in pairs:
        assert one.dtype == two.dtype
        np.testing.assert_array_equal(one, two)
    if more is not None:
        one, two = transform(fitted, more), transform(again, more)
        assert one.vocab == two.vocab and one.settings == two.settings
        assert one.vectors.tobytes() == two.vectors.tobytes() and one.vectors.any()


def saved(fitted: Fitted, folder: Path) -> Fitted:
    fitted.save(folder / "model.npz")
    return load_fitted(folder / "model.npz")


@pytest.mark.parametrize("mode", MODES)
def test_the_same_again(tmp_path, mode):
    fitted = fit(GRAPH, replace(BASE, **MODES[mode]))
    again = saved(fitted, tmp_path)
    check_same(fitted, again, MORE)
    assert os.listdir(tmp_path) == ["model.npz"]
    if not fitted.method.scales:
        grown, grown_again = update(fitted, MORE), update(again, MORE)
        check_same(grown, grown_again, LATER)


@pytest.mark.slow
def test_a_stream_goes_on_from_a_file(tmp_path):
    """Counts kept up to date by a stream are added up in another order than those counted anew: they are kept."""
    pairs = [f"e{i} e{j}" for i, j in RNG.integers(0, 30, (900, 2))]
    weights = RNG.random(900).tolist()
    lines = list(zip(pairs, weights, strict=True))
    fitted = fit(from_hyperedges(lines[:300]), BASE)
    for at in (300, 500, 700):
        fitted = update(fitted, from_hyperedges(lines[at : at + 200]), num_iterations=2)
    fitted = update(fitted, from_hyperedges(["e1 s1 e7"]), num_iterations=2)
    assert fitted.graph.known_counts is not None
    again = saved(fitted, tmp_path)
    assert again.graph.known_counts.data.tobytes() == fitted.graph.known_counts.data.tobytes()
    gone = from_hyperedges(["e1 s1 e7"])
    check_same(fitted, again, MORE)
    check_same(update(fitted, MORE, gone=gone), update(again, MORE, gone=gone), LATER)


STARTS = {
    "pycleora": lambda: "pycleora",
    "array": lambda: RNG.standard_normal((90, 6)),
    "embedding": lambda: embed(from_hyperedges(LINES[:80]), replace(BASE, seed=9)),
    "dict": lambda: Features({"e1": [1.0, 2.0], "e5": [0.0, 1.0], "é": [3.0, 1.0], "n3": [1.0, 1.0]}, 0.25),
    "sparse": lambda: Features(sp.random_array((90, 40), density=0.1, rng=3, format="csr"), ids=[f"e{i}" for i in range(90)]),
    "frame": lambda: Features(frame(), 0.9, column="node"),
}  # fmt: skip


def frame():
    import pandas as pd

    return pd.DataFrame({"size": [1.0, 2.0, 3.0], "cost": [0.5, 0.0, 1.0]}, index=["e1", "e2", "n1"])


@pytest.mark.parametrize("name", STARTS)
def test_first_vectors_are_kept(tmp_path, name):
    """A walk of three steps starts again, and new entities start as the old ones did."""
    graph = from_hyperedges([" ".join(f"e{i}" for i in range(90)), *LINES])
    fitted = fit(graph, replace(BASE, whiten="off"), init=STARTS[name]())
    again = saved(fitted, tmp_path)
    check_same(fitted, again, MORE)
    check_same(update(fitted, MORE), update(again, MORE), LATER)


def test_features_of_several_columns(tmp_path):
    parts = [Features({"a1": [1.0, 0.0, 2.0]}, column="author"), Features({"p1": [5.0], "new": [1.0]}, 1.0, "paper")]
    fitted = fit(TYPED, replace(BASE, whiten="off"), init=parts, relations="joint")
    again = saved(fitted, tmp_path)
    check_same(fitted, again, TYPED_MORE)
    check_same(update(fitted, TYPED_MORE), update(again, TYPED_MORE))


def test_typed_graphs_with_transient_columns_and_factors(tmp_path):
    graph = reweighted(TYPED, {"author-paper": 3.0})
    fitted = replace(fit(graph, BASE, relations="joint"), notes={"columns": SPEC, "n": [1, None]})
    again = saved(fitted, tmp_path)
    check_same(fitted, again, TYPED_MORE)
    assert set(again.embedding.vocab.column_of.tolist()) == {0, 2} and again.vectors.shape[0] == TYPED.num_entities
    later = from_hyperedges(["a1\tv1\tnewer p3"], SPEC)
    check_same(update(fitted, TYPED_MORE), update(again, TYPED_MORE), later)


def test_given_matrices(tmp_path):
    matrix = sp.random_array((40, 40), density=0.2, rng=1, format="csr", dtype=np.float32)
    fitted = fit(from_scipy(matrix + matrix.T), BASE)
    more = from_scipy(sp.csr_array(np.array([[0, 1.0], [1.0, 0]])), ["3", "new"])
    check_same(fitted, saved(fitted, tmp_path), more)


# --- damage -----------------------------------------------------------------------------------------------------------

MODEL = fit(from_relations({"x": from_hyperedges(LINES[:20])}), Cleora(dim=3, num_iterations=1, whiten_rank=2))


def test_versions_are_recorded_and_nothing_is_pickled(tmp_path):
    MODEL.save(tmp_path / "model.npz")
    with zipfile.ZipFile(tmp_path / "model.npz") as archive:
        assert all(member.compress_type == zipfile.ZIP_STORED for member in archive.infolist())
    with np.load(tmp_path / "model.npz", allow_pickle=False) as arrays:
        assert not any(arrays[name].dtype.hasobject for name in arrays.files)
        header = json.loads(arrays["header"].tobytes())
    assert (header["format"], header["version"], header["library"]) == ("cleora_jax model", 1, __version__)
    assert (header["jax"], header["numpy"]) == (jax.__version__, np.__version__)
    assert header["method"]["num_iterations"] == 1


def test_not_a_model(tmp_path):
    with pytest.raises(InputError, match="nothing: no such file"):
        load_fitted(tmp_path / "nothing")
    (tmp_path / "text").write_text("a b\n")
    with pytest.raises(InputError, match="text: not a whole model file"):
        load_fitted(tmp_path / "text")
    save_graph(GRAPH, tmp_path / "graph.npz")
    with pytest.raises(InputError, match=r"graph\.npz: a file of another kind \('cleora_jax graph'\)"):
        load_fitted(tmp_path / "graph.npz")
    MODEL.embedding.save(tmp_path / "vectors.npz")
    with pytest.raises(InputError, match=r"vectors\.npz: .*another kind"):
        load_fitted(tmp_path / "vectors.npz")
    MODEL.save(tmp_path / "model.npz")
    with pytest.raises(InputError, match=r"model\.npz: .*another kind"):
        load_graph(tmp_path / "model.npz")
    with pytest.raises(InputError, match=r"model\.npz: "):
        load_embedding(tmp_path / "model.npz")
    np.savez(tmp_path / "objects.npz", header=np.array([{}], object))
    with pytest.raises(InputError, match=r"objects\.npz: not a whole model file"):
        load_fitted(tmp_path / "objects.npz")


def test_an_unfinished_file_never_appears(tmp_path, monkeypatch):
    MODEL.save(tmp_path / "model.npz")
    before = (tmp_path / "model.npz").read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"cannot write '.*model\.npz': No space left"):
        MODEL.save(tmp_path / "model.npz")
    assert (tmp_path / "model.npz").read_bytes() == before and os.listdir(tmp_path) == ["model.npz"]
    with pytest.raises(FileNotFoundError, match="folder .* does not exist"):
        MODEL.save(tmp_path / "no" / "model.npz")


@FUZZ
@given(st.data())
def test_flipped_bits(tmp_path, data):
    MODEL.save(tmp_path / "whole")
    raw = bytearray((tmp_path / "whole").read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.one_of(st.integers(0, len(raw) - 1), st.integers(len(raw) - 2000, len(raw) - 1)))
        raw[at] ^= 1 << data.draw(st.integers(0, 7))
    (tmp_path / "flipped").write_bytes(raw)
    try:
        again = load_fitted(tmp_path / "flipped")
    except InputError as error:
        assert "flipped: " in str(error)
        return
    check_same(MODEL, again)


@FUZZ
@given(st.data())
def test_cut_short(tmp_path, data):
    MODEL.save(tmp_path / "whole")
    raw = (tmp_path / "whole").read_bytes()
    (tmp_path / "cut").write_bytes(raw[: data.draw(st.integers(0, len(raw) - 1))])
    with pytest.raises(InputError, match="cut: not a whole model file"):
        load_fitted(tmp_path / "cut")


def parts(folder: Path, model: Fitted = MODEL) -> tuple[dict, dict[str, np.ndarray]]:
    model.save(folder / "model.npz")
    with np.load(folder / "model.npz") as archive:
        arrays = {name: archive[name] for name in archive.files}
    return json.loads(arrays.pop("header").tobytes()), arrays


def written(folder: Path, header: dict, arrays: dict[str, np.ndarray]) -> Path:
    np.savez(folder / "bad.npz", header=np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays)
    return folder / "bad.npz"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"format": "other"}, "a file of another kind"),
        ({"version": 2}, "format version 2, this library reads 1"),
        ({"method": {"dim": 4}}, "damaged"),  # the vectors have three columns
        ({"method": {"dim": 0}}, "`dim` must be between 1"),
        ({"method": {"fancy": 1}}, "damaged"),
        ({"method": []}, "damaged"),
        ({"method": {"dim": 3, "scales": [1, 2]}}, "damaged"),
        ({"settings": 5}, "damaged"),
        ({"graph": {}}, "damaged"),
        ({"graph": None}, "damaged"),
        ({"start": {}}, "damaged"),
        ({"start": {"kind": "other"}}, "damaged"),
        ({"start": {"kind": "named", "name": "random"}}, "damaged"),
        ({"start": {"kind": "array"}}, "damaged"),
        ({"start": {"kind": "features", "parts": [{}]}}, "damaged"),
        ({"notes": 3}, "damaged"),
    ],
)
def test_headers_that_do_not_fit(tmp_path, change, fault):
    header, arrays = parts(tmp_path)
    with pytest.raises(InputError, match=rf"bad\.npz: .*{fault}"):
        load_fitted(written(tmp_path, header | change, arrays))


@FUZZ
@given(st.sampled_from(["plain", "stream", "features"]), st.data())
def test_arrays_that_do_not_fit(tmp_path, which, data):
    """Checksums right, content wrong: refused, or a model that works; never out of bounds."""
    header, arrays = parts(tmp_path, OTHERS[which])
    key = data.draw(st.sampled_from(sorted(arrays)))
    how = data.draw(st.sampled_from(["drop", "shorter", "type", "nan", "shape", "wide"]))
    array = arrays.pop(key).copy()
    if how == "shorter":
        arrays[key] = array[:-1]
    elif how == "type":
        arrays[key] = array.astype(data.draw(st.sampled_from(["int8", "int32", "int64", "float64", "complex64"])))
    elif how == "nan":
        arrays[key] = np.where(np.arange(array.size).reshape(array.shape) == 0, np.nan, array)
    elif how == "shape":
        arrays[key] = array[:, None] if array.ndim == 1 else array.ravel()
    elif how == "wide":
        arrays[key] = np.concatenate([array, array])
    try:
        again = load_fitted(written(tmp_path, header, arrays))
    except InputError:
        return
    assert np.isfinite(transform(again, from_hyperedges(["new e1"])).vectors).all() and repr(again)


OTHERS = {
    "plain": fit(from_hyperedges(LINES[:20]), Cleora(dim=3, num_iterations=1, whiten="off")),
    "stream": update(
        fit(from_hyperedges(["e1 e2", "e2 e3", "e3 e4", "e4 e1"]), Cleora(dim=3, num_iterations=1, whiten="off")),
        from_hyperedges(["e5 e1"]),
    ),
    "features": fit(
        from_hyperedges(["e1 e2", *LINES[:20]]), Cleora(dim=3, num_iterations=1, whiten="off"),
        init=Features({"e1": [1.0, 2.0], "é": [0.0, 1.0]}),
    ),
}  # fmt: skip
