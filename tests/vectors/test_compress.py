"""Codes: what is lost, that searches are exact over what is left, and files."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA as TheirPCA

import cleora_jax as cj
from cleora_jax.graph.archive import read_archive, write_archive
from cleora_jax.vectors.coding.stored import KIND
from cleora_jax.vectors.search import top_k, unit_rows

RNG = np.random.default_rng(0)
MIXED = RNG.normal(size=(2000, 8)) @ RNG.normal(size=(8, 32)) + 0.3 * RNG.normal(size=(2000, 32)) + 0.5
VOCAB = cj.Vocab.of(np.arange(2000).astype(str).tolist())
VECTORS = cj.Embedding(MIXED.astype(np.float32), VOCAB, {"dim": 32})
UNIT = unit_rows(VECTORS.vectors, "x")
CODECS = {
    "PCA": (cj.PCA(12), 48, 0.85),
    "RandomProjection": (cj.RandomProjection(24), 96, 0.2),
    "Float16": (cj.Float16(), 64, 0.99),
    "Int8": (cj.Int8(), 32, 0.95),
    "Binary": (cj.Binary(), 4, 0.25),
    "ProductQuantization": (cj.ProductQuantization(8), 8, 0.45),
    "PQ, odd parts": (cj.ProductQuantization(5, rotations=3), 5, 0.2),
    "PQ, not rotated": (cj.ProductQuantization(8, rotations=0), 8, 0.3),
}
SMALL = {name: cj.compress(VECTORS, codec) for name, (codec, _, _) in CODECS.items()}


@pytest.mark.parametrize("name", CODECS)
def test_bytes_and_recall(name):
    _, size, least = CODECS[name]
    small = SMALL[name]
    assert small.bytes_per_vector == size and small.codes.nbytes == 2000 * size
    assert least < small.recall(VECTORS, 10, queries=500) <= 1


@pytest.mark.parametrize("name", CODECS)
def test_searches_are_exact_over_the_decoded_rows(name):
    small = SMALL[name]
    queries = RNG.normal(size=(5, 32))
    placed = small.placed(queries)
    rows = small.vectors[:]
    cosines = unit_rows(placed, "q") @ unit_rows(rows, "x").T
    found = small.most_similar(queries, k=7)
    for query, neighbours in enumerate(found):
        assert [score for _, score in neighbours] == pytest.approx(np.sort(cosines[query])[::-1][:7].tolist())
        assert all(cosines[query, int(entity)] == pytest.approx(score) for entity, score in neighbours)
    assert "17" not in [entity for entity, _ in small.most_similar("17", k=50)]


@pytest.mark.parametrize("name", ["PCA", "ProductQuantization", "PQ, odd parts", "Float16", "Int8", "Binary"])
def test_decoded_rows_lie_near_the_vectors(name):
    small = SMALL[name]
    back = small.to_embedding().vectors.astype(float)
    kept = 1 - ((UNIT - back) ** 2).sum() / ((UNIT - UNIT.mean(axis=0)) ** 2).sum()
    assert kept > {"PCA": 0.9, "Float16": 0.9999, "Int8": 0.999, "Binary": 0.5}.get(name, 0.6)


@pytest.mark.parametrize("name", CODECS)
def test_what_is_looked_up_is_a_query_again(name):
    small = SMALL[name]
    assert small["17"].shape == (32,) and small[["3", "17"]].shape == (2, 32)
    assert small.cosine("17", small["17"]) == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(small.to_embedding()["17"], small["17"], atol=1e-6)
    assert small.recall(VECTORS, by_id=True) > 0.1


@pytest.mark.parametrize("name", CODECS)
def test_isolated_entities_stay_isolated(name, tmp_path):
    table = VECTORS.vectors.copy()
    table[[3, 4]] = 0
    embedding = cj.Embedding(table, VOCAB)
    cj.compress(embedding, CODECS[name][0]).save(tmp_path / "small.npz")
    small = cj.load_compressed(tmp_path / "small.npz")
    assert small.most_similar("3") == [] and not small["4"].any()
    near = dict(small.most_similar("7", k=1999))
    assert near["3"] == near["4"] == 0


def test_pca_is_scikit_learns():
    theirs = TheirPCA(12).fit(UNIT)
    expected = theirs.inverse_transform(theirs.transform(UNIT))
    small = SMALL["PCA"]
    ours = small.to_embedding().vectors
    np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_rotation_helps_where_columns_are_unequal():
    plain, turned = (SMALL[name].recall(VECTORS) for name in ("PQ, not rotated", "ProductQuantization"))
    assert turned > plain + 0.02


@pytest.mark.slow
def test_product_quantisation_is_as_good_as_faiss():
    faiss = pytest.importorskip("faiss")
    unit = UNIT.astype(np.float32)
    for rotated in (False, True):
        index = faiss.index_factory(32, ("OPQ8," if rotated else "") + "PQ8", faiss.METRIC_L2)
        index.train(unit)
        index.add(unit)
        exact = top_k(unit, unit[:500], 10, exclude=np.arange(500)).rows
        near = index.search(unit[:500], 11)[1]
        hits = [
            len(np.intersect1d(one, two[two != query][:10]))
            for query, (one, two) in enumerate(zip(exact, near, strict=True))
        ]
        ours = SMALL["ProductQuantization" if rotated else "PQ, not rotated"].recall(VECTORS, 10, queries=2000)
        assert ours > np.mean(hits) / 10 - 0.03


@pytest.mark.parametrize("name", CODECS)
def test_files_keep_everything(name, tmp_path):
    small = SMALL[name]
    small.save(tmp_path / "small.npz")
    back = cj.load_compressed(tmp_path / "small.npz")
    assert back.codec == small.codec and back.vocab == small.vocab and back.settings == {"dim": 32}
    np.testing.assert_array_equal(back.codes, small.codes)
    assert back.most_similar("3", k=5) == small.most_similar("3", k=5)


def test_damaged_files_are_named(tmp_path):
    path = tmp_path / "small.npz"
    SMALL["Int8"].save(path)
    whole = path.read_bytes()
    for cut in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(cj.InputError, match=r"small\.npz"):
            cj.load_compressed(path)
    VECTORS.save(path)
    with pytest.raises(cj.InputError, match=r"small\.npz"):
        cj.load_compressed(path)


def forge(arrays, header, **change):
    """A part of a file, changed."""
    for name, new in change.items():
        place = arrays if name in arrays else header
        place[name] = new(place[name])


def with_entry(array, place, value):
    changed = array.copy()
    changed[place] = value
    return changed


FORGED = {
    "a code that nothing was learned for": (
        cj.ProductQuantization(8, rotations=1),
        {"codes": lambda x: with_entry(x, 100, 255)},
    ),
    "a basis of one axis": (cj.ProductQuantization(8, rotations=1), {"basis": lambda x: x[:, 0]}),
    "NaN": (cj.PCA(12), {"codes": lambda x: with_entry(x, (5, 5), np.nan)}),
    "an option that is none": (cj.Int8(), {"options": lambda x: {"dim": 3}}),
    "a row that is not there": (cj.Int8(), {"zero": lambda x: np.array([500])}),
    "another width": (cj.Int8(), {"width": lambda x: 31}),
    "another codec": (cj.Int8(), {"codec": lambda x: "Pickle"}),
    "fewer codes": (cj.Int8(), {"codes": lambda x: x[:-1]}),
}


@pytest.mark.parametrize(("codec", "change"), FORGED.values(), ids=FORGED)
def test_forged_files_are_refused(codec, change, tmp_path):
    path = tmp_path / "small.npz"
    cj.compress(cj.Embedding(VECTORS.vectors[:200], VOCAB.take(np.arange(200))), codec).save(path)
    header, arrays = read_archive(path, KIND)
    forge(arrays, header, **change)
    write_archive(
        path, KIND, {key: header[key] for key in header if key not in ("format", "version", "library")}, arrays
    )
    with pytest.raises(cj.InputError, match=r"small\.npz"):
        cj.load_compressed(path)


def test_filters_and_columns():
    vocab = cj.Vocab(VOCAB.ids, ("user", "item"), (np.arange(2000) % 2).astype(np.uint8))
    small = cj.compress(cj.Embedding(VECTORS.vectors, vocab), cj.Int8())
    found = small.most_similar(("user", "4"), k=5, among="item")
    assert {column for (column, _), _ in found} == {"item"}
    chosen = [("item", "5"), ("item", "7"), ("user", "8")]
    assert {key for key, _ in small.most_similar(("user", "4"), among=chosen)} == set(chosen)


def test_zero_and_equal_vectors_do_no_harm():
    table = np.zeros((300, 4), np.float32)
    table[:100] = [1, 2, 3, 4]
    embedding = cj.Embedding(table, cj.Vocab.of(np.arange(300).astype(str).tolist()))
    for codec in (cj.PCA(2), cj.Int8(), cj.Binary(), cj.ProductQuantization(2), cj.Float16(), cj.RandomProjection(3)):
        found = cj.compress(embedding, codec).most_similar("0", k=99)
        assert len(found) == 99 and all(np.isfinite(score) for _, score in found)
        assert {int(entity) for entity, _ in found} == set(range(1, 100))


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: cj.compress(VECTORS, cj.PCA(33)), "dim"),
        (lambda: cj.PCA(0), "dim"),
        (lambda: cj.compress(VECTORS, cj.ProductQuantization(33)), "parts"),
        (lambda: cj.ProductQuantization(8, rotations=-1), "rotations"),
        (lambda: cj.compress(VECTORS.vectors, cj.Int8()), "embedding"),
        (lambda: SMALL["Int8"].recall(VECTORS, 0), "`k`"),
        (lambda: SMALL["Int8"].recall(cj.Embedding(np.eye(2, dtype=np.float32), cj.Vocab.of("ab"))), "embedding"),
        (lambda: SMALL["Int8"].most_similar(np.ones(3)), "query"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named(call, named):
    with pytest.raises((ValueError, TypeError), match=named):
        call()
