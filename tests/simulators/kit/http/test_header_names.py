"""Header names go over the wire in their usual case, as real servers send them."""

import asyncio
import socket
from urllib.parse import urlsplit

import pytest

from simulators.kit.bakery import Bakery, app
from unlost_simulators.kit.http.calls import Answer
from unlost_simulators.kit.http.delivery import HeaderName, Parcel, deliver
from unlost_simulators.kit.listener import listen, serve_beside
from unlost_simulators.kit.orgs import OrgOptions


def test_a_name_keeps_its_case_and_equals_every_other_case() -> None:
    name = HeaderName(b"Content-Type")
    assert name.lower() is name
    assert name == b"content-type"
    assert hash(name) == hash(HeaderName(b"CONTENT-TYPE"))
    assert name != b"content-length"
    assert name != "Content-Type"


async def sent(parcel: Parcel) -> list[bytes]:
    messages = []

    async def send(message) -> None:
        messages.append(message)

    await deliver(parcel, send)
    return [bytes(name) for name, _ in messages[0]["headers"]]


@pytest.mark.parametrize(
    ("parcel", "names"),
    [
        (Parcel(Answer(body=b"x", headers={"ETag": '"1"'})), [b"ETag", b"Content-Length"]),
        (Parcel(Answer(stream=iter([b"x"]))), [b"Transfer-Encoding"]),
        (Parcel(Answer(204), closes=True), [b"Connection"]),
        (Parcel(Answer(204), cookies=("a=1", "b=2")), [b"Set-Cookie", b"Set-Cookie"]),
    ],
)
def test_names_that_the_kit_adds_have_their_usual_case(parcel, names) -> None:
    assert asyncio.run(sent(parcel)) == names


def raw(url: str, request: bytes) -> bytes:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as line:
        line.sendall(request)
        pieces = []
        while piece := line.recv(65_536):
            pieces.append(piece)
    return b"".join(pieces)


@pytest.mark.network
@pytest.mark.parametrize("path", [b"/bread", b"/__sim__/clock", b"/__sim__/nothing"])
def test_a_real_server_sends_them_so(path: bytes) -> None:
    door = listen("127.0.0.1", 0)
    serving = serve_beside(app(Bakery(OrgOptions())), door)
    try:
        whole = raw(
            door.url, b"GET " + path + b" HTTP/1.1\r\nHost: bakery\r\nConnection: close\r\n\r\n"
        )
    finally:
        serving.stop()
        door.socket.close()
    head = whole.partition(b"\r\n\r\n")[0]
    lines = head.split(b"\r\n")[1:]
    names = [line.partition(b":")[0].decode() for line in lines]
    assert {"Content-Type", "Content-Length", "Connection"} <= set(names)
    assert all(name == name.title() for name in names), names
