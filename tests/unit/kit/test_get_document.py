"""One GET of a small document from a service that an admin named."""

import gzip

import httpx
import pytest

from unlost.kit.http.get import LARGEST, get_document
from unlost.model.errors import TransientError, UsageError

URL = "https://id.acme.example/.well-known/openid-configuration"


def answering(status: int = 200, body: bytes = b"{}") -> httpx.MockTransport:
    return httpx.MockTransport(lambda request: httpx.Response(status, content=body))


def test_the_texts_of_an_object() -> None:
    body = b'{"issuer": "https://id.acme.example", "scopes": ["openid"], "n": 1}'
    document = get_document(URL, transport=answering(body=body))
    assert document.fields == {"issuer": "https://id.acme.example"}


@pytest.mark.parametrize(
    ("transport", "why"),
    [
        (answering(404), "HTTP 404"),
        (answering(302), "HTTP 302"),
        (answering(body=b"<html>"), "not JSON"),
        (answering(body=b"\xff\xfe\xff"), "not JSON"),
        (answering(body=b"[]"), "not a JSON object"),
        (answering(body=b"[" * LARGEST), "not JSON"),
        (answering(body=b"[" * (LARGEST + 1)), "too long"),
    ],
)
def test_what_is_another_document(transport: httpx.MockTransport, why: str) -> None:
    with pytest.raises(UsageError, match=why) as caught:
        get_document(URL, transport=transport)
    assert caught.value.code == "document-unreadable"


def test_a_document_that_arrives_compressed_is_not_unpacked() -> None:
    """A few kilobytes of zeros, compressed, are hundreds of megabytes."""

    def compressed(request: httpx.Request) -> httpx.Response:
        assert request.headers["Accept-Encoding"] == "identity"
        packed = gzip.compress(b'{"issuer": "' + b"0" * LARGEST + b'"}')
        return httpx.Response(
            200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(packed)
        )

    with pytest.raises(UsageError, match="it is compressed"):
        get_document(URL, transport=httpx.MockTransport(compressed))


def test_who_does_not_answer() -> None:
    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no route", request=request)

    with pytest.raises(TransientError, match="no route") as caught:
        get_document(URL, transport=httpx.MockTransport(away))
    assert caught.value.code == "document-away"


@pytest.mark.parametrize(
    "url",
    [
        "http://id.acme.example/",
        "http://127.evil.example/",
        "ftp://127.0.0.1/x",
        "ftp://x",
        "",
        "https://",
        "https://a\nb",
    ],
)
def test_an_address_that_is_not_called(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        get_document(url, transport=answering())
    assert caught.value.code == "address-unreadable"


def test_this_machine_may_do_without_tls() -> None:
    assert get_document("http://127.0.0.1:8080/x", transport=answering()).fields == {}
