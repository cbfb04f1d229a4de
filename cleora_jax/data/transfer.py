"""Downloads that resume where they broke off, and appear whole, checked, and under their name only at the end."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedRandom
from pathlib import Path
from typing import Any

from cleora_jax import _checks as checks
from cleora_jax._atomic import atomic_path, check_target
from cleora_jax._checks import InputError, OptionError
from cleora_jax._progress import Progress, no_progress
from cleora_jax.data.web import PassingError, RangeError, blocks, check_url, response_of

MAX_SIZE = 1 << 32
MAX_WAIT = 60.0  # seconds between two tries, whatever the server asks for
RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")


class MismatchError(InputError):
    """A download that is not the file expected: another size or checksum."""


@dataclass(frozen=True)
class Downloaded:
    """A downloaded file.

    Args:
        path: where it is.
        sha256, size: of it.
        fetched: bytes that came over the network in this call; 0 where the file was there already.
    """

    path: Path
    sha256: str
    size: int
    fetched: int


def download(
    url: str,
    destination: str | os.PathLike[str],
    *,
    sha256: str | None = None,
    size: int | None = None,
    max_size: int = MAX_SIZE,
    timeout: float = 30.0,
    retries: int = 4,
    backoff: float = 1.0,
    progress: Progress = no_progress,
) -> Downloaded:
    """Download a file over http or https.

    It is written to `.<name>.part` beside `destination`, checked, and renamed. Where a connection breaks, the next try
    asks for the rest, in this call or a later one, provided that the server names its version of the file (ETag,
    Last-Modified) and it has stayed the same; else it begins anew.

    Args:
        url: the address; redirects are followed to http and https only, and never from https to http.
        destination: the file to write; its folder must exist. A file that has the `sha256` given is left as it is, and
            nothing is downloaded; any other is replaced.
        sha256: of the file, 64 hexadecimal digits; None checks nothing.
        size: bytes of the file; None checks nothing.
        max_size: bytes at which a download is given up.
        timeout: seconds without a byte after which a connection counts as broken.
        retries: tries after the first, where the fault may pass (broken connections, statuses such as 503).
        backoff: seconds before the first of these; twice as many before each next one, or what the server asks for.
        progress: called with (name, bytes done, bytes in all); see `cleora_jax.progress_bar`.

    Raises:
        OptionError: an address or an option that cannot be.
        InputError: the server refuses (404, a refused redirect, …), the tries are used up, or the file is too large or
            not the one expected (both checksums are named; what came is deleted).
        FileNotFoundError: the folder of `destination` does not exist.

    Example:
        >>> from cleora_jax.data import download
        >>> download("file:///etc/hostname", "hostname")
        Traceback (most recent call last):
            ...
        cleora_jax._checks.OptionError: `url` must begin with http:// or https:// and name a host, in plain ASCII, got 'file:///etc/hostname'.
    """
    wanted = _Wanted(
        check_url(url),
        None if sha256 is None else _digits(sha256),
        None if size is None else checks.integer("size", size, low=0),
        checks.integer("max_size", max_size, low=1),
        checks.real("timeout", timeout, low=1e-3),
    )
    tries = 1 + checks.integer("retries", retries, low=0, high=100)
    pause = checks.real("backoff", backoff, low=0.0)
    target = check_target(destination)
    if wanted.sha256 is not None and target.exists() and digest(target) == wanted.sha256:
        return Downloaded(target, wanted.sha256, target.stat().st_size, 0)
    part = target.with_name(f".{target.name}.part")
    with _alone(part) as file:
        transfer = _Transfer(wanted, file, part.with_name(f"{part.name}.json"), target.name, progress)
        transfer.complete(tries, pause)
        try:
            found = wanted.check(file)
        except InputError:
            part.unlink()
            raise
        with atomic_path(target) as temporary:
            os.replace(part, temporary)
        return Downloaded(target, found, target.stat().st_size, transfer.fetched)


def digest(path: Path) -> str:
    """The sha256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digits(sha256: Any) -> str:
    if not isinstance(sha256, str) or not re.fullmatch("[0-9a-fA-F]{64}", sha256):
        raise OptionError(f"`sha256` must be 64 hexadecimal digits, got {sha256!r:.100}.")
    return sha256.lower()


@contextmanager
def _alone(part: Path) -> Iterator[BufferedRandom]:
    """The partial file, open for one process; InputError where another is at it."""
    with open(os.open(part, os.O_RDWR | os.O_CREAT, 0o666), "r+b") as file:
        if os.name != "nt":
            import fcntl

            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise InputError(f"{part}: another process is downloading this file.") from error
            if not _stands(part, file):  # opened before the lock was had: it is the other's target by now
                raise InputError(f"{part}: another process has just downloaded this file.")
        try:
            yield file
        finally:
            if file.seek(0, os.SEEK_END) == 0 and _stands(part, file):
                part.unlink()


