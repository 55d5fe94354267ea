"""Responses that are produced while they are sent."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import BinaryIO

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from unlost.app.operations import BYTES

PIECE = 1 << 20  # bytes sent at a time


class StreamedResponse(StreamingHttpResponse):
    """A response that streams a plain iterator; Django alone would collect it first."""

    def __init__(self, pieces: Iterator[bytes], *, content_type: str) -> None:
        super().__init__(pieces, content_type=content_type)
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the chunks, each produced in a thread that may use the database."""
        # Under ASGI Django would read a plain iterator to its end before it sends anything.
        while (piece := await sync_to_async(self._next)()) is not None:
            yield piece

    def _next(self) -> bytes | None:
        return next(self._pieces, None)


def pieces(stack: ExitStack, body: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes of a stream in chunks, and close ``stack`` at the end."""
    with stack:
        while piece := body.read(PIECE):
            yield piece


def saved(body: Iterator[bytes], *, name: str, media: str = BYTES) -> StreamedResponse:
    """Return a response that browsers save under a name, and never show."""
    answer = StreamedResponse(body, content_type=media)
    named = content_disposition_header(as_attachment=True, filename=name)
    answer["Content-Disposition"] = named or "attachment"
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer
