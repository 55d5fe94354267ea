"""Facts about the HTTP library's responses and errors, and the authorities that it trusts."""

import os
import ssl
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import httpx

from unlost.kit.addresses import host_of
from unlost.kit.http.body import cut, number_in, whole
from unlost.kit.http.limits import AnswerLimits
from unlost.kit.http.messages import LONGEST_PATH, Headers

# A source that asks for a longer pause is asked again sooner; it will refuse again.
LONGEST_PARKING = 86_400.0


def trusted() -> ssl.SSLContext:
    """The trusted authorities. To read them takes 25 ms: once for all clients, until they change."""
    file = Path(os.environ.get("SSL_CERT_FILE", ""))
    changed = file.stat().st_mtime_ns if file.is_file() else 0
    return _read_trusted(file, os.environ.get("SSL_CERT_DIR"), changed)


@cache
def _read_trusted(_file: Path, _folder: str | None, _changed: int) -> ssl.SSLContext:
    return httpx.create_ssl_context()  # reads the variables itself


def headers_of(response: httpx.Response) -> Headers:
    """The headers, with names in lower case."""
    return {name.lower(): value for name, value in response.headers.items()}


def chunks_of(response: httpx.Response, headers: Headers, limits: AnswerLimits) -> Iterator[bytes]:
    """The plain bytes of the body, checked; raises TransientError for one that was cut."""
    return whole(_raw(response), headers, limits)


def _raw(response: httpx.Response) -> Iterator[bytes]:
    try:
        yield from response.iter_raw()
    except httpx.TransportError as error:
        raise cut(type(error).__name__) from error


def cause_of(error: Exception) -> str:
    """The library's text; for certificate errors that of the check, the only useful one."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"certificate: {cause.verify_message}"
        cause = cause.__cause__ or cause.__context__
    return str(error)


def retry_after_of(headers: Headers) -> float | None:
    """Seconds of a Retry-After header; its date form is ignored (RFC 9110, 10.2.3)."""
    seconds = number_in(headers, "retry-after")
    return None if seconds is None else min(float(seconds), LONGEST_PARKING)


def moved_to(status: int, headers: Headers) -> str:
    """The host to which an answer redirects; empty if it does not redirect."""
    if not 300 <= status < 400 or "location" not in headers:
        return ""
    return host_of(headers["location"])[:LONGEST_PATH] or "another path"
