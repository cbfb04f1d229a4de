"""Every format gives back what went in, exactly, or says why not."""

from __future__ import annotations

import errno
import io
import os
import zipfile
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cleora_jax._checks import InputError
from cleora_jax.graph.vocab import Vocab
from cleora_jax.vectors import Embedding, load_embedding
from cleora_jax.vectors.formats import FORMATS, check_destination

PYARROW = int(pa.__version__.split(".")[0])
CHECKED = (".npz", ".npy", ".parquet")  # carry settings and checksums
WORD2VEC = (".vec", ".txt", ".bin")
ODD_IDS = [
    "plain", "new\nline", "tab\there", 'q"uo,te', "ünï 🦊", "50%", "a%20b", "%2520", "%", " lead", "trail ", "\n",
    "\r\n",
    "\ufeffbom", "#x", "nan", "'", "\0" if PYARROW >= 26 else "0", "\u2028", "\x85", "id", "1e5", '"', "\\", "a\u00a0b", "\x1f",
]  # fmt: skip
ODD_NUMBERS = [0.0, -0.0, 1e-45, -1e-38, 3.4028235e38, 1.0, 16777217.0, 0.1, 1 / 3, -123456.789]
SETTINGS = {"method": "Cleora", "dim": 7, "nested": {"weights": [1.5, None, True]}, "text": "ünï"}
anything = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def make(ids=None, dim=7, columns=("entity",), seed=0):
    ids = ODD_IDS if ids is None else ids
    vectors = np.random.default_rng(seed).standard_normal((len(ids), dim)).astype(np.float32)
    vectors.reshape(-1)[: len(ODD_NUMBERS)] = np.array(ODD_NUMBERS, np.float32)[: vectors.size]
    codes = np.array([i % len(columns) for i in range(len(ids))], np.uint8)
    return Embedding(vectors, Vocab(pa.array(ids, pa.large_string()), columns, codes), SETTINGS)


def assert_same(got, want):
    assert got.vectors.tobytes() == want.vectors.tobytes()  # to the bit, −0 too
    assert got.vectors.shape == want.vectors.shape
    assert got.vocab.ids.to_pylist() == want.vocab.ids.to_pylist()


def column_names(embedding):
    return [embedding.vocab.columns[code] for code in embedding.vocab.column_of]


@pytest.mark.parametrize("suffix", FORMATS)
def test_round_trip(tmp_path, suffix):
    embedding = make()
    embedding.save(tmp_path / f"x{suffix}")
    back = load_embedding(tmp_path / f"x{suffix}")
    assert_same(back, embedding)
    assert back.vocab == embedding.vocab
    assert back.settings == (SETTINGS if suffix in CHECKED else {})


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(("count", "dim"), [(1, 1), (0, 3), (3, 1), (2, 3000)])
def test_round_trip_of_sizes(tmp_path, suffix, count, dim):
    embedding = make(["a", "b", "c"][:count], dim)
    embedding.save(tmp_path / f"x{suffix}")
    assert_same(load_embedding(tmp_path / f"x{suffix}"), embedding)


@anything
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1, max_size=8, unique=True))
def test_any_id(tmp_path, ids):
    embedding = make(ids, 2)
    for suffix in FORMATS:
        embedding.save(tmp_path / f"x{suffix}")
        assert_same(load_embedding(tmp_path / f"x{suffix}"), embedding)


@anything
@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_any_number(tmp_path, numbers):
    embedding = Embedding(np.array([numbers], np.float32), Vocab.of(["a"]))
    for suffix in FORMATS:
        embedding.save(tmp_path / f"x{suffix}")
        assert_same(load_embedding(tmp_path / f"x{suffix}"), embedding)


@pytest.mark.parametrize("suffix", FORMATS)
def test_columns(tmp_path, suffix):
    embedding = make(columns=("user", "item, odd"))
    path = tmp_path / f"x{suffix}"
    embedding.save(path)
    back = load_embedding(path)
    assert_same(back, embedding)
    assert column_names(back) == (["entity"] * len(back) if suffix in WORD2VEC else column_names(embedding))
    twice = make(["1", "1"], columns=("user", "item"))
    if suffix in WORD2VEC:
        with pytest.raises(InputError, match="'1' stands in several columns"):
            twice.save(path)
    else:
        twice.save(path)
        assert_same(load_embedding(path), twice)


def test_nul_in_an_id_is_refused_where_arrow_would_lose_a_line(tmp_path, monkeypatch):
    embedding = make(["a", "\0"])
    for suffix in (".csv", ".tsv", ".npz"):
        embedding.save(tmp_path / f"x{suffix}")
    monkeypatch.setattr("cleora_jax.vectors.tables.NUL_SINCE", PYARROW + 1)
    for suffix in (".csv", ".tsv"):
        with pytest.raises(InputError, match="NUL in an id needs pyarrow"):
            load_embedding(tmp_path / f"x{suffix}")
    assert_same(load_embedding(tmp_path / "x.npz"), embedding)


