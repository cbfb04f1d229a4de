"""HTTP by the standard library: http and https only, whatever redirects say; passing faults told from lasting ones."""

from __future__ import annotations

import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from cleora_jax._checks import InputError, OptionError
from cleora_jax._version import __version__

SCHEMES = ("http", "https")
PASSING = (408, 425, 429, 500, 502, 503, 504)  # statuses that may be another next time
BLOCK = 1 << 16


class PassingError(Exception):
    """A fault that may be gone next time; `wait` seconds are asked for by the server."""

    def __init__(self, message: str, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


class RangeError(Exception):
    """The server has no such part of the file: what is here already is not the beginning of it."""


def check_url(url: str) -> str:
    """The address, or OptionError unless it is http or https and names a host."""
    if not isinstance(url, str):
        raise TypeError(f"`url` must be a string, got {url!r:.100}.")
    try:
        parts = urlsplit(url)
        whole = parts.scheme in SCHEMES and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number, a bracket that is not closed
        whole = False
    if not whole or not url.isascii() or any(not character.isprintable() or character == " " for character in url):
        raise OptionError(f"`url` must begin with http:// or https:// and name a host, in plain ASCII, got {url!r}.")
    return url


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects to http and https, and none from https back to http."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        scheme = urlsplit(newurl).scheme
        if scheme not in SCHEMES or (urlsplit(req.full_url).scheme == "https" and scheme == "http"):
            raise InputError(f"{req.full_url}: redirected to {newurl!r}, which is refused.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """An opener that knows http and https alone: urllib's own also opens file://, ftp:// and data://."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirects(),
    ):
        opener.add_handler(handler)
    return opener


@contextmanager
def response_of(url: str, headers: dict[str, str], timeout: float) -> Iterator[Any]:
    """The response to a GET; errors as `PassingError`, `RangeError` (416) or, for lasting ones, InputError."""
    agent = {"User-Agent": f"cleora_jax/{__version__}", "Accept-Encoding": "identity"}
    request = urllib.request.Request(url, headers=agent | headers)
    try:
        response = _opener().open(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        with error:
            raise _status_error(url, error) from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise InputError(f"{url}: the server's certificate is not valid ({error.reason}).") from error
        raise PassingError(str(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise PassingError(repr(error)) from error
    with response:
        yield response


def _status_error(url: str, error: urllib.error.HTTPError) -> Exception:
    if error.code == 416:
        return RangeError()
    message = f"the server answers {error.code} {error.reason}"
    if error.code in PASSING:
        asked = error.headers.get("Retry-After", "")
        return PassingError(message, float(asked) if asked.isdecimal() else 0.0)
    return InputError(f"{url}: {message}.")


def blocks(response: Any) -> Iterator[bytes]:
    """The body in blocks; PassingError where the connection breaks or rests too long."""
    while True:
        try:
            block = response.read(BLOCK)
        except (OSError, http.client.HTTPException) as error:
            raise PassingError(repr(error)) from error
        if not block:
            return
        yield block