def _stands(part: Path, file: BufferedRandom) -> bool:
    """Whether the open file is the one of that name."""
    return part.exists() and os.path.samestat(os.stat(part), os.fstat(file.fileno()))


@dataclass(frozen=True)
class _Wanted:
    """What is asked for, and what the file must be."""

    url: str
    sha256: str | None
    size: int | None
    max_size: int
    timeout: float

    def check_size(self, size: int) -> None:
        """Raise InputError for a size, announced or reached, that cannot be right."""
        if self.size is not None and size != self.size:
            raise MismatchError(f"{self.url}: {size:,} bytes, expected {self.size:,}.")
        if size > self.max_size:
            raise InputError(f"{self.url}: {size:,} bytes are more than the {self.max_size:,} allowed (`max_size`).")

    def check(self, file: BufferedRandom) -> str:
        """The sha256 of the whole file, or InputError where it is not the one expected."""
        self.check_size(file.seek(0, os.SEEK_END))
        file.seek(0)
        found = hashlib.file_digest(file, "sha256").hexdigest()
        if self.sha256 is not None and found != self.sha256:
            raise MismatchError(
                f"{self.url}: the checksum is wrong: expected sha256 {self.sha256}, found {found}. Nothing was kept."
            )
        return found


@dataclass
class _Transfer:
    """One download under way: the bytes that are here, and which version of the file they are of.

    Args:
        note: holds the address and version (ETag or Last-Modified) of the bytes in `file`.
        fetched: bytes that came in this call.
    """

    wanted: _Wanted
    file: BufferedRandom
    note: Path
    name: str
    progress: Progress
    fetched: int = 0

    def complete(self, tries: int, pause: float) -> None:
        """Try until the file is whole; InputError where the tries are used up."""
        for attempt in range(tries):
            try:
                self.go_on()
                self.note.unlink(missing_ok=True)
                return
            except PassingError as error:
                if attempt + 1 == tries:
                    raise InputError(f"{self.wanted.url}: given up after {tries} tries: {error}.") from error
                time.sleep(min(max(pause * 2**attempt, error.wait), MAX_WAIT))

    def go_on(self) -> None:
        """One request: for the rest where its version is known, for the whole otherwise."""
        version = self.version()
        here = self.file.seek(0, os.SEEK_END) if version else self.begin_anew()
        headers = {"Range": f"bytes={here}-", "If-Range": version} if here and version else {}
        try:
            with response_of(self.wanted.url, headers, self.wanted.timeout) as response:
                self.receive(response, here, version)
        except RangeError as error:
            self.begin_anew()
            raise PassingError("the server has no such part of the file") from error

    def receive(self, response: Any, here: int, version: str | None) -> None:
        """Write the body behind the bytes that are here, or in their place where the server sends the whole."""
        total = _whole_size(response, here)
        if response.status == 206 and (total is None or _version_of(response) not in (None, version)):
            self.begin_anew()
            raise PassingError("the server sent another part than was asked for, or of another version")
        if response.status != 206:
            here = self.begin_anew()
            self.write_note(_version_of(response))
        if total is not None:
            self.check_size(total)
        for block in blocks(response):
            here += self.file.write(block)
            self.fetched += len(block)
            if here > self.wanted.max_size:
                self.check_size(here)
            self.progress(self.name, here, total or here)
        self.file.flush()
        if total is not None and here < total:
            raise PassingError(f"the connection ended after {here:,} of {total:,} bytes")

    def check_size(self, size: int) -> None:
        """As `_Wanted.check_size`; what came of a file of the wrong size is dropped."""
        try:
            self.wanted.check_size(size)
        except InputError:
            self.begin_anew()
            raise

    def begin_anew(self) -> int:
        """Drop what is here: 0 bytes remain."""
        self.file.seek(0)
        self.file.truncate()
        self.note.unlink(missing_ok=True)
        return 0

    def version(self) -> str | None:
        """The version of the bytes that are here, or None where they are of no known one or of another address."""
        try:
            noted = json.loads(self.note.read_text(encoding="utf-8"))
            same = noted["url"] == self.wanted.url
            return str(noted["version"]) if same else None
        except (FileNotFoundError, ValueError, TypeError, KeyError):  # no note, or one half written
            return None

    def write_note(self, version: str | None) -> None:
        """Note the version of the bytes that are about to come."""
        if version is not None:
            text = json.dumps({"url": self.wanted.url, "version": version})
            self.note.write_text(text, encoding="utf-8")


def _version_of(response: Any) -> str | None:
    """What names a version of the file byte for byte: a strong ETag, else the date of its last change."""
    tag = response.headers.get("ETag")
    if tag and not tag.startswith("W/"):  # a weak one does not promise the same bytes
        return str(tag)
    return response.headers.get("Last-Modified")


def _whole_size(response: Any, here: int) -> int | None:
    """Bytes of the whole file, where told; of a part, None unless it begins at `here`."""
    if response.status == 206:
        told = RANGE.fullmatch(response.headers.get("Content-Range", ""))
        return int(told[2]) if told and int(told[1]) == here else None
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None
