"""A graph that several processes read, each its part: one vocabulary and one operator, whatever their number."""

from __future__ import annotations

import gzip
import threading
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import cleora_jax as cj
from cleora_jax.cleora import embed_share, owned, read_share
from cleora_jax.cleora.owned import Cut, even_cut, form_of, own_vocab, owned_counts
from cleora_jax.graph.readers import read_portion


class Threads:
    """Peers that are threads of one process."""

    def __init__(self, count, index, table, barrier):
        self.count, self.index, self._table, self._barrier = count, index, table, barrier

    def _told(self, what):
        self._table[self.index] = what
        self._barrier.wait(20)
        found = list(self._table)
        self._barrier.wait(20)
        return found

    def swap(self, pieces):
        return [theirs[self.index].copy() for theirs in self._told(pieces)]

    def everyones(self, mine):
        return np.stack(self._told(mine))


def together(count, work):
    """What `work(peers)` gives in each of some peers."""
    table, barrier = [None] * count, threading.Barrier(count)
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda index: work(Threads(count, index, table, barrier)), range(count)))


def one_each(count):
    return np.arange(count + 1)


def whole_of(paths, count, **ways):
    """Vocabulary and W, put together of what each of some processes owns."""

    def work(peers):
        share = read_share(paths, peers=peers, **ways)
        counts, cut = owned_counts(share, one_each(count))
        return own_vocab(share, cut), counts, form_of(share, "auto")

    vocabs, counts, forms = zip(*together(count, work), strict=True)
    assert len(set(forms)) == 1
    ids = [name for vocab in vocabs for name in vocab.ids.to_pylist()]
    codes = np.concatenate([vocab.column_of for vocab in vocabs])
    return cj.Vocab(pa.array(ids, pa.large_string()), vocabs[0].columns, codes), sp.vstack(counts, "csr"), forms[0]


SPECS = [
    ({}, lambda a, b, c: f"{a} {b}"),
    ({}, lambda a, b, c: f"{a} {b} {c} {a}"),
    ({"weight": "last"}, lambda a, b, c: f"{a} {b} {c + 1}"),
    ({"columns": "user item"}, lambda a, b, c: f"{a}\t{b}"),
    ({"columns": "from to", "shared_ids": True}, lambda a, b, c: f"{a}\t{b}"),
    ({"columns": "user complex::reflexive::item"}, lambda a, b, c: f"{a}\t{b} {c}"),
]
NUMBERS = st.lists(st.tuples(*[st.integers(0, 12)] * 3), min_size=1, max_size=40)


@settings(max_examples=40, deadline=None)
@given(
    lines=NUMBERS,
    cut=st.integers(0, 40),
    spec=st.sampled_from(SPECS),
    count=st.sampled_from([1, 2, 3, 5]),
    pairs=st.sampled_from([7, 1 << 24]),
)
def test_one_vocabulary_and_one_matrix_whatever_their_number(tmp_path_factory, lines, cut, spec, count, pairs):
    folder = tmp_path_factory.mktemp("lines")
    ways, line = spec
    text = [line(*numbers) + "\n" for numbers in lines]
    paths = [folder / "one.tsv", folder / "two.tsv"]
    for path, part in zip(paths, (text[:cut], text[cut:]), strict=True):
        path.write_text("".join(part))
    whole = cj.read(paths, **ways)
    with mock.patch.object(owned, "SLICE_PAIRS", pairs):  # some lines at a time, or all
        vocab, counts, form = whole_of(paths, count, **ways)
    assert vocab == whole.vocab
    assert counts.shape == (len(vocab), len(vocab))
    np.testing.assert_allclose(counts.toarray(), whole.counts().toarray(), rtol=1e-6)
    entries = whole.entries()
    assert form == ("factored" if entries["factored"] < entries["clique"] else "clique")


