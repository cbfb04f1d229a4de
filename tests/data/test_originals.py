"""Files in the form of their publishers, from a server on this machine: read, checked, recorded, and held to that."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleora_jax._checks import InputError
from cleora_jax.data import DatasetInfo, load_dataset
from cleora_jax.data.info import DataFile, Original
from cleora_jax.data.load import load
from cleora_jax.data.originals import distinct_pairs
from cleora_jax.data.tables import as_text, parsed, types_of, unzipped
from tests.data.server import Script, serving

EDGES = b"# Undirected graph\n# Nodes: 4 Edges: 4\n30\t2\n2\t30\r\n2\t4 \n5\t5\n4\t2\n"
LABELS = b"5 y\n2 x\n30 x\n4 x\n"
NAME = "made-up"


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(Script()) as script:
        yield script


def packed(**members: bytes) -> bytes:
    """A .tar.gz of members in a folder; the first underscore of a name stands for its dot."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(f"folder/{name.replace('_', '.', 1)}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return sink.getvalue()


def entry(server, kind: str, *forms: tuple[str, str], **more) -> DatasetInfo:
    """A data set known by addresses alone: (file, form)."""
    originals = tuple(Original(f"{server.url}/{file}", form) for file, form in forms)
    info = DatasetInfo(NAME, "made up for a test", kind, "none", "nobody", "https://example.org", originals=originals)
    return replace(info, **more)


@pytest.fixture
def graph_set(server):
    server.files = {"/e.txt.gz": gzip.compress(EDGES), "/l.txt.gz": gzip.compress(LABELS)}
    counts = {"nodes": 4, "edges": 3, "classes": 2}
    return entry(server, "graph", ("e.txt.gz", "edges"), ("l.txt.gz", "labels"), counts=counts)


def record(folder) -> dict:
    return json.loads((folder / f"{NAME}.downloaded.json").read_text())


def test_edges_and_labels(graph_set, server, tmp_path):
    """Comments, both directions, blanks at line ends and unsorted lines come out as distinct pairs."""
    found = load(graph_set, tmp_path, download=True)
    assert found.graph.vocab.ids.to_pylist() == ["2", "4", "5", "30"]
    assert found.graph.relations[0].left.member.tolist() == [0, 1, 0, 3, 2, 2]
    assert found.labels.codes.tolist() == [0, 0, 1, 0] and found.labels.classes == ("x", "y")
    again = load(graph_set, tmp_path)  # from the folder, without the server
    assert again.graph.vocab == found.graph.vocab and len(server.seen) == 2


def test_directed_edges_keep_their_direction(server, tmp_path):
    server.files = {"/e.txt": EDGES}
    found = load(entry(server, "directed graph", ("e.txt", "edges")), tmp_path, download=True)
    assert found.graph.relations[0].left.member.tolist() == [0, 1, 0, 3, 1, 0, 2, 2, 3, 0]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1), st.booleans())
def test_distinct_pairs_are_a_set(pairs, directed):
    first, second = np.array(pairs).T
    found = list(zip(*(side.tolist() for side in distinct_pairs(first, second, directed)), strict=True))
    assert found == sorted({pair if directed else tuple(sorted(pair)) for pair in pairs})


def test_triples(server, tmp_path):
    text = b"a\tr\tb\nb\ts\tc\n"
    server.files = {"/k.tar.gz": packed(train_txt=text, valid_txt=text[:6], test_txt=text[6:], readme_md=b"x")}
    found = load(entry(server, "knowledge graph", ("k.tar.gz", "triples")), tmp_path, download=True)
    assert found.triples.train.tolist() == [[0, 0, 1], [1, 1, 2]] and found.triples.test.tolist() == [[1, 1, 2]]


def test_linqs(server, tmp_path):
    """Rows of features and labels are in the order of the papers' numbers, whatever that of the lines."""
    content = b"31\t0\t1\tTheory\n7\t1\t1\tAgents\n100\t0\t0\tAgents\n"
    cites = b"31\t7\n7\t31\n100\t31\n7\t7\n"
    server.files = {"/m.tgz": packed(**{"made-up_content": content, "made-up_cites": cites})}
    found = load(entry(server, "graph", ("m.tgz", "linqs"), counts={"nodes": 3, "edges": 2}), tmp_path, download=True)
    assert found.graph.vocab.ids.to_pylist() == ["7", "31", "100"] and found.labels.codes.tolist() == [0, 1, 0]
    np.testing.assert_array_equal(found.features.todense(), [[1, 1], [0, 1], [0, 0]])


class TestTrust:
    def test_the_first_download_is_recorded(self, graph_set, server, tmp_path):
        load(graph_set, tmp_path, download=True)
        raw = server.files["/e.txt.gz"]
        expected = {"url": f"{server.url}/e.txt.gz", "sha256": hashlib.sha256(raw).hexdigest(), "size": len(raw)}
        assert record(tmp_path)["e.txt.gz"] == expected

    def test_a_file_that_changes_here(self, graph_set, tmp_path):
        load(graph_set, tmp_path, download=True)
        path = tmp_path / NAME / "e.txt.gz"
        other = gzip.compress(EDGES, compresslevel=1, mtime=7)  # the same text, other bytes
        path.write_bytes(other.ljust(path.stat().st_size, b"\0")[: path.stat().st_size])
        with pytest.raises(InputError, match=r"e.txt.gz: the checksum is wrong: expected sha256 \w+, found"):
            load(graph_set, tmp_path)

    def test_a_file_that_changes_there(self, graph_set, server, tmp_path):
        load(graph_set, tmp_path, download=True)
        (tmp_path / NAME / "e.txt.gz").unlink()
        server.files["/e.txt.gz"] = gzip.compress(EDGES, mtime=7)
        with pytest.raises(
            InputError, match=r"the checksum is wrong.*made-up.downloaded.json says what to expect: delete it to trust"
        ):
            load(graph_set, tmp_path, download=True)
        server.statuses = [404]
        with pytest.raises(InputError, match=r"answers 404 Not Found\.$"):  # which says nothing about the record
            load(graph_set, tmp_path, download=True)
        (tmp_path / f"{NAME}.downloaded.json").unlink()
        load(graph_set, tmp_path, download=True)

    def test_counts_that_were_not_published(self, graph_set, server, tmp_path):
        wrong = replace(graph_set, counts={"nodes": 5, "edges": 3, "classes": 2})
        with pytest.raises(InputError, match="not the published 'made-up': 4 nodes instead of 5"):
            load(wrong, tmp_path, download=True)
        assert not list((tmp_path / NAME).iterdir()) and not (tmp_path / f"{NAME}.downloaded.json").exists()
        assert load(wrong, tmp_path, download=True, verify=False).graph.num_entities == 4

    def test_contents_that_were_not_counted(self, graph_set, server, tmp_path):
        """Of sets of the registry the text is known, however it was compressed and ordered by its publisher."""
        text = b"2\t4\n2\t30\n5\t5\n"
        known = DataFile("edges.tsv.gz", 1, "0" * 64, 3, 2, len(text), hashlib.sha256(text).hexdigest())
        right = replace(graph_set, files=(known,), counts={})
        assert load(right, tmp_path, download=True).graph.num_hyperedges == 3
        other = tmp_path / "other"
        with pytest.raises(
            InputError, match=r"do not hold what was counted: the text of edges.tsv.gz .* expected 1111"
        ):
            load(replace(right, files=(replace(known, text_sha256="1" * 64),)), other, download=True)
        assert not list((other / NAME).iterdir())

    def test_a_checksum_known_beforehand(self, graph_set, server, tmp_path):
        known = replace(graph_set.originals[0], sha256="2" * 64)
        with pytest.raises(InputError, match="expected sha256 2222"):
            load(replace(graph_set, originals=(known, graph_set.originals[1])), tmp_path, download=True)

    def test_files_brought_by_hand(self, graph_set, server, tmp_path):
        """What nobody downloaded has no record; its counts are checked all the same, and its checksum where known."""
        (tmp_path / NAME).mkdir()
        for path, content in server.files.items():
            (tmp_path / NAME / path[1:]).write_bytes(content)
        assert load(graph_set, tmp_path).graph.num_hyperedges == 3 and not server.seen
        with pytest.raises(InputError, match="not the published"):
            load(replace(graph_set, counts={"nodes": 9}), tmp_path)

    def test_a_damaged_record(self, graph_set, tmp_path):
        load(graph_set, tmp_path, download=True)
        for text in ("{", "[]", '{"e.txt.gz": {"size": 3}}'):
            (tmp_path / f"{NAME}.downloaded.json").write_text(text)
            with pytest.raises(InputError, match=r"made-up.downloaded.json: damaged \(.*delete it"):
                load(graph_set, tmp_path)