def test_many_blocks_and_slices(tmp_path, monkeypatch):
    monkeypatch.setattr("cleora_jax.vectors.stored.BLOCK_NUMBERS", 10)
    monkeypatch.setattr("cleora_jax.vectors.tables.CSV_BLOCK", 300)
    ids = pa.array(["dropped", *ODD_IDS], pa.large_string()).slice(1)
    embedding = Embedding(make().vectors, Vocab(ids, ("entity",), np.zeros(len(ids), np.uint8)))
    for suffix in FORMATS:
        embedding.save(tmp_path / f"x{suffix}")
        assert_same(load_embedding(tmp_path / f"x{suffix}"), embedding)


@pytest.mark.parametrize("binary", [False, True])
def test_gensim_reads_word2vec(tmp_path, binary):
    gensim = pytest.importorskip("gensim.models")
    embedding = make([f"id{i}" for i in range(50)] + ["two words", "50%", "ünï🦊", "line\nbreak"])
    path = str(tmp_path / ("x.bin" if binary else "x.vec"))
    embedding.save(path)
    vectors = gensim.KeyedVectors.load_word2vec_format(path, binary=binary)
    names = [*embedding.vocab.ids.to_pylist()[:50], "two%20words", "50%", "ünï🦊", "line%0Abreak"]
    assert vectors.index_to_key == names
    np.testing.assert_array_equal(vectors.vectors, embedding.vectors)
    vectors.save_word2vec_format(path, binary=binary)
    assert_same(load_embedding(path), embedding)


def test_word2vec_of_other_programs(tmp_path):
    (tmp_path / "c.txt").write_bytes(b"2 2\na 1.000000 2.500000 \nb -1.000000 0.000000 \n")  # blanks at line ends
    assert load_embedding(tmp_path / "c.txt")["a"].tolist() == [1, 2.5]
    rows = np.array([[1, 2], [3, 4]], "<f4")
    (tmp_path / "c.bin").write_bytes(b"2 2\na " + rows[0].tobytes() + b"\nb " + rows[1].tobytes() + b"\n")
    back = load_embedding(tmp_path / "c.bin", column="word")
    assert (back["b"].tolist(), back.vocab.columns) == ([3, 4], ("word",))


def test_other_programs_read_and_write_tables(tmp_path):
    pd, pl = pytest.importorskip("pandas"), pytest.importorskip("polars")
    embedding = make(["a", "b", 'c,"d"'])
    embedding.save(tmp_path / "x.csv")
    embedding.save(tmp_path / "x.parquet")
    kinds = dict.fromkeys([f"x{i}" for i in range(7)], np.float32)
    frame = pd.read_csv(tmp_path / "x.csv", index_col="id", dtype=kinds)
    assert list(frame.index) == ["a", "b", 'c,"d"']
    np.testing.assert_allclose(frame.to_numpy(), embedding.vectors, rtol=1e-6)
    table = pl.read_parquet(tmp_path / "x.parquet")
    table.write_parquet(tmp_path / "y.parquet")
    assert_same(load_embedding(tmp_path / "y.parquet"), embedding)
    plain = pa.table({"id": ["a", "b"], "vector": [[1.0, 2.0], [3.0, 4.0]]})  # lists of doubles
    pq.write_table(plain, tmp_path / "z.parquet")
    assert load_embedding(tmp_path / "z.parquet")["b"].tolist() == [3, 4]


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_not_finite_is_refused(tmp_path, suffix, wrong):
    vectors = np.ones((3, 2), np.float32)
    vectors[1, 1] = wrong
    embedding = Embedding(vectors, Vocab.of(["a", "bad", "c"]))
    with pytest.raises(InputError, match=r"'bad'.*dimension 1"):
        embedding.save(tmp_path / f"x{suffix}")
    assert os.listdir(tmp_path) == []


TEXTS = {
    "x.csv": ["", "id\na\n", "name,x0\na,1\n", "id,x0\na,nan\n", "id,x0\na,inf\n", "id,x0\na,1\na,2\n", "id,x0\na\n",
              "id,x0\na,1,2\n", "id,x0\na,one\n", "id,x0\na,\n", "id,x0\na,1", 'id,x0\n"a,1\n', "id,x0\na,NA\n"],
    "x.tsv": ["id\tx0\na,1\n", "id\tcolumn\tx0\na\tu\t1\na\tu\t2\n"],
    "x.vec": ["", "2\n", "1 x\na 1\n", "2 1\na 1\n", "1 1\na 1\nb 2\n", "1 1\na nan\n", "2 1\na 1\na 2\n", "1 2\na 1\n",
              "1 1\na 1", "1 0\na\n", "1 1\n 1\n", "-1 1\n", "9999999999 1\na 1\n"],
    "x.bin": ["", "1 1\na", "1 1\na 12", "1 1\na 1234x", "1 1\n 1234", "9999999999999 9\nabc", "1 1\nabcdefghijk"],
    "x.npz": ["", "PK", "not a zip"],
    "x.parquet": ["", "PAR1", "PAR1PAR1"],
}  # fmt: skip


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in TEXTS.items() for text in texts])
def test_faults_are_named(tmp_path, name, text):
    (tmp_path / name).write_bytes(text.encode())
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        load_embedding(tmp_path / name)


def test_faults_of_npz(tmp_path):
    path = tmp_path / "x.npz"
    make(["a", "b"]).save(path)
    with np.load(path) as archive:
        arrays = dict(archive)
    other = bytes(arrays["header"]).replace(b'"version": 1', b'"version": 2')
    objects = np.array([{}], object)
    for name, value, message in [
        ("header", np.frombuffer(other, np.uint8), "version 2"),
        ("header", np.frombuffer(b'{"format": "x"}', np.uint8), "not a file"),
        ("vectors", arrays["vectors"][:1], "2 ids for 1"),
        ("vectors", arrays["vectors"].astype(np.float64), "float32"),
        ("vectors", arrays["vectors"] + 1, "checksum"),
        ("vectors", objects, "pickled Python objects, which are never loaded"),
        ("ids_offset", arrays["ids_offset"][::-1].copy(), "ids"),
        ("ids_text", np.array([255, 254], np.uint8), "UTF8"),
        ("column_of", np.array([0, 9], np.uint8), "columns"),
    ]:
        np.savez(path, **(arrays | {name: value}))
        with pytest.raises(InputError, match=message):
            load_embedding(path)
    del arrays["vectors"]
    np.savez(path, **arrays)
    with pytest.raises(InputError, match="vectors"):
        load_embedding(path)


