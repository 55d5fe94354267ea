"""Answers that are made while they are sent, piece by piece."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import BinaryIO

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from unlost.app.operations import BYTES

PIECE = 1 << 20  # bytes sent at a time


class StreamedResponse(StreamingHttpResponse):
    """Its pieces come from a plain iterator, one at a time; Django alone would gather them all."""

    def __init__(self, pieces: Iterator[bytes], *, content_type: str) -> None:
        super().__init__(pieces, content_type=content_type)
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The pieces, each made in a thread where the database may be asked."""
        while (piece := await sync_to_async(self._next)()) is not None:
            yield piece

    def _next(self) -> bytes | None:
        return next(self._pieces, None)


def pieces(stack: ExitStack, body: BinaryIO) -> Iterator[bytes]:
    """The bytes of a stream that is open until ``stack`` is closed, which is done at its end."""
    with stack:
        while piece := body.read(PIECE):
            yield piece


def saved(body: Iterator[bytes], *, name: str, media: str = BYTES) -> StreamedResponse:
    """An answer that browsers save under a name, and never show."""
    answer = StreamedResponse(body, content_type=media)
    named = content_disposition_header(as_attachment=True, filename=name)
    answer["Content-Disposition"] = named or "attachment"
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer
