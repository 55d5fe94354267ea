"""One GET of a small document from a service that an admin configured."""

import json
from dataclasses import dataclass

import httpx

from unlost.kit.addresses import is_safe
from unlost.model.errors import TransientError, UsageError
from unlost.model.source.reading import Json

SECONDS = 10.0
LARGEST = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class JsonDocument:
    """A JSON object; ``fields`` holds its text values only."""

    url: str
    fields: dict[str, str]


def get_document(url: str, *, transport: httpx.BaseTransport | None = None) -> JsonDocument:
    """Get the JSON document at an ``https`` address; plain http only on this machine.

    Raises UsageError (``address-unreadable``, ``document-unreadable``), TransientError
    (``document-away``).
    """
    return JsonDocument(url, _texts(url, get_body(url, transport=transport)))


def get_body(url: str, *, transport: httpx.BaseTransport | None = None) -> bytes:
    """Get the body at an address, at most 1 MiB; raises the errors of ``get_document``."""
    try:
        place = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise _unreadable_address(url) from error
    if not place.host or not is_safe(url):
        raise _unreadable_address(url)
    try:
        return _body(url, transport)
    except httpx.HTTPError as error:
        raise TransientError(
            "document-away",
            "{url} could not be read: {error}.",
            next_step="Check the address, and check whether this machine can reach it.",
            url=url,
            error=error or type(error).__name__,
        ) from error


# A compressed body could be a thousand times as large as it arrives.
_HEADERS = {"User-Agent": "unlost", "Accept-Encoding": "identity"}


def _body(url: str, transport: httpx.BaseTransport | None) -> bytes:
    with (
        httpx.Client(transport=transport, timeout=SECONDS) as client,
        client.stream("GET", url, headers=_HEADERS) as answer,
    ):
        if answer.status_code != httpx.codes.OK:
            raise _not_it(url, f"it returned HTTP {answer.status_code}")
        if answer.headers.get("Content-Encoding", "identity") != "identity":
            raise _not_it(url, "it is compressed")
        body = b""
        for piece in answer.iter_bytes():
            body += piece
            if len(body) > LARGEST:
                raise _not_it(url, "it is too long")
        return body


def _texts(url: str, body: bytes) -> dict[str, str]:
    try:
        content: Json = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise _not_it(url, "it is not JSON") from error
    if not isinstance(content, dict):
        raise _not_it(url, "it is not a JSON object")
    return {name: value for name, value in content.items() if isinstance(value, str)}


def _unreadable_address(url: str) -> UsageError:
    return UsageError(
        "address-unreadable",
        "{url!r} is not a valid address.",
        next_step="Use an address that begins with https://.",
        url=url,
    )


def _not_it(url: str, why: str) -> UsageError:
    return UsageError(
        "document-unreadable",
        "{url} is not the expected document: {why}.",
        next_step="Compare the address with the documentation of the provider.",
        url=url,
        why=why,
    )