class TestDamage:
    @pytest.mark.parametrize(
        "content, fault",
        [
            (gzip.compress(EDGES)[:-5], "not a whole gzip file"),
            (EDGES, "not a whole gzip file"),
            (gzip.compress(b"# nothing else\n"), "no lines of data"),
            (gzip.compress(b"# cut"), "no lines of data"),
            (gzip.compress(b"1 2\n3 x\n"), "int64"),
            (gzip.compress(b"1 2\n3 4 5\n"), "2 columns"),
            (gzip.compress(b"<html>Not found</html>"), "e.txt.gz"),
        ],
        ids=["truncated", "not compressed", "comments only", "half a comment", "a word", "three", "a page"],
    )
    def test_of_edges(self, server, tmp_path, content, fault):
        server.files = {"/e.txt.gz": content}
        with pytest.raises(InputError, match=fault):
            load(entry(server, "graph", ("e.txt.gz", "edges")), tmp_path, download=True)
        assert not list((tmp_path / NAME).iterdir())

    def test_of_archives(self, server, tmp_path):
        info = entry(server, "knowledge graph", ("k.tar.gz", "triples"))
        server.files = {"/k.tar.gz": gzip.compress(b"no archive" * 100)}
        with pytest.raises(InputError, match="not a whole tar archive"):
            load(info, tmp_path, download=True)
        server.files = {"/k.tar.gz": packed(train_txt=b"a\tr\tb\n", test_txt=b"a\tr\tb\n")}
        with pytest.raises(InputError, match=r"the archive has no valid.txt"):
            load(info, tmp_path, download=True)

    @pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.GNUTYPE_SPARSE])
    def test_of_members_that_are_no_files(self, server, tmp_path, kind):
        sink = io.BytesIO()
        with tarfile.open(fileobj=sink, mode="w:gz", format=tarfile.GNU_FORMAT) as tar:
            for name in ("train.txt", "valid.txt", "test.txt"):
                member = tarfile.TarInfo(name)
                member.type, member.linkname = kind, "/nowhere"
                tar.addfile(member)
        server.files = {"/k.tar.gz": sink.getvalue()}
        with pytest.raises(InputError, match=r"not a whole tar archive|the archive has no train\.txt"):
            load(entry(server, "knowledge graph", ("k.tar.gz", "triples")), tmp_path, download=True)
        assert not list((tmp_path / NAME).iterdir())

    def test_of_papers_without_words(self, server, tmp_path):
        server.files = {"/x.tar.gz": packed(**{f"{NAME}_content": b"1\ta\n", f"{NAME}_cites": b"1\t2\n"})}
        with pytest.raises(InputError, match="has no words"):
            load(entry(server, "graph", ("x.tar.gz", "linqs")), tmp_path, download=True)
        assert not list((tmp_path / NAME).iterdir())

    def test_of_nothing(self):
        with pytest.raises(InputError, match="edges: .*[Ee]mpty"):
            parsed("edges", b"", (pa.int64(), pa.int64()))

    def test_bombs(self):
        bomb = gzip.compress(bytes(1_000_000))
        assert len(unzipped("bomb.gz", bomb, 1_000_000)) == 1_000_000
        with pytest.raises(InputError, match="bomb.gz: decompresses to more than the 999,999 bytes allowed"):
            unzipped("bomb.gz", bomb, 999_999)


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["ca-grqc", "ca-hepth", "email-eu-core", "umls", "kinship", "wn18rr"])
def test_registered_sets_from_their_originals(name, data, server, tmp_path):
    """As their publishers give them (comments, both directions, archives), they hold exactly what was counted."""
    from cleora_jax.data.registry import info_of

    info = info_of(name)
    server.files = {f"/{original.name}": original_of(info, original, data) for original in info.originals}
    local = tuple(replace(original, url=f"{server.url}/{original.name}") for original in info.originals)
    found = load(replace(info, originals=local), tmp_path, download=True)
    here = load_dataset(name, data)
    assert found.graph.vocab == here.graph.vocab
    assert (found.graph.counts() != here.graph.counts()).nnz == 0
    if here.labels is not None:
        assert found.labels.classes == here.labels.classes
        np.testing.assert_array_equal(found.labels.codes, here.labels.codes)
    if here.triples is not None:
        np.testing.assert_array_equal(found.triples.test, here.triples.test)


def original_of(info: DatasetInfo, original: Original, data) -> bytes:
    """A set of the data folder in the form of its publisher."""
    texts = {file.name: gzip.decompress((data / info.name / file.name).read_bytes()) for file in info.files}
    if original.form == "triples":
        return packed(**{f"{name.split('.')[0]}_txt": text for name, text in texts.items()})
    if original.form == "labels":
        return gzip.compress(texts["labels.tsv.gz"].replace(b"\t", b" "))
    pairs = np.stack(parsed("edges", texts["edges.tsv.gz"], types_of("edges.tsv.gz", info.kind)[:2]), axis=1)
    both = pairs if info.directed else np.unique(np.concatenate([pairs, pairs[:, ::-1]]), axis=0)
    mixed = np.random.default_rng(0).permutation(both)
    return gzip.compress(b"# Nodes: x Edges: y\n" + as_text((mixed[:, 0].copy(), mixed[:, 1].copy())))
