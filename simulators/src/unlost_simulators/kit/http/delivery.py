"""From an answer to the wire (ASGI): large pieces, known lengths, and deliberate accidents.

A cut is made by leaving the body unfinished: the server then closes the connection, and the client
sees what it sees when a line breaks.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from starlette.concurrency import iterate_in_threadpool
from starlette.types import Send

from unlost_simulators.kit.faults import Framing
from unlost_simulators.kit.http.calls import Answer
from unlost_simulators.kit.http.spoil import SOUND, Wire


class HeaderName(bytes):
    """A header name that goes over the wire in its usual case, such as ``Content-Type``.

    Names are the same in any case, yet some released clients look them up in this one. The server
    puts every name into lower case and finds ``content-length`` by comparison, so this name keeps
    its case in the first and disregards it in the second.
    """

    def lower(self) -> HeaderName:
        """Return the name as it is."""
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, bytes) and bytes.lower(self) == bytes.lower(other)

    def __hash__(self) -> int:
        return hash(bytes.lower(self))


@dataclass(frozen=True, slots=True)
class Parcel:
    """An answer with everything decided about its way over the wire."""

    answer: Answer
    wire: Wire = SOUND
    cookies: tuple[str, ...] = ()
    head_only: bool = False
    closes: bool = False
    """The connection ends after it, because the client asked for that."""


async def deliver(parcel: Parcel, send: Send) -> int:
    """Send an answer; gives the number of body bytes sent."""
    answer = parcel.answer
    if parcel.wire.lost:
        await _hang_up(send)
        return 0
    if parcel.wire.wait_seconds:
        await asyncio.sleep(parcel.wire.wait_seconds)
    await send({"type": "http.response.start", "status": answer.status, "headers": _head(parcel)})
    if parcel.head_only or answer.status in (204, 304):
        await send({"type": "http.response.body", "body": b""})
        return 0
    sent = 0
    async for chunk in _pieces(parcel):
        sent += len(chunk)
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    # Without this last message the server closes the connection in the middle of the body.
    if parcel.wire.stop_after is None or parcel.wire.framing is Framing.CLEAN:
        await send({"type": "http.response.body", "body": b""})
    return sent


class ReplyLost(ConnectionError):
    """The answer was not sent, on purpose, over a server whose connection cannot be ended."""


async def _hang_up(send: Send) -> None:
    """End the connection without an answer, which ASGI has no message for.

    ``send`` belongs to the server's own record of the exchange, and that holds the connection.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ReplyLost("the reply is lost")
    transport.abort()
    # The server learns of the end in the next turn of its loop.
    await asyncio.sleep(0)
    await asyncio.sleep(0)


def _head(parcel: Parcel) -> list[tuple[bytes, bytes]]:
    answer, wire = parcel.answer, parcel.wire
    headers = dict(answer.headers)
    length = answer.length
    if wire.stop_after is not None and wire.framing is Framing.CLEAN:
        length = wire.stop_after
    chunked = wire.stop_after is not None and wire.framing is Framing.CHUNKED
    if answer.status not in (204, 304):
        if length is not None and not chunked:
            headers.setdefault("Content-Length", str(length))
        elif "Content-Length" not in headers and not parcel.head_only:
            # The server would add it in lower case.
            headers["Transfer-Encoding"] = "chunked"
    if parcel.closes:
        headers["Connection"] = "close"  # the same holds for this one
    pairs = [*headers.items(), *(("Set-Cookie", cookie) for cookie in parcel.cookies)]
    return [
        (HeaderName(name.encode("latin-1")), value.encode("latin-1", "replace"))
        for name, value in pairs
    ]


async def _pieces(parcel: Parcel) -> AsyncIterator[bytes]:
    wire = parcel.wire
    pieces = _limited(parcel.answer.chunks(), wire.stop_after)
    if wire.drip_chunk is not None:
        async for piece in iterate_in_threadpool(_small(pieces, wire.drip_chunk)):
            await asyncio.sleep(wire.drip_seconds)
            yield piece
    elif parcel.answer.stream is not None:
        async for piece in iterate_in_threadpool(pieces):
            yield piece
    else:
        # Files come from the page cache: a thread hop for each piece would cost more than the read.
        for piece in pieces:
            yield piece


def _limited(chunks: Iterator[bytes], limit: int | None) -> Iterator[bytes]:
    if limit is None:
        yield from chunks
        return
    remaining = limit
    for chunk in chunks:
        if remaining <= 0:
            return
        yield chunk[:remaining]
        remaining -= len(chunk)


def _small(chunks: Iterator[bytes], size: int) -> Iterator[bytes]:
    for chunk in chunks:
        for at in range(0, len(chunk), size):
            yield chunk[at : at + size]
