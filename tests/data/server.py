"""A server on this machine that misbehaves as told: cuts connections, ignores ranges, changes files, redirects."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Script:
    """What the server answers.

    Args:
        content: the file at every path but those of `redirects` and `files`.
        files: contents of other paths.
        cuts: for the next requests, each: bytes of the body after which the connection is cut; None sends all.
        statuses: answers to the next requests, in place of the file; None answers with the file.
        etag, modified: headers that name the version.
        ranges: honour Range (with If-Range).
        length: tell Content-Length.
        shift: bytes by which parts begin later than asked for.
        redirects: path → address.
        seen: the requests that came: (path, headers).
    """

    content: bytes = b""
    files: dict[str, bytes] = field(default_factory=dict)
    cuts: list[int | None] = field(default_factory=list)
    statuses: list[int | None] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    etag: str | None = '"one"'
    modified: str | None = None
    ranges: bool = True
    obeys_if_range: bool = True
    length: bool = True
    shift: int = 0
    redirects: dict[str, str] = field(default_factory=dict)
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    url: str = ""

    def asked(self, header: str) -> list[str | None]:
        """That header of each request."""
        return [headers.get(header) for _, headers in self.seen]


class _Handler(BaseHTTPRequestHandler):
    script: Script

    def log_message(self, *args: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        script = self.script
        script.seen.append((self.path, dict(self.headers)))
        status = script.statuses.pop(0) if script.statuses else None
        if self.path in script.redirects:
            return self.empty(302, {"Location": script.redirects[self.path]})
        if status is not None:
            return self.empty(status, script.headers)
        content = script.files.get(self.path, script.content)
        start = self.start(content)
        if start > len(content) or (start == len(content) and start):
            return self.empty(416, {})
        body = content[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if script.length:
            self.send_header("Content-Length", str(len(body)))
        for name, value in (("ETag", script.etag), ("Last-Modified", script.modified)):
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        cut = script.cuts.pop(0) if script.cuts else None
        self.wfile.write(body[:cut])
        self.close_connection = True
        return None

    def start(self, content: bytes) -> int:
        """Where the answer begins: at the range asked for, if it is honoured."""
        asked = self.headers.get("Range")
        if asked is None or not self.script.ranges:
            return 0
        versions = (None, self.script.etag, self.script.modified)
        if self.script.obeys_if_range and self.headers.get("If-Range") not in versions:
            return 0
        return int(asked.removeprefix("bytes=").removesuffix("-")) + self.script.shift

    def empty(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()


@contextmanager
def serving(script: Script) -> Iterator[Script]:
    """The script with the address of a server that follows it."""
    handler = type("Handler", (_Handler,), {"script": script})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    script.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield script
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
