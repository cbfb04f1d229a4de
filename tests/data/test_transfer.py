"""Downloads against a server on this machine that misbehaves in every way a real one may."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleora_jax._checks import InputError, OptionError
from cleora_jax.data import download
from tests.data.server import Script, serving

CONTENT = np.random.default_rng(3).bytes(300_000)
SHA = hashlib.sha256(CONTENT).hexdigest()
QUICK = {"backoff": 0.0, "timeout": 5.0}


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serving(Script(CONTENT)) as script:
        yield script


@pytest.fixture
def target(tmp_path):
    return tmp_path / "file.bin"


def left(target) -> list[str]:
    """Names of all files beside the target and itself."""
    return sorted(path.name for path in target.parent.iterdir())


def test_whole(server, target):
    calls = []
    got = download(
        f"{server.url}/a", target, sha256=SHA.upper(), size=len(CONTENT), progress=lambda *call: calls.append(call)
    )
    assert (got.path, got.sha256, got.size, got.fetched) == (target, SHA, len(CONTENT), len(CONTENT))
    assert target.read_bytes() == CONTENT and left(target) == ["file.bin"]
    assert calls[-1] == ("file.bin", len(CONTENT), len(CONTENT))
    assert [done for _, done, _ in calls] == sorted(done for _, done, _ in calls) and len(calls) > 2
    assert server.asked("Accept-Encoding") == ["identity"] and server.asked("User-Agent")[0].startswith("cleora_jax/")


def test_not_again_where_it_is_there(server, target):
    target.write_bytes(CONTENT)
    assert download(f"{server.url}/a", target, sha256=SHA).fetched == 0 and not server.seen
    target.write_bytes(b"another")
    assert download(f"{server.url}/a", target, sha256=SHA).fetched == len(CONTENT)
    assert download(f"{server.url}/a", target).fetched == len(CONTENT)  # nobody said that it is the right one


def test_an_empty_file(server, target):
    server.content = b""
    assert download(f"{server.url}/a", target).size == 0 and left(target) == ["file.bin"]


@pytest.mark.parametrize("version", ["etag", "modified"])
def test_goes_on_where_it_broke_off(server, target, version):
    server.etag, server.modified = ('"v1"', None) if version == "etag" else (None, "Tue, 01 Feb 2022 10:00:00 GMT")
    server.cuts = [100_000, 50_000]
    got = download(f"{server.url}/a", target, sha256=SHA, **QUICK)
    assert server.asked("Range") == [None, "bytes=100000-", "bytes=150000-"]
    assert server.asked("If-Range")[1:] == [server.etag or server.modified] * 2
    assert got.fetched == len(CONTENT) and target.read_bytes() == CONTENT and left(target) == ["file.bin"]


def test_goes_on_in_a_later_call(server, target):
    server.cuts = [100_000]
    with pytest.raises(InputError, match="given up after 1 tries: the connection ended after 100,000 of 300,000 bytes"):
        download(f"{server.url}/a", target, retries=0, **QUICK)
    assert left(target) == [".file.bin.part", ".file.bin.part.json"] and not target.exists()
    got = download(f"{server.url}/a", target, **QUICK)
    assert server.asked("Range") == [None, "bytes=100000-"] and got.fetched == 200_000
    assert target.read_bytes() == CONTENT and left(target) == ["file.bin"]


def test_another_address_begins_anew(server, target):
    server.cuts = [100_000]
    with pytest.raises(InputError):
        download(f"{server.url}/a", target, retries=0, **QUICK)
    assert download(f"{server.url}/b", target, **QUICK).fetched == len(CONTENT)
    assert server.asked("Range") == [None, None] and target.read_bytes() == CONTENT


def test_a_damaged_note_begins_anew(server, target):
    server.cuts = [100_000]
    with pytest.raises(InputError):
        download(f"{server.url}/a", target, retries=0, **QUICK)
    (target.parent / ".file.bin.part.json").write_text('{"url": ')
    assert download(f"{server.url}/a", target, **QUICK).fetched == len(CONTENT)
    assert left(target) == ["file.bin"]


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_version_it_begins_anew(server, target, etag):
    server.cuts, server.etag = [100_000], etag
    download(f"{server.url}/a", target, sha256=SHA, **QUICK)
    assert server.asked("Range") == [None, None] and target.read_bytes() == CONTENT


@settings(max_examples=40, deadline=None)
@given(
    cuts=st.lists(st.integers(0, 300_000), max_size=5),
    calls=st.integers(1, 3),
    ranges=st.booleans(),
    etag=st.sampled_from([None, '"strong"', 'W/"weak"']),
    modified=st.sampled_from([None, "Tue, 01 Feb 2022 10:00:00 GMT"]),
)
def test_however_often_it_breaks_off(cuts, calls, ranges, etag, modified):
    """Whatever the server cuts, honours and tells, over tries and calls: the file comes out, or nothing does."""
    script = Script(CONTENT, cuts=list(cuts), ranges=ranges, etag=etag, modified=modified)
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder, serving(script):
        patch.setenv("no_proxy", "127.0.0.1")
        target = Path(folder) / "file.bin"
        for _ in range(calls):
            try:
                download(f"{script.url}/a", target, retries=1, **QUICK)
            except InputError as error:
                assert "given up after 2 tries" in str(error)
            assert not target.exists() or target.read_bytes() == CONTENT
        download(f"{script.url}/a", target, retries=6, **QUICK)
        assert target.read_bytes() == CONTENT and left(target) == ["file.bin"]


def test_a_server_without_ranges(server, target):
    server.cuts, server.ranges = [100_000], False
    got = download(f"{server.url}/a", target, sha256=SHA, **QUICK)
    assert server.asked("Range") == [None, "bytes=100000-"] and got.fetched == 400_000
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("obeys", [True, False], ids=["If-Range obeyed", "If-Range ignored"])
def test_a_file_that_changed_in_between(server, target, obeys):
    server.cuts, server.obeys_if_range = [100_000], obeys
    with pytest.raises(InputError):
        download(f"{server.url}/a", target, retries=0, **QUICK)
    server.content, server.etag = CONTENT[::-1], '"two"'
    download(f"{server.url}/a", target, **QUICK)
    assert target.read_bytes() == CONTENT[::-1]


def test_a_file_that_became_shorter(server, target):
    """The part asked for is not there (416): it begins anew."""
    server.cuts = [100_000]
    with pytest.raises(InputError):
        download(f"{server.url}/a", target, retries=0, **QUICK)
    server.content = CONTENT[:500]
    download(f"{server.url}/a", target, **QUICK)
    assert target.read_bytes() == CONTENT[:500]


def test_another_part_than_asked_for(server, target):
    server.cuts, server.shift = [100_000], 5
    assert download(f"{server.url}/a", target, **QUICK).size == len(CONTENT)
    assert server.asked("Range") == [None, "bytes=100000-", None] and target.read_bytes() == CONTENT


def test_length_not_told(server, target):
    server.length = False
    got = download(f"{server.url}/a", target, sha256=SHA, **QUICK)
    assert got.size == len(CONTENT)
    server.cuts = [10]
    with pytest.raises(InputError, match="10 bytes, expected 300,000"):  # nothing tells a cut from an end but this
        download(f"{server.url}/b", target, size=len(CONTENT), **QUICK)
    assert target.read_bytes() == CONTENT and left(target) == ["file.bin"]


def test_a_wrong_checksum(server, target):
    target.write_bytes(b"old")
    server.content = CONTENT[:-1] + b"x"
    found = hashlib.sha256(server.content).hexdigest()
    with pytest.raises(InputError, match=f"/a: the checksum is wrong: expected sha256 {SHA}, found {found}"):
        download(f"{server.url}/a", target, sha256=SHA)
    assert target.read_bytes() == b"old" and left(target) == ["file.bin"] and len(server.seen) == 1


def test_sizes(server, target):
    with pytest.raises(InputError, match="300,000 bytes, expected 299,999"):
        download(f"{server.url}/a", target, size=299_999)
    with pytest.raises(InputError, match=r"300,000 bytes are more than the 1,000 allowed \(`max_size`\)"):
        download(f"{server.url}/a", target, max_size=1000)
    server.length, calls = False, []
    with pytest.raises(InputError, match="bytes are more than the 70,000 allowed"):
        download(f"{server.url}/a", target, max_size=70_000, progress=lambda *call: calls.append(call[1]))
    assert max(calls) <= 70_000  # it stops there, however much would follow
    assert left(target) == [] and len(server.seen) == 3


@pytest.mark.parametrize("status", [400, 403, 404, 410, 501])
def test_lasting_refusals(server, target, status):
    server.statuses = [status]
    with pytest.raises(InputError, match=f"/a: the server answers {status} "):
        download(f"{server.url}/a", target, **QUICK)
    assert len(server.seen) == 1 and left(target) == []


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_passing_faults(server, target, status):
    server.statuses = [status, status]
    assert download(f"{server.url}/a", target, sha256=SHA, **QUICK).size == len(CONTENT)
    assert len(server.seen) == 3


def test_tries_are_used_up(server, target):
    server.statuses = [503] * 3
    with pytest.raises(InputError, match="given up after 3 tries: the server answers 503 Service Unavailable"):
        download(f"{server.url}/a", target, retries=2, **QUICK)
    assert left(target) == []


def test_waits(server, target, monkeypatch):
    waited = []
    monkeypatch.setattr("cleora_jax.data.transfer.time.sleep", waited.append)
    server.statuses = [503, 503, 503, 503]
    download(f"{server.url}/a", target, backoff=20.0)
    assert waited == [20.0, 40.0, 60.0, 60.0]  # no more than a minute
    waited.clear()
    server.statuses, server.headers = [503, 429], {"Retry-After": "7"}
    download(f"{server.url}/b", target, backoff=0.5)
    assert waited == [7.0, 7.0]


class TestRedirects:
    def test_followed(self, server, target):
        server.redirects = {"/a": "/b", "/b": f"{server.url}/c"}
        server.cuts = [100_000]
        download(f"{server.url}/a", target, sha256=SHA, **QUICK)
        assert [path for path, _ in server.seen] == ["/a", "/b", "/c"] * 2
        assert server.seen[-1][1]["Range"] == "bytes=100000-"

    @pytest.mark.parametrize("where", ["file:///etc/hostname", "ftp://127.0.0.1/a", "data:,x", "gopher://x/"])
    def test_refused(self, server, target, where):
        server.redirects = {"/a": where}
        with pytest.raises(InputError, match="(?i)redirect"):
            download(f"{server.url}/a", target, **QUICK)
        assert len(server.seen) == 1 and left(target) == []

    def test_round_and_round(self, server, target):
        server.redirects = {"/a": "/a"}
        with pytest.raises(InputError, match="the server answers 302"):
            download(f"{server.url}/a", target, **QUICK)

    def test_not_from_https_to_http(self):
        import urllib.request

        from cleora_jax.data.web import _Redirects

        request = urllib.request.Request("https://example.org/a")
        with pytest.raises(InputError, match=r"redirected to 'http://example.org/a', which is refused"):
            _Redirects().redirect_request(request, None, 302, "Found", {}, "http://example.org/a")


def test_nobody_listens(target, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(InputError, match="given up after 2 tries: .*refused"):
        download(f"http://127.0.0.1:{port}/a", target, retries=1, **QUICK)
    assert left(target) == []


def test_a_server_that_says_nothing(target, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(InputError, match="given up after 1 tries: .*timed out"),
    ):
        download(f"http://127.0.0.1:{silent.getsockname()[1]}/a", target, retries=0, timeout=0.2)


def test_a_server_that_talks_nonsense(target, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as odd:

        def answer() -> None:
            connection, _ = odd.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(InputError, match="given up after 1 tries: BadStatusLine"):
            download(f"http://127.0.0.1:{odd.getsockname()[1]}/a", target, retries=0, **QUICK)
        thread.join()


def test_one_process_at_a_time(server, target):
    code = "import fcntl, sys, time; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX); print(1, flush=True); time.sleep(60)"
    part = target.parent / ".file.bin.part"
    with subprocess.Popen([sys.executable, "-c", code, str(part)], stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        with pytest.raises(InputError, match="another process is downloading this file"):
            download(f"{server.url}/a", target)
        other.kill()
    assert download(f"{server.url}/a", target, **QUICK).size == len(CONTENT)


def test_a_file_that_another_process_finished_meanwhile_is_left_alone(server, target, monkeypatch):
    """It is opened, then the other renames it to the target and lets go of the lock."""
    from cleora_jax.data import transfer

    opened = os.open

    def late(path, flags, mode=0o777):
        number = opened(path, flags, mode)
        Path(path).write_bytes(b"whole")
        os.replace(path, target)
        return number

    monkeypatch.setattr(transfer.os, "open", late)
    with pytest.raises(InputError, match="another process has just downloaded this file"):
        download(f"{server.url}/a", target)
    assert target.read_bytes() == b"whole" and not server.seen


def test_a_full_disk_is_not_the_networks_fault(server, target, monkeypatch):
    """No tries are made where writing fails."""
    from cleora_jax.data import transfer

    def full(self, version):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(transfer._Transfer, "write_note", full)
    with pytest.raises(OSError, match="No space left"):
        download(f"{server.url}/a", target)
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "url",
    ["file:///etc/hostname", "ftp://example.org/a", "example.org/a", "http:///a", "", "http://a b/", "http://[::1/a",
     "http://a:x/", "http://é.org/", "http://a/\n", "data:,x"],
)  # fmt: skip
def test_addresses_refused(tmp_path, url):
    with pytest.raises(OptionError, match="`url` must begin with http:// or https://"):
        download(url, tmp_path / "a")


def test_arguments(tmp_path):
    url = "http://127.0.0.1/a"
    with pytest.raises(TypeError, match="`url`"):
        download(3, tmp_path / "a")
    with pytest.raises(OptionError, match="`sha256` must be 64 hexadecimal digits, got 'abc'"):
        download(url, tmp_path / "a", sha256="abc")
    with pytest.raises(OptionError, match="`retries`"):
        download(url, tmp_path / "a", retries=-1)
    with pytest.raises(OptionError, match="`timeout`"):
        download(url, tmp_path / "a", timeout=0)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        download(url, tmp_path / "b" / "a")
    with pytest.raises(IsADirectoryError):
        download(url, tmp_path)


def test_permissions_are_the_users(server, target):
    mask = os.umask(0o027)
    try:
        download(f"{server.url}/a", target)
    finally:
        os.umask(mask)
    assert target.stat().st_mode & 0o777 == 0o640