def test_faults_of_npy(tmp_path):
    path = tmp_path / "x.npy"
    make(["a", "b"]).save(path)
    np.save(path, make(["a", "b"], seed=1).vectors)
    with pytest.raises(InputError, match="checksum"):
        load_embedding(path)
    np.save(path, make(["a", "b", "c"]).vectors)
    with pytest.raises(InputError, match=r"x\.npy: shape \[3, 7\], .*x\.ids\.json says \[2, 7\]"):
        load_embedding(path)
    path.write_bytes(b"PK\x05\x06" + bytes(18))  # an empty zip
    with pytest.raises(InputError, match=r"x\.npy: not a whole \.npy file"):
        load_embedding(path)
    (tmp_path / "x.ids.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"ids\.json"):
        load_embedding(path)


@pytest.mark.parametrize("shape", [(4999999999, 2), (2, 4999999999), (3, 2), (2, 1), (10**30, 10**30), (0, 7)])
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_damaged_shape_takes_no_memory(tmp_path, suffix, shape):
    """NumPy would make room for what the header of an array says before it reads it."""
    path = tmp_path / f"x{suffix}"
    embedding = make(["a", "b"], 2)
    embedding.save(path)
    array = io.BytesIO()
    form = {"descr": "<f4", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(array, form)
    array.write(embedding.vectors.tobytes())
    if suffix == ".npy":
        path.write_bytes(array.getvalue())
    else:
        with zipfile.ZipFile(path) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(path, "w") as archive:
            for name, part in (parts | {"vectors.npy": array.getvalue()}).items():
                archive.writestr(name, part)
    with pytest.raises(InputError, match=rf"x\{suffix}: .*truncated or damaged .*shape \[{shape[0]}, {shape[1]}\]"):
        load_embedding(path)


@pytest.mark.parametrize("suffix", FORMATS)
def test_truncated_anywhere(tmp_path, suffix):
    embedding = make(["a", "b", "two words", "ü"], 5)
    path = tmp_path / f"x{suffix}"
    embedding.save(path)
    whole = path.read_bytes()
    for size in range(0, len(whole), max(1, len(whole) // 150)):
        path.write_bytes(whole[:size])
        try:
            back = load_embedding(path)
        except InputError:
            continue
        assert suffix in (".csv", ".tsv")  # a table does not say how many lines it has: whole lines may be lost
        assert whole[:size].endswith(b"\n")
        assert back.vectors.tobytes() == embedding.vectors[: len(back)].tobytes()


@pytest.mark.parametrize("suffix", FORMATS)
def test_flipped_bits(tmp_path, suffix):
    embedding = make(["a", "b", "two words", "ü"], 5, columns=("user", "item"))
    path = tmp_path / f"x{suffix}"
    embedding.save(path)
    names = [path, tmp_path / "x.ids.json"] if suffix == ".npy" else [path]
    rng = np.random.default_rng(zlib.crc32(suffix.encode()))
    for name in names:
        whole = name.read_bytes()
        for place, bit in zip(rng.integers(0, len(whole), 200), rng.integers(0, 8, 200), strict=True):
            damaged = bytearray(whole)
            damaged[place] ^= 1 << int(bit)
            name.write_bytes(damaged)
            try:
                back = load_embedding(path)
            except InputError:
                continue
            if suffix in CHECKED:  # the others have no checksum: a digit may change unseen
                assert_same(back, embedding)
                assert (back.vocab, back.settings) == (embedding.vocab, embedding.settings)
        name.write_bytes(whole)


def no_space(*args, **options):
    raise OSError(errno.ENOSPC, "No space left on device")


class FullDisk:
    """A file that takes some bytes and no more."""

    def __init__(self, file, room):
        self.file, self.room = file, room

    def write(self, data):
        self.room -= len(data)
        if self.room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self.file.write(data)

    def writelines(self, lines):
        for line in lines:
            self.write(line)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.file.close()

    def __getattr__(self, name):
        return getattr(self.file, name)


@pytest.mark.parametrize("suffix", FORMATS)
def test_full_disk_leaves_the_old_file(tmp_path, monkeypatch, suffix):
    old = make(["a", "b"])
    path = tmp_path / f"x{suffix}"
    old.save(path)
    before = sorted(os.listdir(tmp_path))
    for module in ("numpy_files", "tables", "word2vec"):
        monkeypatch.setattr(
            f"cleora_jax.vectors.{module}.open",
            lambda *args, **options: FullDisk(open(*args, **options), 40),  # noqa: SIM115 (the code closes it)
            raising=False,
        )
    monkeypatch.setattr(pq, "write_table", no_space)
    with pytest.raises(OSError, match="No space"):
        make(["c", "d"], 100).save(path)
    monkeypatch.undo()
    assert sorted(os.listdir(tmp_path)) == before
    assert_same(load_embedding(path), old)


def test_destination(tmp_path):
    with pytest.raises(ValueError, match=r"\.npz.*'\.doc'"):
        make().save(tmp_path / "x.doc")
    (tmp_path / "x").touch()
    with pytest.raises(ValueError, match="suffix"):
        load_embedding(tmp_path / "x")
    with pytest.raises(ValueError, match="`format` must be one of 'npz'"):
        check_destination(tmp_path / "x.npz", "pickle")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        check_destination(tmp_path / "nowhere" / "x.npz")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        make().save(tmp_path / "nowhere" / "x.csv")
    with pytest.raises(FileNotFoundError, match=r"x\.npz"):
        load_embedding(tmp_path / "x.npz")
    make().save(tmp_path / "x.dat", format="word2vec")
    assert_same(load_embedding(tmp_path / "x.dat", format="word2vec"), make())
    make().save(tmp_path / "X.NPZ")
    assert_same(load_embedding(tmp_path / "X.NPZ"), make())


def test_empty_id(tmp_path):
    embedding = make(["", "b"])
    for suffix in FORMATS:
        if suffix in WORD2VEC:
            with pytest.raises(InputError, match="'' is empty"):
                embedding.save(tmp_path / f"x{suffix}")
        else:
            embedding.save(tmp_path / f"x{suffix}")
            assert_same(load_embedding(tmp_path / f"x{suffix}"), embedding)


def test_a_foreign_file_where_the_ids_would_go_is_left_alone(tmp_path):
    (tmp_path / "x.ids.json").write_text('["mine"]')
    with pytest.raises(InputError, match="a file of another kind"):
        make().save(tmp_path / "x.npy")
    assert (tmp_path / "x.ids.json").read_text() == '["mine"]'
    make().save(tmp_path / "y.npy")
    make(seed=1).save(tmp_path / "y.npy")  # its own may be replaced
    assert_same(load_embedding(tmp_path / "y.npy"), make(seed=1))


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    """Four hundred megabytes of zeros in four hundred kilobytes, with a shape that fits them."""
    path = tmp_path / "x.npz"
    make(["a", "b"], 2).save(path)
    array = io.BytesIO()
    np.lib.format.write_array_header_1_0(array, {"descr": "<f4", "fortran_order": False, "shape": (2, 50_000_000)})
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            if name != "vectors.npy":
                archive.writestr(name, part, zipfile.ZIP_STORED)
        with archive.open("vectors.npy", "w") as file:
            file.write(array.getvalue())
            for _ in range(400):
                file.write(bytes(1_000_000))
    assert path.stat().st_size < 1_000_000
    with pytest.raises(InputError, match="compressed"):
        load_embedding(path)