def test_edges_add_up_to_the_same_bits(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "in.tsv"
    path.write_text("".join(f"{a} {b}\n" for a, b in rng.integers(0, 60, (3000, 2))))
    wanted = cj.read(path).counts()
    for count in (2, 4):
        _, counts, _ = whole_of([path], count)
        assert (counts.toarray() == wanted.toarray()).all()


def read_by_all(paths, count, *ways, **more):
    """The members of the left column, in the order of readers; and how many each has read."""
    found = [read_portion(paths, count, index, *ways, **more) for index in range(count)]
    words = [[graph.vocab[int(row)] for row in graph.relations[0].left.member] for graph in found]
    return [word for part in words for word in part], [len(part) for part in words]


@pytest.mark.parametrize("count", [1, 2, 3, 50])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_every_line_is_read_once_in_order(tmp_path, count, ending):
    lines = [f"{'x' * (number % 13)}{number} b" for number in range(40)]
    paths = [tmp_path / name for name in ("one.txt", "none.txt", "two.edges")]
    for path, part in zip(paths, (lines[:15], [], lines[15:]), strict=True):
        path.write_bytes(ending.join(part).encode())
    found, sizes = read_by_all(paths, count)
    assert found == " ".join(lines).split()
    assert count > 3 or min(sizes) > 60 // count


def test_jsonl_decides_by_the_first_line_and_marks_stay_where_they_were(tmp_path):
    path = tmp_path / "in.txt"
    path.write_text("".join(f'["a{number}", "b c"]\n' for number in range(9)))
    assert read_by_all(path, 4)[0] == read_by_all(path, 1)[0]
    path.write_text("a b\n\ufeffc d\n" * 5)
    assert read_by_all(path, 7)[0] == read_by_all(path, 1)[0]


@pytest.mark.parametrize("count", [1, 2, 3, 30])
def test_row_groups_of_parquet(tmp_path, count):
    users, items = [f"u{number % 17}" for number in range(200)], [f"i{number % 5}" for number in range(200)]
    for name, part in (("a", slice(0, 120)), ("b", slice(120, 200))):
        pq.write_table(
            pa.table({"user": users[part], "item": items[part]}), tmp_path / f"{name}.parquet", row_group_size=9
        )
    found, sizes = read_by_all(tmp_path, count, "user item")
    assert found == users and (count > 3 or min(sizes) > 0)


def test_what_cannot_be_cut_is_read_whole_or_refused(tmp_path):
    path, table = tmp_path / "in.tsv.gz", tmp_path / "in.csv"
    path.write_bytes(gzip.compress(b"a b\nc d\n"))
    table.write_text('"a","b\n"\nc,d\n')
    for one, ways in ((path, {}), (table, {"columns": "user item"})):
        with pytest.raises(cj.OptionError, match="cannot be cut"):
            read_portion(one, 2, 0, **ways)
        assert read_portion(one, 1, 0, **ways).num_hyperedges == 2
    assert read_by_all([path, path], 2)[0] == ["a", "b", "c", "d"] * 2
    plain = tmp_path / "in.tsv"
    plain.write_text("a\tb\nc\td\n")
    with pytest.raises(cj.OptionError, match="with a header"):
        read_portion(plain, 2, 0, "a b", header=True)
    with pytest.raises(cj.OptionError, match="is a stream"):
        read_portion("-", 2, 0)


def test_a_bad_line_of_one_is_told_to_all(tmp_path):
    path = tmp_path / "in.tsv"
    path.write_text("a\tb\n" * 30 + "only one\n")

    def work(peers):
        with pytest.raises(cj.InputError) as caught:
            read_share(path, "x y", peers=peers)
        return str(caught.value)

    first, second, third = together(3, work)
    assert "after byte 88, line 9" in third and "process 2: " + third == first == second


def test_a_name_that_is_no_utf_8_is_told_too(tmp_path):
    (tmp_path / "in.tsv").write_text("a\tb\n")

    def work(peers):
        with pytest.raises((cj.InputError, OSError), match="none"):
            read_share(tmp_path / ("in.tsv" if peers.index else "none\udcff.tsv"), peers=peers)

    together(2, work)


def test_a_header_in_the_middle_is_a_line_wherever_files_are_cut(tmp_path):
    (tmp_path / "in.tsv").write_text("a\tb\nuser\titem\nc\td\ne\tf\n" * 3)
    path = tmp_path / "in.tsv"
    for count in (1, 2, 3, 5, 7, 11):
        shares = together(count, lambda peers: read_share(path, "user item", peers=peers))
        assert sum(share.graph.num_hyperedges for share in shares) == 12


def test_processes_that_are_not_called_alike_are_told(tmp_path):
    for number in range(2):
        (tmp_path / f"{number}.tsv").write_text("a b\n" * (number + 1))

    def work(peers, **ways):
        with pytest.raises(cj.OptionError, match=ways.pop("match")):
            read_share(peers=peers, **ways)

    one, two = (tmp_path / f"{number}.tsv" for number in range(2))
    together(2, lambda peers: work(peers, match="`input` differs", paths=(one, two)[peers.index]))
    together(2, lambda peers: work(peers, match="`weight` differs", paths=one, weight=(None, "last")[peers.index]))
    share, _ = together(2, lambda peers: read_share((one, two)[peers.index], own=True, peers=peers))
    assert share.num_entities == 2 and share.graph.num_hyperedges == 1


def test_rows_are_cut_by_work(tmp_path):
    path = tmp_path / "in.tsv"
    path.write_text("".join(f"hub{number % 3} b{number}\n" for number in range(4000)))
    share = read_share(path, peers=together(1, lambda peers: peers)[0])
    counts = cj.read(path).counts()
    work = np.diff(counts.indptr) + 32
    cut = even_cut(share, np.array([0, 4]), np.diff(counts.indptr))
    parts = [work[low:high].sum() for low, high in zip(cut.bounds, cut.bounds[1:], strict=False)]
    assert max(parts) < 1.1 * work.sum() / 4
    assert np.diff(cut.bounds)[0] < np.diff(cut.bounds)[-1]  # the hubs come first


def test_places_skip_what_fills_up():
    cut = Cut(np.array([0, 3, 3, 4]), np.array([0, 1, 3]))
    assert cut.places(np.arange(4)).tolist() == [0, 1, 2, 6] and cut.size == 9
    assert cut.process_of(np.arange(4)).tolist() == [0, 0, 0, 1]


def test_what_cannot_be_is_named(tmp_path):
    path = tmp_path / "in.tsv"
    path.write_text("a b\nb c\n")
    share = read_share(path)
    for method, name in (
        (cj.Cleora(propagation="directed"), "propagation"),
        (cj.Cleora(tolerance=0.1), "tolerance"),
        (cj.Cleora(attention_temperature=1.0), "attention_temperature"),
        (cj.Cleora(hyperedge_trim_n=2), "hyperedge_trim_n"),
        (cj.Cleora(metapath=("node",)), "metapath"),
        (cj.RandNE(), "method"),
    ):
        with pytest.raises(cj.OptionError, match=f"`{name}`"):
            embed_share(share, method)
    with pytest.raises(TypeError, match="`share`"):
        embed_share(cj.read(path))
    with pytest.raises(cj.MissingFileError):
        read_share(tmp_path / "none")
    path.write_text("\n\n")
    with pytest.raises(cj.InputError, match="no hyperedges"):
        read_share(path)
    path.write_text("alone\n")
    with pytest.raises(cj.OptionError, match="at least two"):
        embed_share(read_share(path))
    path.write_text("u1\ti1 i2\n")
    with pytest.raises(cj.OptionError, match="several relations"):
        embed_share(read_share(path, "user complex::reflexive::item"))
